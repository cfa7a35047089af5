//! The schemas of custom resources, gathered from wherever there are any.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::resolve::{Declared, is_crd};
use crate::cluster::Live;
use crate::model::{Manifest, SchemaOrigin, Warning};
use crate::schema::{KUBERNETES_VERSION, Schema, TypeId};

/// Every schema of a run.
pub struct Schemas {
    custom: Schema,
    /// Where the schema of each custom kind is known from, by `apiVersion` and `kind`.
    origins: HashMap<(String, String), SchemaOrigin>,
    /// Schemas that the live side has and that could not be read.
    pub warnings: Vec<Warning>,
}

impl Schemas {
    /// The schema of a kind, if there is one.
    pub fn of(&self, api_version: &str, kind: &str) -> (&Schema, Option<TypeId>) {
        let builtin = Schema::builtin();
        match builtin.kind(api_version, kind) {
            Some(ty) => (builtin, Some(ty)),
            None => (&self.custom, self.custom.kind(api_version, kind)),
        }
    }

    /// Where the schema of a kind is known from.
    pub fn origin(&self, api_version: &str, kind: &str) -> SchemaOrigin {
        if Schema::builtin().kind(api_version, kind).is_some() {
            return SchemaOrigin::BuiltIn(KUBERNETES_VERSION);
        }
        let known = self.origins.get(&(api_version.to_owned(), kind.to_owned()));
        known.cloned().unwrap_or(SchemaOrigin::None)
    }

    fn merge(&mut self, schema: Schema, origin: &SchemaOrigin) {
        let kinds = schema.kinds.keys().cloned();
        self.origins
            .extend(kinds.map(|kind| (kind, origin.clone())));
        self.custom.merge(schema);
    }
}

/// Gathers the schemas of the declared custom resources: from the manifests' own definitions, and
/// then from the live side, whose word counts.
pub fn gather(declared: &[Declared<'_>], manifests: &[Manifest], live: &dyn Live) -> Schemas {
    let mut schemas = Schemas {
        custom: Schema::default(),
        origins: HashMap::new(),
        warnings: Vec::new(),
    };
    for definition in manifests.iter().filter(|manifest| is_crd(manifest)) {
        let origin = SchemaOrigin::DeclaredDefinition(definition.origin.to_string());
        schemas.merge(Schema::from_crd(&definition.value()), &origin);
    }
    let versions: BTreeSet<&str> = declared
        .iter()
        .filter(|object| {
            Schema::builtin()
                .kind(&object.kind.api_version, &object.kind.kind)
                .is_none()
        })
        .map(|object| object.kind.api_version.as_str())
        .collect();
    for version in versions {
        match live.schema(version) {
            Ok(Some(document)) => {
                let (schema, origin) = read(&document);
                schemas.merge(schema, &origin);
            }
            Ok(None) => {}
            Err(error) => schemas.warnings.push(Warning {
                place: version.to_owned(),
                message: format!(
                    "its schema cannot be read, so its objects are compared without one: {error:#}"
                ),
                fatal: false,
            }),
        }
    }
    schemas
}

/// An OpenAPI document, or a list of definitions.
fn read(document: &Value) -> (Schema, SchemaOrigin) {
    match document.get("items").and_then(Value::as_array) {
        Some(definitions) => {
            let mut schema = Schema::default();
            for definition in definitions {
                schema.merge(Schema::from_crd(definition));
            }
            (schema, SchemaOrigin::LiveDefinition)
        }
        None => (Schema::from_openapi(document), SchemaOrigin::OpenApi),
    }
}
