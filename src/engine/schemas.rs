//! The schemas of custom resources, gathered from wherever there are any.

use std::collections::BTreeSet;

use serde_json::Value;

use super::resolve::{Declared, declared_crds};
use crate::cluster::Live;
use crate::model::{Manifest, Warning};
use crate::schema::{Schema, TypeId};

/// Every schema of a run.
pub struct Schemas {
    custom: Schema,
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
}

/// Gathers the schemas of the declared custom resources: from the manifests' own definitions, and
/// then from the live side, whose word counts.
pub fn gather(declared: &[Declared<'_>], manifests: &[Manifest], live: &dyn Live) -> Schemas {
    let mut custom = Schema::default();
    for crd in declared_crds(manifests) {
        custom.merge(Schema::from_crd(&crd));
    }
    let mut warnings = Vec::new();
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
            Ok(Some(document)) => custom.merge(read(&document)),
            Ok(None) => {}
            Err(error) => warnings.push(Warning {
                place: version.to_owned(),
                message: format!(
                    "its schema cannot be read, so its objects are compared without one: {error:#}"
                ),
                fatal: false,
            }),
        }
    }
    Schemas { custom, warnings }
}

/// An OpenAPI document, or a list of definitions.
fn read(document: &Value) -> Schema {
    match document.get("items").and_then(Value::as_array) {
        Some(definitions) => {
            let mut schema = Schema::default();
            for definition in definitions {
                schema.merge(Schema::from_crd(definition));
            }
            schema
        }
        None => Schema::from_openapi(document),
    }
}
