//! Prints errors.

use std::collections::BTreeMap;
use std::io::Write;

use owo_colors::OwoColorize;

use super::settings::Settings;
use super::{Exit, Streams};
use crate::model::{ObjectStatus, Warning};
use crate::output::escape;
use crate::redact::Redacted;

/// Prints an error: `error: ` and the causes, outermost first.
pub fn failed(streams: &mut Streams, settings: &Settings, error: &anyhow::Error) -> Exit {
    print_message(streams, settings, &format!("{error:#}"));
    Exit::Trouble
}

/// Prints what made a comparison incomplete, and for which of several clusters.
pub fn what_failed(
    streams: &mut Streams,
    settings: &Settings,
    report: &Redacted,
    cluster: Option<&str>,
) {
    let mut say = |message: &str| match cluster {
        Some(cluster) => print_message(streams, settings, &format!("{cluster}: {message}")),
        None => print_message(streams, settings, message),
    };
    let fatal = report.warnings.iter().filter(|warning| warning.fatal);
    let fatal = fatal.map(|warning| (warning.place.clone(), warning.message.clone()));
    grouped(fatal).iter().for_each(|message| say(message));
    let unknown = report
        .objects
        .iter()
        .filter(|o| o.status() == ObjectStatus::Unknown);
    let unknown = unknown.map(|object| {
        let reason = object.reason.as_deref();
        let reason = reason.unwrap_or("it could not be compared");
        (object.key.to_string(), reason.to_owned())
    });
    grouped(unknown).iter().for_each(|message| say(message));
    if report.interrupted {
        say("the run was interrupted");
    }
}

/// Prints warnings about files and rules.
pub fn warnings(streams: &mut Streams, settings: &Settings, warnings: &[Warning]) {
    for warning in warnings {
        let message = match warning.place.as_str() {
            "" => warning.message.clone(),
            place => format!("{place}: {}", warning.message),
        };
        if warning.fatal {
            print_message(streams, settings, &message);
        } else {
            let _ = writeln!(streams.err, "warning: {}", escape::line(&message));
        }
    }
}

/// Groups messages: those with the same text become one, with a count.
fn grouped(messages: impl Iterator<Item = (String, String)>) -> Vec<String> {
    /// Messages are grouped from this number on.
    const SEVERAL: usize = 4;
    /// How many of them are named.
    const NAMED: usize = 3;
    let mut order: Vec<String> = Vec::new();
    let mut by_message: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (about, message) in messages {
        let about_others = by_message.entry(message.clone()).or_default();
        if about_others.is_empty() {
            order.push(message);
        }
        about_others.push(about);
    }
    let mut said = Vec::new();
    for message in order {
        let mut all = by_message.remove(&message).unwrap_or_default();
        let count = all.len();
        if count < SEVERAL {
            let each = all.iter().map(|about| match about.as_str() {
                "" => message.clone(),
                about => format!("{about}: {message}"),
            });
            said.extend(each);
            continue;
        }
        all.truncate(NAMED);
        // If all are of the same kind, it is named once.
        let kind = |about: &String| about.split_once(' ').map(|(kind, _)| kind.to_owned());
        if let Some(first) = all.first().and_then(kind) {
            let begins = format!("{first} ");
            let others = all.iter_mut().skip(1);
            others.for_each(|about| {
                if let Some(name) = about.strip_prefix(&begins) {
                    *about = name.to_owned();
                }
            });
        }
        said.push(format!(
            "{} and {} more: {message}",
            all.join(", "),
            count - NAMED
        ));
    }
    said
}

/// Prints a message on one line, with control characters escaped.
pub fn print_message(streams: &mut Streams, settings: &Settings, message: &str) {
    let label = if settings.message_color {
        "error:".red().bold().to_string()
    } else {
        "error:".to_owned()
    };
    // Standard error is closed: there is nowhere to report it.
    let _ = writeln!(
        streams.err,
        "{label} {}",
        escape::text(message).replace('\n', "\n  ")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_equal_messages_about_many_objects() {
        let message = |about: &str, message: &str| (about.to_owned(), message.to_owned());
        let many =
            ["a", "b", "c", "d", "e"].map(|name| message(&format!("Pod shop/{name}"), "why"));
        let others = [message("x.yaml:1", "other"), message("", "alone")];
        assert_eq!(
            grouped(many.into_iter().chain(others)),
            [
                "Pod shop/a, shop/b, shop/c and 2 more: why",
                "x.yaml:1: other",
                "alone"
            ]
        );
        let few = ["a", "b"].map(|name| message(name, "why"));
        assert_eq!(grouped(few.into_iter()), ["a: why", "b: why"]);
    }
}
