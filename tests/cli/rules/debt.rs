//! Tests accepted drift and its deadlines, and the commands that write rules.

use std::fs;

use super::{DEPLOYMENT, DIFF, SECRET, diff_with, drifted, run};
use crate::support::TestFolder;
use crate::support::manifests::recording;

/// Returns the baseline with its random salt and digests replaced.
fn baseline(place: &TestFolder) -> String {
    let text = fs::read_to_string(place.path().join(".driftctl-baseline.yaml")).unwrap();
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some((key, _)) if key.ends_with("salt") || key.ends_with("Digest") => format!("{key}: …"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn hides_accepted_drift_until_it_changes_or_expires() {
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
    insta::assert_snapshot!(flat);

    // Current drift is accepted again, and entries without drift are removed.
    let (code, text) = run(&place, &["accept", "m", "--live", "live.json"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
    assert_eq!(diff_with(&place, &[]).0, 0);
}

#[test]
fn reports_overdue_debt_again_and_fails() {
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
    insta::assert_snapshot!(text);
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
fn accepts_only_the_selection() {
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
    insta::assert_snapshot!(text);
    assert!(
        baseline(&place).contains(".spec.replicas"),
        "earlier accepted drift stays"
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

/// Arguments after the manifests name objects, and fields in them.
#[test]
fn arguments_select_objects_and_their_fields() {
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
            "deplyment/cart is not a file or folder",
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
        text.starts_with("accepted 1 change of 1 object until 2036-01-01"),
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
    insta::assert_snapshot!(left);
    // Selected by name, it is accepted again: with the new deadline and the new reason.
    let (code, text) = accept(&["m", "deploy/cart", "--expires", "24h"]);
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text);
    let kept = baseline(&place);
    assert!(
        kept.contains("reason: sale") && kept.matches("expires: ").count() == 4,
        "{kept}"
    );
    // Without a selection, accepted drift stays as it was.
    let (code, text) = accept(&["m", "--expires", "48h"]);
    assert_eq!((code, text.as_str()), (0, "nothing to accept\n"));
}

/// Without a terminal, a missing reason or deadline is an error, and nothing is accepted.
#[test]
fn accept_requires_a_reason_and_a_deadline() {
    for (words, lacks) in [
        (
            &[][..],
            "a reason and a deadline: --reason TEXT --expires 7d",
        ),
        (&["--reason", "sale"], "an end: --expires 7d"),
        (&["--expires", "7d"], "a reason: --reason TEXT"),
        (
            &["--expires", "7d", "--reason", " "],
            "a reason: --reason TEXT",
        ),
    ] {
        let place = drifted();
        let accept = ["accept", "m", "--live", "live.json"];
        let shown = place.run([&accept[..], words].concat());
        assert!(shown.starts_with("exit code: 2"), "{shown}");
        assert!(shown.contains(lacks), "{words:?}: {shown}");
        assert!(!place.path().join(".driftctl-baseline.yaml").exists());
    }
}

/// What was not compared was not accepted.
#[test]
fn accept_exits_with_2_after_an_incomplete_comparison() {
    let place = drifted().file("m/broken.yaml", "kind: [");
    let (code, text) = run(&place, &["accept", "m", "--live", "live.json"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(text);
}

#[test]
fn ignore_adds_a_rule_and_keeps_the_rest() {
    let place = drifted();
    assert_eq!(run(&place, &["init"]).0, 0);
    let (code, text) = run(&place, &["init"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(text);
    let words = [
        "ignore",
        "deployment/shop/cart",
        ".spec.replicas",
        "--reason",
        "By hand: #12",
    ];
    insta::assert_snapshot!(place.run([&words[..], &["--expires", "7d"]].concat()));
    let (_, text) = diff_with(&place, &["--show", "ignored"]);
    insta::assert_snapshot!(text);
    // The plural from the command line is written as the kind.
    let by_plural = [
        "ignore",
        "deployments.apps/a",
        ".spec.paused",
        "--reason",
        "x",
    ];
    let (code, text) = run(&place, &by_plural);
    assert_eq!(code, 0, "{text}");
    let (code, text) = run(&place, &["ignore", "Widget/x", ".spec", "--reason", "x"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(text);

    let flow = "ignoreDifferences: [{kind: A, paths: [.b], reason: c}]\n";
    let place = place.file(".driftctl.yaml", flow);
    let (code, text) = run(&place, &words);
    assert_eq!(code, 2);
    insta::assert_snapshot!(text);
    let after = fs::read_to_string(place.path().join(".driftctl.yaml")).unwrap();
    assert_eq!(after, flow, "nothing was written");
}

/// Outside a repository too, every command finds the baseline, and it is not a manifest.
#[test]
fn every_command_finds_the_baseline() {
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
        let live = fs::read_to_string(place.path().join("live.json")).unwrap();
        let later = live.replace("cart:1.5", "cart:1.6");
        assert_ne!(live, later);
        fs::write(place.path().join("live.json"), later).unwrap();
        let again = place.run([
            "accept",
            "m",
            "--live",
            "live.json",
            "--reason",
            "r",
            "--expires",
            "1h",
        ]);
        assert!(again.contains("accepted 1 change of 1 object"), "{again}");
        assert!(!again.contains("gone"), "{again}");
        // A configuration that is added later does not hide the existing baseline.
        place.run(["init", "m"]);
        let shown = place.run(["diff", "m", "--live", "live.json", "-v"]);
        assert_eq!(first(&shown), "exit code: 0", "{shown}");
        assert!(!shown.contains("skipped"), "{shown}");
    }
}
