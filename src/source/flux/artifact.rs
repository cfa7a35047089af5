//! Artifacts that Flux builds from parts of a repository (`source-watcher/api/v1beta1`,
//! `ArtifactGenerator`). A Kustomization that reads an artifact is traced to the repository itself.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::model::{items_at, text_at};
use crate::source::gitops::GitOpsObject;

/// The group of the generators.
const GROUP: &str = "source.extensions.fluxcd.io";

/// The prefix of places in an artifact.
const ARTIFACT: &str = "@artifact";

/// Returns whether an object builds artifacts from sources.
pub(super) fn is_generator(found: &GitOpsObject) -> bool {
    found.is(GROUP, "ArtifactGenerator")
}

/// Returns a Kustomization with the source and path that its artifact was built from; `None` if no
/// known generator builds it.
pub(in crate::source) fn resolved(
    kustomization: &GitOpsObject,
    known: &[GitOpsObject],
) -> Option<GitOpsObject> {
    let text = |pointer: &str| text_at(&kustomization.value, pointer);
    if text("/spec/sourceRef/kind") != Some("ExternalArtifact") {
        return None;
    }
    let name = text("/spec/sourceRef/name")?;
    let namespace = text("/spec/sourceRef/namespace");
    let namespace = namespace.unwrap_or(kustomization.metadata("namespace"));
    let is_beside = |generator: &&GitOpsObject| {
        let own = generator.metadata("namespace");
        // Before a kustomization is built its objects may have no namespace.
        is_generator(generator) && (own.is_empty() || namespace.is_empty() || own == namespace)
    };
    let path = Path::new(text("/spec/path").unwrap_or_default());
    let mut generators = known.iter().filter(is_beside);
    let (path, source) = generators.find_map(|generator| {
        let artifacts = items_at(&generator.value, "/spec/artifacts").iter();
        let mut artifacts = artifacts.filter(|artifact| artifact["name"] == name);
        let (path, alias) = origin(artifacts.next()?, path)?;
        let mut sources = items_at(&generator.value, "/spec/sources").iter();
        let source = sources.find(|source| source["alias"] == alias)?;
        Some((path, source.clone()))
    })?;
    let mut found = kustomization.clone();
    found.value["spec"]["path"] = json!(path);
    found.value["spec"]["sourceRef"] = json!({
        "kind": source["kind"],
        "name": source["name"],
        "namespace": source.get("namespace").and_then(Value::as_str).unwrap_or(namespace),
    });
    Some(found)
}

/// Returns the path in the source for a path in an artifact, and the source's alias.
fn origin(artifact: &Value, path: &Path) -> Option<(String, String)> {
    let path = trimmed(path);
    let copies = items_at(artifact, "/copy").iter().filter_map(|copy| {
        let from = copy.get("from")?.as_str()?.strip_prefix('@')?;
        let to = copy.get("to")?.as_str()?.strip_prefix(ARTIFACT)?;
        // Copying single files keeps no directory structure.
        let from = from.strip_suffix("/**").or(from.strip_suffix('/'))?;
        let (alias, from) = from.split_once('/').unwrap_or((from, ""));
        let to = trimmed(Path::new(to));
        let below = path.strip_prefix(&to).ok()?;
        let from = trimmed(&Path::new(from).join(below));
        Some((to.components().count(), from, alias.to_owned()))
    });
    let (_, from, alias) = copies.max_by_key(|(depth, ..)| *depth)?;
    Some((format!("./{}", from.to_str()?), alias))
}

/// Returns a path without `.` and leading slashes.
fn trimmed(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| matches!(part, std::path::Component::Normal(_)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: Value) -> GitOpsObject {
        GitOpsObject {
            value,
            place: String::new(),
        }
    }

    #[test]
    fn traces_paths_of_artifacts_to_the_repository() {
        let generator = found(json!({
            "apiVersion": "source.extensions.fluxcd.io/v1beta1",
            "kind": "ArtifactGenerator",
            "metadata": {"name": "all", "namespace": "flux-system"},
            "spec": {
                "sources": [{"alias": "repo", "kind": "GitRepository", "name": "flux-system"}],
                "artifacts": [
                    {"name": "infra", "copy": [{"from": "@repo/infra/**", "to": "@artifact/"}]},
                    {"name": "apps", "copy": [
                        {"from": "@repo/apps/base/**", "to": "@artifact/base/"},
                        {"from": "@repo/apps/prod/**", "to": "@artifact/prod/"},
                    ]},
                    {"name": "whole", "copy": [{"from": "@repo/**", "to": "@artifact/"}]},
                    {"name": "folder", "copy": [{"from": "@repo/a/b/", "to": "@artifact/a/b/"}]},
                ],
            },
        }));
        let lead = |artifact: &str, path: &str| {
            let kustomization = found(json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "metadata": {"name": "a", "namespace": "flux-system"},
                "spec": {"path": path, "sourceRef": {"kind": "ExternalArtifact", "name": artifact}},
            }));
            let led = resolved(&kustomization, std::slice::from_ref(&generator))?;
            assert_eq!(led.value["spec"]["sourceRef"]["kind"], "GitRepository");
            // It is traced only once.
            assert!(resolved(&led, std::slice::from_ref(&generator)).is_none());
            led.value["spec"]["path"].as_str().map(str::to_owned)
        };
        assert_eq!(
            lead("infra", "./controllers").as_deref(),
            Some("./infra/controllers")
        );
        assert_eq!(lead("apps", "./prod").as_deref(), Some("./apps/prod"));
        assert_eq!(lead("whole", "./a/b").as_deref(), Some("./a/b"));
        assert_eq!(lead("folder", "./a/b").as_deref(), Some("./a/b"));
        assert_eq!(lead("apps", "./other"), None);
        assert_eq!(lead("unknown", "./prod"), None);
    }
}
