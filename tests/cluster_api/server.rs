//! An HTTPS server that plays the recorded shop by the Kubernetes REST rules.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::{patches, reviews};

/// What goes wrong, for requests whose path contains a text.
#[derive(Clone, Copy)]
pub enum Fault {
    /// Answers with this code and a Status.
    Code(u16),
    /// Answers so once, and properly after that.
    Once(u16),
    /// 200 with a web page.
    Html,
    /// 200 with the first half of the body.
    Truncated,
    /// Never answers.
    Hang,
    /// Closes the connection.
    Reset,
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    certificate: String,
    state: Arc<State>,
    _runtime: tokio::runtime::Runtime,
}

struct State {
    objects: Vec<Value>,
    resources: BTreeMap<(String, String), String>,
    fault: Option<(&'static str, Fault)>,
    seen: Mutex<Vec<(String, String)>>,
    page: usize,
}

impl Server {
    /// Starts a server over the objects of a recording.
    pub fn start(recording: &Value, fault: Option<(&'static str, Fault)>) -> Self {
        let objects = recording["items"].as_array().unwrap().clone();
        let state = Arc::new(State {
            resources: resources(),
            objects,
            fault,
            seen: Mutex::default(),
            page: 7,
        });
        let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = issued.cert.pem();
        let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(serve(listener, acceptor, Arc::clone(&state)));
        Self {
            address,
            certificate,
            state,
            _runtime: runtime,
        }
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> String {
        let authority = STANDARD.encode(&self.certificate);
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "shop",
            "clusters": [{"name": "c", "cluster": {
                "server": format!("https://{}", self.address),
                "certificate-authority-data": authority}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "shop", "context": {"cluster": "c", "user": "u"}}],
        })
        .to_string()
    }

    /// Every request so far: method and path with query.
    pub fn seen(&self) -> Vec<(String, String)> {
        self.state.seen.lock().unwrap().clone()
    }
}

async fn serve(listener: tokio::net::TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Answer = Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>>;

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let target = format!("{path}?{query}");
    let earlier = {
        let mut seen = state.seen.lock().unwrap();
        let earlier = seen.iter().any(|(_, known)| *known == target);
        seen.push((request.method().to_string(), target.clone()));
        earlier
    };
    let method = request.method().clone();
    let sent = request.into_body().collect().await?.to_bytes();
    let (mut code, mut body) = reviews::answer(&path, &sent, state.fault)
        .unwrap_or_else(|| state.find(&path, &parameters(&query)));
    if let Some(predicted) = patches::answer(&method, &query, &sent, &body) {
        (code, body) = predicted;
    }
    match state
        .fault
        .filter(|(part, _)| target.contains(part))
        .map(|(_, fault)| fault)
    {
        Some(Fault::Code(code)) => return Ok(refusal(code)),
        Some(Fault::Once(code)) if !earlier => return Ok(refusal(code)),
        Some(Fault::Html) => body = b"<html>log in</html>".to_vec(),
        Some(Fault::Truncated) => body.truncate(body.len() / 2),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Reset) => return Err("reset".into()),
        Some(Fault::Once(_)) | None => {}
    }
    Ok(response(code, body))
}

fn response(code: u16, body: Vec<u8>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(code);
    let response = response.header("content-type", "application/json");
    response.body(Full::new(Bytes::from(body))).unwrap()
}

fn refusal(code: u16) -> Response<Full<Bytes>> {
    let mut response = response(code, status(code, "canary-in-an-error"));
    response
        .headers_mut()
        .insert("retry-after", "0".parse().unwrap());
    response
}

fn status(code: u16, message: &str) -> Vec<u8> {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
        "reason": if code == 404 { "NotFound" } else { "Whatever" }, "code": code,
        "details": {"name": "x", "kind": "x"}})
    .to_string()
    .into_bytes()
}

/// What an API server says of an object that is not there.
fn no_object(plural: &str, name: &str) -> Vec<u8> {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
        "code": 404, "message": format!("{plural} \"{name}\" not found"),
        "details": {"name": name, "kind": plural}})
    .to_string()
    .into_bytes()
}

fn parameters(query: &str) -> HashMap<String, String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl State {
    fn find(&self, path: &str, query: &HashMap<String, String>) -> (u16, Vec<u8>) {
        match path {
            "/api" => return (200, fixture("api.aggregated.json.gz")),
            "/apis" => return (200, discovery()),
            "/version" => return (200, br#"{"gitVersion":"v1.36.2"}"#.to_vec()),
            _ => {}
        }
        let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let version = if parts[0] == "api" {
            parts.drain(..2).nth(1).unwrap().to_owned()
        } else if parts[0] == "apis" && parts.len() > 3 {
            parts.drain(..3).skip(1).collect::<Vec<_>>().join("/")
        } else {
            return (404, status(404, "no such path"));
        };
        let namespace = (parts[0] == "namespaces" && parts.len() > 2)
            .then(|| parts.drain(..2).nth(1).unwrap().to_owned());
        let Some(kind) = self.resources.get(&(version.clone(), parts[0].to_owned())) else {
            return (404, b"404 page not found".to_vec());
        };
        let text = |object: &Value, at: &str| {
            object
                .pointer(at)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let found: Vec<&Value> = self
            .objects
            .iter()
            .filter(|o| o["kind"] == *kind && o["apiVersion"] == *version)
            .filter(|o| namespace.is_none() || text(o, "/metadata/namespace") == namespace)
            .collect();
        match parts.get(1) {
            Some(name) => match found.iter().find(|o| o["metadata"]["name"] == **name) {
                Some(object) => (200, object.to_string().into_bytes()),
                None => (404, no_object(parts[0], name)),
            },
            None => (200, self.list(kind, &version, &found, query)),
        }
    }

    fn list(
        &self,
        kind: &str,
        version: &str,
        found: &[&Value],
        query: &HashMap<String, String>,
    ) -> Vec<u8> {
        let from: usize = query
            .get("continue")
            .map_or(0, |token| token.parse().unwrap());
        let to = (from + self.page).min(found.len());
        let mut metadata = json!({"resourceVersion": "9"});
        if to < found.len() {
            metadata["continue"] = to.to_string().into();
            metadata["remainingItemCount"] = (found.len() - to).into();
        }
        json!({"kind": format!("{kind}List"), "apiVersion": version, "metadata": metadata,
            "items": &found[from..to]})
        .to_string()
        .into_bytes()
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/apiserver/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// The recorded discovery, with the shop's own kinds.
fn discovery() -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(&fixture("apis.aggregated.json.gz")).unwrap();
    let resource = |plural: &str, kind: &str, scope: &str| json!({"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["get", "list"]});
    let version = |name: &str| {
        json!({"version": name, "freshness": "Current", "resources": [
            resource("shop-promotions", "Promotion", "Namespaced"), resource("shop-couriers", "Courier", "Cluster")]})
    };
    let group = json!({"metadata": {"name": "store.brindlewick.example"},
        "versions": [version("v1"), version("v1beta1"), version("v1alpha1")]});
    document["items"].as_array_mut().unwrap().push(group);
    document.to_string().into_bytes()
}

/// `(apiVersion, plural)` to kind.
fn resources() -> BTreeMap<(String, String), String> {
    let mut found: BTreeMap<_, _> = driftctl::schema::builtin_kinds()
        .iter()
        .map(|k| {
            (
                (k.api_version.to_owned(), k.plural.to_owned()),
                k.kind.to_owned(),
            )
        })
        .collect();
    for (plural, kind) in [
        ("shop-promotions", "Promotion"),
        ("shop-couriers", "Courier"),
    ] {
        for version in ["v1", "v1beta1", "v1alpha1"] {
            let version = format!("store.brindlewick.example/{version}");
            found.insert((version, plural.to_owned()), kind.to_owned());
        }
    }
    found
}
