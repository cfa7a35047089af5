//! Compares with a cluster: 1,000 declared objects, alone and among 100,000 others.
//!
//! The floor is what any client would have to do: one LIST for each group of the plan, over the
//! same HTTP/2 and TLS stack, and parsing the responses into trees of values.

use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::server::{Cluster, Identity, Server, TOKEN};
use crate::support::copies::{copies, pairs, write_manifests};
use crate::support::measure::{driftctl, in_turns, peak, run};
use crate::support::table;

const NAMESPACES: usize = 10;
const EACH: usize = 500;
const OTHERS: usize = 100_000;

/// Measures and prints.
pub fn measure() {
    let place = tempfile::tempdir().unwrap();
    let manifests = place.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    let (mut declared, mut objects) = copies(&pairs(&["Deployment"]), EACH, NAMESPACES);
    let (configs, live) = copies(&pairs(&["ConfigMap"]), EACH, NAMESPACES);
    declared.extend(configs);
    objects.extend(live);
    write_manifests(&manifests, &declared);

    let title = format!(
        "1,000 declared objects: {EACH} Deployments, {EACH} ConfigMaps, {NAMESPACES} namespaces"
    );
    let groups = 2 * NAMESPACES;
    let cluster = Cluster::with_objects(&objects);
    measure_one(&title, place.path(), cluster, Some(groups + 3));
    let mut cluster = Cluster::with_objects(&objects);
    for number in 0..OTHERS {
        let from = if number % 10 == 0 { 0 } else { EACH };
        let mut other = objects[from + number % EACH].clone();
        // Lists are sorted by name: declared objects must not all be on the first pages.
        let initial = char::from(b'a' + u8::try_from(number % 26).unwrap());
        other["metadata"]["name"] = json!(format!("{initial}-{number:06}"));
        cluster.add(other);
    }
    let title =
        format!("the same among {OTHERS} others in the same namespaces, one in ten a Deployment");
    measure_one(&title, place.path(), cluster, None);
}

fn measure_one(title: &str, place: &Path, mut cluster: Cluster, most_requests: Option<usize>) {
    cluster.page = 500;
    let server = cluster.start();
    std::fs::write(place.join("kubeconfig"), server.kubeconfig()).unwrap();
    let floor = Floor::new(&server);
    let command = || {
        let mut command = driftctl(place);
        command.args(["diff", "manifests", "--kubeconfig", "kubeconfig"]);
        command
    };
    let compare = || {
        run(&mut command(), 1);
    };
    compare();
    let requests = server.seen().len();
    let (time, floor) = in_turns(compare, || assert!(floor.run() >= 2 * EACH));
    table::title(title);
    let what = "time (floor: LISTs and parsing only)";
    table::ratio(what, time, floor, 1.5);
    table::count("requests", requests, most_requests);
    table::peak(peak(&mut command()), 200_000_000);
}

type HttpsClient = Client<hyper_rustls::HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// A client that lists and parses.
pub struct Floor {
    runtime: tokio::runtime::Runtime,
    tls: ClientConfig,
    addresses: Vec<String>,
    accept: &'static str,
}

/// The form of a list in which the server sends only the metadata of objects.
pub const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

impl Floor {
    fn new(server: &Server) -> Self {
        let lists = [
            "apis/apps/v1/namespaces/{}/deployments",
            "api/v1/namespaces/{}/configmaps",
        ];
        let paths = (0..NAMESPACES)
            .flat_map(|number| lists.map(|list| list.replace("{}", &format!("shop-{number:03}"))));
        Self::of(server, paths, "application/json")
    }

    /// Returns a client that reads the lists at these paths.
    pub fn of(
        server: &Server,
        paths: impl IntoIterator<Item = String>,
        accept: &'static str,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = Identity::plain().authority().to_owned();
        roots
            .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
            .unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let addresses = paths.into_iter();
        let addresses =
            addresses.map(|path| format!("https://{}/{path}?limit=500", server.address()));
        Self {
            runtime: tokio::runtime::Runtime::new().unwrap(),
            tls,
            addresses: addresses.collect(),
            accept,
        }
    }

    /// Lists everything in parallel, over new connections; returns the number of objects.
    pub fn run(&self) -> usize {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls.clone())
            .https_only()
            .enable_all_versions()
            .build();
        let client: HttpsClient = Client::builder(TokioExecutor::new())
            .http2_initial_stream_window_size(2 << 20)
            .http2_initial_connection_window_size(16 << 20)
            .build(connector);
        self.runtime.block_on(async {
            let mut lists = tokio::task::JoinSet::new();
            for address in &self.addresses {
                lists.spawn(list(client.clone(), address.clone(), self.accept));
            }
            lists.join_all().await.into_iter().sum()
        })
    }
}

/// Reads all pages of a list, and returns their number.
async fn list(client: HttpsClient, address: String, accept: &'static str) -> usize {
    let mut items = 0;
    let mut next = String::new();
    loop {
        let request = http::Request::get(format!("{address}{next}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("accept", accept);
        let answer = client
            .request(request.body(Empty::new()).unwrap())
            .await
            .unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let page: Value = serde_json::from_slice(&body).unwrap();
        items += page["items"].as_array().unwrap().len();
        match page["metadata"]["continue"].as_str() {
            Some(token) => next = format!("&continue={token}"),
            None => return items,
        }
    }
}
