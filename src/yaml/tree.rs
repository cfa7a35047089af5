//! The nodes of a document with the bytes of each in the text, for edits in place.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::build::tag_of;
use super::mend::FixedText;
use super::scalar::YamlTag;
use super::{MAX_DEPTH, TextSpan};

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteStyle {
    /// Without quotes.
    Plain,
    /// In `'`.
    Single,
    /// In `"`.
    Double,
    /// As a block scalar, after `|` or `>`.
    Block,
}

/// The kind of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum YamlKind {
    /// A string, a number, a boolean or null.
    Scalar(QuoteStyle),
    /// A `*name`.
    Alias,
    /// A list.
    Sequence(Vec<YamlNode>),
    /// Keys and values, in order; a merge is a key that is written `<<`.
    Mapping(Vec<(YamlKey, YamlNode)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlKey {
    /// Its text.
    pub name: String,
    /// Its place.
    pub at: Range<usize>,
    /// Whether it is a merge.
    pub is_merge: bool,
}

/// One node of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlNode {
    /// Its kind.
    pub kind: YamlKind,
    /// Its bytes, without its anchor and its tag, and without what follows its last line.
    pub at: Range<usize>,
    /// Where it begins, including its anchor and its tag.
    pub from: usize,
    /// Whether it has an anchor.
    pub has_anchor: bool,
    /// Whether a tag makes it a string.
    pub is_tagged_text: bool,
    /// Whether it is written in braces or brackets.
    pub is_flow: bool,
}

impl YamlNode {
    /// Returns the value of a key; for a duplicate key, the last one.
    pub fn field(&self, name: &str) -> Option<(&YamlKey, &YamlNode)> {
        let YamlKind::Mapping(entries) = &self.kind else {
            return None;
        };
        let mut matching = entries.iter().rev();
        let (key, node) = matching.find(|(key, _)| !key.is_merge && key.name == name)?;
        Some((key, node))
    }

    /// Returns whether nothing is written for it.
    pub fn is_unwritten(&self) -> bool {
        self.kind == YamlKind::Scalar(QuoteStyle::Plain) && self.at.is_empty()
    }
}

/// A comment, from its `#` to the end of its line.
pub type Comment = Range<usize>;

/// Returns the nodes and the comments of the document that `span` covers; `None` if it cannot be
/// parsed.
pub fn tree(text: &str, span: TextSpan) -> Option<(YamlNode, Vec<Comment>)> {
    let node = text.get(span.start..span.end)?;
    let indent = super::indent_of(node, span);
    let padded = format!("{}{node}", " ".repeat(indent));
    let mut mended = FixedText::new(&padded);
    loop {
        let mut reader = TreeReader {
            mended: &mended,
            shift: span.start,
            indent,
            text,
            stack: Vec::new(),
            comments: Vec::new(),
            root: None,
        };
        match reader.run() {
            Ok(()) => return Some((reader.root?, reader.comments)),
            Err(error) if mended.mend(&error) => {}
            Err(_) => return None,
        }
    }
}

struct TreeFrame {
    node: YamlNode,
    /// The key that waits for its value.
    key: Option<YamlKey>,
}

struct TreeReader<'t> {
    mended: &'t FixedText<'t>,
    shift: usize,
    indent: usize,
    text: &'t str,
    stack: Vec<TreeFrame>,
    comments: Vec<Comment>,
    root: Option<YamlNode>,
}

impl TreeReader<'_> {
    fn run(&mut self) -> Result<(), granit_parser::ScanError> {
        let parser = Parser::new_from_str_with_options(
            &self.mended.text,
            granit_parser::options! {
                emit_comments: true,
                // Whole documents may be commented out; the size of files is bounded elsewhere.
                max_buffered_comment_events: usize::MAX,
                emit_anchor_events: true,
                emit_unresolved_aliases: true,
                flow_nesting_limit: MAX_DEPTH,
                block_nesting_limit: MAX_DEPTH,
            },
        );
        for event in parser {
            let (event, mark) = event?;
            let from = mark.tag_start().map(|start| self.byte(&start));
            let at = self.byte(&mark.start)..self.byte(&mark.end);
            self.event(&event, at, from);
        }
        Ok(())
    }

    fn byte(&self, marker: &granit_parser::Marker) -> usize {
        let (_, _, byte) = self.mended.place(marker);
        byte.saturating_sub(self.indent) + self.shift
    }

    fn event(&mut self, event: &Event<'_>, at: Range<usize>, tag: Option<usize>) {
        let node = |kind, has_anchor: bool, is_flow| YamlNode {
            kind,
            from: tag.unwrap_or(at.start),
            at: at.clone(),
            has_anchor,
            is_tagged_text: false,
            is_flow,
        };
        match event {
            Event::Comment(..) => self.comments.push(at),
            Event::Anchor(..) => self.anchor(at.start),
            Event::Scalar(text, style, anchor, tag) => {
                let takes_key = matches!(
                    self.stack.last(),
                    Some(TreeFrame {
                        node: YamlNode {
                            kind: YamlKind::Mapping(_),
                            ..
                        },
                        key: None
                    })
                );
                if takes_key && let Some(frame) = self.stack.last_mut() {
                    let is_merge = text == "<<" && *style == ScalarStyle::Plain;
                    let name = text.clone().into_owned();
                    frame.key = Some(YamlKey { name, at, is_merge });
                    return;
                }
                let style = match style {
                    ScalarStyle::Plain => QuoteStyle::Plain,
                    ScalarStyle::SingleQuoted => QuoteStyle::Single,
                    ScalarStyle::DoubleQuoted => QuoteStyle::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => QuoteStyle::Block,
                };
                let mut node = node(YamlKind::Scalar(style), *anchor != 0, false);
                node.is_tagged_text = tag_of(tag.as_deref()) == YamlTag::core("str");
                if style == QuoteStyle::Block {
                    node.at = self.block(&node.at);
                    node.from = node.from.min(node.at.start);
                } else if style == QuoteStyle::Plain {
                    let written = self.text.get(node.at.clone()).unwrap_or_default();
                    node.at.end = node.at.start + written.trim_end().len();
                }
                self.finish(node);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.finish(node(YamlKind::Alias, false, false));
            }
            Event::SequenceStart(style, anchor, _) => {
                let is_flow = *style == StructureStyle::Flow;
                let node = node(YamlKind::Sequence(Vec::new()), *anchor != 0, is_flow);
                self.stack.push(TreeFrame { node, key: None });
            }
            Event::MappingStart(style, anchor, _) => {
                let is_flow = *style == StructureStyle::Flow;
                let node = node(YamlKind::Mapping(Vec::new()), *anchor != 0, is_flow);
                self.stack.push(TreeFrame { node, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(TreeFrame { mut node, .. }) = self.stack.pop() else {
                    return;
                };
                node.at.end = if node.is_flow {
                    at.end
                } else {
                    let start = match &node.kind {
                        YamlKind::Sequence(items) => items.first().and_then(|item| self.dash(item)),
                        YamlKind::Mapping(entries) => entries.first().map(|(key, _)| key.at.start),
                        YamlKind::Scalar(_) | YamlKind::Alias => None,
                    };
                    node.at.start = start.unwrap_or(node.at.start);
                    end_of_last(&node).unwrap_or(at.end)
                };
                node.from = node.from.min(node.at.start);
                self.finish(node);
            }
            _ => {}
        }
    }

    /// Records where the anchor of the last node begins.
    fn anchor(&mut self, from: usize) {
        let last = match self.stack.last_mut() {
            None => self.root.as_mut(),
            Some(TreeFrame { node, .. }) => match &mut node.kind {
                YamlKind::Sequence(items) if !items.is_empty() => items.last_mut(),
                YamlKind::Mapping(entries) if !entries.is_empty() => {
                    entries.last_mut().map(|(_, node)| node)
                }
                _ => Some(node),
            },
        };
        if let Some(node) = last {
            node.from = node.from.min(from);
        }
    }

    /// Returns the bytes of a block scalar, from its header on. Blank lines after it are not part
    /// of it unless the header keeps them.
    fn block(&self, content: &Range<usize>) -> Range<usize> {
        let before = self.text.get(..content.start).unwrap_or_default();
        let start_of_line = before.rfind('\n').map_or(0, |end| end + 1);
        let above = before.get(..start_of_line).unwrap_or_default().trim_end();
        let line = above.rfind('\n').map_or(0, |end| end + 1);
        let header_line = above.get(line..).unwrap_or_default();
        let bare = match header_line.rfind(" #").max(header_line.rfind("\t#")) {
            Some(comment) if header_line[..comment].trim_end().ends_with(is_of_header) => {
                header_line[..comment].trim_end()
            }
            _ => header_line.trim_end(),
        };
        let header = bare.trim_end_matches(|c: char| matches!(c, '+' | '-' | '0'..='9'));
        let start = line + header.len().saturating_sub(1);
        let written = self.text.get(content.clone()).unwrap_or_default();
        let mut end = content.start + written.trim_end().len();
        if bare
            .get(header.len()..)
            .is_some_and(|rest| rest.contains('+'))
        {
            let after = self.text.get(end..).unwrap_or_default();
            let blank = after.len() - after.trim_start().len();
            let kept = after.get(..blank).unwrap_or_default();
            // The line break of the last line, of one character or two, is not part of it.
            let kept = kept.rfind('\n').and_then(|end| kept.get(..end));
            end += kept.map_or(0, |kept| kept.strip_suffix('\r').unwrap_or(kept).len());
        }
        start..end
    }

    /// Returns the dash of a list's first item.
    fn dash(&self, item: &YamlNode) -> Option<usize> {
        let before = self.text.get(..item.from)?;
        let mut end = before.len();
        loop {
            let trimmed = before.get(..end)?.trim_end();
            if trimmed.ends_with('-') {
                return Some(trimmed.len() - 1);
            }
            // A comment is between the dash and the item.
            let comment = self.comments.iter().rev();
            let comment = comment.into_iter().find(|comment| comment.end <= end)?;
            if comment.end < trimmed.len() {
                return None;
            }
            end = comment.start;
        }
    }

    fn finish(&mut self, node: YamlNode) {
        let Some(frame) = self.stack.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut frame.node.kind {
            YamlKind::Sequence(items) => items.push(node),
            YamlKind::Mapping(entries) => {
                if let Some(key) = frame.key.take() {
                    entries.push((key, node));
                }
            }
            YamlKind::Scalar(_) | YamlKind::Alias => {}
        }
    }
}

fn is_of_header(c: char) -> bool {
    matches!(c, '|' | '>' | '+' | '-' | '0'..='9')
}

fn end_of_last(node: &YamlNode) -> Option<usize> {
    match &node.kind {
        YamlKind::Sequence(items) => items.last().map(|item| item.at.end),
        YamlKind::Mapping(entries) => entries.last().map(|(key, node)| {
            let after_colon = key.at.end + 1;
            match node.is_unwritten() {
                true => after_colon,
                false => node.at.end.max(after_colon),
            }
        }),
        YamlKind::Scalar(_) | YamlKind::Alias => None,
    }
}
