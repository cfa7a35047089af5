//! Runs the steps of `action.yml` like a GitHub runner.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::TestFolder;

/// Returns the action.
pub fn action() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Returns its steps.
pub fn steps(action: &Value) -> &Vec<Value> {
    action["runs"]["steps"].as_array().unwrap()
}

/// Returns the script of a step.
pub fn script(name: &str) -> String {
    let action = action();
    let step = steps(&action).iter().find(|step| step["name"] == name);
    step.unwrap()["run"].as_str().unwrap().to_owned()
}

/// Returns a shell with the files and variables of a job.
fn job(place: &TestFolder) -> Command {
    let mut command = Command::new("bash");
    let path = std::env::var_os("PATH").unwrap();
    // Programs of the test come first.
    let mut paths = vec![place.path().join("programs")];
    paths.extend(std::env::split_paths(&path));
    command
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("HOME", place.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("CI", "true")
        .env("RUNNER_TEMP", place.path().join("runner"))
        .env("GITHUB_REPOSITORY", "shop/deploy")
        .env("GITHUB_EVENT_NAME", "push")
        .env("GITHUB_OUTPUT", place.path().join("output"))
        .env("GITHUB_STEP_SUMMARY", place.path().join("summary"))
        .envs(place.vars());
    command
}

/// Runs a step with these variables; `None` without bash.
pub fn run_step(place: &TestFolder, name: &str, vars: &[(&str, &str)]) -> Option<Output> {
    let mut command = job(place);
    command
        .envs(vars.iter().copied())
        .args(["-c", &script(name)]);
    command.output().ok()
}

/// Runs the comparison with the built driftctl in place of the cached one, with these inputs and
/// the defaults of the others. Returns the output with the summary, and the outputs of the step.
pub fn compare(place: &TestFolder, inputs: &[(&str, &str)]) -> Option<(String, String)> {
    let bin = place.path().join("runner/driftctl/bin");
    fs::create_dir_all(&bin).unwrap();
    #[cfg(unix)]
    let _ = std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_driftctl"), bin.join("driftctl"));
    let action = action();
    let step = steps(&action).iter().find(|step| step["id"] == "diff");
    let step = step.unwrap();
    let mut vars = Vec::new();
    // Sets `env:` like the runner, with the defaults of the inputs.
    for (name, value) in step["env"].as_object().unwrap() {
        let input = value.as_str().unwrap();
        let input = input
            .trim_start_matches("${{ ")
            .trim_start_matches("inputs.")
            .trim_end_matches(" }}");
        let given = inputs.iter().find(|(name, _)| *name == input);
        // Everything else, such as the name of the repository, is empty.
        let default = action["inputs"][input]["default"]
            .as_str()
            .unwrap_or_default();
        vars.push((name.as_str(), given.map_or(default, |(_, value)| value)));
    }
    let output = run_step(place, step["name"].as_str().unwrap(), &vars)?;
    let read = |file: &str| fs::read_to_string(place.path().join(file)).unwrap_or_default();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    Some((format!("{said}{}", read("summary")), read("output")))
}
