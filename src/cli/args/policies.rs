//! Arguments that name the policies to evaluate.

use std::path::PathBuf;

use clap::Args;

/// The policies to evaluate.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policies")]
pub struct PoliciesArgs {
    /// Judge the objects by admission policies: the cluster's (live), those of a file or folder, or
    /// what policy engines reported (reports)
    ///
    /// ValidatingAdmissionPolicies and Kyverno's policies are evaluated on what is declared, as the
    /// API server would store it, and on what is live. What only the live object violates was made by the drift, and the
    /// report says why it was not stopped where facts tell. 'reports' reads PolicyReports and the
    /// status of Gatekeeper's constraints. May be given several times.
    #[arg(long, value_name = "live|reports|FILE|DIR")]
    pub policies: Vec<PathBuf>,

    /// Exit with 2 when a policy could not be evaluated for an object
    #[arg(long, requires = "policies")]
    pub strict_policies: bool,
}
