//! `driftctl schema`

use std::io::Write;

use anyhow::{Context as _, Result};

use crate::cli::args::CONFIG;
use crate::cli::{Exit, Streams};
use crate::config;
use crate::output::SCHEMAS;

/// Prints a JSON Schema.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn run(what: &str, streams: &mut Streams) -> Result<Exit> {
    let schema = if what == CONFIG {
        config::schema()
    } else {
        let document = SCHEMAS.iter().find(|document| document.name == what);
        (document
            .with_context(|| format!("{what} has no schema"))?
            .schema)()
    };
    writeln!(streams.out, "{schema:#}")?;
    Ok(Exit::Clean)
}
