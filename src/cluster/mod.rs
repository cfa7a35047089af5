//! The live side: three small traits, and what implements them.

mod api;
pub mod audit;
mod denial;
mod dump;
mod live_object;
mod meter;
mod overlay;
mod query;
mod right;
mod snapshot;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{KindNames, KindPattern, ResourceKey, Target, Warning};

pub use api::{
    Api, Carry, ConnectOptions, Identity, WriteError, Writer, context_names, contexts_of,
};
pub use denial::{Denial, denials};
pub use dump::Dump;
pub use live_object::{LiveObject, Unreadable};
pub use meter::{Meter, Reached};
pub use overlay::Overlay;
pub use query::{Label, Query};
pub use right::{Right, rights_in_words};
pub use snapshot::Recorder;

/// A kind as the live side serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedKind {
    /// The `apiVersion` to read it at: the manifest's own where that is served.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The resource name in URLs, such as `deployments`; empty where a recording does not tell.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What people call it for short, such as `deploy`.
    pub short_names: Vec<String>,
}

impl ServedKind {
    /// Returns the names that people call it by.
    pub fn names(&self) -> KindNames<'_> {
        KindNames {
            api_version: &self.api_version,
            kind: &self.kind,
            plural: &self.plural,
            short_names: &self.short_names,
        }
    }
}

/// What the live side knows about a kind. Three different answers, because only the first can
/// prove that an object is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindLookup {
    /// It is served.
    Served(ServedKind),
    /// It is certainly not served; the text helps ("policy/v1beta1 is gone since 1.25; use
    /// policy/v1").
    NotServed(String),
    /// It could not be found out, and why.
    Unknown(String),
}

/// One object to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Which object.
    pub key: ResourceKey,
    /// How its kind is served.
    pub kind: ServedKind,
}

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct FetchRequest {
    /// The declared objects.
    pub wanted: Vec<Wanted>,
    /// The namespaces whose undeclared objects are wanted too.
    pub extra_in: Places,
    /// The kinds of undeclared objects that are wanted; empty for all.
    pub extra_kinds: Vec<KindPattern>,
}

impl FetchRequest {
    /// Returns whether undeclared objects of a kind are wanted.
    pub fn wants_extra_of(&self, kind: &KindNames<'_>) -> bool {
        let meant = |pattern: &KindPattern| pattern.matches(kind);
        self.extra_kinds.is_empty() || self.extra_kinds.iter().any(meant)
    }
}

/// A choice of namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// These and no others.
    Only(BTreeSet<String>),
    /// All that there are.
    All,
}

impl Default for Places {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Places {
    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(places) if places.is_empty())
    }

    /// Returns whether a namespace is one of them. The empty string is none.
    pub fn contains(&self, namespace: &str) -> bool {
        match self {
            Self::Only(places) => places.contains(namespace),
            Self::All => !namespace.is_empty(),
        }
    }
}

/// `shop, shop-platform`
impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only(places) => {
                let places: Vec<_> = places.iter().map(String::as_str).collect();
                f.write_str(&places.join(", "))
            }
            Self::All => f.write_str("all namespaces"),
        }
    }
}

/// The answer for one wanted object.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It is there.
    Found(LiveObject),
    /// It is proven not to be there: a 404 on a kind that is served, or a complete list without
    /// it.
    Absent,
    /// It could not be read, and why. Never the same as absent.
    Unread(String),
}

/// What was read.
#[derive(Debug, Default)]
pub struct Fetched {
    /// One answer for each wanted object; an object without an answer counts as unread.
    pub answers: BTreeMap<ResourceKey, Answer>,
    /// Live objects in the `extra_in` namespaces that were not wanted, unfiltered.
    pub extra: Vec<LiveObject>,
    /// The kinds whose undeclared objects were looked for, sorted.
    pub extra_kinds: BTreeSet<ServedKind>,
    /// What of them could not be read, or not everywhere: kinds such as `Deployment.apps`, and
    /// groups whose kinds are unknown.
    pub extra_unread: BTreeSet<String>,
    /// What went wrong on the way.
    pub warnings: Vec<Warning>,
    /// Whether reading was cut short by a deadline or a signal.
    pub interrupted: bool,
}

/// A server-side apply to dry-run.
#[derive(Debug, Clone)]
pub struct Apply {
    /// Which object.
    pub wanted: Wanted,
    /// The field manager that would apply it.
    pub manager: String,
    /// The manifest.
    pub manifest: Value,
}

/// Group versions and kinds as [`Discovery::api_versions`] names them.
fn served_names<'k>(kinds: impl Iterator<Item = (&'k str, &'k str)>) -> BTreeSet<String> {
    kinds
        .flat_map(|(version, kind)| [version.to_owned(), format!("{version}/{kind}")])
        .collect()
}

/// What the server would make of an object, or why that is unknown.
pub type Prediction = Result<LiveObject, Unpredicted>;

/// Why it is unknown what the server would make of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpredicted {
    /// Policies, webhooks or quotas refuse it.
    Denied(Vec<Denial>),
    /// The server could not be asked, or failed.
    Failed(String),
}

/// Answers for objects whose result cannot be predicted, and why.
pub fn unpredicted(applies: Vec<Apply>, why: &str) -> BTreeMap<ResourceKey, Prediction> {
    let applies = applies.into_iter();
    applies
        .map(|apply| (apply.wanted.key, Err(Unpredicted::Failed(why.to_owned()))))
        .collect()
}

/// Tells what the live side is and which kinds it serves.
///
/// No method of this trait, of [`Read`] and of [`Predict`] has a default body: what wraps a live
/// side does not compile until it says what becomes of each.
pub trait Discovery {
    /// Returns what the report says of the live side.
    fn target(&self) -> Target;

    /// Returns the namespace of namespaced objects that name none, if the live side has an opinion
    /// (a kubeconfig context's namespace).
    fn default_namespace(&self) -> Option<String>;

    /// Returns how a kind is served. `declared_crds` are the CustomResourceDefinitions among the
    /// manifests: a recording without discovery documents learns scopes from them.
    ///
    /// # Errors
    /// Fails if nothing can be found out about any kind: no connection, no credentials, a dump that
    /// cannot be read.
    fn resolve(
        &self,
        kinds: &BTreeSet<(String, String)>,
        declared_crds: &[&Value],
    ) -> anyhow::Result<BTreeMap<(String, String), KindLookup>>;

    /// Returns the OpenAPI v3 document (or the live CustomResourceDefinitions, as a `List`) that
    /// describe the custom resources of a group version; `None` where the live side has none.
    ///
    /// # Errors
    /// Fails if it has one that cannot be read.
    fn schema(&self, api_version: &str) -> anyhow::Result<Option<Value>>;

    /// Returns every kind whose objects people may make, and why there may be more of them.
    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>);

    /// Returns every group version that is served and every kind in it, as Helm names them:
    /// `apps/v1` and `apps/v1/Deployment`. A recording knows what was noted or recorded, and what
    /// every cluster serves.
    fn api_versions(&self) -> BTreeSet<String>;
}

/// Reads live objects.
pub trait Read {
    /// Reads objects by name, and undeclared ones where they are asked for.
    ///
    /// # Errors
    /// Fails if nothing at all can be read; what concerns single objects is in the answers.
    fn fetch(&self, request: &FetchRequest) -> anyhow::Result<Fetched>;

    /// Objects that are unknown by name, for declared state that is in the cluster: everything that
    /// the query selects, sorted as the live side has them. A recording answers with what it holds.
    ///
    /// # Errors
    /// Fails if they cannot be read, or not all of them.
    fn list(&self, query: &Query<'_>) -> anyhow::Result<Vec<Value>>;

    /// Returns the objects of a kind in a namespace, for what a verdict depends on (autoscalers);
    /// an empty namespace stands for cluster-scoped objects. `None` when they cannot be read.
    fn related(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>>;

    /// Returns what ended all reading before its end, if something did: a signal, or the end of the
    /// run's time. Whatever was asked for after that got no answer.
    fn cut_short(&self) -> Option<Warning>;
}

/// Predicts what applying manifests would do.
pub trait Predict {
    /// Returns what each object would become if its manifest was applied, or why that is unknown.
    /// Nothing is changed.
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction>;
}

/// The live side of a comparison. It only reads.
pub trait Live: Discovery + Read + Predict {}

impl<L: Discovery + Read + Predict> Live for L {}
