//! `driftctl schema`

use std::io::Write;

use crate::cli::args::Schema;
use crate::cli::{Exit, Streams};
use crate::{config, output};

/// Prints a JSON Schema.
///
/// # Errors
/// When standard output cannot be written to.
pub fn run(what: Schema, streams: &mut Streams) -> anyhow::Result<Exit> {
    let schema = match what {
        Schema::Report => output::report_schema(),
        Schema::Reports => output::reports_schema(),
        Schema::Explanation => output::explanation_schema(),
        Schema::Plan => output::plan_schema(),
        Schema::Timeline => output::timeline_schema(),
        Schema::Coverage => output::census_schema(),
        Schema::Config => config::schema(),
    };
    writeln!(streams.out, "{schema:#}")?;
    Ok(Exit::Clean)
}
