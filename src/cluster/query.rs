//! A query for objects that are not known by name.

use std::fmt;

use serde_json::Value;

/// Which objects are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// The version to read them at.
    pub api_version: &'q str,
    /// Their kind.
    pub kind: &'q str,
    /// Their namespace; `None` for all.
    pub namespace: Option<&'q str>,
    /// The labels that all of them have.
    pub labels: &'q [Label<'q>],
    /// Whether their metadata is enough. More may be returned anyway.
    pub metadata_only: bool,
}

impl Query<'_> {
    /// Returns whether an object has the labels.
    pub fn selects(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        let value = |key: &str| labels.and_then(|labels| labels.get(key));
        self.labels.iter().all(|label| match label {
            Label::Is(key, wanted) => value(key).is_some_and(|value| value == wanted),
            Label::IsNot(key, unwanted) => value(key).is_none_or(|value| value != unwanted),
        })
    }
}

/// A condition on a label, as in a label selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label<'q> {
    /// It exists and has this value.
    Is(&'q str, &'q str),
    /// It does not exist, or has another value.
    IsNot(&'q str, &'q str),
}

/// Returns `owner=helm`.
impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(key, value) => write!(f, "{key}={value}"),
            Self::IsNot(key, value) => write!(f, "{key}!={value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_select_as_in_kubernetes() {
        let selects = |labels: &[Label<'_>]| {
            let query = Query {
                api_version: "v1",
                kind: "Secret",
                namespace: None,
                labels,
                metadata_only: false,
            };
            query.selects(&json!({"metadata": {"labels": {"owner": "helm"}}}))
        };
        assert!(selects(&[]));
        assert!(selects(&[Label::Is("owner", "helm")]));
        assert!(!selects(&[Label::Is("owner", "flux")]));
        assert!(!selects(&[Label::Is("status", "deployed")]));
        assert!(selects(&[Label::IsNot("status", "superseded")]));
        assert!(!selects(&[Label::IsNot("owner", "helm")]));
    }
}
