//! What a trial of an edit is made of: the edited files, the scope that is rendered again, and the
//! object that the edit should lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::model::{Deployer, FieldPath, Origin};

/// The texts of edited files, by their names.
pub type FileEdits = BTreeMap<String, String>;

/// The scope of a rendering: one kustomization, one chart, or everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RenderScope {
    /// A folder with a kustomization.
    Kustomization(String),
    /// A folder with a Helm chart.
    Chart(String),
    /// Everything that the arguments name, if GitOps objects lead to the object; with its own
    /// renderer, if known.
    All(Option<Box<Self>>),
}

impl RenderScope {
    /// Returns the part that a rendered object comes from.
    pub(super) fn of(origin: &Origin) -> Self {
        let by = origin.rendered_by.as_deref().unwrap_or_default();
        let for_whom = match origin.chain.is_empty() {
            true => None,
            false => by.rfind(" for "),
        };
        let by = for_whom.map_or(by, |end| &by[..end]);
        let of = |tool: &str| by.strip_prefix(tool).map(str::to_owned);
        let kustomization = of("kustomize build ").map(Self::Kustomization);
        let inner = kustomization.or_else(|| of("helm template ").map(Self::Chart));
        match inner {
            Some(inner) if origin.chain.is_empty() => inner,
            inner => Self::All(inner.map(Box::new)),
        }
    }

    /// Returns its kustomization or chart, if known.
    pub fn renderer(&self) -> Option<&Self> {
        match self {
            Self::All(inner) => inner.as_deref(),
            one => Some(one),
        }
    }

    /// Returns its folder.
    pub fn folder(&self) -> Option<&str> {
        match self.renderer()? {
            Self::Kustomization(folder) | Self::Chart(folder) => Some(folder),
            Self::All(_) => None,
        }
    }
}

/// A rendering.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RenderResult {
    /// The objects.
    pub objects: Vec<Value>,
    /// Errors in rendering, with their reasons.
    pub errors: Vec<String>,
}

/// A kustomization that an object may have passed through.
#[derive(Debug, Clone, PartialEq)]
pub struct KustomizationLayer {
    /// Its folder.
    pub folder: String,
    /// Its file.
    pub file: String,
    /// Its content.
    pub fields: Map<String, Value>,
}

/// Renders edited files, without writing them.
pub trait RenderEdits {
    /// Returns the objects that a part renders to with these edited files.
    ///
    /// # Errors
    /// Fails if it cannot be rendered.
    fn rendered(&self, part: &RenderScope, edits: &FileEdits) -> Result<Rc<RenderResult>, String>;

    /// Returns the kustomizations that a folder is built from, itself first, with these edited
    /// files.
    fn layers(&self, folder: &str, edits: &FileEdits) -> Vec<KustomizationLayer>;

    /// Returns the other kustomizations and charts of the repository that use a file: those that
    /// nothing else uses, and that the given part is not built from.
    fn others(&self, file: &str, part: &RenderScope) -> Vec<RenderScope>;

    /// Returns the values files of a part's chart in order of increasing precedence, and the
    /// chart's own `values.yaml`.
    fn values(&self, part: &RenderScope) -> (Vec<String>, Option<String>);

    /// Returns a values file that a GitOps object names: below its chart, or from the top of the
    /// repository (`/a`, `$ref/a`). `None` if there is no such file.
    fn values_file(&self, chart: &str, named: &str) -> Option<String>;

    /// Returns the files of the repository that may contain the GitOps object.
    fn deployers(&self, deployer: &Deployer) -> Vec<String>;
}

/// An object as it would be declared with one more change.
pub(super) struct WantedObject {
    /// The whole object.
    pub value: Value,
    /// The value of the field without what the server adds; `None` to remove the field.
    pub least: Option<Value>,
    /// The drift with this change.
    pub drifting: BTreeSet<FieldPath>,
    /// The fields that are declared as they are live, because their default depends on the change.
    pub also: Vec<FieldPath>,
}
