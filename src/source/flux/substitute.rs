//! `postBuild` substitution: the variables in built objects.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::yaml;

/// Turns substitution off for an object, as a label or an annotation.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// The size limit of substituted text in all objects of a Kustomization, in bytes. An object in a
/// cluster has at most 1.5 MiB; without the limit, two short files could fill any memory.
const MOST: usize = 64 << 20;

/// The depth limit of defaults within defaults.
const DEEPEST: usize = 32;

/// A path into an object: names of fields, and `None` for any item of a list.
type SubstitutionPath = Vec<Option<String>>;

/// The variables of `postBuild`.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    /// The names of those that come from Secrets.
    secret: BTreeSet<String>,
    /// Whether there are further variables, which could not be read.
    pub is_incomplete: bool,
    /// How many bytes were substituted so far.
    became: Cell<usize>,
}

/// An object with substituted variables.
#[derive(Debug)]
pub(super) struct SubstitutedObject {
    pub object: Value,
    /// The paths where secret variables were used.
    pub secret: Vec<SubstitutionPath>,
    /// The paths, with list indexes, of variables that could not be read.
    pub unknown: Vec<Vec<String>>,
}

impl Variables {
    /// Counts the bytes of a substitution.
    fn count(&self, text: &str) -> Result<(), String> {
        let became = self.became.get() + text.len();
        self.became.set(became);
        match became > MOST {
            true => Err(format!(
                "its variables expand to more than {} MiB of text",
                MOST >> 20
            )),
            false => Ok(()),
        }
    }

    /// Returns whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the value of a variable, and whether it is secret.
    pub fn get(&self, name: &str) -> Option<(&String, bool)> {
        let value = self.values.get(name)?;
        Some((value, self.secret.contains(name)))
    }

    /// Adds variables, which override existing ones.
    pub fn extend(&mut self, values: BTreeMap<String, String>, secret: bool) {
        for (name, value) in values {
            if secret {
                self.secret.insert(name.clone());
            } else {
                self.secret.remove(&name);
            }
            self.values.insert(name, value);
        }
    }
}

/// Substitutes the variables in an object, unless it opts out.
///
/// # Errors
/// Fails if something in it is an unsupported expression.
pub fn substitute(object: &Value, variables: &Variables) -> Result<SubstitutedObject, String> {
    let is_off = ["labels", "annotations"].iter().any(|map| {
        let map = object
            .get("metadata")
            .and_then(|metadata| metadata.get(map));
        let switch = map.and_then(|map| map.get(SWITCH)).and_then(Value::as_str);
        switch.is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
    });
    if is_off {
        return Ok(SubstitutedObject {
            object: object.clone(),
            secret: Vec::new(),
            unknown: Vec::new(),
        });
    }
    let mut work = Substitution {
        variables,
        way: Vec::new(),
        pointer: Vec::new(),
        secret: Vec::new(),
        unknown: Vec::new(),
    };
    let replaced = work.replaced(object)?;
    match work.secret.iter().find_map(|way| in_every_report(way)) {
        Some(what) => Err(shown(what)),
        None => Ok(SubstitutedObject {
            object: replaced,
            secret: work.secret,
            unknown: work.unknown,
        }),
    }
}

/// Returns the error for a secret in a place that every report shows.
fn shown(what: &str) -> String {
    format!(
        "a variable from a Secret is used in {what}, which every report shows: take it from a \
         ConfigMap, or write the value itself"
    )
}

/// Fields that identify list items (`x-kubernetes-list-map-keys` of built-in types).
const LIST_KEYS: &[&str] = &[
    "containerPort",
    "devicePath",
    "ip",
    "key",
    "mountPath",
    "name",
    "port",
    "protocol",
    "resourceName",
    "topologyKey",
    "type",
    "uid",
];

/// Returns the part of an object that a path leads to, if every report shows that part: its
/// identity, or the reason of a rule.
fn in_every_report(way: &[Option<String>]) -> Option<&'static str> {
    let parts: Vec<Option<&str>> = way.iter().map(Option::as_deref).collect();
    match parts.as_slice() {
        [Some("apiVersion")] => Some("its apiVersion"),
        [Some("kind")] => Some("its kind"),
        [Some("metadata"), Some("name" | "generateName")] => Some("its name"),
        [Some("metadata"), Some("namespace")] => Some("its namespace"),
        [Some("metadata"), Some("annotations"), Some(key)] if key.starts_with("driftctl.dev/") => {
            Some("an annotation of driftctl's")
        }
        [.., None, Some(key)] if LIST_KEYS.contains(key) => Some("the key of an item of a list"),
        _ => None,
    }
}

/// The work on one object.
struct Substitution<'v> {
    variables: &'v Variables,
    way: SubstitutionPath,
    /// Does the same, with list indexes.
    pointer: Vec<String>,
    secret: Vec<SubstitutionPath>,
    unknown: Vec<Vec<String>>,
}

impl Substitution<'_> {
    fn replaced(&mut self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) if text.contains("${") => typed(text, self.expanded(text)?),
            Value::Array(items) => {
                self.way.push(None);
                let mut replaced = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.pointer.push(index.to_string());
                    replaced.push(self.replaced(item)?);
                    self.pointer.pop();
                }
                self.way.pop();
                Value::Array(replaced)
            }
            Value::Object(fields) => {
                let mut replaced_fields = Map::new();
                for (key, value) in fields {
                    let key = self.field(key)?;
                    self.way.push(Some(key.clone()));
                    self.pointer.push(key.clone());
                    let value = self.replaced(value)?;
                    self.pointer.pop();
                    self.way.pop();
                    replaced_fields.insert(key, value);
                }
                Value::Object(replaced_fields)
            }
            other => other.clone(),
        })
    }

    /// Substitutes in the name of a field.
    fn field(&mut self, text: &str) -> Result<String, String> {
        let secrets = self.secret.len();
        let expanded = self.expanded(text)?;
        match self.secret.len() > secrets {
            true => Err(shown("the name of a field")),
            false => Ok(expanded),
        }
    }

    /// Substitutes in a string.
    fn expanded(&mut self, text: &str) -> Result<String, String> {
        let mut used = SubstitutedText::default();
        let expanded = expand(text, self.variables, &mut used)?;
        if used.secret {
            self.secret.push(self.way.clone());
        }
        if used.unknown {
            self.unknown.push(self.pointer.clone());
        }
        // The variable has no known value, so the text stays as written.
        Ok(match used.is_open {
            true => text.to_owned(),
            false => expanded,
        })
    }
}

/// The result of substitution in a string.
#[derive(Debug, Default, Clone, Copy)]
struct SubstitutedText {
    /// Whether a variable was secret.
    secret: bool,
    /// Whether a variable has no value, possibly because it could not be read.
    unknown: bool,
    /// Whether such a variable has no default either.
    is_open: bool,
}

/// Parses a substituted string as Flux does, which substitutes in YAML text and parses it again:
/// `${n}` becomes a number if it looks like one, whether or not it was quoted before. Within blocks
/// and quotes, text stays text.
fn typed(before: &str, after: String) -> Value {
    let is_quoted = before.contains('\n')
        || before.contains(": ")
        || before.contains(" #")
        || before.ends_with(':')
        || before.trim() != before
        || before.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c));
    if is_quoted {
        return Value::String(after);
    }
    let parsed = yaml::parse(&after);
    let mut documents = parsed.documents.into_iter();
    match (parsed.problems.is_empty(), documents.next()) {
        (true, Some(first)) if documents.next().is_none() => first.value,
        (true, None) => Value::Null,
        _ => Value::String(after),
    }
}

/// Returns text with its variables substituted; a variable without a value becomes empty, `$$`
/// becomes `$` (`fluxcd/pkg/envsubst`).
fn expand(text: &str, variables: &Variables, used: &mut SubstitutedText) -> Result<String, String> {
    expand_within(text, variables, used, 0)
}

/// Does the same at a depth of nested defaults.
fn expand_within(
    text: &str,
    variables: &Variables,
    used: &mut SubstitutedText,
    depth: usize,
) -> Result<String, String> {
    if depth > DEEPEST {
        return Err("its defaults are nested too deeply".to_owned());
    }
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            expanded.push('$');
            rest = after;
            // `$${` is an escaped dollar sign, not a variable.
            if let Some(after) = rest.strip_prefix('{') {
                expanded.push('{');
                rest = after;
            }
        } else if let Some(after) = rest.strip_prefix("${") {
            let end = closing(after).ok_or("a ${ is not closed")?;
            let value = value_of(&after[..end], variables, used, depth)?;
            variables.count(&value)?;
            expanded.push_str(&value);
            rest = &after[end + 1..];
        } else {
            expanded.push('$');
            rest = &rest[1..];
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Returns the position of the brace that closes the one that is open at the start.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Parses the text between the braces: a name, or a name and a default.
fn value_of(
    expression: &str,
    variables: &Variables,
    used: &mut SubstitutedText,
    depth: usize,
) -> Result<String, String> {
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let end = expression.find(|c| !is_part(c)).unwrap_or(expression.len());
    let (name, operator) = expression.split_at(end);
    let value = variables.get(name).map(|(value, secret)| {
        used.secret |= secret;
        value
    });
    let set = value.filter(|value| !value.is_empty());
    used.unknown |= value.is_none() && variables.is_incomplete;
    let plain = match operator {
        "" => Some(value.cloned()),
        "^^" => Some(value.map(|value| value.to_uppercase())),
        ",," => Some(value.map(|value| value.to_lowercase())),
        _ => None,
    };
    if let Some(plain) = plain.filter(|_| !name.is_empty()) {
        used.is_open |= plain.is_none() && variables.is_incomplete;
        return Ok(plain.unwrap_or_default());
    }
    for (operators, found) in [([":=", ":-"], set), (["=", "-"], value)] {
        for start in operators {
            if let (Some(default), false) = (operator.strip_prefix(start), name.is_empty()) {
                return match found {
                    Some(value) => Ok(value.clone()),
                    None => expand_within(default, variables, used, depth + 1),
                };
            }
        }
    }
    Err("it has a ${…} with more than a name and a default, which is not supported".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let plain = [("name", "cart"), ("n", "3"), ("empty", ""), ("on", "yes")];
        let mut variables = Variables::default();
        variables.extend(plain.map(owned).into(), false);
        variables.extend([("pw", "hunter2")].map(owned).into(), true);
        variables
    }

    #[test]
    fn records_where_secrets_are_used() {
        let object = json!({
            "a": "${name}",
            "b": {"c": ["x", "y=${none:-${pw}}"]},
            "e": "$${pw}",
        });
        let secret = substitute(&object, &variables()).unwrap().secret;
        let said: Vec<String> = secret
            .iter()
            .map(|way| {
                let parts = way.iter().map(|part| part.as_deref().unwrap_or("*"));
                parts.collect::<Vec<_>>().join(".")
            })
            .collect();
        assert_eq!(said, ["b.c.*"]);
        for shown in [
            json!({"d": {"${pw}": 1}}),
            json!({"kind": "${pw}"}),
            json!({"metadata": {"name": "a-${pw}"}}),
            json!({"metadata": {"namespace": "${none:-${pw}}"}}),
            json!({"metadata": {"annotations": {"driftctl.dev/ignore-reason": "${pw}"}}}),
            json!({"spec": {"containers": [{"name": "${pw}"}]}}),
        ] {
            let refused = substitute(&shown, &variables()).unwrap_err();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
        let mut overridden = variables();
        overridden.extend([("pw".to_owned(), "x".to_owned())].into(), false);
        assert!(substitute(&object, &overridden).unwrap().secret.is_empty());
    }

    #[test]
    fn evaluates_expressions() {
        for (text, expected) in [
            ("${name}", "cart"),
            ("a-${name}-${n}", "a-cart-3"),
            ("${none}", ""),
            ("${none:=x}", "x"),
            ("${none:-${name}}", "cart"),
            ("${empty:=x}", "x"),
            ("${empty=x}", ""),
            ("${none-x}", "x"),
            ("${name:=x}", "cart"),
            ("${name^^}", "CART"),
            ("$${name}", "${name}"),
            ("$name $", "$name $"),
        ] {
            assert_eq!(
                expand(text, &variables(), &mut SubstitutedText::default()).unwrap(),
                expected,
                "{text}"
            );
        }
        for text in ["${name:0:1}", "${name/a/b}", "${name", "${}", "${#name}"] {
            assert!(
                expand(text, &variables(), &mut SubstitutedText::default()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn parses_substituted_text_again() {
        let object =
            json!({"a": "${n}", "b": "${name}", "c": "x: ${n}", "d": "${on}", "e": "1\n${n}"});
        let expected = json!({"a": 3, "b": "cart", "c": "x: 3", "d": true, "e": "1\n3"});
        assert_eq!(substitute(&object, &variables()).unwrap().object, expected);
    }

    #[test]
    fn objects_can_disable_substitution() {
        let object = json!({"metadata": {"annotations": {SWITCH: "Disabled"}}, "a": "${n}"});
        assert_eq!(substitute(&object, &variables()).unwrap().object, object);
    }
}
