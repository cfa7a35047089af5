//! Explains objects that the controller of their owner created.
//!
//! Anyone can write an owner reference, so it proves little by itself: an owner with that uid must
//! exist, and be of a kind that creates such objects.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use crate::cluster::{Live, LiveObject};
use crate::facts::{GUARDED_GROUPS, MAKES, OPERATORS_MAKE};
use crate::judge::ExplainerInput;
use crate::model::{Change, ChangeKind, ManagerEntry, ObjectStatus, Severity, group_of};
use crate::ownership::ownership_of;
use crate::policy::RuleSet;
use crate::schema::builtin_kind_of_group;
use crate::source::helm_hooks;

/// The label that the endpoint slice controllers put on their slices
/// (`k8s.io/api/discovery/v1/well_known_labels.go`); they undo any other change to such a slice.
const MANAGED_BY: &str = "/metadata/labels/endpointslice.kubernetes.io~1managed-by";
const SLICE_CONTROLLERS: [&str; 2] = [
    "endpointslice-controller.k8s.io",
    "endpointslicemirroring-controller.k8s.io",
];

/// The objects that may own others.
#[derive(Debug, Default)]
pub struct Owners {
    /// The group, kind and uid of every object that was read.
    uids: HashSet<(String, String, String)>,
    /// The namespaces and names of Services that select Pods.
    selecting: HashSet<(String, String)>,
    /// The namespaces with records of Helm releases.
    releases: HashSet<String>,
    /// The hooks in the records of a namespace, by kind and name; `None` if the records cannot be
    /// read.
    hooks: BTreeMap<String, Option<BTreeSet<(String, String)>>>,
    /// The Secrets that ServiceAccounts list, by namespace and name.
    tokens: BTreeMap<String, BTreeSet<String>>,
    /// The uids of owners that were read in addition.
    asked: BTreeMap<OwnerScope, HashSet<String>>,
}

/// The annotation of Helm's hooks.
const HOOK: &str = "helm.sh/hook";

/// The beginning of the names of Helm's release records.
const RECORD: &str = "sh.helm.release.v1.";

/// The annotation of service account tokens.
const ACCOUNT: &str = "kubernetes.io/service-account.name";

/// The annotation of Pods that a kubelet runs from files (`kubernetes.io/config.mirror`). It deletes
/// those that it does not run.
const MIRROR: &str = "/metadata/annotations/kubernetes.io~1config.mirror";

/// The version and kind of owners, and the namespace of the objects that they own.
type OwnerScope = (String, String, String);

impl Owners {
    /// Returns the possible owners: the objects that were read, and those that undeclared objects
    /// name. Each kind is read once per namespace.
    pub fn of(run: &ExplainerInput<'_>) -> Self {
        let ExplainerInput { fetched, live, .. } = *run;
        let mut owners = Self::default();
        // Declared Services count too: the Endpoints stay if the live Service was changed.
        for manifest in run.manifests.iter().filter(|one| one.kind == "Service") {
            let namespace = manifest.namespace.clone().unwrap_or_default();
            if selects(&manifest.value()) {
                owners.selecting.insert((namespace, manifest.name.clone()));
            }
        }
        let owned = fetched.extra.iter();
        let owned = owned.filter(|object| object.may_mention("ownerReferences"));
        let owned: Vec<(&LiveObject, Vec<Value>)> = owned
            .map(|object| {
                let value = object.value().unwrap_or_default();
                (object, references(&value).cloned().collect())
            })
            .collect();
        let named = owned.iter().flat_map(|(_, references)| references);
        let kinds: HashSet<(&str, &str)> = named
            .filter_map(|reference| named_kind(reference))
            .collect();
        for object in fetched.found().chain(&fetched.extra) {
            owners.add(object, &kinds);
        }
        for (object, references) in &owned {
            for reference in references {
                owners.ask(object, reference, live);
            }
        }
        for object in &fetched.extra {
            let namespace = object.key.namespace.clone().unwrap_or_default();
            if object.may_mention(HOOK) && owners.releases.contains(&namespace) {
                let hooks = owners.hooks.entry(namespace);
                hooks.or_insert_with_key(|namespace| helm_hooks(live, namespace));
            } else if object.key.kind == "Secret" && object.may_mention(ACCOUNT) {
                let tokens = owners.tokens.entry(namespace);
                tokens.or_insert_with_key(|namespace| listed_secrets(live, namespace));
            }
        }
        owners
    }

    /// Reads the objects of an owner's kind, if not all of them were read already.
    fn ask(&mut self, object: &LiveObject, reference: &Value, live: &dyn Live) {
        let Some((version, kind, uid)) = named(reference) else {
            return;
        };
        let namespace = object.key.namespace.clone().unwrap_or_default();
        let place = (version.to_owned(), kind.to_owned(), namespace);
        let may_make = may_make(reference, &object.key.kind).is_some();
        let is_known = self.uids.contains(&identity(version, kind, uid));
        if is_known || !may_make || self.asked.contains_key(&place) {
            return;
        }
        let (version, kind, namespace) = &place;
        let of_namespace = live.related(version, kind, namespace);
        let of_cluster = live.related(version, kind, "");
        let all = of_namespace.into_iter().chain(of_cluster).flatten();
        let uids = all.filter_map(|object| uid_of(&object)).collect();
        self.asked.insert(place, uids);
    }

    /// Adds an object. Most objects of a cluster neither own others nor explain them, and are not
    /// parsed: `owners` are the groups and kinds that references name.
    fn add(&mut self, object: &LiveObject, owners: &HashSet<(&str, &str)>) {
        let key = &object.key;
        let is_owner = owners.contains(&(key.group.as_str(), key.kind.as_str()));
        if !is_owner && key.kind != "Service" && !key.name.starts_with(RECORD) {
            return;
        }
        let Ok(value) = object.value() else { return };
        let identity = |uid: String| (key.group.clone(), key.kind.clone(), uid);
        self.uids.extend(uid_of(&value).map(identity));
        let namespace = key.namespace.clone().unwrap_or_default();
        if key.kind == "Service" && selects(&value) {
            self.selecting.insert((namespace.clone(), key.name.clone()));
        }
        if is_release(object, &value) {
            self.releases.insert(namespace);
        }
    }

    /// Returns whether the controller of an owner that the object names created the object.
    pub fn made(&self, object: &LiveObject, value: &Value) -> bool {
        references(value).any(|reference| self.made_it(object, value, reference))
    }

    fn made_it(&self, object: &LiveObject, value: &Value, reference: &Value) -> bool {
        let Some((version, kind, uid)) = named(reference) else {
            return false;
        };
        let made = object.key.kind.as_str();
        let Some(is_known) = may_make(reference, made) else {
            return false;
        };
        let group = object.key.group.as_str();
        if !is_known && GUARDED_GROUPS.contains(&group) {
            return false;
        }
        if made == "Pod" && kind == "Node" && value.pointer(MIRROR).is_none() {
            return false;
        }
        if made == "EndpointSlice" {
            let by = value.pointer(MANAGED_BY).and_then(Value::as_str);
            if !by.is_some_and(|by| SLICE_CONTROLLERS.contains(&by)) {
                return false;
            }
        }
        let namespace = object.key.namespace.clone().unwrap_or_default();
        let place = (version.to_owned(), kind.to_owned(), namespace);
        let is_there = |uids: &HashSet<String>| {
            // If no owner of this kind was read, trust the reference for kinds that are known to
            // create such objects: the garbage collector deletes objects whose owner does not
            // exist.
            uids.contains(uid) || (is_known && uids.is_empty())
        };
        let is_known_owner = self.uids.contains(&identity(version, kind, uid));
        is_known_owner || self.asked.get(&place).is_some_and(is_there)
    }

    /// Returns whether an object is the Endpoints of a Service that selects Pods, which the
    /// endpoints controller overwrites.
    pub fn are_endpoints_of_a_service(&self, object: &LiveObject) -> bool {
        let namespace = object.key.namespace.clone().unwrap_or_default();
        object.key.kind == "Endpoints"
            && self
                .selecting
                .contains(&(namespace, object.key.name.clone()))
    }

    /// Returns whether an object with the annotation is a hook of Helm: a release record in its
    /// namespace lists it. If the records cannot be read, that is believed of objects that are not
    /// severe.
    pub fn is_hook(&self, object: &LiveObject, value: &Value, rules: &RuleSet) -> bool {
        let namespace = object.key.namespace.as_deref().unwrap_or_default();
        let hook = (object.key.kind.clone(), object.key.name.clone());
        match self.hooks.get(namespace) {
            Some(Some(hooks)) => hooks.contains(&hook),
            Some(None) => !is_severe(object, value, rules),
            None => false,
        }
    }

    /// Returns whether a ServiceAccount lists a Secret, as the token controller did for the tokens
    /// that it made.
    pub fn is_listed_token(&self, object: &LiveObject) -> bool {
        let namespace = object.key.namespace.as_deref().unwrap_or_default();
        let tokens = self.tokens.get(namespace);
        tokens.is_some_and(|tokens| tokens.contains(&object.key.name))
    }
}

/// Returns whether an undeclared object has severity high or critical, or contains something
/// critical.
fn is_severe(object: &LiveObject, value: &Value, rules: &RuleSet) -> bool {
    let severity = rules.whole_severity(&object.key, ObjectStatus::Extra);
    let content = Change {
        live: Some(value.clone()),
        ..Change::of_whole(ChangeKind::Added)
    };
    severity >= Some(Severity::High) || rules.severity(&object.key, &content) == Severity::Critical
}

/// Returns the names of the Secrets that the ServiceAccounts of a namespace list.
fn listed_secrets(live: &dyn Live, namespace: &str) -> BTreeSet<String> {
    let accounts = live.related("v1", "ServiceAccount", namespace);
    let accounts = accounts.unwrap_or_default();
    let secrets = accounts
        .iter()
        .filter_map(|one| one.get("secrets")?.as_array());
    let names = secrets
        .flatten()
        .filter_map(|one| one.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

/// Returns whether a Service selects Pods.
fn selects(service: &Value) -> bool {
    let selector = service.pointer("/spec/selector");
    let selector = selector.and_then(Value::as_object);
    selector.is_some_and(|selector| !selector.is_empty())
}

/// Returns whether an object is Helm's record of a release: it has the name, labels and type of a
/// record, and was not created with kubectl (`pkg/storage/driver` in Helm).
fn is_release(object: &LiveObject, value: &Value) -> bool {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str);
    let is_typed = match object.key.kind.as_str() {
        "Secret" => text("/type").is_none_or(|ty| ty == "helm.sh/release.v1"),
        "ConfigMap" => true,
        _ => false,
    };
    let by_kubectl = |entry: &ManagerEntry| entry.owner.manager.starts_with("kubectl");
    is_typed
        && object.key.name.starts_with(RECORD)
        && text("/metadata/labels/owner") == Some("helm")
        && !ownership_of(value).entries.iter().any(by_kubectl)
}

/// Returns the group, kind and uid of an owner.
fn identity(version: &str, kind: &str, uid: &str) -> (String, String, String) {
    (
        group_of(version).to_owned(),
        kind.to_owned(),
        uid.to_owned(),
    )
}

fn uid_of(object: &Value) -> Option<String> {
    let uid = object.pointer("/metadata/uid")?.as_str()?;
    Some(uid.to_owned())
}

/// Returns the owner references of an object.
fn references(object: &Value) -> impl Iterator<Item = &Value> {
    let references = object.pointer("/metadata/ownerReferences");
    references.and_then(Value::as_array).into_iter().flatten()
}

/// Returns the version, kind and uid of an owner.
fn named(reference: &Value) -> Option<(&str, &str, &str)> {
    let text = |field: &str| reference.get(field).and_then(Value::as_str);
    Some((text("apiVersion")?, text("kind")?, text("uid")?))
}

/// Returns the group and kind of an owner.
fn named_kind(reference: &Value) -> Option<(&str, &str)> {
    named(reference).map(|(version, kind, _)| (group_of(version), kind))
}

/// Returns whether a controlling owner of this kind may have created an object of kind `created`,
/// and if so, whether Kubernetes itself creates such objects. An operator may create objects of any
/// kind.
fn may_make(reference: &Value, made: &str) -> Option<bool> {
    let (version, kind, _) = named(reference)?;
    let group = group_of(version);
    let mut known = MAKES.iter().chain(OPERATORS_MAKE);
    let is_known =
        known.any(|(of, owner, makes)| (*of, *owner) == (group, kind) && makes.contains(&made));
    let is_builtin = !builtin_kind_of_group(group, kind).is_empty();
    let controls = reference.get("controller") == Some(&Value::Bool(true));
    let is_claim = is_known && made == "PersistentVolumeClaim";
    ((is_known || !is_builtin) && (controls || is_claim)).then_some(is_known)
}
