//! Edits generators of ConfigMaps and Secrets: literals, and files whose text is a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{EditCandidate, EditedTexts, Intent, field, items, path_in_folder};
use crate::engine::backport::trial::KustomizationLayer;
use crate::model::{ChangeKind, ManifestStep, PathElement};

/// Returns the edits that add a generator with `behavior: merge` for a generator of a base.
pub(super) fn merged(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    layers: &[KustomizationLayer],
    texts: &EditedTexts<'_>,
) -> Option<EditCandidate> {
    let (list, key, to) = requested_key(intent)?;
    let to = to?;
    let here = items(&layer.fields, list);
    let name = |entry: &Value| entry.get("name").and_then(Value::as_str).map(str::to_owned);
    let known: Vec<String> = here.iter().filter_map(name).collect();
    let below = layers.iter().filter(|other| other.file != layer.file);
    let mut names = below
        .flat_map(|other| items(&other.fields, list))
        .filter_map(name);
    let name = names.find(|name| intent.name().contains(name) && !known.contains(name))?;
    let mut all = here.to_vec();
    all.push(json!({
        "name": name, "behavior": "merge", "literals": [format!("{key}={to}")],
    }));
    EditCandidate::field(
        texts,
        &layer.file,
        1,
        &[field(list)],
        Some(&Value::Array(all)),
    )
}

/// Returns the list of generators that the object may come from.
fn list_of(intent: &Intent<'_>) -> Option<&'static str> {
    match intent.kind() {
        "ConfigMap" => Some("configMapGenerator"),
        "Secret" => Some("secretGenerator"),
        _ => None,
    }
}

/// Returns the name in the generator of a generated object: without prefix, suffix and hash.
pub(super) fn name<'l>(intent: &Intent<'_>, layers: &'l [KustomizationLayer]) -> Option<&'l str> {
    let list = list_of(intent)?;
    let entries = layers.iter().flat_map(|layer| items(&layer.fields, list));
    let names = entries.filter_map(|entry| entry.get("name")?.as_str());
    let own = names.filter(|name| intent.name().contains(name));
    own.max_by_key(|name| name.len())
}

/// Returns the list of generators that the object may come from, the key, and its new text; `None`
/// for the text removes the key.
fn requested_key<'i>(intent: &'i Intent<'_>) -> Option<(&'static str, &'i str, Option<String>)> {
    let list = list_of(intent)?;
    let [PathElement::Field(of), PathElement::Field(key)] = &intent.change.path.0[..] else {
        return None;
    };
    if of != "data" {
        return None;
    }
    let Some(to) = intent.to() else {
        return Some((list, key, None));
    };
    let text = to.as_str()?;
    let text = match intent.kind() {
        "Secret" => String::from_utf8(STANDARD.decode(text).ok()?).ok()?,
        _ => text.to_owned(),
    };
    Some((list, key, Some(text)))
}

/// A generator that may have generated an object.
struct Generator<'g> {
    /// The kustomization.
    layer: &'g KustomizationLayer,
    /// The path to the generator in its kustomization.
    way: Vec<ManifestStep>,
    fields: &'g serde_json::Map<String, Value>,
    key: &'g str,
    /// The new text of the key; `None` to remove it.
    to: Option<String>,
    is_added: bool,
}

/// Returns the possible edits of generators and of the files that they read.
pub(super) fn edits(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let Some((list, key, to)) = requested_key(intent) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, entry) in items(&layer.fields, list).iter().enumerate() {
        let Value::Object(fields) = entry else {
            continue;
        };
        let name = fields.get("name").and_then(Value::as_str);
        if name.is_none_or(|name| !intent.name().contains(name)) {
            continue;
        }
        let generator = Generator {
            layer,
            way: vec![field(list), ManifestStep::Index(index)],
            fields,
            key,
            to: to.clone(),
            is_added: intent.change.kind == ChangeKind::Added,
        };
        found.extend(generator.literals(texts));
        found.extend(generator.files(texts));
        found.extend(generator.lines(texts));
    }
    found
}

impl Generator<'_> {
    /// Edits `literals: [key=value]`.
    fn literals(&self, texts: &EditedTexts<'_>) -> Option<EditCandidate> {
        let literals = items(self.fields, "literals");
        let is_meant = |literal: &Value| {
            let literal = literal.as_str().and_then(|literal| literal.split_once('='));
            literal.is_some_and(|(key, _)| key == self.key)
        };
        let mut way = self.way.clone();
        way.push(field("literals"));
        let made = self
            .to
            .as_ref()
            .map(|to| Value::from(format!("{}={to}", self.key)));
        let mut changed = literals.to_vec();
        match (literals.iter().position(is_meant), made) {
            (Some(at), Some(made)) => *changed.get_mut(at)? = made,
            (Some(at), None) => drop(changed.remove(at)),
            (None, Some(made)) if self.is_added => changed.push(made),
            (None, _) => return None,
        }
        let changed = (!changed.is_empty()).then_some(Value::Array(changed));
        EditCandidate::field(texts, &self.layer.file, 1, &way, changed.as_ref())
    }

    /// Edits `files: [key=path]`, where the value is the text of the file.
    fn files(&self, texts: &EditedTexts<'_>) -> Option<EditCandidate> {
        let files = items(self.fields, "files");
        let key_and_path = |entry: &'_ Value| -> Option<(String, String)> {
            let entry = entry.as_str()?;
            Some(match entry.rsplit_once('=') {
                Some((key, path)) => (key.to_owned(), path.to_owned()),
                None => {
                    let name = entry.rsplit('/').next()?;
                    (name.to_owned(), entry.to_owned())
                }
            })
        };
        let mut all = files.iter().enumerate();
        let (at, path) = all.find_map(|(at, entry)| {
            let (key, path) = key_and_path(entry)?;
            (key == self.key).then_some((at, path))
        })?;
        match &self.to {
            Some(to) => {
                let file = path_in_folder(&self.layer.folder, &path);
                texts.of(&file)?;
                Some(EditCandidate::text(&file, to.clone()))
            }
            None => {
                let mut way = self.way.clone();
                way.push(field("files"));
                let mut left = files.to_vec();
                left.remove(at);
                let left = (!left.is_empty()).then_some(Value::Array(left));
                EditCandidate::field(texts, &self.layer.file, 1, &way, left.as_ref())
            }
        }
    }

    /// Edits `envs: [path]`, where the value is on a line of the file.
    fn lines(&self, texts: &EditedTexts<'_>) -> Option<EditCandidate> {
        let envs = items(self.fields, "envs").iter().filter_map(Value::as_str);
        let env = self.fields.get("env").and_then(Value::as_str);
        let mut files = envs
            .chain(env)
            .map(|path| path_in_folder(&self.layer.folder, path));
        let is_meant = |line: &str| {
            let key = line.split_once('=').map(|(key, _)| key.trim());
            key == Some(self.key)
        };
        let text = self.to.as_ref().filter(|to| !to.contains(['\n', '\r']));
        let made = match (&self.to, text) {
            (Some(_), None) => return None,
            (_, text) => text.map(|to| format!("{}={to}", self.key)),
        };
        files.find_map(|file| {
            let before = texts.of(&file)?;
            let mut lines: Vec<&str> = before.split_inclusive('\n').collect();
            let at = lines.iter().position(|line| is_meant(line));
            let written;
            match (at, &made) {
                (Some(at), Some(made)) => {
                    let line = lines.get(at)?;
                    let body = line.trim_end_matches(['\n', '\r']);
                    written = format!("{made}{}", &line[body.len()..]);
                    *lines.get_mut(at)? = &written;
                }
                (Some(at), None) => drop(lines.remove(at)),
                (None, Some(made)) if self.is_added => {
                    let is_ended = before.is_empty() || before.ends_with('\n');
                    let gap = if is_ended { "" } else { "\n" };
                    written = format!("{gap}{made}\n");
                    lines.push(&written);
                }
                (None, _) => return None,
            }
            Some(EditCandidate::text(&file, lines.concat()))
        })
    }
}
