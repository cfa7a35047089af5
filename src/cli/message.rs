//! How errors are said.

use std::io::Write;

use owo_colors::OwoColorize;

use super::settings::Settings;
use super::{Exit, Streams};

/// Says what went wrong: `error: ` and the causes, outermost first.
pub fn failed(streams: &mut Streams, settings: &Settings, error: &anyhow::Error) -> Exit {
    let label = if settings.message_color {
        "error:".red().bold().to_string()
    } else {
        "error:".to_owned()
    };
    // Whoever closed standard error cannot be told.
    let _ = writeln!(streams.err, "{label} {error:#}");
    Exit::Trouble
}
