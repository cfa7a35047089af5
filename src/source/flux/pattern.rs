//! One pattern of what Flux leaves out (`fluxcd/pkg/sourceignore/gitignore`).

use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;

/// One pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it is written.
    pub text: String,
    /// Whether it takes in again what others leave out.
    pub takes_in: bool,
    /// Whether it means directories alone, and what is in them.
    is_directory: bool,
    /// What stands between its slashes. One part alone is a name anywhere; else a way from the
    /// directory that the pattern holds for.
    parts: Vec<String>,
}

impl Pattern {
    /// Returns the pattern of a line, if it holds one.
    pub fn new(line: &str) -> Option<Self> {
        if line.starts_with('#') || line.trim().is_empty() {
            return None;
        }
        // A space at the end counts where it is escaped.
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
        // What lies behind a file's own name is nothing.
        rest.is_some_and(|rest| !(self.is_directory && rest.is_empty()))
    }
}

/// Returns what is left of a path behind a way that leads into it. Behind `**` the first name
/// counts that fits, so that no pattern takes long.
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

/// Returns whether a name is one that a part of a pattern means.
fn is_name(part: &str, name: &str) -> bool {
    wildmatch(part.into(), name.into(), Mode::NO_MATCH_SLASH_LITERAL)
}
