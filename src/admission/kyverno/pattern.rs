//! `validate.pattern`: compares an object with a pattern of the same shape, with anchors.

use serde_json::{Map, Value};

use super::text::{has_wildcard, matches, wildcard};

/// The depth up to which nested patterns are evaluated.
const MOST_DEEP: usize = 64;

/// Why an object does not match a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternMismatch {
    /// A condition of the pattern does not hold, so the pattern does not apply. The flag says
    /// whether the condition is further down.
    Skip(bool),
    /// The object violates the pattern, at this path.
    Fail(String),
    /// Kyverno reports an error.
    Error(String),
    /// The result cannot be determined here.
    Cannot(String),
}

/// The kind of an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Condition,
    Global,
    Negation,
    Add,
    Equality,
    Existence,
}

/// Compares an object with a pattern.
pub fn check(object: &Value, pattern: &Value) -> Result<(), PatternMismatch> {
    let mut checker = Checker {
        missing: Map::new(),
    };
    let found = checker.element(object, pattern, "", MOST_DEEP);
    match found {
        // If the key of an anchor is nowhere in the object, Kyverno turns a failure into an error.
        Err(PatternMismatch::Fail(path)) if !path.starts_with('!') && checker.is_missing() => {
            Err(PatternMismatch::Error(path))
        }
        Err(PatternMismatch::Fail(path)) => Err(PatternMismatch::Fail(
            path.trim_start_matches('!').to_owned(),
        )),
        other => other,
    }
}

fn anchor(key: &str) -> Option<(Anchor, &str)> {
    let key = key.trim();
    let (first, rest) = key.split_at_checked(1)?;
    let (kind, rest) = match first {
        "(" => (Anchor::Condition, key),
        "<" => (Anchor::Global, rest),
        "X" => (Anchor::Negation, rest),
        "+" => (Anchor::Add, rest),
        "=" => (Anchor::Equality, rest),
        "^" => (Anchor::Existence, rest),
        _ => return None,
    };
    let inner = rest.strip_prefix('(')?.strip_suffix(')')?;
    (!inner.is_empty()).then_some((kind, inner))
}

struct Checker {
    /// The keys of anchors, and whether the object has them anywhere.
    missing: Map<String, Value>,
}

impl Checker {
    fn is_missing(&self) -> bool {
        let mut anchors = self.missing.iter();
        anchors.any(|(key, found)| {
            found == &Value::Bool(false) && !matches!(anchor(key), Some((Anchor::Negation, _)))
        })
    }

    fn element(
        &mut self,
        object: &Value,
        pattern: &Value,
        path: &str,
        depth: usize,
    ) -> Result<(), PatternMismatch> {
        if depth == 0 {
            return Err(PatternMismatch::Cannot(
                "the pattern is nested too deeply".to_owned(),
            ));
        }
        let fails = || Err(PatternMismatch::Fail(path.to_owned()));
        match (pattern, object) {
            (Value::Object(pattern), Value::Object(object)) => {
                for key in pattern.keys() {
                    if let Some((Anchor::Condition | Anchor::Existence | Anchor::Negation, name)) =
                        anchor(key)
                    {
                        let known = self
                            .missing
                            .entry(key.clone())
                            .or_insert(Value::Bool(false));
                        if object.contains_key(name) {
                            *known = Value::Bool(true);
                        }
                    }
                }
                self.map(object, pattern, path, depth)
            }
            (Value::Object(_), _) => fails(),
            (Value::Array(pattern), Value::Array(items)) => self.array(items, pattern, path, depth),
            (Value::Array(_), _) => fails(),
            (scalar, Value::Array(items)) => {
                for item in items {
                    if !matches(item, scalar).map_err(PatternMismatch::Cannot)? {
                        return fails();
                    }
                }
                Ok(())
            }
            (scalar, object) => match matches(object, scalar).map_err(PatternMismatch::Cannot)? {
                true => Ok(()),
                false => fails(),
            },
        }
    }

    fn map(
        &mut self,
        object: &Map<String, Value>,
        pattern: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<(), PatternMismatch> {
        let pattern = expanded(pattern, object);
        // Maps are sorted by their keys.
        let (anchors, others): (Vec<_>, Vec<_>) = pattern.iter().partition(|(key, _)| {
            matches!(
                anchor(key),
                Some((
                    Anchor::Condition | Anchor::Existence | Anchor::Equality | Anchor::Negation,
                    _
                ))
            )
        });
        let mut skips: Vec<bool> = Vec::new();
        let mut applied = 0;
        for (key, pattern) in anchors {
            match self.field(key, object, pattern, path, depth) {
                Ok(()) => applied += 1,
                Err(PatternMismatch::Skip(below)) => skips.push(below),
                Err(_) if skips.iter().any(|below| !below) => {}
                Err(mismatch) => return Err(mismatch),
            }
        }
        let is_skipped = !skips.is_empty() && (applied == 0 || skips.iter().any(|below| !below));
        if is_skipped {
            return Err(PatternMismatch::Skip(true));
        }
        let is_first = |(key, value): &(&String, &Value)| {
            matches!(anchor(key), Some((Anchor::Global, _))) || has_anchors(value)
        };
        let (mut first, last): (Vec<_>, Vec<_>) = others.into_iter().partition(is_first);
        first.reverse();
        for (key, pattern) in first.into_iter().chain(last) {
            self.field(key, object, pattern, path, depth)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        key: &str,
        object: &Map<String, Value>,
        pattern: &Value,
        path: &str,
        depth: usize,
    ) -> Result<(), PatternMismatch> {
        let (kind, name) = match anchor(key) {
            Some((kind, name)) if kind != Anchor::Add => (Some(kind), name),
            _ => (None, key),
        };
        let below = format!("{path}/{name}");
        let value = object.get(name);
        match (kind, value) {
            (None, value) if pattern == "*" => match value {
                Some(value) if !value.is_null() => Ok(()),
                _ => Err(PatternMismatch::Fail(below)),
            },
            (None, value) => {
                self.element(value.unwrap_or(&Value::Null), pattern, &below, depth - 1)
            }
            (Some(Anchor::Condition), None) => Err(PatternMismatch::Skip(false)),
            (Some(Anchor::Negation), None) => Ok(()),
            // The value there makes no difference.
            (Some(Anchor::Negation), Some(_)) => Err(PatternMismatch::Fail(format!("!{below}"))),
            (Some(_), None) => Ok(()),
            (Some(Anchor::Condition | Anchor::Global), Some(value)) => {
                match self.element(value, pattern, &below, depth - 1) {
                    Err(PatternMismatch::Cannot(why)) => Err(PatternMismatch::Cannot(why)),
                    Err(_) => Err(PatternMismatch::Skip(false)),
                    Ok(()) => Ok(()),
                }
            }
            (Some(Anchor::Existence), Some(value)) => self.exists(value, pattern, &below, depth),
            (Some(_), Some(value)) => self.element(value, pattern, &below, depth - 1),
        }
    }

    /// Requires that each item of the pattern matches some item of the list.
    fn exists(
        &mut self,
        value: &Value,
        pattern: &Value,
        path: &str,
        depth: usize,
    ) -> Result<(), PatternMismatch> {
        let (Value::Array(items), Value::Array(patterns)) = (value, pattern) else {
            return Err(PatternMismatch::Fail(path.to_owned()));
        };
        for pattern in patterns {
            let mut found = false;
            for item in items {
                match self.element(item, pattern, path, depth - 1) {
                    Ok(()) => {
                        found = true;
                        break;
                    }
                    Err(PatternMismatch::Cannot(why)) => return Err(PatternMismatch::Cannot(why)),
                    Err(_) => {}
                }
            }
            if !found || !pattern.is_object() {
                return Err(PatternMismatch::Fail(path.to_owned()));
            }
        }
        Ok(())
    }

    fn array(
        &mut self,
        items: &[Value],
        patterns: &[Value],
        path: &str,
        depth: usize,
    ) -> Result<(), PatternMismatch> {
        let Some(first) = patterns.first() else {
            return Err(PatternMismatch::Fail(path.to_owned()));
        };
        let pairs: Vec<(&Value, &Value)> = match first {
            Value::Object(_) => items.iter().map(|item| (item, first)).collect(),
            Value::Array(_) if items.len() < patterns.len() => {
                return Err(PatternMismatch::Error(path.to_owned()));
            }
            Value::Array(_) => items.iter().zip(patterns).collect(),
            scalar => {
                let items = Value::Array(items.to_vec());
                return self.element(&items, scalar, path, depth - 1);
            }
        };
        let (mut applied, mut skipped) = (0, 0);
        for (at, (item, pattern)) in pairs.into_iter().enumerate() {
            match self.element(item, pattern, &format!("{path}/{at}"), depth - 1) {
                Ok(()) => applied += 1,
                Err(PatternMismatch::Skip(_)) => skipped += 1,
                Err(mismatch) => return Err(mismatch),
            }
        }
        match applied == 0 && skipped > 0 {
            true => Err(PatternMismatch::Skip(true)),
            false => Ok(()),
        }
    }
}

/// Returns whether a pattern contains anchors.
fn has_anchors(pattern: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            matches!(
                anchor(key),
                Some((
                    Anchor::Condition
                        | Anchor::Existence
                        | Anchor::Equality
                        | Anchor::Negation
                        | Anchor::Global,
                    _
                ))
            ) || has_anchors(value)
        }),
        Value::Array(items) => items.iter().any(has_anchors),
        _ => false,
    }
}

/// Returns the pattern with wildcards in keys of labels and annotations replaced by the matching
/// keys of the object.
fn expanded(pattern: &Map<String, Value>, object: &Map<String, Value>) -> Map<String, Value> {
    let mut pattern = pattern.clone();
    let is = |key: &str, name: &str| key == name || anchor(key).is_some_and(|(_, key)| key == name);
    let Some(metadata) = object.get("metadata") else {
        return pattern;
    };
    let wanted = pattern.iter_mut().find(|(key, _)| is(key, "metadata"));
    let Some((_, Value::Object(wanted))) = wanted else {
        return pattern;
    };
    for place in ["labels", "annotations"] {
        let Some(Value::Object(has)) = metadata.get(place) else {
            continue;
        };
        let keys = wanted.iter_mut().find(|(key, _)| is(key, place));
        if let Some((_, Value::Object(keys))) = keys {
            let all = std::mem::take(keys).into_iter();
            *keys = all
                .map(|(key, value)| {
                    if !has_wildcard(&key) {
                        return (key, value);
                    }
                    let name = anchor(&key).map_or(key.as_str(), |(_, name)| name);
                    let found = has.keys().find(|one| wildcard(name, one));
                    let found = found.map(|found| key.replace(name, found));
                    (found.unwrap_or(key), value)
                })
                .collect();
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(object: Value, pattern: Value) -> &'static str {
        match check(&object, &pattern) {
            Ok(()) => "pass",
            Err(PatternMismatch::Skip(_)) => "skip",
            Err(PatternMismatch::Fail(_)) => "fail",
            Err(PatternMismatch::Error(_)) => "error",
            Err(PatternMismatch::Cannot(_)) => "cannot",
        }
    }

    #[test]
    fn compares_values_by_operators_units_and_wildcards() {
        for (value, pattern, expected) in [
            (json!("nginx:1.2"), json!("*:*"), "pass"),
            (json!("nginx:latest"), json!("!*:latest"), "fail"),
            (json!("512Mi"), json!("<=1Gi"), "pass"),
            (json!(3), json!(">=2"), "pass"),
            (json!(null), json!("<=5"), "pass"),
            (json!(null), json!("!x"), "fail"),
            (json!(15), json!("10-20"), "pass"),
            (json!("2Gi"), json!("1Gi!-3Gi"), "fail"),
            (json!("b"), json!("a | b"), "pass"),
            (json!(30), json!(">10 & <20"), "fail"),
            (json!("90m"), json!("<2h"), "pass"),
            (json!(true), json!(true), "pass"),
            (json!(null), json!(false), "fail"),
            (json!("8080"), json!(8080), "pass"),
            (json!(["a", "b"]), json!("a|b"), "pass"),
            (json!(["a", "c"]), json!("a|b"), "fail"),
        ] {
            let (object, wanted) = (json!({"x": value}), json!({"x": pattern}));
            assert_eq!(
                says(object.clone(), wanted.clone()),
                expected,
                "{object} {wanted}"
            );
        }
    }

    #[test]
    fn anchors_decide_whether_a_pattern_applies() {
        let pod = |fields: Value| json!({"spec": {"containers": [fields]}});
        let equality = json!({"spec": {"=(hostNetwork)": false,
            "containers": [{"=(securityContext)": {"=(privileged)": false}}]}});
        assert_eq!(says(pod(json!({"name": "a"})), equality.clone()), "pass");
        let privileged = pod(json!({"securityContext": {"privileged": true}}));
        assert_eq!(says(privileged.clone(), equality), "fail");
        let conditional =
            json!({"spec": {"containers": [{"(securityContext)": {"privileged": false}}]}});
        assert_eq!(
            says(privileged.clone(), conditional),
            "skip",
            "a condition skips what it names"
        );
        let negation = json!({"spec": {"containers": [{"X(securityContext)": "null"}]}});
        assert_eq!(says(privileged, negation), "fail");
        let existence = json!({"spec": {"^(containers)": [{"image": "nginx:*"}]}});
        let two = json!({"spec": {"containers": [{"image": "a"}, {"image": "nginx:1"}]}});
        assert_eq!(says(two, existence.clone()), "pass");
        assert_eq!(says(pod(json!({"image": "a"})), existence), "fail");
        let global = json!({"spec": {"containers": [{"<(image)": "reg/*"}], "imagePullSecrets": [{"name": "x"}]}});
        assert_eq!(says(pod(json!({"image": "other/a"})), global), "skip");
    }

    #[test]
    fn expands_wildcards_in_keys_of_labels() {
        let object = json!({"metadata": {"labels": {"app.kubernetes.io/name": "cart"}}});
        let pattern = json!({"metadata": {"labels": {"app.*/name": "?*"}}});
        assert_eq!(says(object, pattern), "pass");
    }
}
