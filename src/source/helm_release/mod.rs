//! What Helm itself says that it deployed, as it wrote it down in the cluster.

mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::text::load_bytes;
use super::{Loaded, Source};
use crate::cluster::{Label, Live, Query};
use record::Record;

/// The manifests of Helm releases, from the records that Helm keeps in the cluster: neither a
/// chart nor its repository nor `helm` is needed. Hooks come and go with a release, and are not
/// among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmReleases {
    namespace: Option<String>,
    release: Option<String>,
}

impl HelmReleases {
    /// `NAMESPACE/RELEASE`, `NAMESPACE` for all of its releases, or `*` for all there are.
    ///
    /// # Errors
    /// When the words name something else.
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
                "helm:{words} names no release; write helm:NAMESPACE/RELEASE, helm:NAMESPACE or \
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

    /// The objects that hold records. Helm keeps them in Secrets, unless it is told to use
    /// ConfigMaps (`HELM_DRIVER`).
    fn records(&self, live: &dyn Live) -> Result<Vec<Value>, String> {
        // https://github.com/helm/helm/blob/main/pkg/storage/driver/secrets.go, newSecretsObject.
        // History is most of what there is.
        let mut labels = vec![
            Label::Is("owner", "helm"),
            Label::IsNot("status", "superseded"),
        ];
        labels.extend(self.release.as_deref().map(|name| Label::Is("name", name)));
        let query = |kind| Query {
            api_version: "v1",
            kind,
            namespace: self.namespace.as_deref(),
            labels: &labels,
            metadata_only: false,
        };
        let list = |kind| live.list(&query(kind)).map_err(|error| error.to_string());
        let secrets = list("Secret")?;
        if secrets.is_empty() {
            return list("ConfigMap");
        }
        Ok(secrets)
    }
}

impl Source for HelmReleases {
    fn load(&self, live: &dyn Live) -> Loaded {
        let mut loaded = Loaded::default();
        let objects = match self.records(live) {
            Ok(objects) => objects,
            Err(why) => {
                let message = format!("the records of Helm cannot be read: {why}");
                loaded.error(self.place(), message);
                return loaded;
            }
        };
        let mut releases: BTreeMap<(String, String), Vec<Record>> = BTreeMap::new();
        for object in &objects {
            match Record::of(object) {
                Ok(record) => {
                    let key = (namespace_of(object), record.name.clone());
                    releases.entry(key).or_default().push(record);
                }
                Err(why) => loaded.error(
                    format!("helm:{} ({})", namespace_of(object), name_of(object)),
                    format!("this record of Helm cannot be read: {why}"),
                ),
            }
        }
        if objects.is_empty() {
            loaded.error(
                self.place(),
                "there is no such release: `helm list --all-namespaces` shows what there is; a \
                 recording holds releases when it was made with Secrets",
            );
        }
        for ((namespace, name), records) in releases {
            read_release(&namespace, &name, records, &mut loaded);
        }
        loaded
    }
}

/// Reads what is deployed of a release.
fn read_release(namespace: &str, name: &str, mut records: Vec<Record>, loaded: &mut Loaded) {
    let place = format!("helm:{namespace}/{name}");
    records.sort_by_key(|record| record.version);
    let newest = records
        .last()
        .map(|record| (record.version, record.status().to_owned()));
    let deployed = records
        .iter()
        .rposition(|record| record.status() == "deployed");
    let (Some(deployed), Some((version, status))) = (deployed, newest) else {
        let status = records.last().map_or("unknown", Record::status);
        return loaded.error(
            place,
            format!("no revision of this release is deployed; the last one is {status}"),
        );
    };
    let record = records.swap_remove(deployed);
    if record.version != version {
        loaded.warning(
            &place,
            format!(
                "revision {version} is {status}: what is compared is revision {}, the last one \
                 that was deployed",
                record.version
            ),
        );
    }
    read_manifest(&place, namespace, record, loaded);
}

fn read_manifest(place: &str, namespace: &str, record: Record, loaded: &mut Loaded) {
    let name = format!("{place} rev {}", record.version);
    let namespace = if record.namespace.is_empty() {
        namespace
    } else {
        &record.namespace
    };
    let mut of_release = Loaded::default();
    let templates = Templates::of(&record.manifest);
    load_bytes(&name, record.manifest.into_bytes(), &mut of_release);
    for manifest in &mut of_release.manifests {
        manifest
            .namespace
            .get_or_insert_with(|| namespace.to_owned());
        manifest.origin.rendered_by = templates.before(manifest.origin.line);
    }
    loaded.append(of_release);
}

/// The templates of a manifest by the lines that name them: Helm writes `# Source:` before what
/// each of them became (`helm/pkg/action/action.go`, `renderResources`).
struct Templates(BTreeMap<usize, Arc<str>>);

impl Templates {
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
