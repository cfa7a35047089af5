//! Reads what Helm deployed, from the records that it keeps in the cluster.

mod record;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::flux::take_live_rules;
use super::text::load_bytes;
use super::{LoadedSource, ManagedObjects, Source};
use crate::cluster::{AccessRight, Live};
use crate::yaml;
use record::ReleaseRecord;

/// The manifests of Helm releases, from the records that Helm keeps in the cluster: neither a chart
/// nor its repository nor `helm` is needed. Hooks are not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmReleases {
    namespace: Option<String>,
    release: Option<String>,
}

impl HelmReleases {
    /// Parses `NAMESPACE/RELEASE`, `NAMESPACE` for all of its releases, or `*` for all releases.
    ///
    /// # Errors
    /// Fails if the argument is something else.
    pub fn named(words: &str) -> Result<Self, String> {
        let (namespace, release) = match words.split_once('/') {
            None => (words, None),
            Some((namespace, release)) => (namespace, Some(release)),
        };
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = |name: &str, dots: bool| {
            !name.is_empty() && name.chars().all(|c| is_part(c) || (dots && c == '.'))
        };
        if words == "*" {
            return Ok(Self {
                namespace: None,
                release: None,
            });
        }
        if !is_name(namespace, false) || release.is_some_and(|release| !is_name(release, true)) {
            return Err(format!(
                "helm:{words} does not name a release; write helm:NAMESPACE/RELEASE, \
                 helm:NAMESPACE or \
                 'helm:*'"
            ));
        }
        Ok(Self {
            namespace: Some(namespace.to_owned()),
            release: release.map(str::to_owned),
        })
    }

    fn place(&self) -> String {
        match (&self.namespace, &self.release) {
            (Some(namespace), Some(release)) => format!("helm:{namespace}/{release}"),
            (Some(namespace), None) => format!("helm:{namespace}"),
            (None, _) => "helm:*".to_owned(),
        }
    }
}

/// The deployed revision of a release.
pub(super) struct Deployed {
    /// Its objects.
    pub loaded: LoadedSource,
    /// Its values, without the defaults of its chart.
    pub values: Value,
    /// The version of its chart.
    pub chart_version: String,
}

impl HelmReleases {
    /// Returns what is deployed of one release; `None` if it has no record.
    ///
    /// # Errors
    /// Fails if the records cannot be read.
    pub(super) fn deployed(&self, live: &dyn Live) -> Result<Option<Deployed>, String> {
        let mut loaded = LoadedSource::default();
        let records = self.records(live, &mut loaded);
        let Some(records) = records else {
            let first = loaded.errors.into_iter().next();
            return Err(first.map_or_else(String::new, |error| error.message));
        };
        if records.is_empty() {
            return Ok(None);
        }
        let parsed = records
            .iter()
            .filter_map(|object| ReleaseRecord::of(object).ok());
        let newest = parsed
            .filter(|record| record.status() == "deployed")
            .max_by_key(|record| record.version);
        let (values, chart_version) = match newest {
            Some(record) => (record.config.clone(), record.chart_version().to_owned()),
            None => (Value::Null, String::new()),
        };
        Ok(Some(Deployed {
            loaded: self.load(live),
            values,
            chart_version,
        }))
    }
}

/// Returns the hooks in the release records of a namespace, by kind and name; `None` if the records
/// cannot be read. A record that is damaged lists none.
pub fn helm_hooks(live: &dyn Live, namespace: &str) -> Option<BTreeSet<(String, String)>> {
    let records = records_of(live, namespace)?;
    Some(records.iter().flat_map(ReleaseRecord::hooks).collect())
}

/// Returns the objects in the current records of a namespace's releases, by release, as kind and
/// name; `None` if the records cannot be read.
pub fn helm_objects(
    live: &dyn Live,
    namespace: &str,
) -> Option<BTreeMap<String, BTreeSet<(String, String)>>> {
    let mut objects: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let records = records_of(live, namespace)?.into_iter();
    for record in records.filter(|record| record.status() != "superseded") {
        let parsed = yaml::parse(&record.manifest);
        let values = parsed.documents.iter().map(|document| &document.value);
        let named = values.filter_map(|value| {
            let text = |path: &str| Some(value.pointer(path)?.as_str()?.to_owned());
            Some((text("/kind")?, text("/metadata/name")?))
        });
        let of_release = objects.entry(record.name.clone()).or_default();
        of_release.extend(named.chain(record.hooks()));
    }
    Some(objects)
}

/// Returns the release records of a namespace; `None` if they cannot be read.
fn records_of(live: &dyn Live, namespace: &str) -> Option<Vec<ReleaseRecord>> {
    let releases = HelmReleases {
        namespace: Some(namespace.to_owned()),
        release: None,
    };
    let records = releases.records(live, &mut LoadedSource::default())?;
    if records.iter().any(ReleaseRecord::is_masked) {
        return None;
    }
    let parsed = records
        .iter()
        .filter_map(|object| ReleaseRecord::of(object).ok());
    Some(parsed.collect())
}

impl Source for HelmReleases {
    fn load(&self, live: &dyn Live) -> LoadedSource {
        let mut loaded = LoadedSource::default();
        let Some(objects) = self.records(live, &mut loaded) else {
            return loaded;
        };
        let mut releases: BTreeMap<(String, String), Vec<ReleaseRecord>> = BTreeMap::new();
        for object in &objects {
            match ReleaseRecord::of(object) {
                Ok(record) => {
                    let key = (namespace_of(object), record.name.clone());
                    releases.entry(key).or_default().push(record);
                }
                Err(why) => loaded.error(
                    format!("helm:{} ({})", namespace_of(object), name_of(object)),
                    format!("cannot read this Helm release record: {why}"),
                ),
            }
        }
        for ((namespace, name), records) in releases {
            let release = StoredRelease {
                place: format!("helm:{namespace}/{name}"),
                namespace: &namespace,
                name: &name,
                is_named: self.release.is_some(),
                live,
            };
            release.read(records, &mut loaded);
        }
        loaded
    }

    fn rights(&self) -> Vec<AccessRight> {
        self.rights_on_records()
    }
}

/// A release, and how it was requested.
struct StoredRelease<'r> {
    place: String,
    namespace: &'r str,
    name: &'r str,
    /// Whether it was requested by name.
    is_named: bool,
    /// Where Flux's information about it is.
    live: &'r dyn Live,
}

impl StoredRelease<'_> {
    /// Reads the deployed revision.
    fn read(&self, mut records: Vec<ReleaseRecord>, loaded: &mut LoadedSource) {
        records.sort_by_key(|record| record.version);
        let newest = records
            .last()
            .map(|record| (record.version, record.status().to_owned()));
        let deployed = records
            .iter()
            .rposition(|record| record.status() == "deployed");
        let (Some(deployed), Some((version, status))) = (deployed, newest) else {
            let status = records.last().map_or("unknown", ReleaseRecord::status);
            return self.not_deployed(status, loaded);
        };
        let record = records.swap_remove(deployed);
        if record.version != version {
            let message = format!(
                "revision {version} is {status}: comparing revision {}, the last one that was \
                 deployed",
                record.version
            );
            loaded.warning(&self.place, message);
        }
        self.read_manifest(record, loaded);
    }

    /// Reports a release without a deployed revision. Of an uninstalled release, Helm keeps the
    /// history at most, and `helm list` no longer shows it.
    fn not_deployed(&self, status: &str, loaded: &mut LoadedSource) {
        let Self {
            place,
            namespace,
            name,
            ..
        } = self;
        match (status, self.is_named) {
            ("uninstalled", false) => {
                loaded.skip(place, "it is uninstalled and no longer declares anything");
            }
            ("uninstalled", true) => loaded.error(
                place,
                "this release is uninstalled and no longer declares anything; Helm kept its \
                 history",
            ),
            (status, _) => loaded.error(
                place,
                format!(
                    "no revision of this release is deployed; the last one is {status}: look at \
                     `helm status {name} -n {namespace}`, and upgrade or uninstall it"
                ),
            ),
        }
    }

    fn read_manifest(&self, record: ReleaseRecord, loaded: &mut LoadedSource) {
        let name = format!("{} rev {}", self.place, record.version);
        let namespace = match record.namespace.as_str() {
            "" => self.namespace,
            own => own,
        };
        let mut of_release = LoadedSource::default();
        let templates = ReleaseTemplates::of(&record.manifest);
        load_bytes(&name, record.manifest.into_bytes(), &mut of_release);
        for manifest in &mut of_release.manifests {
            manifest
                .namespace
                .get_or_insert_with(|| namespace.to_owned());
            manifest.origin.rendered_by = templates.before(manifest.origin.line);
        }
        let manifests = std::mem::take(&mut of_release.manifests);
        take_live_rules(&manifests, self.live, &self.place, &mut of_release);
        of_release.manifests = manifests;
        of_release.managed.push(ManagedObjects::Helm {
            release: record.name,
            namespace: namespace.to_owned(),
        });
        loaded.append(of_release);
    }
}

/// Returns the templates of a manifest from its comments: Helm writes `# Source:` before the output
/// of each (`helm/pkg/action/action.go`, `renderResources`).
struct ReleaseTemplates(BTreeMap<usize, Arc<str>>);

impl ReleaseTemplates {
    fn of(manifest: &str) -> Self {
        let lines = manifest.lines().enumerate();
        let named = lines.filter_map(|(i, line)| {
            let template = line.strip_prefix("# Source: ")?.trim();
            Some((i + 1, Arc::from(template)))
        });
        Self(named.collect())
    }

    fn before(&self, line: usize) -> Option<Arc<str>> {
        let (_, template) = self.0.range(..=line).next_back()?;
        Some(Arc::clone(template))
    }
}

fn namespace_of(object: &Value) -> String {
    text_at(object, "/metadata/namespace")
}

fn name_of(object: &Value) -> String {
    text_at(object, "/metadata/name")
}

fn text_at(object: &Value, pointer: &str) -> String {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_named_by_namespace() {
        let place = |words: &str| HelmReleases::named(words).map(|releases| releases.place());
        for words in ["shop/cart", "shop", "*"] {
            assert_eq!(place(words), Ok(format!("helm:{words}")));
        }
        for words in [
            "",
            "shop/",
            "/cart",
            "shop/*",
            "a/b/c",
            "shop,status=failed",
            "../x",
        ] {
            assert!(place(words).is_err(), "{words}");
        }
    }
}
