//! Arguments of `driftctl guard`.

use std::path::PathBuf;

use clap::builder::ArgPredicate;
use clap::{Args, ValueEnum};

use super::{CommandFormat, DriftArgs, TEMPLATE, TEXT_OR_JSON, offer};

/// `driftctl guard`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Writes a policy that blocks the same change next time, and proves it: the declared object, an
unrelated edit and the deployer pass, and the drifted object is refused. If the proof fails, no
policy is printed. Never writes to a cluster.

Examples:
  driftctl guard ./manifests deploy/cart .spec.replicas  A policy for one field
  driftctl guard ./manifests deploy/cart --lock          Keep declared values
  driftctl guard ./manifests deploy/cart --max=20        Allow up to 20
  driftctl guard ./manifests deploy/cart --format kyverno
  driftctl guard ./manifests deploy/cart | kubectl apply -f -
  driftctl guard --check ./policies ./manifests          Find useless rules
",
    after_help = "\
Exit codes:
  0  Every policy was proven and printed; with --check, every rule works
  1  Some drift got no policy; with --check, some rule does not work
  2  An error, an incomplete comparison, or a failed proof",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| {
        let paths = paths.value_name("PATH|SELECTION");
        paths.default_value_if("check", ArgPredicate::IsPresent, None::<&str>)
    })
)]
pub struct GuardArgs {
    /// What the policy requires; chosen by the change if not given
    #[command(flatten)]
    pub form: FormArgs,

    /// Check the policies in this file or folder instead; can be repeated
    ///
    /// Finds rules that block nothing, that block everything, that scaling bypasses, that match
    /// nothing or that have no binding. Each rule is evaluated on the smallest object of each kind
    /// that it matches, on the objects of PATH, and on copies of both in which the fields that it
    /// names are changed. Reads no cluster.
    #[arg(
        long,
        value_name = "FILE|DIR",
        conflicts_with_all = [
            "FormArgs", "format", "allow", "allow_group", "allow_declared", "enforce", "scope", "audit_log",
            "object", "path", "live",
        ],
        help_heading = "Guard"
    )]
    pub check: Vec<PathBuf>,

    /// The format of the findings of --check
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_parser = offer(TEXT_OR_JSON),
        default_value = "text",
        requires = "check",
        help_heading = "Guard"
    )]
    pub output: CommandFormat,

    /// The engine to write the policy for
    #[arg(
        long,
        value_name = "ENGINE",
        value_enum,
        default_value_t,
        help_heading = "Guard"
    )]
    pub format: GuardFormat,

    /// Exempt this user, such as the deployer; can be repeated
    ///
    /// The deployer is read from --audit-log, or assumed if Argo CD, Flux or Fleet applies the
    /// object.
    #[arg(long, value_name = "USER", help_heading = "Guard")]
    pub allow: Vec<String>,

    /// Exempt the members of this group; can be repeated
    #[arg(long, value_name = "GROUP", help_heading = "Guard")]
    pub allow_group: Vec<String>,

    /// Let everyone restore the declared value, for --lock
    #[arg(long, help_heading = "Guard")]
    pub allow_declared: bool,

    /// Deny; by default the policy only warns and writes to the audit log
    #[arg(long, help_heading = "Guard")]
    pub enforce: bool,

    /// Which objects of the kind to guard
    #[arg(
        long,
        value_name = "SCOPE",
        value_enum,
        default_value_t,
        help_heading = "Guard"
    )]
    pub scope: GuardScope,

    /// The drift to guard against.
    #[command(flatten)]
    pub drift: DriftArgs,
}

/// What the policy requires.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub struct FormArgs {
    /// Forbid changes of the field
    #[arg(long, help_heading = "Guard")]
    pub lock: bool,
    /// Forbid undeclared entries of the list or map
    #[arg(long, help_heading = "Guard")]
    pub closed: bool,
    /// Limit the number to the declared one, or to NUMBER
    #[arg(
        long,
        value_name = "NUMBER",
        num_args = 0..=1,
        require_equals = true,
        help_heading = "Guard"
    )]
    pub max: Option<Option<String>>,
    /// Require at least the declared number, or NUMBER
    #[arg(
        long,
        value_name = "NUMBER",
        num_args = 0..=1,
        require_equals = true,
        help_heading = "Guard"
    )]
    pub min: Option<Option<String>>,
    /// Require that the field is set; for a field that secures Pods, require its declared value
    #[arg(long, help_heading = "Guard")]
    pub require: bool,
    /// Allow images from the declared registries only
    #[arg(long, help_heading = "Guard")]
    pub origin: bool,
}

/// Which objects a policy guards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GuardScope {
    /// The object that drifted
    #[default]
    Object,
    /// Every object of its kind in its namespace
    Namespace,
    /// Every object of its kind
    Cluster,
}

/// The engines that policies are written for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GuardFormat {
    /// A ValidatingAdmissionPolicy and its binding
    #[default]
    Vap,
    /// A ClusterPolicy of Kyverno
    Kyverno,
    /// A ConstraintTemplate of Gatekeeper and its constraint
    Gatekeeper,
}
