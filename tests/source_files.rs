//! What becomes of files and directories: manifest, named skip or error.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use driftctl::model::Warning;
use driftctl::source::{Files, Loaded, Source};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/yaml")
}

fn load(path: &Path) -> Loaded {
    Files::new([path]).load()
}

/// What was loaded, as text, with paths relative to `root`.
fn describe(loaded: &Loaded, root: &Path) -> String {
    let mut text = String::new();
    for manifest in &loaded.manifests {
        let namespace = manifest.namespace.as_deref().unwrap_or("-");
        let (kind, name) = (&manifest.kind, &manifest.name);
        writeln!(text, "{}: {kind} {namespace}/{name}", manifest.origin).unwrap();
    }
    let remarks = |text: &mut String, what: &str, remarks: &[Warning]| {
        for remark in remarks {
            writeln!(text, "{}: {what}: {}", remark.place, remark.message).unwrap();
        }
    };
    remarks(&mut text, "skip", &loaded.skipped);
    remarks(&mut text, "error", &loaded.errors);
    remarks(&mut text, "warning", &loaded.warnings);
    text.replace(&format!("{}/", root.display()), "")
}

/// A copy of a fixture directory, in a temporary one.
fn copy_of(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in walkdir::WalkDir::new(fixtures().join(name)) {
        let entry = entry.unwrap();
        let to = copy
            .path()
            .join(entry.path().strip_prefix(fixtures()).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    copy
}

#[test]
fn every_file_ends_as_manifest_skip_or_error() {
    let mut files: Vec<PathBuf> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        if file.ends_with("90-large-list.yaml") {
            assert_eq!(load(&file).manifests.len(), 300);
            continue;
        }
        text.push_str(&describe(&load(&file), &fixtures()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn directories_are_read_as_they_lie() {
    let mut text = String::new();
    for name in [
        "dir-envs",
        "dir-helm",
        "dir-kustomize",
        "dir-one-bad",
        "dir-overlays",
    ] {
        writeln!(text, "# {name}").unwrap();
        text.push_str(&describe(&load(&fixtures().join(name)), &fixtures()));
    }
    insta::assert_snapshot!(text);
}

#[test]
#[cfg(unix)]
fn links_are_followed_beneath_the_root() {
    use std::os::unix::fs::symlink;
    let copy = copy_of("dir-mixed");
    let root = copy.path().join("dir-mixed");
    symlink("deploy.yaml", root.join("link.yaml")).unwrap();
    symlink("missing.yaml", root.join("broken.yaml")).unwrap();
    symlink("..", root.join("sub/loop")).unwrap();
    symlink("self.yaml", root.join("self.yaml")).unwrap();
    symlink("/etc/passwd", root.join("passwd.yaml")).unwrap();
    symlink("/etc", root.join("etc")).unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(root.join(".git/x.yaml"), "kind: X").unwrap();
    insta::assert_snapshot!(describe(&load(&root), &root));
}

#[test]
#[cfg(unix)]
fn mounted_config_maps_are_read_once() {
    use std::os::unix::fs::symlink;
    let copy = copy_of("dir-configmap-mount");
    let root = copy.path().join("dir-configmap-mount");
    symlink("..2024_01_01", root.join("..data")).unwrap();
    symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    insta::assert_snapshot!(describe(&load(&root), &root), @"a.yaml:1: ConfigMap -/mounted");
}
