//! Which sources the words name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use super::STDIN;
use crate::cli::args::{LoadRestrictor, RenderArgs, SourceArgs};
use crate::source::{Files, Rendering, Source};

/// The sources of the declared state, in the order of the words.
///
/// # Errors
/// When the words contradict one another.
pub fn sources(args: &SourceArgs, live: &[PathBuf]) -> Result<Vec<Box<dyn Source>>> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new(STDIN);
    if args.paths.iter().chain(live).filter(is_stdin).count() > 1 {
        bail!("standard input can be read once; name files for all but one '-'");
    }
    let files = Files::new(&args.paths);
    Ok(vec![Box::new(match rendering(&args.render) {
        Some(rendering) => files.rendered(rendering),
        None => files,
    })])
}

/// How directories are rendered; `None` when they are read as they lie.
fn rendering(args: &RenderArgs) -> Option<Rendering> {
    (!args.no_render).then(|| Rendering {
        kustomize: args.kustomize_bin.clone(),
        helm: None,
        allow_remote: args.allow_remote,
        load_outside: args.load_restrictor == LoadRestrictor::None,
        deadline: Duration::from_secs(args.render_timeout),
    })
}
