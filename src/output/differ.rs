//! Finds where two values differ, if there is no room to show both: by path within lists, blocks
//! and embedded documents, and cut around the difference within a long line.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{words, yaml_text};
use crate::model::{FieldPath, PathElement};
use crate::yaml;

/// How many shared characters are shown on either side of a difference.
const AROUND: usize = 16;

/// Longer texts, in bytes, are not parsed as documents.
const LONGEST_DOCUMENT: usize = 1 << 20;

/// Fields that identify the items of a list if each item has its own value.
const KEYS: [&str; 4] = ["name", "id", "key", "uid"];

/// A path at which two values differ.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferingPath {
    /// The path from the root of both values.
    pub path: FieldPath,
    /// The first value.
    pub declared: Option<Value>,
    /// The second value.
    pub live: Option<Value>,
}

/// Returns the paths at which two values differ, in the order of the first.
pub fn by_path(declared: &Value, live: &Value) -> Vec<DifferingPath> {
    let mut leaves = Vec::new();
    walk(
        &mut FieldPath::root(),
        Some(declared),
        Some(live),
        &mut leaves,
    );
    leaves
}

fn walk(
    path: &mut FieldPath,
    declared: Option<&Value>,
    live: Option<&Value>,
    leaves: &mut Vec<DifferingPath>,
) {
    match (declared, live) {
        (Some(a), Some(b)) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let others = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(others) {
                path.0.push(PathElement::Field(key.clone()));
                walk(path, a.get(key), b.get(key), leaves);
                path.0.pop();
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => items(path, a, b, leaves),
        _ => leaves.push(DifferingPath {
            path: path.clone(),
            declared: declared.cloned(),
            live: live.cloned(),
        }),
    }
}

fn items(path: &mut FieldPath, a: &[Value], b: &[Value], leaves: &mut Vec<DifferingPath>) {
    if let Some((key, ours, theirs)) = keyed(a, b) {
        let names = ours
            .keys()
            .chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
        for name in names {
            let id = BTreeMap::from([(key.to_owned(), Value::from(name.as_str()))]);
            path.0.push(PathElement::Key(id));
            walk(
                path,
                ours.get(name).copied(),
                theirs.get(name).copied(),
                leaves,
            );
            path.0.pop();
        }
        return;
    }
    let texts = [a, b].map(|items| items.iter().map(Value::to_string).collect::<Vec<_>>());
    for op in capture_diff_slices(Algorithm::Myers, &texts[0], &texts[1]) {
        let (ours, theirs) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        for at in 0..ours.len().max(theirs.len()) {
            let (of_a, of_b) = (a[ours.clone()].get(at), b[theirs.clone()].get(at));
            let start = if of_a.is_some() {
                ours.start
            } else {
                theirs.start
            };
            path.0.push(PathElement::Index(start + at));
            walk(path, of_a, of_b, leaves);
            path.0.pop();
        }
    }
}

/// Returns the items of both lists by an identifying field.
type KeyedItems<'v> = (
    &'static str,
    BTreeMap<String, &'v Value>,
    BTreeMap<String, &'v Value>,
);

fn keyed<'v>(a: &'v [Value], b: &'v [Value]) -> Option<KeyedItems<'v>> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let by = |key: &str, items: &'v [Value]| {
        let mut named = BTreeMap::new();
        for item in items {
            let name = match item.get(key)? {
                Value::String(name) => name.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            if named.insert(name, item).is_some() {
                return None;
            }
        }
        Some(named)
    };
    KEYS.into_iter()
        .find_map(|key| Some((key, by(key, a)?, by(key, b)?)))
}

/// The document type of two texts, and where the documents differ.
pub struct EmbeddedDocument {
    /// `JSON` or `YAML`.
    pub format: &'static str,
    /// Where they differ; empty if they mean the same.
    pub leaves: Vec<DifferingPath>,
}

/// Compares two texts as JSON or YAML; `None` if they are neither.
pub fn embedded(declared: &str, live: &str) -> Option<EmbeddedDocument> {
    if declared.len().max(live.len()) > LONGEST_DOCUMENT {
        return None;
    }
    let json = |text: &str| {
        let is_json = text.trim_start().starts_with(['{', '[']);
        let value: Value = is_json.then(|| serde_json::from_str(text).ok()).flatten()?;
        Some(value)
    };
    let (format, a, b) = match (json(declared), json(live)) {
        (Some(a), Some(b)) => ("JSON", a, b),
        _ => ("YAML", document(declared)?, document(live)?),
    };
    Some(EmbeddedDocument {
        format,
        leaves: by_path(&a, &b),
    })
}

/// Returns the single YAML document of multi-line text, if it is a list or a map.
fn document(text: &str) -> Option<Value> {
    if !text.trim_end().contains('\n') {
        return None;
    }
    let parsed = yaml::parse(text);
    let mut documents = parsed.documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) if parsed.problems.is_empty() => {
            let is_tree = matches!(only.value, Value::Object(_) | Value::Array(_));
            is_tree.then_some(only.value)
        }
        _ => None,
    }
}

/// Returns both lines with their shared parts cut down to what is next to the difference, in at
/// most about `most` characters each. Short lines stay as they are.
pub fn cut_around(declared: &str, live: &str, most: usize) -> [String; 2] {
    let mut cut = cut_all_around(&[declared, live], most).into_iter();
    [(); 2].map(|()| cut.next().unwrap_or_default())
}

/// Does the same for any number of lines.
pub fn cut_all_around(lines: &[&str], most: usize) -> Vec<String> {
    let lines: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let shortest = lines.iter().map(Vec::len).min().unwrap_or(0);
    let all_share = |at: &dyn Fn(&Vec<char>) -> Option<char>| {
        let mut found = lines.iter().map(at);
        let first = found.next();
        found.all(|one| Some(one) == first)
    };
    let start = (0..shortest)
        .take_while(|i| all_share(&|line| line.get(*i).copied()))
        .count();
    let end = (1..=shortest - start)
        .take_while(|i| all_share(&|line| line.get(line.len() - i).copied()))
        .count();
    let cut = lines.iter().map(|line| {
        if line.len() <= most {
            return line.iter().collect();
        }
        let from = start.saturating_sub(AROUND);
        let to = (line.len() - end + AROUND).min(line.len());
        let shown = to.min(from + most.max(2 * AROUND));
        let mut cut = String::new();
        if from > 0 {
            cut.push('…');
        }
        cut.extend(&line[from..shown]);
        if shown < line.len() {
            cut.push('…');
        }
        cut
    });
    cut.collect()
}

/// Returns the number of the first line in which two multi-line texts differ, and both lines.
pub fn first_lines<'t>(declared: &'t str, live: &'t str) -> Option<(usize, &'t str, &'t str)> {
    let (mut ours, mut theirs) = (declared.lines(), live.lines());
    for number in 1.. {
        match (ours.next(), theirs.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some((number, a.unwrap_or(""), b.unwrap_or(""))),
        }
    }
    None
}

/// Returns a value on one line, cut if it is longer than `most` characters.
pub fn flow(value: &Value, most: usize) -> String {
    let text = match value {
        Value::Array(_) | Value::Object(_) => match rbac_rule(value) {
            Some(rule) => rule,
            None => value.to_string(),
        },
        scalar => yaml_text::scalar(scalar),
    };
    cut(&text, most)
}

/// Returns text, cut if it is longer than `most` characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Returns what a rule of a Role grants: `get, list on pods, services`; `None` if it is not such a
/// rule.
pub fn rbac_rule(value: &Value) -> Option<String> {
    let rule = value.as_object()?;
    let list = |name: &str| -> Option<Vec<String>> {
        let items = rule.get(name)?.as_array()?.iter();
        let texts: Option<Vec<_>> = items.map(|item| item.as_str().map(str::to_owned)).collect();
        texts.filter(|texts| !texts.is_empty())
    };
    let known = [
        "verbs",
        "resources",
        "apiGroups",
        "resourceNames",
        "nonResourceURLs",
    ];
    if !rule.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let verbs = list("verbs")?.join(", ");
    if let Some(urls) = list("nonResourceURLs") {
        return Some(format!("{verbs} on {}", urls.join(", ")));
    }
    let groups = list("apiGroups").unwrap_or_default();
    let groups: Vec<_> = groups.iter().filter(|group| !group.is_empty()).collect();
    let of = match groups[..] {
        [] => String::new(),
        [group] => format!(".{group}"),
        _ => format!(
            ".({})",
            groups
                .iter()
                .map(|group| group.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let resources = list("resources")?
        .iter()
        .map(|one| format!("{one}{of}"))
        .collect::<Vec<_>>();
    let mut said = format!("{verbs} on {}", resources.join(", "));
    if let Some(names) = list("resourceNames") {
        said.push_str(&format!(" named {}", names.join(", ")));
    }
    Some(said)
}

/// Returns differences in a few words each: `added * on secrets`, `[name="a"].port 80 → 81`.
pub fn in_words(leaves: &[DifferingPath], most: usize, width: usize) -> String {
    let said = leaves.iter().take(most).map(|leaf| {
        let item = match leaf.path.0.last() {
            Some(PathElement::Index(_)) if leaf.path.0.len() == 1 => String::new(),
            _ => format!(" {}", leaf.path),
        };
        match (&leaf.declared, &leaf.live) {
            (Some(a), Some(b)) => {
                let [a, b] = cut_around(&flow(a, 4_000), &flow(b, 4_000), width);
                format!("changed{item} {a} to {b}")
            }
            (Some(a), None) => format!("removed{item} {}", flow(a, width)),
            (None, Some(b)) => format!("added{item} {}", flow(b, width)),
            (None, None) => String::new(),
        }
    });
    let mut said: Vec<String> = said.collect();
    if leaves.len() > most {
        said.push(format!(
            "{} more",
            words::count(leaves.len() - most, "difference")
        ));
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(a: &Value, b: &Value) -> Vec<String> {
        let leaves = by_path(a, b);
        leaves.iter().map(|leaf| leaf.path.to_string()).collect()
    }

    #[test]
    fn compares_values_by_path() {
        let a = json!({"panels": [{"id": 1, "t": "a"}, {"id": 2, "t": "b"}], "v": 1});
        let b = json!({"panels": [{"id": 2, "t": "B"}, {"id": 1, "t": "a"}], "w": 1});
        assert_eq!(paths(&a, &b), [".panels[id=\"2\"].t", ".v", ".w"]);
        let (a, b) = (json!(["x", "y", "z"]), json!(["x", "z", "q"]));
        assert_eq!(paths(&a, &b), ["[1]", "[2]"]);
        assert_eq!(paths(&json!([{"a": 1}]), &json!([{"a": 2}])), ["[0].a"]);
    }

    #[test]
    fn compares_documents_within_texts() {
        let found = embedded("{\"a\": [1,2]}", "{ \"a\":[1,3] }").unwrap();
        assert_eq!((found.format, found.leaves.len()), ("JSON", 1));
        assert!(
            embedded("{\"a\":1}", "{ \"a\" : 1 }")
                .unwrap()
                .leaves
                .is_empty()
        );
        let found = embedded("a: 1\nb: 2\n", "b: 2\na: 3\n").unwrap();
        assert_eq!((found.format, found.leaves.len()), ("YAML", 1));
        assert!(embedded("plain text", "other text").is_none());
        assert!(embedded("key0=v0\nkey1=v1\n", "key0=v0\nkey1=v2\n").is_none());
    }

    #[test]
    fn cuts_long_lines_around_the_difference() {
        let (a, b) = ("x".repeat(500), "y".repeat(500));
        let line = |middle: &str| format!("{a}{middle}{b}");
        let [ours, theirs] = cut_around(&line("one"), &line("two"), 60);
        assert!(
            ours.contains("one") && theirs.contains("two"),
            "{ours} {theirs}"
        );
        assert!(ours.chars().count() <= 62, "{ours}");
        assert_eq!(cut_around("a", "b", 60), ["a", "b"]);
        let [ours, theirs] = cut_around(&a, &format!("{a}!"), 60);
        assert_ne!(ours, theirs);
    }

    #[test]
    fn describes_rules_of_roles_in_words() {
        let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]});
        assert_eq!(rbac_rule(&rule).unwrap(), "* on secrets");
        let rule = json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"], "resourceNames": ["cart"]});
        assert_eq!(
            rbac_rule(&rule).unwrap(),
            "get, list on deployments.apps named cart"
        );
        assert_eq!(rbac_rule(&json!({"verbs": ["get"], "port": 1})), None);
        let (a, b) = (
            json!([]),
            json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}]),
        );
        assert_eq!(in_words(&by_path(&a, &b), 3, 60), "added * on secrets");
    }
}
