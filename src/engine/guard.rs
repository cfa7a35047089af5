//! Writes admission policies that block the same drift in future, each with a proof.
//!
//! Nothing here writes to a cluster. A [`ProvenGuard`] is printed only if its proof holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::admission::guard::{
    AUTOSCALER, Guard, GuardForm, GuardProof, GuardRequest, GuardRule, GuardedObjects, prove, rule,
};
use crate::admission::{Evaluate, Policies, PolicyInput, PolicyResults, RequestUser};
use crate::cluster::audit::{AuditedObject, AuditedWrites};
use crate::cluster::{ObjectRequest as WantedObject, Overlay, Query, Read as _};
use crate::compare::normalize;
use crate::facts::service_account;
use crate::model::{ChangeCause, Enforcement, JudgedChange, ObjectReport, Report, ResourceKey};
use crate::ownership::{Appliers, ownership_of};
use crate::patch::{self, FieldChange};
use crate::redact::Redacted;

use super::selected::{SelectsChange, is_selected};

/// The request for a guard.
pub struct GuardParameters<'a> {
    /// The report, including secrets.
    pub report: &'a Report,
    /// The report without secrets.
    pub shown: &'a Redacted,
    /// The data that the report was made from.
    pub live: &'a Overlay<'a>,
    /// Whether a change is selected.
    pub selects: SelectsChange<'a>,
    /// Whether a change is named, by its object and its path.
    pub names: SelectsChange<'a>,
    /// The form of the policies, if one was requested.
    pub form: Option<GuardForm>,
    /// The bound of the policies, if one was given.
    pub bound: Option<&'a str>,
    /// Exempt users.
    pub users: &'a [String],
    /// Groups whose members are exempt.
    pub groups: &'a [String],
    /// Whether anyone may restore the declared value.
    pub allow_declared: bool,
    /// Whether the policies deny.
    pub enforces: bool,
    /// Which objects of the kind they guard.
    pub scope: GuardedObjects,
    /// The deployers according to the audit log.
    pub writes: Option<&'a AuditedWrites>,
    /// Evaluates a policy.
    pub evaluate: &'a Evaluate<'a>,
}

/// A guard with its proof.
pub struct ProvenGuard {
    /// The guard.
    pub guard: Guard,
    /// The proof.
    pub proof: GuardProof,
    /// Where the object is declared, as `file:line`.
    pub place: String,
    /// The effect on the live objects of the kind.
    pub live: Vec<String>,
    /// Further notes for the user.
    pub remarks: Vec<String>,
}

/// A change without a policy.
pub struct UnguardedChange {
    /// The object.
    pub key: ResourceKey,
    /// The field, without secrets.
    pub path: String,
    /// Why.
    pub why: String,
}

/// The guards, and the changes without one.
#[derive(Default)]
pub struct GuardPlan {
    /// The guards, sorted by their objects.
    pub guards: Vec<ProvenGuard>,
    /// The changes without a guard.
    pub left_out: Vec<UnguardedChange>,
}

impl GuardPlan {
    /// Records that these rules of an object are in no policy.
    fn leave_out(&mut self, key: &ResourceKey, rules: &[GuardRule], why: &str) {
        let unguarded = rules.iter().map(|rule| UnguardedChange {
            key: key.clone(),
            path: rule.path.to_string(),
            why: why.to_owned(),
        });
        self.left_out.extend(unguarded);
    }
}

/// Writes and proves guards against the selected drift.
pub fn plan(wish: &GuardParameters<'_>) -> GuardPlan {
    let mut planned = GuardPlan::default();
    for (object, shown) in wish.report.objects.iter().zip(&wish.shown.objects) {
        let drifts = object.drifts.iter().zip(&shown.drifts);
        let meant: Vec<_> = drifts
            .filter(|(drift, _)| is_selected(object, drift, wish.selects, wish.names))
            .collect();
        if !meant.is_empty() {
            guard_object(wish, object, &meant, &mut planned);
        }
    }
    planned
}

/// Returns why a guard cannot prevent the drift: it is not a live edit.
fn is_no_edit(drift: &JudgedChange) -> Option<&'static str> {
    match drift.cause {
        Some(ChangeCause::Unapplied | ChangeCause::Dropped) => {
            Some("Git is ahead of the cluster: this is a pending deploy, not a live edit")
        }
        Some(ChangeCause::BeingDeleted) => Some("the object is being deleted"),
        Some(ChangeCause::UnknownField) => Some("the type has no such field"),
        _ => None,
    }
}

/// The key by which rules are grouped into policies: operations and resources, and the form.
type GuardKey = (bool, bool, GuardForm);

fn guard_object(
    wish: &GuardParameters<'_>,
    object: &ObjectReport,
    meant: &[(&JudgedChange, &JudgedChange)],
    planned: &mut GuardPlan,
) {
    let mut leave_out = |shown: &JudgedChange, why: String| {
        planned.left_out.push(UnguardedChange {
            key: object.key.clone(),
            path: shown.change.path.to_string(),
            why,
        });
    };
    let read = wish.live.read_object(&object.key);
    let read = read.and_then(|(wanted, live)| Some((wanted, live.value().ok()?)));
    let (Some((wanted, live)), Some(manifest)) = (read, &object.manifest) else {
        for (_, shown) in meant {
            leave_out(shown, "the live object could not be read".to_owned());
        }
        return;
    };
    let declared = match &object.declared {
        Some(declared) => declared.value(),
        None => normalize(manifest.value(), wanted.kind.namespaced),
    };
    let live = without_bookkeeping(live);
    let edits: Vec<FieldChange<'_>> = meant
        .iter()
        .map(|(drift, _)| FieldChange {
            path: &drift.change.path,
            to: drift.change.declared.as_ref(),
        })
        .collect();
    let before = match changed(&live, &declared, &edits) {
        Ok(before) => before,
        Err(why) => {
            for (_, shown) in meant {
                leave_out(shown, why.clone());
            }
            return;
        }
    };
    let groups = grouped(wish, object, meant, (&before, &live), &mut leave_out);
    let deployer = deployer(wish, object, &live, &declared, &wanted);
    for (group, rules) in groups {
        let (rules, after): (Vec<GuardRule>, Vec<Value>) = rules.into_iter().unzip();
        let (_, is_scaled, form) = group;
        let name = name_of(&object.key, form, is_scaled, wish.scope);
        if planned.guards.iter().any(|known| known.guard.name == name) {
            let why = "the drift of another object made a policy of this kind and scope; guard one \
                       object at a time with --scope";
            planned.leave_out(&object.key, &rules, why);
            continue;
        }
        match guard_by(wish, &object.key, &wanted, deployer.as_ref(), group, rules) {
            Ok((guard, remarks)) => {
                let proof = prove(&guard, &before, &after, wish.evaluate);
                let live = over_live_objects(wish, &guard, &wanted);
                planned.guards.push(ProvenGuard {
                    place: place_of(object),
                    guard,
                    proof,
                    live,
                    remarks,
                });
            }
            Err(rules) => {
                let why = "it is unknown who deploys the object, and the policy would block them; \
                           name them with --allow USER or --allow-group GROUP";
                planned.leave_out(&object.key, &rules, why);
            }
        }
    }
}

/// Returns the rules against some changes, by the policy that they belong to, each with the object
/// that it must refuse; leaves out the changes that no rule fits.
fn grouped(
    wish: &GuardParameters<'_>,
    object: &ObjectReport,
    meant: &[(&JudgedChange, &JudgedChange)],
    (before, live): (&Value, &Value),
    leave_out: &mut dyn FnMut(&JudgedChange, String),
) -> BTreeMap<GuardKey, Vec<(GuardRule, Value)>> {
    let mut groups: BTreeMap<GuardKey, Vec<(GuardRule, Value)>> = BTreeMap::new();
    for (drift, shown) in meant {
        let (rule, after) = match guard_rule(wish, object, (drift, shown), before, live) {
            Ok(made) => made,
            Err(why) => {
                leave_out(shown, why);
                continue;
            }
        };
        let group = (rule.form.binds_the_deployer(), rule.is_scaled(), rule.form);
        let rules = groups.entry(group).or_default();
        // One rule covers several changes of one list.
        let is_known = |(known, _): &(GuardRule, Value)| known.expression == rule.expression;
        if !rules.iter().any(is_known) {
            rules.push((rule, after));
        }
    }
    groups
}

/// Returns the policy with some rules, and remarks about it.
///
/// # Errors
/// Returns the rules if the policy would block the deployer of the object.
fn guard_by(
    wish: &GuardParameters<'_>,
    key: &ResourceKey,
    wanted: &WantedObject,
    deployer: Option<&(String, String)>,
    (binds, is_scaled, form): GuardKey,
    rules: Vec<GuardRule>,
) -> Result<(Guard, Vec<String>), Vec<GuardRule>> {
    let (mut users, mut remarks) = (wish.users.to_vec(), Vec::new());
    match deployer.filter(|_| binds) {
        Some((user, how)) if !users.contains(user) => {
            remarks.push(format!("deployer: {user}, {how}"));
            users.push(user.clone());
        }
        None if binds && users.is_empty() && wish.groups.is_empty() => return Err(rules),
        _ => {}
    }
    let guard = Guard {
        name: name_of(key, form, is_scaled, wish.scope),
        scope: wish.scope,
        key: key.clone(),
        api_version: wanted.kind.api_version.clone(),
        plural: wanted.kind.plural.clone(),
        rules,
        users,
        groups: wish.groups.to_vec(),
        enforces: wish.enforces,
        allows_declared: wish.allow_declared && form == GuardForm::Lock,
    };
    if guard.is_scaled() {
        remarks.push(format!("autoscaler: {AUTOSCALER} is exempt"));
    }
    if form == GuardForm::Lock && !guard.allows_declared {
        remarks.push(
            "users that it blocks cannot restore the declared value either; --allow-declared \
             lets them"
                .to_owned(),
        );
    }
    Ok((guard, remarks))
}

/// Returns the rule against one change, and the object as it would be with that change.
fn guard_rule(
    wish: &GuardParameters<'_>,
    object: &ObjectReport,
    (drift, shown): (&JudgedChange, &JudgedChange),
    before: &Value,
    live: &Value,
) -> Result<(GuardRule, Value), String> {
    if let Some(why) = is_no_edit(drift) {
        return Err(why.to_owned());
    }
    let change = &drift.change;
    if shown.change.path != change.path {
        return Err("its path is secret, and a policy would show it".to_owned());
    }
    let is_secret = object.key.kind == "Secret"
        || shown.change.declared != change.declared
        || shown.change.live != change.live;
    let form = match (wish.form, is_secret) {
        (None, true) => Some(GuardForm::Lock),
        (form, _) => form,
    };
    if is_secret && (form != Some(GuardForm::Lock) || wish.allow_declared) {
        return Err(
            "its value is secret, and a policy would show it; use --lock without \
                    --allow-declared"
                .to_owned(),
        );
    }
    let line = drift.position.map(|position| position.line);
    let place = match (&object.origin, line) {
        (Some(origin), Some(line)) => format!("{}:{line}", origin.file),
        (Some(origin), None) => origin.to_string(),
        (None, _) => "the manifests".to_owned(),
    };
    let rule = rule(GuardRequest {
        change,
        before,
        form,
        bound: wish.bound,
        allow_declared: wish.allow_declared,
        place: &place,
    })?;
    let edit = FieldChange {
        path: &change.path,
        to: change.live.as_ref(),
    };
    let after = changed(before, live, &[edit])?;
    Ok((rule, after))
}

/// Returns an object with some fields changed.
fn changed(object: &Value, wanted: &Value, edits: &[FieldChange<'_>]) -> Result<Value, String> {
    let operations = patch::build(object, wanted, edits).map_err(|unfit| unfit.to_string())?;
    patch::apply(object, &operations).map_err(|unfit| unfit.to_string())
}

/// Returns the user who deploys the object and how that is known: from the audit log, or by the
/// default service account of the tool that applies the object.
fn deployer(
    wish: &GuardParameters<'_>,
    object: &ObjectReport,
    live: &Value,
    declared: &Value,
    wanted: &WantedObject,
) -> Option<(String, String)> {
    let whole = wish.live.read_object(&object.key)?.1.value().ok()?;
    let ownership = ownership_of(&whole);
    let appliers = Appliers::of(&ownership, declared, live, &[]);
    let managers: Vec<&str> = appliers
        .all()
        .iter()
        .map(|one| one.manager.as_str())
        .collect();
    if let Some(writes) = wish.writes {
        let audited = AuditedObject::of(&object.key, Some(&wanted.kind.plural));
        let of = writes
            .of
            .get(&audited)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let applied = of.iter().rfind(|write| {
            write.changes()
                && write.subresource.is_none()
                && managers.contains(&write.manager.as_str())
        });
        if let Some(write) = applied {
            let how = format!("by the audit log, as {}", write.manager);
            return Some((write.user.clone(), how));
        }
    }
    let mut managers = managers.into_iter();
    let (manager, user) =
        managers.find_map(|manager| Some((manager, service_account(manager)?)))?;
    let how = format!("assumed, because {manager} applies the object; name others with --allow");
    Some((user.to_owned(), how))
}

/// Returns the object without `managedFields`.
fn without_bookkeeping(mut live: Value) -> Value {
    if let Some(metadata) = live.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    live
}

fn place_of(object: &ObjectReport) -> String {
    let origin = object.origin.as_ref().map(ToString::to_string);
    origin.unwrap_or_default()
}

/// Returns `driftctl-deployment-shop-cart-lock`.
fn name_of(key: &ResourceKey, form: GuardForm, is_scaled: bool, scope: GuardedObjects) -> String {
    const LONGEST: usize = 240;
    let kind = key.kind.to_ascii_lowercase();
    let scaled = is_scaled.then_some("replicas");
    let parts = [
        Some("driftctl"),
        Some(kind.as_str()),
        key.namespace
            .as_deref()
            .filter(|_| scope != GuardedObjects::Cluster),
        Some(key.name.as_str()).filter(|_| scope == GuardedObjects::Object),
        scaled,
    ];
    let joined = parts.into_iter().flatten().collect::<Vec<_>>().join("-");
    let mut name: String = joined
        .to_ascii_lowercase()
        .chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '-' => c,
            _ => '-',
        })
        .collect();
    name.truncate(LONGEST);
    format!("{}-{}", name.trim_end_matches('-'), form.as_str())
}

/// Evaluates the guard on an edit of a live object that changes nothing, by someone who is not
/// exempt.
fn verdicts_of(
    wish: &GuardParameters<'_>,
    guard: &Guard,
    policies: &Policies,
    object: Value,
) -> (ResourceKey, PolicyResults) {
    let anybody = RequestUser::named("driftctl:anybody");
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let key = ResourceKey::new(
        &*guard.key.group,
        &*guard.key.kind,
        text("/metadata/namespace").map(str::to_owned),
        text("/metadata/name").unwrap_or_default(),
    );
    let mut object = without_bookkeeping(object);
    if let Some(fields) = object.as_object_mut() {
        for (name, value) in [
            ("apiVersion", &guard.api_version),
            ("kind", &guard.key.kind),
        ] {
            fields.entry(name).or_insert_with(|| json!(value));
        }
    }
    let subject = PolicyInput {
        key: &key,
        api_version: &guard.api_version,
        plural: Some(&guard.plural),
        object: &object,
        old: Some(&object),
        subresource: "",
        user: Some(&anybody),
    };
    let verdicts = policies.verdicts(subject, wish.evaluate);
    (key, verdicts)
}

/// Evaluates the guard on every live object of the kind: which match, and which could no longer be
/// edited.
fn over_live_objects(
    wish: &GuardParameters<'_>,
    guard: &Guard,
    wanted: &WantedObject,
) -> Vec<String> {
    /// The limit on named objects.
    const MOST: usize = 5;
    let namespace = guard.only_namespace();
    let query = Query {
        api_version: &wanted.kind.api_version,
        kind: &wanted.kind.kind,
        namespace,
        labels: &[],
        metadata_only: false,
    };
    let kind = &guard.key.kind;
    let objects = match wish.live.list(&query) {
        Ok(objects) => objects,
        Err(error) => {
            return vec![format!(
                "not tried: the live objects could not be listed: {error}"
            )];
        }
    };
    let (mut other, mut passes, mut refused, mut unknown) = (0, 0, Vec::new(), Vec::new());
    let policies = Policies::of(guard.policy_and_binding());
    for object in objects.iter().cloned() {
        let (key, verdicts) = verdicts_of(wish, guard, &policies, object);
        let cannot = |e: Enforcement| e == Enforcement::Cannot;
        if verdicts.violations.iter().any(|v| cannot(v.enforcement)) {
            unknown.push(key.to_string());
        } else if !verdicts.violations.is_empty() {
            refused.push(key.to_string());
        } else if verdicts.passed > 0 {
            passes += 1;
        } else {
            other += 1;
        }
    }
    let place = namespace.map_or_else(String::new, |namespace| format!(" in {namespace}"));
    let count = objects.len();
    let mut said = vec![format!(
        "{count} live {kind}{}{place}: {other} not matched, {passes} still editable, {} not",
        if count == 1 { "" } else { "s" },
        refused.len()
    )];
    let named = |what: &str, mut names: Vec<String>| {
        let more = match names.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        names.truncate(MOST);
        format!("{what}: {}{more}", names.join(", "))
    };
    if !refused.is_empty() {
        let what = "violates it today, so every edit of it would be blocked until that is fixed";
        said.push(named(what, refused));
    }
    if !unknown.is_empty() {
        said.push(named("unknown", unknown));
    }
    said
}
