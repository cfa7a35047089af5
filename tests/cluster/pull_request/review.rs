//! Tests a pull request from its first commit to the exit code, with a Git repository and an API
//! server.

use std::process::Command;

use serde_json::{Value, json};

use super::server::Server;
use super::support::TestFolder;
use super::support::manifests::DEPLOYMENT;
use super::{changes, object};

/// Returns the shared Deployment, with a variable.
fn manifest() -> String {
    let env = "          env:\n            - {name: MODE, value: fast}\n";
    format!("{DEPLOYMENT}{env}")
}

const RETIRED: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: retired, namespace: shop}
data: {mode: old}
";

const FRESH: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: fresh, namespace: shop}
data: {mode: new}
";

/// Runs git in a directory, without other configuration. Returns whether git is installed.
fn git(place: &TestFolder, words: &[&str]) -> bool {
    let done = Command::new("git")
        .current_dir(place.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(words)
        .output();
    match done {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "git {words:?}: {said}");
            true
        }
        Err(_) => false,
    }
}

/// Returns the cluster: deployed from the base, and changed by hand during an incident.
pub fn cluster() -> Value {
    let mut live: Value = serde_yaml::from_str(&manifest()).unwrap();
    live["spec"]["replicas"] = 8.into();
    live["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "safe".into();
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
         "time": "2026-11-20T08:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {
            "f:spec": {"f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"cart\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}}},
        {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1",
         "time": "2026-11-21T22:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {
            "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"cart\"}": {"f:env": {"k:{\"name\":\"MODE\"}": {
                    ".": {}, "f:name": {}, "f:value": {}}}}}}}}}},
    ]);
    let mut retired: Value = serde_yaml::from_str(RETIRED).unwrap();
    retired["data"]["mode"] = "patched live".into();
    json!({"items": [live, retired]})
}

/// Makes a repository whose branch scales the cart, changes its image, removes one object and adds
/// one.
pub fn pull_request(place: &TestFolder) -> bool {
    if !git(place, &["init", "-q", "-b", "main"]) {
        return false;
    }
    let write = |path: &str, text: &str| std::fs::write(place.path().join(path), text).unwrap();
    std::fs::create_dir_all(place.path().join("deploy")).unwrap();
    write("deploy/cart.yaml", &manifest());
    write("deploy/retired.yaml", RETIRED);
    git(place, &["add", "deploy"]);
    git(place, &["commit", "-q", "-m", "base"]);
    git(place, &["checkout", "-q", "-b", "scale-up"]);
    let changed = manifest().replace("replicas: 3", "replicas: 5");
    write("deploy/cart.yaml", &changed.replace("cart:1.4", "cart:1.5"));
    write("deploy/fresh.yaml", FRESH);
    std::fs::remove_file(place.path().join("deploy/retired.yaml")).unwrap();
    git(place, &["add", "-A", "deploy"]);
    git(place, &["commit", "-q", "-m", "scale up"])
}

#[test]
fn a_pull_request_from_end_to_end() {
    let server = Server::start(&cluster(), None);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    if !pull_request(&place) {
        println!("skipped: git is not installed");
        return;
    }
    let words = [
        "diff",
        "./deploy",
        "--base",
        "main",
        "--kubeconfig",
        "kubeconfig",
    ];
    let output = place
        .driftctl()
        .args(words)
        .args([
            "-o",
            "json=report.json",
            "-o",
            "sarif=drift.sarif",
            "-o",
            "markdown",
        ])
        .output()
        .unwrap();
    let comment = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{comment}{said}");

    let report = std::fs::read_to_string(place.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["verdict"], "conflict");
    let container = ".spec.template.spec.containers[name=\"cart\"]";
    let cart = object(&report, "cart").unwrap();
    assert_eq!(
        changes(cart),
        [
            ".spec.replicas conflict 3 5 8".to_owned(),
            format!("{container}.env[name=\"MODE\"].value drift \"fast\" \"fast\" \"safe\""),
            format!(
                "{container}.image pending \"registry.example/cart:1.4\" \
                 \"registry.example/cart:1.5\" \"registry.example/cart:1.4\""
            ),
        ]
    );
    let conflict = &cart["changes"][0];
    assert_eq!(conflict["line"], 7);
    assert_eq!(conflict["owners"][0]["manager"], "kubectl-edit");
    assert_eq!(conflict["owners"][0]["time"], "2026-11-21T22:00:00Z");
    assert_eq!(object(&report, "fresh").unwrap()["lifecycle"], "new");
    let retired = object(&report, "retired").unwrap();
    assert_eq!(retired["status"], "conflict");
    assert_eq!(
        changes(retired),
        [r#".data.mode conflict "old" - "patched live""#]
    );

    assert!(
        comment.contains("CONFLICT: merging overwrites live changes"),
        "{comment}"
    );
    assert!(
        comment.contains("kubectl-edit&#44; last write 2026-11-21T22&#58;00&#58;00Z"),
        "{comment}"
    );
    let sarif = std::fs::read_to_string(place.path().join("drift.sarif")).unwrap();
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "merge-conflict");
    assert!(server.seen().iter().all(|(method, _)| method == "GET"));

    // Once the incident's change is in the branch, only the other live changes remain.
    let taken_over = manifest()
        .replace("replicas: 3", "replicas: 8")
        .replace("fast", "safe");
    let path = |file: &str| place.path().join("deploy").join(file);
    std::fs::write(path("cart.yaml"), taken_over).unwrap();
    std::fs::write(path("retired.yaml"), RETIRED.replace("old", "patched live")).unwrap();
    let output = place.driftctl().args(words).output().unwrap();
    let shown = place.shown(&output);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    assert!(shown.contains("backport"), "{shown}");
}
