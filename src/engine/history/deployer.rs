//! Reads what Argo CD, Flux and Helm record about their deploys of an object.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{HistoryReader, LiveObjects, text};
use crate::cluster::{Label, Query};
use crate::model::{HistoryEntry, HistorySource, ResourceKey, group_of, items_at};

/// Reads the histories of the Applications, Kustomizations, HelmReleases and Helm releases that
/// objects belong to.
pub(super) fn read(reader: &mut HistoryReader<'_>, found: &LiveObjects) {
    let kinds = [
        ("Applications", "argoproj.io/v1alpha1", "Application"),
        (
            "Kustomizations",
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
        ),
        ("HelmReleases", "helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ];
    for (called, api_version, kind) in kinds {
        if !reader.serves(api_version, kind) {
            continue;
        }
        let query = Query {
            api_version,
            kind,
            namespace: None,
            labels: &[],
            metadata_only: false,
        };
        for object in reader.list(called, &query) {
            if !deploys(&object, kind, found) {
                continue;
            }
            let key = ResourceKey::new(
                group_of(api_version).to_owned(),
                kind.to_owned(),
                text(&object, "/metadata/namespace").map(str::to_owned),
                text(&object, "/metadata/name")
                    .unwrap_or_default()
                    .to_owned(),
            );
            syncs(reader, &key, &object);
            failed_operation(reader, &key, &object);
            conditions(reader, &key, &object);
        }
    }
}

/// Returns whether a GitOps object deploys any of the objects.
fn deploys(deployer: &Value, kind: &str, found: &LiveObjects) -> bool {
    let part = |one: &Value, name: &str| text(one, name).unwrap_or_default().to_owned();
    let of_argo = items_at(deployer, "/status/resources").iter().any(|one| {
        found.keys().any(|key| {
            key.group == part(one, "/group")
                && key.kind == part(one, "/kind")
                && key.name == part(one, "/name")
                && key.namespace.clone().unwrap_or_default() == part(one, "/namespace")
        })
    });
    let of_flux = items_at(deployer, "/status/inventory/entries")
        .iter()
        .any(|one| {
            found.keys().any(|key| {
                let namespace = key.namespace.as_deref().unwrap_or_default();
                let id = format!("{namespace}_{}_{}_{}", key.name, key.group, key.kind);
                text(one, "/id") == Some(id.as_str())
            })
        });
    let of_helm = kind == "HelmRelease"
        && found.values().any(|object| {
            let label = |name: &str| {
                let labels = object.pointer("/metadata/labels")?;
                labels
                    .get(format!("helm.toolkit.fluxcd.io/{name}"))?
                    .as_str()
            };
            label("name").is_some()
                && label("name") == text(deployer, "/metadata/name")
                && label("namespace") == text(deployer, "/metadata/namespace")
        });
    of_argo || of_flux || of_helm
}

/// Adds the deploys that a GitOps object records.
fn syncs(reader: &mut HistoryReader<'_>, key: &ResourceKey, deployer: &Value) {
    for one in items_at(deployer, "/status/history") {
        // Argo CD, Flux's HelmReleases, and its Kustomizations.
        let deployed = ["/deployedAt", "/lastDeployed", "/firstReconciled"];
        let deployed = deployed.iter().find_map(|place| text(one, place));
        let revision = [
            "/revision",
            "/chartVersion",
            "/metadata/revision",
            "/digest",
        ];
        let revision = revision.iter().find_map(|place| text(one, place));
        let sources = items_at(one, "/revisions").iter();
        let sources: Vec<&str> = sources.filter_map(Value::as_str).collect();
        let revision = revision.map_or_else(|| sources.join(", "), str::to_owned);
        let revision = match revision.as_str() {
            "" => String::new(),
            revision => format!(" {revision}"),
        };
        let status = text(one, "/status").or_else(|| text(one, "/lastReconciledStatus"));
        let is_failed = status.is_some_and(|status| status.to_lowercase().ends_with("failed"));
        let mut status = status.map_or(String::new(), |status| format!(" ({status})"));
        // The same content, applied again and again.
        let times = one.get("totalReconciliations").and_then(Value::as_u64);
        if let (Some(times @ 2..), Some(last)) = (times, text(one, "/lastReconciled")) {
            status.push_str(&format!(" ({times} times until {last})"));
        }
        let automatic = one.pointer("/initiatedBy/automated") == Some(&Value::Bool(true));
        reader.push(HistoryEntry {
            at: deployed.and_then(|at| at.parse().ok()),
            object: key.clone(),
            evidence: HistorySource::Deployer,
            user: text(one, "/initiatedBy/username").map(str::to_owned),
            manager: automatic.then(|| "automated sync".to_owned()),
            what: match is_failed {
                true => format!("failed to deploy{revision}{status}"),
                false => format!("deployed{revision}{status}"),
            },
            is_warning: is_failed,
        });
    }
}

/// Adds the last operation of an Application if it failed or still runs: only those that succeeded
/// are in its history.
fn failed_operation(reader: &mut HistoryReader<'_>, key: &ResourceKey, deployer: &Value) {
    let Some(operation) = deployer.pointer("/status/operationState") else {
        return;
    };
    let phase = text(operation, "/phase").unwrap_or_default();
    let is_warning = matches!(phase, "Failed" | "Error");
    if !is_warning && phase != "Running" {
        return;
    }
    let revision = ["/syncResult/revision", "/operation/sync/revision"];
    let revision = revision.iter().find_map(|place| text(operation, place));
    let revision = revision.map_or(String::new(), |revision| format!(" {revision}"));
    let message = text(operation, "/message").map_or(String::new(), |message| {
        format!(": {}", reader.message(key, Some(deployer), message))
    });
    let by = operation.pointer("/operation/initiatedBy");
    let automatic = by.and_then(|by| by.get("automated")) == Some(&Value::Bool(true));
    let at = text(operation, "/finishedAt").or_else(|| text(operation, "/startedAt"));
    reader.push(HistoryEntry {
        at: at.and_then(|at| at.parse().ok()),
        object: key.clone(),
        evidence: HistorySource::Deployer,
        user: by.and_then(|by| text(by, "/username")).map(str::to_owned),
        manager: automatic.then(|| "automated sync".to_owned()),
        what: format!("sync {}{revision}{message}", phase.to_lowercase()),
        is_warning,
    });
}

/// Adds the current conditions in which a deployer reports failures.
fn conditions(reader: &mut HistoryReader<'_>, key: &ResourceKey, deployer: &Value) {
    for one in items_at(deployer, "/status/conditions") {
        let kind = text(one, "/type").unwrap_or_default();
        let failed = text(one, "/status") == Some("False") || kind.ends_with("Error");
        if !failed {
            continue;
        }
        let message = text(one, "/message").unwrap_or_default();
        let message = reader.message(key, Some(deployer), message);
        let reason = text(one, "/reason").unwrap_or(kind);
        let at = text(one, "/lastTransitionTime");
        reader.add(
            at,
            key,
            HistorySource::Deployer,
            format!("{reason}: {message}"),
        );
        if let Some(moment) = reader.history.moments.last_mut() {
            moment.is_warning = true;
        }
    }
}

/// Adds the revisions of Helm releases, read from the metadata of their Secrets.
pub(super) fn releases(reader: &mut HistoryReader<'_>, found: &LiveObjects) {
    let annotation = |object: &Value, name: &str| {
        let annotations = object.pointer("/metadata/annotations")?;
        annotations
            .get(format!("meta.helm.sh/{name}"))?
            .as_str()
            .map(str::to_owned)
    };
    let names: BTreeSet<(String, String)> = found
        .iter()
        .filter_map(|(key, object)| {
            let name = annotation(object, "release-name")?;
            let namespace = annotation(object, "release-namespace").or(key.namespace.clone())?;
            Some((namespace, name))
        })
        .collect();
    for (namespace, name) in names {
        let query = Query {
            api_version: "v1",
            kind: "Secret",
            namespace: Some(&namespace),
            labels: &[Label::Is("owner", "helm"), Label::Is("name", &name)],
            metadata_only: true,
        };
        let key = ResourceKey::new("", "Release", Some(namespace.clone()), name.clone());
        for secret in reader.list(&format!("revisions of Helm release {name}"), &query) {
            let label = |name: &str| text(&secret, &format!("/metadata/labels/{name}"));
            let revision = label("version").unwrap_or("?");
            let status = label("status").unwrap_or("unknown");
            let what = format!("Helm revision {revision} ({status})");
            let created = text(&secret, "/metadata/creationTimestamp");
            reader.add(created, &key, HistorySource::Deployer, what);
            if let Some(moment) = reader.history.moments.last_mut() {
                moment.is_warning = status == "failed";
            }
        }
    }
}
