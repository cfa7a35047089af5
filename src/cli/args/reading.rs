//! The words of the commands that look at what a comparison would read, and compare nothing.

use clap::Args;

use super::{ConnectionArgs, Extra, FilterArgs, SourceArgs};

/// What is read.
#[derive(Debug, Clone, Default, Args)]
pub struct ReadingArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// What is looked at.
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
