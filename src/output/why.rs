//! Explains in sentences why a path is drift or not: the same in text and in documents.

use serde_json::Value;

use crate::model::{
    Applier, ChangeKind, DefaultFrom, ListMatching, ObjectExplanation, PathDecision, PathElement,
    PathExplanation, RuleNote, SchemaOrigin, ValueType, Verdict,
};

/// Returns the word for the decision.
pub fn verdict(entry: &PathExplanation) -> &'static str {
    match &entry.decision {
        PathDecision::Differs { verdict, .. } => match verdict {
            Verdict::Reported => "drift",
            Verdict::Ignored { .. } => "ignored",
            Verdict::Explained { .. } => "explained",
        },
        PathDecision::Equal(_) => "equal",
        PathDecision::Absent => "absent",
    }
}

/// Every word of [`verdict`].
pub const VERDICTS: [&str; 5] = ["drift", "ignored", "explained", "equal", "absent"];

/// Returns the reason for the decision.
pub fn decision_reason(entry: &PathExplanation) -> String {
    match &entry.decision {
        PathDecision::Differs { kind, verdict, .. } => match verdict {
            Verdict::Reported => drift(*kind).to_owned(),
            Verdict::Ignored { rule, reason } if reason.is_empty() => {
                format!("the rule {rule} ignores it")
            }
            Verdict::Ignored { rule, reason } => format!("the rule {rule} ignores it: {reason}"),
            Verdict::Explained { by, .. } => format!("{}: {}", by.as_str(), by.meaning()),
        },
        PathDecision::Equal(how) => how.meaning().to_owned(),
        PathDecision::Absent => "it is neither declared nor live".to_owned(),
    }
}

fn drift(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Modified => "live differs from the manifest",
        ChangeKind::Removed => "it is declared but not live",
        ChangeKind::Added => "it is live but not declared, and nothing explains it",
    }
}

/// Returns how it is compared: `quantity`, `an associative list by name`.
pub fn form(form: &ValueType) -> String {
    match form {
        ValueType::Untyped => "as written, because its type is unknown".to_owned(),
        ValueType::Single(scalar) => (*scalar).to_owned(),
        ValueType::Struct { atomic: true, .. } => "an object, owned as a whole".to_owned(),
        ValueType::Struct { open: true, .. } => {
            "an object, field by field; unknown fields are preserved".to_owned()
        }
        ValueType::Struct { .. } => "an object, field by field".to_owned(),
        ValueType::Map { atomic: true } => "a map, owned as a whole".to_owned(),
        ValueType::Map { .. } => "a map, key by key".to_owned(),
        ValueType::AssociativeList(keys) => format!(
            "an associative list: items are identified by {}",
            all_of(keys)
        ),
        ValueType::Set => "a set: items are identified by value, in any order".to_owned(),
        ValueType::Atomic => "an atomic list: one value, in order".to_owned(),
        ValueType::ItemsBy(key) => {
            format!("a list without a schema: items are identified by {key}")
        }
        ValueType::ByPosition => "a list without a schema or item keys: by position".to_owned(),
    }
}

/// Returns how items of a list on the path are matched.
pub fn matched(matched: &ListMatching) -> String {
    format!("{} is {}", matched.path, form(&matched.form))
}

fn all_of(keys: &[String]) -> String {
    match keys {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns where a default comes from.
pub fn default_from(from: DefaultFrom) -> &'static str {
    match from {
        DefaultFrom::Type => "the default of its type",
        DefaultFrom::Neighbours => "the server's default, given the other fields of the object",
    }
}

/// Returns where the schema comes from.
pub fn schema(origin: &SchemaOrigin) -> String {
    match origin {
        SchemaOrigin::BuiltIn(version) => {
            format!("the table of built-in types (Kubernetes {version})")
        }
        SchemaOrigin::OpenApi => "the cluster's OpenAPI documents".to_owned(),
        SchemaOrigin::LiveDefinition => "its CustomResourceDefinition on the live side".to_owned(),
        SchemaOrigin::DeclaredDefinition(place) => {
            format!("its CustomResourceDefinition among the manifests, at {place}")
        }
        SchemaOrigin::None => {
            "none: no CustomResourceDefinition and no OpenAPI document describes it".to_owned()
        }
    }
}

/// Returns the applier, and why it is one.
pub fn applier(applier: &Applier) -> String {
    format!(
        "{}: {} (it owns {} of {} declared fields)",
        applier.manager,
        applier.why.meaning(),
        applier.owns,
        applier.declared
    )
}

/// Returns the text if there is no applier.
pub fn no_applier(explanation: &ObjectExplanation) -> &'static str {
    if explanation.has_owners {
        "none: no manager owns the declared fields"
    } else {
        NO_OWNERS
    }
}

/// Returns the text about owners if the object is not live.
pub const NO_OWNERS: &str = "unknown: the live object was read without managed fields";

/// Returns the text about owners if a path has none.
pub fn no_owner(explanation: &ObjectExplanation, entry: &PathExplanation) -> &'static str {
    if entry.live.is_none() {
        "nobody: it is not live"
    } else if !explanation.has_owners {
        NO_OWNERS
    } else if is_scaled_to_zero(entry) {
        "unknown: no manager owns it, because the server records none for a scale to zero"
    } else if entry.is_explained() {
        "nobody: no request wrote it"
    } else {
        "unknown: no manager owns it"
    }
}

/// Returns whether an entry is about replicas that were scaled to zero. The server computes who owns
/// them from the `Scale` object, which omits zero (`managedfields.ScaleHandler`).
fn is_scaled_to_zero(entry: &PathExplanation) -> bool {
    let is_replicas =
        |last: &PathElement| matches!(last, PathElement::Field(name) if name == "replicas");
    entry.path.0.last().is_some_and(is_replicas)
        && entry.live.as_ref().and_then(Value::as_u64) == Some(0)
}

/// Returns a rule, and where it is defined.
pub fn rule(rule: &RuleNote) -> String {
    let mut said = format!("{} ({})", rule.id, rule.origin);
    if !rule.reason.is_empty() {
        said.push_str(&format!(": {}", rule.reason));
    }
    let more = [
        ("owner", &rule.owner),
        ("ticket", &rule.ticket),
        ("until", &rule.expires),
    ];
    for (word, value) in more {
        if let Some(value) = value {
            said.push_str(&format!(" · {word} {value}"));
        }
    }
    said
}
