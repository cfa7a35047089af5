//! `driftctl explain`

use clap::Args;

use super::format::{CommandFormat, offer};
use super::{CompareArgs, LiveArgs, RedactArgs, RulesArgs, SourceArgs, TEMPLATE};
use crate::cli::selection::{self, ObjectSelection};

/// `driftctl explain`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl explain deploy/cart .spec.replicas ./manifests  Why is it drift?
  driftctl explain deploy cart spec.replicas -f manifests  As kubectl explain
  driftctl explain deploy/shop/cart .spec ./manifests      All below a path
  driftctl explain Widget.example.com/big ./manifests      A whole object
  driftctl explain service/cart ./manifests --live dump.json -o json
",
    after_help = "\
Exit codes:
  0  The field was explained, whether or not it drifted
  2  An error: no such object or path, or not everything could be read",
    override_usage = "driftctl explain [OPTIONS] <KIND/[NAMESPACE/]NAME> [FIELD] [PATH]...",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths
        .value_name("FIELD] [PATH")
        .help("The field, as reports write it (.spec.replicas; default: the whole object), and manifests")
        .long_help(
            "The field, as reports write it: .spec.replicas, .metadata.labels[\"a/b\"], \
             .spec.containers[name=\"app\"].image. Everything below it is explained. The \
             default is the whole object.\n\n\
             Then manifests, as with 'driftctl diff': files, folders, standard input (-), a Git \
             revision (main:deploy), releases (helm:NAMESPACE/RELEASE). A folder whose name starts \
             with a dot is written ./.name."
        ))
)]
pub struct ExplainArgs {
    /// The object; the group is needed only if several kinds share the name
    #[arg(value_name = "KIND[.GROUP]/[NAMESPACE/]NAME", value_parser = selection::or_kind)]
    pub object: ObjectSelection,
    /// The declared side, and before it the field.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// How to compare.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,

    /// Write text, or a document for other programs
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Text, "Text for reading"),
            (CommandFormat::Json, "One JSON document (driftctl.explanation/v1)"),
            (CommandFormat::Yaml, "The same document as YAML"),
        ])
    )]
    pub output: CommandFormat,

    /// How secrets are masked.
    #[command(flatten)]
    pub redact: RedactArgs,
}
