//! `driftctl init`

use std::fs::File;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result, bail};

use crate::cli::args::InitArgs;
use crate::cli::{Exit, Streams};
use crate::config::{CONFIG_NAME, TEMPLATE};
use crate::output::escape;

/// Writes a configuration in which every setting is explained and none is active.
///
/// # Errors
/// Fails if the file exists, or cannot be written.
pub fn run(args: &InitArgs, streams: &mut Streams) -> Result<Exit> {
    let path = args.folder.join(CONFIG_NAME);
    let path = path.strip_prefix(".").unwrap_or(&path);
    let name = path.display().to_string();
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{name} already exists; nothing was written")
        }
        file => file.with_context(|| format!("cannot write {name}"))?,
    };
    file.write_all(TEMPLATE.as_bytes())
        .with_context(|| format!("cannot write {name}"))?;
    writeln!(streams.out, "wrote {}", escape::line(&name))?;
    Ok(Exit::Clean)
}
