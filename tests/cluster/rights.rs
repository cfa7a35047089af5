//! Tests missing permissions: driftctl reads in another way, or names what is missing.

use driftctl::model::{ObjectReport, ObjectStatus};

use crate::cells::TRUTH;
use crate::observe::{Outcome, Patience, judge, observe};
use crate::server::Denied;
use crate::shop;
use crate::support::{TestFolder, fixture};

fn denied(verb: &'static str, resource: &'static str, namespace: &'static str) -> Denied {
    Denied {
        verb,
        resource,
        namespace,
    }
}

#[test]
fn reads_objects_one_by_one_if_they_cannot_be_listed() {
    let mut cluster = shop();
    cluster.denied = vec![
        denied("list", "deployments", "*"),
        denied("list", "configmaps", "*"),
    ];
    let server = cluster.start();
    let run = observe(&server, Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"no list"), Outcome::Whole);
    let seen = server.seen();
    assert!(
        seen.iter()
            .any(|(_, path)| path.contains("/deployments/cart?")),
        "{seen:?}"
    );
    assert_eq!(server.counts().keys().collect::<Vec<_>>(), ["GET"]);
}

#[test]
fn unreadable_objects_are_unknown_and_name_the_right() {
    let mut cluster = shop();
    cluster.denied = vec![
        denied("list", "services", "shop"),
        denied("get", "services", "shop"),
    ];
    let run = observe(&cluster.start(), Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"no services"), Outcome::Incomplete);
    let report = run.unwrap();
    let (unknown, known): (Vec<&ObjectReport>, Vec<_>) = report
        .objects
        .iter()
        .partition(|object| object.status() == ObjectStatus::Unknown);
    assert!(unknown.len() > 2 && known.len() > 40);
    for object in unknown {
        assert_eq!(
            (&*object.key.kind, object.key.namespace.as_deref()),
            ("Service", Some("shop"))
        );
        let why = object.reason.as_deref().unwrap_or_default();
        assert!(
            why.contains("get services in namespace shop is not allowed"),
            "{why}"
        );
    }
}

#[test]
fn get_alone_is_enough() {
    let mut cluster = shop();
    let resources = driftctl::schema::builtin_kinds()
        .iter()
        .map(|kind| kind.plural);
    let resources = resources.chain(["shop-promotions", "shop-couriers"]);
    cluster.denied = resources
        .map(|resource| denied("list", resource, "*"))
        .collect();
    let run = observe(&cluster.start(), Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"get alone"), Outcome::Whole);
}

/// Several kinds that may not be read in one namespace are one entry.
#[test]
fn groups_missing_rights_of_a_namespace() {
    let mut cluster = shop();
    for resource in ["deployments", "services", "configmaps", "secrets"] {
        for verb in ["list", "get"] {
            cluster.denied.push(denied(verb, resource, "*"));
        }
    }
    let server = cluster.start();
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let mut command = place.driftctl();
    command.args(["diff", "--kubeconfig", "kubeconfig", "--timeout", "20"]);
    command.args(["--kind", "deploy,svc,cm,secret", "-n", "shop"]);
    let output = command.arg(fixture("shop/manifests")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let shown = String::from_utf8(output.stdout).unwrap();
    let in_one_line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "you may not get configmaps, deployments.apps, secrets, services in namespace shop";
    assert!(in_one_line.contains(expected), "{shown}");
    assert_eq!(
        in_one_line.matches("driftctl doctor prints").count(),
        1,
        "{shown}"
    );
}
