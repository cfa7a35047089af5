//! Kyverno's variables: `{{ … }}` in texts, and the entries of a rule's context.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::evaluate::evaluate;
use super::jmes::JmesFailure;
use super::parse::parse;

/// The limit on rounds in which variables within variables are resolved.
const MOST_ROUNDS: usize = 16;

/// The length up to which text is resolved.
const LONGEST: usize = 100_000;

/// Variables that only Kyverno knows.
const UNKNOWN: [&str; 5] = [
    "images",
    "image",
    "serviceAccountName",
    "serviceAccountNamespace",
    "target",
];

/// The values that expressions can refer to.
#[derive(Debug, Clone, Default)]
pub struct Context {
    known: Map<String, Value>,
    /// Entries of the context whose value is unknown here, and why.
    unknown: BTreeMap<String, JmesFailure>,
}

impl Context {
    /// Returns the context of a request.
    pub fn of(request: Value) -> Self {
        let mut context = Self::default();
        context.known.insert("request".to_owned(), request);
        context
    }

    /// Adds a value under a name.
    pub fn set(&mut self, name: &str, value: Value) {
        self.unknown.remove(name);
        self.known.insert(name.to_owned(), value);
    }

    /// Adds the entries of a `context`.
    pub fn load(&mut self, entries: &Value) {
        for entry in entries.as_array().into_iter().flatten() {
            let name = entry
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let value = match entry.get("variable") {
                Some(variable) => self.variable(variable),
                None => Err(JmesFailure::Cannot(format!(
                    "the result depends on {name}, which is read from elsewhere"
                ))),
            };
            match value {
                Ok(value) => self.set(name, value),
                Err(why) => {
                    self.known.remove(name);
                    self.unknown.insert(name.to_owned(), why);
                }
            }
        }
    }

    fn variable(&self, variable: &Value) -> Result<Value, JmesFailure> {
        let given = |field: &str| {
            let given = variable.get(field).filter(|value| !value.is_null());
            given.map(|value| self.resolve(value)).transpose()
        };
        let default = given("default")?;
        let path = given("jmesPath")?;
        let path = path.as_ref().and_then(Value::as_str);
        let found = match (given("value")?, path) {
            (Some(value), Some(path)) => query(path, &value),
            (Some(value), None) => Ok(value),
            (None, Some(path)) => self.query(path),
            (None, None) => Ok(Value::Null),
        };
        match (found, default) {
            (
                Ok(Value::Null) | Err(JmesFailure::NotFound(_) | JmesFailure::Error(_)),
                Some(default),
            ) => Ok(default),
            (Ok(Value::Null), None) => {
                Err(JmesFailure::Error("a context variable has no value".into()))
            }
            (found, _) => found,
        }
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// Fails if it has no value, or the value cannot be determined here.
    pub fn query(&self, expression: &str) -> Result<Value, JmesFailure> {
        let words = words(expression);
        let is_named = |name: &String| match name.bytes().all(is_of_word) {
            true => words.contains(&name.as_str()),
            false => expression.contains(name.as_str()),
        };
        let mut unknown = self.unknown.iter();
        if let Some((_, why)) = unknown.find(|(name, _)| is_named(name)) {
            return Err(why.clone());
        }
        let is_unknown = |word: &&&str| UNKNOWN.contains(word) && !self.known.contains_key(**word);
        if let Some(word) = words.iter().find(is_unknown) {
            return Err(JmesFailure::Cannot(format!(
                "the result depends on {word}, which only Kyverno knows"
            )));
        }
        let asks_for_user = ["userInfo", "roles", "clusterRoles"];
        let request = self.known.get("request");
        if expression.contains("request.")
            && words.iter().any(|word| asks_for_user.contains(word))
            && request.is_none_or(|request| request.get("userInfo").is_none())
        {
            return Err(JmesFailure::Cannot(
                "the result depends on the requester, which only the server knows".to_owned(),
            ));
        }
        query(expression, &Value::Object(self.known.clone()))
    }

    /// Replaces the variables in a document with their values.
    ///
    /// # Errors
    /// Fails if one has no value, or the value cannot be determined here.
    pub fn resolve(&self, document: &Value) -> Result<Value, JmesFailure> {
        match document {
            Value::String(text) => self.resolve_text(text),
            Value::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(fields) => {
                let mut resolved = Map::new();
                for (key, value) in fields {
                    let key = match self.resolve_text(key)? {
                        Value::String(key) => key,
                        _ => return Err(JmesFailure::Error("a key is not a string".to_owned())),
                    };
                    resolved.insert(key, self.resolve(value)?);
                }
                Ok(Value::Object(resolved))
            }
            other => Ok(other.clone()),
        }
    }

    fn resolve_text(&self, text: &str) -> Result<Value, JmesFailure> {
        if text.contains("$(") {
            return Err(JmesFailure::Cannot(
                "pattern references are not supported".into(),
            ));
        }
        let mut text = text.to_owned();
        for _ in 0..MOST_ROUNDS {
            let Some((at, variable)) = innermost(&text) else {
                return Ok(Value::String(text.replace("\\{{", "{{")));
            };
            let inner = variable
                .trim_start_matches('{')
                .trim_end_matches('}')
                .trim();
            // In a map, one of the braces belongs to the map.
            let inner = match variable.starts_with("{{{") {
                true => variable
                    .get(2..variable.len() - 2)
                    .unwrap_or_default()
                    .trim(),
                false => inner,
            };
            if inner == "@" || inner.starts_with('-') {
                return Err(JmesFailure::Cannot(format!("{variable} is not supported")));
            }
            let value = self.query(inner)?;
            if variable == text {
                return Ok(value);
            }
            let value = match value {
                Value::String(value) => value,
                other => other.to_string(),
            };
            text.replace_range(at..at + variable.len(), &value);
            if text.len() > LONGEST {
                break;
            }
        }
        Err(JmesFailure::Cannot(
            "its variables are nested too deeply".to_owned(),
        ))
    }
}

/// Evaluates an expression on a value.
fn query(expression: &str, value: &Value) -> Result<Value, JmesFailure> {
    let read = parse(expression.trim());
    let read = read.ok_or_else(|| {
        JmesFailure::Cannot(format!(
            "the expression {:?} cannot be parsed",
            expression.trim()
        ))
    })?;
    evaluate(&read, value)
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns the words of an expression.
fn words(expression: &str) -> Vec<&str> {
    expression
        .split(|c: char| !u8::try_from(c).is_ok_and(is_of_word))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Returns the first variable that contains no other, and its position.
fn innermost(text: &str) -> Option<(usize, String)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find("{{") {
        let at = from + found;
        let is_escaped = at > 0 && text.as_bytes().get(at - 1) == Some(&b'\\');
        let rest = text.get(at + 2..)?;
        if !is_escaped && let Some(end) = end_of(rest) {
            let variable = text.get(at..at + 2 + end)?;
            return Some((at, variable.to_owned()));
        }
        from = at + 1;
    }
    None
}

/// Returns where a variable ends: at two closing braces, with pairs of single braces between.
fn end_of(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                let inner = rest.get(at + 1..)?;
                let close = inner.find(['{', '}'])?;
                (inner.as_bytes().get(close) == Some(&b'}')).then_some(())?;
                at += close + 2;
            }
            b'}' => return (bytes.get(at + 1) == Some(&b'}')).then_some(at + 2),
            _ => at += 1,
        }
    }
    None
}

/// Returns the request as Kyverno's expressions see it.
pub fn request(input: &Value) -> Value {
    let mut request = input.get("request").cloned().unwrap_or_else(|| json!({}));
    for name in ["object", "oldObject"] {
        match input.get(name) {
            Some(object) if object.is_object() => request[name] = object.clone(),
            _ => {}
        }
    }
    request
}
