//! Finds fields in text, when they are asked for: most never are.

use granit_parser::{Event, ScanError};

use super::Span;
use super::build::{parser, tag_of};
use super::mend::Mended;
use super::scalar::{self, Scalar, Tag};
use crate::model::{Position, Step};

/// The place of the key or list item that `steps` lead to, from the node that `span` covers, or of
/// the deepest ancestor that is written. What a merge brings is found at its `<<`.
///
/// `None` when `span` lies outside of `text`.
pub fn locate(text: &str, span: Span, steps: &[Step]) -> Option<Position> {
    let node = text.get(span.start..span.end)?;
    // A block node within a text begins at its column; its other lines are indented already.
    let padded;
    let node = if span.column > 1 {
        padded = format!("{}{node}", " ".repeat(span.column - 1));
        &padded
    } else {
        node
    };
    let mut mended = Mended::new(node);
    loop {
        let mut search = Search {
            steps,
            mended: &mended,
            first_line: span.line,
            found: span.position(),
            stack: Vec::new(),
            started: false,
        };
        let error = search.run().err();
        let found = search.found;
        // A slice of a document may end early or miss its anchors; what was found stands.
        if !error.is_some_and(|error| mended.mend(&error)) {
            return Some(found);
        }
    }
}

/// A collection on the way.
struct Frame {
    kind: Kind,
    /// How many steps lead to it; `None` when it is off the way.
    depth: Option<usize>,
}

enum Kind {
    Sequence { next: usize },
    Mapping { key: Key, merge: Option<Position> },
}

/// Where in a mapping the search is.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    /// Before a key.
    Next,
    /// After the key of the step.
    Right,
    /// After another key.
    Wrong,
}

struct Search<'s, 't> {
    steps: &'s [Step],
    mended: &'s Mended<'t>,
    first_line: usize,
    found: Position,
    stack: Vec<Frame>,
    started: bool,
}

impl Search<'_, '_> {
    fn run(&mut self) -> Result<(), ScanError> {
        for event in parser(&self.mended.text) {
            let (event, mark) = event?;
            if self.event(&event, mark.start) {
                break;
            }
        }
        Ok(())
    }

    /// Takes an event; true when the search is over.
    fn event(&mut self, event: &Event<'_>, mark: granit_parser::Marker) -> bool {
        match event {
            Event::SequenceEnd | Event::MappingEnd => return self.close(),
            Event::DocumentEnd => return true,
            event if !event.is_node() => return false,
            _ => {}
        }
        let (lines, column, _) = self.mended.place(&mark);
        let place = Position {
            line: self.first_line + lines,
            column: column + 1,
        };
        if self.takes_key() {
            // A collection as a key is an error when the text is read.
            return !self.key(event, place);
        }
        let depth = self.enter(place);
        if depth == Some(self.steps.len()) {
            return true;
        }
        let kind = match event {
            Event::SequenceStart(..) => Kind::Sequence { next: 0 },
            Event::MappingStart(..) => Kind::Mapping {
                key: Key::Next,
                merge: None,
            },
            // The way ends in a scalar or an alias.
            _ => return depth.is_some(),
        };
        self.stack.push(Frame { kind, depth });
        false
    }

    fn takes_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                kind: Kind::Mapping { key: Key::Next, .. },
                ..
            })
        )
    }

    /// Takes a key; false when there can be no answer.
    fn key(&mut self, event: &Event<'_>, place: Position) -> bool {
        let Some(Frame {
            kind: Kind::Mapping { key, merge },
            depth,
        }) = self.stack.last_mut()
        else {
            return false;
        };
        *key = Key::Wrong;
        let Some(depth) = *depth else { return true };
        let Event::Scalar(text, style, _, tag) = event else {
            return matches!(event, Event::Alias(_) | Event::UnresolvedAlias(_));
        };
        let tag = tag_of(tag.as_deref());
        let is_plain = *style == granit_parser::ScalarStyle::Plain;
        if text == "<<" && is_plain {
            *merge = Some(place);
        }
        let name = if tag == Tag::None && !is_plain {
            Ok(Scalar::Text)
        } else {
            scalar::resolve(text, tag)
        }
        .and_then(|scalar| scalar.into_key(text));
        if let (Ok(name), Some(Step::Field(field))) = (name, self.steps.get(depth))
            && name == *field
        {
            *key = Key::Right;
            self.found = place;
        }
        true
    }

    /// Comes to a value; says how many steps lead to it, if it is on the way.
    fn enter(&mut self, place: Position) -> Option<usize> {
        let Some(frame) = self.stack.last_mut() else {
            let is_root = !self.started;
            self.started = true;
            return is_root.then_some(0);
        };
        match &mut frame.kind {
            Kind::Mapping { key, .. } => {
                let is_right = *key == Key::Right;
                *key = Key::Next;
                frame.depth.filter(|_| is_right).map(|depth| depth + 1)
            }
            Kind::Sequence { next } => {
                let index = *next;
                *next += 1;
                let depth = frame.depth?;
                if self.steps.get(depth) == Some(&Step::Index(index)) {
                    self.found = place;
                    Some(depth + 1)
                } else {
                    None
                }
            }
        }
    }

    /// Leaves a collection; true when the way led into it and no further.
    fn close(&mut self) -> bool {
        match self.stack.pop() {
            Some(Frame {
                kind,
                depth: Some(_),
            }) => {
                if let Kind::Mapping {
                    merge: Some(place), ..
                } = kind
                {
                    self.found = place;
                }
                true
            }
            _ => false,
        }
    }
}
