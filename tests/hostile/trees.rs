//! Tests trees of files, on disk and in a commit.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{config, place, refused, run};
use crate::support::TestFolder;
use crate::support::repository::init;

/// Returns a tree with one valid manifest, and something next to it.
fn tree(make: impl Fn(&std::path::Path)) -> TestFolder {
    let place = place().file("deploy/cart.yaml", config("cart"));
    make(&place.path().join("deploy"));
    place
}

/// Checks for the same message on disk, in a commit, and with untrusted manifests. The valid
/// manifest is still compared.
#[track_caller]
fn refused_everywhere(make: impl Fn(&std::path::Path), expected: &str) {
    let place = tree(make);
    let committed = init(place.path()).is_some();
    let at_ref: &[&str] = &["deploy", "--ref", "main"];
    for words in [
        &["deploy"][..],
        &["deploy", "--untrusted", "-n", "shop"],
        at_ref,
    ] {
        if words == at_ref && !committed {
            continue;
        }
        let shown = refused(&place, words, expected);
        assert!(shown.contains("ConfigMap shop/cart"), "{words:?}: {shown}");
    }
}

#[test]
fn links_out_of_the_tree_are_errors() {
    for (target, name) in [
        ("/etc/passwd", "passwd.yaml"),
        ("/etc", "etc"),
        ("../../../../../../../../etc/passwd", "up.yaml"),
        ("../live.json", "beside.json"),
    ] {
        let make = |deploy: &std::path::Path| symlink(target, deploy.join(name)).unwrap();
        refused_everywhere(make, "leads out of the");
    }
}

#[test]
fn chains_of_links_cannot_leave_the_tree() {
    let make = |deploy: &std::path::Path| {
        symlink("b.yaml", deploy.join("a.yaml")).unwrap();
        symlink("c.yaml", deploy.join("b.yaml")).unwrap();
        symlink("/etc/passwd", deploy.join("c.yaml")).unwrap();
    };
    refused_everywhere(make, "leads out of the");
}

#[test]
fn links_in_a_circle_are_errors() {
    let alone = |deploy: &std::path::Path| symlink("a.yaml", deploy.join("a.yaml")).unwrap();
    refused_everywhere(alone, "does it lead to itself?");
    let two = |deploy: &std::path::Path| {
        symlink("b.yaml", deploy.join("a.yaml")).unwrap();
        symlink("a.yaml", deploy.join("b.yaml")).unwrap();
    };
    refused_everywhere(two, "does it lead to itself?");
}

#[test]
fn links_to_nowhere_are_errors() {
    let make = |deploy: &std::path::Path| symlink("gone.yaml", deploy.join("a.yaml")).unwrap();
    refused_everywhere(make, "this link is broken");
}

#[test]
fn links_back_into_the_tree_read_files_once() {
    let place = tree(|deploy| {
        symlink(".", deploy.join("here")).unwrap();
        symlink("../deploy", deploy.join("again")).unwrap();
        symlink("cart.yaml", deploy.join("copy.yaml")).unwrap();
    });
    let shown = run(&place, &["deploy"]);
    assert!(shown.contains("1 missing"), "{shown}");
    if init(place.path()).is_some() {
        let at_ref = run(&place, &["deploy", "--ref", "main"]);
        assert!(at_ref.contains("1 missing"), "{at_ref}");
    }
}

#[test]
fn never_opens_pipes_and_devices() {
    let place = tree(|deploy| {
        let pipe = deploy.join("pipe.yaml");
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
        symlink("/dev/zero", deploy.join("zero.yaml")).unwrap();
    });
    let shown = refused(&place, &["deploy"], "pipe.yaml: this is not a regular file");
    assert!(shown.contains("zero.yaml: this link leads out"), "{shown}");
    refused(
        &place,
        &["deploy/pipe.yaml"],
        "neither a file nor a directory",
    );
    refused(&place, &["/dev/zero"], "neither a file nor a directory");
    for flag in ["--app", "--kustomization"] {
        let words = [flag, "deploy/pipe.yaml", "--repo-root", "."];
        refused(&place, &words, "not a regular file");
        let words = [flag, "/dev/zero", "--repo-root", "."];
        refused(&place, &words, "not a regular file");
    }
}

#[test]
fn unreadable_files_are_errors() {
    let place = tree(|deploy| {
        fs::write(deploy.join("mine.yaml"), config("mine")).unwrap();
        let none = fs::Permissions::from_mode(0o000);
        fs::set_permissions(deploy.join("mine.yaml"), none).unwrap();
    });
    if fs::read(place.path().join("deploy/mine.yaml")).is_ok() {
        eprintln!("skipped: root can read everything");
        return;
    }
    refused(
        &place,
        &["deploy"],
        "permission denied: check the file's mode",
    );
}

#[test]
fn binary_content_is_an_error() {
    for (bytes, expected) in [
        (&b"key: \xff\xfe\xff"[..], "UTF-8"),
        (
            &b"a: 1\0b: 2"[..],
            "the control character U+0000 is not allowed in YAML",
        ),
    ] {
        let make = |deploy: &std::path::Path| fs::write(deploy.join("a.yaml"), bytes).unwrap();
        refused_everywhere(make, expected);
    }
}

#[test]
fn accepts_file_names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let place = tree(|deploy| {
        for name in [&b"caf\xe9.yaml"[..], b"a\x1b[31m\n::error::.yaml"] {
            let name = std::ffi::OsStr::from_bytes(name);
            let text = name.to_string_lossy().len().to_string();
            fs::write(deploy.join(name), config(&format!("n{text}"))).unwrap();
        }
    });
    let check = |shown: String| {
        assert!(shown.contains("3 missing"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert!(!shown.contains("\n::error"), "{shown}");
    };
    check(run(&place, &["deploy"]));
    if init(place.path()).is_some() {
        check(run(&place, &["deploy", "--ref", "main"]));
    }
}

#[test]
fn refuses_huge_files_unread() {
    let place = tree(|deploy| {
        let sparse = fs::File::create(deploy.join("big.yaml")).unwrap();
        sparse.set_len(2 << 30).unwrap();
    });
    refused(&place, &["deploy"], "big.yaml: this is larger than 256 MiB");
    let app = ["--app", "deploy/big.yaml", "--repo-root", "."];
    refused(&place, &app, "this is larger than 256 MiB");
}

#[test]
fn stops_at_a_deep_tree() {
    let make = |deploy: &std::path::Path| {
        let deep = deploy.join("d/".repeat(200));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.yaml"), config("deep")).unwrap();
    };
    refused_everywhere(make, "directories are nested more than");
}

#[test]
fn untrusted_paths_cannot_leave_the_directory() {
    let place = tree(|_| {});
    let words = ["../", "--untrusted", "-n", "shop"];
    refused(&place, &words, "leads out of the current directory");
    let words = ["/etc", "--untrusted", "-n", "shop"];
    refused(&place, &words, "leads out of the current directory");
}

#[test]
fn yaml_bombs_are_errors() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{before}]\n");
    }
    let make = |deploy: &std::path::Path| fs::write(deploy.join("a.yaml"), &bomb).unwrap();
    refused_everywhere(make, "a.yaml");
    let deep = "[".repeat(100_000);
    let make = |deploy: &std::path::Path| fs::write(deploy.join("a.yaml"), &deep).unwrap();
    refused_everywhere(make, "a.yaml");
}
