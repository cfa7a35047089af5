//! Explains objects that the controller of their owner created.
//!
//! Anyone can write an owner reference, so it proves little by itself: an owner with that uid must
//! exist in the object's namespace or in the cluster, and be of a kind that creates such objects.
//! The garbage collector deletes objects whose owner is gone, but not those whose owner is of a kind
//! that is not served (`pkg/controller/garbagecollector`).
//!
//! Of most custom kinds it is not known what they create. An object that names such an owner is
//! believed if its name is derived from the owner's or the owner mentions it, kubectl did not create
//! it, and it could not hurt (see [`harm`](crate::judge::harm)).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::bootstrap;
use crate::cluster::{KindLookup, Live, LiveObject};
use crate::facts::{self, MadeNames, ObjectMaker};
use crate::judge::ExplainerInput;
use crate::judge::harm::is_harmful;
use crate::model::{
    Change, ChangeKind, GroupKind, ManagerEntry, ObjectStatus, Ownership, Severity, group_of,
    items_at, text_at,
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
    /// The name of every object that was read, by identity.
    uids: HashMap<OwnerIdentity, String>,
    /// The namespaces and names of Services that select Pods.
    selecting: HashSet<(String, String)>,
    /// The namespaces with records of Helm releases.
    releases: HashSet<String>,
    /// The hooks in the records of a namespace, by kind and name; `None` if the records cannot be
    /// read.
    hooks: BTreeMap<String, Option<BTreeSet<(String, String)>>>,
    /// The Secrets that ServiceAccounts list, by namespace and name, with the time at which the account
    /// was created.
    tokens: BTreeMap<String, BTreeMap<String, Option<Timestamp>>>,
    /// The addresses in Endpoints, by namespace and name.
    addresses: BTreeMap<(String, String), BTreeSet<String>>,
    /// Objects that were read in full because their content decides, by version, kind and namespace.
    whole: BTreeMap<OwnerScope, Vec<Value>>,
    /// What was read about owners in addition.
    asked: BTreeMap<OwnerScope, ReadOwners>,
    /// The objects that an owner mentions, by the uid of the owner and the name of the object.
    mentioned: HashSet<(String, String)>,
}

/// The group, kind, namespace and uid of an object.
type OwnerIdentity = (String, String, String, String);

/// The owners of a kind that may own the objects of a namespace.
#[derive(Debug, Default)]
struct ReadOwners {
    /// Their names, by uid.
    uids: HashMap<String, String>,
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
/// those that it does not run. Their names end in the node's (`pkg/kubelet/config/common.go`).
const MIRROR: &str = "/metadata/annotations/kubernetes.io~1config.mirror";

/// How long a controller may take to react to a new object: it may be down for a while.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// The length from which operators cut off names that they extend: with what they append, a name may have
/// 63 characters.
const LONG_NAME: usize = 30;

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
        owners.ask_for_mentions(&owned, live);
        owners.ask_for_services(fetched.extra.iter(), live);
        for object in &fetched.extra {
            let namespace = object.key.namespace.clone().unwrap_or_default();
            if object.may_mention(HOOK) && owners.releases.contains(&namespace) {
                let hooks = owners.hooks.entry(namespace);
                hooks.or_insert_with_key(|namespace| helm_hooks(live, namespace));
                let key = &object.key;
                if facts::workload(&key.kind).is_some()
                    || facts::content_decides_harm(&key.group, &key.kind)
                {
                    owners.read_whole(object, live);
                }
            } else if is_bootstrapped(object) || is_owned_binding(object) {
                owners.read_whole(object, live);
            } else if object.key.kind == "EndpointSlice" && object.may_mention(MIRRORING_CONTROLLER)
            {
                owners.read_whole(object, live);
                owners.ask_for_addresses(object, live);
            } else if facts::content_decides_harm(&object.key.group, &object.key.kind)
                && object.may_mention("ownerReferences")
            {
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
        let is_read = self.name_of_read(object, reference).is_some();
        if is_read || !may_make || self.asked.contains_key(&place) {
            return;
        }
        let (version, kind, namespace) = &place;
        let of_namespace = live.related(version, kind, namespace);
        let of_cluster = live.related(version, kind, "");
        let is_read = of_namespace.is_some() || of_cluster.is_some();
        let all = of_namespace.into_iter().chain(of_cluster).flatten();
        let uids = all.filter_map(|object| {
            let name = text_at(&object, "/metadata/name")?.to_owned();
            Some((uid_of(&object)?, name))
        });
        let uids: HashMap<String, String> = uids.collect();
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

    /// Searches the owners of objects whose names are not derived from theirs for these names.
    fn ask_for_mentions(&mut self, owned: &[(&LiveObject, Vec<Value>)], live: &dyn Live) {
        let mut read: BTreeMap<OwnerScope, Vec<Value>> = BTreeMap::new();
        for (object, references) in owned {
            for reference in references {
                let Some((version, kind, uid)) = named(reference) else {
                    continue;
                };
                let depends = match may_make(reference, &object.key.kind) {
                    Some(Some(ObjectMaker::Operator(MadeNames::Related)) | None) => true,
                    Some(Some(ObjectMaker::Operator(_) | ObjectMaker::BuiltIn)) | None => false,
                };
                let owner = text_at(reference, "/name").unwrap_or_default();
                if !depends || is_derived(&object.key.name, owner) {
                    continue;
                }
                let scope = (version.to_owned(), kind.to_owned(), namespace_of(object));
                let all = read
                    .entry(scope)
                    .or_insert_with_key(|(version, kind, namespace)| {
                        let of = |namespace: &str| live.related(version, kind, namespace);
                        let all = of(namespace).into_iter().chain(of(""));
                        all.flatten().collect()
                    });
                let owner = all.iter().find(|one| uid_of(one).as_deref() == Some(uid));
                let parts = owner.into_iter();
                let mut parts = parts.flat_map(|one| [one.get("spec"), one.get("status")]);
                if parts.any(|part| part.is_some_and(|part| mentions(part, &object.key.name))) {
                    self.mentioned
                        .insert((uid.to_owned(), object.key.name.clone()));
                }
            }
        }
    }

    /// Reads the addresses in the Endpoints that a slice mirrors.
    fn ask_for_addresses(&mut self, slice: &LiveObject, live: &dyn Live) {
        let namespace = namespace_of(slice);
        if self.addresses.keys().any(|(of, _)| *of == namespace) {
            return;
        }
        let endpoints = live.related("v1", "Endpoints", &namespace);
        for one in endpoints.iter().flatten() {
            let subsets = items_at(one, "/subsets").iter();
            let all = subsets.flat_map(|subset| {
                let ready = items_at(subset, "/addresses").iter();
                ready.chain(items_at(subset, "/notReadyAddresses"))
            });
            let all = all.filter_map(|address| text_at(address, "/ip"));
            let name = text_at(one, "/metadata/name").unwrap_or_default();
            self.addresses.insert(
                (namespace.clone(), name.to_owned()),
                all.map(str::to_owned).collect(),
            );
        }
    }

    /// Returns the name of the owner that a reference names, if it was read with the other objects of
    /// the run. An owner is in the namespace of the object, or in none.
    fn name_of_read(&self, object: &LiveObject, reference: &Value) -> Option<&str> {
        let (version, kind, uid) = named(reference)?;
        let identity = |namespace: String| {
            let group = group_of(version).to_owned();
            (group, kind.to_owned(), namespace, uid.to_owned())
        };
        let found = self.uids.get(&identity(namespace_of(object)));
        let found = found.or_else(|| self.uids.get(&identity(String::new())));
        found.map(String::as_str)
    }

    /// Returns whether the owner that a reference names exists. The garbage collector finds an owner
    /// by its name, and compares the uid.
    fn is_there(&self, object: &LiveObject, reference: &Value) -> bool {
        let Some((version, kind, uid)) = named(reference) else {
            return false;
        };
        let place = (version.to_owned(), kind.to_owned(), namespace_of(object));
        let asked = || self.asked.get(&place)?.uids.get(uid).map(String::as_str);
        let name = self.name_of_read(object, reference).or_else(asked);
        name.is_some() && name == text_at(reference, "/name")
    }

    /// Returns whether the owner that a reference names may exist without having been read. A
    /// recording may lack the owners of objects that it contains.
    fn may_be_there(&self, object: &LiveObject, reference: &Value) -> bool {
        let Some((version, kind, _)) = named(reference) else {
            return false;
        };
        let place = (version.to_owned(), kind.to_owned(), namespace_of(object));
        self.asked
            .get(&place)
            .is_some_and(|read| read.may_be_unread)
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
        let identity = uid_of(&value).map(identity);
        self.uids
            .extend(identity.map(|identity| (identity, key.name.clone())));
        if key.kind == "Service" && selects(&value) {
            self.selecting.insert((namespace.clone(), key.name.clone()));
        }
        if is_release(object, &value) {
            self.releases.insert(namespace);
        }
    }

    /// Returns whether the controller of an owner that the object names created the object.
    pub fn made(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> bool {
        references(value).any(|reference| self.made_it(object, value, reference, ownership, rules))
    }

    /// Returns the custom kind of an owner that exists, which an object names as its owner.
    pub fn custom_owner(&self, object: &LiveObject, value: &Value) -> Option<GroupKind> {
        let mut found = references(value).filter(|reference| {
            let maker = may_make(reference, &object.key.kind);
            let is_custom = maker.is_some_and(|maker| maker != Some(ObjectMaker::BuiltIn));
            is_custom && self.is_there(object, reference)
        });
        let (version, kind, _) = named(found.next()?)?;
        Some(GroupKind::new(version, kind))
    }

    fn made_it(
        &self,
        object: &LiveObject,
        value: &Value,
        reference: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> bool {
        let made = object.key.kind.as_str();
        let Some(maker) = may_make(reference, made) else {
            return false;
        };
        let is_guarded = facts::is_guarded(&object.key.group);
        let is_there = self.is_there(object, reference);
        let may_be_there = || !is_guarded && self.may_be_there(object, reference);
        let is_harmless = || !is_harmful(&object.key, value, self.whole(object, value), rules);
        match maker {
            Some(ObjectMaker::BuiltIn) => {
                (is_there || may_be_there()) && self.is_of_controller(object, value, reference)
            }
            // No operator creates a token.
            Some(ObjectMaker::Operator(_)) if made == "Secret" && is_token(value) => false,
            Some(ObjectMaker::Operator(names)) => {
                let is_named = self.is_named_as(object, reference, names);
                (is_there || (names != MadeNames::Any && may_be_there()))
                    && match is_guarded {
                        true => is_named && self.grants_as_operators_do(object, value),
                        false => is_named && (names != MadeNames::Any || is_harmless()),
                    }
            }
            None => {
                is_there
                    && !is_guarded
                    && self.is_named_as(object, reference, MadeNames::Related)
                    && !is_created_by_kubectl(ownership)
                    && is_harmless()
            }
        }
    }

    /// Returns whether a controller of Kubernetes keeps an object of this kind for its owner.
    fn is_of_controller(&self, object: &LiveObject, value: &Value, reference: &Value) -> bool {
        let owner = text_at(reference, "/kind").unwrap_or_default();
        match object.key.kind.as_str() {
            "Pod" if owner == "Node" => {
                let node = text_at(reference, "/name").unwrap_or_default();
                value.pointer(MIRROR).is_some()
                    && object
                        .key
                        .name
                        .ends_with(&format!("-{node}").to_lowercase())
            }
            "EndpointSlice" => self.is_slice_of(object, value, reference),
            _ => true,
        }
    }

    /// Returns whether an object is named as an operator names what it creates for an owner.
    fn is_named_as(&self, object: &LiveObject, reference: &Value, names: MadeNames) -> bool {
        let name = object.key.name.as_str();
        let owner = text_at(reference, "/name").unwrap_or_default();
        match names {
            MadeNames::Any => true,
            MadeNames::Same => name == owner,
            MadeNames::Prefixed(prefix) => name.starts_with(prefix),
            MadeNames::Related => {
                let uid = text_at(reference, "/uid").unwrap_or_default();
                is_derived(name, owner)
                    || self.mentioned.contains(&(uid.to_owned(), name.to_owned()))
            }
        }
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

    /// Returns whether a controller keeps a slice as it is, for its owner: the Service, or the Endpoints
    /// that it mirrors (`newEndpointSlice` in `pkg/controller/endpointslicemirroring/utils.go`).
    fn is_slice_of(&self, object: &LiveObject, value: &Value, reference: &Value) -> bool {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str);
        let service = text(SERVICE_NAME).unwrap_or_default();
        let of_slice = (namespace_of(object), service.to_owned());
        let owner = text_at(reference, "/kind").unwrap_or_default();
        let is_kept = match text(MANAGED_BY) {
            Some(SLICE_CONTROLLER) => owner == "Service" && self.selecting.contains(&of_slice),
            Some(MIRRORING_CONTROLLER) => {
                owner == "Endpoints"
                    && !self.selecting.contains(&of_slice)
                    && self.is_mirrored(object, value, &of_slice)
            }
            _ => false,
        };
        is_kept && reference.get("name").is_some_and(|name| name == service)
    }

    /// Returns whether the Endpoints of a slice have all of its addresses.
    fn is_mirrored(&self, object: &LiveObject, value: &Value, of: &(String, String)) -> bool {
        let (Some(whole), Some(known)) = (self.whole(object, value), self.addresses.get(of)) else {
            return false;
        };
        let endpoints = items_at(whole, "/endpoints").iter();
        let mut addresses = endpoints.flat_map(|one| items_at(one, "/addresses"));
        addresses.all(|one| one.as_str().is_some_and(|one| known.contains(one)))
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
    /// severe. Of objects that could hurt a record proves nothing: anyone who may create Secrets can write
    /// one.
    pub fn is_hook(&self, object: &LiveObject, value: &Value, rules: &RuleSet) -> bool {
        let namespace = object.key.namespace.as_deref().unwrap_or_default();
        let hook = (object.key.kind.clone(), object.key.name.clone());
        match self.hooks.get(namespace) {
            Some(Some(hooks)) => {
                let whole = self.whole(object, value);
                hooks.contains(&hook) && !is_harmful(&object.key, value, whole, rules)
            }
            Some(None) => !is_severe(object, value, rules),
            None => false,
        }
    }

    /// Returns whether a ServiceAccount lists a Secret, as the token controller did for the tokens
    /// that it made, which it made together with the account.
    pub fn is_listed_token(&self, object: &LiveObject, value: &Value) -> bool {
        let namespace = object.key.namespace.as_deref().unwrap_or_default();
        let listed = self.tokens.get(namespace);
        let listed = listed.and_then(|tokens| tokens.get(&object.key.name));
        listed.is_some_and(|account| is_soon_after(created_at(value), *account))
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

/// Returns the Secrets that the ServiceAccounts of a namespace list, with the time at which the account
/// was created.
fn listed_secrets(live: &dyn Live, namespace: &str) -> BTreeMap<String, Option<Timestamp>> {
    let accounts = live.related("v1", "ServiceAccount", namespace);
    let accounts = accounts.unwrap_or_default();
    let listed = accounts.iter().flat_map(|account| {
        let secrets = items_at(account, "/secrets").iter();
        let names = secrets.filter_map(|one| text_at(one, "/name"));
        names.map(|name| (name.to_owned(), created_at(account)))
    });
    listed.collect()
}

/// Returns when the server created an object, which no client can set.
pub fn created_at(object: &Value) -> Option<Timestamp> {
    text_at(object, "/metadata/creationTimestamp")?.parse().ok()
}

/// Returns whether a controller may have written something when it saw a new object, as far as the
/// times are known.
pub fn is_soon_after(written: Option<Timestamp>, created: Option<Timestamp>) -> bool {
    match (written, created) {
        (Some(written), Some(created)) => written.duration_since(created) <= SOON,
        _ => true,
    }
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

/// Returns what may have created an object of kind `made` for this owner: a known maker, or an unknown
/// operator (`Some(None)`), which may create objects of any kind. Nothing else creates objects for
/// built-in kinds.
fn may_make(reference: &Value, made: &str) -> Option<Option<ObjectMaker>> {
    let (version, kind, _) = named(reference)?;
    let group = group_of(version);
    let maker = facts::maker(group, kind, made);
    let controls = reference.get("controller") == Some(&Value::Bool(true));
    let counts = match maker {
        Some(ObjectMaker::BuiltIn) => controls || made == "PersistentVolumeClaim",
        // Several resources may share an object, which none of them controls.
        Some(ObjectMaker::Operator(_)) => true,
        None => controls && builtin_kind_of_group(group, kind).is_empty(),
    };
    counts.then_some(maker)
}

/// Returns whether the name of an object is derived from its owner's: it contains the owner's as whole
/// words, or the beginning of a long one that was cut off; or it is the owner's name without the
/// last words, such as a hash.
fn is_derived(name: &str, owner: &str) -> bool {
    let is_end = |text: &str, at: Option<char>| {
        text.is_empty() || at.is_some_and(|c| !c.is_ascii_alphanumeric())
    };
    if owner.is_empty() || name.is_empty() {
        return false;
    }
    let mut places = name.match_indices(owner).map(|(at, _)| at);
    let is_word = |at: usize| {
        let (before, after) = (name.get(..at), name.get(at + owner.len()..));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        is_end(before, before.chars().next_back()) && is_end(after, after.chars().next())
    };
    let is_cut = owner
        .get(..LONG_NAME)
        .is_some_and(|start| name.starts_with(start));
    let is_without_end = || {
        let rest = owner.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['-', '.', '_']))
    };
    places.any(is_word) || is_cut || is_without_end()
}

/// Returns whether a value contains a text, as a value or a key.
fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, below)| name == text || mentions(below, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns whether kubectl created an object.
fn is_created_by_kubectl(ownership: &Ownership) -> bool {
    let creator = ownership.creator();
    creator.is_some_and(|manager| manager.starts_with(facts::KUBECTL))
}

/// Returns whether a Secret is a token of a service account. A token must have the annotation, which is
/// known of Secrets that are not read.
fn is_token(secret: &Value) -> bool {
    text_at(secret, "/type") == Some("kubernetes.io/service-account-token")
        || secret.pointer(ACCOUNT_ANNOTATION).is_some()
}
