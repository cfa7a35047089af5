//! Finds the addresses of files in a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::repository::Repository;
use super::root::around;
use super::tree::CommitTree;
use crate::model::{ObjectReport, WebPages};
use crate::source::tree::Tree as _;

/// The path to a line of a file on known hosts. The first label of a host name is sufficient:
/// `gitlab.example.com` runs the same software as `gitlab.com`.
const HOSTS: [(&str, &str); 5] = [
    ("github.", "/blob/{commit}/{path}#L{line}"),
    ("gitlab.", "/-/blob/{commit}/{path}#L{line}"),
    ("bitbucket.org", "/src/{commit}/{path}#lines-{line}"),
    ("codeberg.org", "/src/commit/{commit}/{path}#L{line}"),
    ("gitea.", "/src/commit/{commit}/{path}#L{line}"),
];

/// Finds the addresses of the files that objects are declared in. `template` is an address with
/// `{path}`, `{line}` and optionally `{commit}`; without one, the address is derived from the
/// remote if its host is known.
pub fn pages(objects: &[ObjectReport], template: Option<&str>) -> WebPages {
    let origins = objects.iter().filter_map(|object| object.origin.as_ref());
    let files: BTreeSet<_> = origins
        .map(|origin| (origin.file.clone(), origin.revision.clone()))
        .collect();
    let mut repositories: BTreeMap<PathBuf, Option<PageRepository>> = BTreeMap::new();
    let mut pages = WebPages::default();
    for (file, revision) in files {
        let Some((root, below)) = around(Path::new(&*file)) else {
            continue;
        };
        let known = repositories.entry(root);
        let known = known.or_insert_with_key(|root| PageRepository::of(root, template));
        let Some(page) = known
            .as_ref()
            .and_then(|known| known.page(&below, revision.as_deref()))
        else {
            continue;
        };
        pages.add(file, revision, page);
    }
    pages
}

/// A repository, with the template of its addresses.
struct PageRepository {
    repository: Repository,
    template: String,
}

impl PageRepository {
    fn of(root: &Path, template: Option<&str>) -> Option<Self> {
        let repository = Repository::open(root).ok()?;
        let given = template.map(str::to_owned);
        let template = given.or_else(|| {
            let addresses = repository.addresses();
            addresses.iter().find_map(|address| of_remote(address))
        })?;
        Some(Self {
            repository,
            template,
        })
    }

    /// Returns the address of a committed file, without its line.
    fn page(&self, below: &Path, revision: Option<&str>) -> Option<String> {
        let commit = self.repository.resolve(revision.unwrap_or("HEAD")).ok()?;
        let tree = CommitTree::new(&self.repository, &commit);
        tree.resolve(below).ok()?;
        let path = encoded(below.to_str()?);
        let page = self.template.replace("{commit}", &commit.id);
        Some(page.replace("{path}", &path))
    }
}

/// Returns the template for a remote such as `git@github.com:shop/deploy`, without user and
/// password.
fn of_remote(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("ssh", address));
    let rest = match rest.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => rest,
    };
    let end = rest.find(['/', ':'])?;
    let (host, path) = rest.split_at(end);
    // A port is that of SSH, not of the web pages.
    let path = match (scheme, path.strip_prefix(':')) {
        (_, Some(path)) => match path.split_once('/') {
            Some((port, path)) if port.bytes().all(|digit| digit.is_ascii_digit()) => path,
            _ => path,
        },
        (_, None) => path,
    };
    let host = host.to_ascii_lowercase();
    let (_, line) = HOSTS.iter().find(|(known, _)| host.starts_with(known))?;
    let path = path.trim_matches('/').trim_end_matches(".git");
    let is_web = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let is_safe = !path.is_empty() && path.chars().chain(host.chars()).all(is_web);
    is_safe.then(|| format!("https://{host}/{path}{line}"))
}

/// Encodes a path for an address.
fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_addresses_from_remotes_of_known_hosts() {
        for (remote, start) in [
            (
                "git@github.com:shop/deploy.git",
                "https://github.com/shop/deploy/blob/",
            ),
            (
                "https://x:token@github.com/shop/deploy",
                "https://github.com/shop/deploy/blob/",
            ),
            (
                "ssh://git@gitlab.example.com:2222/a/b/c.git",
                "https://gitlab.example.com/a/b/c/-/blob/",
            ),
            (
                "https://codeberg.org/shop/deploy/",
                "https://codeberg.org/shop/deploy/src/commit/",
            ),
            (
                "git@bitbucket.org:shop/deploy.git",
                "https://bitbucket.org/shop/deploy/src/",
            ),
        ] {
            let page = of_remote(remote).unwrap();
            assert!(page.starts_with(start), "{remote}: {page}");
            assert!(!page.contains("token") && page.contains("{line}"), "{page}");
        }
        for remote in [
            "git@git.example.com:shop/deploy.git",
            "/srv/git/deploy.git",
            "https://github.com/a\"onclick=/b",
            "https://github.com",
        ] {
            assert_eq!(of_remote(remote), None, "{remote}");
        }
    }

    #[test]
    fn encodes_paths() {
        assert_eq!(encoded("a b/ü#.yaml"), "a%20b/%C3%BC%23.yaml");
    }
}
