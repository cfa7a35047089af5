//! Tests malicious revisions and repositories.

use std::fs;
use std::path::Path;

use super::{config, left, place, program, refused, run};
use crate::support::TestFolder;
use crate::support::repository::{commit, git, init};

fn repository() -> Option<TestFolder> {
    let place = place().file("deploy/cart.yaml", config("cart"));
    init(place.path())?;
    Some(place)
}

#[test]
fn refuses_what_is_not_a_revision() {
    let Some(place) = repository() else { return };
    for (revision, expected) in [
        ("--upload-pack=touch ran", "begins with '-'"),
        ("-h", "begins with '-'"),
        ("", "it is empty"),
        ("main\u{1b}[31m", "control characters"),
        ("main\nHEAD", "control characters"),
        ("main\u{7f}", "control characters"),
        ("../../nowhere", "has no commit"),
        ("main:deploy", "has no commit"),
        ("ext::touch ran", "has no commit"),
        ("@{-1}", "has no commit"),
        ("main^{tree}", "has no commit"),
        (":/first", ""),
    ] {
        for word in ["--ref", "--base"] {
            let word = format!("{word}={revision}");
            if expected.is_empty() {
                run(&place, &[&word, "deploy"]);
            } else {
                let shown = refused(&place, &[&word, "deploy"], expected);
                assert!(!shown.contains('\u{1b}'), "{shown}");
            }
        }
    }
    refused(
        &place,
        &["--ref", "main", "--base=-x", "deploy"],
        "begins with '-'",
    );
    assert!(!left(&place, "ran"));
}

/// Returns a Git configuration with programs, none of which may run.
fn evil_config(evil: &str) -> String {
    format!(
        "[core]\n\trepositoryformatversion = 1\n\tfsmonitor = {evil}\n\thooksPath = .evil\n\t\
         sshCommand = {evil}\n\teditor = {evil}\n\tpager = {evil}\n\taskPass = {evil}\n\
         [filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = \
         true\n[diff]\n\texternal = {evil}\n[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = \
         {evil}\n[merge \"evil\"]\n\tdriver = {evil}\n[credential]\n\thelper = {evil}\n[gpg]\n\t\
         program = {evil}\n[uploadpack]\n\tpackObjectsHook = {evil}\n[extensions]\n\t\
         partialClone = origin\n[remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n\t\
         uploadpack = {evil}\n\tproxy = {evil}\n"
    )
}

#[test]
fn runs_no_program_that_a_repository_names() {
    let place = program(place(), "evil.sh", "touch \"$(dirname \"$0\")/ran\"; cat");
    let place = place
        .file("repo/deploy/cart.yaml", config("cart"))
        .file("repo/app.yaml", application())
        .file("repo/live.json", super::NOTHING)
        .file(
            "repo/.gitattributes",
            "* filter=evil diff=evil merge=evil\n",
        );
    let repo = place.path().join("repo");
    if init(&repo).is_none() {
        return;
    }
    let evil = place.path().join("evil.sh").to_str().unwrap().to_owned();
    fs::write(repo.join(".git/config"), evil_config(&evil)).unwrap();
    for hook in [
        "post-checkout",
        "post-index-change",
        "pre-auto-gc",
        "reference-transaction",
    ] {
        for folder in [".git/hooks", ".evil"] {
            fs::create_dir_all(repo.join(folder)).unwrap();
            let file = repo.join(folder).join(hook);
            let _ = fs::remove_file(&file);
            std::os::unix::fs::symlink(&evil, file).unwrap();
        }
    }
    fs::write(
        repo.join("deploy/cart.yaml"),
        config("cart").replace("key: a", "key: b"),
    )
    .unwrap();
    for words in [
        &["repo/deploy", "--blame"][..],
        &["repo/deploy", "--ref", "main", "--blame"],
        &["repo/deploy", "--base", "main"],
        &["--app", "repo/app.yaml", "--ref", "main"],
        &["--app", "repo/app.yaml", "--target-revision"],
    ] {
        run(&place, words);
        assert!(!left(&place, "ran"), "{words:?}");
    }
}

fn application() -> &'static str {
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n  source: \
     {path: deploy, targetRevision: main}\n"
}

#[test]
fn treats_a_committed_bare_repository_as_a_folder() {
    let place = place().file("outer/cart.yaml", config("cart"));
    let outer = place.path().join("outer");
    if git(&outer, &["init", "-q", "--bare", "fake"]).is_none() {
        return;
    }
    fs::write(
        outer.join("fake/config"),
        "[core]\n\tbare = true\n\tfsmonitor = touch ran\n",
    )
    .unwrap();
    refused(
        &place,
        &["outer/fake", "--ref", "main"],
        "looks like a bare Git repository, which is not read",
    );
    init(&outer).unwrap();
    refused(
        &place,
        &["outer/fake", "--ref", "main"],
        "no Kubernetes object",
    );
    assert!(!left(&place, "ran"));
}

/// Objects that are not in the clone are never fetched.
#[test]
fn does_not_fetch_into_a_partial_clone() {
    let place = place().file("origin/deploy/cart.yaml", config("cart"));
    let origin = place.path().join("origin");
    if init(&origin).is_none() {
        return;
    }
    git(&origin, &["config", "uploadpack.allowFilter", "true"]).unwrap();
    let url = format!("file://{}", origin.display());
    let words = [
        "clone",
        "-q",
        "--no-checkout",
        "--filter=blob:none",
        &url,
        "clone",
    ];
    git(place.path(), &words).unwrap();
    refused(
        &place,
        &["clone/deploy", "--ref", "HEAD"],
        "clone without --filter",
    );
}

#[test]
fn explains_what_a_shallow_clone_lacks() {
    let place = place().file("origin/deploy/cart.yaml", config("cart"));
    let origin = place.path().join("origin");
    if init(&origin).is_none() {
        return;
    }
    commit(&origin, "second").unwrap();
    let url = format!("file://{}", origin.display());
    git(place.path(), &["clone", "-q", "--depth=1", &url, "clone"]).unwrap();
    refused(
        &place,
        &["clone/deploy", "--ref", "HEAD~1"],
        "fetch-depth: 0",
    );
}

/// Returns the file of the loose object for a path at HEAD.
fn object(repo: &Path, path: &str) -> std::path::PathBuf {
    let id = git(repo, &["rev-parse", &format!("HEAD:{path}")]).unwrap();
    repo.join(".git/objects").join(&id[..2]).join(&id[2..])
}

#[test]
fn reports_damaged_repositories() {
    type Damage = fn(&Path);
    let cases: &[(Damage, &str)] = &[
        (
            |repo| fs::remove_file(object(repo, "deploy/cart.yaml")).unwrap(),
            "the clone does not have it",
        ),
        (
            |repo| overwrite(&object(repo, "deploy/cart.yaml"), b"garbage"),
            "damaged",
        ),
        (|repo| overwrite(&object(repo, "deploy"), b""), "damaged"),
        (
            |repo| fs::remove_file(object(repo, "deploy")).unwrap(),
            "the clone does not have it",
        ),
        (
            |repo| fs::write(repo.join(".git/config"), "[core\n\0").unwrap(),
            "cannot read the Git repository",
        ),
        (
            |repo| {
                fs::remove_dir_all(repo.join(".git")).unwrap();
                fs::write(repo.join(".git"), "gitdir: /nowhere\n").unwrap();
            },
            "cannot read the Git repository",
        ),
        (
            |repo| {
                fs::remove_file(repo.join(".git/config")).unwrap();
                let pipe = repo.join(".git/config");
                let made = std::process::Command::new("mkfifo").arg(pipe).status();
                assert!(made.unwrap().success());
            },
            "is not a regular file",
        ),
    ];
    for (damage, expected) in cases {
        let Some(place) = repository() else { return };
        damage(place.path());
        refused(&place, &["deploy", "--ref", "main"], expected);
        // The work tree can still be read.
        let shown = run(&place, &["deploy", "--blame"]);
        assert!(shown.contains("ConfigMap shop/cart"), "{shown}");
    }
}

/// Overwrites a read-only object file.
fn overwrite(file: &Path, bytes: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

/// A commit of a few hundred bytes that contains a hundred million files.
#[test]
fn stops_at_a_wide_tree() {
    let Some(place) = repository() else { return };
    let mut tree = git(place.path(), &["rev-parse", "HEAD:deploy"]).unwrap();
    for _ in 0..4 {
        let lines: String = (0..100)
            .map(|n| format!("040000 tree {tree}\td{n}\n"))
            .collect();
        tree = mktree(place.path(), &lines);
    }
    let top = format!("040000 tree {tree}\tdeploy\n");
    let top = mktree(place.path(), &top);
    let id = git(place.path(), &["commit-tree", "-m", "wide", &top]).unwrap();
    let untrusted = ["deploy", "--ref", &id, "--untrusted", "-n", "shop", "-q"];
    refused(&place, &untrusted, "more than 50000 files and directories");
    // A renderer would need all files on disk.
    let place = place.file(
        "app.yaml",
        application().replace("path: deploy", "path: deploy, kustomize: {}"),
    );
    let words = ["--app", "app.yaml", "--ref", &id, "--untrusted", "--render"];
    refused(&place, &words, "more than 50000 files and directories");
}

fn mktree(repo: &Path, lines: &str) -> String {
    let file = repo.join("tree.txt");
    fs::write(&file, lines).unwrap();
    let made = std::process::Command::new("git")
        .arg("mktree")
        .current_dir(repo)
        .stdin(fs::File::open(file).unwrap())
        .output();
    String::from_utf8(made.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

/// Names that Git itself would refuse to check out.
#[test]
fn file_names_cannot_leave_the_commit() {
    let Some(place) = repository() else { return };
    let blob = git(place.path(), &["rev-parse", "HEAD:deploy/cart.yaml"]).unwrap();
    let id = raw_commit(place.path(), &[("..", &blob)]);
    for words in [
        &[".", "--ref", &id][..],
        &["--app", "app.yaml", "--ref", &id],
    ] {
        let place = &place;
        fs::write(place.path().join("app.yaml"), application()).unwrap();
        refused(place, words, "a name in it is not a file name");
    }
}

/// Returns a commit of a tree with these files, with any names.
fn raw_commit(repo: &Path, entries: &[(&str, &str)]) -> String {
    let mut bytes = Vec::new();
    for (name, id) in entries {
        bytes.extend(format!("100644 {name}\0").bytes());
        let pairs = id.as_bytes().chunks(2);
        bytes.extend(
            pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()),
        );
    }
    let file = repo.join("raw");
    fs::write(&file, bytes).unwrap();
    let words = ["hash-object", "-w", "-t", "tree", "--literally", "raw"];
    let tree = git(repo, &words).unwrap();
    git(repo, &["commit-tree", "-m", "raw", &tree]).unwrap()
}
