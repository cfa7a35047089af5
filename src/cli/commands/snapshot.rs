//! `driftctl snapshot`

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::args::{LiveArgs, RulesArgs, SnapshotArgs};
use crate::cli::comparison::{self, cluster, rules, scanned, sources};
use crate::cli::progress::ProgressDisplay;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::SnapshotRecorder;
use crate::cluster::audit::Logs;
use crate::engine;
use crate::engine::history::{self, HistoryRequest};
use crate::judge::explain::policies::PolicyExplainer;
use crate::model::{ObjectStatus, Report};
use crate::output::escape;
use crate::policy::RuleSet;
use crate::redact::{LiveValues, Redactor};

/// Reads what a diff would read, by running one, and writes it.
///
/// # Errors
/// Fails if nothing can be read, or the snapshot cannot be written.
pub fn run(args: &SnapshotArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let live = LiveArgs {
        filter: args.reading.filter.clone(),
        ..LiveArgs::default()
    };
    let sources = sources(&args.reading.source, &live)?;
    let mut redactor = redactor(args, settings)?;
    let api = cluster(&args.reading.connection, &scanned(&args.reading.source))?;
    let recorder = SnapshotRecorder::new(&api);
    let options = comparison::read_options(&args.reading);
    let progress = ProgressDisplay::begin(settings, false);
    let report = engine::run(&sources, &recorder, RuleSet::builtin(), &options);
    // A diff reads these only if they may explain something, but it is unknown what this snapshot
    // will be compared with.
    PolicyExplainer::read(&recorder, BTreeMap::new());
    let mut report = report?;
    redactor = redactor.map(|redactor| redactor.with_secrets(&report.secret_values));
    if args.history {
        let asked = HistoryRequest {
            objects: history::objects_of(&report),
            report: &report,
            audit_logs: Logs::default(),
            redactor: &Redactor::default(),
            helm: false,
        };
        history::history(&asked, &recorder)?;
    }
    drop(progress);
    let empty = comparison::no_object_warning(&report, &args.reading.source, &args.reading.filter);
    report.warnings.extend(empty);
    let incomplete = report.is_incomplete();
    if report.objects.is_empty() && incomplete {
        // Nothing was read: an empty file would look like an empty cluster.
        let report = redactor.unwrap_or_default().redact(report);
        message::what_failed(streams, settings, &report, None);
        return Ok(Exit::Trouble);
    }
    let secrets = secrets(&report);
    if args.output.is_none() && !args.redact && settings.is_terminal && secrets > 0 {
        bail!(
            "the snapshot would show the values of {secrets} Secrets on the terminal; write it to \
             a file (-o live.json), or mask them (--redact)"
        );
    }
    match &args.output {
        Some(path) => write_file(path, |out| recorder.write(redactor.as_ref(), out))
            .with_context(|| format!("cannot write the snapshot to {}", path.display()))?,
        None => recorder
            .write(redactor.as_ref(), &mut streams.out)
            .context("cannot write to standard output")?,
    }
    let wrote = wrote(args, &report, secrets);
    // Standard error is closed: there is nowhere to report it.
    let _ = writeln!(streams.err, "{}", escape::line(&wrote));
    let report = redactor.unwrap_or_default().redact(report);
    message::what_failed(streams, settings, &report, None);
    Ok(if incomplete {
        Exit::Trouble
    } else {
        Exit::Clean
    })
}

/// Returns how many Secrets were read.
fn secrets(report: &Report) -> usize {
    let secrets = report.objects.iter().filter(|object| {
        object.key.kind == "Secret"
            && object.key.group.is_empty()
            && object.status() != ObjectStatus::Missing
    });
    secrets.count()
}

/// Returns what was written, and whether it holds secrets.
fn wrote(args: &SnapshotArgs, report: &Report, secrets: usize) -> String {
    let there = report.objects.iter();
    let there = there.filter(|object| object.status() != ObjectStatus::Missing);
    let path = args.output.as_ref();
    let where_to = path.map(|path| format!(" to {}", path.display()));
    let masked = match (secrets, args.redact) {
        (0, _) => String::new(),
        (_, true) => "; secrets are masked".to_owned(),
        (n, false) => format!("; it contains the values of {n} Secrets (--redact masks them)"),
    };
    format!(
        "wrote {} objects{}{masked}",
        there.count(),
        where_to.unwrap_or_default()
    )
}

/// Returns the redactor, if secrets are to be masked: with the built-in patterns, and the user's.
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
    Ok(Some(Redactor::of(rules.secret(), LiveValues::default())))
}

fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // An existing file stays unchanged until everything is written.
    let regular = path.metadata().map_or(true, |found| found.is_file());
    if !regular {
        let mut out = BufWriter::new(private(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Creates a file that only its owner can read, even if one with other permissions exists.
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

/// Creates a file with the default permissions of its folder.
#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).open(path)
}
