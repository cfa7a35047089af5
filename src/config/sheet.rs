//! Reads one of driftctl's own YAML files: its value, its schema, its lines, and its problems.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::faults;
use super::problem::{ConfigError, Problem};
use crate::model::{Position, Step};
use crate::policy::SpecProblem;
use crate::yaml::{self, Span};

/// A file that is being read.
pub(super) struct Sheet<'t> {
    file: &'t str,
    text: &'t str,
    span: Span,
    value: Value,
    /// Where each entry of a top-level list is, and its ID, found in one pass: there may be
    /// thousands.
    places: HashMap<Vec<Step>, Position>,
    /// The places that do not match the schema: nothing at or above them can be read.
    unfit: Vec<Vec<Step>>,
    problems: Vec<Problem>,
}

impl<'t> Sheet<'t> {
    /// Parses the text and validates it against the schema.
    pub fn read(file: &'t str, text: &'t str, schema: &Value) -> Self {
        let parsed = yaml::parse(text);
        let problem = |problem: &yaml::Problem| Problem {
            position: Some(problem.position),
            message: problem.message.clone(),
        };
        let mut sheet = Self {
            file,
            text,
            span: Span::default(),
            value: Value::Null,
            places: HashMap::new(),
            unfit: Vec::new(),
            problems: parsed.problems.iter().map(problem).collect(),
        };
        let mut documents = parsed.documents.into_iter();
        if let Some(document) = documents.next() {
            sheet.span = document.span;
            sheet.value = document.value;
            sheet.places = places(text, sheet.span, &sheet.value);
        }
        if let Some(second) = documents.next() {
            sheet.problems.push(Problem {
                position: Some(second.span.position()),
                message: "a second document, which is not read: keep one document in the \
                    file"
                    .to_owned(),
            });
        }
        for fault in faults(schema, &sheet.value) {
            sheet.wrong(&fault.steps, fault.message);
            sheet.unfit.push(fault.steps);
        }
        without_nulls(&mut sheet.value);
        sheet
    }

    /// Returns the place of a field, or of its nearest parent.
    pub fn position(&self, steps: &[Step]) -> Option<Position> {
        let known = self.places.get(steps).copied();
        known.or_else(|| yaml::locate(self.text, self.span, steps))
    }

    /// Returns `.driftctl.yaml:12`.
    pub fn place(&self, steps: &[Step]) -> String {
        match self.position(steps) {
            Some(position) => format!("{}:{}", self.file, position.line),
            None => self.file.to_owned(),
        }
    }

    /// Records a problem.
    pub fn wrong(&mut self, steps: &[Step], message: String) {
        self.problems.push(Problem {
            position: self.position(steps),
            message,
        });
    }

    /// Records problems with the keys of an entry.
    pub fn wrong_keys(&mut self, entry: &[Step], problems: Vec<SpecProblem>) {
        let is_whole = self.unfit_below(entry).next().is_none();
        for SpecProblem {
            key,
            index,
            message,
        } in problems
        {
            // A misspelt key is not reported as missing as well.
            if key.is_empty() && !is_whole {
                continue;
            }
            let mut steps = entry.to_vec();
            if !key.is_empty() {
                steps.push(field(key));
            }
            steps.extend(index.map(Step::Index));
            let quoted = if key.is_empty() {
                String::new()
            } else {
                format!("\"{key}\": ")
            };
            self.wrong(&steps, format!("{quoted}{message}"));
        }
    }

    /// Returns a top-level value, unless it is invalid.
    pub fn top<T: DeserializeOwned + Default>(&self, key: &str) -> T {
        self.at(&[field(key)]).unwrap_or_default()
    }

    /// Returns the entries of a top-level list, each with its place; without invalid ones.
    pub fn entries<T: DeserializeOwned>(&self, key: &str) -> Vec<(Vec<Step>, T)> {
        let list = self.value.get(key).and_then(Value::as_array);
        let count = list.map_or(0, Vec::len);
        (0..count)
            .filter_map(|i| {
                let steps = vec![field(key), Step::Index(i)];
                let entry = self.at(&steps)?;
                Some((steps, entry))
            })
            .collect()
    }

    /// Invalid parts are left out, so that the rest of an entry can be checked too.
    fn at<T: DeserializeOwned>(&self, steps: &[Step]) -> Option<T> {
        let value = steps
            .iter()
            .try_fold(&self.value, |node, step| match step {
                Step::Field(name) => node.get(name),
                Step::Index(i) => node.get(i),
            })?;
        let mut value = value.clone();
        for unfit in self.unfit_below(steps) {
            match (unfit.get(steps.len()), value.as_object_mut()) {
                (Some(Step::Field(name)), Some(fields)) => fields.remove(name),
                _ => return None,
            };
        }
        serde_json::from_value(value).ok()
    }

    fn unfit_below<'s>(&'s self, steps: &'s [Step]) -> impl Iterator<Item = &'s Vec<Step>> {
        self.unfit.iter().filter(|unfit| unfit.starts_with(steps))
    }

    /// Returns whether there are problems.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::new(self.file, self.problems))
        }
    }
}

/// Returns the places of all entries of the top-level lists, and of their IDs.
fn places(text: &str, span: Span, value: &Value) -> HashMap<Vec<Step>, Position> {
    let mut paths = Vec::new();
    for (key, list) in value.as_object().into_iter().flatten() {
        let entries = list.as_array().into_iter().flatten();
        for (i, _) in entries.enumerate() {
            let entry = vec![field(key), Step::Index(i)];
            paths.push([entry.clone(), vec![field("id")]].concat());
            paths.push(entry);
        }
    }
    let steps: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
    let found = yaml::locate_all(text, span, &steps).unwrap_or_default();
    paths.into_iter().zip(found).collect()
}

/// Returns the child with a name.
pub(super) fn field(name: &str) -> Step {
    Step::Field(name.to_owned())
}

/// A key without a value counts as left out: at the top, and in entries. Below that are the values
/// themselves.
fn without_nulls(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    fields.retain(|_, value| !value.is_null());
    let lists = fields.values_mut().filter_map(Value::as_array_mut);
    for entry in lists.flatten().filter_map(Value::as_object_mut) {
        entry.retain(|_, value| !value.is_null());
    }
}
