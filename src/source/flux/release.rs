//! Reads the drift rules of a HelmRelease.
//!
//! `driftDetection.mode` decides what Flux does about drift: nothing, warn, or correct it. Drift is
//! the same in any mode, so it is always reported; only `ignore` excludes some.

use std::collections::BTreeSet;

use ring::digest;
use serde_json::Value;

use super::rules::{Ignore, IgnoreAuthor};
use crate::cluster::Live;
use crate::model::{Manifest, group_of};
use crate::source::LoadedSource;
use crate::source::gitops::{GitOpsObject, in_cluster};

const GROUP: &str = "helm.toolkit.fluxcd.io";

/// The API versions of the kind, the preferred one first.
const VERSIONS: [&str; 3] = [
    "helm.toolkit.fluxcd.io/v2",
    "helm.toolkit.fluxcd.io/v2beta2",
    "helm.toolkit.fluxcd.io/v2beta1",
];

/// A HelmRelease.
pub(super) struct HelmRelease<'r> {
    pub value: &'r Value,
    pub namespace: &'r str,
    pub name: &'r str,
    /// Where it is written.
    pub place: &'r str,
}

impl HelmRelease<'_> {
    /// Adds its rules. `objects` are those that it deploys, if known; otherwise the rules match all
    /// objects with its labels.
    ///
    /// # Errors
    /// Fails with a message about the part that cannot be parsed.
    pub fn rules(
        &self,
        objects: Option<&[Manifest]>,
        loaded: &mut LoadedSource,
    ) -> Result<(), String> {
        let (namespace, name) = (self.namespace, self.name);
        let detection = self.value.pointer("/spec/driftDetection");
        let ignore = detection.and_then(|detection| detection.get("ignore"));
        let entries: Vec<Ignore> = match ignore {
            None | Some(Value::Null) => return Ok(()),
            Some(ignore) => serde_json::from_value(ignore.clone())
                .map_err(|_| "driftDetection.ignore is not a list of rules".to_owned())?,
        };
        let author = IgnoreAuthor {
            id: &format!("{namespace}/{name}/driftDetection.ignore"),
            reason: &format!("driftDetection of the HelmRelease {namespace}/{name}"),
            place: self.place,
        };
        loaded.rules.extend(match objects {
            Some(objects) => author.rules(&entries, objects)?,
            None => author.rules_of_release(&entries, namespace, name)?,
        });
        let mode = detection.and_then(|detection| detection.get("mode")?.as_str());
        if !entries.is_empty() && !matches!(mode, Some("enabled" | "warn")) {
            let message = format!(
                "the driftDetection.ignore of the HelmRelease {namespace}/{name} applies here but \
                 not in Flux, which does not detect its drift: the mode is neither enabled nor warn"
            );
            loaded.warning(self.place, message);
        }
        Ok(())
    }
}

/// Returns whether an object is a HelmRelease.
pub(in crate::source) fn is_release(manifest: &Manifest) -> bool {
    manifest.kind == "HelmRelease" && group_of(&manifest.api_version) == GROUP
}

/// Returns the source for what a HelmRelease deployed (`helm-controller/api/v2`, `GetReleaseName`
/// and `GetStorageNamespace`).
pub(in crate::source) fn as_source(found: &GitOpsObject) -> Option<String> {
    let text = |pointer: &str| {
        let text = found.value.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let name = found.metadata("name");
    let namespace = text("/spec/storageNamespace").or_else(|| text("/metadata/namespace"))?;
    let release = match (text("/spec/releaseName"), text("/spec/targetNamespace")) {
        (Some(release), _) => release.to_owned(),
        (None, Some(target)) => format!("{target}-{name}"),
        (None, None) => name.to_owned(),
    };
    let is_release = found.is(GROUP, "HelmRelease");
    is_release.then(|| format!("helm:{namespace}/{}", shortened(release)))
}

/// Shortens a release name that is too long for Helm: it then ends with a part of its hash
/// (`helm-controller/internal/release`, `ShortenName`).
fn shortened(name: String) -> String {
    const LONGEST: usize = 53;
    const OF_HASH: usize = 12;
    if name.len() <= LONGEST {
        return name;
    }
    let hash: String = digest::digest(&digest::SHA256, name.as_bytes())
        .as_ref()
        .iter()
        .take(OF_HASH / 2)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = name.chars().take(LONGEST - 1 - OF_HASH).collect();
    format!("{kept}-{hash}")
}

/// Adds the rules of the live HelmReleases that these objects of a release name in their labels.
pub(in crate::source) fn take_live_rules(
    objects: &[Manifest],
    live: &dyn Live,
    place: &str,
    loaded: &mut LoadedSource,
) {
    let named: BTreeSet<(String, String)> = objects.iter().filter_map(owner).collect();
    for (namespace, name) in named {
        let versions = VERSIONS.as_slice();
        let found = match in_cluster(live, versions, "HelmRelease", &namespace, &name) {
            Ok(found) => found,
            Err(why) => {
                let message = format!("what Flux ignores in this release is unknown: {why}");
                loaded.warning(place, message);
                continue;
            }
        };
        let release = HelmRelease {
            value: &found.value,
            namespace: &namespace,
            name: &name,
            place: &found.place,
        };
        if let Err(message) = release.rules(Some(objects), loaded) {
            loaded.error(&found.place, message);
        }
    }
}

/// Returns namespace and name of the HelmRelease in an object's labels.
fn owner(object: &Manifest) -> Option<(String, String)> {
    let value = object.value();
    let labels = value.pointer("/metadata/labels")?;
    let label = |part: &str| labels.get(format!("{GROUP}/{part}"))?.as_str();
    Some((label("namespace")?.to_owned(), label("name")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source(name: &str, spec: Value) -> Option<String> {
        let metadata = json!({"name": name, "namespace": "media"});
        let value = json!({"apiVersion": VERSIONS[0], "kind": "HelmRelease", "metadata": metadata, "spec": spec});
        as_source(&GitOpsObject {
            value,
            place: String::new(),
        })
    }

    #[test]
    fn names_releases_as_flux_does() {
        for (spec, expected) in [
            (json!({}), "helm:media/web"),
            (json!({"releaseName": "w"}), "helm:media/w"),
            (json!({"targetNamespace": "shop"}), "helm:media/shop-web"),
            (json!({"storageNamespace": "flux"}), "helm:flux/web"),
        ] {
            assert_eq!(
                source("web", spec.clone()).as_deref(),
                Some(expected),
                "{spec}"
            );
        }
    }

    #[test]
    fn long_release_names_end_in_their_hash() {
        let long = "a-very-long-name-of-a-release-that-helm-does-not-take-at-all";
        let expected = "helm:media/a-very-long-name-of-a-release-that-helm--68ae7771d37f";
        assert_eq!(source(long, json!({})).as_deref(), Some(expected));
        let longest = "a".repeat(53);
        assert_eq!(
            source(&longest, json!({})),
            Some(format!("helm:media/{longest}"))
        );
    }
}
