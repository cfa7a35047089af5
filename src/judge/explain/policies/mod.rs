//! Predicts what admission changes in objects, from the policies in the cluster or in a recording.
//!
//! A value that a policy writes is not anyone's change. Policies are read at most once, and only if
//! they might explain a difference: MutatingAdmissionPolicies with their bindings, Kyverno's
//! policies, and mutating webhooks, whose configuration does not show what they write.
//!
//! A policy explains nothing about an object that it does not match, whose conditions are false for it,
//! or that was last written before the policy existed. If that cannot be determined, or the policy
//! computes the value, it explains only what is not severe.

mod cel;
mod conditions;
mod created;
mod kyverno;
mod template;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::admission::{Constraints, PolicyCandidate, PolicyMatch};
use crate::cluster::{Live, ReadResult, ReadResults};
use crate::compare::{ComparisonInput, Difference, KeepFindings, Reason, compare};
use crate::judge::{self, Case, Explainer, ExplainerInput, Knowledge};
use crate::model::{
    ChangeCause, ChangeKind, Explanation, FieldPath, Finder, Manifest, ResourceKey, Severity,
    Warning, text_at,
};
use crate::policy::RuleSet;
use crate::schema::Schema;

use conditions::MutationCondition;
use template::{ComputedValues, ValueTemplate};
use webhooks::Webhook;

/// Explains values that admission policies write.
pub struct AdmissionPolicies;

impl Explainer for AdmissionPolicies {
    fn id(&self) -> &'static str {
        "admission-policies"
    }

    fn about(&self) -> &'static str {
        "Admission policies and webhooks of the cluster change objects when they are written."
    }

    fn learn_later(&self, run: &ExplainerInput<'_>, cases: &[&Case]) -> Option<Box<dyn Knowledge>> {
        let is_open = |candidate: &judge::JudgeInput| match run.created {
            true => candidate.is_open(),
            false => is_open_addition(candidate),
        };
        let mut candidates = cases.iter().flat_map(|case| &case.candidates);
        candidates.any(is_open).then_some(())?;
        let namespaces = labels_of_namespaces(run.manifests, run.fetched);
        let mut policies = PolicyExplainer::read(run.live, namespaces);
        policies.rules = run.rules.clone();
        let is_idle = policies.mutations.is_empty() && policies.webhooks.is_empty();
        policies.served = (run.declared.iter())
            .filter_map(|one| match run.fetched.answers.get(&one.key) {
                Some(ReadResult::Found(live)) => {
                    let served = (live.api_version.clone(), one.kind.plural.clone());
                    Some((one.key.clone(), served))
                }
                _ => None,
            })
            .collect();
        (run.created || !is_idle).then(|| Box::new(policies) as _)
    }
}

impl Knowledge for PolicyExplainer {
    /// Compares objects with open findings with what the policies make of the manifest.
    fn compares_again(&self) -> bool {
        !self.mutations.is_empty()
    }

    fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        findings: Vec<Difference>,
    ) -> Vec<Difference> {
        let Some((api_version, plural)) = self.served.get(key) else {
            return findings;
        };
        let object = AdmittedObject {
            key,
            api_version,
            plural,
            declared: subject.declared,
            live: subject.live,
        };
        let matching = self.matching(object, subject.schema);
        if !matching.iter().any(|one| !one.mutation.writes.is_empty()) {
            return findings;
        }
        let compared = |expected: &Value| {
            compare(&ComparisonInput {
                declared: expected,
                keep: KeepFindings::Drift,
                ..*subject
            })
        };
        // What is severe is explained only by what is known.
        let (severe, minor): (Vec<_>, Vec<_>) =
            (findings.into_iter()).partition(|finding| is_severe(&self.rules, key, finding));
        let mut findings = match minor.is_empty() {
            true => minor,
            false => {
                let expected = expected(object, &matching, ComputedValues::Live);
                explain_predicted(minor, compared(&expected))
            }
        };
        if !severe.is_empty() {
            let expected = expected(object, &matching, ComputedValues::Unknown);
            findings.extend(explain_predicted(severe, compared(&expected)));
            findings.sort_by(|a, b| a.change.path.cmp(&b.change.path));
        }
        name(object, &matching, &mut findings);
        findings
    }

    fn explain_together(&self, cases: &mut [Case], run: &ExplainerInput<'_>) -> Vec<Warning> {
        match run.created {
            true => {
                self.explain_created(cases, run);
                Vec::new()
            }
            false => self.explain_by_webhooks(cases, run),
        }
    }
}

/// The versions of Kubernetes' own policies, newest first.
const VERSIONS: [&str; 3] = [
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1beta1",
    "admissionregistration.k8s.io/v1alpha1",
];

/// The versions of Kyverno's newer policies, newest first.
const KYVERNO_VERSIONS: [&str; 3] = [
    "policies.kyverno.io/v1",
    "policies.kyverno.io/v1beta1",
    "policies.kyverno.io/v1alpha1",
];

/// The version and kind of mutating webhook configurations.
const WEBHOOKS: (&str, &str) = (
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
);

/// Returns the kinds that configure mutating admission, as version and kind.
pub fn kinds() -> BTreeSet<(String, String)> {
    let builtin = ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"];
    let of = |version: &str, kind: &str| (version.to_owned(), kind.to_owned());
    let builtin = VERSIONS
        .into_iter()
        .flat_map(|version| builtin.map(|kind| of(version, kind)));
    let kyverno = KYVERNO_VERSIONS.map(|version| of(version, "MutatingPolicy"));
    let others = [WEBHOOKS, ("kyverno.io/v1", "ClusterPolicy")].map(|(v, k)| of(v, k));
    builtin.chain(kyverno).chain(others).collect()
}

/// The known mutating admission of a cluster.
#[derive(Debug, Default)]
pub struct PolicyExplainer {
    mutations: Vec<PolicyMutation>,
    webhooks: Vec<Webhook>,
    /// The labels of namespaces, by name.
    namespaces: BTreeMap<String, Value>,
    /// The version and the resource of each object that was found.
    served: BTreeMap<ResourceKey, (String, String)>,
    /// The rules of the run.
    rules: RuleSet,
}

/// The mutations of one policy or rule.
#[derive(Debug)]
struct PolicyMutation {
    /// The policy, and the rule if it has several.
    name: String,
    /// All of these must match.
    matches: Vec<Constraints>,
    /// What must hold in addition.
    condition: MutationCondition,
    /// When the policy and its binding were created, in RFC 3339, which sorts as text.
    created: Option<String>,
    writes: Vec<ValueTemplate>,
}

/// A mutation that changes an object.
struct MatchingMutation<'a> {
    mutation: &'a PolicyMutation,
    /// Whether it is known to.
    is_sure: bool,
}

/// An object that policies may have changed.
#[derive(Clone, Copy)]
struct AdmittedObject<'a> {
    /// Which object.
    pub key: &'a ResourceKey,
    /// The version that it is declared at.
    pub api_version: &'a str,
    /// Its resource, such as `deployments`.
    pub plural: &'a str,
    /// The declared object.
    pub declared: &'a Value,
    /// The live object.
    pub live: &'a Value,
}

impl PolicyExplainer {
    /// Reads the policies. A policy that cannot be read explains nothing. `namespaces` has the
    /// known labels of namespaces.
    pub fn read(live: &dyn Live, namespaces: BTreeMap<String, Value>) -> Self {
        let mut policies = Self {
            namespaces,
            ..Self::default()
        };
        policies.read_builtin(live);
        policies.read_kyverno(live);
        policies.read_webhooks(live);
        policies.read_namespaces(live);
        policies
    }

    fn read_builtin(&mut self, live: &dyn Live) {
        for version in VERSIONS {
            let Some(found) = live.related(version, "MutatingAdmissionPolicy", "") else {
                continue;
            };
            if found.is_empty() {
                continue;
            }
            let bindings = live.related(version, "MutatingAdmissionPolicyBinding", "");
            let bindings = bindings.unwrap_or_default();
            for policy in &found {
                self.add_builtin(policy, &bindings);
            }
            return;
        }
    }

    fn add_builtin(&mut self, policy: &Value, bindings: &[Value]) {
        let name = policy.pointer("/metadata/name");
        let writes = mutations(policy);
        let constraints = Constraints::of_policy(policy.pointer("/spec/matchConstraints"));
        let bound = bindings
            .iter()
            .filter(|binding| name.is_some() && binding.pointer("/spec/policyName") == name);
        for binding in bound {
            let narrowed = binding.pointer("/spec/matchResources");
            let narrowed = narrowed.map(|matched| Constraints::of_binding(Some(matched)));
            let created = [policy, binding].map(created);
            self.mutations.push(PolicyMutation {
                name: named("MutatingAdmissionPolicy", policy),
                matches: std::iter::once(constraints.clone())
                    .chain(narrowed)
                    .collect(),
                condition: MutationCondition::of_cel(policy),
                created: created.into_iter().flatten().max(),
                writes: writes.clone(),
            });
        }
    }

    fn read_kyverno(&mut self, live: &dyn Live) {
        for version in KYVERNO_VERSIONS {
            for policy in live
                .related(version, "MutatingPolicy", "")
                .unwrap_or_default()
            {
                self.mutations.push(PolicyMutation {
                    name: named("Kyverno's MutatingPolicy", &policy),
                    matches: vec![Constraints::of_policy(
                        policy.pointer("/spec/matchConstraints"),
                    )],
                    condition: MutationCondition::of_cel(&policy),
                    created: created(&policy),
                    writes: mutations(&policy),
                });
            }
        }
        let found = live.related("kyverno.io/v1", "ClusterPolicy", "");
        for policy in found.unwrap_or_default() {
            self.mutations.extend(kyverno::mutations(&policy));
        }
    }

    fn read_webhooks(&mut self, live: &dyn Live) {
        let found = live.related(WEBHOOKS.0, WEBHOOKS.1, "").unwrap_or_default();
        self.webhooks = found.iter().flat_map(webhooks::of_configuration).collect();
    }

    /// Reads the labels of namespaces, if a policy selects by them and not all are known.
    fn read_namespaces(&mut self, live: &dyn Live) {
        let of_policies = self.mutations.iter().flat_map(|mutation| &mutation.matches);
        let of_webhooks = self.webhooks.iter().map(|webhook| &webhook.matches);
        let mut all = of_policies.chain(of_webhooks);
        let mut conditions = self.mutations.iter().map(|mutation| &mutation.condition);
        if !all.any(Constraints::needs_labels_of_namespaces)
            && !conditions.any(MutationCondition::needs_labels_of_namespaces)
        {
            return;
        }
        for namespace in live.related("v1", "Namespace", "").unwrap_or_default() {
            let name = namespace.pointer("/metadata/name").and_then(Value::as_str);
            let labels = namespace.pointer("/metadata/labels").cloned();
            if let (Some(name), Some(labels)) = (name, labels) {
                self.namespaces.insert(name.to_owned(), labels);
            }
        }
    }

    /// Returns the policies that change an object.
    fn matching<'a>(
        &'a self,
        object: AdmittedObject<'a>,
        schema: &Schema,
    ) -> Vec<MatchingMutation<'a>> {
        let candidate = PolicyCandidate {
            old: Some(object.live),
            ..self.candidate(object)
        };
        let mutations = self.mutations.iter().filter(|mutation| {
            let mut matches = mutation.matches.iter();
            matches.all(|constraints| constraints.match_object(&candidate))
                && is_after(object.live, mutation.created.as_deref())
        });
        let mutations = mutations.filter_map(|mutation| {
            let mut matches = mutation.matches.iter();
            let is_matched = matches.all(|constraints| constraints.doubt(&candidate).is_none());
            let applies = self.applies(&mutation.condition, object, schema);
            (applies != PolicyMatch::No).then_some(MatchingMutation {
                mutation,
                is_sure: is_matched && applies == PolicyMatch::Yes,
            })
        });
        mutations.collect()
    }

    fn candidate<'a>(&'a self, object: AdmittedObject<'a>) -> PolicyCandidate<'a> {
        let namespace = object.key.namespace.as_deref();
        PolicyCandidate {
            key: object.key,
            api_version: object.api_version,
            plural: object.plural,
            subresource: "",
            labels: object.declared.pointer("/metadata/labels"),
            old: None,
            namespace_labels: namespace.and_then(|name| self.namespaces.get(name)),
            operation: None,
        }
    }
}

/// Returns the object after the policies changed the manifest. Computed values count if they are taken
/// for the live ones, and so do policies of which it is not known whether they change the object.
fn expected(
    object: AdmittedObject<'_>,
    matching: &[MatchingMutation<'_>],
    computed: ComputedValues,
) -> Value {
    let mut expected = object.declared.clone();
    let counting = matching
        .iter()
        .filter(|one| one.is_sure || computed == ComputedValues::Live);
    let writes = counting.flat_map(|one| &one.mutation.writes);
    writes.for_each(|template| template.write(&mut expected, object.live, computed));
    // No policy changes the identity of an object.
    for identity in ["apiVersion", "kind"] {
        if let (Some(declared), Some(expected)) =
            (object.declared.get(identity), expected.get_mut(identity))
        {
            expected.clone_from(declared);
        }
    }
    expected
}

/// Adds a note to each difference that policies explain. It names the first policy that by itself
/// turns the declared value into the live one.
fn name(
    object: AdmittedObject<'_>,
    matching: &[MatchingMutation<'_>],
    findings: &mut [Difference],
) {
    if !findings.iter().any(is_unnamed) {
        return;
    }
    let made: Vec<(&str, Value)> = matching
        .iter()
        .map(|one| {
            let mut made = object.declared.clone();
            for template in &one.mutation.writes {
                template.write(&mut made, object.live, ComputedValues::Live);
            }
            (one.mutation.name.as_str(), made)
        })
        .collect();
    for finding in findings.iter_mut().filter(|finding| is_unnamed(finding)) {
        let path = &finding.change.path;
        let live = Finder::lenient(object.live).find(path);
        let mut makers = made.iter();
        let maker =
            makers.find(|(_, made)| live.is_some() && Finder::lenient(made).find(path) == live);
        finding.note = maker.map(|(name, _)| format!("written by {name}"));
    }
}

/// Returns whether a change, or a part of it, has severity high or critical.
fn is_severe(rules: &RuleSet, key: &ResourceKey, finding: &Difference) -> bool {
    rules.severity(key, &finding.change) >= Severity::High
}

/// Returns when an object was created.
fn created(object: &Value) -> Option<String> {
    text_at(object, "/metadata/creationTimestamp").map(str::to_owned)
}

/// Returns whether an object was written after something else was created, as far as its fields show.
/// Admission changes no status.
fn is_after(live: &Value, created: Option<&str>) -> bool {
    let entries = live.pointer("/metadata/managedFields");
    let entries = entries.and_then(Value::as_array).into_iter().flatten();
    let entries = entries.filter(|entry| text_at(entry, "/subresource").is_none());
    let times = entries.filter_map(|entry| text_at(entry, "/time"));
    match (created, times.max()) {
        (Some(created), Some(written)) => created <= written,
        _ => true,
    }
}

/// Returns whether admission made a change that no policy is named for yet.
fn is_unnamed(finding: &Difference) -> bool {
    let by = finding.reason.as_ref().map(|reason| reason.by);
    by == Some(Explanation::AdmissionChanged) && finding.note.is_none()
}

/// Returns the name of a policy for reports.
fn named(kind: &str, policy: &Value) -> String {
    let name = policy.pointer("/metadata/name").and_then(Value::as_str);
    format!("{kind} {}", name.unwrap_or_default())
}

/// Returns the templates that the mutations of a policy write, in order.
fn mutations(policy: &Value) -> Vec<ValueTemplate> {
    let mutations = policy.pointer("/spec/mutations").and_then(Value::as_array);
    let text = |mutation: &Value, path: &str| {
        let expression = mutation.pointer(path)?.as_str()?;
        Some(expression.to_owned())
    };
    let of = |mutation: &Value| {
        let applied = text(mutation, "/applyConfiguration/expression");
        let applied = applied.map(|expression| cel::apply_configuration(&expression));
        let patched = text(mutation, "/jsonPatch/expression");
        let patched = patched.map(|expression| cel::json_patch(&expression));
        applied
            .into_iter()
            .chain(patched.unwrap_or_default())
            .collect::<Vec<_>>()
    };
    let written = mutations.into_iter().flatten().flat_map(of);
    // An expression that may write anything proves nothing.
    written
        .filter(|template| *template != ValueTemplate::Any)
        .collect()
}

/// Explains the differences that disappear once the policies have changed the manifest; `after` has
/// the findings then. If a part of an addition remains, that part is reported.
fn explain_predicted(findings: Vec<Difference>, after: Vec<Difference>) -> Vec<Difference> {
    let after: Vec<Difference> = after.into_iter().filter(|f| f.reason.is_none()).collect();
    let mut explained: Vec<Difference> = Vec::new();
    for mut finding in findings {
        if finding.reason.is_some() || finding.change.kind == ChangeKind::Removed {
            explained.push(finding);
            continue;
        }
        let path = &finding.change.path;
        let covers = |other: &&Difference| path.starts_with(&other.change.path);
        if after.iter().any(|other| covers(&other)) {
            explained.push(finding);
            continue;
        }
        let below = |other: &&Difference| {
            other.change.path.starts_with(path) && other.change.kind != ChangeKind::Removed
        };
        if finding.change.kind == ChangeKind::Added {
            explained.extend(after.iter().filter(below).map(as_added));
        } else if after.iter().any(|other| below(&other)) {
            explained.push(finding);
            continue;
        }
        finding.reason = Some(Reason::from(Explanation::AdmissionChanged));
        finding.cause = None;
        explained.push(finding);
    }
    explained.sort_by(|a, b| a.change.path.cmp(&b.change.path));
    explained
}

/// Returns a difference from a policy's value as an addition, because no manifest declares the
/// field.
fn as_added(finding: &Difference) -> Difference {
    let mut finding = finding.clone();
    finding.change.kind = ChangeKind::Added;
    finding.change.declared = None;
    finding
}

/// Returns the labels of the namespaces that are declared or were read, by name.
fn labels_of_namespaces(
    manifests: &[Arc<Manifest>],
    fetched: &ReadResults,
) -> BTreeMap<String, Value> {
    let is_namespace = |kind: &str| kind == "Namespace";
    let declared = manifests.iter().filter(|m| is_namespace(&m.kind));
    let declared = declared.map(|manifest| manifest.value());
    let found = fetched.answers.iter();
    let found = found.filter_map(|(key, answer)| match answer {
        ReadResult::Found(object) if is_namespace(&key.kind) => object.value().ok(),
        _ => None,
    });
    let namespaces = declared.chain(found);
    namespaces
        .filter_map(|namespace| {
            let name = namespace.pointer("/metadata/name")?.as_str()?;
            let labels = namespace.pointer("/metadata/labels")?;
            Some((name.to_owned(), labels.clone()))
        })
        .collect()
}

/// Returns whether a finding is an unexplained addition without a known owner, or one that the
/// applier owns but never declared.
fn is_open_addition(candidate: &judge::JudgeInput) -> bool {
    let causes = [ChangeCause::Unattributed, ChangeCause::WrittenByApplier];
    let finding = &candidate.finding;
    candidate.is_open()
        && finding.change.kind == ChangeKind::Added
        && finding.cause.is_some_and(|cause| causes.contains(&cause))
        && finding.change.path != FieldPath::of_fields(&["spec", "replicas"])
}
