//! Tests `driftctl coverage` with a server: if kinds cannot be listed, the percentage is an upper
//! bound.

use serde_json::Value;

use crate::recording;
use crate::server::{Fault, Server};
use crate::support::{TestFolder, fixture};

fn coverage(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, Value, String) {
    let server = Server::start(&recording(), fault);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let mut command = place.driftctl();
    command.args(["coverage", "-o", "json", "--kubeconfig", "kubeconfig"]);
    command.args(["--timeout", "20", "-A"]).args(more);
    let output = command.arg(fixture("shop/manifests")).output().unwrap();
    let document = serde_json::from_slice(&output.stdout);
    let document = document.unwrap_or_else(|_| panic!("{}", place.shown(&output)));
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), document, said)
}

#[test]
fn counts_all_kinds_of_a_cluster() {
    let (code, document, _) = coverage(None, &["--min", "80"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["atMost"], false);
    assert_eq!(document["totals"]["undeclared"], 10);
}

#[test]
fn an_unlisted_kind_makes_the_percentage_an_upper_bound() {
    let forbidden = || Some(("/roles?", Fault::Code(403)));
    let (code, document, _) = coverage(forbidden(), &[]);
    assert_eq!(document["atMost"], true, "{document}");
    let unlisted = document["unlistedKinds"].to_string();
    assert!(unlisted.contains("Role.rbac"), "{unlisted}");
    assert_eq!(document["unknown"], 0, "one declared Role is read by name");
    assert_eq!(code, 0);
    let (code, _, _) = coverage(forbidden(), &["--min", "99"]);
    assert_eq!(code, 1, "it is below, whatever else is live");
    let (code, _, said) = coverage(forbidden(), &["--min", "50"]);
    assert_eq!(code, 2, "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn an_unreadable_declared_object_is_an_error() {
    let (code, document, _) = coverage(Some(("/statefulsets", Fault::Code(403))), &[]);
    assert_eq!(code, 2, "{document}");
    assert_eq!(document["unknown"], 1);
}
