//! Reads the user's rules from files: `.driftctl.yaml`, the baseline of accepted drift, and the
//! settings of Argo CD.
//!
//! A file is checked as a whole before it is used: all problems are reported at once, with their
//! lines and what to write instead.

mod append;
mod argocd;
mod baseline;
mod check;
mod config_file;
mod find;
mod ids;
mod problem;
mod read;
mod sensitive;

pub use crate::policy::{BASELINE_NAME, CONFIG_NAME};
pub use append::{CannotAppend, append, rule_text};
pub use argocd::{ArgoSettings, read_argocd};
pub use baseline::{can_be_written, read_baseline, write_baseline};
pub use find::{FoundConfig, find, new_file, read_file};
pub use problem::{ConfigError, ConfigProblem};
pub use read::{CheckJq, Config, read, schema, specs};
pub use sensitive::Sensitive;

/// What `driftctl init` writes: every key, explained and commented out.
pub const TEMPLATE: &str = include_str!("template.yaml");
