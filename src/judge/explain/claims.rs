//! Explains PersistentVolumeClaims that StatefulSets create from their templates. They have no
//! owner reference, so they outlive the StatefulSet
//! (`pkg/controller/statefulset/stateful_set_utils.go`, `getPersistentVolumeClaimName`).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{LiveObject, ReadResults};
use crate::judge::{Explainer, ExplainerInput, Knowledge, ObjectExplainer};
use crate::model::{Explanation, Manifest, Ownership, ResourceKey};
use crate::policy::RuleSet;

/// Explains PersistentVolumeClaims of StatefulSets.
pub struct StatefulSetClaims;

impl Explainer for StatefulSetClaims {
    fn id(&self) -> &'static str {
        "stateful-set-claims"
    }

    fn about(&self) -> &'static str {
        "A StatefulSet creates the claims in its volumeClaimTemplates."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let claims = of_stateful_sets(run.manifests, run.fetched);
        (!claims.beginnings.is_empty()).then(|| Box::new(claims) as _)
    }
}

impl Knowledge for Claims {
    fn undeclared(
        &self,
        object: &LiveObject,
        _: &Value,
        _: &Ownership,
        _: &RuleSet,
    ) -> Option<ObjectExplainer> {
        self.cover(&object.key).then(|| ObjectExplainer {
            explanation: Explanation::ControllerOwned,
            by: StatefulSetClaims.id().to_owned(),
            about: StatefulSetClaims.about().to_owned(),
        })
    }
}

/// The claims that the StatefulSets of a run create.
#[derive(Debug, Default)]
struct Claims {
    /// The namespace, and the prefix `TEMPLATE-SET-`, which the Pod's ordinal follows.
    beginnings: BTreeSet<(String, String)>,
}

impl Claims {
    /// Returns whether an object is one of these claims.
    fn cover(&self, key: &ResourceKey) -> bool {
        let Some((beginning, number)) = key.name.rsplit_once('-') else {
            return false;
        };
        let namespace = key.namespace.clone().unwrap_or_default();
        key.kind == "PersistentVolumeClaim"
            && key.group.is_empty()
            && number.parse::<u32>().is_ok()
            && self
                .beginnings
                .contains(&(namespace, format!("{beginning}-")))
    }

    fn add(&mut self, set: &Value) {
        let text = |value: &Value, path: &str| Some(value.pointer(path)?.as_str()?.to_owned());
        let templates = set.pointer("/spec/volumeClaimTemplates");
        let templates = templates.and_then(Value::as_array).into_iter().flatten();
        let Some(name) = text(set, "/metadata/name") else {
            return;
        };
        let namespace = text(set, "/metadata/namespace").unwrap_or_else(|| "default".to_owned());
        for template in templates.filter_map(|template| text(template, "/metadata/name")) {
            let beginning = format!("{template}-{name}-");
            self.beginnings.insert((namespace.clone(), beginning));
        }
    }
}

/// Returns the claims of every StatefulSet that is declared or was read.
fn of_stateful_sets(manifests: &[Arc<Manifest>], fetched: &ReadResults) -> Claims {
    let mut claims = Claims::default();
    let declared = manifests.iter().filter(|m| m.kind == "StatefulSet");
    declared.for_each(|manifest| claims.add(&manifest.value()));
    let found = fetched.found();
    for object in found.chain(&fetched.extra) {
        if object.key.kind == "StatefulSet"
            && let Ok(set) = object.value()
        {
            claims.add(&set);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recognizes_claims_by_template_set_and_ordinal() {
        let mut claims = Claims::default();
        claims.add(&json!({
            "metadata": {"name": "orders-db", "namespace": "shop"},
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}));
        let covers = |namespace: &str, name: &str| {
            claims.cover(&ResourceKey::new(
                "",
                "PersistentVolumeClaim",
                Some(namespace.to_owned()),
                name.to_owned(),
            ))
        };
        assert!(covers("shop", "data-orders-db-0"));
        assert!(covers("shop", "data-orders-db-12"));
        assert!(!covers("other", "data-orders-db-0"));
        assert!(!covers("shop", "data-orders-db-x"));
        assert!(!covers("shop", "data-orders-0"));
    }
}
