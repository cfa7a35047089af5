//! Traces rendered objects to the lines of a template.
//!
//! A template is not YAML, but most of its lines look like YAML: they are parsed by indentation,
//! and lines with only actions are skipped. If a field is ambiguous (in two branches, or in an item
//! that a loop generates), the position of its parent is used.

use std::sync::Arc;

use serde_json::Value;

use crate::model::{Locate, Manifest, ManifestStep, Position};
use crate::source::original::KEYS;

/// The lines of a template that show a structure.
#[derive(Debug)]
pub(super) struct TemplateLines {
    nodes: Vec<TemplateNode>,
}

/// A line that begins a field or a list item. `- a: 1` is two nodes, one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TemplateNode {
    /// Counted from 1.
    line: usize,
    /// The document in the text, counted from 0.
    document: usize,
    /// Its indentation, in characters.
    indent: usize,
    what: TemplateItem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplateItem {
    /// A field's name, and the text after it.
    Field(String, String),
    /// An item of a list, and its text if it is not a mapping.
    Item(String),
}

impl TemplateLines {
    /// Parses a template.
    pub fn of(text: &str) -> Self {
        let mut nodes = Vec::new();
        let mut document = 0;
        let mut in_comment = false;
        // The indentation of a field whose value is a block scalar.
        let mut block: Option<usize> = None;
        for (at, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if in_comment || trimmed.starts_with("{{/*") || trimmed.starts_with("{{- /*") {
                in_comment = !trimmed.contains("*/");
                continue;
            }
            let indent = line.chars().take_while(|c| *c == ' ').count();
            if trimmed.is_empty() || block.is_some_and(|block| indent > block) {
                continue;
            }
            block = None;
            if line.starts_with("---") {
                document += 1;
            }
            if line.starts_with("---") || trimmed.starts_with('#') || is_action(trimmed) {
                continue;
            }
            let place = TemplateNode {
                line: at + 1,
                document,
                indent,
                what: TemplateItem::Item(String::new()),
            };
            block = read_line(trimmed, place, &mut nodes);
        }
        Self { nodes }
    }

    /// Returns the document that an object comes from. `among` is the index of the object among
    /// those of its kind from this template, and how many there are.
    fn document_of(&self, object: &Manifest, among: (usize, usize)) -> Option<usize> {
        let kinds = self.nodes.iter().filter_map(|node| match &node.what {
            TemplateItem::Field(name, kind) if name == "kind" && node.indent == 0 => {
                could_be(kind, &object.kind).map(|likeness| (node.document, likeness))
            }
            _ => None,
        });
        let named = kinds.filter_map(|(document, likeness)| {
            let name = match self.name_in(document) {
                Some(name) => could_be(name, &object.name)?,
                None => RenderLikeness::Open,
            };
            Some((name, likeness, document))
        });
        let found: Vec<(RenderLikeness, RenderLikeness, usize)> = named.collect();
        let best = found.iter().map(|(name, kind, _)| (*name, *kind)).max()?;
        let mut alike = found
            .iter()
            .filter(|(name, kind, _)| (*name, *kind) == best)
            .map(|(_, _, document)| *document);
        let (index, count) = among;
        if alike.clone().count() == count {
            alike.nth(index)
        } else {
            alike.next()
        }
    }

    /// Returns the text after `metadata.name` in a document.
    fn name_in(&self, document: usize) -> Option<&str> {
        let all = self.document(document);
        let (at, metadata) = only(field_in(all, "metadata"))?;
        let (_, name) = only(field_in(below(all, at, metadata), "name"))?;
        match &name.what {
            TemplateItem::Field(_, value) => Some(value),
            TemplateItem::Item(_) => None,
        }
    }

    fn document(&self, document: usize) -> &[TemplateNode] {
        let first = self.nodes.partition_point(|node| node.document < document);
        let end = self.nodes.partition_point(|node| node.document <= document);
        self.nodes.get(first..end).unwrap_or_default()
    }
}

/// How likely it is that a text of a template was rendered to a given text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RenderLikeness {
    /// The text consists of actions, so it may be rendered to anything.
    Open,
    /// Its literal parts match.
    Partly,
    /// The texts are identical.
    Same,
}

/// Returns whether a text of a template may have been rendered to a given text.
fn could_be(written: &str, rendered: &str) -> Option<RenderLikeness> {
    let written = unquoted(written);
    if !written.contains("{{") {
        return (written == rendered).then_some(RenderLikeness::Same);
    }
    let mut rest = rendered;
    let mut is_open = true;
    for (at, part) in written.split("{{").enumerate() {
        let literal = match at {
            0 => part,
            _ => part.split_once("}}").map_or("", |(_, literal)| literal),
        };
        let literal = literal.trim_matches(['"', '\'', ' ']);
        is_open &= literal.is_empty();
        let found = rest.find(literal)?;
        rest = &rest[found + literal.len()..];
    }
    Some(if is_open {
        RenderLikeness::Open
    } else {
        RenderLikeness::Partly
    })
}

fn unquoted(text: &str) -> &str {
    let text = text.split(" #").next().unwrap_or(text).trim();
    let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// Returns whether a line contains only actions.
fn is_action(trimmed: &str) -> bool {
    trimmed.starts_with("{{") && trimmed.ends_with("}}") && {
        let without: usize = trimmed
            .split("}}")
            .map(|part| part.split("{{").next().unwrap_or_default().trim().len())
            .sum();
        without == 0
    }
}

/// Parses a line. Returns the indentation of a field whose value is a block scalar.
fn read_line(
    mut rest: &str,
    mut place: TemplateNode,
    nodes: &mut Vec<TemplateNode>,
) -> Option<usize> {
    while let Some(item) = rest
        .strip_prefix("- ")
        .or_else(|| (rest == "-").then_some(""))
    {
        let inner = item.trim_start();
        nodes.push(TemplateNode {
            what: TemplateItem::Item(inner.to_owned()),
            ..place.clone()
        });
        place.indent += rest.len() - inner.len();
        rest = inner;
    }
    let (name, value) = field_of(rest)?;
    let is_block = value.starts_with(['|', '>']);
    nodes.push(TemplateNode {
        what: TemplateItem::Field(name.to_owned(), value.to_owned()),
        ..place
    });
    is_block.then_some(place.indent)
}

/// Parses `name: value`, if the name is literal.
fn field_of(text: &str) -> Option<(&str, &str)> {
    let (name, value) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\":")?,
        None => text
            .split_once(": ")
            .or_else(|| Some((text.strip_suffix(':')?, "")))?,
    };
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_./$".contains(c));
    is_name.then(|| (name, value.trim()))
}

/// Returns the nodes with the least indentation, with their indexes.
fn outermost(nodes: &[TemplateNode]) -> impl Iterator<Item = (usize, &TemplateNode)> + Clone {
    let least = nodes.iter().map(|node| node.indent).min().unwrap_or(0);
    nodes
        .iter()
        .enumerate()
        .filter(move |(_, node)| node.indent == least)
}

fn field_in<'n>(
    nodes: &'n [TemplateNode],
    wanted: &'n str,
) -> impl Iterator<Item = (usize, &'n TemplateNode)> + Clone {
    outermost(nodes).filter(
        move |(_, node)| matches!(&node.what, TemplateItem::Field(name, _) if name == wanted),
    )
}

/// Returns the only element, if there is exactly one.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// Returns the nodes below the node at an index: those with more indentation, and for a field also
/// items with the same indentation.
fn below<'n>(nodes: &'n [TemplateNode], at: usize, node: &TemplateNode) -> &'n [TemplateNode] {
    let after = nodes.get(at + 1..).unwrap_or_default();
    let is_field = matches!(node.what, TemplateItem::Field(..));
    let end = after.iter().position(|next| {
        let is_own_item =
            is_field && next.indent == node.indent && matches!(next.what, TemplateItem::Item(_));
        next.indent <= node.indent && !is_own_item
    });
    after.get(..end.unwrap_or(after.len())).unwrap_or_default()
}

/// Finds the lines of a rendered object in its template.
#[derive(Debug)]
pub(super) struct ToTemplate {
    template: Arc<TemplateLines>,
    document: usize,
    rendered: Value,
}

impl ToTemplate {
    /// Returns the locator for an object from this template; see [`TemplateLines::document_of`].
    pub fn of(
        template: &Arc<TemplateLines>,
        object: &Manifest,
        among: (usize, usize),
    ) -> Option<Self> {
        Some(Self {
            document: template.document_of(object, among)?,
            template: Arc::clone(template),
            rendered: object.value(),
        })
    }

    /// Returns the line of the object's first key.
    pub fn line(&self) -> usize {
        let first = self.template.document(self.document).first();
        first.map_or(1, |node| node.line)
    }
}

impl Locate for ToTemplate {
    fn locate(&self, steps: &[ManifestStep]) -> Option<Position> {
        let mut nodes = self.template.document(self.document);
        let mut value = &self.rendered;
        let mut position = None;
        for step in steps {
            let found = match step {
                ManifestStep::Field(name) => {
                    value = value.get(name).unwrap_or(&Value::Null);
                    only(field_in(nodes, name))
                }
                ManifestStep::Index(index) => {
                    let list = value.as_array().map_or(&[][..], Vec::as_slice);
                    value = list.get(*index).unwrap_or(&Value::Null);
                    item_in(nodes, list, *index)
                }
            };
            let Some((at, node)) = found else { break };
            position = Some(Position {
                line: node.line,
                column: node.indent + 1,
            });
            nodes = below(nodes, at, node);
        }
        position
    }
}

/// Returns the item that a rendered item comes from: the one with the same key, or the one at the
/// same index if all items are literal.
fn item_in<'n>(
    nodes: &'n [TemplateNode],
    list: &[Value],
    index: usize,
) -> Option<(usize, &'n TemplateNode)> {
    let items = outermost(nodes).filter(|(_, node)| matches!(node.what, TemplateItem::Item(_)));
    let item = list.get(index)?;
    let key = KEYS
        .iter()
        .find_map(|key| Some((*key, item.get(key)?.as_str()?)));
    if let Some((key, name)) = key {
        let mut by_key = items.clone().filter(|(at, node)| {
            let fields = below(nodes, *at, node);
            let field = only(field_in(fields, key));
            field.is_some_and(|(_, field)| match &field.what {
                TemplateItem::Field(_, value) => unquoted(value) == name,
                TemplateItem::Item(_) => false,
            })
        });
        if let Some(found) = by_key.next() {
            return by_key.next().is_none().then_some(found);
        }
    }
    let is_written_out = items.clone().count() == list.len();
    let same = items.clone().nth(index).filter(|_| is_written_out)?;
    let may_be = key.is_none_or(|(key, name)| {
        let fields = below(nodes, same.0, same.1);
        only(field_in(fields, key)).is_none_or(|(_, field)| match &field.what {
            TemplateItem::Field(_, value) => could_be(value, name).is_some(),
            TemplateItem::Item(_) => false,
        })
    });
    may_be.then_some(same)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Origin;

    const TEMPLATE: &str = r#"{{- /*
a: comment
*/}}
{{- if .Values.web }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.name" . }}-web
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  {{- if .Values.recreate }}
  strategy: {type: Recreate}
  {{- else }}
  strategy: {type: RollingUpdate}
  {{- end }}
  template:
    spec:
      containers:
      - name: {{ .Chart.Name }}
        image: "{{ .Values.image }}"
      - name: proxy
        image: proxy:1
        args:
        - --verbose
        - {{ .Values.level }}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-a
data:
  text: |
    kind: Other
  "a.b": 1
---
kind: ConfigMap
metadata:
  name: fixed
"#;

    fn object(value: Value) -> Manifest {
        let text = |pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        Manifest {
            api_version: "v1".to_owned(),
            kind: text("/kind"),
            namespace: None,
            name: text("/metadata/name"),
            object: value.into(),
            origin: Origin::file("out", 1, 1),
            source_map: None,
        }
    }

    fn deployment() -> Manifest {
        object(json!({
            "kind": "Deployment",
            "metadata": {"name": "blue-web", "labels": {"app": "shop"}},
            "spec": {"replicas": 2, "strategy": {"type": "Recreate"}, "template": {"spec": {
                "containers": [
                    {"name": "shop", "image": "shop:1"},
                    {"name": "proxy", "image": "proxy:1", "args": ["--verbose", "3"]},
                ],
            }}},
        }))
    }

    fn line(object: &Manifest, way: &str) -> Option<usize> {
        let template = Arc::new(TemplateLines::of(TEMPLATE));
        let way_of = ToTemplate::of(&template, object, (0, 1)).unwrap();
        let steps: Vec<ManifestStep> = way
            .split('/')
            .map(|part| match part.parse() {
                Ok(index) => ManifestStep::Index(index),
                Err(_) => ManifestStep::Field(part.to_owned()),
            })
            .collect();
        way_of.locate(&steps).map(|position| position.line)
    }

    #[test]
    fn finds_the_lines_of_literal_fields() {
        let object = deployment();
        for (way, expected) in [
            ("metadata/name", 8),
            ("metadata/labels/app", 9),
            ("spec/replicas", 12),
            // In two branches.
            ("spec/strategy/type", 11),
            ("spec/template/spec/containers/0/image", 22),
            ("spec/template/spec/containers/1/image", 24),
            ("spec/template/spec/containers/1/args/1", 27),
            ("spec/template/spec/containers/1/other", 23),
        ] {
            assert_eq!(line(&object, way), Some(expected), "{way}");
        }
    }

    #[test]
    fn distinguishes_objects_by_name() {
        let map = |name: &str| object(json!({"kind": "ConfigMap", "metadata": {"name": name}}));
        let template = Arc::new(TemplateLines::of(TEMPLATE));
        let line = |object: &Manifest| Some(ToTemplate::of(&template, object, (0, 1))?.line());
        assert_eq!(line(&deployment()), Some(5));
        assert_eq!(line(&map("blue-a")), Some(30));
        assert_eq!(line(&map("fixed")), Some(39));
        assert_eq!(line(&map("other")), None);
        let service = object(json!({"kind": "Service", "metadata": {"name": "a"}}));
        assert_eq!(line(&service), None);
    }

    #[test]
    fn matches_similar_documents_in_order() {
        let text = "kind: A\nmetadata: {name: x}\n---\nkind: A\nmetadata: {name: y}\n";
        let template = Arc::new(TemplateLines::of(text));
        let made = object(json!({"kind": "A", "metadata": {"name": "y"}}));
        let line = |among| ToTemplate::of(&template, &made, among).unwrap().line();
        assert_eq!((line((0, 2)), line((1, 2)), line((1, 3))), (1, 4, 1));
    }

    #[test]
    fn compares_texts_of_templates_with_rendered_ones() {
        assert_eq!(could_be("a", "a"), Some(RenderLikeness::Same));
        assert_eq!(could_be("\"a\" # why", "a"), Some(RenderLikeness::Same));
        assert_eq!(could_be("a", "b"), None);
        assert_eq!(could_be("{{ .a }}", "b"), Some(RenderLikeness::Open));
        assert_eq!(could_be("{{ .a }}-b", "x-b"), Some(RenderLikeness::Partly));
        assert_eq!(could_be("{{ .a }}-b", "x-c"), None);
    }
}
