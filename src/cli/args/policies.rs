//! Arguments that name the policies to evaluate.

use std::path::PathBuf;

use clap::Args;

/// The policies to evaluate.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policies")]
pub struct PoliciesArgs {
    /// Evaluate admission policies: the cluster's (live), those in a file or folder, or the results
    /// that policy engines reported (reports)
    ///
    /// Evaluates ValidatingAdmissionPolicies and Kyverno's policies on the declared object, as the
    /// API server would store it, and on the live object. If only the live object violates a
    /// policy, the drift caused it, and the report says why nothing blocked it, where that is
    /// known. 'reports' reads PolicyReports and the status of Gatekeeper's constraints. Can be
    /// repeated.
    #[arg(long, value_name = "live|reports|FILE|DIR")]
    pub policies: Vec<PathBuf>,

    /// Exit with 2 when a policy could not be evaluated for an object
    #[arg(long, requires = "policies")]
    pub strict_policies: bool,
}
