//! Formats a difference for the file of decisions, so that it can be parsed again.

use jiff::Timestamp;

use super::rows::{ReportRow, values};
use super::{escape, words};
use crate::model::{JudgedChange, ObjectReport};

/// The length limit of a value.
const LONGEST_VALUE: usize = 60;

/// One difference, each part of it on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoText {
    /// `Deployment.apps/shop/cart`, in quotes if a name contains a blank.
    pub object: String,
    /// `.spec.replicas`; `.` for the whole object.
    pub path: String,
    /// `~ 3 to 5`, `missing in the cluster`
    pub what: String,
    /// `bob (kubectl-edit) 2m ago`
    pub who: String,
}

/// Describes a difference of an object without secrets: one change, or the object as a whole.
pub fn todo_text(
    object: &ObjectReport,
    drift: Option<&JudgedChange>,
    now: Option<Timestamp>,
) -> TodoText {
    let row = ReportRow {
        object,
        drift,
        violation: None,
        severity: None,
    };
    let what = match drift {
        Some(drift) => format!("{} {}", row.sign(), values(drift, LONGEST_VALUE)),
        None => row.what(false, LONGEST_VALUE),
    };
    let path = drift.map(|drift| drift.change.path.to_string());
    TodoText {
        object: word(words::name(&object.key)),
        path: escape::line(path.as_deref().unwrap_or(".")).into_owned(),
        what: escape::line(what.trim_end()).into_owned(),
        who: words::latest_writer(row.owners().iter(), now).unwrap_or_default(),
    }
}

/// Returns text quoted as one word.
fn word(text: String) -> String {
    match text.contains(|c: char| c.is_whitespace() || c == '"') {
        true => serde_json::Value::from(text).to_string(),
        false => text,
    }
}
