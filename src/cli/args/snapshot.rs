//! The words of `driftctl snapshot`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;

/// `driftctl snapshot`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl snapshot ./manifests > live.json            Keep what a diff would read
  driftctl diff ./manifests --live live.json           Look at it again, elsewhere or later
  driftctl snapshot ./manifests --history -o live.json For 'driftctl timeline' too
  driftctl snapshot ./manifests --redact -o live.json  Without secrets, to pass on
",
    after_help = "\
Exit codes:
  0  Everything was read
  2  An error, or not everything could be read; what could be is written",
    help_template = super::TEMPLATE,
    max_term_width = 100
)]
pub struct SnapshotArgs {
    /// What would be read.
    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Also record what 'driftctl timeline' reads: Events, ReplicaSets, ControllerRevisions, pods
    ///
    /// Also the Applications, Kustomizations and HelmReleases that deploy the objects. What may not
    /// be listed is left out, and the timeline names it.
    #[arg(long)]
    pub history: bool,

    /// Mask the values of Secrets, and whatever else looks secret
    ///
    /// Without it a snapshot holds them as the cluster does: keep it as you keep the Secrets
    /// themselves. Objects with masked values cannot be compared later, and are unknown then.
    #[arg(long, help_heading = "Report")]
    pub redact: bool,

    /// Read from this file what else is secret: the paths that it calls sensitive
    ///
    /// Without it .driftctl.yaml is looked for in the folder of the manifests and upwards, to the
    /// root of the repository.
    #[arg(
        long,
        value_name = "FILE",
        requires = "redact",
        conflicts_with = "no_config",
        help_heading = "Report"
    )]
    pub config: Option<PathBuf>,

    /// Mask what is secret by the built-in patterns only; look for no .driftctl.yaml
    #[arg(long, requires = "redact", help_heading = "Report")]
    pub no_config: bool,

    /// Write to this file, which only its owner may read, instead of to standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Report")]
    pub output: Option<PathBuf>,
}
