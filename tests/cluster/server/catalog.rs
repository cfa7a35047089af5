//! The resources that the cluster serves, and the discovery documents about them.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};

/// How discovery requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// Everything in two documents, as servers since 1.26 do.
    Aggregated,
    /// Group by group.
    Legacy,
    /// In two documents, in which the version of the custom resources is `Stale`.
    Stale,
}

/// A resource of one version.
#[derive(Debug, Clone)]
pub struct Resource {
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
    /// Whether a CustomResourceDefinition defines it.
    pub custom: bool,
    verbs: Value,
}

/// All served resources.
#[derive(Clone)]
pub struct Catalog {
    /// The two aggregated documents, for `/api` and `/apis`.
    core: Value,
    named: Value,
    /// By `apiVersion` and plural.
    pub resources: BTreeMap<(String, String), Resource>,
}

impl Catalog {
    /// Returns the recorded discovery of a plain cluster, with the kinds of these definitions.
    pub fn with_definitions<'v>(definitions: impl Iterator<Item = &'v Value>) -> Self {
        let core = recorded("api.aggregated.json.gz");
        let mut named = recorded("apis.aggregated.json.gz");
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut custom = Vec::new();
        for definition in definitions {
            let group = definition["spec"]["group"].as_str().unwrap().to_owned();
            let versions = groups.entry(group.clone()).or_default();
            for version in definition["spec"]["versions"].as_array().unwrap() {
                add(versions, version["name"].as_str().unwrap(), definition);
            }
            custom.push(group);
        }
        let groups = groups
            .into_iter()
            .map(|(group, versions)| json!({"metadata": {"name": group}, "versions": versions}));
        named["items"].as_array_mut().unwrap().extend(groups);
        let mut resources = BTreeMap::new();
        for document in [&core, &named] {
            for (group, version) in versions(document) {
                let is_custom =
                    custom.contains(&group["metadata"]["name"].as_str().unwrap_or("").to_owned());
                for resource in version["resources"].as_array().unwrap() {
                    let plural = resource["resource"].as_str().unwrap().to_owned();
                    let entry = Resource {
                        kind: resource["responseKind"]["kind"]
                            .as_str()
                            .unwrap()
                            .to_owned(),
                        plural: plural.clone(),
                        namespaced: resource["scope"] == "Namespaced",
                        custom: is_custom,
                        verbs: resource["verbs"].clone(),
                    };
                    resources.insert((api_version(group, version), plural), entry);
                }
            }
        }
        Self {
            core,
            named,
            resources,
        }
    }

    /// Returns a discovery document; `None` for any other path.
    pub fn document(&self, path: &str, aggregated: bool, how: Discovery) -> Option<Value> {
        let aggregated = aggregated && how != Discovery::Legacy;
        match path {
            "/api" if aggregated => Some(self.core.clone()),
            "/apis" if aggregated => Some(self.aggregated(how)),
            "/api" => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
            "/apis" => Some(self.groups()),
            _ => {
                let version = path.strip_prefix("/apis/").or(path.strip_prefix("/api/"))?;
                self.list_of(version)
            }
        }
    }

    fn aggregated(&self, how: Discovery) -> Value {
        let mut document = self.named.clone();
        if how == Discovery::Stale {
            let groups = document["items"].as_array_mut().unwrap();
            for version in groups.last_mut().unwrap()["versions"]
                .as_array_mut()
                .unwrap()
            {
                version["freshness"] = "Stale".into();
                version["resources"] = json!([]);
            }
        }
        document
    }

    /// `APIGroupList`
    fn groups(&self) -> Value {
        let groups = self.named["items"].as_array().unwrap().iter().map(|group| {
            let versions: Vec<Value> = group["versions"].as_array().unwrap().iter().map(
                |version| json!({"groupVersion": api_version(group, version), "version": version["version"]}),
            ).collect();
            json!({"name": group["metadata"]["name"], "preferredVersion": versions[0], "versions": versions})
        });
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
    }

    /// `APIResourceList`
    fn list_of(&self, version: &str) -> Option<Value> {
        let resources: Vec<Value> = self
            .resources
            .iter()
            .filter(|((api_version, _), _)| api_version == version)
            .map(|((_, plural), resource)| {
                json!({"name": plural, "kind": resource.kind, "namespaced": resource.namespaced,
                    "singularName": "", "verbs": resource.verbs})
            })
            .collect();
        (!resources.is_empty()).then(|| {
            json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
                "resources": resources})
        })
    }
}

/// Adds a definition's kind to one version of its group.
fn add(versions: &mut Vec<Value>, name: &str, definition: &Value) {
    let names = &definition["spec"]["names"];
    let resource = json!({
        "resource": names["plural"], "responseKind": {"kind": names["kind"]},
        "scope": if definition["spec"]["scope"] == "Namespaced" { "Namespaced" } else { "Cluster" },
        "singularResource": names["singular"],
        "shortNames": names["shortNames"].as_array().cloned().unwrap_or_default(),
        "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
    });
    let known = versions
        .iter_mut()
        .find(|version| version["version"] == name);
    match known {
        Some(version) => version["resources"].as_array_mut().unwrap().push(resource),
        None => {
            versions.push(json!({"version": name, "freshness": "Current", "resources": [resource]}))
        }
    }
}

fn versions(document: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = document["items"].as_array().unwrap().iter();
    groups.flat_map(|group| {
        let versions = group["versions"].as_array().unwrap().iter();
        versions.map(move |version| (group, version))
    })
}

fn api_version(group: &Value, version: &Value) -> String {
    let version = version["version"].as_str().unwrap();
    match group["metadata"]["name"].as_str() {
        Some(group) => format!("{group}/{version}"),
        None => version.to_owned(),
    }
}

fn recorded(name: &str) -> Value {
    let path = format!("{}/fixtures/apiserver/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}
