//! What the sources of GitOps tools share: where their objects are found, and how their settings
//! become part of what is declared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::render::{Names, Rendering};
use super::repository::Repository;
use super::{Loaded, files, read};
use crate::cluster::Live;
use crate::model::{Manifest, group_of};
use crate::policy::{Explains, Kind, Rule, RuleOrigin, RuleSpec, glob};

/// Which object of a GitOps tool is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those in a file.
    File(PathBuf),
    /// One in the cluster, or in the recording of it.
    Live {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// How the paths are read that an object of a GitOps tool names.
#[derive(Debug, Clone, Default)]
pub struct GitOps {
    /// How directories are rendered; `None` to refuse those that have to be.
    pub rendering: Option<Rendering>,
    /// Where paths start; without one, at the root of the Git repository around the file, or
    /// around where the user stands.
    pub repo_root: Option<PathBuf>,
}

impl GitOps {
    /// # Errors
    /// When nothing is to be rendered.
    pub(super) fn rendering(&self) -> Result<&Rendering, String> {
        let rendering = self.rendering.as_ref();
        rendering.ok_or_else(|| "this has to be rendered, and --no-render forbids it".to_owned())
    }

    /// The repository that an object speaks of, and what its files are called.
    pub(super) fn repository(&self, which: &Which) -> Result<(Repository, Names), String> {
        let start = match which {
            Which::File(file) => file
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty()),
            Which::Live { .. } => None,
        };
        let start = start.unwrap_or(Path::new("."));
        let repository = Repository::find(self.repo_root.as_deref(), start)?;
        let given = self.repo_root.as_deref().unwrap_or(start);
        Ok((repository, Names::like(given)))
    }
}

/// An object of a GitOps tool, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The object.
    pub value: Value,
    /// `app.yaml:3`, or the object's name in the cluster.
    pub place: String,
}

impl Found {
    /// A text of its metadata.
    pub fn metadata(&self, field: &str) -> &str {
        let text = self.value.pointer("/metadata").and_then(|m| m.get(field));
        text.and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it is of this kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        let text = |field: &str| self.value.get(field).and_then(Value::as_str);
        text("kind") == Some(kind) && group_of(text("apiVersion").unwrap_or("")) == group
    }
}

/// All objects in a file; what is wrong with it is in `loaded`.
pub(super) fn in_file(path: &Path, loaded: &mut Loaded) -> Vec<Found> {
    let name = path.to_string_lossy();
    let mut read = Loaded::default();
    match read::file(path) {
        Ok(bytes) => files::load_bytes(&name, bytes, || false, &mut read),
        Err(message) => read.error(&name, message),
    }
    let found = std::mem::take(&mut read.manifests);
    loaded.append(read);
    let found = found.into_iter().map(|manifest| Found {
        place: manifest.origin.to_string(),
        value: manifest.value(),
    });
    found.collect()
}

/// One object of the live side.
///
/// # Errors
/// When it is not there or cannot be read.
pub(super) fn in_cluster(
    live: &dyn Live,
    api_versions: &[&str],
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Found, String> {
    let mut could_read = false;
    for api_version in api_versions {
        let Some(objects) = live.related(api_version, kind, namespace) else {
            continue;
        };
        could_read = true;
        let is_named = |object: &Value| {
            object
                .pointer("/metadata/name")
                .is_some_and(|found| found == name)
        };
        if let Some(value) = objects.into_iter().find(is_named) {
            let place = format!("{kind} {namespace}/{name}");
            return Ok(Found { value, place });
        }
    }
    Err(if could_read {
        format!("there is no {kind} {namespace}/{name} on the live side: check the name")
    } else {
        format!(
            "{kind}s in the namespace {namespace} cannot be read: it takes the right to list \
             them, and the API server has to serve them"
        )
    })
}

/// Says of manifests that an object of a GitOps tool brought them in, and puts those without a
/// namespace into its target's.
pub(super) fn adopt(manifests: &mut [Manifest], by: &str, namespace: Option<&str>) {
    for manifest in manifests {
        let rendered = manifest.origin.rendered_by.take();
        manifest.origin.rendered_by = Some(match rendered {
            Some(tool) => Arc::from(format!("{tool} for {by}")),
            None => Arc::from(by),
        });
        if manifest.namespace.is_none() {
            manifest.namespace = namespace.filter(|n| !n.is_empty()).map(str::to_owned);
        }
    }
}

/// Of objects that several sources declare, the last: as Argo CD has it. The others are named.
pub(super) fn last_wins(loaded: &mut Loaded) {
    type Key = (String, String, Option<String>, String);
    let key = |manifest: &Manifest| -> Key {
        (
            group_of(&manifest.api_version).to_owned(),
            manifest.kind.clone(),
            manifest.namespace.clone(),
            manifest.name.clone(),
        )
    };
    let mut last: BTreeMap<Key, Manifest> = BTreeMap::new();
    for manifest in std::mem::take(&mut loaded.manifests) {
        if let Some(before) = last.insert(key(&manifest), manifest) {
            let what = format!("{} {}", before.kind, before.name);
            let message = format!("{what} is declared again by a later source, which counts");
            loaded.warning(&before.origin, message);
        }
    }
    loaded.manifests = last.into_values().collect();
}

/// A rule that holds for these manifests alone: for each that it matches, one that names it. A
/// rule that matches none stays as it is, to be reported as one that hid nothing.
pub(super) fn only_for(rule: &Rule, manifests: &[Manifest]) -> Vec<Rule> {
    let is_or_any = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
    let matching = manifests.iter().filter(|manifest| {
        let objects = &rule.objects;
        let namespace = manifest.namespace.as_deref().unwrap_or_default();
        glob(&objects.group, group_of(&manifest.api_version))
            && glob(&objects.kind, &manifest.kind)
            && is_or_any(&objects.name, &manifest.name)
            && is_or_any(&objects.namespace, namespace)
    });
    let named = matching.map(|manifest| {
        let mut named = rule.clone();
        named.objects.group = group_of(&manifest.api_version).to_owned();
        named.objects.kind.clone_from(&manifest.kind);
        named.objects.name.clone_from(&manifest.name);
        // Without one, the run's own namespace is meant, which is not known here.
        named.objects.namespace = manifest.namespace.clone().unwrap_or_default();
        named
    });
    let named: Vec<Rule> = named.collect();
    if named.is_empty() {
        vec![rule.clone()]
    } else {
        named
    }
}

/// The rule that a tool's own marks on live objects are no drift.
pub(super) fn marks(id: &str, reason: &str, paths: &[&str]) -> Option<Rule> {
    let spec = RuleSpec {
        id: id.to_owned(),
        group: "*".to_owned(),
        kind: "*".to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        kinds: vec![Kind::Added],
        reason: reason.to_owned(),
        explains: Some(Explains::ControllerOwned),
        ..RuleSpec::default()
    };
    spec.compile(RuleOrigin::BuiltIn).ok()
}

/// `name:tag@digest` with a name of its own, as an entry of a kustomization's `images`.
pub(super) fn image(text: &str) -> Value {
    let (name, image) = match text.split_once('=') {
        Some((name, image)) => (Some(name), image),
        None => (None, text),
    };
    let (image, digest) = match image.split_once('@') {
        Some((image, digest)) => (image, Some(digest)),
        None => (image, None),
    };
    let folder = image.rfind('/').map_or(0, |slash| slash + 1);
    let (base, tag) = match image[folder..].split_once(':') {
        Some((last, tag)) => (&image[..folder + last.len()], Some(tag)),
        None => (image, None),
    };
    let mut entry = json!({"name": name.unwrap_or(base)});
    if name.is_some() {
        entry["newName"] = json!(base);
    }
    for (field, value) in [("newTag", tag), ("digest", digest)] {
        if let Some(value) = value {
            entry[field] = json!(value);
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart() {
        for (text, expected) in [
            ("nginx:1.2", json!({"name": "nginx", "newTag": "1.2"})),
            (
                "web=reg.example:5000/a/web:2",
                json!({"name": "web", "newName": "reg.example:5000/a/web", "newTag": "2"}),
            ),
            (
                "a/b@sha256:00",
                json!({"name": "a/b", "digest": "sha256:00"}),
            ),
            ("a=b", json!({"name": "a", "newName": "b"})),
        ] {
            assert_eq!(image(text), expected, "{text}");
        }
    }
}
