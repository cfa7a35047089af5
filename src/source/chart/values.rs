//! Merges the values of charts.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::source::read;
use crate::yaml;

/// Merges values as Helm does: mappings recursively; all other values are replaced.
pub(in crate::source) fn lay_over(below: &mut Value, over: Value) {
    match (below, over) {
        (Value::Object(below), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, over) => *below = over,
    }
}

/// Returns the merged values of files, of which later ones override earlier ones.
///
/// # Errors
/// Fails if one of them cannot be read.
pub(in crate::source) fn of_files(files: &[PathBuf]) -> Result<Value, String> {
    let mut all = Value::Object(Map::new());
    for file in files {
        let name = file.file_name().unwrap_or_default().display().to_string();
        let of_file = |why: String| format!("{name}: {why}");
        let bytes = read::file(file).map_err(of_file)?;
        let text = yaml::decode(bytes).map_err(|problem| of_file(problem.to_string()))?;
        let values = of_text(&text).map_err(of_file)?;
        lay_over(&mut all, values);
    }
    Ok(all)
}

/// Returns the values in text.
///
/// # Errors
/// Fails if it is not YAML.
pub(in crate::source) fn of_text(text: &str) -> Result<Value, String> {
    let parsed = yaml::parse(text);
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.fatal) {
        return Err(problem.to_string());
    }
    let document = parsed.documents.into_iter().next();
    let value = document.map_or(Value::Null, |document| document.value);
    Ok(match value {
        Value::Null => Value::Object(Map::new()),
        value => value,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merges_mappings_and_replaces_lists() {
        let mut below = json!({"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}});
        lay_over(&mut below, json!({"a": {"c": [3]}, "d": null}));
        assert_eq!(below, json!({"a": {"b": 1, "c": [3]}, "d": null}));
    }

    #[test]
    fn an_empty_text_has_no_values() {
        assert_eq!(of_text("# nothing\n"), Ok(json!({})));
        assert!(of_text("a: [").is_err());
    }
}
