//! Tests `deploy/watch`, which runs `driftctl watch` in a cluster: it must match the program, and
//! follow its own rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::support::TestFolder;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/watch")
}

/// Returns the objects of a file.
fn objects(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text);
    let values = documents.map(|document| Value::deserialize(document).unwrap());
    values.filter(|value| !value.is_null()).collect()
}

fn files() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.filter(|name| name != "kustomization.yaml").collect();
    files.sort();
    files
}

fn pod() -> Value {
    let objects = objects("deployment.yaml");
    objects[0]["spec"]["template"]["spec"].clone()
}

fn containers(pod: &Value) -> Vec<Value> {
    let lists = [&pod["initContainers"], &pod["containers"]];
    let all = lists.iter().flat_map(|list| list.as_array().unwrap());
    all.cloned().collect()
}

#[test]
fn the_kustomization_lists_every_file() {
    let text = fs::read_to_string(folder().join("kustomization.yaml")).unwrap();
    for file in files() {
        assert!(text.contains(&format!("- {file}")), "{file}");
    }
}

#[test]
fn the_alerts_match_the_output_of_the_program() {
    let output = TestFolder::new()
        .driftctl()
        .args(["watch", "--print-alerts"])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let file = folder().join("alerts.yaml");
    if std::env::var_os("DRIFTCTL_BLESS").is_some() {
        fs::write(&file, &printed).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept == printed,
        "DRIFTCTL_BLESS=1 rewrites {}",
        file.display()
    );
}

#[test]
fn driftctl_finds_drift_in_the_deployed_objects() {
    let live: Vec<Value> = files().iter().flat_map(|file| objects(file)).collect();
    let compare = |live: &[Value]| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": live});
        let place = TestFolder::new().file("live.json", list.to_string());
        let folder = folder();
        let words = [
            "diff",
            folder.to_str().unwrap(),
            "--no-render",
            "--live",
            "live.json",
        ];
        place.run(words.into_iter().chain(["-o", "name"]))
    };
    let same = compare(&live);
    assert!(same.starts_with("exit code: 0"), "{same}");
    let mut changed = live.clone();
    let deployment = changed
        .iter_mut()
        .find(|one| one["kind"] == "Deployment")
        .unwrap();
    deployment["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    let drifted = compare(&changed);
    assert!(drifted.starts_with("exit code: 1"), "{drifted}");
    assert!(
        drifted.contains("Deployment.apps/driftctl/driftctl"),
        "{drifted}"
    );
}

#[test]
fn the_pod_has_few_privileges() {
    let pod = pod();
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    for container in containers(&pod) {
        let context = &container["securityContext"];
        assert_eq!(
            context["readOnlyRootFilesystem"], true,
            "{}",
            container["name"]
        );
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["capabilities"]["drop"], json!(["ALL"]));
        assert!(!container["resources"]["limits"]["memory"].is_null());
    }
    // Everything that is written is on a volume.
    let watch = &pod["containers"][0];
    let mounts = watch["volumeMounts"].as_array().unwrap();
    let writable = mounts.iter().filter(|mount| mount["readOnly"] != true);
    let writable: Vec<_> = writable
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    assert_eq!(writable, ["/tmp", "/state"]);
}

#[test]
fn arguments_ports_and_versions_match() {
    let pod = pod();
    let watch = &pod["containers"][0];
    let arguments = watch["args"].as_array().unwrap().iter();
    let words: Vec<&str> = arguments.map(|word| word.as_str().unwrap()).collect();
    let all = std::iter::once("driftctl").chain(words.iter().copied());
    driftctl::cli::command().try_get_matches_from(all).unwrap();
    assert!(words.contains(&"--listen=:9464"));
    assert_eq!(watch["ports"][0]["containerPort"], 9464);
    let version = format!(":{}", env!("CARGO_PKG_VERSION"));
    assert!(watch["image"].as_str().unwrap().ends_with(&version));
    let policy = objects("networkpolicy.yaml");
    assert_eq!(policy[0]["spec"]["ingress"][0]["ports"][0]["port"], 9464);
    let monitor = objects("podmonitor.yaml");
    let endpoint = &monitor[0]["spec"]["podMetricsEndpoints"][0];
    assert_eq!(endpoint["port"], watch["ports"][0]["name"]);
    for (probe, page) in [("readinessProbe", "/healthz"), ("livenessProbe", "/livez")] {
        assert_eq!(watch[probe]["httpGet"]["path"], page);
    }
}

#[test]
fn the_roles_only_allow_reading() {
    let roles = ["rbac.yaml", "rbac-secrets.yaml"].map(objects).concat();
    let rules = roles.iter().filter_map(|role| role["rules"].as_array());
    let mut count = 0;
    for rule in rules.flatten() {
        assert_eq!(rule["verbs"], json!(["get", "list"]), "{rule}");
        assert!(!rule.to_string().contains('*'), "{rule}");
        count += 1;
    }
    assert!(count > 10);
    let text = fs::read_to_string(folder().join("rbac.yaml")).unwrap();
    assert!(!text.contains("secrets"), "Secrets have a separate file");
    let names = roles
        .iter()
        .filter(|one| one["kind"] == "ClusterRoleBinding");
    let bound: BTreeSet<String> = names.map(|one| one["subjects"].to_string()).collect();
    assert_eq!(bound.len(), 1);
}
