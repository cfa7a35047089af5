//! Records everything that a comparison reads.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::Value;

use super::Notes;
use crate::cluster::{
    Apply, Discovery, FetchRequest, KindLookup, Live, LiveObject, Predict, Prediction, Query, Read,
    ReadResult, ReadResults, ServedKind,
};
use crate::model::{ReportTarget, ResourceKey, Warning};
use crate::ownership::LAST_APPLIED;
use crate::redact::Redactor;

/// A live side that records each read.
pub struct SnapshotRecorder<'l> {
    live: &'l dyn Live,
    kept: Mutex<RecordedAnswer>,
}

#[derive(Default)]
struct RecordedAnswer {
    notes: Notes,
    objects: BTreeMap<ResourceKey, LiveObject>,
    /// Undeclared objects, which may have only their metadata.
    extra: BTreeMap<ResourceKey, LiveObject>,
}

impl<'l> SnapshotRecorder<'l> {
    /// Returns a recorder that reads from `live`.
    pub fn new(live: &'l dyn Live) -> Self {
        Self {
            live,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, RecordedAnswer> {
        // The notes are intact after a panic, because each is added as a whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was recorded, one object per line; `redactor` masks secrets.
    ///
    /// # Errors
    /// Fails if `out` fails, or if an object cannot be read.
    pub fn write(self, redactor: Option<&Redactor>, out: &mut dyn Write) -> io::Result<()> {
        let target = self.live.target();
        let namespace = self.live.default_namespace();
        let kept = self.kept.into_inner();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        kept.notes.provenance(target, namespace);
        for (key, object) in kept.extra {
            if let Entry::Vacant(place) = kept.objects.entry(key) {
                kept.notes.partial(place.key());
                place.insert(object);
            }
        }
        let mut items = Vec::new();
        for (key, object) in &kept.objects {
            let mut value = object.value().map_err(io::Error::other)?;
            if redactor.is_some_and(|redactor| mask(redactor, key, &mut value)) {
                kept.notes.masked(key);
            }
            items.push(value.to_string());
        }
        let notes = serde_json::to_string(&kept.notes)?;
        write!(out, "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[")?;
        for (i, item) in items.iter().enumerate() {
            let comma = if i == 0 { "\n" } else { ",\n" };
            write!(out, "{comma}{item}")?;
        }
        writeln!(out, "\n],\"driftctl\":{notes}}}")
    }
}

/// Masks the secrets of an object; returns whether there were any. Managed fields stay, and the
/// last applied configuration is masked value by value, because a comparison needs both.
fn mask(redactor: &Redactor, key: &ResourceKey, value: &mut Value) -> bool {
    let owners = take(value, "/metadata", "managedFields");
    let applied = take(value, "/metadata/annotations", LAST_APPLIED);
    let masked = redactor.live(key, value.clone());
    let mut found = masked != *value;
    *value = masked;
    if let Some(text) = applied {
        let parsed = text
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let masked = parsed
            .clone()
            .map(|object: Value| redactor.live(key, object));
        found |= masked != parsed || parsed.is_none();
        let text = if masked == parsed {
            text
        } else {
            masked.unwrap_or_default().to_string().into()
        };
        put(value, "/metadata/annotations", LAST_APPLIED, text);
    }
    if let Some(owners) = owners {
        put(value, "/metadata", "managedFields", owners);
    }
    found
}

fn take(value: &mut Value, place: &str, field: &str) -> Option<Value> {
    value.pointer_mut(place)?.as_object_mut()?.remove(field)
}

fn put(value: &mut Value, place: &str, field: &str, content: Value) {
    if let Some(object) = value.pointer_mut(place).and_then(Value::as_object_mut) {
        object.insert(field.to_owned(), content);
    }
}

impl SnapshotRecorder<'_> {
    /// Records objects that were read without being requested by name.
    fn keep(&self, api_version: &str, kind: &str, objects: &[Value]) {
        let mut kept = self.kept();
        for value in objects {
            let text = |field: &str| value.pointer(field).and_then(Value::as_str);
            let Some(name) = text("/metadata/name") else {
                continue;
            };
            let key = ResourceKey::new(
                crate::model::group_of(api_version).to_owned(),
                kind.to_owned(),
                text("/metadata/namespace").map(str::to_owned),
                name.to_owned(),
            );
            let object = LiveObject::from_value(key.clone(), api_version, value);
            kept.objects.entry(key).or_insert(object);
        }
    }
}

impl Discovery for SnapshotRecorder<'_> {
    fn target(&self) -> ReportTarget {
        self.live.target()
    }

    fn default_namespace(&self) -> Option<String> {
        self.live.default_namespace()
    }

    fn resolve(
        &self,
        kinds: &BTreeSet<(String, String)>,
        declared_crds: &[&Value],
    ) -> Result<BTreeMap<(String, String), KindLookup>> {
        let lookups = self.live.resolve(kinds, declared_crds)?;
        self.kept().notes.kinds(&lookups);
        Ok(lookups)
    }

    fn schema(&self, api_version: &str) -> Result<Option<Value>> {
        let schema = self.live.schema(api_version)?;
        if let Some(document) = &schema {
            self.kept().notes.schema(api_version, document);
        }
        Ok(schema)
    }

    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        self.live.kinds()
    }

    fn api_versions(&self) -> BTreeSet<String> {
        let served = self.live.api_versions();
        self.kept().notes.api_versions(&served);
        served
    }
}

impl Read for SnapshotRecorder<'_> {
    fn fetch(&self, request: &FetchRequest) -> Result<ReadResults> {
        let fetched = self.live.fetch(request)?;
        let mut kept = self.kept();
        kept.notes.fetched(request, &fetched);
        for (key, answer) in &fetched.answers {
            if let ReadResult::Found(object) = answer {
                kept.objects.insert(key.clone(), object.clone());
            }
        }
        let extra = fetched.extra.iter();
        kept.extra
            .extend(extra.map(|object| (object.key.clone(), object.clone())));
        drop(kept);
        Ok(fetched)
    }

    fn list(&self, query: &Query<'_>) -> Result<Vec<Value>> {
        // A later comparison with the snapshot may need whole objects.
        let whole = Query {
            metadata_only: false,
            ..*query
        };
        let found = self.live.list(&whole)?;
        self.keep(query.api_version, query.kind, &found);
        Ok(found)
    }

    fn related(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
        let related = self.live.related(api_version, kind, namespace)?;
        self.keep(api_version, kind, &related);
        Some(related)
    }

    fn cut_short(&self) -> Option<Warning> {
        let stopped = self.live.cut_short();
        if let Some(stopped) = &stopped {
            self.kept().notes.cut_short(stopped);
        }
        stopped
    }
}

impl Predict for SnapshotRecorder<'_> {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        self.live.predict(applies)
    }
}
