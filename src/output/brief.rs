//! Formats values within a sentence.

use serde_json::Value;

use super::{differ, escape, three, view, words, yaml_text};
use crate::model::{FieldPath, JudgedChange, PathElement};

/// How many characters of a value are shown within a sentence.
const LONGEST_VALUE: usize = 80;

/// The limit on regions of a text in conflict.
const MOST_REGIONS: usize = 8;

/// How many differences within a list or a block are listed.
const MOST_DIFFERENCES: usize = 3;

/// Returns the three values of a conflict on one line, or a line for each region of a text in which
/// they differ.
pub(super) fn in_conflict(drift: &JudgedChange, between: &str) -> Vec<String> {
    let values = view::three_values(drift);
    let [base, branch, live] = values.map(|(_, value)| value);
    if let Some(regions) = three::regions(base, branch, live, LONGEST_VALUE) {
        let more = regions.len().saturating_sub(MOST_REGIONS);
        let said = regions.iter().take(MOST_REGIONS);
        let mut said: Vec<String> = said
            .map(|region| escape::line(&region.in_words()).into_owned())
            .collect();
        if more > 0 {
            said.push(format!("{} more", words::count(more, "place")));
        }
        return said;
    }
    let texts = values.map(|(_, value)| value.map(|value| differ::flow(value, usize::MAX)));
    let present: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    let mut cut = differ::cut_all_around(&present, LONGEST_VALUE).into_iter();
    let said = values.iter().zip(&texts).map(|((name, _), text)| {
        let text = text.as_ref().and_then(|_| cut.next());
        format!("{name} {}", text.as_deref().unwrap_or("nothing"))
    });
    vec![escape::line(&said.collect::<Vec<_>>().join(between)).into_owned()]
}

/// Returns a value on one line as people write it there: file modes are octal.
pub fn scalar_at(path: &FieldPath, value: &Value) -> String {
    let is_mode = match path.0.last() {
        Some(PathElement::Field(name)) => matches!(name.as_str(), "defaultMode" | "mode"),
        _ => false,
    };
    match value.as_u64().filter(|mode| is_mode && *mode <= 0o7777) {
        Some(mode) => format!("{mode:04o}"),
        None => yaml_text::scalar(value),
    }
}

/// Returns whether a value fits on one line.
pub(super) fn is_simple(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\n'),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    }
}

/// Returns two values on one line each, cut so that the difference stays visible.
pub(super) fn pair(declared: &Value, live: &Value) -> [String; 2] {
    let [declared, live] = [declared, live].map(yaml_text::scalar);
    differ::cut_around(&declared, &live, LONGEST_VALUE)
}

/// Returns how two values differ, in a phrase: `3 to 5`; `added * on secrets`; `line 12 "a" to
/// "b"`.
pub(super) fn brief_difference(declared: &Value, live: &Value) -> String {
    let said = match (declared, live) {
        _ if declared == live => return "(values hidden)".to_owned(),
        _ if is_simple(declared) && is_simple(live) => {
            let [declared, live] = pair(declared, live);
            return format!("{declared} to {live}");
        }
        (Value::String(ours), Value::String(theirs)) => match differ::first_lines(ours, theirs) {
            Some((line, a, b)) => {
                let [a, b] = pair(&Value::from(a), &Value::from(b));
                format!("line {line} {a} to {b}")
            }
            None => "the end of the text".to_owned(),
        },
        _ => differ::in_words(
            &differ::by_path(declared, live),
            MOST_DIFFERENCES,
            LONGEST_VALUE,
        ),
    };
    escape::line(&said).into_owned()
}

/// Returns a value within a sentence: all of it if short, else a description.
pub fn brief(value: &Value) -> String {
    let lines = |text: &str| words::count(text.lines().count(), "line");
    match value {
        Value::String(text) if text.contains('\n') => format!("a text of {}", lines(text)),
        Value::Array(items) if !items.is_empty() => {
            format!("a list of {}", words::count(items.len(), "item"))
        }
        Value::Object(fields) if !fields.is_empty() => {
            format!("a block of {}", words::count(fields.len(), "field"))
        }
        scalar => {
            let text = yaml_text::scalar(scalar);
            let mut shown: String = text.chars().take(LONGEST_VALUE).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            shown
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn file_modes_are_octal() {
        let at = |path: &str, value| scalar_at(&path.parse().unwrap(), &value);
        assert_eq!(at(".secret.defaultMode", json!(420)), "0644");
        assert_eq!(at(".items[key=\"a\"].mode", json!(256)), "0400");
        assert_eq!(at(".spec.replicas", json!(420)), "420");
        assert_eq!(at(".data.mode", json!("fast")), "fast");
    }
}
