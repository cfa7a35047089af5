//! A cluster, its manifests, and driftctl run on both.

use std::fs;
use std::process::Output;

use driftctl::output::FORMATS;
use serde_json::{Value, json};

use crate::server::{Cluster, Fault, Server};
use crate::support::TestFolder;

/// The live side.
#[derive(Default)]
pub enum Side {
    /// A recording.
    #[default]
    Dump,
    /// A server that answers requests with this text in their address incorrectly.
    Server(Option<(&'static str, Fault)>),
    /// A kubeconfig for a server that does not exist.
    Kubeconfig(Vec<u8>),
}

/// The inputs of one run.
#[derive(Default)]
pub struct World {
    /// Declared objects.
    pub declared: Vec<Value>,
    /// Live objects.
    pub live: Vec<Value>,
    /// Entries of `ignoreDifferences`.
    pub rules: Vec<Value>,
    /// Entries of `sensitive`.
    pub sensitive: Vec<Value>,
    /// Further files.
    pub files: Vec<(String, Vec<u8>)>,
    /// Further arguments of `driftctl diff`.
    pub words: Vec<String>,
    /// The live side.
    pub side: Side,
}

impl World {
    /// Adds an object that both sides have, each with its own fields.
    pub fn both(&mut self, declared: Value, live: Value) {
        self.declared.push(declared);
        self.live.push(live);
    }

    /// Writes the files, and starts the server.
    pub fn begin(mut self) -> Begun {
        let config = json!({"ignoreDifferences": self.rules, "sensitive": self.sensitive});
        let mut place = TestFolder::new()
            .file("m/.driftctl.yaml", config.to_string())
            .var("RUST_LOG", "trace")
            .var("RUST_BACKTRACE", "full")
            .folder("out");
        for (at, object) in self.declared.iter().enumerate() {
            let text = serde_yaml::to_string(object).unwrap();
            place = place.file(&format!("m/{at}.yaml"), text);
        }
        for (name, bytes) in &self.files {
            place = place.file(name, bytes);
        }
        self.live.push(license_definition());
        let mut server = None;
        // No server answers, however long a run waits.
        let patience = if matches!(self.side, Side::Kubeconfig(_)) {
            1
        } else {
            5
        };
        let (name, bytes) = match self.side {
            Side::Dump => {
                let list = json!({"apiVersion": "v1", "kind": "List", "items": self.live});
                ("live.json", list.to_string().into_bytes())
            }
            Side::Server(fault) => {
                let cluster = Cluster::with_objects(&self.live);
                let started = match fault {
                    Some((part, fault)) => cluster.failing(part, fault).start(),
                    None => cluster.start(),
                };
                let kubeconfig = started.kubeconfig().into_bytes();
                server = Some(started);
                ("kubeconfig", kubeconfig)
            }
            Side::Kubeconfig(bytes) => ("kubeconfig", bytes),
        };
        let flag = if name == "kubeconfig" {
            "--kubeconfig"
        } else {
            "--live"
        };
        let mut live_side = vec![flag.to_owned(), name.to_owned()];
        if flag == "--kubeconfig" {
            live_side.push(format!("--timeout={patience}"));
        }
        live_side.extend(self.words);
        Begun {
            place: place.file(name, bytes),
            live_side,
            _server: server,
        }
    }
}

/// Returns the definition of a custom resource whose secret fields only the user knows.
fn license_definition() -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "licenses.example.com"},
    "spec": {"group": "example.com", "scope": "Namespaced",
        "names": {"kind": "License", "plural": "licenses", "singular": "license"},
        "versions": [{"name": "v1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": any}}}}]}})
}

/// A world with its files and its server.
pub struct Begun {
    place: TestFolder,
    live_side: Vec<String>,
    _server: Option<Server>,
}

impl Begun {
    /// Returns all output of `driftctl diff`, in every format, at this verbosity.
    pub fn diff(&self, level: &[&str]) -> String {
        let files = FORMATS.iter().map(|format| format.name());
        let files = files.map(|name| format!("--output={name}=out/{name}"));
        let mut command = self.place.driftctl();
        command.args(["diff", "m", "--extra=namespace"]);
        command.args(&self.live_side).args(files).args(level);
        let mut shown = self.shown(&command.output().unwrap());
        for format in FORMATS {
            let file = self.place.path().join("out").join(format.name());
            shown.push_str(&fs::read_to_string(file).unwrap_or_default());
        }
        shown
    }

    /// Returns all output of another command, with the files that it writes.
    pub fn other(&self, words: &[&str]) -> String {
        let mut command = self.place.driftctl();
        let output = command.args(words).arg("m").args(&self.live_side).output();
        let baseline = self.place.path().join("m/.driftctl-baseline.yaml");
        let mut shown = self.shown(&output.unwrap());
        shown.push_str(&fs::read_to_string(&baseline).unwrap_or_default());
        let _ = fs::remove_file(baseline);
        shown
    }

    fn shown(&self, output: &Output) -> String {
        self.place.shown(output)
    }
}
