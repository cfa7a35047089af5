//! The words of `driftctl revert`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::format::{CommandFormat, offer};
use super::{Extra, LiveArgs, RulesArgs, SelectionArgs, SourceArgs, TEMPLATE};

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
    /// Show what would be done and ask the server whether it would (dryRun=All); change nothing
    #[arg(long, help_heading = "Revert")]
    pub dry_run: bool,

    /// Do it without a question
    ///
    /// Needed where there is no terminal. Refused where nothing is selected, unless --all says that
    /// all drift is meant.
    #[arg(short, long, help_heading = "Revert")]
    pub yes: bool,

    /// Undo all drift that is found
    #[arg(long, help_heading = "Revert", conflicts_with_all = ["object", "path"])]
    pub all: bool,

    /// Also create objects that are missing
    #[arg(long, help_heading = "Revert")]
    pub create: bool,

    /// Also delete the objects that --extra finds
    #[arg(long, help_heading = "Revert")]
    pub prune: bool,

    /// Refuse to delete more objects
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 5,
        help_heading = "Revert"
    )]
    pub max_delete: usize,

    /// Refuse to write to more objects
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 20,
        help_heading = "Revert"
    )]
    pub max_objects: usize,

    /// Also undo changes of this cause, in which Git is ahead of the cluster: that deploys them
    #[arg(
        long,
        value_name = "CAUSE",
        value_enum,
        value_delimiter = ',',
        help_heading = "Revert"
    )]
    pub include: Vec<IncludedCause>,

    /// Go back to what this Git revision declared: --ref REVISION --include unapplied,dropped
    #[arg(
        long,
        value_name = "REVISION",
        conflicts_with_all = ["revision", "target_revision", "base"],
        help_heading = "Revert"
    )]
    pub to: Option<String>,

    /// Write under this name instead of the name of the applier
    #[arg(long, value_name = "NAME", help_heading = "Revert")]
    pub field_manager: Option<String>,

    /// Go on with the other objects when one is refused
    #[arg(long, help_heading = "Revert")]
    pub keep_going: bool,

    /// Do not ask the server first whether it would accept the changes
    ///
    /// For clusters with an admission webhook that takes no dry runs.
    #[arg(long, conflicts_with = "dry_run", help_heading = "Revert")]
    pub skip_dry_run: bool,

    /// Write no Event on the objects
    #[arg(long, help_heading = "Revert")]
    pub no_event: bool,

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

    /// The format
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Text, "Lines to read"),
            (CommandFormat::Json, "One JSON document (driftctl.plan/v1)"),
        ])
    )]
    pub output: CommandFormat,

    /// Also report live objects that no manifest declares, for --prune
    #[arg(
        long,
        value_name = "WHERE",
        value_enum,
        default_value_t,
        help_heading = "Comparison"
    )]
    pub extra: Extra,

    /// Read who wrote what from an audit log of the API server
    #[arg(long, value_name = "FILE", help_heading = "Comparison")]
    pub audit_log: Vec<PathBuf>,

    /// What is selected.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,
}

/// The causes that are left alone unless they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncludedCause {
    /// The manifest says otherwise since the last apply
    Unapplied,
    /// The manifest no longer declares it since the last apply
    Dropped,
}
