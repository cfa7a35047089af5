//! Flux: what a Kustomization declares.
//!
//! What Flux would read from its source is read from the repository at hand as it lies.

mod rules;
mod spec;
mod substitute;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::gitops::{Found, GitOps, Which, adopt, in_cluster, in_file, marks};
use super::kustomize::{Build, has_file};
use super::render::Names;
use super::repository::Repository;
use super::walk;
use super::{Loaded, Managed, Source, files};
use crate::cluster::Live;
use crate::model::{Manifest, ResourceKey, group_of};
use rules::Author;
use spec::{PostBuild, Spec, SubstituteFrom};

const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// The versions of its kind, the best first.
const VERSIONS: [&str; 2] = [
    "kustomize.toolkit.fluxcd.io/v1",
    "kustomize.toolkit.fluxcd.io/v1beta2",
];

/// One Kustomization, or all of a file.
#[derive(Debug)]
pub struct Flux {
    which: Which,
    options: GitOps,
}

impl Flux {
    /// What these Kustomizations declare.
    pub fn new(which: Which, options: GitOps) -> Self {
        Self { which, options }
    }

    fn place(&self) -> String {
        match &self.which {
            Which::File(file) => file.display().to_string(),
            Which::Live { namespace, name } => format!("flux:{namespace}/{name}"),
        }
    }

    fn kustomizations(&self, live: &dyn Live, loaded: &mut Loaded) -> Vec<Found> {
        let file = match &self.which {
            Which::File(file) => file,
            Which::Live { namespace, name } => {
                return match in_cluster(live, &VERSIONS, "Kustomization", namespace, name) {
                    Ok(found) => vec![found],
                    Err(message) => {
                        loaded.error(self.place(), message);
                        Vec::new()
                    }
                };
            }
        };
        let (found, others): (Vec<Found>, Vec<Found>) = in_file(file, loaded)
            .into_iter()
            .partition(|found| found.is(GROUP, "Kustomization"));
        for other in others {
            loaded.skip(other.place, "no Kustomization of Flux");
        }
        if found.is_empty() && loaded.errors.is_empty() {
            loaded.error(
                self.place(),
                "there is no Kustomization of Flux in this file",
            );
        }
        found
    }
}

impl Source for Flux {
    fn load(&self, live: &dyn Live) -> Loaded {
        let mut loaded = Loaded::default();
        match self.options.repository(&self.which) {
            Ok((repository, names)) => {
                for found in self.kustomizations(live, &mut loaded) {
                    let kustomization = Kustomization {
                        found: &found,
                        repository: &repository,
                        names: &names,
                        options: &self.options,
                        live,
                    };
                    loaded.append(kustomization.load());
                }
            }
            Err(message) => loaded.error(self.place(), message),
        }
        let paths = [
            ".metadata.labels[\"kustomize.toolkit.fluxcd.io/name\"]",
            ".metadata.labels[\"kustomize.toolkit.fluxcd.io/namespace\"]",
        ];
        let reason = "Flux marks the objects that it applies.";
        loaded
            .rules
            .extend(marks("flux-owner-labels", reason, &paths));
        loaded
    }
}

/// One Kustomization.
struct Kustomization<'a> {
    found: &'a Found,
    repository: &'a Repository,
    names: &'a Names,
    options: &'a GitOps,
    live: &'a dyn Live,
}

impl Kustomization<'_> {
    fn name(&self) -> String {
        let namespace = self.found.metadata("namespace");
        format!("{namespace}/{}", self.found.metadata("name"))
    }

    fn load(&self) -> Loaded {
        let mut loaded = Loaded::default();
        if let Err(message) = self.load_into(&mut loaded) {
            let message = format!("Kustomization {}: {message}", self.name());
            loaded.error(&self.found.place, message);
        }
        loaded
    }

    fn load_into(&self, loaded: &mut Loaded) -> Result<(), String> {
        let spec = self.found.value.get("spec").cloned().unwrap_or(json!({}));
        // What the parser would say quotes values, which may be passwords.
        let spec: Spec = serde_json::from_value(spec)
            .map_err(|_| "its spec cannot be read: check the types of its fields".to_owned())?;
        if !matches!(spec.source_ref.kind.as_str(), "GitRepository" | "") {
            let (kind, name) = (&spec.source_ref.kind, &spec.source_ref.name);
            let message = format!(
                "Kustomization {} reads from {kind} {name}; the files of this repository are \
                 taken for its",
                self.name()
            );
            loaded.warning(&self.found.place, message);
        }
        let directory = self.repository.path(if spec.path.is_empty() {
            "."
        } else {
            &spec.path
        })?;
        self.built(&spec, &directory, loaded)?;
        self.finish(&spec, loaded)?;
        let by = format!("Kustomization {}", self.name());
        adopt(&mut loaded.manifests, &by, None);
        self.rules(&spec, loaded)?;
        let inventory = self.inventory();
        if !inventory.is_empty() {
            loaded.managed.push(Managed::Inventory(inventory));
        }
        Ok(())
    }

    /// Reads the directory, or builds it: Flux makes a kustomization of all files where there is
    /// none (`fluxcd/pkg/kustomize`, `Generator`).
    fn built(&self, spec: &Spec, directory: &Path, loaded: &mut Loaded) -> Result<(), String> {
        let over = over(spec);
        let components = self.components(spec, directory)?;
        if has_file(directory) {
            let build = self.build(vec![directory.to_owned()], Vec::new(), over, components);
            loaded.append(build.load(self.options.rendering()?));
            return Ok(());
        }
        let (found, walked) = files::found_on_disk(Path::new(&self.names.of(directory)));
        loaded.append(walked);
        let (directories, raw) = split(found);
        if over.is_empty() && components.is_empty() {
            for file in &raw {
                loaded.append(files::load_on_disk(file));
            }
            for directory in directories {
                let build = self.build(vec![directory], Vec::new(), Map::new(), Vec::new());
                loaded.append(build.load(self.options.rendering()?));
            }
            return Ok(());
        }
        let mut files = Vec::new();
        for file in &raw {
            let mut part = files::load_on_disk(file);
            if let (walk::Found::File { canonical, .. }, false) = (file, part.manifests.is_empty())
            {
                files.push(canonical.clone());
            }
            part.manifests.clear();
            loaded.append(part);
        }
        let build = self.build(directories, files, over, components);
        loaded.append(build.load(self.options.rendering()?));
        Ok(())
    }

    fn build<'b>(
        &'b self,
        directories: Vec<PathBuf>,
        files: Vec<PathBuf>,
        over: Map<String, Value>,
        components: Vec<PathBuf>,
    ) -> Build<'b> {
        Build {
            directories,
            files,
            names: self.names,
            over,
            components,
            within: Some(&self.repository.root),
            // Flux loads files from anywhere in its source.
            load_outside: true,
        }
    }

    fn components(&self, spec: &Spec, directory: &Path) -> Result<Vec<PathBuf>, String> {
        let mut components = Vec::new();
        for component in &spec.components {
            match directory.join(component).canonicalize() {
                Ok(path) => components.push(path),
                Err(_) if spec.ignore_missing_components => {}
                Err(_) => return Err(format!("there is no component {component}")),
            }
        }
        Ok(components)
    }

    /// What Flux does to objects after they were built.
    fn finish(&self, spec: &Spec, loaded: &mut Loaded) -> Result<(), String> {
        for (map, entries) in [
            ("labels", &spec.common_metadata.labels),
            ("annotations", &spec.common_metadata.annotations),
        ] {
            if entries.is_empty() {
                continue;
            }
            for manifest in &mut loaded.manifests {
                let mut object = manifest.value();
                for (key, value) in entries {
                    object["metadata"][map][key] = json!(value);
                }
                manifest.object = object.into();
            }
        }
        if let Some(post_build) = &spec.post_build {
            let variables = self.variables(post_build, &loaded.manifests)?;
            if variables.is_empty() {
                return Ok(());
            }
            for manifest in &mut loaded.manifests {
                let place = manifest.origin.to_string();
                let object = substitute::substitute(&manifest.value(), &variables)
                    .map_err(|message| format!("{place}: {message}"))?;
                let text = |pointer: &str| {
                    let text = object.pointer(pointer).and_then(Value::as_str);
                    text.map(str::to_owned)
                };
                let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
                manifest.name = name.ok_or_else(|| format!("{place}: its name is no text"))?;
                manifest.namespace = namespace;
                manifest.object = object.into();
            }
        }
        Ok(())
    }

    /// The variables: what is written here wins over what is read elsewhere.
    fn variables(
        &self,
        post_build: &PostBuild,
        manifests: &[Manifest],
    ) -> Result<BTreeMap<String, String>, String> {
        let mut variables = BTreeMap::new();
        for from in &post_build.substitute_from {
            match self.variables_from(from, manifests) {
                Some(found) => variables.extend(found),
                None if from.optional => {}
                None => {
                    return Err(format!(
                        "substituteFrom: {} {}/{} is neither live nor declared, or cannot be read",
                        from.kind,
                        self.found.metadata("namespace"),
                        from.name
                    ));
                }
            }
        }
        variables.extend(post_build.substitute.clone());
        Ok(variables)
    }

    /// The data of a ConfigMap or Secret: of the live one, else of the one that is declared.
    fn variables_from(
        &self,
        from: &SubstituteFrom,
        manifests: &[Manifest],
    ) -> Option<BTreeMap<String, String>> {
        let namespace = self.found.metadata("namespace");
        let live = self.live.related("v1", &from.kind, namespace);
        let is_named = |object: &&Value| {
            object
                .pointer("/metadata/name")
                .is_some_and(|name| *name == from.name)
        };
        let live = live.unwrap_or_default();
        let declared: Vec<Value> = manifests
            .iter()
            .filter(|manifest| {
                manifest.kind == from.kind
                    && manifest.namespace.as_deref().unwrap_or(namespace) == namespace
            })
            .map(|manifest| manifest.value())
            .collect();
        let object = live
            .iter()
            .find(is_named)
            .or_else(|| declared.iter().find(is_named))?;
        let mut variables = BTreeMap::new();
        let texts = |field: &str| {
            let map = object.get(field).and_then(Value::as_object);
            map.into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        };
        for (key, value) in texts("data") {
            let value = if from.kind == "Secret" {
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(value)
                    .ok()?;
                String::from_utf8(bytes).ok()?
            } else {
                value
            };
            variables.insert(key, value);
        }
        variables.extend(texts("stringData"));
        Some(variables)
    }

    /// Its own `spec.ignore`, and what the HelmReleases that it brings say of their objects.
    fn rules(&self, spec: &Spec, loaded: &mut Loaded) -> Result<(), String> {
        let name = self.name();
        let author = Author {
            id: &format!("{name}/ignore"),
            reason: &format!("spec.ignore of the Kustomization {name}"),
            place: &self.found.place,
        };
        let rules = author.rules(&spec.ignore, &loaded.manifests)?;
        loaded.rules.extend(rules);
        let mut of_releases = Vec::new();
        for manifest in &loaded.manifests {
            if manifest.kind != "HelmRelease"
                || group_of(&manifest.api_version) != "helm.toolkit.fluxcd.io"
            {
                continue;
            }
            let namespace = manifest.namespace.as_deref().unwrap_or_default();
            let release = &manifest.name;
            let author = Author {
                id: &format!("{namespace}/{release}/driftDetection.ignore"),
                reason: &format!("driftDetection of the HelmRelease {namespace}/{release}"),
                place: &manifest.origin.to_string(),
            };
            let place = &manifest.origin;
            let rules = rules::of_release(&manifest.value())
                .and_then(|entries| author.rules_of_release(&entries, namespace, release))
                .map_err(|message| format!("{place}: {message}"))?;
            of_releases.extend(rules);
        }
        loaded.rules.extend(of_releases);
        Ok(())
    }

    /// What Flux holds to be its own: `status.inventory` of the live Kustomization.
    fn inventory(&self) -> BTreeSet<(ResourceKey, String)> {
        let (namespace, name) = (
            self.found.metadata("namespace"),
            self.found.metadata("name"),
        );
        let live = match self.found.value.pointer("/status/inventory") {
            Some(_) => None,
            None => in_cluster(self.live, &VERSIONS, "Kustomization", namespace, name).ok(),
        };
        let object = live.map_or_else(|| self.found.value.clone(), |live| live.value);
        let entries = object.pointer("/status/inventory/entries");
        let entries = entries.and_then(Value::as_array).into_iter().flatten();
        let text = |entry: &Value, field: &str| entry.get(field)?.as_str().map(str::to_owned);
        entries
            .filter_map(|entry| {
                let key = inventory_key(&text(entry, "id")?)?;
                let version = text(entry, "v")?;
                let api_version = if key.group.is_empty() {
                    version
                } else {
                    format!("{}/{version}", key.group)
                };
                Some((key, api_version))
            })
            .collect()
    }
}

/// `namespace_name_group_Kind` (`cli-utils/pkg/object`, `ParseObjMetadata`); a colon in a name is
/// written `__`.
fn inventory_key(id: &str) -> Option<ResourceKey> {
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (name, group) = rest.rsplit_once('_')?;
    Some(ResourceKey {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        name: name.replace("__", ":"),
    })
}

/// The settings, as fields of a kustomization.
fn over(spec: &Spec) -> Map<String, Value> {
    let mut fields = Map::new();
    for (field, value) in [
        ("namespace", &spec.target_namespace),
        ("namePrefix", &spec.name_prefix),
        ("nameSuffix", &spec.name_suffix),
    ] {
        if !value.is_empty() {
            fields.insert(field.to_owned(), json!(value));
        }
    }
    for (field, list) in [("patches", &spec.patches), ("images", &spec.images)] {
        if !list.is_empty() {
            fields.insert(field.to_owned(), json!(list));
        }
    }
    fields
}

/// The outermost directories with a kustomization, and the files outside of them.
fn split(found: Vec<walk::Found>) -> (Vec<PathBuf>, Vec<walk::Found>) {
    let parent = |file: &walk::Found| match file {
        walk::Found::File { canonical, .. } => canonical.parent().map(Path::to_owned),
        _ => None,
    };
    let all: BTreeSet<PathBuf> = found
        .iter()
        .filter_map(parent)
        .filter(|d| has_file(d))
        .collect();
    let is_below = |path: &Path| all.iter().any(|other| path.starts_with(other));
    let outermost = all
        .iter()
        .filter(|directory| directory.parent().is_none_or(|parent| !is_below(parent)));
    let outermost = outermost.cloned().collect();
    let raw = found
        .into_iter()
        .filter(|file| parent(file).is_some_and(|parent| !is_below(&parent)));
    (outermost, raw.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_inventories() {
        let key = |id: &str| inventory_key(id).map(|key| (key.group.clone(), key.to_string()));
        let expected = ("apps".to_owned(), "Deployment shop/cart".to_owned());
        assert_eq!(key("shop_cart_apps_Deployment"), Some(expected));
        let expected = (String::new(), "Namespace shop".to_owned());
        assert_eq!(key("_shop__Namespace"), Some(expected));
        let expected = "ClusterRole system:x".to_owned();
        let found = key("_system__x_rbac.authorization.k8s.io_ClusterRole");
        assert_eq!(found.map(|(_, said)| said), Some(expected));
        assert_eq!(key("shop"), None);
    }
}
