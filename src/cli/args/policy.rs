//! `driftctl policy`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CommandFormat, SourceArgs, TEMPLATE, offer};

/// `driftctl policy`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl policy ./manifests --policies ./policies           What is refused?
  driftctl policy overlays/prod --policies vap.yaml -n shop   A kustomization
  driftctl policy ./manifests --policies ./policies --as ci   Where the user matters
  driftctl policy ./manifests --policies ./policies -o sarif  Code scanning
",
    after_help = "\
Exit codes:
  0  No object violates a policy that --fail-on counts
  1  At least one object does
  2  An error, or with --strict-policies a policy that could not be evaluated",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct PolicyArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,

    /// Read policies, their bindings and parameters from this file or folder
    ///
    /// ValidatingAdmissionPolicies (admissionregistration.k8s.io) and the policies of Kyverno
    /// (kyverno.io). Namespace labels are read from Namespaces among the policies and the
    /// manifests. Can be repeated.
    #[arg(long, value_name = "FILE|DIR", required = true)]
    pub policies: Vec<PathBuf>,

    /// The namespace of manifests that do not name one
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub namespace: String,

    /// Evaluate as if this user applied the manifests
    ///
    /// A user name, or system:serviceaccount:NAMESPACE:NAME. The user is in the groups that the API
    /// server adds by itself, and in those of --as-group. Without it, rules about who writes are
    /// not evaluated.
    #[arg(long = "as", value_name = "USER")]
    pub as_user: Option<String>,

    /// The user of --as is in this group; can be repeated
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    pub as_group: Vec<String>,

    /// Evaluate the deletion of the objects instead of their creation
    #[arg(long)]
    pub delete: bool,

    /// Exit with 1 when an object violates a policy that denies it, or any policy
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub fail_on: PolicyFailOn,

    /// Exit with 2 when a policy could not be evaluated for an object
    #[arg(long)]
    pub strict_policies: bool,

    /// Write the result in this format
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        value_parser = offer(&[
            (CommandFormat::Text, "Text for reading"),
            (CommandFormat::Json, "For other programs"),
            (CommandFormat::Github, "Annotations for GitHub Actions"),
            (CommandFormat::Gitlab, "A Code Quality report for GitLab"),
            (CommandFormat::Junit, "JUnit XML"),
            (CommandFormat::Sarif, "SARIF 2.1.0 for code scanning"),
        ])
    )]
    pub output: CommandFormat,
}

/// What fails `driftctl policy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PolicyFailOn {
    /// A violation that the policy's binding denies (Deny)
    #[default]
    Violation,
    /// Also a violation that is only warned about or audited
    ViolationAudit,
}
