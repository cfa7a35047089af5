//! Offers some of the values of a type, such as the formats that a command writes.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::model::Worded;
pub use crate::output::CommandFormat;

/// Returns a parser for the values that a flag takes, each with a line for the help. An unknown
/// value is an error that lists the known ones.
pub fn offer<T: Worded + Send + Sync>(
    offered: &'static [(T, &'static str)],
) -> impl TypedValueParser<Value = T> {
    let values = offered
        .iter()
        .map(|(value, about)| PossibleValue::new(value.word()).help(*about));
    PossibleValuesParser::new(values).try_map(|word: String| {
        let found = offered.iter().find(|(value, _)| value.word() == word);
        found
            .map(|(value, _)| *value)
            .ok_or_else(|| format!("{word} is not offered"))
    })
}

/// The formats of a command that prints text or a document.
pub const TEXT_OR_JSON: &[(CommandFormat, &str)] = &[
    (CommandFormat::Text, "Text for reading"),
    (CommandFormat::Json, "One JSON document"),
];
