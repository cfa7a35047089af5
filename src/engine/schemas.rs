//! The schemas of custom resources, gathered from wherever there are any.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::object;
use super::resolve::{Declared, declared_crds};
use crate::cluster::Live;
use crate::model::{GroupKind, Manifest, Warning};
use crate::schema::{Schema, TypeId};

/// Every schema of a run.
pub struct Schemas {
    custom: Schema,
    /// Whether the versions of a custom kind have one form, where its definition is known.
    one_form: BTreeMap<GroupKind, bool>,
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

    /// The manifest at the version that is live; `None` when what changed between the two is not
    /// known. Without a conversion webhook, the versions of a custom kind differ in name only
    /// (`spec.conversion.strategy` of its definition).
    pub fn at_version<'v>(&self, declared: &'v Value, api_version: &str) -> Option<Cow<'v, Value>> {
        object::at_version(declared, api_version).or_else(|| {
            let text = |field: &str| declared.get(field).and_then(Value::as_str);
            let kind = text("kind")?;
            let wanted = GroupKind::new(api_version, kind);
            let has_one_form = GroupKind::new(text("apiVersion")?, kind) == wanted
                && self.one_form.get(&wanted) == Some(&true);
            let mut renamed = has_one_form.then(|| declared.clone())?;
            *renamed.get_mut("apiVersion")? = api_version.into();
            Some(Cow::Owned(renamed))
        })
    }

    fn add(&mut self, definition: &Value) {
        self.custom.merge(Schema::from_crd(definition));
        let text = |path: &str| definition.pointer(path).and_then(Value::as_str);
        if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
            let strategy = text("/spec/conversion/strategy").unwrap_or("None");
            let kind = GroupKind {
                group: group.to_owned(),
                kind: kind.to_owned(),
            };
            self.one_form.insert(kind, strategy == "None");
        }
    }

    /// Adds an OpenAPI document, or a list of definitions.
    fn add_all(&mut self, document: &Value) {
        match document.get("items").and_then(Value::as_array) {
            Some(definitions) => definitions.iter().for_each(|one| self.add(one)),
            None => self.custom.merge(Schema::from_openapi(document)),
        }
    }
}

/// Gathers the schemas of the declared custom resources: from the manifests' own definitions, and
/// then from the live side, whose word counts.
pub fn gather(declared: &[Declared<'_>], manifests: &[Manifest], live: &dyn Live) -> Schemas {
    let mut schemas = Schemas {
        custom: Schema::default(),
        one_form: BTreeMap::new(),
        warnings: Vec::new(),
    };
    for crd in declared_crds(manifests) {
        schemas.add(&crd);
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
            Ok(Some(document)) => schemas.add_all(&document),
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
