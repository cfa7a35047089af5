//! Tests `driftctl timeline`: every step of an incident, in order, with its author.

use serde_json::{Value, json};

use crate::support::{TestFolder, fixture_arg};

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

/// Returns an incident: a bad image was rolled out and rolled back, then someone scaled by hand.
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
    let place = TestFolder::new()
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

/// A user pasted the value of a Secret into a key of a ConfigMap.
#[test]
fn masks_values_of_secrets_in_names_of_fields() {
    let pasted = "Zq8vR2nLx0TfW4mK";
    let object = |kind: &str, data: Value, fields: Value| {
        json!({"apiVersion": "v1", "kind": kind,
            "metadata": {"name": "cart", "namespace": "shop", "managedFields": [
                {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "v1",
                 "time": "2026-11-02T10:20:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields}]},
            "data": data})
    };
    let key = format!("f:{pasted}");
    let live = json!({"apiVersion": "v1", "kind": "List", "items": [
        object("Secret", json!({"TOKEN": "WnE4dlIybkx4MFRmVzRtSw=="}), json!({"f:data": {"f:TOKEN": {}}})),
        object("ConfigMap", json!({pasted: "x", "a": "b"}),
            json!({"f:data": {key.as_str(): {}, "f:a": {}}}))]});
    let manifest = |kind: &str, data: &str| {
        format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: cart, namespace: shop}}\ndata: {data}\n---\n"
        )
    };
    let secret = manifest("Secret", "{TOKEN: WnE4dlIybkx4MFRmVzRtSw==}");
    let config = manifest("ConfigMap", &format!("{{{pasted}: x, a: b}}"));
    let place = TestFolder::new()
        .file("m/cart.yaml", secret + &config)
        .file("live.json", live.to_string());
    for format in ["text", "json"] {
        let text = place.run(["timeline", "m", "--live", "live.json", "-o", format]);
        assert!(text.contains("last wrote .data.TOKEN"), "{text}");
        assert!(
            text.contains("last wrote .data.") && !text.contains(pasted),
            "{text}"
        );
    }
}

#[test]
fn lists_every_step_of_an_incident_in_order() {
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
fn selection_and_since_exclude_the_rest() {
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
fn the_html_page_shows_the_timeline() {
    let (_, page) = timeline(&["-o", "html"]);
    assert!(page.contains("OOMKilled") && page.contains("</html>"));
}

/// A request in the audit log that caused drift is shown as that drift, with its user; other
/// requests stay.
#[test]
fn shows_a_request_that_caused_drift_once() {
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
        let place = TestFolder::new()
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
    let update = |at: &str| request(at, json!({"replicas": 7})).replace("\"patch\"", "\"update\"");
    assert_eq!(
        moments(&[update("09:00:00"), update("10:20:00")]),
        [
            "09:00:00 audit-log update",
            "10:20:00 drift .spec.replicas 2 to 7"
        ]
    );
}

/// `diff -o timeline` is the short form: with --events, warnings are between the changes.
#[test]
fn shows_warning_events_between_the_changes() {
    let place = TestFolder::new()
        .file("manifests/cart.yaml", MANIFEST)
        .file("live.json", incident().to_string());
    let diff = |more: &[&str]| {
        let words = ["diff", "manifests", "--live", "live.json"];
        place.run([&words[..], more].concat())
    };
    let text = diff(&["-o", "timeline", "--events"]);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(at("OOMKilled") < at("BackOff"), "{text}");
    assert!(at("BackOff") < at(".spec.replicas 2 to 7"), "{text}");
    for absent in ["Pulled", "not ours", "swordfish"] {
        assert!(!text.contains(absent), "{text}");
    }
    let page = diff(&["-o", "html", "--events"]);
    assert!(
        page.contains("OOMKilled") && !page.contains("swordfish"),
        "{page}"
    );
    assert!(!diff(&["-o", "timeline"]).contains("BackOff"));
    let since = diff(&[
        "-o",
        "timeline",
        "--events",
        "--since",
        "2026-11-02T10:06:30Z",
    ]);
    assert!(
        since.contains("BackOff") && !since.contains("OOMKilled"),
        "{since}"
    );
    let refused = diff(&["--events"]);
    assert!(refused.starts_with("exit code: 2"), "{refused}");
    insta::assert_snapshot!(refused);
}

/// Incidents that people caused on a real API server; `steps.json` lists what they did.
#[test]
fn lists_every_step_of_recorded_incidents_once_in_order() {
    for incident in ["long-night", "refused"] {
        let file = |name: &str| fixture_arg(&format!("incidents/{incident}/{name}"));
        let place = TestFolder::new();
        let words = [
            "timeline",
            &file("manifests.yaml"),
            "-n",
            "shop",
            "-o",
            "json",
        ];
        let mut command = place.driftctl();
        command.args(words).args(["--live", &file("live.json.gz")]);
        command.args(["--audit-log", &file("audit.log.gz")]);
        let output = command.output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        for secret in ["swordfish", "hunter22", "aHVudGVy", "c3dvcmRmaXNo"] {
            assert!(!shown.contains(secret), "{incident}: {secret}");
        }
        let document: Value = serde_json::from_str(&shown).unwrap();
        let text = |value: &Value, field: &str| value[field].as_str().unwrap_or("").to_owned();
        let acts = ["audit-log", "drift", "managed-fields"];
        let moments = document["moments"].as_array().unwrap().iter();
        let listed: Vec<&Value> = moments
            .filter(|moment| acts.contains(&moment["source"].as_str().unwrap()))
            .filter(|moment| !text(moment, "who").starts_with("ci "))
            .collect();
        let steps = std::fs::read_to_string(file("steps.json")).unwrap();
        let steps: Vec<Value> = serde_json::from_str(&steps).unwrap();
        let mut next = 0;
        for step in steps.iter().filter(|step| step["absent"].is_null()) {
            let is_it = |moment: &&Value| {
                let (who, what) = (text(moment, "who"), text(moment, "what"));
                let says = text(step, "says");
                who.starts_with(&format!("{} ", text(step, "by")))
                    && text(moment, "object") == text(step, "object")
                    && says.split('|').any(|word| what.contains(word))
                    && what.starts_with("refused") == (step["refused"] == true)
            };
            let found = listed.get(next).filter(|moment| is_it(moment));
            let found = found.unwrap_or_else(|| {
                panic!("{incident}: {step} is not {:?}: {shown}", listed.get(next))
            });
            // One step may leave several changes.
            let of_act = listed[next..].iter().take_while(|moment| {
                let same = |field: &str| text(moment, field)[..] == text(found, field)[..];
                std::ptr::eq(**moment, *found)
                    || (moment["source"] == "drift"
                        && same("who")
                        && same("object")
                        && same("time"))
            });
            next += of_act.count();
        }
        assert_eq!(listed.len(), next, "{incident}: {:?}", &listed[next..]);
    }
}

/// Returns the entries of the timeline of recorded objects, one line each.
fn entries_of(manifest: &str, objects: Value) -> Vec<String> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let place = TestFolder::new()
        .file("manifests/all.yaml", manifest)
        .file("live.json", list.to_string());
    let mut command = place.driftctl();
    command.args(["timeline", "manifests", "--live", "live.json", "-o", "json"]);
    let output = command.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let line = |moment: &Value| {
        let text = |field: &str| moment[field].as_str().unwrap_or("-").to_owned();
        let what = text("what");
        let mark = if moment["warning"] == true { "!" } else { "" };
        format!(
            "{} {} {} | {what}{mark}",
            text("time"),
            text("object"),
            text("who")
        )
    };
    let moments = document["moments"].as_array().unwrap().iter();
    moments.map(line).collect()
}

/// A rollback that was not the last rollout has no time of its own: scaling wrote its ReplicaSet
/// later.
#[test]
fn a_rollback_comes_before_the_next_rollout() {
    let lines = entries_of(
        MANIFEST,
        json!([
            {"apiVersion": "apps/v1", "kind": "Deployment",
             "metadata": {"name": "cart", "namespace": "shop", "uid": "d1"},
             "spec": {"template": template("cart:1.6")}},
            replica_set("cart-a", "5", "1,3", "cart:1.4", "2026-11-01T08:00:01Z", "2026-11-02T12:00:00Z"),
            replica_set("cart-b", "4", "2", "cart:1.5", "2026-11-02T10:00:00Z", "2026-11-02T12:00:00Z"),
            replica_set("cart-c", "6", "", "cart:1.6", "2026-11-02T11:00:00Z", "2026-11-02T12:00:00Z"),
        ]),
    );
    let rollouts: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let (time, what) = line.split_once(" | rolled out ")?;
            Some(format!("{} {}", &time[11..19], what.split(';').next()?))
        })
        .collect();
    assert_eq!(
        rollouts,
        [
            "08:00:01 revision 1",
            "10:00:00 revision 2",
            "11:00:00 revision 3: the template of revision 1 again",
            "11:00:00 revision 4: the template of revision 2 again",
            "11:00:00 revision 5: the template of revision 3 again",
            "11:00:00 revision 6",
        ]
    );
    let said = |revision: &str| lines.iter().find(|line| line.contains(revision)).unwrap();
    assert!(said("revision 3:").ends_with("(then or earlier)"));
    assert!(!said("revision 6").contains("earlier"));
}

/// A ControllerRevision gets a new number when its template is used again.
#[test]
fn the_first_rollout_of_a_template_that_was_used_again_stays() {
    let revision = |name: &str, number: u64, image: &str, at: &str, moved: &str| {
        json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": at,
                "ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "s1", "controller": true}],
                "managedFields": [{"manager": "kube-controller-manager", "operation": "Update",
                    "time": moved, "fieldsV1": {"f:revision": {}}}]},
            "data": {"spec": {"template": template(image)}}})
    };
    let lines = entries_of(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\n",
        json!([
            {"apiVersion": "apps/v1", "kind": "StatefulSet",
             "metadata": {"name": "db", "namespace": "shop", "uid": "s1"}},
            revision("db-a", 3, "db:14", "2026-11-02T08:00:00Z", "2026-11-02T10:00:00Z"),
            revision("db-b", 2, "db:15", "2026-11-02T09:00:00Z", "2026-11-02T09:00:00Z"),
        ]),
    );
    let lines: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains("rolled out"))
        .map(|line| &line[11..])
        .collect();
    assert_eq!(
        lines,
        [
            "08:00:00Z StatefulSet shop/db - | rolled out the template of what is now revision 3",
            "09:00:00Z StatefulSet shop/db - | rolled out revision 2",
            "10:00:00Z StatefulSet shop/db - | rolled out revision 3: the template of an earlier \
             revision again; image of api db:15 to db:14",
        ]
    );
}

/// Events about cluster-scoped objects are in the namespace `default`, and those about objects that
/// are gone stay for a while.
#[test]
fn lists_events_about_what_has_no_namespace_or_is_gone() {
    let event = |kind: &str, name: &str, namespace: &str, reason: &str| {
        json!({"apiVersion": "v1", "kind": "Event",
            "metadata": {"name": reason, "namespace": namespace},
            "involvedObject": {"kind": kind, "name": name, "uid": format!("uid of {name}")}, "type": "Warning",
            "reason": reason, "message": "failed", "firstTimestamp": "2026-11-02T10:00:00Z"})
    };
    let lines = entries_of(
        &format!(
            "{MANIFEST}---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: disk}}\n"
        ),
        json!([
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk", "uid": "uid of disk"}},
            event("PersistentVolume", "disk", "default", "VolumeFailedDelete"),
            event("Deployment", "cart", "shop", "ReplicaSetCreateError"),
            event("Deployment", "other", "shop", "Other"),
        ]),
    );
    let told: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("failed"))
        .collect();
    let expected = [
        "2026-11-02T10:00:00Z PersistentVolume disk - | VolumeFailedDelete: failed!",
        "2026-11-02T10:00:00Z Deployment shop/cart - | ReplicaSetCreateError: failed!",
    ];
    assert_eq!(told, expected);
}

/// Argo CD keeps a failed sync apart from its history; Flux names the revisions of a Kustomization
/// in the metadata of its history.
#[test]
fn lists_failed_syncs_and_the_history_of_kustomizations() {
    let application = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd"},
        "status": {
            "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart"}],
            "history": [{"revisions": ["a1", "b2"], "deployedAt": "2026-11-02T09:00:00Z",
                         "initiatedBy": {"automated": true}}],
            "operationState": {"phase": "Failed", "message": "one object failed to apply",
                "startedAt": "2026-11-02T09:59:58Z", "finishedAt": "2026-11-02T10:00:00Z",
                "operation": {"initiatedBy": {"username": "zoe"}, "sync": {"revision": "c3"}}}}});
    let entry = |at: &str, status: &str, revision: &str, times: u64| {
        json!({"digest": "sha256:1", "firstReconciled": at, "lastReconciled": "2026-11-02T13:00:00Z",
               "lastReconciledStatus": status, "totalReconciliations": times,
               "metadata": {"revision": revision}})
    };
    let kustomization = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "status": {
            "inventory": {"entries": [{"id": "shop_cart_apps_Deployment", "v": "v1"}]},
            "history": [
                entry("2026-11-02T12:00:00Z", "ReconciliationFailed", "main@sha1:ee", 4),
                entry("2026-11-02T11:00:00Z", "ReconciliationSucceeded", "main@sha1:dd", 1)]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"template": template("cart:1.4")}});
    let lines = entries_of(MANIFEST, json!([deployment, application, kustomization]));
    let lines: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains(" Application ") || line.contains(" Kustomization "))
        .collect();
    assert_eq!(
        lines,
        [
            "2026-11-02T09:00:00Z Application argocd/shop automated sync | deployed a1, b2",
            "2026-11-02T10:00:00Z Application argocd/shop zoe | sync failed c3: one object failed \
             to apply!",
            "2026-11-02T11:00:00Z Kustomization flux-system/shop - | deployed main@sha1:dd \
             (ReconciliationSucceeded)",
            "2026-11-02T12:00:00Z Kustomization flux-system/shop - | failed to deploy main@sha1:ee \
             (ReconciliationFailed) (4 times until 2026-11-02T13:00:00Z)!",
        ]
    );
}

/// When an audit log has no bodies, each of several users behind one manager may have made a
/// change; naming the last of them alone accuses the wrong one.
#[test]
fn every_format_names_all_who_may_have_written() {
    let case = |name: &str| {
        fixture_arg(&format!(
            "cases/audit-without-bodies-and-two-writers/{name}"
        ))
    };
    for format in ["text", "table", "wide", "timeline"] {
        let place = TestFolder::new();
        let mut command = place.driftctl();
        command.args(["diff", &case("manifests"), "--live", &case("live.json")]);
        command.args(["--audit-log", &case("audit.log"), "-o", format]);
        let output = command.output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let is_named = |line: &&str| line.contains("bob@example.com");
        let named: Vec<&str> = shown.lines().filter(is_named).collect();
        assert!(!named.is_empty(), "{format}: {shown}");
        for line in named {
            assert!(line.contains(" or "), "{format}: {line}");
        }
    }
}
