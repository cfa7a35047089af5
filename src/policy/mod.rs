//! Rules: what they match, when they expire, and severities.
//!
//! A [`Rule`] either explains (only built-in rules: the change is not drift) or ignores: the change
//! is drift and is counted, but not reported. The module `judge` applies them.

/// The file of the user's rules.
pub const CONFIG_NAME: &str = ".driftctl.yaml";
/// The file of accepted drift.
pub const BASELINE_NAME: &str = ".driftctl-baseline.yaml";

mod allowed;
mod annotations;
mod audit;
mod builtin;
mod debt;
mod expiry;
mod extra;
mod filter;
mod glob;
mod image;
mod index;
mod jq;
mod json_path;
mod pattern;
mod pointer;
mod rating;
mod rule;
mod selector;
mod set;
mod severity;
mod show;
mod sides;
mod spec;
mod status;

pub use allowed::Allowed;
pub use annotations::{AnnotationRules, rules_of};
pub use audit::{RuleUsage, audit};
pub use builtin::BUILTIN;
pub use debt::{ACCEPTED, Accepted, Debt, DebtMatch, RecordedValue};
pub use expiry::{Expiry, ExpiryError};
pub use extra::{ExtraSpec, OwnedBy, explains_extra};
pub use filter::Filter;
pub use glob::{Glob, GlobError, glob, literally};
pub use image::registry;
pub use jq::{DeleteByJq, JqFailure};
pub use pattern::{PathPattern, PatternError};
pub use pointer::{PointerError, PointerPattern};
pub use rule::{ChangeQuery, Objects, Rule, RuleEffect, RuleOrigin, Selectors, WrittenPath};
pub use selector::{LabelSelector, SelectorError};
pub use set::{ObjectRules, RuleSet, Users};
pub use severity::{SeverityLevel, SeverityRule, SeveritySpec};
pub use sides::ObjectSides;
pub use spec::{ChangeKindSpec, Explains, RuleSpec, SpecProblem, written_path};
pub use status::StatusOf;
