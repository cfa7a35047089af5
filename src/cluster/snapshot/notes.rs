//! The facts about a snapshot that its objects cannot show.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::{FetchRequest, KindLookup, Namespaces, ReadResult, ReadResults, ServedKind};
use crate::model::{ReportTarget, ResourceKey, Warning};

/// The name and version of the schema.
const SCHEMA: &str = "driftctl.snapshot/v1";

/// The notes of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notes {
    schema: String,
    /// Where the objects come from.
    from: Provenance,
    /// The namespace of objects that name none.
    namespace: Option<String>,
    /// How kinds are served.
    kinds: Vec<KindNote>,
    /// The served versions and kinds, if charts needed them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    api_versions: BTreeSet<String>,
    /// Objects that were proven not to exist.
    absent: BTreeSet<NoteKey>,
    /// Objects that could not be read.
    unread: Vec<UnreadNote>,
    /// Objects of which only the metadata was read.
    partial: BTreeSet<NoteKey>,
    /// Objects with masked secret values.
    masked: BTreeSet<NoteKey>,
    /// Where undeclared objects were searched for, and of which kinds.
    extra: ExtraNote,
    /// Schemas of custom resources, by `apiVersion`.
    schemas: BTreeMap<String, Value>,
    /// Warnings and errors.
    warnings: Vec<WarningNote>,
    interrupted: bool,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            from: Provenance::default(),
            namespace: None,
            kinds: Vec::new(),
            api_versions: BTreeSet::new(),
            absent: BTreeSet::new(),
            unread: Vec::new(),
            partial: BTreeSet::new(),
            masked: BTreeSet::new(),
            extra: ExtraNote::default(),
            schemas: BTreeMap::new(),
            warnings: Vec::new(),
            interrupted: false,
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Provenance {
    context: Option<String>,
    server: Option<String>,
    version: Option<String>,
    insecure: bool,
    read_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KindNote {
    api_version: String,
    kind: String,
    lookup: KindLookup,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct NoteKey {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct UnreadNote {
    #[serde(flatten)]
    key: NoteKey,
    why: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExtraNote {
    everywhere: bool,
    namespaces: BTreeSet<String>,
    kinds: BTreeSet<ServedKind>,
    unread: BTreeSet<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WarningNote {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    place: String,
    message: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fatal: bool,
}

impl NoteKey {
    fn of(key: &ResourceKey) -> Self {
        Self {
            group: key.group.clone(),
            kind: key.kind.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        }
    }
}

impl WarningNote {
    fn of(warning: &Warning) -> Self {
        Self {
            place: warning.place.clone(),
            message: warning.message.clone(),
            fatal: warning.fatal,
        }
    }
}

/// Writing notes.
impl Notes {
    pub(super) fn provenance(&mut self, target: ReportTarget, namespace: Option<String>) {
        self.from = Provenance {
            context: target.context,
            server: target.server,
            version: target.version,
            insecure: target.insecure,
            read_at: target.read_at,
        };
        self.namespace = namespace;
    }

    pub(super) fn kinds(&mut self, lookups: &BTreeMap<(String, String), KindLookup>) {
        for ((api_version, kind), lookup) in lookups {
            self.kinds.push(KindNote {
                api_version: api_version.clone(),
                kind: kind.clone(),
                lookup: lookup.clone(),
            });
        }
    }

    pub(super) fn api_versions(&mut self, served: &BTreeSet<String>) {
        self.api_versions.clone_from(served);
    }

    pub(super) fn fetched(&mut self, request: &FetchRequest, fetched: &ReadResults) {
        for (key, answer) in &fetched.answers {
            match answer {
                ReadResult::Found(_) => {}
                ReadResult::Absent => drop(self.absent.insert(NoteKey::of(key))),
                ReadResult::Unread(why) => self.unread.push(UnreadNote {
                    key: NoteKey::of(key),
                    why: why.clone(),
                }),
            }
        }
        match &request.extra_in {
            Namespaces::All => self.extra.everywhere = true,
            Namespaces::Only(places) => self.extra.namespaces.extend(places.iter().cloned()),
        }
        self.extra.kinds.extend(fetched.extra_kinds.iter().cloned());
        let unread = fetched.extra_unread.iter().cloned();
        self.extra.unread.extend(unread);
        let warnings = fetched.warnings.iter();
        self.warnings.extend(warnings.map(WarningNote::of));
        self.interrupted |= fetched.interrupted;
    }

    /// Records that reading ended early.
    pub(super) fn cut_short(&mut self, stopped: &Warning) {
        self.interrupted = true;
        self.warnings.push(WarningNote::of(stopped));
    }

    pub(super) fn schema(&mut self, api_version: &str, document: &Value) {
        let schemas = &mut self.schemas;
        schemas.insert(api_version.to_owned(), document.clone());
    }

    pub(super) fn partial(&mut self, key: &ResourceKey) {
        self.partial.insert(NoteKey::of(key));
    }

    pub(super) fn masked(&mut self, key: &ResourceKey) {
        self.masked.insert(NoteKey::of(key));
    }
}

/// Reading notes.
impl Notes {
    /// Returns where the objects come from.
    pub fn target(&self) -> ReportTarget {
        let from = self.from.clone();
        ReportTarget {
            context: from.context,
            server: from.server,
            version: from.version,
            insecure: from.insecure,
            read_at: from.read_at,
            dump: None,
        }
    }

    /// Returns the namespace of objects that name none.
    pub fn default_namespace(&self) -> Option<String> {
        self.namespace.clone()
    }

    /// Returns how a kind is served, if it was requested.
    pub fn lookup(&self, api_version: &str, kind: &str) -> Option<KindLookup> {
        let mut notes = self.kinds.iter();
        let found = notes.find(|note| note.api_version == api_version && note.kind == kind)?;
        Some(found.lookup.clone())
    }

    /// Returns the served versions and kinds, if they were requested.
    pub fn served(&self) -> Option<BTreeSet<String>> {
        (!self.api_versions.is_empty()).then(|| self.api_versions.clone())
    }

    /// Returns the schema of a group version.
    pub fn schema_of(&self, api_version: &str) -> Option<&Value> {
        self.schemas.get(api_version)
    }

    /// Returns why an object cannot be compared although it is in the snapshot.
    pub fn reason_not_comparable(&self, key: &ResourceKey) -> Option<String> {
        let key = NoteKey::of(key);
        if self.masked.contains(&key) {
            let why = "its secret values were masked when the snapshot was made; make one without \
                       --redact to compare it";
            return Some(why.to_owned());
        }
        if self.partial.contains(&key) {
            let why = "no manifest declared it when the snapshot was made, so the snapshot has \
                only its metadata; make a new one";
            return Some(why.to_owned());
        }
        None
    }

    /// Returns the result for an object that is not in the snapshot.
    pub fn without(&self, key: &ResourceKey) -> ReadResult {
        let note = NoteKey::of(key);
        if let Some(unread) = self.unread.iter().find(|unread| unread.key == note) {
            return ReadResult::Unread(unread.why.clone());
        }
        if self.absent.contains(&note) {
            return ReadResult::Absent;
        }
        let why = "the snapshot was made for manifests without it; make a new one";
        ReadResult::Unread(why.to_owned())
    }

    /// Returns the warnings from when the snapshot was made, and those about parts of a request
    /// that it does not cover.
    pub fn warnings(&self, request: &FetchRequest) -> Vec<Warning> {
        let noted = self.warnings.iter().map(|note| Warning {
            place: note.place.clone(),
            message: note.message.clone(),
            fatal: note.fatal,
        });
        let gap = (!self.covers(&request.extra_in)).then(|| {
            Warning::error(
                request.extra_in.to_string(),
                "the snapshot was made without looking for undeclared objects there; make \
                      one with the same --extra and filters"
                    .to_owned(),
            )
        });
        noted.chain(gap).collect()
    }

    fn covers(&self, places: &Namespaces) -> bool {
        match places {
            _ if self.extra.everywhere => true,
            Namespaces::All => false,
            Namespaces::Only(places) => places.is_subset(&self.extra.namespaces),
        }
    }

    /// Returns the kinds that were searched for undeclared objects.
    pub fn extra_kinds(&self) -> &BTreeSet<ServedKind> {
        &self.extra.kinds
    }

    /// Returns the kinds that could not be searched.
    pub fn extra_unread(&self) -> &BTreeSet<String> {
        &self.extra.unread
    }

    /// Returns whether reading was cut short.
    pub fn interrupted(&self) -> bool {
        self.interrupted
    }
}
