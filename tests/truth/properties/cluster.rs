//! Real objects paired with their manifests, and a live side with given objects.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;

use driftctl::cluster::{
    Apply, Discovery, Dump, FetchRequest, KindLookup, Live, LiveObject, Predict, Prediction, Query,
    Read, ReadResult, ReadResults, ServedKind, unpredicted,
};
use driftctl::engine::{self, Options};
use driftctl::model::{
    GroupKind, JudgedChange, Manifest, Report, ReportTarget, ResourceKey, Warning,
};
use driftctl::policy::RuleSet;
use driftctl::schema::{Schema, TypeId};
use driftctl::source::{FilesSource, LoadedSource, Source};
use serde_json::{Value, json};

/// A recorded cluster, and the manifests that were applied to it.
pub struct Cluster {
    /// The scenario's name.
    pub name: String,
    /// The manifests with their live objects, as far as they are in sync.
    pub pairs: Vec<Pair>,
    lookups: BTreeMap<(String, String), KindLookup>,
    definitions: Vec<Value>,
    custom: Schema,
    live: BTreeMap<ResourceKey, Value>,
}

/// A manifest and its live object.
#[derive(Clone)]
pub struct Pair {
    pub key: ResourceKey,
    pub manifest: Manifest,
    pub live: Value,
}

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

impl Cluster {
    /// Reads a scenario.
    pub fn read(name: &str) -> Self {
        let recording = fixture(&format!("driftbench/{name}/live.json.gz"));
        let manifests = FilesSource::new([fixture("shop/manifests")])
            .read()
            .manifests;
        let dump = Dump::read(std::slice::from_ref(&recording)).unwrap();
        let kinds = manifests
            .iter()
            .map(|m| (m.api_version.clone(), m.kind.clone()))
            .collect();
        let live = live_objects(&recording);
        let definitions: Vec<Value> = live
            .values()
            .filter(|value| value["kind"] == "CustomResourceDefinition")
            .cloned()
            .collect();
        let mut custom = Schema::default();
        for definition in &definitions {
            custom.merge(Schema::from_crd(definition));
        }
        let mut cluster = Self {
            name: name.to_owned(),
            pairs: Vec::new(),
            lookups: dump.resolve(&kinds, &[]).unwrap(),
            definitions,
            custom,
            live,
        };
        cluster.pairs = cluster.in_sync(&manifests);
        cluster
    }

    /// Returns the pairs that a comparison finds in sync.
    fn in_sync(&self, manifests: &[Manifest]) -> Vec<Pair> {
        let report = self.compare(manifests, &self.live);
        let in_sync = report.objects.iter().filter(|object| {
            object.status() == driftctl::model::ObjectStatus::InSync && object.origin.is_some()
        });
        let pair = |object: &driftctl::model::ObjectReport| Pair {
            key: object.key.clone(),
            manifest: manifests
                .iter()
                .find(|manifest| Some(&manifest.origin) == object.origin.as_ref())
                .unwrap()
                .clone(),
            live: self.live[&object.key].clone(),
        };
        in_sync.map(pair).collect()
    }

    /// Returns the type of an object.
    pub fn schema_of(&self, object: &Value) -> (&Schema, Option<TypeId>) {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        match Schema::builtin().kind(api_version, kind) {
            Some(ty) => (Schema::builtin(), Some(ty)),
            None => (&self.custom, self.custom.kind(api_version, kind)),
        }
    }

    /// Compares manifests with live objects.
    pub fn compare(&self, manifests: &[Manifest], live: &BTreeMap<ResourceKey, Value>) -> Report {
        let source: Vec<Box<dyn Source>> = vec![Box::new(Given(manifests.to_vec()))];
        let side = Side {
            cluster: self,
            live,
        };
        let options = Options {
            explain: true,
            ..Options::default()
        };
        engine::run(&source, &side, RuleSet::builtin(), &options).unwrap()
    }

    /// Returns what is found in one pair, explained or not.
    pub fn found(&self, pair: &Pair) -> Vec<JudgedChange> {
        let live = [(pair.key.clone(), pair.live.clone())].into();
        let report = self.compare(std::slice::from_ref(&pair.manifest), &live);
        let [object] = report.objects.as_slice() else {
            panic!("one object, one report: {report:?}");
        };
        let unreadable = object
            .reason
            .as_ref()
            .is_some_and(|_| object.drifts.is_empty());
        assert!(!unreadable, "{}: {:?}", pair.key, object.reason);
        object.drifts.clone()
    }
}

fn live_objects(recording: &PathBuf) -> BTreeMap<ResourceKey, Value> {
    let bytes = std::fs::read(recording).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let list: Value = serde_json::from_str(&text).unwrap();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| (key_of(item), item.clone()))
        .collect()
}

/// Returns the identity of a live object.
pub fn key_of(object: &Value) -> ResourceKey {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let GroupKind { group, kind } =
        GroupKind::new(&text(&object["apiVersion"]), &text(&object["kind"]));
    ResourceKey::new(
        group,
        kind,
        object["metadata"]["namespace"].as_str().map(str::to_owned),
        text(&object["metadata"]["name"]),
    )
}

/// A source of given manifests.
struct Given(Vec<Manifest>);

impl Source for Given {
    fn load(&self, _: &dyn Live) -> LoadedSource {
        LoadedSource {
            manifests: self.0.clone(),
            ..LoadedSource::default()
        }
    }
}

/// A live side with given objects.
struct Side<'c> {
    cluster: &'c Cluster,
    live: &'c BTreeMap<ResourceKey, Value>,
}

impl Discovery for Side<'_> {
    fn target(&self) -> ReportTarget {
        ReportTarget::default()
    }

    fn default_namespace(&self) -> Option<String> {
        None
    }

    fn resolve(
        &self,
        kinds: &BTreeSet<(String, String)>,
        _: &[&Value],
    ) -> anyhow::Result<BTreeMap<(String, String), KindLookup>> {
        let lookups = self.cluster.lookups.iter();
        let wanted = lookups.filter(|(kind, _)| kinds.contains(*kind));
        Ok(wanted
            .map(|(kind, lookup)| (kind.clone(), lookup.clone()))
            .collect())
    }

    fn schema(&self, api_version: &str) -> anyhow::Result<Option<Value>> {
        let group = driftctl::model::group_of(api_version);
        let items: Vec<&Value> = self
            .cluster
            .definitions
            .iter()
            .filter(|definition| definition["spec"]["group"] == group)
            .collect();
        Ok((!items.is_empty()).then(|| json!({"kind": "List", "items": items})))
    }

    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        (Vec::new(), Vec::new())
    }

    fn api_versions(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

impl Read for Side<'_> {
    fn fetch(&self, request: &FetchRequest) -> anyhow::Result<ReadResults> {
        let answer = |key: &ResourceKey| match self.live.get(key) {
            Some(live) => {
                let api_version = live["apiVersion"].as_str().unwrap_or_default();
                ReadResult::Found(LiveObject::from_value(key.clone(), api_version, live))
            }
            None => ReadResult::Absent,
        };
        let wanted = request.wanted.iter();
        Ok(ReadResults {
            answers: wanted.map(|w| (w.key.clone(), answer(&w.key))).collect(),
            ..ReadResults::default()
        })
    }

    fn list(&self, _: &Query<'_>) -> anyhow::Result<Vec<Value>> {
        Ok(Vec::new())
    }

    fn related(&self, _: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
        let same = |key: &ResourceKey| {
            key.kind == kind && key.namespace.as_deref().unwrap_or_default() == namespace
        };
        let objects = self.cluster.live.iter().filter(|(key, _)| same(key));
        Some(objects.map(|(_, value)| value.clone()).collect())
    }

    fn cut_short(&self) -> Option<Warning> {
        None
    }
}

impl Predict for Side<'_> {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        unpredicted(applies, "this cluster predicts nothing")
    }
}
