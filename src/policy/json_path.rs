//! The subset of JSONPath that kluctl's annotations use.

use super::PathPattern;

/// Translates a JSONPath that only descends: fields, `[*]`, indexes and quoted names, with or
/// without a leading `$`. Searches (`..`) and filters (`[?…]`) have no equivalent in path patterns.
pub fn pattern_of(json_path: &str) -> Option<PathPattern> {
    let mut rest = json_path.trim();
    rest = rest.strip_prefix('$').unwrap_or(rest);
    let mut text = String::new();
    while !rest.is_empty() {
        rest = match rest.strip_prefix('[') {
            Some(inner) => bracket(inner, &mut text)?,
            None => field(rest.strip_prefix('.').unwrap_or(rest), &mut text)?,
        };
    }
    if text.is_empty() {
        text.push('.');
    }
    text.parse().ok()
}

/// Parses `name` or `*`, up to the next element.
fn field<'t>(rest: &'t str, text: &mut String) -> Option<&'t str> {
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    match &rest[..end] {
        "" => return None,
        "*" => text.push_str(".*"),
        name => text.push_str(&format!("[{}]", serde_json::Value::from(name))),
    }
    Some(&rest[end..])
}

/// Parses `*]`, `0]`, `"name"]` or `'name']`.
fn bracket<'t>(inner: &'t str, text: &mut String) -> Option<&'t str> {
    let quote = inner.chars().next()?;
    if matches!(quote, '"' | '\'') {
        let name = &inner[1..];
        let end = name.find(quote)?;
        let name_json = serde_json::Value::from(&name[..end]);
        text.push_str(&format!("[{name_json}]"));
        return name[end + 1..].strip_prefix(']');
    }
    let (step, rest) = inner.split_once(']')?;
    let position = !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
    if step != "*" && !position {
        return None;
    }
    text.push_str(&format!("[{step}]"));
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translates_paths_that_only_descend() {
        let covers = |json_path: &str, path: &str| {
            pattern_of(json_path)
                .unwrap()
                .covers(&path.parse().unwrap())
        };
        assert!(covers("spec.replicas", ".spec.replicas"));
        assert!(covers("$.spec.replicas", ".spec.replicas"));
        assert!(covers(
            "spec.containers[*].image",
            ".spec.containers[name=\"a\"].image"
        ));
        assert!(covers("rules[0]", ".rules[0].verbs"));
        assert!(covers(
            "metadata.annotations[\"a.b/c\"]",
            ".metadata.annotations[\"a.b/c\"]"
        ));
        assert!(covers("$['metadata']['labels'].*", ".metadata.labels.x"));
        assert!(covers("$", ".spec"));
        for searching in [
            "$..image",
            "spec[?(@.x==1)]",
            "a[1:2]",
            "a[",
            "a['b",
            "a.[",
            "a[-1]",
        ] {
            assert_eq!(pattern_of(searching), None, "{searching}");
        }
    }
}
