//! The nouns that all modules share. No I/O, no command line, no colour.

mod account;
mod action;
mod census;
mod change;
mod episode;
mod examination;
mod finder;
mod history;
mod item_index;
mod judged;
mod key;
mod kind;
mod manifest;
mod merge;
mod object;
mod ownership;
mod packed;
mod pages;
mod path;
mod plan;
mod report;
mod secret_place;
mod similar;
#[cfg(test)]
pub mod tests;
mod violation;
mod worded;

pub use account::{
    Account, Applier, ApplierReason, Decision, DefaultFrom, Entry, Equal, Form, Matched, RuleNote,
    SchemaOrigin,
};
pub use action::{Action, Why};
pub use census::{Census, Class, Counted, Orphan, Share, Tally};
pub use change::{Cause, Change, ChangeKind, Explanation};
pub use episode::{
    BOUNDS, Closed, Deviation, Durations, Ending, Episode, EpisodeKey, Event, Onset, Tallies,
};
pub use examination::{Check, CheckState, Examination};
pub use finder::Finder;
pub use history::{Evidence, History, Moment};
pub use item_index::{KeyIndex, ListIndex, Omitted, SHORT, is_identified};
pub use judged::{Blame, JudgedChange, Severity, Verdict};
pub use key::{GroupKind, ResourceKey, group_of};
pub use kind::{Called, KindNames, KindPattern};
pub use manifest::{Deployer, Locate, Manifest, Origin, Position, Step};
pub use merge::{Lifecycle, Merge, MergeClass};
pub use object::{ObjectReport, Presence, Status};
pub use ownership::{FieldSet, ManagerEntry, Operation, OwnedFields, Owner, Ownership};
pub use packed::Packed;
pub use pages::WebPages;
pub use path::{FieldPath, PathElement, PathError};
pub use plan::{How, Plan, PlanChange, PlanStep, Progress, Refused, WrittenAs, after_an_apply};
pub use report::{
    Coverage, ExplainedCount, ExtraCoverage, Report, Revision, RuleCount, Target, Totals, Warning,
};
pub use secret_place::{SecretPlace, SecretValue};
pub use similar::nearest;
pub use violation::{Enforcement, Violation};
pub use worded::Worded;
