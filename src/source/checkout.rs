//! The repository of GitOps objects: paths in them start at its root.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::address::without_user;
use super::git::{Commit, Export, Repository, around, comparable_address, is_in_head};
use super::gitops::{GitOps, GitOpsObject, ReadAt, RevisionRequest};
use super::of_git::{REFUSED, is_of_git};
use super::render::FileNames;
use super::walk::{Bounds, NOT_BELOW};
use super::{LoadedSource, remark, text};
use crate::model::SourceRevision;

/// A repository's files: in the work tree, or in a commit.
#[derive(Debug)]
pub(super) struct Checkout {
    /// The directory of the root, without links.
    pub root: PathBuf,
    /// The names of its files.
    pub names: FileNames,
    /// The name of the root in messages.
    called: String,
    /// Nothing outside this directory is read.
    pub within: PathBuf,
    commit: Option<Commit>,
    export: Option<Export>,
}

impl Checkout {
    /// Returns a path in the repository, without links.
    ///
    /// # Errors
    /// Fails if it does not exist, or leads out of the repository.
    pub fn path(&self, path: &str) -> Result<PathBuf, String> {
        let relative = path.trim_start_matches('/');
        let joined = self.root.join(relative);
        let found = joined.canonicalize();
        let found = found.map_err(|_| self.not_there(path, &joined))?;
        let below = found.strip_prefix(&self.root).ok();
        if below.is_some_and(is_of_git) {
            Err(format!("{path} is {REFUSED}"))
        } else if below.is_some() && found.starts_with(&self.within) {
            Ok(found)
        } else {
            Err(format!("{path} leads out of {}", self.called))
        }
    }

    /// Returns the path in the repository for a path in a copy.
    pub fn original(&self, path: &Path) -> PathBuf {
        let copied = self.export.as_ref().and_then(|export| {
            let below = path.strip_prefix(&export.root).ok()?;
            Some(self.names.original(&export.root)?.join(below))
        });
        copied.unwrap_or_else(|| path.to_owned())
    }

    /// Returns the commit that is read, if any.
    pub fn revision(&self) -> Option<&str> {
        self.commit.as_ref().map(|commit| &*commit.id)
    }

    /// Returns whether a path within the repository is known not to exist.
    pub fn lacks(&self, path: &Path) -> bool {
        use std::path::Component;
        let mut depth = 0_usize;
        let stays = path.components().all(|part| match part {
            Component::Normal(_) => {
                depth += 1;
                true
            }
            Component::ParentDir => {
                let above = depth.checked_sub(1);
                depth = above.unwrap_or(0);
                above.is_some()
            }
            _ => true,
        });
        let file = self.root.join(path.strip_prefix("/").unwrap_or(path));
        let absent = file
            .symlink_metadata()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        let is_sparse = self.commit.is_none() && is_in_head(&file);
        stays && absent && !is_sparse && self.left_out(&file).next().is_none()
    }

    /// Returns why there is nothing at a path.
    fn not_there(&self, path: &str, joined: &Path) -> String {
        if let Some((_, why)) = self.left_out(joined).next() {
            return format!("{path}: {why}");
        }
        let called = &self.called;
        if self.commit.is_none() && is_in_head(joined) {
            return format!(
                "there is no {path} in {called}, but HEAD has it: check it out (the checkout may \
                 be sparse), or pass --ref HEAD to read it from there"
            );
        }
        format!(
            "there is no {path} in {called}: is this the right repository? --repo-root sets where \
             its paths start"
        )
    }

    /// Returns the paths in a directory that the commit has but this copy does not.
    fn left_out<'c>(&'c self, directory: &'c Path) -> impl Iterator<Item = (PathBuf, &'c str)> {
        let export = self.export.as_ref();
        let all = export.into_iter().flat_map(|export| {
            let left_out = export.left_out.iter();
            left_out.map(|(below, why)| (export.root.join(below), why.as_str()))
        });
        all.filter(move |(path, _)| path.starts_with(directory))
    }

    /// Adds the commit to what was loaded from a directory, and errors about files that this copy
    /// lacks.
    pub fn sign(&self, directory: &Path, loaded: &mut LoadedSource) {
        let Some(commit) = &self.commit else {
            return;
        };
        for manifest in &mut loaded.manifests {
            manifest.origin.revision = Some(commit.id.clone());
        }
        let left_out: Vec<_> = self.left_out(directory).collect();
        for (path, why) in left_out {
            loaded.error(self.names.of(&path), why);
        }
    }
}

/// Provides checkouts of one repository; a commit is copied only once.
pub(super) struct Checkouts<'o> {
    options: &'o GitOps,
    /// Where paths start on disk, without links.
    root: PathBuf,
    names: FileNames,
    git: OnceLock<Option<InGit>>,
    known: Mutex<BTreeMap<String, Arc<Checkout>>>,
    /// The address in GitOps objects that stands for this repository, if Git has no remote.
    home: OnceLock<String>,
}

/// The Git repository around the root.
struct InGit {
    repository: Repository,
    /// The root relative to the repository's.
    below: PathBuf,
}

impl<'o> Checkouts<'o> {
    /// Returns the checkouts of the `--repo-root` directory, or else of the Git repository around
    /// `start`; outside a repository, of `start` itself if it may be the root.
    ///
    /// # Errors
    /// Fails if none of these can be the root, with a message for the user.
    pub fn find(options: &'o GitOps, start: &Path, may_be_root: bool) -> Result<Self, String> {
        let root = match &options.repo_root {
            Some(given) => given
                .canonicalize()
                .ok()
                .filter(|root| root.is_dir())
                .ok_or_else(|| format!("--repo-root: {} is not a directory", given.display()))?,
            None => {
                let start = start
                    .canonicalize()
                    .map_err(|_| format!("{} does not exist", start.display()))?;
                match around(&start) {
                    Some((root, _)) => root,
                    None if may_be_root && start.is_dir() => start,
                    None => {
                        return Err(format!(
                            "{} is not in a Git repository: set where paths start with --repo-root",
                            start.display()
                        ));
                    }
                }
            }
        };
        let given = options.repo_root.as_deref().unwrap_or(start);
        Ok(Self {
            options,
            root,
            names: FileNames::like(given),
            git: OnceLock::new(),
            known: Mutex::default(),
            home: OnceLock::new(),
        })
    }

    /// Returns the checkout for a source with a revision, or without one.
    ///
    /// # Errors
    /// Fails if the revision does not exist or cannot be read.
    pub fn of(&self, target: Option<&RevisionRequest>) -> Result<Arc<Checkout>, String> {
        let commit = match (&self.options.read_at, target) {
            (ReadAt::WorkTree, _) | (ReadAt::Target, None) => None,
            (ReadAt::Revision(revision), _) => {
                let git = self.git()?;
                let commit = git.repository.resolve(revision);
                Some(commit.map_err(|error| error.to_string())?)
            }
            (ReadAt::Target, Some(target)) => {
                let commit = self.commit(target);
                Some(commit.ok_or_else(|| self.unknown(target))?)
            }
        };
        let id = commit.as_ref().map_or(String::new(), |c| c.id.to_string());
        // Locked while a copy is made, so that it is made only once.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&id) {
            return Ok(Arc::clone(known));
        }
        let checkout = Arc::new(match commit {
            Some(commit) => self.exported(commit)?,
            None => self.work_tree()?,
        });
        known.insert(id, Arc::clone(&checkout));
        Ok(checkout)
    }

    fn work_tree(&self) -> Result<Checkout, String> {
        let within = if self.options.untrusted {
            let here = Path::new(".").canonicalize();
            here.map_err(|error| format!("cannot read the current directory: {error}"))?
        } else {
            self.root.clone()
        };
        Ok(Checkout {
            root: self.root.clone(),
            names: self.names.clone(),
            called: self.root.display().to_string(),
            within,
            commit: None,
            export: None,
        })
    }

    fn exported(&self, commit: Commit) -> Result<Checkout, String> {
        let git = self.git()?;
        let bounds = self.options.bounds();
        let export = Export::of(&git.repository, &commit, &bounds)?;
        let called = format!("{} ({})", commit.name, commit.short());
        let root = export.root.join(&git.below).canonicalize();
        let root = root
            .ok()
            .filter(|root| root.starts_with(&export.root) && root.is_dir())
            .ok_or_else(|| format!("there is no {} in {called}", git.below.display()))?;
        Ok(Checkout {
            names: self
                .names
                .clone()
                .of_copy(&export.root, git.repository.root()),
            called,
            within: root.clone(),
            root,
            commit: Some(commit),
            export: Some(export),
        })
    }

    fn git(&self) -> Result<&InGit, String> {
        let git = self.git.get_or_init(|| {
            let (root, below) = around(&self.root)?;
            let repository = Repository::open(&root).ok()?;
            Some(InGit { repository, below })
        });
        git.as_ref().ok_or_else(|| {
            format!(
                "{} is not in a readable Git repository, so it has no revisions",
                self.root.display()
            )
        })
    }

    /// Returns the commit that a tool would read for a target, as far as this clone knows.
    fn commit(&self, target: &RevisionRequest) -> Option<Commit> {
        let git = self.git().ok()?;
        let remote = git.repository.remote_at(&target.address);
        let remote = remote.unwrap_or_else(|| "origin".to_owned());
        let mut names = target.references(&remote).into_iter();
        let commit = names.find_map(|name| git.repository.resolve(&name).ok())?;
        Some(Commit {
            name: target.to_string(),
            ..commit
        })
    }

    fn unknown(&self, target: &RevisionRequest) -> String {
        if let Err(message) = self.git() {
            return message;
        }
        format!(
            "its revision {target} is not in this clone: run `git fetch --tags`, or name the \
             revision to read with --ref"
        )
    }

    /// Returns the warning if the work tree is read, but a tool would read another commit.
    pub fn difference(&self, target: &RevisionRequest) -> Option<String> {
        if self.options.read_at != ReadAt::WorkTree || self.is_at(&target.address) == Some(false) {
            return None;
        }
        let wanted = self.commit(target)?;
        let here = self.git().ok()?.repository.resolve("HEAD").ok()?;
        let differ = wanted.tree != here.tree;
        differ.then(|| {
            format!(
                "its revision {target} is {}, but the files in this checkout were read (HEAD is \
                 {}): pass --target-revision to read {target}",
                wanted.short(),
                here.short()
            )
        })
    }

    /// Accepts an address as that of this repository, or refuses it, because its files are not
    /// here. Returns a warning if it is only likely to be the same repository, such as a fork of
    /// it.
    ///
    /// # Errors
    /// Fails if the address is that of another repository, with a message for the user.
    pub fn claim(&self, address: &str, path: &str) -> Result<Option<String>, String> {
        if address.contains("{{") {
            return Err(format!(
                "its repository is a template ({address}): render the chart that it belongs to, or \
                 name that chart"
            ));
        }
        if address.is_empty() || self.options.repo_root.is_some() {
            return Ok(None);
        }
        let home = match self.is_at(address) {
            Some(true) => return Ok(None),
            Some(false) => None,
            None => self.home.get(),
        };
        let is_home =
            home.is_some_and(|home| comparable_address(home) == comparable_address(address));
        if is_home || home.is_none() && self.is_at(address).is_none() {
            return Ok(None);
        }
        let address = without_user(address);
        let path = match path.trim_start_matches("./").trim_end_matches('/') {
            "" | "." => "root",
            path => path,
        };
        if home.is_none() && self.is_named_like(&address) {
            return Ok(Some(format!(
                "{address} is not a remote of this repository; its {path} is assumed to be the same"
            )));
        }
        let this = match home {
            Some(home) => format!(" ({})", without_user(home)),
            None => String::new(),
        };
        Err(format!(
            "{address} is not this repository{this}, so its {path} is not here: compare it in a \
             clone of {address}, or name the folder to use instead with --repo-root"
        ))
    }

    /// Records the address that stands for this repository, if Git has no remote.
    pub fn call_home(&self, address: &str) {
        // The first address is used.
        let _ = self.home.set(address.to_owned());
    }

    /// Returns the options for reading paths.
    pub fn options(&self) -> &'o GitOps {
        self.options
    }

    /// Returns whether an address is one of this repository's remotes; `None` if Git has none, or
    /// only folders on this machine.
    pub fn is_at(&self, address: &str) -> Option<bool> {
        let git = self.git().ok()?;
        if git.repository.remote_at(address).is_some() {
            return Some(true);
        }
        let addresses = git.repository.addresses();
        let known = addresses.iter().any(|address| !is_local(address));
        known.then_some(false)
    }

    /// Returns whether an address ends in the name of a remote of this repository, as that of a
    /// fork does.
    fn is_named_like(&self, address: &str) -> bool {
        let name = |address: &str| {
            let address = comparable_address(address);
            address.rsplit('/').next().map(str::to_owned)
        };
        let Ok(git) = self.git() else {
            return false;
        };
        let mut known = git.repository.addresses().into_iter();
        known.any(|known| name(&known) == name(address))
    }

    /// Returns the commits that were read.
    pub fn revisions(&self) -> Vec<SourceRevision> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let commits = known.values().filter_map(|known| known.commit.as_ref());
        commits.map(Commit::revision).collect()
    }

    /// Returns a file system path in a checkout, without links.
    ///
    /// # Errors
    /// Fails if it does not exist.
    pub fn in_checkout(&self, path: &Path, checkout: &Checkout) -> Result<PathBuf, String> {
        let there = match &checkout.export {
            Some(export) => around(path).map(|(_, below)| export.root.join(below)),
            None => Some(path.to_owned()),
        };
        let there = there.and_then(|there| there.canonicalize().ok());
        there.ok_or_else(|| format!("there is no {} in {}", path.display(), checkout.called))
    }

    /// Returns the objects in a file that may contain several GitOps objects; errors go to
    /// `loaded`.
    pub fn objects(&self, path: &Path, loaded: &mut LoadedSource) -> Vec<GitOpsObject> {
        let name = path.to_string_lossy();
        let mut read = LoadedSource::default();
        let file = self.allow(path).and_then(|()| self.file(path, loaded));
        match file {
            Ok(bytes) => text::load_bytes(&name, bytes, &mut read),
            Err(message) => read.error(&name, message),
        }
        let found = std::mem::take(&mut read.manifests);
        loaded.append(read);
        let found = found.into_iter().map(|manifest| GitOpsObject {
            place: manifest.origin.to_string(),
            value: manifest.value(),
        });
        found.collect()
    }

    /// Refuses a file that may be a link out of the tree by an untrusted author.
    fn allow(&self, path: &Path) -> Result<(), String> {
        let here = Path::new(".").canonicalize();
        let (Ok(here), Ok(found)) = (here, path.canonicalize()) else {
            // If the file cannot be read, reading it reports the error.
            return Ok(());
        };
        match self.options.untrusted && !found.starts_with(here) {
            true => Err(NOT_BELOW.to_owned()),
            false => Ok(()),
        }
    }

    /// Returns the file of a GitOps object at the revision at which the paths in it are read, if
    /// the commit has it.
    ///
    /// # Errors
    /// Fails if it cannot be read, with a message for the user.
    fn file(&self, path: &Path, loaded: &mut LoadedSource) -> Result<Vec<u8>, String> {
        if path == Path::new("-") {
            return super::read::stdin();
        }
        if let ReadAt::Revision(_) = &self.options.read_at {
            let checkout = self.of(None)?;
            if let Some(copy) = self.copy_of(path, &checkout) {
                return super::read::file(&copy);
            }
            let message = format!(
                "it is not in {}, so it is read from the work tree",
                checkout.called
            );
            loaded.warnings.push(remark(path.display(), message, false));
        }
        super::read::file(path)
    }

    /// Returns a file of this repository in a copy of it.
    fn copy_of(&self, path: &Path, checkout: &Checkout) -> Option<PathBuf> {
        let (root, below) = around(path)?;
        let export = checkout.export.as_ref()?;
        let is_here = root == self.git().ok()?.repository.root();
        let copy = is_here.then(|| export.root.join(below))?;
        copy.canonicalize()
            .ok()
            .filter(|copy| copy.starts_with(&export.root))
    }
}

impl GitOps {
    /// Returns the limits that bound the time for reading.
    pub(super) fn bounds(&self) -> Bounds {
        let bounds = if self.untrusted {
            Bounds::untrusted_limits(None)
        } else {
            Bounds::default()
        };
        // Neither Argo CD nor Flux skips names with a leading dot (`findManifests`;
        // `scanManifests`).
        Bounds {
            hidden: true,
            ..bounds
        }
    }
}

/// Returns whether an address is a folder on this machine.
fn is_local(address: &str) -> bool {
    address.starts_with(['/', '.', '~']) || address.starts_with("file:") || !address.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_within_the_repository() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("repo/.git")).unwrap();
        std::fs::create_dir_all(root.join("repo/apps")).unwrap();
        let options = GitOps::default();
        let checkouts = Checkouts::find(&options, &root.join("repo/apps"), false).unwrap();
        let checkout = checkouts.of(None).unwrap();
        assert_eq!(checkout.root, root.join("repo"));
        assert!(checkout.path("./apps").is_ok());
        assert!(checkout.path("/apps").is_ok());
        assert!(checkout.path("../").unwrap_err().contains("leads out"));
        let missing = checkout.path("nowhere").unwrap_err();
        assert!(missing.contains("no nowhere"), "{missing}");
    }
}
