//! Indexes the positions of objects in recorded text.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::Arc;

use anyhow::{Result, bail};
use rayon::prelude::*;
use serde_json::Value;

use super::super::live_object::LiveObject;
use super::super::snapshot::Notes;
use super::super::text;
use super::input::{DumpInput, HOW_TO_RECORD, InputOrigin};
use super::pieces::{DumpPiece, DumpPieces};
use crate::model::{GroupKind, ResourceKey, Warning, group_of};

/// A recorded object.
pub(super) struct IndexedObject {
    pub api_version: String,
    /// If the object was recorded twice with different content: the message about it.
    pub contradiction: Option<String>,
    file: Arc<InputOrigin>,
    whole: Arc<String>,
    piece: Range<usize>,
}

impl IndexedObject {
    /// Returns the object.
    pub fn object(&self, key: &ResourceKey) -> LiveObject {
        let whole = Arc::clone(&self.whole);
        LiveObject::shared(key.clone(), &*self.api_version, whole, self.piece.clone())
    }

    fn text(&self) -> &str {
        self.whole.get(self.piece.clone()).unwrap_or_default()
    }

    fn place(&self) -> String {
        self.file.place(&self.whole, self.piece.start)
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        let value = |entry: &Self| serde_json::from_str::<Value>(entry.text()).ok();
        self.text() == other.text() || value(self).is_some_and(|v| Some(v) == value(other))
    }
}

/// The recorded objects, by key. An object may have been recorded at several versions.
#[derive(Default)]
pub(super) struct DumpIndex {
    objects: BTreeMap<ResourceKey, Vec<IndexedObject>>,
    first_pages: BTreeMap<GroupKind, String>,
    /// The notes of the snapshots that were read.
    pub notes: Vec<Notes>,
}

impl DumpIndex {
    /// Finds the objects of all inputs.
    pub fn build(inputs: &[DumpInput], warnings: &mut Vec<Warning>) -> Result<Self> {
        let mut pieces = DumpPieces::default();
        for input in inputs {
            pieces.add(input)?;
        }
        let mut index = Self {
            first_pages: pieces.first_pages.into_iter().collect(),
            notes: pieces.notes,
            ..Self::default()
        };
        let entries: Vec<_> = pieces.objects.into_par_iter().map(identify).collect();
        for entry in entries {
            let (key, entry) = entry?;
            index.insert(key, entry, warnings);
        }
        Ok(index)
    }

    /// Returns the recorded versions of an object.
    pub fn get(&self, key: &ResourceKey) -> Option<&[IndexedObject]> {
        self.objects.get(key).map(Vec::as_slice)
    }

    /// Returns every object, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&ResourceKey, &[IndexedObject])> {
        self.objects.iter().map(|(key, entries)| (key, &**entries))
    }

    /// Returns the objects of one kind, whose keys are adjacent.
    pub fn of_kind(
        &self,
        kind: &GroupKind,
    ) -> impl Iterator<Item = (&ResourceKey, &[IndexedObject])> {
        let first = ResourceKey::new(kind.group.clone(), kind.kind.clone(), None, "");
        self.objects
            .range((Bound::Included(first), Bound::Unbounded))
            .take_while(|(key, _)| key.group == kind.group && key.kind == kind.kind)
            .map(|(key, entries)| (key, &**entries))
    }

    /// Returns the position of a list of this kind whose further pages are not in the recording.
    pub fn breaks_off(&self, kind: &GroupKind) -> Option<&str> {
        self.first_pages.get(kind).map(String::as_str)
    }

    /// Adds an object. The last one read is used, unless two differ: then it is unknown which one
    /// is live.
    fn insert(&mut self, key: ResourceKey, mut entry: IndexedObject, warnings: &mut Vec<Warning>) {
        // Almost every object was recorded at one version.
        let entries = self.objects.entry(key);
        let entries = entries.or_insert_with(|| Vec::with_capacity(1));
        let same_version = |other: &&mut IndexedObject| other.api_version == entry.api_version;
        let Some(earlier) = entries.iter_mut().find(same_version) else {
            entries.push(entry);
            return;
        };
        if earlier.says_the_same_as(&entry) {
            warnings.push(Warning::new(
                entry.place(),
                format!(
                    "already recorded at {}, with the same content",
                    earlier.place()
                ),
            ));
        } else {
            entry.contradiction = Some(format!(
                "recorded twice with different content, at {} and {}; keep one of them",
                earlier.place(),
                entry.place()
            ));
        }
        *earlier = entry;
    }
}

fn identify(piece: DumpPiece<'_>) -> Result<(ResourceKey, IndexedObject)> {
    let identity = text::identity(piece.text());
    let lent = piece.lent.as_deref();
    let api_version = identity
        .api_version
        .as_deref()
        .or(lent.map(|lent| &*lent.api_version));
    let kind = identity.kind.as_deref().or(lent.map(|lent| &*lent.kind));
    let (Some(api_version), Some(kind), Some(name)) = (api_version, kind, &identity.name) else {
        bail!(
            "{}: not a Kubernetes object (apiVersion, kind and metadata.name); {HOW_TO_RECORD}",
            piece.place()
        );
    };
    if group_of(api_version) == "meta.k8s.io" {
        bail!(
            "{}: {kind} does not contain whole objects; {HOW_TO_RECORD}",
            piece.place()
        );
    }
    let key = ResourceKey::new(
        group_of(api_version).to_owned(),
        kind.to_owned(),
        identity.namespace.as_deref().map(str::to_owned),
        name.clone().into_owned(),
    );
    let entry = IndexedObject {
        api_version: api_version.to_owned(),
        contradiction: None,
        file: Arc::clone(&piece.input.file),
        whole: Arc::clone(&piece.input.text),
        piece: piece.range,
    };
    Ok((key, entry))
}
