//! Writes rules as YAML, and as a one-line summary.

use super::{ChangeKindSpec, ExtraSpec, OwnedBy, Rule, RuleSpec};
use crate::model::ChangeKind;

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

impl Rule {
    /// Returns the rule in its written form. Regular expressions for paths, which only kluctl's
    /// annotations have, are left out.
    pub fn spec(&self) -> RuleSpec {
        let kinds = self.kinds.iter().map(|kind| match kind {
            ChangeKind::Modified => ChangeKindSpec::Changed,
            ChangeKind::Removed => ChangeKindSpec::Removed,
            ChangeKind::Added => ChangeKindSpec::Added,
        });
        RuleSpec {
            id: self.id.clone(),
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            ticket: self.ticket.clone(),
            expires: self.expires.as_ref().map(ToString::to_string),
            group: self.objects.group.clone(),
            kind: self.objects.kind.clone(),
            namespace: self.objects.namespace.clone(),
            name: self.objects.name.clone(),
            label_selector: self.labels.as_ref().map(ToString::to_string),
            if_declared: self.if_declared.as_ref().map(ToString::to_string),
            if_live: self.if_live.as_ref().map(ToString::to_string),
            paths: texts(&self.selectors.paths),
            json_pointers: texts(&self.selectors.pointers),
            jq_path_expressions: self.selectors.jq.clone(),
            managed_fields_managers: self.selectors.owned_by.clone(),
            changes: kinds.collect(),
            only_managers: self.managers.clone(),
            explains: self.explains.and_then(|by| by.try_into().ok()),
            only_applier: self.only_applier,
        }
    }

    /// Returns the rule in its written form, if it is about undeclared objects.
    pub fn extra_spec(&self) -> Option<ExtraSpec> {
        let spec = self.spec();
        self.is_about_extras().then_some(ExtraSpec {
            id: spec.id,
            reason: spec.reason,
            owner: spec.owner,
            ticket: spec.ticket,
            expires: spec.expires,
            group: spec.group,
            kind: spec.kind,
            namespace: spec.namespace,
            name: spec.name,
            label_selector: spec.label_selector,
            if_live: spec.if_live,
            only_managers: spec.only_managers,
            owned_by: self.owned.then_some(OwnedBy::Controller),
        })
    }

    /// Returns a one-line summary: `Deployment.apps shop/cart: .spec.replicas (changed)`.
    pub fn summary(&self) -> String {
        let objects = &self.objects;
        let any = |text: &str| if text.is_empty() { "*" } else { text }.to_owned();
        let mut said = match (objects.group.as_str(), objects.kind.as_str()) {
            ("*", "*") => "any object".to_owned(),
            ("", kind) => kind.to_owned(),
            (group, kind) => format!("{kind}.{group}"),
        };
        if !objects.namespace.is_empty() || !objects.name.is_empty() {
            let name = any(&objects.name);
            // `{,shop}` in a built-in rule also matches cluster-scoped objects.
            let namespace = objects.namespace.strip_prefix("{,");
            let namespace = namespace.and_then(|rest| rest.strip_suffix('}'));
            said.push_str(&match namespace.unwrap_or(&objects.namespace) {
                "" => format!(" {name}"),
                namespace => format!(" {namespace}/{name}"),
            });
        }
        if let Some(labels) = &self.labels {
            said.push_str(&format!(" with {labels}"));
        }
        if let Some(path) = &self.if_declared {
            said.push_str(&format!(" that declares {path}"));
        }
        if let Some(path) = &self.if_live {
            said.push_str(&format!(" that has {path} live"));
        }
        if self.is_about_extras() {
            said.push_str(", if no manifest declares it");
        } else {
            said.push_str(&format!(": {}", self.parts()));
        }
        if !self.managers.is_empty() {
            said.push_str(&format!(", owned by {}", self.managers.join(", ")));
        }
        said
    }

    fn parts(&self) -> String {
        let selectors = &self.selectors;
        let mut parts = texts(&selectors.paths);
        parts.extend(texts(&selectors.pointers));
        parts.extend(selectors.jq.iter().map(|jq| format!("del({jq})")));
        parts.extend(
            selectors
                .owned_by
                .iter()
                .map(|m| format!("what {m} changed")),
        );
        parts.extend(
            selectors
                .written
                .iter()
                .map(|regex| format!("/{}/", regex.0)),
        );
        if parts.is_empty() {
            parts.push("everything".to_owned());
        }
        let mut said = parts.join(", ");
        if !self.kinds.is_empty() {
            let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
            said.push_str(&format!(" ({})", kinds.join(", ")));
        }
        said
    }
}
