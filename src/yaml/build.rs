//! Builds values from parser events, without recursion.

use std::collections::{BTreeSet, HashMap};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as Mark};
use serde_json::{Map, Value};

use super::budget::{self, Budget};
use super::explain::explain;
use super::mapping::{key_of, merge};
use super::mend::FixedText;
use super::scalar::{self, YamlScalar, YamlTag};
use super::split::Chunk;
use super::{MAX_DEPTH, ParsedYaml, TextSpan, YamlDocument, YamlProblem};
use crate::model::Position;

/// The limit on warnings for one document.
const MOST_WARNINGS: usize = 20;

/// The warning about a key that a mapping has twice.
pub(super) const REPEATED_KEY: &str = "this key already exists in the same mapping; kubectl silently \
     uses the last one, and so does the comparison: remove one of them";

/// Returns a parser with the settings used everywhere.
pub(super) fn parser(text: &str) -> Parser<'_, granit_parser::StrInput<'_>> {
    Parser::new_from_str_with_options(
        text,
        granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        },
    )
}

/// Parses the only document of a chunk that Kubernetes reads.
pub(super) fn build(chunk: &Chunk<'_>) -> ParsedYaml {
    let mut mended = FixedText::new(chunk.text);
    loop {
        let mut builder = YamlBuilder::new(chunk, &mended);
        let stop = builder.run().err();
        let YamlBuilder {
            document,
            mut problems,
            ..
        } = builder;
        match stop {
            Some(ParseStop::Syntax(error)) if mended.mend(&error) => continue,
            Some(ParseStop::Syntax(error)) => problems.push(syntax(chunk, &mended, &error)),
            Some(ParseStop::Meaning(problem)) => problems.push(*problem),
            None => {}
        }
        return ParsedYaml {
            documents: document.into_iter().collect(),
            problems,
        };
    }
}

/// Why a document ends early.
enum ParseStop {
    Syntax(Box<ScanError>),
    Meaning(BuildFailure),
}

impl From<BuildFailure> for ParseStop {
    fn from(failure: BuildFailure) -> Self {
        Self::Meaning(failure)
    }
}

/// Boxed, because it is large and rare.
type BuildFailure = Box<YamlProblem>;

/// A finished node.
#[derive(Debug, Clone)]
struct BuiltNode {
    value: Value,
    /// Its memory, with its content.
    cost: usize,
    /// The levels of collections in it, including itself.
    height: usize,
}

/// A collection that is being parsed.
struct OpenCollection {
    kind: CollectionKind,
    anchor: usize,
    start: Mark,
    cost: usize,
    height: usize,
}

enum CollectionKind {
    Sequence {
        items: Vec<Value>,
        /// Whether these are the items of the document's top-level `items`.
        of_list: bool,
    },
    Mapping {
        map: Map<String, Value>,
        key: Option<BuiltKey>,
        /// The merged keys: these may be written again.
        merged: BTreeSet<String>,
    },
}

enum BuiltKey {
    Field(String),
    Merge,
}

struct YamlBuilder<'c, 't> {
    chunk: &'c Chunk<'t>,
    mended: &'c FixedText<'t>,
    budget: Budget,
    stack: Vec<OpenCollection>,
    anchors: HashMap<usize, BuiltNode>,
    /// The root node's place, once it began.
    root: Option<Mark>,
    items: Vec<TextSpan>,
    document: Option<YamlDocument>,
    problems: Vec<YamlProblem>,
}

impl<'c, 't> YamlBuilder<'c, 't> {
    fn new(chunk: &'c Chunk<'t>, mended: &'c FixedText<'t>) -> Self {
        Self {
            chunk,
            mended,
            budget: Budget::new(chunk.text),
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            items: Vec::new(),
            document: None,
            problems: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), ParseStop> {
        for event in parser(&self.mended.text) {
            let (event, mark) = event.map_err(|error| ParseStop::Syntax(Box::new(error)))?;
            self.event(event, mark)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, mark: Mark) -> Result<(), BuildFailure> {
        if event.is_node() && self.document.is_some() {
            return Err(self.failure(
                mark,
                "Kubernetes reads nothing after a `...` line: begin the document with `---`",
            ));
        }
        if event.is_node() && self.root.is_none() {
            self.root = Some(mark);
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), mark)
            }
            Event::SequenceStart(_, anchor, _) => {
                let of_list = self.at_list_items();
                let items = Vec::new();
                self.open(CollectionKind::Sequence { items, of_list }, anchor, mark)
            }
            Event::MappingStart(_, anchor, _) => {
                let kind = CollectionKind::Mapping {
                    map: Map::new(),
                    key: None,
                    merged: BTreeSet::new(),
                };
                self.open(kind, anchor, mark)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(mark),
            Event::Alias(anchor) => self.alias(anchor, mark),
            Event::UnresolvedAlias(_) => Err(self.failure(
                mark,
                "no anchor of this name precedes the alias in the document",
            )),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        mark: Mark,
    ) -> Result<(), BuildFailure> {
        let is_plain = style == ScalarStyle::Plain;
        let tag = tag_of(tag);
        if self.expects_key() {
            // A quoted `<<` is an ordinary key.
            let is_merge =
                text == "<<" && (is_plain && tag == YamlTag::None || tag == YamlTag::Merge);
            if is_merge {
                self.set_key(BuiltKey::Merge);
                return Ok(());
            }
        }
        let scalar = if tag == YamlTag::None && !is_plain {
            YamlScalar::Text
        } else {
            scalar::resolve(text, tag).map_err(|refusal| self.failure(mark, refusal))?
        };
        if matches!(scalar, YamlScalar::Rounded(_)) {
            self.warn(
                mark,
                "Kubernetes keeps about 16 digits of an integer beyond 64 bits: quote it if it is \
                 a string",
            );
        }
        if self.expects_key() && anchor == 0 {
            let key = scalar
                .into_key(text)
                .map_err(|refusal| self.failure(mark, refusal))?;
            return self.key(key, mark);
        }
        let value = scalar
            .into_value(text)
            .map_err(|refusal| self.failure(mark, refusal))?;
        let cost = budget::own_memory(&value);
        self.spend(cost, mark)?;
        let node = BuiltNode {
            value,
            cost,
            height: 0,
        };
        self.finish(node, anchor, mark, mark)
    }

    fn open(
        &mut self,
        kind: CollectionKind,
        anchor: usize,
        start: Mark,
    ) -> Result<(), BuildFailure> {
        if self.expects_key() {
            return Err(self.failure(start, "a list or mapping cannot be a key"));
        }
        if self.stack.len() == MAX_DEPTH {
            return Err(self.too_deep(start));
        }
        self.stack.push(OpenCollection {
            kind,
            anchor,
            start,
            cost: 0,
            height: 0,
        });
        Ok(())
    }

    fn close(&mut self, end: Mark) -> Result<(), BuildFailure> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let value = match frame.kind {
            CollectionKind::Sequence { mut items, .. } => {
                items.shrink_to_fit();
                Value::Array(items)
            }
            CollectionKind::Mapping { map, .. } => Value::Object(map),
        };
        let own = budget::own_memory(&value);
        self.spend(own, frame.start)?;
        let node = BuiltNode {
            value,
            cost: frame.cost + own,
            height: frame.height + 1,
        };
        self.finish(node, frame.anchor, frame.start, end)
    }

    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<(), BuildFailure> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.failure(mark, "this alias is inside the value that it refers to"));
        };
        let (cost, height) = (node.cost, node.height);
        if self.stack.len() + height > MAX_DEPTH {
            return Err(self.too_deep(mark));
        }
        self.spend(cost, mark)?;
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Ok(());
        };
        self.finish(node, 0, mark, mark)
    }

    /// Adds a finished node to its parent.
    fn finish(
        &mut self,
        node: BuiltNode,
        anchor: usize,
        start: Mark,
        end: Mark,
    ) -> Result<(), BuildFailure> {
        if anchor != 0 {
            self.spend(node.cost, start)?;
            self.anchors.insert(anchor, node.clone());
        }
        if self.expects_key() {
            let key = key_of(&node.value).map_err(|refusal| self.failure(start, refusal))?;
            return self.key(key, start);
        }
        let Some(frame) = self.stack.last_mut() else {
            self.finish_document(node.value, end);
            return Ok(());
        };
        frame.cost += node.cost;
        frame.height = frame.height.max(node.height);
        match &mut frame.kind {
            CollectionKind::Sequence { items, of_list } => {
                items.push(node.value);
                if *of_list {
                    let span = self.span(start, end);
                    self.items.push(span);
                }
                Ok(())
            }
            CollectionKind::Mapping { map, key, merged } => match key.take() {
                Some(BuiltKey::Field(field)) => {
                    map.insert(field, node.value);
                    Ok(())
                }
                Some(BuiltKey::Merge) => {
                    merge(map, merged, node.value).map_err(|refusal| self.failure(start, refusal))
                }
                None => Ok(()),
            },
        }
    }

    fn finish_document(&mut self, value: Value, end: Mark) {
        let start = self.root.unwrap_or(end);
        self.document = Some(YamlDocument {
            number: 0,
            value,
            span: self.span(start, end),
            items: std::mem::take(&mut self.items),
        });
    }

    /// Adds a key. Warns about a duplicate: the last one wins, as in kubectl, which does not warn.
    fn key(&mut self, key: String, mark: Mark) -> Result<(), BuildFailure> {
        self.spend(key.len() + 16, mark)?;
        if let Some(OpenCollection {
            kind: CollectionKind::Mapping { map, merged, .. },
            ..
        }) = self.stack.last_mut()
            && map.contains_key(&key)
            && !merged.remove(&key)
        {
            self.warn(mark, REPEATED_KEY);
        }
        self.set_key(BuiltKey::Field(key));
        Ok(())
    }

    fn set_key(&mut self, new: BuiltKey) {
        if let Some(OpenCollection {
            kind: CollectionKind::Mapping { key, .. },
            ..
        }) = self.stack.last_mut()
        {
            *key = Some(new);
        }
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(OpenCollection {
                kind: CollectionKind::Mapping { key: None, .. },
                ..
            })
        )
    }

    /// Returns whether the next node is the value of the document's top-level `items`.
    fn at_list_items(&self) -> bool {
        match self.stack.as_slice() {
            [
                OpenCollection {
                    kind:
                        CollectionKind::Mapping {
                            key: Some(BuiltKey::Field(key)),
                            ..
                        },
                    ..
                },
            ] => key == "items",
            _ => false,
        }
    }

    fn spend(&mut self, cost: usize, mark: Mark) -> Result<(), BuildFailure> {
        self.budget.spend(cost).map_err(|budget::Exceeded| {
            self.failure(
                mark,
                "the document expands to far more memory than its length allows: it has too many \
                 aliases, or too many tiny values",
            )
        })
    }

    /// Adds a warning, up to the limit.
    fn warn(&mut self, mark: Mark, message: &str) {
        if self.problems.len() < MOST_WARNINGS {
            let warning = YamlProblem::warning(self.position(mark), message);
            self.problems.push(warning);
        }
    }

    fn too_deep(&self, mark: Mark) -> BuildFailure {
        self.failure(
            mark,
            format!("the document is nested more than {MAX_DEPTH} levels deep"),
        )
    }

    fn failure(&self, mark: Mark, message: impl Into<String>) -> BuildFailure {
        Box::new(YamlProblem::fatal(self.position(mark), message))
    }

    fn position(&self, mark: Mark) -> Position {
        position(self.chunk, self.mended, &mark.start)
    }

    fn span(&self, start: Mark, end: Mark) -> TextSpan {
        let Position { line, column } = self.position(start);
        let byte = |marker: &granit_parser::Marker| self.mended.place(marker).2;
        let (start, end) = (byte(&start.start), byte(&end.end));
        TextSpan {
            start: self.chunk.start + start,
            end: self.chunk.start + end.max(start),
            line,
            column,
        }
    }
}

/// Returns the parser's error.
fn syntax(chunk: &Chunk<'_>, mended: &FixedText<'_>, error: &ScanError) -> YamlProblem {
    let position = position(chunk, mended, error.marker());
    YamlProblem::fatal(position, explain(error, &mended.text))
}

/// Returns a place in the whole text for a place in a chunk.
fn position(chunk: &Chunk<'_>, mended: &FixedText<'_>, marker: &granit_parser::Marker) -> Position {
    let (lines, column, _) = mended.place(marker);
    let first_column = if lines == 0 { chunk.column } else { 1 };
    Position {
        line: chunk.line + lines,
        column: first_column + column,
    }
}

/// Returns the type that a tag names.
pub(super) fn tag_of(tag: Option<&granit_parser::Tag>) -> YamlTag {
    match tag {
        None => YamlTag::None,
        Some(tag) => tag
            .suffix_in_namespace("tag:yaml.org,2002:")
            .map_or(YamlTag::Other, |suffix| YamlTag::core(&suffix)),
    }
}
