//! Decides what is drift: the only module that makes verdicts.
//!
//! A difference goes through three steps. [`explain`] contains knowledge about machines that change
//! objects: each explainer may give a finding a reason. Then the rules of the run are applied
//! ([`rules`]), and [`mod@decide`] alone makes the verdict, for a field, a missing object and an
//! undeclared object alike: explained, else ignored, else accepted, else reported.
//!
//! A [`Case`] carries the report on its object, with the manifest, from the comparison to the
//! verdicts. The status of an object and the counts of a report are functions of the verdicts. The
//! severity is not: rules set it, and so it is stored with the verdict that they led to.

mod apply_refusal;
mod decide;
pub mod explain;
mod explainer;
pub mod harm;
mod knowledge;
mod removal;
mod rule_input;
mod rules;

use crate::compare::Difference;
use crate::model::{ObjectReport, PackedObject};

pub use apply_refusal::immutable_field;
pub use decide::{decide, reported};
use decide::{decide_whole, whole_severity};
pub use explain::{EXPLAINERS, GENERATED, OWNED, autoscaler_of};
pub use explainer::{
    DeclaredManifest, Explainer, ExplainerInput, Knowledge, ObjectExplainer, Oracle,
};
pub use knowledge::ExplainerKnowledge;
pub use rule_input::RuleInput;
pub use rules::{apply_rules, judge_whole};

/// A declared object between its comparison and its verdicts.
#[derive(Debug)]
pub struct Case {
    /// Its report, still without changes.
    pub report: ObjectReport,
    /// The manifest as it was compared; `None` if nothing can be reported.
    pub declared: Option<PackedObject>,
    /// The findings, with what else is known about them.
    pub candidates: Vec<JudgeInput>,
}

impl Case {
    /// Returns a case for an object that was not compared.
    pub fn of(report: ObjectReport) -> Self {
        Self {
            report,
            declared: None,
            candidates: Vec::new(),
        }
    }
}

/// A finding before its verdict, with what else is known about it.
#[derive(Debug, Clone)]
pub struct JudgeInput {
    /// The finding. Its reason says why it is explained.
    pub finding: Difference,
    /// The rule that ignores it.
    pub ignored: Option<Ignored>,
    /// The reason for which it was accepted, if it was.
    pub accepted: Option<String>,
    /// A note for the report, if the finding is reported.
    pub note: Option<String>,
}

impl JudgeInput {
    /// Returns a candidate for a finding about which nothing else is known.
    pub fn of(finding: Difference) -> Self {
        Self {
            note: finding.note.clone(),
            finding,
            ignored: None,
            accepted: None,
        }
    }

    /// Returns whether the finding would be reported in its current state.
    pub fn is_open(&self) -> bool {
        self.finding.reason.is_none() && self.ignored.is_none() && self.accepted.is_none()
    }
}

/// A rule that ignores a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The rule's id.
    pub rule: String,
    /// The reason given for the rule.
    pub reason: String,
}
