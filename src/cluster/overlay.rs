//! A live side that was read once, with some objects replaced.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::{
    Apply, Discovery, FetchRequest, KindLookup, Live, LiveObject, ObjectRequest, Predict,
    Prediction, Query, Read, ReadResult, ReadResults, ServedKind,
};
use crate::model::{ReportTarget, ResourceKey, Warning};

/// An `(apiVersion, kind)`.
type OverlayKind = (String, String);

/// The live side as it was first read, except for objects that were replaced: by the server's
/// prediction of a write, or by the state after it. The same comparison can then be made of each
/// state, and of several declared sides, and nothing is read twice.
pub struct Overlay<'l> {
    live: &'l dyn Live,
    seen: RefCell<FirstRead>,
    instead: RefCell<BTreeMap<ResourceKey, ReadResult>>,
}

/// The results of the first read.
#[derive(Default)]
struct FirstRead {
    lookups: BTreeMap<OverlayKind, KindLookup>,
    answers: BTreeMap<ResourceKey, ReadResult>,
    schemas: BTreeMap<String, Option<Value>>,
    kinds: BTreeMap<ResourceKey, Arc<ServedKind>>,
    extra: Vec<LiveObject>,
    extra_kinds: BTreeSet<ServedKind>,
    extra_unread: BTreeSet<String>,
    has_extra: bool,
}

impl<'l> Overlay<'l> {
    /// Returns an overlay without replaced objects.
    pub fn of(live: &'l dyn Live) -> Self {
        Self {
            live,
            seen: RefCell::default(),
            instead: RefCell::default(),
        }
    }

    /// Shows these objects instead of those that were read.
    pub fn show(&self, answers: BTreeMap<ResourceKey, ReadResult>) {
        self.instead.replace(answers);
    }

    /// Returns an object as it was first read, with how its kind is served.
    pub fn read_object(&self, key: &ResourceKey) -> Option<(ObjectRequest, LiveObject)> {
        let seen = self.seen.borrow();
        if let Some(ReadResult::Found(object)) = seen.answers.get(key) {
            let kind = seen.kinds.get(key)?.clone();
            let key = key.clone();
            return Some((ObjectRequest { key, kind }, object.clone()));
        }
        let object = seen.extra.iter().find(|object| &object.key == key)?;
        let mut kinds = seen.extra_kinds.iter();
        let kind = kinds
            .find(|kind| kind.api_version == object.api_version && kind.kind == object.key.kind)?;
        Some((
            ObjectRequest {
                key: key.clone(),
                kind: kind.clone().into(),
            },
            object.clone(),
        ))
    }

    /// Returns how the kind of a requested object is served, whether the object exists or not.
    pub fn wanted(&self, key: &ResourceKey) -> Option<ObjectRequest> {
        let kind = self.seen.borrow().kinds.get(key)?.clone();
        let key = key.clone();
        Some(ObjectRequest { key, kind })
    }

    /// Returns whether all objects of a kind were read in a search for undeclared ones.
    pub fn is_listed_completely(&self, key: &ResourceKey) -> bool {
        let kind = key.group_kind().to_string();
        !self.seen.borrow().extra_unread.contains(&kind)
    }
}

impl Discovery for Overlay<'_> {
    fn target(&self) -> ReportTarget {
        self.live.target()
    }

    fn default_namespace(&self) -> Option<String> {
        self.live.default_namespace()
    }

    fn resolve(
        &self,
        kinds: &BTreeSet<OverlayKind>,
        declared_crds: &[&Value],
    ) -> anyhow::Result<BTreeMap<OverlayKind, KindLookup>> {
        let mut seen = self.seen.borrow_mut();
        // A kind that is not served may be defined by other manifests than those of the last time.
        let is_served =
            |kind: &OverlayKind| matches!(seen.lookups.get(kind), Some(KindLookup::Served(_)));
        let unknown = kinds.iter().filter(|kind| !is_served(kind)).cloned();
        let unknown: BTreeSet<OverlayKind> = unknown.collect();
        if !unknown.is_empty() {
            let lookups = self.live.resolve(&unknown, declared_crds)?;
            seen.lookups.extend(lookups);
        }
        let known = seen.lookups.iter().filter(|(kind, _)| kinds.contains(kind));
        Ok(known.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn schema(&self, api_version: &str) -> anyhow::Result<Option<Value>> {
        if let Some(known) = self.seen.borrow().schemas.get(api_version) {
            return Ok(known.clone());
        }
        let schema = self.live.schema(api_version)?;
        let mut seen = self.seen.borrow_mut();
        seen.schemas.insert(api_version.to_owned(), schema.clone());
        Ok(schema)
    }

    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        self.live.kinds()
    }

    fn api_versions(&self) -> BTreeSet<String> {
        self.live.api_versions()
    }
}

impl Read for Overlay<'_> {
    fn fetch(&self, request: &FetchRequest) -> anyhow::Result<ReadResults> {
        let mut seen = self.seen.borrow_mut();
        let mut missing = request.clone();
        missing
            .wanted
            .retain(|wanted| !seen.answers.contains_key(&wanted.key));
        let wants_extra = !request.extra_in.is_empty();
        let mut fetched = ReadResults::default();
        if !missing.wanted.is_empty() || (wants_extra && !seen.has_extra) {
            if seen.has_extra {
                missing.extra_in = Default::default();
            }
            fetched = self.live.fetch(&missing)?;
            seen.answers.append(&mut fetched.answers);
            if wants_extra && !seen.has_extra {
                seen.has_extra = true;
                seen.extra = std::mem::take(&mut fetched.extra);
                seen.extra_kinds = std::mem::take(&mut fetched.extra_kinds);
                seen.extra_unread = std::mem::take(&mut fetched.extra_unread);
            }
        }
        for wanted in &request.wanted {
            seen.kinds.insert(wanted.key.clone(), wanted.kind.clone());
        }
        let instead = self.instead.borrow();
        let answer = |wanted: &ObjectRequest| {
            let key = &wanted.key;
            let answer = instead.get(key).or_else(|| seen.answers.get(key))?;
            Some((key.clone(), answer.clone()))
        };
        fetched.answers = request.wanted.iter().filter_map(answer).collect();
        if wants_extra {
            let is_gone =
                |object: &&LiveObject| matches!(instead.get(&object.key), Some(ReadResult::Absent));
            // What was read before was not wanted in the search.
            let wanted: BTreeSet<&ResourceKey> = request.wanted.iter().map(|w| &w.key).collect();
            let extra = seen.extra.iter().filter(|object| !is_gone(object));
            let extra = extra.filter(|object| !wanted.contains(&object.key));
            fetched.extra = extra.cloned().collect();
            fetched.extra_kinds = seen.extra_kinds.clone();
            fetched.extra_unread = seen.extra_unread.clone();
        }
        Ok(fetched)
    }

    fn list(&self, query: &Query<'_>) -> anyhow::Result<Vec<Value>> {
        self.live.list(query)
    }

    fn related(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
        self.live.related(api_version, kind, namespace)
    }

    fn cut_short(&self) -> Option<Warning> {
        self.live.cut_short()
    }
}

impl Predict for Overlay<'_> {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        self.live.predict(applies)
    }
}
