//! Defaults of other definitions of a custom resource than the one it was compared by.
//!
//! A default is stored with the object that it was filled into. An object may have been written
//! through another version than it is read at, each with its own defaults, and before its definition
//! was changed: the manifests may hold the definition as it was, or as it is to become. What nobody
//! but the applier holds, and one of these definitions fills in, was filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::compare::{Finding, Subject};
use crate::judge::{Explainer, Knowledge, Run};
use crate::model::{Cause, ChangeKind, Explanation, Manifest, PathElement, ResourceKey};
use crate::schema::{Field, Schema, Type, TypeId, equal_untyped};

/// See the module.
pub struct OtherDefinitions;

impl Explainer for OtherDefinitions {
    fn id(&self) -> &'static str {
        "other-definitions"
    }

    fn about(&self) -> &'static str {
        "Another version of the definition, or the declared one, has this default."
    }

    fn learn(&self, run: &Run<'_>) -> Option<Box<dyn Knowledge>> {
        let builtin = Schema::builtin();
        let is_custom = |version: &str, kind: &str| builtin.kind(version, kind).is_none();
        let mut groups = BTreeSet::new();
        let mut versions = BTreeMap::new();
        for one in run.declared {
            let version = one.manifest.api_version.as_str();
            if !is_custom(version, &one.key.kind) {
                continue;
            }
            groups.insert(one.key.group.as_str());
            if version != one.kind.api_version {
                versions.insert(one.key.clone(), version.to_owned());
            }
        }
        if groups.is_empty() {
            return None;
        }
        // The name of a definition ends with its group.
        let is_definition = |manifest: &&Arc<Manifest>| {
            let group = manifest.name.split_once('.').map(|(_, group)| group);
            manifest.kind == "CustomResourceDefinition"
                && group.is_some_and(|group| groups.contains(group))
        };
        let declared: Vec<_> = run
            .manifests
            .iter()
            .filter(is_definition)
            .cloned()
            .collect();
        let others: BTreeSet<&String> = versions.values().collect();
        let read = |version: &String| run.live.schema(version).ok().flatten();
        let documents: Vec<Value> = others.into_iter().filter_map(read).collect();
        let is_any = !declared.is_empty() || !documents.is_empty();
        let known = Definitions {
            declared,
            documents,
            schemas: OnceLock::new(),
            versions,
        };
        is_any.then(|| Box::new(known) as _)
    }
}

/// What other definitions there are.
struct Definitions {
    /// Definitions among the manifests.
    declared: Vec<Arc<Manifest>>,
    /// What the live side has about the versions that objects are declared at.
    documents: Vec<Value>,
    /// The types of all of them. They are read when an object first needs them: most need none.
    schemas: OnceLock<Vec<Schema>>,
    /// The version at which an object is declared, where it is read at another one.
    versions: BTreeMap<ResourceKey, String>,
}

impl Definitions {
    fn schemas(&self) -> &[Schema] {
        self.schemas.get_or_init(|| {
            let declared = self.declared.iter();
            let mut schemas: Vec<Schema> = declared
                .map(|definition| Schema::from_crd(&definition.value()))
                .collect();
            for document in &self.documents {
                match document.get("items").and_then(Value::as_array) {
                    Some(items) => schemas.extend(items.iter().map(Schema::from_crd)),
                    None => schemas.push(Schema::from_openapi(document)),
                }
            }
            schemas
        })
    }
}

impl Knowledge for Definitions {
    fn review(
        &self,
        key: &ResourceKey,
        subject: &Subject<'_>,
        mut findings: Vec<Finding>,
    ) -> Vec<Finding> {
        let live = subject.live.get("apiVersion").and_then(Value::as_str);
        let declared = self.versions.get(key).map(String::as_str);
        for finding in findings.iter_mut().filter(|one| is_nobody_elses(one)) {
            let has_default = |version: &str| {
                let path = finding.change.path.0.as_slice();
                let value = finding.change.live.as_ref();
                self.schemas().iter().any(|schema| {
                    let root = schema.kind(version, &key.kind);
                    let field = root.and_then(|root| field_at(schema, root, path));
                    field
                        .zip(value)
                        .is_some_and(|(field, value)| is_default(schema, field, value))
                })
            };
            if live.into_iter().chain(declared).any(has_default) {
                finding.reason = Some(Explanation::TypeDefault.into());
                finding.cause = None;
            }
        }
        findings
    }
}

/// Returns whether an addition is open, and held by nobody but perhaps the applier.
fn is_nobody_elses(finding: &Finding) -> bool {
    finding.reason.is_none()
        && finding.change.kind == ChangeKind::Added
        && matches!(
            finding.cause,
            Some(Cause::Unattributed | Cause::WrittenByApplier)
        )
}

/// Returns the field that a path leads to.
fn field_at<'s>(schema: &'s Schema, root: TypeId, path: &[PathElement]) -> Option<&'s Field> {
    let mut ty = root;
    let mut found = None;
    for step in path {
        found = None;
        ty = match (schema.get(ty), step) {
            (Type::Struct { fields, .. }, PathElement::Field(name)) => {
                let field = fields.get(name.as_str())?;
                found = Some(field);
                field.ty
            }
            (Type::Map { value, .. }, PathElement::Field(_)) => *value,
            (Type::List { item, .. }, _) => *item,
            _ => return None,
        };
    }
    found
}

/// Returns whether a field is given this value as a whole, or part by part.
fn is_default(schema: &Schema, field: &Field, value: &Value) -> bool {
    let Some(default) = &field.default else {
        return false;
    };
    if equal_untyped(default, value) {
        return true;
    }
    match (schema.get(field.ty), default, value) {
        (Type::Struct { fields, .. }, Value::Object(whole), Value::Object(parts)) => {
            parts.iter().all(|(name, part)| {
                let in_whole = whole.get(name);
                match in_whole {
                    Some(default) => equal_untyped(default, part),
                    None => fields
                        .get(name.as_str())
                        .is_some_and(|field| is_default(schema, field, part)),
                }
            })
        }
        _ => false,
    }
}
