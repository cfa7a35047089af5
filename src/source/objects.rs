//! Makes manifests from the objects in a document.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::classify::{DocumentClass, TEMPLATE, classify};
use super::render::Rendering;
use super::{LoadedSource, broken, sops};
use crate::model::{Locate, Manifest, ManifestStep, Origin, Position};
use crate::yaml::{self, TextSpan, YamlDocument};

/// Finds the fields of an object in its text. When a position is requested, the text of the object
/// is parsed again.
#[derive(Debug)]
struct SourceMap {
    /// The whole text of the file, shared by all of its objects.
    text: Arc<str>,
    /// The node in the text where the path begins.
    span: TextSpan,
    /// The path from there to the object.
    prefix: Vec<ManifestStep>,
}

impl Locate for SourceMap {
    fn locate(&self, steps: &[ManifestStep]) -> Option<Position> {
        let mut way = self.prefix.clone();
        way.extend_from_slice(steps);
        yaml::locate(&self.text, self.span, &way)
    }

    fn locate_all(&self, ways: &[&[ManifestStep]]) -> Vec<Option<Position>> {
        let whole = |way: &&[ManifestStep]| [&self.prefix, *way].concat();
        let whole: Vec<Vec<ManifestStep>> = ways.iter().map(whole).collect();
        let whole: Vec<&[ManifestStep]> = whole.iter().map(Vec::as_slice).collect();
        match yaml::locate_all(&self.text, self.span, &whole) {
            Some(places) => places.into_iter().map(Some).collect(),
            None => vec![None; ways.len()],
        }
    }
}

/// The file of a document.
pub(super) struct DocumentFile<'f> {
    /// The path as the user named it.
    pub name: &'f Arc<str>,
    /// Its text.
    pub text: &'f Arc<str>,
    /// Whether variables in names are still to be substituted by the loader.
    pub is_open: bool,
}

/// The output of a renderer.
pub(super) struct RendererOutput<'r> {
    /// The file that represents the whole output.
    pub place: &'r str,
    /// The output.
    pub output: Vec<u8>,
    /// As in [`DocumentFile`].
    pub is_open: bool,
    /// Whether it cannot exclude objects.
    pub distrusts: bool,
    /// How encrypted objects are decrypted, if at all.
    pub decrypts: Option<&'r Rendering>,
    /// Returns the file that a line comes from, if known.
    pub file_of_line: &'r dyn Fn(usize) -> Option<String>,
}

/// Parses the objects in a renderer's output, whose line numbers are meaningless. `set_origin` sets
/// the origin of each object.
pub(super) fn load_rendered(
    rendered: RendererOutput<'_>,
    loaded: &mut LoadedSource,
    mut set_origin: impl FnMut(&mut Manifest),
) {
    let RendererOutput {
        place,
        output,
        is_open,
        distrusts,
        decrypts,
        file_of_line,
    } = rendered;
    let secret = broken::values_in_bytes(&output);
    let text = match yaml::decode(output) {
        Ok(text) => text,
        Err(problem) => {
            loaded.secret_values.extend(secret);
            return loaded.error(place, format!("rendered output: {problem}"));
        }
    };
    let parsed = yaml::parse(&text);
    for problem in parsed.problems.iter().filter(|problem| problem.fatal) {
        let chunk = text.get(problem.chunk.start..problem.chunk.end);
        loaded
            .secret_values
            .extend(broken::values_in(chunk.unwrap_or_default()));
        loaded.error(place, format!("rendered output, at {problem}"));
    }
    let file = DocumentFile {
        name: &Arc::from(place),
        text: &Arc::from(text),
        is_open,
    };
    for document in parsed.documents {
        let called = called(&document.value);
        let mut rendered = LoadedSource::default();
        extract(&file, document, &mut rendered);
        let doubted = rendered.doubts.iter_mut().map(|doubt| &mut doubt.skipped);
        let remarks = rendered.skipped.iter_mut().chain(&mut rendered.errors);
        for remark in remarks.chain(doubted) {
            let file = line_of(&remark.place, place).and_then(file_of_line);
            remark.place = file.unwrap_or_else(|| place.to_owned());
            remark.message = format!("in rendered output{called}: {}", remark.message);
        }
        if distrusts {
            rendered.distrust();
        }
        rendered.manifests.iter_mut().for_each(&mut set_origin);
        rendered.decrypt(decrypts);
        loaded.append(rendered);
    }
}

/// Returns the line in `FILE:LINE` or `FILE:LINE:COLUMN`.
fn line_of(place: &str, file: &str) -> Option<usize> {
    let line = place.strip_prefix(file)?.strip_prefix(':')?;
    line.split(':').next()?.parse().ok()
}

/// Returns `, Job migrate`, to identify an object in text that the user cannot see.
fn called(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    match (text("/kind"), text("/metadata/name")) {
        (Some(kind), Some(name)) => format!(", {kind} {name}"),
        _ => String::new(),
    }
}

/// Removes an annotation, and the map of annotations if it becomes empty.
pub(super) fn remove_annotation(object: &mut Value, key: &str) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove(key);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

/// A node that may be an object.
struct ObjectCandidate {
    value: Value,
    document: usize,
    span: TextSpan,
    prefix: Vec<ManifestStep>,
    position: Position,
}

/// Returns the objects in a document.
pub(super) fn extract(file: &DocumentFile<'_>, document: YamlDocument, loaded: &mut LoadedSource) {
    let candidate = ObjectCandidate {
        value: document.value,
        document: document.number,
        span: document.span,
        prefix: Vec::new(),
        position: document.span.position(),
    };
    take(file, candidate, &document.items, 0, loaded);
}

/// The depth limit of nested lists, which kubectl does not support at all.
const MAX_LISTS: usize = 8;

fn take(
    file: &DocumentFile<'_>,
    candidate: ObjectCandidate,
    items: &[TextSpan],
    level: usize,
    loaded: &mut LoadedSource,
) {
    let file_name = file.name.rsplit('/').next().unwrap_or_default();
    let place = || format!("{}:{}", file.name, candidate.position.line);
    let class = classify(&candidate.value, file_name);
    let is_compared = matches!(
        class,
        DocumentClass::Object | DocumentClass::List | DocumentClass::Empty
    );
    if !is_compared {
        let text = file.text.get(candidate.span.start..candidate.span.end);
        loaded
            .secret_values
            .extend(broken::values_in(text.unwrap_or_default()));
    }
    match class {
        DocumentClass::Empty => {}
        DocumentClass::Skip(reason) => loaded.skip(place(), reason),
        DocumentClass::Doubtful(reason) => loaded.set_aside(place(), reason, None),
        DocumentClass::Aside(reason) => {
            let place = place();
            loaded.set_aside(place, reason, manifest(file, candidate).ok());
        }
        DocumentClass::Template if !file.is_open => loaded.set_aside(place(), TEMPLATE, None),
        DocumentClass::Error(message, field) => {
            let way = [candidate.prefix.as_slice(), &field].concat();
            let position = yaml::locate(file.text, candidate.span, &way);
            let Position { line, column } = position.unwrap_or(candidate.position);
            loaded.error(format!("{}:{line}:{column}", file.name), message);
        }
        DocumentClass::List if level == MAX_LISTS => {
            loaded.error(place(), "lists are nested too deeply");
        }
        DocumentClass::List => take_items(file, candidate, items, level, loaded),
        DocumentClass::Object | DocumentClass::Template => {
            let may_be_encrypted = sops::may_be_encrypted(&candidate.value);
            match manifest(file, candidate) {
                Ok(mut manifest) => {
                    if may_be_encrypted
                        && let Some((rule, encrypted)) = sops::mark_encrypted(&mut manifest)
                    {
                        loaded.doubt(&manifest.origin, "encrypted by SOPS, so not compared");
                        loaded.unknown.extend(rule);
                        loaded.encrypted.push(encrypted);
                    }
                    loaded.manifests.push(manifest);
                }
                Err(place) => loaded.error(place, "apiVersion, kind or metadata.name is missing"),
            }
        }
    }
}

/// Extracts the objects in a list. An item without a type has that of a typed list
/// (`k8s.io/apimachinery/pkg/apis/meta/v1/unstructured`, `decodeToList`).
fn take_items(
    file: &DocumentFile<'_>,
    mut list: ObjectCandidate,
    spans: &[TextSpan],
    level: usize,
    loaded: &mut LoadedSource,
) {
    let Some(Value::Array(items)) = list.value.get_mut("items").map(Value::take) else {
        return;
    };
    let item_type = item_type(&list.value);
    // Items of a nested list have no positions yet.
    let found;
    let spans = if spans.len() == items.len() {
        spans
    } else if list.prefix.is_empty() {
        found = yaml::items_within(file.text, list.span).unwrap_or_default();
        &found
    } else {
        spans
    };
    for (index, mut value) in items.into_iter().enumerate() {
        if let (Value::Object(fields), Some((api_version, kind))) = (&mut value, &item_type) {
            give_type(fields, api_version, kind);
        }
        let (span, prefix, position) = match spans.get(index) {
            Some(span) => (*span, Vec::new(), span.position()),
            // Items from an alias have no position of their own.
            None => {
                let steps = [
                    ManifestStep::Field("items".to_owned()),
                    ManifestStep::Index(index),
                ];
                let prefix = [list.prefix.as_slice(), &steps].concat();
                (list.span, prefix, list.position)
            }
        };
        if !value.is_object() && !value.is_null() {
            let Position { line, column } = position;
            let place = format!("{}:{line}:{column}", file.name);
            loaded.error(place, "an item of this list is not an object");
            continue;
        }
        let item = ObjectCandidate {
            value,
            document: list.document,
            span,
            prefix,
            position,
        };
        take(file, item, &[], level + 1, loaded);
    }
}

/// Returns the type of a typed list's items: `ConfigMap` for `ConfigMapList`.
fn item_type(list: &Value) -> Option<(String, String)> {
    let kind = list.get("kind")?.as_str()?.strip_suffix("List")?;
    let api_version = list.get("apiVersion")?.as_str()?;
    (!kind.is_empty()).then(|| (api_version.to_owned(), kind.to_owned()))
}

fn give_type(fields: &mut Map<String, Value>, api_version: &str, kind: &str) {
    let has = |field: &str| fields.get(field).is_some_and(|value| value != "");
    if !has("kind") && !has("apiVersion") {
        fields.insert("apiVersion".to_owned(), Value::from(api_version));
        fields.insert("kind".to_owned(), Value::from(kind));
    }
}

/// Returns the manifest of an object whose identity was already checked; otherwise the place to
/// report.
fn manifest(file: &DocumentFile<'_>, object: ObjectCandidate) -> Result<Manifest, String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let metadata = object.value.get("metadata");
    let of_metadata = |field: &str| text(metadata.and_then(|metadata| metadata.get(field)));
    let (Some(api_version), Some(kind), Some(name)) = (
        text(object.value.get("apiVersion")),
        text(object.value.get("kind")),
        of_metadata("name"),
    ) else {
        return Err(format!("{}:{}", file.name, object.position.line));
    };
    Ok(Manifest {
        api_version,
        kind,
        namespace: of_metadata("namespace").filter(|namespace| !namespace.is_empty()),
        name,
        origin: Origin::file(file.name.clone(), object.document, object.position.line),
        object: object.value.into(),
        source_map: Some(Arc::new(SourceMap {
            text: file.text.clone(),
            span: object.span,
            prefix: object.prefix,
        })),
    })
}
