//! Masks secrets in explanations of single paths.

use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::Value;

use super::mask::Masker;
use super::place::ParentFacts;
use super::{Redactor, Views, change, scrub_messages};
use crate::model::{
    Change, ChangeKind, FieldPath, ObjectExplanation, PathDecision, PathExplanation, ResourceKey,
    SecretPlace, Warning,
};

/// An explanation without secrets.
#[derive(Debug, Clone)]
pub struct RedactedExplanation(ObjectExplanation);

impl Deref for RedactedExplanation {
    type Target = ObjectExplanation;

    fn deref(&self) -> &ObjectExplanation {
        &self.0
    }
}

/// Both sides of the whole object, for context that a path does not show.
type WholeSides<'v> = [Option<&'v Value>; 2];

impl Redactor {
    /// Masks every secret in an explanation. `sides` are both sides of the object.
    pub fn explanation(
        &self,
        mut explanation: ObjectExplanation,
        sides: WholeSides<'_>,
    ) -> RedactedExplanation {
        let key = explanation.key.clone();
        let secret = std::mem::take(&mut explanation.secret);
        let mut work = ExplanationMasker::of(self, &key, sides, &secret);
        for entry in &mut explanation.entries {
            work.entry(entry);
        }
        work.path(&mut explanation.asked);
        // An extra object is live only.
        let shown = explanation
            .live
            .take()
            .filter(|_| !work.masker.hides_live());
        explanation.live = shown.map(|live| self.live(&key, live));
        let mut messages: Vec<&mut String> = Vec::new();
        for Warning { message, .. } in &mut explanation.warnings {
            messages.push(message);
        }
        messages.extend(explanation.reason.as_mut());
        for entry in &mut explanation.entries {
            if let PathDecision::Differs { note, .. } = &mut entry.decision {
                messages.extend(note.as_mut());
            }
        }
        scrub_messages(messages, work.masker.found, BTreeSet::new(), &self.pasted);
        RedactedExplanation(explanation)
    }

    /// Masks secrets in paths that are shown alone.
    pub fn paths(&self, key: &ResourceKey, sides: WholeSides<'_>, paths: &mut [FieldPath]) {
        let mut work = ExplanationMasker::of(self, key, sides, &[]);
        paths.iter_mut().for_each(|path| work.path(path));
    }
}

struct ExplanationMasker<'w> {
    masker: Masker<'w>,
    key: &'w ResourceKey,
    views: Views<'w>,
    root: ParentFacts,
}

impl<'w> ExplanationMasker<'w> {
    fn of(
        redactor: &'w Redactor,
        key: &'w ResourceKey,
        sides: WholeSides<'w>,
        secret: &'w [SecretPlace],
    ) -> Self {
        let root = ParentFacts::of_kind(&key.kind, sides);
        Self {
            masker: Masker::new(redactor, key, root, secret).with_own_values(sides),
            key,
            views: Views::of(sides),
            root,
        }
    }

    fn entry(&mut self, entry: &mut PathExplanation) {
        let as_written = entry.path.clone();
        if let Some((value, _)) = &mut entry.default {
            self.one(&as_written, value);
        }
        for matched in &mut entry.matched {
            self.path(&mut matched.path);
        }
        let kind = match &entry.decision {
            PathDecision::Differs { kind, .. } => Some(*kind),
            PathDecision::Equal(_) | PathDecision::Absent => None,
        };
        let Some(kind) = kind else {
            // Both sides are equal, so each is masked by itself.
            for value in [&mut entry.declared, &mut entry.live].into_iter().flatten() {
                self.one(&as_written, value);
            }
            return self.path(&mut entry.path);
        };
        let mut differing = Change {
            path: as_written,
            kind,
            declared: entry.declared.take(),
            live: entry.live.take(),
            at: Vec::new(),
        };
        self.change(&mut differing);
        entry.path = differing.path;
        entry.declared = differing.declared;
        entry.live = differing.live;
    }

    fn one(&mut self, path: &FieldPath, value: &mut Value) {
        let mut alone = Change {
            path: path.clone(),
            kind: ChangeKind::Removed,
            declared: Some(value.take()),
            live: None,
            at: Vec::new(),
        };
        self.change(&mut alone);
        *value = alone.declared.unwrap_or_default();
    }

    fn path(&mut self, path: &mut FieldPath) {
        let mut bare = Change {
            path: std::mem::take(path),
            kind: ChangeKind::Removed,
            declared: None,
            live: None,
            at: Vec::new(),
        };
        self.change(&mut bare);
        *path = bare.path;
    }

    fn change(&mut self, one: &mut Change) {
        change(&mut self.masker, self.key, &self.views, self.root, one);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{
        Equality, ObjectStatus, ReportTarget, SchemaOrigin, Severity, ValueType, Verdict,
    };

    fn entry(path: &str, decision: PathDecision, declared: &str, live: &str) -> PathExplanation {
        PathExplanation {
            path: path.parse().unwrap(),
            position: None,
            declared: Some(json!(declared)),
            live: Some(json!(live)),
            decision,
            owners: Vec::new(),
            form: ValueType::Untyped,
            type_name: String::new(),
            default: None,
            matched: Vec::new(),
            rule: None,
        }
    }

    fn of(kind: &str, views: [&Value; 2], entries: Vec<PathExplanation>) -> RedactedExplanation {
        let explanation = ObjectExplanation {
            target: ReportTarget::default(),
            key: ResourceKey::new("", kind.to_owned(), Some("shop".to_owned()), "a"),
            api_version: "v1".to_owned(),
            origin: None,
            status: ObjectStatus::Drifted,
            severity: None,
            reason: None,
            owners: Vec::new(),
            live: None,
            asked: FieldPath::root(),
            appliers: Vec::new(),
            has_owners: true,
            schema: SchemaOrigin::None,
            entries,
            warnings: Vec::new(),
            secret: Vec::new(),
        };
        Redactor::default().explanation(explanation, views.map(Some))
    }

    fn differs() -> PathDecision {
        PathDecision::Differs {
            kind: ChangeKind::Modified,
            verdict: Verdict::Reported,
            severity: Severity::High,
            cause: None,
            note: Some("it was aHVudGVyMg==".to_owned()),
        }
    }

    #[test]
    fn masks_values_of_secrets_whether_or_not_they_differ() {
        let side = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": value, "b": "c2FtZTEyMw=="}});
        let (declared, live) = (side("aHVudGVyMg=="), side("aHVudGVyMw=="));
        let explanation = of(
            "Secret",
            [&declared, &live],
            vec![
                entry(".data.a", differs(), "aHVudGVyMg==", "aHVudGVyMw=="),
                entry(
                    ".data.b",
                    PathDecision::Equal(Equality::Same),
                    "c2FtZTEyMw==",
                    "c2FtZTEyMw==",
                ),
            ],
        );
        let shown = format!("{explanation:?}");
        for secret in ["aHVudGVyMg", "aHVudGVyMw", "c2FtZTEyMw"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(
            explanation.entries[0].live,
            Some(json!("(redacted, differs)"))
        );
        assert_eq!(explanation.entries[1].live, Some(json!("(redacted)")));
    }

    #[test]
    fn masks_defaults_and_equal_values_with_sensitive_names() {
        let side = json!({"kind": "Widget", "spec": {"password": "hunter22"}});
        let mut sensitive = entry(
            ".spec.password",
            PathDecision::Equal(Equality::Same),
            "hunter22",
            "hunter22",
        );
        sensitive.default = Some((json!("changeme1"), crate::model::DefaultFrom::Type));
        let mut explanation = of("Widget", [&side, &side], Vec::new()).0;
        let namespace = explanation.key.namespace.clone();
        explanation.key = ResourceKey::new("example.com", "Widget", namespace, "a");
        explanation.entries = vec![sensitive];
        let redacted = Redactor::default().explanation(explanation, [Some(&side), Some(&side)]);
        let shown = format!("{redacted:?}");
        assert!(!shown.contains("hunter22"), "{shown}");
        assert!(!shown.contains("changeme1"), "{shown}");
    }
}
