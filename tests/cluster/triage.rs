//! Tests `driftctl triage` with a server whose objects change: it does exactly what was decided.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::server::{Cluster, Server, without_ports};
use crate::support::{TestFolder, fixture};

/// Returns the shop, with objects that can be changed.
fn writable() -> Cluster {
    let mut shop = crate::shop();
    shop.writable = true;
    shop
}

/// Returns a repository with the shop's manifests, and a kubeconfig for the server.
fn place(server: &Server) -> TestFolder {
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let copied = Command::new("cp")
        .arg("-r")
        .arg(fixture("shop/manifests"))
        .arg(place.path())
        .status();
    assert!(copied.unwrap().success());
    std::fs::create_dir(place.path().join(".git")).unwrap();
    place
}

/// Runs a command with the server. Returns the exit code and both streams.
fn run(place: &TestFolder, words: &[&str]) -> (i32, String, String) {
    let (command, words) = words.split_first().unwrap();
    let output = place
        .driftctl()
        .env("XDG_STATE_HOME", place.path().join("state"))
        .args([
            command,
            "--kubeconfig",
            "kubeconfig",
            "--request-timeout",
            "5",
        ])
        .args(words)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Returns the lines about changes in a file of decisions.
fn lines(place: &TestFolder, words: &[&str]) -> (String, Vec<String>) {
    let words = [&["triage", "manifests"], words].concat();
    let (code, text, err) = run(place, &words);
    assert_eq!(code, 0, "{err}");
    let lines = text.lines().filter(|line| line.starts_with("keep "));
    let lines = lines.map(str::to_owned).collect();
    (text, lines)
}

/// Returns the object and the path of a line.
fn about(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().skip(3).take(2).collect();
    words.join(" ")
}

/// Returns the object and the path of all drift, without rules.
fn drifting(place: &TestFolder) -> BTreeSet<String> {
    let (_, lines) = lines(place, &["--no-config", "--extra", "namespace"]);
    lines.iter().map(|line| about(line)).collect()
}

/// Returns a decision for a line of the shop; all decisions are used.
fn decision(at: usize, line: &str) -> &'static str {
    let is_whole = line.contains(" .  extra") || line.contains(" .  missing");
    match at % 4 {
        0 => "revert",
        1 if line.contains(" Secret/") => "revert",
        2 => "accept 24h Incident 12",
        _ if is_whole => "accept 7d \"Incident 12, for now\"",
        1 => "backport",
        _ => "ignore Set by hand",
    }
}

/// Returns the text with decisions in its first lines, and those decisions by their first word.
fn decided(text: &str, most: usize) -> (String, Vec<(String, String)>) {
    let mut made = Vec::new();
    let mut out = String::new();
    for line in text.lines() {
        match line.strip_prefix("keep ").filter(|_| made.len() < most) {
            Some(rest) => {
                let decision = decision(made.len(), line);
                out.push_str(&format!("{decision} {rest}\n"));
                let word = decision.split(' ').next().unwrap().to_owned();
                made.push((word, about(line)));
            }
            None => out.push_str(&format!("{line}\n")),
        }
    }
    (out, made)
}

fn write(place: &TestFolder, text: &str) {
    std::fs::write(place.path().join("todo"), text).unwrap();
}

/// Returns all files that a run may write.
fn files(place: &TestFolder) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut folders = vec![place.path().join("manifests"), place.path().to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !seen.insert(path.clone()) || path.ends_with("todo") {
                continue;
            }
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                    files.push((path.display().to_string(), text));
                }
            }
        }
    }
    files.sort();
    files
}

#[test]
fn carries_out_fifty_decisions_exactly() {
    let server = writable().start();
    let place = place(&server);
    let before = drifting(&place);
    let (text, all) = lines(&place, &["--extra", "namespace"]);
    let (text, made) = decided(&text, 50);
    write(&place, &text);
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("TRIAGED  50 of 50 decisions carried out"),
        "{out}"
    );
    let of = |words: &[&str]| -> BTreeSet<String> {
        let made = made
            .iter()
            .filter(|(word, _)| words.contains(&word.as_str()));
        made.map(|(_, about)| about.clone()).collect()
    };
    for word in ["revert", "backport", "accept", "ignore"] {
        assert!(of(&[word]).len() >= 5, "{word}: {made:#?}");
    }
    // Without rules: what was reverted or backported no longer drifts, and nothing else changed.
    let after = drifting(&place);
    let gone: BTreeSet<String> = before.difference(&after).cloned().collect();
    assert_eq!(gone, of(&["revert", "backport"]));
    assert!(after.is_subset(&before), "{:#?}", after.difference(&before));
    // With rules: only what was kept drifts.
    let (_, left) = lines(&place, &["--extra", "namespace"]);
    let left: BTreeSet<String> = left.iter().map(|line| about(line)).collect();
    let kept: BTreeSet<String> = all.iter().skip(50).map(|line| about(line)).collect();
    assert_eq!(left, kept);
    let expected = of(&["revert"]).len();
    let said = out
        .lines()
        .filter(|line| line.contains("  reverted  "))
        .count();
    assert_eq!(said, expected, "{out}");
    // The reverts can be undone.
    assert!(out.contains("driftctl revert --undo shop-2026"), "{out}");
    let (code, out, err) = run(&place, &["revert", "--undo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    let again = drifting(&place);
    assert_eq!(again.difference(&after).count(), expected, "{out}");
}

#[test]
fn applying_a_file_again_does_nothing() {
    let server = writable().start();
    let place = place(&server);
    let (text, _) = lines(&place, &[]);
    let (text, _) = decided(&text, 12);
    write(&place, &text);
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    let (writes, before) = (server.writes().len(), files(&place));
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("0 of 12 decisions carried out, 12 no longer drifted"),
        "{out}"
    );
    assert_eq!(server.writes().len(), writes);
    assert_eq!(files(&place), before);
}

const CART: &str = "/apis/apps/v1/namespaces/shop/deployments/cart";

/// Returns a file that reverts two changes of the cart.
fn of_the_cart(place: &TestFolder) -> String {
    let (text, _) = lines(place, &["deploy/shop/cart"]);
    text.replace("keep ", "revert ")
}

#[test]
fn skips_and_reports_values_that_changed_since() {
    let server = writable().start();
    let place = place(&server);
    write(&place, &of_the_cart(&place));
    server.change(|cluster| {
        let mut cart = cluster.object_at(CART).unwrap();
        cart["spec"]["template"]["spec"]["nodeSelector"]["disktype"] = "tape".into();
        cluster.replace(cart);
    });
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains(".spec.template.spec.nodeSelector.disktype changed since the file was written, now + tape"),
        "{out}"
    );
    assert!(
        shown.contains("INCOMPLETE 2 of 3 decisions carried out, 1 skipped"),
        "{out}"
    );
    let cart = server.object(CART);
    assert_eq!(
        cart["spec"]["template"]["spec"]["nodeSelector"]["disktype"],
        "tape"
    );
    assert_eq!(
        cart["metadata"]["labels"]["app.kubernetes.io/component"],
        "api"
    );
    let (code, plan, err) = run(
        &place,
        &["triage", "--apply", "todo", "--dry-run", "-o", "json"],
    );
    assert_eq!(code, 2, "{plan}{err}");
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(
        plan["refused"][0]["reason"], "changed-meanwhile",
        "{plan:#}"
    );
    assert_eq!(plan["action"], "triage");
}

#[test]
fn a_malformed_line_stops_everything() {
    let server = writable().start();
    let place = place(&server);
    let text = format!("{}\nrevrt 0123456789 high a/b .c\n", of_the_cart(&place));
    write(&place, &text);
    let before = files(&place);
    let line = text.lines().count();
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(
        err.contains(&format!("todo:{line}: \"revrt\" is not a decision")),
        "{err}"
    );
    insta::assert_snapshot!(err);
    assert!(server.writes().is_empty());
    assert_eq!(files(&place), before);
}

#[test]
fn a_dry_run_writes_neither_to_the_cluster_nor_to_files() {
    let server = writable().start();
    let place = place(&server);
    let (text, _) = lines(&place, &[]);
    let (text, _) = decided(&text, 12);
    write(&place, &text);
    let before = files(&place);
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--dry-run"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("the server accepts this (dry run)"), "{out}");
    assert!(server.writes().is_empty());
    assert_eq!(files(&place), before);
}

#[test]
fn a_refusal_of_the_server_stops_edits_of_files_too() {
    let mut cluster = writable();
    cluster.denies = Some("admission webhook \"lock\" denied the request: locked".to_owned());
    let server = cluster.start();
    let place = place(&server);
    let (text, _) = lines(&place, &[]);
    let (text, _) = decided(&text, 12);
    write(&place, &text);
    let before = files(&place);
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(
        out.contains("the server does not accept this; nothing was changed"),
        "{out}"
    );
    assert!(server.writes().is_empty());
    assert_eq!(files(&place), before);
}

#[test]
fn refuses_a_file_of_another_cluster() {
    let (server, other) = (writable().start(), writable().start());
    let place = place(&server);
    write(&place, &of_the_cart(&place));
    std::fs::write(place.path().join("kubeconfig"), other.kubeconfig()).unwrap();
    let (code, out, err) = run(&place, &["triage", "--apply", "todo", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    insta::assert_snapshot!(without_ports(&err));
    assert!(other.writes().is_empty());
}

#[test]
fn the_file_contains_no_secrets() {
    let server = writable().start();
    let place = place(&server);
    let (text, lines) = lines(&place, &["secret/*"]);
    assert!(lines.len() > 3, "{text}");
    let secret = server.object("/api/v1/namespaces/shop/secrets/cart-session");
    for value in secret["data"].as_object().unwrap().values() {
        let value = value.as_str().unwrap();
        // Shorter ones cannot be distinguished from other text.
        assert!(value.len() < 8 || !text.contains(value), "{text}");
    }
}

#[test]
fn does_not_revert_unapplied_changes_and_says_why() {
    let live = crate::revert::applied_with_two_replicas();
    let mut cluster = Cluster::with_objects(&[live]);
    cluster.writable = true;
    let server = cluster.start();
    let manifest = "apiVersion: apps/v1\nkind: Deployment\n\
                    metadata: {name: web, namespace: shop}\nspec:\n  replicas: 3\n";
    let place = TestFolder::new()
        .file("manifests/web.yaml", manifest)
        .file("kubeconfig", server.kubeconfig());
    let (text, _) = lines(&place, &[]);
    write(&place, &text.replace("keep ", "revert "));
    let words = ["triage", "--apply", "todo", "--yes"];
    let (code, out, err) = run(&place, &words);
    assert_eq!(code, 2, "{out}{err}");
    assert!(
        out.contains("Git is ahead of the cluster (unapplied)"),
        "{out}"
    );
    assert!(server.writes().is_empty());
    let (code, out, err) = run(&place, &[&words[..], &["--include", "unapplied"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    let web = server.object("/apis/apps/v1/namespaces/shop/deployments/web");
    assert_eq!(web["spec"]["replicas"], 3);
}
