//! The bodies of the fuzz targets. Shared with a test that runs them on the seeds, so that they
//! keep working.

// Each target uses one of these.
#![allow(dead_code, clippy::unwrap_used)]

use std::io::Write as _;

use driftctl::cluster::{self, Dump, FetchRequest, Namespaces, Read as _};
use driftctl::compare::{ComparisonInput, Difference, Explain, Reason, compare as compare_sides};
use driftctl::compare::{live_view, normalize};
use driftctl::model::{ChangeKind, FieldPath, Finder, ManifestStep, Owner, ResourceKey};
use driftctl::ownership::{Appliers, LastSent, ownership_of};
use driftctl::policy::{self, LabelSelector, PathPattern, PointerPattern, RuleOrigin, RuleSpec};
use driftctl::redact::{MASK, Redactor};
use driftctl::schema::{self, ScalarType, Schema};
use driftctl::{edit, facts, jq, source, yaml};
use serde_json::{Value, json};

/// A fuzz target: processes one input.
pub type Body = fn(&[u8]);

/// Every target, by its name.
pub const ALL: &[(&str, Body)] = &[
    ("audit", audit),
    ("block", block),
    ("compare", compare),
    ("dump", dump),
    ("kustomization", kustomization),
    ("loader", loader),
    ("managed_fields", managed_fields),
    ("path", path),
    ("redaction", redaction),
    ("rules", rules),
    ("scalars", scalars),
    ("values", values),
];

/// Reads a manifest file: no panic, and every position is within the text.
pub fn loader(data: &[u8]) {
    if let Ok(text) = yaml::decode(data.to_vec()) {
        let parsed = yaml::parse(&text);
        for document in &parsed.documents {
            let span = document.span;
            assert!(text.get(span.start..span.end).is_some(), "{span:?}");
            let steps = first_steps(&document.value);
            assert!(yaml::locate(&text, span, &steps).is_some());
            if document.value.is_object() {
                let again = yaml::parse(&document.value.to_string());
                assert_eq!(again.documents[0].value, document.value);
            }
        }
        for problem in &parsed.problems {
            assert!(problem.position.line > 0 && problem.position.column > 0);
        }
    }
    let loaded = source::objects_in("fuzz.yaml", data.to_vec());
    for manifest in &loaded.manifests {
        assert!(!manifest.kind.is_empty() && !manifest.api_version.is_empty());
        assert!(manifest.locate(&first_steps(&manifest.value())).is_some());
    }
}

/// Returns the path of the first leaf.
fn first_steps(value: &Value) -> Vec<ManifestStep> {
    let mut steps = Vec::new();
    let mut node = value;
    loop {
        let below = match node {
            Value::Object(fields) => fields
                .iter()
                .next()
                .map(|(name, below)| (ManifestStep::Field(name.clone()), below)),
            Value::Array(items) => items.first().map(|below| (ManifestStep::Index(0), below)),
            _ => None,
        };
        let Some((step, below)) = below else {
            return steps;
        };
        steps.push(step);
        node = below;
    }
}

/// Reads a recording, and every object in it.
pub fn dump(data: &[u8]) {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    file.write_all(data).unwrap();
    let Ok(dump) = Dump::read(&[file.path().to_path_buf()]) else {
        return;
    };
    let request = FetchRequest {
        extra_in: Namespaces::All,
        ..FetchRequest::default()
    };
    for object in dump.fetch(&request).unwrap().extra {
        if let Ok(value) = object.value() {
            assert!(value.is_object());
        }
    }
}

/// Reads managed fields and queries them.
pub fn managed_fields(data: &[u8]) {
    let Ok(fields) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let live = json!({"metadata": {"managedFields": fields}, "spec": {"a": [{"name": "b"}]}});
    let ownership = ownership_of(&live);
    for path in [".", ".spec.a[name=\"b\"]", ".metadata.labels[\"a/b\"]"] {
        let path: FieldPath = path.parse().unwrap();
        for covering in 0..3 {
            let owners = ownership.owners_of(&path, covering);
            assert!(owners.len() <= ownership.entries.len());
        }
    }
    let appliers = Appliers::of(&ownership, &live, &live, &[]);
    let declaring = ownership.entries.iter().filter(|e| appliers.declares(e));
    assert!(declaring.count() <= ownership.entries.len());
}

/// Rules that explain nothing.
struct NoRules;

impl Explain for NoRules {
    fn explains(&self, _: &FieldPath, _: ChangeKind, _: &[&Owner]) -> Option<Reason> {
        None
    }
}

/// Compares two JSON values, the second of which may have managed fields: no panic, no value
/// differs from itself, and findings can be shown.
pub fn compare(data: &[u8]) {
    let mut values = serde_json::Deserializer::from_slice(data).into_iter::<Value>();
    let (Some(Ok(declared)), Some(Ok(live))) = (values.next(), values.next()) else {
        return;
    };
    let same = compared(&live, &live);
    assert!(
        same.iter().all(|finding| finding.reason.is_some()),
        "{same:?}"
    );
    let normal = normalize(declared, true);
    let findings = compared(&normal, &live);
    assert!(findings.is_sorted_by(|a, b| a.change.path <= b.change.path));
    for finding in &findings {
        let path = finding.change.path.to_string();
        assert_eq!(path.parse::<FieldPath>().unwrap().to_string(), path);
        Finder::lenient(&live).find(&finding.change.path);
    }
    live_view(&normal, findings.iter().map(|finding| &finding.change));
}

fn compared(declared: &Value, live: &Value) -> Vec<Difference> {
    let text = |field: &str| live.get(field).and_then(Value::as_str).unwrap_or_default();
    let ownership = ownership_of(live);
    let schema = Schema::builtin();
    compare_sides(&ComparisonInput {
        declared,
        live,
        schema,
        root: schema.kind(text("apiVersion"), text("kind")),
        ownership: &ownership,
        appliers: &Appliers::of(&ownership, declared, live, &[]),
        sent: &LastSent::of(live),
        rules: &NoRules,
        keep: driftctl::compare::KeepFindings::All,
    })
}

/// Reads a path: a valid path is written as it was read.
pub fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(path) = text.parse::<FieldPath>() {
        let written = path.to_string();
        assert_eq!(
            written.parse::<FieldPath>().as_ref(),
            Ok(&path),
            "{written}"
        );
        let mut object = json!({"spec": {"a": [{"name": "b"}, 1]}});
        Finder::lenient(&object).find(&path);
        if let Ok(pattern) = written.parse::<PathPattern>() {
            pattern.covers(&path);
            pattern.remove(&mut object);
        }
    }
}

/// Reads rules, from a file and from annotations, and applies them.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let path: FieldPath = ".spec.containers[name=\"a\"].image".parse().unwrap();
    let object = json!({"spec": {"a/b": [{"name": "b"}, 1], "~": {"*": null}}});
    if let Ok(pattern) = text.parse::<PathPattern>() {
        pattern.covers(&path);
        pattern.is_within(&path);
        pattern.remove(&mut object.clone());
    }
    if let Ok(pointer) = text.parse::<PointerPattern>() {
        pointer.remove(&mut object.clone());
        pointer.path();
    }
    if let Ok(selector) = text.parse::<LabelSelector>() {
        selector.matches(Some(&json!({"a": "b"})));
    }
    policy::glob(text, "configmaps.shop");
    // Only parses expressions: running them needs a child process.
    let _ = jq::JqProgram::deletion(text);
    if let Ok(spec) = serde_yaml::from_str::<RuleSpec>(text) {
        let _ = spec.compile(RuleOrigin::Place("fuzz".to_owned()));
    }
    let annotations = [
        "kluctl.io/ignore-diff-field",
        "kluctl.io/ignore-diff-field-regex",
        "argocd.argoproj.io/compare-options",
        "kustomize.toolkit.fluxcd.io/ssa",
        "driftctl.dev/ignore",
    ];
    for annotation in annotations {
        let object = json!({"metadata": {"annotations": {annotation: text}}});
        policy::rules_of(Some(&object), Some(&object), "fuzz");
    }
}

/// Compares single values by type: each equals itself, on either side.
pub fn scalars(data: &[u8]) {
    const ALL: [ScalarType; 9] = [
        ScalarType::String,
        ScalarType::Boolean,
        ScalarType::Integer,
        ScalarType::Number,
        ScalarType::Quantity,
        ScalarType::IntOrString,
        ScalarType::Duration,
        ScalarType::Time,
        ScalarType::Bytes,
    ];
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (a, b) = text.split_once('\n').unwrap_or((text, text));
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let (a, b) = (value(a), value(b));
    for scalar in ALL {
        assert!(schema::equal(scalar, &a, &a), "{scalar:?} {a}");
        let one_way = schema::equal(scalar, &a, &b);
        let other_way = schema::equal(scalar, &b, &a);
        // The server stores instants and quantities with less precision.
        if !matches!(scalar, ScalarType::Time | ScalarType::Quantity) {
            assert_eq!(one_way, other_way, "{scalar:?} {a} {b}");
        }
    }
    let one_way = schema::equal_untyped(&a, &b);
    assert_eq!(one_way, schema::equal_untyped(&b, &a), "{a} {b}");
}

/// Masks a text in every place, twice: no panic, the text around a secret stays, and text without
/// secrets no longer changes.
pub fn redaction(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let key = |kind: &str| ResourceKey::new("", kind, None, "a");
    let redactor = Redactor::default();
    let object = json!({"metadata": {"annotations": {"note": text}}, "data": {"file": text},
        "binaryData": {"file": text}});
    let once = redactor.live(&key("ConfigMap"), object);
    let file = once["data"]["file"].as_str().unwrap();
    assert!(file == text || file.contains(MASK), "{text:?} {file:?}");
    let twice = redactor.live(&key("ConfigMap"), once.clone());
    redactor.live(&key("ConfigMap"), twice);
    let secret = redactor.live(&key("Secret"), json!({"stringData": {"file": text}}));
    assert!(!secret.to_string().contains(&json!(text).to_string()) || text.len() < 16);
}

/// Reads an audit log, plain or gzip.
pub fn audit(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(data).unwrap();
    let logs = cluster::audit::Logs {
        files: vec![file.path().to_path_buf()],
        within: None,
    };
    if let Ok(writes) = cluster::audit::read(&logs, &|_| true) {
        for writes in writes.of.values() {
            assert!(writes.is_sorted_by_key(|write| write.at));
        }
    }
}

/// Reads a folder with a kustomization, without building it.
pub fn kustomization(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kustomization.yaml"), data).unwrap();
    std::fs::write(
        folder.path().join("a.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    )
    .unwrap();
    let loaded = source::FilesSource::new([folder.path()]).read();
    assert!(loaded.manifests.len() <= 64);
}

/// Parses a text with the fast parser and with the general parser, which a comment selects: both
/// return the same.
pub fn block(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let is_one_block = text.ends_with('\n')
        && !text.starts_with(['{', '[', '\u{feff}'])
        && !text.contains("---")
        && !text.contains("...")
        && !text.contains('\r');
    if !is_one_block {
        return;
    }
    let fast = yaml::parse(text);
    let slow = yaml::parse(&format!("{text}# \u{2028}\n"));
    let values = |parsed: &yaml::ParsedYaml| -> Vec<(Value, usize)> {
        let documents = parsed.documents.iter();
        let one = |document: &yaml::YamlDocument| (document.value.clone(), document.items.len());
        documents.map(one).collect()
    };
    if fast.problems.is_empty() && slow.problems.is_empty() {
        assert_eq!(values(&fast), values(&slow), "{text:?}");
    }
}

/// Edits the first value of a values file, as backport does: the result parses to the new value,
/// and contains no hidden characters.
pub fn values(data: &[u8]) {
    let Ok(text) = yaml::decode(data.to_vec()) else {
        return;
    };
    let parsed = yaml::parse(&text);
    let Some(document) = parsed.documents.first() else {
        return;
    };
    let path = first_steps(&document.value);
    for to in [
        json!("a: b # c"),
        json!("\u{202e}a\u{85}b"),
        json!("x\ny\n"),
        json!({"a": ["##[b]", 1, null]}),
        Value::Null,
    ] {
        let Ok(after) = edit::edit(&text, document.number, &path, Some(&to)) else {
            continue;
        };
        let again = yaml::parse(&after);
        let mut found = again.documents.first().map(|document| &document.value);
        for step in &path {
            found = found.and_then(|value| match step {
                ManifestStep::Field(name) => value.get(name),
                ManifestStep::Index(index) => value.get(index),
            });
        }
        assert_eq!(found, Some(&to), "{text:?} {after:?}");
        assert!(
            facts::is_harmful(&text) || !facts::is_harmful(&after),
            "{after:?}"
        );
    }
}
