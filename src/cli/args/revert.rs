//! Arguments of `driftctl revert`.

use clap::Args;

use super::{ActArgs, TEMPLATE};

/// `driftctl revert`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Changes live objects back to what their manifests declare, field by field. The arrow of a change
points from live to declared; in diff it points the other way.

Examples:
  driftctl revert ./manifests --dry-run                   Show the plan
  driftctl revert ./manifests deploy/cart                 Revert one object
  driftctl revert ./manifests deploy/cart .spec.replicas  Revert one field
  driftctl revert ./manifests --all --yes                 Revert all drift
  driftctl revert ./manifests deploy/cart --to HEAD~1     As HEAD~1 declared it
  driftctl revert --undo                                  Undo the last revert
",
    after_help = "\
Exit codes:
  0  Everything that was selected was reverted, or there was nothing to do
  1  --dry-run found something to do, or you answered no
  2  An error, an incomplete comparison, or a partial revert",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths.value_name("PATH|SELECTION"))
)]
pub struct RevertArgs {
    /// Revert all drift; required with --yes if nothing is selected
    #[arg(long, help_heading = "Revert", conflicts_with_all = ["object", "path"])]
    pub all: bool,

    /// Also create missing objects
    #[arg(long, help_heading = "Revert")]
    pub create: bool,

    /// Also delete the extra objects that --extra finds
    #[arg(long, help_heading = "Revert")]
    pub prune: bool,

    /// Go back to what this Git revision declares; same as --ref REVISION --include
    /// unapplied,dropped
    #[arg(
        long,
        value_name = "REVISION",
        conflicts_with_all = ["revision", "target_revision", "base"],
        help_heading = "Revert"
    )]
    pub to: Option<String>,

    /// Undo an earlier revert: the last one on this cluster, or the one with this ID
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        conflicts_with_all = [
            "all", "object", "path", "create", "prune", "to", "include", "list_undo", "paths",
            "revision", "base", "extra",
        ],
        help_heading = "Revert"
    )]
    pub undo: Option<Option<String>>,

    /// List the reverts that can be undone
    #[arg(long, help_heading = "Revert")]
    pub list_undo: bool,

    /// Refuse to change more objects than this
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 20,
        help_heading = "Revert"
    )]
    pub max_objects: usize,

    /// The drift to revert, and how to write changes.
    #[command(flatten)]
    pub act: ActArgs,
}
