//! Parses JSON, several times faster than as YAML. This is a fast path, not a second dialect:
//! anything unusual goes to the YAML parser, for which JSON is a subset, and which also words the
//! errors.

use std::cell::RefCell;
use std::fmt;

use rayon::prelude::*;
use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::budget::{self, Budget};
use super::scalar::number_value;
use super::split::Chunk;
use super::{ParsedYaml, TextSpan, YamlDocument, YamlProblem, build};
use crate::model::Position;

/// Lists with fewer items are parsed on one thread.
const PARALLEL_FROM: usize = 64;

/// Returns whether to try text as JSON: kubectl too looks only at the first character
/// (`k8s.io/apimachinery/pkg/util/yaml`, `GuessJSONStream`).
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Parses one JSON object, or several one after another. Returns `None` if the YAML parser has to
/// decide.
pub(super) fn parse(chunk: &Chunk<'_>) -> Option<ParsedYaml> {
    if let Some(document) = object(chunk) {
        return Some(ParsedYaml {
            documents: vec![document],
            problems: Vec::new(),
        });
    }
    let stream = serde_json::Deserializer::from_str(chunk.text).into_iter::<&RawValue>();
    let mut cursor = JsonCursor::new(chunk);
    let mut parsed = ParsedYaml::default();
    let mut objects = 0;
    for raw in stream {
        match raw {
            Ok(raw) => {
                objects += 1;
                let part = parse_object_chunk(chunk, &mut cursor, raw.get());
                match object(&part) {
                    Some(document) => parsed.documents.push(document),
                    None => {
                        let built = build::build(&part);
                        parsed.documents.extend(built.documents);
                        parsed.problems.extend(built.problems);
                    }
                }
            }
            Err(_) if objects < 2 => return None,
            Err(_) => {
                cursor.skip_blanks();
                let message = "the object that follows here is not JSON";
                parsed
                    .problems
                    .push(YamlProblem::fatal(cursor.position(), message));
                break;
            }
        }
    }
    (objects > 1).then_some(parsed)
}

/// Parses one object of several, as a text of its own.
fn parse_object_chunk<'t>(
    chunk: &Chunk<'t>,
    cursor: &mut JsonCursor<'t>,
    raw: &'t str,
) -> Chunk<'t> {
    let at = offset(chunk.text, raw);
    cursor.advance(at);
    let Position { line, column } = cursor.position();
    cursor.advance(at + raw.len());
    Chunk {
        start: chunk.start + at,
        line,
        column,
        text: raw,
        problem: None,
    }
}

/// Parses text that is exactly one object.
fn object(chunk: &Chunk<'_>) -> Option<YamlDocument> {
    let mut deserializer = serde_json::Deserializer::from_str(chunk.text);
    let top = TopLevelVisitor(JsonVisitor::new(chunk.text))
        .deserialize(&mut deserializer)
        .ok()?;
    deserializer.end().ok()?;
    let mut cursor = JsonCursor::new(chunk);
    cursor.skip_blanks();
    let start = cursor.clone();
    let mut map = top.map;
    let mut items = Vec::new();
    if let Some(raws) = top.items {
        map.insert("items".to_owned(), Value::Array(values(&raws)?));
        for raw in raws {
            let from = offset(chunk.text, raw.get());
            cursor.advance(from);
            let start = cursor.clone();
            cursor.advance(from + raw.get().len());
            items.push(start.span_to(&cursor));
        }
    }
    cursor.advance(chunk.text.trim_end().len());
    Some(YamlDocument {
        number: 0,
        value: Value::Object(map),
        span: start.span_to(&cursor),
        items,
    })
}

/// Returns the values of a list's items.
fn values(raws: &[&RawValue]) -> Option<Vec<Value>> {
    let value = |raw: &&RawValue| {
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        JsonVisitor::new(raw.get())
            .deserialize(&mut deserializer)
            .ok()
    };
    if raws.len() < PARALLEL_FROM {
        raws.iter().map(value).collect()
    } else {
        raws.par_iter().map(value).collect()
    }
}

/// Returns where `parse_object_chunk`, which is a slice of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// A place that moves forward through a text, so that finding many places takes one pass.
#[derive(Clone)]
struct JsonCursor<'t> {
    text: &'t str,
    /// The byte of the whole text at which `text` begins.
    start: usize,
    at: usize,
    line: usize,
    column: usize,
}

impl<'t> JsonCursor<'t> {
    fn new(chunk: &Chunk<'t>) -> Self {
        Self {
            text: chunk.text,
            start: chunk.start,
            at: 0,
            line: chunk.line,
            column: chunk.column,
        }
    }

    fn advance(&mut self, to: usize) {
        let between = self.text.get(self.at..to).unwrap_or_default();
        let bytes = between.as_bytes();
        let feeds = bytes.iter().filter(|byte| **byte == b'\n').count();
        if feeds > 0 {
            self.line += feeds;
            self.column = 1;
        }
        let last = between.rsplit('\n').next().unwrap_or_default();
        self.column += last.chars().count();
        self.at = self.at.max(to);
    }

    fn skip_blanks(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.advance(self.at + rest.len() - rest.trim_start().len());
    }

    fn position(&self) -> Position {
        Position {
            line: self.line,
            column: self.column,
        }
    }

    fn span_to(&self, end: &Self) -> TextSpan {
        TextSpan {
            start: self.start + self.at,
            end: end.start + end.at,
            line: self.line,
            column: self.column,
        }
    }
}

/// The top-level object. The items of a list are only cut out, to be parsed in parallel.
struct TopValue<'t> {
    map: Map<String, Value>,
    items: Option<Vec<&'t RawValue>>,
}

struct TopLevelVisitor(JsonVisitor);

impl<'t> DeserializeSeed<'t> for TopLevelVisitor {
    type Value = TopValue<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'t> Visitor<'t> for TopLevelVisitor {
    type Value = TopValue<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = Map::new();
        let mut items = None;
        while let Some(key) = access.next_key::<String>()? {
            let is_new = if key == "items" {
                let is_first = items.is_none() && !map.contains_key(&key);
                let raw = access.next_value::<&RawValue>()?.get();
                let mut rest = serde_json::Deserializer::from_str(raw);
                if raw.starts_with('[') {
                    items = Some(Vec::deserialize(&mut rest).map_err(|_| left_to_parser())?);
                } else {
                    // An `items` field that is not a list is an ordinary field.
                    let value = (&self.0)
                        .deserialize(&mut rest)
                        .map_err(|_| left_to_parser())?;
                    map.insert(key, value);
                }
                is_first
            } else {
                let value = access.next_value_seed(&self.0)?;
                map.insert(key, value).is_none()
            };
            if !is_new {
                return Err(left_to_parser());
            }
        }
        Ok(TopValue { map, items })
    }
}

/// Builds a value; fails on everything that needs a message or a warning.
struct JsonVisitor {
    budget: RefCell<Budget>,
}

impl JsonVisitor {
    fn new(text: &str) -> Self {
        Self {
            budget: RefCell::new(Budget::new(text)),
        }
    }

    fn spend<E: serde::de::Error>(&self, value: Value) -> Result<Value, E> {
        match self.budget.borrow_mut().spend(budget::own_memory(&value)) {
            Ok(()) => Ok(value),
            Err(budget::Exceeded) => Err(left_to_parser()),
        }
    }
}

/// Leaves the text to the YAML parser.
fn left_to_parser<E: serde::de::Error>() -> E {
    E::custom("not for the fast path")
}

impl<'t> DeserializeSeed<'t> for JsonVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(&self)
    }
}

impl<'t> DeserializeSeed<'t> for &JsonVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for &JsonVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::from)
            .map_err(|_| left_to_parser::<E>())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // It may be an integer beyond 64 bits, which needs a warning.
        const MAYBE_INTEGER: f64 = 9e18;
        if value.abs() >= MAYBE_INTEGER {
            return Err(left_to_parser());
        }
        number_value(value).ok_or_else(left_to_parser)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.spend(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.spend(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        items.shrink_to_fit();
        self.spend(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(self)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("not for the fast path"));
            }
        }
        self.spend(Value::Object(map))
    }
}
