//! The explanation of paths as data: `driftctl.explanation/v1`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use strum::VariantNames as _;

use super::parts::{NameDocument, OriginDocument, OwnerDocument, TargetDocument, WarningDocument};
use super::{schema_of, words};
use crate::model::{
    Applier, ApplierReason, ChangeCause, ChangeKind, DefaultFrom, Equality, Explanation,
    ListMatching, ObjectExplanation, PathDecision, PathExplanation, RuleNote, SchemaOrigin,
    Severity, ValueType, Verdict,
};
use crate::output::why;
use crate::redact::RedactedExplanation;

/// The name and version of the schema.
const SCHEMA: &str = "driftctl.explanation/v1";

/// Why the paths of one object are drift or not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationDocument<'r> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The cluster or recording that was compared.
    target: TargetDocument<'r>,
    /// The object.
    object: ObjectPart<'r>,
    /// The requested path; `.` for the whole object.
    path: String,
    /// The appliers; empty if no applier is known.
    appliers: Vec<ApplierPart<'r>>,
    /// Whether the live object records owners (`metadata.managedFields`).
    managed_fields: bool,
    /// Where the object's schema comes from.
    types: TypesPart<'r>,
    /// The decision on the path, or on each path below it; sorted. If a path was decided as part of
    /// a parent, the parent is listed.
    decisions: Vec<DecisionPart<'r>>,
    /// Warnings and errors.
    warnings: Vec<WarningDocument<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ObjectPart<'r> {
    #[serde(flatten)]
    object: NameDocument<'r>,
    /// The status of the object as a whole.
    #[schemars(extend("enum" = ["in-sync", "drifted", "missing", "extra"]))]
    status: &'static str,
    /// An additional note.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginDocument<'r>>,
    /// How much it matters that it is missing or extra.
    #[schemars(extend("enum" = words::<Severity>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    /// Who wrote an extra object, or deleted a missing one, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<OwnerDocument<'r>>,
    /// An extra object.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'r Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplierPart<'r> {
    /// The field manager.
    manager: &'r str,
    /// Why it is the applier.
    #[schemars(extend("enum" = words::<ApplierReason>()))]
    why: &'static str,
    /// How many of the declared fields it owns.
    owns: usize,
    /// How many fields are declared.
    declared: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TypesPart<'r> {
    /// Which schema it is.
    #[schemars(extend("enum" = SchemaOrigin::VARIANTS))]
    from: &'static str,
    /// For built-in types: their Kubernetes version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    /// Where the CustomResourceDefinition is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'r str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DecisionPart<'r> {
    /// The field, such as `.spec.template.spec.containers[name="app"].image`.
    path: String,
    /// The field's line in the manifest, or its nearest ancestor's, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Its column, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// `drift`, `ignored` (drift that a rule hides), `explained` (not drift), `equal` or `absent`
    /// (on neither side).
    #[schemars(extend("enum" = why::VERDICTS))]
    verdict: &'static str,
    /// The verdict in a sentence.
    why: String,
    /// If both sides differ: `changed`, `removed` (declared but not live) or `added`.
    #[schemars(extend("enum" = words::<ChangeKind>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    /// If it is explained: the explanation.
    #[schemars(extend("enum" = words::<Explanation>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'static str>,
    /// If both sides mean the same: why.
    #[schemars(extend("enum" = words::<Equality>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    equal: Option<&'static str>,
    /// The declared value.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<&'r Value>,
    /// The live value.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'r Value>,
    /// If both sides differ: the severity.
    #[schemars(extend("enum" = words::<Severity>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    /// How the difference came about, as in the report.
    #[schemars(extend("enum" = words::<ChangeCause>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// A note that helps to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'r str>,
    /// All owners of the live value, including the applier; empty if nobody owns it.
    owners: Vec<OwnerDocument<'r>>,
    /// How it is compared.
    compared: FormPart<'r>,
    /// The server's default for the field, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<DefaultPart<'r>>,
    /// The lists on the path, which determine what is compared with what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lists: Vec<ListPart<'r>>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RulePart<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FormPart<'r> {
    /// The kind of value, for the comparison.
    #[schemars(extend("enum" = ValueType::VARIANTS))]
    form: &'static str,
    /// The name of its type, such as `core.v1.Container`.
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    type_name: &'r str,
    /// For a single value: its type, such as `quantity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    scalar: Option<&'static str>,
    /// For a list: the fields that identify its items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<&'r str>,
    /// Whether it is written and owned as a whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    atomic: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DefaultPart<'r> {
    value: &'r Value,
    /// `type`, or `neighbours` if it depends on other fields of the object.
    #[schemars(extend("enum" = words::<DefaultFrom>()))]
    from: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListPart<'r> {
    path: String,
    /// The keys that identify its items.
    #[serde(flatten)]
    compared: FormPart<'r>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RulePart<'r> {
    id: &'r str,
    /// Where it is defined: `built-in`, or a place in a file.
    origin: &'r str,
    /// Its reason.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'r str,
    /// Its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'r str>,
    /// Link to a ticket or discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'r str>,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<&'r str>,
}

/// Returns the JSON Schema of the document, which `driftctl schema explanation` prints.
pub fn explanation_schema() -> Value {
    schema_of::<ExplanationDocument<'_>>(SCHEMA)
}

impl<'r> ExplanationDocument<'r> {
    /// Returns the document for an explanation.
    pub fn new(explanation: &'r RedactedExplanation) -> Self {
        Self {
            schema: SCHEMA,
            target: TargetDocument::of(&explanation.target),
            object: ObjectPart::of(explanation),
            path: explanation.asked.to_string(),
            appliers: explanation.appliers.iter().map(ApplierPart::of).collect(),
            managed_fields: explanation.has_owners,
            types: TypesPart::of(&explanation.schema),
            decisions: explanation.entries.iter().map(DecisionPart::of).collect(),
            warnings: explanation
                .warnings
                .iter()
                .map(WarningDocument::of)
                .collect(),
        }
    }
}

impl<'r> ObjectPart<'r> {
    fn of(explanation: &'r ObjectExplanation) -> Self {
        Self {
            object: NameDocument::of(&explanation.api_version, &explanation.key),
            status: explanation.status.as_str(),
            reason: explanation.reason.as_deref(),
            origin: explanation.origin.as_ref().map(OriginDocument::of),
            severity: explanation.severity.map(Severity::as_str),
            owners: explanation.owners.iter().map(OwnerDocument::of).collect(),
            live: explanation.live.as_ref(),
        }
    }
}

impl<'r> ApplierPart<'r> {
    fn of(applier: &'r Applier) -> Self {
        Self {
            manager: &applier.manager,
            why: applier.why.as_str(),
            owns: applier.owns,
            declared: applier.declared,
        }
    }
}

impl<'r> TypesPart<'r> {
    fn of(origin: &'r SchemaOrigin) -> Self {
        let (version, place) = match origin {
            SchemaOrigin::BuiltIn(version) => (Some(*version), None),
            SchemaOrigin::DeclaredDefinition(place) => (None, Some(place.as_str())),
            SchemaOrigin::OpenApi | SchemaOrigin::LiveDefinition | SchemaOrigin::None => {
                (None, None)
            }
        };
        Self {
            from: origin.as_str(),
            version,
            place,
        }
    }
}

impl<'r> DecisionPart<'r> {
    fn of(entry: &'r PathExplanation) -> Self {
        let part = Self {
            path: entry.path.to_string(),
            line: entry.position.map(|position| position.line),
            column: entry.position.map(|position| position.column),
            verdict: why::verdict(entry),
            why: why::decision_reason(entry),
            change: None,
            explanation: None,
            equal: None,
            declared: entry.declared.as_ref(),
            live: entry.live.as_ref(),
            severity: None,
            cause: None,
            note: None,
            owners: entry.owners.iter().map(OwnerDocument::of).collect(),
            compared: FormPart::of(&entry.form, &entry.type_name),
            default: entry.default.as_ref().map(|(value, from)| DefaultPart {
                value,
                from: from.as_str(),
            }),
            lists: entry.matched.iter().map(ListPart::of).collect(),
            rule: entry.rule.as_ref().map(RulePart::of),
        };
        match &entry.decision {
            PathDecision::Absent => part,
            PathDecision::Equal(how) => Self {
                equal: Some(how.as_str()),
                ..part
            },
            PathDecision::Differs {
                kind,
                verdict,
                severity,
                cause,
                note,
            } => Self {
                change: Some(kind.as_str()),
                explanation: match verdict {
                    Verdict::Explained { by, .. } => Some(by.as_str()),
                    Verdict::Reported | Verdict::Ignored { .. } => None,
                },
                severity: Some(severity.as_str()),
                cause: cause.map(ChangeCause::as_str),
                note: note.as_deref(),
                ..part
            },
        }
    }
}

impl<'r> FormPart<'r> {
    fn of(form: &'r ValueType, type_name: &'r str) -> Self {
        let keys = match form {
            ValueType::AssociativeList(keys) => keys.iter().map(String::as_str).collect(),
            ValueType::ItemsBy(key) => vec![*key],
            _ => Vec::new(),
        };
        Self {
            form: form.as_str(),
            type_name,
            scalar: match form {
                ValueType::Single(scalar) => Some(scalar),
                _ => None,
            },
            keys,
            atomic: matches!(
                form,
                ValueType::Atomic
                    | ValueType::Struct { atomic: true, .. }
                    | ValueType::Map { atomic: true }
            ),
        }
    }
}

impl<'r> ListPart<'r> {
    fn of(matched: &'r ListMatching) -> Self {
        Self {
            path: matched.path.to_string(),
            compared: FormPart::of(&matched.form, ""),
        }
    }
}

impl<'r> RulePart<'r> {
    fn of(rule: &'r RuleNote) -> Self {
        Self {
            id: &rule.id,
            origin: &rule.origin,
            reason: &rule.reason,
            owner: rule.owner.as_deref(),
            ticket: rule.ticket.as_deref(),
            expires: rule.expires.as_deref(),
        }
    }
}
