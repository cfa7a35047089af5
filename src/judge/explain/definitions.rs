//! Explains defaults from other versions of a CustomResourceDefinition than the one that an object
//! was compared with.
//!
//! A default is stored in the object when a request leaves the field out. The object may have been
//! written through another version than it is read at, each with its own defaults, or before its
//! definition was changed; the manifests may contain the earlier or the next definition. If nobody
//! but the applier owns a value, and one of these definitions has it as a default, it was
//! defaulted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::compare::{ComparisonInput, Difference};
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeCause, ChangeKind, Explanation, Manifest, PathElement, ResourceKey};
use crate::schema::{Field, Schema, Type, TypeId, equal_untyped};

/// Explains defaults of other versions of a definition.
pub struct OtherDefinitions;

impl Explainer for OtherDefinitions {
    fn id(&self) -> &'static str {
        "other-definitions"
    }

    fn about(&self) -> &'static str {
        "Another version of the definition, or the declared one, has this default."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
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
        // The name of a CustomResourceDefinition ends with its group.
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

/// The other definitions.
struct Definitions {
    /// The definitions among the manifests.
    declared: Vec<Arc<Manifest>>,
    /// The live definitions at the versions that objects are declared at.
    documents: Vec<Value>,
    /// The schemas of all of them; parsed when first needed, because most objects do not need them.
    schemas: OnceLock<Vec<Schema>>,
    /// The version at which an object is declared, if it is read at another one.
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
        subject: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
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

/// Returns whether a finding is an unexplained addition that nobody owns except perhaps the
/// applier.
fn is_nobody_elses(finding: &Difference) -> bool {
    finding.reason.is_none()
        && finding.change.kind == ChangeKind::Added
        && matches!(
            finding.cause,
            Some(ChangeCause::Unattributed | ChangeCause::WrittenByApplier)
        )
}

/// Returns the field at a path.
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

/// Returns whether a value is the default of a field, as a whole or in each part.
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
