//! Compares the parsed values of every text in `fixtures/yaml` with those of kubectl 1.32
//! (`expected/NAME.create.json`: `kubectl create --dry-run=client -o json`).

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use driftctl::yaml::{self, ParsedYaml};
use serde_json::Value;

/// How the parser differs from kubectl on purpose.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deviation {
    /// The same values, and a problem is reported.
    Reports,
    /// A problem instead of the object.
    Refuses,
    /// More objects than kubectl gets to.
    ReadsOn,
}

use Deviation::{ReadsOn, Refuses, Reports};

/// The texts that are parsed differently on purpose, and why.
const DEVIATIONS: &[(&str, Deviation, &str)] = &[
    (
        "05-alias-across-documents.yaml",
        Reports,
        "kubectl too refuses the second document",
    ),
    (
        "07-yaml11-bool-keys.yaml",
        Reports,
        "`on`, `yes` and `y` are one key; kubectl silently uses the last one",
    ),
    (
        "13-big-integers.yaml",
        Reports,
        "kubectl silently loses digits",
    ),
    (
        "17-duplicate-keys.yaml",
        Reports,
        "kubectl silently uses the last one",
    ),
    (
        "23-latin1.yaml",
        Refuses,
        "kubectl silently inserts replacement characters",
    ),
    (
        "31-document-end-marker.yaml",
        Reports,
        "kubectl silently drops what follows `...`",
    ),
    (
        "41-json-dup-keys.json",
        Reports,
        "kubectl silently uses the last one",
    ),
    (
        "42-json-in-yaml-file.yaml",
        ReadsOn,
        "kubectl parses the whole file as JSON and stops at `---`",
    ),
    (
        "43-json-then-yaml.yaml",
        ReadsOn,
        "kubectl parses the whole file as JSON and stops at `---`",
    ),
    (
        "49-missing-fields.yaml",
        ReadsOn,
        "kubectl stops at the object without kind; what objects are is decided elsewhere",
    ),
    (
        "53-kind-case-and-old-apis.yaml",
        ReadsOn,
        "kubectl leaves out the kinds that the server does not serve",
    ),
    (
        "56-crd-and-cr.yaml",
        ReadsOn,
        "kubectl leaves out the kinds that the server does not serve",
    ),
    (
        "77-syntax-errors.yaml",
        ReadsOn,
        "kubectl stops at the broken document",
    ),
];

/// The texts that kubectl refuses as text (not as objects) and that are refused here too.
const REFUSED: &[&str] = &[
    "07b-null-key.yaml",
    "24-tab-indent.yaml",
    "27b-separator-with-tag.yaml",
    "27c-separator-block-scalar.yaml",
    "28-separator-inline-content.yaml",
    "30-four-dashes.yaml",
    "32-yaml-directive.yaml",
    "45-helm-template.yaml",
    "73-complex-keys.yaml",
    "75-inf-nan.yaml",
    "76-alias-bomb.yaml",
    "78-bad-indent.yaml",
    "79-trailing-text.yaml",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/yaml")
}

fn read(path: &Path) -> ParsedYaml {
    match yaml::decode(std::fs::read(path).unwrap()) {
        Ok(text) => yaml::parse(&text),
        Err(problem) => ParsedYaml {
            documents: Vec::new(),
            problems: vec![problem],
        },
    }
}

/// Returns the objects that kubectl would send: documents, with lists split.
fn objects(parsed: &ParsedYaml) -> Vec<Value> {
    let mut objects = Vec::new();
    for document in &parsed.documents {
        flatten(&document.value, &mut objects);
    }
    objects
}

fn flatten(value: &Value, objects: &mut Vec<Value>) {
    let item_kind = value["kind"]
        .as_str()
        .and_then(|kind| kind.strip_suffix("List"));
    match (item_kind, &value["items"]) {
        (Some(kind), Value::Array(items)) => {
            for item in items {
                let mut item = item.clone();
                if !kind.is_empty() && item["kind"].is_null() {
                    item["kind"] = kind.into();
                    item["apiVersion"] = value["apiVersion"].clone();
                }
                flatten(&item, objects);
            }
        }
        _ if value.as_object().is_some_and(|fields| !fields.is_empty()) => {
            objects.push(as_written(value.clone()));
        }
        _ => {}
    }
}

/// Removes what `kubectl create` adds or drops by itself.
fn as_written(mut object: Value) -> Value {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return object;
    };
    metadata.remove("namespace");
    metadata.remove("managedFields");
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    if metadata.is_empty()
        && let Some(object) = object.as_object_mut()
    {
        object.remove("metadata");
    }
    object
}

#[test]
fn parses_the_values_that_kubectl_sends() {
    let deviations: BTreeMap<&str, Deviation> = DEVIATIONS
        .iter()
        .map(|(name, how, _)| (*name, *how))
        .collect();
    let mut compared = 0;
    for entry in std::fs::read_dir(fixtures().join("expected")).unwrap() {
        let expected = entry.unwrap().path();
        let name = expected.file_name().unwrap().to_str().unwrap();
        let name = name.strip_suffix(".create.json").unwrap();
        let path = fixtures().join(name);
        if !path.is_file() {
            continue; // another test covers directories
        }
        let parsed = read(&path);
        let (ours, theirs) = (objects(&parsed), objects(&read(&expected)));
        assert!(!theirs.is_empty(), "{name}");
        let has_problems = !parsed.problems.is_empty();
        let as_expected = match deviations.get(name) {
            None => ours == theirs && !has_problems,
            Some(Reports) => ours == theirs && has_problems,
            Some(Refuses) => ours.is_empty() && has_problems,
            Some(ReadsOn) => {
                ours.len() > theirs.len() && theirs.iter().all(|object| ours.contains(object))
            }
        };
        assert!(
            as_expected,
            "{name}: {:?}\nours   {}\ntheirs {}",
            parsed.problems,
            Value::from(ours),
            Value::from(theirs)
        );
        compared += 1;
    }
    assert_eq!(compared, 72);
}

#[test]
fn refuses_what_kubectl_refuses_with_a_position() {
    for name in REFUSED {
        let parsed = read(&fixtures().join(name));
        let problem = parsed
            .problems
            .first()
            .unwrap_or_else(|| panic!("{name} is read"));
        assert!(problem.fatal, "{name}");
        assert!(
            problem.position.line > 0 && problem.position.column > 0,
            "{name}"
        );
    }
}

#[test]
fn ignores_what_kubectl_ignores() {
    for name in [
        "80-comments-only.yaml",
        "81-zero-bytes.yaml",
        "82-separator-only.yaml",
        "83-blank-lines.yaml",
    ] {
        let parsed = read(&fixtures().join(name));
        assert!(
            parsed.documents.is_empty() && parsed.problems.is_empty(),
            "{name}: {parsed:?}"
        );
    }
}
