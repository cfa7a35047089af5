//! The nouns that all modules share. No I/O, no command line, no colour.

mod action;
mod census;
mod change;
mod episode;
mod examination;
mod explanation;
mod finder;
mod history;
mod item_index;
mod judged;
mod key;
mod kind;
mod manifest;
mod merge;
mod name_map;
mod object;
mod ownership;
mod packed;
mod pages;
mod path;
mod plan;
mod pointer;
mod report;
mod secret_place;
mod similar;
#[cfg(test)]
pub mod tests;
mod violation;
mod worded;

pub use action::{Action, RefusalReason};
pub use census::{Census, ClassifiedObject, ObjectClass, Orphan, Share, Tally};
pub use change::{Change, ChangeCause, ChangeKind, Explanation};
pub use episode::{
    BOUNDS, ClosedEpisode, Deviation, Durations, Ending, Episode, EpisodeEvent, EpisodeKey, Onset,
    Tallies,
};
pub use examination::{Check, CheckState, Examination};
pub use explanation::{
    Applier, ApplierReason, DefaultFrom, Equality, ListMatching, ObjectExplanation, PathDecision,
    PathExplanation, RuleNote, SchemaOrigin, ValueType,
};
pub use finder::Finder;
pub use history::{History, HistoryEntry, HistorySource};
pub use item_index::{KeyIndex, ListIndex, Omitted, SHORT, is_identified};
pub use judged::{Blame, JudgedChange, Severity, Verdict};
pub use key::{GroupKind, KeyParts, ResourceKey, group_of};
pub use kind::{KindAliases, KindNames, KindPattern};
pub use manifest::{Deployer, Locate, Manifest, ManifestStep, Origin, Position};
pub use merge::{Lifecycle, Merge, MergeClass};
pub use name_map::NameMap;
pub use object::{ObjectReport, ObjectStatus, Presence};
pub use ownership::{FieldSet, ManagerEntry, Operation, OwnedFields, Owner, Ownership, TextForm};
pub use packed::PackedObject;
pub use pages::WebPages;
pub use path::{FieldPath, PathElement, PathError};
pub use plan::{
    Plan, PlanChange, PlanStep, RefusedItem, StepAction, StepProgress, WrittenAs, after_an_apply,
};
pub use pointer::{items_at, text_at, text_or_empty};
pub use report::{
    Coverage, ExplainedCount, ExtraCoverage, Report, ReportTarget, RuleCount, SourceRevision,
    Totals, Warning,
};
pub use secret_place::{SecretPlace, SecretValue};
pub use similar::nearest;
pub use violation::{Enforcement, Violation};
pub use worded::Worded;
