//! Parses schemas from OpenAPI v3 documents, as API servers publish them for each group version.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Field, ListKind, ScalarType, Schema, Type, TypeId, Zero};
use crate::model::NameMap;

/// The depth limit of inline schemas, which are [`Type::Any`] below it. Real ones have fewer than
/// 30 levels.
pub(super) const MAX_DEPTH: usize = 64;

/// Fields of custom resources that contain quantities whatever their type: the resource names
/// (`core/v1`, `ResourceName`).
pub const AMOUNTS: [&str; 4] = ["cpu", "memory", "storage", "ephemeral-storage"];

const OBJECT_META: &str = "meta.v1.ObjectMeta";

const JSON_SCHEMA_PROPS: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// Returns the name of a type without its Go package path.
///
/// ```
/// use driftctl::schema::short_name;
/// assert_eq!(short_name("io.k8s.api.apps.v1.Deployment"), "apps.v1.Deployment");
/// assert_eq!(short_name("io.k8s.apimachinery.pkg.apis.meta.v1.Time"), "meta.v1.Time");
/// assert_eq!(short_name("com.example.v1.Widget"), "com.example.v1.Widget");
/// ```
pub fn short_name(name: &str) -> &str {
    package(name).unwrap_or(name)
}

/// Returns the part after the Go package root for types that are written in Go, which are those of
/// Kubernetes. Names of custom resources begin with their reversed group instead.
fn package(name: &str) -> Option<&str> {
    const HOMES: [&str; 5] = [
        "io.k8s.api.",
        "io.k8s.apimachinery.pkg.apis.",
        "io.k8s.apimachinery.pkg.",
        "io.k8s.apiextensions-apiserver.pkg.apis.",
        "io.k8s.kube-aggregator.pkg.apis.",
    ];
    HOMES.iter().find_map(|home| name.strip_prefix(home))
}

impl Schema {
    /// Returns the types in the OpenAPI v3 document of a group version
    /// (`/openapi/v3/apis/GROUP/VERSION`).
    ///
    /// Facts about built-in types that OpenAPI does not contain (which zero values are dropped,
    /// most defaults) are taken from the embedded table, so that the types of another server
    /// version have their own fields with the known defaults. If `document` is not an OpenAPI
    /// document, the schema is empty.
    pub fn from_openapi(document: &Value) -> Self {
        let mut schema = Self::from_openapi_alone(document);
        schema.learn_from(Self::builtin());
        schema
    }

    /// Returns the types in an OpenAPI v3 document, without facts from the embedded table.
    pub fn from_openapi_alone(document: &Value) -> Self {
        let mut builder = SchemaBuilder::default();
        let Some(components) = document.pointer("/components/schemas") else {
            return builder.schema;
        };
        let components = components.as_object().into_iter().flatten();
        builder.components = components
            .clone()
            .map(|(name, node)| (name.as_str(), node))
            .collect();
        for (name, node) in components {
            let id = builder.component(name);
            for kind in kinds_of(node) {
                builder.schema.kinds.insert(kind, id);
            }
        }
        builder.finish()
    }

    /// Copies the zero values and defaults of types with the same name.
    fn learn_from(&mut self, known: &Schema) {
        let named = self.names.iter().zip(&mut self.types);
        for (name, ty) in named.filter(|(name, _)| !name.is_empty()) {
            let known = known.named(name).map(|id| known.get(id));
            let (Type::Struct { fields, .. }, Some(Type::Struct { fields: known, .. })) =
                (ty, known)
            else {
                continue;
            };
            for (name, field) in fields.iter_mut() {
                if let Some(known) = known.get(name) {
                    field.zero = known.zero;
                    field.default = known.default.clone();
                }
            }
        }
    }
}

/// Returns the kinds of a component; none for lists and for parts of objects.
fn kinds_of(node: &Value) -> Vec<(String, String)> {
    let metadata = node.pointer("/properties/metadata");
    if metadata.is_none_or(|node| reference(node).is_some_and(|name| name.ends_with(".ListMeta"))) {
        return Vec::new();
    }
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    let kinds = node.get("x-kubernetes-group-version-kind");
    let kinds = kinds.and_then(Value::as_array).into_iter().flatten();
    kinds
        .filter_map(|gvk| {
            let (group, version) = (text(gvk, "group")?, text(gvk, "version")?);
            let api_version = match group.as_str() {
                "" => version,
                group => format!("{group}/{version}"),
            };
            Some((api_version, text(gvk, "kind")?))
        })
        .collect()
}

/// The rules for stored values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A Go type: values are decoded and encoded again, which normalizes their notation.
    Go,
    /// A custom resource: values are stored as they were sent.
    Custom,
}

/// Builds types from schema nodes.
#[derive(Default)]
pub(super) struct SchemaBuilder<'d> {
    pub schema: Schema,
    components: HashMap<&'d str, &'d Value>,
    ids: HashMap<&'d str, TypeId>,
    scalars: HashMap<ScalarType, TypeId>,
    /// Components that have an ID but no body yet. This is a queue instead of recursion, because
    /// documents may chain references without limit.
    pending: Vec<(&'d str, TypeId)>,
    /// Structs that differ from another one only in whether they are atomic.
    variants: Vec<(TypeId, TypeId, bool)>,
    any: Option<TypeId>,
    object_meta: Option<TypeId>,
}

impl<'d> SchemaBuilder<'d> {
    /// Returns the schema, once every requested type is built.
    pub fn finish(mut self) -> Schema {
        while let Some((name, id)) = self.pending.pop() {
            let dialect = match package(name) {
                Some(_) => Dialect::Go,
                None => Dialect::Custom,
            };
            let mut ty = match self.components.get(name).and_then(|node| node.as_object()) {
                Some(node) => self.body(node, dialect, MAX_DEPTH),
                None => Type::Any,
            };
            // Documents spell out the root fields of a custom resource; types do not.
            if let Type::Struct { fields, .. } = &mut ty
                && dialect == Dialect::Custom
                && fields.contains_key("apiVersion")
                && fields.contains_key("kind")
                && fields.contains_key("metadata")
            {
                self.add_object_fields(fields);
            }
            self.set(id, ty);
        }
        for (variant, original, value) in std::mem::take(&mut self.variants) {
            let mut ty = self.schema.get(original).clone();
            if let Type::Struct { atomic, .. } = &mut ty {
                *atomic = value;
            }
            self.set(variant, ty);
        }
        self.schema
    }

    fn set(&mut self, id: TypeId, ty: Type) {
        if let Some(place) = self.schema.types.get_mut(id.0 as usize) {
            *place = ty;
        }
    }

    /// Returns the type of a named component.
    fn component(&mut self, name: &'d str) -> TypeId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = match package(name).map(special) {
            Some(Special::Scalar(scalar)) => self.scalar(scalar),
            Some(Special::Any) => self.any(),
            Some(Special::Same(other)) => self.component(other),
            Some(Special::No) | None => {
                let id = self.schema.push(short_name(name), Type::Any);
                self.pending.push((name, id));
                id
            }
        };
        self.ids.insert(name, id);
        id
    }

    /// Returns the type of a schema node.
    pub fn node(&mut self, node: &'d Value, dialect: Dialect, depth: usize) -> TypeId {
        let Some(object) = node.as_object() else {
            return self.any();
        };
        if depth == 0 {
            return self.any();
        }
        if let Some(name) = reference(node) {
            let id = self.component(name);
            return match text(object, "x-kubernetes-map-type") {
                Some(map_type) => {
                    let variant = self.schema.push(short_name(name), Type::Any);
                    self.variants.push((variant, id, map_type == "atomic"));
                    variant
                }
                None => id,
            };
        }
        match self.body(object, dialect, depth) {
            Type::Any => self.any(),
            Type::Scalar(scalar) => self.scalar(scalar),
            ty => self.schema.push("", ty),
        }
    }

    /// Returns the type of a node that is not a reference.
    pub fn body(&mut self, node: &'d Map<String, Value>, dialect: Dialect, depth: usize) -> Type {
        let format = text(node, "format").unwrap_or_default();
        if flag(node, "x-kubernetes-int-or-string") || format == "int-or-string" {
            // controller-gen writes this pattern for `resource.Quantity`.
            let is_quantity = text(node, "pattern").is_some_and(|p| p.contains("[KMGTPE]i"));
            return Type::Scalar(match dialect {
                Dialect::Custom if is_quantity => ScalarType::Quantity,
                _ => ScalarType::IntOrString,
            });
        }
        match text(node, "type") {
            Some("string") => Type::Scalar(match (dialect, format) {
                (Dialect::Go, "byte") => ScalarType::Bytes,
                (Dialect::Go, "date-time") => ScalarType::Time,
                (Dialect::Custom, "duration") => ScalarType::Duration,
                (Dialect::Custom, "quantity") => ScalarType::Quantity,
                _ => ScalarType::String,
            }),
            Some("boolean") => Type::Scalar(ScalarType::Boolean),
            Some("integer") => Type::Scalar(ScalarType::Integer),
            Some("number") => Type::Scalar(ScalarType::Number),
            Some("array") => self.list(node, dialect, depth),
            Some("object") => self.object(node, dialect, depth),
            // The type is often omitted beside properties.
            _ if node.contains_key("properties") => self.object(node, dialect, depth),
            _ => Type::Any,
        }
    }

    fn list(&mut self, node: &'d Map<String, Value>, dialect: Dialect, depth: usize) -> Type {
        let item = match node.get("items") {
            Some(items) => self.node(items, dialect, depth - 1),
            None => self.any(),
        };
        let keys = node.get("x-kubernetes-list-map-keys");
        let keys = keys.and_then(Value::as_array).into_iter().flatten();
        let keys: Vec<_> = keys.filter_map(Value::as_str).map(Box::from).collect();
        let kind = match text(node, "x-kubernetes-list-type") {
            Some("map") if !keys.is_empty() => ListKind::Map(keys),
            Some("set") => ListKind::Set,
            _ => ListKind::Atomic,
        };
        Type::List { item, kind }
    }

    fn object(&mut self, node: &'d Map<String, Value>, dialect: Dialect, depth: usize) -> Type {
        let atomic = text(node, "x-kubernetes-map-type") == Some("atomic");
        let open = flag(node, "x-kubernetes-preserve-unknown-fields");
        let embedded = flag(node, "x-kubernetes-embedded-resource");
        let properties = node.get("properties").and_then(Value::as_object);
        match node.get("additionalProperties") {
            Some(value) if properties.is_none() && *value != Value::Bool(false) => {
                let value = self.node(value, dialect, depth - 1);
                return Type::Map { value, atomic };
            }
            _ => {}
        }
        let required = node.get("required").and_then(Value::as_array);
        let mut fields: NameMap<Field> = properties
            .into_iter()
            .flatten()
            .map(|(name, node)| {
                let required = required.is_some_and(|names| names.iter().any(|n| n == name));
                let mut field = self.field(node, dialect, depth, required);
                let is_text = matches!(
                    self.schema.get(field.ty),
                    Type::Scalar(ScalarType::String | ScalarType::IntOrString)
                );
                if dialect == Dialect::Custom && is_text && AMOUNTS.contains(&name.as_str()) {
                    field.ty = self.scalar(ScalarType::Quantity);
                }
                (name.as_str().into(), field)
            })
            .collect();
        if embedded {
            self.add_object_fields(&mut fields);
        }
        Type::Struct {
            fields,
            atomic,
            open,
            embedded,
        }
    }

    fn field(&mut self, node: &'d Value, dialect: Dialect, depth: usize, required: bool) -> Field {
        let ty = self.node(node, dialect, depth - 1);
        let default = node.get("default").cloned();
        match dialect {
            Dialect::Custom => Field {
                ty,
                zero: Zero::Pointer,
                default,
                nullable: node.get("nullable") == Some(&Value::Bool(true)),
            },
            Dialect::Go => {
                let zero = zero_of(node, default.as_ref(), required);
                // OpenAPI gives the zero value of a required field as its default.
                let is_zero = |value: &Value| super::is_zero(value) || *value == json!({});
                Field {
                    ty,
                    zero,
                    default: default.filter(|value| !is_zero(value)),
                    nullable: false,
                }
            }
        }
    }

    /// Adds the fields of every object, replacing those of the schema: a custom resource may
    /// restrict its metadata, but its type is `ObjectMeta` nevertheless.
    pub fn add_object_fields(&mut self, fields: &mut NameMap<Field>) {
        let string = self.scalar(ScalarType::String);
        let meta = self.object_meta();
        for (name, ty) in [("apiVersion", string), ("kind", string), ("metadata", meta)] {
            let field = Field {
                ty,
                zero: Zero::ZeroAbsent,
                default: None,
                nullable: false,
            };
            fields.insert(name.into(), field);
        }
    }

    fn object_meta(&mut self) -> TypeId {
        if let Some(id) = self.object_meta {
            return id;
        }
        let builtin = Schema::builtin();
        let id = match builtin.named(OBJECT_META) {
            Some(known) => self.schema.import(builtin, known),
            None => self.any(),
        };
        *self.object_meta.insert(id)
    }

    fn scalar(&mut self, scalar: ScalarType) -> TypeId {
        let schema = &mut self.schema;
        let ids = self.scalars.entry(scalar);
        *ids.or_insert_with(|| schema.push("", Type::Scalar(scalar)))
    }

    fn any(&mut self) -> TypeId {
        let schema = &mut self.schema;
        *self.any.get_or_insert_with(|| schema.push("", Type::Any))
    }
}

/// Returns what the server does with a Go field's zero value, as far as OpenAPI shows.
///
/// A default of `{}` is that of a struct that is not a pointer; any other zero value as the default
/// is always written; lists and maps are omitted if empty unless they are required. Other fields
/// are treated as pointers, which hides no difference.
fn zero_of(node: &Value, default: Option<&Value>, required: bool) -> Zero {
    let is_map = node.get("additionalProperties").is_some();
    let is_list = node.get("items").is_some();
    match default {
        Some(Value::Object(_)) if !is_map => Zero::Struct,
        Some(default) if super::is_zero(default) => Zero::Always,
        _ if (is_map || is_list) && required => Zero::Always,
        _ if is_map || is_list => Zero::EmptyAbsent,
        _ => Zero::Pointer,
    }
}

/// Go types whose JSON differs from their OpenAPI, or that have no OpenAPI.
enum Special {
    No,
    Scalar(ScalarType),
    Any,
    Same(&'static str),
}

fn special(package: &str) -> Special {
    match package {
        "api.resource.Quantity" => Special::Scalar(ScalarType::Quantity),
        "util.intstr.IntOrString" => Special::Scalar(ScalarType::IntOrString),
        "meta.v1.Time" | "meta.v1.MicroTime" => Special::Scalar(ScalarType::Time),
        "meta.v1.Duration" => Special::Scalar(ScalarType::Duration),
        "runtime.RawExtension" | "meta.v1.FieldsV1" | "meta.v1.Patch" => Special::Any,
        "apiextensions.v1.JSON" | "apiextensions.v1.JSONSchemaPropsOrStringArray" => Special::Any,
        // These are nearly always schemas. The alternative (a boolean, or a list of schemas) is not
        // an object, so it is compared as written.
        "apiextensions.v1.JSONSchemaPropsOrArray" | "apiextensions.v1.JSONSchemaPropsOrBool" => {
            Special::Same(JSON_SCHEMA_PROPS)
        }
        _ => Special::No,
    }
}

/// Returns the name of the component that a node refers to, directly or as the only part of an
/// `allOf`, which is how OpenAPI adds a default or a description to a reference.
fn reference(node: &Value) -> Option<&str> {
    let target = match node.get("$ref") {
        Some(target) => target,
        None => match node.get("allOf")?.as_array()?.as_slice() {
            [only] => only.get("$ref")?,
            _ => return None,
        },
    };
    target.as_str()?.strip_prefix("#/components/schemas/")
}

fn text<'d>(node: &'d Map<String, Value>, key: &str) -> Option<&'d str> {
    node.get(key)?.as_str()
}

fn flag(node: &Map<String, Value>, key: &str) -> bool {
    node.get(key) == Some(&Value::Bool(true))
}
