//! Arguments of `driftctl coverage`.

use clap::Args;

use super::format::{CommandFormat, offer};
use super::{LiveArgs, RulesArgs, SourceArgs, TEMPLATE};

/// `driftctl coverage`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl coverage ./manifests              The namespaces of the manifests
  driftctl coverage ./manifests -A           The whole cluster
  driftctl coverage ./manifests -n shop -v   Name every undeclared object
  driftctl coverage ./manifests -A --min 90  Exit with 1 below 90 percent
  driftctl coverage ./manifests --live live.json -o json
",
    after_help = "\
Exit codes:
  0  The objects were counted
  1  The coverage is below --min
  2  An error, or --min could not be checked because not everything could be read",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct CoverageArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,

    /// Exit with 1 when fewer than this percentage of live objects are declared
    ///
    /// If some kinds could not be listed, the percentage is an upper bound: below --min, the exit
    /// code is 1, otherwise it is 2, because the result is unknown.
    #[arg(long, value_name = "PERCENT", value_parser = percentage, help_heading = "Coverage")]
    pub min: Option<f64>,

    /// Count objects that Argo CD, Flux or Helm deploys from elsewhere as declared
    ///
    /// These are objects that are marked as part of an Application, a Kustomization or a release
    /// that is not among the sources.
    #[arg(long, help_heading = "Coverage")]
    pub count_elsewhere: bool,

    /// Write tables, a document for other programs, or metrics
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Text, "Text for reading"),
            (CommandFormat::Json, "One JSON document (driftctl.coverage/v1)"),
            (CommandFormat::Prometheus, "Metrics for Prometheus"),
        ])
    )]
    pub output: CommandFormat,

    /// List every undeclared object
    #[arg(short, long, help_heading = "Report")]
    pub verbose: bool,
}

/// Parses a number from 0 to 100, with or without a percent sign.
fn percentage(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    let percent: f64 = number
        .parse()
        .map_err(|_| "write a percentage, such as 90".to_owned())?;
    match (0.0..=100.0).contains(&percent) {
        true => Ok(percent),
        false => Err("write a percentage from 0 to 100".to_owned()),
    }
}
