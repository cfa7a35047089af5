//! Edits YAML and JSON text in place: comments, layout and every other value stay as they are.
//!
//! Each edit replaces a few bytes of the text, and the result is parsed again as manifests are: it
//! must contain the intended value, every other document unchanged, and every comment outside the
//! removed text. An edit that is not possible is refused with a reason.
//!
//! ```
//! use driftctl::edit::edit;
//! use driftctl::model::Step;
//!
//! let text = "spec:\n  replicas: 2 # on purpose\n";
//! let way = [Step::Field("spec".into()), Step::Field("replicas".into())];
//! let edited = edit(text, 1, &way, Some(&5.into())).unwrap();
//! assert_eq!(edited, "spec:\n  replicas: 5 # on purpose\n");
//! ```

mod splice;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::Step;
use crate::yaml::tree::{Kind, Node};
use crate::yaml::{self, Document};
pub use write::{document, scalar};

/// Why text is not edited. It never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text, or the document in it, cannot be parsed.
    #[error("the file cannot be parsed")]
    Unreadable,
    /// The path leads nowhere.
    #[error("the field's parent is not in the file")]
    NoWay,
    /// The value is shared with other places, through an anchor and its aliases, or a merge key.
    #[error(
        "line {0} shares its value with others through an anchor, an alias or a merge key; write it \
         out there first"
    )]
    Shared(usize),
    /// The layout has no safe place for the edit.
    #[error("the layout of line {0} has no safe place for the change")]
    Layout(usize),
    /// The edited text would not parse to the expected value.
    #[error("the edited file would not parse to the expected value")]
    Unsound,
}

/// Returns the text in which the field at `way` in a document (counted from 1) has this value, or
/// is removed.
///
/// A map or list is compared with the one in the text first, so that only differences are edited.
///
/// # Errors
/// Fails if it cannot be done without touching anything else.
pub fn edit(
    text: &str,
    document: usize,
    way: &[Step],
    to: Option<&Value>,
) -> Result<String, Refusal> {
    let mut text = text.to_owned();
    // Each pass makes the first of the remaining edits, and compares again.
    for _ in 0..MOST_PASSES {
        let parsed = yaml::parse(&text);
        let document = find(&parsed.documents, document)?;
        let is = at(&document.value, way);
        let mut smallest = Vec::new();
        smallest_edits(is, to, way, &mut smallest);
        let Some(next) = smallest.into_iter().next() else {
            return Ok(text);
        };
        text = one(&text, document, &next)?;
        // The next item has moved up to the place of the removed one.
        if to.is_none() {
            return Ok(text);
        }
    }
    Err(Refusal::Unsound)
}

/// How many fields of one value are edited; a value that differs in more is replaced.
const MOST_PASSES: usize = 2000;

/// One small edit.
#[derive(Debug, Clone, PartialEq)]
struct Small {
    way: Vec<Step>,
    what: What,
}

/// What to do at the end of a path.
#[derive(Debug, Clone, PartialEq)]
enum What {
    /// Replaces the value, or adds one.
    Set(Value),
    /// Inserts an item before the one at this index, or at the end.
    Insert(Value),
    /// Removes it.
    Remove,
}

fn find(documents: &[Document], number: usize) -> Result<&Document, Refusal> {
    let mut documents = documents.iter();
    let found = documents.find(|document| document.number == number);
    found.ok_or(Refusal::Unreadable)
}

/// Returns the value at a path.
pub fn at<'v>(value: &'v Value, way: &[Step]) -> Option<&'v Value> {
    way.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
    })
}

/// Returns the differences, in pieces that are as small as possible. In a list, the last items come
/// first.
fn smallest_edits(is: Option<&Value>, to: Option<&Value>, way: &[Step], found: &mut Vec<Small>) {
    let below = |step: Step| [way, &[step]].concat();
    let mut push = |way: &[Step], what: What| {
        let way = way.to_vec();
        found.push(Small { way, what });
    };
    match (is, to) {
        (is, to) if is == to => {}
        (None, Some(to)) if matches!(way.last(), Some(Step::Index(_))) => {
            push(way, What::Insert(to.clone()));
        }
        (Some(_), None) => push(way, What::Remove),
        (Some(Value::Object(is)), Some(Value::Object(to))) if !is.is_empty() && !to.is_empty() => {
            for (name, to) in to {
                let way = below(Step::Field(name.clone()));
                smallest_edits(is.get(name), Some(to), &way, found);
            }
            // A map is never emptied on the way to its final content.
            for (name, is) in is.iter().filter(|(name, _)| !to.contains_key(*name)) {
                let way = below(Step::Field(name.clone()));
                smallest_edits(Some(is), None, &way, found);
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
                let way = below(Step::Index(before + index));
                smallest_edits(Some(is), Some(to), &way, found);
            }
            for index in (both..is_middle.len()).rev() {
                let way = below(Step::Index(before + index));
                found.push(Small {
                    way,
                    what: What::Remove,
                });
            }
            for (index, to) in to_middle.iter().enumerate().skip(both) {
                let way = below(Step::Index(before + index));
                let what = What::Insert(to.clone());
                found.push(Small { way, what });
            }
        }
        (_, Some(to)) => push(way, What::Set(to.clone())),
        (None, None) => {}
    }
}

/// Makes one small edit, and checks it.
fn one(text: &str, document: &Document, small: &Small) -> Result<String, Refusal> {
    let (root, comments) = yaml::tree::tree(text, document.span).ok_or(Refusal::Unreadable)?;
    let splices = splice::splices(text, &root, &comments, small)?;
    let mut edited = text.to_owned();
    let mut sorted = splices.clone();
    sorted.sort_by_key(|(at, _)| std::cmp::Reverse((at.start, at.end)));
    for (at, new) in &sorted {
        if !edited.is_char_boundary(at.start) || !edited.is_char_boundary(at.end) {
            return Err(Refusal::Unsound);
        }
        edited.replace_range(at.clone(), new);
    }
    let mut kept: Vec<&str> = comments
        .iter()
        .filter(|comment| !splices.iter().any(|(at, _)| at.contains(&comment.start)))
        .filter_map(|comment| text.get(comment.clone()))
        .collect();
    kept.sort_unstable();
    match check(text, document, small, &edited, &kept) {
        Ok(()) => Ok(edited),
        Err(refusal) => Err(match anchor_at(&root, &small.way) {
            Some(at) => {
                Refusal::Shared(text.get(..at).unwrap_or_default().matches('\n').count() + 1)
            }
            None => refusal,
        }),
    }
}

/// Where an anchor stands that the way leads through or to, or that stands below it.
fn anchor_at(root: &Node, way: &[Step]) -> Option<usize> {
    let mut node = root;
    for step in way {
        if node.has_anchor {
            return Some(node.from);
        }
        node = match (step, &node.kind) {
            (Step::Field(name), _) => node.field(name)?.1,
            (Step::Index(index), Kind::Sequence(items)) => items.get(*index)?,
            _ => return None,
        };
    }
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if node.has_anchor {
            return Some(node.from);
        }
        match &node.kind {
            Kind::Mapping(entries) => waiting.extend(entries.iter().map(|(_, node)| node)),
            Kind::Sequence(items) => waiting.extend(items),
            Kind::Scalar(_) | Kind::Alias => {}
        }
    }
    None
}

/// Parses the edited text, and compares it with the expected value.
fn check(
    text: &str,
    document: &Document,
    small: &Small,
    edited: &str,
    kept: &[&str],
) -> Result<(), Refusal> {
    let mut expected = document.value.clone();
    apply(&mut expected, &small.way, &small.what).ok_or(Refusal::NoWay)?;
    let (before, after) = (yaml::parse(text), yaml::parse(edited));
    let is_sound = before.documents.len() == after.documents.len()
        && before.problems.len() >= after.problems.len();
    let mut pairs = before.documents.iter().zip(&after.documents);
    let as_meant = pairs.all(|(before, after)| match before.number == document.number {
        true => after.value == expected,
        false => after.value == before.value,
    });
    if !is_sound || !as_meant {
        return Err(Refusal::Unsound);
    }
    let after = find(&after.documents, document.number)?;
    let (_, comments) = yaml::tree::tree(edited, after.span).ok_or(Refusal::Unsound)?;
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for comment in comments.iter().filter_map(|at| edited.get(at.clone())) {
        *counts.entry(comment).or_default() += 1;
    }
    for comment in kept {
        *counts.entry(comment).or_default() -= 1;
    }
    match counts.values().all(|count| *count >= 0) {
        true => Ok(()),
        false => Err(Refusal::Unsound),
    }
}

/// Makes the edit in a value.
fn apply(value: &mut Value, way: &[Step], what: &What) -> Option<()> {
    let Some((last, before)) = way.split_last() else {
        if let What::Set(to) = what {
            value.clone_from(to);
            return Some(());
        }
        return None;
    };
    let parent = before.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(index),
    })?;
    match (last, what) {
        (Step::Field(name), What::Set(to)) => {
            parent.as_object_mut()?.insert(name.clone(), to.clone());
        }
        (Step::Field(name), What::Remove) => drop(parent.as_object_mut()?.remove(name)?),
        (Step::Index(index), What::Set(to)) => parent.get_mut(index)?.clone_from(to),
        (Step::Index(index), What::Insert(to)) => {
            let items = parent.as_array_mut()?;
            items.insert((*index).min(items.len()), to.clone());
        }
        (Step::Index(index), What::Remove) => {
            let items = parent.as_array_mut()?;
            if *index >= items.len() {
                return None;
            }
            items.remove(*index);
        }
        (Step::Field(_), What::Insert(_)) => return None,
    }
    Some(())
}
