//! What an explainer is, and what it is asked at each stage of a run.

use std::sync::Arc;

use serde_json::Value;

use super::{Case, EXPLAINERS};
use crate::cluster::{Fetched, Live, LiveObject, ServedKind};
use crate::compare::{Explain, Finding, Reason, Subject};
use crate::model::{
    ChangeKind, Explanation, FieldPath, Manifest, Owner, Ownership, ResourceKey, Warning,
};
use crate::ownership::Appliers;
use crate::policy::RuleSet;

/// A manifest whose object is known.
pub struct Declared<'m> {
    /// Which object.
    pub key: ResourceKey,
    /// How its kind is served.
    pub kind: ServedKind,
    /// The manifest.
    pub manifest: &'m Arc<Manifest>,
}

/// Both sides of a run, as explainers see them.
#[derive(Clone, Copy)]
pub struct Run<'r> {
    /// Everything that is declared, whatever the filters say.
    pub manifests: &'r [Arc<Manifest>],
    /// What is compared.
    pub declared: &'r [Declared<'r>],
    /// What is live.
    pub fetched: &'r Fetched,
    /// The live side, for what else has to be read.
    pub live: &'r dyn Live,
    /// The rules.
    pub rules: &'r RuleSet,
    /// Whether the server is asked what applying would change.
    pub server_dry_run: bool,
    /// Who declares the manifests; empty to find out for each object.
    pub field_managers: &'r [String],
}

/// Something that knows of machines that change or make objects. Each is one file under
/// `judge/explain` and one line of [`EXPLAINERS`].
pub trait Explainer: Sync {
    /// Returns the id that its work is counted under.
    fn id(&self) -> &'static str;

    /// Returns what it knows, in one sentence.
    fn about(&self) -> &'static str;

    /// Reads what it needs of a run; `None` where the run gives it nothing to do.
    fn learn(&self, run: &Run<'_>) -> Option<Box<dyn Knowledge>>;
}

/// What an explainer knows in one run. It is asked at the stages that it has something to say to.
pub trait Knowledge: Send + Sync {
    /// Returns what went wrong while it learned.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Puts what an object is expected to be into its manifest, before it is compared. Returns the
    /// top-level field that this decides, so that no rule speaks of it.
    fn expected(&self, _key: &ResourceKey, _declared: &mut Value) -> Option<&'static str> {
        None
    }

    /// Returns the paths of a live object whose values are known to be a machine's, unless someone
    /// other than the applier owns them.
    fn filled(&self, _declared: &Value, _live: &Value) -> Vec<FieldPath> {
        Vec::new()
    }

    /// Gives reasons to the findings of one object, or takes them.
    fn review(
        &self,
        _key: &ResourceKey,
        _subject: &Subject<'_>,
        findings: Vec<Finding>,
    ) -> Vec<Finding> {
        findings
    }

    /// Gives reasons to findings that only all objects together explain, or takes them.
    fn together(&self, _cases: &mut [Case], _run: &Run<'_>) -> Vec<Warning> {
        Vec::new()
    }

    /// Returns why nobody has to declare a live object, if that is so.
    fn undeclared(
        &self,
        _object: &LiveObject,
        _value: &Value,
        _ownership: &Ownership,
        _rules: &RuleSet,
    ) -> Option<Explained> {
        None
    }
}

/// Why nobody has to declare a live object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Explained {
    /// Which of the closed set of explanations.
    pub explanation: Explanation,
    /// The explainer or the built-in rule.
    pub by: String,
    /// What it knows, in a sentence.
    pub about: String,
}

/// What all explainers know in a run.
#[derive(Default)]
pub struct Known(Vec<(&'static dyn Explainer, Box<dyn Knowledge>)>);

impl Known {
    /// Lets every explainer read what it needs.
    pub fn learn(run: &Run<'_>) -> Self {
        let all = EXPLAINERS.iter();
        Self(
            all.filter_map(|one| Some((*one, one.learn(run)?)))
                .collect(),
        )
    }

    fn all(&self) -> impl Iterator<Item = &dyn Knowledge> {
        self.0.iter().map(|(_, knowledge)| knowledge.as_ref())
    }

    /// See [`Knowledge::warnings`].
    pub fn warnings(&self) -> Vec<Warning> {
        self.all().flat_map(Knowledge::warnings).collect()
    }

    /// See [`Knowledge::expected`].
    pub fn expected(&self, key: &ResourceKey, declared: &mut Value) -> Vec<&'static str> {
        let decided = self.all().filter_map(|one| one.expected(key, declared));
        decided.collect()
    }

    /// See [`Knowledge::filled`].
    pub fn filled(&self, declared: &Value, live: &Value) -> Vec<FieldPath> {
        self.all()
            .flat_map(|one| one.filled(declared, live))
            .collect()
    }

    /// See [`Knowledge::review`].
    pub fn review(
        &self,
        key: &ResourceKey,
        subject: &Subject<'_>,
        findings: Vec<Finding>,
    ) -> Vec<Finding> {
        self.all()
            .fold(findings, |left, one| one.review(key, subject, left))
    }

    /// See [`Knowledge::together`].
    pub fn together(&self, cases: &mut [Case], run: &Run<'_>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for one in self.all() {
            warnings.extend(one.together(cases, run));
        }
        warnings
    }

    /// See [`Knowledge::undeclared`].
    pub fn undeclared(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> Option<Explained> {
        self.all()
            .find_map(|one| one.undeclared(object, value, ownership, rules))
    }
}

/// What the comparison asks about each path: the rules, and what is known to be filled in.
///
/// It is asked while the comparison walks, so that what is explained costs no memory.
pub struct Oracle<'a> {
    /// The rules.
    pub rules: &'a dyn Explain,
    /// Who declares the manifest.
    pub appliers: &'a Appliers<'a>,
    /// See [`Knowledge::filled`].
    pub filled: Vec<FieldPath>,
    /// Top-level fields that no rule speaks of; see [`Knowledge::expected`].
    pub decided: Vec<&'static str>,
}

impl Oracle<'_> {
    fn is_filled(&self, path: &FieldPath) -> bool {
        self.filled.iter().any(|filled| path.starts_with(filled))
    }
}

impl Explain for Oracle<'_> {
    fn explains(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<Reason> {
        let is_below = |name: &&str| path.starts_with(&FieldPath::of_fields(&[name]));
        if self.decided.iter().any(is_below) {
            return None;
        }
        let by_rule = self.rules.explains(path, kind, owners);
        by_rule.or_else(|| {
            // Whatever another manager than the applier wrote is meant.
            let is_applier = |owner: &&Owner| self.appliers.include(&owner.manager);
            (self.is_filled(path) && owners.iter().all(is_applier))
                .then(|| Explanation::AdmissionChanged.into())
        })
    }

    fn owners_matter(&self, path: &FieldPath) -> bool {
        self.rules.owners_matter(path) || self.is_filled(path)
    }
}
