//! Tests `driftctl watch` with a server that is edited, goes down, and comes back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Cluster, Fault, Faults, Server};
use crate::support::TestFolder;

/// How long to wait for a change in the next rounds.
const PATIENCE: Duration = Duration::from_secs(40);

fn config_map(name: &str, value: &str, writer: &str) -> Value {
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "uid": name,
            "creationTimestamp": "2026-11-01T08:00:00Z", "managedFields": [
                {"manager": writer, "operation": "Update", "apiVersion": "v1", "time": now,
                 "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:x": {}}}}]},
        "data": {"x": value}})
}

fn manifest(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\n\
         data: {{x: {value}}}\n"
    )
}

/// A running watch.
struct Watch {
    child: Child,
    address: String,
}

impl Watch {
    fn start(place: &TestFolder) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_driftctl"))
            .args(["watch", "m", "--kubeconfig", "kubeconfig", "--every", "1s"])
            .args(["--request-timeout", "2", "--timeout", "5"])
            .args(["--state", "state.jsonl", "--listen", "127.0.0.1:0"])
            .current_dir(place.path())
            .env_clear()
            .env("HOME", place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(rest) = line.strip_prefix("serving http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        // A writer to a full pipe waits forever.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Returns the status and the body of a page.
    fn get(&self, page: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {page} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    /// Returns the sum of the samples of a metric whose labels contain `part`.
    fn metric(&self, name: &str, part: &str) -> f64 {
        let page = self.get("/metrics").1;
        let samples = page.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(part))
        });
        samples
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    }

    #[track_caller]
    fn wait_until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(self) {
            let page = || self.get("/metrics").1;
            assert!(Instant::now() < end, "never: {what}\n{}", page());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn open(&self) -> f64 {
        self.metric("driftctl_drift_open", "")
    }

    fn closed(&self, how: &str) -> f64 {
        let how = format!("how=\"{how}\"");
        self.metric("driftctl_drift_closed_total", &how)
    }

    /// Waits for two rounds, so that one of them began after this call.
    #[track_caller]
    fn wait_for_rounds(&self) {
        let rounds = |watch: &Self| watch.metric("driftctl_rounds_total", "");
        let now = rounds(self);
        self.wait_until("two more rounds", |watch| rounds(watch) >= now + 2.0);
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn end(mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn edit(server: &Server, name: &str, value: &str) {
    let object = config_map(name, value, "kubectl-edit");
    server.change(|cluster| cluster.replace(object));
}

#[test]
fn tracks_episodes_through_edits_outages_and_restarts() {
    let names = ["a", "b", "c"];
    let objects = names.map(|name| config_map(name, "one", "kubectl-client-side-apply"));
    let server = Cluster::with_objects(&objects).start();
    let mut place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    for name in names {
        place = place.file(&format!("m/{name}.yaml"), manifest(name, "one"));
    }
    let watch = Watch::start(&place);
    watch.wait_until("well", |watch| watch.get("/healthz").0 == 200);
    assert_eq!((watch.open(), watch.get("/livez").0), (0.0, 200));

    edit(&server, "a", "two");
    watch.wait_until("open", |watch| watch.open() == 1.0);
    let written = watch.metric("driftctl_drift_opened_total", "onset=\"written\"");
    assert_eq!(written, 1.0);
    let report = watch.get("/report.json").1;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["verdict"], "drifted");

    // No requests are answered, whatever else happens.
    server.change(|cluster| cluster.faults = Faults::At(vec![("/api", Fault::Code(503))]));
    watch.wait_for_rounds();
    edit(&server, "b", "two");
    watch.wait_until("unwell", |watch| watch.get("/healthz").0 == 503);
    let counts = |watch: &Watch| (watch.open(), watch.closed("reverted"));
    assert_eq!(counts(&watch), (1.0, 0.0));

    // One kind cannot be read; the others can.
    server.change(|cluster| cluster.faults = Faults::At(vec![("/configmaps", Fault::Code(403))]));
    watch.wait_until("incomplete", |watch| {
        watch.metric("driftctl_rounds_total", "\"incomplete\"") >= 1.0
    });
    assert_eq!(counts(&watch), (1.0, 0.0));

    server.change(|cluster| cluster.faults = Faults::None);
    watch.wait_until("b is seen", |watch| watch.open() == 2.0);
    edit(&server, "a", "one");
    watch.wait_until("reverted", |watch| watch.closed("reverted") == 1.0);
    place = place.file("m/b.yaml", manifest("b", "two"));
    watch.wait_until("backported", |watch| watch.closed("backported") == 1.0);
    assert_eq!(watch.open(), 0.0);

    // The watch is killed while drift is open, which ends while the watch is down.
    edit(&server, "a", "three");
    edit(&server, "c", "three");
    watch.wait_until("both are open", |watch| watch.open() == 2.0);
    let since = watch.metric("driftctl_drift_oldest_timestamp_seconds", "");
    assert_eq!(watch.end("KILL"), None);
    edit(&server, "a", "one");
    let watch = Watch::start(&place);
    watch.wait_until("reverted while it was down", |watch| {
        watch.closed("reverted") == 2.0
    });
    assert_eq!(watch.open(), 1.0);
    assert_eq!(watch.metric("driftctl_drift_opened_total", ""), 4.0);
    let now = watch.metric("driftctl_drift_oldest_timestamp_seconds", "");
    assert!((now - since).abs() <= 1.0, "{since} {now}");

    let rule =
        "ignoreDifferences:\n  - {kind: ConfigMap, name: c, paths: [.data], reason: known}\n";
    place = place.file("m/.driftctl.yaml", rule);
    watch.signal("HUP");
    watch.wait_until("ignored", |watch| watch.closed("ignored") == 1.0);
    // If the rules cannot be read, the previous ones stay, and the round is not complete.
    let _place = place.file("m/.driftctl.yaml", "ignoreDifferences: [");
    watch.wait_for_rounds();
    assert_eq!(watch.open(), 0.0);
    watch.wait_until("unwell", |watch| watch.get("/healthz").0 == 503);
    assert_eq!(watch.end("TERM"), Some(0));
}

#[test]
fn refuses_a_second_watch_on_the_same_file() {
    let server = Cluster::with_objects(&[config_map("a", "one", "helm")]).start();
    let place = TestFolder::new()
        .file("kubeconfig", server.kubeconfig())
        .file("m/a.yaml", manifest("a", "one"));
    let watch = Watch::start(&place);
    let shown = place.run([
        "watch",
        "m",
        "--kubeconfig",
        "kubeconfig",
        "--once",
        "--state",
        "state.jsonl",
    ]);
    assert!(
        shown.contains("another driftctl watch writes to it"),
        "{shown}"
    );
    assert_eq!(watch.end("INT"), Some(0));
}

/// The shipped role grants what `driftctl doctor` requests, except for custom resources.
#[test]
fn the_shipped_role_grants_what_doctor_requests() {
    use serde::Deserialize as _;
    use std::collections::BTreeSet;

    let rights = |text: &str| -> BTreeSet<String> {
        let documents = serde_yaml::Deserializer::from_str(text);
        let roles = documents.map(|document| Value::deserialize(document).unwrap());
        let rules = roles.flat_map(|role| role["rules"].as_array().cloned().unwrap_or_default());
        let words = |value: &Value| -> Vec<String> {
            let words = value.as_array().unwrap().iter();
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect()
        };
        let mut rights = BTreeSet::new();
        for rule in rules {
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    for verb in words(&rule["verbs"]) {
                        rights.insert(format!("{verb} {resource}.{group}"));
                    }
                }
            }
        }
        rights
    };
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/watch");
    let shipped = ["rbac.yaml", "rbac-secrets.yaml"];
    let shipped = shipped.map(|file| std::fs::read_to_string(root.join(file)).unwrap());
    let shipped = rights(&shipped.join("\n---\n"));
    let server = Server::start(&crate::recording(), None);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let output = place
        .driftctl()
        .args([
            "doctor",
            "-o",
            "yaml",
            "--kubeconfig",
            "kubeconfig",
            "--timeout",
            "20",
        ])
        .arg(crate::support::fixture("shop/manifests"))
        .output()
        .unwrap();
    let asked = rights(&String::from_utf8(output.stdout).unwrap());
    assert!(asked.len() > 30, "{asked:?}");
    let missing: Vec<_> = asked.difference(&shipped).collect();
    assert!(
        missing.iter().all(|right| right.ends_with(".example")),
        "{missing:?}"
    );
}
