//! Decides which files may be edited, and writes them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cli::args::SourceArgs;
use crate::engine::backport::EditedFile;
use crate::model::{ResourceKey, group_of};
use crate::output;
use crate::redact::{Redactor, is_sensitive_name};
use crate::source::{Scheme, before_branch, repository_around};
use crate::yaml;
use crate::yaml::tree::{YamlKind, YamlNode};

/// The byte order mark that editors put before UTF-8 text.
const MARK: char = '\u{feff}';

/// The directory in which files may be edited.
pub struct EditedFiles {
    /// The Git repository root of each named path; outside a repository, the current folder, or the
    /// path itself if it is elsewhere.
    roots: Vec<WriteRoot>,
}

struct WriteRoot {
    path: PathBuf,
    is_repository: bool,
}

impl WriteRoot {
    /// Returns the root for a path. `None` if a link in the repository, or below the current
    /// folder, leads out of it: the author of the link must not choose what is edited elsewhere.
    fn of(path: &Path) -> Option<Self> {
        let canonical = path.canonicalize().ok()?;
        let written = written_out(path)?;
        let mut above = written.ancestors();
        let own = above.find(|folder| folder.join(".git").symlink_metadata().is_ok());
        if let Some(own) = own {
            let own = own.canonicalize().ok()?;
            canonical.starts_with(&own).then_some(())?;
        }
        if let Some((path, _)) = repository_around(&canonical.join("x")) {
            return Some(Self {
                path,
                is_repository: true,
            });
        }
        let here = Path::new(".").canonicalize().ok()?;
        let is_here = canonical.starts_with(&here);
        if written.starts_with(&here) && !is_here {
            return None;
        }
        Some(Self {
            path: if is_here { here } else { canonical },
            is_repository: false,
        })
    }
}

/// Returns the absolute path without following links.
fn written_out(path: &Path) -> Option<PathBuf> {
    let mut whole = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    Some(whole)
}

impl EditedFiles {
    /// Returns the repositories of the named paths.
    pub fn of(source: &SourceArgs) -> Self {
        let named = named(source);
        Self {
            roots: named
                .iter()
                .filter_map(|path| WriteRoot::of(path))
                .collect(),
        }
    }

    /// Returns the directories in which files may be edited.
    pub fn roots(&self) -> impl Iterator<Item = PathBuf> {
        self.roots.iter().map(|root| root.path.clone())
    }

    /// Returns the text of a file, or why it is not edited.
    pub fn read(&self, name: &str) -> Result<String, String> {
        let (path, _) = self.resolve(name)?;
        let bytes = fs::read(&path).map_err(|error| format!("cannot read {name}: {error}"))?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| format!("{name} is not UTF-8; save it as UTF-8"))?;
        let is_encrypted = text.contains("ENC[AES") || text.contains("\nsops:");
        if is_encrypted {
            return Err(format!("{name} is encrypted by SOPS; edit it with sops"));
        }
        Ok(text.strip_prefix(MARK).unwrap_or(&text).to_owned())
    }

    /// Returns the byte order mark that a file begins with, or nothing. The text that is edited
    /// does not have it.
    pub fn mark(&self, name: &str) -> String {
        let bytes = self.resolve(name).map(|(path, _)| fs::read(path));
        let has_mark = matches!(bytes, Ok(Ok(bytes)) if begins_with_mark(&bytes));
        String::from_iter(has_mark.then_some(MARK))
    }

    /// Returns the real path of a file, and its path from the root.
    fn resolve(&self, name: &str) -> Result<(PathBuf, String), String> {
        if name == "-" {
            return Err("it was read from standard input, which backport cannot edit".to_owned());
        }
        let canonical = Path::new(name).canonicalize();
        let canonical = canonical.map_err(|error| format!("cannot find {name}: {error}"))?;
        let mut roots = self.roots.iter();
        let root = roots.find(|root| canonical.starts_with(&root.path));
        let root = root.ok_or_else(|| {
            format!(
                "{name} is outside the repository, or is reached through a link that leads \
                out of it"
            )
        })?;
        let below = canonical.strip_prefix(&root.path).unwrap_or(&canonical);
        let is_git = |part: Component<'_>| part.as_os_str() == ".git";
        if below.components().any(is_git) {
            return Err(format!("{name} belongs to Git itself"));
        }
        let shown = if root.is_repository {
            below.to_string_lossy().into_owned()
        } else {
            name.trim_start_matches("./").to_owned()
        };
        Ok((canonical, shown.replace('\\', "/")))
    }

    /// Returns the name of a file in a patch: its path from the root of the repository.
    pub fn name_in_patch(&self, name: &str) -> String {
        self.resolve(name)
            .map_or(name.to_owned(), |(_, shown)| shown)
    }

    /// Returns the lines of a file that the diff of a pull request to a revision shows.
    ///
    /// # Errors
    /// Fails if the repository does not have the revision.
    pub fn in_diff(&self, name: &str, file: &EditedFile, base: &str) -> Result<Vec<Range<usize>>> {
        let (path, _) = self.resolve(name).map_err(anyhow::Error::msg)?;
        let before = before_branch(base, &path).with_context(|| format!("--base {base}"))?;
        let before = before.unwrap_or_default();
        // `shown_lines` returns lines of its first text, so the branch's text is the first.
        Ok(output::shown_lines(&file.before, &before, CONTEXT))
    }

    /// Writes the files, each as a whole.
    ///
    /// # Errors
    /// Fails if a file changed after it was read, or cannot be written. The error names the files
    /// that were already written.
    pub fn write(&self, files: &BTreeMap<String, EditedFile>) -> Result<()> {
        for (name, file) in files {
            let now = self.read(name).map_err(anyhow::Error::msg)?;
            ensure!(
                now == file.before,
                "{name} changed after it was read; nothing was written, run the command again"
            );
        }
        let mut written: Vec<&str> = Vec::new();
        for (name, file) in files {
            if let Err(error) = self.write_one(name, file) {
                return Err(match written.is_empty() {
                    true => error,
                    false => error.context(format!("{} was written", written.join(", "))),
                });
            }
            written.push(name);
        }
        Ok(())
    }

    fn write_one(&self, name: &str, file: &EditedFile) -> Result<()> {
        let (path, _) = self.resolve(name).map_err(anyhow::Error::msg)?;
        let failed = || format!("cannot write {name}");
        let folder = path.parent().with_context(failed)?;
        let metadata = fs::metadata(&path).with_context(failed)?;
        let had_mark = begins_with_mark(&fs::read(&path).with_context(failed)?);
        let mut new = tempfile::Builder::new()
            .prefix(".driftctl-")
            .tempfile_in(folder)
            .with_context(failed)?;
        if had_mark {
            write!(new, "{MARK}").with_context(failed)?;
        }
        new.write_all(file.after.as_bytes()).with_context(failed)?;
        new.as_file()
            .set_permissions(metadata.permissions())
            .with_context(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, chown};
            // Only root can change the owner of a file; for others, the owner is always themselves.
            let _ = chown(new.path(), Some(metadata.uid()), Some(metadata.gid()));
        }
        new.as_file().sync_all().with_context(failed)?;
        new.persist(&path).with_context(failed)?;
        Ok(())
    }
}

fn begins_with_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK.to_string().as_bytes())
}

/// Lines of context in a patch.
pub const CONTEXT: usize = 3;

/// Returns how many lines of context the patch of a file shows: fewer if more would show lines of a
/// Secret, or other values that a report masks.
///
/// # Errors
/// Fails if the changed lines alone would show them.
pub fn context(name: &str, file: &EditedFile, redactor: &Redactor) -> Result<usize> {
    let documents = yaml::parse(&file.before).documents;
    let spans = documents.iter().flat_map(|document| {
        let mut spans = spans_of_secrets(&file.before, document);
        spans.extend(masked_spans(&file.before, document, redactor));
        spans
    });
    let of_secrets: Vec<Range<usize>> = spans
        .map(|span| {
            let before = file.before.get(..span.start).unwrap_or_default();
            let text = file.before.get(span).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            line..line + text.lines().count()
        })
        .collect();
    let shows_one = |context: &usize| {
        let mut shown = output::shown_lines(&file.before, &file.after, *context).into_iter();
        shown.any(|shown| {
            let mut secrets = of_secrets.iter();
            secrets.any(|lines| shown.start < lines.end && lines.start < shown.end)
        })
    };
    let mut contexts = (1..=CONTEXT).rev();
    let context = contexts.find(|context| !shows_one(context));
    context.with_context(|| {
        format!(
            "a patch of {name} would show secret values; use --write to edit the file without \
             showing them, or --allow-secrets to show them"
        )
    })
}

/// Returns the positions of the values that a report of the objects in a document masks.
fn masked_spans(
    text: &str,
    document: &yaml::YamlDocument,
    redactor: &Redactor,
) -> Vec<Range<usize>> {
    let items = document.value.get("items").and_then(Value::as_array);
    let (values, spans) = match items {
        Some(items) if items.len() == document.items.len() => {
            (items.iter().collect(), document.items.clone())
        }
        _ => (vec![&document.value], vec![document.span]),
    };
    let mut found = Vec::new();
    for (value, span) in values.into_iter().zip(spans) {
        let masked = redactor.live(&key_of(value), value.clone());
        if masked != *value {
            match yaml::tree::tree(text, span) {
                Some((root, _)) => differences(value, &masked, &root, &mut found),
                None => found.push(span.start..span.end),
            }
        }
    }
    found
}

/// Returns the key of an object.
fn key_of(value: &Value) -> ResourceKey {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let group = group_of(text("/apiVersion").unwrap_or_default());
    let kind = text("/kind").unwrap_or_default();
    let namespace = text("/metadata/namespace").map(str::to_owned);
    let name = text("/metadata/name").unwrap_or_default();
    ResourceKey::new(group, kind, namespace, name)
}

/// Collects the smallest parts of a node whose values differ from the masked ones.
fn differences(value: &Value, masked: &Value, node: &YamlNode, found: &mut Vec<Range<usize>>) {
    let before = found.len();
    match (value, masked, &node.kind) {
        _ if value == masked => return,
        (Value::Object(fields), Value::Object(others), YamlKind::Mapping(_)) => {
            for (name, value) in fields {
                let other = others.get(name).unwrap_or(&Value::Null);
                if let Some((_, node)) = node.field(name) {
                    differences(value, other, node, found);
                }
            }
        }
        (Value::Array(items), Value::Array(others), YamlKind::Sequence(nodes))
            if items.len() == others.len() && items.len() == nodes.len() =>
        {
            for ((value, other), node) in items.iter().zip(others).zip(nodes) {
                differences(value, other, node, found);
            }
        }
        _ => {}
    }
    // The value comes from a merge or an alias.
    if found.len() == before {
        found.push(node.at.clone());
    }
}

/// Returns the lines of Secrets: the document, items of its list, or their generators in a
/// kustomization.
fn spans_of_secrets(text: &str, document: &yaml::YamlDocument) -> Vec<Range<usize>> {
    let range = |span: &yaml::TextSpan| span.start..span.end;
    let kind = document.value.get("kind").and_then(Value::as_str);
    let is_kustomization = document.value.get("secretGenerator").is_some();
    if document.value.get("apiVersion").is_none() && !is_kustomization
        || matches!(kind, Some("Application" | "HelmRelease"))
    {
        return secret_lines(text, range(&document.span));
    }
    let items = document.value.get("items").and_then(Value::as_array);
    match items {
        Some(items) if items.len() == document.items.len() => {
            let both = items.iter().zip(&document.items);
            let of_list = document.value.get("kind").and_then(Value::as_str) == Some("SecretList");
            let secret = both.filter(|(item, _)| of_list || holds_secret(item));
            secret.map(|(_, span)| range(span)).collect()
        }
        _ if holds_secret(&document.value) => vec![range(&document.span)],
        _ if document.value.get("secretGenerator").is_some() => {
            let whole = range(&document.span);
            let tree = yaml::tree::tree(text, document.span);
            let entry = tree.and_then(|(root, _)| {
                let (key, node) = root.field("secretGenerator")?;
                Some(key.at.start..node.at.end.max(key.at.end))
            });
            vec![entry.unwrap_or(whole)]
        }
        _ => Vec::new(),
    }
}

/// Returns the lines of values whose names mark them as secret, and of everything below them.
fn secret_lines(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = within.start;
    let mut below = None;
    for line in text.get(within).unwrap_or_default().split_inclusive('\n') {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let name = body.trim_start_matches("- ").split([':', '=']).next();
        let name = name.unwrap_or_default().trim_matches(['"', '\'', ' ']);
        let is_inner = below.is_some_and(|above| indent > above || body.is_empty());
        if !is_inner {
            below = is_sensitive_name(name).then_some(indent);
        }
        if below.is_some() {
            found.push(at..at + line.len());
        }
        at += line.len();
    }
    found
}

fn holds_secret(value: &Value) -> bool {
    let is_secret = value.get("kind").and_then(Value::as_str) == Some("Secret");
    let items = value.get("items").and_then(Value::as_array);
    is_secret || items.is_some_and(|items| items.iter().any(holds_secret))
}

/// Returns the named paths that may be in a repository; the current folder, if the arguments name
/// objects of the cluster.
fn named(source: &SourceArgs) -> Vec<PathBuf> {
    let paths = source
        .paths
        .iter()
        .filter(|path| Scheme::of(path).is_none());
    let files = source.app.iter().chain(&source.kustomization);
    let mut named: Vec<PathBuf> = paths.chain(files).cloned().collect();
    named.extend(source.render.values.iter().cloned());
    if source.paths.len() > named.len() {
        named.push(PathBuf::from("."));
    }
    named
}
