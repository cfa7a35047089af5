//! Builds a kustomization: runs kustomize and takes the objects out of what it prints.
//!
//! The kustomization is not built itself, but one of our own that has nothing but it in its
//! `resources`, and asks for annotations that tell where each object came from. Flux's and Argo CD's
//! settings are laid over it the same way; no file of the user's is touched.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::graph::{Graph, Kustomization, Limits, check};
use super::origin::Sources;
use crate::source::Loaded;
use crate::source::objects::load_rendered;
use crate::source::render::{Job, Names, Program, Rendering, relative_to, workspace, write};

/// What to do where neither program is there.
const HINT: &str = "neither kustomize nor kubectl is on the PATH: install one of them \
                    (https://kubectl.docs.kubernetes.io/installation/kustomize), name it with \
                    --kustomize-bin, or pass --no-render to read the files as they lie";

/// The annotations that tell where an object came from.
const ORIGINS: &str = "originAnnotations";

/// One kustomization to build.
pub(in crate::source) struct Build<'b> {
    /// Its directory, without links.
    pub directory: &'b Path,
    /// What its files are called.
    pub names: &'b Names,
    /// What is laid over it: fields of a kustomization.
    pub over: Map<String, Value>,
    /// Everything that is read must lie in here, where there is such a directory.
    pub within: Option<&'b Path>,
}

impl Build<'_> {
    /// What the kustomization declares. What is wrong is an error at its file.
    pub fn load(&self, rendering: &Rendering) -> Loaded {
        let mut loaded = Loaded::default();
        if let Err((file, message)) = self.built(rendering, &mut loaded) {
            loaded.error(self.names.of(&file), message);
        }
        loaded
    }

    fn built(&self, rendering: &Rendering, loaded: &mut Loaded) -> Result<(), (PathBuf, String)> {
        let mut graph = Graph::default();
        let nodes = graph.below([self.directory.to_owned()]);
        let Some(root) = nodes.get(self.directory) else {
            let message = "there is no kustomization in this directory".to_owned();
            return Err((self.directory.to_owned(), message));
        };
        let limits = Limits {
            allow_remote: rendering.allow_remote,
            within: self.within,
        };
        check(&nodes, limits)?;
        let failed = |message| (root.file.clone(), message);
        let (_guard, workspace) = workspace().map_err(failed)?;
        let (target, keeps_origins) = self.target(root, &workspace).map_err(failed)?;
        let program = Program::find(
            rendering.kustomize.as_deref(),
            &["kustomize", "kubectl"],
            HINT,
        );
        let program = program.map_err(failed)?;
        let job = Job {
            name: &format!("{} (building {})", program.name, self.name()),
            program: &program.file,
            arguments: arguments(&program, &target, rendering),
            workspace: &workspace,
            network: rendering.allow_remote,
            deadline: rendering.deadline,
        };
        let output = job.run().map_err(failed)?;
        let mut sources = Sources::new(&target, &root.file, self.names);
        let place = self.names.of(&root.file);
        let by = format!("kustomize build {}", self.name());
        load_rendered(&place, output, loaded, |manifest| {
            sources.settle(manifest, &by, keeps_origins);
        });
        Ok(())
    }

    fn name(&self) -> String {
        self.names.of(self.directory)
    }

    /// The directory to build, and whether its objects keep the annotations of their origins.
    fn target(&self, root: &Kustomization, workspace: &Path) -> Result<(PathBuf, bool), String> {
        let mut metadata = root.build_metadata();
        let keeps_origins = metadata.contains(&ORIGINS);
        let overlay = workspace.join("overlay");
        let resource = relative_to(self.directory, &overlay);
        let resource = resource.to_string_lossy().into_owned();
        // Kustomize takes some paths for addresses, and a directory around ours for a circle; and
        // annotations that are declared hold paths from the user's own directory.
        let can_be_wrapped = !super::graph::is_remote(&resource)
            && !workspace.starts_with(self.directory)
            && (!keeps_origins || !self.over.is_empty());
        if !can_be_wrapped {
            if !self.over.is_empty() {
                return Err(format!(
                    "nothing can be laid over {}: move it to another path, or set TMPDIR to a \
                     directory outside of it",
                    self.directory.display()
                ));
            }
            return Ok((self.directory.to_owned(), keeps_origins));
        }
        if !keeps_origins {
            metadata.push(ORIGINS);
        }
        let mut fields = self.over.clone();
        fields.insert("resources".to_owned(), json!([resource]));
        fields.insert("buildMetadata".to_owned(), json!(metadata));
        // JSON is YAML.
        let text = Value::Object(fields).to_string();
        write(&overlay.join("kustomization.yaml"), &text)?;
        Ok((overlay, keeps_origins))
    }
}

fn arguments(program: &Program, target: &Path, rendering: &Rendering) -> Vec<OsString> {
    let verb = if program.name.starts_with("kubectl") || program.name == "oc" {
        "kustomize"
    } else {
        "build"
    };
    let restrictor = if rendering.load_outside {
        "LoadRestrictionsNone"
    } else {
        "LoadRestrictionsRootOnly"
    };
    let mut arguments = vec![OsString::from(verb)];
    arguments.push(format!("--load-restrictor={restrictor}").into());
    arguments.push(target.into());
    arguments
}
