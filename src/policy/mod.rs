//! What is drift and what is not: rules, and the one place that judges.

mod extra;
mod glob;
mod judge;
mod pattern;
mod rules;
mod severity;

pub use extra::is_reportable;
pub use glob::glob;
pub use judge::{Judged, judge};
pub use pattern::{PathPattern, PatternError};
pub use rules::{BUILTIN, ObjectRules, Rule, RuleSet, RulesError};
