//! An HTTPS server that simulates a recorded or generated cluster with the Kubernetes REST API,
//! with the faults that a test needs.
//!
//! Responses are shaped like those of a 1.36 API server: items of built-in lists have no kind,
//! continue tokens are opaque and contain their resource version, and only the 404 for a missing
//! object names the object.

// Each program uses its own part of this.
#![allow(dead_code, clippy::unwrap_used)]

mod body;
mod catalog;
mod faults;
mod patches;
mod rest;
mod reviews;
mod selectors;
mod store;
mod tls;
mod writes;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub use catalog::Discovery;
pub use faults::{Fault, Faults};
pub use reviews::Denied;
pub use tls::Identity;
pub use writes::Meanwhile;

use store::Store;

/// The token that the server accepts.
pub const TOKEN: &str = "t";

/// The objects of a cluster and its behaviour. A test changes what it needs, and calls
/// [`start`](Self::start).
#[derive(Clone)]
pub struct Cluster {
    store: Arc<Store>,
    /// How discovery is answered.
    pub discovery: Discovery,
    /// The maximum number of items per page, whatever was requested. Small values make many pages.
    pub page: usize,
    /// Permissions that the user lacks.
    pub denied: Vec<Denied>,
    /// The accepted tokens; any, if empty.
    pub tokens: Vec<String>,
    /// Recorded responses to a server-side apply, by path.
    pub applied: BTreeMap<String, Value>,
    /// The OpenAPI documents, by path.
    pub openapi: BTreeMap<String, Value>,
    /// The faults.
    pub faults: Faults,
    /// The certificates.
    pub identity: Identity,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
    /// Whether objects can be changed.
    pub writable: bool,
    /// What other clients do while requests are in progress.
    pub meanwhile: Vec<Meanwhile>,
    /// Fields that no patch can change.
    pub immutable: Vec<&'static str>,
    /// The message with which admission refuses every patch, if any.
    pub denies: Option<String>,
    /// What a mutating webhook adds to every patched object, and as which field manager.
    pub mutates: Option<(String, &'static str, Value)>,
    /// The Events that were created.
    pub events: Vec<Value>,
    /// The resource version of the last change.
    version: u64,
}

impl Cluster {
    /// Returns a cluster with the items of a recording.
    pub fn of(recording: &Value) -> Self {
        Self::with_objects(recording["items"].as_array().unwrap())
    }

    /// Returns a cluster with these objects.
    pub fn with_objects(objects: &[Value]) -> Self {
        Self {
            store: Arc::new(Store::of(objects)),
            discovery: Discovery::Aggregated,
            page: 7,
            denied: Vec::new(),
            tokens: Vec::new(),
            applied: BTreeMap::new(),
            openapi: BTreeMap::new(),
            faults: Faults::None,
            identity: Identity::plain(),
            http2: true,
            writable: false,
            meanwhile: Vec::new(),
            immutable: Vec::new(),
            denies: None,
            mutates: None,
            events: Vec::new(),
            version: 1_000_000,
        }
    }

    /// Adds an object, unless the cluster is shared.
    pub fn add(&mut self, object: Value) {
        Arc::get_mut(&mut self.store).unwrap().add(object);
    }

    /// Replaces the object with the same name.
    pub fn replace(&mut self, object: Value) {
        Arc::make_mut(&mut self.store).add(object);
    }

    /// Adds a fault for requests whose path and query contain `part`.
    pub fn failing(mut self, part: &'static str, fault: Fault) -> Self {
        self.faults = Faults::At(vec![(part, fault)]);
        self
    }

    /// Starts a server with its own runtime.
    pub fn start(self) -> Server {
        let runtime = Runtime::new().unwrap();
        let (address, state) = runtime.block_on(self.listen());
        Server {
            address,
            state,
            _runtime: Some(runtime),
        }
    }

    /// Starts a server on a shared runtime.
    pub fn start_on(self, runtime: &Runtime) -> Server {
        let (address, state) = runtime.block_on(self.listen());
        Server {
            address,
            state,
            _runtime: None,
        }
    }

    async fn listen(self) -> (SocketAddr, Arc<State>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            cluster: RwLock::new(self),
            seen: Mutex::default(),
        });
        tokio::spawn(serve(listener, Arc::clone(&state)));
        (address, state)
    }
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
    _runtime: Option<Runtime>,
}

/// The state that requests share.
struct State {
    cluster: RwLock<Cluster>,
    /// The method, and the path with query, in the order of arrival.
    seen: Mutex<Vec<(String, String)>>,
}

impl Server {
    /// Starts a server with the objects of a recording.
    pub fn start(recording: &Value, fault: Option<(&'static str, Fault)>) -> Self {
        let cluster = Cluster::of(recording);
        match fault {
            Some((part, fault)) => cluster.failing(part, fault).start(),
            None => cluster.start(),
        }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a kubeconfig for the server.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_with(json!({}), json!({"token": TOKEN}))
    }

    /// Returns a kubeconfig for the server, with more fields of the cluster and another user.
    pub fn kubeconfig_with(&self, cluster: Value, user: Value) -> String {
        let identity = self.state.cluster().identity;
        let mut settings = json!({
            "server": format!("https://{}", self.address),
            "certificate-authority-data": STANDARD.encode(identity.authority()),
        });
        for (name, value) in cluster.as_object().unwrap() {
            settings[name] = value.clone();
        }
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "shop",
            "clusters": [{"name": "c", "cluster": settings}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "shop", "context": {"cluster": "c", "user": "u"}}],
        })
        .to_string()
    }

    /// Returns every request so far: the method, and the path with query.
    pub fn seen(&self) -> Vec<(String, String)> {
        self.state.seen().clone()
    }

    /// Returns the current object at a path.
    pub fn object(&self, path: &str) -> Value {
        self.state.cluster().object_at(path).unwrap_or_default()
    }

    /// Changes the cluster while the server runs.
    pub fn change(&self, change: impl FnOnce(&mut Cluster)) {
        change(&mut self.state.cluster_mut());
    }

    /// Returns the Events that were created.
    pub fn events(&self) -> Vec<Value> {
        self.state.cluster().events.clone()
    }

    /// Returns the requests that change something, except dry runs.
    pub fn writes(&self) -> Vec<(String, String)> {
        let mut seen = self.seen();
        seen.retain(|(method, target)| {
            method != "GET" && !target.contains("dryRun=All") && !target.contains("reviews")
        });
        seen
    }

    /// Returns the number of requests so far, by method.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (method, _) in self.state.seen().iter() {
            *counts.entry(method.clone()).or_default() += 1;
        }
        counts
    }
}

impl State {
    fn cluster(&self) -> std::sync::RwLockReadGuard<'_, Cluster> {
        self.cluster.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn cluster_mut(&self) -> std::sync::RwLockWriteGuard<'_, Cluster> {
        self.cluster.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let acceptor = {
        let cluster = state.cluster();
        cluster.identity.acceptor(cluster.http2)
    };
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| faults::answer(Arc::clone(&state), request));
            let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Shows the ports of test servers, which are others in each run, as `PORT`.
pub fn without_ports(text: &str) -> String {
    let port = regex::Regex::new(r"(127\.0\.0\.1):\d+").unwrap();
    port.replace_all(text, "$1:PORT").into_owned()
}
