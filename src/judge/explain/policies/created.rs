//! Decides which differences between created objects and the templates of their owners come from
//! admission.
//!
//! Injectors add containers that a template does not have, so a difference alone is no evidence of
//! a manual change. A severe value is believed to come from a webhook only if every object that the
//! webhook matches has it, and there are several; an image from another registry only if the webhook
//! is known. Minor values that nobody but the creator wrote are accepted: they depend on the object,
//! such as a variable with the workload's name. What only a later request can write never comes from
//! admission.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::PolicyExplainer;
use crate::compare::Reason;
use crate::judge::explain::prevalent::leaves;
use crate::judge::{Case, ExplainerInput, JudgeInput};
use crate::model::{Change, ChangeKind, Explanation, FieldPath, Operation, ResourceKey, Severity};
use crate::policy::RuleSet;

/// How many objects must have a severe value before a webhook explains it.
const SEVERAL: usize = 2;

/// How many objects must have a severe value before admission is assumed, if no webhook is known.
const MANY: usize = 3;

/// The beginning of the name of a token's volume, before the random part.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// The values that a live object has beyond its template, and who created it.
struct AddedValues {
    live: Value,
    creator: Option<String>,
    /// The severe values that its template does not have, by path, and the registries of changed
    /// images.
    severe: BTreeSet<(String, String)>,
}

impl PolicyExplainer {
    /// Explains what admission did to objects that controllers created.
    pub(super) fn explain_created(&self, cases: &mut [Case], run: &ExplainerInput<'_>) {
        let objects: Vec<Option<AddedValues>> = (run.declared.iter().zip(&*cases))
            .map(|(declared, case)| {
                let (live, ownership) = run.found(&declared.key)?;
                let candidates = case.candidates.iter().filter(|one| one.is_open());
                let severe = candidates.flat_map(|one| severe(run.rules, &declared.key, one));
                Some(AddedValues {
                    severe: severe.collect(),
                    creator: ownership.creator().map(str::to_owned),
                    live,
                })
            })
            .collect();
        let groups = self.groups(run, &objects);
        for (index, case) in cases.iter_mut().enumerate() {
            let Some(Some(object)) = objects.get(index) else {
                continue;
            };
            let groups: Vec<&AdmissionGroup> = groups
                .iter()
                .filter(|g| g.members.contains(&index))
                .collect();
            let key = case.report.key.clone();
            for candidate in case.candidates.iter_mut().filter(|one| one.is_open()) {
                if is_of_admission(candidate, object, &groups, &key, run.rules) {
                    let by = Explanation::AdmissionChanged;
                    candidate.finding.reason = Some(Reason::from(by));
                    candidate.finding.cause = None;
                }
            }
        }
    }

    /// Returns the objects that each webhook matches, and all objects of each kind, which unknown
    /// admission may have changed.
    fn groups(
        &self,
        run: &ExplainerInput<'_>,
        objects: &[Option<AddedValues>],
    ) -> Vec<AdmissionGroup> {
        let known = objects.iter().enumerate();
        let known = known.filter_map(|(index, object)| Some((index, object.as_ref()?)));
        let of_webhook = |webhook: &super::Webhook| {
            let members = known.clone().filter(|(index, object)| {
                run.declared.get(*index).is_some_and(|declared| {
                    let manifest = declared.manifest.value();
                    let admitted = super::AdmittedObject {
                        key: &declared.key,
                        api_version: &declared.kind.api_version,
                        plural: &declared.kind.plural,
                        declared: &manifest,
                        live: &object.live,
                    };
                    webhook.matches(&self.candidate(admitted), &object.live)
                })
            });
            let members = members.map(|(index, _)| index).collect();
            AdmissionGroup::of(members, objects, true)
        };
        let mut by_kind: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (index, declared) in run.declared.iter().enumerate() {
            by_kind.entry(&declared.key.kind).or_default().insert(index);
        }
        let unknown = by_kind.into_values();
        let unknown = unknown.map(|members| AdmissionGroup::of(members, objects, false));
        let of_webhooks = self.webhooks.iter().map(of_webhook);
        of_webhooks.chain(unknown).collect()
    }
}

/// Objects that the same admission may have changed.
struct AdmissionGroup {
    /// Whether a webhook matches them; else admission is only assumed.
    is_known: bool,
    members: BTreeSet<usize>,
    /// The severe values that all of them have, if there are enough of them.
    shared: BTreeSet<(String, String)>,
}

impl AdmissionGroup {
    fn of(members: BTreeSet<usize>, objects: &[Option<AddedValues>], is_known: bool) -> Self {
        let enough = if is_known { SEVERAL } else { MANY };
        let mut counts: BTreeMap<&(String, String), usize> = BTreeMap::new();
        let of_members = members
            .iter()
            .filter_map(|index| objects.get(*index)?.as_ref());
        for value in of_members.flat_map(|object| &object.severe) {
            *counts.entry(value).or_default() += 1;
        }
        let total = members.len();
        let shared = counts
            .into_iter()
            .filter(|(_, count)| *count == total && total >= enough);
        Self {
            shared: shared.map(|(value, _)| value.clone()).collect(),
            members,
            is_known,
        }
    }
}

/// Returns whether admission, and not a person, made a difference.
fn is_of_admission(
    candidate: &JudgeInput,
    object: &AddedValues,
    groups: &[&AdmissionGroup],
    key: &ResourceKey,
    rules: &RuleSet,
) -> bool {
    let finding = &candidate.finding;
    let mut owners = finding.owners.iter();
    let of_creator = owners.all(|owner| {
        object.creator.as_deref() == Some(owner.manager.as_str())
            && owner.operation == Operation::Update
            && owner.subresource.is_none()
    });
    if !of_creator {
        return false;
    }
    if is_written_later(&finding.change, &object.live) {
        return false;
    }
    let severe = severe(rules, key, candidate);
    // Anyone who may change Pods can change their images, but not add containers to them.
    let is_critical = finding.change.kind == ChangeKind::Modified
        && rules.severity(key, &finding.change) == Severity::Critical;
    let is_minor = match finding.change.kind {
        ChangeKind::Added => severe.is_empty(),
        _ => rules.severity(key, &finding.change) <= Severity::Medium,
    };
    let is_shared = |group: &&AdmissionGroup| {
        (group.is_known || !is_critical)
            && !severe.is_empty()
            && severe.iter().all(|value| group.shared.contains(value))
    };
    is_minor || groups.iter().any(is_shared)
}

/// Returns whether only a request after the creation of a Pod can have made a change: no Pod is
/// created with ephemeral containers, and an image may be changed later, which the generation of the
/// Pod counts.
fn is_written_later(change: &Change, live: &Value) -> bool {
    let ephemeral = FieldPath::of_fields(&["spec", "ephemeralContainers"]);
    let generation = live.pointer("/metadata/generation").and_then(Value::as_i64);
    let is_image =
        change.kind == ChangeKind::Modified && change.path.to_string().ends_with(".image");
    change.path.starts_with(&ephemeral) || (is_image && generation.is_some_and(|count| count > 1))
}

/// Returns the severe values of an addition, by path, or the registry of a changed image. The
/// random parts of names are left out.
fn severe(rules: &RuleSet, key: &ResourceKey, candidate: &JudgeInput) -> Vec<(String, String)> {
    let change = &candidate.finding.change;
    if change.kind != ChangeKind::Added {
        let registry = new_registry(change).map(|host| ("image".to_owned(), host));
        return registry.into_iter().collect();
    }
    let of_live = change.live.as_ref().map(|live| leaves(&change.path, live));
    let is_severe = |(path, value): &(FieldPath, &Value)| {
        let part = Change {
            path: path.clone(),
            live: Some((*value).clone()),
            ..change.clone()
        };
        rules.severity(key, &part) >= Severity::High
    };
    let severe = of_live.into_iter().flatten().filter(is_severe);
    severe
        .map(|(path, value)| (steady(&path.to_string()), steady(&value.to_string())))
        .collect()
}

/// Returns the registry, with the folder, that the same image comes from now, as a mirror sets it.
fn new_registry(change: &Change) -> Option<String> {
    let text = |side: &Option<Value>| side.as_ref()?.as_str().map(str::to_owned);
    let (declared, live) = (text(&change.declared)?, text(&change.live)?);
    let name = |image: &str| image.rsplit('/').next().map(str::to_owned);
    let host = live.split_once('/').map(|(host, _)| host.to_owned());
    let is_image = change.path.to_string().ends_with(".image");
    (is_image && name(&declared) == name(&live)).then_some(host)?
}

/// Returns a text without the random parts of the names of token volumes.
fn steady(text: &str) -> String {
    let mut pieces = text.split(TOKEN_VOLUME);
    let mut steady = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        steady.push_str(TOKEN_VOLUME);
        steady.push_str(rest);
    }
    steady
}
