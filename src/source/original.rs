//! Traces fields of generated objects to the objects that they were generated from.

use std::sync::Arc;

use serde_json::Value;

use crate::model::{Locate, Manifest, ManifestStep, Position, group_of};

/// The keys that identify list items whose index changed.
pub(super) const KEYS: [&str; 8] = [
    "name",
    "containerPort",
    "port",
    "mountPath",
    "key",
    "host",
    "path",
    "topologyKey",
];

/// Returns how similar an object in a file is to a built one; `None` if they differ in kind. Names
/// may have a prefix, a suffix or another namespace.
pub(super) fn likeness(written: &Manifest, built: &Manifest) -> Option<(bool, bool, bool)> {
    let same_kind = written.kind == built.kind
        && group_of(&written.api_version) == group_of(&built.api_version);
    (same_kind && built.name.contains(&written.name)).then(|| {
        (
            written.name == built.name,
            written.namespace == built.namespace,
            built.name.starts_with(&written.name),
        )
    })
}

/// Finds positions in the written object for paths in the built one.
#[derive(Debug)]
pub(super) struct OriginalPositions {
    pub written: Arc<Manifest>,
    pub built: Value,
}

impl Locate for OriginalPositions {
    fn locate(&self, steps: &[ManifestStep]) -> Option<Position> {
        self.written
            .locate(&way_back(&self.built, &self.written.value(), steps))
    }

    fn locate_all(&self, ways: &[&[ManifestStep]]) -> Vec<Option<Position>> {
        let written = self.written.value();
        let back = |way: &&[ManifestStep]| way_back(&self.built, &written, way);
        let back: Vec<Vec<ManifestStep>> = ways.iter().map(back).collect();
        let back: Vec<&[ManifestStep]> = back.iter().map(Vec::as_slice).collect();
        self.written.locate_all(&back)
    }
}

/// Returns the same path in the written object, as far as it exists.
fn way_back(mut built: &Value, mut written: &Value, steps: &[ManifestStep]) -> Vec<ManifestStep> {
    let mut way = Vec::with_capacity(steps.len());
    for step in steps {
        let next = match step {
            ManifestStep::Field(field) => built.get(field).zip(written.get(field)).inspect(|_| {
                way.push(step.clone());
            }),
            ManifestStep::Index(index) => built.get(index).and_then(|item| {
                let items = written.as_array()?;
                // Usually its index is the same.
                let there = items.get(*index).filter(|there| is_same(item, there));
                let (at, same) = match there {
                    Some(there) => (*index, there),
                    None => items.iter().enumerate().find(|(_, w)| is_same(item, w))?,
                };
                way.push(ManifestStep::Index(at));
                Some((item, same))
            }),
        };
        let Some(next) = next else { break };
        (built, written) = next;
    }
    way
}

/// Returns whether two list items correspond.
fn is_same(a: &Value, b: &Value) -> bool {
    let key = KEYS.iter().find(|key| a.get(**key).is_some());
    match key {
        Some(key) => a.get(*key) == b.get(*key),
        None => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_items_by_key_at_any_index() {
        let built = json!({"c": [{"name": "new"}, {"name": "a", "v": 1, "w": 2}]});
        let written = json!({"c": [{"name": "a", "v": 3}]});
        let field = |name: &str| ManifestStep::Field(name.to_owned());
        let back = |steps: &[ManifestStep]| way_back(&built, &written, steps);
        assert_eq!(
            back(&[field("c"), ManifestStep::Index(1), field("v")]),
            [field("c"), ManifestStep::Index(0), field("v")]
        );
        assert_eq!(
            back(&[field("c"), ManifestStep::Index(1), field("w")]),
            [field("c"), ManifestStep::Index(0)]
        );
        assert_eq!(back(&[field("c"), ManifestStep::Index(0)]), [field("c")]);
    }
}
