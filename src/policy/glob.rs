//! Globs for names, in the dialect of Argo CD (`gobwas/glob` without separators).

use std::collections::BTreeSet;
use std::str::{Chars, FromStr};

/// The special characters other than `*`.
const SPECIAL: [char; 4] = ['?', '[', '{', '\\'];

/// The depth limit of nested braces.
const DEEPEST: usize = 32;

/// Returns whether `text` matches `pattern`, parsed as a [`Glob`]. An invalid glob matches nothing,
/// as in Argo CD; callers validate patterns of users by [`Glob`]'s `from_str` first.
///
/// ```
/// use driftctl::policy::glob;
/// assert!(glob("*.istio.io", "networking.istio.io"));
/// assert!(glob("{Stateful,Daemon}Set", "DaemonSet"));
/// assert!(!glob("Deploy", "Deployment"));
/// ```
pub fn glob(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    if is_text(pattern) {
        return pattern == text;
    }
    if pattern.contains(SPECIAL) {
        return pattern.parse::<Glob>().is_ok_and(|glob| glob.matches(text));
    }
    matches_stars(pattern, text)
}

/// Returns whether a pattern has no special characters.
pub(super) fn is_text(pattern: &str) -> bool {
    let special = |byte: u8| matches!(byte, b'*' | b'?' | b'[' | b'{' | b'\\');
    !pattern.bytes().any(special)
}

/// Returns whether `text` matches `pattern`, in which only `*` is special. This is for names of
/// fields, which may contain any other character.
pub(super) fn matches_stars(pattern: &str, text: &str) -> bool {
    let Some((first, mut pattern)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    while let Some((part, after)) = pattern.split_once('*') {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        pattern = after;
    }
    rest.ends_with(pattern)
}

/// Returns the glob that matches exactly this text (gobwas's `QuoteMeta`).
pub fn literally(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

/// A pattern. `*` and `**` match any text, including dots and slashes; `?` matches one character;
/// `[abc]`, `[a-z]` and `[!abc]` match one character of a set; `{a,b}` are alternatives; `\`
/// escapes the next character.
///
/// As in Argo CD, a set is either one range or single characters, and unclosed braces end with the
/// pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<GlobPart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum GlobPart {
    Text(String),
    /// `?`
    One,
    /// `*`
    Any,
    Set {
        not: bool,
        of: Set,
    },
    Either(Vec<Vec<GlobPart>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Set {
    Range(char, char),
    List(String),
}

/// Why a text is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// An open set: `[a`.
    #[error("a set is not closed; end it with ], or write \\[ for the character")]
    OpenSet,
    /// An invalid set: `[]`, `[a-zA-Z]`, `[z-a]`.
    #[error("a set must be one range such as [a-z] or single characters such as [abc]")]
    Set,
    /// Braces are nested too deeply.
    #[error("braces are nested too deep")]
    Deep,
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        let mut alternatives = alternatives(&mut text.chars(), 0)?;
        Ok(Self(alternatives.pop().unwrap_or_default()))
    }
}

/// Parses alternatives up to the closing brace or the end. Outside braces, there is only one.
fn alternatives(rest: &mut Chars<'_>, depth: usize) -> Result<Vec<Vec<GlobPart>>, GlobError> {
    if depth > DEEPEST {
        return Err(GlobError::Deep);
    }
    let mut all = Vec::new();
    let mut parts = Vec::new();
    while let Some(c) = rest.next() {
        match c {
            '*' => parts.push(GlobPart::Any),
            '?' => parts.push(GlobPart::One),
            '[' => parts.push(set(rest)?),
            '{' => parts.push(GlobPart::Either(alternatives(rest, depth + 1)?)),
            ',' if depth > 0 => all.push(std::mem::take(&mut parts)),
            '}' if depth > 0 => break,
            '\\' => rest.next().into_iter().for_each(|c| push(&mut parts, c)),
            c => push(&mut parts, c),
        }
    }
    all.push(parts);
    Ok(all)
}

fn push(parts: &mut Vec<GlobPart>, c: char) {
    match parts.last_mut() {
        Some(GlobPart::Text(text)) => text.push(c),
        _ => parts.push(GlobPart::Text(c.to_string())),
    }
}

/// Parses a set after its opening bracket.
fn set(rest: &mut Chars<'_>) -> Result<GlobPart, GlobError> {
    let not = rest.as_str().starts_with('!');
    if not {
        rest.next();
    }
    let mut ahead = rest.clone();
    if let (Some(first), Some('-')) = (ahead.next(), ahead.next()) {
        let last = ahead.next().ok_or(GlobError::OpenSet)?;
        let closed = ahead.next().ok_or(GlobError::OpenSet)? == ']';
        *rest = ahead;
        let of = Set::Range(first, last);
        let sound = closed && first <= last;
        return sound
            .then_some(GlobPart::Set { not, of })
            .ok_or(GlobError::Set);
    }
    let mut list = String::new();
    loop {
        match rest.next().ok_or(GlobError::OpenSet)? {
            ']' if list.is_empty() => return Err(GlobError::Set),
            ']' => break,
            '\\' => list.push(rest.next().ok_or(GlobError::OpenSet)?),
            c => list.push(c),
        }
    }
    let of = Set::List(list);
    Ok(GlobPart::Set { not, of })
}

impl Glob {
    /// Checks whether a text is a glob.
    ///
    /// # Errors
    /// Fails if it is not.
    pub fn check(text: &str) -> Result<(), GlobError> {
        match text.contains(SPECIAL) {
            true => text.parse::<Self>().map(drop),
            false => Ok(()),
        }
    }

    /// Returns whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        positions_after(&self.0, text, BTreeSet::from([0])).contains(&text.len())
    }
}

/// Returns the positions in the text after matching `parts` from any of these positions. Each
/// position is checked once per part, so matching takes bounded time.
fn positions_after(parts: &[GlobPart], text: &str, from: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut places = from;
    for part in parts {
        let one = |at: usize, is: &dyn Fn(char) -> bool| {
            let c = text[at..].chars().next().filter(|c| is(*c));
            c.map(|c| at + c.len_utf8())
        };
        let each = places.iter().copied();
        places = match part {
            GlobPart::Text(wanted) => each
                .filter(|at| text[*at..].starts_with(wanted.as_str()))
                .map(|at| at + wanted.len())
                .collect(),
            GlobPart::One => each.filter_map(|at| one(at, &|_| true)).collect(),
            GlobPart::Set { not, of } => each
                .filter_map(|at| one(at, &|c| of.has(c) != *not))
                .collect(),
            GlobPart::Any => match places.first() {
                Some(first) => (*first..=text.len())
                    .filter(|at| text.is_char_boundary(*at))
                    .collect(),
                None => BTreeSet::new(),
            },
            GlobPart::Either(alternatives) => alternatives
                .iter()
                .flat_map(|parts| positions_after(parts, text, places.clone()))
                .collect(),
        };
    }
    places
}

impl Set {
    fn has(&self, c: char) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&c),
            Self::List(list) => list.contains(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_text() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a.b/c"),
            ("a*", "a"),
            ("a*c", "abc"),
            ("*b*", "abc"),
            ("a*b*c", "aXbYbZc"),
            ("**is**a***test*", "this is a test"),
            ("abc", "abc"),
            ("", ""),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
            assert!(pattern.parse::<Glob>().unwrap().matches(text), "{pattern}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a*c", "ab"),
            ("aa*aa", "aaa"),
            ("", "a"),
            ("*b", "a"),
        ] {
            assert!(!glob(pattern, text), "{pattern} {text}");
            assert!(!pattern.parse::<Glob>().unwrap().matches(text), "{pattern}");
        }
    }

    /// Compares with the results of gobwas/glob for the same patterns.
    #[test]
    fn globs_match_as_in_argo_cd() {
        for (pattern, text, expected) in [
            ("{Stateful,Daemon}Set", "DaemonSet", true),
            ("{Stateful,Daemon}Set", "ReplicaSet", false),
            ("{abc,abcd}a", "abcda", true),
            ("{a,ab}{bc,f}", "abc", true),
            ("{*,**}{a,b}", "ac", false),
            ("{a,{b,c}d}e", "cde", true),
            ("{*.yml,env/**}", "env/a/b", true),
            ("*//{,*.}example.com", "http://example.com", true),
            ("*//{,*.}example.com", "http://example.com.net", false),
            ("{a", "a", true),
            ("a,b}", "a,b}", true),
            ("?at", "cat", true),
            ("?at", "at", false),
            ("?*?", "ac", true),
            ("*?ä", "åä", true),
            ("[a-z]", "k", true),
            ("[a-z]", "K", false),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("[^a]", "^", true),
            ("a?[!c].yaml", "abd.yaml", true),
            ("a?[!c].yaml", "abc.yaml", false),
            (r"[\]a]", "]", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"a\{b", "a{b", true),
            (r"a\", "a", true),
            ("a]", "a]", true),
            ("a.b", "axb", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_invalid_glob_has_an_error_and_matches_nothing() {
        for (pattern, expected) in [
            ("[a", GlobError::OpenSet),
            ("[a-", GlobError::OpenSet),
            ("[", GlobError::OpenSet),
            ("[]", GlobError::Set),
            ("[!]", GlobError::Set),
            ("[a-zA-Z]", GlobError::Set),
            ("[z-a]", GlobError::Set),
        ] {
            assert_eq!(pattern.parse::<Glob>(), Err(expected), "{pattern}");
            assert!(!glob(pattern, "a"), "{pattern}");
        }
        assert_eq!("{".repeat(100_000).parse::<Glob>(), Err(GlobError::Deep));
    }

    #[test]
    fn a_hostile_pattern_takes_bounded_time() {
        let pattern = format!("{}b?", "*a".repeat(200));
        assert!(!glob(&pattern, &"a".repeat(2000)));
    }

    #[test]
    fn literally_escapes_special_characters() {
        for text in ["a", "*?\\[]{}", "a{b,c}", "system:x"] {
            assert!(glob(&literally(text), text), "{text}");
            assert!(!glob(&literally(text), &format!("{text}x")), "{text}");
        }
    }
}
