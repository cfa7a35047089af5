//! What is drift and what is not: rules, and the one place that judges.
//!
//! A [`Rule`] either explains (built-in rules only: the change is no drift at all) or ignores: the
//! change is drift, and is counted, and is not reported. [`judge`] is the only place where rules
//! are asked.

mod annotations;
mod audit;
mod expiry;
mod extra;
mod filter;
mod glob;
mod image;
mod json_path;
mod judge;
mod pattern;
mod pointer;
mod removal;
mod rule;
mod selector;
mod set;
mod severity;
mod spec;

pub use annotations::{Own, rules_of};
pub use audit::audit;
pub use expiry::{Expiry, ExpiryError};
pub use extra::is_reportable;
pub use filter::{Filter, KindNames, KindPattern};
pub use glob::glob;
pub use judge::{Judged, Judgement, Sides, judge};
pub use pattern::{PathPattern, PatternError};
pub use pointer::{Pointer, PointerError};
pub use removal::{DeleteByJq, JqFailure};
pub use rule::{Asked, Objects, Rule, RuleOrigin, Selectors, WrittenPath};
pub use selector::{LabelSelector, SelectorError};
pub use set::{BUILTIN, ObjectRules, RuleSet};
pub use spec::{Explains, Kind, RuleSpec, SpecProblem, written_path};
