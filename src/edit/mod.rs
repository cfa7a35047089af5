//! Edits YAML and JSON text in place: comments, layout and every other value stay as they are.
//!
//! Each edit replaces a few bytes of the text, and the result is parsed again as manifests are: it
//! must contain the intended value, every other document unchanged, and every comment outside the
//! removed text. An edit that is not possible is refused with a reason.
//!
//! ```
//! use driftctl::edit::edit;
//! use driftctl::model::ManifestStep;
//!
//! let text = "spec:\n  replicas: 2 # on purpose\n";
//! let path = [ManifestStep::Field("spec".into()), ManifestStep::Field("replicas".into())];
//! let edited = edit(text, 1, &path, Some(&5.into())).unwrap();
//! assert_eq!(edited, "spec:\n  replicas: 5 # on purpose\n");
//! ```

mod splice;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::model::ManifestStep;
use crate::yaml::tree::{YamlKind, YamlNode};
use crate::yaml::{self, ParsedYaml, TextPart, YamlDocument};
pub use write::{document, scalar};

/// Why an edit is refused. The message never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditRefusal {
    /// The text, or the document in it, cannot be parsed.
    #[error("the file cannot be parsed")]
    Unreadable,
    /// The path does not exist.
    #[error("the field's parent is not in the file")]
    NoWay,
    /// The value is shared with other places, through an anchor and its aliases, or a merge key.
    #[error(
        "line {0} shares its value with others through an anchor, an alias or a merge key; write it \
         out there first"
    )]
    Shared(usize),
    /// The layout of the text allows no safe edit.
    #[error("the layout of line {0} has no safe place for the change")]
    Layout(usize),
    /// The edited text would not parse to the expected value.
    #[error("the edited file would not parse to the expected value")]
    Unsound,
}

impl EditRefusal {
    /// Returns the same for a text with this many lines before it.
    fn below(self, lines: usize) -> Self {
        match self {
            Self::Shared(line) => Self::Shared(line + lines),
            Self::Layout(line) => Self::Layout(line + lines),
            other => other,
        }
    }
}

/// Returns the text in which the field at `path` in a document (counted from 1) has this value, or
/// is removed.
///
/// A map or list is compared with the one in the text first, so that only differences are edited.
///
/// # Errors
/// Fails if the edit would affect anything else.
pub fn edit(
    text: &str,
    document: usize,
    path: &[ManifestStep],
    to: Option<&Value>,
) -> Result<String, EditRefusal> {
    let mut text = EditableText::new(text.to_owned());
    text.edit(document, path, to)?;
    Ok(text.text)
}

/// A text that is edited several times. It is parsed as a whole only once: an edit concerns one of
/// its parts between `---` lines.
#[derive(Debug, Clone)]
pub struct EditableText {
    text: String,
    parts: Vec<TextPart>,
}

impl EditableText {
    /// Parses a text.
    pub fn new(text: String) -> Self {
        let parts = yaml::parts(&text);
        Self { text, parts }
    }

    /// Returns the text with the edits so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value of a document, counted from 1.
    pub fn value(&self, document: usize) -> Option<Value> {
        let (_, text, number) = self.part_of(document)?;
        let mut documents = yaml::parse(text).documents.into_iter();
        let found = documents.find(|document| document.number == number);
        found.map(|document| document.value)
    }

    /// Makes one edit, as [`edit`] does.
    ///
    /// # Errors
    /// Fails if the edit would affect anything else; then the text is unchanged.
    pub fn edit(
        &mut self,
        document: usize,
        path: &[ManifestStep],
        to: Option<&Value>,
    ) -> Result<(), EditRefusal> {
        let (index, text, number) = self.part_of(document).ok_or(EditRefusal::Unreadable)?;
        let lines = self.parts[index].span.line - 1;
        let edited = edit_part(text, number, path, to).map_err(|refusal| refusal.below(lines))?;
        let span = self.parts[index].span;
        let (before, after) = (&self.text[..span.start], &self.text[span.end..]);
        let whole = [before, &edited, after].concat();
        let parts = yaml::spans(&whole);
        let is_sound = parts.len() == self.parts.len()
            && self.parts.iter().zip(&parts).enumerate().all(|(at, pair)| {
                let (is, was) = (&whole[pair.1.start..pair.1.end], pair.0.span);
                is == if at == index {
                    edited.as_str()
                } else {
                    &self.text[was.start..was.end]
                }
            });
        if !is_sound {
            return Err(EditRefusal::Unsound);
        }
        for (part, span) in self.parts.iter_mut().zip(parts) {
            part.span = span;
        }
        self.text = whole;
        Ok(())
    }

    /// Returns the part with a document: its index, its text, and the number of the document in it.
    fn part_of(&self, document: usize) -> Option<(usize, &str, usize)> {
        let mut parts = self.parts.iter().enumerate();
        let (index, part) = parts.find(|(_, part)| part.documents.contains(&document))?;
        let text = self.text.get(part.span.start..part.span.end)?;
        Some((index, text, document - part.documents.start + 1))
    }
}

/// Makes an edit in a text between two `---` lines.
fn edit_part(
    text: &str,
    document: usize,
    path: &[ManifestStep],
    to: Option<&Value>,
) -> Result<String, EditRefusal> {
    let mut text = text.to_owned();
    let mut together = true;
    // Each pass makes those of the remaining edits that do not move others, or else the first, and
    // compares again.
    for _ in 0..MOST_PASSES {
        let parsed = yaml::parse(&text);
        let document = find_document(&parsed.documents, document)?;
        let is = at(&document.value, path);
        let mut smallest = Vec::new();
        smallest_edits(is, to, path, &mut smallest);
        let Some(next) = smallest.first() else {
            return Ok(text);
        };
        let independent: Vec<&SmallEdit> = smallest.iter().filter(|e| e.moves_nothing()).collect();
        if together && independent.len() > 1 {
            match apply_small_edits(&text, &parsed, document, &independent) {
                Ok(edited) => {
                    text = edited;
                    continue;
                }
                Err(_) => together = false,
            }
        }
        text = apply_small_edits(&text, &parsed, document, &[next])?;
        // The next item has moved up to the place of the removed one.
        if to.is_none() {
            return Ok(text);
        }
    }
    Err(EditRefusal::Unsound)
}

/// The limit on passes, and so on the edits of one value.
const MOST_PASSES: usize = 2000;

/// One small edit.
#[derive(Debug, Clone, PartialEq)]
struct SmallEdit {
    path: Vec<ManifestStep>,
    kind: EditKind,
}

impl SmallEdit {
    /// Returns whether the paths of other edits stay the same after it.
    fn moves_nothing(&self) -> bool {
        match (self.path.last(), &self.kind) {
            (_, EditKind::Set(_)) => true,
            (step, EditKind::Remove) => matches!(step, Some(ManifestStep::Field(_))),
            (_, EditKind::Insert(_)) => false,
        }
    }
}

/// What to do with the value at a path.
#[derive(Debug, Clone, PartialEq)]
enum EditKind {
    /// Replaces the value, or adds one.
    Set(Value),
    /// Inserts an item before the one at this index, or at the end.
    Insert(Value),
    /// Removes the value.
    Remove,
}

fn find_document(documents: &[YamlDocument], number: usize) -> Result<&YamlDocument, EditRefusal> {
    let mut documents = documents.iter();
    let found = documents.find(|document| document.number == number);
    found.ok_or(EditRefusal::Unreadable)
}

/// Returns the value at a path.
pub fn at<'v>(value: &'v Value, path: &[ManifestStep]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match step {
        ManifestStep::Field(name) => value.get(name),
        ManifestStep::Index(index) => value.get(index),
    })
}

/// Returns the differences, in pieces that are as small as possible. In a list, the last items come
/// first.
fn smallest_edits(
    is: Option<&Value>,
    to: Option<&Value>,
    path: &[ManifestStep],
    found: &mut Vec<SmallEdit>,
) {
    let below = |step: ManifestStep| [path, &[step]].concat();
    let mut push = |path: &[ManifestStep], kind: EditKind| {
        let path = path.to_vec();
        found.push(SmallEdit { path, kind });
    };
    match (is, to) {
        (is, to) if is == to => {}
        (None, Some(to)) if matches!(path.last(), Some(ManifestStep::Index(_))) => {
            push(path, EditKind::Insert(to.clone()));
        }
        (Some(_), None) => push(path, EditKind::Remove),
        (Some(Value::Object(is)), Some(Value::Object(to))) if !is.is_empty() && !to.is_empty() => {
            for (name, to) in to {
                let path = below(ManifestStep::Field(name.clone()));
                smallest_edits(is.get(name), Some(to), &path, found);
            }
            // A map is never emptied on the way to its final content.
            for (name, is) in is.iter().filter(|(name, _)| !to.contains_key(*name)) {
                let path = below(ManifestStep::Field(name.clone()));
                smallest_edits(Some(is), None, &path, found);
            }
        }
        (Some(Value::Array(is)), Some(Value::Array(to))) if !is.is_empty() && !to.is_empty() => {
            let before = is.iter().zip(to).take_while(|(is, to)| is == to).count();
            let (is_rest, to_rest) = (&is[before..], &to[before..]);
            let after = is_rest.iter().rev().zip(to_rest.iter().rev());
            let after = after.take_while(|(is, to)| is == to).count();
            let is_middle = &is_rest[..is_rest.len() - after];
            let to_middle = &to_rest[..to_rest.len() - after];
            let both = is_middle.len().min(to_middle.len());
            for (index, (is, to)) in is_middle.iter().zip(to_middle).enumerate() {
                let path = below(ManifestStep::Index(before + index));
                smallest_edits(Some(is), Some(to), &path, found);
            }
            for index in (both..is_middle.len()).rev() {
                let path = below(ManifestStep::Index(before + index));
                found.push(SmallEdit {
                    path,
                    kind: EditKind::Remove,
                });
            }
            for (index, to) in to_middle.iter().enumerate().skip(both) {
                let path = below(ManifestStep::Index(before + index));
                let kind = EditKind::Insert(to.clone());
                found.push(SmallEdit { path, kind });
            }
        }
        (_, Some(to)) => push(path, EditKind::Set(to.clone())),
        (None, None) => {}
    }
}

/// Makes small edits, and checks them.
fn apply_small_edits(
    text: &str,
    parsed: &ParsedYaml,
    document: &YamlDocument,
    edits: &[&SmallEdit],
) -> Result<String, EditRefusal> {
    let (root, comments) = yaml::tree::tree(text, document.span).ok_or(EditRefusal::Unreadable)?;
    let mut splices = Vec::new();
    for (number, small) in edits.iter().enumerate() {
        let of_one = splice::splices(text, &root, &comments, small)?;
        splices.extend(of_one.into_iter().map(|(at, new)| (number, at, new)));
    }
    let edited = spliced(text, &mut splices).ok_or(EditRefusal::Unsound)?;
    let mut removed = splices
        .iter()
        .map(|(_, at, _)| at)
        .filter(|at| !at.is_empty())
        .peekable();
    let mut kept = Vec::new();
    // Both are in the order of the text.
    for comment in &comments {
        while removed.next_if(|at| at.end <= comment.start).is_some() {}
        if removed.peek().is_none_or(|at| comment.start < at.start) {
            kept.extend(text.get(comment.clone()));
        }
    }
    check(parsed, document, edits, &edited, &kept).map_err(|refusal| {
        let anchor = edits
            .first()
            .and_then(|small| anchor_at(&root, &small.path));
        match anchor {
            Some(at) => {
                EditRefusal::Shared(text.get(..at).unwrap_or_default().matches('\n').count() + 1)
            }
            None => refusal,
        }
    })?;
    Ok(edited)
}

/// Returns a text with all splices, which are sorted on the way; `None` if they overlap.
fn spliced(text: &str, splices: &mut [(usize, Range<usize>, String)]) -> Option<String> {
    // Of one edit, the last of those at one place comes first.
    splices.reverse();
    splices.sort_by_key(|(number, at, _)| (at.start, at.end, *number));
    let mut edited = String::with_capacity(text.len());
    let mut done = 0;
    for (_, at, new) in splices.iter() {
        edited.push_str(text.get(done..at.start)?);
        edited.push_str(new);
        done = at.end;
    }
    edited.push_str(text.get(done..)?);
    Some(edited)
}

/// Returns the line of an anchor on the path, at its end, or below it.
fn anchor_at(root: &YamlNode, path: &[ManifestStep]) -> Option<usize> {
    let mut node = root;
    for step in path {
        if node.has_anchor {
            return Some(node.from);
        }
        node = match (step, &node.kind) {
            (ManifestStep::Field(name), _) => node.field(name)?.1,
            (ManifestStep::Index(index), YamlKind::Sequence(items)) => items.get(*index)?,
            _ => return None,
        };
    }
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if node.has_anchor {
            return Some(node.from);
        }
        match &node.kind {
            YamlKind::Mapping(entries) => waiting.extend(entries.iter().map(|(_, node)| node)),
            YamlKind::Sequence(items) => waiting.extend(items),
            YamlKind::Scalar(_) | YamlKind::Alias => {}
        }
    }
    None
}

/// Parses the edited text, and compares it with the expected value.
fn check(
    before: &ParsedYaml,
    document: &YamlDocument,
    edits: &[&SmallEdit],
    edited: &str,
    kept: &[&str],
) -> Result<(), EditRefusal> {
    let mut expected = document.value.clone();
    for small in edits {
        apply(&mut expected, &small.path, &small.kind).ok_or(EditRefusal::NoWay)?;
    }
    let after = yaml::parse(edited);
    let is_sound = before.documents.len() == after.documents.len()
        && before.problems.len() >= after.problems.len();
    let mut pairs = before.documents.iter().zip(&after.documents);
    let as_meant = pairs.all(|(before, after)| match before.number == document.number {
        true => after.value == expected,
        false => after.value == before.value,
    });
    if !is_sound || !as_meant {
        return Err(EditRefusal::Unsound);
    }
    let after = find_document(&after.documents, document.number)?;
    let (_, comments) = yaml::tree::tree(edited, after.span).ok_or(EditRefusal::Unsound)?;
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for comment in comments.iter().filter_map(|at| edited.get(at.clone())) {
        *counts.entry(comment).or_default() += 1;
    }
    for comment in kept {
        *counts.entry(comment).or_default() -= 1;
    }
    match counts.values().all(|count| *count >= 0) {
        true => Ok(()),
        false => Err(EditRefusal::Unsound),
    }
}

/// Applies the edit to a parsed value, to know the expected result.
fn apply(value: &mut Value, path: &[ManifestStep], kind: &EditKind) -> Option<()> {
    let Some((last, before)) = path.split_last() else {
        if let EditKind::Set(to) = kind {
            value.clone_from(to);
            return Some(());
        }
        return None;
    };
    let parent = before.iter().try_fold(value, |value, step| match step {
        ManifestStep::Field(name) => value.get_mut(name),
        ManifestStep::Index(index) => value.get_mut(index),
    })?;
    match (last, kind) {
        (ManifestStep::Field(name), EditKind::Set(to)) => {
            parent.as_object_mut()?.insert(name.clone(), to.clone());
        }
        (ManifestStep::Field(name), EditKind::Remove) => {
            drop(parent.as_object_mut()?.remove(name)?)
        }
        (ManifestStep::Index(index), EditKind::Set(to)) => parent.get_mut(index)?.clone_from(to),
        (ManifestStep::Index(index), EditKind::Insert(to)) => {
            let items = parent.as_array_mut()?;
            items.insert((*index).min(items.len()), to.clone());
        }
        (ManifestStep::Index(index), EditKind::Remove) => {
            let items = parent.as_array_mut()?;
            if *index >= items.len() {
                return None;
            }
            items.remove(*index);
        }
        (ManifestStep::Field(_), EditKind::Insert(_)) => return None,
    }
    Some(())
}
