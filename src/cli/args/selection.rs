//! The words that select drift, alike in every command that acts on it.

use clap::Args;

use crate::cli::selection::Selection;
use crate::policy::PathPattern;

/// Which drift is meant; all of it where nothing is said.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Only drift of this object (* is a wildcard in the name)
    ///
    /// May be given several times. A word KIND/NAME or KIND/NAMESPACE/NAME behind the manifests
    /// means the same, and a word like .spec.replicas behind that a path of the object; what is
    /// there as a file names manifests. Drift that a rule ignores or that was accepted is selected
    /// only where both its object and its path are named.
    #[arg(long, value_name = "KIND/[NAMESPACE/]NAME")]
    pub object: Vec<Selection>,
    /// Only drift at these paths, with wildcards as in rules; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub path: Vec<PathPattern>,
}
