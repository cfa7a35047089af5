//! What the comparison of one object saw, for `driftctl explain`.

use serde_json::Value;

use crate::compare::{Subject, Visit, known_by_type};
use crate::model::{
    Applier, FieldPath, Form, KindNames, Manifest, ResourceKey, RuleNote, SchemaOrigin,
};
use crate::policy::{ObjectRules, Rule};

/// Which object someone asks about, and which of its paths.
#[derive(Clone, Copy)]
pub struct TraceRequest<'w> {
    /// Whether an object is meant.
    pub is_meant: &'w (dyn Fn(&ResourceKey, &KindNames<'_>) -> bool + Sync),
    /// The path; the root for the whole object.
    pub path: &'w FieldPath,
}

/// What was seen of an object that someone asks about.
#[derive(Debug)]
pub struct ObjectTrace {
    /// Which object.
    pub key: ResourceKey,
    /// The version that it was compared at.
    pub api_version: String,
    /// Its manifest, for the lines.
    pub manifest: Manifest,
    /// The manifest as it was compared.
    pub declared: Value,
    /// The live object.
    pub live: Value,
    /// Every place that the comparison came to.
    pub visits: Vec<Visit>,
    /// Who is taken for the applier.
    pub appliers: Vec<Applier>,
    /// Whether the live object says who owns what.
    pub has_owners: bool,
    /// Where the schema is known from.
    pub schema: SchemaOrigin,
    /// What the schema knows of the path that was asked about.
    pub asked: Option<(Form, String, Option<Value>)>,
    /// The rules that speak of the object.
    pub rules: Vec<RuleNote>,
}

impl ObjectTrace {
    /// Writes down what a comparison of `subject` saw.
    pub fn of(
        watch: TraceRequest<'_>,
        (key, manifest): (&ResourceKey, &Manifest),
        subject: &Subject<'_>,
        visits: Vec<Visit>,
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

/// Returns what is to be told of a rule.
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
