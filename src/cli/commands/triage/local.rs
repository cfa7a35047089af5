//! Writes local files: edited manifests, the baseline, the configuration.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cli::commands::backport::EditedFiles;
use crate::cli::commands::revert::{self, PlanRunner};
use crate::cli::commands::rewrite::FileRewrite;
use crate::engine::backport::EditedFile;
use crate::model::{Plan, StepAction, StepProgress};

/// The writes to local files.
#[derive(Default)]
pub struct LocalWrites {
    /// Where files may be edited, and the files.
    pub edits: Option<(EditedFiles, BTreeMap<String, EditedFile>)>,
    /// The accepted drift.
    pub baseline: Option<FileRewrite>,
    /// The rules.
    pub config: Option<FileRewrite>,
}

/// Carries out a plan: first in the cluster, which may refuse it, then in local files.
pub struct TriageExecutor<'a> {
    /// Writes to the cluster, and holds the plan.
    pub cluster: Option<PlanRunner<'a>>,
    /// The plan, if nothing is written to a cluster.
    pub plan: Plan,
    /// What is written locally.
    pub local: LocalWrites,
}

impl revert::PlanExecutor for TriageExecutor<'_> {
    fn plan(&mut self) -> &mut Plan {
        match &mut self.cluster {
            Some(carrier) => &mut carrier.plan,
            None => &mut self.plan,
        }
    }

    fn rehearse(&mut self) -> Result<()> {
        match &mut self.cluster {
            Some(carrier) => carrier.rehearse(),
            None => Ok(()),
        }
    }

    fn carry_out(&mut self) -> Result<()> {
        if let Some(carrier) = &mut self.cluster {
            carrier.carry_out()?;
        }
        let plan = match &mut self.cluster {
            Some(carrier) => &mut carrier.plan,
            None => &mut self.plan,
        };
        let LocalWrites {
            edits,
            baseline,
            config,
        } = &self.local;
        by(plan, StepAction::Edit, || match edits {
            Some((files, edited)) => files.write(edited),
            None => Ok(()),
        });
        for (how, file) in [(StepAction::Accept, baseline), (StepAction::Ignore, config)] {
            by(plan, how, || {
                file.as_ref().map_or(Ok(()), FileRewrite::write)
            });
        }
        Ok(())
    }
}

/// Carries out all steps of one kind at once, unless something prevented them.
fn by(plan: &mut Plan, how: StepAction, write: impl FnOnce() -> Result<()>) {
    let mut due: Vec<_> = plan
        .steps
        .iter_mut()
        .filter(|step| step.how == how)
        .collect();
    due.retain(|step| step.progress == StepProgress::Planned);
    if due.is_empty() {
        return;
    }
    let written = write();
    for step in due {
        match &written {
            Ok(()) => step.progress = StepProgress::Done,
            Err(error) => {
                step.progress = StepProgress::Failed;
                step.outcome = Some(format!("{error:#}"));
            }
        }
    }
}
