//! Addresses of repositories and of remote files.

/// Returns whether kustomize may treat an entry as an address (`kustomize/api/internal/git`,
/// `NewRepoSpecFromURL`; files by `http`). Entries that only look like one are refused as well.
pub(super) fn is_remote(entry: &str) -> bool {
    let lower = entry.to_ascii_lowercase();
    let starts = ["git@", "gh:", "git::", "github.com/", "github.com:", "org-"];
    lower.contains("://")
        || starts[..5].iter().any(|start| lower.starts_with(start))
        || lower.starts_with(starts[5]) && lower.contains("@github.com")
        || lower.contains("?ref=")
        || lower.ends_with(".git")
        || [".git/", ".git?", "_git/"]
            .iter()
            .any(|mark| lower.contains(mark))
}

/// Returns an address without its user name and password.
pub(super) fn without_user(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            format!("{scheme}://{rest}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_show_passwords() {
        assert_eq!(without_user("https://u:p@h/a"), "https://h/a");
        assert_eq!(without_user("git@h:a"), "git@h:a");
    }

    #[test]
    fn distinguishes_addresses_from_paths() {
        for remote in [
            "https://github.com/a/b//c?ref=v1",
            "github.com/a/b",
            "git@github.com:a/b.git",
            "ssh://git@example.com/a",
            "git::https://example.com/a",
            "gh:a/b",
            "https://example.com/a.yaml",
            "example.com/a/b.git",
            "example.com/a/_git/b",
            "../a?ref=main",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in [
            "../base",
            "deployment.yaml",
            ".github/x.yaml",
            "a/github.com/b",
            "a@b.yaml",
        ] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
