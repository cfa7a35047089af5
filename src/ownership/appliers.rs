//! Determines the applier of a manifest from its live object.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::coverage::{coverage, coverage_as_declared, declared_fields};
use crate::facts::{Applies, CLIENT_SIDE_APPLY, EDITORS, KUBECTL, REPLACE, how_it_applies};
use crate::model::{Applier, ApplierReason, FieldSet, ManagerEntry, Operation, Owner, Ownership};

/// The annotation in which `kubectl apply` records the configuration that it sent
/// (`k8s.io/api/core/v1/annotation_key_constants.go`).
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the configuration that client-side apply sent last, if the object has one that can be
/// parsed.
pub fn last_applied(live: &Value) -> Option<Value> {
    let text = live
        .pointer("/metadata/annotations")?
        .get(LAST_APPLIED)?
        .as_str()?;
    serde_json::from_str(text).ok()
}

/// The manifest that client-side apply sent last, as a live object records it; parsed on first use,
/// because most objects never need it.
#[derive(Debug, Default)]
pub struct LastSent<'a> {
    live: Option<&'a Value>,
    value: OnceLock<Option<Value>>,
}

impl<'a> LastSent<'a> {
    /// Returns what was sent to make this object.
    pub fn of(live: &'a Value) -> Self {
        Self {
            live: Some(live),
            value: OnceLock::new(),
        }
    }

    /// Returns it, if the object records it.
    pub fn value(&self) -> Option<&Value> {
        let parsed = self.value.get_or_init(|| last_applied(self.live?));
        parsed.as_ref()
    }

    /// Returns whether what was sent is a copy of the live object: `kubectl get -o yaml`, edited, and
    /// given to `kubectl apply` or `kubectl replace`, which both record it. It has what the server
    /// makes up and the manifest does not declare.
    pub fn is_copy_of_live(&self, declared: &Value) -> bool {
        const MADE_UP: [&str; 2] = ["/metadata/uid", "/metadata/resourceVersion"];
        let is_copied = |sent: &Value| {
            let mut fields = MADE_UP.iter();
            fields.any(|at| sent.pointer(at).is_some() && declared.pointer(at).is_none())
        };
        self.value().is_some_and(is_copied)
    }
}

/// Returns whether someone else applies an object that `kubectl replace` has written too, so that the
/// latter was an edit. It overwrites the last applied configuration with what it sends.
pub fn is_replaced_by_hand(ownership: &Ownership) -> bool {
    let mut owners = ownership.entries.iter().map(|entry| &entry.owner);
    owners.any(|owner| owner.subresource.is_none() && how_it_applies(&owner.manager).is_some())
}

/// The appliers of one object.
///
/// A manager that declares by `Update` also owns the defaults of its requests, so ownership alone
/// does not make such a value an addition.
///
/// They are determined when first needed, which is never for most objects.
#[derive(Debug, Clone, Default)]
pub struct Appliers<'a> {
    of: Option<ApplierInput<'a>>,
    declarers: OnceLock<Vec<Applier>>,
}

/// The data for determining the appliers of an object.
#[derive(Debug, Clone, Copy)]
struct ApplierInput<'a> {
    ownership: &'a Ownership,
    declared: &'a Value,
    live: &'a Value,
    named: &'a [String],
}

impl<'a> Appliers<'a> {
    /// Returns the appliers of an object.
    ///
    /// `named` are the managers that the user names; they are used without checks. Otherwise the
    /// applier is a GitOps controller that owns at least half of the declared fields: a user who
    /// applied the same manifest from a laptop and took over fields is a second applier, however
    /// many fields that is. Otherwise it is the manager that owns most of the declared fields:
    /// someone who later applied a variant owns little more than the changes. Managers of `kubectl
    /// edit`, `patch` and `label` are never the applier, and `kubectl replace` is not if another known
    /// applier wrote the object, unless it wrote most of the fields as declared. On a tie, managers with evidence of
    /// applying (server-side apply, or the last applied configuration) come first, then those that
    /// are known to apply, then the one that wrote first.
    ///
    /// A manager that only updates, under a name that is not known to apply, does not declare a
    /// field whose live value differs from the declared one: it owns the field because it changed
    /// it.
    pub fn of(
        ownership: &'a Ownership,
        declared: &'a Value,
        live: &'a Value,
        named: &'a [String],
    ) -> Self {
        Self {
            of: Some(ApplierInput {
                ownership,
                declared,
                live,
                named,
            }),
            declarers: OnceLock::new(),
        }
    }

    /// Returns the appliers, with the reasons.
    pub fn all(&self) -> &[Applier] {
        let found = || self.of.map(ApplierInput::declarers).unwrap_or_default();
        self.declarers.get_or_init(found)
    }

    /// Returns whether a manager with this name declares the manifest.
    pub fn include(&self, manager: &str) -> bool {
        self.all().iter().any(|found| found.manager == manager)
    }

    /// Returns whether the entry is of an applier. Writes through a subresource (`kubectl debug`,
    /// `kubectl scale`) were never applied, under whichever name. Nor were those of `kubectl
    /// cordon` and `drain`, which share their name with `kubectl apply --server-side`.
    pub fn declares(&self, entry: &ManagerEntry) -> bool {
        let owner = &entry.owner;
        let by_another_command = |applier: &Applier| {
            owner.manager == KUBECTL
                && owner.operation == Operation::Update
                && applier.why == ApplierReason::ServerSideApply
        };
        owner.subresource.is_none()
            && (self.all().iter())
                .any(|found| found.manager == owner.manager && !by_another_command(found))
    }

    /// Returns whether a client-side applier wrote the entry: its last applied configuration
    /// distinguishes defaults from declared fields. This is kubectl, or an applier that keeps that
    /// annotation (Argo CD does, without server-side apply).
    pub fn apply_on_the_client(&self, entry: &ManagerEntry) -> bool {
        entry.owner.operation == Operation::Update
            && (entry.owner.manager == CLIENT_SIDE_APPLY
                || self.declares(entry) && holds_last_applied(&entry.fields))
    }
}

impl ApplierInput<'_> {
    /// Determines the appliers; see [`Appliers::of`].
    fn declarers(self) -> Vec<Applier> {
        let Self {
            ownership,
            declared,
            live,
            named,
        } = self;
        let candidates = candidates(ownership, declared, live);
        let all = declared_fields(declared);
        let applier = |candidate: &ApplierCandidate<'_>, why| Applier {
            manager: candidate.manager.to_owned(),
            why,
            owns: candidate.owns,
            declared: all,
        };
        if !named.is_empty() {
            let named = named.iter().map(|name| {
                let known = candidates.iter().find(|c| c.manager == name);
                let unseen = ApplierCandidate::new(name);
                applier(known.unwrap_or(&unseen), ApplierReason::Named)
            });
            return named.collect();
        }
        let mut best: Option<&ApplierCandidate<'_>> = None;
        // A manifest that declares only its name has no fields to own, and if others changed every
        // declared field, the applier owns none: then the last applied configuration decides.
        let may_declare = |c: &&ApplierCandidate<'_>| {
            c.owns > 0 || (c.wrote_last_applied && (all == 0 || sent_alike(declared, live)))
        };
        for candidate in candidates.iter().filter(may_declare) {
            if best.is_none_or(|best| candidate.rank(all) > best.rank(all)) {
                best = Some(candidate);
            }
        }
        let found = best.map(|best| applier(best, best.reason()));
        found.into_iter().collect()
    }
}

/// A candidate for the applier, from all of its entries except those of subresources.
struct ApplierCandidate<'o> {
    manager: &'o str,
    /// How many declared fields it owns. Without evidence that it applies, only fields with their
    /// declared value count.
    owns: usize,
    /// Whether it used server-side apply.
    applies: bool,
    /// Whether it wrote the last applied configuration.
    wrote_last_applied: bool,
    /// The first of its last writes; `kubectl scale` records no time.
    time: Option<&'o str>,
    /// The fields that it owns.
    entries: Vec<&'o ManagerEntry>,
}

impl<'o> ApplierCandidate<'o> {
    fn new(manager: &'o str) -> Self {
        Self {
            manager,
            owns: 0,
            applies: false,
            wrote_last_applied: false,
            time: None,
            entries: Vec::new(),
        }
    }

    fn known(&self) -> Option<Applies> {
        how_it_applies(self.manager)
    }

    /// Returns what two candidates are compared by, the most important first. On a tie, the first
    /// candidate wins.
    fn rank(&self, all: usize) -> impl PartialOrd + use<'o> {
        let unattended = self.known() == Some(Applies::Unattended);
        (
            unattended && self.owns * 2 >= all,
            self.owns,
            self.applies || self.wrote_last_applied,
            self.known().is_some(),
            std::cmp::Reverse(self.time),
        )
    }

    fn reason(&self) -> ApplierReason {
        if self.applies {
            ApplierReason::ServerSideApply
        } else if self.wrote_last_applied {
            ApplierReason::LastApplied
        } else if self.known().is_some() {
            ApplierReason::Known
        } else {
            ApplierReason::Coverage
        }
    }
}

/// Returns every possible applier, in the order of its first entry. A manager that wrote at several
/// versions has an entry for each, and owns each field in one of them.
fn candidates<'o>(
    ownership: &'o Ownership,
    declared: &Value,
    live: &Value,
) -> Vec<ApplierCandidate<'o>> {
    let mut found: Vec<ApplierCandidate<'o>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let may_apply =
        |owner: &Owner| owner.subresource.is_none() && !EDITORS.contains(&owner.manager.as_str());
    let is_by_hand = is_replaced_by_hand(ownership);
    let is_edit = |owner: &Owner| is_by_hand && owner.manager == REPLACE;
    for entry in &ownership.entries {
        let owner = &entry.owner;
        if !may_apply(owner) {
            continue;
        }
        let at = *places.entry(&owner.manager).or_insert_with(|| {
            found.push(ApplierCandidate {
                time: owner.time.as_deref(),
                ..ApplierCandidate::new(&owner.manager)
            });
            found.len() - 1
        });
        let candidate = &mut found[at];
        candidate.owns += coverage(&entry.fields, declared);
        candidate.applies |= owner.operation == Operation::Apply;
        let holds = owner.operation == Operation::Update && holds_last_applied(&entry.fields);
        // Client-side apply always wrote it, even if someone else has overwritten it since.
        let wrote = holds && !is_edit(owner) || owner.manager == CLIENT_SIDE_APPLY;
        candidate.wrote_last_applied |= wrote;
        candidate.time = candidate.time.min(owner.time.as_deref());
        candidate.entries.push(entry);
    }
    // Most objects were written by managers that are seen or known to apply.
    for candidate in &mut found {
        let is_seen = candidate.applies || candidate.wrote_last_applied;
        if is_seen || candidate.known().is_some() {
            continue;
        }
        let entries = candidate.entries.iter();
        candidate.owns = entries
            .map(|entry| coverage_as_declared(&entry.fields, declared, live))
            .sum();
    }
    found
}

/// Returns the declared fields that have their declared value live; `None` if no field does.
fn matching_fields(declared: &Value, live: &Value) -> Option<Value> {
    match (declared, live) {
        (Value::Object(ours), Value::Object(theirs)) if !ours.is_empty() => {
            let same = ours.iter().filter_map(|(name, value)| {
                Some((name.clone(), matching_fields(value, theirs.get(name)?)?))
            });
            let same: serde_json::Map<String, Value> = same.collect();
            (!same.is_empty()).then_some(Value::Object(same))
        }
        // Identifying items would need the schema, so a list counts as equal.
        (Value::Array(_), Value::Array(_)) => Some(declared.clone()),
        (declared, live) => (declared == live).then(|| declared.clone()),
    }
}

/// Returns whether the configuration that client-side apply sent last declares a field like the
/// manifest.
fn sent_alike(declared: &Value, live: &Value) -> bool {
    let same = last_applied(live).and_then(|sent| matching_fields(declared, &sent));
    same.is_some_and(|same| declared_fields(&same) > 0)
}

/// Returns whether a set contains the last-applied annotation of client-side apply.
pub fn holds_last_applied(set: &FieldSet) -> bool {
    let annotations = set
        .fields
        .get("metadata")
        .and_then(|metadata| metadata.fields.get("annotations"));
    annotations.is_some_and(|annotations| annotations.fields.contains_key(LAST_APPLIED))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ownership::ownership_of;

    fn appliers(named: &[&str]) -> (Ownership, Appliers<'static>) {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                "f:spec": {"f:replicas": {}}}},
            {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {
                "f:spec": {"f:replicas": {}, "f:paused": {}, "f:selector": {}}}},
        ]}});
        let declared = json!({"spec": {
            "replicas": 1, "paused": false, "selector": {"a": "b", "c": "d"}}});
        let ownership = ownership_of(&live);
        let named: Vec<String> = named.iter().map(|s| (*s).to_owned()).collect();
        let appliers = Appliers {
            of: None,
            declarers: Appliers::of(&ownership, &declared, &declared, &named)
                .all()
                .to_vec()
                .into(),
        };
        (ownership, appliers)
    }

    #[test]
    fn finds_the_applier_of_a_manifest_that_sets_no_fields() {
        let last_applied = format!("f:{LAST_APPLIED}");
        let live = json!({"metadata": {"managedFields": [
            {"manager": CLIENT_SIDE_APPLY, "operation": "Update", "fieldsV1": {
                "f:metadata": {"f:annotations": {last_applied: {}}}}},
            {"manager": "my-script", "operation": "Update", "fieldsV1": {"f:secrets": {}}},
        ]}});
        let found = |immutable: Value| {
            let mut declared = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "a", "namespace": "shop"}});
            if !immutable.is_null() {
                declared["immutable"] = immutable;
            }
            let ownership = ownership_of(&live);
            let appliers = Appliers::of(&ownership, &declared, &declared, &[]);
            appliers
                .all()
                .first()
                .map(|applier| applier.manager.clone())
        };
        assert_eq!(found(Value::Null).as_deref(), Some(CLIENT_SIDE_APPLY));
        assert_eq!(found(json!(true)), None);
    }

    #[test]
    fn the_manager_that_owns_most_of_the_manifest_declares_it() {
        let (ownership, appliers) = appliers(&[]);
        assert!(!appliers.declares(&ownership.entries[0]));
        assert!(appliers.declares(&ownership.entries[1]));
    }

    #[test]
    fn named_managers_are_the_appliers() {
        let (ownership, appliers) = appliers(&["kubectl-edit"]);
        assert!(appliers.declares(&ownership.entries[0]));
        assert!(!appliers.declares(&ownership.entries[1]));
    }

    /// Builds entries from `(manager, operation, time, fields of the specification)`.
    fn entries(of: &[(&str, &str, &str, &[&str])]) -> Ownership {
        let entries = of.iter().map(|(manager, operation, time, fields)| {
            let spec = fields.iter().map(|field| (format!("f:{field}"), json!({})));
            let spec: serde_json::Map<String, Value> = spec.collect();
            json!({"manager": manager, "operation": operation, "time": time,
                "fieldsV1": {"f:spec": spec}})
        });
        let entries: Vec<Value> = entries.collect();
        ownership_of(&json!({"metadata": {"managedFields": entries}}))
    }

    fn declared() -> Value {
        json!({"spec": {"a": 1, "b": 2, "c": 3, "d": 4}})
    }

    #[track_caller]
    fn assert_applier(ownership: &Ownership, expected: (&str, ApplierReason, usize)) {
        let declared = declared();
        let found = Appliers::of(ownership, &declared, &declared, &[]);
        let found: Vec<_> = found
            .all()
            .iter()
            .map(|a| (a.manager.as_str(), a.why, a.owns))
            .collect();
        assert_eq!(found, [expected]);
    }

    const ALL: &[&str] = &["a", "b", "c", "d"];
    const EARLY: &str = "2026-01-01T00:00:00Z";
    const LATE: &str = "2026-02-01T00:00:00Z";

    #[test]
    fn a_controller_with_half_of_the_fields_is_the_applier() {
        let laptop = ("kubectl", "Apply", EARLY, ALL);
        let half = entries(&[("argocd-controller", "Apply", LATE, &["a", "b"]), laptop]);
        assert_applier(
            &half,
            ("argocd-controller", ApplierReason::ServerSideApply, 2),
        );
        let less = entries(&[("argocd-controller", "Apply", LATE, &["a"]), laptop]);
        assert_applier(&less, ("kubectl", ApplierReason::ServerSideApply, 4));
    }

    #[test]
    fn cordon_is_not_the_apply_that_shares_its_name() {
        let ownership = entries(&[
            ("kubectl", "Apply", EARLY, ALL),
            ("kubectl", "Update", LATE, &["unschedulable"]),
        ]);
        let declared = declared();
        let appliers = Appliers::of(&ownership, &declared, &declared, &[]);
        assert!(appliers.declares(&ownership.entries[0]));
        assert!(!appliers.declares(&ownership.entries[1]));
    }

    #[test]
    fn on_a_tie_who_is_seen_to_apply_comes_first_then_who_is_known_then_the_first() {
        let update = ("someone", "Update", EARLY, ALL);
        let tie = entries(&[update, ("somebody", "Apply", LATE, ALL)]);
        assert_applier(&tie, ("somebody", ApplierReason::ServerSideApply, 4));
        let tie = entries(&[update, ("pulumi-kubernetes", "Update", LATE, ALL)]);
        assert_applier(&tie, ("pulumi-kubernetes", ApplierReason::Known, 4));
        let tie = entries(&[("zoe", "Update", LATE, ALL), update]);
        assert_applier(&tie, ("someone", ApplierReason::Coverage, 4));
        let mut writer = entries(&[update, ("zoe", "Update", LATE, ALL)]);
        let annotation = FieldSet {
            fields: [(LAST_APPLIED.to_owned(), FieldSet::default())].into(),
            ..FieldSet::default()
        };
        let metadata = FieldSet {
            fields: [("annotations".to_owned(), annotation)].into(),
            ..FieldSet::default()
        };
        let mut fields = FieldSet::clone(&writer.entries[1].fields);
        fields.fields.insert("metadata".to_owned(), metadata);
        writer.entries[1].fields = fields.into();
        assert_applier(&writer, ("zoe", ApplierReason::LastApplied, 4));
        let declared = declared();
        let appliers = Appliers::of(&writer, &declared, &declared, &[]);
        assert!(appliers.apply_on_the_client(&writer.entries[1]));
        assert!(!appliers.apply_on_the_client(&writer.entries[0]));
        // A manual edit of the annotation does not count as an apply.
        let someone = ["someone".to_owned()];
        let named = Appliers::of(&writer, &declared, &declared, &someone);
        assert!(!named.apply_on_the_client(&writer.entries[1]));
    }

    #[test]
    fn adds_up_entries_of_one_manager_at_several_versions() {
        let ownership = entries(&[
            ("helm", "Update", EARLY, &["a", "b"]),
            ("kubectl-edit", "Update", LATE, &["a", "b", "c"]),
            ("helm", "Update", LATE, &["c", "d"]),
        ]);
        assert_applier(&ownership, ("helm", ApplierReason::Known, 4));
    }

    #[test]
    fn a_manager_that_changed_declared_fields_is_not_the_applier() {
        let of = |operation: &str, live: Value| {
            let ownership = entries(&[("node-fetch", operation, LATE, &["a", "extra"])]);
            let declared = json!({"spec": {"a": 1}});
            let found = Appliers::of(&ownership, &declared, &live, &[]);
            !found.all().is_empty()
        };
        assert!(of("Update", json!({"spec": {"a": 1, "extra": 2}})));
        assert!(!of("Update", json!({"spec": {"a": 5, "extra": 2}})));
        assert!(of("Apply", json!({"spec": {"a": 5, "extra": 2}})));
    }

    #[test]
    fn a_manager_that_changed_an_atomic_list_is_not_the_applier() {
        let found = |live_weight: u8| {
            let rules = |weight: u8| json!([{"name": "a", "port": 80, "weight": weight}]);
            let ownership = entries(&[
                ("argocd-controller", "Apply", EARLY, &["hosts"]),
                ("homegrown", "Update", LATE, &["rules"]),
            ]);
            let declared = json!({"spec": {"hosts": "a", "rules": rules(100)}});
            let live = json!({"spec": {"hosts": "a", "rules": rules(live_weight)}});
            let found = Appliers::of(&ownership, &declared, &live, &[]);
            found.all()[0].manager.clone()
        };
        assert_eq!(found(80), "argocd-controller");
        assert_eq!(found(100), "homegrown");
    }

    #[test]
    fn a_client_side_applier_stays_the_applier_after_others_changed_every_field() {
        let found = |sent: &str| {
            let last_applied = format!("f:{LAST_APPLIED}");
            let live = json!({"metadata": {
                "annotations": {LAST_APPLIED: sent},
                "managedFields": [
                    {"manager": CLIENT_SIDE_APPLY, "operation": "Update", "fieldsV1": {
                        "f:metadata": {"f:annotations": {last_applied: {}}},
                        "f:spec": {"f:defaulted": {}}}},
                    {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                        "f:spec": {"f:a": {}}}},
                ]}, "spec": {"a": 5, "defaulted": 1}});
            let declared = json!({"spec": {"a": 1}});
            let ownership = ownership_of(&live);
            let appliers = Appliers::of(&ownership, &declared, &live, &[]);
            appliers.include(CLIENT_SIDE_APPLY)
        };
        assert!(found(r#"{"spec":{"a":1}}"#));
        assert!(!found(r#"{"spec":{"b":1}}"#));
        assert!(!found("{}"));
    }

    /// `kubectl replace` overwrites the last applied configuration with what it sends.
    #[test]
    fn kubectl_replace_of_an_object_with_another_applier_is_an_edit() {
        let found = |applier: &str, replaced: &Value, weight: u8| {
            let last_applied = format!("f:{LAST_APPLIED}");
            let mut by_replace = json!({"f:metadata": {"f:annotations": {last_applied: {}}}});
            by_replace["f:spec"] = replaced.clone();
            let spec = json!({"limits": [{"weight": weight}], "a": 1, "b": 2});
            let live = json!({
                "metadata": {
                    "annotations": {LAST_APPLIED: json!({"spec": spec}).to_string()},
                    "managedFields": [
                        {"manager": applier, "operation": "Update", "fieldsV1": {"f:metadata": {}}},
                        {"manager": REPLACE, "operation": "Update", "fieldsV1": by_replace},
                    ]},
                "spec": spec});
            let declared = json!({"spec": {"limits": [{"weight": 1}], "a": 1, "b": 2}});
            let ownership = ownership_of(&live);
            let found = Appliers::of(&ownership, &declared, &live, &[]);
            found.all()[0].manager.clone()
        };
        let list = json!({"f:limits": {}});
        assert_eq!(found(CLIENT_SIDE_APPLY, &list, 5), CLIENT_SIDE_APPLY);
        assert_eq!(found("someone", &list, 5), REPLACE);
        // Who replaces with the manifest deploys it.
        let all = json!({"f:limits": {}, "f:a": {}, "f:b": {}});
        assert_eq!(found(CLIENT_SIDE_APPLY, &all, 1), REPLACE);
    }

    #[test]
    fn recognizes_a_copy_of_the_live_object_by_what_the_server_makes_up() {
        let sent =
            |sent: Value| json!({"metadata": {"annotations": {LAST_APPLIED: sent.to_string()}}});
        let copy = sent(json!({"metadata": {"name": "a", "uid": "6f2a"}}));
        let manifest = json!({"metadata": {"name": "a"}});
        assert!(LastSent::of(&copy).is_copy_of_live(&manifest));
        let exported = json!({"metadata": {"name": "a", "uid": "6f2a"}});
        assert!(!LastSent::of(&copy).is_copy_of_live(&exported));
        assert!(!LastSent::of(&sent(manifest.clone())).is_copy_of_live(&manifest));
    }

    #[test]
    fn writes_through_a_subresource_do_not_count_as_applied() {
        let mut ownership = entries(&[("hpa", "Update", EARLY, ALL)]);
        ownership.entries[0].owner.subresource = Some("scale".to_owned());
        assert!(
            Appliers::of(&ownership, &declared(), &declared(), &[])
                .all()
                .is_empty()
        );
        assert!(
            Appliers::of(&Ownership::default(), &declared(), &declared(), &[])
                .all()
                .is_empty()
        );
    }

    #[test]
    fn a_named_manager_is_the_applier_even_if_it_wrote_nothing() {
        let ownership = entries(&[("helm", "Update", EARLY, ALL)]);
        let (declared, ci) = (declared(), ["ci".to_owned()]);
        let appliers = Appliers::of(&ownership, &declared, &declared, &ci);
        let all = appliers.all();
        assert_eq!(
            (all[0].why, all[0].owns, all[0].declared),
            (ApplierReason::Named, 0, 4)
        );
        assert!(!appliers.include("helm"));
    }

    #[test]
    fn last_applied_is_read_from_the_annotation() {
        let live = json!({"metadata": {"annotations": {LAST_APPLIED: "{\"kind\":\"Pod\"}"}}});
        assert_eq!(last_applied(&live), Some(json!({"kind": "Pod"})));
        let live = json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}});
        assert_eq!(last_applied(&live), None);
    }
}
