//! One pattern of a `.sourceignore` file (`fluxcd/pkg/sourceignore/gitignore`).

use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;

/// One pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As written.
    pub text: String,
    /// Whether it includes files again that earlier patterns exclude.
    pub takes_in: bool,
    /// Whether it matches only directories, and what is in them.
    is_directory: bool,
    /// The parts between its slashes. A single part is a name anywhere; otherwise a path from the
    /// directory that the pattern applies to.
    parts: Vec<String>,
}

impl Pattern {
    /// Parses the pattern of a line, if there is one.
    pub fn new(line: &str) -> Option<Self> {
        if line.starts_with('#') || line.trim().is_empty() {
            return None;
        }
        // A trailing space counts if it is escaped.
        let text = match line.ends_with("\\ ") {
            true => line,
            false => line.trim_end_matches(' '),
        };
        let pattern = text.strip_prefix('!').unwrap_or(text);
        let bare = pattern.strip_suffix('/').unwrap_or(pattern);
        Some(Self {
            text: text.to_owned(),
            takes_in: text.starts_with('!'),
            is_directory: bare.len() < pattern.len(),
            parts: bare.split('/').map(str::to_owned).collect(),
        })
    }

    /// Returns whether it matches a file or a directory above it, given by its names.
    pub fn matches(&self, path: &[&str]) -> bool {
        let rest = match self.parts.as_slice() {
            [name] => path
                .iter()
                .position(|found| is_name(name, found))
                .map(|at| &path[at + 1..]),
            way => after(way, path),
        };
        // After a file's own name there is nothing.
        rest.is_some_and(|rest| !(self.is_directory && rest.is_empty()))
    }
}

/// Returns the remainder of a path after a pattern that matches its beginning. After `**`, the
/// first matching name is used, so that matching takes bounded time.
fn after<'p, 's>(way: &[String], path: &'p [&'s str]) -> Option<&'p [&'s str]> {
    let mut rest = path;
    let mut is_anywhere = false;
    for (at, part) in way.iter().enumerate() {
        match part.as_str() {
            "" => is_anywhere = false,
            "**" if at + 1 == way.len() => break,
            "**" => is_anywhere = true,
            odd if odd.contains("**") => return None,
            name => {
                let most = if is_anywhere { rest.len() } else { 1 };
                let found = rest
                    .iter()
                    .take(most)
                    .position(|found| is_name(name, found))?;
                rest = &rest[found + 1..];
                is_anywhere = false;
            }
        }
    }
    (rest.len() < path.len()).then_some(rest)
}

/// Returns whether a name matches a part of a pattern.
fn is_name(part: &str, name: &str) -> bool {
    wildmatch(part.into(), name.into(), Mode::NO_MATCH_SLASH_LITERAL)
}
