//! Defines explainers, and the stages of a run at which they act.

use std::sync::Arc;

use serde_json::Value;

use super::Case;
use crate::cluster::{Live, LiveObject, ReadResult, ReadResults, ServedKind};
use crate::compare::{ComparisonInput, Difference, Explain, Reason};
use crate::model::{
    ChangeKind, Explanation, FieldPath, GroupKind, Manifest, Owner, Ownership, ResourceKey, Warning,
};
use crate::ownership::Appliers;
use crate::policy::RuleSet;

/// A manifest, with the object that it declares.
pub struct DeclaredManifest<'m> {
    /// The object.
    pub key: ResourceKey,
    /// How its kind is served.
    pub kind: Arc<ServedKind>,
    /// The manifest.
    pub manifest: &'m Arc<Manifest>,
}

/// Both sides of a run, in the form that explainers use.
#[derive(Clone, Copy)]
pub struct ExplainerInput<'r> {
    /// All manifests, regardless of filters.
    pub manifests: &'r [Arc<Manifest>],
    /// The compared objects.
    pub declared: &'r [DeclaredManifest<'r>],
    /// The live objects.
    pub fetched: &'r ReadResults,
    /// The live side, for further reads.
    pub live: &'r dyn Live,
    /// The rules.
    pub rules: &'r RuleSet,
    /// Whether the server dry-runs an apply of each manifest.
    pub server_dry_run: bool,
    /// The managers that declare the manifests; if empty, they are determined for each object.
    pub field_managers: &'r [String],
    /// Whether the manifests are the templates of owners, from which controllers created the live
    /// objects.
    pub created: bool,
}

impl ExplainerInput<'_> {
    /// Returns the live object of this key, with its owners, if it was found and can be read.
    pub fn found(&self, key: &ResourceKey) -> Option<(Value, Ownership)> {
        match self.fetched.answers.get(key)? {
            ReadResult::Found(object) => object.value_and_owners().ok(),
            ReadResult::Absent | ReadResult::Unread(_) => None,
        }
    }
}

/// Knowledge about software that changes or creates objects. Each explainer is one file under
/// `judge/explain` and one line of [`EXPLAINERS`](super::EXPLAINERS).
pub trait Explainer: Sync {
    /// Returns the ID that its explanations are counted under.
    fn id(&self) -> &'static str;

    /// Returns a description in one sentence.
    fn about(&self) -> &'static str;

    /// Reads the data that it needs in a run; returns `None` if it has nothing to explain.
    fn learn(&self, _run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        None
    }

    /// Reads what it needs after the comparison, if that shows that there may be something to
    /// explain.
    fn learn_later(
        &self,
        _run: &ExplainerInput<'_>,
        _cases: &[&Case],
    ) -> Option<Box<dyn Knowledge>> {
        None
    }
}

/// The knowledge of an explainer in one run. It implements the stages at which it acts.
pub trait Knowledge: Send + Sync {
    /// Returns errors from reading.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Returns whether objects with open findings are compared again, for what was learned later.
    fn compares_again(&self) -> bool {
        false
    }

    /// Sets expected values in an object's manifest, before the comparison. Returns the top-level
    /// field that this decides, to which no rule applies then.
    fn expected(&self, _key: &ResourceKey, _declared: &mut Value) -> Option<&'static str> {
        None
    }

    /// Returns the paths of a live object with values that are known to be set by software, unless
    /// someone other than the applier owns them.
    fn software_set_paths(&self, _declared: &Value, _live: &Value) -> Vec<FieldPath> {
        Vec::new()
    }

    /// Adds or removes reasons on the findings of one object.
    fn review(
        &self,
        _key: &ResourceKey,
        _subject: &ComparisonInput<'_>,
        findings: Vec<Difference>,
    ) -> Vec<Difference> {
        findings
    }

    /// Adds or removes reasons on findings that only all objects together can explain.
    fn explain_together(&self, _cases: &mut [Case], _run: &ExplainerInput<'_>) -> Vec<Warning> {
        Vec::new()
    }

    /// Returns why a declared object need not be live, if so.
    fn missing(&self, _key: &ResourceKey, _declared: &Value) -> Option<ObjectExplainer> {
        None
    }

    /// Returns why nobody has to declare a live object, if that is so.
    fn undeclared(
        &self,
        _object: &LiveObject,
        _value: &Value,
        _ownership: &Ownership,
        _rules: &RuleSet,
    ) -> Option<ObjectExplainer> {
        None
    }

    /// Returns the custom kind that an undeclared object names as its owner, if that might explain it
    /// but does not.
    fn unproven_owner(&self, _object: &LiveObject, _value: &Value) -> Option<GroupKind> {
        None
    }
}

/// Why a live object need not be declared, or a declared one need not be live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectExplainer {
    /// The explanation.
    pub explanation: Explanation,
    /// The explainer or the built-in rule.
    pub by: String,
    /// The reason, in a sentence.
    pub about: String,
}

/// The facts about each path that the comparison needs: the rules, and the values that are known to
/// be set by software.
///
/// It is used during the walk, so that explained values take no memory.
pub struct Oracle<'a> {
    /// The rules.
    pub rules: &'a dyn Explain,
    /// The managers that declare the manifest.
    pub appliers: &'a Appliers<'a>,
    /// The paths from [`Knowledge::software_set_paths`].
    pub filled: Vec<FieldPath>,
    /// The top-level fields from [`Knowledge::expected`], to which no rule applies.
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
            // A value that another manager than the applier wrote is intentional.
            let is_applier = |owner: &&Owner| self.appliers.include(&owner.manager);
            if !owners.iter().all(is_applier) {
                return None;
            }
            let of_applier = || self.rules.explains_of_applier(path, kind, owners);
            match self.is_filled(path) {
                true => Some(Explanation::AdmissionChanged.into()),
                false => of_applier(),
            }
        })
    }

    fn may_explain(&self, path: &FieldPath) -> bool {
        self.rules.may_explain(path) || self.is_filled(path)
    }

    fn owners_matter(&self, path: &FieldPath) -> bool {
        self.rules.owners_matter(path) || self.is_filled(path)
    }
}
