//! Gathers the schemas of custom resources from all available sources.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::resolve::{DeclaredManifest, is_crd};
use crate::cluster::Live;
use crate::model::{GroupKind, Manifest, SchemaOrigin, Warning};
use crate::schema::{self, KUBERNETES_VERSION, Schema, TypeId};

/// The schemas of custom resources in a run.
pub struct Schemas {
    custom: Schema,
    /// Whether all versions of a custom kind have the same schema, if its definition is known.
    one_form: BTreeMap<GroupKind, bool>,
    /// The source of each custom kind's schema, by `apiVersion` and `kind`.
    origins: HashMap<(String, String), SchemaOrigin>,
    /// Warnings about schemas that the live side has but that could not be read.
    pub warnings: Vec<Warning>,
}

impl Schemas {
    /// Returns the schema of a kind, if there is one.
    pub fn of(&self, api_version: &str, kind: &str) -> (&Schema, Option<TypeId>) {
        let builtin = Schema::builtin();
        match builtin.kind(api_version, kind) {
            Some(ty) => (builtin, Some(ty)),
            None => (&self.custom, self.custom.kind(api_version, kind)),
        }
    }

    /// Returns the manifest at the live version; `None` if the changes between the two versions are
    /// unknown. Without a conversion webhook, versions of a custom kind differ only in their name
    /// (`spec.conversion.strategy` of the CustomResourceDefinition).
    pub fn at_version<'v>(&self, declared: &'v Value, api_version: &str) -> Option<Cow<'v, Value>> {
        at_version(declared, api_version).or_else(|| {
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

    /// Adds a CustomResourceDefinition.
    fn add(&mut self, definition: &Value, origin: &SchemaOrigin) {
        self.merge(Schema::from_crd(definition), origin);
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
            Some(definitions) => definitions
                .iter()
                .for_each(|one| self.add(one, &SchemaOrigin::LiveDefinition)),
            None => self.merge(Schema::from_openapi(document), &SchemaOrigin::OpenApi),
        }
    }

    /// Returns the source of a kind's schema.
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

/// Returns a manifest of a built-in kind at another version; `None` if the changes between the two
/// versions are unknown.
pub(super) fn at_version<'v>(declared: &'v Value, api_version: &str) -> Option<Cow<'v, Value>> {
    if declared.get("apiVersion").is_some_and(|v| v == api_version) {
        return Some(Cow::Borrowed(declared));
    }
    schema::convert(declared, api_version).map(Cow::Owned)
}

/// Gathers the schemas of the declared custom resources: from definitions among the manifests, then
/// from the live side, which takes precedence.
pub fn gather(
    declared: &[DeclaredManifest<'_>],
    manifests: &[Arc<Manifest>],
    live: &dyn Live,
) -> Schemas {
    let mut schemas = Schemas {
        custom: Schema::default(),
        one_form: BTreeMap::new(),
        origins: HashMap::new(),
        warnings: Vec::new(),
    };
    for definition in manifests.iter().filter(|manifest| is_crd(manifest)) {
        let origin = SchemaOrigin::DeclaredDefinition(definition.origin.to_string());
        schemas.add(&definition.value(), &origin);
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
            Err(error) => schemas.warnings.push(Warning::error(
                version.to_owned(),
                format!(
                    "its schema could not be read, so the run is incomplete: without it, fields \
                     that the server defaulted cannot be distinguished from changes: {error:#}"
                ),
            )),
        }
    }
    schemas
}
