//! Tests manifests in commits: the rules are those for files, and no program of a malicious
//! repository runs.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use driftctl::source::{FilesSource, Git, GitError, LoadedSource, Repository};
use support::repository::{commit, git, init};
use support::{TestFolder, fixture};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata: {a: b}\n";

fn at(revision: &str, path: &Path) -> LoadedSource {
    Git::at(revision, &[path.to_owned()]).unwrap().read()
}

fn problem(revision: &str, path: &Path) -> String {
    Git::at(revision, &[path.to_owned()])
        .unwrap_err()
        .to_string()
}

fn names(loaded: &LoadedSource) -> Vec<&str> {
    let manifests = loaded.manifests.iter();
    manifests.map(|manifest| manifest.name.as_str()).collect()
}

fn errors(loaded: &LoadedSource) -> Vec<String> {
    let errors = loaded.errors.iter();
    errors
        .map(|error| format!("{}: {}", error.place, error.message))
        .collect()
}

/// Copies a folder of the fixtures, with links.
fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else if entry.file_type().is_file() {
            fs::copy(entry.path(), to).unwrap();
        } else {
            #[cfg(unix)]
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
        }
    }
}

/// Returns the loaded objects in a form that is the same for a commit and a work tree.
fn described(loaded: &LoadedSource) -> String {
    let manifests = loaded.manifests.iter().map(|manifest| {
        let steps = [driftctl::model::ManifestStep::Field("metadata".to_owned())];
        format!(
            "{} {} {:?}",
            manifest.origin,
            manifest.name,
            manifest.locate(&steps)
        )
    });
    let manifests = manifests.collect::<Vec<_>>();
    format!(
        "{manifests:#?}\n{:#?}\n{:#?}\n{:#?}",
        loaded.skipped, loaded.errors, loaded.warnings
    )
}

#[test]
fn reads_commits_like_files() {
    let place = TestFolder::new();
    copy(&fixture("yaml"), place.path());
    if init(place.path()).is_none() {
        return;
    }
    let files = FilesSource::new([place.path()]).read();
    assert!(files.manifests.len() > 100 && files.errors.len() > 10 && files.skipped.len() > 10);
    // Git keeps everything but empty directories.
    assert_eq!(described(&at("main", place.path())), described(&files));
}

#[test]
fn ignores_the_work_tree() {
    let place = TestFolder::new().file("deploy/cart.yaml", MAP);
    if init(place.path()).is_none() {
        return;
    }
    let id = git(place.path(), &["rev-parse", "HEAD"]).unwrap();
    git(place.path(), &["tag", "-a", "v1", "-m", "one"]).unwrap();
    fs::remove_dir_all(place.path().join("deploy")).unwrap();
    let place = place.file("deploy2/other.yaml", MAP);
    commit(place.path(), "second").unwrap();
    let deploy = place.path().join("deploy");
    for revision in ["v1", "HEAD~1", "main^", &id, &id[..9]] {
        let loaded = at(revision, &deploy);
        assert_eq!(names(&loaded), ["cart"], "{revision}");
        let origin = &loaded.manifests[0].origin;
        assert_eq!(origin.revision.as_deref(), Some(&*id), "{revision}");
        assert_eq!(
            *origin.file,
            *deploy.join("cart.yaml").to_str().unwrap(),
            "{revision}"
        );
        assert_eq!(loaded.revisions[0].commit, id);
        assert_eq!(loaded.revisions[0].name, revision);
        assert_eq!(
            loaded.revisions[0].time.as_deref(),
            Some("2026-11-20T10:00:00Z")
        );
    }
    let gone = errors(&at("main", &deploy));
    assert!(gone[0].contains("no such path in main ("), "{gone:?}");
}

#[test]
fn suggests_similar_revisions() {
    let place = TestFolder::new().file("cart.yaml", MAP);
    if init(place.path()).is_none() {
        return;
    }
    git(place.path(), &["branch", "release/2.1"]).unwrap();
    let said = problem("mian", place.path());
    assert!(said.ends_with("did you mean 'main'?"), "{said}");
    let said = problem("2.1~2", place.path());
    assert!(said.ends_with("did you mean 'release/2.1'?"), "{said}");
    let said = problem("0123456789abcdef", place.path());
    insta::assert_snapshot!(place.masked(&said));
    let said = problem("main^{tree}", place.path());
    insta::assert_snapshot!(place.masked(&said));
    let said = problem("--output=x", place.path());
    insta::assert_snapshot!(place.masked(&said));
}

#[test]
fn explains_how_to_deepen_a_shallow_clone() {
    let place = TestFolder::new().file("origin/cart.yaml", MAP);
    let origin = place.path().join("origin");
    if init(&origin).is_none() {
        return;
    }
    commit(&origin, "second").unwrap();
    let url = format!("file://{}", origin.display());
    git(
        place.path(),
        &["clone", "-q", "--depth", "1", &url, "clone"],
    )
    .unwrap();
    let clone = place.path().join("clone");
    assert_eq!(names(&at("HEAD", &clone)), ["cart"]);
    let said = problem("HEAD~1", &clone);
    insta::assert_snapshot!(place.masked(&said));
}

#[test]
fn refuses_paths_outside_one_repository() {
    let place = TestFolder::new()
        .file("a/x.yaml", MAP)
        .file("b/x.yaml", MAP);
    let (a, b) = (place.path().join("a"), place.path().join("b"));
    let said = problem("main", &a);
    insta::assert_snapshot!(place.masked(&said));
    if init(&a).is_none() || init(&b).is_none() {
        return;
    }
    let error = Git::at("main", &[a, b]).unwrap_err();
    assert!(matches!(error, GitError::Several { .. }), "{error}");
}

#[test]
fn ignores_directories_that_look_like_bare_repositories() {
    let place = TestFolder::new().file("work/cart.yaml", MAP);
    let work = place.path().join("work");
    if init(&work).is_none() {
        return;
    }
    fs::rename(work.join(".git"), place.path().join("bare")).unwrap();
    let error = Repository::containing(&place.path().join("bare/refs")).unwrap_err();
    assert!(matches!(error, GitError::Bare { .. }), "{error}");
}

#[test]
#[cfg(unix)]
fn runs_no_program_of_a_malicious_repository() {
    use std::os::unix::fs::PermissionsExt;
    let place = TestFolder::new()
        .file("repo/cart.yaml", MAP)
        .file("repo/.gitattributes", "* filter=evil diff=evil\n");
    let repo = place.path().join("repo");
    if init(&repo).is_none() {
        return;
    }
    let evil = place.path().join("evil.sh");
    let ran = place.path().join("ran");
    fs::write(
        &evil,
        format!("#!/bin/sh\ntouch '{}'\ncat\n", ran.display()),
    )
    .unwrap();
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
    let evil = evil.to_str().unwrap();
    let config = format!(
        "[core]\n\trepositoryformatversion = 1\n\tfsmonitor = {evil}\n\thooksPath = {0}\n\t\
         sshCommand = {evil}\n\tworktree = /\n[filter \"evil\"]\n\tsmudge = {evil}\n\t\
         process = {evil}\n\trequired = true\n[diff \"evil\"]\n\ttextconv = {evil}\n\t\
         command = {evil}\n[include]\n\tpath = /dev/zero\n[extensions]\n\tpartialClone = origin\n\
         [remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n",
        place.path().display()
    );
    fs::write(repo.join(".git/config"), config).unwrap();
    for hook in [
        "post-checkout",
        "post-index-change",
        "reference-transaction",
    ] {
        let hook = repo.join(".git/hooks").join(hook);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&hook);
        std::os::unix::fs::symlink(evil, hook).unwrap();
    }
    let before = listing(&repo);
    assert_eq!(names(&at("main", &repo)), ["cart"]);
    assert!(!ran.exists(), "a program of the repository ran");
    assert_eq!(listing(&repo), before, "the repository was written to");
}

/// Returns every file below a directory, with its time.
fn listing(root: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let entries = walkdir::WalkDir::new(root).sort_by_file_name();
    let entries = entries.into_iter().map(Result::unwrap);
    let time = |entry: &walkdir::DirEntry| entry.metadata().unwrap().modified().unwrap();
    entries
        .map(|entry| (entry.path().to_owned(), time(&entry)))
        .collect()
}

#[test]
#[cfg(unix)]
fn links_cannot_leave_the_commit() {
    use std::os::unix::fs::symlink;
    let place = TestFolder::new()
        .file("outside.yaml", MAP)
        .file("repo/base/cart.yaml", MAP)
        .file("repo/deploy/own.yaml", MAP.replace("cart", "own"));
    let repo = place.path().join("repo");
    let deploy = repo.join("deploy");
    symlink("own.yaml", deploy.join("again.yaml")).unwrap();
    symlink("/etc/passwd", deploy.join("passwd.yaml")).unwrap();
    symlink("../../outside.yaml", deploy.join("up.yaml")).unwrap();
    symlink("../base/cart.yaml", deploy.join("base.yaml")).unwrap();
    symlink("loop.yaml", deploy.join("loop.yaml")).unwrap();
    symlink("nowhere.yaml", deploy.join("broken.yaml")).unwrap();
    symlink("..", deploy.join("parent")).unwrap();
    if init(&repo).is_none() {
        return;
    }
    let from_disk = FilesSource::new([&deploy]).read();
    let loaded = at("main", &deploy);
    assert_eq!(names(&loaded), ["own"]);
    assert_eq!(described(&loaded), described(&from_disk));
    assert_eq!(errors(&loaded).len(), 6, "{:#?}", loaded.errors);
    // From the root, the base is inside.
    let loaded = at("main", &repo);
    assert_eq!(names(&loaded), ["cart", "own"]);
}

#[test]
fn submodules_and_lfs_pointers_are_errors() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let place = TestFolder::new()
        .file("repo/deploy/big.yaml", pointer)
        .file("repo/deploy/cart.yaml", MAP)
        .file("library/x.yaml", MAP);
    let (repo, library) = (place.path().join("repo"), place.path().join("library"));
    if init(&library).is_none() {
        return;
    }
    git(&repo, &["init", "-q", "-b", "main"]).unwrap();
    let id = git(&library, &["rev-parse", "HEAD"]).unwrap();
    let entry = format!("160000,{id},deploy/library");
    git(&repo, &["update-index", "--add", "--cacheinfo", &entry]).unwrap();
    git(&repo, &["add", "deploy/big.yaml", "deploy/cart.yaml"]).unwrap();
    git(&repo, &["commit", "-q", "-m", "first"]).unwrap();
    let loaded = at("main", &repo);
    assert_eq!(names(&loaded), ["cart"]);
    let errors = errors(&loaded);
    assert!(
        errors[0].contains("library: this is a submodule"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("the manifest itself is not in the commit"),
        "{errors:?}"
    );
    // Only the submodule's own repository has the files in it.
    let within = repo.join("deploy/library/x.yaml");
    let said = self::errors(&at("main", &within)).join(" ");
    insta::assert_snapshot!(place.masked(&said));
}

/// A tree of ten trees of ten trees and so on: as large as a thousand objects, with 10^12 files.
#[test]
fn stops_at_endless_trees() {
    let place = TestFolder::new().file("cart.yaml", MAP);
    if init(place.path()).is_none() {
        return;
    }
    let mut tree = git(place.path(), &["rev-parse", "HEAD^{tree}"]).unwrap();
    for _ in 0..200 {
        let line = format!("040000 tree {tree}\tx\n");
        tree = mktree(place.path(), &line);
    }
    let deep = commit_of(place.path(), &tree);
    let said = errors(&at(&deep, place.path()));
    assert!(
        said[0].ends_with("nested more than 128 levels deep"),
        "{said:?}"
    );
}

fn mktree(repo: &Path, lines: &str) -> String {
    let file = repo.join("tree.txt");
    fs::write(&file, lines).unwrap();
    let shell = std::process::Command::new("git")
        .arg("mktree")
        .current_dir(repo)
        .stdin(fs::File::open(file).unwrap())
        .output();
    String::from_utf8(shell.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

fn commit_of(repo: &Path, tree: &str) -> String {
    git(repo, &["commit-tree", "-m", "made by hand", tree]).unwrap()
}
