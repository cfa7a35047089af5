//! Arguments for writing changes to a cluster.

use clap::{Args, ValueEnum};

use super::format::{CommandFormat, offer};

/// How to carry out a plan.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Writing")]
pub struct WriteArgs {
    /// Show the plan and run it on the server as a dry run (dryRun=All); change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask for confirmation; required without a terminal
    #[arg(short, long)]
    pub yes: bool,

    /// Refuse to delete more objects than this
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub max_delete: usize,

    /// Also write changes that were made in Git and not applied yet, which deploys them
    #[arg(long, value_name = "CAUSE", value_enum, value_delimiter = ',')]
    pub include: Vec<IncludedCause>,

    /// Write as this field manager instead of the applier's
    #[arg(long, value_name = "NAME")]
    pub field_manager: Option<String>,

    /// Continue with the other objects when one is refused
    #[arg(long)]
    pub keep_going: bool,

    /// Do not run the plan on the server as a dry run first
    ///
    /// For clusters with an admission webhook that does not support dry runs.
    #[arg(long, conflicts_with = "dry_run")]
    pub skip_dry_run: bool,

    /// Do not record Events on the objects
    #[arg(long)]
    pub no_event: bool,

    /// Write the result in this format
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Text, "Text for reading"),
            (CommandFormat::Json, "One JSON document (driftctl.plan/v1)"),
        ])
    )]
    pub output: CommandFormat,
}

/// Causes of drift that are left alone by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncludedCause {
    /// The manifest was changed after the last apply
    Unapplied,
    /// The field was removed from the manifest after the last apply
    Dropped,
}
