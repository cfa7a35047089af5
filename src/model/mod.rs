//! Nouns: what every floor above talks about. No I/O, no command line, no colour.

mod change;
mod key;
mod manifest;
mod ownership;
mod path;
mod report;

pub use change::{Cause, Change, ChangeKind, Explanation};
pub use key::{GroupKind, ResourceKey, group_of};
pub use manifest::{Locate, Manifest, Origin, Position, Step};
pub use ownership::{FieldSet, ManagerEntry, Operation, Owner, Ownership};
pub use path::{FieldPath, PathError, Segment};
pub use report::{
    Coverage, Drift, ObjectReport, Report, RuleCount, Severity, Status, Target, Totals, Verdict,
    Warning,
};
