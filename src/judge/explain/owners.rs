//! Explains objects that the controller of their owner created.
//!
//! Anyone can write an owner reference, so it proves little by itself: an owner with that uid must
//! exist in the object's namespace or in the cluster, and be of a kind that creates such objects.
//! The garbage collector deletes objects whose owner is gone, but not those whose owner is of a kind
//! that is not served (`pkg/controller/garbagecollector`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::bootstrap;
use crate::cluster::{KindLookup, Live, LiveObject};
use crate::facts::{self, MAKES, OPERATORS_MAKE};
use crate::judge::ExplainerInput;
use crate::model::{
    Change, ChangeKind, GroupKind, ManagerEntry, ObjectStatus, Severity, group_of, items_at,
    text_at,
};
use crate::ownership::ownership_of;
use crate::policy::RuleSet;
use crate::schema::builtin_kind_of_group;
use crate::source::helm_hooks;

/// The label that the endpoint slice controllers put on their slices
/// (`k8s.io/api/discovery/v1/well_known_labels.go`). They undo any other change to such a slice: the
/// first to those of a Service that selects Pods, the second to those of the others.
const MANAGED_BY: &str = "/metadata/labels/endpointslice.kubernetes.io~1managed-by";
const SLICE_CONTROLLER: &str = "endpointslice-controller.k8s.io";
const MIRRORING_CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";

/// The label that names the Service of a slice.
const SERVICE_NAME: &str = "/metadata/labels/kubernetes.io~1service-name";

/// The objects that may own others.
#[derive(Debug, Default)]
pub struct Owners {
    /// The identity of every object that was read.
    uids: HashSet<OwnerIdentity>,
    /// The namespaces and names of Services that select Pods.
    selecting: HashSet<(String, String)>,
    /// The namespaces with records of Helm releases.
    releases: HashSet<String>,
    /// The hooks in the records of a namespace, by kind and name; `None` if the records cannot be
    /// read.
    hooks: BTreeMap<String, Option<BTreeSet<(String, String)>>>,
    /// The Secrets that ServiceAccounts list, by namespace and name.
    tokens: BTreeMap<String, BTreeSet<String>>,
    /// Objects that were read in full because their content decides, by version, kind and namespace.
    whole: BTreeMap<OwnerScope, Vec<Value>>,
    /// What was read about owners in addition.
    asked: BTreeMap<OwnerScope, ReadOwners>,
}

/// The group, kind, namespace and uid of an object.
type OwnerIdentity = (String, String, String, String);

/// The owners of a kind that may own the objects of a namespace.
#[derive(Debug, Default)]
struct ReadOwners {
    uids: HashSet<String>,
    /// Whether they may exist without having been read: reading failed, or a recording was made
    /// without the kind.
    may_be_unread: bool,
}

/// The ClusterRole that grants everything.
const CLUSTER_ADMIN: &str = "cluster-admin";

/// The label of the roles that the API server creates.
const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";

/// The annotation of Helm's hooks.
const HOOK: &str = "helm.sh/hook";

/// The beginning of the names of Helm's release records.
const RECORD: &str = "sh.helm.release.v1.";

/// The annotation of service account tokens.
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const ACCOUNT_ANNOTATION: &str = "/metadata/annotations/kubernetes.io~1service-account.name";

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
        let searched: HashSet<GroupKind> = fetched
            .extra_kinds
            .iter()
            .map(|kind| GroupKind::new(&kind.api_version, &kind.kind))
            .collect();
        for (object, references) in &owned {
            for reference in references {
                owners.ask(object, reference, live, &searched);
            }
        }
        owners.ask_for_services(fetched.extra.iter(), live);
        for object in &fetched.extra {
            let namespace = object.key.namespace.clone().unwrap_or_default();
            if object.may_mention(HOOK) && owners.releases.contains(&namespace) {
                let hooks = owners.hooks.entry(namespace);
                hooks.or_insert_with_key(|namespace| helm_hooks(live, namespace));
                if facts::workload(&object.key.kind).is_some() {
                    owners.read_whole(object, live);
                }
            } else if is_bootstrapped(object) || is_owned_binding(object) {
                owners.read_whole(object, live);
            } else if object.key.kind == "Secret" && object.may_mention(ACCOUNT) {
                let tokens = owners.tokens.entry(namespace);
                tokens.or_insert_with_key(|namespace| listed_secrets(live, namespace));
            }
        }
        owners
    }

    /// Reads the objects of an owner's kind, if not all of them were read already. `searched` are the
    /// kinds of which every object in the namespaces was read.
    fn ask(
        &mut self,
        object: &LiveObject,
        reference: &Value,
        live: &dyn Live,
        searched: &HashSet<GroupKind>,
    ) {
        let Some((version, kind, _)) = named(reference) else {
            return;
        };
        let namespace = namespace_of(object);
        let place = (version.to_owned(), kind.to_owned(), namespace);
        let may_make = may_make(reference, &object.key.kind).is_some();
        if self.is_read(object, reference) || !may_make || self.asked.contains_key(&place) {
            return;
        }
        let (version, kind, namespace) = &place;
        let of_namespace = live.related(version, kind, namespace);
        let of_cluster = live.related(version, kind, "");
        let is_read = of_namespace.is_some() || of_cluster.is_some();
        let all = of_namespace.into_iter().chain(of_cluster).flatten();
        let uids: HashSet<String> = all.filter_map(|object| uid_of(&object)).collect();
        let may_be_unread = uids.is_empty()
            && !searched.contains(&GroupKind::new(version.as_str(), kind))
            && may_be_unread(live, version, kind, is_read);
        let read = ReadOwners {
            uids,
            may_be_unread,
        };
        self.asked.insert(place, read);
    }

    /// Reads the Services of namespaces with slices whose Services are not known to select Pods: of
    /// undeclared Services only the metadata may have been read.
    fn ask_for_services<'o>(
        &mut self,
        extra: impl Iterator<Item = &'o LiveObject>,
        live: &dyn Live,
    ) {
        let mut asked = HashSet::new();
        for object in extra.filter(|object| object.key.kind == "EndpointSlice") {
            let namespace = namespace_of(object);
            let value = object.value().unwrap_or_default();
            let Some(service) = value.pointer(SERVICE_NAME).and_then(Value::as_str) else {
                continue;
            };
            let of_slice = (namespace.clone(), service.to_owned());
            if self.selecting.contains(&of_slice) || !asked.insert(namespace.clone()) {
                continue;
            }
            let services = live.related("v1", "Service", &namespace);
            for service in services.into_iter().flatten().filter(selects) {
                let name = service.pointer("/metadata/name").and_then(Value::as_str);
                let name = name.map(str::to_owned);
                self.selecting
                    .extend(name.map(|name| (namespace.clone(), name)));
            }
        }
    }

    /// Returns whether the owner that a reference names was read with the other objects of the run.
    /// An owner is in the namespace of the object, or in none.
    fn is_read(&self, object: &LiveObject, reference: &Value) -> bool {
        let Some((version, kind, uid)) = named(reference) else {
            return false;
        };
        let identity = |namespace: String| {
            let group = group_of(version).to_owned();
            (group, kind.to_owned(), namespace, uid.to_owned())
        };
        self.uids.contains(&identity(namespace_of(object)))
            || self.uids.contains(&identity(String::new()))
    }

    /// Reads the objects of a kind and namespace in full, if only the metadata of one was read.
    fn read_whole(&mut self, object: &LiveObject, live: &dyn Live) {
        if object.is_partial() {
            let place = self.whole.entry(scope_of(object));
            place.or_insert_with_key(|(version, kind, namespace)| {
                live.related(version, kind, namespace).unwrap_or_default()
            });
        }
    }

    /// Returns an object in full; `None` if only its metadata is known.
    fn whole<'v>(&'v self, object: &LiveObject, value: &'v Value) -> Option<&'v Value> {
        if !object.is_partial() {
            return Some(value);
        }
        let uid = value.pointer("/metadata/uid");
        let mut all = self.whole.get(&scope_of(object))?.iter();
        all.find(|one| uid.is_some() && one.pointer("/metadata/uid") == uid)
    }

    /// Returns whether the API server created a Role or RoleBinding as it is.
    pub fn is_of_api_server(&self, object: &LiveObject, value: &Value) -> bool {
        self.whole(object, value)
            .is_some_and(bootstrap::has_known_content)
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
        let namespace = namespace_of(object);
        let identity = |uid: String| (key.group.clone(), key.kind.clone(), namespace.clone(), uid);
        self.uids.extend(uid_of(&value).map(identity));
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
        let is_guarded = facts::is_guarded(&object.key.group);
        if is_guarded && (!is_known || !self.grants_as_operators_do(object, value)) {
            return false;
        }
        if made == "Pod" && kind == "Node" && value.pointer(MIRROR).is_none() {
            return false;
        }
        if made == "EndpointSlice" && !self.is_slice_of(object, value, reference) {
            return false;
        }
        let place = (version.to_owned(), kind.to_owned(), namespace_of(object));
        let is_there = |read: &ReadOwners| {
            // A recording may lack the owners of objects that it contains.
            read.uids.contains(uid) || (is_known && !is_guarded && read.may_be_unread)
        };
        self.is_read(object, reference) || self.asked.get(&place).is_some_and(is_there)
    }

    /// Returns whether an object grants no more than operators do: their bindings give permissions to
    /// ServiceAccounts alone, and never everything. Anyone who may create a binding can name any
    /// existing resource as its owner.
    fn grants_as_operators_do(&self, object: &LiveObject, value: &Value) -> bool {
        if !is_binding(object) {
            return true;
        }
        let Some(whole) = self.whole(object, value) else {
            return false;
        };
        let subjects = items_at(whole, "/subjects");
        text_at(whole, "/roleRef/name") != Some(CLUSTER_ADMIN)
            && subjects
                .iter()
                .all(|subject| text_at(subject, "/kind") == Some("ServiceAccount"))
    }

    /// Returns whether a controller keeps a slice as it is, for the Service that it names as its
    /// owner.
    fn is_slice_of(&self, object: &LiveObject, value: &Value, reference: &Value) -> bool {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str);
        let service = text(SERVICE_NAME).unwrap_or_default();
        let of_slice = (namespace_of(object), service.to_owned());
        let is_kept = match text(MANAGED_BY) {
            Some(SLICE_CONTROLLER) => self.selecting.contains(&of_slice),
            Some(MIRRORING_CONTROLLER) => !self.selecting.contains(&of_slice),
            _ => false,
        };
        is_kept && reference.get("name").is_some_and(|name| name == service)
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
    /// severe. Of critical objects a record proves nothing: anyone who may create Secrets can write one.
    pub fn is_hook(&self, object: &LiveObject, value: &Value, rules: &RuleSet) -> bool {
        let namespace = object.key.namespace.as_deref().unwrap_or_default();
        let hook = (object.key.kind.clone(), object.key.name.clone());
        match self.hooks.get(namespace) {
            Some(Some(hooks)) => {
                let whole = self.whole(object, value);
                hooks.contains(&hook)
                    && whole.is_none_or(|whole| !is_critical(object, whole, rules))
            }
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
    severity >= Some(Severity::High) || is_critical(object, value, rules)
}

/// Returns whether an undeclared object contains something critical.
pub fn is_critical(object: &LiveObject, value: &Value, rules: &RuleSet) -> bool {
    let content = Change {
        live: Some(value.clone()),
        ..Change::of_whole(ChangeKind::Added)
    };
    rules.severity(&object.key, &content) == Severity::Critical
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
pub fn is_release(object: &LiveObject, value: &Value) -> bool {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str);
    let is_token = value.pointer(ACCOUNT_ANNOTATION).is_some();
    let is_typed = match object.key.kind.as_str() {
        // Of undeclared Secrets only the metadata is read. A token must have its annotation.
        "Secret" => text("/type").map_or(!is_token, |ty| ty == "helm.sh/release.v1"),
        "ConfigMap" => true,
        _ => false,
    };
    let by_kubectl = |entry: &ManagerEntry| entry.owner.manager.starts_with("kubectl");
    is_typed
        && object.key.name.starts_with(RECORD)
        && text("/metadata/labels/owner") == Some("helm")
        && !ownership_of(value).entries.iter().any(by_kubectl)
}

/// Returns whether objects of a kind may exist although none was found. `is_read` says whether they
/// could be listed.
fn may_be_unread(live: &dyn Live, version: &str, kind: &str, is_read: bool) -> bool {
    let of_kind = (version.to_owned(), kind.to_owned());
    let Ok(lookups) = live.resolve(&[of_kind.clone()].into(), &[]) else {
        return true;
    };
    match lookups.get(&of_kind) {
        Some(KindLookup::NotServed(_)) => false,
        Some(KindLookup::Served(_)) if live.target().dump.is_none() => !is_read,
        _ => !is_recorded(live, version, kind),
    }
}

/// Returns whether a recording contains objects of a kind.
fn is_recorded(live: &dyn Live, version: &str, kind: &str) -> bool {
    if live.target().dump.is_none() {
        return false;
    }
    let wanted = GroupKind::new(version, kind);
    let (kinds, _) = live.kinds();
    kinds
        .iter()
        .any(|one| GroupKind::new(&one.api_version, &one.kind) == wanted)
}

fn scope_of(object: &LiveObject) -> OwnerScope {
    let (version, kind) = (object.api_version.clone(), object.key.kind.clone());
    (version, kind, namespace_of(object))
}

/// Returns whether an object has the label of those that the API server creates at start.
fn is_bootstrapped(object: &LiveObject) -> bool {
    facts::is_guarded(&object.key.group) && object.may_mention(BOOTSTRAPPING)
}

fn is_binding(object: &LiveObject) -> bool {
    matches!(&*object.key.kind, "RoleBinding" | "ClusterRoleBinding")
}

fn is_owned_binding(object: &LiveObject) -> bool {
    is_binding(object) && object.may_mention("ownerReferences")
}

fn namespace_of(object: &LiveObject) -> String {
    object.key.namespace.clone().unwrap_or_default()
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
