//! The globs of `directory.include` and `exclude`.

use regex::Regex;

/// A glob as Argo CD reads it (`gobwas/glob` without separators): `*` and `**` are any text,
/// slashes included, `?` is any character, `[ab]` and `[!ab]` are sets, `{a,b}` alternatives.
///
/// # Errors
/// When it cannot be read.
pub fn glob(pattern: &str) -> Result<Regex, String> {
    let mut expression = String::from("^(?s:");
    let mut depth = 0_usize;
    let mut characters = pattern.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '*' => {
                if !expression.ends_with(".*") {
                    expression.push_str(".*");
                }
            }
            '?' => expression.push('.'),
            '{' => {
                depth += 1;
                expression.push_str("(?:");
            }
            ',' if depth > 0 => expression.push('|'),
            '}' if depth > 0 => {
                depth -= 1;
                expression.push(')');
            }
            '[' => {
                expression.push('[');
                if characters.next_if_eq(&'!').is_some() {
                    expression.push('^');
                }
                push_set(&mut expression, &mut characters, &['-']);
            }
            '\\' => push_literal(&mut expression, characters.next().unwrap_or('\\')),
            c => push_literal(&mut expression, c),
        }
    }
    expression.push_str(")$");
    Regex::new(&expression).map_err(|_| format!("{pattern} is not a glob"))
}

/// A glob over directories as Go's `path.Match` reads it, in which nothing but `/` matches `/`.
///
/// # Errors
/// When it cannot be read.
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

/// The rest of a set, to its bracket; `signs` mean in it what they mean in a regular expression.
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

/// A character that stands for itself.
fn push_literal(expression: &mut String, c: char) {
    expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_mean_what_they_mean_in_argo() {
        for (pattern, text, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a/b.yaml", true),
            ("{a,b}.yaml", "b.yaml", true),
            ("{a,b}.yaml", "c.yaml", false),
            ("some-directory/*", "some-directory/x", true),
            ("a?[!c].yaml", "abd.yaml", true),
            ("a?[!c].yaml", "abc.yaml", false),
            ("{*.yml,env/**}", "env/a/b", true),
            ("a.b", "axb", false),
        ] {
            assert_eq!(
                glob(pattern).unwrap().is_match(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(glob("{a").is_err());
    }

    #[test]
    fn directories_are_matched_level_by_level() {
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
