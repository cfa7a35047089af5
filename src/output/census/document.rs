//! A census as a JSON document: `driftctl.coverage/v1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::CensusOptions;
use crate::model::{Census, ClassifiedObject, ObjectClass, Orphan, Share, Tally};
use crate::output::document::{TargetDocument, WarningDocument, schema_of};
use crate::output::json_text;

const SCHEMA: &str = "driftctl.coverage/v1";

/// How many live objects are declared, and by whom.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CensusDocument<'c> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The cluster or recording.
    target: TargetDocument<'c>,
    /// How many objects are declared.
    coverage: ShareDocument,
    /// Whether there may be more live objects than were counted: the percentage is then an upper
    /// bound.
    at_most: bool,
    /// Whether objects that are declared elsewhere count as declared.
    counts_elsewhere: bool,
    /// How many fields of declared objects are declared; the others were added live.
    fields: ShareDocument,
    /// All objects by class.
    totals: TallyDocument,
    /// The objects of each namespace by class, and those that are cluster-scoped.
    namespaces: Vec<NamespaceDocument<'c>>,
    /// The objects of each kind by class.
    kinds: Vec<KindDocument>,
    /// The objects that no manifest of the run declares, except derived ones.
    objects: Vec<CensusObject<'c>>,
    /// Namespaces whose purpose is gone, such as a preview whose branch was deleted.
    orphans: Vec<OrphanDocument<'c>>,
    /// Declared objects that are not live.
    missing: usize,
    /// Declared objects that could not be read.
    unknown: usize,
    /// How many kinds were listed.
    listed_kinds: usize,
    /// Kinds that could not be listed in every namespace.
    unlisted_kinds: &'c [String],
    /// Warnings and errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<WarningDocument<'c>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ShareDocument {
    /// The declared ones.
    declared: usize,
    /// The total.
    of: usize,
    /// The percentage; absent if the total is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TallyDocument {
    /// Declared by a manifest of the run.
    declared: usize,
    /// Created by a controller, a policy or the cluster.
    derived: usize,
    /// Declared by another application or release, according to their marks.
    elsewhere: usize,
    /// Not declared by any manifest.
    undeclared: usize,
    /// Not declared by any manifest, but ignored by a rule.
    ignored: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NamespaceDocument<'c> {
    /// The namespace; absent for cluster-scoped objects.
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'c str,
    #[serde(flatten)]
    objects: TallyDocument,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KindDocument {
    /// The API group; absent for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    /// The kind.
    kind: String,
    #[serde(flatten)]
    objects: TallyDocument,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CensusObject<'c> {
    /// The API group; absent for the core group.
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'c str,
    /// The kind.
    kind: &'c str,
    /// The namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'c str>,
    /// The name.
    name: &'c str,
    /// The class.
    #[schemars(extend("enum" = ["elsewhere", "undeclared", "ignored"]))]
    class: &'static str,
    /// The evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'c str>,
    /// Its first writer, a user or a field manager, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<&'c str>,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct OrphanDocument<'c> {
    /// The namespace.
    namespace: &'c str,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// How many objects in it were created neither by a controller nor by the cluster.
    objects: usize,
    /// What is gone.
    why: &'c str,
}

/// Returns the JSON Schema of a census.
pub fn census_schema() -> Value {
    schema_of::<CensusDocument<'_>>(SCHEMA)
}

impl From<Share> for ShareDocument {
    fn from(share: Share) -> Self {
        Self {
            declared: share.declared,
            of: share.of,
            percent: share
                .percent()
                .map(|percent| (percent * 100.0).floor() / 100.0),
        }
    }
}

impl From<Tally> for TallyDocument {
    fn from(tally: Tally) -> Self {
        Self {
            declared: tally.of(ObjectClass::Declared),
            derived: tally.of(ObjectClass::Derived),
            elsewhere: tally.of(ObjectClass::Elsewhere),
            undeclared: tally.of(ObjectClass::Undeclared),
            ignored: tally.of(ObjectClass::Ignored),
        }
    }
}

impl<'c> CensusObject<'c> {
    fn of(object: &'c ClassifiedObject) -> Option<Self> {
        let key = &object.key;
        let is_listed = !matches!(object.class, ObjectClass::Declared | ObjectClass::Derived);
        is_listed.then(|| Self {
            group: &key.group,
            kind: &key.kind,
            namespace: key.namespace.as_deref(),
            name: &key.name,
            class: object.class.as_str(),
            why: object.why.as_deref(),
            creator: object.creator.as_deref(),
            created: object.created.map(|at| at.to_string()),
        })
    }
}

impl<'c> OrphanDocument<'c> {
    fn of(orphan: &'c Orphan) -> Self {
        Self {
            namespace: &orphan.namespace,
            created: orphan.created.map(|at| at.to_string()),
            objects: orphan.objects,
            why: &orphan.why,
        }
    }
}

/// Writes a census as one document.
pub(super) fn write(census: &Census, asked: CensusOptions, out: &mut dyn Write) -> io::Result<()> {
    let namespaces = census.by_namespace().into_iter();
    let kinds = census.by_kind().into_iter();
    let total = census.total();
    let document = CensusDocument {
        schema: SCHEMA,
        target: TargetDocument::of(&census.target),
        coverage: total.share(asked.counts_elsewhere).into(),
        at_most: census.is_at_most(),
        counts_elsewhere: asked.counts_elsewhere,
        fields: census.fields.into(),
        totals: total.into(),
        namespaces: namespaces
            .map(|(namespace, tally)| NamespaceDocument {
                namespace,
                objects: tally.into(),
            })
            .collect(),
        kinds: kinds
            .map(|(kind, tally)| KindDocument {
                group: kind.group,
                kind: kind.kind,
                objects: tally.into(),
            })
            .collect(),
        objects: census.objects.iter().filter_map(CensusObject::of).collect(),
        orphans: census.orphans.iter().map(OrphanDocument::of).collect(),
        missing: census.missing,
        unknown: census.unknown,
        listed_kinds: census.kinds,
        unlisted_kinds: &census.unlisted,
        warnings: census.warnings.iter().map(WarningDocument::of).collect(),
    };
    json_text::write(out, &document)
}
