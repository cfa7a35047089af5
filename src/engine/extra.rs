//! Reports live objects that no manifest declares.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;

use super::gather::Facts;
use super::{Extra, Options};
use crate::cluster::audit::{self, AuditedObject};
use crate::cluster::{
    FetchRequest, Live, LiveObject, ObjectRequest, ReadResult, ReadResults, ServedKind,
};
use crate::facts::SERVER_METADATA;
use crate::judge::{GENERATED, OWNED, ObjectExplainer, judge_whole};
use crate::model::{
    ExplainedCount, ExtraCoverage, GroupKind, JudgedChange, ObjectReport, Owner, PackedObject,
    ResourceKey, Verdict, Warning,
};
use crate::policy::{RuleSet, rules_of};

/// Returns which undeclared objects were searched for.
pub fn coverage(fetched: &ReadResults, options: &Options) -> Option<ExtraCoverage> {
    (options.extra != Extra::None).then_some(ExtraCoverage {
        kinds: fetched.extra_kinds.len(),
        unread: fetched.extra_unread.len(),
    })
}

/// The results for the undeclared objects of a run.
#[derive(Debug, Default)]
pub struct Undeclared {
    /// The objects that count or that a rule ignores; with `--show explained`, the explained ones
    /// too.
    pub objects: Vec<ObjectReport>,
    /// How many objects were explained, by reason.
    pub explained: Vec<ExplainedCount>,
    /// Warnings about owners that explain nothing.
    pub warnings: Vec<Warning>,
}

/// The limit on undeclared objects that are read in full. If there are more, only their metadata is
/// reported.
const MOST_READ_WHOLE: usize = 500;

/// Reports on the undeclared objects that match the filter.
pub fn undeclared(
    facts: &Facts<'_>,
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
) -> Undeclared {
    let fetched = &facts.fetched;
    let by_people = created_by_people(fetched, options);
    let look = |object: &LiveObject| {
        let by_person = by_people.contains(&object.key);
        look_at(object, facts, rules, options, by_person)
    };
    let extra = fetched.extra.par_iter();
    let mut seen: Vec<(&LiveObject, Option<ExtraResult>)> =
        extra.map(|object| (object, look(object))).collect();
    let is_cut = |(object, seen): &&(&LiveObject, Option<ExtraResult>)| {
        object.is_partial() && seen.as_ref().is_some_and(ExtraResult::depends_on_content)
    };
    let cut = seen.iter().filter(is_cut).map(|(object, _)| *object);
    let whole = read_whole(cut, fetched, live);
    for (object, seen) in &mut seen {
        match whole.get(&object.key) {
            Some(ReadResult::Found(whole)) => *seen = look(whole),
            // The object was deleted in the meantime.
            Some(ReadResult::Absent) => *seen = None,
            Some(ReadResult::Unread(_)) | None => {}
        }
    }
    let seen = seen.into_iter().filter_map(|(_, seen)| seen);
    let mut undeclared = Undeclared::default();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut owned: BTreeMap<(GroupKind, GroupKind), usize> = BTreeMap::new();
    for ExtraResult {
        report,
        explained,
        unproven_owner,
    } in seen
    {
        let drift = report.as_ref().filter(|report| report.is_drift());
        if let (Some(report), Some(owner)) = (drift, unproven_owner) {
            *owned.entry((owner, report.key.group_kind())).or_default() += 1;
        }
        undeclared.objects.extend(report);
        if let Some(ObjectExplainer { by, about, .. }) = explained {
            *counts.entry((by, about)).or_default() += 1;
        }
    }
    let counts = counts.into_iter();
    undeclared.explained = counts
        .map(|((by, about), objects)| ExplainedCount { by, about, objects })
        .collect();
    undeclared.warnings = owned
        .into_iter()
        .map(|((owner, made), objects)| unproven(&owner, &made, objects))
        .collect();
    undeclared
}

/// Returns the warning about objects whose owner is of a kind that is not known to create them.
fn unproven(owner: &GroupKind, made: &GroupKind, objects: usize) -> Warning {
    let group = match made.group.as_str() {
        "" => String::new(),
        group => format!("group: {group}, "),
    };
    let (subject, names) = match objects {
        1 => ("object names", "it"),
        _ => ("objects name", "them"),
    };
    Warning::new(
        made.kind.clone(),
        format!(
            "{objects} undeclared {subject} a {owner} as owner, but whether its operator creates \
             {names} is not known; if it does, add this to ignoreExtra in .driftctl.yaml: \
             {{{group}kind: {}, ifLive: '.metadata.ownerReferences[kind=\"{}\"]', reason: \
             Created for a {}.}}",
            made.kind, owner.kind, owner.kind
        ),
    )
}

/// Reads the objects of which only the metadata was listed, because their content decides their
/// severity. Secrets are not read: that they exist can be reported without their values. (Helm's
/// records are evidence for hooks that grant permissions; see `judge::explain::owners`.)
///
/// A list of metadata costs little however many objects nobody has to declare; few are left after
/// those are explained or ignored by a rule. So each of these few is judged twice, which is cheaper
/// than a request for every object that a rule ignores. `driftctl watch` reads them again in each
/// round, because a round is a whole diff.
fn read_whole<'o>(
    cut: impl Iterator<Item = &'o LiveObject>,
    fetched: &ReadResults,
    live: &dyn Live,
) -> BTreeMap<ResourceKey, ReadResult> {
    let kinds = fetched.extra_kinds.iter();
    let kinds: BTreeMap<GroupKind, &ServedKind> = kinds
        .map(|kind| (GroupKind::new(&kind.api_version, &kind.kind), kind))
        .collect();
    let wanted = cut.filter_map(|object| {
        let kind = object.key.group_kind();
        let is_secret = kind.group.is_empty() && kind.kind == "Secret";
        let kind = kinds.get(&kind).filter(|_| !is_secret)?;
        Some(ObjectRequest {
            key: object.key.clone(),
            kind: (*kind).clone().into(),
        })
    });
    let mut wanted: Vec<ObjectRequest> = wanted.collect();
    wanted.sort();
    wanted.truncate(MOST_READ_WHOLE);
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let request = FetchRequest {
        wanted,
        ..FetchRequest::default()
    };
    // The objects are known to exist; if they cannot be read, they are reported by their metadata.
    live.fetch(&request)
        .map(|fetched| fetched.answers)
        .unwrap_or_default()
}

/// The explainers that say that a controller created an object.
const BY_CONTROLLERS: [&str; 3] = [OWNED, GENERATED, "service-account-tokens"];

/// The result for one undeclared object.
struct ExtraResult {
    report: Option<ObjectReport>,
    explained: Option<ObjectExplainer>,
    /// The custom kind of the owner that does not explain it.
    unproven_owner: Option<GroupKind>,
}

impl ExtraResult {
    /// Returns whether the content may decide: the object is drift, or a mark on it hides it, which
    /// no mark does for something critical.
    fn depends_on_content(&self) -> bool {
        let is_hidden = |report: &ObjectReport| {
            let verdict = report.whole().map(JudgedChange::verdict);
            matches!(verdict, Some(Verdict::Ignored { .. })) && is_marked(report)
        };
        let report = self.report.as_ref();
        report.is_some_and(|report| report.is_drift() || is_hidden(report))
    }
}

/// Returns whether a label or annotation of the live object is a rule.
fn is_marked(report: &ObjectReport) -> bool {
    let live = report.live.as_ref().map(PackedObject::value);
    !rules_of(None, live.as_ref(), "").rules.is_empty()
}

/// Returns the undeclared objects that a person created, according to the audit logs. Logs that cannot
/// be read are an error when changes are attributed.
fn created_by_people(fetched: &ReadResults, options: &Options) -> BTreeSet<ResourceKey> {
    if options.audit_logs.is_empty() || fetched.extra.is_empty() {
        return BTreeSet::new();
    }
    let kinds = fetched.extra_kinds.iter();
    let plurals: BTreeMap<GroupKind, &str> = kinds
        .map(|kind| (GroupKind::new(&kind.api_version, &kind.kind), &*kind.plural))
        .collect();
    let objects = fetched.extra.iter().map(|object| {
        let plural = plurals.get(&object.key.group_kind()).copied();
        (AuditedObject::of(&object.key, plural), &object.key)
    });
    let objects: BTreeMap<AuditedObject, &ResourceKey> = objects.collect();
    let writes = audit::read(&options.audit_logs, &|name| objects.contains_key(name));
    let of = writes.map(|writes| writes.of).unwrap_or_default();
    let created = of.into_iter().filter(|(_, writes)| {
        let mut creations = writes.iter().rev().filter(|write| write.verb == "create");
        creations.next().is_some_and(|write| is_person(&write.user))
    });
    created
        .filter_map(|(name, _)| objects.get(&name).copied().cloned())
        .collect()
}

/// Returns whether a user is neither a service account nor a component of Kubernetes. Who impersonates
/// another user acts.
fn is_person(user: &str) -> bool {
    let through = user.rsplit_once(" (through ");
    let actor = through.map_or(user, |(_, actor)| actor);
    !actor.starts_with("system:")
}

/// Judges an undeclared object; returns `None` if the filter excludes it. What a person created, no
/// controller did.
fn look_at(
    live: &LiveObject,
    facts: &Facts<'_>,
    rules: &RuleSet,
    options: &Options,
    by_person: bool,
) -> Option<ExtraResult> {
    // An object that cannot be read in full still exists.
    let (value, ownership) = live.value_and_owners().unwrap_or_default();
    if !options.filter.keeps_labels(&value) {
        return None;
    }
    let explained = facts.undeclared(live, &value, &ownership, rules);
    let explained = explained.filter(|by| !by_person || !BY_CONTROLLERS.contains(&&*by.by));
    if explained.is_some() && !options.explain {
        return Some(ExtraResult {
            report: None,
            explained,
            unproven_owner: None,
        });
    }
    let unproven_owner = match explained {
        Some(_) => None,
        None => facts.unproven_owner(live, &value),
    };
    let mut owners: Vec<Owner> = ownership
        .entries
        .into_iter()
        .map(|entry| entry.owner)
        .collect();
    owners.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.cmp(b)));
    let report = ObjectReport {
        owners,
        live: Some(without_bookkeeping(value).into()),
        ..ObjectReport::new(live.key.clone(), live.api_version.clone())
    };
    let mut report = judge_whole(report, None, explained.as_ref(), rules, false);
    if let Some(deviation) = facts.deviations.of(&live.key)
        && report.is_drift()
    {
        report.reason = report.reason.or_else(|| Some(deviation.reason.clone()));
        report.whole_severity = report.whole_severity.max(Some(deviation.severity));
    }
    Some(ExtraResult {
        report: Some(report),
        explained,
        unproven_owner,
    })
}

/// Returns the object without fields that only the server writes.
fn without_bookkeeping(mut live: Value) -> Value {
    if let Some(object) = live.as_object_mut() {
        object.remove("status");
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            for field in SERVER_METADATA {
                metadata.remove(field);
            }
        }
    }
    live
}
