//! Rules as people meet them: files, commands, what a run says of them.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::Place;
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

/// Added live, and declared nowhere.
const EXTRA: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: extra, namespace: shop}
data: {a: b}
";

const DIFF: [&str; 4] = ["diff", "m", "--live", "live.json"];

/// Replicas, an image and a password drifted, an object is missing, and one is extra.
fn drifted() -> Place {
    let live = DEPLOYMENT
        .replace("replicas: 3", "replicas: 5")
        .replace("cart:1.4", "cart:1.5");
    let secret = SECRET
        .replace("hunter2", "hunter3")
        .replace("stringData", "data");
    let secret = secret.replace("hunter3", "aHVudGVyMw==");
    Place::new()
        .folder(".git")
        .file("m/deployment.yaml", DEPLOYMENT)
        .file("m/secret.yaml", SECRET)
        .file("m/gone.yaml", MISSING)
        .file("live.json", recording(&[&live, &secret, EXTRA]))
}

#[track_caller]
fn run(place: &Place, words: &[&str]) -> (i32, String) {
    let output = place.driftctl().args(words).output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    );
    (output.status.code().unwrap(), text)
}

fn diff_with(place: &Place, words: &[&str]) -> (i32, String) {
    run(place, &[&DIFF, words].concat())
}

/// Argo CD's block, and one of ours, hide; the run says what each hid.
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
fn rules_hide_and_say_what_they_hid() {
    let place = drifted().file(".driftctl.yaml", RULES);
    insta::assert_snapshot!(place.run(DIFF));
    let shown = [&DIFF[..], &["--show", "ignored", "--extra", "namespace"]].concat();
    insta::assert_snapshot!(place.run(shown));
}

#[test]
fn rules_are_found_upwards_or_named_or_not_wanted() {
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
    assert!(
        text.contains("other.yaml:11: rule idle hid nothing"),
        "{text}"
    );
    let (code, text) = diff_with(&place, &["--config", "none.yaml"]);
    assert_eq!(code, 2);
    assert!(text.starts_with("error: cannot read none.yaml: "), "{text}");
}

/// A broken file of rules ends the run before anything is connected to.
#[test]
fn a_broken_config_is_told_before_anything_is_read() {
    let place = drifted().file(
        ".driftctl.yaml",
        "ignoreDifferences:\n  - kind: Pod\n    jqPathExpressions: ['.a |']\n    paths: [spec]\n",
    );
    insta::assert_snapshot!(place.run(["diff", "m", "--kubeconfig", "nowhere"]));
}

#[test]
fn strict_rules_take_remarks_for_errors() {
    let place = drifted().file(".driftctl.yaml", RULES);
    assert_eq!(diff_with(&place, &["--strict-rules"]).0, 2);
    let sound = RULES.replace("  - id: idle\n    kind: Service\n    paths: [.spec]\n", "");
    let place = place.file(".driftctl.yaml", sound);
    let (code, text) = diff_with(&place, &["--strict-rules"]);
    assert_eq!(
        code, 1,
        "a rule about extras is not idle where none are looked for: {text}"
    );
}

#[test]
fn an_expired_rule_hides_nothing_and_says_so() {
    let place = drifted().file(".driftctl.yaml", RULES.replace("2026-12-31", "2026-11-20"));
    let (code, text) = diff_with(&place, &[]);
    assert_eq!(code, 1);
    assert!(
        text.contains(
            "expired debt: rule passwords (.driftctl.yaml:6) ignored it until 2026-11-20"
        ),
        "{text}"
    );
    assert!(
        text.contains(".driftctl.yaml:6: rule passwords expired (2026-11-20)"),
        "{text}"
    );
}

/// The object's own word expires too.
#[test]
fn annotations_of_the_manifest_hide_until_they_expire() {
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
    assert!(
        text.contains("rule driftctl.dev/ignore hid 2 changes: by hand"),
        "{text}"
    );
    let place = place.file("m/deployment.yaml", annotated("2026-11-01"));
    let (_, text) = diff_with(&place, &["--show", "ignored"]);
    assert!(!text.contains("hid 2 changes"), "{text}");
    assert!(
        text.contains("expired debt: rule driftctl.dev/ignore"),
        "{text}"
    );
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
fn user_secrets_are_masked_everywhere() {
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
fn argo_cds_own_settings_are_taken_over() {
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
    let place = Place::new()
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
    assert!(text.contains("holds no ConfigMap argocd-cm"), "{text}");
}

/// Options of Argo CD's that change what a difference is are followed; the others are named where
/// somebody wants to know all.
#[test]
fn argo_cds_options_of_the_comparison_are_followed() {
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
    let place = Place::new()
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
            "what controllers add is theirs: {text}"
        );
        assert!(
            !text.contains("hid nothing") && !text.contains("looks again"),
            "{text}"
        );
        let (_, all) = diff_with(&place, &["--argocd-cm", "cm.yaml", "-v"]);
        let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            all.matches("says when Argo CD looks again").count(),
            1,
            "{all}"
        );
    }
}

#[test]
fn jq_expressions_that_never_end_end_alone() {
    let rules = "ignoreDifferences:\n  - {group: apps, kind: Deployment, reason: x, id: spins, jqPathExpressions: ['def f: f; f']}\n  - {group: apps, kind: Deployment, reason: x, id: ends, jqPathExpressions: ['.spec.replicas']}\n";
    let place = drifted().file(".driftctl.yaml", rules);
    let (code, text) = diff_with(&place, &["--show", "ignored"]);
    assert_eq!(code, 1);
    assert!(text.contains("rule ends hid 1 change"), "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("its jq expression def f: f; f is skipped: it did not end within 2s"),
        "{text}"
    );
}

/// The baseline with its salt and digests, which are others each time, made alike.
fn baseline(place: &Place) -> String {
    let text = fs::read_to_string(place.path().join(".driftctl-baseline.yaml")).unwrap();
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some((key, _)) if key.ends_with("salt") || key.ends_with("Digest") => format!("{key}: …"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn accepted_drift_is_hidden_until_it_changes_or_expires() {
    let place = drifted().var("USER", "ada");
    let accept = ["accept", "m", "--live", "live.json", "--extra", "namespace"];
    let words = [
        &accept[..],
        &[
            "--expires",
            "24h",
            "--reason",
            "incident 12",
            "--ticket",
            "T-1",
        ],
    ];
    insta::assert_snapshot!(place.run(words.concat()));
    insta::assert_snapshot!(baseline(&place));
    let all = fs::read_to_string(place.path().join(".driftctl-baseline.yaml")).unwrap();
    for secret in ["hunter", "aHVudGVy"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    insta::assert_snapshot!(place.run([&DIFF[..], &["--extra", "namespace"]].concat()));
    insta::assert_snapshot!(place.run(["debt", "m"]));
    assert_eq!(run(&place, &["debt", "m"]).0, 0);

    // Another value was accepted.
    let live = DEPLOYMENT.replace("replicas: 3", "replicas: 7");
    let secret = SECRET.replace(
        "stringData: {password: hunter2}",
        "data: {password: aHVudGVyNA==}",
    );
    let place = place.file("live.json", recording(&[&live, &secret]));
    let (code, text) = diff_with(&place, &[]);
    assert_eq!(code, 1);
    assert_eq!(
        text.matches("changed since it was accepted").count(),
        2,
        "{text}"
    );
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("accepted drift is gone: Deployment shop/cart .spec.template"),
        "{text}"
    );

    // What is there now is accepted anew, and what is gone is taken out.
    let (code, text) = run(&place, &["accept", "m", "--live", "live.json"]);
    assert_eq!(code, 0);
    assert!(
        text.contains("accepted 2 changes of 2 objects without end"),
        "{text}"
    );
    assert!(
        text.contains("took out 3 changes whose drift is gone"),
        "{text}"
    );
    assert_eq!(diff_with(&place, &[]).0, 0);
}

#[test]
fn overdue_debt_is_reported_again_and_fails() {
    let place = drifted();
    let words = [
        "accept",
        "m",
        "--live",
        "live.json",
        "--expires",
        "24h",
        "--object",
        "deployment/cart",
    ];
    assert_eq!(run(&place, &words).0, 0);
    let later = place.var("SOURCE_DATE_EPOCH", "1795500000");
    let (code, text) = run(&later, &["debt", "m"]);
    assert_eq!(code, 1);
    assert!(text.contains("OVERDUE for 30h"), "{text}");
    let (_, text) = diff_with(&later, &[]);
    assert_eq!(
        text.matches("expired debt, accepted until").count(),
        2,
        "{text}"
    );
    let (code, text) = run(&later, &["debt", "m", "-o", "json"]);
    assert_eq!(code, 1);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["overdue"], 2);
    assert_eq!(document["accepted"][0]["leftSeconds"], -108_000);
}

#[test]
fn a_selection_accepts_no_more_than_it_says() {
    let place = drifted();
    let words = [
        "accept",
        "m",
        "--live",
        "live.json",
        "--path",
        ".spec.replicas",
    ];
    let (code, text) = run(&place, &words);
    assert_eq!(code, 0);
    assert!(text.starts_with("accepted 1 change of 1 object"), "{text}");
    let (code, text) = run(&place, &[&words[..5], &[".spec.nothing"]].concat());
    assert_eq!(code, 2);
    assert!(
        text.contains("--path .spec.nothing selects no drift"),
        "{text}"
    );
    assert!(
        baseline(&place).contains(".spec.replicas"),
        "what was accepted stays"
    );
    let (code, _) = run(
        &place,
        &[
            "accept",
            "m",
            "--live",
            "live.json",
            "--expires",
            "2020-01-01",
        ],
    );
    assert_eq!(code, 2);
}

/// Words behind the manifests name objects, and fields in them.
#[test]
fn words_select_objects_and_their_fields() {
    let place = drifted();
    let accept = |words: &[&str]| {
        run(
            &place,
            &[&["accept", "--live", "live.json"], words].concat(),
        )
    };
    for (words, wrong) in [
        (
            &["m", "Deployment/crat"][..],
            "Deployment/crat selects none of the 3 objects",
        ),
        (
            &["m", "deploy/shop/cart", ".spec.replica"],
            "deploy/shop/cart .spec.replica selects no drift",
        ),
        (
            &["m", "deplyment/cart"],
            "deplyment/cart is no file or folder",
        ),
        (
            &["m", "--object", "Secret/no"],
            "--object Secret/no selects none",
        ),
    ] {
        let (code, text) = accept(words);
        assert_eq!(code, 2, "{words:?}: {text}");
        assert!(text.contains(wrong), "{words:?}: {text}");
        assert!(
            !place.path().join(".driftctl-baseline.yaml").exists(),
            "{words:?}"
        );
    }
    let (code, text) = accept(&["m", "deploy/cart", ".spec.replicas", "--reason", "sale"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("accepted 1 change of 1 object without end"),
        "{text}"
    );
    assert!(baseline(&place).contains(".spec.replicas"));
    let (code, text) = accept(&["m", "ConfigMap/shop/gone", "Secret/*", ".data"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("accepted 2 changes of 2 objects"),
        "{text}"
    );
    let (_, left) = diff_with(&place, &[]);
    assert!(left.contains("1 change reported, 3 ignored"), "{left}");
    // Named once more, it is accepted once more: until then, for the reason that was given.
    let (code, text) = accept(&["m", "deploy/cart", "--expires", "24h"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("accepted 2 changes of 1 object until"),
        "{text}"
    );
    let kept = baseline(&place);
    assert!(
        kept.contains("reason: sale") && kept.matches("expires: ").count() == 2,
        "{kept}"
    );
    // Without a word, what was accepted stays as it was.
    let (code, text) = accept(&["m", "--expires", "48h"]);
    assert_eq!((code, text.as_str()), (0, "there is nothing to accept\n"));
}

/// What was not compared was not accepted.
#[test]
fn an_incomplete_comparison_is_not_accepted_as_a_whole() {
    let place = drifted().file("m/broken.yaml", "kind: [");
    let (code, text) = run(&place, &["accept", "m", "--live", "live.json"]);
    assert_eq!(code, 2);
    assert!(text.contains("error: m/broken.yaml"), "{text}");
}

#[test]
fn ignore_adds_a_rule_and_leaves_the_rest() {
    let place = drifted();
    assert_eq!(run(&place, &["init"]).0, 0);
    let (code, text) = run(&place, &["init"]);
    assert_eq!(code, 2);
    assert!(text.contains(".driftctl.yaml is there already"), "{text}");
    let words = [
        "ignore",
        "deployment/shop/cart",
        ".spec.replicas",
        "--reason",
        "By hand: #12",
    ];
    insta::assert_snapshot!(place.run([&words[..], &["--expires", "7d"]].concat()));
    let (_, text) = diff_with(&place, &["--show", "ignored"]);
    assert!(
        text.contains("rule deployment-cart hid 1 change: By hand: #12"),
        "{text}"
    );
    // The plural that kubectl takes is written down as the kind.
    let by_plural = [
        "ignore",
        "deployments.apps/a",
        ".spec.paused",
        "--reason",
        "x",
    ];
    let (code, text) = run(&place, &by_plural);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("kind: Deployment"), "{text}");
    let (code, text) = run(&place, &["ignore", "Widget/x", ".spec", "--reason", "x"]);
    assert_eq!(code, 2);
    assert!(
        text.contains("write its API group too: Widget.GROUP/x"),
        "{text}"
    );

    let flow = "ignoreDifferences: [{kind: A, paths: [.b], reason: c}]\n";
    let place = place.file(".driftctl.yaml", flow);
    let (code, text) = run(&place, &words);
    assert_eq!(code, 2);
    assert!(
        text.contains("add this to ignoreDifferences by hand"),
        "{text}"
    );
    let after = fs::read_to_string(place.path().join(".driftctl.yaml")).unwrap();
    assert_eq!(after, flow, "nothing was written");
}

/// The entries that a listing prints, without their names.
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

/// What `driftctl rules -o yaml` prints is a file of the user's: it loads as it is, and says the
/// same.
#[test]
fn rules_that_are_printed_can_be_loaded() {
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
        // Nothing but the file: no built-in rule is left, and no annotation is read.
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
fn built_in_rules_are_all_listed() {
    let ids = driftctl::policy::RuleSet::switchable().count();
    let (_, json) = run(&Place::new(), &["rules", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["rules"].as_array().unwrap().len(), ids);
}

/// Outside a repository too, what is accepted is found by every command, and is no manifest.
#[test]
fn accepted_drift_lives_where_every_command_looks() {
    for is_repository in [false, true] {
        let mut place = drifted();
        if is_repository {
            place = place.folder(".git");
        }
        let first = |shown: &str| shown.lines().next().unwrap_or_default().to_owned();
        let accepted = place.run([
            "accept",
            "m",
            "--live",
            "live.json",
            "--reason",
            "r",
            "--expires",
            "1h",
        ]);
        assert!(
            accepted.contains(" in .driftctl-baseline.yaml"),
            "{accepted}"
        );
        for words in [&["debt"][..], &["debt", "m"]] {
            let debt = place.run(words.iter().copied());
            assert!(
                debt.contains("accepted in .driftctl-baseline.yaml, 0 overdue"),
                "{debt}"
            );
        }
        let shown = place.run(["diff", "m", "--live", "live.json"]);
        assert_eq!(first(&shown), "exit code: 0", "{shown}");
        // Rules that come later do not bring back what was accepted before.
        place.run(["init", "m"]);
        let shown = place.run(["diff", "m", "--live", "live.json", "-v"]);
        assert_eq!(first(&shown), "exit code: 0", "{shown}");
        assert!(!shown.contains("skipped"), "{shown}");
    }
}
