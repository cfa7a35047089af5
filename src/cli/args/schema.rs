//! `driftctl schema`

use clap::{Args, ValueEnum};

use super::TEMPLATE;

/// `driftctl schema`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl schema report > report.schema.json     Check, or generate types for, '-o json' and '-o yaml'
  driftctl schema config > .driftctl.schema.json  Let an editor complete .driftctl.yaml
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_name = "WHAT", value_enum)]
    pub what: Schema,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// The report of '-o json' and '-o yaml' (driftctl.report/v1)
    Report,
    /// The reports on several clusters in one document (driftctl.reports/v1)
    Reports,
    /// The explanation of 'driftctl explain -o json' (driftctl.explanation/v1)
    Explanation,
    /// The plan of 'driftctl revert -o json' (driftctl.plan/v1)
    Plan,
    /// The timeline of 'driftctl timeline -o json' (driftctl.timeline/v1)
    Timeline,
    /// The coverage of 'driftctl coverage -o json' (driftctl.coverage/v1)
    Coverage,
    /// The file of rules, .driftctl.yaml
    Config,
}
