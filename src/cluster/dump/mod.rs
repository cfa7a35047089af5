//! Recordings of live objects, as `kubectl get … -o json` or `-o yaml` prints them.

mod index;
mod input;
mod pieces;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use self::index::DumpIndex;
use super::snapshot::Notes;
use super::{
    Apply, Discovery, FetchRequest, KindLookup, LiveObject, ObjectRequest, Predict, Prediction,
    Query, Read, ReadResult, ReadResults, ServedKind, served_names, unpredicted,
};
use crate::model::{GroupKind, ReportTarget, ResourceKey, Warning, group_of};
use crate::schema::builtin_kinds;

/// The live side from files: single objects, lists, several documents, or directories of these;
/// with or without managed fields.
///
/// Objects match by group and kind, at any recorded version. An object that is not in the recording
/// counts as missing; [`Read::fetch`] warns about kinds without any object in it.
pub struct Dump {
    name: String,
    index: DumpIndex,
    warnings: Vec<Warning>,
    /// The CustomResourceDefinitions by group, collected on first use.
    definitions: OnceLock<BTreeMap<String, Vec<Value>>>,
}

impl Dump {
    /// Reads a recording: files, directories (all `.json`, `.yaml` and `.yml` files below, also
    /// with gzip), or `-` for standard input.
    ///
    /// # Errors
    /// Fails if a file cannot be read or is not a recording. The error has the position as
    /// `file:line:column` and does not quote the content.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let inputs = input::read_all(paths)?;
        let mut warnings = Vec::new();
        let index = DumpIndex::build(&inputs, &mut warnings)?;
        let names: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Ok(Self {
            name: names.join(", "),
            index,
            warnings,
            definitions: OnceLock::new(),
        })
    }

    fn answer(&self, wanted: &ObjectRequest) -> ReadResult {
        if let Some(why) = self.noted(|notes| notes.reason_not_comparable(&wanted.key)) {
            return ReadResult::Unread(why);
        }
        let Some(recorded) = self.index.get(&wanted.key) else {
            if let Some(answer) = self.noted(|notes| Some(notes.without(&wanted.key))) {
                return answer;
            }
            let kind = wanted.key.group_kind();
            return match self.index.breaks_off(&kind) {
                Some(place) => ReadResult::Unread(format!(
                    "the recording contains only the first page of {kind} ({place}); record all \
                     pages"
                )),
                None => ReadResult::Absent,
            };
        };
        let version = |entry: &&index::IndexedObject| entry.api_version == wanted.kind.api_version;
        let Some(entry) = recorded.iter().find(version).or(recorded.last()) else {
            return ReadResult::Absent;
        };
        match &entry.contradiction {
            Some(contradiction) => ReadResult::Unread(contradiction.clone()),
            None => ReadResult::Found(entry.object(&wanted.key)),
        }
    }

    /// Returns the notes of a snapshot; `None` for other recordings, and if several files are read,
    /// because notes describe only their own snapshot.
    fn notes(&self) -> Option<&Notes> {
        match self.index.notes.as_slice() {
            [notes] => Some(notes),
            _ => None,
        }
    }

    fn noted<T>(&self, ask: impl FnOnce(&Notes) -> Option<T>) -> Option<T> {
        self.notes().and_then(ask)
    }

    fn crds(&self) -> Vec<Value> {
        let kind = GroupKind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        self.objects_of(&kind)
            .filter_map(|object| object.value().ok())
            .collect()
    }

    fn objects_of<'a>(&'a self, kind: &'a GroupKind) -> impl Iterator<Item = LiveObject> + 'a {
        let recorded = self.index.of_kind(kind);
        recorded.filter_map(|(key, entries)| Some(entries.last()?.object(key)))
    }

    /// Finds recorded objects that were not requested by name.
    fn find_extra(&self, request: &FetchRequest, fetched: &mut ReadResults) {
        let crds = self.crds();
        let mut kinds: BTreeMap<GroupKind, Option<ServedKind>> = BTreeMap::new();
        for (key, entries) in self.index.iter() {
            let namespace = key.namespace.as_deref().unwrap_or_default();
            let Some(entry) = entries
                .last()
                .filter(|_| request.extra_in.contains(namespace))
            else {
                continue;
            };
            let kind = kinds.entry(key.group_kind()).or_insert_with(|| {
                match scope::lookup(&entry.api_version, &key.kind, &self.index, &crds, &[]) {
                    KindLookup::Served(kind) => Some(kind),
                    _ => None,
                }
            });
            let is_wanted = match kind {
                Some(kind) => request.wants_extra_of(&kind.names()),
                None => request.extra_kinds.is_empty(),
            };
            if is_wanted && !fetched.answers.contains_key(key) {
                fetched.extra.push(entry.object(key));
            }
        }
        let looked_at = kinds.into_values().flatten();
        fetched.extra_kinds = looked_at
            .filter(|kind| request.wants_extra_of(&kind.names()))
            .collect();
    }

    fn warn_of_kinds_without_objects(&self, request: &FetchRequest, warnings: &mut Vec<Warning>) {
        let kinds: BTreeSet<_> = request.wanted.iter().map(|w| w.key.group_kind()).collect();
        let absent: Vec<_> = kinds
            .iter()
            .filter(|kind| self.index.of_kind(kind).next().is_none())
            .map(ToString::to_string)
            .collect();
        if !absent.is_empty() {
            warnings.push(Warning::new(
                self.name.clone(),
                format!(
                    "the recording contains no object of kind {}, so declared ones count as \
                     missing; if it was made without this kind, record it too",
                    absent.join(", ")
                ),
            ));
        }
    }
}

impl Discovery for Dump {
    fn target(&self) -> ReportTarget {
        ReportTarget {
            dump: Some(self.name.clone()),
            ..self.notes().map(Notes::target).unwrap_or_default()
        }
    }

    /// Returns the namespace of a snapshot. Other recordings do not say in which namespace objects
    /// without one end up.
    fn default_namespace(&self) -> Option<String> {
        self.noted(Notes::default_namespace)
    }

    fn resolve(
        &self,
        kinds: &BTreeSet<(String, String)>,
        declared_crds: &[&Value],
    ) -> Result<BTreeMap<(String, String), KindLookup>> {
        let live_crds = self.crds();
        let lookup = |(api_version, kind): &(String, String)| {
            let noted = self.noted(|notes| notes.lookup(api_version, kind));
            noted.unwrap_or_else(|| {
                scope::lookup(api_version, kind, &self.index, &live_crds, declared_crds)
            })
        };
        Ok(kinds
            .iter()
            .map(|kind| (kind.clone(), lookup(kind)))
            .collect())
    }

    fn schema(&self, api_version: &str) -> Result<Option<Value>> {
        if let Some(noted) = self.notes().and_then(|notes| notes.schema_of(api_version)) {
            return Ok(Some(noted.clone()));
        }
        // This is called for each version, so thousands of definitions are grouped only once.
        let by_group = self.definitions.get_or_init(|| {
            let mut by_group: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for crd in self.crds() {
                let group = crd["spec"]["group"].as_str().unwrap_or_default();
                by_group.entry(group.to_owned()).or_default().push(crd);
            }
            by_group
        });
        let items = by_group.get(group_of(api_version));
        Ok(items.map(|items| json!({"apiVersion": "v1", "kind": "List", "items": items})))
    }

    /// Returns the recorded kinds. Other kinds are unknown.
    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        let mut kinds: BTreeMap<GroupKind, ServedKind> = BTreeMap::new();
        for (key, entries) in self.index.iter() {
            let Some(entry) = entries.last() else {
                continue;
            };
            kinds.entry(key.group_kind()).or_insert_with(|| ServedKind {
                api_version: entry.api_version.clone(),
                kind: key.kind.clone(),
                plural: String::new(),
                namespaced: key.namespace.is_some(),
                short_names: Vec::new(),
            });
        }
        (kinds.into_values().collect(), Vec::new())
    }

    /// Returns the recorded versions and kinds, and those that every current cluster serves.
    fn api_versions(&self) -> BTreeSet<String> {
        self.noted(Notes::served).unwrap_or_else(|| {
            let is_stable = |version: &str| !version.contains("alpha") && !version.contains("beta");
            let builtin = builtin_kinds()
                .iter()
                .filter(|kind| is_stable(kind.api_version));
            let mut served = served_names(builtin.map(|kind| (kind.api_version, kind.kind)));
            let (kinds, _) = self.kinds();
            let recorded = kinds.iter().map(|kind| (&*kind.api_version, &*kind.kind));
            served.extend(served_names(recorded));
            for definition in self.crds() {
                served.extend(scope::served_by(&definition));
            }
            served
        })
    }
}

impl Read for Dump {
    fn fetch(&self, request: &FetchRequest) -> Result<ReadResults> {
        let mut fetched = ReadResults {
            warnings: self.warnings.clone(),
            ..ReadResults::default()
        };
        // Collecting fills the nodes of the map; inserting sorted keys leaves them half empty.
        let answers = request.wanted.iter();
        let answers = answers.map(|wanted| (wanted.key.clone(), self.answer(wanted)));
        fetched.answers = answers.collect();
        self.find_extra(request, &mut fetched);
        match self.notes() {
            Some(notes) => {
                fetched.warnings.extend(notes.warnings(request));
                let looked_for = notes.extra_kinds().iter();
                let looked_for = looked_for.filter(|kind| request.wants_extra_of(&kind.names()));
                fetched.extra_kinds = looked_for.cloned().collect();
                fetched.extra_unread.clone_from(notes.extra_unread());
                fetched.interrupted = notes.interrupted();
            }
            None => self.warn_of_kinds_without_objects(request, &mut fetched.warnings),
        }
        Ok(fetched)
    }

    fn list(&self, query: &Query<'_>) -> Result<Vec<Value>> {
        let kind = GroupKind::new(query.api_version, query.kind);
        if let Some(place) = self.index.breaks_off(&kind) {
            bail!(
                "the recording contains only the first page of {kind} ({place}); record all \
                pages"
            );
        }
        let mut objects = Vec::new();
        for (key, entries) in self.index.of_kind(&kind) {
            let is_elsewhere =
                query.namespace.is_some() && key.namespace.as_deref() != query.namespace;
            let Some(entry) = entries.last().filter(|_| !is_elsewhere) else {
                continue;
            };
            if let Some(contradiction) = &entry.contradiction {
                bail!("{key}: {contradiction}");
            }
            let object = entry.object(key).value()?;
            if query.selects(&object) {
                objects.push(object);
            }
        }
        Ok(objects)
    }

    fn related(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
        let kind = GroupKind::new(api_version, kind);
        let objects = self
            .objects_of(&kind)
            .filter(|object| object.key.namespace.as_deref().unwrap_or_default() == namespace);
        objects.map(|object| object.value().ok()).collect()
    }

    fn cut_short(&self) -> Option<Warning> {
        None
    }
}

impl Predict for Dump {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        unpredicted(
            applies,
            "a recording cannot predict what the server would do with a manifest",
        )
    }
}

#[cfg(test)]
mod tests;
