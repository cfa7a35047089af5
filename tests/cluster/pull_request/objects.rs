//! Tests whole objects that only some of the three sides have.

use serde_json::{Value, json};

use super::{changes, object, place, report};

/// Returns the output and the exit code of `driftctl diff branch --base base`.
fn shown(base: &[Value], branch: &[Value], live: &[Value], more: &[&str]) -> String {
    let words = ["diff", "branch", "--base", "base", "--live", "live.json"];
    place(base, branch, live).run([&words[..], more].concat())
}

fn config(name: &str, mode: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"}, "data": {"mode": mode}})
}

/// Every combination of present and absent, and of equal and different. `a`, `b`, `c` are the
/// object in three states, `-` means absent.
#[test]
fn present_and_absent() {
    let cases = [
        // base branch live: status, lifecycle, class of the field
        ("a a a", "in-sync", None, None),
        ("a a b", "drifted", None, Some("drift")),
        ("a b a", "pending", None, Some("pending")),
        ("a b b", "in-sync", None, Some("backport")),
        ("a b c", "conflict", None, Some("conflict")),
        ("a a -", "missing", None, None),
        ("a b -", "conflict", None, None),
        ("a - a", "pending", Some("removed"), None),
        ("a - b", "conflict", Some("removed"), Some("conflict")),
        ("a - -", "in-sync", Some("removed"), None),
        ("- a a", "in-sync", Some("new"), None),
        ("- a b", "drifted", Some("new"), Some("drift")),
        ("- a -", "pending", Some("new"), None),
    ];
    for (case, status, lifecycle, class) in cases {
        let sides: Vec<Vec<Value>> = case
            .split(' ')
            .map(|mode| match mode {
                "-" => Vec::new(),
                mode => vec![config("cart", mode)],
            })
            .collect();
        // Another object is always there, so that no side is empty.
        let with = |side: &[Value]| [side, &[config("other", "a")]].concat();
        let [base, branch, live] = [0, 1, 2].map(|side| with(&sides[side]));
        let place = place(&base, &branch, &live);
        let output = place
            .driftctl()
            .args(["diff", "branch", "--base", "base", "--live", "live.json"])
            .args(["--show", "all", "-o", "json"])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = object(&report, "cart").unwrap();
        assert_eq!(found["status"], status, "{case}: {found}");
        assert_eq!(
            found.get("lifecycle").and_then(Value::as_str),
            lifecycle,
            "{case}"
        );
        let classes: Vec<&str> = found["changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|change| change["class"].as_str())
            .collect();
        assert_eq!(classes, Vec::from_iter(class), "{case}: {found}");
        let fails = matches!(status, "drifted" | "conflict" | "missing");
        assert_eq!(output.status.code(), Some(i32::from(fails)), "{case}");
    }
}

#[test]
fn objects_of_the_base_are_not_extra() {
    let (kept, gone) = (config("kept", "a"), config("gone", "a"));
    let stray = config("stray", "a");
    let base = [kept.clone(), gone.clone()];
    let place = place(&base, &base[..1], &[kept, gone, stray]);
    let output = place
        .driftctl()
        .args(["diff", "branch", "--base", "base", "--live", "live.json"])
        .args(["--extra", "namespace", "-o", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object(&report, "gone").unwrap()["status"], "pending");
    assert_eq!(object(&report, "stray").unwrap()["status"], "extra");
}

#[test]
fn reports_live_changes_of_a_removed_object() {
    let report = report(
        &[config("cart", "a"), config("other", "a")],
        &[config("other", "a")],
        &[config("cart", "b"), config("other", "a")],
    );
    let found = object(&report, "cart").unwrap();
    assert_eq!(changes(found), [r#".data.mode conflict "a" - "b""#]);
}

/// Without the base, it is unknown whose change is whose.
#[test]
fn an_unreadable_base_exits_with_2() {
    let one = [config("cart", "a")];
    let place = place(&one, &one, &one).file("base/broken.yaml", "kind: [");
    let shown = place.run(["diff", "branch", "--base", "base", "--live", "live.json"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("in the base: "), "{shown}");
}

#[test]
fn a_missing_base_exits_with_2() {
    let one = [config("cart", "a")];
    let place = place(&one, &one, &one);
    let shown = place.run(["diff", "branch", "--base", "bass", "--live", "live.json"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("bass"), "{shown}");
}

#[test]
fn fail_on_selects_what_fails_a_merge() {
    let one = |mode: &str| vec![config("cart", mode)];
    for (base, branch, live, fail_on, code) in [
        ("a", "b", "a", "drift,conflict", 0),
        ("a", "b", "a", "pending", 1),
        ("a", "b", "a", "any", 1),
        ("a", "b", "a", "low", 0),
        ("a", "b", "c", "conflict", 1),
        ("a", "b", "c", "drift", 0),
        ("a", "b", "c", "medium", 1),
        ("a", "b", "c", "high", 0),
        ("a", "a", "b", "conflict", 0),
        ("a", "a", "b", "drift", 1),
        ("a", "b", "b", "drift,conflict,pending", 0),
        ("a", "b", "b", "any", 1),
    ] {
        let shown = shown(
            &one(base),
            &one(branch),
            &one(live),
            &["--fail-on", fail_on],
        );
        let expected = format!("exit code: {code}\n");
        assert!(
            shown.starts_with(&expected),
            "{base} {branch} {live} {fail_on}: {shown}"
        );
    }
}

/// Accepted drift was changed live all the same, and merging overwrites it.
#[test]
fn accepted_drift_can_be_in_conflict() {
    let one = |mode: &str| vec![config("cart", mode)];
    let place = place(&one("a"), &one("b"), &one("c"));
    let live = ["--live", "live.json", "--baseline", "accepted.yaml"];
    let accepted = place.run(
        [
            &["accept", "base", "--reason=r", "--expires=2036-01-01"],
            &live[..],
        ]
        .concat(),
    );
    assert!(
        accepted.contains("accepted 1 change of 1 object"),
        "{accepted}"
    );
    let shown = place.run([&["diff", "branch", "--base", "base"], &live[..]].concat());
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    assert!(shown.contains("CONFLICT  1 medium"), "{shown}");
    assert!(shown.contains("1 in conflict, 0 in sync"), "{shown}");
    assert!(shown.contains("changed since it was accepted"), "{shown}");
}

/// What users see before they merge.
#[test]
fn every_format_shows_the_conflict() {
    let base = [
        config("cart", "a"),
        config("gone", "a"),
        config("same", "a"),
    ];
    let branch = [
        config("cart", "b"),
        config("fresh", "a"),
        config("same", "a"),
    ];
    let live = [
        config("cart", "c"),
        config("gone", "b"),
        config("same", "b"),
    ];
    for format in ["text", "markdown", "github", "json"] {
        let shown = shown(&base, &branch, &live, &["-o", format]);
        insta::assert_snapshot!(format!("three_way_{format}"), shown);
    }
    for (format, word) in [
        ("sarif", "merge-conflict"),
        ("junit", "CONFLICT at .data.mode"),
        ("gitlab", "merge-conflict"),
        ("html", "<span class=\"conflict\">CONFLICT"),
        ("prometheus", "driftctl_merge_changes{class=\"conflict\"} 2"),
        ("name", "# ConfigMap/shop/cart: CONFLICT"),
        ("diff", "CONFLICT at .data.mode: base a, branch b, live c"),
        ("diff", "ConfigMap shop/fresh: new: the branch declares it"),
        (
            "diff",
            "# CONFLICT: merging overwrites what was changed live in 2",
        ),
        (
            "junit",
            "CONFLICT: merging overwrites what was changed live in 2",
        ),
        ("yaml", "class: conflict"),
    ] {
        let shown = shown(&base, &branch, &live, &["-o", format]);
        assert!(shown.contains(word), "{format}: {shown}");
    }
}
