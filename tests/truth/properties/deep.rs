//! Tests objects that are nested as deeply as is allowed: recursive code has enough stack for them,
//! on worker threads too, in an unoptimized build.

use super::support::TestFolder;

/// As deep as manifests are read, minus a little for the surrounding object.
const DEEP: usize = 980;

/// Returns `{"a":{"a":…{"a":LEAF}}}`.
fn nested(depth: usize, leaf: &str) -> String {
    format!("{}{leaf}{}", "{\"a\":".repeat(depth), "}".repeat(depth))
}

fn object(api_version: &str, kind: &str, name: usize, field: &str, value: &str) -> String {
    format!(
        r#"{{"apiVersion":"{api_version}","kind":"{kind}","metadata":{{"name":"n{name}","namespace":"shop"}},"{field}":{value}}}"#
    )
}

fn list(items: &[String]) -> String {
    let items = items.join(",");
    format!(r#"{{"apiVersion":"v1","kind":"List","items":[{items}]}}"#)
}

/// Runs driftctl, which must exit by itself.
#[track_caller]
fn run(declared: &[String], live: &[String], format: &str, code: i32) -> String {
    let place = TestFolder::new()
        .file("a.json", declared.join("\n"))
        .file("live.json", list(live));
    let output = place
        .driftctl()
        .args(["diff", "a.json", "--live", "live.json", "-o", format])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{format}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shows_deep_missing_objects() {
    let resources = (0..4).map(|n| object("x.example/v1", "X", n, "spec", &nested(DEEP, "1")));
    let secrets = (4..8).map(|n| object("v1", "Secret", n, "data", &nested(DEEP, "1")));
    let declared: Vec<String> = resources.chain(secrets).collect();
    let live = [object("x.example/v1", "X", 9, "spec", "{}")];
    for format in ["text", "diff", "json", "yaml", "markdown", "html"] {
        let shown = run(&declared, &live, format, 1);
        assert!(shown.contains("n7"), "{format}");
    }
}

#[test]
fn finds_deep_changes() {
    let side = |depth: usize, leaf: &str| -> Vec<String> {
        let value = nested(depth, leaf);
        (0..8)
            .map(|n| object("x.example/v1", "X", n, "spec", &value))
            .collect()
    };
    let shown = run(&side(100, "1"), &side(100, "2"), "json", 1);
    assert!(shown.contains(&".a".repeat(100)));
    // The live side ends where the manifest continues.
    run(&side(DEEP, "1"), &side(100, "{}"), "text", 1);
    run(&side(100, "[[1]]"), &side(100, "[[2]]"), "text", 1);
}

#[test]
fn objects_that_are_too_deep_are_unknown() {
    let declared = [object("x.example/v1", "X", 0, "spec", "{}")];
    let live = [object("x.example/v1", "X", 0, "spec", &nested(5000, "1"))];
    let shown = run(&declared, &live, "text", 2);
    assert!(shown.contains("cannot read the live object"), "{shown}");
}

#[test]
fn accepts_deep_schemas() {
    let depth = 300;
    let open = r#"{"type":"object","properties":{"a":"#;
    let schema = format!(
        r#"{}{{"type":"integer"}}{}"#,
        open.repeat(depth),
        "}}".repeat(depth)
    );
    let spec = format!(
        r#"{{"group":"x.example","scope":"Namespaced","names":{{"kind":"X","plural":"xs"}},"versions":[{{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{schema}}}}}}}}}]}}"#
    );
    let definition = format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"xs.x.example"}},"spec":{spec}}}"#
    );
    let declared = [
        definition,
        object("x.example/v1", "X", 0, "spec", &nested(100, "1")),
    ];
    let live = [object("x.example/v1", "X", 0, "spec", &nested(100, "2"))];
    let shown = run(&declared, &live, "json", 1);
    assert!(shown.contains(&".a".repeat(100)));
}
