//! The arguments that select drift. They are the same in every command that acts on drift.

use std::path::PathBuf;

use clap::{Arg, Args};

use super::{CompareArgs, ExtraArg, ExtraArgs, LiveArgs, RulesArgs, SourceArgs, WriteArgs};
use crate::cli::selection::ObjectSelection;
use crate::policy::PathPattern;

/// The drift to act on: the two sides, the rules, and the selection.
#[derive(Debug, Clone, Default, Args)]
pub struct DriftArgs {
    /// Read who changed what from an audit log of the API server
    #[arg(long, value_name = "FILE", help_heading = "Comparison")]
    pub audit_log: Vec<PathBuf>,

    /// The selection.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,
}

impl DriftArgs {
    /// Returns how the two sides are compared.
    pub fn compare(&self, extra: ExtraArg) -> CompareArgs {
        CompareArgs {
            extra: ExtraArgs { within: extra },
            audit_log: self.audit_log.clone(),
            ..CompareArgs::default()
        }
    }
}

/// The arguments that all commands that write to a cluster have.
#[derive(Debug, Clone, Default, Args)]
pub struct ActArgs {
    /// How it is written.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Where undeclared objects are searched for.
    #[command(flatten)]
    pub extra: ExtraArgs,
    /// Which drift.
    #[command(flatten)]
    pub drift: DriftArgs,
}

/// The help of `--extra` in commands that list drift to decide on.
const LISTS_EXTRA: &str = "Also list live objects that no manifest declares: revert deletes them";

/// Adapts an argument to commands that list drift to decide on.
pub fn of_decisions(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "paths" => arg.value_name("PATH|SELECTION"),
        "extra" => arg.help(LISTS_EXTRA).long_help(LISTS_EXTRA),
        _ => arg,
    }
}

/// The selected drift; all of it if nothing is named.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Select drift of this object only (* is a wildcard in the name)
    ///
    /// Can be repeated. The argument KIND/NAME or KIND/NAMESPACE/NAME after the manifests does the
    /// same, and an argument like .spec.replicas after it selects a path of the object. An argument
    /// that names an existing file is always read as manifests. Ignored and accepted drift is
    /// selected only if both its object and its path are named.
    #[arg(long, value_name = "KIND/[NAMESPACE/]NAME")]
    pub object: Vec<ObjectSelection>,
    /// Select drift at this path only, with wildcards as in rules; can be repeated
    #[arg(long, value_name = "PATTERN")]
    pub path: Vec<PathPattern>,
}
