//! Explains what Argo Rollouts changes to shift traffic between two versions: the weights
//! of a route of the Gateway API, and the Pods that a Service selects.
//!
//! A field manager's name proves little, so a declared Rollout must name the route or the Service. Of
//! a route only weights are explained, and of a Service only the hash of the Pod template.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::explain_controller_owned;
use crate::compare::{ComparisonInput, Difference};
use crate::judge::{DeclaredManifest, Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, FieldPath, PathElement, ResourceKey};

/// The places at which a Rollout names a Service.
const SERVICES: [&str; 4] = [
    "/spec/strategy/canary/stableService",
    "/spec/strategy/canary/canaryService",
    "/spec/strategy/blueGreen/activeService",
    "/spec/strategy/blueGreen/previewService",
];

/// Its plugins for traffic. Each names a route of the Gateway API, or a list of them.
const PLUGINS: &str = "/spec/strategy/canary/trafficRouting/plugins";

/// The field managers under which it writes.
const MANAGERS: [&str; 2] = ["rollouts-controller", "argo-rollouts"];

/// Explains shifted traffic.
pub struct Rollouts;

impl Explainer for Rollouts {
    fn id(&self) -> &'static str {
        "rollouts"
    }

    fn about(&self) -> &'static str {
        "Argo Rollouts shifts traffic between the versions of a workload."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let rollouts = run.declared.iter().filter(|one| is_rollout(&one.key));
        let named: BTreeSet<RolloutName> = rollouts.flat_map(named_by).collect();
        (!named.is_empty()).then(|| Box::new(Shifted(named)) as _)
    }
}

/// The kind, namespace and name of an object that a Rollout changes.
type RolloutName = (String, Option<String>, String);

/// Returns the Services and routes that a Rollout names.
fn named_by(rollout: &DeclaredManifest<'_>) -> Vec<RolloutName> {
    let value = rollout.manifest.value();
    let services = SERVICES.iter().filter_map(|place| value.pointer(place));
    let services = services.map(|name| ("Service", name));
    let plugins = value.pointer(PLUGINS).and_then(Value::as_object);
    let plugins = plugins.into_iter().flatten().map(|(_, plugin)| plugin);
    let routes = plugins.flat_map(|plugin| {
        let one = [("httpRoute", "HTTPRoute"), ("grpcRoute", "GRPCRoute")];
        let one = one.map(|(field, kind)| Some((kind, plugin.get(field)?)));
        let lists = [("httpRoutes", "HTTPRoute"), ("grpcRoutes", "GRPCRoute")];
        let lists = lists.into_iter().flat_map(|(field, kind)| {
            let list = plugin.get(field).and_then(Value::as_array);
            let names = list.into_iter().flatten().filter_map(|one| one.get("name"));
            names.map(move |name| (kind, name))
        });
        one.into_iter().flatten().chain(lists)
    });
    let namespace = &rollout.key.namespace;
    services
        .chain(routes)
        .filter_map(|(kind, name)| {
            Some((
                kind.to_owned(),
                namespace.clone(),
                name.as_str()?.to_owned(),
            ))
        })
        .collect()
}

/// The objects that declared Rollouts name.
struct Shifted(BTreeSet<RolloutName>);

impl Knowledge for Shifted {
    fn review(
        &self,
        key: &ResourceKey,
        _: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        let name = (key.kind.clone(), key.namespace.clone(), key.name.clone());
        if !self.0.contains(&name) {
            return findings;
        }
        explain_controller_owned(&mut findings, |finding| {
            let is_shift = match key.group.as_str() {
                "gateway.networking.k8s.io" => shifts_weights(finding),
                "" => selects_pods(finding),
                _ => false,
            };
            let owners = &finding.owners;
            let is_known = |manager: &str| MANAGERS.contains(&manager);
            is_shift && !owners.is_empty() && owners.iter().all(|owner| is_known(&owner.manager))
        });
        findings
    }
}

fn is_rollout(key: &ResourceKey) -> bool {
    key.kind == "Rollout" && key.group == "argoproj.io"
}

/// Returns whether the change is the hash of the Pod template in a Service's selector.
fn selects_pods(finding: &Difference) -> bool {
    let selector = ["spec", "selector", "rollouts-pod-template-hash"];
    finding.change.kind != ChangeKind::Removed
        && finding.change.path == FieldPath::of_fields(&selector)
}

/// Returns whether the change is of weights alone, in one backend or in the whole list.
fn shifts_weights(finding: &Difference) -> bool {
    let change = &finding.change;
    let field = |name: &str| PathElement::Field(name.to_owned());
    if change.kind != ChangeKind::Modified || !change.path.0.contains(&field("backendRefs")) {
        return false;
    }
    if change.path.0.last() == Some(&field("weight")) {
        return true;
    }
    let list = |side: &Option<Value>| side.as_ref().and_then(Value::as_array).cloned();
    let (Some(declared), Some(live)) = (list(&change.declared), list(&change.live)) else {
        return false;
    };
    declared.len() == live.len()
        && declared.iter().zip(&live).all(|(declared, live)| {
            let (declared, live) = (declared.as_object(), live.as_object());
            declared
                .zip(live)
                .is_some_and(|(declared, live)| is_same_backend(declared, live))
        })
}

/// Returns whether two backends are the same except for their weights.
fn is_same_backend(declared: &Map<String, Value>, live: &Map<String, Value>) -> bool {
    let is_default = |name: &str, value: &Value| match name {
        "group" => value == "",
        "kind" => value == "Service",
        _ => false,
    };
    let is_live = |name: &String, value: &Value| match live.get(name) {
        Some(live) => live == value,
        None => is_default(name, value),
    };
    let is_declared =
        |name: &String, value: &Value| declared.contains_key(name) || is_default(name, value);
    let mut declared = declared.iter().filter(|(name, _)| *name != "weight");
    let mut live = live.iter().filter(|(name, _)| *name != "weight");
    declared.all(|(name, value)| is_live(name, value))
        && live.all(|(name, value)| is_declared(name, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn backends_are_the_same_if_only_weights_and_defaults_differ() {
        let same = |declared: Value, live: Value| {
            is_same_backend(declared.as_object().unwrap(), live.as_object().unwrap())
        };
        let declared = json!({"name": "a", "port": 80, "weight": 100});
        let live = |name: &str, kind: &str| json!({"name": name, "port": 80, "weight": 20, "group": "", "kind": kind});
        assert!(same(declared.clone(), live("a", "Service")));
        assert!(!same(declared.clone(), live("b", "Service")));
        assert!(!same(declared.clone(), live("a", "Function")));
        assert!(!same(declared, json!({"name": "a", "weight": 20})));
    }
}
