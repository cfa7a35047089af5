//! `driftctl backport`: changes manifests to match the live objects.
//!
//! compare → select → edit in memory → compare again → print a patch or write the files.

mod files;
mod say;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cli::args::{BackportArgs, CommandFormat, ExtraArg};
use crate::cli::comparison::{EditRenderer, RepeatableComparison, Reports};
use crate::cli::selected::changes;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message, report_file};
use crate::cluster::Overlay;
use crate::engine::backport::{BackportPlan, BackportRequest, plan};
use crate::model::{PlanStep, RefusalReason, RefusedItem, StepProgress};
use crate::redact::Redactor;
pub(super) use files::EditedFiles;

/// Makes the plan, and prints the patch or writes the files.
///
/// # Errors
/// Fails if nothing can be compared, or a file cannot be written.
pub fn run(args: &BackportArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let for_review = matches!(args.output, CommandFormat::Markdown | CommandFormat::Review);
    ensure!(
        args.drift.source.base.is_none() || for_review,
        "--base says which lines a pull request shows; it goes with -o markdown and \
         -o github-review"
    );
    ensure!(
        args.drift.source.base.is_some() || args.output != CommandFormat::Review,
        "a review suggests changes of lines that the pull request shows: name its base, such as \
         --base origin/main"
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
    let (selected, mut source) = drift.selected()?;
    let base = source.base.take();
    let again = RepeatableComparison::begin(&source, drift, ExtraArg::None, settings.now)?;
    let overlay = Overlay::of(again.live());
    let Reports { report, shown } = again.reports(&overlay)?;
    selected.check(&report, changes)?;
    let files = EditedFiles::of(&source);
    let drafts = EditRenderer::of(&source, &drift.live, &overlay, files.roots());
    let into = args.into.as_deref().map(EditTarget::of).transpose()?;
    let may_edit = |file: &str| into.as_ref().is_some_and(|into| into.holds(file));
    let mut planned = plan(&BackportRequest {
        report: &report,
        shown: &shown,
        live: &overlay,
        selects: &|object, path| selected.selects(&report, object, path),
        names: &|object, path| selected.names(&report, object, path),
        allow_secrets: args.allow_secrets,
        read: &|file| files.read(file),
        compare: &|values| again.only(&overlay, values),
        compare_all: &|values| again.edited(&overlay, values),
        drafts: &drafts,
        into: into.as_ref().map(|_| &may_edit as &dyn Fn(&str) -> bool),
    })?;
    let redactor = again.redactor().with_secrets(&report.secret_values);
    let is_shown = args.output == CommandFormat::Diff && !args.write || for_review;
    if is_shown && !args.allow_secrets {
        withhold(&mut planned, &redactor);
    }
    if args.write {
        files.write(&planned.files)?;
        for step in &mut planned.plan.steps {
            step.progress = StepProgress::Done;
        }
    }
    if let Some(file) = &args.message {
        let text = say::commit_message(&planned.plan);
        report_file::write(file, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let base = base.as_deref();
    say::result(args, &planned, (&files, base), &redactor, settings, streams)?;
    if report.is_incomplete() {
        message::what_failed(streams, settings, &shown, None);
        return Ok(Exit::Trouble);
    }
    Ok(match planned.plan.refused.is_empty() {
        true => Exit::Clean,
        false => Exit::Drift,
    })
}

/// Refuses the changes of files whose patch would show secret values.
fn withhold(planned: &mut BackportPlan, redactor: &Redactor) {
    let BackportPlan { plan, files } = planned;
    files.retain(|name, file| {
        let Err(why) = files::context(name, file, redactor) else {
            return true;
        };
        let edit = format!("edits {name},");
        let touches = |step: &PlanStep| {
            let origin = step.origin.as_ref();
            let is_own = origin.is_some_and(|it| it.rendered_by.is_none() && *it.file == **name);
            is_own || step.remarks.iter().any(|remark| remark.starts_with(&edit))
        };
        let (left, kept): (Vec<_>, Vec<_>) = plan.steps.drain(..).partition(touches);
        plan.steps = kept;
        for step in &left {
            let refused = step.changes.iter().map(|change| {
                RefusedItem::because(
                    &step.key,
                    &change.path,
                    RefusalReason::Secret,
                    why.to_string(),
                )
            });
            plan.refused.extend(refused);
        }
        false
    });
    plan.refused.sort();
}

/// The file or folder in which the user wants edits of rendered sources.
struct EditTarget(PathBuf);

impl EditTarget {
    /// Resolves a path.
    ///
    /// # Errors
    /// Fails if the file or folder does not exist.
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
