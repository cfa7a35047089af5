//! Ten times as many objects take ten times as long: 10,000 and 100,000 declared objects, in a
//! recording and in a cluster.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Cluster;
use crate::support::copies::{recording, write_manifests};
use crate::support::measure::{driftctl, in_turns, peak, run};
use crate::support::table;

const FEW: usize = 10_000;
const NAMESPACES: usize = 100;

/// Measures and prints.
pub fn measure() {
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
fn object(number: usize) -> Value {
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
