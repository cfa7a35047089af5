//! Reads one of driftctl's own YAML files: its value, its schema, its lines, and its problems.

use std::collections::{BTreeSet, HashMap};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::faults;
use super::problem::{ConfigError, ConfigProblem};
use crate::model::{ManifestStep, Position};
use crate::policy::SpecProblem;
use crate::yaml::{self, TextSpan};

/// The limit on problems whose exact position is searched for.
const MOST_LOCATED: usize = 50;

/// A file that is being read.
pub(super) struct ConfigFile<'t> {
    file: &'t str,
    text: &'t str,
    span: TextSpan,
    value: Value,
    /// Where each entry of a top-level list is, and its ID, found in one pass: there may be
    /// thousands.
    places: HashMap<Vec<ManifestStep>, Position>,
    /// The places that do not match the schema: nothing at or above them can be read.
    unfit: BTreeSet<Vec<ManifestStep>>,
    problems: Vec<ConfigProblem>,
}

impl<'t> ConfigFile<'t> {
    /// Parses the text and validates it against the schema.
    pub fn read(file: &'t str, text: &'t str, schema: &Value) -> Self {
        let parsed = yaml::parse(text);
        let problem = |problem: &yaml::YamlProblem| ConfigProblem {
            position: Some(problem.position),
            message: problem.message.clone(),
        };
        let mut sheet = Self {
            file,
            text,
            span: TextSpan::default(),
            value: Value::Null,
            places: HashMap::new(),
            unfit: BTreeSet::new(),
            problems: parsed.problems.iter().map(problem).collect(),
        };
        let mut documents = parsed.documents.into_iter();
        if let Some(document) = documents.next() {
            sheet.span = document.span;
            sheet.value = document.value;
            sheet.places = places(text, sheet.span, &sheet.value);
        }
        if let Some(second) = documents.next() {
            sheet.problems.push(ConfigProblem {
                position: Some(second.span.position()),
                message: "a second document, which is not read: keep one document in the \
                    file"
                    .to_owned(),
            });
        }
        for fault in faults(schema, &sheet.value) {
            sheet.wrong(&fault.steps, fault.message);
            sheet.unfit.insert(fault.steps);
        }
        without_nulls(&mut sheet.value);
        sheet
    }

    /// Returns the place of a field, or of its nearest parent.
    pub fn position(&self, steps: &[ManifestStep]) -> Option<Position> {
        let known = self.places.get(steps).copied();
        known.or_else(|| yaml::locate(self.text, self.span, steps))
    }

    /// Returns `.driftctl.yaml:12`.
    pub fn place(&self, steps: &[ManifestStep]) -> String {
        match self.position(steps) {
            Some(position) => format!("{}:{}", self.file, position.line),
            None => self.file.to_owned(),
        }
    }

    /// Records a problem. Of many problems, only the first have the exact position; the others have
    /// that of their entry, because each search reads the whole text.
    pub fn wrong(&mut self, steps: &[ManifestStep], message: String) {
        let position = match self.problems.len() < MOST_LOCATED {
            true => self.position(steps),
            false => self.places.get(steps.get(..2).unwrap_or(steps)).copied(),
        };
        self.problems.push(ConfigProblem { position, message });
    }

    /// Records problems with the keys of an entry.
    pub fn wrong_keys(&mut self, entry: &[ManifestStep], problems: Vec<SpecProblem>) {
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
            steps.extend(index.map(ManifestStep::Index));
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
    pub fn entries<T: DeserializeOwned>(&self, key: &str) -> Vec<(Vec<ManifestStep>, T)> {
        let list = self.value.get(key).and_then(Value::as_array);
        let count = list.map_or(0, Vec::len);
        (0..count)
            .filter_map(|i| {
                let steps = vec![field(key), ManifestStep::Index(i)];
                let entry = self.at(&steps)?;
                Some((steps, entry))
            })
            .collect()
    }

    /// Returns the valid parts of a value; invalid ones are left out, so that the rest of an entry
    /// can be checked too.
    fn at<T: DeserializeOwned>(&self, steps: &[ManifestStep]) -> Option<T> {
        let value = steps
            .iter()
            .try_fold(&self.value, |node, step| match step {
                ManifestStep::Field(name) => node.get(name),
                ManifestStep::Index(i) => node.get(i),
            })?;
        let mut value = value.clone();
        for unfit in self.unfit_below(steps) {
            match (unfit.get(steps.len()), value.as_object_mut()) {
                (Some(ManifestStep::Field(name)), Some(fields)) => fields.remove(name),
                _ => return None,
            };
        }
        serde_json::from_value(value).ok()
    }

    /// Returns the invalid places at or below a place, which are next to each other in their order.
    fn unfit_below<'s>(
        &'s self,
        steps: &'s [ManifestStep],
    ) -> impl Iterator<Item = &'s Vec<ManifestStep>> {
        let from = self.unfit.range(steps.to_vec()..);
        from.take_while(|unfit| unfit.starts_with(steps))
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
fn places(text: &str, span: TextSpan, value: &Value) -> HashMap<Vec<ManifestStep>, Position> {
    let mut paths = Vec::new();
    for (key, list) in value.as_object().into_iter().flatten() {
        let entries = list.as_array().into_iter().flatten();
        for (i, _) in entries.enumerate() {
            let entry = vec![field(key), ManifestStep::Index(i)];
            paths.push([entry.clone(), vec![field("id")]].concat());
            paths.push(entry);
        }
    }
    let steps: Vec<&[ManifestStep]> = paths.iter().map(Vec::as_slice).collect();
    let found = yaml::locate_all(text, span, &steps).unwrap_or_default();
    paths.into_iter().zip(found).collect()
}

/// Returns the child with a name.
pub(super) fn field(name: &str) -> ManifestStep {
    ManifestStep::Field(name.to_owned())
}

/// Removes keys without a value, which count as left out: at the top, and in entries. Below that
/// are the values themselves.
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
