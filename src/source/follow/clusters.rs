//! Selects which of a repository's clusters is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scan::GitOpsCandidate;
use crate::cluster::Live;
use crate::source::gitops::in_cluster;
use crate::source::{argo, flux};

/// The conventional name of a directory that has one directory per cluster.
const BY_CUSTOM: &str = "clusters";

/// The limit on clusters in a message.
const NAMED: usize = 8;

/// The selection of the root objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RootSelection {
    /// The root objects of the selected cluster.
    pub chosen: Vec<usize>,
    /// The root objects of other clusters, each with the directory of its cluster.
    pub others: Vec<(usize, String)>,
    /// The folder of the cluster, if there are several.
    pub cluster: Option<String>,
}

/// Selects the root objects of one cluster: the one that the user names, or else the one whose
/// objects are live.
///
/// # Errors
/// Fails with a list of the clusters if it is unknown which one to compare.
pub(super) fn choose(
    roots: &[usize],
    candidates: &[GitOpsCandidate],
    root: &Path,
    wanted: &[String],
    live: Option<&dyn Live>,
) -> Result<RootSelection, String> {
    let groups = groups(roots, candidates, root);
    if groups.len() < 2 {
        return Ok(RootSelection {
            chosen: roots.to_vec(),
            ..RootSelection::default()
        });
    }
    let names: Vec<&String> = groups.keys().collect();
    let named = |name: &str| {
        let is_meant = |wanted: &String| {
            let wanted = wanted.trim_start_matches("./").trim_end_matches('/');
            wanted == name || name.rsplit('/').next() == Some(wanted)
        };
        wanted.iter().any(is_meant)
    };
    let by_name: Vec<&String> = names.iter().copied().filter(|name| named(name)).collect();
    let is_live = |name: &&&String| {
        let mut of_cluster = groups[**name].iter();
        let live = live.filter(|_| by_name.is_empty());
        live.is_some_and(|live| of_cluster.any(|one| is_applied(&candidates[*one], live)))
    };
    let chosen = match by_name.as_slice() {
        [] => names
            .iter()
            .copied()
            .filter(|name| is_live(&name))
            .collect(),
        some => some.to_vec(),
    };
    let [cluster] = chosen.as_slice() else {
        let count = groups.len();
        let mut listed: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
        if names.len() > NAMED {
            listed.push("…");
        }
        let example = names.first().map_or("", |first| first.as_str());
        return Err(format!(
            "this repository declares {count} clusters ({}), and it is unknown which of them to \
             compare: name it with --destination {example}, or name its folder (driftctl diff \
             {example})",
            listed.join(", ")
        ));
    };
    let mut choice = RootSelection {
        cluster: Some((*cluster).clone()),
        ..RootSelection::default()
    };
    for one in roots {
        let of = groups.iter().find(|(_, members)| members.contains(one));
        match of {
            Some((other, _)) if other != *cluster => choice.others.push((*one, other.clone())),
            _ => choice.chosen.push(*one),
        }
    }
    Ok(choice)
}

/// Returns the root objects by the folder of their cluster. If one object is declared in several
/// folders, those are several clusters; so are the folders in one that is named `clusters`.
fn groups(
    roots: &[usize],
    candidates: &[GitOpsCandidate],
    root: &Path,
) -> BTreeMap<String, BTreeSet<usize>> {
    let mut same: BTreeMap<(&str, &str, &str), Vec<usize>> = BTreeMap::new();
    for one in roots {
        let found = &candidates[*one].found;
        let kind = found.value.get("kind").and_then(Value::as_str);
        let key = (
            kind.unwrap_or_default(),
            found.metadata("namespace"),
            found.metadata("name"),
        );
        same.entry(key).or_default().push(*one);
    }
    let folder = |one: usize| folder_of(&candidates[one], root);
    let mut prefixes: BTreeSet<PathBuf> = BTreeSet::new();
    for members in same.values().filter(|members| members.len() > 1) {
        let folders: BTreeSet<PathBuf> = members.iter().map(|one| folder(*one)).collect();
        if folders.len() > 1 {
            prefixes.insert(common(&folders));
        }
    }
    for one in roots {
        let folder = folder(*one);
        let mut above = folder.ancestors();
        let custom = above.find(|above| above.ends_with(BY_CUSTOM));
        prefixes.extend(custom.map(Path::to_owned));
    }
    let mut groups: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for one in roots {
        let folder = folder(*one);
        // The shortest prefix is the one that separates clusters.
        let cluster = prefixes.iter().find_map(|prefix| {
            let below = folder.strip_prefix(prefix).ok()?;
            Some(prefix.join(below.components().next()?))
        });
        if let Some(cluster) = cluster {
            let name = cluster.to_string_lossy().replace('\\', "/");
            groups.entry(name).or_default().insert(*one);
        }
    }
    groups
}

/// Returns the folder that declares an object, below the root; for one that applies its own folder,
/// that folder.
fn folder_of(candidate: &GitOpsCandidate, root: &Path) -> PathBuf {
    let path = candidate.found.value.pointer("/spec/path");
    let path = path.and_then(Value::as_str).unwrap_or_default();
    let own = candidate
        .is_implied
        .then(|| PathBuf::from(path.trim_start_matches("./").trim_matches('/')));
    own.unwrap_or_else(|| {
        let folder = candidate.file.parent().unwrap_or(root);
        folder.strip_prefix(root).unwrap_or(folder).to_owned()
    })
}

fn common(folders: &BTreeSet<PathBuf>) -> PathBuf {
    let mut folders = folders.iter();
    let mut common = folders.next().cloned().unwrap_or_default();
    for folder in folders {
        while !folder.starts_with(&common) {
            common.pop();
        }
    }
    common
}

/// Returns whether the live object with that name reads the same source.
fn is_applied(candidate: &GitOpsCandidate, live: &dyn Live) -> bool {
    let found = &candidate.found;
    let (namespace, name) = (found.metadata("namespace"), found.metadata("name"));
    let (versions, kind, paths): (&[&str], _, _) = if flux::is_kustomization(found) {
        (
            &flux::VERSIONS,
            "Kustomization",
            ["/spec/path", "/spec/path"],
        )
    } else {
        let kind = match argo::is_set(found) {
            true => "ApplicationSet",
            false => "Application",
        };
        let paths = ["/spec/source/path", "/spec/sources/0/path"];
        (&["argoproj.io/v1alpha1"], kind, paths)
    };
    let Ok(live) = in_cluster(live, versions, kind, namespace, name) else {
        return false;
    };
    let read = |value: &Value| {
        let path = paths.iter().find_map(|path| value.pointer(path)?.as_str());
        path.map(|path| path.trim_start_matches("./").trim_matches('/').to_owned())
    };
    let declared = read(&found.value);
    declared.is_some() && declared == read(&live.value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::gitops::GitOpsObject;

    fn candidate(file: &str, name: &str, path: &str) -> GitOpsCandidate {
        GitOpsCandidate {
            found: GitOpsObject {
                value: json!({
                    "apiVersion": flux::VERSIONS[0],
                    "kind": "Kustomization",
                    "metadata": {"name": name, "namespace": "flux-system"},
                    "spec": {"path": path},
                }),
                place: format!("{file}:1"),
            },
            file: PathBuf::from(file),
            is_implied: false,
        }
    }

    #[test]
    fn objects_of_one_name_in_several_folders_belong_to_several_clusters() {
        let all = [
            candidate("/r/env/prod/apps.yaml", "apps", "./apps/prod"),
            candidate("/r/env/dev/apps.yaml", "apps", "./apps/dev"),
            candidate("/r/common.yaml", "common", "./common"),
        ];
        let roots = [0, 1, 2];
        let choose = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            choose(&roots, &all, Path::new("/r"), &wanted, None)
        };
        let message = choose(&[]).unwrap_err();
        assert!(message.contains("env/dev, env/prod"), "{message}");
        assert!(message.contains("--destination env/dev"), "{message}");
        for wanted in ["prod", "env/prod", "./env/prod/"] {
            let choice = choose(&[wanted]).unwrap();
            assert_eq!(choice.chosen, [0, 2]);
            assert_eq!(choice.others, [(1, "env/dev".to_owned())]);
        }
    }

    #[test]
    fn one_cluster_needs_no_choice() {
        let all = [
            candidate("/r/clusters/prod/apps.yaml", "apps", "./apps"),
            candidate("/r/clusters/prod/infra.yaml", "infra", "./infra"),
        ];
        let choice = choose(&[0, 1], &all, Path::new("/r"), &[], None).unwrap();
        assert_eq!(choice.chosen, [0, 1]);
        assert_eq!(choice.cluster, None);
    }
}
