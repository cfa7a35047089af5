//! Shares one read of the live side between two comparisons.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::{
    Answer, Apply, Discovery, FetchRequest, Fetched, KindLookup, Live, LiveObject, Predict,
    Prediction, Query, Read, ServedKind,
};
use crate::model::{ResourceKey, Target, Warning};

/// An `(apiVersion, kind)`.
type Kind = (String, String);

/// The live side as first read. Both comparisons see the same state, and nothing is read twice.
pub struct Cached<'l> {
    live: &'l dyn Live,
    lookups: RefCell<BTreeMap<Kind, KindLookup>>,
    answers: RefCell<BTreeMap<ResourceKey, Answer>>,
    schemas: RefCell<BTreeMap<String, Option<Value>>>,
}

impl<'l> Cached<'l> {
    pub fn of(live: &'l dyn Live) -> Self {
        Self {
            live,
            lookups: RefCell::default(),
            answers: RefCell::default(),
            schemas: RefCell::default(),
        }
    }

    /// Returns an object, if it was read and exists.
    pub fn found(&self, key: &ResourceKey) -> Option<LiveObject> {
        match self.answers.borrow().get(key) {
            Some(Answer::Found(object)) => Some(object.clone()),
            Some(Answer::Absent | Answer::Unread(_)) | None => None,
        }
    }
}

impl Discovery for Cached<'_> {
    fn target(&self) -> Target {
        self.live.target()
    }

    fn default_namespace(&self) -> Option<String> {
        self.live.default_namespace()
    }

    fn resolve(
        &self,
        kinds: &BTreeSet<Kind>,
        declared_crds: &[&Value],
    ) -> anyhow::Result<BTreeMap<Kind, KindLookup>> {
        let mut known = self.lookups.borrow_mut();
        // A kind that is not served may be defined by the manifests of the other side.
        let is_served = |kind: &Kind| matches!(known.get(kind), Some(KindLookup::Served(_)));
        let unknown: BTreeSet<Kind> = kinds
            .iter()
            .filter(|kind| !is_served(kind))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            known.extend(self.live.resolve(&unknown, declared_crds)?);
        }
        let known = known.iter().filter(|(kind, _)| kinds.contains(kind));
        Ok(known
            .map(|(k, lookup)| (k.clone(), lookup.clone()))
            .collect())
    }

    fn schema(&self, api_version: &str) -> anyhow::Result<Option<Value>> {
        if let Some(known) = self.schemas.borrow().get(api_version) {
            return Ok(known.clone());
        }
        let schema = self.live.schema(api_version)?;
        let mut known = self.schemas.borrow_mut();
        known.insert(api_version.to_owned(), schema.clone());
        Ok(schema)
    }

    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        self.live.kinds()
    }

    fn api_versions(&self) -> BTreeSet<String> {
        self.live.api_versions()
    }
}

impl Read for Cached<'_> {
    fn fetch(&self, request: &FetchRequest) -> anyhow::Result<Fetched> {
        let mut known = self.answers.borrow_mut();
        let mut missing = request.clone();
        missing
            .wanted
            .retain(|wanted| !known.contains_key(&wanted.key));
        let mut fetched = self.live.fetch(&missing)?;
        known.append(&mut fetched.answers);
        let wanted: BTreeSet<&ResourceKey> = request.wanted.iter().map(|w| &w.key).collect();
        let answers = known.iter().filter(|(key, _)| wanted.contains(key));
        fetched.answers = answers
            .map(|(k, answer)| (k.clone(), answer.clone()))
            .collect();
        fetched.extra.retain(|object| !wanted.contains(&object.key));
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

impl Predict for Cached<'_> {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        self.live.predict(applies)
    }
}
