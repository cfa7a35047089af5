//! Arguments that select drift, the same in every command that acts on it.

use clap::Args;

use crate::cli::selection::Selection;
use crate::policy::PathPattern;

/// The selected drift; all of it if nothing is named.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Select drift of this object only (* is a wildcard in the name)
    ///
    /// Can be repeated. The argument KIND/NAME or KIND/NAMESPACE/NAME after the manifests does the
    /// same, and an argument like .spec.replicas after it selects a path of the object. An existing
    /// file is always taken as manifests. Ignored and accepted drift is selected only if both its
    /// object and its path are named.
    #[arg(long, value_name = "KIND/[NAMESPACE/]NAME")]
    pub object: Vec<Selection>,
    /// Select drift at this path only, with wildcards as in rules; can be repeated
    #[arg(long, value_name = "PATTERN")]
    pub path: Vec<PathPattern>,
}
