//! Declared against live: the heart.
//!
//! Two questions are asked of each object. Of every path that the manifest declares: does the live
//! value mean the same? ([`walk`]) And of every path that is live and that the manifest does not
//! declare: what explains it? ([`survey`]) What has no explanation is drift.

mod atomic;
mod attribute;
mod list;
mod normalize;
mod resolve;
mod same;
mod survey;
#[cfg(test)]
mod tests;
mod trace;
mod view;
mod visit;
mod walk;

use serde_json::Value;

pub use normalize::{normalize, order_metrics};
pub use resolve::find;
pub use view::live_view;
pub use visit::{Visit, fields_by_type, known_by_type};

use crate::model::{Cause, Change, ChangeKind, Explanation, FieldPath, Owner, Ownership};
use crate::ownership::Appliers;
use crate::schema::{Schema, TypeId};

/// One object, from both sides, with everything that is known about it.
pub struct Subject<'a> {
    /// The manifest, [normalized](normalize()).
    pub declared: &'a Value,
    /// The live object.
    pub live: &'a Value,
    /// The schema that knows the object's type.
    pub schema: &'a Schema,
    /// The object's type; `None` where there is not a schema for it.
    pub root: Option<TypeId>,
    /// Who owns what of the live object.
    pub ownership: &'a Ownership,
    /// Who declares the manifest.
    pub appliers: &'a Appliers<'a>,
    /// What client-side apply sent last.
    pub last_applied: Option<&'a Value>,
    /// What is known to be written by others than people.
    pub rules: &'a dyn Explain,
    /// Which findings are wanted.
    pub keep: Keep,
}

/// Which findings of a comparison are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// What nothing explains.
    Drift,
    /// Also what machines are known to have added without a rule knowing of it: it is evidence of
    /// what the same machines do elsewhere.
    Evidence,
    /// Everything.
    All,
}

impl Keep {
    /// Returns whether a finding is wanted.
    pub fn keeps(self, finding: &Finding) -> bool {
        self.keeps_explained(finding.reason.as_ref())
    }

    /// Returns whether a finding with this reason, or with none, is wanted.
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

/// Knowledge about single paths that is not in a schema: the rules that hide and explain.
pub trait Explain {
    /// Returns the rule that speaks of a change at `path`, live value held by `owners`, if there is
    /// one that explains it.
    fn explains(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<Reason>;

    /// Returns whether it matters to [`explains`](Self::explains) who owns what is at `path`. Where
    /// it does not, nobody has to find out.
    fn owners_matter(&self, _path: &FieldPath) -> bool {
        true
    }
}

/// Why something is not drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which of the closed set of explanations.
    pub by: Explanation,
    /// The rule that knew, if it was one.
    pub rule: Option<String>,
}

impl From<Explanation> for Reason {
    fn from(by: Explanation) -> Self {
        Self { by, rule: None }
    }
}

/// A difference and what explains it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The difference.
    pub change: Change,
    /// Who holds the live value. Of an addition, those who are not allowed by being the applier.
    pub owners: Vec<Owner>,
    /// Why it is not drift; `None` when it is.
    pub reason: Option<Reason>,
    /// How it came about, where more is known than who holds it.
    pub cause: Option<Cause>,
    /// What else there is to say about it.
    pub note: Option<String>,
}

impl Finding {
    /// Returns an addition that is explained and not wanted: it counts until what is around it is
    /// folded, and nobody sees it.
    fn explained(reason: Option<Reason>) -> Self {
        Self {
            change: Change {
                path: FieldPath::root(),
                kind: ChangeKind::Added,
                declared: None,
                live: None,
                at: Vec::new(),
            },
            owners: Vec::new(),
            reason,
            cause: None,
            note: None,
        }
    }
}

/// Compares one object.
///
/// Linear in the size of both sides.
pub fn compare(subject: &Subject<'_>) -> Vec<Finding> {
    sorted(walk::walk(subject, None).0)
}

/// Compares one object, and tells what it saw on the way.
pub fn compare_and_trace(subject: &Subject<'_>) -> (Vec<Finding>, Vec<Visit>) {
    let (findings, trace) = walk::walk(subject, Some(Vec::new()));
    (sorted(findings), trace)
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| a.change.path.cmp(&b.change.path));
    findings
}
