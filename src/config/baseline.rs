//! The baseline: accepted drift, in a file that programs write and people review.

use jiff::Timestamp;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::append::scalar;
use super::config_file::{ConfigFile, field};
use super::problem::ConfigError;
use crate::facts::is_hidden;
use crate::model::{ChangeKind, FieldPath, ResourceKey};
use crate::policy::{Accepted, ChangeKindSpec, Debt, Expiry, RecordedValue};
use crate::yaml;

/// The header of the file.
const HEAD: &str = "\
# Drift that was accepted, value by value, until it changes or expires. Written by 'driftctl accept';
# 'driftctl debt' lists it. Secret and very long values are stored as digests.
";

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("required" = ["salt"]))]
struct BaselineSpec {
    /// The salt of the digests
    #[serde(default)]
    salt: String,
    /// The changes, by object and path
    #[serde(default)]
    accepted: Vec<AcceptedSpec>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AcceptedSpec {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    path: String,
    change: ChangeKindSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    declared: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declared_digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    live: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live_digest: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// Reads a baseline. Entries that expired by `now` are overdue.
///
/// # Errors
/// Fails if anything is wrong with it; the error lists all problems.
pub fn read_baseline(file: &str, text: &str, now: Timestamp) -> Result<Debt, ConfigError> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    let schema = settings
        .into_generator()
        .into_root_schema_for::<BaselineSpec>();
    let mut sheet = ConfigFile::read(file, text, &schema.to_value());
    let mut debt = Debt::new(sheet.top("salt"));
    for (steps, spec) in sheet.entries::<AcceptedSpec>("accepted") {
        match spec.read(now) {
            Ok(accepted) => debt.insert(accepted),
            Err((key, message)) => {
                let mut at = steps.clone();
                at.push(field(key));
                sheet.wrong(&at, format!("\"{key}\": {message}"));
            }
        }
    }
    sheet.finish().map(|()| debt)
}

impl AcceptedSpec {
    fn read(self, now: Timestamp) -> Result<Accepted, (&'static str, String)> {
        let wrong = |key| move |error: &dyn std::fmt::Display| (key, error.to_string());
        let path: FieldPath = self.path.parse().map_err(|e| wrong("path")(&e))?;
        let expires: Option<Expiry> = match &self.expires {
            Some(text) => Some(text.parse().map_err(|e| wrong("expires")(&e))?),
            None => None,
        };
        Ok(Accepted {
            key: ResourceKey::new(self.group, self.kind, self.namespace, self.name),
            path: path.to_string(),
            kind: self.change.into(),
            declared: recorded("declared", self.declared, self.declared_digest)?,
            live: recorded("live", self.live, self.live_digest)?,
            reason: self.reason,
            ticket: self.ticket,
            by: self.by,
            at: self.at,
            overdue: expires.as_ref().is_some_and(|at| at.is_over(now)),
            expires,
        })
    }

    fn of(accepted: &Accepted) -> Self {
        let key = &accepted.key;
        let [declared, live] = [&accepted.declared, &accepted.live];
        Self {
            group: key.group.clone(),
            kind: key.kind.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            path: accepted.path.clone(),
            change: match accepted.kind {
                ChangeKind::Modified => ChangeKindSpec::Changed,
                ChangeKind::Removed => ChangeKindSpec::Removed,
                ChangeKind::Added => ChangeKindSpec::Added,
            },
            declared: value_of(declared),
            declared_digest: digest_of(declared),
            live: value_of(live),
            live_digest: digest_of(live),
            reason: accepted.reason.clone(),
            ticket: accepted.ticket.clone(),
            by: accepted.by.clone(),
            at: accepted.at.clone(),
            expires: accepted.expires.as_ref().map(ToString::to_string),
        }
    }
}

fn recorded(
    key: &'static str,
    value: Option<Value>,
    digest: Option<String>,
) -> Result<RecordedValue, (&'static str, String)> {
    match (value, digest) {
        (None, None) => Ok(RecordedValue::Nothing),
        (None, Some(digest)) => Ok(RecordedValue::Digest(digest)),
        (Some(value), None) => Ok(RecordedValue::Value(value)),
        (Some(_), Some(_)) => Err((key, "it also has a digest; keep one of them".to_owned())),
    }
}

fn value_of(recorded: &RecordedValue) -> Option<Value> {
    match recorded {
        RecordedValue::Value(value) => Some(value.clone()),
        RecordedValue::Nothing | RecordedValue::Digest(_) => None,
    }
}

fn digest_of(recorded: &RecordedValue) -> Option<String> {
    match recorded {
        RecordedValue::Digest(digest) => Some(digest.clone()),
        RecordedValue::Nothing | RecordedValue::Value(_) => None,
    }
}

/// Returns whether a value is read back unchanged after it is written into a baseline.
pub fn can_be_written(value: &Value) -> bool {
    let parsed = yaml::parse(&format!("a: {value}\n"));
    let document = parsed.documents.first();
    parsed.problems.is_empty() && document.is_some_and(|d| d.value["a"] == *value)
}

/// Returns the text of a baseline: sorted, so that a review shows only what was accepted.
pub fn write_baseline(debt: &Debt) -> String {
    use std::fmt::Write;
    let mut text = HEAD.to_owned();
    let quoted = |text: &str| Value::from(text).to_string();
    let _ = writeln!(text, "salt: {}", quoted(&debt.salt));
    let accepted: Vec<_> = debt.entries().map(AcceptedSpec::of).collect();
    if accepted.is_empty() {
        text.push_str("accepted: []\n");
        return text;
    }
    text.push_str("accepted:\n");
    for spec in accepted {
        // JSON is YAML.
        let json_of = |value: Option<Value>| {
            value.map(|value| yaml::escape_hidden_yaml(&value.to_string()).into_owned())
        };
        let text_of = |text: Option<String>| {
            text.and_then(|text| match text.contains(is_hidden) {
                true => json_of(Some(text.into())),
                false => Some(scalar(&text)),
            })
        };
        let fields = [
            (
                "group",
                text_of(Some(spec.group).filter(|group| !group.is_empty())),
            ),
            ("kind", text_of(Some(spec.kind))),
            ("namespace", text_of(spec.namespace)),
            ("name", text_of(Some(spec.name))),
            ("path", text_of(Some(spec.path))),
            (
                "change",
                Some(ChangeKind::from(spec.change).as_str().to_owned()),
            ),
            ("declared", json_of(spec.declared)),
            ("declaredDigest", text_of(spec.declared_digest)),
            ("live", json_of(spec.live)),
            ("liveDigest", text_of(spec.live_digest)),
            (
                "reason",
                text_of(Some(spec.reason).filter(|reason| !reason.is_empty())),
            ),
            ("ticket", text_of(spec.ticket)),
            ("by", text_of(spec.by)),
            ("at", text_of(spec.at)),
            ("expires", text_of(spec.expires)),
        ];
        let mut lead = "  - ";
        for (key, value) in fields {
            if let Some(value) = value {
                let _ = writeln!(text, "{lead}{key}: {}", value);
                lead = "    ";
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn debt() -> Debt {
        let mut debt = Debt::new("c2FsdA".to_owned());
        for (name, path, live) in [
            ("cart", ".spec.replicas", RecordedValue::Value(json!(5))),
            (
                "cart",
                ".data[\"a.b\"]",
                RecordedValue::Digest("abc".to_owned()),
            ),
            (
                "api",
                ".spec.x",
                RecordedValue::Value(json!({"yes": ["no", "0644", "a: b # c\n", null, 0.1, 1e21]})),
            ),
        ] {
            debt.insert(Accepted {
                key: ResourceKey::new(
                    "apps",
                    "Deployment",
                    Some("shop".to_owned()),
                    name.to_owned(),
                ),
                path: path.to_owned(),
                kind: ChangeKind::Added,
                declared: RecordedValue::Nothing,
                live,
                reason: "incident: 12, \"quoted\" # and\nmore".to_owned(),
                ticket: Some("12".to_owned()),
                by: Some("yes".to_owned()),
                at: Some("2026-11-21T14:00:00Z".to_owned()),
                expires: Some("2026-11-22".parse().unwrap()),
                overdue: false,
            });
        }
        debt
    }

    #[test]
    fn reads_what_it_writes_and_keeps_the_layout() {
        let text = write_baseline(&debt());
        let now = "2026-11-21T14:00:00Z".parse().unwrap();
        let read = read_baseline("b.yaml", &text, now).unwrap();
        assert!(read.entries().eq(debt().entries()));
        assert_eq!(write_baseline(&read), text);
        let later = read_baseline("b.yaml", &text, "2026-11-23T00:00:00Z".parse().unwrap());
        assert!(later.unwrap().entries().all(|accepted| accepted.overdue));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn characters_that_a_terminal_interprets_are_written_as_escapes() {
        let hidden = "a\u{9b}31m\u{202e}\u{e0041}";
        let mut debt = Debt::new("c2FsdA".to_owned());
        debt.insert(Accepted {
            key: ResourceKey::new("", "ConfigMap", Some("shop".to_owned()), hidden.to_owned()),
            path: ".data.k".to_owned(),
            kind: ChangeKind::Added,
            declared: RecordedValue::Nothing,
            live: RecordedValue::Value(json!({hidden: hidden})),
            reason: hidden.to_owned(),
            ticket: None,
            by: None,
            at: None,
            expires: None,
            overdue: false,
        });
        let text = write_baseline(&debt);
        let is_raw = |c: char| c != '\n' && is_hidden(c);
        assert!(!text.contains(is_raw), "{text}");
        let read = read_baseline("b.yaml", &text, Timestamp::UNIX_EPOCH).unwrap();
        assert!(read.entries().eq(debt.entries()));
    }

    #[test]
    fn reports_every_problem_with_its_line() {
        let text = "\
salt: a
accepted:
  - {kind: A, name: b, path: spec, change: added}
  - {kind: A, name: b, path: .a, change: adde}
  - {kind: A, name: b, path: .a, change: added, live: 1, liveDigest: a, extra: 1}
  - {kind: A, name: b, path: .a, change: added, expires: soon}
";
        let error = read_baseline("b.yaml", text, Timestamp::UNIX_EPOCH).unwrap_err();
        insta::assert_snapshot!(error);
    }
}
