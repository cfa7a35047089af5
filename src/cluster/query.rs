//! A query for objects whose names are not known.

use std::fmt;

use serde_json::Value;

/// Selects objects of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// The API version.
    pub api_version: &'q str,
    /// The kind.
    pub kind: &'q str,
    /// The namespace; `None` for all namespaces.
    pub namespace: Option<&'q str>,
    /// The conditions on labels, all of which must be met.
    pub labels: &'q [Label<'q>],
    /// Whether the metadata is sufficient. Whole objects may be returned nevertheless.
    pub metadata_only: bool,
}

impl Query<'_> {
    /// Returns whether the labels of an object meet the conditions.
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
    /// The label has this value.
    Is(&'q str, &'q str),
    /// The label does not exist, or has another value.
    IsNot(&'q str, &'q str),
}

/// Writes `owner=helm`.
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
    fn label_conditions_select_as_in_kubernetes() {
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
