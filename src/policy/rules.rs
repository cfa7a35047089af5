//! Rules: which changes are no drift, or are not to be reported.

use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::severity::SeverityRule;
use super::{PathPattern, glob};
use crate::compare::{Explain, Reason, find};
use crate::model::{ChangeKind, Explanation, FieldPath, Owner, ResourceKey};

/// The built-in rules, as a file in the schema that users write; `driftctl rules` prints it.
pub const BUILTIN: &str = include_str!("builtin.yaml");

/// One rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its name in reports.
    pub id: String,
    /// Why it is there.
    #[serde(default)]
    pub reason: String,
    /// What it says the change is; without it, the change is drift that is not reported.
    #[serde(default)]
    pub explains: Option<Explains>,
    /// Which objects.
    #[serde(flatten)]
    pub objects: Objects,
    /// Which kinds of change; empty for any.
    #[serde(default)]
    pub changes: Vec<Kind>,
    /// Which holders: each of them must match.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Only where the manifest declares this path.
    #[serde(default)]
    pub if_declared: Option<Pattern>,
    /// Which paths.
    #[serde(default)]
    pub paths: Vec<Pattern>,
}

/// Which objects a rule speaks of. Each is a glob, and any object where it is left out.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Objects {
    /// The API group; empty for the core group.
    #[serde(default)]
    pub group: Option<String>,
    /// The kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// The namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
}

impl Objects {
    /// Whether a rule about these objects speaks of this one.
    pub fn matches(&self, key: &ResourceKey) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| glob(pattern, text))
        };
        fits(&self.group, &key.group)
            && fits(&self.kind, &key.kind)
            && fits(
                &self.namespace,
                key.namespace.as_deref().unwrap_or_default(),
            )
            && fits(&self.name, &key.name)
    }
}

/// A [`ChangeKind`], as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Declared and live, with different meaning.
    Changed,
    /// Declared and not live.
    Removed,
    /// Live and not declared.
    Added,
}

impl Kind {
    fn is(self, kind: ChangeKind) -> bool {
        kind == match self {
            Self::Changed => ChangeKind::Changed,
            Self::Removed => ChangeKind::Removed,
            Self::Added => ChangeKind::Added,
        }
    }
}

/// The explanations that a rule can give; the others need a look at owners and types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Explains {
    /// See [`Explanation::ServerManaged`].
    ServerManaged,
    /// See [`Explanation::ControllerOwned`].
    ControllerOwned,
    /// See [`Explanation::AdmissionChanged`].
    AdmissionChanged,
}

impl From<Explains> for Explanation {
    fn from(explains: Explains) -> Self {
        match explains {
            Explains::ServerManaged => Self::ServerManaged,
            Explains::ControllerOwned => Self::ControllerOwned,
            Explains::AdmissionChanged => Self::AdmissionChanged,
        }
    }
}

/// A [`PathPattern`], as it is read from a rules file.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(pub PathPattern);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|e| format!("{text}: {e}"))
    }
}

/// A live object that nobody has to declare.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtraRule {
    /// Its name in reports.
    pub id: String,
    /// Why it is there.
    pub reason: String,
    /// Which objects.
    #[serde(flatten)]
    pub objects: Objects,
    /// Only objects that carry this label.
    #[serde(default)]
    pub label: Option<String>,
    /// Only objects that nobody but these managers wrote.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Only objects with an owner reference.
    #[serde(default)]
    pub owned_by: Option<OwnedBy>,
}

/// Who owns an object, in the sense of garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OwnedBy {
    /// Another object (`metadata.ownerReferences`).
    Controller,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    #[serde(default)]
    ignore_differences: Vec<Rule>,
    #[serde(default)]
    ignore_extra: Vec<ExtraRule>,
    #[serde(default)]
    severity: Vec<SeverityRule>,
}

/// A rules file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RulesError(String);

/// All rules of a run.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Rules about changes.
    pub rules: Vec<Rule>,
    /// Rules about objects that nobody declares.
    pub extra: Vec<ExtraRule>,
    /// How much changes matter.
    pub(super) severity: Vec<SeverityRule>,
}

impl RuleSet {
    /// The built-in rules.
    pub fn builtin() -> &'static RuleSet {
        static RULES: LazyLock<RuleSet> =
            LazyLock::new(|| RuleSet::read(BUILTIN).unwrap_or_default());
        &RULES
    }

    /// Reads a rules file.
    ///
    /// # Errors
    /// When the text is not in the rules' schema; the message has the line.
    pub fn read(text: &str) -> Result<Self, RulesError> {
        let file: File = serde_yaml::from_str(text).map_err(|e| RulesError(e.to_string()))?;
        Ok(Self {
            rules: file.ignore_differences,
            extra: file.ignore_extra,
            severity: file.severity,
        })
    }

    /// The rules that speak of one object.
    pub fn for_object(&self, key: &ResourceKey, declared: &Value) -> ObjectRules<'_> {
        let applies = |rule: &&Rule| {
            rule.objects.matches(key)
                && rule.if_declared.as_ref().is_none_or(|pattern| {
                    let path = pattern.0.to_string().parse::<FieldPath>();
                    path.is_ok_and(|path| find(declared, &path).is_some())
                })
        };
        ObjectRules {
            rules: self.rules.iter().filter(applies).collect(),
        }
    }
}

/// The rules that speak of one object.
#[derive(Debug)]
pub struct ObjectRules<'r> {
    rules: Vec<&'r Rule>,
}

impl<'r> ObjectRules<'r> {
    /// The first rule that covers a change.
    pub fn find(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<&'r Rule> {
        self.rules
            .iter()
            .find(|rule| rule.covers(path, kind, owners))
            .copied()
    }
}

impl Explain for ObjectRules<'_> {
    fn explains(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<Reason> {
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.explains.is_some() && rule.covers(path, kind, owners))?;
        Some(Reason {
            by: rule.explains?.into(),
            rule: Some(rule.id.clone()),
        })
    }
}

impl Rule {
    /// Whether the rule speaks of a change, the object being one of its own.
    pub fn covers(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> bool {
        (self.changes.is_empty() || self.changes.iter().any(|listed| listed.is(kind)))
            && self.paths.iter().any(|pattern| pattern.0.covers(path))
            && managers_match(&self.managers, owners)
    }
}

/// Whether every holder matches one of the patterns and none of those that start with `!`.
/// Patterns that only exclude say nothing against a value that nobody holds.
pub(super) fn managers_match(patterns: &[String], owners: &[&Owner]) -> bool {
    if patterns.is_empty() {
        return true;
    }
    let (excluded, wanted): (Vec<&str>, Vec<&str>) = patterns
        .iter()
        .map(String::as_str)
        .partition(|pattern| pattern.starts_with('!'));
    let is_wanted = |owner: &&Owner| {
        let is = |pattern: &&str| glob(pattern.trim_start_matches('!'), &owner.manager);
        !excluded.iter().any(is) && (wanted.is_empty() || wanted.iter().any(is))
    };
    (wanted.is_empty() || !owners.is_empty()) && owners.iter().all(is_wanted)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Operation;

    fn owner(manager: &str) -> Owner {
        Owner {
            manager: manager.to_owned(),
            operation: Operation::Update,
            subresource: None,
            time: None,
        }
    }

    fn key(group: &str, kind: &str) -> ResourceKey {
        ResourceKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: Some("shop".to_owned()),
            name: "cart".to_owned(),
        }
    }

    #[test]
    fn the_builtin_rules_can_be_read_and_have_ids_and_reasons() {
        let rules = RuleSet::read(BUILTIN).unwrap();
        assert!(rules.rules.len() > 10);
        let mut ids: Vec<&str> = rules.rules.iter().map(|rule| rule.id.as_str()).collect();
        ids.extend(rules.extra.iter().map(|rule| rule.id.as_str()));
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "an id twice");
        assert!(rules.rules.iter().all(|rule| rule.reason.ends_with('.')));
    }

    #[test]
    fn managers_must_all_match() {
        let patterns = ["kube-*".to_owned(), "!kube-x".to_owned()];
        let (a, b, x) = (owner("kube-a"), owner("bob"), owner("kube-x"));
        assert!(managers_match(&patterns, &[&a]));
        assert!(!managers_match(&patterns, &[&a, &b]));
        assert!(!managers_match(&patterns, &[&x]));
        assert!(!managers_match(&patterns, &[]));
        assert!(managers_match(&["!bob".to_owned()], &[]));
    }

    #[test]
    fn rules_speak_of_their_objects_and_paths_only() {
        let rules = RuleSet::builtin();
        let path = ".spec.clusterIP".parse().unwrap();
        let service = rules.for_object(&key("", "Service"), &Value::Null);
        assert!(service.find(&path, ChangeKind::Added, &[]).is_some());
        assert!(service.find(&path, ChangeKind::Changed, &[]).is_none());
        let other = rules.for_object(&key("apps", "Deployment"), &Value::Null);
        assert!(other.find(&path, ChangeKind::Added, &[]).is_none());
    }

    #[test]
    fn unknown_words_are_errors() {
        assert!(RuleSet::read("ignoreDiferences: []").is_err());
        let error = RuleSet::read("ignoreDifferences:\n- id: x\n  paths: [spec]").unwrap_err();
        assert!(error.to_string().contains("line"), "{error}");
    }
}
