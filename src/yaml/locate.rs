//! Finds fields in text on demand: most are never needed.
//!
//! All requested fields of an object are found in one pass over its text, however many there are.

use std::collections::HashMap;

use granit_parser::{Event, ScanError};

use super::build::{parser, tag_of};
use super::mend::FixedText;
use super::scalar::{self, YamlScalar, YamlTag};
use super::{TextSpan, block};
use crate::model::{ManifestStep, Position};

/// Returns the place of the key or list item at `steps`, from the node that `span` covers, or of
/// its deepest written ancestor. A merged field is found at its `<<`.
///
/// Returns `None` if `span` is outside `text`.
pub fn locate(text: &str, span: TextSpan, steps: &[ManifestStep]) -> Option<Position> {
    locate_all(text, span, &[steps])?.pop()
}

/// Returns the places of these paths, each like [`locate`], in one pass over the text.
///
/// Returns `None` if `span` is outside `text`.
pub fn locate_all(text: &str, span: TextSpan, paths: &[&[ManifestStep]]) -> Option<Vec<Position>> {
    let node = text.get(span.start..span.end)?;
    let indent = super::indent_of(node, span);
    let mut signposts = PathBranches::to(paths);
    if indent == 0 && block::find(node, span.position(), &mut signposts).is_some() {
        return Some(signposts.all(paths, span));
    }
    locate_by_events(node, span, indent, paths)
}

/// Returns the places of these paths in any node.
pub(super) fn locate_by_events(
    node: &str,
    span: TextSpan,
    indent: usize,
    paths: &[&[ManifestStep]],
) -> Option<Vec<Position>> {
    let padded;
    let node = if indent > 0 {
        padded = format!("{}{node}", " ".repeat(indent));
        &padded
    } else {
        node
    };
    let mut mended = FixedText::new(node);
    loop {
        let mut search = PathSearch {
            signposts: PathBranches::to(paths),
            mended: &mended,
            first_line: span.line,
            first_column: span.column.max(1) - indent,
            stack: Vec::new(),
            started: false,
        };
        let error = search.run().err();
        let signposts = search.signposts;
        // A slice of a document may end early or miss its anchors; what was found stays valid.
        if !error.is_some_and(|error| mended.mend(&error)) {
            return Some(signposts.all(paths, span));
        }
    }
}

/// A node where paths branch; the first is their common start.
pub(super) struct PathBranches(Vec<PathBranch>);

#[derive(Default)]
struct PathBranch {
    fields: HashMap<String, usize>,
    items: HashMap<usize, usize>,
    /// Its place in the text, once known.
    found: Option<Position>,
}

impl PathBranches {
    /// The common start.
    pub const ROOT: usize = 0;

    /// Returns the places of paths within a node, which stands for what was not found.
    pub fn all(&self, paths: &[&[ManifestStep]], node: TextSpan) -> Vec<Position> {
        let place = |path: &&[ManifestStep]| self.found(path).unwrap_or_else(|| node.position());
        paths.iter().map(place).collect()
    }

    pub fn to(paths: &[&[ManifestStep]]) -> Self {
        let mut all = Self(vec![PathBranch::default()]);
        for path in paths {
            let mut at = 0;
            for step in *path {
                at = match all.next(at, step) {
                    Some(next) => next,
                    None => all.add(at, step),
                };
            }
        }
        all
    }

    fn add(&mut self, at: usize, step: &ManifestStep) -> usize {
        let next = self.0.len();
        if let Some(signpost) = self.0.get_mut(at) {
            match step {
                ManifestStep::Field(name) => drop(signpost.fields.insert(name.clone(), next)),
                ManifestStep::Index(index) => drop(signpost.items.insert(*index, next)),
            }
        }
        self.0.push(PathBranch::default());
        next
    }

    fn next(&self, at: usize, step: &ManifestStep) -> Option<usize> {
        match step {
            ManifestStep::Field(name) => self.field(at, name),
            ManifestStep::Index(index) => self.item(at, *index),
        }
    }

    pub fn field(&self, at: usize, name: &str) -> Option<usize> {
        self.0.get(at)?.fields.get(name).copied()
    }

    pub fn item(&self, at: usize, index: usize) -> Option<usize> {
        self.0.get(at)?.items.get(&index).copied()
    }

    /// Sets the position of a path. For a duplicate key, the first counts.
    pub fn set(&mut self, at: usize, place: Position) {
        if let Some(signpost) = self.0.get_mut(at) {
            signpost.found.get_or_insert(place);
        }
    }

    /// Returns whether no path continues from here.
    pub fn is_end(&self, at: usize) -> bool {
        let signpost = self.0.get(at);
        signpost.is_none_or(|signpost| signpost.fields.is_empty() && signpost.items.is_empty())
    }

    /// Sets the place of fields that were not found to a merge that may bring them.
    fn place_merged(&mut self, at: usize, place: Position) {
        let fields = self.0.get(at).map(|signpost| &signpost.fields);
        let fields: Vec<usize> = fields
            .into_iter()
            .flat_map(HashMap::values)
            .copied()
            .collect();
        for field in fields {
            self.set(field, place);
        }
    }

    /// Returns the place of a path, or of its deepest ancestor that was found.
    fn found(&self, path: &[ManifestStep]) -> Option<Position> {
        let mut at = 0;
        let mut found = None;
        for step in path {
            let Some(next) = self.next(at, step) else {
                break;
            };
            at = next;
            match self.0.get(at).and_then(|signpost| signpost.found) {
                Some(place) => found = Some(place),
                None => break,
            }
        }
        found
    }
}

/// A collection on a path.
struct PathCollection {
    kind: LocatedKind,
    /// Its node; `None` if it is on no path.
    at: Option<usize>,
}

enum LocatedKind {
    Sequence {
        next: usize,
    },
    Mapping {
        key: MappingPosition,
        merge: Option<Position>,
    },
}

/// The position in a mapping.
#[derive(Clone, Copy, PartialEq)]
enum MappingPosition {
    /// Before a key.
    Next,
    /// After a key on a path, to this node.
    Right(usize),
    /// After another key.
    Wrong,
}

struct PathSearch<'t> {
    signposts: PathBranches,
    mended: &'t FixedText<'t>,
    first_line: usize,
    /// The column at which the first line begins; the others are whole.
    first_column: usize,
    stack: Vec<PathCollection>,
    started: bool,
}

impl PathSearch<'_> {
    fn run(&mut self) -> Result<(), ScanError> {
        for event in parser(&self.mended.text) {
            let (event, mark) = event?;
            if self.event(&event, mark.start) {
                break;
            }
        }
        Ok(())
    }

    /// Processes an event; returns true when the node ends.
    fn event(&mut self, event: &Event<'_>, mark: granit_parser::Marker) -> bool {
        match event {
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                return self.stack.is_empty();
            }
            Event::DocumentEnd => return true,
            event if !event.is_node() => return false,
            _ => {}
        }
        let (lines, column, _) = self.mended.place(&mark);
        let first_column = if lines == 0 { self.first_column } else { 1 };
        let place = Position {
            line: self.first_line + lines,
            column: first_column + column,
        };
        if self.takes_key() {
            // A collection as a key is an error when the text is parsed.
            return !self.key(event, place);
        }
        let at = self.enter(place);
        let at = at.filter(|at| !self.signposts.is_end(*at));
        let kind = match event {
            Event::SequenceStart(..) => LocatedKind::Sequence { next: 0 },
            Event::MappingStart(..) => LocatedKind::Mapping {
                key: MappingPosition::Next,
                merge: None,
            },
            // The paths end in a scalar or an alias.
            _ => return self.stack.is_empty(),
        };
        self.stack.push(PathCollection { kind, at });
        false
    }

    fn takes_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(PathCollection {
                kind: LocatedKind::Mapping {
                    key: MappingPosition::Next,
                    ..
                },
                ..
            })
        )
    }

    /// Processes a key; returns false if there can be no result.
    fn key(&mut self, event: &Event<'_>, place: Position) -> bool {
        let Some(PathCollection {
            kind: LocatedKind::Mapping { key, merge },
            at,
        }) = self.stack.last_mut()
        else {
            return false;
        };
        *key = MappingPosition::Wrong;
        let Event::Scalar(text, style, _, tag) = event else {
            return matches!(event, Event::Alias(_) | Event::UnresolvedAlias(_));
        };
        let Some(at) = *at else { return true };
        let tag = tag_of(tag.as_deref());
        let is_plain = *style == granit_parser::ScalarStyle::Plain;
        if text == "<<" && is_plain {
            *merge = Some(place);
        }
        let name = if tag == YamlTag::None && !is_plain {
            Ok(YamlScalar::Text)
        } else {
            scalar::resolve(text, tag)
        }
        .and_then(|scalar| scalar.into_key(text));
        if let Some(next) = name.ok().and_then(|name| self.signposts.field(at, &name)) {
            *key = MappingPosition::Right(next);
            self.signposts.set(next, place);
        }
        true
    }

    /// Starts a value; returns its node.
    fn enter(&mut self, place: Position) -> Option<usize> {
        let Some(frame) = self.stack.last_mut() else {
            let is_root = !self.started;
            self.started = true;
            return is_root.then_some(0);
        };
        match &mut frame.kind {
            LocatedKind::Mapping { key, .. } => match std::mem::replace(key, MappingPosition::Next)
            {
                MappingPosition::Right(at) => Some(at),
                MappingPosition::Next | MappingPosition::Wrong => None,
            },
            LocatedKind::Sequence { next } => {
                let index = *next;
                *next += 1;
                let at = self.signposts.item(frame.at?, index)?;
                self.signposts.set(at, place);
                Some(at)
            }
        }
    }

    /// Leaves a collection.
    fn close(&mut self) {
        if let Some(PathCollection {
            kind: LocatedKind::Mapping {
                merge: Some(place), ..
            },
            at: Some(at),
        }) = self.stack.pop()
        {
            self.signposts.place_merged(at, place);
        }
    }
}
