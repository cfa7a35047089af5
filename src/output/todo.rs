//! A difference as a file of decisions tells it, in words that can be found again.

use jiff::Timestamp;

use super::rows::{Row, values};
use super::{escape, words};
use crate::model::{JudgedChange, ObjectReport};

/// Characters of a value.
const LONGEST_VALUE: usize = 60;

/// One difference, each part of it in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoText {
    /// `Deployment.apps/shop/cart`, in quotes where a name has a blank.
    pub object: String,
    /// `.spec.replicas`; `.` for the object as a whole.
    pub path: String,
    /// `~ 3 to 5`, `missing in the cluster`
    pub what: String,
    /// `bob (kubectl-edit) 2m ago`
    pub who: String,
}

/// Tells a difference of an object without secrets: of one change, or of the object as a whole.
pub fn todo_text(
    object: &ObjectReport,
    drift: Option<&JudgedChange>,
    now: Option<Timestamp>,
) -> TodoText {
    let row = Row {
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
        who: words::latest(row.owners().iter(), now).unwrap_or_default(),
    }
}

/// Returns a text that is read as one word.
fn word(text: String) -> String {
    match text.contains(|c: char| c.is_whitespace() || c == '"') {
        true => serde_json::Value::from(text).to_string(),
        false => text,
    }
}
