//! The words that say what fails a run.

use clap::{Args, ValueEnum};

use crate::model::Severity;

/// What fails the run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// Exit with 1 when any of these was found
    ///
    /// Several words are separated by commas: --fail-on missing,high. The report is the same
    /// whatever they are. Errors and incomplete comparisons exit with 2 whatever they are.
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        value_delimiter = ',',
        default_value = "drift,conflict,denied"
    )]
    pub fail_on: Vec<FailOn>,

    /// Stop with 2 when more than so many declared objects are missing
    ///
    /// Whole applications do not vanish: the wrong cluster, context or namespace is the usual
    /// cause.
    #[arg(long, value_name = "COUNT")]
    pub max_missing: Option<usize>,

    /// Stop with 2 when more than so many live objects are declared nowhere
    ///
    /// An apply that prunes would delete them: an empty or wrong path is the usual cause. Needs
    /// --extra.
    #[arg(long, value_name = "COUNT")]
    pub max_extra: Option<usize>,

    /// Exit with 0 although there is drift
    ///
    /// Turns exit code 1 into 0 and nothing else: errors and incomplete comparisons stay 2.
    #[arg(long)]
    pub exit_zero: bool,
}

/// Something that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum FailOn {
    /// Any difference: fields that drifted, objects that are missing or extra; with --base, what
    /// was changed live and what the branch does not change
    Drift,
    /// With --base: changes of the branch that overwrite changes made live
    Conflict,
    /// With --base: drift of objects that the branch changes; drift of others passes
    DriftOnBranch,
    /// With --base: what only the branch changes
    Pending,
    /// Declared objects that are not live
    Missing,
    /// Live objects that no manifest declares
    Extra,
    /// With --server-dry-run: what a policy, webhook or quota of the server refuses
    Denied,
    /// With --policies: objects that violate a policy which refuses them
    Violation,
    /// With --policies: also violations that a policy only warns of or audits
    ViolationAudit,
    /// What could not be compared, and nothing else; that exits with 2 whatever is named
    Unknown,
    /// Everything that is reported
    Any,
    /// Drift of low severity and above
    Low,
    /// Drift of medium severity and above
    Medium,
    /// Drift of high severity and above
    High,
    /// Drift of critical severity
    Critical,
}

impl FailOn {
    /// The severity from which on drift fails the run, if that is what was said.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Low => Some(Severity::Low),
            Self::Medium => Some(Severity::Medium),
            Self::High => Some(Severity::High),
            Self::Critical => Some(Severity::Critical),
            Self::Drift
            | Self::Conflict
            | Self::DriftOnBranch
            | Self::Pending
            | Self::Missing
            | Self::Extra
            | Self::Denied
            | Self::Violation
            | Self::ViolationAudit
            | Self::Unknown
            | Self::Any => None,
        }
    }
}
