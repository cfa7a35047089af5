//! Arguments of the commands that read what a comparison would read, without comparing.

use clap::Args;

use super::{ConnectionArgs, Extra, FilterArgs, SourceArgs};

/// The objects to read.
#[derive(Debug, Clone, Default, Args)]
pub struct ReadingArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The filter.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Also read live objects that no manifest declares
    #[arg(
        long,
        value_name = "WHERE",
        value_enum,
        default_value_t,
        help_heading = "Comparison"
    )]
    pub extra: Extra,
}
