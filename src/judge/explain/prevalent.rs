//! Explains values that admission webhooks and policies set on every object of a kind.
//!
//! A value that admission added during an apply has no owner, or is owned by the applier. There are
//! two exceptions: when a person updates an object, changes by admission are recorded for the
//! person; and without managed fields, nothing is recorded. In these cases the other objects of the
//! kind are evidence. In the first case, two objects with the value from admission are enough. In
//! the second, admission is only assumed, with a warning: only for workloads, which policies and
//! injectors usually change, and only if every object has the value. If there are few objects of a
//! kind, objects of another kind count.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::compare::Reason;
use crate::facts;
use crate::judge::{Case, Explainer, ExplainerInput, JudgeInput, Knowledge};
use crate::model::{
    ChangeCause, ChangeKind, Explanation, FieldPath, GroupKind, Operation, PathElement, Presence,
    Severity, Warning,
};
use crate::policy::RuleSet;

/// How many objects must have a value from admission before it is explained on another object.
const KNOWN: usize = 2;
/// How many objects must have a value of unknown origin before admission is assumed.
const SUPPOSED: usize = 3;

/// Counts of the objects with an undeclared value.
#[derive(Debug, Clone, Copy, Default)]
struct ValueCount {
    /// Objects that have it from admission.
    known: usize,
    /// Objects that record no owner for it.
    open: usize,
    /// Objects that have it from an update.
    updated: usize,
}

/// The undeclared values of a run, by kind.
#[derive(Debug, Default)]
struct UndeclaredValues {
    seen: HashMap<(GroupKind, String, String), ValueCount>,
    compared: HashMap<GroupKind, usize>,
}

/// The origin of an undeclared value, as far as the object shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueOrigin {
    /// Admission, during an apply.
    Machine,
    /// Unknown.
    Open,
    /// A manager's update.
    Update,
}

/// Explains values that every object of a kind has.
pub struct PrevalentValues;

impl Explainer for PrevalentValues {
    fn id(&self) -> &'static str {
        "prevalent-values"
    }

    fn about(&self) -> &'static str {
        "Webhooks and policies set the same value on every object of a kind."
    }

    fn learn(&self, _: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        Some(Box::new(Self))
    }
}

impl Knowledge for PrevalentValues {
    fn explain_together(&self, cases: &mut [Case], run: &ExplainerInput<'_>) -> Vec<Warning> {
        explain(cases, run.rules)
    }
}

/// Explains additions that other objects of the kind show to come from admission; warns of those
/// that are only assumed.
fn explain(cases: &mut [Case], rules: &RuleSet) -> Vec<Warning> {
    let is_open = |one: &JudgeInput| one.is_open() && value_origin(one).is_some();
    if !cases.iter().flat_map(|case| &case.candidates).any(is_open) {
        return Vec::new();
    }
    let evidence = UndeclaredValues::gather(cases);
    let mut supposed: BTreeSet<(GroupKind, String)> = BTreeSet::new();
    for case in cases {
        if !case.candidates.iter().any(is_open) {
            continue;
        }
        let kind = case.report.key.group_kind();
        let key = case.report.key.clone();
        for candidate in std::mem::take(&mut case.candidates) {
            // A severe change is never explained by an assumption.
            let severity = rules.severity(&key, &candidate.finding.change);
            let is_minor = severity <= Severity::Medium;
            let parts = match is_minor {
                true => evidence.part(&kind, &candidate, &mut supposed),
                false => None,
            };
            match parts {
                Some(parts) => case.candidates.extend(parts),
                None => case.candidates.push(candidate),
            }
        }
    }
    supposed
        .into_iter()
        .fold(
            BTreeMap::<GroupKind, Vec<String>>::new(),
            |mut by, (kind, path)| {
                by.entry(kind).or_default().push(path);
                by
            },
        )
        .into_iter()
        .map(|(kind, paths)| warning(&kind, &paths))
        .collect()
}

fn warning(kind: &GroupKind, paths: &[String]) -> Warning {
    const SHOWN: usize = 3;
    let more = paths.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let shown = paths.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    Warning::new(
        kind.kind.clone(),
        format!(
            "most live objects of this kind have the same undeclared {}{more}; it is attributed \
             to an admission policy and not reported (--show all lists it)",
            shown.join(", ")
        ),
    )
}

impl UndeclaredValues {
    fn gather(cases: &[Case]) -> Self {
        let mut evidence = Self::default();
        for case in cases {
            if case.report.presence != Presence::Both {
                continue;
            }
            let kind = case.report.key.group_kind();
            *evidence.compared.entry(kind.clone()).or_default() += 1;
            for candidate in &case.candidates {
                let change = &candidate.finding.change;
                let (Some(whose), Some(live)) = (value_origin(candidate), &change.live) else {
                    continue;
                };
                for (path, value) in leaves(&change.path, live) {
                    let key = (kind.clone(), path.to_string(), value.to_string());
                    let seen = evidence.seen.entry(key).or_default();
                    match whose {
                        ValueOrigin::Machine => seen.known += 1,
                        ValueOrigin::Open => seen.open += 1,
                        ValueOrigin::Update => seen.updated += 1,
                    }
                }
            }
        }
        evidence
    }

    /// Returns an addition in parts if some of it comes from admission; `None` if nothing does.
    fn part(
        &self,
        kind: &GroupKind,
        candidate: &JudgeInput,
        supposed: &mut BTreeSet<(GroupKind, String)>,
    ) -> Option<Vec<JudgeInput>> {
        let whose = value_origin(candidate).filter(|_| candidate.is_open())?;
        parts(candidate, |path, value| {
            self.is_of_machine(kind, whose, path, value, supposed)
        })
    }

    fn is_of_machine(
        &self,
        kind: &GroupKind,
        whose: ValueOrigin,
        path: &FieldPath,
        value: &Value,
        supposed: &mut BTreeSet<(GroupKind, String)>,
    ) -> bool {
        let key = (kind.clone(), path.to_string(), value.to_string());
        let seen = self.seen.get(&key).copied().unwrap_or_default();
        if seen.known >= KNOWN {
            return true;
        }
        let is_supposed = match whose {
            ValueOrigin::Open => self.is_everywhere(&key),
            // Changes by a policy during a person's update are recorded for the person.
            ValueOrigin::Update => seen.open + seen.known >= KNOWN && self.is_everywhere(&key),
            ValueOrigin::Machine => false,
        };
        if is_supposed {
            supposed.insert((key.0, key.1));
        }
        is_supposed
    }

    /// Returns whether every workload of the kind has a value, and there are enough of them, or of
    /// another kind with the value.
    fn is_everywhere(&self, (kind, path, value): &(GroupKind, String, String)) -> bool {
        let all_of = |kind: &GroupKind| {
            let key = (kind.clone(), path.clone(), value.clone());
            let seen = self.seen.get(&key).copied().unwrap_or_default();
            let compared = self.compared.get(kind).copied().unwrap_or_default();
            let is_workload = facts::workload(&kind.kind).is_some();
            (is_workload && seen.open + seen.known + seen.updated == compared).then_some(compared)
        };
        let are_enough = |kind: &GroupKind| all_of(kind).is_some_and(|count| count >= SUPPOSED);
        all_of(kind).is_some() && self.compared.keys().any(are_enough)
    }
}

/// Returns an addition in parts if some of it comes from admission and so is explained; `None` if
/// nothing does.
pub fn parts(
    candidate: &JudgeInput,
    mut is_of_machine: impl FnMut(&FieldPath, &Value) -> bool,
) -> Option<Vec<JudgeInput>> {
    let change = &candidate.finding.change;
    let leaves = leaves(&change.path, change.live.as_ref()?);
    let judged: Vec<bool> = leaves
        .iter()
        .map(|(path, value)| is_of_machine(path, value))
        .collect();
    if !judged.contains(&true) {
        return None;
    }
    if !judged.contains(&false) {
        return Some(vec![explained(candidate.clone())]);
    }
    let parts = leaves
        .into_iter()
        .zip(judged)
        .map(|((path, value), is_of_machine)| {
            let mut part = candidate.clone();
            part.finding.change.path = path;
            part.finding.change.live = Some(value.clone());
            if is_of_machine { explained(part) } else { part }
        });
    Some(parts.collect())
}

fn explained(mut candidate: JudgeInput) -> JudgeInput {
    candidate.finding.reason = Some(Explanation::AdmissionChanged.into());
    candidate.finding.cause = None;
    candidate
}

/// Returns who added a value; `None` if it certainly was not admission: someone declared it, or a
/// rule matches it.
///
/// Replicas show nothing: scaling an object that was applied server-side leaves no owner, whether a
/// person or a controller did it.
fn value_origin(candidate: &JudgeInput) -> Option<ValueOrigin> {
    let finding = &candidate.finding;
    let is_scale = finding.change.path == FieldPath::of_fields(&["spec", "replicas"]);
    if finding.change.kind != ChangeKind::Added || is_scale {
        return None;
    }
    match (&finding.reason, finding.cause) {
        (
            Some(Reason {
                by: Explanation::UnownedDefault | Explanation::ApplierDefault,
                ..
            }),
            _,
        ) => Some(ValueOrigin::Machine),
        (Some(_), _) => None,
        (None, _) if !candidate.is_open() => None,
        (None, Some(ChangeCause::Unattributed | ChangeCause::WrittenByApplier)) => {
            Some(ValueOrigin::Open)
        }
        (None, None) => {
            let by_update = |operation: Operation| operation == Operation::Update;
            let owners = &finding.owners;
            let updated = owners.iter().all(|owner| by_update(owner.operation));
            (updated && !owners.is_empty()).then_some(ValueOrigin::Update)
        }
        (None, Some(_)) => None,
    }
}

/// Returns the scalars below a path. Items with unique names are identified by them, as in an
/// associative list; any other list is one value.
pub fn leaves<'v>(path: &FieldPath, value: &'v Value) -> Vec<(FieldPath, &'v Value)> {
    let mut found = Vec::new();
    collect(path.clone(), value, &mut found);
    found
}

fn collect<'v>(path: FieldPath, value: &'v Value, found: &mut Vec<(FieldPath, &'v Value)>) {
    let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            // An empty struct has no values of its own.
            for (name, below) in fields.iter().filter(|(_, below)| !is_empty(below)) {
                collect(path.child(PathElement::Field(name.clone())), below, found);
            }
        }
        Value::Array(items) => match names(items) {
            Some(names) => {
                for (name, below) in names.into_iter().zip(items) {
                    let key = [("name".to_owned(), Value::from(name))].into();
                    collect(path.child(PathElement::Key(key)), below, found);
                }
            }
            None => found.push((path, value)),
        },
        _ => found.push((path, value)),
    }
}

/// Returns the names of a list's items, if each item has a unique one.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Option<Vec<&str>> = items
        .iter()
        .map(|item| item.get("name").and_then(Value::as_str))
        .collect();
    let names = names.filter(|names| !names.is_empty())?;
    let different: BTreeSet<&str> = names.iter().copied().collect();
    (different.len() == names.len()).then_some(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::Difference;
    use crate::model::{Change, ObjectReport, Owner, ResourceKey};

    fn addition(
        path: &str,
        live: Value,
        reason: Option<Reason>,
        cause: Option<ChangeCause>,
    ) -> JudgeInput {
        JudgeInput::of(Difference {
            reason,
            cause,
            ..Difference::of(Change::between(path.parse().unwrap(), None, Some(live)))
        })
    }

    fn object(kind: &str, name: usize, candidate: JudgeInput) -> Case {
        let key = ResourceKey::new("apps", kind.to_owned(), None, name.to_string());
        let mut report = ObjectReport::new(key, "apps/v1".to_owned());
        report.presence = Presence::Both;
        Case {
            candidates: vec![candidate],
            ..Case::of(report)
        }
    }

    fn reported(cases: &[Case]) -> Vec<String> {
        let all = cases.iter().flat_map(|case| &case.candidates);
        all.filter(|one| one.is_open())
            .map(|one| one.finding.change.path.to_string())
            .collect()
    }

    const LABEL: &str = ".metadata.labels.team";

    fn by_machine() -> JudgeInput {
        let by = Explanation::ApplierDefault;
        addition(LABEL, json!("a"), Some(by.into()), None)
    }

    fn by_update(value: &str) -> JudgeInput {
        let mut candidate = addition(LABEL, json!(value), None, None);
        candidate.finding.owners.push(Owner {
            manager: "kubectl-label".to_owned(),
            operation: Operation::Update,
            subresource: None,
            time: None,
            user: None,
        });
        candidate
    }

    fn unattributed(path: &str, value: Value) -> JudgeInput {
        addition(path, value, None, Some(ChangeCause::Unattributed))
    }

    #[test]
    fn explains_a_value_that_two_other_objects_have_from_admission() {
        let run = |machines: usize, value: &str| {
            let mut objects: Vec<Case> = (0..machines)
                .map(|name| object("Deployment", name, by_machine()))
                .collect();
            objects.push(object("Deployment", 9, by_update(value)));
            let warnings = explain(&mut objects, RuleSet::builtin());
            assert!(warnings.is_empty());
            reported(&objects)
        };
        assert!(run(2, "a").is_empty());
        assert_eq!(run(2, "b"), [LABEL], "another value");
        assert_eq!(run(1, "a"), [LABEL], "one may be chance");
    }

    #[test]
    fn does_not_explain_replicas_by_other_objects() {
        let scaled = |mut candidate: JudgeInput| {
            candidate.finding.change.path = ".spec.replicas".parse().unwrap();
            candidate
        };
        let mut objects: Vec<Case> = (0..4)
            .map(|name| object("Deployment", name, scaled(by_machine())))
            .collect();
        objects.push(object("Deployment", 9, scaled(by_update("a"))));
        explain(&mut objects, RuleSet::builtin());
        assert_eq!(reported(&objects), [".spec.replicas"]);
    }

    #[test]
    fn warns_when_it_assumes_that_admission_set_a_value_on_all_workloads() {
        let run = |kind: &str, with: usize, without: usize| {
            let mut objects: Vec<Case> = (0..with)
                .map(|name| object(kind, name, unattributed(LABEL, json!("a"))))
                .collect();
            objects.extend(
                (0..without).map(|n| object(kind, 90 + n, unattributed(".spec.x", json!(n)))),
            );
            let warnings = explain(&mut objects, RuleSet::builtin());
            let left = reported(&objects)
                .iter()
                .filter(|path| *path == LABEL)
                .count();
            (left, warnings.len())
        };
        assert_eq!(run("Deployment", 3, 0), (0, 1));
        assert_eq!(run("Deployment", 2, 0), (2, 0), "too few to tell");
        assert_eq!(run("Deployment", 4, 1), (4, 0), "one is without it");
        assert_eq!(
            run("ConfigMap", 3, 0),
            (3, 0),
            "policies are about workloads"
        );
    }

    #[test]
    fn counts_objects_of_another_kind_if_there_are_few() {
        let run = |deployments: usize, value: &str| {
            let labelled = |value: &str| unattributed(LABEL, json!(value));
            let mut objects: Vec<Case> = (0..deployments)
                .map(|name| object("Deployment", name, labelled("a")))
                .collect();
            objects.push(object("StatefulSet", 9, labelled(value)));
            explain(&mut objects, RuleSet::builtin());
            reported(&objects).len()
        };
        assert_eq!(run(3, "a"), 0);
        assert_eq!(run(3, "b"), 1, "another value");
        assert_eq!(run(2, "a"), 3, "too few to tell");
    }

    #[test]
    fn reports_only_the_changed_field_of_an_explained_value() {
        let path = ".spec.strategy";
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {}});
        let mut objects: Vec<Case> = (0..4)
            .map(|name| object("Deployment", name, unattributed(path, strategy.clone())))
            .collect();
        let live = objects[3].candidates[0]
            .finding
            .change
            .live
            .as_mut()
            .unwrap();
        live["rollingUpdate"] = json!({"maxSurge": 2});
        explain(&mut objects, RuleSet::builtin());
        assert_eq!(
            reported(&objects),
            [format!("{path}.rollingUpdate.maxSurge")]
        );
    }

    /// A container on every object must be explained by its policy, not by other objects.
    #[test]
    fn reports_a_severe_change_even_if_every_object_has_it() {
        let path = ".spec.initContainers[name=\"mesh\"]";
        let mesh =
            json!({"name": "mesh", "image": "mesh:1", "resources": {"limits": {"cpu": "2"}}});
        let mut objects: Vec<Case> = (0..4)
            .map(|name| object("Deployment", name, unattributed(path, mesh.clone())))
            .collect();
        assert!(explain(&mut objects, RuleSet::builtin()).is_empty());
        assert_eq!(reported(&objects), [path; 4]);
    }
}
