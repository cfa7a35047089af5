//! Tests `driftctl snapshot`: a diff with the snapshot has the same result as with the cluster.

use serde_json::Value;

use crate::recording;
use crate::server::{Fault, Server, without_ports};
use crate::support::{TestFolder, fixture};

/// Returns a server, and a directory with its kubeconfig.
fn cluster(fault: Option<(&'static str, Fault)>) -> (Server, TestFolder) {
    let server = Server::start(&recording(), fault);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    (server, place)
}

/// Runs a command for the shop's manifests. Returns the exit code, standard output and standard
/// error.
fn run(place: &TestFolder, words: &[&str]) -> (i32, String, String) {
    let mut command = place.driftctl();
    let output = command.args(words).arg(fixture("shop/manifests")).output();
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

const CONNECTED: [&str; 4] = ["--kubeconfig", "kubeconfig", "--timeout", "20"];

fn report(place: &TestFolder, more: &[&str]) -> (i32, Value) {
    let (code, report, stderr) = run(place, &[&["diff", "-o", "json"], more].concat());
    let report = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{stderr}"));
    (code, report)
}

#[test]
fn a_diff_with_a_snapshot_equals_the_diff_with_the_cluster() {
    let forbidden = Some(("/statefulsets", Fault::Code(403)));
    for (fault, more) in [
        (None, &[][..]),
        (None, &["--extra", "namespace"]),
        (None, &["-n", "shop", "--kind", "cm,deploy"]),
        (forbidden, &["--extra", "namespace"]),
    ] {
        let (_server, place) = cluster(fault);
        let (code, mut direct) = report(&place, &[&CONNECTED, more].concat());
        let words = [&["snapshot", "-o", "live.json"], &CONNECTED[..], more].concat();
        let (made, stdout, _) = run(&place, &words);
        assert_eq!(
            (made, stdout.as_str()),
            (if fault.is_some() { 2 } else { 0 }, "")
        );
        let (again, mut from_snapshot) = report(&place, &[&["--live", "live.json"], more].concat());
        assert_eq!(again, code, "{more:?}");
        assert_eq!(from_snapshot["target"]["context"], "shop");
        assert_eq!(from_snapshot["target"]["dump"], "live.json");
        for report in [&mut direct, &mut from_snapshot] {
            report.as_object_mut().unwrap().remove("target");
        }
        assert_eq!(direct, from_snapshot, "{more:?}");
    }
}

#[test]
fn objects_outside_a_snapshot_are_unknown() {
    let (_server, place) = cluster(None);
    let words = [
        &["snapshot", "-o", "live.json", "-n", "shop"],
        &CONNECTED[..],
    ]
    .concat();
    assert_eq!(run(&place, &words).0, 0);
    let (code, all) = report(&place, &["--live", "live.json"]);
    assert_eq!((code, &all["verdict"]), (2, &Value::from("incomplete")));
    assert!(all["summary"]["unknown"].as_u64().unwrap() > 5);
    let words = ["--live", "live.json", "-n", "shop", "--extra", "namespace"];
    let (code, extra) = report(&place, &words);
    assert_eq!(code, 2);
    assert!(extra["warnings"].to_string().contains("same --extra"));
}

#[test]
fn a_redacted_snapshot_contains_no_secrets() {
    let (_server, place) = cluster(None);
    let words = [&["snapshot", "--redact"], &CONNECTED[..]].concat();
    let (code, redacted, _) = run(&place, &words);
    assert_eq!(code, 0);
    let recording = recording();
    let secrets = recording["items"].as_array().unwrap().iter();
    let secrets = secrets.filter(|object| object["kind"] == "Secret");
    let values: Vec<&str> = secrets
        .flat_map(|secret| secret["data"].as_object().unwrap().values())
        .filter_map(Value::as_str)
        .filter(|value| value.len() > 5)
        .collect();
    assert!(values.len() > 3);
    for value in values {
        assert!(!redacted.contains(value), "{value}");
    }
    let place = place.file("live.json", &redacted);
    let (code, report) = report(&place, &["--live", "live.json", "--show", "all"]);
    assert_eq!(code, 2);
    for object in report["objects"].as_array().unwrap() {
        let masked = object["reason"]
            .as_str()
            .is_some_and(|why| why.contains("--redact"));
        assert!(
            masked || object["kind"] != "Secret" || object["status"] == "missing",
            "{object}"
        );
    }
    assert!(report["summary"]["drifted"].as_u64().unwrap() > 10);
}

#[test]
fn masks_what_the_configuration_marks_as_sensitive() {
    let (_server, place) = cluster(None);
    let config = "sensitive:\n  - {group: apps, kind: Deployment, paths: ['.spec.template.spec.containers']}\n";
    let place = place.file("of-the-shop.yaml", config);
    let redacted = |more: &[&str]| {
        let words = [
            &["snapshot", "--redact", "--kind", "deploy"],
            &CONNECTED[..],
            more,
        ]
        .concat();
        let (code, redacted, stderr) = run(&place, &words);
        assert_eq!(code, 0, "{stderr}");
        let snapshot: Value = serde_json::from_str(&redacted).unwrap();
        let mut items = snapshot["items"].as_array().unwrap().iter();
        let deployment = items.find(|item| item["kind"] == "Deployment").unwrap();
        deployment["spec"]["template"]["spec"].clone()
    };
    assert!(redacted(&["--no-config"])["containers"][0]["image"].is_string());
    let masked = redacted(&["--config", "of-the-shop.yaml"]);
    assert_eq!(masked["containers"], "(redacted)");
    let words = [
        &["snapshot", "--config", "of-the-shop.yaml"],
        &CONNECTED[..],
    ]
    .concat();
    let (code, _, stderr) = run(&place, &words);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_exits_with_2() {
    let (_server, place) = cluster(None);
    let words = [&["snapshot", "-o", "/dev/full"], &CONNECTED[..]].concat();
    let (code, _, stderr) = run(&place, &words);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_snapshot_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_server, place) = cluster(None);
    let place = place.file("live.json", "an earlier file, readable by everyone");
    let words = [&["snapshot", "-o", "live.json"], &CONNECTED[..]].concat();
    assert_eq!(run(&place, &words).0, 0);
    let metadata = std::fs::metadata(place.path().join("live.json")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_unreachable_cluster_leaves_no_snapshot() {
    let (_server, place) = cluster(Some(("/api", Fault::Reset)));
    let words = [&["snapshot", "-o", "live.json"], &CONNECTED[..]].concat();
    let (code, _, stderr) = run(&place, &words);
    assert_eq!(code, 2);
    insta::assert_snapshot!(without_ports(&stderr));
    assert!(!place.path().join("live.json").exists());
}
