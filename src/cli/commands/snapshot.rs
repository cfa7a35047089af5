//! `driftctl snapshot`

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::args::{LiveArgs, RulesArgs, SnapshotArgs};
use crate::cli::comparison::{self, cluster, rules, scanned, sources};
use crate::cli::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::Recorder;
use crate::engine;
use crate::policy::RuleSet;
use crate::redact::Redactor;

/// Reads what a diff would read, by making one, and writes that.
///
/// # Errors
/// When nothing can be read, or the snapshot cannot be written.
pub fn run(args: &SnapshotArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let live = LiveArgs {
        filter: args.reading.filter.clone(),
        ..LiveArgs::default()
    };
    let sources = sources(&args.reading.source, &live)?;
    let redactor = redactor(args, settings)?;
    let api = cluster(&args.reading.connection, &scanned(&args.reading.source))?;
    let recorder = Recorder::new(&api);
    let options = comparison::reading(&args.reading);
    let progress = Progress::begin(settings, false);
    let report = engine::run(&sources, &recorder, RuleSet::builtin(), &options);
    drop(progress);
    let mut report = report?;
    let empty = comparison::emptiness(&report, &args.reading.source, &args.reading.filter);
    report.warnings.extend(empty);
    match &args.output {
        Some(path) => write_file(path, |out| recorder.write(redactor.as_ref(), out))
            .with_context(|| format!("cannot write the snapshot to {}", path.display()))?,
        None => recorder
            .write(redactor.as_ref(), &mut streams.out)
            .context("cannot write to standard output")?,
    }
    let incomplete = report.is_incomplete();
    let report = redactor.unwrap_or_default().redact(report);
    message::what_failed(streams, settings, &report, None);
    Ok(if incomplete {
        Exit::Trouble
    } else {
        Exit::Clean
    })
}

/// What masks secrets, if they are to be masked: the built-in patterns, and what the user calls
/// secret.
fn redactor(args: &SnapshotArgs, settings: &Settings) -> Result<Option<Redactor>> {
    if !args.redact {
        return Ok(None);
    }
    let words = RulesArgs {
        config: args.config.clone(),
        no_config: args.no_config,
        ..RulesArgs::default()
    };
    let rules = rules(&words, &args.reading.source, settings.now)?;
    Ok(Some(Redactor {
        also: rules.secret(),
        ..Redactor::default()
    }))
}

fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(private(path)?);
    write(&mut out)?;
    out.flush()
}

/// A file for its owner's eyes, also where one with other rights is there already.
#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::fs::Permissions;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// A file with the rights of its folder.
#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).open(path)
}
