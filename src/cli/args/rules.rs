//! The words that say which rules hold, and those of the commands about rules.

use std::path::PathBuf;

use clap::Args;

use super::format::{CommandFormat, offer};
use super::{CompareArgs, LiveArgs, SourceArgs, TEMPLATE};
use crate::cli::selection::{self, Selection, Until};
use crate::policy::PathPattern;

/// The rules.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct RulesArgs {
    /// Read rules from this file
    ///
    /// Without it .driftctl.yaml is looked for in the folder of the manifests and upwards, to the
    /// root of the repository. 'driftctl init' writes one.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Use built-in rules only; look for no .driftctl.yaml and no baseline
    #[arg(long)]
    pub no_config: bool,

    /// Read accepted drift from this file
    ///
    /// Without it .driftctl-baseline.yaml is looked for next to the configuration, or as that is.
    /// 'driftctl accept' writes it.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live)
    /// from the cluster
    ///
    /// Heeds resource.customizations.ignoreDifferences.* in it, and of resource.compareoptions
    /// ignoreAggregatedRoles and ignoreResourceStatusField. 'live' reads argocd/argocd-cm.
    #[arg(long, value_name = "FILE|live")]
    pub argocd_cm: Option<PathBuf>,

    /// Treat rule warnings as errors: unused, expired, or without a reason
    #[arg(long)]
    pub strict_rules: bool,
}

/// `driftctl rules`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl rules ./manifests                      List every rule, and where it is written
  driftctl rules -o yaml                          Print them in the schema of .driftctl.yaml
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct RulesCommandArgs {
    /// Manifests whose rules are listed too: of their configuration, and their annotations
    #[command(flatten)]
    pub source: SourceArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// The format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = offer(&[
        (CommandFormat::Text, "Lines to read"),
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
  driftctl accept deploy/shop/cart .spec.replicas ./manifests \\
    --expires 7d --reason 'Scaled for the sale'           One field of an object
  driftctl accept deploy/shop/cart ./manifests \\
    --expires 7d --reason 'Scaled for the sale'           All drift of an object
  driftctl accept ./manifests --expires 24h --reason 'Incident 12'    All of today's drift
  driftctl debt                                           What is accepted, for how long
",
    after_help = "\
Exit codes:
  0  All drift that is selected was recorded, if there is any
  2  An error, a selection that selects nothing, or an incomplete comparison: what was not compared
     was not recorded",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths.value_name("SELECTION|PATH"))
)]
pub struct AcceptArgs {
    /// Accept only drift of this object (* is a wildcard in the name)
    ///
    /// May be given several times. A word KIND/NAME or KIND/NAMESPACE/NAME behind the manifests
    /// means the same, and a word like .spec.replicas behind that a path of the object; what is
    /// there as a file names manifests. Drift that is selected and was accepted before is accepted
    /// once more, with another --expires or --reason.
    #[arg(long, value_name = "KIND/[NAMESPACE/]NAME", help_heading = "Selection")]
    pub object: Vec<Selection>,
    /// Accept only drift at these paths, with wildcards as in rules; may be given several times
    #[arg(long, value_name = "PATTERN", help_heading = "Selection", value_parser = selection::pattern)]
    pub path: Vec<PathPattern>,
    /// Why it is accepted; required without a terminal
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    pub reason: Option<String>,
    /// Where it is discussed
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    pub ticket: Option<String>,
    /// Until when: 24h, 7d, 2w, a date (its end in UTC), or a time; required without a
    /// terminal
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub expires: Option<Until>,
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// What is compared.
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
  driftctl debt                                   List what is accepted; exit with 1 if it is overdue
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
    /// The manifests, from where the baseline is looked for
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// Look for the baseline next to this configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read this baseline
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// The format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = offer(&[
        (CommandFormat::Text, "Lines to read"),
        (CommandFormat::Json, "One JSON document (driftctl.debt/v1)"),
    ]))]
    pub output: CommandFormat,
}

/// `driftctl ignore`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl ignore Deployment/shop/cart .spec.replicas --reason 'Scaled by hand until KEDA is in'
  driftctl ignore 'Deployment/*' '.metadata.annotations[\"example.com/*\"]' --reason 'Set by the mesh'
  driftctl ignore Widget.example.com/big .spec.size --reason Migration --expires 7d
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct IgnoreArgs {
    /// Which objects; a kind that is not built in is written with its group
    #[arg(value_name = "KIND[.GROUP]/[NAMESPACE/]NAME", value_parser = selection::or_kind)]
    pub object: Selection,
    /// What is ignored in them: a path as reports write it, with wildcards; before it the name,
    /// where the object is written KIND NAME
    #[arg(value_name = "FIELD", required = true, num_args = 1..=2)]
    pub words: Vec<String>,
    /// Why it is ignored
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Until when: 24h, 7d, 2w, a date (its end in UTC), or a time
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Until>,
    /// The rule's name in reports
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Who answers for the rule
    #[arg(long, value_name = "TEXT")]
    pub owner: Option<String>,
    /// Where it is discussed
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// Add the rule to this file; otherwise to the .driftctl.yaml here or above, or to a new one
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
