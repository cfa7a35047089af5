//! Explains missing Jobs: with `ttlSecondsAfterFinished`, a Job is deleted once it has finished
//! (`pkg/controller/ttlafterfinished`).

use serde_json::Value;

use crate::judge::{Explainer, ExplainerInput, Knowledge, ObjectExplainer};
use crate::model::{Explanation, ResourceKey};

/// Explains missing Jobs that have finished.
pub struct FinishedJobs;

impl Explainer for FinishedJobs {
    fn id(&self) -> &'static str {
        "finished-job"
    }

    fn about(&self) -> &'static str {
        "Kubernetes removes a Job once it has finished, as ttlSecondsAfterFinished says."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut jobs = run.declared.iter().filter(|one| is_job(&one.key));
        jobs.next()?;
        Some(Box::new(Self))
    }
}

impl Knowledge for FinishedJobs {
    fn missing(&self, key: &ResourceKey, declared: &Value) -> Option<ObjectExplainer> {
        let field = |path: &str| declared.pointer(path);
        let is_removed = is_job(key)
            && field("/spec/ttlSecondsAfterFinished").is_some_and(Value::is_number)
            // A Job that is not suspended runs.
            && field("/spec/suspend") != Some(&Value::Bool(true));
        is_removed.then(|| ObjectExplainer {
            explanation: Explanation::ControllerOwned,
            by: self.id().to_owned(),
            about: self.about().to_owned(),
        })
    }
}

fn is_job(key: &ResourceKey) -> bool {
    key.kind == "Job" && key.group == "batch"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn may_be_gone(spec: Value) -> bool {
        let key = ResourceKey::new("batch", "Job", Some("shop".to_owned()), "migrate");
        let explained = FinishedJobs.missing(&key, &json!({"spec": spec}));
        explained.is_some()
    }

    #[test]
    fn only_a_job_with_ttl_that_is_not_suspended_may_be_missing() {
        assert!(may_be_gone(json!({"ttlSecondsAfterFinished": 0})));
        assert!(!may_be_gone(json!({})));
        assert!(!may_be_gone(
            json!({"ttlSecondsAfterFinished": 0, "suspend": true})
        ));
    }
}
