//! Writes local files: edited manifests, the baseline, the configuration.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cli::commands::backport::Files;
use crate::cli::commands::revert::{self, Carrier};
use crate::cli::commands::rewrite::Rewrite;
use crate::engine::backport::EditedFile;
use crate::model::{How, Plan, Progress};

/// What to write.
#[derive(Default)]
pub struct Local {
    /// Where files may be edited, and the files.
    pub edits: Option<(Files, BTreeMap<String, EditedFile>)>,
    /// The accepted drift.
    pub baseline: Option<Rewrite>,
    /// The rules.
    pub config: Option<Rewrite>,
}

/// Carries out a plan: first in the cluster, which may refuse it, then in local files.
pub struct Hands<'a> {
    /// Writes to the cluster, and holds the plan.
    pub cluster: Option<Carrier<'a>>,
    /// The plan, if nothing is written to a cluster.
    pub plan: Plan,
    /// What is written locally.
    pub local: Local,
}

impl revert::Hands for Hands<'_> {
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
        let Local {
            edits,
            baseline,
            config,
        } = &self.local;
        by(plan, How::Edit, || match edits {
            Some((files, edited)) => files.write(edited),
            None => Ok(()),
        });
        for (how, file) in [(How::Accept, baseline), (How::Ignore, config)] {
            by(plan, how, || file.as_ref().map_or(Ok(()), Rewrite::write));
        }
        Ok(())
    }
}

/// Carries out all steps of one kind at once, unless something prevented them.
fn by(plan: &mut Plan, how: How, write: impl FnOnce() -> Result<()>) {
    let mut due: Vec<_> = plan
        .steps
        .iter_mut()
        .filter(|step| step.how == how)
        .collect();
    due.retain(|step| step.progress == Progress::Planned);
    if due.is_empty() {
        return;
    }
    let written = write();
    for step in due {
        match &written {
            Ok(()) => step.progress = Progress::Done,
            Err(error) => {
                step.progress = Progress::Failed;
                step.outcome = Some(format!("{error:#}"));
            }
        }
    }
}
