//! Builds kustomizations: runs kustomize and parses its output.
//!
//! kustomize does not build the user's kustomization itself, but a private copy of it, through an
//! overlay that requests annotations with each object's origin. Settings of Flux and Argo CD are
//! fields of the overlay; the user's files are not changed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::charts::inflate;
use super::graph::{Graph, KustomizationNode};
use super::limits::{Absent, ReadLimits, check, leads_out};
use super::origin::KustomizeSources;
use super::private::PrivateCopy;
use super::{entries, strings};
use crate::source::LoadedSource;
use crate::source::address::is_remote;
use crate::source::objects::{RendererOutput, load_rendered};
use crate::source::read;
use crate::source::render::{
    FileNames, RendererProgram, RendererRun, Rendering, Secrets, WAY, relative_to, workspace, write,
};

/// The hint if neither program is installed.
const HINT: &str = "neither kustomize nor kubectl is on the PATH: install one of them \
                    (https://kubectl.docs.kubernetes.io/installation/kustomize), name it with \
                    --kustomize-bin, or pass --no-render to read the files without rendering";

/// The annotations with an object's origin.
const ORIGINS: &str = "originAnnotations";

/// The inputs of a build.
pub(in crate::source) struct Build<'b> {
    /// Directories with a kustomization, without links.
    pub directories: Vec<PathBuf>,
    /// Files with objects, without links.
    pub files: Vec<PathBuf>,
    /// The names of files.
    pub names: &'b FileNames,
    /// The overlay: fields of a kustomization.
    pub over: Map<String, Value>,
    /// Directories of components to apply.
    pub components: Vec<PathBuf>,
    /// The directory that everything must be read from, if there is one.
    pub within: Option<&'b Path>,
    /// Why files do not exist for the GitOps tool.
    pub absent: Absent<'b>,
    /// Whether files outside a kustomization may be loaded, if they are `within`.
    pub load_outside: bool,
    /// Whether variables in names are still to be substituted.
    pub is_open: bool,
}

/// An error, and its file.
type BuildRefusal = (PathBuf, String);

impl<'b> Build<'b> {
    /// Returns one kustomization without an overlay.
    pub fn of(directory: &Path, names: &'b FileNames) -> Self {
        Self {
            directories: vec![directory.to_owned()],
            files: Vec::new(),
            names,
            over: Map::new(),
            components: Vec::new(),
            within: None,
            absent: None,
            load_outside: false,
            is_open: false,
        }
    }

    /// Returns the objects that it builds. Errors are reported at its file.
    pub fn load(&self, rendering: &Rendering) -> LoadedSource {
        let mut loaded = LoadedSource::default();
        if let Err((file, message)) = self.built(rendering, &mut loaded) {
            loaded.error(self.names.of(&file), message);
        }
        loaded
    }

    fn built(&self, rendering: &Rendering, loaded: &mut LoadedSource) -> Result<(), BuildRefusal> {
        let mut graph = Graph::within(self.within);
        let all = self.directories.iter().chain(&self.components).cloned();
        let nodes = graph.below(all);
        if let Some(root) = self.within
            && let Some(outside) = self.components.iter().find(|one| !one.starts_with(root))
        {
            let place = self.directories.first().unwrap_or(outside);
            return Err((place.clone(), leads_out(outside, root)));
        }
        for directory in &self.directories {
            if !nodes.contains_key(directory) {
                let message = "no kustomization in this directory".to_owned();
                return Err((directory.clone(), message));
            }
        }
        let limits = ReadLimits {
            allow_remote: rendering.allow_remote,
            within: self.within,
            absent: self.absent,
        };
        check(&nodes, limits)?;
        let root = self.directories.first().and_then(|first| nodes.get(first));
        let root = root.copied();
        let place = self.place(root);
        let broken = |message: String| (place.clone(), message);
        let workspace = workspace().map_err(broken)?;
        let is_component =
            |directory: &&PathBuf| nodes.get(*directory).is_some_and(|n| n.is_component);
        let (parts, wholes): (Vec<_>, Vec<_>) = self.directories.iter().partition(is_component);
        // A component belongs to the overlay, which otherwise has no resources.
        let parts = [self.components.iter().collect(), parts].concat();
        let load_outside = rendering.load_outside || self.load_outside;
        let tree = workspace.path().join("tree");
        let inflated = inflate(&nodes, self.names, rendering, loaded);
        let mut private = PrivateCopy::of(&nodes, &tree, load_outside, &inflated)?;
        for file in std::mem::take(&mut private.locked) {
            loaded.error(self.names.of(&file), read::LOCKED);
        }
        let target = self.target(root, [&wholes, &parts], workspace.path(), &mut private);
        let target = target.map_err(broken)?;
        let program = RendererProgram::find(
            rendering.kustomize.as_deref(),
            &["kustomize", "kubectl"],
            HINT,
        );
        let program = program.map_err(broken)?;
        let directory = place.parent().map(|parent| self.names.of(parent));
        let directory = directory.unwrap_or_default();
        let job = RendererRun {
            name: &format!("{} (building {directory})", program.name),
            program: &program.file,
            arguments: arguments(&program, &target.directory),
            workspace: workspace.path(),
            network: rendering.allow_remote,
            deadline: rendering.deadline,
            sandbox: rendering.sandbox,
            secrets: &|| self.secrets(&nodes),
        };
        let failed = |message: String| {
            let message = private.in_message(&message);
            (place.clone(), named(&message, self.names))
        };
        let output = job.run().map_err(failed)?.output;
        let mut sources = KustomizeSources::new(&target.directory, &place, self.names, &private);
        let by = format!("kustomize build {directory}");
        let place = self.names.of(&place);
        let rendered = RendererOutput {
            place: &place,
            output,
            is_open: self.is_open,
            distrusts: rendering.untrusted,
            decrypts: Some(rendering),
            file_of_line: &|_| None,
        };
        load_rendered(rendered, loaded, |manifest| {
            sources.set_origin(manifest, &by, target.keeps_origins);
        });
        Ok(())
    }

    /// Returns the secrets in a build.
    fn secrets(&self, nodes: &BTreeMap<PathBuf, &KustomizationNode>) -> Secrets {
        let mut secrets = Secrets::default();
        let over = Value::Object(self.over.clone());
        let fields = nodes
            .values()
            .map(|node| Value::Object(node.fields.clone()));
        for fields in fields.chain([over]) {
            secrets.values(&fields, false);
            for field in ["secretGenerator", "configMapGenerator"] {
                for generator in fields.get(field).into_iter().flat_map(entries) {
                    let literals = generator.get("literals").into_iter().flat_map(strings);
                    literals.for_each(|literal| secrets.assignment(literal));
                }
            }
            for patch in fields.get("patches").into_iter().flat_map(entries) {
                secrets.text(
                    patch
                        .get("patch")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                );
            }
        }
        let files = nodes.values().flat_map(|node| &node.files);
        for file in files.chain(&self.files) {
            let text = read::file(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            match file.extension().and_then(OsStr::to_str) {
                Some("yaml" | "yml" | "json") => secrets.text(&text),
                _ => text.lines().for_each(|line| secrets.assignment(line)),
            }
        }
        secrets
    }

    /// Returns the file that represents the whole build.
    fn place(&self, root: Option<&KustomizationNode>) -> PathBuf {
        let file = root.map(|root| root.file.clone());
        file.or_else(|| self.files.first().cloned())
            .unwrap_or_default()
    }

    /// Returns the kustomization to build, from directories of kustomizations and of components.
    fn target(
        &self,
        root: Option<&KustomizationNode>,
        [wholes, parts]: [&[&PathBuf]; 2],
        workspace: &Path,
        private: &mut PrivateCopy,
    ) -> Result<BuildTarget, String> {
        let metadata = root
            .map(KustomizationNode::build_metadata)
            .unwrap_or_default();
        let keeps_origins = metadata.contains(&ORIGINS);
        let overlay = workspace.join("overlay");
        let seen_from_there = |directory: &&PathBuf| {
            let path = relative_to(&private.copy_of(directory), &overlay);
            path.to_string_lossy().into_owned()
        };
        let mut resources: Vec<String> = wholes.iter().map(seen_from_there).collect();
        let components: Vec<String> = parts.iter().map(seen_from_there).collect();
        let is_plain = self.over.is_empty() && self.files.is_empty() && self.components.is_empty();
        // Kustomize takes some paths for addresses; and declared annotations contain paths from the
        // user's own directory.
        let mut entries = resources.iter().chain(&components);
        let cannot_be_wrapped = entries.any(|entry| is_remote(entry));
        if let (Some(directory), true) = (self.directories.first(), self.directories.len() == 1)
            && is_plain
            && (cannot_be_wrapped || keeps_origins)
        {
            return Ok(BuildTarget {
                directory: private.copy_of(directory),
                keeps_origins,
            });
        }
        if cannot_be_wrapped {
            return Err(
                "this directory cannot be used as a base, because kustomize takes its path for an \
                 address: move it to another path"
                    .to_owned(),
            );
        }
        let copies = copies(&self.files, &overlay)?;
        for (copy, original) in copies {
            let name = copy.file_name().unwrap_or_default();
            resources.push(name.to_string_lossy().into_owned());
            private.also(copy, original);
        }
        let mut fields = self.adapted(root)?;
        let mut build_metadata = metadata;
        if !keeps_origins {
            build_metadata.push(ORIGINS);
        }
        fields.insert("resources".to_owned(), json!(resources));
        fields.insert("buildMetadata".to_owned(), json!(build_metadata));
        if !components.is_empty() {
            fields.insert("components".to_owned(), json!(components));
        }
        // JSON is YAML.
        let text = Value::Object(fields).to_string();
        write(&overlay.join("kustomization.yaml"), &text)?;
        Ok(BuildTarget {
            directory: overlay,
            keeps_origins,
        })
    }

    /// Refuses an overlay whose fields the tool would write *into* the kustomization: a prefix
    /// would replace the existing one, and an image would match by its original name.
    fn adapted(&self, root: Option<&KustomizationNode>) -> Result<Map<String, Value>, String> {
        let mut over = self.over.clone();
        let Some(root) = root else {
            return Ok(over);
        };
        for field in ["namePrefix", "nameSuffix"] {
            if over.contains_key(field) && root.fields.contains_key(field) {
                return Err(format!(
                    "{field} is set both for it and in this kustomization, which cannot be \
                     rendered here"
                ));
            }
        }
        let known = root.fields.get("images").and_then(Value::as_array);
        let images = over.get_mut("images").and_then(Value::as_array_mut);
        for image in images.into_iter().flatten() {
            let same = known
                .into_iter()
                .flatten()
                .find(|k| k["name"] == image["name"]);
            if let Some(new_name) = same.and_then(|same| same.get("newName")) {
                image["name"] = new_name.clone();
            }
        }
        Ok(over)
    }
}

/// Returns the arguments for building a directory. Its tree is private, so nothing needs to be
/// loaded from outside a kustomization.
fn arguments(program: &RendererProgram, target: &Path) -> Vec<OsString> {
    let verb = if program.name.starts_with("kubectl") || program.name == "oc" {
        "kustomize"
    } else {
        "build"
    };
    let mut arguments = vec![OsString::from(verb)];
    arguments.push("--load-restrictor=LoadRestrictionsRootOnly".into());
    arguments.push(target.into());
    arguments
}

/// Replaces the directory in kustomize's messages.
fn named(message: &str, names: &FileNames) -> String {
    let named = || {
        let (program, rest) = message.split_once(&format!(": {WAY}"))?;
        let (directory, cause) = rest.split_once("': ")?;
        let directory = names.of(Path::new(directory));
        Some(format!("{program}, in {directory}: {cause}"))
    };
    named().unwrap_or_else(|| message.to_owned())
}

/// The kustomization to build.
struct BuildTarget {
    directory: PathBuf,
    /// Whether objects keep their origin annotations, because the user requests them.
    keeps_origins: bool,
}

/// Copies files to where kustomize loads them from. The directory is private to the user, and is
/// removed after the build.
fn copies(files: &[PathBuf], overlay: &Path) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut copies = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let copy = overlay.join(format!("file-{number}.yaml"));
        let text = String::from_utf8(read::file(file)?)
            .map_err(|_| format!("{} is not UTF-8", file.display()))?;
        write(&copy, &text)?;
        copies.push((copy, file.clone()));
    }
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_use_the_names_of_the_users_directories() {
        let names = FileNames::default().of_copy(Path::new("/tmp/x"), Path::new("/work"));
        let said = format!("kustomize (building a) failed: {WAY}/tmp/x/a': no matches");
        let shown = "kustomize (building a) failed, in /work/a: no matches";
        assert_eq!(named(&said, &names), shown);
        assert_eq!(named("it did not end: a", &names), "it did not end: a");
    }
}
