//! `driftctl backport`: from live objects to edited manifests.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::manifests::live_cart;
use crate::support::{TestFolder, fixture, repository};

const CART: &str = "\
# The cart.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 2 # two zones
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      # the API
      - name: api
        image: \"reg.example.com/cart:1.4\" # release train
        ports:
        - {containerPort: 8080, name: http}
---
apiVersion: v1
kind: Secret
metadata: {name: cart, namespace: shop}
stringData:
  token: hunter-two-hunter
";

/// Returns the live objects, as the server completes the manifests above.
fn live() -> Value {
    let deployment = live_cart(&json!({
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}]
    }));
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "cart", "namespace": "shop"},
        "data": {"token": "aHVudGVyLXR3by1odW50ZXI="}
    });
    json!({"apiVersion": "v1", "kind": "List", "items": [deployment, secret]})
}

fn place(live: &Value) -> TestFolder {
    let place = TestFolder::new()
        .file("deploy/cart.yaml", CART)
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    place
}

fn container(live: &mut Value) -> &mut Value {
    &mut live["items"][0]["spec"]["template"]["spec"]["containers"][0]
}

#[test]
fn writes_the_patch_that_a_person_would_write() {
    let mut live = live();
    live["items"][0]["spec"]["replicas"] = 7.into();
    container(&mut live)["image"] = "reg.example.com/cart:hotfix".into();
    let sidecar = json!({
        "name": "proxy", "image": "reg.example.com/proxy:2", "imagePullPolicy": "IfNotPresent",
        "resources": {}, "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File", "ports": [{"containerPort": 9, "protocol": "TCP"}]
    });
    let containers = &mut live["items"][0]["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().push(sidecar);
    let place = place(&live);
    let words = ["backport", "deploy", "--live", "live.json"];
    insta::assert_snapshot!("backport_patch", place.run(words));

    let output = place.driftctl().args(words).output().unwrap();
    fs::write(place.path().join("fix.patch"), &output.stdout).unwrap();
    repository::git(place.path(), &["apply", "fix.patch"]).unwrap();
    let diff = place
        .driftctl()
        .args(["diff", "deploy", "--live", "live.json"])
        .output()
        .unwrap();
    assert_eq!(diff.status.code(), Some(0));
}

/// Git takes the mark at the beginning for a part of the first line.
#[test]
fn a_patch_applies_to_a_file_with_a_byte_order_mark() {
    let text = "\u{feff}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {a: old}\n";
    let live = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "b"}, "data": {"a": "new"}
    });
    let place = TestFolder::new()
        .file("map.yaml", text)
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let words = ["backport", "map.yaml", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    fs::write(place.path().join("fix.patch"), output.stdout).unwrap();
    repository::git(place.path(), &["apply", "fix.patch"]).unwrap();
    let after = fs::read_to_string(place.path().join("map.yaml")).unwrap();
    assert_eq!(after, text.replace("old", "new"));
}

#[test]
fn write_edits_only_the_file() {
    let mut live = live();
    live["items"][0]["spec"]["replicas"] = 7.into();
    container(&mut live)["image"] = "reg.example.com/cart:hotfix".into();
    let place = place(&live);
    let path = ".spec.replicas";
    let message = place.path().join("message");
    let words = [
        "backport",
        "deploy",
        "--live",
        "live.json",
        "deploy/shop/cart",
        path,
        "-w",
    ];
    let words = [&words[..], &["--message", message.to_str().unwrap()]].concat();
    insta::assert_snapshot!("backport_write", place.run(words));
    let written = fs::read_to_string(place.path().join("deploy/cart.yaml")).unwrap();
    assert_eq!(written, CART.replace("replicas: 2", "replicas: 7"));
    let message = fs::read_to_string(message).unwrap();
    assert!(
        message.starts_with("Declare 1 live change of Deployment shop/cart\n"),
        "{message}"
    );
    // Only the file itself remains.
    assert_eq!(
        fs::read_dir(place.path().join("deploy")).unwrap().count(),
        1
    );
}

/// Init containers run in order, and `serviceAccount` is an old name of `serviceAccountName`.
#[test]
fn declares_what_a_person_would_in_the_live_order() {
    let mut live = live();
    let pod = &mut live["items"][0]["spec"]["template"]["spec"];
    let container = |name: &str| {
        json!({"name": name, "image": "busybox", "imagePullPolicy": "Always", "resources": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"})
    };
    pod["containers"]
        .as_array_mut()
        .unwrap()
        .insert(0, container("first"));
    pod["containers"]
        .as_array_mut()
        .unwrap()
        .push(container("last"));
    pod["serviceAccount"] = "cart".into();
    pod["serviceAccountName"] = "cart".into();
    live["items"][0]["metadata"]["managedFields"] = json!([{
        "manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
            "f:serviceAccount": {}, "f:serviceAccountName": {}}}}}}]);
    let place = place(&live);
    let manifest = CART.replace(
        "    spec:\n      containers",
        "    spec:\n      serviceAccountName: default\n      containers",
    );
    fs::write(place.path().join("deploy/cart.yaml"), &manifest).unwrap();
    let said = place.run(["backport", "deploy", "--live", "live.json", "--write"]);
    let written = fs::read_to_string(place.path().join("deploy/cart.yaml")).unwrap();
    let added = |name: &str| format!("      - name: {name}\n        image: busybox\n");
    let expected = manifest
        .replace("serviceAccountName: default", "serviceAccountName: cart")
        .replace(
            "      # the API\n",
            &format!("{}      # the API\n", added("first")),
        )
        .replace("name: http}\n", &format!("name: http}}\n{}", added("last")));
    assert_eq!(written, expected, "{said}");
}

/// The server refuses to create a Pod with them.
#[test]
fn does_not_declare_what_kubectl_debug_added() {
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: tool, namespace: shop}\n\
                    spec:\n  containers:\n  - {name: tool, image: \"tool:1\"}\n";
    let live = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "tool", "namespace": "shop"},
        "spec": {"containers": [{"name": "tool", "image": "tool:1"}],
            "ephemeralContainers": [{"name": "debugger", "image": "busybox"}]}});
    let place = TestFolder::new()
        .file("deploy/tool.yaml", manifest)
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let said = place.run(["backport", "deploy", "--live", "live.json", "--write"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("no manifest can declare ephemeral containers"),
        "{said}"
    );
    let left = fs::read_to_string(place.path().join("deploy/tool.yaml")).unwrap();
    assert_eq!(left, manifest);
}

#[test]
fn writes_secrets_only_on_request() {
    let mut live = live();
    live["items"][1]["data"]["token"] = "cm90YXRlZC1ieS1oYW5k".into(); // rotated-by-hand
    let place = place(&live);
    let words = ["backport", "deploy", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let all = [output.stdout, output.stderr].concat();
    let all = String::from_utf8(all).unwrap();
    for secret in ["rotated-by-hand", "hunter", "cm90YXRl"] {
        assert!(!all.contains(secret), "{all}");
    }
    let words = [
        "backport",
        "deploy",
        "--live",
        "live.json",
        "--allow-secrets",
        "-w",
    ];
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let written = fs::read_to_string(place.path().join("deploy/cart.yaml")).unwrap();
    assert!(written.contains("  token: rotated-by-hand\n"), "{written}");
    assert!(
        !String::from_utf8(output.stderr)
            .unwrap()
            .contains("rotated")
    );
}

#[test]
fn a_patch_shows_no_nearby_line_of_a_secret() {
    let mut live = live();
    let ports = &mut container(&mut live)["ports"];
    ports[0]["name"] = "web".into();
    let place = place(&live);
    let words = ["backport", "deploy", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    let patch = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{patch}");
    assert!(
        patch.contains("+        - {containerPort: 8080, name: web}"),
        "{patch}"
    );
    assert!(
        !patch.contains("Secret") && !patch.contains("hunter"),
        "{patch}"
    );
    fs::write(place.path().join("fix.patch"), &patch).unwrap();
    repository::git(place.path(), &["apply", "--check", "fix.patch"]).unwrap();
}

#[test]
fn does_not_undo_a_commit_that_is_not_applied_yet() {
    let mut live = live();
    let applied = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "annotations": {}},
        "spec": live["items"][0]["spec"].clone()
    });
    let deployment = &mut live["items"][0];
    deployment["spec"]["replicas"] = 1.into();
    let mut applied = applied;
    applied["spec"]["replicas"] = 1.into();
    deployment["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": applied.to_string()});
    deployment["metadata"]["managedFields"] = json!([{
        "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1",
        "time": "2026-11-21T00:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}}
    }]);
    let place = place(&live);
    let words = ["backport", "deploy", "--live", "live.json", "-w"];
    insta::assert_snapshot!("backport_git_is_ahead", place.run(words));
    let written = fs::read_to_string(place.path().join("deploy/cart.yaml")).unwrap();
    assert_eq!(written, CART);
}

#[test]
#[cfg(unix)]
fn writes_nothing_outside_the_repository() {
    let mut live = live();
    live["items"][0]["spec"]["replicas"] = 7.into();
    let outside = TestFolder::new().file("cart.yaml", CART);
    let place = TestFolder::new()
        .folder("deploy")
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let link = place.path().join("deploy/cart.yaml");
    std::os::unix::fs::symlink(outside.path().join("cart.yaml"), link).unwrap();
    let words = ["backport", "deploy", "--live", "live.json", "-w"];
    let output = place.driftctl().args(words).output().unwrap();
    assert_ne!(output.status.code(), Some(0));
    let text = fs::read_to_string(outside.path().join("cart.yaml")).unwrap();
    assert_eq!(text, CART);
}

#[test]
fn a_selection_that_selects_nothing_is_an_error() {
    let place = place(&live());
    let words = [
        "backport",
        "deploy",
        "--live",
        "live.json",
        "deploy/shop/card",
    ];
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("selects none")
    );
}

#[test]
fn json_and_names_list_the_same_objects() {
    let mut live = live();
    live["items"][0]["spec"]["replicas"] = 7.into();
    let place = place(&live);
    let run = |format: &str| {
        let words = ["backport", "deploy", "--live", "live.json", "-o", format];
        let output = place.driftctl().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let plan: Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(plan["action"], "backport");
    assert_eq!(plan["steps"][0]["how"], "edit");
    assert_eq!(run("name"), "Deployment.apps/shop/cart\n");
}

/// Replicas that an autoscaler writes are not drift as long as the autoscaler targets that
/// Deployment.
#[test]
fn skips_a_change_that_makes_another_object_drift() {
    let autoscaler = "\
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart, namespace: shop}
spec:
  minReplicas: 2
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}
";
    let mut live = live();
    live["items"][0]["spec"]["replicas"] = 5.into();
    live["items"][0]["metadata"]["managedFields"] = json!([{
        "manager": "kube-controller-manager", "operation": "Update", "subresource": "scale",
        "apiVersion": "apps/v1", "time": "2026-11-21T00:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}}
    }]);
    let items = live["items"].as_array_mut().unwrap();
    items.push(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {
            "minReplicas": 2, "maxReplicas": 12,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}
        }
    }));
    let place = place(&live).file("deploy/cart.yaml", format!("{CART}{autoscaler}"));
    let words = ["backport", "deploy", "--live", "live.json"];
    insta::assert_snapshot!("backport_spoils_another", place.run(words));
}

/// Backports all drift of a recorded cluster at once: afterwards nothing drifts, and every comment
/// outside removed lines is still there.
#[test]
fn backports_all_drift_of_a_cluster() {
    let place = TestFolder::new();
    let shop = fixture("shop");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&shop)
        .arg(place.path())
        .status()
        .unwrap();
    assert!(copied.success());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let words = ["shop/manifests", "--live", "shop/live.json"];
    let drifting = || {
        let words = [&["diff"], &words[..], &["-o", "json"]].concat();
        let output = place.driftctl().args(words).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let objects = report["objects"].as_array().unwrap().clone();
        let drifted = objects
            .into_iter()
            .filter(|object| object["status"] == "drifted");
        drifted
            .map(|object| object["kind"].to_string())
            .collect::<Vec<_>>()
    };
    assert!(drifting().len() > 40);
    let words = [&["backport"], &words[..], &["-w"]].concat();
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "Secrets and missing objects are left alone"
    );
    let left = drifting();
    assert!(left.iter().all(|kind| kind == "\"Secret\""), "{left:?}");
}

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  type: NodePort
  selector: {app: cart}
  ports:
  - name: web # shoppers
    port: 80
    targetPort: http
    nodePort: 30080 # known to the load balancer
";

/// A port whose number changes is reported as one removed and one added port.
#[test]
fn keeps_the_position_and_comments_of_an_item_whose_key_changed() {
    let ports = json!([{
        "name": "web", "port": 81, "targetPort": "http", "nodePort": 30080, "protocol": "TCP"
    }]);
    let mut spec = json!({"type": "NodePort", "selector": {"app": "cart"}, "ports": ports});
    let service = |spec: &Value| {
        json!({"apiVersion": "v1", "kind": "Service", "spec": spec,
            "metadata": {"name": "cart", "namespace": "shop"}})
        .to_string()
    };
    let words = ["backport", "service.yaml", "--live", "live.json", "-w"];
    for node_port in [json!(30080), Value::Null] {
        if node_port.is_null() {
            spec["ports"][0].as_object_mut().unwrap().remove("nodePort");
        }
        let place = TestFolder::new()
            .file("service.yaml", SERVICE)
            .file("live.json", service(&spec));
        let output = place.driftctl().args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let written = fs::read_to_string(place.path().join("service.yaml")).unwrap();
        let expected = SERVICE.replace("port: 80\n", "port: 81\n");
        let without = expected.replace("    nodePort: 30080 # known to the load balancer\n", "");
        let expected = if node_port.is_null() {
            without
        } else {
            expected
        };
        assert_eq!(written, expected);
    }
}

/// Returns a repository with a branch that changes the image.
fn branch(live: &Value) -> Option<TestFolder> {
    let place = TestFolder::new()
        .file("deploy/cart.yaml", CART)
        .file("live.json", live.to_string());
    repository::init(place.path())?;
    repository::git(place.path(), &["switch", "-q", "-c", "fix"])?;
    let changed = CART.replace("# the API", "# the API of the cart");
    fs::write(place.path().join("deploy/cart.yaml"), changed).unwrap();
    repository::commit(place.path(), "second")?;
    Some(place)
}

#[test]
fn suggests_changes_in_lines_of_a_pull_request() {
    let mut live = live();
    live["items"][0]["spec"]["replicas"] = 7.into();
    container(&mut live)["image"] = "reg.example.com/cart:hotfix".into();
    let Some(place) = branch(&live) else { return };
    let words = |format: &'static str| {
        [
            "backport",
            "deploy",
            "--live",
            "live.json",
            "--base",
            "main",
            "-o",
            format,
        ]
    };
    insta::assert_snapshot!("backport_suggestions", place.run(words("markdown")));
    let output = place
        .driftctl()
        .args(words("github-review"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let review: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(review["event"], "COMMENT");
    let comments = review["comments"].as_array().unwrap();
    assert_eq!(comments.len(), 1, "{review}");
    assert_eq!(comments[0]["path"], "deploy/cart.yaml");
    assert_eq!(
        (&comments[0]["line"], &comments[0]["side"]),
        (&json!(16), &json!("RIGHT"))
    );
    let body = comments[0]["body"].as_str().unwrap();
    let expected =
        "```suggestion\n        image: \"reg.example.com/cart:hotfix\" # release train\n```";
    assert!(body.ends_with(expected), "{body}");
    let rest = review["body"].as_str().unwrap();
    assert!(rest.contains("+  replicas: 7 # two zones"), "{rest}");
}

#[test]
fn a_review_needs_a_base_and_a_patch_rejects_it() {
    let place = place(&live());
    for (more, said) in [
        (&["-o", "github-review"][..], "name its base"),
        (&["--base", "main"], "goes with -o markdown"),
        (&["--base", "none", "-o", "markdown"], "--base none"),
    ] {
        let mut live = live();
        live["items"][0]["spec"]["replicas"] = 7.into();
        fs::write(place.path().join("live.json"), live.to_string()).unwrap();
        let words = ["backport", "deploy", "--live", "live.json"];
        let output = place
            .driftctl()
            .args([&words[..], more].concat())
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn suggestions_show_no_secrets() {
    let mut live = live();
    live["items"][1]["data"]["token"] = "cm90YXRlZC1ieS1oYW5k".into(); // rotated-by-hand
    live["items"][0]["spec"]["replicas"] = 7.into();
    let Some(place) = branch(&live) else { return };
    for format in ["markdown", "github-review"] {
        let words = [
            "backport",
            "deploy",
            "--live",
            "live.json",
            "--base",
            "main",
            "-o",
            format,
        ];
        let output = place.driftctl().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(all.contains("replicas"), "{all}");
        for secret in ["rotated-by-hand", "hunter", "cm90YXRl"] {
            assert!(!all.contains(secret), "{all}");
        }
    }
}

/// A patch may end up on a terminal, in a log or in a review: it must not show more than a report
/// does.
#[test]
fn a_patch_shows_no_lines_that_a_report_masks() {
    const SECRET: &str = "Zx9-hunter2_canary.q7";
    let url = format!("postgres://cart:{SECRET}@db/cart");
    let config = |kind: &str, field: &str, name: &str, secret: &str, other: &str| {
        json!({"apiVersion": if kind == "Db" { "example.com/v1" } else { "v1" }, "kind": kind,
            "metadata": {"name": "cart", "namespace": "shop"}, field: {name: secret, "key": other}})
    };
    let probe = |secret: &str, other: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart", "namespace": "shop"},
            "spec": {"containers": [{"name": "cart", "image": "cart:1", "env": [
                {"name": "API_TOKEN", "value": secret}, {"name": "LEVEL", "value": other}]}]}})
    };
    let bearer = format!("Authorization: Bearer {SECRET}");
    for (declared, live) in [
        ("password", SECRET),
        ("url", url.as_str()),
        ("header", bearer.as_str()),
    ]
    .into_iter()
    .flat_map(|(name, secret)| {
        [("ConfigMap", "data"), ("Db", "spec")].map(|(kind, field)| {
            let of = |other: &str| config(kind, field, name, secret, other);
            (of("a"), of("b"))
        })
    })
    .chain([(probe(SECRET, "a"), probe(SECRET, "b"))])
    {
        let text = driftctl::edit::document(&declared) + "\n";
        let items = json!({"apiVersion": "v1", "kind": "List", "items": [live]});
        let place = TestFolder::new()
            .file("m.yaml", &text)
            .file("live.json", items.to_string());
        let shown = place.run(["backport", "m.yaml", "--live", "live.json"]);
        assert!(!shown.contains("hunter2"), "{text}{shown}");
        // If fewer lines do not help, the file is left alone.
        let is_beside = declared["kind"] != "Pod";
        assert_eq!(shown.starts_with("exit code: 1"), is_beside, "{shown}");
        let shown = place.run(["backport", "m.yaml", "--live", "live.json", "--write"]);
        assert!(shown.starts_with("exit code: 0"), "{text}{shown}");
        assert!(!shown.contains("hunter2"), "{text}{shown}");
        let written = fs::read_to_string(place.path().join("m.yaml")).unwrap();
        assert!(written.contains(SECRET) && written != text, "{written}");
    }
}

#[test]
fn an_item_whose_key_others_have_too_is_left_alone() {
    const TWICE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: api
        image: reg.example.com/cart:1.4
        env:
        - {name: A, value: \"1\"}
        - {name: A, value: \"2\"}
";
    let env = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "9"}]);
    let live =
        json!({"apiVersion": "v1", "kind": "List", "items": [live_cart(&json!({"env": env}))]});
    let place = TestFolder::new()
        .file("deploy/cart.yaml", TWICE)
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let words = ["backport", "deploy", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    let shown = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(
        shown.contains(
            "several items of the list have this key, so it is unclear which one to change"
        ),
        "{err}"
    );
}

/// Changes of one object are made together, and a file is not parsed again for each object.
#[test]
fn backports_many_changes_in_seconds() {
    let data = |at: usize, value: &str| -> Value {
        let count = if at == 0 { 1000 } else { 1 };
        let data = (0..count).map(|at| (format!("k{at:04}"), value.into()));
        let metadata = json!({"name": format!("c{at:04}"), "namespace": "shop"});
        let data: serde_json::Map<String, Value> = data.collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    };
    let of = |value: &str| -> Vec<Value> { (0..300).map(|at| data(at, value)).collect() };
    let texts = of("a")
        .into_iter()
        .map(|one| driftctl::edit::document(&one));
    let text = texts.collect::<Vec<_>>().join("\n---\n") + "\n";
    let live = json!({"apiVersion": "v1", "kind": "List", "items": of("b")});
    let place = TestFolder::new()
        .file("all.yaml", &*text)
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let begun = std::time::Instant::now();
    let words = ["backport", "all.yaml", "--live", "live.json", "-w"];
    let shown = place.run(words);
    assert!(begun.elapsed().as_secs() < 90, "{:?}", begun.elapsed());
    let written = fs::read_to_string(place.path().join("all.yaml")).unwrap();
    assert_eq!(written, text.replace(": a\n", ": b\n"), "{shown}");
}

#[test]
fn keeps_the_pull_policy_that_another_image_would_not_have() {
    let mut live = live();
    container(&mut live)["image"] = json!("nginx");
    container(&mut live)["imagePullPolicy"] = json!("IfNotPresent");
    let place = place(&live);
    let words = ["backport", "deploy", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    let patch = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = patch
        .lines()
        .filter(|line| line.starts_with(['+', '-']))
        .collect();
    let image = "image: \"nginx\" # release train";
    assert!(lines.iter().any(|line| line.contains(image)), "{patch}");
    let policy = "+        imagePullPolicy: IfNotPresent";
    assert!(lines.contains(&policy), "{patch}");
}

/// `helm upgrade --set` looks like a commit that was not applied yet.
#[test]
fn backports_what_the_applier_set_if_it_is_named() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {a: \
                    one, b: two}\n";
    let live = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "b", "managedFields": [{
            "manager": "helm", "operation": "Apply", "apiVersion": "v1",
            "time": "2026-11-20T00:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}}]},
        "data": {"a": "hotfix", "b": "two"}
    });
    let place = TestFolder::new()
        .file("map.yaml", manifest)
        .file("live.json", live.to_string());
    repository::git(place.path(), &["init", "-q"]).unwrap();
    let words = ["backport", "map.yaml", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("the applier set it"), "{err}");
    let named = [&words[..], &["cm/b/a", ".data.a"]].concat();
    let output = place.driftctl().args(named).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let patch = String::from_utf8_lossy(&output.stdout);
    assert!(patch.contains("+data: {a: hotfix, b: two}"), "{patch}");
}
