//! A declared object, and where it is declared.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::PackedObject;

/// A GitOps object that applies other objects: a Flux Kustomization, an Argo CD Application, a
/// HelmRelease.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deployer {
    /// `Kustomization`, `Application`, `ApplicationSet` or `HelmRelease`.
    pub kind: String,
    /// Its namespace; empty if it names none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Deployer {
    /// Writes a chain of deployers, outermost first: `cluster → apps → media/jellyfin`. A namespace
    /// is written only if it differs from that of the previous deployer.
    pub fn chain(chain: &[Self]) -> String {
        let mut before = chain.first().map_or("", |first| first.namespace.as_str());
        let mut said: Vec<String> = Vec::new();
        for one in chain {
            let is_known = one.namespace.is_empty() || one.namespace == before;
            said.push(match is_known {
                true => one.name.clone(),
                false => format!("{}/{}", one.namespace, one.name),
            });
            before = &one.namespace;
        }
        said.join(" → ")
    }
}

/// Writes `Kustomization flux-system/apps`.
impl fmt::Display for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// The source of a declared object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file as the user named it (`-` for standard input).
    pub file: Arc<str>,
    /// The document within the file, counted from 1.
    pub document: usize,
    /// The line of the object's first key, counted from 1.
    pub line: usize,
    /// The full ID of the Git commit that was read.
    pub revision: Option<Arc<str>>,
    /// The tool that rendered the object from the file, such as `kustomize`.
    pub rendered_by: Option<Arc<str>>,
    /// The GitOps objects that lead to it, outermost first; the last one applies it.
    pub chain: Arc<[Deployer]>,
}

impl Origin {
    /// Returns an origin in a plain file.
    pub fn file(file: impl Into<Arc<str>>, document: usize, line: usize) -> Self {
        Self {
            file: file.into(),
            document,
            line,
            revision: None,
            rendered_by: None,
            chain: Arc::default(),
        }
    }
}

/// Writes `cart/deployment.yaml:3`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A position in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One step into the manifest *as it is written*. Lists are addressed by index, unlike in a
/// [`FieldPath`](super::FieldPath), which identifies items by key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestStep {
    /// A key of a mapping.
    Field(String),
    /// An item of a sequence, counted from 0.
    Index(usize),
}

/// Finds the positions of an object's fields in its file.
///
/// Positions are needed only for drift, so they are found on demand.
pub trait Locate: fmt::Debug + Send + Sync {
    /// Returns the position of the key (or list item) at `steps`, or of its deepest existing
    /// ancestor; `None` if no positions are known.
    fn locate(&self, steps: &[ManifestStep]) -> Option<Position>;

    /// Returns the positions of several fields, in the order of `paths`, for little more than the
    /// cost of one.
    fn locate_all(&self, ways: &[&[ManifestStep]]) -> Vec<Option<Position>> {
        ways.iter().map(|way| self.locate(way)).collect()
    }
}

/// A declared object.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// `apiVersion`, as written.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace` if it is set and not empty.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
    /// The whole object, with its values as Kubernetes reads them.
    pub object: PackedObject,
    /// Where it is declared.
    pub origin: Origin,
    /// Finds the positions of its fields.
    pub source_map: Option<Arc<dyn Locate>>,
}

impl Manifest {
    /// Builds the whole object. Call it once, and drop the result early.
    pub fn value(&self) -> Value {
        self.object.value()
    }

    /// Returns the position of a field in the file, if known.
    pub fn locate(&self, steps: &[ManifestStep]) -> Option<Position> {
        self.locate_all(&[steps]).pop()?
    }

    /// Returns the positions of several fields, in the order of `paths`. The file is parsed once.
    pub fn locate_all(&self, ways: &[&[ManifestStep]]) -> Vec<Option<Position>> {
        match &self.source_map {
            Some(source_map) if !ways.is_empty() => match self.string_data(ways) {
                Some(written) => {
                    let ways: Vec<&[ManifestStep]> = written.iter().map(Vec::as_slice).collect();
                    source_map.locate_all(&ways)
                }
                None => source_map.locate_all(ways),
            },
            _ => vec![None; ways.len()],
        }
    }

    /// Returns the paths below a Secret's `stringData` for paths below `data`, if the manifest has
    /// the keys there; `None` for other objects.
    fn string_data(&self, ways: &[&[ManifestStep]]) -> Option<Vec<Vec<ManifestStep>>> {
        let is_data =
            |way: &&&[ManifestStep]| way.first() == Some(&ManifestStep::Field("data".to_owned()));
        if self.kind != "Secret" || !ways.iter().any(|way| is_data(&way)) {
            return None;
        }
        let object = self.value();
        let plain = object.get("stringData")?;
        let written = ways.iter().map(|way| match way {
            [ManifestStep::Field(data), ManifestStep::Field(key), ..]
                if data == "data" && plain.get(key).is_some() =>
            {
                let mut way = way.to_vec();
                way[0] = ManifestStep::Field("stringData".to_owned());
                way
            }
            way => way.to_vec(),
        });
        Some(written.collect())
    }
}
