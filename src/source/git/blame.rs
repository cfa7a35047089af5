//! Finds the commits that last changed declared lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;
use gix::blame::{BlameRanges, Start};
use gix::bstr::{BStr, ByteSlice};
use jiff::Timestamp;
use rayon::prelude::*;

use super::repository::{Commit, GitError, Repository};
use super::tree::CommitTree;
use crate::model::{Blame, ChangeKind, ObjectReport, Origin, Warning};
use crate::source::tree::{Tree, TreeEntryKind};
use crate::source::{read, remark};

/// How to get the part of the history that a shallow clone lacks.
const DEEPEN: &str = "run `git fetch --unshallow`, or check out with `fetch-depth: 0` in CI";

/// A file as it was read: in a commit, or in the work tree.
type BlamedFile = (Arc<str>, Option<Arc<str>>);

/// Adds to each reported change with a known line the commit that last touched it. Reads only the
/// history of files with drift. A live addition has no line.
///
/// A history that cannot be read does not affect the comparison: it is a warning.
pub fn blame(objects: &mut [ObjectReport]) -> Vec<Warning> {
    let mut lines: BTreeMap<BlamedFile, BTreeSet<u32>> = BTreeMap::new();
    for object in objects.iter() {
        let Some(file) = object.origin.as_ref().and_then(file_at) else {
            continue;
        };
        let declared = object.drifts.iter().filter_map(declared_line);
        lines.entry(file).or_default().extend(declared);
    }
    lines.retain(|_, lines| !lines.is_empty());
    let found: Vec<(&BlamedFile, Result<LineHistory, String>)> = lines
        .par_iter()
        .map(|(file, lines)| (file, history(file, lines)))
        .collect();
    let mut warnings = Vec::new();
    let mut known: BTreeMap<&BlamedFile, BTreeMap<u32, Blame>> = BTreeMap::new();
    for (file, history) in found {
        match history {
            Ok(history) => {
                warnings.extend(history.cut_off.then(|| cut_off(file)));
                known.insert(file, history.lines);
            }
            Err(why) => warnings.push(remark(&file.0, format!("no history: {why}"), false)),
        }
    }
    for object in objects {
        let history = object.origin.as_ref().and_then(file_at);
        let Some(history) = history.and_then(|file| known.get(&file)) else {
            continue;
        };
        for drift in &mut object.drifts {
            drift.blame = declared_line(drift).and_then(|line| history.get(&line).cloned());
        }
    }
    warnings
}

/// Returns the file that an object's line numbers refer to: for a rendered object, its source. An
/// object from the cluster or from a stream has none.
fn file_at(origin: &Origin) -> Option<BlamedFile> {
    let is_file = origin.revision.is_some() || Path::new(&*origin.file).is_file();
    is_file.then(|| (Arc::clone(&origin.file), origin.revision.clone()))
}

fn declared_line(drift: &crate::model::JudgedChange) -> Option<u32> {
    let is_declared = drift.change.kind != ChangeKind::Added;
    let position = drift.position.filter(|_| is_declared)?;
    u32::try_from(position.line).ok()
}

fn cut_off(file: &BlamedFile) -> Warning {
    remark(
        &file.0,
        format!("the clone is shallow, so lines may be older than the commit named: {DEEPEN}"),
        false,
    )
}

/// The commits of the lines of a file.
struct LineHistory {
    lines: BTreeMap<u32, Blame>,
    /// Whether the history is cut off by a shallow clone.
    cut_off: bool,
}

fn history((file, revision): &BlamedFile, lines: &BTreeSet<u32>) -> Result<LineHistory, String> {
    let found = Repository::containing(Path::new(&**file));
    let (repository, path) = found.map_err(|error| match error {
        // No revision was named, as the error's text assumes.
        GitError::NoRepository { .. } => "it is not in a Git repository".to_owned(),
        other => text(other),
    })?;
    let commit = repository.resolve(revision.as_deref().unwrap_or("HEAD"));
    let commit = commit.map_err(text)?;
    let tree = CommitTree::new(&repository, &commit);
    let (path, contents) = match revision {
        Some(_) => (path, None),
        None => in_work_tree(&repository, file)?,
    };
    let committed = tree.resolve(&path).ok();
    let Some(committed) = committed.filter(|resolved| resolved.kind == TreeEntryKind::File) else {
        return Ok(LineHistory {
            lines: lines.iter().map(|line| (*line, Blame::default())).collect(),
            cut_off: false,
        });
    };
    let contents = match contents {
        Some(contents) => Some(with_line_ends_of(
            contents,
            &tree.read(&committed.canonical)?,
        )),
        None => None,
    };
    repository.with(|handle| {
        let path = gix::path::into_bstr(&*committed.canonical);
        let path = path.map_err(|_| "its path is not text".to_owned())?;
        let history = annotate(handle, &commit, path.as_ref(), contents, lines);
        history.map_err(|error| match handle.is_shallow() {
            Ok(true) => format!("it is beyond the end of a shallow clone: {DEEPEN}"),
            _ => error.to_string(),
        })
    })
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Returns the path of a file below the root of its repository, with links resolved, and its
/// content.
fn in_work_tree(repository: &Repository, file: &str) -> Result<(PathBuf, Option<Vec<u8>>), String> {
    let canonical = Path::new(file)
        .canonicalize()
        .map_err(|error| read::reason(&error))?;
    let below = canonical
        .strip_prefix(repository.root())
        .map_err(|_| "it is a link that leads out of its Git repository".to_owned())?;
    Ok((below.to_owned(), Some(read::file(&canonical)?)))
}

/// Returns contents with the line ends of the committed file: a checkout may have converted all of
/// them (`core.autocrlf`), which is not a change.
fn with_line_ends_of(contents: Vec<u8>, committed: &[u8]) -> Vec<u8> {
    if committed.contains(&b'\r') {
        contents
    } else {
        contents.replace(b"\r\n", b"\n")
    }
}

fn annotate(
    handle: &gix::Repository,
    commit: &Commit,
    path: &BStr,
    contents: Option<Vec<u8>>,
    lines: &BTreeSet<u32>,
) -> gix::Result<LineHistory> {
    let id = ObjectId::from_hex(commit.id.as_bytes()).map_err(gix::Error::from_error)?;
    let start = match contents {
        None => Start::Commit(id),
        Some(contents) => Start::Contents {
            first_suspect: id,
            contents: contents.into(),
        },
    };
    let ranges = lines.iter().map(|line| *line..=*line).collect();
    let options = gix::blame::Options {
        ranges: BlameRanges::from_one_based_inclusive_ranges(ranges)?,
        rewrites: Some(gix::diff::Rewrites::default()),
        ..Default::default()
    };
    let mut cache = handle.diff_resource_cache_for_tree_diff()?;
    let graph = handle.commit_graph_if_enabled()?;
    let outcome = gix::blame::file(&handle.objects, start, graph, &mut cache, path, options)?;
    let shallow = handle.shallow_commits()?;
    let mut history = LineHistory {
        lines: BTreeMap::new(),
        cut_off: false,
    };
    for entry in outcome.entries {
        let blame = match entry.commit_id.is_null() {
            true => Blame::default(),
            false => of_commit(handle, entry.commit_id)?,
        };
        let first = entry.start_in_blamed_file + 1;
        for line in first..first.saturating_add(entry.len.get()) {
            if lines.contains(&line) {
                let boundary = shallow
                    .as_ref()
                    .is_some_and(|s| s.contains(&entry.commit_id));
                history.cut_off |= boundary;
                history.lines.insert(line, blame.clone());
            }
        }
    }
    Ok(history)
}

fn of_commit(handle: &gix::Repository, id: ObjectId) -> gix::Result<Blame> {
    let commit = handle.find_commit(id)?;
    let author = commit.author()?;
    let time = author.time()?;
    let time = Timestamp::from_second(time.seconds).ok();
    Ok(Blame {
        commit: Some(id.to_string()),
        author: Some(author.name.to_str_lossy().trim().to_owned()),
        time: time.map(|time| time.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converted_line_ends_are_not_changes() {
        assert_eq!(with_line_ends_of(b"a\r\nb\r\n".to_vec(), b"a\n"), b"a\nb\n");
        assert_eq!(
            with_line_ends_of(b"a\r\nb\r\n".to_vec(), b"a\r\n"),
            b"a\r\nb\r\n"
        );
    }
}
