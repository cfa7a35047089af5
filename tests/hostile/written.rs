//! Tests what driftctl writes: nothing outside the repository, nothing through a link, and nothing
//! elsewhere at the request of a file of decisions.

use std::fs;
use std::os::unix::fs::symlink;

use super::config;
use crate::support::TestFolder;
use crate::support::repository::init;

const LIVE: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart", "namespace": "shop"},
        "data": {"key": "b"}}]}"#;

/// Returns a repository in `repo` with drift, and next to it a file and a folder of another owner.
fn place() -> TestFolder {
    TestFolder::new()
        .file("victim", "")
        .file("elsewhere/cart.yaml", config("cart"))
        .file("repo/deploy/cart.yaml", config("cart"))
        .file("repo/live.json", LIVE)
}

/// Runs a command in the repository.
fn run(place: &TestFolder, words: &[&str]) -> String {
    let mut command = place.driftctl();
    command.current_dir(place.path().join("repo")).args(words);
    place.shown(&command.output().unwrap())
}

/// Applies a file with a decision on all drift, which begins with these arguments.
fn decide(place: &TestFolder, words: &str, decision: &str) -> String {
    let listed = run(place, &["triage", "deploy", "--live", "live.json"]);
    let line = listed.lines().find(|line| line.starts_with("keep "));
    let line = line.unwrap().replacen("keep", decision, 1);
    let text = format!("driftctl triage {words} --live live.json\n{line}\n");
    fs::write(place.path().join("repo/todo"), text).unwrap();
    run(place, &["triage", "--apply", "todo", "--yes"])
}

#[test]
fn does_not_write_files_through_links() {
    type How = fn(&TestFolder) -> String;
    let cases: [(&str, How); 6] = [
        (".driftctl-baseline.yaml", |place| {
            run(
                place,
                &[
                    "accept",
                    "deploy",
                    "--live",
                    "live.json",
                    "--expires",
                    "7d",
                    "--reason",
                    "x",
                ],
            )
        }),
        (".driftctl.yaml", |place| {
            run(
                place,
                &["ignore", "cm/shop/cart", ".data.key", "--reason", "x"],
            )
        }),
        (".driftctl-baseline.yaml", |place| {
            decide(place, "deploy", "accept 24h x")
        }),
        (".driftctl.yaml", |place| {
            decide(place, "deploy", "ignore x")
        }),
        ("message", |place| {
            run(
                place,
                &[
                    "backport",
                    "deploy",
                    "--live",
                    "live.json",
                    "--message",
                    "message",
                ],
            )
        }),
        ("state", |place| {
            let words = [
                "watch",
                "deploy",
                "--live",
                "live.json",
                "--once",
                "--state",
                "state",
            ];
            run(place, &words)
        }),
    ];
    for (name, how) in cases {
        let place = place();
        symlink(
            place.path().join("victim"),
            place.path().join("repo").join(name),
        )
        .unwrap();
        let shown = how(&place);
        assert!(shown.starts_with("exit code: 2"), "{name}: {shown}");
        let text = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains("is a link, which is not followed"),
            "{name}: {shown}"
        );
        assert_eq!(
            fs::read_to_string(place.path().join("victim")).unwrap(),
            "",
            "{name}"
        );
    }
}

#[test]
fn refuses_to_write_to_a_pipe() {
    for words in [
        &[
            "backport",
            "deploy",
            "--live",
            "live.json",
            "--message",
            "pipe",
        ][..],
        &[
            "watch",
            "deploy",
            "--live",
            "live.json",
            "--once",
            "--state",
            "pipe",
        ],
    ] {
        let place = place();
        let made = std::process::Command::new("mkfifo")
            .arg(place.path().join("repo/pipe"))
            .status();
        if !made.is_ok_and(|made| made.success()) {
            return;
        }
        let shown = run(&place, words);
        assert!(shown.contains("not a regular file"), "{shown}");
    }
}

#[test]
fn edits_do_not_follow_links_out_of_the_repository() {
    let named = ["linked", "linked/cart.yaml", "cart.yaml"];
    for (name, is_committed) in named.iter().flat_map(|name| [(name, false), (name, true)]) {
        let place = place();
        let repo = place.path().join("repo");
        symlink("../elsewhere", repo.join("linked")).unwrap();
        symlink("../elsewhere/cart.yaml", repo.join("cart.yaml")).unwrap();
        if is_committed && init(&repo).is_none() {
            continue;
        }
        let shown = run(
            &place,
            &["backport", name, "--live", "live.json", "--write"],
        );
        let text = fs::read_to_string(place.path().join("elsewhere/cart.yaml")).unwrap();
        assert_eq!(text, config("cart"), "{name}: {shown}");
        assert!(!shown.starts_with("exit code: 0"), "{name}: {shown}");
    }
    // A folder that the user names may be edited.
    let place = place();
    let words = ["backport", "../elsewhere", "--live", "live.json", "--write"];
    let shown = run(&place, &words);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
}

#[test]
fn a_file_of_decisions_cannot_write_outside_the_repository() {
    for (words, decision) in [
        ("deploy --baseline ../victim.yaml", "accept 24h x"),
        ("deploy --baseline=../victim.yaml", "accept 24h x"),
        ("deploy --config ../victim.yaml", "ignore x"),
        ("../elsewhere", "backport"),
    ] {
        let place = place().file("victim.yaml", "");
        let shown = decide(&place, words, decision);
        assert!(shown.starts_with("exit code: 2"), "{words}: {shown}");
        let text = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains("is outside the repository"),
            "{words}: {shown}"
        );
        let read = |file: &str| fs::read_to_string(place.path().join(file)).unwrap();
        assert_eq!(read("victim.yaml"), "");
        assert_eq!(read("elsewhere/cart.yaml"), config("cart"));
    }
    let place = place();
    let shown = decide(&place, "deploy --baseline accepted.yaml", "accept 24h x");
    assert!(shown.starts_with("exit code: 0"), "{shown}");
}
