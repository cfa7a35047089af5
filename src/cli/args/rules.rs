//! Arguments for rules, and those of the commands about rules.

use std::path::PathBuf;

use clap::Args;

use super::format::{CommandFormat, offer};
use super::{CompareArgs, LiveArgs, SourceArgs, TEMPLATE};
use crate::cli::selection::{self, EndTime, ObjectSelection};
use crate::policy::PathPattern;

/// The rules.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct RulesArgs {
    /// Read rules from this file
    ///
    /// By default, .driftctl.yaml is searched for in the folder of the manifests and its parents,
    /// up to the root of the repository. 'driftctl init' writes one.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Use built-in rules only: no .driftctl.yaml and no baseline
    #[arg(long)]
    pub no_config: bool,

    /// Read accepted drift from this file
    ///
    /// By default, .driftctl-baseline.yaml is read from the folder of the configuration, or
    /// searched for like it. 'driftctl accept' writes it.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Also ignore what Argo CD's ConfigMap argocd-cm ignores; read it from a file, or from the
    /// cluster (live)
    ///
    /// Uses resource.customizations.ignoreDifferences.*, and ignoreAggregatedRoles and
    /// ignoreResourceStatusField of resource.compareoptions. 'live' reads argocd/argocd-cm.
    #[arg(long, value_name = "FILE|live")]
    pub argocd_cm: Option<PathBuf>,

    /// Treat warnings about rules as errors: unused, expired, or without a reason
    #[arg(long)]
    pub strict_rules: bool,
}

/// `driftctl rules`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl rules ./manifests  List every rule, and where it is defined
  driftctl rules -o yaml      Print them in the schema of .driftctl.yaml
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct RulesCommandArgs {
    /// Manifests: the rules of their configuration and in their annotations are listed too
    #[command(flatten)]
    pub source: SourceArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Write the result in this format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = offer(&[
        (CommandFormat::Text, "Text for reading"),
        (CommandFormat::Json, "One JSON document (driftctl.rules/v1)"),
        (CommandFormat::Yaml, "The schema of .driftctl.yaml"),
    ]))]
    pub output: CommandFormat,
}

/// `driftctl accept`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl accept ./manifests --expires 24h --reason 'Incident 12'
  driftctl accept ./manifests deploy/cart --expires 7d --reason Sale   One object
  driftctl accept ./manifests deploy/cart .spec.replicas --expires 7d --reason Sale
  driftctl debt                            List what is accepted, and until when
",
    after_help = "\
Exit codes:
  0  All selected drift was recorded, if there is any
  2  An error, a selection that matches nothing, or an incomplete comparison: what was not compared
     was not recorded",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths.value_name("SELECTION|PATH"))
)]
pub struct AcceptArgs {
    /// Accept drift of this object only (* is a wildcard in the name)
    ///
    /// Can be repeated. The argument KIND/NAME or KIND/NAMESPACE/NAME after the manifests does the
    /// same, and an argument like .spec.replicas after it selects a path of the object. An argument
    /// that names an existing file is always read as manifests. Drift that was accepted before is
    /// accepted again, with the new --expires and --reason.
    #[arg(long, value_name = "KIND/[NAMESPACE/]NAME", help_heading = "Selection")]
    pub object: Vec<ObjectSelection>,
    /// Accept drift at this path only, with wildcards as in rules; can be repeated
    #[arg(long, value_name = "PATTERN", help_heading = "Selection", value_parser = selection::pattern)]
    pub path: Vec<PathPattern>,
    /// Why it is accepted; required without a terminal
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    pub reason: Option<String>,
    /// A link or number of the ticket
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    pub ticket: Option<String>,
    /// The deadline: 24h, 7d, 2w, a date (its end in UTC), or a time; required without a terminal
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub expires: Option<EndTime>,
    /// The declared side.
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
}

/// `driftctl debt`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl debt          List accepted drift; exit with 1 if some is overdue
  driftctl debt -o json
",
    after_help = "\
Exit codes:
  0  Nothing is overdue
  1  Something is overdue
  2  An error",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct DebtArgs {
    /// The manifests; the baseline is searched for in their folder
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// Look for the baseline next to this configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read this baseline
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the result in this format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = offer(&[
        (CommandFormat::Text, "Text for reading"),
        (CommandFormat::Json, "One JSON document (driftctl.debt/v1)"),
    ]))]
    pub output: CommandFormat,
}

/// `driftctl ignore`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl ignore deploy/shop/cart .spec.replicas --reason 'KEDA is not in yet'
  driftctl ignore 'deploy/*' '.metadata.annotations[\"example.com/*\"]' --reason Mesh
  driftctl ignore Widget.example.com/big .spec.size --reason Migration --expires 7d
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct IgnoreArgs {
    /// The objects; write a kind that is not built in with its group
    #[arg(value_name = "KIND[.GROUP]/[NAMESPACE/]NAME", value_parser = selection::or_kind)]
    pub object: ObjectSelection,
    /// The path to ignore, as reports write it, with wildcards; after the name, if the object is
    /// given as KIND NAME
    #[arg(value_name = "FIELD", required = true, num_args = 1..=2)]
    pub words: Vec<String>,
    /// Why it is ignored
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The deadline: 24h, 7d, 2w, a date (its end in UTC), or a time
    #[arg(long, value_name = "TIME")]
    pub expires: Option<EndTime>,
    /// The rule's name in reports
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Who owns the rule
    #[arg(long, value_name = "TEXT")]
    pub owner: Option<String>,
    /// A link or number of the ticket
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// Add the rule to this file (default: the .driftctl.yaml here or in a parent folder, or a new
    /// one)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `driftctl init`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl init                                   Write .driftctl.yaml here
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct InitArgs {
    /// The folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}
