//! Ten times as many objects take ten times as long: 10,000 and 100,000 declared objects, in a
//! recording and in a cluster. Twenty clusters take no longer than twenty runs, and the Secrets of
//! others no longer than their metadata takes to arrive.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Floor, METADATA};
use crate::server::{Cluster, Server};
use crate::support::copies::{applied, recording, write_manifests};
use crate::support::measure::{driftctl, in_turns, peak, run};
use crate::support::table;

const FEW: usize = 10_000;
const NAMESPACES: usize = 100;

/// The contexts that are compared at once, and the objects in each.
const CONTEXTS: usize = 20;
const IN_EACH: usize = 1_000;

/// The Secrets of others.
const SECRETS: usize = 100_000;

/// Measures and prints.
pub fn measure() {
    contexts();
    secrets();
    let [few, many] = [FEW, 10 * FEW].map(Figures::of);
    table::title(&format!(
        "{} declared objects (floor: ten times that of {FEW})",
        10 * FEW
    ));
    table::ratio("time, offline", many.offline, few.offline * 10, 1.2);
    table::ratio("time, in a cluster", many.online, few.online * 10, 1.2);
    table::peak(many.peak, 1_000_000_000);
    if let Some(peak) = many.peak {
        let what = "peak memory (floor: the input)";
        table::size_ratio(what, peak, many.input, 3.0);
    }
}

/// Measures a report on many contexts.
fn contexts() {
    let objects: Vec<Value> = (0..IN_EACH).map(object).collect();
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), &objects, &objects);
    let mut config: Value = serde_json::from_str(&server.kubeconfig()).unwrap();
    let one = config["contexts"][0].clone();
    let names: Vec<String> = (0..CONTEXTS).map(|at| format!("shop-{at:02}")).collect();
    let named = names.iter().map(|name| {
        let mut context = one.clone();
        context["name"] = json!(name);
        context
    });
    config["contexts"] = named.collect();
    fs::write(place.path().join("kubeconfig"), config.to_string()).unwrap();
    let diff = |names: &[String]| {
        let mut command = driftctl(place.path());
        command.args(["diff", "manifests", "--kubeconfig", "kubeconfig"]);
        for name in names {
            command.args(["--context", name]);
        }
        command
    };
    let (all, single) = in_turns(
        || drop(run(&mut diff(&names), 0)),
        || drop(run(&mut diff(&names[..1]), 0)),
    );
    let count = u32::try_from(CONTEXTS).unwrap();
    table::title(&format!(
        "{CONTEXTS} contexts of {IN_EACH} objects, one report"
    ));
    table::ratio("time (floor: as many runs)", all, single * count, 1.2);
    table::peak(peak(&mut diff(&names)), 1_000_000_000);
}

/// Measures a namespace with many Secrets that nobody declares.
fn secrets() {
    let declared = [object(0)];
    let namespace = declared[0]["metadata"]["namespace"].as_str().unwrap();
    let data = "eDEyMzQ1Njc4OTA=".repeat(128);
    let secrets = (0..SECRETS).map(|number| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"key": data},
            "metadata": {"name": format!("other-{number:06}"), "namespace": namespace,
                "labels": {"app.kubernetes.io/name": "other"}}})
    });
    let objects: Vec<Value> = declared.iter().cloned().chain(secrets).collect();
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), &declared, &objects);
    let list = format!("api/v1/namespaces/{namespace}/secrets");
    let floor = Floor::of(&server, [list], METADATA);
    let diff = || {
        let mut command = driftctl(place.path());
        command.args(["diff", "manifests", "--kubeconfig", "kubeconfig"]);
        command.args(["--extra", "namespace", "--quiet"]);
        command
    };
    let (time, floor) = in_turns(
        || drop(run(&mut diff(), 1)),
        || assert_eq!(floor.run(), SECRETS),
    );
    table::title(&format!(
        "{SECRETS} Secrets of others in a namespace, --extra"
    ));
    table::ratio("time (floor: their metadata, parsed)", time, floor, 1.3);
    table::peak(peak(&mut diff()), 1_000_000_000);
}

/// Writes manifests and a kubeconfig, and starts a server with these objects.
fn start(place: &Path, declared: &[Value], objects: &[Value]) -> Server {
    let manifests = place.join("manifests");
    fs::create_dir(&manifests).unwrap();
    write_manifests(&manifests, declared);
    let mut cluster = Cluster::with_objects(objects);
    cluster.page = 500;
    let server = cluster.start();
    fs::write(place.join("kubeconfig"), server.kubeconfig()).unwrap();
    server
}

struct Figures {
    offline: Duration,
    online: Duration,
    peak: Option<u64>,
    input: u64,
}

impl Figures {
    fn of(count: usize) -> Self {
        let objects: Vec<Value> = (0..count).map(object).collect();
        let place = tempfile::tempdir().unwrap();
        let manifests = place.path().join("manifests");
        fs::create_dir(&manifests).unwrap();
        let yaml = write_manifests(&manifests, &objects);
        let objects: Vec<Value> = objects.iter().map(applied).collect();
        let json = recording(&objects);
        let input = yaml + json.len() as u64;
        fs::write(place.path().join("live.json"), json).unwrap();
        let mut cluster = Cluster::with_objects(&objects);
        drop(objects);
        cluster.page = 500;
        let server = cluster.start();
        fs::write(place.path().join("kubeconfig"), server.kubeconfig()).unwrap();
        let with = |side: [&str; 2]| {
            let mut command = driftctl(place.path());
            command.args(["diff", "manifests"]).args(side);
            command
        };
        let offline = || with(["--live", "live.json"]);
        let online = || with(["--kubeconfig", "kubeconfig"]);
        let times = in_turns(
            || drop(run(&mut offline(), 0)),
            || drop(run(&mut online(), 0)),
        );
        Self {
            offline: times.0,
            online: times.1,
            peak: peak(&mut offline()).max(peak(&mut online())),
            input,
        }
    }
}

/// A Deployment or a ConfigMap, the same on both sides.
pub fn object(number: usize) -> Value {
    let name = format!("app-{number:06}");
    let metadata = json!({"name": name, "namespace": format!("team-{:02}", number % NAMESPACES),
        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}});
    if number % (2 * NAMESPACES) < NAMESPACES {
        return json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {"LOG_LEVEL": "info", "settings.properties": "region=eu\npool.size=20\n"}});
    }
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "template": {
            "metadata": {"labels": {"app.kubernetes.io/name": name}},
            "spec": {"containers": [{
                "name": "app",
                "image": format!("registry.example.com/{name}:1.4.2"),
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [{"name": "LOG_LEVEL", "value": "info"}],
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
            }]},
        },
    }})
}
