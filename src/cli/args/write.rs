//! The words that say how changes are written to a cluster.

use clap::{Args, ValueEnum};

use super::format::{CommandFormat, offer};

/// How a plan is carried out.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Writing")]
pub struct WriteArgs {
    /// Show what would be done and ask the server whether it would (dryRun=All); change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do it without a question; needed where there is no terminal
    #[arg(short, long)]
    pub yes: bool,

    /// Refuse to delete more objects
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub max_delete: usize,

    /// Also undo changes of this cause, in which Git is ahead of the cluster: that deploys them
    #[arg(long, value_name = "CAUSE", value_enum, value_delimiter = ',')]
    pub include: Vec<IncludedCause>,

    /// Write under this name instead of the name of the applier
    #[arg(long, value_name = "NAME")]
    pub field_manager: Option<String>,

    /// Go on with the other objects when one is refused
    #[arg(long)]
    pub keep_going: bool,

    /// Do not ask the server first whether it would accept the changes
    ///
    /// For clusters with an admission webhook that takes no dry runs.
    #[arg(long, conflicts_with = "dry_run")]
    pub skip_dry_run: bool,

    /// Write no Event on the objects
    #[arg(long)]
    pub no_event: bool,

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
}

/// The causes that are left alone unless they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncludedCause {
    /// The manifest says otherwise since the last apply
    Unapplied,
    /// The manifest no longer declares it since the last apply
    Dropped,
}
