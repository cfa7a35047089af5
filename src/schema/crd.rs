//! Parses schemas from CustomResourceDefinitions.

use serde_json::Value;

use super::openapi::{Dialect, MAX_DEPTH, SchemaBuilder};
use super::{Schema, Type};
use crate::model::NameMap;

impl Schema {
    /// Returns the types of every version in a CustomResourceDefinition.
    ///
    /// Custom resources are stored as they are sent: explicit zeros are kept, and quantities and
    /// times are not rewritten, whatever their `format`. Only the metadata has the usual type.
    /// Versions without a schema are left out; if `definition` is not a CustomResourceDefinition,
    /// the schema is empty.
    pub fn from_crd(definition: &Value) -> Self {
        let mut builder = SchemaBuilder::default();
        let mut kinds = Vec::new();
        for version in versions(definition) {
            let mut root = match version.schema.as_object() {
                Some(node) => builder.body(node, Dialect::Custom, MAX_DEPTH),
                None => continue,
            };
            if let Type::Any = root {
                root = Type::Struct {
                    fields: NameMap::default(),
                    atomic: false,
                    open: true,
                    embedded: false,
                };
            }
            if let Type::Struct { fields, .. } = &mut root {
                builder.add_object_fields(fields);
            }
            let id = builder.schema.push(&version.type_name(), root);
            kinds.push(((version.api_version(), version.kind.to_owned()), id));
        }
        let mut schema = builder.finish();
        schema.kinds.extend(kinds);
        if definition.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)) {
            schema.keep_unknown_fields();
        }
        schema
    }

    /// Opens every struct, as the API server does for definitions without structural schemas.
    fn keep_unknown_fields(&mut self) {
        let own = self.names.iter().zip(&mut self.types);
        for (_, ty) in own.filter(|(name, _)| !name.starts_with("meta.v1.")) {
            if let Type::Struct { open, .. } = ty {
                *open = true;
            }
        }
    }
}

/// One version of a definition.
struct CrdVersion<'d> {
    group: &'d str,
    kind: &'d str,
    name: &'d str,
    schema: &'d Value,
}

impl CrdVersion<'_> {
    fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// Returns the OpenAPI name: `com.example.v1.Widget` for a `Widget` of `example.com/v1`.
    fn type_name(&self) -> String {
        let reversed: Vec<_> = self.group.rsplit('.').collect();
        format!("{}.{}.{}", reversed.join("."), self.name, self.kind)
    }
}

/// Returns the versions that have a schema, either their own or (until
/// `apiextensions.k8s.io/v1beta1`) a common one.
fn versions(definition: &Value) -> Vec<CrdVersion<'_>> {
    let text = |path: &str| definition.pointer(path).and_then(Value::as_str);
    let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) else {
        return Vec::new();
    };
    let common = definition.pointer("/spec/validation/openAPIV3Schema");
    let listed = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(|version| {
        let own = version.pointer("/schema/openAPIV3Schema");
        Some((version.get("name")?.as_str()?, own.or(common)?))
    });
    let single = text("/spec/version").zip(common);
    let mut versions: Vec<_> = listed.collect();
    if versions.is_empty() {
        versions.extend(single);
    }
    let versions = versions.into_iter().map(|(name, schema)| CrdVersion {
        group,
        kind,
        name,
        schema,
    });
    versions.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{Field, ListKind, ScalarType, Zero};

    fn widget(schema: Value) -> Schema {
        Schema::from_crd(&json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"group": "example.com", "names": {"kind": "Widget", "plural": "widgets"}, "versions": [
                {"name": "v1", "schema": {"openAPIV3Schema": schema}},
                {"name": "v1beta1", "schema": {"openAPIV3Schema": {"type": "object"}}},
            ]},
        }))
    }

    /// Returns the field at a path; `[]` stands for the items of a list or the values of a map.
    fn field(schema: &Schema, path: &str) -> Field {
        let mut found = Field {
            ty: schema.kind("example.com/v1", "Widget").unwrap(),
            zero: Zero::Pointer,
            default: None,
            nullable: false,
        };
        for step in path.split('.') {
            match schema.get(found.ty) {
                Type::Struct { fields, .. } => found = fields[step].clone(),
                Type::List { item, .. } => found.ty = *item,
                Type::Map { value, .. } => found.ty = *value,
                other => panic!("{step} of {other:?}"),
            }
        }
        found
    }

    #[test]
    fn reads_structural_schemas() {
        let schema = widget(
            json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "size": {"type": "integer", "default": 3, "nullable": true},
                "amount": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true},
                "since": {"type": "string", "format": "date-time"},
                "blob": {"type": "string", "format": "byte"},
                "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"weight": {"type": "integer", "default": 1}}}},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "order": {"type": "array", "items": {"type": "string"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}, "x-kubernetes-map-type": "atomic"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "anything": {"x-kubernetes-preserve-unknown-fields": true},
                "template": {"type": "object", "x-kubernetes-embedded-resource": true,
                    "x-kubernetes-preserve-unknown-fields": true},
            }}}}),
        );
        let ty = |path| schema.get(field(&schema, path).ty).clone();
        let list = |path| match ty(path) {
            Type::List { kind, .. } => kind,
            other => panic!("{other:?}"),
        };
        let size = field(&schema, "spec.size");
        assert_eq!(
            (size.default, size.nullable, size.zero),
            (Some(json!(3)), true, Zero::Pointer)
        );
        assert!(matches!(
            ty("spec.amount"),
            Type::Scalar(ScalarType::IntOrString)
        ));
        assert!(matches!(ty("spec.since"), Type::Scalar(ScalarType::String)));
        assert!(matches!(ty("spec.blob"), Type::Scalar(ScalarType::String)));
        assert_eq!(list("spec.parts"), ListKind::Map(vec!["name".into()]));
        assert_eq!(
            field(&schema, "spec.parts.[].weight").default,
            Some(json!(1))
        );
        assert_eq!(list("spec.tags"), ListKind::Set);
        assert_eq!(list("spec.order"), ListKind::Atomic);
        assert!(matches!(ty("spec.labels"), Type::Map { atomic: true, .. }));
        assert!(matches!(ty("spec.free"), Type::Struct { open: true, .. }));
        assert!(matches!(ty("spec.anything"), Type::Any));
        assert!(matches!(
            ty("spec.template"),
            Type::Struct {
                embedded: true,
                open: true,
                ..
            }
        ));
        let finalizers = field(&schema, "spec.template.metadata.finalizers");
        assert_eq!(finalizers.zero, Zero::EmptyAbsent);
        assert_eq!(list("metadata.finalizers"), ListKind::Set);
        let root = schema.kind("example.com/v1", "Widget").unwrap();
        assert_eq!(schema.name(root), "com.example.v1.Widget");
        assert!(schema.kind("example.com/v1beta1", "Widget").is_some());
    }

    #[test]
    fn reads_the_common_schema_of_older_definitions() {
        let schema = Schema::from_crd(&json!({"spec": {
            "group": "example.com", "version": "v1", "names": {"kind": "Widget"}, "preserveUnknownFields": true,
            "validation": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}},
        }}));
        let spec = field(&schema, "spec");
        assert!(matches!(
            schema.get(spec.ty),
            Type::Struct { open: true, .. }
        ));
    }

    #[test]
    fn malformed_definitions_do_not_panic() {
        let mut deep = json!({"type": "string"});
        for _ in 0..300 {
            deep = json!({"type": "object", "properties": {"a": deep}});
        }
        let mut wrong = vec![
            json!({"type": 3, "properties": []}),
            json!({"type": "object", "properties": {"a": null, "b": {"items": 1, "type": "array"}}}),
            json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [1]}),
            json!({"$ref": "#/components/schemas/nowhere"}),
            json!([]),
            json!(null),
        ];
        wrong.extend((0..100).map(|_| json!({"allOf": [{"$ref": "#/components/schemas/a"}]})));
        wrong.iter().for_each(|schema| drop(widget(schema.clone())));
        let schema = widget(deep.take());
        assert!(schema.types.len() < 300, "{}", schema.types.len());
        for definition in [
            json!(null),
            json!({"spec": 1}),
            json!({"spec": {"group": "a", "names": {"kind": 1}}}),
        ] {
            assert!(Schema::from_crd(&definition).kinds.is_empty());
        }
    }
}
