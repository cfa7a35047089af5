//! Tests `driftctl triage` with a recording: the file, and the decisions that need no cluster.

use std::fs;

use crate::support::{TestFolder, fixture};

/// Returns a repository with the manifests of the demo, and the recording.
fn place() -> TestFolder {
    let read = |path: &str| fs::read(fixture(path)).unwrap();
    TestFolder::new()
        .file("deploy/cart.yaml", read("demo/base/cart.yaml"))
        .file("live.json", read("demo/live.json"))
        .folder(".git")
}

fn listed(place: &TestFolder) -> String {
    let words = ["triage", "deploy", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn apply(place: &TestFolder, text: &str, more: &[&str]) -> String {
    fs::write(place.path().join("todo"), text).unwrap();
    place.run(
        ["triage", "--apply", "todo"]
            .into_iter()
            .chain(more.iter().copied()),
    )
}

#[test]
fn the_file_lists_each_change_the_worst_first() {
    insta::assert_snapshot!("triage_file", listed(&place()));
}

#[test]
fn carries_out_decisions_that_need_no_cluster() {
    let place = place();
    let text = listed(&place);
    let text = text
        .replacen("\nkeep ", "\naccept 24h Incident 12 ", 1)
        .replacen("\nkeep ", "\nbackport ", 1);
    insta::assert_snapshot!("triage_dry_run", apply(&place, &text, &["--dry-run"]));
    insta::assert_snapshot!("triage_apply", apply(&place, &text, &["--yes"]));
    let manifest = fs::read_to_string(place.path().join("deploy/cart.yaml")).unwrap();
    assert!(
        manifest.contains("limits: {memory: 512Mi} # the heap takes 200"),
        "{manifest}"
    );
    let shown = place.run(["diff", "deploy", "--live", "live.json"]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    insta::assert_snapshot!("triage_apply_again", apply(&place, &text, &["--yes"]));
}

#[test]
fn adds_a_rule_where_the_comparison_finds_it() {
    let place = place();
    let text = listed(&place).replace("\nkeep ", "\nignore Set by the on-call team ");
    let shown = apply(&place, &text, &["--yes"]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    let rules = fs::read_to_string(place.path().join(".driftctl.yaml")).unwrap();
    assert_eq!(
        rules.matches("reason: Set by the on-call team").count(),
        2,
        "{rules}"
    );
    let shown = place.run(["diff", "deploy", "--live", "live.json"]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
}

#[test]
fn a_file_that_keeps_everything_does_nothing() {
    let place = place();
    let shown = apply(&place, &listed(&place), &[]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn refuses_to_revert_a_recording() {
    let place = place();
    let text = listed(&place).replace("\nkeep ", "\nrevert ");
    let shown = apply(&place, &text, &["--yes"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn reports_malformed_lines() {
    let place = place();
    let text =
        "keep\naccept 24h\nforget 0123456789 high a/b .c\nignore \"\" 0123456789 high a/b .c\n";
    insta::assert_snapshot!("triage_malformed", apply(&place, text, &["--yes"]));
}

#[test]
fn rejects_contradictory_arguments() {
    let place = place();
    for (words, said) in [
        (
            &["deploy", "--live", "live.json", "--yes"][..],
            "--dry-run and --yes need decisions",
        ),
        (
            &["deploy", "--live", "live.json", "--edit"],
            "no terminal to edit in",
        ),
        (&["--apply", "nowhere", "--yes"], "cannot read nowhere"),
        (
            &["deploy", "--live", "live.json", "--base", "main"],
            "leave out --base",
        ),
        (
            &["deploy", "--live", "live.json", "deploy/shop/nowhere"],
            "selects none of the",
        ),
    ] {
        let shown = place.run([&["triage"], words].concat());
        assert!(shown.starts_with("exit code: 2"), "{words:?} {shown}");
        assert!(shown.contains(said), "{words:?} {shown}");
    }
}

/// Decisions can be piped in; then there is no terminal to ask at.
#[test]
fn reads_decisions_from_standard_input() {
    let place = place();
    let text = listed(&place).replace("\nkeep ", "\nbackport ");
    let mut command = place.driftctl();
    command
        .args(["triage", "--apply", "-", "--yes"])
        .write_stdin(text);
    let shown = place.shown(&command.output().unwrap());
    insta::assert_snapshot!(shown);
}

/// As in the other commands and in kubectl.
#[test]
fn accepts_manifests_with_f() {
    let place = place();
    let run = |command: &str| {
        let words = [command, "-f", "deploy", "--live", "live.json"];
        let output = place.driftctl().args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run("triage").matches("\nkeep ").count(), 2);
    assert!(run("backport").contains("512Mi"), "{}", run("backport"));
}

/// The name of an object can contain blanks, and look like the rest of a line.
#[test]
fn names_may_look_like_lines() {
    let name = "a\\nrevert 0123456789 high x/y .z";
    let manifest = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: \"{name}\"}}\n\
         rules: [{{apiGroups: [\"\"], resources: [pods], verbs: [get]}}]\n"
    );
    let live = manifest.replace("[get]", "[get, delete]");
    let place = TestFolder::new()
        .file("deploy/role.yaml", manifest)
        .file("live.yaml", live)
        .folder(".git");
    let words = ["triage", "deploy", "--live", "live.yaml"];
    let output = place.driftctl().args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    assert_eq!(lines.count(), 3, "{text}");
    let shown = apply(
        &place,
        &text.replace("\nkeep ", "\naccept 24h Why not "),
        &["--yes"],
    );
    insta::assert_snapshot!(shown);
}

/// A rule cannot ignore a whole object; what can depends on whether it is missing or extra.
#[test]
fn a_missing_object_cannot_be_ignored() {
    let place = place().file(
        "deploy/more.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nowhere, namespace: shop}\n",
    );
    let text = listed(&place);
    let line = text.lines().find(|line| line.contains("nowhere")).unwrap();
    let decided = text.replace(line, &line.replacen("keep", "ignore because", 1));
    let shown = apply(&place, &decided, &["--yes"]);
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("this is a whole object; use accept instead"),
        "{shown}"
    );
    assert!(!flat.contains("ignoreExtra"), "{shown}");
}
