//! Compares declared with live objects: the core of driftctl.
//!
//! Each object is compared in two passes. For every declared path: does the live value mean the
//! same? ([`walk`]) For every undeclared live path: what explains it? ([`survey`]) Differences
//! without an explanation are drift.

mod atomic;
mod attribute;
mod list;
mod normalize;
mod owned_items;
mod same;
mod survey;
#[cfg(test)]
mod tests;
mod trace;
mod view;
mod visit;
mod walk;

use serde_json::Value;

pub use normalize::{drop_template_labels, is_labelled, normalize, order_metrics};
pub use view::live_view;
pub use visit::{VisitedPath, fields_by_type, known_by_type};

use crate::model::{Change, ChangeCause, ChangeKind, Explanation, FieldPath, Owner, Ownership};
use crate::ownership::{Appliers, LastSent};
use crate::schema::{Schema, TypeId};

/// The two sides of one object, with everything that the comparison needs to know about them.
pub struct ComparisonInput<'a> {
    /// The manifest, [normalized](normalize()).
    pub declared: &'a Value,
    /// The live object.
    pub live: &'a Value,
    /// The schema that knows the object's type.
    pub schema: &'a Schema,
    /// The object's type; `None` if it has no schema.
    pub root: Option<TypeId>,
    /// The field owners in the live object.
    pub ownership: &'a Ownership,
    /// The managers that declare the manifest.
    pub appliers: &'a Appliers<'a>,
    /// What client-side apply sent last.
    pub sent: &'a LastSent<'a>,
    /// Explains fields that are known not to be written by people.
    pub rules: &'a dyn Explain,
    /// Which findings to return.
    pub keep: KeepFindings,
}

/// The findings of a comparison to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepFindings {
    /// Only unexplained ones.
    Drift,
    /// Also additions that are known to come from software without a rule for them: they are
    /// evidence for the same additions to other objects.
    Evidence,
    /// Everything.
    All,
}

impl KeepFindings {
    /// Returns whether to return a finding.
    pub fn keeps(self, finding: &Difference) -> bool {
        self.keeps_explained(finding.reason.as_ref())
    }

    /// Returns whether to return a finding with this reason, if any.
    fn keeps_explained(self, reason: Option<&Reason>) -> bool {
        match (reason, self) {
            (None, _) | (_, Self::All) => true,
            (Some(_), Self::Drift) => false,
            (Some(reason), Self::Evidence) => matches!(
                reason.by,
                Explanation::UnownedDefault
                    | Explanation::ApplierDefault
                    | Explanation::UnknownField
            ),
        }
    }
}

/// Knowledge about paths that is not in a schema: the rules that hide and explain.
pub trait Explain {
    /// Returns the rule that explains a change at `path`, whose live value `owners` own.
    fn explains(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<Reason>;

    /// Returns the rule that explains such a change if the applier owns the value.
    fn explains_of_applier(
        &self,
        _path: &FieldPath,
        _kind: ChangeKind,
        _owners: &[&Owner],
    ) -> Option<Reason> {
        None
    }

    /// Returns whether any rule may explain a change at `path`. If not, and few fields have rules,
    /// nothing else is asked.
    fn may_explain(&self, _path: &FieldPath) -> bool {
        true
    }

    /// Returns whether [`explains`](Self::explains) depends on the owners at `path`. If not, they
    /// are not looked up.
    fn owners_matter(&self, _path: &FieldPath) -> bool {
        true
    }
}

/// Why a difference is not drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The explanation.
    pub by: Explanation,
    /// The rule, if a rule explains the difference.
    pub rule: Option<String>,
}

impl From<Explanation> for Reason {
    fn from(by: Explanation) -> Self {
        Self { by, rule: None }
    }
}

/// A difference and its explanation.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The difference.
    pub change: Change,
    /// The owners of the live value. For an addition, the owners that are not the applier.
    pub owners: Vec<Owner>,
    /// Why it is not drift; `None` if it is.
    pub reason: Option<Reason>,
    /// The cause, if more is known than the owners.
    pub cause: Option<ChangeCause>,
    /// An additional note.
    pub note: Option<String>,
}

impl Difference {
    /// Returns the finding of a change about which nothing else is known.
    pub fn of(change: Change) -> Self {
        Self {
            change,
            owners: Vec::new(),
            reason: None,
            cause: None,
            note: None,
        }
    }

    /// Returns an explained addition that is not requested: it counts until its parent is folded,
    /// and is never shown.
    fn explained(reason: Option<Reason>) -> Self {
        Self {
            reason,
            ..Self::of(Change::of_whole(ChangeKind::Added))
        }
    }
}

/// Compares one object.
///
/// Runs in time linear in the size of both sides.
pub fn compare(subject: &ComparisonInput<'_>) -> Vec<Difference> {
    sorted(walk::walk(subject, None).0)
}

/// Compares one object, and records a trace.
pub fn compare_and_trace(subject: &ComparisonInput<'_>) -> (Vec<Difference>, Vec<VisitedPath>) {
    let (findings, trace) = walk::walk(subject, Some(Vec::new()));
    (sorted(findings), trace)
}

fn sorted(mut findings: Vec<Difference>) -> Vec<Difference> {
    findings.sort_by(|a, b| a.change.path.cmp(&b.change.path));
    findings
}
