//! Reads settings of an Application in files next to its manifests, as the image updater writes
//! them.
//!
//! (argo-cd, `reposerver/repository/repository.go`: `mergeSourceParameters`.)

use std::path::Path;

use serde_json::Value;

use super::spec::ApplicationSource;
use crate::source::gitops::without_nulls;
use crate::source::read;
use crate::yaml;

/// Returns the Application with the settings in the files; `None` if there are no such files.
///
/// # Errors
/// Fails if one of them cannot be read, because its settings would be missing.
pub(super) fn overridden(
    source: &ApplicationSource,
    directory: &Path,
    application: &str,
) -> Result<Option<ApplicationSource>, String> {
    let own = format!(".argocd-source-{application}.yaml");
    let mut written = source.written.clone();
    let mut is_overridden = false;
    for name in [".argocd-source.yaml", &own] {
        let file = directory.join(name);
        match file.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                return Err(format!(
                    "{name} is a link, which is not followed: copy the file there"
                ));
            }
            Ok(found) if found.is_file() => {}
            _ => continue,
        }
        let bytes = read::file(&file).map_err(|why| format!("{name}: {why}"))?;
        let text = yaml::decode(bytes).map_err(|_| format!("{name} is not UTF-8 text"))?;
        let parsed = yaml::parse(&text);
        if parsed.problems.iter().any(|problem| problem.fatal) {
            return Err(format!("{name} is not YAML"));
        }
        for document in parsed.documents.into_iter().take(1) {
            merge(&mut written, document.value);
            is_overridden = true;
        }
    }
    if !is_overridden {
        return Ok(None);
    }
    // The parser's error quotes values, which may be passwords.
    let mut merged: ApplicationSource = serde_json::from_value(without_nulls(written.clone()))
        .map_err(|_| "its .argocd-source file has settings of other types".to_owned())?;
    merged.written = written;
    // These files may change how the source is rendered, but not its repository or path.
    merged.chart.clone_from(&source.chart);
    merged.path.clone_from(&source.path);
    merged.repo_url.clone_from(&source.repo_url);
    merged.target_revision.clone_from(&source.target_revision);
    Ok(Some(merged))
}

/// Applies a JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn source(written: Value) -> ApplicationSource {
        let mut source: ApplicationSource = serde_json::from_value(written.clone()).unwrap();
        source.written = written;
        source
    }

    #[test]
    fn files_next_to_the_manifests_override_settings() {
        let dir = tempfile::tempdir().unwrap();
        let web =
            source(json!({"path": "a", "kustomize": {"images": ["x:1"], "namePrefix": "p-"}}));
        assert!(overridden(&web, dir.path(), "web").unwrap().is_none());
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write(
            ".argocd-source.yaml",
            "path: elsewhere\nkustomize: {namePrefix: null, nameSuffix: -s}\n",
        );
        write(".argocd-source-web.yaml", "kustomize: {images: ['x:2']}\n");
        let merged = overridden(&web, dir.path(), "web").unwrap().unwrap();
        let kustomize = merged.kustomize.unwrap();
        assert_eq!(merged.path, "a");
        assert_eq!(kustomize.images, ["x:2"]);
        assert_eq!(
            (&*kustomize.name_prefix, &*kustomize.name_suffix),
            ("", "-s")
        );
        let other = overridden(&web, dir.path(), "other").unwrap().unwrap();
        assert_eq!(other.kustomize.unwrap().images, ["x:1"]);
        write(".argocd-source.yaml", "a: [");
        assert!(overridden(&web, dir.path(), "web").is_err());
        write(".argocd-source.yaml", "kustomize: {images: hunter2}");
        let said = overridden(&web, dir.path(), "other").unwrap_err();
        assert!(!said.contains("hunter2"), "{said}");
    }
}
