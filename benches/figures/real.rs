//! Compares with a real API server, if `DRIFTCTL_E2E_KUBECONFIG` is set: 1,000 declared objects in
//! sync.
//!
//! The floor is curl, which lists the same namespaces in parallel and parses nothing. kubectl
//! applies the objects, and their namespaces are deleted afterwards.

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::copies::{copies, pairs, write_manifests};
use crate::support::measure::{driftctl, in_turns, run};
use crate::support::table;

const NAMESPACES: usize = 10;

/// Measures and prints.
pub fn measure() {
    let Ok(kubeconfig) = std::env::var("DRIFTCTL_E2E_KUBECONFIG") else {
        return println!("\na real API server: skipped, DRIFTCTL_E2E_KUBECONFIG is not set");
    };
    let place = tempfile::tempdir().unwrap();
    let manifests = place.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    let (mut declared, _) = copies(&pairs(&["Deployment"]), 500, NAMESPACES);
    // No Pods: controllers are not measured.
    for deployment in &mut declared {
        deployment["spec"]["replicas"] = json!(0);
    }
    let (configs, _) = copies(&pairs(&["ConfigMap"]), 500, NAMESPACES);
    declared.extend(configs);
    let names: Vec<String> = (0..NAMESPACES).map(|at| format!("figures-{at}")).collect();
    for (at, object) in declared.iter_mut().enumerate() {
        object["metadata"]["namespace"] = json!(names[at % NAMESPACES]);
    }
    write_manifests(&manifests, &declared);

    let kubectl = |words: &[&str]| {
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", &kubeconfig).args(words);
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{command:?}");
        output.stdout
    };
    for name in &names {
        kubectl(&["create", "namespace", name]);
    }
    let folder = manifests.to_str().unwrap();
    kubectl(&["apply", "--server-side", "--filename", folder]);
    let config = kubectl(&[
        "config",
        "view",
        "--raw",
        "--minify",
        "--flatten",
        "--output",
        "json",
    ]);
    let config: Value = serde_json::from_slice(&config).unwrap();
    let diff = || {
        let mut command = driftctl(place.path());
        command.args(["diff", "manifests", "--kubeconfig", &kubeconfig]);
        run(&mut command, 0);
    };
    let curl = || {
        run(&mut lists(place.path(), &config, &names), 0);
    };
    let (time, floor) = in_turns(diff, curl);
    table::title("a real API server: 1,000 declared objects, 10 namespaces");
    table::ratio("time (floor: the LISTs by curl)", time, floor, 1.3);
    for name in &names {
        kubectl(&["delete", "namespace", name, "--wait=false"]);
    }
}

/// Returns the curl command that lists everything in parallel.
fn lists(place: &Path, config: &Value, namespaces: &[String]) -> Command {
    let mut command = Command::new("curl");
    command.current_dir(place);
    command.args(["--silent", "--fail", "--parallel", "--parallel-max", "20"]);
    let (user, cluster) = (
        &config["users"][0]["user"],
        &config["clusters"][0]["cluster"],
    );
    let mut file = |flag: &str, of: &Value, name: &str| {
        if let Some(text) = of[name].as_str() {
            std::fs::write(place.join(name), STANDARD.decode(text).unwrap()).unwrap();
            command.args([flag, name]);
        }
    };
    file("--cacert", cluster, "certificate-authority-data");
    file("--cert", user, "client-certificate-data");
    file("--key", user, "client-key-data");
    if let Some(token) = user["token"].as_str() {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let server = cluster["server"].as_str().unwrap();
    for namespace in namespaces {
        for kind in [
            "apis/apps/v1/namespaces/{}/deployments",
            "api/v1/namespaces/{}/configmaps",
        ] {
            let path = kind.replace("{}", namespace);
            let address = format!("{server}/{path}?limit=500");
            command.args(["--output", "/dev/null", &address]);
        }
    }
    command
}
