//! Offers the formats of the commands other than `driftctl diff`.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

pub use crate::output::CommandFormat;

/// Returns a parser for the formats of a command, each with a line for the help. An unknown format
/// is an error that lists the known ones.
pub fn offer(
    formats: &'static [(CommandFormat, &'static str)],
) -> impl TypedValueParser<Value = CommandFormat> {
    let values = formats
        .iter()
        .map(|(format, about)| PossibleValue::new(format.as_str()).help(*about));
    PossibleValuesParser::new(values).try_map(|word: String| {
        let offered = formats.iter().find(|(format, _)| format.as_str() == word);
        offered
            .map(|(format, _)| *format)
            .ok_or_else(|| format!("{word} is not offered"))
    })
}

/// The formats of a command that prints text or a document.
pub const TEXT_OR_JSON: &[(CommandFormat, &str)] = &[
    (CommandFormat::Text, "Lines to read"),
    (CommandFormat::Json, "One JSON document"),
];
