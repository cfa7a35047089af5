//! How errors are said.

use std::io::Write;

use owo_colors::OwoColorize;

use super::settings::Settings;
use super::{Exit, Streams};
use crate::model::{Status, Warning};
use crate::output::escape;
use crate::redact::Redacted;

/// Says what went wrong: `error: ` and the causes, outermost first.
pub fn failed(streams: &mut Streams, settings: &Settings, error: &anyhow::Error) -> Exit {
    say(streams, settings, &format!("{error:#}"));
    Exit::Trouble
}

/// Says what made a comparison incomplete, and with which of several clusters.
pub fn what_failed(
    streams: &mut Streams,
    settings: &Settings,
    report: &Redacted,
    cluster: Option<&str>,
) {
    let mut say = |message: &str| match cluster {
        Some(cluster) => say(streams, settings, &format!("{cluster}: {message}")),
        None => say(streams, settings, message),
    };
    for warning in report.warnings.iter().filter(|warning| warning.fatal) {
        let message = match warning.place.as_str() {
            "" => warning.message.clone(),
            place => format!("{place}: {}", warning.message),
        };
        say(&message);
    }
    let unknown = report
        .objects
        .iter()
        .filter(|o| o.status() == Status::Unknown);
    for object in unknown {
        let reason = object
            .reason
            .as_deref()
            .unwrap_or("it could not be compared");
        say(&format!("{}: {reason}", object.key));
    }
    if report.interrupted {
        say("the run was interrupted");
    }
}

/// Says what is to be said of files and rules.
pub fn warnings(streams: &mut Streams, settings: &Settings, warnings: &[Warning]) {
    for warning in warnings {
        let message = match warning.place.as_str() {
            "" => warning.message.clone(),
            place => format!("{place}: {}", warning.message),
        };
        if warning.fatal {
            say(streams, settings, &message);
        } else {
            let _ = writeln!(streams.err, "warning: {}", escape::line(&message));
        }
    }
}

/// One message, on a line of its own whatever it quotes.
pub fn say(streams: &mut Streams, settings: &Settings, message: &str) {
    let label = if settings.message_color {
        "error:".red().bold().to_string()
    } else {
        "error:".to_owned()
    };
    // Whoever closed standard error cannot be told.
    let _ = writeln!(
        streams.err,
        "{label} {}",
        escape::text(message).replace('\n', "\n  ")
    );
}
