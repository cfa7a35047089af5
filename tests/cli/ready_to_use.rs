//! Tests the files with which other tools run driftctl: a GitHub Action, a pre-commit hook, a
//! kubectl plugin.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::TestFolder;
use support::action::{action, compare, run_step, script, steps};

/// The name of the step that runs driftctl.
const COMPARE: &str = "Compare";

fn top_level(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Returns every long flag in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let flags = words.filter_map(|word| word.strip_prefix("--"));
    flags
        .filter(|flag| !flag.is_empty())
        .map(str::to_owned)
        .collect()
}

fn known_flags() -> BTreeSet<String> {
    let command = driftctl::cli::command();
    let diff = command.find_subcommand("diff").unwrap();
    let flags = diff
        .get_arguments()
        .filter_map(|argument| argument.get_long());
    flags.map(str::to_owned).collect()
}

#[test]
fn the_action_uses_existing_flags() {
    let script = script(COMPARE);
    let is_git = |line: &&str| {
        ["git fetch", "git rev-parse", "--depth=1"]
            .iter()
            .any(|word| line.contains(word))
    };
    let lines = script.lines().filter(|line| !is_git(line));
    let used = flags(&lines.collect::<Vec<_>>().join("\n"));
    assert!(used.len() > 15, "{used:?}");
    let unknown: Vec<_> = used.difference(&known_flags()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// `${{ … }}` is inserted into a script before the shell parses it: the author of a branch name
/// could inject commands.
#[test]
fn scripts_contain_no_expressions() {
    let action = action();
    for step in steps(&action) {
        let script = step["run"].as_str().unwrap_or_default();
        assert!(!script.contains("${{"), "{script}");
    }
}

#[test]
fn every_input_is_used_and_described() {
    let action = action();
    let text = top_level("action.yml");
    for (name, input) in action["inputs"].as_object().unwrap() {
        assert!(text.contains(&format!("inputs.{name}")), "{name}");
        assert!(input["description"].is_string(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn the_action_runs_a_comparison() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n";
    let place = TestFolder::new()
        .file("deploy/a.yaml", format!("{config}data: {{a: b}}\n"))
        .file("base/a.yaml", format!("{config}data: {{a: a}}\n"));
    let inputs = [
        ("path", "deploy"),
        ("base", "base"),
        ("kubeconfig", "nowhere"),
    ];
    let Some((said, answer)) = compare(&place, &inputs) else {
        println!("skipped: bash is not installed");
        return;
    };
    assert_eq!(answer, "exit-code=2\n", "{said}");
    insta::assert_snapshot!(said);
}

/// Inputs are data, whatever they contain.
#[cfg(unix)]
#[test]
fn inputs_of_the_action_cannot_run_commands() {
    let evil = "$(touch pwned); touch pwned; `touch pwned` && touch pwned";
    let names = [
        "path",
        "base",
        "kubeconfig",
        "context",
        "namespace",
        "extra",
        "fail-on",
        "app",
        "kustomization",
        "untrusted",
        "allow-namespace",
        "allow-kind",
        "render",
        "config",
        "baseline",
        "max-missing",
        "max-extra",
        "sarif",
    ];
    for name in names {
        for value in [evil, "--show-secrets", "-o=json=pwned"] {
            let place = TestFolder::new().folder("deploy");
            let inputs = [("path", "deploy"), ("kubeconfig", "nowhere"), (name, value)];
            let last = inputs.iter().rev().copied().collect::<Vec<_>>();
            let Some((said, answer)) = compare(&place, &last) else {
                return;
            };
            assert_eq!(answer, "exit-code=2\n", "{name}={value}: {said}");
            assert!(!place.path().join("pwned").exists(), "{name}={value}");
        }
    }
}

/// Returns the arguments that the action passes to driftctl, one per line.
#[cfg(unix)]
fn arguments(inputs: &[(&str, &str)], vars: &[(&str, &str)]) -> Option<String> {
    let place = TestFolder::new().file(
        "runner/driftctl/bin/driftctl",
        "#!/bin/sh\nprintf '%s\\n' \"$@\"\n",
    );
    executable(&place.path().join("runner/driftctl/bin/driftctl"));
    let place = vars
        .iter()
        .fold(place, |place, (name, value)| place.var(name, value));
    compare(&place, inputs).map(|(said, _)| said.replace(place.path().to_str().unwrap(), "$DIR"))
}

#[cfg(unix)]
fn executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A pull request from a fork is untrusted by default, and every flag that it then needs is an
/// input.
#[cfg(unix)]
#[test]
fn the_action_passes_the_flags_that_a_fork_needs() {
    let inputs = [
        ("path", "deploy\n\nmore of it\n"),
        ("base", "origin/main"),
        ("allow-namespace", "shop-*\nshop"),
        ("allow-kind", "deploy,svc"),
        ("config", "trusted/rules.yaml"),
        ("args", "--values=a b.yaml\n--max-missing=3\n"),
    ];
    let pull_request = ("GITHUB_BASE_REF", "main");
    let own = (
        "github.event.pull_request.head.repo.full_name",
        "shop/deploy",
    );
    let event = ("GITHUB_EVENT_NAME", "pull_request");
    let Some(outside) = arguments(&inputs, &[event, pull_request]) else {
        println!("skipped: bash is not installed");
        return;
    };
    insta::assert_snapshot!(outside);
    let distrusts = |inputs: &[(&str, &str)], vars: &[(&str, &str)]| {
        let said = arguments(inputs, vars).unwrap();
        said.lines().any(|line| line == "--untrusted")
    };
    assert!(!distrusts(&[own, ("base", "b")], &[event, pull_request]));
    assert!(distrusts(
        &[own, ("base", "b"), ("untrusted", "true")],
        &[event, pull_request]
    ));
    assert!(!distrusts(
        &[("base", "b"), ("untrusted", "false")],
        &[event, pull_request]
    ));
    for (name, expected) in [
        ("push", false),
        ("schedule", false),
        ("workflow_dispatch", false),
        ("merge_group", false),
        ("issue_comment", true),
        ("workflow_run", true),
        ("pull_request_target", true),
        ("pull_request_review", true),
        ("repository_dispatch", true),
        ("", true),
    ] {
        let event = ("GITHUB_EVENT_NAME", name);
        assert_eq!(
            distrusts(&[own, ("base", "b")], &[event]),
            expected,
            "{name}"
        );
    }
    assert!(!distrusts(&[], &[]), "a push is the repository's own");
    let full = arguments(&[own], &[event, pull_request]).unwrap();
    assert!(full.contains("--base=refs/remotes/origin/main\n"), "{full}");
    let app = arguments(&[("app", "a.yaml\nb.yaml")], &[]).unwrap();
    assert!(
        app.ends_with("--app=a.yaml\n--app=b.yaml\n--fail-on=drift,conflict\n--\n"),
        "{app}"
    );
}

#[cfg(unix)]
#[test]
fn a_fork_without_allowed_namespaces_gets_one_message() {
    let fork = (
        "github.event.pull_request.head.repo.full_name",
        "stranger/deploy",
    );
    for event in ["pull_request", "pull_request_target"] {
        let place = TestFolder::new()
            .file("deploy/a.yaml", "kind: nothing\n")
            .var("GITHUB_BASE_REF", "main")
            .var("GITHUB_EVENT_NAME", event);
        let inputs = [fork, ("path", "deploy"), ("base", "b")];
        let Some((said, answer)) = compare(&place, &inputs) else {
            println!("skipped: bash is not installed");
            return;
        };
        assert_eq!(answer, "exit-code=2\n", "{said}");
        assert_eq!(said.matches("::error").count(), 1, "{said}");
        assert!(said.contains("allow-namespace"), "{said}");
    }
}

/// Cargo reads settings from the current folder, which can name programs to run.
#[test]
fn builds_outside_the_repository_under_test() {
    let action = action();
    for step in steps(&action) {
        let script = step["run"].as_str().unwrap_or_default();
        if script.contains("cargo ") {
            assert_eq!(step["working-directory"], "${{ github.action_path }}");
        }
    }
}

/// Returns a `gh` that records its arguments, and prints the given comments.
#[cfg(unix)]
fn with_gh(comments: &str) -> TestFolder {
    let place = TestFolder::new()
        .file("comments", comments)
        .file(
            "programs/gh",
            "#!/bin/sh\necho \"$@\" >> asked\ncase \"$*\" in *--paginate*) cat comments;; esac\n",
        )
        .file(
            "runner/driftctl/comment.md",
            "<!-- driftctl -->\n### driftctl: drifted\n",
        );
    executable(&place.path().join("programs/gh"));
    place
}

/// There is one comment, which is updated.
#[cfg(unix)]
#[test]
fn the_action_updates_its_comment() {
    let body = "--field body=@";
    let comments = "repos/shop/deploy/issues";
    for (there, expected) in [
        ("", format!("--method POST {comments}/7/comments {body}")),
        (
            "41\n42\n",
            format!("--method PATCH {comments}/comments/41 {body}"),
        ),
    ] {
        let place = with_gh(there);
        let step = run_step(
            &place,
            "Comment on the pull request",
            &[("PULL_REQUEST", "7")],
        );
        let Some(output) = step else { return };
        assert!(output.status.success(), "{output:?}");
        let asked = fs::read_to_string(place.path().join("asked")).unwrap();
        let asked: Vec<&str> = asked.lines().collect();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(
            asked[0].contains("startswith(\"<!-- driftctl -->\")"),
            "{asked:?}"
        );
        assert!(asked[1].contains(&expected), "{asked:?}");
    }
    let place = with_gh("");
    let named = [("PULL_REQUEST", "7"), ("COMMENT_ID", "a\"b c")];
    run_step(&place, "Comment on the pull request", &named).unwrap();
    let asked = fs::read_to_string(place.path().join("asked")).unwrap();
    assert!(
        asked.contains("startswith(\"<!-- driftctl a_b_c -->\")"),
        "{asked}"
    );
    let body = fs::read_to_string(place.path().join("runner/driftctl/comment.md.marked"));
    assert!(
        body.unwrap()
            .starts_with("<!-- driftctl a_b_c -->\n<!-- driftctl -->\n###")
    );
    let place = with_gh("").file("runner/driftctl/comment.md", "");
    run_step(
        &place,
        "Comment on the pull request",
        &[("PULL_REQUEST", "7")],
    )
    .unwrap();
    assert!(
        !place.path().join("asked").exists(),
        "there is nothing to say"
    );
}

/// The job exits with the comparison's code; a job that fails earlier fails too.
#[cfg(unix)]
#[test]
fn the_action_exits_with_the_code_of_the_comparison() {
    for (code, expected) in [("0", 0), ("1", 1), ("2", 2), ("", 2)] {
        let place = TestFolder::new();
        let Some(output) = run_step(&place, "Answer", &[("CODE", code)]) else {
            return;
        };
        assert_eq!(output.status.code(), Some(expected), "{code:?}");
    }
}

/// Every flag and every format in the GitLab snippet exists.
#[test]
fn the_gitlab_snippet_uses_existing_flags() {
    let document = top_level("docs/ci.md");
    let (_, rest) = document.split_once("## GitLab").unwrap();
    let (_, rest) = rest.split_once("```yaml\n").unwrap();
    let (snippet, _) = rest.split_once("```").unwrap();
    let job: Value = serde_yaml::from_str(snippet).unwrap();
    let lines = job["drift"]["script"].as_array().unwrap();
    let line = lines
        .iter()
        .filter_map(Value::as_str)
        .find(|line| line.starts_with("driftctl "));
    let line = line.unwrap().replace('"', "");
    let words = line.split_whitespace();
    let parsed = driftctl::cli::command().try_get_matches_from(words);
    assert!(parsed.is_ok(), "{parsed:?}");
    let reports = job["drift"]["artifacts"]["reports"].as_object().unwrap();
    for file in reports.values() {
        assert!(
            line.contains(&format!("={}", file.as_str().unwrap())),
            "{file}"
        );
    }
}

#[test]
fn the_pre_commit_hook_runs_an_existing_command() {
    let hooks: Value = serde_yaml::from_str(&top_level(".pre-commit-hooks.yaml")).unwrap();
    let hook = &hooks[0];
    let entry: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
    assert_eq!(entry[0], env!("CARGO_PKG_NAME"));
    assert!(driftctl::cli::command().find_subcommand(entry[1]).is_some());
    assert_eq!(hook["pass_filenames"], false);
}

/// krew-release-bot fills in the template; without its calls it is a valid manifest.
#[test]
fn the_krew_manifest_describes_the_plugin() {
    let text = top_level(".krew.yaml").replace("{{ .TagName }}", "v1.0.0");
    let plain: String = text
        .lines()
        .filter(|line| !line.contains("addURIAndSha"))
        .map(|line| format!("{line}\n"))
        .collect();
    let manifest: Value = serde_yaml::from_str(&plain).unwrap();
    assert_eq!(manifest["metadata"]["name"], "drift");
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    for platform in platforms {
        let is_windows = platform["selector"]["matchLabels"]["os"] == "windows";
        let program = if is_windows {
            "kubectl-drift.exe"
        } else {
            "kubectl-drift"
        };
        assert_eq!(platform["bin"], program);
    }
    assert!(manifest["spec"]["shortDescription"].as_str().unwrap().len() <= 50);
}

/// Called as a kubectl plugin, it shows the name that users type.
#[cfg(unix)]
#[test]
fn the_plugin_calls_itself_kubectl_drift() {
    let place = TestFolder::new();
    let plugin = place.path().join("kubectl-drift");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_driftctl"), &plugin).unwrap();
    let run = |words: &[&str]| {
        let output = std::process::Command::new(&plugin).args(words).output();
        let output = output.unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let help = run(&["diff", "--help"]);
    assert!(help.contains("Usage: kubectl drift diff"), "{help}");
    assert!(help.contains("kubectl drift diff ./manifests "), "{help}");
    let error = run(&["diff", "--nonsense"]);
    insta::assert_snapshot!(error);
    let plain = place.run(["diff", "--help"]);
    assert!(!plain.contains("kubectl drift"), "{plain}");
}
