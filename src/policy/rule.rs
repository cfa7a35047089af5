//! A rule: which objects and changes it matches, why, and until when.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::{Expiry, LabelSelector, ObjectSides, PathPattern, PointerPattern, glob};
use crate::model::{ChangeKind, Explanation, FieldPath, Finder, Owner, ResourceKey};

/// A rule, compiled from a [`RuleSpec`](super::RuleSpec).
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its ID in reports.
    pub id: String,
    /// The reason; empty if none was given.
    pub reason: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Link to a ticket or discussion.
    pub ticket: Option<String>,
    /// When it expires.
    pub expires: Option<Expiry>,
    /// Whether it has expired. An expired rule hides nothing.
    pub expired: bool,
    /// Where it is defined.
    pub origin: RuleOrigin,
    /// The explanation that it gives. Without one, the change is drift, but is not reported.
    pub explains: Option<Explanation>,
    /// The objects that it matches.
    pub objects: Objects,
    /// Only objects with matching labels.
    pub labels: Option<LabelSelector>,
    /// Only if the manifest declares this path.
    pub if_declared: Option<FieldPath>,
    /// Only if the live object has this path. Keys that an item omits are ignored.
    pub if_live: Option<FieldPath>,
    /// The kinds of changes; empty for any.
    pub kinds: Vec<ChangeKind>,
    /// The field managers: every owner of the live value must match.
    pub managers: Vec<String>,
    /// The parts of the object; see [`Selectors`].
    pub selectors: Selectors,
    /// Whether the rule is only about the object being missing or extra.
    pub object_only: bool,
    /// Only objects with an owner reference (`metadata.ownerReferences`).
    pub owned: bool,
    /// Paths that the rule does not match: the labels and annotations on the live object that are
    /// switches themselves, so that setting one of them is still reported.
    pub except: Vec<FieldPath>,
    /// Whether only the live object asks for it. Anyone who may change the object can, so such a
    /// rule hides nothing severe.
    pub of_live: bool,
    /// Whether the rule matches only values that the applier owns.
    pub only_applier: bool,
}

/// The place where a rule is defined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleOrigin {
    /// Built into driftctl.
    BuiltIn,
    /// In a file or annotation: `.driftctl.yaml:12`.
    Place(String),
    /// In settings that apply to other manifests too, such as a ConfigMap of Argo CD. That such a
    /// rule hides nothing here is no reason for a warning.
    Shared(String),
}

impl fmt::Display for RuleOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::Place(place) | Self::Shared(place) => f.write_str(place),
        }
    }
}

/// The effect of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum RuleEffect {
    /// The difference is not drift, and the rule says why.
    Explains,
    /// The difference is drift that is hidden.
    Ignores,
    /// The object is not extra.
    #[strum(serialize = "leaves out")]
    LeavesOut,
}

impl RuleEffect {
    /// Returns the words that lists of rules show.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The objects that a rule matches, as in Argo CD: `group` and `kind` are globs in which `*` also
/// matches dots, and an empty `name` or `namespace` matches any. The API version does not matter.
///
/// Unlike in Argo CD, `name` and `namespace` are globs too; names hardly ever contain special
/// characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Objects {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Objects {
    /// Returns whether the rule matches this object.
    pub fn matches(&self, key: &ResourceKey) -> bool {
        self.match_kind(&key.group, &key.kind) && self.match_name(key)
    }

    /// Returns whether the rule matches objects of this kind.
    pub(super) fn match_kind(&self, group: &str, kind: &str) -> bool {
        glob(&self.kind, kind) && glob(&self.group, group)
    }

    /// Returns whether the rule matches objects with this name and namespace.
    fn match_name(&self, key: &ResourceKey) -> bool {
        let namespace = key.namespace.as_deref().unwrap_or_default();
        (self.namespace.is_empty() || glob(&self.namespace, namespace))
            && (self.name.is_empty() || glob(&self.name, &key.name))
    }
}

/// The parts of an object that a rule matches: everything that one of these selects, or
/// without selectors the whole object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selectors {
    /// Paths in the syntax of reports.
    pub paths: Vec<PathPattern>,
    /// `jsonPointers`.
    pub pointers: Vec<PointerPattern>,
    /// `jqPathExpressions`.
    pub jq: Vec<String>,
    /// `managedFieldsManagers`: fields that these managers own, where the values differ.
    pub owned_by: Vec<String>,
    /// Regular expressions for paths as written in the manifest (kluctl).
    pub written: Vec<WrittenPath>,
}

/// A regular expression for paths such as `spec.template.spec.containers[0].image`; it may match
/// any part of a path.
#[derive(Debug, Clone)]
pub struct WrittenPath(pub regex::Regex);

impl PartialEq for WrittenPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Selectors {
    /// Returns whether there are no selectors, so that everything is selected.
    pub fn is_empty(&self) -> bool {
        let Self {
            paths,
            pointers,
            jq,
            owned_by,
            written,
        } = self;
        let nothing_named = paths.is_empty() && pointers.is_empty() && jq.is_empty();
        nothing_named && owned_by.is_empty() && written.is_empty()
    }
}

/// The properties of a change that rules match.
#[derive(Debug, Clone, Copy)]
pub struct ChangeQuery<'c> {
    /// The path.
    pub path: &'c FieldPath,
    /// The kind of change.
    pub kind: ChangeKind,
    /// The owners of the live value.
    pub owners: &'c [&'c Owner],
}

impl Rule {
    /// Returns the rule at a time, marked as expired if it has expired.
    #[must_use]
    pub fn by(mut self, now: Timestamp) -> Self {
        self.expired = self.expires.as_ref().is_some_and(|at| at.is_over(now));
        self
    }

    /// Returns whether the rule matches the object.
    pub fn matches_object(&self, key: &ResourceKey, sides: ObjectSides<'_>) -> bool {
        self.objects.match_kind(&key.group, &key.kind) && self.concerns_one(key, sides)
    }

    /// Returns whether the rule matches every object of its kind.
    pub(super) fn matches_all_of_kind(&self) -> bool {
        let Self {
            objects,
            labels,
            if_declared,
            if_live,
            owned,
            ..
        } = self;
        let any_name = objects.namespace.is_empty() && objects.name.is_empty();
        any_name && labels.is_none() && if_declared.is_none() && if_live.is_none() && !owned
    }

    /// Returns whether the rule matches an object of its kind.
    pub(super) fn concerns_one(&self, key: &ResourceKey, sides: ObjectSides<'_>) -> bool {
        let ObjectSides { declared, live } = sides;
        let labels = || declared.get("metadata").and_then(|m| m.get("labels"));
        self.objects.match_name(key)
            && self.labels.as_ref().is_none_or(|s| s.matches(labels()))
            && (self.if_declared.as_ref())
                .is_none_or(|path| Finder::lenient(declared).find(path).is_some())
            && (self.if_live.as_ref()).is_none_or(|path| Finder::strict(live).find(path).is_some())
            && (!self.owned || is_made_by_owner(declared))
    }

    /// Returns whether the rule matches a change of an object that it matches, judged by its path.
    pub fn covers(&self, change: ChangeQuery<'_>) -> bool {
        // The cheapest checks come first.
        self.is_for_kind(change.kind) && self.leads_to(change) && self.admits(change)
    }

    fn is_for_kind(&self, kind: ChangeKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Returns whether the kind and the owners of a change match the rule.
    pub fn admits(&self, change: ChangeQuery<'_>) -> bool {
        self.is_for_kind(change.kind)
            && (!self.object_only || change.path.0.is_empty())
            && !self.excepts(change.path)
            && managers_match(&self.managers, change.owners)
    }

    fn excepts(&self, path: &FieldPath) -> bool {
        self.except.iter().any(|switch| {
            path.starts_with(switch) || (!path.0.is_empty() && switch.starts_with(path))
        })
    }

    /// Returns whether a selector matches the change or a parent.
    fn leads_to(&self, change: ChangeQuery<'_>) -> bool {
        let owned_by = &self.selectors.owned_by;
        self.leads_to_path(change.path)
            || (change.kind == ChangeKind::Modified
                && change.owners.iter().any(|o| owned_by.contains(&o.manager)))
    }

    pub(super) fn leads_to_path(&self, path: &FieldPath) -> bool {
        let Selectors {
            paths, pointers, ..
        } = &self.selectors;
        paths.iter().any(|pattern| pattern.covers(path))
            || pointers
                .iter()
                .filter_map(PointerPattern::path)
                .any(|pointer| path.starts_with(&pointer))
            || self.selectors.is_empty()
    }

    /// Returns whether the owners of a path decide whether the rule matches.
    pub(super) fn asks_for_owners(&self, path: &FieldPath) -> bool {
        !self.selectors.owned_by.is_empty()
            || (!self.managers.is_empty() && self.leads_to_path(path))
    }

    /// Returns whether the rule applies only to undeclared objects.
    pub fn is_about_extras(&self) -> bool {
        self.object_only && self.kinds == [ChangeKind::Added]
    }

    /// Returns the effect of the rule.
    pub fn effect(&self) -> RuleEffect {
        match self.explains {
            Some(_) => RuleEffect::Explains,
            None if self.is_about_extras() && self.origin == RuleOrigin::BuiltIn => {
                RuleEffect::LeavesOut
            }
            None => RuleEffect::Ignores,
        }
    }

    /// Returns whether the rule is about the object being missing or extra.
    pub fn covers_object(&self, kind: ChangeKind, owners: &[&Owner]) -> bool {
        let root = FieldPath::root();
        self.covers(ChangeQuery {
            path: &root,
            kind,
            owners,
        })
    }
}

/// Returns whether the controller of an owner created the object. `kubectl create job
/// --from=cronjob/NAME` sets an owner reference too, and an annotation that marks the Job as
/// started by a person (`kubectl/pkg/cmd/create/create_job.go`).
fn is_made_by_owner(object: &Value) -> bool {
    let Some(metadata) = object.get("metadata") else {
        return false;
    };
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    let annotations = metadata.get("annotations");
    let by_hand = annotations
        .and_then(|all| all.get("cronjob.kubernetes.io/instantiate"))
        .is_some_and(|how| how == "manual");
    owners.is_some_and(|owners| !owners.is_empty()) && !by_hand
}

/// Returns whether every owner matches a pattern, and no pattern that starts with `!`. Patterns
/// that only exclude also match a value without owners.
pub(super) fn managers_match(patterns: &[String], owners: &[&Owner]) -> bool {
    if patterns.is_empty() {
        return true;
    }
    let is_exclusion = |pattern: &&String| pattern.starts_with('!');
    let wanted = || patterns.iter().filter(|pattern| !is_exclusion(pattern));
    let only_excludes = wanted().next().is_none();
    let is_wanted = |owner: &&Owner| {
        let is = |pattern: &String| glob(pattern.trim_start_matches('!'), &owner.manager);
        !patterns.iter().filter(is_exclusion).any(is) && (only_excludes || wanted().any(is))
    };
    (only_excludes || !owners.is_empty()) && owners.iter().all(is_wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Operation;

    fn owner(manager: &str) -> Owner {
        Owner {
            manager: manager.to_owned(),
            operation: Operation::Update,
            subresource: None,
            time: None,
            user: None,
        }
    }

    #[test]
    fn a_job_started_by_a_person_was_not_created_by_its_owner() {
        let job = |annotations: Value| {
            json!({"metadata": {"annotations": annotations,
            "ownerReferences": [{"kind": "CronJob", "name": "nightly"}]}})
        };
        assert!(is_made_by_owner(&job(json!({}))));
        let by_hand = job(json!({"cronjob.kubernetes.io/instantiate": "manual"}));
        assert!(!is_made_by_owner(&by_hand));
        assert!(!is_made_by_owner(
            &json!({"metadata": {"ownerReferences": []}})
        ));
    }

    #[test]
    fn every_manager_must_match() {
        let patterns = ["kube-*".to_owned(), "!kube-x".to_owned()];
        let (a, b, x) = (owner("kube-a"), owner("bob"), owner("kube-x"));
        assert!(managers_match(&patterns, &[&a]));
        assert!(!managers_match(&patterns, &[&a, &b]));
        assert!(!managers_match(&patterns, &[&x]));
        assert!(!managers_match(&patterns, &[]));
        assert!(managers_match(&["!bob".to_owned()], &[]));
    }

    #[test]
    fn objects_match_as_in_argo_cd() {
        let key = |group: &str, kind: &str| {
            ResourceKey::new(
                group.to_owned(),
                kind.to_owned(),
                Some("shop".to_owned()),
                "cart",
            )
        };
        let objects = |group: &str, kind: &str| Objects {
            group: group.to_owned(),
            kind: kind.to_owned(),
            ..Objects::default()
        };
        let deployment = key("apps", "Deployment");
        assert!(objects("apps", "Deployment").matches(&deployment));
        assert!(
            !objects("", "Deployment").matches(&deployment),
            "an omitted group is the core group"
        );
        assert!(objects("*", "*").matches(&deployment));
        assert!(objects("*", "*").matches(&key("", "Service")));
        assert!(objects("*.istio.io", "*").matches(&key("networking.istio.io", "Gateway")));
        assert!(objects("networking.*", "Gateway").matches(&key("networking.istio.io", "Gateway")));
        assert!(
            !objects("apps", "deployment").matches(&deployment),
            "case matters"
        );
        let named = |namespace: &str, name: &str| Objects {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..objects("apps", "Deployment")
        };
        assert!(named("", "cart").matches(&deployment));
        assert!(named("shop", "").matches(&deployment));
        assert!(!named("shop", "car").matches(&deployment));
        assert!(!named("other", "cart").matches(&deployment));
    }
}
