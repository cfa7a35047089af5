//! Generates `src/schema/builtin.txt`, the embedded table of the built-in types, and checks it
//! against its sources:
//!
//! - `fixtures/openapi/api*.json.gz`: the OpenAPI v3 document of every group version, without the
//!   descriptions; `version.json` says of which server.
//! - `fixtures/openapi/zero-values.json.gz`: how each field stores its zero value, which the Go
//!   types define and OpenAPI does not contain.
//! - `src/schema/defaults.txt`: the defaults that the server's code sets, written by hand.
//!
//! After a change to one of them, generate the table again:
//!
//! ```sh
//! DRIFTCTL_WRITE_SCHEMA=1 cargo test --test truth schema_table
//! ```
//!
//! For the next version of Kubernetes, save the documents of a new API server in one directory and
//! the Go types in another, and pass both. The new data replaces the fixtures:
//!
//! ```sh
//! mkdir /tmp/openapi && kubectl get --raw /version > /tmp/openapi/version.json
//! for path in $(kubectl get --raw /openapi/v3 | jq -r '.paths | keys[] | select(test("/v[0-9]"))'); do
//!     kubectl get --raw /openapi/v3/$path > /tmp/openapi/$(echo $path | tr / _).json
//! done
//! for name in api apimachinery apiextensions-apiserver kube-aggregator; do
//!     git clone --depth 1 --branch kubernetes-1.37.0 https://github.com/kubernetes/$name /tmp/go/$name
//! done
//! DRIFTCTL_WRITE_SCHEMA=1 DRIFTCTL_OPENAPI_DIR=/tmp/openapi DRIFTCTL_GO_DIR=/tmp/go \
//!     cargo test --test truth schema_table
//! ```
//!
//! Then read the diff of `builtin.txt`, and the changes of `defaults.go` in every `pkg/apis/*/*` of
//! Kubernetes between the two versions.

// A fixture that cannot be read is a failure of the test.
#![allow(clippy::unwrap_used)]

mod go_types;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use driftctl::schema::{Field, ListKind, ScalarType, Schema, Type, TypeId, Zero, short_name};
use serde_json::{Map, Value, json};

const ZERO_VALUES: &str = "zero-values.json.gz";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PathBuf {
    root().join("fixtures/openapi")
}

fn writing() -> bool {
    std::env::var_os("DRIFTCTL_WRITE_SCHEMA").is_some()
}

#[test]
fn the_table_is_up_to_date() {
    if let Some(dir) = std::env::var_os("DRIFTCTL_OPENAPI_DIR") {
        take_documents(Path::new(&dir));
    }
    let documents = documents();
    let all = one_document(&documents);
    if let Some(dir) = std::env::var_os("DRIFTCTL_GO_DIR") {
        let names = all["components"]["schemas"].as_object().unwrap().keys();
        let zeros = go_types::zero_values(Path::new(&dir), names);
        write_gz(&fixtures().join(ZERO_VALUES), &json!(zeros));
    }
    let mut schema = Schema::from_openapi_alone(&all);
    set_zero_values(&mut schema);
    set_defaults(&mut schema);
    let table = Table {
        schema: &schema,
        resources: resources(&documents),
    }
    .to_text();

    let path = root().join("src/schema/builtin.txt");
    if writing() {
        fs::write(&path, table).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(
        committed == table,
        "src/schema/builtin.txt is not what its sources make; DRIFTCTL_WRITE_SCHEMA=1 cargo test \
         --test truth schema_table writes it again"
    );
    assert_eq!(
        Table {
            schema: Schema::builtin(),
            resources: resources(&documents)
        }
        .to_text(),
        table
    );
}

#[test]
fn knows_every_resource_of_discovery() {
    let mut seen = 0;
    for name in ["discovery-api.json.gz", "discovery-apis.json.gz"] {
        for (api_version, resource) in discovered(&read_gz(&fixtures().join(name))) {
            let kind = text(&resource["responseKind"]["kind"]);
            let known = driftctl::schema::builtin_kind(&api_version, kind)
                .unwrap_or_else(|| panic!("{api_version} {kind}"));
            assert_eq!(known.plural, text(&resource["resource"]), "{kind}");
            assert_eq!(
                known.namespaced,
                resource["scope"] == "Namespaced",
                "{kind}"
            );
            assert!(
                Schema::builtin().kind(&api_version, kind).is_some(),
                "{kind}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, driftctl::schema::builtin_kinds().len());
}

/// Returns the resources of an aggregated discovery document, each with its `apiVersion`.
fn discovered(document: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for group in document["items"].as_array().unwrap() {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in group["versions"].as_array().unwrap() {
            for resource in version["resources"].as_array().unwrap() {
                let api_version = api_version(name, text(&version["version"]));
                found.push((api_version, resource.clone()));
            }
        }
    }
    found
}

fn api_version(group: &str, version: &str) -> String {
    match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

// ---- The sources ----

fn read_gz(path: &Path) -> Value {
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

fn write_gz(path: &Path, value: &Value) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    encoder.write_all(value.to_string().as_bytes()).unwrap();
    encoder.finish().unwrap();
}

fn names(dir: &Path, suffix: &str) -> Vec<String> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|n| n.starts_with("api") && n.ends_with(suffix))
        .collect();
    names.sort();
    names
}

fn documents() -> Vec<Value> {
    let names = names(&fixtures(), ".json.gz");
    names
        .iter()
        .map(|name| read_gz(&fixtures().join(name)))
        .collect()
}

/// Replaces the fixtures with slimmed copies of new documents.
fn take_documents(dir: &Path) {
    for name in names(&fixtures(), ".json.gz") {
        fs::remove_file(fixtures().join(name)).unwrap();
    }
    for name in names(dir, ".json") {
        let document: Value = serde_json::from_slice(&fs::read(dir.join(&name)).unwrap()).unwrap();
        // The documents of groups, as opposed to group versions, contain no types.
        if document.pointer("/components/schemas").is_some() {
            write_gz(&fixtures().join(format!("{name}.gz")), &slim(&document));
        }
    }
    fs::copy(dir.join("version.json"), fixtures().join("version.json")).unwrap();
}

/// Returns the part of a document that the table needs: the types without descriptions, and the
/// kind that each path serves.
fn slim(document: &Value) -> Value {
    let mut schemas = document["components"]["schemas"].clone();
    drop_descriptions(&mut schemas);
    let paths = document["paths"].as_object().unwrap().iter();
    let paths: Map<_, _> = paths
        .filter_map(|(path, item)| {
            let kinds = ["get", "post", "put"]
                .iter()
                .filter_map(|verb| item.get(verb)?.get(GVK));
            let kind = kinds.into_iter().next()?;
            Some((path.clone(), json!({"get": {GVK: kind}})))
        })
        .collect();
    json!({"openapi": document["openapi"], "paths": paths, "components": {"schemas": schemas}})
}

const GVK: &str = "x-kubernetes-group-version-kind";

fn drop_descriptions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A property with that name is an object, not text.
            fields.retain(|key, value| key != "description" || !value.is_string());
            fields.values_mut().for_each(drop_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_descriptions),
        _ => {}
    }
}

/// Returns one document with all types: many are in several documents.
fn one_document(documents: &[Value]) -> Value {
    let mut schemas = Map::new();
    for document in documents {
        for (name, node) in document["components"]["schemas"].as_object().unwrap() {
            schemas.entry(name.clone()).or_insert_with(|| node.clone());
        }
    }
    json!({"components": {"schemas": schemas}})
}

/// A resource's plural, and whether it is namespaced, by `apiVersion` and kind.
type Resources = BTreeMap<(String, String), (String, bool)>;

/// Returns the resources that the paths serve, without subresources.
fn resources(documents: &[Value]) -> Resources {
    let mut resources = Resources::new();
    for document in documents {
        for (path, item) in document["paths"].as_object().unwrap() {
            let segments: Vec<_> = path.trim_matches('/').split('/').collect();
            let rest = match segments.as_slice() {
                ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
                _ => continue,
            };
            let (plural, namespaced) = match rest {
                ["watch", ..] => continue,
                ["namespaces", "{namespace}", plural] => (plural, true),
                ["namespaces", "{namespace}", plural, "{name}"] => (plural, true),
                [plural] | [plural, "{name}"] => (plural, false),
                _ => continue,
            };
            let gvk = &item["get"][GVK];
            let version = api_version(text(&gvk["group"]), text(&gvk["version"]));
            let kind = (version, text(&gvk["kind"]).to_owned());
            let known = resources
                .entry(kind)
                .or_insert_with(|| ((*plural).to_owned(), namespaced));
            known.1 |= namespaced;
        }
    }
    resources
}

fn set_zero_values(schema: &mut Schema) {
    let zeros = read_gz(&fixtures().join(ZERO_VALUES));
    for (name, zeros) in zeros.as_object().unwrap() {
        for (field, zero) in zeros.as_object().unwrap() {
            // Fields differ between versions; unknown ones stay as in OpenAPI.
            for field in fields_named(schema, short_name(name), field) {
                field.zero = match text(zero) {
                    "pointer" => Zero::Pointer,
                    "zero-absent" => Zero::ZeroAbsent,
                    "empty-absent" => Zero::EmptyAbsent,
                    "always" => Zero::Always,
                    "struct" => Zero::Struct,
                    other => panic!("{name} {other}"),
                };
            }
        }
    }
}

/// Applies `defaults.txt`, which explains its own syntax.
fn set_defaults(schema: &mut Schema) {
    let text = fs::read_to_string(root().join("src/schema/defaults.txt")).unwrap();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (ty, rest) = line.split_once(' ').unwrap();
        if let Some((field, default)) = rest.split_once(" = ") {
            let default: Value =
                serde_json::from_str(default).unwrap_or_else(|e| panic!("{line}: {e}"));
            let fields = fields_named(schema, ty, field);
            assert!(!fields.is_empty(), "there is no such field: {line}");
            for field in fields {
                field.default = Some(default.clone());
            }
        } else if let Some((field, name)) = rest.split_once(" : ") {
            copy_type(schema, ty, field, name);
        } else {
            panic!("{line}");
        }
    }
}

/// Gives the struct at a field, or in the list at that field, its own name there.
fn copy_type(schema: &mut Schema, ty: &str, field: &str, name: &str) {
    let field_type = fields_named(schema, ty, field)[0].ty;
    let (item, list) = match schema.get(field_type) {
        Type::List { item, kind } => (*item, Some(kind.clone())),
        _ => (field_type, None),
    };
    let known = schema.names.iter().position(|known| &**known == name);
    let copy = match known {
        Some(index) => TypeId(u32::try_from(index).unwrap()),
        None => schema.push(name, schema.get(item).clone()),
    };
    let place = match list {
        Some(kind) => schema.push("", Type::List { item: copy, kind }),
        None => copy,
    };
    fields_named(schema, ty, field)[0].ty = place;
}

fn fields_named<'s>(schema: &'s mut Schema, ty: &str, field: &str) -> Vec<&'s mut Field> {
    let matches = |name: &str| match ty.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => name == ty,
    };
    (schema.names.iter().zip(&mut schema.types))
        .filter(|(name, _)| matches(name))
        .filter_map(|(_, ty)| match ty {
            Type::Struct { fields, .. } => {
                let found = fields.iter_mut().find(|(name, _)| *name == field);
                found.map(|(_, field)| field)
            }
            _ => None,
        })
        .collect()
}

// ---- The table ----

struct Table<'s> {
    schema: &'s Schema,
    resources: Resources,
}

impl Table<'_> {
    fn to_text(&self) -> String {
        let version = fs::read(fixtures().join("version.json")).unwrap();
        let version: Value = serde_json::from_slice(&version).unwrap();
        let mut out = format!("kubernetes {}\n", text(&version["gitVersion"]));
        let mut roots = Vec::new();
        for ((api_version, kind), (plural, namespaced)) in &self.resources {
            let scope = if *namespaced { "namespaced" } else { "cluster" };
            let id = self
                .schema
                .kind(api_version, kind)
                .unwrap_or_else(|| panic!("{kind}"));
            let name = self.schema.name(id);
            writeln!(out, "kind {api_version} {kind} {plural} {scope} {name}").unwrap();
            roots.push(id);
        }
        for (name, id) in self.reachable(roots) {
            let Type::Struct {
                fields,
                atomic,
                open,
                embedded,
            } = self.schema.get(id)
            else {
                panic!("{name} is no struct");
            };
            assert!(!open && !embedded, "the table has no word for this: {name}");
            let atomic = if *atomic { " atomic" } else { "" };
            writeln!(out, "type {name}{atomic}").unwrap();
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (field, known) in fields {
                let (zero, ty) = (zero_word(known.zero), self.spelling(known.ty));
                let default = known.default.iter().map(|value| format!(" = {value}"));
                writeln!(out, " {field} {zero} {ty}{}", default.collect::<String>()).unwrap();
            }
        }
        out
    }

    /// Returns the named types that kinds lead to, by name, in their original form.
    fn reachable(&self, mut pending: Vec<TypeId>) -> BTreeMap<String, TypeId> {
        let mut seen = BTreeSet::new();
        let mut found = BTreeMap::new();
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            self.schema
                .get(id)
                .clone()
                .for_each_reference(|id| pending.push(*id));
            let name = self.schema.name(id);
            if !name.is_empty() {
                found.insert(name.to_owned(), self.original(name));
            }
        }
        found
    }

    /// Returns the first type with a name; its variants come later.
    fn original(&self, name: &str) -> TypeId {
        self.schema.named(name).unwrap()
    }

    fn spelling(&self, id: TypeId) -> String {
        match self.schema.get(id) {
            Type::Any => "any".to_owned(),
            Type::Scalar(scalar) => scalar_word(*scalar).to_owned(),
            Type::Struct { atomic, .. } => {
                let name = self.schema.name(id);
                let original = self.schema.get(self.original(name));
                match (original, atomic) {
                    (Type::Struct { atomic: usual, .. }, atomic) if usual == atomic => {
                        name.to_owned()
                    }
                    (_, true) => format!("{name}!"),
                    (_, false) => format!("{name}~"),
                }
            }
            Type::Map { value, atomic } => {
                let mark = if *atomic { "!" } else { "" };
                format!("map({}){mark}", self.spelling(*value))
            }
            Type::List { item, kind } => match kind {
                ListKind::Atomic => format!("list({})", self.spelling(*item)),
                ListKind::Set => format!("set({})", self.spelling(*item)),
                ListKind::Map(keys) => {
                    format!("list[{}]({})", keys.join(","), self.spelling(*item))
                }
            },
        }
    }
}

fn zero_word(zero: Zero) -> &'static str {
    match zero {
        Zero::Pointer => "pointer",
        Zero::ZeroAbsent => "zero",
        Zero::EmptyAbsent => "empty",
        Zero::Always => "always",
        Zero::Struct => "struct",
    }
}

fn scalar_word(scalar: ScalarType) -> &'static str {
    match scalar {
        ScalarType::String => "string",
        ScalarType::Boolean => "boolean",
        ScalarType::Integer => "integer",
        ScalarType::Number => "number",
        ScalarType::Quantity => "quantity",
        ScalarType::IntOrString => "int-or-string",
        ScalarType::Duration => "duration",
        ScalarType::Time => "time",
        ScalarType::Bytes => "bytes",
    }
}
