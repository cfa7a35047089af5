//! Explains a change where formats show only two values: what merging does to it, and how it came
//! about.

use super::finding::conflict;
use super::{escape, words};
use crate::model::{JudgedChange, MergeClass};

/// Returns `CONFLICT at .spec.replicas: base 3, branch 5, live 8; merging overwrites …`, or
/// `dropped at .metadata.labels.a: the last apply declared it …`.
pub fn lines(drift: &JudgedChange) -> Vec<String> {
    let path = drift.change.path.to_string();
    let path = escape::line(&path);
    let merged = drift.merge.as_ref().map(|merge| match merge.class {
        MergeClass::Conflict => conflict(drift),
        class => format!("{} at {path}: {}", class.as_str(), words::merging(class)),
    });
    let cause = drift
        .cause
        .map(|cause| format!("{} at {path}: {}", cause.as_str(), cause.meaning()));
    merged.into_iter().chain(cause).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Change, ChangeCause, Merge, Verdict};

    #[test]
    fn explains_classes_and_causes() {
        let drift = |class: Option<MergeClass>, cause| {
            let path = ".spec.replicas".parse().unwrap();
            let change = Change::between(path, Some(json!(5)), Some(json!(8)));
            let mut drift = JudgedChange::new(change, Verdict::Reported);
            drift.cause = cause;
            drift.merge = class.map(|class| Merge {
                class,
                base: Some(json!(3)),
            });
            drift
        };
        assert!(lines(&drift(None, None)).is_empty());
        assert_eq!(
            lines(&drift(Some(MergeClass::Conflict), None)),
            [
                "CONFLICT at .spec.replicas: base 3, branch 5, live 8; merging overwrites what \
                 someone changed live"
            ]
        );
        assert_eq!(
            lines(&drift(
                Some(MergeClass::Drift),
                Some(ChangeCause::Unattributed)
            )),
            [
                "drift at .spec.replicas: changed live, and the branch does not change it",
                "unattributed at .spec.replicas: the live object does not record who wrote it",
            ]
        );
    }
}
