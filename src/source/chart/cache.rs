//! Finds charts in Helm's cache, where `helm pull` and `helm template` store them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::source::read;
use crate::source::render::ChartReference;
use crate::yaml;

/// The size limit of a repository index, in bytes.
const LARGEST_INDEX: usize = 32 << 20;

/// Returns the archive of a chart in helm's cache. Only an exact version can be looked up.
pub(super) fn archive(reference: &ChartReference) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = folder(&variable, "HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache")?;
    let config = folder(&variable, "HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config");
    let repository = variable("HELM_REPOSITORY_CACHE").map(PathBuf::from);
    let repository = repository.unwrap_or_else(|| cache.join("repository"));
    let version = reference.exact_version()?;
    let is_part = |text: &str| !text.is_empty() && !text.contains(['/', '\\']) && text != "..";
    if !is_part(&reference.name) || !is_part(version) {
        return None;
    }
    // Helm 3 names archives by chart, Helm 4 by digest.
    let named = repository.join(format!("{}-{version}.tgz", reference.name));
    let is_listed = || by_digest(reference, version, &cache, &repository, config.as_deref());
    Some(named).filter(|file| file.is_file()).or_else(is_listed)
}

/// Returns one of Helm's directories (`helm/pkg/helmpath`).
fn folder(
    variable: &dyn Fn(&str) -> Option<OsString>,
    own: &str,
    of_desktop: &str,
    of_home: &str,
) -> Option<PathBuf> {
    if let Some(own) = variable(own) {
        return Some(own.into());
    }
    let base = variable(of_desktop).map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(variable("HOME")?).join(of_home)))?;
    Some(base.join("helm"))
}

/// Returns the archive whose digest is in the index of a known repository.
fn by_digest(
    reference: &ChartReference,
    version: &str,
    cache: &Path,
    indexes: &Path,
    config: Option<&Path>,
) -> Option<PathBuf> {
    let repositories = document(&config?.join("repositories.yaml"))?;
    let address = |text: &str| text.trim_end_matches('/').to_owned();
    let known = repositories.get("repositories")?.as_array()?;
    let known = known.iter().find(|one| {
        let url = one.get("url").and_then(Value::as_str);
        url.is_some_and(|url| address(url) == address(&reference.repository))
    })?;
    let name = known.get("name")?.as_str()?;
    let index = document(&indexes.join(format!("{name}-index.yaml")))?;
    let versions = index.get("entries")?.get(&reference.name)?.as_array()?;
    let meant = versions.iter().find(|one| {
        let found = one.get("version").and_then(Value::as_str);
        found == Some(version)
    })?;
    let digest = meant.get("digest")?.as_str()?;
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let file = cache.join("content").join(digest.get(..2)?);
    let file = file.join(format!("{digest}.chart"));
    (is_digest && file.is_file()).then_some(file)
}

fn document(file: &Path) -> Option<Value> {
    let bytes = read::file(file).ok()?;
    if bytes.len() > LARGEST_INDEX {
        return None;
    }
    let text = yaml::decode(bytes).ok()?;
    let document = yaml::parse(&text).documents.into_iter().next()?;
    Some(document.value)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn finds_archives_by_the_index_of_their_repository() {
        let home = tempfile::tempdir().unwrap();
        let path = |below: &str| home.path().join(below);
        let write = |below: &str, text: &str| {
            fs::create_dir_all(path(below).parent().unwrap()).unwrap();
            fs::write(path(below), text).unwrap();
        };
        let digest = "ab".repeat(32);
        write(
            "config/repositories.yaml",
            "repositories: [{name: x, url: 'https://charts.example.com/'}]\n",
        );
        write(
            "cache/repository/x-index.yaml",
            &format!("entries: {{shop: [{{version: 1.2.3, digest: {digest}}}]}}\n"),
        );
        let chart = format!("cache/content/ab/{digest}.chart");
        write(&chart, "");
        let found = |repository: &str, version: &str| {
            let reference = ChartReference {
                repository: repository.to_owned(),
                name: "shop".to_owned(),
                version: version.to_owned(),
                digest: None,
            };
            let config = path("config");
            let indexes = path("cache/repository");
            by_digest(&reference, version, &path("cache"), &indexes, Some(&config))
        };
        let expected = Some(path(&chart));
        assert_eq!(found("https://charts.example.com", "1.2.3"), expected);
        assert_eq!(found("https://charts.example.com", "1.2.4"), None);
        assert_eq!(found("https://other.example.com", "1.2.3"), None);
    }
}
