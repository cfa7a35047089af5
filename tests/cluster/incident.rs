//! Tests `docs/incident.md` step by step: commands that only read run on the recording that the
//! page names, and those that write run with a server that has its objects.
//!
//! Other tests compare the outputs of `console` blocks; this one compares those of `text` blocks.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::{Cluster, Server};
use crate::support::{TestFolder, fixture};

const CART: &str = "/apis/apps/v1/namespaces/shop/deployments/cart";

/// Returns a server with the page's cluster.
fn server() -> Server {
    let text = std::fs::read_to_string(fixture("demo/live.json")).unwrap();
    let mut cluster = Cluster::of(&serde_json::from_str(&text).unwrap());
    cluster.writable = true;
    cluster.start()
}

fn place(server: &Server) -> TestFolder {
    let place = TestFolder::new()
        .folder("fixtures")
        .file("kubeconfig", server.kubeconfig());
    for (program, words) in [
        (
            "cp",
            vec![
                "-r".to_owned(),
                fixture("demo").display().to_string(),
                "fixtures".to_owned(),
            ],
        ),
        ("git", vec!["init".to_owned(), "-q".to_owned()]),
    ] {
        let done = Command::new(program)
            .args(words)
            .current_dir(place.path())
            .status();
        assert!(done.unwrap().success(), "{program}");
    }
    place
}

/// Runs a command of the page in a shell.
fn shell(place: &TestFolder, script: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_driftctl")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(program.to_owned()).chain(std::env::split_paths(&path));
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("HOME", place.path())
        .env("KUBECONFIG", place.path().join("kubeconfig"))
        .env("XDG_STATE_HOME", place.path().join("state"))
        .env("LC_ALL", "C.UTF-8")
        .envs(place.vars())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap().trim_end().to_owned()
}

/// Returns the commands of the page with their outputs, and whether to compare the output.
fn steps() -> Vec<(String, String, bool)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/incident.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut steps: Vec<(String, String, bool)> = Vec::new();
    let mut language = None;
    let mut continues = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), language) {
            (Some(word), None) => language = Some(word),
            (Some(_), Some(_)) => language = None,
            (None, Some(word @ ("console" | "text"))) => {
                if let Some(command) = line.strip_prefix("$ ") {
                    steps.push((command.to_owned(), String::new(), word == "text"));
                    continues = line.ends_with('\\');
                } else if let Some((command, output, _)) = steps.last_mut() {
                    let part = if continues { command } else { output };
                    part.push('\n');
                    part.push_str(line);
                    continues = continues && line.ends_with('\\');
                }
            }
            _ => {}
        }
    }
    steps
}

#[test]
fn the_steps_of_the_page_end_without_drift() {
    let server = server();
    let place = place(&server);
    let before = server.object(CART);
    let steps = steps();
    assert!(steps.len() >= 7, "{steps:#?}");
    for (command, output, is_compared) in &steps {
        let printed = shell(&place, command);
        if *is_compared {
            assert_eq!(printed, output.trim(), "$ {command}\n{printed}");
        }
    }
    // The container is gone; the raised limit is still live, and the manifest declares it.
    let after = server.object(CART);
    let containers = |object: &Value| object["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(containers(&before).as_array().unwrap().len(), 2);
    assert_eq!(containers(&after).as_array().unwrap().len(), 1);
    assert_eq!(containers(&after)[0], containers(&before)[0]);
    let manifest = place.path().join("fixtures/demo/base/cart.yaml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    assert!(
        manifest.contains("limits: {memory: 512Mi} # the heap takes 200"),
        "{manifest}"
    );
    let patches = server
        .writes()
        .into_iter()
        .filter(|(method, _)| method == "PATCH");
    assert_eq!(patches.count(), 1);
    let events = server.events();
    assert_eq!(events[0]["reason"], "DriftReverted");
    // All of it can be undone.
    let undone = shell(&place, "driftctl revert --undo --yes");
    assert!(undone.contains("UNDONE"), "{undone}");
    assert_eq!(containers(&server.object(CART)), containers(&before));
}
