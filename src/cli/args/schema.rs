//! `driftctl schema`

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::TEMPLATE;
use crate::output::SCHEMAS;

/// `driftctl schema`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl schema report > report.schema.json     For '-o json' and '-o yaml'
  driftctl schema config > .driftctl.schema.json  Let an editor complete rules
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct SchemaArgs {
    /// The document
    #[arg(value_name = "WHAT", value_parser = documents())]
    pub what: String,
}

/// The word for the schema of `.driftctl.yaml`, which is read, not written.
pub const CONFIG: &str = "config";

/// Returns a parser of the documents that have a schema.
fn documents() -> PossibleValuesParser {
    let written = SCHEMAS
        .iter()
        .map(|document| PossibleValue::new(document.name).help(document.about));
    let config = PossibleValue::new(CONFIG).help("The file of rules, .driftctl.yaml");
    PossibleValuesParser::new(written.chain([config]))
}
