//! The files by which other tools run driftctl: a GitHub Action, a pre-commit hook, a kubectl plugin.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::Place;

fn top_level(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn action() -> Value {
    serde_yaml::from_str(&top_level("action.yml")).unwrap()
}

fn steps(action: &Value) -> &Vec<Value> {
    action["runs"]["steps"].as_array().unwrap()
}

/// The script that runs driftctl.
fn script(action: &Value) -> String {
    let step = steps(action).iter().find(|step| step["id"] == "diff");
    step.unwrap()["run"].as_str().unwrap().to_owned()
}

/// Every long flag in a text.
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
fn every_flag_of_the_action_exists() {
    let script = script(&action());
    let lines = script.lines().filter(|line| line.contains("args"));
    let used = flags(&lines.collect::<Vec<_>>().join("\n"));
    assert!(used.len() > 8, "{used:?}");
    let unknown: Vec<_> = used.difference(&known_flags()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// `${{ … }}` is put into a script as text before the shell reads it: whoever names a branch could
/// write commands.
#[test]
fn no_expression_is_part_of_a_script() {
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

/// Runs the action's own script, with the built driftctl in the place of the cached one.
#[cfg(unix)]
fn run_script(place: &Place, inputs: &[(&str, &str)]) -> Option<(String, String)> {
    let bin = place.path().join("runner/driftctl/bin");
    fs::create_dir_all(&bin).unwrap();
    let _ = std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_driftctl"), bin.join("driftctl"));
    let action = action();
    let step = steps(&action)
        .iter()
        .find(|step| step["id"] == "diff")
        .unwrap();
    let mut command = std::process::Command::new("bash");
    command
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("RUNNER_TEMP", place.path().join("runner"))
        .env("GITHUB_OUTPUT", place.path().join("output"))
        .env("GITHUB_STEP_SUMMARY", place.path().join("summary"))
        .args(["-c", &script(&action)]);
    // What the runner does with `env:`, for the inputs' defaults.
    for (name, value) in step["env"].as_object().unwrap() {
        let input = value.as_str().unwrap();
        let input = input
            .trim_start_matches("${{ inputs.")
            .trim_end_matches(" }}");
        let given = inputs.iter().find(|(name, _)| *name == input);
        let default = action["inputs"][input]["default"].as_str().unwrap();
        command.env(name, given.map_or(default, |(_, value)| value));
    }
    let output = command.output().ok()?;
    let read = |file: &str| fs::read_to_string(place.path().join(file)).unwrap_or_default();
    let said = [output.stdout, output.stderr].concat();
    Some((
        format!("{}{}", String::from_utf8(said).unwrap(), read("summary")),
        read("output"),
    ))
}

#[cfg(unix)]
#[test]
fn the_actions_script_compares_and_answers() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n";
    let place = Place::new()
        .file("deploy/a.yaml", format!("{config}data: {{a: b}}\n"))
        .file("base/a.yaml", format!("{config}data: {{a: a}}\n"));
    let inputs = [
        ("path", "deploy"),
        ("base", "base"),
        ("kubeconfig", "nowhere"),
    ];
    let Some((said, answer)) = run_script(&place, &inputs) else {
        println!("skipped: there is no bash here");
        return;
    };
    assert_eq!(answer, "exit-code=2\n", "{said}");
    assert!(said.contains("nowhere"), "{said}");
}

/// Inputs are data, whatever they look like.
#[cfg(unix)]
#[test]
fn the_actions_inputs_run_nothing() {
    let evil = "$(touch pwned); touch pwned; `touch pwned` && touch pwned";
    let names = [
        "path",
        "base",
        "kubeconfig",
        "context",
        "namespace",
        "extra",
        "fail-on",
    ];
    for name in names {
        for value in [evil, "--show-secrets", "-o=json=pwned"] {
            let place = Place::new().folder("deploy");
            let inputs = [("path", "deploy"), ("kubeconfig", "nowhere"), (name, value)];
            let last = inputs.iter().rev().copied().collect::<Vec<_>>();
            let Some((said, answer)) = run_script(&place, &last) else {
                return;
            };
            assert_eq!(answer, "exit-code=2\n", "{name}={value}: {said}");
            assert!(!place.path().join("pwned").exists(), "{name}={value}");
        }
    }
}

#[test]
fn the_pre_commit_hook_runs_a_command_that_exists() {
    let hooks: Value = serde_yaml::from_str(&top_level(".pre-commit-hooks.yaml")).unwrap();
    let hook = &hooks[0];
    let entry: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
    assert_eq!(entry[0], env!("CARGO_PKG_NAME"));
    assert!(driftctl::cli::command().find_subcommand(entry[1]).is_some());
    assert_eq!(hook["pass_filenames"], false);
}

/// krew-release-bot fills the template in; without its calls it is a manifest.
#[test]
fn the_krew_manifest_names_the_plugin() {
    let text = top_level(".krew.yaml").replace("{{ .TagName }}", "v1.0.0");
    let plain: String = text
        .lines()
        .filter(|line| !line.contains("addURIAndSha"))
        .map(|line| format!("{line}\n"))
        .collect();
    let manifest: Value = serde_yaml::from_str(&plain).unwrap();
    assert_eq!(manifest["metadata"]["name"], "drift");
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert!(
        platforms
            .iter()
            .all(|platform| platform["bin"] == "kubectl-drift")
    );
    assert!(manifest["spec"]["shortDescription"].as_str().unwrap().len() <= 50);
}

/// Called as kubectl calls it, it speaks of itself by the name that people type.
#[cfg(unix)]
#[test]
fn as_a_plugin_it_goes_by_kubectls_name() {
    let place = Place::new();
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
    assert!(error.contains("Usage: kubectl drift diff"), "{error}");
    let plain = place.run(["diff", "--help"]);
    assert!(!plain.contains("kubectl drift"), "{plain}");
}
