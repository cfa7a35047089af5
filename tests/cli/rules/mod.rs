//! Tests rules as users see them: files, commands, and how a run reports them.

#![allow(clippy::unwrap_used)]

mod debt;
use crate::support;

use support::TestFolder;
use support::manifests::recording;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 3
  selector: {matchLabels: {app: cart}}
  template:
    metadata:
      labels: {app: cart}
    spec:
      containers:
        - {name: cart, image: 'registry.example/cart:1.4'}
";

const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: cart, namespace: shop}
stringData: {password: hunter2}
";

const MISSING: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: gone, namespace: shop}
data: {account: A-1}
";

/// Added live, and not in any manifest.
const EXTRA: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: extra, namespace: shop}
data: {a: b}
";

const DIFF: [&str; 4] = ["diff", "m", "--live", "live.json"];

/// Returns a directory in which replicas, an image and a password drifted, and objects are missing
/// and extra.
fn drifted() -> TestFolder {
    let live = DEPLOYMENT
        .replace("replicas: 3", "replicas: 5")
        .replace("cart:1.4", "cart:1.5");
    let secret = SECRET
        .replace("hunter2", "hunter3")
        .replace("stringData", "data");
    let secret = secret.replace("hunter3", "aHVudGVyMw==");
    TestFolder::new()
        .folder(".git")
        .file("m/deployment.yaml", DEPLOYMENT)
        .file("m/secret.yaml", SECRET)
        .file("m/gone.yaml", MISSING)
        .file("live.json", recording(&[&live, &secret, EXTRA]))
}

#[track_caller]
/// Runs a command. Adds the reason and the deadline that `accept` needs.
fn run(place: &TestFolder, words: &[&str]) -> (i32, String) {
    let mut words = words.to_vec();
    for (flag, value) in [("--reason", "sale"), ("--expires", "2036-01-01")] {
        if words[0] == "accept" && !words.contains(&flag) {
            words.extend([flag, value]);
        }
    }
    let output = place.driftctl().args(words).output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    );
    (output.status.code().unwrap(), text)
}

fn diff_with(place: &TestFolder, words: &[&str]) -> (i32, String) {
    run(place, &[&DIFF, words].concat())
}

/// A rule in Argo CD's schema and one of ours.
const RULES: &str = "\
ignoreDifferences:
  - group: apps
    kind: Deployment
    jsonPointers: [/spec/replicas]
    reason: Scaled by KEDA
  - id: passwords
    kind: Secret
    jqPathExpressions: ['.data[]?']
    expires: 2026-12-31
    reason: Rotated live
  - id: idle
    kind: Service
    paths: [.spec]
ignoreExtra:
  - id: extra-maps
    kind: ConfigMap
    name: ext*
    reason: Made by hand
";

#[test]
fn rules_hide_drift_and_report_how_much() {
    let place = drifted().file(".driftctl.yaml", RULES);
    insta::assert_snapshot!(place.run(DIFF));
    let shown = [&DIFF[..], &["--show", "ignored", "--extra", "namespace"]].concat();
    insta::assert_snapshot!(place.run(shown));
}

#[test]
fn finds_rules_upwards_by_name_or_not_at_all() {
    let place = drifted().file(".driftctl.yaml", "disable: [status]\nx: 1\n");
    let (code, text) = diff_with(&place, &[]);
    assert_eq!(
        (code, text.as_str()),
        (2, "error: .driftctl.yaml:2:1: unknown key \"x\"\n")
    );
    assert_eq!(diff_with(&place, &["--no-config"]).0, 1);
    let place = place.file("other.yaml", RULES);
    let (code, text) = diff_with(&place, &["--config", "other.yaml"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text);
    let (code, text) = diff_with(&place, &["--config", "none.yaml"]);
    assert_eq!(code, 2);
    assert!(text.starts_with("error: cannot read none.yaml: "), "{text}");
}

/// A broken file of rules ends the run before it connects to anything.
#[test]
fn reports_a_broken_config_before_reading_anything() {
    let place = drifted().file(
        ".driftctl.yaml",
        "ignoreDifferences:\n  - kind: Pod\n    jqPathExpressions: ['.a |']\n    paths: [spec]\n",
    );
    insta::assert_snapshot!(place.run(["diff", "m", "--kubeconfig", "nowhere"]));
}

#[test]
fn strict_rules_turns_warnings_into_errors() {
    let place = drifted().file(".driftctl.yaml", RULES);
    assert_eq!(diff_with(&place, &["--strict-rules"]).0, 2);
    let sound = RULES.replace("  - id: idle\n    kind: Service\n    paths: [.spec]\n", "");
    let place = place.file(".driftctl.yaml", sound);
    let (code, text) = diff_with(&place, &["--strict-rules"]);
    assert_eq!(
        code, 1,
        "a rule about extra objects is not unused if none are searched for: {text}"
    );
}

#[test]
fn an_expired_rule_hides_nothing() {
    let place = drifted().file(".driftctl.yaml", RULES.replace("2026-12-31", "2026-11-20"));
    let (code, text) = diff_with(&place, &[]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text);
}

#[test]
fn an_expired_rule_is_named_at_a_missing_and_at_an_undeclared_object_too() {
    let rules = "\
ignoreDifferences:
  - id: incident
    kind: ConfigMap
    paths: [.]
    reason: Removed in an incident
    expires: 2026-01-01
";
    let place = drifted().file(".driftctl.yaml", rules);
    let words = ["--extra", "namespace", "--kind", "ConfigMap"];
    let (code, text) = diff_with(&place, &words);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text);
}

/// Annotations expire too.
#[test]
fn annotations_of_the_manifest_hide_drift_until_they_expire() {
    let annotated = |expires: &str| {
        DEPLOYMENT.replace(
            "  namespace: shop\nspec",
            &format!(
                "  namespace: shop\n  annotations:\n    driftctl.dev/ignore: .spec.replicas, .spec.template.spec.containers[*].image\n    driftctl.dev/ignore-reason: by hand\n    driftctl.dev/ignore-expires: '{expires}'\nspec"
            ),
        )
    };
    let place = drifted().file("m/deployment.yaml", annotated("2026-12-31"));
    let (_, text) = diff_with(&place, &["--show", "ignored"]);
    insta::assert_snapshot!(text);
    let place = place.file("m/deployment.yaml", annotated("2026-11-01"));
    let (_, text) = diff_with(&place, &["--show", "ignored"]);
    assert!(!text.contains("hid 2 changes"), "{text}");
    let (code, text) = run(&place, &["rules", "m"]);
    assert_eq!(code, 0);
    assert!(
        text.starts_with(
            "driftctl.dev/ignore  m/deployment.yaml:1 (Deployment cart)  EXPIRED 2026-11-01\n"
        ),
        "{text}"
    );
}

#[test]
fn masks_user_secrets_everywhere() {
    let place = drifted()
        .file("m/gone.yaml", MISSING.replace("A-1", "alpha"))
        .file(
            "live.json",
            recording(&[DEPLOYMENT, &MISSING.replace("A-1", "omega")]),
        );
    for format in ["text", "json", "diff", "html", "markdown"] {
        let (_, text) = diff_with(&place, &["-o", format]);
        assert!(text.contains("omega"), "{format}");
    }
    let place = place.file(".driftctl.yaml", "sensitive: [{names: [acc*]}]\n");
    for format in ["text", "json", "diff", "html", "markdown"] {
        let (_, text) = diff_with(&place, &["-o", format]);
        assert!(!text.contains("omega"), "{format}: {text}");
    }
}

#[test]
fn applies_the_settings_of_argo_cd() {
    let settings = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  resource.customizations.ignoreDifferences.apps_Deployment: |
    jqPathExpressions: ['.spec.template.spec.containers[].image']
  resource.customizations.ignoreDifferences.all: |
    jsonPointers: [/spec/replicas]
";
    let live = DEPLOYMENT
        .replace("replicas: 3", "replicas: 5")
        .replace("cart:1.4", "cart:1.5");
    let place = TestFolder::new()
        .file("m/deployment.yaml", DEPLOYMENT)
        .file("cm.yaml", settings)
        .file("live.json", recording(&[&live, settings]));
    for from in ["cm.yaml", "live"] {
        let (code, text) = diff_with(&place, &["--argocd-cm", from, "--show", "ignored"]);
        assert_eq!(code, 0, "{from}: {text}");
        assert!(
            text.contains("rule argocd-all hid 1 change"),
            "{from}: {text}"
        );
        assert!(
            text.contains("rule argocd-apps_Deployment hid 1 change"),
            "{from}: {text}"
        );
    }
    let (code, text) = diff_with(&place, &["--argocd-cm", "m/deployment.yaml"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(text);
}

/// Options of Argo CD that affect what counts as a difference are applied; the others are listed
/// with `--verbose`.
#[test]
fn applies_the_compare_options_of_argo_cd() {
    let settings = |options: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm, namespace: argocd}}\ndata:\n  \
             resource.compareoptions: |\n    {options}\n  \
             resource.customizations.ignoreResourceUpdates.all: |\n    jsonPointers: [/status]\n"
        )
    };
    let with_status = |replicas: &str, more: &str| {
        format!("{DEPLOYMENT}status: {{replicas: {replicas}{more}}}\n")
    };
    let place = TestFolder::new()
        .file("m/deployment.yaml", with_status("3", ""))
        .file("live.json", recording(&[&with_status("5", ", ready: 5")]));
    for (options, code) in [
        ("ignoreResourceStatusField: all", 0),
        ("ignoreResourceStatusField: none", 1),
        ("ignoreResourceStatusField: crd", 1),
        ("ignoreAggregatedRoles: true", 0),
    ] {
        std::fs::write(place.path().join("cm.yaml"), settings(options)).unwrap();
        let (found, text) = diff_with(&place, &["--argocd-cm", "cm.yaml"]);
        assert_eq!(found, code, "{options}: {text}");
        assert_eq!(
            text.contains(".status.replicas"),
            code == 1,
            "{options}: {text}"
        );
        assert!(
            !text.contains(".status.ready"),
            "rules that controllers add are not drift: {text}"
        );
        assert!(
            !text.contains("hid nothing") && !text.contains("refreshes"),
            "{text}"
        );
        let (_, all) = diff_with(&place, &["--argocd-cm", "cm.yaml", "-v"]);
        let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            all.matches("controls when Argo CD refreshes").count(),
            1,
            "{all}"
        );
    }
}

#[test]
fn an_endless_jq_expression_stops_alone() {
    let rules = "ignoreDifferences:\n  - {group: apps, kind: Deployment, reason: x, id: spins, jqPathExpressions: ['def f: f; f']}\n  - {group: apps, kind: Deployment, reason: x, id: ends, jqPathExpressions: ['.spec.replicas']}\n";
    let place = drifted().file(".driftctl.yaml", rules);
    let (code, text) = diff_with(&place, &["--show", "ignored"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text);
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(flat);
}

/// Returns the entries of a listing, without their names.
fn entries(printed: &str) -> Vec<String> {
    let document: serde_json::Value = serde_yaml::from_str(printed).unwrap();
    let lists = ["ignoreDifferences", "ignoreExtra"].map(|list| document[list].as_array());
    let mut all: Vec<String> = Vec::new();
    for entry in lists.into_iter().flatten().flatten() {
        let mut entry = entry.clone();
        entry.as_object_mut().unwrap().remove("id");
        all.push(entry.to_string());
    }
    all.sort();
    all
}

/// `driftctl rules -o yaml` prints a valid configuration that means the same.
#[test]
fn printed_rules_can_be_loaded() {
    let annotated = |name: &str| {
        DEPLOYMENT.replace("name: cart\n  namespace: shop\n", &format!(
            "name: {name}\n  namespace: shop\n  annotations:\n    driftctl.dev/ignore: .spec.replicas\n    \
             kluctl.io/ignore-diff: 'true'\n    argocd.argoproj.io/compare-options: IgnoreExtraneous\n"
        ))
    };
    let place = drifted()
        .file("m/deployment.yaml", annotated("cart"))
        .file("m/second.yaml", annotated("second"))
        .file(".driftctl.yaml", RULES);
    for words in [&["rules", "--no-config"][..], &["rules", "m"]] {
        let (code, text) = run(&place, &[words, &["-o", "yaml"]].concat());
        assert_eq!(code, 0, "{text}");
        let text = text.split("warning: ").next().unwrap();
        // Only the file applies: no built-in rules and no annotations.
        std::fs::write(place.path().join("c.yaml"), text).unwrap();
        std::fs::create_dir_all(place.path().join("empty")).unwrap();
        let again = ["rules", "empty", "--config", "c.yaml", "-o", "yaml"];
        let (code, again) = run(&place, &again);
        assert_eq!(code, 0, "{again}");
        let again = again.split("warning: ").next().unwrap();
        assert!(entries(text).len() > 40);
        assert_eq!(entries(again), entries(text));
        assert!(!again.contains("built-in"), "{again}");
    }
}

#[test]
fn lists_all_built_in_rules() {
    let ids = driftctl::policy::RuleSet::switchable().count();
    let (_, json) = run(&TestFolder::new(), &["rules", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["rules"].as_array().unwrap().len(), ids);
}
