//! Tests the outcome for files and directories: manifest, named skip or error.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use driftctl::model::Warning;
use driftctl::source::{FilesSource, LoadedSource};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/yaml")
}

fn load(path: &Path) -> LoadedSource {
    FilesSource::new([path]).read()
}

/// Returns the loaded objects as text, with paths relative to `root`.
fn describe(loaded: &LoadedSource, root: &Path) -> String {
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

/// Returns a copy of a fixture directory, in a temporary one.
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
fn every_file_is_a_manifest_a_skip_or_an_error() {
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
fn reads_directories_recursively() {
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
fn follows_links_below_the_root() {
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
fn reads_mounted_config_maps_once() {
    use std::os::unix::fs::symlink;
    let copy = copy_of("dir-configmap-mount");
    let root = copy.path().join("dir-configmap-mount");
    symlink("..2024_01_01", root.join("..data")).unwrap();
    symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    insta::assert_snapshot!(describe(&load(&root), &root), @"a.yaml:1: ConfigMap -/mounted");
}

/// Returns a small object.
fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// Returns the only error.
fn error_of(loaded: &LoadedSource) -> &Warning {
    assert_eq!(loaded.errors.len(), 1, "{:?}", loaded.errors);
    assert!(loaded.errors[0].fatal);
    &loaded.errors[0]
}

#[test]
fn a_missing_path_is_an_error() {
    let loaded = load(Path::new("no/such/path.yaml"));
    let error = error_of(&loaded);
    assert_eq!(error.place, "no/such/path.yaml");
    assert_eq!(error.message, "no such file or directory: check the path");
}

#[test]
fn reads_a_file_once_even_if_named_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (root, sub) = (directory.path(), directory.path().join("sub"));
    fs::create_dir(&sub).unwrap();
    fs::write(root.join("a.yaml"), config_map("a")).unwrap();
    fs::write(sub.join("b.yaml"), config_map("b")).unwrap();
    let dotted = root.join("sub/../a.yaml");
    let loaded = FilesSource::new([&sub, &root.join("a.yaml"), &dotted, root, root]).read();
    let text = describe(&loaded, root);
    assert_eq!(
        text,
        "sub/b.yaml:1: ConfigMap -/b\na.yaml:1: ConfigMap -/a\n"
    );
}

#[test]
fn an_explicit_file_may_have_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("manifest.txt");
    fs::write(&file, config_map("a")).unwrap();
    assert_eq!(load(&file).manifests.len(), 1);
    assert!(load(directory.path()).manifests.is_empty());
}

#[test]
fn git_lfs_pointers_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    fs::write(
        &file,
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    )
    .unwrap();
    assert!(error_of(&load(&file)).message.contains("git lfs pull"));
}

#[test]
fn refuses_huge_files_unread() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    let sparse = fs::File::create(&file).unwrap();
    sparse.set_len(3 << 30).unwrap();
    assert!(
        error_of(&load(&file))
            .message
            .contains("larger than 256 MiB")
    );
}

#[test]
#[cfg(unix)]
fn never_opens_special_files() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.yaml");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let socket = directory.path().join("socket.yaml");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [
        &pipe,
        &socket,
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
    ] {
        let loaded = load(path);
        assert!(
            error_of(&loaded)
                .message
                .starts_with("this is neither a file nor")
        );
    }
    let loaded = load(directory.path());
    assert_eq!(loaded.errors.len(), 2);
    assert!(
        loaded
            .errors
            .iter()
            .all(|error| error.message.starts_with("this is not a regular"))
    );
}

#[test]
#[cfg(unix)]
fn unreadable_files_are_errors() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (file, sub) = (
        directory.path().join("a.yaml"),
        directory.path().join("sub"),
    );
    fs::write(&file, config_map("a")).unwrap();
    fs::create_dir(&sub).unwrap();
    for path in [&file, &sub] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let may_all = fs::File::open(&file).is_ok(); // As root may.
    let loaded = load(directory.path());
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o700)).unwrap();
    if !may_all {
        let messages: Vec<_> = loaded.errors.iter().map(|error| &error.message).collect();
        assert_eq!(messages, ["permission denied: check the file's mode"; 2]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn accepts_file_names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt as _;
    let directory = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.yaml");
    fs::write(directory.path().join(name), config_map("a")).unwrap();
    let loaded = load(directory.path());
    let text = describe(&loaded, directory.path());
    assert_eq!(text, "caf\u{fffd}.yaml:1: ConfigMap -/a\n");
}

#[test]
fn finds_the_lines_of_fields() {
    use driftctl::model::{ManifestStep, Position};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.yaml");
    let text = "kind: List\napiVersion: v1\nitems:\n  # first\n  - apiVersion: v1\n    \
                kind: ConfigMap\n    metadata: {name: a}\n    data:\n      k: v\n  - {apiVersion: v1, \
                kind: ConfigMap,\n     metadata: {name: b}, data: {k: v}}\n---\n{\"apiVersion\":\"v1\",\n \
                \"kind\":\"ConfigMap\", \"metadata\":{\"name\":\"c\"},\n  \"data\": {\"k\": \"v\"}}\n";
    fs::write(&path, text).unwrap();
    let loaded = load(&path);
    let path = [
        ManifestStep::Field("data".into()),
        ManifestStep::Field("k".into()),
    ];
    let places: Vec<_> = loaded
        .manifests
        .iter()
        .map(|manifest| {
            let Position { line, column } = manifest.locate(&path).unwrap();
            (
                manifest.name.as_str(),
                manifest.origin.line,
                manifest.origin.document,
                line,
                column,
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("a", 5, 1, 9, 7),
            ("b", 10, 1, 11, 34),
            ("c", 13, 2, 15, 12)
        ]
    );
}

#[test]
fn prometheus_rules_may_contain_template_braces() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rule.yaml");
    let rule = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\n\
                spec: {groups: [{rules: [{annotations: {a: '{{ $labels.pod }}'}}]}]}\n";
    fs::write(&path, rule).unwrap();
    assert_eq!(load(&path).manifests.len(), 1);
    // A mistake in such a rule is an error, and does not make the file a template.
    fs::write(&path, rule.replace('\'', "")).unwrap();
    error_of(&load(&path));
}
