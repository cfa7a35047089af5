//! `driftctl man`

use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Command;

use crate::cli::args::ManArgs;
use crate::cli::{Exit, Streams};

/// Writes the man page of driftctl or of one of its commands, or all pages into a folder.
///
/// # Errors
/// Fails if there is no such command, or a page cannot be written.
pub fn run(args: &ManArgs, command: Command, streams: &mut Streams) -> Result<Exit> {
    let mut command = command;
    command.build();
    if let Some(folder) = &args.dir {
        write_all(&command, folder)?;
        return Ok(Exit::Clean);
    }
    let page = match &args.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => named(&command, found),
            None => bail!("unknown command {name}; 'driftctl -h' lists the commands"),
        },
    };
    clap_mangen::Man::new(page)
        .render(&mut streams.out)
        .context("cannot write to standard output")?;
    Ok(Exit::Clean)
}

/// Returns a command under its full name, which is the name of its page.
fn named(parent: &Command, command: &Command) -> Command {
    let name = format!("{}-{}", parent.get_name(), command.get_name());
    command.clone().name(name)
}

fn write_all(command: &Command, folder: &Path) -> Result<()> {
    let write = |page: Command| -> io::Result<()> {
        let file = folder.join(format!("{}.1", page.get_name()));
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text)?;
        std::fs::write(file, text)
    };
    let subs = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let pages = subs.map(|sub| named(command, sub));
    for page in std::iter::once(command.clone()).chain(pages) {
        let name = page.get_name().to_owned();
        write(page).with_context(|| format!("cannot write {name}.1 to {}", folder.display()))?;
    }
    Ok(())
}
