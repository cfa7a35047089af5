//! Masks secrets in renderers' messages: errors of Helm and kustomize quote values that they cannot
//! use.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::redact::{MASK, is_sensitive_name};
use crate::yaml;

/// The minimum length of texts to search for. Shorter ones would be found everywhere.
const SHORTEST: usize = 4;

/// Secret texts.
#[derive(Debug, Default)]
pub(in crate::source) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Adds a text, its lines, and each of them in base64.
    pub fn add(&mut self, text: &str) {
        for part in text.lines().map(str::trim).chain([text.trim()]) {
            if part.len() < SHORTEST || matches!(part, "true" | "false" | "null") {
                continue;
            }
            // The text as Go quotes it.
            let quoted = Value::from(part).to_string();
            self.0.insert(quoted.trim_matches('"').to_owned());
            self.0.insert(STANDARD.encode(part));
            if let Ok(bytes) = STANDARD.decode(part)
                && let Ok(decoded) = String::from_utf8(bytes)
                && decoded.len() >= SHORTEST
            {
                self.0.insert(decoded);
            }
            self.0.insert(part.to_owned());
        }
    }

    /// Adds the value of `key=value`, and a whole line in any other form.
    pub fn assignment(&mut self, line: &str) {
        let line = line.trim();
        match line.split_once('=') {
            Some((_, value)) => self.add(value.trim_matches(['"', '\''])),
            None => self.add(line),
        }
    }

    /// Adds the values whose names mark them as secret; with `all` every value.
    pub fn values(&mut self, values: &Value, all: bool) {
        match values {
            Value::Object(fields) => {
                let name = fields.get("name").and_then(Value::as_str);
                let is_named = name.is_some_and(is_sensitive_name);
                for (field, value) in fields {
                    let is_value = field == "value" && is_named;
                    self.values(value, all || is_value || is_sensitive_name(field));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.values(item, all)),
            Value::String(text) if all => self.add(text),
            Value::Number(number) if all => self.add(&number.to_string()),
            _ => {}
        }
    }

    /// Adds the secrets in the objects, or values, of a text: all of a Secret.
    pub fn text(&mut self, text: &str) {
        for document in yaml::parse(text).documents {
            let is_secret = document
                .value
                .get("kind")
                .is_some_and(|kind| kind == "Secret");
            if is_secret {
                for field in ["data", "stringData"] {
                    self.values(document.value.get(field).unwrap_or(&Value::Null), true);
                }
            }
            self.values(&document.value, false);
        }
    }

    /// Returns a message with the secrets masked.
    pub fn mask(&self, message: &str) -> String {
        let mut found: Vec<&String> = self.0.iter().filter(|s| message.contains(*s)).collect();
        // One secret may be part of another.
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut message = message.to_owned();
        for secret in found {
            message = message.replace(secret.as_str(), MASK);
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_secrets_in_any_quoting() {
        let mut secrets = Secrets::default();
        secrets.text("kind: Secret\ndata: {a: aHVudGVyMg==}\nstringData: {b: 'x\"yz'}\n");
        secrets
            .text("auth: {password: sesame, user: admin}\nenv: [{name: API_TOKEN, value: abcd}]");
        secrets.assignment("KEY='quoted'");
        let said = "hunter2 aHVudGVyMg== x\\\"yz sesame admin abcd quoted c2VzYW1l";
        assert_eq!(
            secrets.mask(said),
            "(redacted) (redacted) (redacted) (redacted) admin (redacted) (redacted) (redacted)"
        );
    }
}
