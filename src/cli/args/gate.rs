//! Arguments that decide what fails a run.

use clap::{Args, ValueEnum};

use crate::model::Severity;

/// What fails the run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// Exit with 1 when any of these is found
    ///
    /// A comma-separated list: --fail-on missing,high. It does not change the report. Errors and
    /// incomplete comparisons always exit with 2.
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        value_delimiter = ',',
        default_value = "drift,conflict,denied"
    )]
    pub fail_on: Vec<FailOn>,

    /// Exit with 2 when more than this many declared objects are missing
    ///
    /// Many missing objects usually mean the wrong cluster, context or namespace.
    #[arg(long, value_name = "COUNT")]
    pub max_missing: Option<usize>,

    /// Exit with 2 when more than this many live objects are not in any manifest
    ///
    /// An apply with pruning would delete them. Many of them usually mean an empty or wrong path.
    /// Needs --extra.
    #[arg(long, value_name = "COUNT")]
    pub max_extra: Option<usize>,

    /// Exit with 0 even if there is drift
    ///
    /// Only turns exit code 1 into 0. Errors and incomplete comparisons still exit with 2.
    #[arg(long)]
    pub exit_zero: bool,
}

/// A finding that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum FailOn {
    /// Any difference: fields that drifted, objects that are missing or extra; with --base, only
    /// what was changed live and not by the branch
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
    /// With --policies: also violations that a policy only warns about or audits
    ViolationAudit,
    /// Only what could not be compared, which always exits with 2
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
    /// Returns the severity that fails the run, if one was named.
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
