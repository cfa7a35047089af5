//! `driftctl backport`: changes manifests to match the live objects.
//!
//! compare → select → edit in memory → compare again → print a patch or write the files.

mod files;
mod say;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cli::args::{BackportArgs, Extra};
use crate::cli::comparison::{Again, Draft};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message, report_file};
use crate::cluster::Overlay;
use crate::engine::backport::{Wish, plan};
use crate::model::{ObjectReport, Progress, Status};
pub(super) use files::Files;

/// Makes the plan, and prints the patch or writes the files.
///
/// # Errors
/// Fails if nothing can be compared, or a file cannot be written.
pub fn run(args: &BackportArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    ensure!(
        args.drift.source.base.is_none(),
        "--base cannot be used with backport, which writes only live changes into manifests; \
         leave out --base"
    );
    ensure!(
        !args.drift.source.untrusted.untrusted,
        "backport does not edit untrusted manifests; leave out --untrusted"
    );
    ensure!(
        args.drift.source.revision.is_none(),
        "a commit cannot be edited; check it out and leave out --ref"
    );
    let drift = &args.drift;
    let (selected, source) = drift.selected()?;
    let compare = drift.compare(Extra::None);
    let again = Again::begin(&source, drift, &compare, settings.now)?;
    let overlay = Overlay::of(again.live());
    let report = again.report(&overlay)?;
    let shown = again.redactor().redact(report.clone());
    selected.check(&report, changes)?;
    let files = Files::of(&source);
    let drafts = Draft::of(&source, &drift.live, &overlay, files.roots());
    let into = args.into.as_deref().map(Into::of).transpose()?;
    let may_edit = |file: &str| into.as_ref().is_some_and(|into| into.holds(file));
    let mut planned = plan(&Wish {
        report: &report,
        shown: &shown,
        selects: &|object, path| selected.selects(&report, object, path),
        names: &|object, path| selected.names(&report, object, path),
        allow_secrets: args.allow_secrets,
        read: &|file| files.read(file),
        compare: &|values| again.only(&overlay, values),
        compare_all: &|values| again.edited(&overlay, values),
        drafts: &drafts,
        into: into.as_ref().map(|_| &may_edit as &dyn Fn(&str) -> bool),
    })?;
    if args.write {
        files.write(&planned.files)?;
        for step in &mut planned.plan.steps {
            step.progress = Progress::Done;
        }
    }
    if let Some(file) = &args.message {
        let text = say::commit_message(&planned.plan);
        report_file::write(file, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    say::result(args, &planned, &files, &again.redactor(), settings, streams)?;
    if report.is_incomplete() {
        message::what_failed(streams, settings, &shown, None);
        return Ok(Exit::Trouble);
    }
    Ok(match planned.plan.refused.is_empty() {
        true => Exit::Clean,
        false => Exit::Drift,
    })
}

/// Where the user wants the edits of rendered sources.
struct Into(PathBuf);

impl Into {
    /// # Errors
    /// Fails if there is no such file or folder.
    fn of(path: &Path) -> Result<Self> {
        let canonical = path.canonicalize();
        let canonical = canonical.with_context(|| format!("--into {}", path.display()))?;
        Ok(Self(canonical))
    }

    /// Returns whether a file is the named one, or is in the named folder.
    fn holds(&self, file: &str) -> bool {
        let canonical = Path::new(file).canonicalize();
        canonical.is_ok_and(|file| file.starts_with(&self.0))
    }
}

/// The paths at which an object has drift, including ignored and accepted drift.
fn changes(object: &ObjectReport) -> Vec<String> {
    let drifts = object.drifts.iter();
    let drifts = drifts.map(|drift| drift.change.path.to_string());
    let whole = object.status() == Status::Missing;
    drifts.chain(whole.then(|| ".".to_owned())).collect()
}
