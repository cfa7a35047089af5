//! A write that did not happen never looks done, and none is done twice.

use serde_json::{Value, json};

use super::{CART, REPLICAS, progress, revert, revert_json, while_it_is_written, writable};
use crate::server::{Cluster, Denied, Fault, Server};

const IMAGES: [&str; 3] = [
    "deploy/shop/cart",
    ".spec.template.spec.containers[*].image",
    "--yes",
];

fn image(server: &Server) -> Value {
    server.object(CART)["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

#[test]
fn a_value_that_changed_meanwhile_is_left_alone() {
    let pointer = "/spec/template/spec/containers/0/image";
    let server = while_it_is_written(pointer, json!("shop/cart:somebody-elses")).start();
    let (code, plan) = revert_json(&server, &IMAGES);
    assert_eq!(code, 2, "{plan:#}");
    assert_eq!(image(&server), "shop/cart:somebody-elses");
    let progress = progress(&plan);
    assert!(progress[0].contains("not-done"), "{progress:?}");
    assert!(progress[0].contains("was changed again"), "{progress:?}");
    assert_eq!(plan["undo"], Value::Null);
}

#[test]
fn what_others_change_elsewhere_meanwhile_does_not_disturb_it() {
    let server = while_it_is_written("/spec/replicas", json!(9)).start();
    let before = image(&server);
    let (code, plan) = revert_json(&server, &IMAGES);
    assert_eq!(code, 0, "{plan:#}");
    assert_ne!(image(&server), before);
    assert_eq!(server.object(CART)["spec"]["replicas"], 9);
}

/// A fault of the write itself; whether it was carried out all the same, and how often it may be
/// seen to change something.
fn with_fault(fault: Fault) -> Server {
    writable().failing("cart?fieldManager=", fault).start()
}

#[test]
fn what_was_done_and_not_answered_counts_as_done() {
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
        let (code, plan) = revert_json(&server, &IMAGES);
        assert_eq!(code, 0, "{fault:?} {plan:#}");
        assert_eq!(plan["summary"]["done"], 1, "{fault:?} {plan:#}");
        assert!(plan["undo"].is_string(), "{fault:?}");
        let after = server.object(CART)["metadata"]["generation"]
            .as_u64()
            .unwrap();
        assert_eq!(after, before + 1, "{fault:?}: it was done twice");
    }
}

#[test]
fn what_was_not_done_is_sent_again() {
    for code in [429, 500, 503] {
        let server = with_fault(Fault::OnceBefore(code));
        let (exit, plan) = revert_json(&server, &IMAGES);
        assert_eq!(exit, 0, "{code} {plan:#}");
        assert_eq!(plan["summary"]["done"], 1, "{code} {plan:#}");
    }
}

#[test]
fn what_is_never_done_never_looks_done() {
    for fault in [
        Fault::Before(429),
        Fault::Before(500),
        Fault::Before(403),
        Fault::Before(404),
        Fault::Before(409),
        Fault::Before(413),
        Fault::Before(422),
    ] {
        let server = with_fault(fault);
        let before = image(&server);
        let (code, plan) = revert_json(&server, &IMAGES);
        assert_eq!(code, 2, "{fault:?} {plan:#}");
        assert_eq!(plan["summary"]["done"], 0, "{fault:?} {plan:#}");
        assert_eq!(image(&server), before, "{fault:?}");
        assert!(server.events().is_empty(), "{fault:?}");
    }
}

#[test]
fn what_the_server_refuses_in_a_dry_run_stops_all() {
    let cells: [(&str, Box<dyn Fn(&mut Cluster)>, &str); 4] = [
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
            Box::new(|cluster| cluster.immutable = vec!["/spec/template/spec/containers/0/image"]),
            "invalid at spec.template.spec.containers.0.image",
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
                let value = json!("mirror.example/cart:hotfix");
                let pointer = "/spec/template/spec/containers/0/image".to_owned();
                cluster.mutates = Some((pointer, value));
            }),
            "the server would not keep it",
        ),
    ];
    for (name, change, said) in cells {
        let mut cluster = writable();
        change(&mut cluster);
        let server = cluster.start();
        let (code, out, err) = revert(&server, &IMAGES);
        assert_eq!(code, 2, "{name}: {out}{err}");
        let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(said), "{name}: {out}{err}");
        assert!(server.writes().is_empty(), "{name}: {:?}", server.writes());
    }
}

#[test]
fn one_refusal_stops_the_others_unless_they_are_to_go_on() {
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

#[test]
fn what_cannot_be_read_again_is_not_said_to_be_done() {
    // The read of single objects fails once the patch was sent.
    let server = writable()
        .failing("deployments/cart?", Fault::Code(403))
        .start();
    let (code, plan) = revert_json(&server, &REPLICAS);
    assert_ne!(code, 0, "{plan:#}");
}
