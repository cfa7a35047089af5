//! The live side: three small traits, and their implementations.

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
mod unique_keys;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{KindNames, KindPattern, ReportTarget, ResourceKey, Warning};

pub use api::{
    Api, ClientIdentity, ConnectOptions, ReadFailure, WriteError, WriteMode, Writer, context_names,
    contexts_of,
};
pub use denial::{Denial, denials};
pub use dump::Dump;
pub use live_object::{LiveObject, Unreadable};
pub use meter::{Meter, ReadProgress};
pub use overlay::Overlay;
pub use query::{Label, Query};
pub use right::{AccessRight, rights_in_words};
pub use snapshot::{SNAPSHOT, SnapshotRecorder};

/// A kind as the live side serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedKind {
    /// The `apiVersion` to read it at: the manifest's own if it is served.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The resource name in URLs, such as `deployments`; empty if a recording does not say.
    pub plural: String,
    /// Whether it is namespaced.
    pub namespaced: bool,
    /// Its short names, such as `deploy`.
    pub short_names: Vec<String>,
}

impl ServedKind {
    /// Returns all its names.
    pub fn names(&self) -> KindNames<'_> {
        KindNames {
            api_version: &self.api_version,
            kind: &self.kind,
            plural: &self.plural,
            short_names: &self.short_names,
        }
    }
}

/// The result of looking up a kind. Only a kind that is served can have missing objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindLookup {
    /// It is served.
    Served(ServedKind),
    /// The kind is certainly not served, for this reason ("policy/v1beta1 was removed in 1.25; use
    /// policy/v1").
    NotServed(String),
    /// It could not be found out, and why.
    Unknown(String),
}

/// One object to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRequest {
    /// The object's key.
    pub key: ResourceKey,
    /// How its kind is served.
    pub kind: Arc<ServedKind>,
}

/// The objects to read.
#[derive(Debug, Clone, Default)]
pub struct FetchRequest {
    /// The declared objects.
    pub wanted: Vec<ObjectRequest>,
    /// The namespaces whose undeclared objects are wanted too.
    pub extra_in: Namespaces,
    /// The kinds of undeclared objects to find; empty for all.
    pub extra_kinds: Vec<KindPattern>,
}

impl FetchRequest {
    /// Returns whether undeclared objects of a kind are wanted.
    pub fn wants_extra_of(&self, kind: &KindNames<'_>) -> bool {
        let meant = |pattern: &KindPattern| pattern.matches(kind);
        self.extra_kinds.is_empty() || self.extra_kinds.iter().any(meant)
    }
}

/// A set of namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// Only these.
    Only(BTreeSet<String>),
    /// All of them.
    All,
}

impl Default for Namespaces {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Namespaces {
    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(places) if places.is_empty())
    }

    /// Returns whether a namespace is in the set. The empty string is not a namespace.
    pub fn contains(&self, namespace: &str) -> bool {
        match self {
            Self::Only(places) => places.contains(namespace),
            Self::All => !namespace.is_empty(),
        }
    }
}

/// Writes `shop, shop-platform`.
impl fmt::Display for Namespaces {
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

/// The result for one wanted object.
#[derive(Debug, Clone)]
pub enum ReadResult {
    /// It exists.
    Found(LiveObject),
    /// It is proven not to exist: a 404 for a kind that is served, or a complete list without it.
    Absent,
    /// The object could not be read, for this reason. This never counts as absent.
    Unread(String),
}

/// The results of a read.
#[derive(Debug, Default)]
pub struct ReadResults {
    /// One result for each wanted object. An object without a result counts as unread.
    pub answers: BTreeMap<ResourceKey, ReadResult>,
    /// Other live objects in the `extra_in` namespaces, unfiltered.
    pub extra: Vec<LiveObject>,
    /// The kinds that were searched for undeclared objects, sorted.
    pub extra_kinds: BTreeSet<ServedKind>,
    /// Kinds such as `Deployment.apps` that could not be searched completely, and groups whose
    /// kinds are unknown.
    pub extra_unread: BTreeSet<String>,
    /// Warnings and errors.
    pub warnings: Vec<Warning>,
    /// Whether a deadline or a signal cut reading short.
    pub interrupted: bool,
}

impl ReadResults {
    /// Returns the wanted objects that exist.
    pub fn found(&self) -> impl Iterator<Item = &LiveObject> + Clone {
        self.answers.values().filter_map(|answer| match answer {
            ReadResult::Found(object) => Some(object),
            ReadResult::Absent | ReadResult::Unread(_) => None,
        })
    }
}

/// A server-side apply to dry-run.
#[derive(Debug, Clone)]
pub struct Apply {
    /// The object, and how its kind is served.
    pub wanted: ObjectRequest,
    /// The field manager that would apply it.
    pub manager: String,
    /// The manifest.
    pub manifest: Value,
}

/// Returns the versions and kinds in the form of [`Discovery::api_versions`].
fn served_names<'k>(kinds: impl Iterator<Item = (&'k str, &'k str)>) -> BTreeSet<String> {
    kinds
        .flat_map(|(version, kind)| [version.to_owned(), format!("{version}/{kind}")])
        .collect()
}

/// The object that an apply would result in, or why it is unknown.
pub type Prediction = Result<LiveObject, Unpredicted>;

/// Why a prediction failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpredicted {
    /// Policies, webhooks or quotas would refuse the apply.
    Denied(Vec<Denial>),
    /// The dry run failed, for this reason.
    Failed(String),
}

/// Returns the same failure for all of these applies.
pub fn unpredicted(applies: Vec<Apply>, why: &str) -> BTreeMap<ResourceKey, Prediction> {
    let applies = applies.into_iter();
    applies
        .map(|apply| (apply.wanted.key, Err(Unpredicted::Failed(why.to_owned()))))
        .collect()
}

/// Describes the live side and the kinds that it serves.
///
/// The methods of this trait, of [`Read`] and of [`Predict`] have no default bodies, so that a
/// wrapper of a live side must implement each.
pub trait Discovery {
    /// Returns the description of the live side for reports.
    fn target(&self) -> ReportTarget;

    /// Returns the namespace of namespaced objects that name none, if the live side has one (the
    /// namespace of the kubeconfig context).
    fn default_namespace(&self) -> Option<String>;

    /// Returns how a kind is served. `declared_crds` are the CustomResourceDefinitions among the
    /// manifests: a recording without discovery documents learns scopes from them.
    ///
    /// # Errors
    /// Fails if nothing can be found out about any kind: no connection, no credentials, or an
    /// unreadable recording.
    fn resolve(
        &self,
        kinds: &BTreeSet<(String, String)>,
        declared_crds: &[&Value],
    ) -> anyhow::Result<BTreeMap<(String, String), KindLookup>>;

    /// Returns the OpenAPI v3 document (or the live CustomResourceDefinitions, as a `List`) for the
    /// custom resources of a group version; `None` if the live side has none.
    ///
    /// # Errors
    /// Fails if the document exists but cannot be read.
    fn schema(&self, api_version: &str) -> anyhow::Result<Option<Value>>;

    /// Returns every kind whose objects users may create, and the reasons there may be more.
    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>);

    /// Returns every served group version and kind in Helm's form: `apps/v1` and
    /// `apps/v1/Deployment`. For a recording these are the noted or recorded ones, and those that
    /// every cluster serves.
    fn api_versions(&self) -> BTreeSet<String>;
}

/// Reads live objects.
pub trait Read {
    /// Reads objects by name, and undeclared ones if requested.
    ///
    /// # Errors
    /// Fails if nothing at all can be read; errors of single objects are in the results.
    fn fetch(&self, request: &FetchRequest) -> anyhow::Result<ReadResults>;

    /// Lists objects without knowing their names, for declared state that is stored in the cluster.
    /// Returns all objects that the query selects, in the order of the live side; for a recording,
    /// those that it contains.
    ///
    /// # Errors
    /// Fails if not all of them can be read.
    fn list(&self, query: &Query<'_>) -> anyhow::Result<Vec<Value>>;

    /// Returns the objects of a kind in a namespace that a verdict depends on (such as
    /// autoscalers); an empty namespace means cluster-scoped objects. Returns `None` if they cannot
    /// be read.
    fn related(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>>;

    /// Returns why reading ended early, if it did: a signal, or the end of the run's time. Requests
    /// after that got no response.
    fn cut_short(&self) -> Option<Warning>;
}

/// Predicts what applying manifests would do.
pub trait Predict {
    /// Returns the result of applying each manifest, or why it is unknown. Nothing is stored.
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction>;
}

/// The live side of a comparison, which can only be read.
pub trait Live: Discovery + Read + Predict {}

impl<L: Discovery + Read + Predict> Live for L {}
