//! Reads the kinds that the API server serves from its discovery documents.
//!
//! Servers since 1.26 describe everything in two documents. Older servers, and proxies in front of
//! them, respond to the same two requests with a list of groups, whose versions are then requested
//! one by one, as needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::cluster::{KindLookup, ServedKind};
use crate::model::{Warning, group_of};
use crate::schema::did_you_mean;
use crate::schema::{replacement, successor};

/// A kind at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub plural: String,
    pub kind: String,
    pub namespaced: bool,
    pub short_names: Vec<String>,
    pub can_get: bool,
    pub can_list: bool,
}

/// A part of the API that could not be discovered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DiscoveryGap {
    /// A version of a group, or a root: `batch/v1`, `/apis`.
    pub what: String,
    /// The reason.
    pub why: String,
}

impl DiscoveryGap {
    /// Returns a gap with its reason.
    pub fn new(what: &str, why: impl ToString) -> Self {
        Self {
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}

impl fmt::Display for DiscoveryGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "discovery of {} failed: {}", self.what, self.why)
    }
}

/// The known facts about one version of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resources {
    /// Its resources.
    Known(Vec<Resource>),
    /// It has not been requested yet.
    NotAsked,
    /// It could not be discovered.
    Broken(DiscoveryGap),
}

/// A root of the API: the core group, or all other groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApiRoot {
    /// Its groups, each with its versions in the server's order of preference.
    Known(BTreeMap<String, Vec<(String, Resources)>>),
    /// It could not be discovered.
    Broken(DiscoveryGap),
    /// It was not needed.
    NotAsked,
}

/// Everything that the API server serves.
#[derive(Debug, Clone)]
pub(super) struct Catalog {
    pub core: ApiRoot,
    pub named: ApiRoot,
}

/// The groups of computed objects, which are neither stored nor declared. The servers behind them
/// are the ones that fail most often.
const COMPUTED: [&str; 3] = [
    "metrics.k8s.io",
    "custom.metrics.k8s.io",
    "external.metrics.k8s.io",
];

impl Catalog {
    /// Looks up a kind; a kind at a removed version is looked up at its replacement.
    pub fn lookup(&self, api_version: &str, kind: &str) -> KindLookup {
        let why = match self.find(api_version, kind) {
            KindLookup::NotServed(why) => why,
            found => return found,
        };
        let current = successor(api_version, kind).map(|current| self.find(current, kind));
        if let Some(found @ (KindLookup::Served(_) | KindLookup::Unknown(_))) = current {
            return found;
        }
        // An older server may have the group without the version of the replacement.
        let is_to_come = |version: &str| {
            let versions = self.groups().find(|(group, _)| *group == group_of(version));
            versions.is_some() && !self.has_version(version)
        };
        let gone = replacement(api_version, kind);
        let gone = gone.filter(|gone| !gone.use_instead.is_some_and(is_to_come));
        KindLookup::NotServed(match gone {
            Some(gone) => format!("{why}; {kind} at {api_version} {gone}"),
            None => why,
        })
    }

    fn find(&self, api_version: &str, kind: &str) -> KindLookup {
        let group = group_of(api_version);
        let root = if group.is_empty() {
            &self.core
        } else {
            &self.named
        };
        let groups = match root {
            ApiRoot::Known(groups) => groups,
            ApiRoot::Broken(gap) => return KindLookup::Unknown(gap.to_string()),
            ApiRoot::NotAsked => return KindLookup::Unknown("it was not requested".to_owned()),
        };
        let Some(versions) = groups.get(group) else {
            return KindLookup::NotServed(self.no_group(group, kind));
        };
        let mut elsewhere = Vec::new();
        let mut broken = None;
        for (version, resources) in versions {
            match resources {
                Resources::Known(known) => {
                    let Some(resource) = known.iter().find(|resource| resource.kind == kind) else {
                        continue;
                    };
                    if version == api_version {
                        return served(version, resource);
                    }
                    elsewhere.push(version.as_str());
                }
                Resources::Broken(gap) if version == api_version => {
                    return KindLookup::Unknown(gap.to_string());
                }
                Resources::Broken(gap) => broken = Some(gap.to_string()),
                Resources::NotAsked => broken = Some("it was not requested".to_owned()),
            }
        }
        match (elsewhere.as_slice(), broken) {
            ([], Some(reason)) => KindLookup::Unknown(reason),
            ([], None) => KindLookup::NotServed(format!(
                "the API server serves the group {group}, which has no kind {kind}{}",
                did_you_mean(group, kind)
            )),
            (versions, _) => KindLookup::NotServed(format!(
                "the API server does not serve {kind} at {api_version}; use {}",
                versions.join(" or ")
            )),
        }
    }

    fn no_group(&self, group: &str, kind: &str) -> String {
        let moved: Vec<&str> = self
            .groups()
            .flat_map(|(_, versions)| versions)
            .filter(|(_, resources)| {
                matches!(resources, Resources::Known(known) if known.iter().any(|r| r.kind == kind))
            })
            .map(|(version, _)| version.as_str())
            .collect();
        if moved.is_empty() {
            format!(
                "the API server has no group {group}; is the CustomResourceDefinition of {kind} \
                 installed?"
            )
        } else {
            format!(
                "the API server has no group {group}; it serves {kind} at {}",
                moved.join(" and ")
            )
        }
    }

    fn groups(&self) -> impl Iterator<Item = (&String, &Vec<(String, Resources)>)> {
        [&self.core, &self.named]
            .into_iter()
            .flat_map(|root| match root {
                ApiRoot::Known(groups) => Some(groups.iter()).into_iter().flatten(),
                _ => None.into_iter().flatten(),
            })
    }

    /// Returns the versions of these groups that must be requested one by one; of every group if
    /// `groups` is `None`.
    pub fn missing(&self, groups: Option<&BTreeSet<&str>>) -> Vec<String> {
        self.groups()
            .filter(|(group, _)| groups.is_none_or(|groups| groups.contains(group.as_str())))
            .flat_map(|(_, versions)| versions)
            .filter(|(_, resources)| *resources == Resources::NotAsked)
            .map(|(version, _)| version.clone())
            .collect()
    }

    /// Adds the resources of a version that was requested on its own.
    pub fn fill(&mut self, api_version: &str, resources: Resources) {
        for root in [&mut self.core, &mut self.named] {
            let ApiRoot::Known(groups) = root else {
                continue;
            };
            let versions = groups.get_mut(group_of(api_version)).into_iter().flatten();
            for (_, known) in versions.filter(|(version, _)| version == api_version) {
                known.clone_from(&resources);
            }
        }
    }

    /// Returns every namespaced kind whose objects users may create, and the gaps in the list.
    pub fn namespaced_kinds(&self) -> (Vec<ServedKind>, Vec<DiscoveryGap>) {
        let (mut kinds, gaps) = self.kinds();
        kinds.retain(|kind| kind.namespaced);
        (kinds, gaps)
    }

    /// Returns every kind whose objects users may create, each at its preferred version, and the
    /// gaps in the list.
    pub fn kinds(&self) -> (Vec<ServedKind>, Vec<DiscoveryGap>) {
        let mut kinds = BTreeMap::new();
        let mut gaps = Vec::new();
        for root in [&self.core, &self.named] {
            if let ApiRoot::Broken(gap) = root {
                gaps.push(gap.clone());
            }
        }
        for (group, versions) in self.groups() {
            if COMPUTED.contains(&group.as_str()) {
                continue;
            }
            for (version, resources) in versions {
                match resources {
                    Resources::Known(known) => {
                        for resource in known.iter().filter(|r| r.can_list) {
                            // Only controllers create Events, and there are more of them than of
                            // anything else.
                            if resource.kind == "Event" {
                                continue;
                            }
                            kinds
                                .entry((group.clone(), resource.kind.clone()))
                                .or_insert_with(|| kind_of(version, resource));
                        }
                    }
                    Resources::Broken(gap) => gaps.push(gap.clone()),
                    Resources::NotAsked => {}
                }
            }
        }
        (kinds.into_values().collect(), gaps)
    }

    /// Returns every version, with each kind in it.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        let versions = self.groups().flat_map(|(_, versions)| versions);
        versions.flat_map(|(version, resources)| {
            let known: &[Resource] = match resources {
                Resources::Known(known) => known,
                Resources::Broken(_) | Resources::NotAsked => &[],
            };
            known.iter().map(|resource| (&**version, &*resource.kind))
        })
    }

    /// Returns whether the server serves a version. Versions that it does not serve are never put
    /// into a URL.
    pub fn has_version(&self, api_version: &str) -> bool {
        self.groups()
            .flat_map(|(_, versions)| versions)
            .any(|(version, _)| version == api_version)
    }
}

fn served(version: &str, resource: &Resource) -> KindLookup {
    if resource.can_get {
        KindLookup::Served(kind_of(version, resource))
    } else {
        KindLookup::Unknown(format!(
            "objects of kind {} cannot be read from the API server, only created",
            resource.kind
        ))
    }
}

fn kind_of(version: &str, resource: &Resource) -> ServedKind {
    ServedKind {
        api_version: version.to_owned(),
        kind: resource.kind.clone(),
        plural: resource.plural.clone(),
        namespaced: resource.namespaced,
        short_names: resource.short_names.clone(),
    }
}

/// Parses the response to `/api` or `/apis`.
///
/// # Errors
/// Fails if the document is malformed; the error does not quote it. A server that lists no group is
/// not a Kubernetes API server.
pub(super) fn root(body: &[u8]) -> Result<ApiRoot, String> {
    let document: DiscoveryDocument =
        serde_json::from_slice(body).map_err(|_| "it is not valid JSON".to_owned())?;
    let groups: BTreeMap<_, _> = match document.kind.as_str() {
        "APIGroupDiscoveryList" => document.items.into_iter().map(aggregated).collect(),
        "APIGroupList" => document.groups.into_iter().map(legacy).collect(),
        "APIVersions" => {
            let versions = document.versions.into_iter();
            let versions: Vec<_> = versions.map(|v| (v, Resources::NotAsked)).collect();
            BTreeMap::from([(String::new(), versions)])
        }
        _ => return Err("it is not a discovery document".to_owned()),
    };
    if groups.values().all(Vec::is_empty) {
        return Err("it lists no API; is this a Kubernetes API server?".to_owned());
    }
    Ok(ApiRoot::Known(groups))
}

/// Parses the resources of one version, from `/apis/apps/v1`.
///
/// # Errors
/// Fails if the document is malformed; the error does not quote it.
pub(super) fn resources(api_version: &str, body: &[u8]) -> Result<Resources, String> {
    let list: ResourceList =
        serde_json::from_slice(body).map_err(|_| "it is not valid JSON".to_owned())?;
    if list.kind != "APIResourceList" || list.group_version != api_version {
        return Err(format!("it is not the list of resources of {api_version}"));
    }
    let resources = list.resources.into_iter();
    Ok(Resources::Known(
        resources
            .filter(|resource| !resource.name.contains('/')) // subresources
            .map(|resource| Resource {
                plural: resource.name,
                kind: resource.kind,
                namespaced: resource.namespaced,
                short_names: resource.short_names,
                can_get: resource.verbs.iter().any(|verb| verb == "get"),
                can_list: resource.verbs.iter().any(|verb| verb == "list"),
            })
            .collect(),
    ))
}

/// Reports groups whose undeclared objects are unknown: one error for each reason.
pub(super) fn unsearched(gaps: Vec<DiscoveryGap>) -> Vec<Warning> {
    let mut by_reason: BTreeMap<String, Vec<DiscoveryGap>> = BTreeMap::new();
    for gap in gaps {
        by_reason.entry(gap.why.clone()).or_default().push(gap);
    }
    let reasons = by_reason.into_iter().map(|(why, gaps)| match &gaps[..] {
        [gap] => format!("cannot search for some undeclared objects: {gap}"),
        _ => {
            let named = gaps.iter().take(NAMED_GAPS).map(|gap| gap.what.as_str());
            let named = named.collect::<Vec<_>>().join(", ");
            let more = match gaps.len().saturating_sub(NAMED_GAPS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "cannot search for undeclared objects in {} API versions: {why}: {named}{more}",
                gaps.len()
            )
        }
    });
    reasons.map(|reason| Warning::error("", reason)).collect()
}

/// How many API versions an error names.
const NAMED_GAPS: usize = 3;

fn aggregated(group: DiscoveryGroup) -> (String, Vec<(String, Resources)>) {
    let name = group.metadata.name;
    let versions = group.versions.into_iter().map(|version| {
        let api_version = join(&name, &version.version);
        // `Stale`: the server behind an aggregated API does not respond, and the listed resources
        // are outdated or empty.
        let resources = if version.freshness == "Stale" {
            Resources::Broken(DiscoveryGap::new(
                &api_version,
                "its server does not answer (Stale)",
            ))
        } else {
            Resources::Known(version.resources.into_iter().filter_map(resource).collect())
        };
        (api_version, resources)
    });
    (name.clone(), versions.collect())
}

fn resource(resource: AggregatedResource) -> Option<Resource> {
    Some(Resource {
        plural: resource.resource,
        // A resource without a kind is only the parent of subresources.
        kind: resource.response_kind?.kind,
        namespaced: resource.scope == "Namespaced",
        short_names: resource.short_names,
        can_get: resource.verbs.iter().any(|verb| verb == "get"),
        can_list: resource.verbs.iter().any(|verb| verb == "list"),
    })
}

fn legacy(group: LegacyGroup) -> (String, Vec<(String, Resources)>) {
    let preferred = group.preferred_version.map(|version| version.group_version);
    let mut versions: Vec<_> = group
        .versions
        .into_iter()
        .map(|v| v.group_version)
        .collect();
    // The sort is stable: the preferred version comes first, then the server's order.
    versions.sort_by_key(|version| Some(version) != preferred.as_ref());
    let versions = versions.into_iter().map(|v| (v, Resources::NotAsked));
    (group.name, versions.collect())
}

fn join(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

#[derive(Deserialize)]
struct DiscoveryDocument {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<DiscoveryGroup>,
    #[serde(default)]
    groups: Vec<LegacyGroup>,
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct DiscoveryGroup {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<AggregatedVersion>,
}

#[derive(Deserialize, Default)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct AggregatedVersion {
    version: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyGroup {
    name: String,
    #[serde(default)]
    versions: Vec<LegacyVersion>,
    preferred_version: Option<LegacyVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyVersion {
    group_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceList {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    group_version: String,
    #[serde(default)]
    resources: Vec<LegacyResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyResource {
    name: String,
    kind: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[cfg(test)]
mod tests;
