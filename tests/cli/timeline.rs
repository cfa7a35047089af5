//! `driftctl timeline`: every step of an incident, in order, with who took it.

use serde_json::{Value, json};

use crate::support::Place;

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      containers:
        - name: api
          image: cart:1.4
          env:
            - name: DB_PASSWORD
              value: swordfish-7
";

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [
        {"name": "api", "image": image, "env": [{"name": "DB_PASSWORD", "value": "swordfish-7"}]}]}})
}

fn replica_set(
    name: &str,
    revision: &str,
    history: &str,
    image: &str,
    at: &str,
    moved: &str,
) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": at,
            "annotations": {"deployment.kubernetes.io/revision": revision,
                            "deployment.kubernetes.io/revision-history": history},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart",
                                 "uid": "d1", "controller": true}],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update",
                "apiVersion": "apps/v1", "time": moved, "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
        "spec": {"template": template(image)}})
}

fn event(
    name: &str,
    kind: &str,
    about: &str,
    warning: bool,
    reason: &str,
    message: &str,
    at: &str,
) -> Value {
    json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": at},
        "involvedObject": {"kind": kind, "namespace": "shop", "name": about},
        "type": if warning { "Warning" } else { "Normal" },
        "reason": reason, "message": message, "firstTimestamp": at, "lastTimestamp": at,
        "count": 1, "source": {"component": "kubelet"}})
}

/// Returns a bad image was rolled out and rolled back, then someone scaled by hand.
fn incident() -> Value {
    let written = |manager: &str, at: &str, fields: Value| {
        json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": at,
               "fieldsType": "FieldsV1", "fieldsV1": fields})
    };
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "uid": "d1",
            "creationTimestamp": "2026-11-01T08:00:00Z",
            "annotations": {"meta.helm.sh/release-name": "cart", "meta.helm.sh/release-namespace": "shop"},
            "managedFields": [
                written("helm", "2026-11-01T08:00:00Z", json!({"f:spec": {"f:template": {}}})),
                written("kubectl-edit", "2026-11-02T10:20:00Z", json!({"f:spec": {"f:replicas": {}}}))]},
        "spec": {"replicas": 7, "selector": {"matchLabels": {"app": "cart"}}, "template": template("cart:1.4")}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "cart-b-x", "namespace": "shop", "uid": "p1",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "cart-b", "uid": "cart-b", "controller": true}]},
        "status": {"containerStatuses": [{"name": "api", "restartCount": 3, "lastState":
            {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-02T10:06:00Z"}}}]}});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        deployment, pod,
        replica_set("cart-a", "3", "1", "cart:1.4", "2026-11-01T08:00:01Z", "2026-11-02T10:15:00Z"),
        replica_set("cart-b", "2", "", "cart:1.5", "2026-11-02T10:00:00Z", "2026-11-02T10:15:00Z"),
        event("e1", "Pod", "cart-b-gone", true, "BackOff",
              "restarting failed container, DB_PASSWORD=swordfish-7", "2026-11-02T10:07:00Z"),
        event("e2", "Pod", "cart-b-gone", false, "Pulled", "image pulled", "2026-11-02T10:01:00Z"),
        event("e3", "Pod", "other-x", true, "BackOff", "not ours", "2026-11-02T10:08:00Z")]})
}

fn timeline(more: &[&str]) -> (i32, String) {
    let place = Place::new()
        .file("manifests/cart.yaml", MANIFEST)
        .file("live.json", incident().to_string());
    let mut command = place.driftctl();
    command
        .args(["timeline", "manifests", "--live", "live.json"])
        .args(more);
    let output = command.output().unwrap();
    let text = place.shown(&output);
    assert!(!text.contains("swordfish"), "{text}");
    let out = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), out)
}

#[test]
fn every_step_of_an_incident_is_there_in_order() {
    let (code, text) = timeline(&["-o", "json"]);
    assert_eq!(code, 0, "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    let moments = document["moments"].as_array().unwrap().iter();
    let steps: Vec<String> = moments
        .filter(|moment| moment["time"].is_string())
        .map(|moment| {
            let text = |field: &str| moment[field].as_str().unwrap_or("-").to_owned();
            let time = text("time");
            format!(
                "{} {} {} | {}",
                &time[5..16],
                text("source"),
                text("who"),
                text("what")
            )
        })
        .collect();
    insta::assert_snapshot!(steps.join("\n"));
    let unread = document["unread"].to_string();
    assert!(unread.contains("audit log"), "{unread}");
    assert!(
        unread.contains("revisions of Helm release cart"),
        "{unread}"
    );
}

#[test]
fn the_text_groups_by_hour() {
    insta::assert_snapshot!(timeline(&[]).1);
}

#[test]
fn a_selection_and_a_time_leave_out_the_rest() {
    let (code, text) = timeline(&[
        "deploy/shop/cart",
        "--since",
        "2026-11-02T10:10:00Z",
        "-o",
        "markdown",
    ]);
    assert_eq!(code, 0);
    assert!(text.contains("template of revision 1 again"), "{text}");
    assert!(!text.contains("OOMKilled"), "{text}");
    let (code, _) = timeline(&["deploy/shop/other"]);
    assert_eq!(code, 2);
}

#[test]
fn the_page_needs_no_script() {
    let (_, page) = timeline(&["-o", "html"]);
    assert!(page.contains("OOMKilled") && page.contains("</html>"));
    assert!(!page.contains("<script"));
}

/// A request of the audit log that left drift is that drift, with its user; one that did more stays.
#[test]
fn a_request_that_is_drift_stands_once() {
    let request = |at: &str, spec: Value| {
        json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request",
            "auditID": at, "stage": "ResponseComplete", "verb": "patch",
            "requestURI": "/apis/apps/v1/namespaces/shop/deployments/cart?fieldManager=kubectl-edit",
            "user": {"username": "bob@example.com"}, "userAgent": "kubectl/v1.36.2",
            "objectRef": {"resource": "deployments", "namespace": "shop", "name": "cart",
                          "apiGroup": "apps", "apiVersion": "v1"},
            "responseStatus": {"code": 200}, "requestObject": {"spec": spec},
            "requestReceivedTimestamp": format!("2026-11-02T{at}.100000Z"),
            "stageTimestamp": format!("2026-11-02T{at}.200000Z")})
        .to_string()
    };
    let log = [
        request("09:00:00", json!({"replicas": 3})),
        request("10:20:00", json!({"replicas": 7})),
    ];
    let moments = |log: &[String]| {
        let place = Place::new()
            .file("manifests/cart.yaml", MANIFEST)
            .file("live.json", incident().to_string())
            .file("audit.log", log.join("\n") + "\n");
        let mut command = place.driftctl();
        command.args(["timeline", "manifests", "--live", "live.json", "-o", "json"]);
        let output = command.args(["--audit-log", "audit.log"]).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let moments = document["moments"].as_array().unwrap().iter();
        let of_bob = moments.filter(|moment| moment["who"].to_string().contains("bob@"));
        let said = |moment: &Value| {
            let text = |field: &str| moment[field].as_str().unwrap().to_owned();
            format!(
                "{} {} {}",
                &text("time")[11..19],
                text("source"),
                text("what")
            )
        };
        of_bob.map(said).collect::<Vec<_>>()
    };
    assert_eq!(
        moments(&log),
        [
            "09:00:00 audit-log patch .spec.replicas",
            "10:20:00 drift .spec.replicas 2 to 7"
        ]
    );
    let more = [request("10:20:00", json!({"replicas": 7, "paused": false}))];
    let more = moments(&more);
    assert!(
        more.iter()
            .any(|line| line.contains("audit-log patch .spec.paused")),
        "{more:?}"
    );
}
