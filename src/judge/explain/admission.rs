//! Explains fields that the API server's admission plugins add to a Pod.
//!
//! These fields have no owner, which distinguishes them from a person's change. Knowledge about the
//! plugins is needed without managed fields, and for plugins that add to a list that the manifest
//! declares (`plugin/pkg/admission` in Kubernetes).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::{Live, ReadResult, ReadResults};
use crate::judge::{DeclaredManifest, Explainer, ExplainerInput, Knowledge};
use crate::model::{FieldPath, Manifest, PathElement};
use crate::schema::{self, ScalarType};

/// The mount path of a service account's token (`plugin/pkg/admission/serviceaccount`).
const TOKEN_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The annotation in which the LimitRanger plugin records its changes
/// (`plugin/pkg/admission/limitranger`).
const LIMIT_RANGER: &str = "kubernetes.io/limit-ranger";

/// The ConfigMaps with the cluster's certificates.
const CERTIFICATES: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];

/// Explains what admission plugins add to Pods.
pub struct AdmissionPlugins;

impl Explainer for AdmissionPlugins {
    fn id(&self) -> &'static str {
        "admission-plugins"
    }

    fn about(&self) -> &'static str {
        "Admission plugins of the API server add fields to Pods."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut pods = run.declared.iter().filter(|one| one.key.kind == "Pod");
        pods.next()?;
        Some(Box::new(PodAdmission::gather(
            run.declared,
            run.manifests,
            run.fetched,
            run.live,
        )))
    }
}

impl Knowledge for PodAdmission {
    fn software_set_paths(&self, declared: &Value, live: &Value) -> Vec<FieldPath> {
        self.software_set_paths(declared, live)
    }
}

/// The objects that decide what admission adds to the Pods of a run.
#[derive(Debug, Default)]
struct PodAdmission {
    /// The RuntimeClasses that declared Pods name.
    runtime_classes: BTreeMap<String, Value>,
}

impl PodAdmission {
    /// Gathers the objects that declared Pods refer to, live ones before declared ones.
    fn gather(
        declared: &[DeclaredManifest<'_>],
        manifests: &[Arc<Manifest>],
        fetched: &ReadResults,
        live: &dyn Live,
    ) -> Self {
        let pods = declared.iter().filter(|pod| pod.key.kind == "Pod");
        let named: BTreeSet<String> = pods.filter_map(runtime_class).collect();
        if named.is_empty() {
            return Self::default();
        }
        let is_class = |kind: &str| kind == "RuntimeClass";
        let mut classes: Vec<Value> = manifests
            .iter()
            .filter(|manifest| is_class(&manifest.kind))
            .map(|manifest| manifest.value())
            .collect();
        classes.extend(
            fetched
                .answers
                .iter()
                .filter_map(|(key, answer)| match answer {
                    ReadResult::Found(object) if is_class(&key.kind) => object.value().ok(),
                    _ => None,
                }),
        );
        let mut admission = Self::default();
        admission.add(classes);
        let is_known = |name: &String| admission.runtime_classes.contains_key(name);
        if !named.iter().all(is_known) {
            let others = live.related("node.k8s.io/v1", "RuntimeClass", "");
            admission.add(others.unwrap_or_default());
        }
        admission
    }

    fn add(&mut self, classes: Vec<Value>) {
        for class in classes {
            let name = class.pointer("/metadata/name").and_then(Value::as_str);
            if let Some(name) = name.map(str::to_owned) {
                self.runtime_classes.insert(name, class);
            }
        }
    }

    /// Returns the paths of a live Pod whose values admission sets; none for other kinds.
    fn software_set_paths(&self, declared: &Value, live: &Value) -> Vec<FieldPath> {
        if !is_pod(declared) {
            return Vec::new();
        }
        let class = live.pointer("/spec/runtimeClassName");
        let class = class.and_then(Value::as_str);
        let scheduling = class.and_then(|name| self.runtime_classes.get(name)?.get("scheduling"));
        let mut paths = token_volumes(live);
        paths.extend(pod_requests(declared, live));
        paths.extend(limits(live));
        paths.extend(node_selector(live, scheduling));
        paths.extend(tolerations(declared, live, scheduling));
        paths
    }
}

fn is_pod(object: &Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "Pod")
        && object.get("apiVersion").is_some_and(|v| v == "v1")
}

fn runtime_class(pod: &DeclaredManifest<'_>) -> Option<String> {
    let pod = pod.manifest.value();
    let name = pod.pointer("/spec/runtimeClassName")?;
    name.as_str().map(str::to_owned)
}

fn items<'v>(object: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let items = object.pointer(path).and_then(Value::as_array);
    items.into_iter().flatten()
}

fn item(list: &[&str], key: &str, value: &str, below: &[&str]) -> FieldPath {
    let mut path = FieldPath::of_fields(list);
    path.0.push(PathElement::Key(
        [(key.to_owned(), Value::from(value))].into(),
    ));
    path.0.extend(FieldPath::of_fields(below).0);
    path
}

/// Returns the containers, with the name of their list and their own.
fn containers(pod: &Value) -> Vec<(&'static str, &str, &Value)> {
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let named = |list: &'static str| {
        items(pod, &format!("/spec/{list}"))
            .filter_map(move |container| Some((list, container.get("name")?.as_str()?, container)))
    };
    lists.into_iter().flat_map(named).collect()
}

/// Returns the paths of the service account's token: a projected volume, and its mount in each
/// container.
fn token_volumes(pod: &Value) -> Vec<FieldPath> {
    // The plugin projects a token, the cluster's certificate (on OpenShift two) and the namespace,
    // and nothing else.
    let is_known = |source: &Value| {
        let certificate = source.pointer("/configMap/name").and_then(Value::as_str);
        source.get("serviceAccountToken").is_some()
            || certificate.is_some_and(|name| CERTIFICATES.contains(&name))
            || source.get("downwardAPI").is_some()
    };
    let is_token = |volume: &&Value| {
        let mut sources = items(volume, "/projected/sources");
        items(volume, "/projected/sources")
            .any(|source| source.get("serviceAccountToken").is_some())
            && sources.all(is_known)
    };
    let volumes = items(pod, "/spec/volumes").filter(is_token);
    let names = volumes.filter_map(|volume| volume.get("name")?.as_str());
    let mut paths = Vec::new();
    for name in names.filter(|name| name.starts_with("kube-api-access-")) {
        paths.push(item(&["spec", "volumes"], "name", name, &[]));
        for (list, container, value) in containers(pod) {
            let is_mounted = items(value, "/volumeMounts").any(|mount| {
                mount.get("name").is_some_and(|volume| volume == name)
                    && mount.get("mountPath").is_some_and(|at| at == TOKEN_MOUNT)
            });
            if is_mounted {
                let mut path = item(&["spec", list], "name", container, &[]);
                path.0
                    .extend(item(&["volumeMounts"], "mountPath", TOKEN_MOUNT, &[]).0);
                paths.push(path);
            }
        }
    }
    paths
}

/// Returns the requests of a Pod that follow from its limits or its containers
/// (`pkg/apis/core/v1/defaults.go`, `setDefaultPodRequests`): a Pod with its own limits requests
/// the sum of its containers' requests, or else its limits.
fn pod_requests(declared: &Value, live: &Value) -> Vec<FieldPath> {
    let resources = |pod: &Value, kind: &str| {
        let resources = pod.pointer("/spec/resources")?.get(kind)?.as_object()?;
        Some(resources.clone())
    };
    let limits = resources(declared, "limits").unwrap_or_default();
    let live_requests = resources(live, "requests").unwrap_or_default();
    let of_containers = |name: &str| {
        containers(live).iter().any(|(_, _, container)| {
            let resources = container.get("resources");
            let requests = resources.and_then(|resources| resources.get("requests"));
            requests.is_some_and(|requests| requests.get(name).is_some())
        })
    };
    let is_implied = |(name, amount): &(&String, &Value)| {
        let of_limit = limits.get(*name);
        of_containers(name)
            || of_limit.is_some_and(|limit| schema::equal(ScalarType::Quantity, limit, amount))
    };
    let declares = declared.pointer("/spec/resources").is_some();
    let implied = live_requests.iter().filter(is_implied);
    implied
        .filter(|_| declares)
        .map(|(name, _)| FieldPath::of_fields(&["spec", "resources", "requests", name]))
        .collect()
}

/// Returns the paths that LimitRanges set on containers, from the plugin's annotation: `LimitRanger
/// plugin set: cpu, memory limit for container a; cpu request for init container b`.
fn limits(pod: &Value) -> Vec<FieldPath> {
    let said = pod
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(LIMIT_RANGER)?.as_str())
        .and_then(|said| said.strip_prefix("LimitRanger plugin set: "));
    let mut paths = Vec::new();
    for clause in said.into_iter().flat_map(|said| said.split("; ")) {
        let Some((what, container)) = clause.rsplit_once(" container ") else {
            continue;
        };
        let list = if what.ends_with(" init") {
            "initContainers"
        } else {
            "containers"
        };
        let what = what.trim_end_matches(" init").trim_end_matches(" for");
        let Some((resources, kind)) = what.rsplit_once(' ') else {
            continue;
        };
        for resource in resources.split(", ") {
            let below = ["resources", &format!("{kind}s"), resource];
            paths.push(item(&["spec", list], "name", container, &below));
        }
    }
    paths
}

/// Returns the node selector entries that a RuntimeClass adds
/// (`plugin/pkg/admission/runtimeclass`).
fn node_selector(pod: &Value, scheduling: Option<&Value>) -> Vec<FieldPath> {
    let selector = scheduling.and_then(|s| s.get("nodeSelector")?.as_object());
    let live = pod.pointer("/spec/nodeSelector");
    selector
        .into_iter()
        .flatten()
        .filter(|(key, value)| live.and_then(|live| live.get(*key)) == Some(*value))
        .map(|(key, _)| FieldPath::of_fields(&["spec", "nodeSelector", key]))
        .collect()
}

/// Returns the path of the tolerations if each undeclared one comes from a RuntimeClass or is one
/// that every Pod gets (`plugin/pkg/admission/defaulttolerationseconds`,
/// `podtolerationrestriction`).
fn tolerations(declared: &Value, live: &Value, scheduling: Option<&Value>) -> Option<FieldPath> {
    let on_node = |key: &str| {
        json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": 300})
    };
    let mut known = vec![
        on_node("not-ready"),
        on_node("unreachable"),
        json!({"key": "node.kubernetes.io/memory-pressure", "operator": "Exists",
            "effect": "NoSchedule"}),
    ];
    known.extend(
        scheduling
            .into_iter()
            .flat_map(|s| items(s, "/tolerations").cloned()),
    );
    let mut ours = items(declared, "/spec/tolerations").peekable();
    let mut added = false;
    for toleration in items(live, "/spec/tolerations") {
        if ours.peek().is_some_and(|declared| *declared == toleration) {
            ours.next();
        } else if known.contains(toleration) {
            added = true;
        } else {
            return None;
        }
    }
    (added && ours.next().is_none()).then(|| FieldPath::of_fields(&["spec", "tolerations"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(paths: impl IntoIterator<Item = FieldPath>) -> Vec<String> {
        paths.into_iter().map(|path| path.to_string()).collect()
    }

    #[test]
    fn reads_the_annotation_of_limit_ranger() {
        let pod = json!({"metadata": {"annotations": {LIMIT_RANGER:
            "LimitRanger plugin set: cpu, memory limit for container a; \
             cpu request for init container b"}}});
        assert_eq!(
            texts(limits(&pod)),
            [
                ".spec.containers[name=\"a\"].resources.limits.cpu",
                ".spec.containers[name=\"a\"].resources.limits.memory",
                ".spec.initContainers[name=\"b\"].resources.requests.cpu",
            ]
        );
        let odd = json!({"metadata": {"annotations": {LIMIT_RANGER: "something else"}}});
        assert!(limits(&odd).is_empty());
    }

    #[test]
    fn explains_only_known_undeclared_tolerations() {
        let pod = |tolerations: Value| json!({"spec": {"tolerations": tolerations}});
        let own = json!({"key": "gpu", "operator": "Exists"});
        let given = json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": 300});
        let live = pod(json!([own, given]));
        assert!(tolerations(&pod(json!([own])), &live, None).is_some());
        assert!(tolerations(&json!({}), &live, None).is_none());
        let class = json!({"tolerations": [own]});
        assert!(tolerations(&json!({}), &live, Some(&class)).is_some());
        assert!(tolerations(&live, &live, None).is_none());
        assert!(tolerations(&live, &pod(json!([given])), None).is_none());
    }

    #[test]
    fn explains_the_mount_of_the_service_account_token() {
        let mount = json!({"name": "kube-api-access-x", "mountPath": TOKEN_MOUNT});
        let source = json!({"serviceAccountToken": {"path": "token"}});
        let pod = json!({"spec": {
            "volumes": [{"name": "kube-api-access-x", "projected": {"sources": [source]}}],
            "containers": [{"name": "a", "volumeMounts": [mount]}, {"name": "b"}]}});
        assert_eq!(
            texts(token_volumes(&pod)),
            [
                ".spec.volumes[name=\"kube-api-access-x\"]".to_owned(),
                format!(".spec.containers[name=\"a\"].volumeMounts[mountPath=\"{TOKEN_MOUNT}\"]"),
            ]
        );
    }
}
