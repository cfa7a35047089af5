//! Tests schemas from the documents of real servers and from definitions.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use driftctl::schema::{ListKind, ScalarType, Schema, Type, TypeId, Zero};
use serde::Deserialize as _;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn openapi(name: &str) -> Value {
    let file = fs::File::open(fixtures().join("openapi").join(name)).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Returns every type by its path, to compare schemas whose IDs differ.
fn describe(schema: &Schema, id: TypeId) -> String {
    match schema.get(id) {
        Type::Struct { fields, atomic, .. } => {
            let name = schema.name(id).split('@').next().unwrap();
            format!("{name} {atomic} {}", fields.iter().count())
        }
        Type::Map { value, atomic } => format!("map {atomic} {}", describe(schema, *value)),
        Type::List { item, kind } => format!("list {kind:?} {}", describe(schema, *item)),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_documents_of_a_server_match_the_table() {
    let builtin = Schema::builtin();
    let mut seen = 0;
    for name in [
        "api_v1.json.gz",
        "apis_apps_v1.json.gz",
        "apis_apiextensions.k8s.io_v1.json.gz",
    ] {
        let schema = Schema::from_openapi(&openapi(name));
        for (ty, name) in schema.types.iter().zip(&schema.names) {
            let (Type::Struct { fields, .. }, Some(known)) = (ty, builtin.named(name)) else {
                continue;
            };
            let known = builtin.get(known);
            let Type::Struct { fields: known, .. } = known else {
                panic!("{name} is not a struct");
            };
            for (field_name, field) in fields.iter() {
                let known = &known[field_name];
                let place = format!("{name} {field_name}");
                assert_eq!(
                    describe(&schema, field.ty),
                    describe(builtin, known.ty),
                    "{place}"
                );
                assert_eq!(
                    (field.zero, &field.default),
                    (known.zero, &known.default),
                    "{place}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 1500, "{seen}");
}

/// Returns the document that an API server publishes for a custom resource.
fn widgets() -> Value {
    let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    json!({"openapi": "3.0.0", "components": {"schemas": {
        "com.example.v1.Widget": {
            "type": "object",
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
            "properties": {
                "apiVersion": {"type": "string"}, "kind": {"type": "string"},
                "metadata": {"allOf": [{"$ref": format!("#/components/schemas/{meta}")}]},
                "spec": {"type": "object", "properties": {
                    "amount": {"x-kubernetes-int-or-string": true},
                    "since": {"type": "string", "format": "date-time"},
                    "paused": {"type": "boolean", "default": false},
                    "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                        "items": {"type": "object"}},
                }},
            },
        },
        meta: {"type": "object", "properties": {"labels": {"type": "object",
            "additionalProperties": {"type": "string", "default": ""}}}},
        "com.example.v1.WidgetList": {
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "WidgetList"}],
            "properties": {"metadata": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"},
                "items": {"type": "array"}},
        },
    }}})
}

#[test]
fn custom_resources_of_a_server_are_stored_as_sent() {
    let schema = Schema::from_openapi(&widgets());
    let fields = |id| match schema.get(id) {
        Type::Struct { fields, .. } => fields.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(schema.kinds.len(), 1);
    let root = fields(schema.kind("example.com/v1", "Widget").unwrap());
    let spec = fields(root["spec"].ty);
    assert!(matches!(
        schema.get(spec["amount"].ty),
        Type::Scalar(ScalarType::IntOrString)
    ));
    assert!(matches!(
        schema.get(spec["since"].ty),
        Type::Scalar(ScalarType::String)
    ));
    assert_eq!(spec["paused"].default, Some(json!(false)));
    assert_eq!(spec["paused"].zero, Zero::Pointer);
    let Type::List { kind, .. } = schema.get(spec["parts"].ty) else {
        panic!()
    };
    assert_eq!(*kind, ListKind::Map(vec!["id".into()]));
    // The metadata are those of every object, whatever the document omits.
    let metadata = fields(root["metadata"].ty);
    assert_eq!(metadata["labels"].zero, Zero::EmptyAbsent);
    assert!(metadata.contains_key("finalizers"));
}

#[test]
fn reads_the_definitions_of_the_shop() {
    let mut kinds = Vec::new();
    for entry in fs::read_dir(fixtures().join("shop/manifests/crds")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let definition = Value::deserialize(document).unwrap();
            let schema = Schema::from_crd(&definition);
            kinds.extend(
                schema
                    .kinds
                    .keys()
                    .map(|(version, kind)| format!("{version} {kind}")),
            );
            for ty in &schema.types {
                ty.clone()
                    .for_each_reference(|id| assert!((id.0 as usize) < schema.types.len()));
            }
        }
    }
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "store.brindlewick.example/v1 Promotion",
            "store.brindlewick.example/v1alpha1 Courier",
            "store.brindlewick.example/v1beta1 Promotion",
        ]
    );
}

#[test]
fn merges_schemas_without_mixing_up_types() {
    let mut all = Schema::builtin().clone();
    let before = all.types.len();
    all.merge(Schema::from_openapi(&widgets()));
    all.merge(Schema::from_openapi(&openapi("apis_apps_v1.json.gz")));
    assert!(all.types.len() > before);
    for (version, kind) in [
        ("apps/v1", "Deployment"),
        ("example.com/v1", "Widget"),
        ("v1", "Pod"),
    ] {
        let id = all.kind(version, kind).unwrap();
        assert!(all.name(id).ends_with(kind), "{kind} is {}", all.name(id));
        let Type::Struct { fields, .. } = all.get(id) else {
            panic!()
        };
        assert_eq!(all.name(fields["metadata"].ty), "meta.v1.ObjectMeta");
    }
}

#[test]
fn survives_invalid_documents_and_endless_references() {
    for nonsense in [
        json!(null),
        json!([]),
        json!({"components": {"schemas": []}}),
    ] {
        assert!(Schema::from_openapi(&nonsense).kinds.is_empty());
    }
    let mut schemas = serde_json::Map::new();
    for i in 0..50_000 {
        let next = format!("#/components/schemas/t{}", i + 1);
        schemas.insert(
            format!("t{i}"),
            json!({"type": "object", "properties": {"a": {"$ref": next}}}),
        );
    }
    schemas.insert(
        "loop".to_owned(),
        json!({"$ref": "#/components/schemas/loop"}),
    );
    let schema = Schema::from_openapi(&json!({"components": {"schemas": schemas}}));
    assert!(schema.types.len() >= 50_001);
}
