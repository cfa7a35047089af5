//! The namespace that an Application creates for itself, with its metadata
//! (`argo-cd/controller/sync_namespace.go`).

use serde_json::{Map, Value, json};

use super::spec::SyncPolicy;
use crate::model::{Manifest, Origin};
use crate::policy::{ChangeKindSpec, Explains, Rule, RuleOrigin, RuleSpec};

/// Returns what `managedNamespaceMetadata` declares, if Argo CD creates the namespace: the
/// Namespace with these labels and annotations, and a rule that ignores all others on it.
pub(super) fn declared(
    policy: &SyncPolicy,
    namespace: &str,
    place: &str,
) -> Option<(Manifest, Option<Rule>)> {
    let wanted = policy.managed_namespace_metadata.as_ref()?;
    let is_made = |option: &String| option.replace(' ', "") == "CreateNamespace=true";
    if namespace.is_empty() || !policy.sync_options.iter().any(is_made) {
        return None;
    }
    let mut metadata = Map::from_iter([("name".to_owned(), json!(namespace))]);
    for (field, entries) in [
        ("labels", &wanted.labels),
        ("annotations", &wanted.annotations),
    ] {
        if !entries.is_empty() {
            metadata.insert(field.to_owned(), json!(entries));
        }
    }
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    let (file, line) = match place.rsplit_once(':') {
        Some((file, line)) => (file, line.parse().unwrap_or(1)),
        None => (place, 1),
    };
    let manifest = Manifest {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: namespace.to_owned(),
        object: Value::into(object),
        origin: Origin {
            rendered_by: Some("managedNamespaceMetadata".into()),
            ..Origin::file(file, 1, line)
        },
        source_map: None,
    };
    Some((manifest, others_are_free(namespace)))
}

/// Returns the rule that ignores other labels and annotations: Argo CD applies only its own.
fn others_are_free(namespace: &str) -> Option<Rule> {
    let spec = RuleSpec {
        id: "argocd-managed-namespace".to_owned(),
        reason: "managedNamespaceMetadata covers only the labels and annotations that it lists."
            .to_owned(),
        kind: "Namespace".to_owned(),
        name: namespace.to_owned(),
        changes: vec![ChangeKindSpec::Added],
        paths: vec![".".to_owned()],
        explains: Some(Explains::ControllerOwned),
        ..RuleSpec::default()
    };
    spec.compile(RuleOrigin::BuiltIn).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(option: &str) -> SyncPolicy {
        serde_json::from_value(json!({
            "syncOptions": [option],
            "managedNamespaceMetadata": {"labels": {"team": "shop"}}}))
        .unwrap()
    }

    #[test]
    fn declares_the_namespace_only_if_it_is_created() {
        let made = declared(&policy("CreateNamespace=true"), "shop", "apps/web.yaml:3");
        let (manifest, rule) = made.unwrap();
        assert_eq!(manifest.value()["metadata"]["labels"]["team"], "shop");
        assert_eq!(manifest.origin.to_string(), "apps/web.yaml:3");
        assert!(rule.is_some());
        assert!(declared(&policy("Prune=false"), "shop", "a").is_none());
        assert!(declared(&policy("CreateNamespace=true"), "", "a").is_none());
    }
}
