//! Records what the comparison of one object saw, for `driftctl explain`.

use serde_json::Value;

use crate::compare::{ComparisonInput, VisitedPath, known_by_type};
use crate::model::{
    Applier, FieldPath, KindNames, Manifest, ResourceKey, RuleNote, SchemaOrigin, ValueType,
};
use crate::policy::{ObjectRules, Rule};

/// The object to trace, and the path.
#[derive(Clone, Copy)]
pub struct TraceRequest<'w> {
    /// Whether an object matches.
    pub is_meant: &'w (dyn Fn(&ResourceKey, &KindNames<'_>) -> bool + Sync),
    /// The path; the root for the whole object.
    pub path: &'w FieldPath,
}

/// The trace of an object.
#[derive(Debug)]
pub struct ObjectTrace {
    /// The object.
    pub key: ResourceKey,
    /// The API version that it was compared at.
    pub api_version: String,
    /// Its manifest, for positions.
    pub manifest: Manifest,
    /// The manifest as compared.
    pub declared: Value,
    /// The live object.
    pub live: Value,
    /// Every path that the comparison visited.
    pub visits: Vec<VisitedPath>,
    /// The applier.
    pub appliers: Vec<Applier>,
    /// Whether the live object records owners.
    pub has_owners: bool,
    /// The source of the schema.
    pub schema: SchemaOrigin,
    /// What the schema knows about the requested path.
    pub asked: Option<(ValueType, String, Option<Value>)>,
    /// The rules that match the object.
    pub rules: Vec<RuleNote>,
}

impl ObjectTrace {
    /// Records what the comparison of `subject` saw.
    pub fn of(
        watch: TraceRequest<'_>,
        (key, manifest): (&ResourceKey, &Manifest),
        subject: &ComparisonInput<'_>,
        visits: Vec<VisitedPath>,
        rules: &ObjectRules<'_>,
        schema: SchemaOrigin,
    ) -> Self {
        let version = subject.live.get("apiVersion").and_then(Value::as_str);
        Self {
            key: key.clone(),
            api_version: version.unwrap_or(&manifest.api_version).to_owned(),
            manifest: manifest.clone(),
            declared: subject.declared.clone(),
            live: subject.live.clone(),
            visits,
            appliers: subject.appliers.all().to_vec(),
            has_owners: !subject.ownership.is_empty(),
            schema,
            asked: known_by_type(subject.schema, subject.root, watch.path),
            rules: rules.all().map(note).collect(),
        }
    }
}

/// Returns the description of a rule.
pub fn note(rule: &Rule) -> RuleNote {
    RuleNote {
        id: rule.id.clone(),
        origin: rule.origin.to_string(),
        reason: rule.reason.clone(),
        owner: rule.owner.clone(),
        ticket: rule.ticket.clone(),
        expires: rule.expires.as_ref().map(ToString::to_string),
    }
}
