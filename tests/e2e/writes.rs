//! Tests commands that write: real `kubectl` edits, then `driftctl revert`, `backport` and
//! `triage`, and then what `driftctl diff` finds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

use crate::{Applied, Failed, Namespace, lines};

scenarios! {
    revert_after_client_side_apply => |path, name| revert(path, name, Applied::ByClient),
    revert_after_server_side_apply => |path, name| revert(path, name, Applied::ByServer),
    revert_after_create => |path, name| revert(path, name, Applied::Created),
    the_next_apply_works_after_a_revert => the_next_apply,
    backport_and_git_apply => backport,
    decisions_of_a_triage => triage,
    a_dry_run_writes_nothing => dry_run,
}

/// Edits of an incident.
const EDITS: &[&[&str]] = &[
    &["edit", "deployment/web"],
    &["scale", "deployment/web", "--replicas=5"],
    &["set", "env", "deployment/web", "DEBUG=1"],
    &[
        "patch",
        "deployment/web",
        "-p",
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"debug","image":"busybox:1.36"}]}}}}"#,
    ],
    &[
        "patch",
        "service/web",
        "--type=json",
        "-p",
        r#"[{"op":"replace","path":"/spec/ports/0/port","value":81}]"#,
    ],
    &["label", "service/web", "hotfix=yes"],
    &["annotate", "configmap/web", "note=by night"],
    &[
        "patch",
        "configmap/web",
        "-p",
        r#"{"data":{"greeting":"Closed\n"}}"#,
    ],
    &[
        "patch",
        "role/web",
        "--type=json",
        "-p",
        r#"[{"op":"add","path":"/rules/0/verbs/-","value":"delete"}]"#,
    ],
];

/// An edit of a Secret.
const SECRET_EDIT: &[&str] = &[
    "patch",
    "secret/web",
    "-p",
    r#"{"stringData":{"password":"correct-horse-battery"}}"#,
];

fn edited<'a>(kubeconfig: &'a OsString, name: &str, how: Applied) -> Result<Namespace<'a>, Failed> {
    let namespace = Namespace::create(kubeconfig, name)?;
    namespace.apply(how)?;
    for edit in EDITS {
        namespace.kubectl(edit)?;
    }
    Ok(namespace)
}

/// Runs driftctl in the namespace.
fn driftctl(namespace: &Namespace<'_>, words: &[&str]) -> Output {
    let mut command = namespace.place.driftctl();
    let (name, words) = words.split_first().unwrap();
    command
        .arg(name)
        .arg("--kubeconfig")
        .arg(namespace.kubeconfig);
    command.args(["--namespace", &namespace.name]).args(words);
    command.env("XDG_STATE_HOME", namespace.place.path().join("state"));
    command.output().unwrap()
}

/// Does the same, and checks the exit code.
fn expect(namespace: &Namespace<'_>, words: &[&str], exit: i32) -> Result<String, Failed> {
    let output = driftctl(namespace, words);
    let shown = namespace.place.shown(&output);
    if shown.contains(crate::SECRET) {
        return Err(format!("a secret is shown by {words:?}").into());
    }
    if output.status.code() != Some(exit) {
        return Err(format!("{words:?} should exit with {exit}\n{shown}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the current drift.
fn drift(namespace: &Namespace<'_>) -> Result<BTreeSet<String>, Failed> {
    let output = driftctl(namespace, &["diff", "manifests", "-o", "json"]);
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|_| namespace.place.shown(&output))?;
    Ok(lines(&report))
}

fn same(what: &str, one: &BTreeSet<String>, other: &BTreeSet<String>) -> Result<(), Failed> {
    match one == other {
        true => Ok(()),
        false => Err(format!("{what}: {one:#?} and {other:#?}").into()),
    }
}

fn revert(kubeconfig: &OsString, name: &str, how: Applied) -> Result<(), Failed> {
    let namespace = edited(kubeconfig, name, how)?;
    namespace.kubectl(SECRET_EDIT)?;
    let before = drift(&namespace)?;
    if before.len() < 12 {
        return Err(format!("too little drifts: {before:#?}").into());
    }
    expect(&namespace, &["revert", "manifests", "--all", "--yes"], 0)?;
    expect(&namespace, &["diff", "manifests"], 0)?;
    expect(&namespace, &["revert", "--undo", "--yes"], 0)?;
    same("undone", &drift(&namespace)?, &before)
}

/// Ownership is unchanged: the next apply of the manifests has no conflicts.
fn the_next_apply(kubeconfig: &OsString, name: &str) -> Result<(), Failed> {
    let namespace = edited(kubeconfig, name, Applied::ByServer)?;
    expect(&namespace, &["revert", "manifests", "--all", "--yes"], 0)?;
    let file = namespace.place.path().join("manifests/shop.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("web:1.4", "web:1.6")
            .replace("replicas: 2", "replicas: 4"),
    )
    .unwrap();
    namespace.apply(Applied::ByServer)?;
    expect(&namespace, &["diff", "manifests"], 0).map(|_| ())
}

fn backport(kubeconfig: &OsString, name: &str) -> Result<(), Failed> {
    let namespace = edited(kubeconfig, name, Applied::ByClient)?;
    let place = namespace.place.path();
    git(place, &["init", "-q"])?;
    let patch = expect(&namespace, &["backport", "manifests"], 0)?;
    fs::write(place.join("fix.patch"), patch).unwrap();
    git(place, &["apply", "fix.patch"])?;
    expect(&namespace, &["diff", "manifests"], 0)?;
    // The manifests match the live objects: applying them changes nothing.
    namespace.apply(Applied::ByClient)?;
    expect(&namespace, &["diff", "manifests"], 0)?;
    let text = fs::read_to_string(place.join("manifests/shop.yaml")).unwrap();
    let comments = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    match comments(&text) == comments(crate::MANIFEST) {
        true => Ok(()),
        false => Err(format!("a comment is lost:\n{text}").into()),
    }
}

fn git(folder: &std::path::Path, words: &[&str]) -> Result<(), Failed> {
    let done = Command::new("git").args(words).current_dir(folder).output();
    let done = done.map_err(|error| format!("git could not be started: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned().into()),
    }
}

/// Makes a decision of each kind, and changes one value before they are carried out.
fn triage(kubeconfig: &OsString, name: &str) -> Result<(), Failed> {
    let namespace = edited(kubeconfig, name, Applied::ByClient)?;
    git(namespace.place.path(), &["init", "-q"])?;
    namespace.kubectl(SECRET_EDIT)?;
    let todo = expect(&namespace, &["triage", "manifests"], 0)?;
    let decide = |line: &str| {
        let decision = [
            (".image", "revert"),
            ("debug", "revert"),
            ("DEBUG", "accept 24h Incident 12"),
            (".spec.ports", "revert"),
            (".metadata.labels", "ignore Set by the on-call team"),
            (".data.greeting", "backport"),
            (".data.password", "revert"),
            (".rules", "revert"),
            (".spec.replicas", "revert"),
        ];
        let words: Vec<&str> = line.split_whitespace().skip(3).take(2).collect();
        let about = words.join(" ");
        let found = decision.iter().find(|(part, _)| about.contains(part));
        match (line.strip_prefix("keep "), found) {
            (Some(rest), Some((_, decision))) => format!("{decision} {rest}\n"),
            _ => format!("{line}\n"),
        }
    };
    let decided: String = todo.lines().map(decide).collect();
    fs::write(namespace.place.path().join("todo"), &decided).unwrap();
    namespace.kubectl(&["scale", "deployment/web", "--replicas=6"])?;
    let said = expect(&namespace, &["triage", "--apply", "todo", "--yes"], 2)?;
    let skipped: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("  skipped  "))
        .collect();
    if skipped.len() != 1 || !skipped[0].contains(".spec.replicas") {
        return Err(format!("only the replicas changed again:\n{said}").into());
    }
    let left = BTreeSet::from([
        "ConfigMap/web added .metadata.annotations.note",
        "ConfigMap/web drifted",
        "Deployment/web changed .spec.replicas",
        "Deployment/web drifted",
    ]);
    let left = left.into_iter().map(str::to_owned).collect();
    same("left", &drift(&namespace)?, &left)
}

fn dry_run(kubeconfig: &OsString, name: &str) -> Result<(), Failed> {
    let namespace = edited(kubeconfig, name, Applied::ByServer)?;
    let before = drift(&namespace)?;
    let said = expect(&namespace, &["revert", "manifests", "--dry-run"], 1)?;
    for part in ["the server accepts this (dry run)", "an apply undoes"] {
        if !said.replace('\n', " ").contains(part) {
            return Err(format!("{part:?} is not shown:\n{said}").into());
        }
    }
    same("after a dry run", &drift(&namespace)?, &before)
}
