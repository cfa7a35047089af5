//! Arguments of `driftctl snapshot`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;

/// `driftctl snapshot`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl snapshot ./manifests > live.json            Save what a diff would read
  driftctl diff ./manifests --live live.json           Compare with it, elsewhere or later
  driftctl snapshot ./manifests --history -o live.json For 'driftctl timeline' too
  driftctl snapshot ./manifests --redact -o live.json  Without secrets, to share
",
    after_help = "\
Exit codes:
  0  Everything was read
  2  An error, or not everything could be read; the rest is written",
    help_template = super::TEMPLATE,
    max_term_width = 100
)]
pub struct SnapshotArgs {
    /// The objects to read.
    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Also save what 'driftctl timeline' reads: Events, ReplicaSets, ControllerRevisions, Pods
    ///
    /// Also saves the Applications, Kustomizations and HelmReleases that deploy the objects. What
    /// you may not list is left out, and the timeline says so.
    #[arg(long)]
    pub history: bool,

    /// Mask the values of Secrets and everything else that looks secret
    ///
    /// By default a snapshot contains them in clear text: protect it like the Secrets themselves.
    /// Objects with masked values cannot be compared later, and are reported as unknown.
    #[arg(long, help_heading = "Report")]
    pub redact: bool,

    /// Read the list of sensitive paths from this file
    ///
    /// By default, .driftctl.yaml is searched for in the folder of the manifests and its parents,
    /// up to the root of the repository.
    #[arg(
        long,
        value_name = "FILE",
        requires = "redact",
        conflicts_with = "no_config",
        help_heading = "Report"
    )]
    pub config: Option<PathBuf>,

    /// Mask by the built-in patterns only, and do not read .driftctl.yaml
    #[arg(long, requires = "redact", help_heading = "Report")]
    pub no_config: bool,

    /// Write to this file, readable by its owner only, instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Report")]
    pub output: Option<PathBuf>,
}
