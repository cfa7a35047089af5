//! Tests `driftctl doctor` with a server.

use serde_json::Value;

use crate::server::{Denied, Fault, Server};
use crate::support::{TestFolder, at_once, fixture};
use crate::{Requests, recording};

/// Runs `driftctl doctor` for the shop's manifests. Returns the exit code, both streams and the
/// requests.
fn run(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, String, String, Requests) {
    run_on(&Server::start(&recording(), fault), more)
}

fn run_on(server: &Server, more: &[&str]) -> (i32, String, String, Requests) {
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let output = place
        .driftctl()
        .args(["doctor", "--kubeconfig", "kubeconfig"])
        .args(["--request-timeout", "2", "--timeout", "20"])
        .args(more)
        .arg(fixture("shop/manifests"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    (
        code,
        text(&output.stdout),
        text(&output.stderr),
        server.seen(),
    )
}

#[test]
fn a_fully_readable_cluster_is_ready() {
    let (code, shown, _, seen) = run(None, &[]);
    assert_eq!(code, 0, "{shown}");
    for part in [
        "ok    kubeconfig  context shop, https://127.0.0.1:",
        "ok    connection  Kubernetes v1.36.2",
        "ok    identity    system:serviceaccount:ci:driftctl (system:authenticated)",
        "66 objects of",
        "READY  a diff can read everything",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let reviews = "/apis/auth";
    let reads = |path: &str| ["/api?", "/apis?", "/version?"].contains(&path);
    for (method, path) in seen {
        let allowed = if path.starts_with(reviews) {
            "POST"
        } else {
            "GET"
        };
        assert_eq!(method, allowed, "{path}");
        assert!(path.starts_with(reviews) || reads(&path), "{path}");
    }
}

#[test]
fn names_a_missing_right_and_prints_a_role_that_grants_it() {
    let forbidden = Some(("/secrets", Fault::Code(403)));
    let (code, shown, _, _) = run(forbidden, &[]);
    assert_eq!(code, 2);
    let part = "FAIL  rights      get secrets in 2 namespaces (shop and shop-data) is not allowed";
    assert!(shown.contains(part), "{shown}");
    assert!(shown.contains("NOT READY"), "{shown}");

    let (code, roles, stderr, _) = run(forbidden, &["-o", "yaml", "--role-name", "shop-reader"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr);
    let mut kinds = Vec::new();
    for document in roles.split("\n---\n") {
        let role: Value = serde_yaml::from_str(document).unwrap();
        assert_eq!(role["metadata"]["name"], "shop-reader");
        if role["kind"] == "Role" && role["metadata"]["namespace"] == "shop" {
            let rules = role["rules"].to_string();
            assert!(rules.contains("secrets") && !rules.contains('*'), "{rules}");
            assert!(
                !rules.contains("watch") && !rules.contains("patch"),
                "{rules}"
            );
        }
        if role["kind"] == "RoleBinding" {
            assert_eq!(role["subjects"][0]["kind"], "ServiceAccount");
            assert_eq!(role["subjects"][0]["namespace"], "ci");
        }
        kinds.push(role["kind"].as_str().unwrap().to_owned());
    }
    for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn binds_roles_to_the_named_user() {
    let (code, roles, stderr, _) = run(None, &["-o", "yaml", "--for", "alice@example.org"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        roles.contains("kind: User") && roles.contains("alice@example.org"),
        "{roles}"
    );
    assert!(!roles.contains("ServiceAccount\n"), "{roles}");
}

#[test]
fn the_permissions_of_a_revert_are_named_as_such() {
    let shown = run(None, &["--for", "revert"]).1;
    let ready = "READY  a revert can read and write everything";
    assert!(shown.contains(ready), "{shown}");
    let (_, roles, _, _) = run(None, &["-o", "yaml", "--for", "revert"]);
    let heading = "# The permissions that driftctl revert needs for these manifests, bound to ";
    assert!(
        roles.starts_with(heading) && roles.contains("patch"),
        "{roles}"
    );
}

#[test]
fn searching_for_undeclared_objects_needs_more_rights() {
    let roles = |more: &[&str]| run(None, &[&["-o", "json"], more].concat()).1;
    let (few, many) = (roles(&[]), roles(&["--extra", "namespace"]));
    assert!(!few.contains("\"controllerrevisions\"") && many.contains("\"controllerrevisions\""));
    let patching = roles(&["--server-dry-run"]);
    assert!(!few.contains("\"patch\"") && patching.contains("\"patch\""));
    let escalating = |verb: &str| patching.contains(&format!("\"{verb}\""));
    assert!(!escalating("escalate") && !escalating("bind"));
    let chosen = roles(&["--extra", "namespace", "--kind", "deploy"]);
    assert!(!chosen.contains("\"controllerrevisions\"") && !chosen.contains("\"secrets\""));
    let document: Value = serde_json::from_str(&few).unwrap();
    assert_eq!(document["ready"], true);
}

#[test]
fn a_failed_check_is_not_ready() {
    let faults = [
        ("/apis?", Fault::Reset),
        ("/apis?", Fault::Code(401)),
        ("selfsubjectaccessreviews", Fault::Code(500)),
        ("selfsubjectaccessreviews", Fault::Html),
    ];
    at_once(&faults, |&fault| {
        let (code, shown, _, _) = run(Some(fault), &[]);
        assert_eq!(code, 2, "{}: {shown}", fault.0);
        assert!(shown.contains("FAIL"), "{}: {shown}", fault.0);
        assert!(!shown.contains("canary-in-an-error"), "{shown}");
    });
    let place = TestFolder::new();
    let shown = place.run(["doctor", "--kubeconfig", "nowhere", "."]);
    assert!(
        shown.starts_with("exit code: 2") && shown.contains("FAIL  kubeconfig"),
        "{shown}"
    );
}

/// Many missing rights take few lines, and rights that nobody should grant are only mentioned.
#[test]
fn groups_missing_rights() {
    let mut cluster = crate::shop();
    let all = ["get", "list", "patch", "escalate", "bind"];
    let kinds = driftctl::schema::builtin_kinds().iter();
    cluster.denied = kinds
        .flat_map(|kind| all.map(|verb| (verb, kind.plural)))
        .map(|(verb, resource)| Denied {
            verb,
            resource,
            namespace: "*",
        })
        .collect();
    let server = cluster.start();
    let words = ["--extra", "namespace", "--server-dry-run"];
    let (code, shown, _, _) = run_on(&server, &words);
    assert_eq!(code, 2);
    let lines = |mark: &str| {
        let lines = shown.lines().filter(|line| line.starts_with(mark));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(lines("FAIL").len() < 20, "{shown}");
    let is_noted = |verb: &str| lines("note").iter().any(|line| line.contains(verb));
    assert!(
        is_noted("escalate roles.rbac.authorization.k8s.io"),
        "{shown}"
    );
}

/// Kubernetes before 1.28 does not tell users who they are, which is not a reason to fail.
#[test]
fn an_unknown_user_is_only_a_note() {
    for code in [403, 404] {
        let (exit, shown, _, _) = run(Some(("/selfsubjectreviews", Fault::Code(code))), &[]);
        assert_eq!(exit, 0, "{shown}");
        let part = "which user this is: before Kubernetes 1.28, not every user may ask";
        assert!(shown.contains(part), "{shown}");
    }
}
