//! Tests several clusters in one run.

use serde_json::{Value, json};

use crate::recording;
use crate::server::{Fault, Server};
use crate::support::{TestFolder, fixture, json_schema};

/// Returns a kubeconfig with a context for each server.
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

/// Runs a command with the contexts `red` and `blue`; the fault is in `blue`.
fn command(words: &[&str], fault: Option<(&'static str, Fault)>) -> (i32, String, String) {
    let (red, blue) = (
        Server::start(&recording(), None),
        Server::start(&recording(), fault),
    );
    let place = TestFolder::new().file("kubeconfig", kubeconfig(&[("red", &red), ("blue", &blue)]));
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

/// Compares with both clusters.
fn run(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, String, String) {
    command(&[&["diff"], more].concat(), fault)
}

#[test]
fn reports_each_cluster_separately() {
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
fn an_unreachable_cluster_does_not_hide_the_others() {
    let (code, shown, stderr) = run(Some(("/api", Fault::Reset)), &["-o", "json", "--exit-zero"]);
    assert_eq!(code, 2);
    let document: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(document["verdict"], "incomplete");
    assert_eq!(document["reports"][0]["summary"]["drifted"], 46);
    assert_eq!(document["reports"][1]["verdict"], "incomplete");
    assert!(
        stderr.starts_with("error: blue: cannot read from"),
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
fn compares_standard_input_with_each_cluster() {
    let (red, blue) = (
        Server::start(&recording(), None),
        Server::start(&recording(), None),
    );
    let place = TestFolder::new().file("kubeconfig", kubeconfig(&[("red", &red), ("blue", &blue)]));
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
fn doctor_checks_each_cluster() {
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
fn commands_for_one_cluster_reject_several_contexts() {
    for (words, expected) in [
        (
            &["doctor", "-o", "yaml"][..],
            "prints the Roles of one cluster",
        ),
        (&["snapshot"], "compares one cluster"),
        (&["accept"], "compares one cluster"),
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
fn selects_contexts_by_pattern() {
    let servers = [(); 3].map(|()| Server::start(&recording(), None));
    let names = ["prod-a", "prod-b", "staging"];
    let named: Vec<_> = names.into_iter().zip(&servers).collect();
    let place = TestFolder::new().file("kubeconfig", kubeconfig(&named));
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
    insta::assert_snapshot!(said);
}

#[test]
fn reads_contexts_from_a_file() {
    let servers = [(); 3].map(|()| Server::start(&recording(), None));
    let named: Vec<_> = ["prod-a", "prod-b", "staging"]
        .into_iter()
        .zip(&servers)
        .collect();
    let place = TestFolder::new()
        .file("kubeconfig", kubeconfig(&named))
        .file("fleet", "# production\nprod-*\n\nstaging # too\n")
        .file("empty", "# none\n");
    let run = |command: &str, file: &str| {
        let mut words = place.driftctl();
        words.args([command, "-o", "json", "--kubeconfig", "kubeconfig"]);
        words.args(["--timeout", "20", "--context", file]);
        let output = words.arg(fixture("shop/manifests")).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).unwrap()
    };
    for command in ["diff", "doctor"] {
        let shown = run(command, "@fleet");
        for name in ["prod-a", "prod-b", "staging"] {
            let context = format!("\"context\": \"{name}\"");
            assert!(shown.contains(&context), "{command}: {shown}");
        }
    }
    assert!(run("diff", "@empty").contains("empty names no context"));
    assert!(run("diff", "@nowhere").contains("cannot read nowhere"));
}

/// A report on several clusters begins with a table, and lists their common drift once.
#[test]
fn lists_common_drift_of_clusters_once() {
    let servers = [(); 3].map(|()| Server::start(&recording(), None));
    let path = "/api/v1/namespaces/shop/configmaps/cart-config";
    let mut edited = servers[2].object(path);
    edited["data"]["only-here"] = json!("yes");
    servers[2].change(|cluster| cluster.replace(edited));
    let named: Vec<_> = ["a", "b", "c"].into_iter().zip(&servers).collect();
    let place = TestFolder::new().file("kubeconfig", kubeconfig(&named));
    let mut command = place.driftctl();
    command.args(["diff", "--kubeconfig", "kubeconfig", "--timeout", "20"]);
    command.args(["--context", "*"]);
    let output = command.arg(fixture("shop/manifests")).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let table: Vec<&str> = shown.lines().take(4).collect();
    assert_eq!(
        table.join("\n"),
        "CLUSTER  VERDICT  WORST     DRIFTED  MISSING  EXTRA  UNKNOWN\n\
         a        drifted  critical       46        2      0        0\n\
         b        drifted  critical       46        2      0        0\n\
         c        drifted  critical       46        2      0        0"
    );
    assert!(
        shown.contains("━━ the same in several clusters: "),
        "{shown}"
    );
    assert!(shown.contains("in all 3 clusters"), "{shown}");
    assert_eq!(shown.matches("only-here").count(), 1, "{shown}");
    let (common, own) = shown.split_once("━━ cluster a").unwrap();
    assert!(common.contains("disktype") && !common.contains("only-here"));
    assert!(!own.contains("disktype"), "{own}");
    assert!(
        own.contains("are the same in other clusters and are listed above"),
        "{own}"
    );
    let last = shown.lines().last().unwrap();
    assert_eq!(last, "━━ 3 clusters: a drifted, b drifted, c drifted");

    let mut command = place.driftctl();
    command.args(["diff", "--kubeconfig", "kubeconfig", "--timeout", "20"]);
    command.args(["--context", "*", "-o", "json=a.json", "-o", "markdown=a.md"]);
    command.args(["-o", "html=a.html"]);
    command.arg(fixture("shop/manifests")).output().unwrap();
    let file = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    let document: Value = serde_json::from_str(&file("a.json")).unwrap();
    let schema = driftctl::output::reports_schema();
    assert_eq!(json_schema::errors(&schema, &document), [""; 0]);
    let expected = json!({"name": "c", "verdict": "drifted", "severity": "critical", "drifted": 46,
                          "missing": 2, "extra": 0, "unknown": 0});
    assert_eq!(document["clusters"][2], expected);
    let common = document["common"].as_array().unwrap();
    let disk = common
        .iter()
        .find(|one| one.to_string().contains("disktype"));
    assert_eq!(disk.unwrap()["clusters"], json!(["a", "b", "c"]));
    assert!(!document["common"].to_string().contains("only-here"));
    for (name, row) in [
        (
            "a.md",
            "| <code>c</code> | drifted | critical | 46 | 2 | 0 | 0 |",
        ),
        ("a.html", "<a href=\"#cluster-2\">c</a>"),
    ] {
        let text = file(name);
        assert!(text.contains(row), "{text}");
        assert_eq!(
            text.matches("the same in other clusters and are listed above")
                .count(),
            3
        );
        let (common, own) = text.split_once("are listed above").unwrap();
        assert!(
            common.contains("disktype") && !own.contains("disktype"),
            "{name}"
        );
        assert!(
            text.contains("only-here") || text.contains("only&#45;here"),
            "{name}"
        );
    }
}

/// Each Application is compared with the cluster that the Secret of its destination describes.
#[test]
fn compares_applications_with_their_own_clusters() {
    let servers = [(); 2].map(|()| Server::start(&recording(), None));
    let named: Vec<_> = ["east", "west-admin"].into_iter().zip(&servers).collect();
    let application = |name: &str, destination: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, \
             namespace: argocd}}\nspec:\n  source: {{repoURL: 'https://example.com/fleet.git', \
             path: {name}}}\n  destination: {{{destination}, namespace: shop}}\n---\n"
        )
    };
    let config = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: of-{name}}}\ndata: {{a: b}}\n")
    };
    let west = format!("https://{}", servers[1].address());
    // Argo CD knows one cluster by another address, and the other one by another name.
    let secret = |name: &str, server: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, labels: \
             {{argocd.argoproj.io/secret-type: cluster}}}}\nstringData: {{name: {name}, server: \
             '{server}'}}\n---\n"
        )
    };
    let place = TestFolder::new()
        .folder(".git")
        .file("kubeconfig", kubeconfig(&named))
        .file(
            "secrets",
            secret("east", "https://10.0.0.1") + &secret("west", &west),
        )
        .file(
            "apps.yaml",
            application("one", "name: east")
                + &application("two", "name: west")
                + &application("three", &format!("server: '{west}'")),
        )
        .file("one/a.yaml", config("one"))
        .file("two/a.yaml", config("two"))
        .file("three/a.yaml", config("three"));
    let mut command = place.driftctl();
    command.args(["diff", "--app", "apps.yaml", "--clusters", "secrets"]);
    command.args([
        "--kubeconfig",
        "kubeconfig",
        "--timeout",
        "20",
        "--context",
        "*",
    ]);
    let output = command.args(["-o", "json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = |at: usize| {
        let objects = document["reports"][at]["objects"].as_array().unwrap();
        let names = objects
            .iter()
            .map(|object| object["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(0), "of-one", "{document}");
    assert_eq!(found(1), "of-three of-two", "{document}");
}

#[test]
fn fifty_contexts_make_one_report() {
    let server = Server::start(&recording(), None);
    let names: Vec<String> = (0..50).map(|n| format!("c{n:02}")).collect();
    let named: Vec<_> = names.iter().map(|name| (name.as_str(), &server)).collect();
    let place = TestFolder::new().file("kubeconfig", kubeconfig(&named));
    let mut command = place.driftctl();
    command.args(["diff", "-o", "json", "--kubeconfig", "kubeconfig"]);
    command.args(["--timeout", "60", "--context", "c*", "--kind", "ConfigMap"]);
    let output = command.arg(fixture("shop/manifests")).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reports = document["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 50);
    for (report, name) in reports.iter().zip(&names) {
        assert_eq!(report["target"]["context"], **name);
        assert!(report["summary"]["drifted"].as_u64() > Some(0), "{report}");
        assert_eq!(report["summary"], reports[0]["summary"]);
    }
}
