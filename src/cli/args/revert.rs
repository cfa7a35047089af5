//! The words of `driftctl revert`.

use clap::Args;

use super::{DriftArgs, Extra, TEMPLATE, WriteArgs};

/// `driftctl revert`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Makes live objects what their manifests declare, field by field. The arrow of a change goes from
live to declared, as the change will; that of diff goes the other way.

Examples:
  driftctl revert ./manifests deploy/shop/cart                  Undo the drift of one object, after a question
  driftctl revert ./manifests deploy/shop/cart .spec.replicas   One field of it
  driftctl revert ./manifests --dry-run                         Show what would be done, and ask the server
  driftctl revert ./manifests --all --yes                       Undo all drift, without a question
  driftctl revert ./manifests deploy/shop/cart --to HEAD~1      Go back to what HEAD~1 declared
  driftctl revert --undo                                        Take the last revert back
",
    after_help = "\
Exit codes:
  0  All that was selected is done, or there was nothing to do
  1  --dry-run found something to do, or you said no
  2  An error, an incomplete comparison, or only a part of it was done",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths.value_name("PATH|SELECTION"))
)]
pub struct RevertArgs {
    /// Undo all drift that is found; needed with --yes where nothing is selected
    #[arg(long, help_heading = "Revert", conflicts_with_all = ["object", "path"])]
    pub all: bool,

    /// Also create objects that are missing
    #[arg(long, help_heading = "Revert")]
    pub create: bool,

    /// Also delete the objects that --extra finds
    #[arg(long, help_heading = "Revert")]
    pub prune: bool,

    /// Go back to what this Git revision declared: --ref REVISION --include unapplied,dropped
    #[arg(
        long,
        value_name = "REVISION",
        conflicts_with_all = ["revision", "target_revision", "base"],
        help_heading = "Revert"
    )]
    pub to: Option<String>,

    /// Take an earlier revert back: the last one of this cluster, or the one of this name
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

    /// List the reverts that can be taken back
    #[arg(long, help_heading = "Revert")]
    pub list_undo: bool,

    /// Refuse to write to more objects
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 20,
        help_heading = "Revert"
    )]
    pub max_objects: usize,

    /// How it is written.
    #[command(flatten)]
    pub write: WriteArgs,

    /// Also report live objects that no manifest declares, for --prune
    #[arg(
        long,
        value_name = "WHERE",
        value_enum,
        default_value_t,
        help_heading = "Comparison"
    )]
    pub extra: Extra,

    /// Which drift.
    #[command(flatten)]
    pub drift: DriftArgs,
}
