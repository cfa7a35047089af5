//! Arguments that select drift, for every command that acts on it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{CompareArgs, Extra, LiveArgs, RulesArgs, SelectionArgs, SourceArgs};
use crate::cli::selected::Selected;

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
    /// Splits the selection from the declared side.
    ///
    /// # Errors
    /// Fails if an argument has no meaning.
    pub fn selected(&self) -> Result<(Selected, SourceArgs)> {
        Selected::of(&self.selection.object, &self.selection.path, &self.source)
    }

    /// Returns how the two sides are compared.
    pub fn compare(&self, extra: Extra) -> CompareArgs {
        CompareArgs {
            extra,
            audit_log: self.audit_log.clone(),
            ..CompareArgs::default()
        }
    }
}
