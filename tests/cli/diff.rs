//! Tests the output, the streams and the exit codes of `driftctl diff`.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::process::Stdio;

use support::TestFolder;
use support::manifests::{DEPLOYMENT, recording};

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: cart, namespace: shop}
data: {currency: EUR}
";

const ELSEWHERE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: cart, namespace: other}
";

const NOWHERE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: nowhere}
";

/// Returns a directory with a manifest and a recording in sync.
fn in_sync() -> TestFolder {
    TestFolder::new()
        .file("manifests/cart.yaml", DEPLOYMENT)
        .file("live.json", recording(&[DEPLOYMENT]))
}

/// Returns the same, with drift.
fn drifted() -> TestFolder {
    let live = DEPLOYMENT.replace("cart:1.4", "cart:1.5-debug");
    in_sync().file("live.json", recording(&[&live]))
}

fn code(place: &TestFolder, words: &[&str]) -> i32 {
    let output = place.driftctl().args(words).output().unwrap();
    output.status.code().unwrap()
}

const DIFF: [&str; 4] = ["diff", "manifests", "--live", "live.json"];

#[test]
fn no_drift() {
    insta::assert_snapshot!(in_sync().run(DIFF));
}

#[test]
fn drift() {
    insta::assert_snapshot!(drifted().run(DIFF));
}

#[test]
fn a_missing_object() {
    let place = in_sync()
        .file("manifests/config.yaml", CONFIG)
        .file("live.json", recording(&[DEPLOYMENT, ELSEWHERE]));
    insta::assert_snapshot!(place.run(DIFF));
}

/// A recording without any object of a kind may have been made without that kind.
#[test]
fn a_kind_without_recorded_objects_counts_as_missing_with_a_warning() {
    let place = in_sync().file("manifests/config.yaml", CONFIG);
    insta::assert_snapshot!(place.run(DIFF));
}

#[test]
fn exit_zero_ignores_drift_but_not_errors() {
    let place = drifted();
    assert_eq!(code(&place, &DIFF), 1);
    assert_eq!(code(&place, &[&DIFF[..], &["--exit-zero"]].concat()), 0);
    let place = place.file("manifests/broken.yaml", "kind: [");
    assert_eq!(code(&place, &DIFF), 2);
    assert_eq!(code(&place, &[&DIFF[..], &["--exit-zero"]].concat()), 2);
}

/// The image is high, a missing ConfigMap too, an extra one medium, a label low.
#[test]
fn fail_on_selects_what_fails_the_run() {
    let extra = CONFIG.replace("name: cart", "name: leftover");
    let high = drifted();
    let low = DEPLOYMENT.replace(
        "name: cart\n  namespace",
        "name: cart\n  labels: {a: b}\n  namespace",
    );
    let low = in_sync().file("live.json", recording(&[&low]));
    let missing = in_sync()
        .file("manifests/config.yaml", CONFIG)
        .file("live.json", recording(&[DEPLOYMENT, ELSEWHERE]));
    let extra = in_sync().file("live.json", recording(&[DEPLOYMENT, &extra]));
    let broken = drifted().file("manifests/broken.yaml", "kind: [");
    let cases = [
        (&high, "drift", 1),
        (&high, "high", 1),
        (&high, "critical", 0),
        (&high, "missing", 0),
        (&high, "missing,high", 1),
        (&high, "unknown", 0),
        (&low, "drift", 1),
        (&low, "low", 1),
        (&low, "medium", 0),
        (&missing, "drift", 1),
        (&missing, "missing", 1),
        (&missing, "extra", 0),
        (&missing, "high", 1),
        (&missing, "critical", 0),
        (&extra, "drift", 1),
        (&extra, "extra", 1),
        (&extra, "missing", 0),
        (&extra, "medium", 1),
        (&extra, "high", 0),
        (&broken, "critical", 2),
        (&broken, "unknown", 2),
    ];
    for (place, fail_on, expected) in cases {
        let more = ["--extra", "namespace", "--fail-on", fail_on];
        let words = [&DIFF[..], &more].concat();
        assert_eq!(code(place, &words), expected, "{}", place.run(words));
    }
}

#[test]
fn max_extra_stops_a_run_with_a_wrong_path() {
    let leftovers = ["a", "b"].map(|name| CONFIG.replace("name: cart", &format!("name: {name}")));
    let live = recording(&[DEPLOYMENT, &leftovers[0], &leftovers[1]]);
    let place = in_sync().file("live.json", live);
    let limit = |n| [&DIFF[..], &["--extra", "namespace", "--max-extra", n]].concat();
    assert_eq!(code(&place, &limit("2")), 1);
    insta::assert_snapshot!(place.run(limit("1")));
    let unlooked = [&DIFF[..], &["--max-extra", "1"]].concat();
    insta::assert_snapshot!(place.run(unlooked));
}

#[test]
fn max_missing_stops_a_run_on_the_wrong_cluster() {
    let place = in_sync()
        .file("manifests/config.yaml", CONFIG)
        .file("live.json", recording(&[DEPLOYMENT, ELSEWHERE]));
    let limit = |n| [&DIFF[..], &["--max-missing", n]].concat();
    assert_eq!(code(&place, &limit("1")), 1);
    insta::assert_snapshot!(place.run(limit("0")));
    let said = "none of the 2 declared objects exists";
    assert!(!place.run(limit("2")).contains(said));
    let other = place.file("live.json", recording(&[ELSEWHERE]));
    assert!(other.run(limit("2")).contains(said));
}

#[test]
fn a_missing_path_is_an_error() {
    insta::assert_snapshot!(in_sync().run(["diff", "manifest", "--live", "live.json"]));
}

#[test]
fn a_missing_recording_is_an_error() {
    insta::assert_snapshot!(in_sync().run(["diff", "manifests", "--live", "life.json"]));
}

#[test]
fn an_empty_folder_is_an_error() {
    let place = in_sync().folder("empty");
    let words = ["diff", "empty", "--live", "live.json"];
    insta::assert_snapshot!(place.run(words));
    assert_eq!(code(&place, &[&words[..], &["--allow-empty"]].concat()), 0);
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    let place = drifted().file(
        "manifests/broken.yaml",
        "apiVersion: v1\nkind: [ConfigMap\n",
    );
    insta::assert_snapshot!(place.run(DIFF));
}

#[test]
fn reads_manifests_from_the_current_folder() {
    let place = TestFolder::new()
        .file("a/cart.yaml", DEPLOYMENT)
        .file("b/live.json", recording(&[DEPLOYMENT]));
    let output = place
        .driftctl()
        .current_dir(place.path().join("a"))
        .args(["diff", "--live", "../b/live.json"])
        .output();
    assert_eq!(output.unwrap().status.code(), Some(0));
}

#[test]
fn manifests_from_standard_input() {
    let place = drifted();
    let output = place
        .driftctl()
        .args(["diff", "-", "--live", "live.json"])
        .write_stdin(DEPLOYMENT)
        .output();
    insta::assert_snapshot!(place.shown(&output.unwrap()));
}

#[test]
fn rejects_reading_standard_input_twice() {
    insta::assert_snapshot!(in_sync().run(["diff", "-", "--live", "-"]));
}

#[test]
fn namespace_applies_to_manifests_without_one_and_excludes_others() {
    let place = TestFolder::new()
        .file(
            "manifests/all.yaml",
            [CONFIG, ELSEWHERE, NOWHERE].join("---\n"),
        )
        .file(
            "live.json",
            recording(&[
                CONFIG,
                &NOWHERE.replace("nowhere", "nowhere, namespace: shop"),
            ]),
        );
    let words = [&DIFF[..], &["-n", "shop"]].concat();
    insta::assert_snapshot!(place.run(words));
    insta::assert_snapshot!(place.run([&DIFF[..], &["-n", "empty"]].concat()));
    insta::assert_snapshot!(place.run(["diff", "manifests/all.yaml", "--live", "live.json"]));
}

#[test]
fn every_format_writes_the_same_drift() {
    let place = drifted();
    for format in driftctl::output::FORMATS {
        let words = [&DIFF[..], &["-o", format.name()]].concat();
        let shown = place.run(words);
        assert!(
            shown.starts_with("exit code: 1\n"),
            "{}: {shown}",
            format.name()
        );
        assert!(
            shown.contains("cart") || shown.contains("drifted"),
            "{shown}"
        );
        assert!(
            !shown.contains("----- stderr"),
            "{}: {shown}",
            format.name()
        );
    }
}

#[test]
fn writes_reports_to_files() {
    let place = drifted();
    let words = [
        &DIFF[..],
        &[
            "-o",
            "name",
            "-o",
            "json=drift.json",
            "-o",
            "diff=drift.diff",
        ],
    ];
    let name = "Deployment.apps/shop/cart";
    let verdict = "# drifted: 1 drifted, 0 in sync; 1 of 1 declared object compared";
    assert_eq!(
        place.run(words.concat()),
        format!(
            "exit code: 1\n----- stdout -----\n{name}\n# {name}: drifted (1 change)\n{verdict}\n"
        )
    );
    let json = std::fs::read(place.path().join("drift.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["verdict"], "drifted");
    let diff = std::fs::read_to_string(place.path().join("drift.diff")).unwrap();
    assert!(
        diff.contains("+          image: registry.example/cart:1.5-debug")
            || diff.contains("1.5-debug")
    );
}

#[test]
fn a_report_that_cannot_be_written_exits_with_2() {
    insta::assert_snapshot!(
        drifted().run([&DIFF[..], &["-o", "json=no/such/folder.json"]].concat())
    );
}

#[test]
fn rejects_two_reports_for_one_output() {
    insta::assert_snapshot!(drifted().run([&DIFF[..], &["-o", "json", "-o", "name"]].concat()));
}

#[test]
fn an_unknown_format_is_an_error() {
    insta::assert_snapshot!(drifted().run([&DIFF[..], &["-o", "jsno"]].concat()));
}

#[test]
fn quiet_prints_errors_only() {
    let quiet = [&DIFF[..], &["-q"]].concat();
    assert_eq!(drifted().run(quiet.clone()), "exit code: 1\n");
    let broken = drifted().file("manifests/broken.yaml", "kind: [");
    insta::assert_snapshot!(broken.run(quiet));
}

#[test]
fn verbose_lists_skipped_files() {
    let place = in_sync().file("manifests/values.yaml", "replicas: 3\n");
    insta::assert_snapshot!(place.run(DIFF));
    insta::assert_snapshot!(place.run([&DIFF[..], &["-v"]].concat()));
}

#[test]
fn show_all_lists_objects_in_sync() {
    insta::assert_snapshot!(in_sync().run([&DIFF[..], &["--show", "all"]].concat()));
}

#[test]
fn reports_extra_objects_on_request() {
    let place = in_sync().file("live.json", recording(&[DEPLOYMENT, CONFIG]));
    assert_eq!(code(&place, &DIFF), 0);
    insta::assert_snapshot!(place.run([&DIFF[..], &["--extra", "namespace"]].concat()));
}

#[test]
fn merges_two_recordings() {
    let place = TestFolder::new()
        .file("manifests/all.yaml", [DEPLOYMENT, CONFIG].join("---\n"))
        .file("one.json", recording(&[DEPLOYMENT]))
        .file("two.json", recording(&[CONFIG]));
    let words = [
        "diff",
        "manifests",
        "--live",
        "one.json",
        "--live",
        "two.json",
    ];
    insta::assert_snapshot!(place.run(words));
}

#[test]
fn an_object_declared_twice_is_an_error_with_both_locations() {
    let place = in_sync().file("manifests/again.yaml", DEPLOYMENT);
    insta::assert_snapshot!(place.run(DIFF));
}

#[test]
fn uses_colour_on_terminals_and_on_request() {
    let colour = |place: &TestFolder, words: &[&str]| {
        place.run([&DIFF[..], words].concat()).contains('\x1b')
    };
    let place = drifted();
    assert!(!colour(&place, &[]));
    assert!(colour(&place, &["--color", "always"]));
    let forced = drifted().var("CLICOLOR_FORCE", "1");
    assert!(colour(&forced, &[]));
    assert!(!colour(&forced, &["--color", "never"]));
    let refused = forced.var("NO_COLOR", "1");
    assert!(!colour(&refused, &[]));
    assert!(colour(&refused, &["--color", "always"]));
}

#[test]
fn wraps_to_forty_columns() {
    let place = TestFolder::new().var("COLUMNS", "40");
    let output = place
        .driftctl()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["diff", "fixtures/shop/manifests/payments"])
        .args(["--live", "fixtures/shop/live.json"])
        .output();
    let shown = place.shown(&output.unwrap());
    assert!(shown.lines().all(|line| line.chars().count() <= 40));
    insta::assert_snapshot!(shown);
}

#[test]
fn a_closed_pipe_does_not_change_the_exit_code() {
    for (place, expected) in [(drifted(), 1), (in_sync(), 0)] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_driftctl"))
            .args(DIFF)
            .current_dir(place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(expected));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

/// A user who closes standard output wants only the exit code.
#[cfg(unix)]
#[test]
fn a_closed_stdout_does_not_change_the_exit_code() {
    for (place, expected) in [(drifted(), 1), (in_sync(), 0)] {
        let output = std::process::Command::new("sh")
            .args(["-c", "\"$0\" \"$@\" >&-", env!("CARGO_BIN_EXE_driftctl")])
            .args(DIFF)
            .current_dir(place.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(expected));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_exits_with_2_without_drift() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let place = in_sync();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_driftctl"))
        .args(DIFF)
        .current_dir(place.path())
        .stdout(full.unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn prints_help() {
    insta::assert_snapshot!(TestFolder::new().run(["diff", "-h"]));
    insta::assert_snapshot!(TestFolder::new().run(["diff", "--help"]));
}

/// A user who has manifests and a recording in one folder must not get the recording as manifests.
#[test]
fn skips_the_recording_among_the_manifests() {
    let place = drifted();
    let shown = place.run(["diff", "--live", "live.json", "-v"]);
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    assert!(
        shown.contains("skipped: live.json: the live side"),
        "{shown}"
    );
    let itself = place.run(["diff", "live.json", "--live", "live.json"]);
    assert!(itself.starts_with("exit code: 0"), "{itself}");
}
