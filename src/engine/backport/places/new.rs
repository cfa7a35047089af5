//! Adds entries to a kustomization: an image, a number of replicas, or a patch.

use serde_json::{Map, Value, json};

use super::kustomize::{images, is_replicas, with_image};
use super::{
    EditCandidate, EditedTexts, Intent, field, generators, items, path_in_folder, written,
};
use crate::edit;
use crate::engine::backport::trial::KustomizationLayer;
use crate::engine::backport::values::index_of;
use crate::model::PathElement;

/// Returns the edits that add an entry to a kustomization, the shortest first.
pub(super) fn entries(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    layers: &[KustomizationLayer],
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let own = written(intent, texts).map(|(.., written)| written);
    let own = own.as_ref();
    let text = |value: &Value, name: &str| {
        let text = value
            .get("metadata")
            .and_then(|metadata| metadata.get(name));
        text.and_then(Value::as_str).map(str::to_owned)
    };
    let mut entries: Vec<(&str, Value)> = Vec::new();
    if let Some((from, to)) = images(intent) {
        let entry = Map::from_iter([("name".to_owned(), json!(from.name))]);
        entries.push(("images", with_image(&entry, &from, &to)));
    }
    let name = own.and_then(|own| text(own, "name"));
    // A generated object gets its hash last, after the patches.
    let name = name.or_else(|| generators::name(intent, layers).map(str::to_owned));
    let name = name.unwrap_or_else(|| intent.name().to_owned());
    if let (true, Some(count)) = (is_replicas(intent), intent.to()) {
        entries.push(("replicas", json!({"name": name, "count": count})));
    }
    // kustomize identifies an object by its current and former names.
    let before = intent.before;
    let namespace = own.and_then(|own| text(own, "namespace"));
    let mut names = vec![(name, namespace)];
    names.push((intent.name().to_owned(), text(before, "namespace")));
    names.dedup();
    for (name, namespace) in &names {
        entries.extend(merge_patch(intent, name, namespace.as_deref()));
    }
    for (name, _) in &names {
        let operations = operations(before, &intent.wanted.value);
        let patch = edit::document(&Value::Array(operations));
        let target = json!({"kind": intent.kind(), "name": name});
        entries.push(("patches", json!({"patch": patch, "target": target})));
    }
    // Transformers run after everything else in a kustomization (labels, images, replicas); those
    // in files run after the inline ones.
    let transformers: Vec<String> = names
        .iter()
        .map(|(name, _)| transformer(intent, name))
        .collect();
    for transformer in &transformers {
        entries.push(("transformers", Value::from(transformer.as_str())));
    }
    let file = items(&layer.fields, "transformers").iter().rev();
    let mut files = file
        .filter_map(Value::as_str)
        .filter(|entry| !entry.contains('\n'));
    let file = files.next().map(|file| path_in_folder(&layer.folder, file));
    let behind = transformers.iter().filter_map(|transformer| {
        let file = file.as_deref()?;
        let text = texts.of(file)?;
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let end = if text.ends_with('\n') { "" } else { newline };
        let lines = transformer.replace('\n', newline);
        let after = format!("{text}{end}---{newline}{lines}{newline}");
        Some(EditCandidate::text(file, after))
    });
    let behind: Vec<EditCandidate> = behind.collect();
    let made = entries.into_iter().filter_map(|(list, entry)| {
        let mut all = items(&layer.fields, list).to_vec();
        all.push(entry);
        let all = Value::Array(all);
        EditCandidate::field(texts, &layer.file, 1, &[field(list)], Some(&all))
    });
    made.chain(behind).collect()
}

/// Returns a transformer that patches the object.
fn transformer(intent: &Intent<'_>, name: &str) -> String {
    let operations = Value::Array(operations(intent.before, &intent.wanted.value));
    edit::document(&json!({
        "apiVersion": "builtin",
        "kind": "PatchTransformer",
        "metadata": {"name": format!("{name}-{}", intent.kind().to_lowercase())},
        "patch": edit::document(&operations),
        "target": {"kind": intent.kind(), "name": name},
    }))
}

/// Returns an entry of `patches` that is a strategic merge patch.
fn merge_patch(
    intent: &Intent<'_>,
    name: &str,
    namespace: Option<&str>,
) -> Option<(&'static str, Value)> {
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    let patch = json!({
        "apiVersion": intent.text("/apiVersion"),
        "kind": intent.kind(),
        "metadata": metadata,
    });
    let patch = merged(intent, &patch)?;
    Some(("patches", json!({"patch": edit::document(&patch)})))
}

/// Returns a strategic merge patch extended by the change.
pub(super) fn merged(intent: &Intent<'_>, patch: &Value) -> Option<Value> {
    let mut merged = patch.clone();
    merge(&mut merged, &intent.change.path.0, intent.to())?;
    Some(merged)
}

fn merge(patch: &mut Value, path: &[PathElement], to: Option<&Value>) -> Option<()> {
    let Some((first, rest)) = path.split_first() else {
        patch.clone_from(to?);
        return Some(());
    };
    match first {
        PathElement::Field(name) => {
            let fields = patch.as_object_mut()?;
            if rest.is_empty() {
                fields.insert(name.clone(), to.cloned().unwrap_or_default());
                return Some(());
            }
            let empty = match rest.first() {
                Some(PathElement::Field(_)) => json!({}),
                _ => json!([]),
            };
            let below = fields.entry(name.clone()).or_insert(Value::Null);
            if below.is_null() {
                *below = empty;
            }
            merge(below, rest, to)
        }
        PathElement::Key(keys) => {
            let at = index_of(patch, first);
            let list = patch.as_array_mut()?;
            let item: Map<String, Value> = keys.clone().into_iter().collect();
            let made = match (rest, to) {
                ([], None) => {
                    let mut gone = item.clone();
                    gone.insert("$patch".to_owned(), json!("delete"));
                    Value::Object(gone)
                }
                ([], Some(to)) => to.clone(),
                (rest, to) => {
                    let mut known = match at.and_then(|at| list.get(at)) {
                        Some(known) => known.clone(),
                        None => Value::Object(item),
                    };
                    merge(&mut known, rest, to)?;
                    known
                }
            };
            match at.and_then(|at| list.get_mut(at)) {
                Some(known) => *known = made,
                None => list.push(made),
            }
            Some(())
        }
        PathElement::Value(_) => {
            patch.as_array_mut()?.push(to?.clone());
            Some(())
        }
        // A strategic merge patch does not support indexes.
        PathElement::Index(_) => None,
    }
}

/// Returns the JSON Patch that turns one object into another. Names of list items are tested first,
/// so that the build fails instead of changing another item if the base changes.
pub(super) fn operations(from: &Value, to: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    differ(from, to, "", &mut found);
    found
}

fn differ(from: &Value, to: &Value, at: &str, found: &mut Vec<Value>) {
    let operation = |op: &str, path: &str, value: Option<&Value>| match value {
        Some(value) => json!({"op": op, "path": path, "value": value}),
        None => json!({"op": op, "path": path}),
    };
    match (from, to) {
        (from, to) if from == to => {}
        (Value::Object(from), Value::Object(to)) => {
            for (name, to) in to {
                let path = format!("{at}/{}", token(name));
                match from.get(name) {
                    Some(from) => differ(from, to, &path, found),
                    None => found.push(operation("add", &path, Some(to))),
                }
            }
            for name in from.keys().filter(|name| !to.contains_key(*name)) {
                found.push(operation("remove", &format!("{at}/{}", token(name)), None));
            }
        }
        (Value::Array(from), Value::Array(to)) if from.len() == to.len() => {
            for (index, (from, to)) in from.iter().zip(to).enumerate() {
                let path = format!("{at}/{index}");
                let first = found.len();
                differ(from, to, &path, found);
                let is_inside = found
                    .get(first)
                    .is_some_and(|one| one["path"] != path.as_str());
                if let (Some(name), true) = (from.get("name"), is_inside) {
                    found.insert(
                        first,
                        operation("test", &format!("{path}/name"), Some(name)),
                    );
                }
            }
        }
        (Value::Array(from), Value::Array(to)) if to.starts_with(from) => {
            for item in to.iter().skip(from.len()) {
                found.push(operation("add", &format!("{at}/-"), Some(item)));
            }
        }
        (Value::Array(from), Value::Array(to)) if to.len() + 1 == from.len() => {
            let same = from.iter().zip(to).take_while(|(from, to)| from == to);
            let gone = same.count();
            let rest = from.get(gone + 1..).unwrap_or_default();
            if to.get(gone..) != Some(rest) {
                return found.push(operation("replace", at, Some(&Value::Array(to.clone()))));
            }
            let path = format!("{at}/{gone}");
            if let Some(name) = from.get(gone).and_then(|item| item.get("name")) {
                found.push(operation("test", &format!("{path}/name"), Some(name)));
            }
            found.push(operation("remove", &path, None));
        }
        (_, to) => found.push(operation("replace", at, Some(to))),
    }
}

fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_test_the_names_of_items() {
        let from = json!({"a": {"b/c": 1}, "l": [{"name": "x", "v": 1}], "m": [1, 2, 3]});
        let to = json!({"a": {"b/c": 2}, "l": [{"name": "x", "v": 2, "w": 3}], "m": [1, 3]});
        let expected = [
            json!({"op": "replace", "path": "/a/b~1c", "value": 2}),
            json!({"op": "test", "path": "/l/0/name", "value": "x"}),
            json!({"op": "replace", "path": "/l/0/v", "value": 2}),
            json!({"op": "add", "path": "/l/0/w", "value": 3}),
            json!({"op": "remove", "path": "/m/1"}),
        ];
        assert_eq!(operations(&from, &to), expected);
    }
}
