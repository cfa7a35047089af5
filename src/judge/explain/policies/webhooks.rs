//! Uses mutating webhooks as evidence.
//!
//! A webhook does not show what it writes. It is believed to have written an undeclared value if it
//! matches enough objects of the run, and every one of them has that value. A change of severity
//! critical is not explained like this, nor is a severe label or annotation, such as a mark that
//! makes tools skip the object: someone who may patch a few objects could hide it behind any
//! webhook.
//!
//! The webhook of an operator, which is called only for custom resources of groups that it names, fills
//! in their defaults. It is believed to have written what the specification of such a resource has
//! besides the manifest and no field manager but the applier owns, up to severity medium.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;

use super::{AdmittedObject, PolicyExplainer, is_after, is_open_addition};
use crate::admission::{Constraints, PolicyCandidate};
use crate::cluster::ReadResult;
use crate::facts::BUILT_IN_GROUPS;
use crate::judge::explain::prevalent::{leaves, parts};
use crate::judge::{Case, ExplainerInput};
use crate::model::{
    Change, ChangeKind, Explanation, FieldPath, GroupKind, PathElement, Presence, ResourceKey,
    Severity, Warning, items_at,
};
use crate::policy::RuleSet;

/// How many objects a webhook must match to be evidence. A webhook that matches a single object
/// proves nothing.
const ENOUGH: usize = 3;

/// One webhook of a MutatingWebhookConfiguration.
#[derive(Debug)]
pub struct Webhook {
    configuration: String,
    /// When the configuration was created, in RFC 3339, which sorts as text.
    created: Option<String>,
    /// The API groups that it is called for, if all of them are of custom resources.
    custom_groups: BTreeSet<String>,
    pub(super) matches: Constraints,
}

/// Returns the webhooks of a configuration, without those with CEL match conditions: which objects
/// these are called for is unknown.
pub fn of_configuration(configuration: &Value) -> Vec<Webhook> {
    let text = |path: &str| configuration.pointer(path).and_then(Value::as_str);
    let Some(name) = text("/metadata/name") else {
        return Vec::new();
    };
    let created = text("/metadata/creationTimestamp");
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    let is_sure = |webhook: &&Value| {
        let conditions = webhook.get("matchConditions");
        conditions.is_none_or(|list| list.is_null() || list.as_array().is_some_and(Vec::is_empty))
    };
    let webhooks = webhooks.into_iter().flatten().filter(is_sure);
    webhooks
        .map(|webhook| Webhook {
            configuration: name.to_owned(),
            created: created.map(str::to_owned),
            custom_groups: custom_groups(webhook),
            matches: Constraints::of_webhook(webhook),
        })
        .collect()
}

/// Returns the API groups that the rules of a webhook name; none if one of them is not of custom
/// resources.
fn custom_groups(webhook: &Value) -> BTreeSet<String> {
    let rules = items_at(webhook, "/rules").iter();
    let groups: BTreeSet<&str> = rules
        .flat_map(|rule| items_at(rule, "/apiGroups"))
        .map(|group| group.as_str().unwrap_or("*"))
        .collect();
    let is_custom = |group: &str| group != "*" && !BUILT_IN_GROUPS.contains(&group);
    if !groups.iter().all(|group| is_custom(group)) {
        return BTreeSet::new();
    }
    groups.into_iter().map(str::to_owned).collect()
}

impl Webhook {
    pub(super) fn matches(&self, candidate: &PolicyCandidate<'_>, live: &Value) -> bool {
        let is_sure = self.matches.doubt(candidate).is_none();
        is_sure && self.matches.match_object(candidate) && is_after(live, self.created.as_deref())
    }
}

impl PolicyExplainer {
    /// Explains the additions that every object matched by a webhook has in common. The cases are
    /// those of the run's declared objects.
    pub(super) fn explain_by_webhooks(
        &self,
        cases: &mut [Case],
        run: &ExplainerInput<'_>,
    ) -> Vec<Warning> {
        if self.webhooks.is_empty() {
            return Vec::new();
        }
        let values: Vec<Option<(Value, Value, &str)>> = (run.declared.par_iter())
            .map(|declared| match run.fetched.answers.get(&declared.key) {
                Some(ReadResult::Found(live)) => {
                    let manifest = declared.manifest.value();
                    Some((manifest, live.value().ok()?, live.api_version.as_str()))
                }
                _ => None,
            })
            .collect();
        let admitted: Vec<Option<AdmittedObject<'_>>> = (run.declared.iter().zip(&values))
            .map(|(of, values)| {
                let (declared, live, api_version) = values.as_ref()?;
                Some(AdmittedObject {
                    key: &of.key,
                    api_version,
                    plural: &of.kind.plural,
                    declared,
                    live,
                })
            })
            .collect();
        let mut warnings = Vec::new();
        for webhook in &self.webhooks {
            let meant: Vec<usize> = (cases.iter().zip(&admitted).enumerate())
                .filter(|(_, (case, _))| case.report.presence == Presence::Both)
                .filter(|(_, (_, object))| {
                    object.is_some_and(|o| webhook.matches(&self.candidate(o), o.live))
                })
                .map(|(index, _)| index)
                .collect();
            if meant.len() >= ENOUGH {
                warnings.extend(explain(webhook, cases, &meant, run.rules));
            }
            warnings.extend(explain_defaults(webhook, cases, &meant, run.rules));
        }
        warnings
    }
}

/// Explains what all of these cases have in common, with one warning per kind.
fn explain(
    webhook: &Webhook,
    cases: &mut [Case],
    meant: &[usize],
    rules: &RuleSet,
) -> Vec<Warning> {
    let mut carried: BTreeMap<(String, String), usize> = BTreeMap::new();
    for index in meant {
        let mut of_case = BTreeSet::new();
        for candidate in &cases[*index].candidates {
            let change = &candidate.finding.change;
            if let (ChangeKind::Added, Some(live)) = (change.kind, &change.live) {
                let leaves = leaves(&change.path, live).into_iter();
                of_case.extend(leaves.map(|(path, value)| (path.to_string(), value.to_string())));
            }
        }
        for leaf in of_case {
            *carried.entry(leaf).or_default() += 1;
        }
    }
    let is_everywhere = |path: &FieldPath, value: &Value| {
        carried.get(&(path.to_string(), value.to_string())) == Some(&meant.len())
    };
    let mut explained: BTreeMap<GroupKind, BTreeSet<String>> = BTreeMap::new();
    for index in meant {
        let case = &mut cases[*index];
        let kind = case.report.key.group_kind();
        for candidate in std::mem::take(&mut case.candidates) {
            let change = &candidate.finding.change;
            let is_provable = !is_too_severe(rules, &case.report.key, change);
            let parts = (is_provable && is_open_addition(&candidate))
                .then(|| parts(&candidate, is_everywhere))
                .flatten();
            let Some(parts) = parts else {
                case.candidates.push(candidate);
                continue;
            };
            let done = parts.iter().filter(|part| part.finding.reason.is_some());
            let paths = done.map(|part| part.finding.change.path.to_string());
            explained.entry(kind.clone()).or_default().extend(paths);
            case.candidates.extend(parts);
        }
    }
    let explained = explained.into_iter();
    explained
        .map(|(kind, paths)| warning(webhook, &kind, &paths, meant.len()))
        .collect()
}

/// Explains the defaults of custom resources that their operator's webhook fills in, with one warning
/// per kind.
fn explain_defaults(
    webhook: &Webhook,
    cases: &mut [Case],
    meant: &[usize],
    rules: &RuleSet,
) -> Vec<Warning> {
    let mut explained: BTreeMap<GroupKind, BTreeSet<String>> = BTreeMap::new();
    for index in meant {
        let case = &mut cases[*index];
        let key = &case.report.key;
        if !webhook.custom_groups.contains(&key.group) {
            continue;
        }
        for candidate in &mut case.candidates {
            let change = &candidate.finding.change;
            let is_of_spec =
                matches!(change.path.0.first(), Some(PathElement::Field(name)) if name == "spec");
            let is_minor = worst_severity(rules, key, change) <= Severity::Medium;
            if is_of_spec && is_minor && is_open_addition(candidate) {
                let paths = explained.entry(key.group_kind()).or_default();
                paths.insert(change.path.to_string());
                candidate.finding.reason = Some(Explanation::AdmissionChanged.into());
                candidate.finding.cause = None;
            }
        }
    }
    let explained = explained.into_iter();
    explained
        .map(|(kind, paths)| {
            let said = format!(
                "the webhook of MutatingWebhookConfiguration {}, which is called only for custom \
                 resources, may have defaulted the undeclared {}; it is attributed to the webhook \
                 and not reported (--show all lists it)",
                webhook.configuration,
                first_of(&paths)
            );
            Warning::new(kind.kind.clone(), said)
        })
        .collect()
}

/// Returns the severity of a change, or of its worst part.
fn worst_severity(rules: &RuleSet, key: &ResourceKey, change: &Change) -> Severity {
    let leaves = change.live.as_ref().map(|live| leaves(&change.path, live));
    let parts = leaves.into_iter().flatten().map(|(path, value)| Change {
        path,
        live: Some(value.clone()),
        ..change.clone()
    });
    let whole = rules.severity(key, change);
    let parts = parts.map(|part| rules.severity(key, &part));
    parts.fold(whole, Severity::max)
}

/// Returns whether a change is too severe for a webhook to explain it.
fn is_too_severe(rules: &RuleSet, key: &ResourceKey, change: &Change) -> bool {
    let is_of_metadata =
        matches!(change.path.0.first(), Some(PathElement::Field(name)) if name == "metadata");
    match worst_severity(rules, key, change) {
        Severity::Critical => true,
        Severity::High => is_of_metadata,
        Severity::Medium | Severity::Low => false,
    }
}

fn warning(
    webhook: &Webhook,
    kind: &GroupKind,
    paths: &BTreeSet<String>,
    objects: usize,
) -> Warning {
    Warning::new(
        kind.kind.clone(),
        format!(
            "all {objects} objects that a webhook of MutatingWebhookConfiguration {} matches have \
             the same undeclared {}; it is attributed to the webhook and not reported \
             (--show all lists it)",
            webhook.configuration,
            first_of(paths)
        ),
    )
}

/// Returns the first of some paths, and how many more there are.
fn first_of(paths: &BTreeSet<String>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
