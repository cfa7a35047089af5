//! Arguments of `driftctl triage`.

use std::path::PathBuf;

use clap::Args;

use super::drift::of_decisions;
use super::{ActArgs, TEMPLATE};

/// `driftctl triage`
#[derive(Debug, Clone, Default, Args)]
#[command(
    before_help = "\
Writes drift as a file of decisions, one change per line. Change the first word of each line, then
run --apply to carry out all decisions: revert, backport, accept and ignore do what the commands of
those names do. A line whose value has changed since is skipped.

Examples:
  driftctl triage ./manifests > todo              Write the file
  driftctl triage --apply todo --dry-run          Show what it would do
  driftctl triage --apply todo                    Carry it out, after asking
  driftctl triage ./manifests --edit              Both, in $EDITOR
  driftctl triage ./manifests deploy/cart > todo  Drift of one object only
",
    after_help = "\
Exit codes:
  0  The file was written, all decisions were carried out, or there was nothing to do
  1  --dry-run found something to do, or you answered no
  2  An error, an incomplete comparison, or only some decisions were carried out",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_args(of_decisions)
)]
pub struct TriageArgs {
    /// Carry out the decisions in this file, or in standard input (-)
    ///
    /// Compares again with the arguments in the file's line 'driftctl triage'. Flags of this
    /// command line override those; if it names manifests, the file's arguments are ignored.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "edit",
        help_heading = "Triage"
    )]
    pub apply: Option<PathBuf>,

    /// Open the file in $VISUAL or $EDITOR, and carry out its decisions when the editor exits
    #[arg(long, help_heading = "Triage")]
    pub edit: bool,

    /// Let backport also write values of Secrets and other secret values
    #[arg(long, help_heading = "Triage")]
    pub allow_secrets: bool,

    /// The drift to list, and how to write changes.
    #[command(flatten)]
    pub act: ActArgs,

    /// Returns the arguments after the command's name, as written.
    #[arg(skip)]
    pub words: Vec<String>,
}
