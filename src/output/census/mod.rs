//! Writes the output of `driftctl coverage`.

mod document;
mod figures;
mod text;

use std::io::{self, Write};

use super::{CommandFormat, RenderOptions};
use crate::model::Census;

pub use document::census_schema;

/// The options of a census.
#[derive(Debug, Clone, Copy, Default)]
pub struct CensusOptions {
    /// Whether objects that are declared elsewhere count as declared.
    pub counts_elsewhere: bool,
    /// The minimum percentage, if one is required.
    pub least: Option<f64>,
}

/// Writes a census.
///
/// # Errors
/// Fails like `out`.
pub fn census(
    census: &Census,
    asked: CensusOptions,
    format: CommandFormat,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        CommandFormat::Json => document::write(census, asked, out),
        CommandFormat::Prometheus => figures::write(census, asked, options, out),
        _ => text::write(census, asked, options, out),
    }
}

/// Returns a percentage with one decimal, rounded down: only full coverage is 100 %.
fn percent(percent: Option<f64>) -> String {
    match percent {
        Some(percent) => format!("{}%", (percent * 10.0).floor() / 10.0),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_coverage_is_100_percent() {
        assert_eq!(percent(Some(99.99)), "99.9%");
        assert_eq!(percent(Some(100.0)), "100%");
        assert_eq!(percent(None), "-");
    }
}
