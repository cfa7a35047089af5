//! The API server as a live side.
//!
//! ```text
//! kubeconfig ─► exec ─► transport ─► send ◄── request        who, how, and what may be sent
//!                                     │
//!                      discovery ─► plan ─► read ◄── list ◄── splitter
//! ```
//!
//! Only the requests that [`request`] can build are sent, all of which only read, and the writes
//! that [`mod@write`] can build, which only its [`Writer`] sends. Response bodies are never logged
//! or put into an error: they may contain a Secret.

mod access;
mod discovery;
mod early;
mod exec;
mod failure;
mod kubeconfig;
mod list;
mod login;
mod plan;
mod predict;
mod query;
mod read;
mod receive;
mod request;
mod send;
mod service_account;
mod splitter;
mod status;
mod transport;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub use self::access::ClientIdentity;
use self::discovery::{ApiRoot, Catalog, DiscoveryGap, Resources};
use self::early::{CORE, EarlyRequests, NAMED};
use self::failure::ApiFailure;
pub use self::kubeconfig::{context_names, contexts_of};
use self::read::{GroupReader, GroupResults};
use self::request::{ApiRequest, ResponseForm, group_version_path};
use self::send::{RequestLimits, Sender};
use self::service_account::ServiceAccount;
use self::transport::Transport;
pub use self::write::{ReadFailure, WriteError, WriteMode, Writer};
use super::{
    Apply, Discovery, FetchRequest, KindLookup, Meter, Predict, Prediction, Query, Read,
    ReadResults, ServedKind,
};
use crate::model::{ReportTarget, ResourceKey, Warning, group_of};
use crate::schema::successor;
use crate::signals::{InterruptibleRead, signals};

/// How to reach a cluster, and the limits.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// `--kubeconfig`; otherwise `KUBECONFIG`, `~/.kube/config`, or a pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; otherwise the current one.
    pub context: Option<String>,
    /// The directories that manifests are read from: a kubeconfig in one of them is refused.
    pub scanned: Vec<PathBuf>,
    /// The timeout of one request, from sending it to the last byte of its response.
    pub request_timeout: Duration,
    /// The timeout of all reading in the run.
    pub timeout: Duration,
    /// The limit on concurrent requests.
    pub concurrency: usize,
}

/// An API server.
pub struct Api {
    runtime: Runtime,
    sender: Arc<Sender>,
    target: Mutex<ReportTarget>,
    namespace: String,
    catalog: Mutex<Catalog>,
    early: Mutex<EarlyRequests>,
}

impl Api {
    /// Finds the cluster, and starts discovery: by the time the manifests are read, the connection
    /// is open and the responses have arrived.
    ///
    /// # Errors
    /// Fails if there is no kubeconfig, if it is broken or has no such context, or if its
    /// credentials cannot be obtained. It never falls back to another cluster.
    pub fn connect(options: &ConnectOptions) -> Result<Self> {
        let variable = std::env::var_os("KUBECONFIG");
        let home = std::env::home_dir();
        let login = kubeconfig::login(&kubeconfig::KubeconfigInputs {
            flag: options.kubeconfig.as_deref(),
            variable: variable.as_deref(),
            home: home.as_deref(),
            context: options.context.as_deref(),
            scanned: &options.scanned,
            pod: ServiceAccount::of_this_pod(),
        })?;
        let url = login.config.cluster_url.to_string();
        let target = ReportTarget {
            context: login.context.clone(),
            server: Some(kubeconfig::without_user_info(&url)),
            insecure: login.config.accept_invalid_certs,
            ..ReportTarget::default()
        };
        let namespace = login.config.default_namespace.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the threads that read from the cluster")?;
        let transport = runtime
            .block_on(Transport::new(login, options.request_timeout))
            .map_err(|failure| anyhow!("cannot prepare the connection to {url}: {failure}"))?;
        let limits = RequestLimits {
            request: options.request_timeout,
            run: options.timeout,
            concurrency: options.concurrency,
        };
        let deadline = Instant::now() + options.timeout;
        let sender = Sender::new(transport, limits, deadline, signals());
        let sender = Arc::new(sender);
        Ok(Self {
            early: Mutex::new(EarlyRequests::begin(&runtime, &sender)),
            runtime,
            sender,
            target: Mutex::new(target),
            namespace,
            catalog: Mutex::new(Catalog {
                core: ApiRoot::NotAsked,
                named: ApiRoot::NotAsked,
            }),
        })
    }

    /// Discovers what the server serves: the core group, all other groups, or both, with one
    /// request each, and the groups that an older server needs one request each for (all groups, if
    /// `groups` is `None`).
    async fn discover(&self, core: bool, named: bool, groups: Option<&BTreeSet<&str>>) -> Catalog {
        let mut catalog = lock(&self.catalog).clone();
        let core = core && catalog.core == ApiRoot::NotAsked;
        let named = named && catalog.named == ApiRoot::NotAsked;
        let early = lock(&self.early).take(core, named);
        let sender = &self.sender;
        let root = |path| early::root(Arc::clone(sender), path);
        let (core, named) = tokio::join!(
            early::or_ask(early.core, core, || root(CORE)),
            early::or_ask(early.named, named, || root(NAMED)),
        );
        if let Some(core) = core {
            catalog.core = core;
        }
        if let Some(named) = named {
            catalog.named = named;
        }
        if let Some(version) = early.version {
            lock(&self.target).version = early::soon(version).await;
        }
        let mut versions = JoinSet::new();
        for version in catalog.missing(groups) {
            versions.spawn(resources(Arc::clone(&self.sender), version));
        }
        for (version, resources) in versions.join_all().await {
            catalog.fill(&version, resources);
        }
        *lock(&self.catalog) = catalog.clone();
        catalog
    }

    async fn read(&self, request: &FetchRequest) -> GroupResults {
        let mut outcome = GroupResults::default();
        let mut kinds = Vec::new();
        if !request.extra_in.is_empty() {
            let catalog = self.discover(true, true, None).await;
            let (known, gaps) = catalog.namespaced_kinds();
            kinds = known;
            kinds.retain(|kind| request.wants_extra_of(&kind.names()));
            outcome
                .extra_unread
                .extend(gaps.iter().map(ToString::to_string));
            outcome.warnings.extend(discovery::unsearched(gaps));
        }
        let reader = Arc::new(GroupReader {
            sender: Arc::clone(&self.sender),
        });
        let mut tasks = JoinSet::new();
        let groups = plan::groups(request, &kinds);
        Meter::of_process().plan(groups.len());
        for group in groups {
            if !group.extra_in.is_empty() {
                outcome.extra_kinds.insert(group.kind.clone());
            }
            tasks.spawn(Arc::clone(&reader).group(group));
        }
        for part in tasks.join_all().await {
            outcome.add(part);
        }
        // A list at any version of a kind has all of its objects: a list at one declared version
        // has objects declared at another.
        let declared: HashSet<_> = request.wanted.iter().map(|wanted| &wanted.key).collect();
        outcome
            .extra
            .retain(|object| !declared.contains(&object.key));
        outcome
    }
}

impl Discovery for Api {
    fn target(&self) -> ReportTarget {
        lock(&self.target).clone()
    }

    fn default_namespace(&self) -> Option<String> {
        Some(self.namespace.clone())
    }

    fn resolve(
        &self,
        kinds: &BTreeSet<(String, String)>,
        _declared_crds: &[&Value],
    ) -> Result<BTreeMap<(String, String), KindLookup>> {
        let _reading = InterruptibleRead::begin();
        // A kind whose version was removed may be served in another group.
        let versions = kinds.iter().flat_map(|(version, kind)| {
            let current = successor(version, kind);
            std::iter::once(version.as_str()).chain(current)
        });
        let groups: BTreeSet<&str> = versions.map(group_of).collect();
        let core = groups.contains("");
        let named = groups.iter().any(|group| !group.is_empty());
        let catalog = self
            .runtime
            .block_on(self.discover(core, named, Some(&groups)));
        if let (ApiRoot::Broken(gap), ApiRoot::Broken(_) | ApiRoot::NotAsked)
        | (ApiRoot::NotAsked, ApiRoot::Broken(gap)) = (&catalog.core, &catalog.named)
        {
            let target = self.target();
            let server = target.server.unwrap_or_default();
            let server = server.trim_end_matches('/');
            let context = target.context.map(|name| format!(" (context {name})"));
            let context = context.unwrap_or_default();
            // Nothing answers, so the path of the first request does not help.
            bail!("cannot read from {server}{context}: {}", gap.why);
        }
        Ok(kinds
            .iter()
            .map(|kind| (kind.clone(), catalog.lookup(&kind.0, &kind.1)))
            .collect())
    }

    fn schema(&self, api_version: &str) -> Result<Option<Value>> {
        let _reading = InterruptibleRead::begin();
        if !lock(&self.catalog).has_version(api_version) {
            return Ok(None);
        }
        let path = format!("/openapi/v3{}", group_version_path(api_version));
        let request = ApiRequest::document(&path, ResponseForm::Json);
        match self
            .runtime
            .block_on(self.sender.checked(&request, schemas))
        {
            Ok(document) => Ok(Some(document)),
            Err(ApiFailure::NotFound | ApiFailure::UnknownResource) => Ok(None),
            Err(failure) => Err(anyhow!("{failure}")),
        }
    }

    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        self.every_kind()
    }

    fn api_versions(&self) -> BTreeSet<String> {
        self.every_version()
    }
}

impl Read for Api {
    fn fetch(&self, request: &FetchRequest) -> Result<ReadResults> {
        let _reading = InterruptibleRead::begin();
        let outcome = self.runtime.block_on(self.read(request));
        lock(&self.target).read_at = Some(jiff::Timestamp::now().strftime("%FT%TZ").to_string());
        let mut warnings: Vec<Warning> = outcome.forbidden_extra().collect();
        warnings.extend(outcome.warnings);
        warnings.extend(self.sender.ended().as_ref().map(stopped));
        Ok(ReadResults {
            answers: outcome.answers,
            extra: outcome.extra,
            extra_kinds: outcome.extra_kinds,
            extra_unread: outcome.extra_unread,
            warnings,
            interrupted: self.cut_short().is_some(),
        })
    }

    fn list(&self, query: &Query<'_>) -> Result<Vec<Value>> {
        self.answer(query)
    }

    fn related(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
        let _reading = InterruptibleRead::begin();
        let groups = BTreeSet::from([group_of(api_version)]);
        self.runtime.block_on(async {
            let catalog = self.discover(false, true, Some(&groups)).await;
            match catalog.lookup(api_version, kind) {
                KindLookup::Served(kind) => {
                    let list = query::ListQuery::everything();
                    let place = kind.namespaced.then_some(namespace);
                    self.items(&kind, place, &list).await.ok()
                }
                _ => None,
            }
        })
    }

    fn cut_short(&self) -> Option<Warning> {
        let ended = self.sender.ended()?;
        let in_time = !matches!(ended, ApiFailure::Interrupted | ApiFailure::OutOfTime(_));
        (!in_time).then(|| stopped(&ended))
    }
}

impl Predict for Api {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        let _reading = InterruptibleRead::begin();
        let predicted = predict::all(Arc::clone(&self.sender), applies);
        self.runtime.block_on(predicted)
    }
}

async fn resources(sender: Arc<Sender>, api_version: String) -> (String, Resources) {
    let request = ApiRequest::document(&group_version_path(&api_version), ResponseForm::Json);
    let parse = |body: Vec<u8>| {
        discovery::resources(&api_version, &body)
            .map_err(|what| ApiFailure::malformed("discovery document", what))
    };
    let resources = sender
        .checked(&request, parse)
        .await
        .unwrap_or_else(|failure| Resources::Broken(DiscoveryGap::new(&api_version, failure)));
    (api_version, resources)
}

fn parsed(body: Vec<u8>) -> Result<Value, ApiFailure> {
    serde_json::from_slice(&body)
        .map_err(|_| ApiFailure::malformed("document", "it is not valid JSON"))
}

/// Returns the error that every further request would meet too.
fn stopped(by: &ApiFailure) -> Warning {
    Warning::error("", format!("reading from the cluster stopped: {by}"))
}

/// Locks a mutex. Its data is intact after a panic, because each value is replaced as a whole.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the schemas of an OpenAPI document, at their path in it. A proxy's error page is not an
/// OpenAPI document.
fn schemas(body: Vec<u8>) -> Result<Value, ApiFailure> {
    let mut document = parsed(body)?;
    if !document.get("openapi").is_some_and(Value::is_string) {
        let what = "it does not say that it is one";
        return Err(ApiFailure::malformed("OpenAPI document", what));
    }
    let components = document.get_mut("components").map(Value::take);
    Ok(serde_json::json!({"components": components}))
}
