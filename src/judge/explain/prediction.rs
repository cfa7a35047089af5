//! Explains differences that applying the manifest would not remove, according to a server dry run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{Apply, Denial, LiveObject, ObjectRequest, ReadResult, Unpredicted};
use crate::compare::{ComparisonInput, Difference, Reason, compare};
use crate::facts::SERVER_METADATA;
use crate::judge::{Case, DeclaredManifest, Explainer, ExplainerInput, Knowledge};
use crate::model::{
    ChangeKind, Enforcement, Explanation, FieldPath, Operation, PackedObject, ResourceKey,
    Violation, Warning,
};
use crate::ownership::{LAST_APPLIED, ownership_of};

/// The applier if no manager of the object is one. The API server transfers fields of client-side
/// apply to kubectl's own name.
const MANAGER: &str = "kubectl";

/// See the module.
pub struct ServerDryRun;

impl Explainer for ServerDryRun {
    fn id(&self) -> &'static str {
        "server-dry-run"
    }

    fn about(&self) -> &'static str {
        "A server dry run shows what applying the manifest would change."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        run.server_dry_run.then(|| Box::new(predict(run)) as _)
    }
}

impl Knowledge for Predictions {
    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    /// Adds the policies that refuse it to each object.
    fn explain_together(&self, cases: &mut [Case], run: &ExplainerInput<'_>) -> Vec<Warning> {
        for case in cases {
            let key = &case.report.key;
            let Some(denials) = self.denied.get(key) else {
                continue;
            };
            let live = match run.fetched.answers.get(key) {
                Some(ReadResult::Found(object)) => object.value().ok().map(PackedObject::from),
                _ => None,
            };
            let all = denials.iter().map(|denial| Violation {
                quoted: live.clone(),
                ..violation(denial)
            });
            case.report.violations.extend(all);
        }
        Vec::new()
    }

    fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        findings: Vec<Difference>,
    ) -> Vec<Difference> {
        match self.of(key) {
            Some(predicted) => {
                let predicted = compare(&ComparisonInput {
                    declared: &predicted,
                    ..*subject
                });
                merge(findings, predicted)
            }
            None => findings,
        }
    }
}

/// The results of the dry runs.
#[derive(Default)]
struct Predictions {
    objects: BTreeMap<ResourceKey, LiveObject>,
    /// The refusals, by object.
    denied: BTreeMap<ResourceKey, Vec<Denial>>,
    /// Warnings about failed dry runs.
    warnings: Vec<Warning>,
}

/// Requests the dry runs.
fn predict(run: &ExplainerInput<'_>) -> Predictions {
    let mut predictions = Predictions::default();
    let answers = &run.fetched.answers;
    let applies = run
        .declared
        .iter()
        .filter_map(|declared| match answers.get(&declared.key) {
            Some(ReadResult::Found(object)) => Some(apply(declared, object, run.field_managers)),
            _ => None,
        });
    for (key, predicted) in run.live.predict(applies.collect()) {
        match predicted {
            Ok(object) => drop(predictions.objects.insert(key, object)),
            Err(Unpredicted::Denied(denials)) => {
                predictions.denied.insert(key, denials);
            }
            Err(Unpredicted::Failed(why)) => predictions.warnings.push(Warning::error(
                key.to_string(),
                format!("the server dry run failed, so it is compared without a prediction: {why}"),
            )),
        }
    }
    predictions
}

/// Returns the policy violation for a refusal.
fn violation(denial: &Denial) -> Violation {
    let policy = denial.policy.as_ref().map_or_else(
        || denial.by.clone(),
        |policy| format!("{policy} (by the {})", denial.by),
    );
    Violation {
        binding: denial.binding.clone(),
        rule: denial.rule.clone(),
        message: denial.message.clone(),
        ..Violation::of(Enforcement::Denied, policy)
    }
}

fn apply(declared: &DeclaredManifest<'_>, live: &LiveObject, field_managers: &[String]) -> Apply {
    let mut manifest = declared.manifest.value();
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        // The server refuses these fields in an apply.
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
        if let Some(namespace) = &declared.key.namespace {
            metadata.insert("namespace".to_owned(), namespace.clone().into());
        }
    }
    Apply {
        wanted: ObjectRequest {
            key: declared.key.clone(),
            kind: Arc::clone(&declared.kind),
        },
        manager: manager(live, field_managers),
        manifest,
    }
}

/// Returns the manager to dry-run the apply as.
fn manager(live: &LiveObject, field_managers: &[String]) -> String {
    if let [named, ..] = field_managers {
        return named.clone();
    }
    let owners = ownership_of(&live.value().unwrap_or_default());
    let mut entries = owners.entries.iter().map(|entry| &entry.owner);
    let applier =
        entries.find(|owner| owner.operation == Operation::Apply && owner.subresource.is_none());
    applier.map_or_else(|| MANAGER.to_owned(), |owner| owner.manager.clone())
}

impl Predictions {
    /// Returns the predicted object, without fields that the server maintains.
    fn of(&self, key: &ResourceKey) -> Option<Value> {
        let mut value = self.objects.get(key)?.value().ok()?;
        value.as_object_mut()?.remove("status");
        let metadata = value.get_mut("metadata")?.as_object_mut()?;
        for field in SERVER_METADATA {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations") {
            annotations.as_object_mut()?.remove(LAST_APPLIED);
        }
        Some(value)
    }
}

/// Replaces findings by the server's prediction: a declared field drifted if an apply would change
/// it. Additions by others stay, because an apply leaves them alone.
fn merge(findings: Vec<Difference>, predicted: Vec<Difference>) -> Vec<Difference> {
    let changes: Vec<Difference> = predicted
        .into_iter()
        .filter(|finding| finding.reason.is_none())
        .collect();
    let is_predicted = |finding: &Difference| {
        let mut changes = changes.iter();
        changes.any(|change| meet(&change.change.path, &finding.change.path))
    };
    let mut explained: Vec<Difference> = Vec::new();
    for mut finding in findings {
        if is_predicted(&finding) {
            continue;
        }
        if finding.change.kind != ChangeKind::Added && finding.reason.is_none() {
            finding.reason = Some(Reason::from(Explanation::AdmissionChanged));
        }
        explained.push(finding);
    }
    explained.extend(changes);
    explained.sort_by(|a, b| a.change.path.cmp(&b.change.path));
    explained
}

/// Returns whether one path is at or below the other.
fn meet(one: &FieldPath, other: &FieldPath) -> bool {
    one.starts_with(other) || other.starts_with(one)
}
