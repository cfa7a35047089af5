//! Counts live objects by who declares them: declared, derived, declared elsewhere, or orphaned.
//!
//! Derived objects are those that the explainers of `--extra` know; objects declared elsewhere have
//! the mark of an Application, a Kustomization or a release.

mod deployers;
mod previews;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::Value;

use super::gather::Facts;
use super::marks::{self, DeployerMark, DeployerTool};
use super::outcome::ObjectResults;
use super::report::{self, LoadNotes};
use super::{Options, created, load, managed, rules_of_run, take_manifests};
use crate::cluster::{Live, LiveObject, ReadResult};
use crate::judge::judge_whole;
use crate::model::{
    Census, ChangeKind, ClassifiedObject, ObjectClass, ObjectReport, ObjectStatus, Owner,
    Ownership, Presence, Report, ResourceKey, Share, Verdict, Warning,
};
use crate::ownership::{leaves, ownership_of};
use crate::policy::{ACCEPTED, RuleSet};
use crate::source::Source;
use deployers::Deployers;

/// The counts, and the comparison behind them.
pub struct Counting {
    /// Who declares the live objects.
    pub census: Census,
    /// The comparison that the counts are based on.
    pub report: Report,
}

/// Runs a comparison, and counts the live objects by who declares them.
///
/// # Errors
/// Fails if nothing at all can be compared; see [`run`](super::run).
pub fn count(
    sources: &[Box<dyn Source>],
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
) -> Result<Counting> {
    let mut loaded = load(sources, live);
    let notes = LoadNotes::take(&mut loaded);
    let rules = &rules_of_run(rules, &loaded, options);
    let manifests = take_manifests(&mut loaded);
    let mut facts = Facts::gather(&loaded, &manifests, live, rules, options)?;
    facts.deviations = created::deviations(&facts, live, rules, options);
    // A kind that could not be listed makes the share an upper bound, and is not an error.
    let unlisted = std::mem::take(&mut facts.fetched.warnings).into_iter();
    let unlisted: Vec<Warning> = unlisted
        .map(|warning| Warning {
            fatal: false,
            ..warning
        })
        .collect();
    let undeclared = undeclared(&facts, rules, options);
    let deployers = Deployers::read(live, &facts.fetched);
    let mut objects = declared(&facts, options);
    let (orphans, no_namespaces) =
        previews::orphans(live, &undeclared, &objects, &deployers, options);
    let listed = (facts.fetched.extra_kinds.len(), unlisted_kinds(&facts));
    let outcome = ObjectResults::of(&mut facts, live, rules, options, None)?;
    facts.note_cut_short(live);
    let report = report::report(live.target(), notes, &mut facts, outcome, rules, options);
    let creators = creators(&report);
    objects.extend(undeclared.into_iter().map(|seen| {
        let creator = creators.get(&seen.key).cloned();
        seen.counted(&deployers, creator)
    }));
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    let with = |status| report.objects.iter().filter(move |o| o.status() == status);
    let census = Census {
        target: report.target.clone(),
        objects,
        fields: fields(&report),
        missing: with(ObjectStatus::Missing).count(),
        unknown: with(ObjectStatus::Unknown).count(),
        kinds: listed.0,
        unlisted: listed.1,
        orphans,
        warnings: [&report.warnings[..], &unlisted, &no_namespaces].concat(),
        interrupted: report.interrupted,
    };
    Ok(Counting { census, report })
}

/// An undeclared object, with facts from its metadata.
struct UndeclaredObject {
    key: ResourceKey,
    created: Option<Timestamp>,
    /// Why nobody has to declare it.
    derived: Option<String>,
    /// The user's rule that ignores it, if any.
    ignored: Option<String>,
    /// The marks of its deployers.
    marks: Vec<DeployerMark>,
    /// The mark of one of this run's sources, which no longer declares the object.
    left: Option<DeployerMark>,
}

impl UndeclaredObject {
    fn counted(self, deployers: &Deployers, creator: Option<String>) -> ClassifiedObject {
        let mut forged = self.marks.iter();
        let forged = forged.find(|mark| deployers.is_forged(mark, &self.key));
        let mut alive = self.marks.iter();
        let alive = alive.find(|mark| forged.is_none() && !deployers.is_gone(mark));
        let (class, why) = match (self.derived, self.ignored, alive) {
            (Some(by), _, _) => (ObjectClass::Derived, Some(by)),
            (None, Some(rule), _) => (ObjectClass::Ignored, Some(rule)),
            (None, None, Some(mark)) => (ObjectClass::Elsewhere, Some(mark.to_string())),
            (None, None, None) => {
                let forged = forged
                    .map(|mark| format!("claims to belong to {mark}, which does not list it"));
                let gone = self.marks.first().map(|mark| format!("{mark} is gone"));
                let gone = forged.or(gone);
                let left = self
                    .left
                    .map(|mark| format!("{mark} no longer declares it"));
                (ObjectClass::Undeclared, gone.or(left))
            }
        };
        ClassifiedObject {
            key: self.key,
            class,
            why,
            creator,
            created: self.created,
        }
    }
}

/// Collects the undeclared objects that match the filter.
fn undeclared(facts: &Facts<'_>, rules: &RuleSet, options: &Options) -> Vec<UndeclaredObject> {
    let extra = facts.fetched.extra.par_iter();
    extra
        .filter_map(|live| look_at(live, facts, rules, options))
        .collect()
}

fn look_at(
    live: &LiveObject,
    facts: &Facts<'_>,
    rules: &RuleSet,
    options: &Options,
) -> Option<UndeclaredObject> {
    let value = live.value().unwrap_or_default();
    if !options.filter.keeps_labels(&value) {
        return None;
    }
    let ownership = ownership_of(&value);
    let explained = facts.undeclared(live, &value, &ownership, rules);
    let derived = match explained {
        Some(explained) => Some(explained.by),
        None => generated(&value, &ownership),
    };
    let (left, marks) = marks_of(&live.key, &value)
        .into_iter()
        .partition::<Vec<_>, _>(|mark| facts.expected.has(mark));
    let created = created(&value);
    let report = ObjectReport {
        owners: ownership
            .entries
            .into_iter()
            .map(|entry| entry.owner)
            .collect(),
        live: Some(value.into()),
        ..ObjectReport::new(live.key.clone(), live.api_version.clone())
    };
    let report = judge_whole(report, None, None, rules, false);
    let ignored = report.whole().and_then(|whole| match whole.verdict() {
        // Accepted objects still have to be dealt with.
        Verdict::Ignored { rule, .. } if rule != ACCEPTED => Some(rule.clone()),
        _ => None,
    });
    Some(UndeclaredObject {
        key: live.key.clone(),
        created,
        derived,
        ignored,
        marks,
        left: left.into_iter().next(),
    })
}

/// Returns the Kyverno policy that generated an object, by the label that Kyverno sets. A user may
/// set the same label, with kubectl: then kubectl owns it.
fn generated(value: &Value, ownership: &Ownership) -> Option<String> {
    let label = |name: &str| value.pointer("/metadata/labels")?.get(name)?.as_str();
    let is_kyvernos = label("app.kubernetes.io/managed-by") == Some("kyverno");
    let policy = label("generate.kyverno.io/policy-name").filter(|_| is_kyvernos)?;
    let by_kubectl = |owner: &Owner| owner.manager.starts_with("kubectl");
    let mut owners = ownership.entries.iter().map(|entry| &entry.owner);
    (!owners.any(by_kubectl)).then(|| format!("Kyverno policy {policy}"))
}

/// Returns the marks of an object's deployers. An Argo CD tracking ID that names another object was
/// copied with the manifest, so it is left out.
fn marks_of(key: &ResourceKey, value: &Value) -> Vec<DeployerMark> {
    let mut marks = marks::deployer_marks(value);
    marks.retain(|mark| {
        mark.tool != DeployerTool::ArgoCd || managed::is_tracked(&mark.of, true, key, value)
    });
    let instance = value.pointer("/metadata/labels/argocd.argoproj.io~1instance");
    if let Some(of) = instance.and_then(Value::as_str)
        && marks::deployer_marks(value)
            .iter()
            .all(|mark| mark.tool != DeployerTool::ArgoCd)
    {
        marks.push(DeployerMark {
            tool: DeployerTool::ArgoCd,
            of: of.to_owned(),
        });
    }
    marks
}

fn created(value: &Value) -> Option<Timestamp> {
    let created = value.pointer("/metadata/creationTimestamp")?;
    created.as_str()?.parse().ok()
}

/// Returns the declared objects that are live and match the filters.
fn declared(facts: &Facts<'_>, options: &Options) -> Vec<ClassifiedObject> {
    let keys: BTreeSet<&ResourceKey> = (facts.resolved.declared.iter())
        .map(|declared| &declared.key)
        .collect();
    let found = facts.fetched.answers.iter();
    found
        .filter(|(key, _)| keys.contains(key))
        .filter(|(key, _)| !options.is_elsewhere(key.namespace.as_deref()))
        .filter(|(_, answer)| matches!(answer, ReadResult::Found(_)))
        .map(|(key, _)| ClassifiedObject {
            key: key.clone(),
            class: ObjectClass::Declared,
            why: None,
            creator: None,
            created: None,
        })
        .collect()
}

/// Returns the kinds that could not be listed, and a note if a recording contains only declared
/// objects.
fn unlisted_kinds(facts: &Facts<'_>) -> Vec<String> {
    facts.fetched.extra_unread.iter().cloned().collect()
}

/// Returns who created each undeclared object: `alice (kubectl-create)`.
fn creators(report: &Report) -> BTreeMap<ResourceKey, String> {
    let extras = report.objects.iter();
    extras
        .filter(|object| object.presence == Presence::Live)
        .filter_map(|object| {
            let owners = object.owners.iter();
            let writers = owners.filter(|owner| owner.subresource.as_deref() != Some("status"));
            let first = writers.min_by_key(|owner| (owner.time.is_none(), owner.time.as_ref()))?;
            let who = match &first.user {
                Some(user) => format!("{user} ({})", first.manager),
                None => first.manager.clone(),
            };
            Some((object.key.clone(), who))
        })
        .collect()
}

/// Counts the fields that manifests declare in live objects, and those that were added live.
fn fields(report: &Report) -> Share {
    let mut share = Share::default();
    for object in &report.objects {
        if object.presence != Presence::Both {
            continue;
        }
        if let Some(manifest) = &object.manifest {
            share.declared += leaves(&manifest.value());
        }
        for drift in object.reported() {
            if drift.change.kind == ChangeKind::Added
                && let Some(live) = &drift.change.live
            {
                share.of += leaves(live);
            }
        }
    }
    share.of += share.declared;
    share
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> ResourceKey {
        ResourceKey::new("", "ConfigMap", Some("shop".to_owned()), "flags")
    }

    #[test]
    fn a_tracking_id_counts_only_on_the_object_that_it_names() {
        let marked = |metadata: Value| {
            let marks = marks_of(&key(), &json!({"metadata": metadata}));
            marks.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let id = "argocd.argoproj.io/tracking-id";
        let own = json!({"annotations": {id: "web:/ConfigMap:shop/flags"}});
        assert_eq!(marked(own), ["Argo CD Application web"]);
        let copy = json!({"annotations": {id: "web:/ConfigMap:shop/other"},
            "labels": {"argocd.argoproj.io/instance": "web"}});
        assert!(marked(copy).is_empty());
        let label = json!({"labels": {"argocd.argoproj.io/instance": "web"}});
        assert_eq!(marked(label), ["Argo CD Application web"]);
        let common = json!({"labels": {"app.kubernetes.io/instance": "web"}});
        assert!(marked(common).is_empty());
    }

    #[test]
    fn a_label_set_with_kubectl_does_not_mark_an_object_as_generated() {
        let labels = json!({"app.kubernetes.io/managed-by": "kyverno",
            "generate.kyverno.io/policy-name": "quota"});
        let by = |manager: &str| {
            let value = json!({"metadata": {"labels": labels, "managedFields": [
                {"manager": manager, "operation": "Update", "apiVersion": "v1",
                 "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}]}});
            generated(&value, &ownership_of(&value))
        };
        assert_eq!(by("kyverno"), Some("Kyverno policy quota".to_owned()));
        assert_eq!(by("kubectl-label"), None);
    }

    #[test]
    fn counts_leaf_values() {
        assert_eq!(leaves(&json!({"a": 1, "b": {"c": [1, 2], "d": {}}})), 4);
    }
}
