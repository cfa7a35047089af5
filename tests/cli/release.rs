//! Tests that everything about a release agrees on names: the workflows, the archives that they
//! build, and whatever downloads them; and that the action runs only what it verified.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::TestFolder;
use crate::support::action::run_step;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn top_level(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&top_level(name)).unwrap()
}

/// Returns the value of a line `KEY = "VALUE"` of Cargo.toml.
fn of_cargo(key: &str) -> String {
    let text = top_level("Cargo.toml");
    let prefix = format!("{key} = \"");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap().trim_end_matches('"').to_owned()
}

const WORKFLOWS: [&str; 2] = [".github/workflows/ci.yml", ".github/workflows/release.yml"];

/// Returns the targets that the release workflow builds.
fn targets() -> BTreeSet<String> {
    let release = yaml(WORKFLOWS[1]);
    let rows = &release["jobs"]["package"]["strategy"]["matrix"]["include"];
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["target"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns every `x86_64-…` and `aarch64-…` target in a text.
fn targets_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    words
        .filter(|word| word.starts_with("x86_64-") || word.starts_with("aarch64-"))
        .filter(|word| word.matches('-').count() >= 2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn all_files_name_the_repository_of_cargo_toml() {
    let repository = of_cargo("repository");
    let (_, name) = repository.split_once("github.com/").unwrap();
    for file in ["README.md", "docs/ci.md", ".krew.yaml", "action.yml"] {
        let text = top_level(file);
        assert!(!text.contains("OWNER"), "{file} has a placeholder");
        for (_, rest) in text
            .match_indices("github.com/")
            .map(|(at, _)| text.split_at(at))
        {
            let rest = rest.trim_start_matches("github.com/");
            let owner = rest.split('/').next().unwrap();
            if owner == "driftctl" {
                assert!(
                    rest.starts_with(name),
                    "{file}: {}",
                    &rest[..40.min(rest.len())]
                );
            }
        }
    }
    assert!(top_level(".krew.yaml").contains(&format!("{repository}/releases/download/")));
    assert!(top_level("docs/ci.md").contains(&format!("uses: {name}@")));
}

/// A tag can be moved to other code; a commit cannot.
#[test]
fn pins_actions_by_commit() {
    for file in WORKFLOWS.iter().chain(&["action.yml"]) {
        for line in top_level(file).lines() {
            let Some((_, used)) = line.split_once("uses: ") else {
                continue;
            };
            let (_, reference) = used.split_once('@').unwrap();
            let (commit, version) = reference.split_once(" # v").unwrap_or((reference, ""));
            let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(is_commit && !version.is_empty(), "{file}: {line}");
        }
    }
}

#[test]
fn workflows_run_existing_scripts() {
    for file in WORKFLOWS {
        let text = top_level(file);
        for word in text
            .split_whitespace()
            .filter(|word| word.starts_with(".ci/"))
        {
            assert!(root().join(word).is_file(), "{file} runs {word}");
        }
    }
}

#[test]
fn the_action_downloads_what_the_release_builds() {
    assert_eq!(targets_in(&top_level("action.yml")), targets());
}

#[test]
fn the_formula_downloads_what_the_release_builds() {
    let named = targets_in(&top_level(".ci/formula"));
    assert!(named.len() == 4 && named.is_subset(&targets()), "{named:?}");
}

#[test]
fn binstall_downloads_what_the_release_builds() {
    let text = top_level("Cargo.toml");
    let (_, metadata) = text.split_once("[package.metadata.binstall]").unwrap();
    let (metadata, _) = metadata.split_once("[lints").unwrap();
    let named = targets_in(&metadata.replace("{ version }-", " "));
    let musl: BTreeSet<_> = named
        .into_iter()
        .filter(|name| name.contains("musl"))
        .collect();
    assert!(musl.len() == 2 && musl.is_subset(&targets()), "{musl:?}");
}

/// `.ci/package` makes the archives of the kubectl plugin from the targets.
#[test]
fn krew_downloads_what_the_release_builds() {
    let made: BTreeSet<String> = targets()
        .iter()
        .map(|target| {
            let arch = if target.starts_with("x86_64") {
                "amd64"
            } else {
                "arm64"
            };
            let system = ["linux", "apple", "windows"];
            let system = system.iter().find(|name| target.contains(*name)).unwrap();
            let system = if *system == "apple" { "darwin" } else { system };
            format!("kubectl-drift-{system}-{arch}.tar.gz")
        })
        .collect();
    let krew = top_level(".krew.yaml");
    let named = krew
        .split(['/', '"'])
        .filter(|word| word.ends_with(".tar.gz"));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), made);
}

#[cfg(unix)]
#[test]
fn writes_the_formula_from_checksums() {
    let place = TestFolder::new();
    let sums: String = targets()
        .iter()
        .enumerate()
        .map(|(at, target)| {
            let archive = format!("driftctl-{}-{target}.tar.gz", of_cargo("version"));
            format!("{:064x}  {archive}\n", at + 1)
        })
        .collect();
    let place = place.file("SHA256SUMS", &sums).file("few", "");
    let formula = |sums: &str| {
        let script = root().join(".ci/formula");
        let mut command = std::process::Command::new("bash");
        command.arg(script).arg(place.path().join(sums));
        command.output().unwrap()
    };
    let whole = formula("SHA256SUMS");
    let text = String::from_utf8(whole.stdout).unwrap();
    assert!(whole.status.success(), "{text}");
    assert_eq!(text.matches("sha256 \"").count(), 4, "{text}");
    assert!(
        text.contains("bin.install_symlink \"driftctl\" => \"kubectl-drift\""),
        "{text}"
    );
    assert!(
        !formula("few").status.success(),
        "an archive without a checksum is an error"
    );
}

/// Runs the download step of the action, with a `gh` that serves a release.
#[cfg(unix)]
fn download(key: Option<&str>, tamper: bool, attested: bool) -> Option<(bool, String, bool)> {
    use std::os::unix::fs::PermissionsExt as _;
    let version = of_cargo("version");
    let archive = format!("driftctl-{version}-x86_64-unknown-linux-musl");
    let place = TestFolder::new()
        .file("Cargo.toml", top_level("Cargo.toml"))
        .file("Cargo.lock", "")
        .file("src/main.rs", "fn main() {}\n")
        .file(".ci/source-key", top_level(".ci/source-key"))
        .file(&format!("made/{archive}/driftctl"), "#!/bin/sh\necho the release\n")
        .file(
            "programs/gh",
            "#!/bin/sh\ncase \"$1\" in\nrelease) test -d served || exit 1\n  while [ $# -gt 0 ]; do \
             if [ \"$1\" = --dir ]; then cp served/* \"$2\"; fi; shift; done;;\n\
             attestation) test -e attested;;\nesac\n",
        );
    let gh = place.path().join("programs/gh");
    fs::set_permissions(gh, fs::Permissions::from_mode(0o755)).unwrap();
    if let Some(key) = key {
        let make = format!(
            "set -e; mkdir served; tar -C made -czf served/{archive}.tar.gz {archive}; cd served; \
             shasum -a 256 *.gz > SHA256SUMS; {} echo {key} > source-key; if [ {key} = same ]; then \
             bash ../.ci/source-key > source-key; fi",
            if tamper { "echo more >> *.gz;" } else { "" },
        );
        let made = std::process::Command::new("bash")
            .args(["-c", &make])
            .current_dir(place.path())
            .status();
        assert!(made.unwrap().success());
    }
    let place = if attested {
        place.file("attested", "")
    } else {
        place
    };
    let vars = [("SYSTEM", "Linux-X64"), ("GH_TOKEN", "")];
    let output = run_step(&place, "Download driftctl", &vars)?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let there = place.path().join("runner/driftctl/bin/driftctl").exists();
    Some((output.status.success(), said, there))
}

#[cfg(unix)]
#[test]
fn the_action_downloads_a_release_of_its_own_sources() {
    let Some((success, said, there)) = download(Some("same"), false, true) else {
        return;
    };
    assert!(success && there, "{said}");
}

#[cfg(unix)]
#[test]
fn the_action_builds_from_source_without_a_matching_release() {
    for key in [None, Some("another")] {
        let Some((success, said, there)) = download(key, false, true) else {
            return;
        };
        assert!(
            success && !there && said.contains("building driftctl"),
            "{said}"
        );
    }
}

#[cfg(unix)]
#[test]
fn the_action_fails_if_a_release_cannot_be_verified() {
    for (tamper, attested) in [(true, true), (false, false)] {
        let Some((success, said, there)) = download(Some("same"), tamper, attested) else {
            return;
        };
        assert!(!success && !there, "{said}");
    }
}

/// The image contains files that the workflow puts there.
#[test]
fn the_image_contains_what_the_release_built() {
    let image = top_level("deploy/image/Dockerfile");
    let release = top_level(WORKFLOWS[1]);
    assert!(image.contains("COPY --chmod=755 driftctl-linux-${TARGETARCH}"));
    assert!(release.contains("\"context/driftctl-linux-${pair%:*}\""));
    for target in ["plain", "render"] {
        assert!(image.contains(&format!(" AS {target}\n")), "{target}");
        assert!(Path::new(&root().join("deploy/image/Dockerfile")).exists());
    }
    assert!(!image.contains("USER root") && image.matches("USER 65532:65532").count() == 2);
}
