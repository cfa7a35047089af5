//! The fields of a kustomization that name files, and all known fields.
//!
//! kustomize ignores the case of its fields and reads only the first document. To make sure that
//! the checked fields are the ones that are used, an unknown field is an error, and kustomize gets
//! a kustomization that is written from the parsed one.

use serde_json::{Map, Value};

use crate::yaml;

/// The fields of a kustomization (`sigs.k8s.io/kustomize/api/types`, `KustomizationNode`).
const FIELDS: &[&str] = &[
    "apiVersion",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "commonLabels",
    "components",
    "configMapGenerator",
    "configurations",
    "crds",
    "generatorOptions",
    "generators",
    "helmChartInflationGenerator",
    "helmCharts",
    "helmGlobals",
    "imageTags",
    "images",
    "inventory",
    "kind",
    "labels",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "openapi",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "resources",
    "secretGenerator",
    "sortOptions",
    "transformers",
    "validators",
    "vars",
];

/// The fields of kustomize's own generators and transformers, of all kinds together.
const BUILTIN: &[&str] = &[
    "annotations",
    "apiVersion",
    "behavior",
    "env",
    "envs",
    "fieldSpecs",
    "files",
    "imageTag",
    "jsonOp",
    "kind",
    "labels",
    "literals",
    "metadata",
    "name",
    "namespace",
    "options",
    "patch",
    "patches",
    "path",
    "paths",
    "prefix",
    "replacements",
    "replica",
    "setRoleBindingSubjects",
    "sortOptions",
    "suffix",
    "target",
    "targetFilePath",
    "targets",
    "type",
    "unsetOnly",
    "value",
];

/// The fields of a generator.
const GENERATOR: &[&str] = &[
    "behavior",
    "env",
    "envs",
    "files",
    "literals",
    "name",
    "namespace",
    "options",
    "type",
];

/// The fields of a patch.
const PATCH: &[&str] = &["options", "patch", "path", "target"];

/// The fields of a replacement.
const REPLACEMENT: &[&str] = &["path", "source", "targets"];

/// Lists whose entries are files or directories with objects.
const COLLECTING: [&str; 3] = ["resources", "bases", "components"];

/// Lists whose entries may be executed.
pub(super) const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// Fields that make kustomize run helm.
const HELM: [&str; 2] = ["helmCharts", "helmChartInflationGenerator"];

/// Marks a function, which would be executed as a program or in a container.
const FUNCTION: &str = "config.kubernetes.io/function";

/// The role of a named file in its kustomization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldRole {
    /// A file of objects, or the directory of another kustomization.
    Objects(&'static str),
    /// The settings of a generator or transformer: a file, or a directory that builds them.
    Plugin(&'static str),
    /// A file.
    File(&'static str),
    /// A file whose name becomes a key if the entry has none (`key=file`).
    Keyed(&'static str),
}

impl FieldRole {
    /// Returns the name of the field with the entry.
    pub fn field(self) -> &'static str {
        match self {
            Self::Objects(field) | Self::Plugin(field) | Self::File(field) | Self::Keyed(field) => {
                field
            }
        }
    }
}

/// A callback for each entry that names a file or directory, which it may change.
pub(super) type EntryVisitor<'e> = dyn FnMut(FieldRole, &mut String) -> Result<(), String> + 'e;

/// Visits every entry of a kustomization that names something outside its own file.
///
/// # Errors
/// Fails if `each` fails, and for a kustomization that kustomize may read differently than
/// driftctl.
pub(super) fn visit(
    fields: &mut Map<String, Value>,
    each: &mut EntryVisitor<'_>,
) -> Result<(), String> {
    if let Some(field) = HELM.iter().find(|field| fields.contains_key(**field)) {
        return Err(format!(
            "{field} would make kustomize fetch and run a chart, which driftctl does not allow: \
             run `kustomize build --enable-helm` and pipe its output into `driftctl diff -`"
        ));
    }
    known(fields, FIELDS, "this kustomization")?;
    for field in ["apiVersion", "kind"] {
        if fields.get(field).is_some_and(|value| value == "") {
            return Err(format!("{field} is empty: name it, or leave the field out"));
        }
    }
    if let Some(patches) = fields.get("patches").and_then(Value::as_array)
        && !patches.is_empty()
        && patches.iter().all(Value::is_string)
    {
        // As in kustomize (`useLegacyPatch`).
        let legacy = fields.remove("patches").unwrap_or_default();
        if fields.contains_key("patchesStrategicMerge") {
            return Err("patches and patchesStrategicMerge both list files".to_owned());
        }
        fields.insert("patchesStrategicMerge".to_owned(), legacy);
    }
    // The old name of the field, which kustomize replaces in the text.
    if let Some(images) = fields.remove("imageTags")
        && fields.insert("images".to_owned(), images).is_some()
    {
        return Err("images and imageTags are the same field: write images".to_owned());
    }
    for field in COLLECTING {
        texts(fields, field, &mut |entry| {
            each(FieldRole::Objects(field), entry)
        })?;
    }
    for field in PLUGINS {
        texts(fields, field, &mut |entry| match documents(entry) {
            Some(_) => {
                *entry = plugin(field, entry, each)?;
                Ok(())
            }
            None => each(FieldRole::Plugin(field), entry),
        })?;
    }
    for field in ["configurations", "crds"] {
        texts(fields, field, &mut |entry| {
            each(FieldRole::File(field), entry)
        })?;
    }
    texts(fields, "patchesStrategicMerge", &mut |entry| {
        file_or_text("patchesStrategicMerge", entry, each)
    })?;
    for field in ["patches", "patchesJson6902"] {
        items(fields, field, PATCH, &mut |item| {
            text(item, "path", &mut |entry| {
                each(FieldRole::File("patches"), entry)
            })
        })?;
    }
    items(fields, "replacements", REPLACEMENT, &mut |item| {
        text(item, "path", &mut |entry| {
            each(FieldRole::File("replacements"), entry)
        })
    })?;
    for field in ["configMapGenerator", "secretGenerator"] {
        items(fields, field, GENERATOR, &mut |item| sources(item, each))?;
    }
    match fields.get_mut("openapi") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(openapi)) => {
            known(openapi, &["path"], "openapi")?;
            text(openapi, "path", &mut |entry| {
                each(FieldRole::File("openapi"), entry)
            })
        }
        Some(_) => Err("openapi is not a mapping".to_owned()),
    }
}

/// Visits what the settings of a generator or transformer name, and returns the changed settings.
///
/// # Errors
/// Fails if `each` fails, and for settings that would run another program.
pub(super) fn plugin(
    field: &'static str,
    settings: &str,
    each: &mut EntryVisitor<'_>,
) -> Result<String, String> {
    let runs = || {
        format!(
            "{field} contains a plugin or a function, which would run another program, which \
             driftctl does not allow: run kustomize yourself and pipe its output into `driftctl \
             diff -`"
        )
    };
    let mut written = Vec::new();
    for mut document in documents(settings).ok_or_else(runs)? {
        let annotations = document.pointer("/metadata/annotations");
        let is_function = annotations.is_some_and(|all| all.get(FUNCTION).is_some());
        let is = |field: &str, expected: &str| {
            document
                .get(field)
                .is_some_and(|value| value.as_str() == Some(expected))
        };
        if is_function || !is("apiVersion", "builtin") || is("kind", "HelmChartInflationGenerator")
        {
            return Err(runs());
        }
        let Value::Object(settings) = &mut document else {
            return Err(runs());
        };
        known(settings, BUILTIN, field)?;
        sources(settings, each)?;
        text(settings, "path", &mut |entry| {
            each(FieldRole::File(field), entry)
        })?;
        texts(settings, "paths", &mut |entry| {
            file_or_text(field, entry, each)
        })?;
        items(settings, "replacements", REPLACEMENT, &mut |item| {
            text(item, "path", &mut |entry| {
                each(FieldRole::File(field), entry)
            })
        })?;
        // JSON is YAML.
        written.push(document.to_string());
    }
    Ok(written.join("\n---\n"))
}

/// Visits the files of a generator.
fn sources(settings: &mut Map<String, Value>, each: &mut EntryVisitor<'_>) -> Result<(), String> {
    texts(settings, "files", &mut |entry| {
        each(FieldRole::Keyed("files"), entry)
    })?;
    texts(settings, "envs", &mut |entry| {
        each(FieldRole::File("envs"), entry)
    })?;
    text(settings, "env", &mut |entry| {
        each(FieldRole::File("env"), entry)
    })
}

/// Visits an entry that is either a file or the content of one.
fn file_or_text(
    field: &'static str,
    entry: &mut String,
    each: &mut EntryVisitor<'_>,
) -> Result<(), String> {
    match entry.contains('\n') || documents(entry).is_some() {
        true => Ok(()),
        false => each(FieldRole::File(field), entry),
    }
}

/// Returns the documents in text; `None` unless each of them is a mapping.
pub(super) fn documents(text: &str) -> Option<Vec<Value>> {
    let parsed = yaml::parse(text);
    let documents = parsed.documents.into_iter().map(|document| document.value);
    let documents: Vec<Value> = documents.filter(|value| !value.is_null()).collect();
    let are_mappings = documents.iter().all(Value::is_object);
    (parsed.problems.is_empty() && are_mappings && !documents.is_empty()).then_some(documents)
}

/// Refuses an unknown field. kustomize accepts `Files` for `files`.
fn known(fields: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), String> {
    let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) else {
        return Ok(());
    };
    let likely = known
        .iter()
        .find(|known| known.eq_ignore_ascii_case(field))
        .map(|known| format!(": write {known}"))
        .unwrap_or_default();
    Err(format!("{place} has an unknown field, {field:?}{likely}"))
}

type FieldEntry<'e> = dyn FnMut(&mut String) -> Result<(), String> + 'e;

/// Visits the entries of a list of strings.
fn texts(
    fields: &mut Map<String, Value>,
    field: &str,
    each: &mut FieldEntry<'_>,
) -> Result<(), String> {
    for entry in list(fields, field)? {
        match entry {
            Value::String(entry) => each(entry)?,
            _ => return Err(format!("{field} contains something that is not a string")),
        }
    }
    Ok(())
}

/// Checks an entry of a list, and returns what is wrong with it.
type EntryCheck<'v> = dyn FnMut(&mut Map<String, Value>) -> Result<(), String> + 'v;

/// Visits the entries of a list of mappings, which may have only these fields.
fn items(
    fields: &mut Map<String, Value>,
    field: &str,
    fields_of_item: &[&str],
    each: &mut EntryCheck<'_>,
) -> Result<(), String> {
    for entry in list(fields, field)? {
        match entry {
            Value::Object(item) => {
                known(item, fields_of_item, field)?;
                each(item)?;
            }
            _ => return Err(format!("{field} contains something that is not a mapping")),
        }
    }
    Ok(())
}

fn list<'f>(fields: &'f mut Map<String, Value>, field: &str) -> Result<&'f mut [Value], String> {
    match fields.get_mut(field) {
        None | Some(Value::Null) => Ok(&mut []),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(format!("{field} is not a list")),
    }
}

/// Visits a field that is a string.
fn text(
    fields: &mut Map<String, Value>,
    field: &str,
    each: &mut FieldEntry<'_>,
) -> Result<(), String> {
    match fields.get_mut(field) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(entry)) if entry.is_empty() => Ok(()),
        Some(Value::String(entry)) => each(entry),
        Some(_) => Err(format!("{field} is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(text: &str) -> Result<Vec<String>, String> {
        let parsed = yaml::parse(text).documents.remove(0).value;
        let Value::Object(mut fields) = parsed else {
            return Err("no mapping".to_owned());
        };
        let mut seen = Vec::new();
        visit(&mut fields, &mut |_, entry| {
            seen.push(entry.clone());
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn visits_every_entry_that_names_a_file() {
        let text = "resources: [a]\nbases: [b]\ncomponents: [c]\ncrds: [d]\nconfigurations: \
                    [e]\ngenerators: [f, '{apiVersion: builtin, kind: ConfigMapGenerator, files: \
                    [g=h], envs: [i], env: j}']\ntransformers: ['{apiVersion: builtin, kind: P, \
                    path: k, paths: [l], replacements: [{path: m}]}']\nvalidators: \
                    [nn]\npatchesStrategicMerge: [o, '{kind: A}']\npatches: [{path: \
                    p}]\npatchesJson6902: [{path: q}]\nreplacements: [{path: \
                    r}]\nconfigMapGenerator: [{files: [s, t=u], envs: [v], env: \
                    w}]\nsecretGenerator: [{files: [x]}]\nopenapi: {path: yy}\n";
        let mut seen = visited(text).unwrap();
        seen.sort();
        let expected = [
            "a", "b", "c", "d", "e", "f", "g=h", "i", "j", "k", "l", "m", "nn", "o", "p", "q", "r",
            "s", "t=u", "v", "w", "x", "yy",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn refuses_fields_that_kustomize_may_read_differently() {
        for text in [
            "Resources: [a]",
            "configMapGenerator: [{Files: [a]}]",
            "secretGenerator: [{Envs: [a]}]",
            "patches: [{Path: a}]",
            "patchesJson6902: [{PATH: a}]",
            "replacements: [{Path: a}]",
            "openapi: {Path: a}",
            "transformers: ['{apiVersion: builtin, kind: P, Path: a}']",
            "generators: ['{apiVersion: builtin, kind: P, file\u{17f}: [a]}']",
            "re\u{17f}ources: [a]",
            "kind: ''",
            "apiVersion: ''",
            "resources: a",
            "resources: [1]",
            "resources: [null]",
            "patches: [{path: [a]}]",
            "patches: [a, {path: b}]",
            "configMapGenerator: {files: [a]}",
            "openapi: a",
            "helmCharts: []",
        ] {
            assert!(visited(text).is_err(), "{text}");
        }
    }
}
