//! The knowledge of all explainers in a run.

use serde_json::Value;

use super::explainer::{ExplainerInput, Knowledge, ObjectExplainer};
use super::{Case, EXPLAINERS};
use crate::cluster::LiveObject;
use crate::compare::{ComparisonInput, Difference};
use crate::model::{FieldPath, GroupKind, Ownership, ResourceKey, Warning};
use crate::policy::RuleSet;

/// The knowledge of all explainers in a run.
#[derive(Default)]
pub struct ExplainerKnowledge {
    /// Each with its place in [`EXPLAINERS`], which is the order in which they act.
    all: Vec<(usize, Box<dyn Knowledge>)>,
}

impl ExplainerKnowledge {
    /// Lets every explainer read the data that it needs.
    pub fn learn(run: &ExplainerInput<'_>) -> Self {
        let all = EXPLAINERS.iter().enumerate();
        let all = all.filter_map(|(place, one)| Some((place, one.learn(run)?)));
        Self { all: all.collect() }
    }

    /// Returns what explainers read after the comparison. It acts once it is [added](Self::add).
    pub fn learn_later(run: &ExplainerInput<'_>, cases: &[&Case]) -> Self {
        let all = EXPLAINERS.iter().enumerate();
        let all = all.filter_map(|(place, one)| Some((place, one.learn_later(run, cases)?)));
        Self { all: all.collect() }
    }

    /// Adds what was learned later. Returns whether objects with open findings are to be compared
    /// again.
    pub fn add(&mut self, later: Self) -> bool {
        let compares_again = later.all().any(Knowledge::compares_again);
        self.all.extend(later.all);
        self.all.sort_by_key(|(place, _)| *place);
        compares_again
    }

    fn all(&self) -> impl Iterator<Item = &dyn Knowledge> {
        self.all.iter().map(|(_, knowledge)| knowledge.as_ref())
    }

    /// Returns whether any [`Knowledge::compares_again`].
    pub fn compares_again(&self) -> bool {
        self.all().any(Knowledge::compares_again)
    }

    /// Collects [`Knowledge::warnings`].
    pub fn warnings(&self) -> Vec<Warning> {
        self.all().flat_map(Knowledge::warnings).collect()
    }

    /// Collects [`Knowledge::expected`].
    pub fn expected(&self, key: &ResourceKey, declared: &mut Value) -> Vec<&'static str> {
        let decided = self.all().filter_map(|one| one.expected(key, declared));
        decided.collect()
    }

    /// Collects [`Knowledge::software_set_paths`].
    pub fn software_set_paths(&self, declared: &Value, live: &Value) -> Vec<FieldPath> {
        self.all()
            .flat_map(|one| one.software_set_paths(declared, live))
            .collect()
    }

    /// Applies [`Knowledge::review`].
    pub fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        findings: Vec<Difference>,
    ) -> Vec<Difference> {
        self.all()
            .fold(findings, |left, one| one.review(key, subject, left))
    }

    /// Applies [`Knowledge::explain_together`].
    pub fn explain_together(&self, cases: &mut [Case], run: &ExplainerInput<'_>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for one in self.all() {
            warnings.extend(one.explain_together(cases, run));
        }
        warnings
    }

    /// Returns the first answer of [`Knowledge::missing`].
    pub fn missing(&self, key: &ResourceKey, declared: &Value) -> Option<ObjectExplainer> {
        self.all().find_map(|one| one.missing(key, declared))
    }

    /// Returns the first answer of [`Knowledge::undeclared`].
    pub fn undeclared(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> Option<ObjectExplainer> {
        self.all()
            .find_map(|one| one.undeclared(object, value, ownership, rules))
    }

    /// Returns the first answer of [`Knowledge::unproven_owner`].
    pub fn unproven_owner(&self, object: &LiveObject, value: &Value) -> Option<GroupKind> {
        self.all().find_map(|one| one.unproven_owner(object, value))
    }
}
