//! The globs of the Git generator.

use regex::Regex;

/// Parses a glob for directories as Go's `path.Match` does: only `/` matches `/`.
///
/// # Errors
/// Fails if it is invalid.
pub fn path_glob(pattern: &str) -> Result<Regex, String> {
    let mut expression = String::from("^");
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                expression.push('[');
                push_set(&mut expression, &mut characters, &['^', '-']);
            }
            '\\' => push_literal(&mut expression, characters.next().unwrap_or('\\')),
            c => push_literal(&mut expression, c),
        }
    }
    expression.push('$');
    Regex::new(&expression).map_err(|_| format!("{pattern} is not a glob"))
}

/// Parses a glob for files as the Git file generator does (`doublestar`): `**` also matches
/// directories.
///
/// # Errors
/// Fails if it is invalid.
pub fn file_glob(pattern: &str) -> Result<Regex, String> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let last = parts.len().saturating_sub(1);
    let mut expression = String::from("^");
    for (at, part) in parts.iter().enumerate() {
        match (*part, at == last) {
            ("**", false) => expression.push_str("(?:[^/]+/)*"),
            ("**", true) => expression.push_str(".*"),
            (part, is_last) => {
                let glob = path_glob(part)?;
                expression.push_str(glob.as_str().trim_start_matches('^').trim_end_matches('$'));
                if !is_last {
                    expression.push('/');
                }
            }
        }
    }
    expression.push('$');
    Regex::new(&expression).map_err(|_| format!("{pattern} is not a glob"))
}

/// Appends a set up to its closing bracket; `signs` are the special characters in it.
fn push_set(expression: &mut String, characters: &mut impl Iterator<Item = char>, signs: &[char]) {
    for c in characters.take_while(|c| *c != ']') {
        if signs.contains(&c) {
            expression.push(c);
        } else {
            push_literal(expression, c);
        }
    }
    expression.push(']');
}

/// Appends a character that matches itself.
fn push_literal(expression: &mut String, c: char) {
    expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_directories_level_by_level() {
        for (pattern, text, expected) in [
            ("apps/*", "apps/a", true),
            ("apps/*", "apps/a/b", false),
            ("apps/[^x]?", "apps/ab", true),
            ("apps/[a-c]", "apps/b", true),
            ("apps", "apps", true),
        ] {
            assert_eq!(
                path_glob(pattern).unwrap().is_match(text),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
