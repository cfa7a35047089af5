//! Several clusters in one run.

use serde_json::{Value, json};

use crate::recording;
use crate::server::{Fault, Server};
use crate::support::{Place, fixture, json_schema};

/// A kubeconfig with a context for each server.
pub fn kubeconfig(servers: &[(&str, &Server)]) -> String {
    let mut merged = json!({"apiVersion": "v1", "kind": "Config",
        "clusters": [], "users": [], "contexts": []});
    for (name, server) in servers {
        let mut one: Value = serde_json::from_str(&server.kubeconfig()).unwrap();
        one["contexts"][0]["context"] = json!({"cluster": name, "user": name});
        for list in ["clusters", "users", "contexts"] {
            one[list][0]["name"] = (*name).into();
            merged[list]
                .as_array_mut()
                .unwrap()
                .push(one[list][0].take());
        }
    }
    merged.to_string()
}

/// Runs a command with the contexts `red` and `blue`; what goes wrong, goes wrong in `blue`.
fn command(words: &[&str], fault: Option<(&'static str, Fault)>) -> (i32, String, String) {
    let (red, blue) = (
        Server::start(&recording(), None),
        Server::start(&recording(), fault),
    );
    let place = Place::new().file("kubeconfig", kubeconfig(&[("red", &red), ("blue", &blue)]));
    let output = place
        .driftctl()
        .args(words)
        .args(["--kubeconfig", "kubeconfig", "--timeout", "20"])
        .args(["--context", "red", "--context", "blue"])
        .arg(fixture("shop/manifests"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Compares with both.
fn run(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, String, String) {
    command(&[&["diff"], more].concat(), fault)
}

#[test]
fn each_cluster_has_a_report_of_its_own() {
    let (code, shown, _) = run(None, &["-o", "json"]);
    assert_eq!(code, 1);
    let document: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(document["schema"], "driftctl.reports/v1");
    assert_eq!(document["verdict"], "drifted");
    let reports = document["reports"].as_array().unwrap();
    let contexts: Vec<_> = reports.iter().map(|r| &r["target"]["context"]).collect();
    assert_eq!(contexts, ["red", "blue"]);
    assert_ne!(
        reports[0]["target"]["server"],
        reports[1]["target"]["server"]
    );
    assert_eq!(reports[0]["objects"], reports[1]["objects"]);
    assert_eq!(reports[0]["summary"]["drifted"], 46);
}

#[test]
fn one_that_cannot_be_reached_does_not_hide_the_others() {
    let (code, shown, stderr) = run(Some(("/api", Fault::Reset)), &["-o", "json", "--exit-zero"]);
    assert_eq!(code, 2);
    let document: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(document["verdict"], "incomplete");
    assert_eq!(document["reports"][0]["summary"]["drifted"], 46);
    assert_eq!(document["reports"][1]["verdict"], "incomplete");
    assert!(
        stderr.starts_with("error: blue: nothing can be read from"),
        "{stderr}"
    );
    let (code, shown, _) = run(Some(("/api", Fault::Reset)), &[]);
    assert_eq!(code, 2);
    for part in ["━━ cluster red", "DRIFTED", "━━ cluster blue", "INCOMPLETE"] {
        assert!(shown.contains(part), "{part}");
    }
    let last = shown.lines().last().unwrap();
    assert_eq!(last, "━━ 2 clusters: red drifted, blue incomplete");
}

#[test]
fn manifests_from_standard_input_are_compared_with_each() {
    let (red, blue) = (
        Server::start(&recording(), None),
        Server::start(&recording(), None),
    );
    let place = Place::new().file("kubeconfig", kubeconfig(&[("red", &red), ("blue", &blue)]));
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: none, namespace: shop}\n";
    let run = |contexts: &[&str]| {
        let output = place
            .driftctl()
            .args(["diff", "-", "--kubeconfig", "kubeconfig", "-o", "name"])
            .args(contexts)
            .write_stdin(manifest)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = run(&["--context", "red", "--context", "blue"]);
    assert_eq!(
        shown.matches("\nConfigMap/shop/none\n").count(),
        2,
        "{shown}"
    );
    assert_eq!(run(&["--context", "red", "--context", "red"]), "");
}

#[test]
fn each_cluster_is_examined() {
    let (code, shown, _) = command(&["doctor"], None);
    assert_eq!(code, 0, "{shown}");
    let (red, blue) = shown.split_once("\n━━ cluster blue\n").unwrap();
    assert!(red.starts_with("━━ cluster red\n"), "{shown}");
    assert!(red.contains("READY") && blue.contains("READY"), "{shown}");
    let (code, shown, _) = command(&["doctor", "-o", "json"], Some(("/api", Fault::Reset)));
    assert_eq!(code, 2);
    let document: Value = serde_json::from_str(&shown).unwrap();
    let schema = driftctl::output::SCHEMAS
        .iter()
        .find(|d| d.name == "doctors");
    let schema = (schema.unwrap().schema)();
    assert_eq!(document["schema"], schema["title"]);
    assert_eq!(json_schema::errors(&schema, &document), [""; 0]);
    assert_eq!(document["ready"], false);
    let ready: Vec<_> = document["clusters"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&ready[0]["context"], &ready[0]["ready"]),
        (&json!("red"), &json!(true))
    );
    assert_eq!(
        (&ready[1]["context"], &ready[1]["ready"]),
        (&json!("blue"), &json!(false))
    );
}

#[test]
fn what_is_about_one_cluster_says_so() {
    for (words, expected) in [
        (
            &["doctor", "-o", "yaml"][..],
            "prints the Roles of one cluster",
        ),
        (&["snapshot"], "looks at one cluster"),
        (&["accept"], "looks at one cluster"),
    ] {
        let (code, shown, stderr) = command(words, None);
        assert_eq!((code, shown.as_str()), (2, ""), "{words:?}");
        assert!(
            stderr.contains(expected) && stderr.contains("(red, blue)"),
            "{stderr}"
        );
    }
}

#[test]
fn a_pattern_chooses_contexts() {
    let servers = [(); 3].map(|()| Server::start(&recording(), None));
    let names = ["prod-a", "prod-b", "staging"];
    let named: Vec<_> = names.into_iter().zip(&servers).collect();
    let place = Place::new().file("kubeconfig", kubeconfig(&named));
    let diff = |pattern: &str| {
        let mut command = place.driftctl();
        command.args(["diff", "-o", "json", "--kubeconfig", "kubeconfig"]);
        command.args(["--timeout", "20", "--context", pattern]);
        command.arg(fixture("shop/manifests")).output().unwrap()
    };
    let output = diff("prod-*");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reports = document["reports"].to_string();
    assert!(reports.contains("prod-a") && reports.contains("prod-b"));
    assert!(!reports.contains("staging"));
    let output = diff("test-*");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("no context of the kubeconfig matches"),
        "{said}"
    );
}
