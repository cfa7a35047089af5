//! Finds fields in text on demand: most are never needed.
//!
//! All requested fields of an object are found in one pass over its text, however many there are.

use granit_parser::{Event, ScanError};

use super::branches::PathBranches;
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
