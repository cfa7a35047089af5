//! Turns one small edit into the bytes to replace.

use std::ops::Range;

use serde_json::Value;

use super::write::{self, Layout};
use super::{EditKind, EditRefusal, SmallEdit};
use crate::facts;
use crate::model::ManifestStep;
use crate::yaml::tree::{Comment, QuoteStyle, YamlKey, YamlKind, YamlNode};

/// A byte range, and the text that replaces it.
pub(super) type Splice = (Range<usize>, String);

/// Returns the splices for an edit.
///
/// # Errors
/// Fails if the path does not exist, or the layout allows no safe edit.
pub(super) fn splices(
    text: &str,
    root: &YamlNode,
    comments: &[Comment],
    small: &SmallEdit,
) -> Result<Vec<Splice>, EditRefusal> {
    let editor = Editor {
        text,
        comments,
        newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
        layout: write::layout(text, root),
        is_json: text
            .get(root.at.start..)
            .is_some_and(|text| text.starts_with('{'))
            && write::is_json(text, root),
    };
    editor.edit(root, small)
}

/// The parent of a node.
#[derive(Clone, Copy)]
enum Parent<'n> {
    Root,
    Key { mapping: &'n YamlNode, index: usize },
    Item { list: &'n YamlNode, index: usize },
}

struct Editor<'t> {
    text: &'t str,
    comments: &'t [Comment],
    newline: &'static str,
    layout: Layout,
    is_json: bool,
}

impl Editor<'_> {
    fn edit(&self, root: &YamlNode, small: &SmallEdit) -> Result<Vec<Splice>, EditRefusal> {
        let mut node = root;
        let mut parent = Parent::Root;
        let mut path = small.path.iter().peekable();
        while let Some(step) = path.next() {
            let is_last = path.peek().is_none();
            let here = self.line(node.at.start);
            match (step, &node.kind) {
                (_, YamlKind::Alias) => return Err(EditRefusal::Shared(here)),
                (ManifestStep::Field(name), YamlKind::Mapping(entries)) => {
                    let mut all = entries.iter().enumerate().rev();
                    let meant = |(_, (key, _)): &(usize, &(YamlKey, YamlNode))| {
                        !key.is_merge && &key.name == name
                    };
                    let Some((index, (_, value))) = all.find(meant) else {
                        let merges = entries.iter().any(|(key, _)| key.is_merge);
                        return match &small.kind {
                            EditKind::Set(value) if is_last => {
                                self.add_key(node, parent, name, value)
                            }
                            _ if merges => Err(EditRefusal::Shared(here)),
                            _ => Err(EditRefusal::NoWay),
                        };
                    };
                    if is_last && small.kind == EditKind::Remove {
                        return self.remove_key(node, parent, index);
                    }
                    parent = Parent::Key {
                        mapping: node,
                        index,
                    };
                    node = value;
                }
                (ManifestStep::Index(index), YamlKind::Sequence(items)) => {
                    if let (true, EditKind::Insert(value)) = (is_last, &small.kind) {
                        return self.insert(node, parent, *index, value);
                    }
                    let item = items.get(*index).ok_or(EditRefusal::NoWay)?;
                    if is_last && small.kind == EditKind::Remove {
                        return self.remove_item(node, *index);
                    }
                    parent = Parent::Item {
                        list: node,
                        index: *index,
                    };
                    node = item;
                }
                // An unwritten or empty collection gets its first key or item.
                (step, YamlKind::Scalar(_)) if is_last => {
                    let value = match (step, &small.kind) {
                        (ManifestStep::Field(name), EditKind::Set(value)) => {
                            serde_json::json!({ name.as_str(): value })
                        }
                        (ManifestStep::Index(_), EditKind::Insert(value)) => {
                            Value::Array(vec![value.clone()])
                        }
                        _ => return Err(EditRefusal::NoWay),
                    };
                    return self.set(node, parent, &value);
                }
                _ => return Err(EditRefusal::NoWay),
            }
        }
        match &small.kind {
            EditKind::Set(value) => self.set(node, parent, value),
            _ => Err(EditRefusal::NoWay),
        }
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn slice(&self, at: Range<usize>) -> &str {
        self.text.get(at).unwrap_or_default()
    }

    fn start_of_line(&self, at: usize) -> usize {
        self.slice(0..at).rfind('\n').map_or(0, |end| end + 1)
    }

    /// Returns the end of the line, before its line break.
    fn end_of_line(&self, at: usize) -> usize {
        let rest = self.slice(at..self.text.len());
        let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// Returns the start of the next line, or the end of the text.
    fn next_line(&self, at: usize) -> usize {
        let rest = self.slice(at..self.text.len());
        rest.find('\n').map_or(self.text.len(), |end| at + end + 1)
    }

    fn column(&self, at: usize) -> usize {
        let start = self.start_of_line(at);
        self.slice(start..at).chars().count()
    }

    /// Returns the column of a key, with its anchor or its tag.
    fn column_of_key(&self, key: &YamlKey) -> usize {
        let start = self.start_of_line(key.at.start);
        let before = self.slice(start..key.at.start);
        let own = before.rfind(['&', '!']).filter(|at| {
            let between = before.get(*at..).unwrap_or_default();
            between.split_whitespace().count() == 1
        });
        own.map_or(self.column(key.at.start), |at| self.column(start + at))
    }

    /// Returns whether only blanks are before it on its line.
    fn begins_line(&self, at: usize) -> bool {
        let start = self.start_of_line(at);
        self.slice(start..at).trim().is_empty()
    }

    fn has_comment(&self, within: Range<usize>) -> bool {
        self.comments
            .iter()
            .any(|comment| within.contains(&comment.start))
    }

    fn layout_of(&self, node: &YamlNode) -> EditRefusal {
        EditRefusal::Layout(self.line(node.at.start))
    }

    /// Returns where the written part of an entry's value ends.
    fn end_of(&self, key: &YamlKey, value: &YamlNode) -> usize {
        match value.is_unwritten() {
            true => key.at.end + 1,
            false => value.at.end.max(key.at.end + 1),
        }
    }

    /// Returns where lines can be inserted after something that ends at `end`: with the splice's
    /// own line break.
    fn behind(&self, end: usize, lines: &str) -> Splice {
        // A block scalar that keeps its blank lines ends at the start of a line.
        if end > 0 && self.slice(end - 1..end) == "\n" {
            return (end..end, format!("{lines}{}", self.newline));
        }
        let at = self.end_of_line(end);
        (at..at, format!("{}{lines}", self.newline))
    }

    fn set(
        &self,
        node: &YamlNode,
        parent: Parent<'_>,
        value: &Value,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let is_collection = match value {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        let in_flow = match parent {
            Parent::Root => node.is_flow,
            Parent::Key { mapping, .. } => mapping.is_flow,
            Parent::Item { list, .. } => list.is_flow,
        };
        if in_flow {
            let written = match (&node.kind, value) {
                (YamlKind::Scalar(style), Value::String(_)) if !self.is_json => {
                    write::one_line(value, Some(*style), node.is_tagged_text)
                }
                _ => write::flow(value, self.is_json),
            };
            if node.is_unwritten() {
                return Err(self.layout_of(node));
            }
            return Ok(vec![(node.at.clone(), written)]);
        }
        match (&node.kind, value) {
            (YamlKind::Scalar(QuoteStyle::Block), Value::String(text))
                if !text.trim().is_empty() =>
            {
                self.set_block(node, parent, text)
            }
            (YamlKind::Scalar(style), _) if !is_collection && *style != QuoteStyle::Block => {
                let is_for_block = value.as_str().is_some_and(write::is_for_block);
                if !is_for_block && !node.is_unwritten() {
                    let keeps_tag = value.is_string();
                    let at = if keeps_tag {
                        node.at.start
                    } else {
                        self.after_anchor(node)
                    };
                    let style = Some(*style).filter(|_| value.is_string());
                    let written = write::one_line(value, style, node.is_tagged_text);
                    return Ok(vec![(at..node.at.end, written)]);
                }
                self.replace(node, parent, value)
            }
            (YamlKind::Alias, _) if !is_collection => {
                Ok(vec![(node.at.clone(), write::one_line(value, None, false))])
            }
            _ => self.replace(node, parent, value),
        }
    }

    /// Returns where a value that is replaced together with its tag begins: after its anchor.
    fn after_anchor(&self, node: &YamlNode) -> usize {
        if node.has_anchor {
            node.at.start
        } else {
            node.from
        }
    }

    /// Replaces the lines of a block scalar, and keeps its header and its indentation.
    fn set_block(
        &self,
        node: &YamlNode,
        parent: Parent<'_>,
        text: &str,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let written = self.slice(node.at.clone());
        let header_end = node.at.start + written.find('\n').ok_or(self.layout_of(node))?;
        let header_line = self.slice(node.at.start..header_end).trim_end_matches('\r');
        let body = self.slice(header_end + 1..node.at.end);
        let first = body.lines().find(|line| !line.trim().is_empty());
        let indent = first.map(|line| line.len() - line.trim_start_matches(' ').len());
        let indent = indent.unwrap_or(self.column_of_parent(parent) + self.layout.step);
        let begins_blank = |text: &str| {
            let first = text.lines().find(|line| !line.is_empty());
            first.is_some_and(|line| line.starts_with([' ', '\t']))
        };
        let (header, comment) = write::split_header(header_line);
        let is_written_apart = header.chars().any(|c| c.is_ascii_digit());
        let has_break = written.ends_with('\n');
        if begins_blank(text) || is_written_apart || facts::is_harmful(text) {
            let quoted = write::quoted(text, false);
            let end = if has_break { self.newline } else { "" };
            return Ok(vec![(node.at.clone(), format!("{quoted}{comment}{end}"))]);
        }
        let rest = header_line.trim_start_matches(['|', '>', '+', '-']);
        let trailing = text.len() - text.trim_end_matches('\n').len();
        let chomping = ["-", ""].get(trailing).copied().unwrap_or("+");
        // In a folded scalar, line breaks of the value are not visible: the value is rewritten.
        let mut lines = write::literal_lines(text.trim_end_matches('\n'), indent, self.newline);
        // Blank lines behind it become a part of a block that keeps them.
        let behind = self.slice(node.at.end..self.text.len());
        let blank = behind.len() - behind.trim_start().len();
        let behind = behind
            .get(..blank)
            .unwrap_or_default()
            .matches('\n')
            .count();
        let more = match trailing {
            0 | 1 => usize::from(has_break),
            // Blank lines at the end of the block are already there.
            _ if has_break => trailing - 1,
            _ => match trailing.checked_sub(behind.max(1)) {
                Some(more) => more,
                None => return Ok(vec![(node.at.clone(), write::quoted(text, self.is_json))]),
            },
        };
        lines.push_str(&self.newline.repeat(more));
        let written = format!("|{chomping}{rest}{lines}");
        Ok(vec![(node.at.clone(), written)])
    }

    fn column_of_parent(&self, parent: Parent<'_>) -> usize {
        match parent {
            Parent::Root => 0,
            Parent::Key { mapping, index } => match &mapping.kind {
                YamlKind::Mapping(entries) => entries.get(index),
                _ => None,
            }
            .map_or(0, |(key, _)| self.column(key.at.start)),
            Parent::Item { list, .. } => self.column(list.at.start),
        }
    }

    /// Replaces a node in a block with any other value.
    fn replace(
        &self,
        node: &YamlNode,
        parent: Parent<'_>,
        value: &Value,
    ) -> Result<Vec<Splice>, EditRefusal> {
        if node.has_anchor {
            return Err(EditRefusal::Shared(self.line(node.from)));
        }
        match parent {
            Parent::Root => Err(self.layout_of(node)),
            Parent::Key { mapping, index } => {
                let YamlKind::Mapping(entries) = &mapping.kind else {
                    return Err(EditRefusal::NoWay);
                };
                let (key, _) = entries.get(index).ok_or(EditRefusal::NoWay)?;
                let column = entries
                    .first()
                    .map_or(0, |(first, _)| self.column_of_key(first));
                let after = key.at.end + 1;
                let new = write::after_key(value, column, self.layout, self.newline);
                self.put(node, after, &new)
            }
            Parent::Item { list, index } => {
                let YamlKind::Sequence(items) = &list.kind else {
                    return Err(EditRefusal::NoWay);
                };
                let dash = self.dash(list, items, index)?;
                let column = self.column(dash);
                let new = write::item_text(value, column, self.layout, self.newline);
                self.put(node, dash + 1, new.get(1..).unwrap_or_default())
            }
        }
    }

    /// Writes `new` after a colon or a dash at `after` instead of the node. A comment on the same
    /// line stays.
    fn put(&self, node: &YamlNode, after: usize, new: &str) -> Result<Vec<Splice>, EditRefusal> {
        let end = match node.is_unwritten() {
            true => after,
            false => node.at.end,
        };
        let line_end = self.end_of_line(after);
        let (first, rest) = match new.find(self.newline) {
            Some(at) => new.split_at(at),
            None => (new, ""),
        };
        let is_block = node.kind == YamlKind::Scalar(QuoteStyle::Block);
        let comment = self.comments.iter().find(|comment| {
            comment.start >= after && comment.end <= line_end && (comment.start >= end || !is_block)
        });
        let header = is_block.then(|| self.slice(node.at.start..line_end));
        let header = header.and_then(|line| Some(node.at.start + line.find(" #")? + 1));
        match comment.map(|comment| comment.start).or(header) {
            // key: value # comment
            Some(comment) if comment >= end => {
                let mut splices = vec![(after..end, first.to_owned())];
                if !rest.is_empty() {
                    splices.push((line_end..line_end, rest.to_owned()));
                }
                Ok(splices)
            }
            // key: # comment, with the value on its own lines
            Some(comment) => {
                let before = self
                    .slice(after..comment)
                    .trim_end_matches(|c: char| c != ' ');
                let gap = if before.is_empty() { " " } else { before };
                let end = self.end_with_comment(node, end).max(line_end);
                Ok(vec![
                    (after..comment, format!("{first}{gap}")),
                    (line_end..end, rest.to_owned()),
                ])
            }
            None if end <= line_end => {
                // At most a comment follows on the line.
                let tail = self.slice(end..line_end);
                if !tail.trim().is_empty() {
                    return Err(self.layout_of(node));
                }
                Ok(vec![(after..line_end, new.to_owned())])
            }
            None => Ok(vec![(after..end, new.to_owned())]),
        }
    }

    /// Returns the end of the last line of a node: of a map or a list with the comment on it, of
    /// other values only if nothing follows on it.
    fn end_with_comment(&self, node: &YamlNode, end: usize) -> usize {
        let is_whole_line = end > 0 && self.slice(end - 1..end) == "\n";
        let line_end = self.end_of_line(end);
        let tail = self.slice(end..line_end).trim();
        let is_collection = matches!(node.kind, YamlKind::Mapping(_) | YamlKind::Sequence(_));
        let goes_too = tail.is_empty() || is_collection && tail.starts_with('#');
        if goes_too && !is_whole_line {
            line_end
        } else {
            end
        }
    }

    /// Returns the dash of an item.
    fn dash(
        &self,
        list: &YamlNode,
        items: &[YamlNode],
        index: usize,
    ) -> Result<usize, EditRefusal> {
        let item = items.get(index).ok_or(EditRefusal::NoWay)?;
        if index == 0 {
            return Ok(list.at.start);
        }
        let after = items
            .get(index - 1)
            .map_or(list.at.start, |item| item.at.end);
        let mut end = item.from;
        loop {
            let before = self.slice(after..end).trim_end();
            if before.ends_with('-') {
                return Ok(after + before.len() - 1);
            }
            let mut comments = self.comments.iter().rev();
            let comment = comments.find(|c| c.start >= after && c.end <= end);
            let comment = comment.ok_or(self.layout_of(item))?;
            if comment.end < after + before.len() {
                return Err(self.layout_of(item));
            }
            end = comment.start;
        }
    }

    fn add_key(
        &self,
        mapping: &YamlNode,
        parent: Parent<'_>,
        name: &str,
        value: &Value,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let YamlKind::Mapping(entries) = &mapping.kind else {
            return Err(EditRefusal::NoWay);
        };
        if !mapping.is_flow {
            let (key, last) = entries.last().ok_or(self.layout_of(mapping))?;
            let column = self.column_of_key(key);
            let style = self.style_of_keys(entries);
            let written = match style {
                Some('"') => write::quoted(name, self.is_json),
                _ => write::key(name, false),
            };
            let value = write::after_key(value, column, self.layout, self.newline);
            let line = format!("{}{written}:{value}", " ".repeat(column));
            return Ok(vec![self.behind(self.end_of(key, last), &line)]);
        }
        if entries.is_empty() && !self.is_json && is_large(value) {
            let value = serde_json::json!({ name: value });
            return self.replace(mapping, parent, &value);
        }
        let ends = entries
            .iter()
            .map(|(key, value)| (key.at.start, self.end_of_flow(key, value)));
        let ends: Vec<(usize, usize)> = ends.collect();
        let is_json = self.is_json || self.style_of_keys(entries) == Some('"');
        let (key, value) = (write::key(name, is_json), write::flow(value, is_json));
        self.add_to_flow(mapping, &ends, &format!("{key}: {value}"))
    }

    /// Returns the quote around all keys of a mapping.
    fn style_of_keys(&self, entries: &[(YamlKey, YamlNode)]) -> Option<char> {
        let mut first = entries
            .iter()
            .map(|(key, _)| self.slice(key.at.clone()).chars().next());
        let quote = first.next()??;
        (quote == '"' && first.all(|other| other == Some('"'))).then_some(quote)
    }

    fn end_of_flow(&self, key: &YamlKey, value: &YamlNode) -> usize {
        match value.is_unwritten() {
            true => key.at.end,
            false => value.at.end,
        }
    }

    /// Adds an entry after the last one in braces or brackets.
    fn add_to_flow(
        &self,
        flow: &YamlNode,
        entries: &[(usize, usize)],
        new: &str,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let Some(&(start, end)) = entries.last() else {
            let inside = flow.at.start + 1..flow.at.end.saturating_sub(1);
            if self.has_comment(inside.clone()) {
                return Err(self.layout_of(flow));
            }
            // An empty collection over several lines is closed on its first.
            return Ok(vec![(inside, new.to_owned())]);
        };
        let after = self.slice(end..flow.at.end);
        let has_comma = after.trim_start().starts_with(',');
        let comma_at = end + after.find(',').unwrap_or_default();
        let is_on_own_line = self.begins_line(start) && self.line(flow.at.end) > self.line(end);
        let from = if has_comma { comma_at + 1 } else { end };
        if !is_on_own_line {
            return Ok(match has_comma {
                true => vec![(from..from, format!(" {new}"))],
                false => vec![(end..end, format!(", {new}"))],
            });
        }
        let indent = " ".repeat(self.column(start));
        let line_end = self.end_of_line(from);
        let trailing = if has_comma { "," } else { "" };
        let new = format!("{}{indent}{new}{trailing}", self.newline);
        if has_comma {
            return Ok(vec![(line_end..line_end, new)]);
        }
        Ok(match line_end == end {
            true => vec![(end..end, format!(",{new}"))],
            false => vec![(end..end, ",".to_owned()), (line_end..line_end, new)],
        })
    }

    fn insert(
        &self,
        list: &YamlNode,
        parent: Parent<'_>,
        index: usize,
        value: &Value,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let YamlKind::Sequence(items) = &list.kind else {
            return Err(EditRefusal::NoWay);
        };
        if list.is_flow {
            if items.is_empty() && !self.is_json && is_large(value) {
                let value = Value::Array(vec![value.clone()]);
                return self.replace(list, parent, &value);
            }
            let style = self.style_of_items(items);
            let new = match value {
                Value::String(_) if !self.is_json => write::one_line(value, style, false),
                value => write::flow(value, self.is_json),
            };
            if index < items.len() {
                let at = items.get(index).map_or(list.at.start + 1, |item| item.from);
                return Ok(vec![(at..at, format!("{new}, "))]);
            }
            let ends: Vec<_> = items.iter().map(|item| (item.from, item.at.end)).collect();
            return self.add_to_flow(list, &ends, &new);
        }
        let column = self.column(list.at.start);
        let style = self.style_of_items(items);
        let item = match (value, style) {
            (Value::String(text), Some(style)) if !write::is_for_block(text) => {
                format!("- {}", write::one_line(value, Some(style), false))
            }
            _ => write::item_text(value, column, self.layout, self.newline),
        };
        let indent = " ".repeat(column);
        match index.checked_sub(1).map(|before| items.get(before)) {
            Some(Some(before)) => {
                let dash = self.dash(list, items, index - 1)?;
                let end = before.at.end.max(dash + 1);
                Ok(vec![self.behind(end, &format!("{indent}{item}"))])
            }
            Some(None) => Err(EditRefusal::NoWay),
            None => match write::start_of_comments(self.text, list.at.start, column) {
                Some(at) => Ok(vec![(at..at, format!("{indent}{item}{}", self.newline))]),
                None => {
                    let at = list.at.start;
                    Ok(vec![(at..at, format!("{item}{}{indent}", self.newline))])
                }
            },
        }
    }

    /// Returns how the items of a list are quoted, if all in the same way.
    fn style_of_items(&self, items: &[YamlNode]) -> Option<QuoteStyle> {
        let mut styles = items.iter().map(|item| match item.kind {
            YamlKind::Scalar(style) if style != QuoteStyle::Block => Some(style),
            _ => None,
        });
        let first = styles.next()??;
        styles.all(|style| style == Some(first)).then_some(first)
    }

    fn remove_key(
        &self,
        mapping: &YamlNode,
        parent: Parent<'_>,
        index: usize,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let YamlKind::Mapping(entries) = &mapping.kind else {
            return Err(EditRefusal::NoWay);
        };
        let (key, value) = entries.get(index).ok_or(EditRefusal::NoWay)?;
        if mapping.is_flow {
            let all: Vec<_> = entries
                .iter()
                .map(|(key, value)| (key.at.start, self.end_of_flow(key, value)))
                .collect();
            return self.remove_from_flow(mapping, &all, index);
        }
        let end = self.end_of(key, value);
        let next = entries.get(index + 1).map(|(key, _)| key.at.start);
        if entries.len() == 1 {
            return self.emptied(mapping, parent, key.at.start, end, "{}");
        }
        self.remove_lines(mapping, key.at.start, end, next)
    }

    /// Removes an entry that is on its own lines, or begins after a dash.
    fn remove_lines(
        &self,
        collection: &YamlNode,
        start: usize,
        end: usize,
        next: Option<usize>,
    ) -> Result<Vec<Splice>, EditRefusal> {
        if self.begins_line(start) {
            return Ok(vec![self.whole_lines(start, end)]);
        }
        // It is the first key, after a dash.
        let next = next.ok_or(self.layout_of(collection))?;
        let between = self.end_of_line(end)..next;
        if self.has_comment(between.clone()) {
            return Ok(vec![(start..self.end_of_line(end), String::new())]);
        }
        Ok(vec![(start..next, String::new())])
    }

    /// Returns the lines from the one that contains `start` to the one that contains `end`. At the
    /// end of text without a final line break, the breaks before it are removed.
    fn whole_lines(&self, start: usize, end: usize) -> Splice {
        let from = self.start_of_line(start);
        if end > 0 && self.slice(end - 1..end) == "\n" {
            return (from..end, String::new());
        }
        let to = self.next_line(end);
        if to == self.text.len() && !self.text.ends_with('\n') && from > 0 {
            let before = self.slice(0..from).trim_end_matches(['\n', '\r']).len();
            return (before..to, String::new());
        }
        (from..to, String::new())
    }

    /// Replaces a collection that lost its last entry with an empty one.
    fn emptied(
        &self,
        collection: &YamlNode,
        parent: Parent<'_>,
        start: usize,
        end: usize,
        empty: &str,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let after = match parent {
            Parent::Root => return Err(self.layout_of(collection)),
            Parent::Key { mapping, index } => match &mapping.kind {
                YamlKind::Mapping(entries) => entries.get(index).map(|(key, _)| key.at.end + 1),
                _ => None,
            },
            Parent::Item { list, index } => match &list.kind {
                YamlKind::Sequence(items) => Some(self.dash(list, items, index)? + 1),
                _ => None,
            },
        };
        let after = after.ok_or(EditRefusal::NoWay)?;
        let after = after.max(
            if collection.has_anchor || collection.from < collection.at.start {
                self.slice(0..collection.at.start).trim_end().len()
            } else {
                after
            },
        );
        if self.begins_line(start) {
            let lines = self.whole_lines(start, end);
            return Ok(vec![(after..after, format!(" {empty}")), lines]);
        }
        Ok(vec![(start..end, empty.to_owned())])
    }

    fn remove_item(&self, list: &YamlNode, index: usize) -> Result<Vec<Splice>, EditRefusal> {
        let YamlKind::Sequence(items) = &list.kind else {
            return Err(EditRefusal::NoWay);
        };
        if list.is_flow {
            let all: Vec<_> = items.iter().map(|item| (item.from, item.at.end)).collect();
            return self.remove_from_flow(list, &all, index);
        }
        let item = items.get(index).ok_or(EditRefusal::NoWay)?;
        let dash = self.dash(list, items, index)?;
        let end = if item.is_unwritten() {
            dash + 1
        } else {
            item.at.end.max(dash + 1)
        };
        if items.len() == 1 {
            // The remainder says that the list is empty.
            if !self.begins_line(dash) {
                return Ok(vec![(dash..end, "[]".to_owned())]);
            }
            let before = self.slice(0..dash).trim_end();
            if !before.ends_with(':') {
                let rest = format!("{}[]", " ".repeat(self.column(dash).max(1)));
                let from = self.start_of_line(dash);
                return Ok(vec![(from..self.end_of_line(end), rest)]);
            }
            let at = before.len();
            let lines = self.whole_lines(dash, end);
            return Ok(vec![(at..at, " []".to_owned()), lines]);
        }
        let next = match items.get(index + 1) {
            Some(_) => Some(self.dash(list, items, index + 1)?),
            None => None,
        };
        self.remove_lines(list, dash, end, next)
    }

    fn remove_from_flow(
        &self,
        flow: &YamlNode,
        entries: &[(usize, usize)],
        index: usize,
    ) -> Result<Vec<Splice>, EditRefusal> {
        let &(start, end) = entries.get(index).ok_or(EditRefusal::NoWay)?;
        let after = self.slice(end..flow.at.end);
        let has_comma = after.trim_start().starts_with(',');
        let comma = end + after.find(',').map_or(0, |at| at + 1);
        let own_lines = self.begins_line(start)
            && self.line(flow.at.end.saturating_sub(1)) > self.line(end)
            && entries
                .get(index + 1)
                .is_none_or(|next| self.line(next.0) > self.line(end));
        let previous = index.checked_sub(1).and_then(|at| entries.get(at));
        if own_lines {
            let mut splices = vec![self.whole_lines(start, if has_comma { comma } else { end })];
            if let (false, Some(previous)) = (has_comma, previous) {
                let between = self.slice(previous.1..start);
                let comma = previous.1 + between.find(',').ok_or(self.layout_of(flow))?;
                splices.push((comma..comma + 1, String::new()));
            }
            return Ok(splices);
        }
        let at = match (entries.get(index + 1), previous) {
            (Some(next), _) => start..next.0,
            (None, Some(previous)) => previous.1..end,
            (None, None) if has_comma => start..comma,
            (None, None) => start..end,
        };
        if self.has_comment(at.clone()) {
            return Err(self.layout_of(flow));
        }
        Ok(vec![(at, String::new())])
    }
}

/// Returns whether a value needs its own lines in a block.
fn is_large(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => write::is_for_block(text),
        _ => false,
    }
}
