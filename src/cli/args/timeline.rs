//! Arguments of `driftctl timeline`.

use clap::Args;

use super::format::{CommandFormat, offer};
use super::{CompareArgs, LiveArgs, RedactArgs, RulesArgs, SelectionArgs, SourceArgs, TEMPLATE};
use crate::cli::selection::StartTime;

/// `driftctl timeline`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl timeline ./manifests -n shop                 What happened there
  driftctl timeline ./manifests deploy/cart --since 2h  What happened to it
  driftctl timeline ./manifests --audit-log audit.log   Who sent each request
  driftctl timeline ./manifests -o markdown             For a post-mortem
  driftctl timeline ./manifests --live live.json        Of a snapshot
",
    after_help = "\
Exit codes:
  0  The timeline was written, whether or not there is drift
  2  An error, or not all objects could be read",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths.value_name("PATH|SELECTION"))
)]
pub struct TimelineArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The selected objects.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// How to compare.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,

    /// Show only what happened since: 2h, 3d, or a time
    ///
    /// Entries without a time, such as removed fields, are shown too.
    #[arg(long, value_name = "TIME", help_heading = "Report")]
    pub since: Option<StartTime>,

    /// Write text, a table, a page, or a document for other programs
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Text, "For reading, by day and hour"),
            (CommandFormat::Json, "One JSON document (driftctl.timeline/v1)"),
            (CommandFormat::Markdown, "A table"),
            (CommandFormat::Html, "One self-contained page"),
        ])
    )]
    pub output: CommandFormat,

    /// How secrets are masked.
    #[command(flatten)]
    pub redact: RedactArgs,
}
