//! Edits values of Helm charts: in files, and inline in Applications and HelmReleases. A chart does
//! not record which value sets which field, so likely ones are tried.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{EditCandidate, EditedTexts, Intent, field};
use crate::edit::edit;
use crate::engine::backport::items::overlay_item;
use crate::engine::backport::trial::{RenderEdits, RenderScope};
use crate::engine::backport::values;
use crate::model::{ChangeKind, ManifestStep, PathElement};
use crate::yaml::{self, YamlDocument};

/// A tree of values, and where it is.
struct ValuesTree {
    file: String,
    document: usize,
    /// The path to the values in the document.
    way: Vec<ManifestStep>,
    /// The names below that path that do not exist yet.
    missing: Vec<&'static str>,
    /// The text that contains the values, if they are a string themselves.
    text: Option<String>,
    value: Value,
}

/// A value that may set the field, its new value, and how likely that is.
struct ValueGuess {
    way: Vec<ManifestStep>,
    to: Value,
    likely: usize,
}

/// The limit on guesses in one tree.
const MOST: usize = 8;

/// Returns the possible edits of values.
pub(super) fn edits(
    intent: &Intent<'_>,
    part: &RenderScope,
    drafts: &dyn RenderEdits,
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let mut holders = inline(intent, drafts, texts);
    holders.extend(named(intent, part, drafts, texts));
    let (given, own) = drafts.values(part);
    holders.extend(given.iter().rev().filter_map(|file| whole(file, texts)));
    let own = own.and_then(|file| whole(&file, texts));
    let mut found = Vec::new();
    for holder in &holders {
        for guess in guesses(intent, &holder.value) {
            found.extend(holder.with(texts, &guess.way, &guess.to));
        }
    }
    let Some(own) = own else { return found };
    let folder = Path::new(&own.file).parent().unwrap_or(Path::new(""));
    let defaults = with_subcharts(own.value.clone(), folder, texts, MOST_DEEP);
    let guesses = guesses(intent, &defaults);
    let laid = |holder: &ValuesTree, guess: &ValueGuess| {
        let laid = laid_over(&holder.value, &defaults, guess)?;
        holder.with(texts, &[], &laid)
    };
    // A default of the chart is overridden where the release gets its values.
    let mut overriding = holders.iter().filter(|holder| !holder.value.is_array());
    let vacant = vacant(intent, drafts, texts);
    if let Some(first) = overriding.next().or(vacant.first()) {
        found.extend(guesses.iter().filter_map(|guess| laid(first, guess)));
    }
    found.extend(guesses.iter().filter_map(|guess| {
        match crate::edit::at(&own.value, &guess.way) {
            Some(_) => own.with(texts, &guess.way, &guess.to),
            None => laid(&own, guess),
        }
    }));
    found
}

/// The limit on charts in charts.
const MOST_DEEP: usize = 4;

/// Returns the default values of a chart with those of its subcharts below their names, where the
/// chart sets them.
fn with_subcharts(values: Value, folder: &Path, texts: &EditedTexts<'_>, depth: usize) -> Value {
    let first = |file: PathBuf| {
        let text = texts.of(&file.to_string_lossy())?;
        let documents = yaml::parse(&text).documents;
        documents.into_iter().next().map(|document| document.value)
    };
    let Some(chart) = first(folder.join("Chart.yaml")).filter(|_| depth > 0) else {
        return values;
    };
    let mut all = Map::new();
    for dependency in chart["dependencies"].as_array().into_iter().flatten() {
        let text = |name: &str| dependency[name].as_str();
        let Some(name) = text("name").filter(|name| !name.contains(['/', '\\'])) else {
            continue;
        };
        let folder = folder.join("charts").join(name);
        if let Some(own) = first(folder.join("values.yaml")) {
            let own = with_subcharts(own, &folder, texts, depth - 1);
            all.insert(text("alias").unwrap_or(name).to_owned(), own);
        }
    }
    match all.is_empty() {
        true => values,
        false => overlay_item(&Value::Object(all), &values),
    }
}

/// Returns the edit of a template line that contains the value literally.
pub(super) fn template(intent: &Intent<'_>, texts: &EditedTexts<'_>) -> Option<EditCandidate> {
    let declared = intent.change.declared.as_ref()?;
    let (was, to) = differing(declared, intent.to()?)?;
    let (was, to) = (text_of(was)?, text_of(to)?);
    let file = &*intent.origin.file;
    let text = texts.of(file)?;
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = lines.get_mut(intent.position?.line.checked_sub(1)?)?;
    let (key, value) = line.split_once(": ")?;
    let is_alone = value.matches(&was).count() == 1 && !line.contains("{{");
    let written = format!("{key}: {}", value.replacen(&was, &to, 1));
    *line = is_alone.then_some(&written)?;
    Some(EditCandidate::text(file, lines.concat()))
}

/// Reads a values file.
fn whole(file: &str, texts: &EditedTexts<'_>) -> Option<ValuesTree> {
    let parsed = yaml::parse(&texts.of(file)?);
    let document = parsed.documents.into_iter().next()?;
    Some(ValuesTree {
        file: file.to_owned(),
        document: document.number,
        way: Vec::new(),
        missing: Vec::new(),
        text: None,
        value: document.value,
    })
}

/// Returns the values in the Application or HelmRelease that the object comes from.
fn inline(
    intent: &Intent<'_>,
    drafts: &dyn RenderEdits,
    texts: &EditedTexts<'_>,
) -> Vec<ValuesTree> {
    let mut found = Vec::new();
    for (file, document) in deployers(intent, drafts, texts) {
        for way in values_paths(&document.value) {
            let Some(value) = crate::edit::at(&document.value, &way) else {
                continue;
            };
            let text = value.as_str().map(str::to_owned);
            let value = match &text {
                Some(text) => yaml::parse(text).documents.into_iter().next(),
                None => None,
            }
            .map_or_else(|| value.clone(), |document| document.value);
            found.push(ValuesTree {
                file: file.clone(),
                document: document.number,
                way,
                missing: Vec::new(),
                text,
                value,
            });
        }
    }
    found
}

/// Returns the values files that the Application or HelmRelease names, the one that wins first.
fn named(
    intent: &Intent<'_>,
    part: &RenderScope,
    drafts: &dyn RenderEdits,
    texts: &EditedTexts<'_>,
) -> Vec<ValuesTree> {
    let Some(RenderScope::Chart(chart)) = part.renderer() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (_, document) in deployers(intent, drafts, texts) {
        let spec = &document.value["spec"];
        let sources = spec["sources"].as_array().into_iter().flatten();
        let sources = sources.chain(spec.get("source"));
        let lists = sources.filter_map(|source| source.get("helm")?.get("valueFiles")?.as_array());
        let of_release = spec
            .pointer("/chart/spec/valuesFiles")
            .and_then(Value::as_array);
        for named in lists.chain(of_release).flatten().filter_map(Value::as_str) {
            // A HelmRelease names them from the top of its source.
            let from_top = || drafts.values_file(chart, &format!("/{named}"));
            let file = drafts.values_file(chart, named).or_else(from_top);
            found.extend(file.and_then(|file| whole(&file, texts)));
        }
    }
    found.reverse();
    found
}

/// Returns where the Application or HelmRelease that the object comes from would have values, if it
/// has none.
fn vacant(
    intent: &Intent<'_>,
    drafts: &dyn RenderEdits,
    texts: &EditedTexts<'_>,
) -> Vec<ValuesTree> {
    let mut found = Vec::new();
    for (file, document) in deployers(intent, drafts, texts) {
        let source = document.value.pointer("/spec/source");
        let (way, missing) = match source.map(|source| source.get("helm").is_some()) {
            Some(true) => (&["spec", "source", "helm", "valuesObject"][..], vec![]),
            Some(false) => (&["spec", "source", "helm"][..], vec!["valuesObject"]),
            None if document.value.pointer("/spec/chart").is_some() => {
                (&["spec", "values"][..], vec![])
            }
            None => continue,
        };
        // A string is a place already.
        let is_there = values_paths(&document.value)
            .iter()
            .any(|other| !other.ends_with(&[field("parameters")]));
        if !is_there {
            found.push(ValuesTree {
                file,
                document: document.number,
                way: way.iter().map(|name| field(name)).collect(),
                missing,
                text: None,
                value: json!({}),
            });
        }
    }
    found
}

/// Returns the documents of the Application or HelmRelease that the object comes from, and their
/// files.
fn deployers(
    intent: &Intent<'_>,
    drafts: &dyn RenderEdits,
    texts: &EditedTexts<'_>,
) -> Vec<(String, YamlDocument)> {
    let Some(deployer) = intent.origin.chain.last() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for file in drafts.deployers(deployer) {
        let Some(text) = texts.of(&file) else {
            continue;
        };
        let documents = yaml::parse(&text).documents.into_iter();
        let documents = documents.filter(|document| {
            let is = |pointer: &str, expected: &str| {
                let text = document.value.pointer(pointer).and_then(Value::as_str);
                text == Some(expected)
            };
            is("/kind", &deployer.kind) && is("/metadata/name", &deployer.name)
        });
        found.extend(documents.map(|document| (file.clone(), document)));
    }
    found
}

/// Returns the paths of the values in an Application or a HelmRelease, in order of precedence.
fn values_paths(object: &Value) -> Vec<Vec<ManifestStep>> {
    let mut ways = Vec::new();
    let mut helm = vec![vec![field("spec"), field("source"), field("helm")]];
    let sources = object.pointer("/spec/sources").and_then(Value::as_array);
    for index in 0..sources.map_or(0, Vec::len) {
        let source = [
            field("spec"),
            field("sources"),
            ManifestStep::Index(index),
            field("helm"),
        ];
        helm.push(source.to_vec());
    }
    for way in helm {
        for name in ["parameters", "valuesObject", "values"] {
            ways.push([way.clone(), vec![field(name)]].concat());
        }
    }
    ways.push(vec![field("spec"), field("values")]);
    ways.retain(|way| crate::edit::at(object, way).is_some());
    ways
}

impl ValuesTree {
    fn with(
        &self,
        texts: &EditedTexts<'_>,
        way: &[ManifestStep],
        to: &Value,
    ) -> Option<EditCandidate> {
        let Some(text) = &self.text else {
            let way = [&self.way, way].concat();
            let mut to = to.clone();
            for name in self.missing.iter().rev() {
                to = json!({ *name: to });
            }
            return EditCandidate::field(texts, &self.file, self.document, &way, Some(&to));
        };
        let edited = Value::from(edit(text, 1, way, Some(to)).ok()?);
        EditCandidate::field(texts, &self.file, self.document, &self.way, Some(&edited))
    }
}

/// Returns the values that may set the field, the likeliest first.
fn guesses(intent: &Intent<'_>, tree: &Value) -> Vec<ValueGuess> {
    let mut found = Vec::new();
    collect(intent, tree, &mut Vec::new(), &mut found);
    // The sort is stable: equally likely ones stay in the order of the tree.
    found.sort_by_key(|guess| std::cmp::Reverse(guess.likely));
    found.truncate(MOST);
    found
}

fn collect(
    intent: &Intent<'_>,
    tree: &Value,
    way: &mut Vec<ManifestStep>,
    found: &mut Vec<ValueGuess>,
) {
    if let Some((to, likely)) = guess(intent, tree, way) {
        let way = way.clone();
        found.push(ValueGuess { way, to, likely });
    }
    match tree {
        Value::Object(fields) => {
            for (name, value) in fields {
                way.push(field(name));
                collect(intent, value, way, found);
                way.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(ManifestStep::Index(index));
                collect(intent, item, way, found);
                way.pop();
            }
        }
        _ => {}
    }
}

/// Returns the new value that would set the field, or a parent of it, to the live value; and how
/// likely that is.
fn guess(intent: &Intent<'_>, value: &Value, way: &[ManifestStep]) -> Option<(Value, usize)> {
    let path = &intent.change.path.0;
    let alike = 10 * shared_words(path, way) + 2 * of_object(intent, way);
    if let (ChangeKind::Modified, Some(declared), Some(live)) =
        (intent.change.kind, &intent.change.declared, intent.to())
        && !value.is_object()
        && !value.is_array()
    {
        let (declared, live) = differing(declared, live)?;
        let (is, was, to) = (text_of(value)?, text_of(declared)?, text_of(live)?);
        if is == was {
            return Some((written_like(value, live, to), 100 + alike));
        }
        // Without a tag, charts take their own version.
        if is.is_empty() && names_tag(way) {
            let (image, tag) = to.rsplit_once(':')?;
            let is_new_tag = was
                .rsplit_once(':')
                .is_some_and(|(before, _)| before == image);
            return is_new_tag.then(|| (Value::from(tag), 50 + alike));
        }
        // A part of it, such as the tag of an image.
        let (before, after) = was.split_once(&is).filter(|_| !is.is_empty())?;
        let part = to.strip_prefix(before)?.strip_suffix(after)?;
        return Some((
            written_like(value, &Value::Null, part.to_owned()),
            50 + is.len() + alike,
        ));
    }
    if !(value.is_object() || value.is_array() || value.is_null()) {
        return None;
    }
    (0..=path.len()).find_map(|up| {
        let (parent, below) = path.split_at(path.len() - up);
        let rendered = values::lookup(intent.before, parent);
        let is_empty = match value {
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => true,
        };
        let likely = match rendered {
            Some(rendered) if rendered == value => 100,
            Some(Value::Object(all)) if !is_empty && is_within(value, all) => 60,
            _ if is_empty && names_parent(parent, way) => 40,
            _ => return None,
        };
        let start = match (below.first(), value.is_null()) {
            (Some(PathElement::Field(_)), true) => json!({}),
            (_, true) => json!([]),
            _ => value.clone(),
        };
        let to = values::with_at(&start, below, intent.to())?;
        Some((to, (likely + alike).saturating_sub(5 * up)))
    })
}

/// Returns the scalars in which two values of the same shape differ, if there is exactly one pair.
fn differing<'v>(one: &'v Value, other: &'v Value) -> Option<(&'v Value, &'v Value)> {
    let pairs: Vec<(&Value, &Value)> = match (one, other) {
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).collect()
        }
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.values().zip(other.values()).collect()
        }
        _ => return Some((one, other)),
    };
    let mut pairs = pairs.into_iter().filter(|(one, other)| one != other);
    let (one, other) = pairs.next()?;
    pairs.next().is_none().then(|| differing(one, other))?
}

fn is_within(value: &Value, all: &Map<String, Value>) -> bool {
    let fields = value.as_object();
    fields.is_some_and(|fields| {
        fields
            .iter()
            .all(|(name, value)| all.get(name) == Some(value))
    })
}

/// Returns whether the last name of a path in the values equals the field's parent, or ends with
/// it.
fn names_parent(path: &[PathElement], way: &[ManifestStep]) -> bool {
    let last = path.iter().rev().find_map(|element| match element {
        PathElement::Field(name) => Some(name.to_lowercase()),
        _ => None,
    });
    match (last, way.last()) {
        (Some(last), Some(ManifestStep::Field(name))) => name.to_lowercase().ends_with(&last),
        _ => false,
    }
}

/// Returns whether a value is the tag of an image, by its name.
fn names_tag(way: &[ManifestStep]) -> bool {
    let name = match way.last() {
        Some(ManifestStep::Field(name)) => name.to_lowercase(),
        _ => return false,
    };
    name.ends_with("tag")
}

/// Returns how many words of the value's way are in the kind and the name of the object: of two
/// `annotations`, those below `serviceAccount` are a ServiceAccount's.
fn of_object(intent: &Intent<'_>, way: &[ManifestStep]) -> usize {
    let words = [words_of(intent.kind()), words_of(intent.name())].concat();
    let names = way.iter().filter_map(|step| match step {
        ManifestStep::Field(name) => Some(words_of(name)),
        ManifestStep::Index(_) => None,
    });
    names.flatten().filter(|word| words.contains(word)).count()
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

/// Returns the new value with the type of the existing one, where possible.
fn written_like(value: &Value, live: &Value, text: String) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) => {
            let read = serde_json::from_str::<Value>(&text).ok();
            let read = read.filter(|read| read.is_number() || read.is_boolean());
            read.unwrap_or(Value::String(text))
        }
        Value::Null => live.clone(),
        _ => Value::String(text),
    }
}

/// Returns how many words the names of a field and of a value have in common.
fn shared_words(path: &[PathElement], way: &[ManifestStep]) -> usize {
    let mut words = Vec::new();
    for element in path {
        match element {
            PathElement::Field(name) => words.extend(words_of(name)),
            PathElement::Key(keys) => {
                for key in keys.values().filter_map(Value::as_str) {
                    words.extend(words_of(key));
                }
            }
            _ => {}
        }
    }
    let names = way.iter().filter_map(|step| match step {
        ManifestStep::Field(name) => Some(words_of(name)),
        ManifestStep::Index(_) => None,
    });
    names.flatten().filter(|word| words.contains(word)).count()
}

/// Splits `replicaCount` into `replica` and `count`; plurals become singulars.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut starts = true;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            starts = true;
            continue;
        }
        if starts || c.is_uppercase() {
            words.push(String::new());
            starts = false;
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    let singular = |word: String| word.strip_suffix('s').unwrap_or(&word).to_owned();
    words.into_iter().map(singular).collect()
}

/// Returns the user's values with one default of the chart changed in them. A list is set as a
/// whole.
fn laid_over(given: &Value, own: &Value, guess: &ValueGuess) -> Option<Value> {
    let is_index = |step: &ManifestStep| matches!(step, ManifestStep::Index(_));
    let end = guess.way.iter().position(is_index);
    let mut made = own.clone();
    replace(&mut made, &guess.way, &guess.to)?;
    let names = &guess.way[..end.unwrap_or(guess.way.len())];
    let to = crate::edit::at(&made, names)?.clone();
    let mut laid = match given {
        Value::Null => json!({}),
        given => given.clone(),
    };
    let mut here = &mut laid;
    for name in names {
        let ManifestStep::Field(name) = name else {
            return None;
        };
        if here.is_null() {
            *here = json!({});
        }
        here = here
            .as_object_mut()?
            .entry(name.clone())
            .or_insert(Value::Null);
    }
    *here = to;
    Some(laid)
}

fn replace(value: &mut Value, way: &[ManifestStep], to: &Value) -> Option<()> {
    let place = way.iter().try_fold(value, |value, step| match step {
        ManifestStep::Field(name) => value.get_mut(name),
        ManifestStep::Index(index) => value.get_mut(index),
    })?;
    place.clone_from(to);
    Some(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::backport::trial::WantedObject;
    use crate::model::Origin;
    use crate::model::tests::drift;

    #[test]
    fn a_list_that_the_chart_leaves_empty_is_set_as_a_whole() {
        let added = json!([{"key": "x", "operator": "Exists"}]);
        let drift = drift(".spec.template.spec.tolerations", None, Some(added.clone()));
        let wanted = WantedObject {
            value: Value::Null,
            least: Some(added.clone()),
            drifting: BTreeSet::new(),
            also: Vec::new(),
        };
        let intent = Intent {
            before: &json!({"spec": {"template": {"spec": {"containers": []}}}}),
            change: &drift.change,
            wanted: &wanted,
            origin: &Origin::file("t.yaml", 1, 1),
            position: None,
        };
        let tree = json!({"replicas": 1, "affinity": {}, "tolerations": []});
        let found = guesses(&intent, &tree);
        let first = found.first().unwrap();
        assert_eq!(
            (&*first.way, &first.to),
            (&[field("tolerations")][..], &added)
        );
    }

    #[test]
    fn defaults_of_subcharts_are_below_their_names() {
        let files = [
            (
                "shop/Chart.yaml",
                "name: shop\ndependencies:\n- name: db\n- {name: redis, alias: cache}\n- name: far\n",
            ),
            ("shop/charts/db/Chart.yaml", "name: db\n"),
            (
                "shop/charts/db/values.yaml",
                "image: {tag: \"1\"}\nreplicas: 1\n",
            ),
            ("shop/charts/redis/values.yaml", "size: 1\n"),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let (files, none) = (files.into(), |_: &str| Err(String::new()));
        let texts = EditedTexts::new(&files, &none);
        let own = json!({"color": "red", "db": {"replicas": 3}});
        assert_eq!(
            with_subcharts(own.clone(), Path::new("shop"), &texts, MOST_DEEP),
            json!({"color": "red", "db": {"image": {"tag": "1"}, "replicas": 3},
                "cache": {"size": 1}})
        );
        assert_eq!(
            with_subcharts(own.clone(), Path::new("other"), &texts, MOST_DEEP),
            own
        );
    }

    #[test]
    fn compares_names_word_by_word() {
        assert_eq!(words_of("replicaCount"), ["replica", "count"]);
        assert_eq!(words_of("node-selectors"), ["node", "selector"]);
    }

    #[test]
    fn overrides_a_chart_default_next_to_the_given_values() {
        let own = json!({"image": {"tag": "1", "name": "a"}, "ports": [{"port": 1}, {"port": 2}]});
        let guess = |way: &[ManifestStep], to: Value| ValueGuess {
            way: way.to_vec(),
            to,
            likely: 0,
        };
        let tag = guess(&[field("image"), field("tag")], "2".into());
        let laid = laid_over(&json!({"x": 1}), &own, &tag);
        assert_eq!(laid, Some(json!({"x": 1, "image": {"tag": "2"}})));
        let port = guess(
            &[field("ports"), ManifestStep::Index(1), field("port")],
            3.into(),
        );
        let laid = laid_over(&Value::Null, &own, &port);
        assert_eq!(laid, Some(json!({"ports": [{"port": 1}, {"port": 3}]})));
    }
}
