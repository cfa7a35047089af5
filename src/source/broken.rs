//! Finds the values of Secrets in text that cannot be parsed. Their errors do not quote the text,
//! but what others say about another object may: a webhook knows what is in the cluster.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::SecretValue;

/// Shorter texts are not searched for.
const SHORTEST: usize = 6;

/// How much of a text is read. An object has at most 1.5 MiB.
const MOST: usize = 4 << 20;

/// Fields of every Secret, which are not secret.
const FIELDS: [&str; 7] = [
    "apiVersion",
    "immutable",
    "kind",
    "metadata",
    "namespace",
    "resourceVersion",
    "stringData",
];

/// Fields of the metadata that messages name.
const IDENTITY: [&str; 3] = ["name", "namespace", "uid"];

/// Returns what may be a value of a Secret in text that could not be parsed: what follows a key,
/// lines of their own, and everything between quotes, each as it is and decoded.
pub(super) fn values_in(text: &str) -> Vec<SecretValue> {
    if !text.contains("Secret") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut left = MOST;
    let mut metadata = None;
    for line in text.lines() {
        let Some(rest) = left.checked_sub(line.len()) else {
            break;
        };
        left = rest;
        let content = line.trim_start().trim_start_matches("- ").trim();
        let indent = line.len() - line.trim_start().len();
        match metadata {
            _ if content.is_empty() => continue,
            Some(column) if indent > column => continue,
            _ => metadata = (content == "metadata:").then_some(indent),
        }
        let in_braces = content.split(['{', '}', '[', ']', ',']);
        let in_braces = in_braces.filter_map(|field| field.split_once(':'));
        let in_braces = in_braces.filter(|(name, _)| !IDENTITY.contains(&bare(name)));
        for (name, value) in content.split_once(':').into_iter().chain(in_braces) {
            add(bare(name), bare(value), &mut found);
        }
        add("", bare(content), &mut found);
        quoted(content, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Returns the same of bytes that are not text; none if they are.
pub(super) fn values_in_bytes(bytes: &[u8]) -> Vec<SecretValue> {
    if std::str::from_utf8(bytes).is_ok() {
        return Vec::new();
    }
    // Half of UTF-16 is zeros.
    values_in(&String::from_utf8_lossy(bytes).replace('\0', ""))
}

/// Adds everything between two quotes that is not a key. A quote may be missing, so that what is
/// outside counts, too.
fn quoted(line: &str, found: &mut Vec<SecretValue>) {
    let parts = quote_parts(line);
    let mut name = "";
    for (at, part) in parts.iter().enumerate() {
        let is_key = (parts.get(at + 1)).is_some_and(|next| next.trim_start().starts_with(':'));
        if is_key {
            name = part;
        } else if !IDENTITY.contains(&name) {
            let unescaped = serde_json::from_str(&format!("\"{part}\""));
            add(name, part, found);
            add(name, &unescaped.unwrap_or(String::new()), found);
        }
    }
}

/// Splits a line at its quotes that are not escaped.
fn quote_parts(line: &str) -> Vec<&str> {
    let mut is_escaped = false;
    let is_quote = |c: char| {
        let quotes = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        quotes
    };
    line.split(is_quote).collect()
}

/// Returns text without the signs around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || "\"',{}[]|>".contains(c))
}

fn add(name: &str, value: &str, found: &mut Vec<SecretValue>) {
    let is_known = FIELDS.contains(&value) || value.starts_with("kubernetes.io/");
    if value.len() < SHORTEST || is_known {
        return;
    }
    // The end of a text that was cut off does not decode.
    let whole = value.get(..value.len() / 4 * 4).unwrap_or_default();
    let decoded = STANDARD.decode(whole).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    for value in decoded.into_iter().chain([value.to_owned()]) {
        found.push(SecretValue {
            name: name.to_owned(),
            value,
            is_whole: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let found = values_in(text).into_iter();
        found.map(|found| found.value).collect()
    }

    #[test]
    fn finds_values_in_any_syntax_and_encoding() {
        for text in [
            "kind: Secret\nstringData:\n  a: Zx9-hunter2\n\t- {",
            "kind: Secret\nstringData:\n  a: 'Zx9-hunter2\n",
            "kind: Secret\nstringData:\n  a: |\n    Zx9-hunter2\n  b: [",
            "kind: Secret\ndata:\n  a: Wng5LWh1bnRlcjI=\n  b: [",
            "kind: Secret\ndata:\n  a: Wng5LWh1bnRlcjI",
            "kind: Secret\nmetadata:\n  name: a\ndata: {a: Zx9-hunter2",
            "- kind: Secret\n  metadata:\n    name: a\n  stringData: {\"a\": \"Zx9-hunter2\", ",
            r#"{"kind":"Secret","stringData":{"a":"Zx9\u002dhunter2"}"#,
            r#"{"kind":"Secret","stringData":{"a":Zx9-hunter2"}"#,
        ] {
            let found = values(text);
            let is_it = |value: &String| value.starts_with("Zx9-hunte");
            assert!(found.iter().any(is_it), "{text}: {found:?}");
        }
    }

    #[test]
    fn names_and_other_objects_are_not_secret() {
        assert!(values("kind: ConfigMap\ndata: {a: Zx9-hunter2").is_empty());
        let text =
            "kind: Secret\nmetadata:\n  name: cart-database\n  labels:\n    a: shop-backend\n";
        let found =
            values(&format!("{text}type: kubernetes.io/tls\ndata: [").replace('\n', "\r\n"));
        assert!(!found.iter().any(|it| it == "cart-database"), "{found:?}");
        assert!(!found.iter().any(|it| it == "shop-backend"), "{found:?}");
        let found = values(r#"{"kind":"Secret","metadata":{"name":"cart-database"},"data":{"#);
        assert!(!found.iter().any(|it| it == "cart-database"), "{found:?}");
    }

    #[test]
    fn reads_a_long_text_in_bounded_memory() {
        let text = format!("kind: Secret\n{}", "a: bbbbbbbb\n".repeat(1 << 20));
        assert!(values(&text).len() < 10);
        let text = format!("kind: Secret {}", "\"aaaaaaaa".repeat(1 << 20));
        assert!(values(&text).is_empty());
    }
}
