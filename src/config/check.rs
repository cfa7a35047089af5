//! Validates a value against the JSON Schema of the type that it is read into: unknown keys, wrong
//! types, values that are not allowed. serde would report only the first problem, without its
//! place.

use serde_json::Value;

use super::problem::did_you_mean;
use crate::model::ManifestStep;

/// A problem at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The path to it.
    pub steps: Vec<ManifestStep>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Keys that are known but not allowed, and why.
const REFUSED: &[(&str, &str)] = &[
    (
        "explains",
        "is only for built-in rules; without it, the rule ignores drift and counts it",
    ),
    ("kinds", "is called \"changes\""),
    ("managers", "is called \"onlyManagers\""),
];

/// Returns everything that does not match the schema, which contains no references.
pub(super) fn faults(schema: &Value, value: &Value) -> Vec<Fault> {
    let mut check = ConfigChecker::default();
    check.value(schema, value);
    check.faults
}

#[derive(Default)]
struct ConfigChecker {
    steps: Vec<ManifestStep>,
    faults: Vec<Fault>,
}

impl ConfigChecker {
    fn value(&mut self, schema: &Value, value: &Value) {
        let words = words(schema);
        let types = types(schema);
        let fits = |name: &str| types.contains(&name);
        if types.is_empty() && words.is_empty() {
            return; // anything
        }
        match value {
            // A key without a value counts as left out.
            Value::Null if !matches!(self.steps.last(), Some(ManifestStep::Index(_))) => {}
            Value::String(text) if !words.is_empty() => {
                if !words.contains(&text.as_str()) {
                    let meant = did_you_mean(text, words.iter().copied());
                    let allowed = words.join(", ");
                    self.fault(format!(
                        "{} \"{text}\" is not one of {allowed}{meant}",
                        self.at()
                    ));
                }
            }
            Value::Object(_) if fits("object") => self.object(schema, value),
            Value::Array(items) if fits("array") => {
                let schema = part(schema, "items");
                for (i, item) in items.iter().enumerate() {
                    self.steps.push(ManifestStep::Index(i));
                    self.value(schema, item);
                    self.steps.pop();
                }
            }
            Value::String(_) if fits("string") => {}
            Value::Bool(_) if fits("boolean") => {}
            Value::Number(_) if fits("integer") || fits("number") => {}
            other => self.wrong_type(&types, other),
        }
    }

    fn object(&mut self, schema: &Value, value: &Value) {
        let known = part(schema, "properties").as_object();
        let names = || known.into_iter().flat_map(|known| known.keys());
        for (name, value) in value.as_object().into_iter().flatten() {
            self.steps.push(ManifestStep::Field(name.clone()));
            match known.and_then(|known| known.get(name)) {
                Some(schema) => self.value(schema, value),
                None => {
                    let refused = REFUSED.iter().find(|(refused, _)| refused == name);
                    self.fault(match refused {
                        Some((_, why)) => format!("\"{name}\" {why}"),
                        None => {
                            let meant = did_you_mean(name, names().map(String::as_str));
                            format!("unknown key \"{name}\"{meant}")
                        }
                    });
                }
            }
            self.steps.pop();
        }
        let required = part(schema, "required").as_array();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if value.get(name).is_none_or(Value::is_null) {
                self.fault(format!("{} needs \"{name}\"", self.at()));
            }
        }
    }

    fn wrong_type(&mut self, types: &[&str], value: &Value) {
        let wanted = match types.first() {
            Some(&"object") => "a mapping (key: value)",
            Some(&"array") => "a list (- item)",
            Some(&"string") => "text",
            Some(&"boolean") => "true or false",
            _ => "a number",
        };
        let found = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        let hint = match value {
            Value::Bool(_) | Value::Number(_) if wanted == "text" => ": put it in quotes",
            Value::String(_) if wanted.starts_with("a list") => ": write [it]",
            _ => "",
        };
        self.fault(format!(
            "{} is {found}, but must be {wanted}{hint}",
            self.at()
        ));
    }

    /// Returns the name of the place for a message.
    fn at(&self) -> String {
        let name = self.steps.iter().rev().find_map(|step| match step {
            ManifestStep::Field(name) => Some(name.as_str()),
            ManifestStep::Index(_) => None,
        });
        match (name, self.steps.last()) {
            (None, _) => "the file".to_owned(),
            (Some(name), Some(ManifestStep::Index(i))) => format!("item {} of \"{name}\"", i + 1),
            (Some(name), _) => format!("\"{name}\""),
        }
    }

    fn fault(&mut self, message: String) {
        self.faults.push(Fault {
            steps: self.steps.clone(),
            message,
        });
    }
}

/// Returns a keyword of the schema, or of one of its alternatives.
fn part<'s>(schema: &'s Value, keyword: &str) -> &'s Value {
    let own = schema.get(keyword);
    let of_alternatives = || alternatives(schema).find_map(|one| one.get(keyword));
    own.or_else(of_alternatives).unwrap_or(&Value::Null)
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["anyOf", "oneOf"].into_iter();
    lists
        .filter_map(|keyword| schema.get(keyword)?.as_array())
        .flatten()
}

/// Returns the types that the schema allows.
fn types(schema: &Value) -> Vec<&str> {
    let own = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let of_alternatives = alternatives(schema).flat_map(types);
    own.into_iter().chain(of_alternatives).collect()
}

/// Returns the values that the schema allows; empty for any.
fn words(schema: &Value) -> Vec<&str> {
    let constant = schema.get("const").and_then(Value::as_str);
    let listed = schema.get("enum").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_str);
    let of_alternatives = alternatives(schema).flat_map(words);
    constant
        .into_iter()
        .chain(listed)
        .chain(of_alternatives)
        .collect()
}
