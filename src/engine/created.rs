//! Compares objects that controllers created with the templates of their owners.
//!
//! Anyone who may create Pods can write an owner reference. So an object that names an owner is
//! left out of the report only if it is what the owner's controller would have created: what its
//! direct owner's template says, with what defaulting, admission, the scheduler and the kubelet
//! add.

mod template;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::Value;

use super::Options;
use super::deviations::{TemplateDeviation, TemplateDeviations};
use super::gather::Facts;
use super::object::{ComparedObject, RunData};
use crate::cluster::{Live, LiveObject, ReadResult, ReadResults, ServedKind};
use crate::facts::{is_guarded, workload};
use crate::judge::explain::prevalent::leaves;
use crate::judge::{Case, DeclaredManifest, ExplainerInput, ExplainerKnowledge, JudgeInput};
use crate::model::{
    Change, ChangeKind, FieldPath, GroupKind, Manifest, Origin, ResourceKey, Severity, group_of,
    items_at, text_at,
};
use crate::policy::RuleSet;

use template::{OwnerReference, Templates};

/// The kinds of the objects that are compared with templates.
const CREATED: [&str; 3] = ["Pod", "ReplicaSet", "Job"];

/// How many differences a reason names.
const SHOWN: usize = 3;

/// Compares the undeclared objects of a run with the templates of their owners, namespace by
/// namespace.
pub fn deviations(
    facts: &Facts<'_>,
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
) -> TemplateDeviations {
    let mut by_namespace: BTreeMap<&str, Vec<&LiveObject>> = BTreeMap::new();
    for object in &facts.fetched.extra {
        if !is_guarded(&object.key.group) && object.may_mention("ownerReferences") {
            let namespace = object.key.namespace.as_deref().unwrap_or_default();
            by_namespace.entry(namespace).or_default().push(object);
        }
    }
    let mut deviations = TemplateDeviations::default();
    for (namespace, objects) in by_namespace {
        let mut comparison = NamespaceComparison {
            namespace,
            facts,
            live,
            rules,
            options,
            read: BTreeMap::new(),
            unread: BTreeSet::new(),
        };
        let (mut created, mut of_operators) = (Vec::new(), Vec::new());
        for object in objects {
            let Ok(value) = object.value() else { continue };
            of_operators.extend(comparison.of_operator(object, &value));
            of_operators.extend(comparison.without_owner(object, &value));
            created.extend(comparison.created(object, value));
        }
        deviations.add(comparison.deviations(created));
        deviations.add(of_operators);
    }
    deviations
}

/// The comparison of the objects of one namespace.
struct NamespaceComparison<'r> {
    namespace: &'r str,
    facts: &'r Facts<'r>,
    live: &'r dyn Live,
    rules: &'r RuleSet,
    options: &'r Options,
    /// The objects that were read in full, by group and kind; each by its uid.
    read: BTreeMap<(String, String), BTreeMap<String, Value>>,
    /// The groups and kinds that are known to have objects, which could not be read in full.
    unread: BTreeSet<(String, String)>,
}

/// An object, with what its owner's controller would have created.
struct CreatedObject {
    key: ResourceKey,
    live: LiveObject,
    owner: OwnerReference,
    /// What the controller may have created it from.
    templates: Templates,
}

impl NamespaceComparison<'_> {
    /// Returns the object with the templates of its owner, if the owner has one. `metadata` is what
    /// was read of the object.
    fn created(&mut self, object: &LiveObject, metadata: Value) -> Option<CreatedObject> {
        let kind = object.key.kind.as_str();
        let owner = OwnerReference::of(&metadata, kind).filter(|_| CREATED.contains(&kind))?;
        let value = self.whole(object, metadata)?;
        let mut owner_value = self.owner(&owner)?;
        if kind == "Pod" && template::is_at_rest(&owner_value, &value) {
            self.use_current_template(&mut owner_value);
        }
        let revisions = match template::keeps_revisions(&owner.kind) {
            true => self.revisions(&owner.uid),
            false => Vec::new(),
        };
        let current_since = match owner.kind.as_str() {
            "Deployment" => self.current_since(&owner_value),
            _ => None,
        };
        let templates =
            template::templates(&owner_value, &value, &object.key, &revisions, current_since)?;
        let live = LiveObject::from_value(object.key.clone(), object.api_version.clone(), &value);
        Some(CreatedObject {
            key: object.key.clone(),
            live,
            owner,
            templates,
        })
    }

    /// Returns an object in full; its list may have held only its metadata.
    fn whole(&mut self, object: &LiveObject, value: Value) -> Option<Value> {
        if !object.is_partial() {
            return Some(value);
        }
        let uid = text_at(&value, "/metadata/uid")?.to_owned();
        let all = self.all(&object.api_version, &object.key.kind);
        all.get(&uid).cloned()
    }

    /// Returns what is critical in an object that names a custom resource as its owner. Which
    /// objects the operator creates is not known, so anyone could name it. Of other objects than
    /// workloads only the metadata counts, such as the cloud identity of a ServiceAccount.
    fn of_operator(
        &mut self,
        object: &LiveObject,
        metadata: &Value,
    ) -> Option<(ResourceKey, TemplateDeviation)> {
        let owner = OwnerReference::custom(metadata)?;
        let group = object.key.group.as_str();
        let is_workload = workload(&object.key.kind).is_some_and(|kind| kind.group == group);
        let whole = match is_workload {
            true => self.whole(object, metadata.clone())?,
            false => metadata.clone(),
        };
        let parts: &[&[&str]] = match is_workload {
            true => &[&["spec"]],
            false => &[&["metadata", "annotations"], &["metadata", "labels"]],
        };
        let parts = parts.iter().filter_map(|part| {
            let value = whole.pointer(&format!("/{}", part.join("/")))?;
            Some(leaves(&FieldPath::of_fields(part), value))
        });
        let critical = parts.flatten().filter(|(path, live)| {
            let change = Change::between(path.clone(), None, Some((*live).clone()));
            self.rules.severity(&object.key, &change) == Severity::Critical
        });
        let paths: Vec<String> = critical.map(|(path, _)| path.to_string()).collect();
        let said = match (paths.first(), self.options.untrusted) {
            (None, _) => return None,
            (Some(_), true) => "critical fields".to_owned(),
            (Some(first), false) if paths.len() == 1 => first.clone(),
            (Some(first), false) => format!("{first} and {} more", paths.len() - 1),
        };
        let reason = format!(
            "it names {} {} as its owner, but whether its operator creates {} with {said} is not \
             known",
            owner.kind,
            owner.name,
            if is_workload { "Pods" } else { "such objects" },
        );
        let deviation = TemplateDeviation {
            reason,
            severity: Severity::Critical,
        };
        Some((object.key.clone(), deviation))
    }

    /// Returns that an object cannot be compared with a template, because its owner, or the object
    /// itself, could not be read in full.
    fn without_owner(
        &mut self,
        object: &LiveObject,
        metadata: &Value,
    ) -> Option<(ResourceKey, TemplateDeviation)> {
        let kind = object.key.kind.as_str();
        let owner = OwnerReference::of(metadata, kind).filter(|_| CREATED.contains(&kind))?;
        let is_known = |this: &mut Self, api_version: &str, kind: &str| {
            this.all(api_version, kind);
            !this.unread.contains(&of_group(api_version, kind))
        };
        let is_read = is_known(self, &owner.api_version, &owner.kind)
            && (!object.is_partial() || is_known(self, &object.api_version, kind));
        let reason = format!(
            "it names {} {} as its owner, but could not be compared with its template, which could \
             not be read",
            owner.kind, owner.name
        );
        let deviation = TemplateDeviation {
            reason,
            severity: Severity::High,
        };
        (!is_read).then(|| (object.key.clone(), deviation))
    }

    /// Gives a ReplicaSet the template of its Deployment, and a Job that of its CronJob.
    fn use_current_template(&mut self, owned: &mut Value) {
        let (kind, path) = match text_at(owned, "/kind") {
            Some("Job") => ("Job", "/spec/jobTemplate/spec/template"),
            _ => ("ReplicaSet", "/spec/template"),
        };
        let owner = OwnerReference::of(owned, kind);
        let owner = owner.and_then(|owner| self.owner(&owner));
        let current = owner.and_then(|one| one.pointer(path).cloned());
        if let (Some(current), Some(template)) = (current, owned.pointer_mut("/spec/template")) {
            *template = current;
        }
    }

    /// Returns when the ReplicaSet of a Deployment's current revision was created. Someone can give
    /// another one the same revision, but only later.
    fn current_since(&mut self, deployment: &Value) -> Option<Timestamp> {
        let all = self.all("apps/v1", "ReplicaSet").values();
        let current = all.filter(|one| template::is_of_current_revision(one, deployment));
        current.filter_map(template::created).min()
    }

    /// Returns the ControllerRevisions of an owner.
    fn revisions(&mut self, owner: &str) -> Vec<Value> {
        let all = self.all("apps/v1", "ControllerRevision").values();
        let is_its = |revision: &&Value| {
            let mut owners = items_at(revision, "/metadata/ownerReferences").iter();
            owners.any(|one| text_at(one, "/uid") == Some(owner))
        };
        all.filter(is_its).cloned().collect()
    }

    /// Returns an owner, if it exists.
    fn owner(&mut self, owner: &OwnerReference) -> Option<Value> {
        let all = self.all(&owner.api_version, &owner.kind);
        all.get(&owner.uid).cloned()
    }

    /// Returns the objects of a kind in the namespace, by uid. They are read once, and in full. The
    /// version does not matter: anyone can write one that is not served into an owner reference.
    fn all(&mut self, api_version: &str, kind: &str) -> &BTreeMap<String, Value> {
        let of = of_group(api_version, kind);
        let (live, namespace) = (self.live, self.namespace);
        let facts = self.facts;
        if !self.read.contains_key(&of) {
            let (group, _) = &of;
            let is_its = |object: &&LiveObject| {
                object.key.kind == kind
                    && object.key.group == *group
                    && object.key.namespace.as_deref().unwrap_or_default() == namespace
            };
            let answers = facts.fetched.found();
            let extra: Vec<&LiveObject> = facts.fetched.extra.iter().filter(is_its).collect();
            let is_whole = !extra.is_empty() && extra.iter().all(|object| !object.is_partial());
            let known = answers.filter(is_its).chain(extra);
            let served = known.clone().next().map(|object| &*object.api_version);
            let known = known.filter(|object| !object.is_partial());
            let known = known.filter_map(|object| object.value().ok());
            let asked = match is_whole {
                true => Some(Vec::new()),
                false => live.related(served.unwrap_or(api_version), kind, namespace),
            };
            if asked.is_none() && served.is_some() {
                self.unread.insert(of.clone());
            }
            let all = known.chain(asked.unwrap_or_default());
            let all = all.filter_map(|object| {
                let uid = text_at(&object, "/metadata/uid")?.to_owned();
                Some((uid, object))
            });
            self.read.insert(of.clone(), all.collect());
        }
        self.read.entry(of).or_default()
    }

    /// Compares the objects with the templates of their owners.
    fn deviations(&self, created: Vec<CreatedObject>) -> Vec<(ResourceKey, TemplateDeviation)> {
        let mut open: Vec<(CreatedObject, Option<TemplateDeviation>)> =
            created.into_iter().map(|object| (object, None)).collect();
        let mut found = Vec::new();
        // Most objects equal the current template.
        for round in 0.. {
            let (left, done): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|(object, _)| object.templates.specs.len() > round);
            let rest = done.into_iter();
            found.extend(rest.filter_map(|(object, deviation)| Some((object.key, deviation?))));
            if left.is_empty() {
                break;
            }
            let compared = self.compared(&left, round);
            open = left
                .into_iter()
                .zip(compared)
                .filter_map(|((object, before), deviation)| {
                    let deviation = deviation?;
                    Some((object, before.or(Some(deviation))))
                })
                .collect();
        }
        found
    }

    /// Compares the objects with their templates of one round.
    fn compared(
        &self,
        objects: &[(CreatedObject, Option<TemplateDeviation>)],
        round: usize,
    ) -> Vec<Option<TemplateDeviation>> {
        let manifests: Vec<Arc<Manifest>> = objects
            .iter()
            .map(|(object, _)| Arc::new(manifest(object, round)))
            .collect();
        let declared: Vec<DeclaredManifest<'_>> = (objects.iter().zip(&manifests))
            .map(|((object, _), manifest)| DeclaredManifest {
                key: object.key.clone(),
                kind: self.kind(object).into(),
                manifest,
            })
            .collect();
        let answers = objects.iter().map(|(object, _)| {
            let found = ReadResult::Found(object.live.clone());
            (object.key.clone(), found)
        });
        let fetched = ReadResults {
            answers: answers.collect(),
            ..ReadResults::default()
        };
        let options = Options {
            field_managers: creators(objects),
            explain: false,
            server_dry_run: false,
            ..self.options.clone()
        };
        let run = ExplainerInput {
            manifests: self.facts.manifests,
            declared: &declared,
            fetched: &fetched,
            live: self.live,
            rules: self.rules,
            server_dry_run: false,
            field_managers: &options.field_managers,
            created: true,
        };
        let mut known = ExplainerKnowledge::learn(&run);
        let compare = |known: &ExplainerKnowledge| -> Vec<ComparedObject> {
            let data = RunData {
                schemas: &self.facts.schemas,
                known,
                rules: self.rules,
                options: &options,
                watch: None,
            };
            let pairs = declared.par_iter().zip(objects.par_iter());
            pairs
                .map(|(declared, (object, _))| {
                    data.compare(declared, &ReadResult::Found(object.live.clone()))
                })
                .collect()
        };
        let mut compared = compare(&known);
        keep_pod_specs(&mut compared);
        let cases: Vec<&Case> = compared.iter().map(|one| &one.case).collect();
        let later = ExplainerKnowledge::learn_later(&run, &cases);
        if known.add(later) {
            compared = compare(&known);
            keep_pod_specs(&mut compared);
        }
        let mut cases: Vec<Case> = compared.into_iter().map(|one| one.case).collect();
        known.explain_together(&mut cases, &run);
        (cases.iter().zip(objects))
            .map(|(case, (object, _))| self.deviation(case, object))
            .collect()
    }

    /// Returns how an object deviates, if findings are left.
    fn deviation(&self, case: &Case, object: &CreatedObject) -> Option<TemplateDeviation> {
        let mut open: Vec<&JudgeInput> =
            case.candidates.iter().filter(|one| one.is_open()).collect();
        let severity = |one: &&JudgeInput| self.rules.severity(&object.key, &one.finding.change);
        open.sort_by_key(|one| Reverse(severity(one)));
        let worst = open.first().map(severity)?;
        if object.templates.may_be_older && worst < Severity::Critical {
            return None;
        }
        let owner = &object.owner;
        let said = match self.options.untrusted {
            // Values that exist only in the cluster are hidden, such as the names of containers.
            true => format!("{} fields", open.len()),
            false => list_of(&open),
        };
        Some(TemplateDeviation {
            reason: format!(
                "it names {} {} as its owner, but differs from the template: {said}",
                owner.kind, owner.name
            ),
            severity: worst,
        })
    }

    fn kind(&self, object: &CreatedObject) -> ServedKind {
        let kind = GroupKind::new(object.live.api_version.as_str(), &object.key.kind);
        let mut kinds = self.facts.fetched.extra_kinds.iter();
        let served = kinds.find(|one| GroupKind::new(&one.api_version, &one.kind) == kind);
        served.cloned().unwrap_or_else(|| ServedKind {
            api_version: object.live.api_version.clone(),
            kind: object.key.kind.clone(),
            plural: format!("{}s", object.key.kind.to_lowercase()),
            namespaced: true,
            short_names: Vec::new(),
        })
    }
}

fn of_group(api_version: &str, kind: &str) -> (String, String) {
    (group_of(api_version).to_owned(), kind.to_owned())
}

/// Keeps only what runs: the findings in the specification of Pods. Labels and annotations of
/// created objects are changed by many tools.
fn keep_pod_specs(compared: &mut [ComparedObject]) {
    for one in compared {
        let prefix = template::pod_spec_of(&one.case.report.key.kind);
        let candidates = &mut one.case.candidates;
        candidates.retain(|candidate| candidate.finding.change.path.starts_with(&prefix));
    }
}

/// Names differences: `.spec.containers[name="x"] added, by kubectl-edit`.
fn list_of(open: &[&JudgeInput]) -> String {
    let named = open.iter().take(SHOWN).map(|one| {
        let finding = &one.finding;
        let what = match finding.change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Modified => "modified",
        };
        let managers: BTreeSet<&str> = finding.owners.iter().map(|o| &*o.manager).collect();
        let managers: Vec<&str> = managers.into_iter().collect();
        let by = match managers.is_empty() {
            true => String::new(),
            false => format!(" by {}", managers.join(" and ")),
        };
        format!("{} {what}{by}", finding.change.path)
    });
    let named: Vec<String> = named.collect();
    let more = match open.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}

/// Returns the managers that created objects. They stand for the applier, so that defaults which the
/// server set for them are no differences.
fn creators(objects: &[(CreatedObject, Option<TemplateDeviation>)]) -> Vec<String> {
    let mut creators = BTreeSet::new();
    for (object, _) in objects {
        let ownership = object.live.value_and_owners().unwrap_or_default().1;
        creators.extend(ownership.creator().map(str::to_owned));
    }
    creators.into_iter().collect()
}

/// Returns the manifest that a controller would have created an object from.
fn manifest(object: &CreatedObject, round: usize) -> Manifest {
    let spec = object.templates.specs.get(round);
    let (key, api_version) = (&object.key, &object.live.api_version);
    let value = serde_json::json!({
        "apiVersion": api_version, "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": spec,
    });
    Manifest {
        api_version: api_version.clone(),
        kind: key.kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        object: value.into(),
        origin: Origin::file(format!("{}/{}", object.owner.kind, object.owner.name), 0, 0),
        source_map: None,
    }
}
