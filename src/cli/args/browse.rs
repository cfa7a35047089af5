//! Arguments of `driftctl browse`.

use clap::Args;

use super::drift::of_decisions;
use super::{ActArgs, TEMPLATE, TriageArgs};

/// `driftctl browse`
#[derive(Debug, Clone, Default, Args)]
#[command(
    before_help = "\
Lists drift in the terminal, the worst first, and explains the change under the cursor. Mark
changes and press x to see the plan for all marks; it is carried out once you confirm it, as with
'driftctl triage --apply'.

Keys:
  up down, PgUp PgDn, Home End    Move
  r b a i                         Mark: revert, backport, accept, ignore
  space                           Remove the mark
  x                               Carry out what is marked
  /                               Filter by text
  J K                             Scroll the explanation
  o                               Open the manifest at its line in $VISUAL or $EDITOR
  y                               Copy the path
  R                               Compare again
  ? q                             Help, quit

Examples:
  driftctl browse ./manifests
  driftctl browse ./manifests --extra namespace      With objects that no manifest declares
  driftctl browse ./manifests --live dump.json       Without a cluster
",
    after_help = "\
Exit codes:
  0  All decisions were carried out, or there was nothing to do
  1  --dry-run found something to do, or you answered no
  2  An error, an incomplete comparison, or only some decisions were carried out",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_args(of_decisions)
)]
pub struct BrowseArgs {
    /// Let backport also write values of Secrets and other secret values
    #[arg(long, help_heading = "Browse")]
    pub allow_secrets: bool,

    /// The drift to list, and how to write changes.
    #[command(flatten)]
    pub act: ActArgs,
}

impl BrowseArgs {
    /// Returns the arguments for `driftctl triage`, which carries out the decisions.
    pub fn as_triage(&self) -> TriageArgs {
        TriageArgs {
            allow_secrets: self.allow_secrets,
            act: self.act.clone(),
            ..TriageArgs::default()
        }
    }
}
