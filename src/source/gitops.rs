//! Code that the sources of GitOps tools share: finds their objects, and applies their settings to
//! manifests.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::LoadedSource;
use super::argo_clusters::Clusters;
use super::render::Rendering;
use crate::cluster::Live;
use crate::model::{Manifest, group_of};
use crate::policy::{ChangeKindSpec, Explains, Rule, RuleOrigin, RuleSpec, glob, literally};

/// The limit on GitOps objects in a file of an untrusted author.
pub(super) const MOST: usize = 200;

/// The GitOps object to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitOpsSelector {
    /// Those in a file.
    File(PathBuf),
    /// One in the cluster, or in the recording.
    Live {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// The revision of paths in GitOps objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReadAt {
    /// The work tree. In a branch that is about to be merged, it has what the tool will read next.
    #[default]
    WorkTree,
    /// This revision.
    Revision(String),
    /// The revision that the object requests.
    Target,
}

/// How paths in GitOps objects are read.
#[derive(Debug, Clone, Default)]
pub struct GitOps {
    /// How directories are rendered; `None` to refuse those that need it.
    pub rendering: Option<Rendering>,
    /// Where paths start; by default, at the root of the Git repository around the file, or around
    /// the current directory.
    pub repo_root: Option<PathBuf>,
    /// The revision.
    pub read_at: ReadAt,
    /// Whether the author is untrusted.
    pub untrusted: bool,
    /// The clusters whose objects are compared, by address, name or directory.
    pub destinations: Vec<String>,
    /// The clusters that Argo CD knows; by default, those of the live side.
    pub clusters: Option<Clusters>,
    /// Whether folders are read without following GitOps objects.
    pub is_plain: bool,
}

impl LoadedSource {
    /// Returns the message about a file without objects of a kind, with the kinds that it has.
    pub(super) fn nothing(&self, kind: &str) -> String {
        let there = match self.skipped.first() {
            Some(skipped) => format!("; {}: {}", skipped.place, skipped.message),
            None => String::new(),
        };
        format!("no {kind} in this file{there}")
    }
}

impl GitOps {
    /// Returns the options for rendering.
    ///
    /// # Errors
    /// Returns the error if nothing may be rendered.
    pub(super) fn rendering(&self) -> Result<&Rendering, String> {
        let rendering = self.rendering.as_ref();
        rendering.ok_or_else(|| {
            let why = match self.untrusted {
                true => "with --untrusted that takes --render",
                false => "--no-render forbids it",
            };
            format!("this has to be rendered, and {why}")
        })
    }
}

/// A requested revision: Argo CD's `targetRevision`, or the `ref` of a Flux GitRepository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RevisionRequest {
    /// The address of the repository.
    pub address: String,
    /// The revision in that repository.
    pub revision: RemoteRevision,
}

/// A revision in a remote repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RemoteRevision {
    /// Any reference with this name; empty or `HEAD` for the default branch.
    Any(String),
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// A commit.
    Commit(String),
    /// A range of versions, which would need a list of all tags.
    Range(String),
}

impl RevisionRequest {
    /// Returns the possible names of the revision in this clone, best first. Names of the remote
    /// come first, because the tool reads the remote.
    pub fn references(&self, remote: &str) -> Vec<String> {
        let branch = |name: &str| {
            vec![
                format!("refs/remotes/{remote}/{name}"),
                format!("refs/heads/{name}"),
            ]
        };
        let tag = |name: &str| vec![format!("refs/tags/{name}")];
        match &self.revision {
            RemoteRevision::Any(name) if name.is_empty() || name == "HEAD" => {
                vec![format!("refs/remotes/{remote}/HEAD")]
            }
            RemoteRevision::Any(name) => match name.strip_prefix("refs/") {
                Some(full) => match full.strip_prefix("heads/") {
                    Some(name) => branch(name),
                    None => vec![name.clone()],
                },
                None if is_id(name) => [branch(name), tag(name), vec![name.clone()]].concat(),
                None => [branch(name), tag(name)].concat(),
            },
            RemoteRevision::Branch(name) => branch(name),
            RemoteRevision::Tag(name) => tag(name),
            RemoteRevision::Commit(id) => vec![id.clone()],
            RemoteRevision::Range(_) => Vec::new(),
        }
    }
}

/// Returns whether text may be a commit ID, or the beginning of one.
fn is_id(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for RevisionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.revision {
            RemoteRevision::Any(name) if name.is_empty() => "HEAD",
            RemoteRevision::Any(name)
            | RemoteRevision::Branch(name)
            | RemoteRevision::Tag(name)
            | RemoteRevision::Commit(name)
            | RemoteRevision::Range(name) => name,
        })
    }
}

/// A GitOps object, and where it is.
#[derive(Debug, Clone)]
pub(super) struct GitOpsObject {
    /// The object.
    pub value: Value,
    /// `app.yaml:3`, or the object's name in the cluster.
    pub place: String,
}

impl GitOpsObject {
    /// Returns a string in its metadata.
    pub fn metadata(&self, field: &str) -> &str {
        let text = self.value.pointer("/metadata").and_then(|m| m.get(field));
        text.and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the prefix for messages about it: empty if its place names it already, as that of an
    /// object in the cluster does.
    pub fn subject<'s>(&self, subject: &'s str) -> &'s str {
        let kind = self.value.get("kind").and_then(Value::as_str);
        let is_file = kind.is_none_or(|kind| !self.place.starts_with(&format!("{kind} ")));
        if is_file { subject } else { "" }
    }

    /// Returns whether it is of this kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        let text = |field: &str| self.value.get(field).and_then(Value::as_str);
        text("kind") == Some(kind) && group_of(text("apiVersion").unwrap_or("")) == group
    }
}

/// Returns one object of the live side.
///
/// # Errors
/// Fails if it does not exist or cannot be read.
pub(super) fn in_cluster(
    live: &dyn Live,
    api_versions: &[&str],
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<GitOpsObject, String> {
    let mut could_read = false;
    let mut others = Vec::new();
    for api_version in api_versions {
        let Some(objects) = live.related(api_version, kind, namespace) else {
            continue;
        };
        could_read = true;
        for value in objects {
            let found = value.pointer("/metadata/name").and_then(Value::as_str);
            if found == Some(name) {
                let place = format!("{kind} {namespace}/{name}");
                return Ok(GitOpsObject { value, place });
            }
            others.extend(found.map(str::to_owned));
        }
    }
    Err(if could_read {
        let there = available_names(others);
        format!("no {kind} {namespace}/{name} on the live side: check the name{there}")
    } else {
        format!(
            "cannot read {kind}s in the namespace {namespace}: check that you may list them and \
             that the API server serves them"
        )
    })
}

/// Returns the existing names, as a hint for a name that does not exist.
fn available_names(mut names: Vec<String>) -> String {
    const AT_MOST: usize = 5;
    names.sort();
    names.dedup();
    let more = match names.len().saturating_sub(AT_MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(AT_MOST);
    match names.as_slice() {
        [] => String::new(),
        names => format!(" (there: {}{more})", names.join(", ")),
    }
}

/// Adds a GitOps object as the deployer of manifests, and sets its target namespace on those
/// without a namespace.
pub(super) fn adopt(manifests: &mut [Manifest], by: &str, namespace: Option<&str>) {
    for manifest in manifests {
        let rendered = manifest.origin.rendered_by.take();
        manifest.origin.rendered_by = Some(match rendered {
            Some(tool) => Arc::from(format!("{tool} for {by}")),
            None => Arc::from(by),
        });
        if manifest.namespace.is_none() {
            manifest.namespace = namespace.filter(|n| !n.is_empty()).map(str::to_owned);
        }
    }
}

/// Keeps the last of the objects that several sources declare, as Argo CD does. Warns about the
/// others.
pub(super) fn last_wins(loaded: &mut LoadedSource) {
    type Key = (String, String, Option<String>, String);
    let key = |manifest: &Manifest| -> Key {
        (
            group_of(&manifest.api_version).to_owned(),
            manifest.kind.clone(),
            manifest.namespace.clone(),
            manifest.name.clone(),
        )
    };
    let mut last: BTreeMap<Key, Manifest> = BTreeMap::new();
    for manifest in std::mem::take(&mut loaded.manifests) {
        if let Some(before) = last.insert(key(&manifest), manifest) {
            let what = format!("{} {}", before.kind, before.name);
            let message = format!(
                "{what} is declared again by a later source, which takes \
                precedence"
            );
            loaded.warning(&before.origin, message);
        }
    }
    loaded.manifests = last.into_values().collect();
}

/// Limits a rule to these manifests: returns one rule for each that it matches. If it matches none,
/// returns a rule that matches nothing, so that it is reported as unused but hides no drift of
/// other objects.
pub(super) fn only_for(rule: &Rule, manifests: &[Manifest]) -> Vec<Rule> {
    let is_or_any = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
    let matching = manifests.iter().filter(|manifest| {
        let objects = &rule.objects;
        let namespace = manifest.namespace.as_deref().unwrap_or_default();
        glob(&objects.group, group_of(&manifest.api_version))
            && glob(&objects.kind, &manifest.kind)
            && is_or_any(&objects.name, &manifest.name)
            && is_or_any(&objects.namespace, namespace)
    });
    let named = matching.map(|manifest| {
        let mut named = rule.clone();
        named.objects.group = group_of(&manifest.api_version).to_owned();
        named.objects.kind = literally(&manifest.kind);
        named.objects.name = literally(&manifest.name);
        // Without a namespace, the run's own is meant, which is unknown here. With one, the object
        // may still be cluster-scoped: tools set one on every object, and only the cluster knows.
        let namespace = manifest.namespace.as_deref().map(literally);
        named.objects.namespace = namespace.map_or_else(String::new, |n| format!("{{,{n}}}"));
        named
    });
    let named: Vec<Rule> = named.collect();
    if named.is_empty() {
        let mut nothing = rule.clone();
        nothing.objects.name = literally("/");
        vec![nothing]
    } else {
        named
    }
}

/// Returns the rule that a tool's marks on live objects are not drift.
pub(super) fn tool_marks_rule(id: &str, reason: &str, paths: &[&str]) -> Option<Rule> {
    let spec = RuleSpec {
        id: id.to_owned(),
        group: "*".to_owned(),
        kind: "*".to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        changes: vec![ChangeKindSpec::Added],
        reason: reason.to_owned(),
        explains: Some(Explains::ControllerOwned),
        ..RuleSpec::default()
    };
    spec.compile(RuleOrigin::BuiltIn).ok()
}

/// Removes fields that are null, which means the same as absent.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Parses `name:tag@digest` with its new name, as an entry of a kustomization's `images`.
pub(super) fn image(text: &str) -> Value {
    let (name, image) = match text.split_once('=') {
        Some((name, image)) => (Some(name), image),
        None => (None, text),
    };
    let (image, digest) = match image.split_once('@') {
        Some((image, digest)) => (image, Some(digest)),
        None => (image, None),
    };
    let folder = image.rfind('/').map_or(0, |slash| slash + 1);
    let (base, tag) = match image[folder..].split_once(':') {
        Some((last, tag)) => (&image[..folder + last.len()], Some(tag)),
        None => (image, None),
    };
    let mut entry = json!({"name": name.unwrap_or(base)});
    if name.is_some() {
        entry["newName"] = json!(base);
    }
    for (field, value) in [("newTag", tag), ("digest", digest)] {
        if let Some(value) = value {
            entry[field] = json!(value);
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_up_revisions_of_the_remote_first() {
        let references = |revision| {
            let address = String::new();
            RevisionRequest { address, revision }
                .references("up")
                .join(" ")
        };
        let any = |name: &str| references(RemoteRevision::Any(name.to_owned()));
        assert_eq!(any(""), "refs/remotes/up/HEAD");
        assert_eq!(any("HEAD"), "refs/remotes/up/HEAD");
        assert_eq!(any("v1"), "refs/remotes/up/v1 refs/heads/v1 refs/tags/v1");
        assert!(any("0123abc").ends_with(" 0123abc"));
        assert_eq!(
            any("refs/heads/main"),
            "refs/remotes/up/main refs/heads/main"
        );
        assert_eq!(any("refs/pull/1/head"), "refs/pull/1/head");
        assert_eq!(
            references(RemoteRevision::Tag("v1".to_owned())),
            "refs/tags/v1"
        );
        assert_eq!(references(RemoteRevision::Range(">=1".to_owned())), "");
    }

    #[test]
    fn splits_images_into_name_tag_and_digest() {
        for (text, expected) in [
            ("nginx:1.2", json!({"name": "nginx", "newTag": "1.2"})),
            (
                "web=reg.example:5000/a/web:2",
                json!({"name": "web", "newName": "reg.example:5000/a/web", "newTag": "2"}),
            ),
            (
                "a/b@sha256:00",
                json!({"name": "a/b", "digest": "sha256:00"}),
            ),
            ("a=b", json!({"name": "a", "newName": "b"})),
        ] {
            assert_eq!(image(text), expected, "{text}");
        }
    }
}
