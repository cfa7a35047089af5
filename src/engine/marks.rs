//! Reads the marks that deployers put on their objects, and reports objects marked as belonging to
//! another application or release than the compared one, or than most others of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::model::{Deployer, ResourceKey, Warning};
use crate::source::ManagedObjects;

/// A deployer's mark on an object: the tool, and the application or release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeployerMark {
    /// The tool.
    pub tool: DeployerTool,
    /// The application or release, with its namespace if the tool records it.
    pub of: String,
}

/// Writes `Argo CD Application web`.
impl fmt::Display for DeployerMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tool.word(), self.of)
    }
}

/// The tools whose marks are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeployerTool {
    /// Argo CD, by tracking ID.
    ArgoCd,
    /// Flux's kustomize-controller.
    FluxKustomization,
    /// Flux's helm-controller.
    FluxHelmRelease,
    /// Helm.
    Helm,
    /// kapp.
    Kapp,
    /// Tanka.
    Tanka,
}

impl DeployerTool {
    fn word(self) -> &'static str {
        match self {
            Self::ArgoCd => "Argo CD Application",
            Self::FluxKustomization => "Flux Kustomization",
            Self::FluxHelmRelease => "Flux HelmRelease",
            Self::Helm => "Helm release",
            Self::Kapp => "kapp app",
            Self::Tanka => "Tanka environment",
        }
    }
}

/// The application or release that owns the objects of a run, according to their sources.
#[derive(Debug, Default)]
pub struct ExpectedOwner(BTreeMap<DeployerTool, BTreeSet<String>>);

impl ExpectedOwner {
    /// Records the Applications and releases that a run compares.
    pub fn of(managed: &[ManagedObjects]) -> Self {
        let mut expected: BTreeMap<DeployerTool, BTreeSet<String>> = BTreeMap::new();
        for managed in managed {
            let (tool, of) = match managed {
                ManagedObjects::ArgoCd { application, .. } => {
                    (DeployerTool::ArgoCd, application.clone())
                }
                ManagedObjects::Helm { release, namespace } => {
                    (DeployerTool::Helm, format!("{namespace}/{release}"))
                }
                ManagedObjects::Inventory(_) => continue,
            };
            expected.entry(tool).or_default().insert(of);
        }
        Self(expected)
    }

    /// Returns whether a mark is that of an Application or release that the run compares.
    pub fn has(&self, mark: &DeployerMark) -> bool {
        let of_tool = self.0.get(&mark.tool);
        of_tool.is_some_and(|all| all.contains(&mark.of))
    }
}

/// Returns the marks of a live object.
pub fn deployer_marks(live: &Value) -> Vec<DeployerMark> {
    let metadata = live.get("metadata");
    let map = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    let (annotations, labels) = (map("annotations"), map("labels"));
    if annotations.or(labels).is_none() {
        return Vec::new();
    }
    let text = |map: &str, name: &str| -> Option<&str> {
        let map = if map == "labels" { labels } else { annotations };
        map?.get(name)?.as_str()
    };
    let both = |map: &str, name: &str, namespace: &str| {
        let (name, namespace) = (text(map, name)?, text(map, namespace)?);
        Some(format!("{namespace}/{name}"))
    };
    let application = text("annotations", "argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split_once(':'))
        .map(|(application, _)| application.to_owned());
    let kustomization = both(
        "labels",
        "kustomize.toolkit.fluxcd.io/name",
        "kustomize.toolkit.fluxcd.io/namespace",
    );
    let helm_release = both(
        "labels",
        "helm.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/namespace",
    );
    let release = both(
        "annotations",
        "meta.helm.sh/release-name",
        "meta.helm.sh/release-namespace",
    );
    let found = [
        (DeployerTool::ArgoCd, application),
        (DeployerTool::FluxKustomization, kustomization),
        (DeployerTool::FluxHelmRelease, helm_release),
        (DeployerTool::Helm, release),
        (
            DeployerTool::Kapp,
            text("labels", "kapp.k14s.io/app").map(str::to_owned),
        ),
        (
            DeployerTool::Tanka,
            text("labels", "tanka.dev/environment").map(str::to_owned),
        ),
    ];
    let found = found.into_iter();
    found
        .filter_map(|(tool, of)| Some(DeployerMark { tool, of: of? }))
        .collect()
}

/// Reports objects with the mark of another owner. The expected owner is the compared Application
/// or release, or the last GitOps object of the chain that led to the manifest; if only manifests
/// are compared, the owner of most objects.
pub fn foreign<'k>(
    marked: impl IntoIterator<Item = (&'k ResourceKey, &'k [DeployerMark], &'k [Deployer])>,
    expected: &ExpectedOwner,
) -> Vec<Warning> {
    let mut by_tool: BTreeMap<DeployerTool, Vec<(&ResourceKey, &str)>> = BTreeMap::new();
    let mut followed = Vec::new();
    let mut is_followed = false;
    for (key, marks, chain) in marked {
        is_followed |= !chain.is_empty();
        let owner = owner(chain);
        for mark in marks {
            match &owner {
                Some((tool, names)) if *tool == mark.tool => {
                    let own = names.first().filter(|_| !names.contains(&mark.of));
                    followed.extend(
                        own.map(|own| warning(*tool, key, &mark.of, own, OwnerSource::Compared)),
                    );
                }
                _ => by_tool.entry(mark.tool).or_default().push((key, &mark.of)),
            }
        }
    }
    let found = by_tool.into_iter().flat_map(|(tool, objects)| {
        // Files beside followed GitOps objects belong to none of them.
        let (own, why) = match expected.0.get(&tool).filter(|_| !is_followed) {
            Some(names) => (
                names.iter().map(String::as_str).collect(),
                OwnerSource::Compared,
            ),
            None => match majority_mark(&objects) {
                Some(most) => (BTreeSet::from([most]), OwnerSource::Others),
                None => return Vec::new(),
            },
        };
        let others = objects.iter().filter(|(_, of)| !own.contains(of));
        // An Application has two names: its own, and a longer one that begins with its namespace.
        let named = own.iter().min_by_key(|own| own.len());
        let named = named.copied().unwrap_or_default();
        others
            .map(|(key, of)| warning(tool, key, of, named, why))
            .collect()
    });
    followed.into_iter().chain(found).collect()
}

/// Returns the names that the last of a chain has in its tool's marks on the objects that it
/// applies, the shortest first.
fn owner(chain: &[Deployer]) -> Option<(DeployerTool, Vec<String>)> {
    let last = chain.last()?;
    let (namespace, name) = (&last.namespace, &last.name);
    let flux = || vec![format!("{namespace}/{name}")];
    match &*last.kind {
        "Kustomization" => Some((DeployerTool::FluxKustomization, flux())),
        "HelmRelease" => Some((DeployerTool::FluxHelmRelease, flux())),
        // Outside Argo CD's own namespace, which is unknown here, the namespace is part of the name.
        "Application" => {
            let names = vec![name.clone(), format!("{namespace}_{name}")];
            Some((DeployerTool::ArgoCd, names))
        }
        _ => None,
    }
}

/// How the expected owner is known.
#[derive(Debug, Clone, Copy)]
enum OwnerSource {
    /// The compared source names it.
    Compared,
    /// Most other objects have it.
    Others,
}

/// Returns the mark that more than half of the objects have.
fn majority_mark<'o>(objects: &[(&ResourceKey, &'o str)]) -> Option<&'o str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, of) in objects {
        *counts.entry(of).or_default() += 1;
    }
    let (of, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > objects.len()).then_some(of)
}

fn warning(
    tool: DeployerTool,
    key: &ResourceKey,
    of: &str,
    own: &str,
    why: OwnerSource,
) -> Warning {
    let word = tool.word();
    let message = match why {
        OwnerSource::Compared => format!(
            "the live object is marked as belonging to the {word} {of}, but {own} declares it: \
             both claim it"
        ),
        OwnerSource::Others => format!(
            "the live object is marked as belonging to the {word} {of}, but most others belong to \
             {own}"
        ),
    };
    Warning::new(key.to_string(), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> ResourceKey {
        ResourceKey::new("", "ConfigMap", Some("shop".to_owned()), name.to_owned())
    }

    fn tracked(application: &str) -> Vec<DeployerMark> {
        let id = format!("{application}:/ConfigMap:shop/a");
        deployer_marks(
            &json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": id}}}),
        )
    }

    fn said(names: &[&str], expected: &ExpectedOwner) -> Vec<String> {
        let objects: Vec<(ResourceKey, Vec<DeployerMark>)> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (key(&at.to_string()), tracked(name)))
            .collect();
        let marked = objects
            .iter()
            .map(|(key, marks)| (key, marks.as_slice(), &[][..]));
        let warnings = foreign(marked, expected);
        warnings
            .into_iter()
            .map(|warning| warning.message)
            .collect()
    }

    #[test]
    fn warns_of_an_object_of_another_application_than_most() {
        let none = ExpectedOwner::default();
        let found = said(&["shop", "shop", "warehouse"], &none);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("Application warehouse, but most others belong to shop"));
        assert!(said(&["shop", "shop"], &none).is_empty());
        // If two applications share a folder equally, neither is an exception.
        assert!(said(&["shop", "warehouse"], &none).is_empty());
    }

    #[test]
    fn warns_of_an_object_of_another_application_than_the_compared_one() {
        let managed = [ManagedObjects::ArgoCd {
            application: "shop".to_owned(),
            namespace: "shop".to_owned(),
        }];
        let expected = ExpectedOwner::of(&managed);
        assert!(said(&["shop"], &expected).is_empty());
        assert!(said(&["warehouse"], &expected)[0].contains("both claim it"));
    }

    /// Several Applications are compared, and each object belongs to one of them.
    #[test]
    fn expects_the_mark_of_the_application_that_led_to_the_manifest() {
        let of = |application: &str| ManagedObjects::ArgoCd {
            application: application.to_owned(),
            namespace: "shop".to_owned(),
        };
        let expected = ExpectedOwner::of(&[of("shop"), of("argocd_shop"), of("warehouse")]);
        let chain = [Deployer {
            kind: "Application".to_owned(),
            namespace: "argocd".to_owned(),
            name: "shop".to_owned(),
        }];
        let key = key("a");
        let said = |mark: &str, chain: &[Deployer]| {
            let mark = DeployerMark {
                tool: DeployerTool::ArgoCd,
                of: mark.to_owned(),
            };
            let marks = [mark];
            let followed = [(&key, &marks[..], chain), (&key, &[][..], chain)];
            let found = foreign(followed, &expected);
            let mut messages = found.into_iter().map(|warning| warning.message);
            messages.next()
        };
        assert_eq!(said("shop", &chain), None);
        assert_eq!(said("argocd_shop", &chain), None);
        let message = said("warehouse", &chain).unwrap();
        assert!(
            message.contains("warehouse, but shop declares it"),
            "{message}"
        );
    }

    #[test]
    fn expects_the_mark_of_the_kustomization_that_led_to_the_manifest() {
        let deployer = |name: &str| Deployer {
            kind: "Kustomization".to_owned(),
            namespace: "flux-system".to_owned(),
            name: name.to_owned(),
        };
        let mark = |name: &str| DeployerMark {
            tool: DeployerTool::FluxKustomization,
            of: format!("flux-system/{name}"),
        };
        let of_apps = [deployer("cluster"), deployer("apps")];
        let of_cluster = [deployer("cluster")];
        let (key, apps, cluster) = (key("a"), [mark("apps")], [mark("cluster")]);
        let said = |marked: &[(&[DeployerMark], &[Deployer])]| {
            let marked = marked.iter().map(|(marks, chain)| (&key, *marks, *chain));
            foreign(marked, &ExpectedOwner::default())
        };
        let right: [(&[DeployerMark], &[Deployer]); 4] = [
            (&apps, &of_apps),
            (&apps, &of_apps),
            (&apps, &of_apps),
            (&cluster, &of_cluster),
        ];
        assert!(said(&right).is_empty());
        let found = said(&[(&cluster, &of_apps)]);
        assert!(
            found[0]
                .message
                .contains("flux-system/cluster, but flux-system/apps declares it")
        );
    }

    #[test]
    fn marks_of_flux_and_helm_are_read() {
        let live = json!({"metadata": {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "a",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            "annotations": {"meta.helm.sh/release-name": "r",
                "meta.helm.sh/release-namespace": "shop"}}});
        let found: Vec<String> = deployer_marks(&live)
            .into_iter()
            .map(|mark| mark.of)
            .collect();
        assert_eq!(found, ["flux-system/a", "shop/r"]);
    }
}
