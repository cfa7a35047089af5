//! Which sources the words name.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::STDIN;
use crate::cli::args::SourceArgs;
use crate::source::{Files, Source};

/// The sources of the declared state, in the order of the words.
///
/// # Errors
/// When the words contradict one another.
pub fn sources(args: &SourceArgs, live: &[PathBuf]) -> Result<Vec<Box<dyn Source>>> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new(STDIN);
    if args.paths.iter().chain(live).filter(is_stdin).count() > 1 {
        bail!("standard input can be read once; name files for all but one '-'");
    }
    Ok(vec![Box::new(Files::new(&args.paths))])
}
