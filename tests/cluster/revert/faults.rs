//! Tests that a write that did not happen never looks done, and that no write is done twice.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{
    CART, FIELD, POINTER, field, progress, revert, revert_in, revert_json, while_it_is_written,
    writable,
};
use crate::server::{Cluster, Denied, Fault, Faults, Meanwhile, Server};
use crate::support::{TestFolder, at_once, fixture_arg};

#[test]
fn leaves_a_value_alone_that_changed_in_the_meantime() {
    let server = while_it_is_written(POINTER, json!("somebody-elses")).start();
    let (code, plan) = revert_json(&server, &FIELD);
    assert_eq!(code, 2, "{plan:#}");
    assert_eq!(field(&server), "somebody-elses");
    let progress = progress(&plan);
    assert!(progress[0].contains("not-done"), "{progress:?}");
    assert!(progress[0].contains("was changed again"), "{progress:?}");
    assert_eq!(plan["undo"], json!(null));
}

#[test]
fn ignores_concurrent_changes_elsewhere_in_the_object() {
    let server = while_it_is_written("/spec/replicas", json!(9)).start();
    let before = field(&server);
    let (code, plan) = revert_json(&server, &FIELD);
    assert_eq!(code, 0, "{plan:#}");
    assert_ne!(field(&server), before);
    assert_eq!(server.object(CART)["spec"]["replicas"], 9);
}

/// A user who stops a revert wants to know what it has written so far.
#[test]
fn an_interrupted_revert_reports_what_it_has_written() {
    let server = writable()
        .failing("cart?fieldManager=", Fault::Hang)
        .start();
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftctl"));
    command
        .current_dir(place.path())
        .env_clear()
        .env("HOME", place.path())
        .env("XDG_STATE_HOME", place.path().join("state"))
        .args(["revert", &fixture_arg("shop/manifests")])
        .args(["--kubeconfig", "kubeconfig", "--request-timeout", "2"])
        .args(["--all", "--yes", "--skip-dry-run", "--keep-going"])
        .args(["--max-objects", "200"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let began = Instant::now();
    let is_sent = || {
        let seen = server.seen();
        seen.iter()
            .any(|(_, path)| path.contains("cart?fieldManager="))
    };
    while !is_sent() {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing sent");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{out}{err}");
    assert!(err.contains("interrupted: finishing"), "{err}");
    assert!(out.contains("\nreverted ConfigMap"), "{out}");
    assert!(
        out.contains("the run was interrupted before this change"),
        "{out}"
    );
    assert!(
        out.contains("undo it with: driftctl revert --undo"),
        "{out}"
    );
    assert!(out.contains("\nINCOMPLETE"), "{out}");
}

/// Returns a server with a fault of the write itself: whether it was carried out anyway, and how
/// often.
fn with_fault(fault: Fault) -> Server {
    writable().failing("cart?fieldManager=", fault).start()
}

#[test]
fn names_a_webhook_that_cannot_be_called() {
    let message = "Internal error occurred: failed calling webhook \"way.example\": failed to call \
        webhook: Post \"https://10.0.0.1/?token=hunter2\": connection refused";
    let at_dry_run = |fault: Fault| writable().failing("dryRun=All", fault).start();
    let server = at_dry_run(Fault::Saying(500, message));
    let (code, out, err) = revert(&server, &FIELD);
    assert_eq!(code, 2, "{out}{err}");
    let said =
        "the admission webhook \"way.example\" cannot be called, so the server writes nothing";
    assert!(out.contains(said) && !out.contains("hunter2"), "{out}");
    assert!(out.contains("nothing was changed"), "{out}");
    let server = at_dry_run(Fault::Before(500));
    let (code, out, _) = revert(&server, &FIELD);
    assert_eq!(code, 2, "{out}");
    let said = "the dry run got no result: the server responded with 500";
    assert!(out.contains(said), "{out}");
}

#[test]
fn stops_at_a_write_whose_result_is_unknown() {
    let server = writable()
        .failing("fieldManager=", Fault::Before(500))
        .start();
    let words = ["--all", "--yes", "--skip-dry-run", "--max-objects", "200"];
    let (code, plan) = revert_json(&server, &words);
    assert_eq!(code, 2, "{plan:#}");
    let why = "not sent, because the result of another change is unknown";
    let progress = progress(&plan);
    let skipped = progress.iter().filter(|step| step.ends_with(why)).count();
    assert!(
        progress.len() > 2 && skipped == progress.len() - 1,
        "{plan:#}"
    );
}

#[test]
fn a_write_without_a_response_counts_as_done() {
    for fault in [
        Fault::Once(500),
        Fault::Once(503),
        Fault::OnceReset,
        Fault::OnceCut,
    ] {
        let server = with_fault(fault);
        let before = server.object(CART)["metadata"]["generation"]
            .as_u64()
            .unwrap();
        let (code, plan) = revert_json(&server, &FIELD);
        assert_eq!(code, 0, "{fault:?} {plan:#}");
        assert_eq!(plan["summary"]["done"], 1, "{fault:?} {plan:#}");
        assert!(plan["undo"].is_string(), "{fault:?}");
        let after = server.object(CART)["metadata"]["generation"]
            .as_u64()
            .unwrap();
        assert_eq!(after, before + 1, "{fault:?}: written twice");
    }
}

#[test]
fn retries_a_write_that_was_not_done() {
    for code in [429, 500, 503] {
        let server = with_fault(Fault::OnceBefore(code));
        let (exit, plan) = revert_json(&server, &FIELD);
        assert_eq!(exit, 0, "{code} {plan:#}");
        assert_eq!(plan["summary"]["done"], 1, "{code} {plan:#}");
    }
}

#[test]
fn a_write_that_was_never_done_never_looks_done() {
    at_once(&[429, 500, 403, 404, 409, 413, 422], |code| {
        let fault = Fault::Before(*code);
        let server = with_fault(fault);
        let before = field(&server);
        let (code, plan) = revert_json(&server, &FIELD);
        assert_eq!(code, 2, "{fault:?} {plan:#}");
        assert_eq!(plan["summary"]["done"], 0, "{fault:?} {plan:#}");
        assert_eq!(field(&server), before, "{fault:?}");
        assert!(server.events().is_empty(), "{fault:?}");
    });
}

#[test]
fn a_deletion_that_got_lost_never_looks_done() {
    const EXTRA: &str = "/api/v1/namespaces/shop/configmaps/tmp-override";
    let delete = [
        "cm/shop/tmp-override",
        "--extra",
        "namespace",
        "--prune",
        "--yes",
        "--skip-dry-run",
    ];
    let failing = || writable().failing("configmaps/tmp-override", Fault::OnceDelete(500));
    let server = failing().start();
    let (code, plan) = revert_json(&server, &delete);
    assert_eq!(code, 0, "{plan:#}");
    assert!(server.object(EXTRA).is_null());

    // The first request is lost, and before the second one another client changes the object.
    let mut cluster = failing();
    cluster.meanwhile = vec![Meanwhile {
        method: "DELETE",
        part: "tmp-override",
        without: "",
        pointer: "/metadata/resourceVersion",
        value: json!("1"),
        times: 2,
    }];
    let server = cluster.start();
    let (code, plan) = revert_json(&server, &delete);
    assert_eq!(code, 2, "{plan:#}");
    let progress = progress(&plan);
    assert!(progress[0].contains("not-done"), "{progress:?}");
    assert!(
        progress[0].contains("was changed in the meantime"),
        "{progress:?}"
    );
    assert!(!server.object(EXTRA).is_null());
}

#[test]
fn a_refused_dry_run_stops_everything() {
    type Cell = (&'static str, Box<dyn Fn(&mut Cluster)>, &'static str);
    let cells: [Cell; 4] = [
        (
            "policy",
            Box::new(|cluster| {
                let said = "deployments.apps \"cart\" is forbidden: ValidatingAdmissionPolicy \
                            'lock' with binding 'b' denied request: image is locked";
                cluster.denies = Some(said.to_owned());
            }),
            "the ValidatingAdmissionPolicy \"lock\" refuses it: image is locked",
        ),
        (
            "immutable",
            Box::new(|cluster| cluster.immutable = vec![POINTER]),
            "invalid at spec.template.spec.nodeSelector.disktype",
        ),
        (
            "rights",
            Box::new(|cluster| {
                cluster.denied = vec![Denied {
                    verb: "patch",
                    resource: "deployments",
                    namespace: "shop",
                }];
            }),
            "patch deployments.apps in namespace shop",
        ),
        (
            "mutating",
            Box::new(|cluster| {
                let value = json!({"disktype": "ssd"});
                let parent = "/spec/template/spec".to_owned();
                cluster.mutates = Some((parent, "nodeSelector", value));
            }),
            "the server would not keep the change",
        ),
    ];
    for (name, change, said) in cells {
        let mut cluster = writable();
        change(&mut cluster);
        let server = cluster.start();
        let (code, out, err) = revert(&server, &FIELD);
        assert_eq!(code, 2, "{name}: {out}{err}");
        let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(said), "{name}: {out}{err}");
        assert!(server.writes().is_empty(), "{name}: {:?}", server.writes());
    }
}

#[test]
fn a_refusal_stops_the_others_without_keep_going() {
    let refusing = || {
        let mut cluster = writable();
        cluster.denied = vec![Denied {
            verb: "patch",
            resource: "services",
            namespace: "shop",
        }];
        cluster.start()
    };
    let words = ["deploy/shop/cart", "svc/shop/cart", "--yes"];
    let server = refusing();
    let (code, plan) = revert_json(&server, &words);
    assert_eq!((code, &plan["summary"]["done"]), (2, &json!(0)), "{plan:#}");
    assert!(server.writes().is_empty());
    let server = refusing();
    let (code, plan) = revert_json(&server, &[&words[..], &["--keep-going"]].concat());
    assert_eq!(code, 2, "{plan:#}");
    let progress = progress(&plan);
    assert!(
        progress
            .iter()
            .any(|line| line.starts_with("Deployment cart done")),
        "{progress:?}"
    );
    assert!(
        progress
            .iter()
            .any(|line| line.starts_with("Service cart not-done")),
        "{progress:?}"
    );
}

/// A full disk, or a limit on file sizes, in the middle of a run: what was written is reported all
/// the same.
#[test]
fn reports_what_was_written_when_the_undo_record_cannot_be_continued() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let live = names.map(|name| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"},
            "data": {"k": "live", "long": "x".repeat(3000)}})
    });
    let declared = names.map(|name| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop"}, "data": {"k": "declared"}})
    });
    let mut cluster = Cluster::with_objects(&live);
    cluster.writable = true;
    let server = cluster.start();
    let place = TestFolder::new()
        .file("kubeconfig", server.kubeconfig())
        .file(
            "m.json",
            json!({"kind": "List", "apiVersion": "v1", "items": declared}).to_string(),
        );
    let output = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_driftctl"))
        .current_dir(place.path())
        .env("XDG_STATE_HOME", place.path().join("state"))
        .args(["revert", "m.json", "--kubeconfig", "kubeconfig"])
        .args(["--path", ".data.k", "--yes", "--keep-going"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{out}{err}");
    let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = out.matches("\nreverted ConfigMap").count();
    let is_done = |name: &&&str| {
        let object = server.object(&format!("/api/v1/namespaces/shop/configmaps/{name}"));
        object["data"]["k"] == "declared"
    };
    let done = names.iter().filter(is_done).count();
    assert!(
        said > 0 && said < 8 && said == done,
        "{said} {done} {out}{err}"
    );
    assert!(
        shown.contains("not sent, because how to undo it cannot be saved"),
        "{out}{err}"
    );
    assert!(
        out.contains("undo it with: driftctl revert --undo"),
        "{out}"
    );
}

/// The server goes away in the middle of a run: it is not waited for once per written object.
#[test]
fn reads_nothing_more_from_a_server_that_is_gone() {
    let server = writable()
        .failing("cart?fieldManager=", Fault::Hang)
        .start();
    let place = TestFolder::new();
    let manifests = fixture_arg("shop/manifests");
    let words = [
        &*manifests,
        "--all",
        "--yes",
        "--skip-dry-run",
        "--max-objects",
        "200",
    ];
    let is_sent = |server: &Server| {
        let seen = server.seen();
        seen.iter()
            .any(|(_, path)| path.contains("cart?fieldManager="))
    };
    let (code, out, err) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let began = Instant::now();
            while !is_sent(&server) && began.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(10));
            }
            server.change(|cluster| cluster.faults = Faults::At(vec![("/", Fault::Reset)]));
        });
        revert_in(&place, &server, &words)
    });
    assert_eq!(code, 2, "{out}{err}");
    let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let unread = shown.matches("the object could not be read again").count();
    assert!(unread > 2, "{out}{err}");
    assert!(!out.contains("\nreverted "), "{out}");
    let seen = server.seen();
    let sent = seen
        .iter()
        .rposition(|(_, path)| path.contains("cart?fieldManager="));
    let after: Vec<_> = seen[sent.unwrap() + 1..]
        .iter()
        .map(|(_, path)| path)
        .collect();
    let mut asked = after.clone();
    asked.sort();
    asked.dedup();
    // The one whose result is unknown, and the first one that was written.
    assert!((1..=2).contains(&asked.len()), "{after:?}");
}
