//! Parses which drift the arguments of a command select.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::args::{DriftArgs, SourceArgs};
use super::selection::{self, ObjectSelection, begins_like_a_manifest};
use crate::model::{FieldPath, ObjectReport, ObjectStatus, Report};
use crate::policy::PathPattern;

/// The selection; everything if nothing is named.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ChangeSelection {
    parts: Vec<SelectionPart>,
}

/// Some objects and some of their paths. An empty list of either means all.
#[derive(Debug, Default, Clone, PartialEq)]
struct SelectionPart {
    /// The selection as written, for messages.
    written: Vec<String>,
    objects: Vec<ObjectSelection>,
    paths: Vec<PathPattern>,
}

impl DriftArgs {
    /// Splits the selection from the declared side.
    ///
    /// # Errors
    /// Fails if an argument has no meaning.
    pub fn selected(&self) -> Result<(ChangeSelection, SourceArgs)> {
        ChangeSelection::of(&self.selection.object, &self.selection.path, &self.source)
    }
}

impl ChangeSelection {
    /// Splits the selection from the declared side.
    ///
    /// # Errors
    /// Fails if an argument has no meaning: a typo in a selection must not select everything.
    pub fn of(
        objects: &[ObjectSelection],
        paths: &[PathPattern],
        source: &SourceArgs,
    ) -> Result<(Self, SourceArgs)> {
        let mut source = source.clone();
        let selected = Self::take(objects, paths, &mut source.paths);
        let is_manifest = |word: &&PathBuf| {
            let text = word.to_string_lossy();
            text == "-" || text.contains(':') || word.symlink_metadata().is_ok()
        };
        let lost = source.paths.iter().find(|word| !is_manifest(word));
        if let (Some(word), None) = (lost, &source.revision) {
            bail!(
                "{} is not a file or folder, not KIND/[NAMESPACE/]NAME with a known kind, and not \
                 a path such as .spec.replicas",
                word.display()
            );
        }
        if source.paths.is_empty() && source.app.is_empty() && source.kustomization.is_empty() {
            source.paths.push(PathBuf::from("."));
        }
        Ok((selected, source))
    }

    /// Parses the selection: the flags, and the arguments that name objects and paths. It removes
    /// those from `words`; the rest name manifests.
    ///
    /// An existing file always names manifests.
    fn take(objects: &[ObjectSelection], paths: &[PathPattern], words: &mut Vec<PathBuf>) -> Self {
        let mut selected = Self::default();
        let mut named: Vec<SelectionPart> = Vec::new();
        words.retain(|word| {
            let is_manifest = word.symlink_metadata().is_ok();
            let text = word.to_str().filter(|_| !is_manifest);
            let taken = text.is_some_and(|text| take_word(text, &mut named));
            !taken
        });
        let by_object = || objects.iter().map(|object| format!("--object {object}"));
        let by_path = || paths.iter().map(|path| format!("--path {path}"));
        // Arguments and flags narrow each other: `deploy/cart --path .spec` is one path of one
        // object.
        let mut is_used = false;
        for part in &mut named {
            if part.paths.is_empty() && !paths.is_empty() && objects.is_empty() {
                part.paths = paths.to_vec();
                part.written.extend(by_path());
                is_used = true;
            } else if part.objects.is_empty() && !objects.is_empty() && paths.is_empty() {
                part.objects = objects.to_vec();
                part.written.splice(0..0, by_object());
                is_used = true;
            }
        }
        let says_nothing = objects.is_empty() && paths.is_empty();
        if !is_used && !says_nothing {
            selected.parts.push(SelectionPart {
                written: by_object().chain(by_path()).collect(),
                objects: objects.to_vec(),
                paths: paths.to_vec(),
            });
        }
        selected.parts.extend(named);
        selected
    }

    /// Returns whether everything is selected because nothing was named.
    pub fn is_everything(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns whether a change of an object is selected; the path `.` means the object itself.
    pub fn selects(&self, report: &Report, object: &ObjectReport, path: &str) -> bool {
        let mut parts = self.parts.iter();
        self.is_everything() || parts.any(|part| part.selects(report, object, path))
    }

    /// Returns whether both an object and a path of it are named.
    pub fn names(&self, report: &Report, object: &ObjectReport, path: &str) -> bool {
        let named = self.parts.iter().filter(|part| part.names_both());
        named
            .into_iter()
            .any(|part| part.selects(report, object, path))
    }

    /// Returns whether an object is named.
    pub fn names_object(&self, report: &Report, object: &ObjectReport) -> bool {
        let mut named = self.parts.iter().filter(|part| !part.objects.is_empty());
        named.any(|part| part.selects_object(report, object))
    }

    /// Checks that each part selects something: `changes` are the paths of an object's changes,
    /// including accepted ones.
    ///
    /// # Errors
    /// Fails if one selects nothing, which is probably a typo.
    pub fn check(
        &self,
        report: &Report,
        changes: impl Fn(&ObjectReport) -> Vec<String>,
    ) -> Result<()> {
        for part in &self.parts {
            let written = part.written.join(" ");
            let objects = report.objects.iter();
            let mut chosen = objects.filter(|object| part.selects_object(report, object));
            if chosen.clone().next().is_none() {
                let compared = report.objects.len();
                bail!(
                    "{written} selects none of the {compared} objects that were compared; check \
                     kind, namespace and name (manifests are named by files and folders that exist)"
                );
            }
            let has_some = |object: &ObjectReport| {
                let paths = changes(object);
                paths.iter().any(|path| part.selects_path(path))
            };
            if !part.paths.is_empty() && !chosen.any(has_some) {
                bail!("{written} selects no drift; check the path, as 'driftctl diff' shows it");
            }
        }
        Ok(())
    }
}

/// Returns the paths at which an object has drift, including ignored and accepted drift; `.` for
/// the object as a whole.
pub fn changes(object: &ObjectReport) -> Vec<String> {
    let drifts = object.drifts.iter();
    let drifts = drifts.map(|drift| drift.change.path.to_string());
    let whole = matches!(object.status(), ObjectStatus::Missing | ObjectStatus::Extra);
    drifts.chain(whole.then(|| ".".to_owned())).collect()
}

/// Returns the selection as written.
impl fmt::Display for ChangeSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts.iter().map(|p| p.written.join(" ")).collect();
        f.write_str(&parts.join(" "))
    }
}

impl SelectionPart {
    fn names_both(&self) -> bool {
        !self.objects.is_empty() && !self.paths.is_empty()
    }

    fn selects(&self, report: &Report, object: &ObjectReport, path: &str) -> bool {
        self.selects_object(report, object) && self.selects_path(path)
    }

    fn selects_object(&self, report: &Report, object: &ObjectReport) -> bool {
        let mut objects = self.objects.iter();
        let kind = report.names_of(object);
        self.objects.is_empty() || objects.any(|selection| selection.matches(&object.key, &kind))
    }

    fn selects_path(&self, path: &str) -> bool {
        let path: Option<FieldPath> = path.parse().ok();
        let covers = |path: FieldPath| self.paths.iter().any(|pattern| pattern.covers(&path));
        self.paths.is_empty() || path.is_some_and(covers)
    }
}

/// Parses an argument as an object, or as a path of the object before it. Returns whether it is
/// either.
fn take_word(text: &str, parts: &mut Vec<SelectionPart>) -> bool {
    if let (true, Ok(pattern)) = (is_path(text), selection::pattern(text)) {
        if parts.is_empty() {
            parts.push(SelectionPart::default());
        }
        if let Some(part) = parts.last_mut() {
            part.written.push(text.to_owned());
            part.paths.push(pattern);
        }
        return true;
    }
    match text.parse::<ObjectSelection>() {
        Ok(selection) if selection.names_a_kind() => {
            parts.push(SelectionPart {
                written: vec![text.to_owned()],
                objects: vec![selection],
                paths: Vec::new(),
            });
            true
        }
        _ => false,
    }
}

/// Matches `.spec.replicas`, but not `.`, `..` or `./deploy`.
fn is_path(text: &str) -> bool {
    if begins_like_a_manifest(text) && text.contains('.') {
        return true;
    }
    let first = text.strip_prefix('.').and_then(|rest| rest.chars().next());
    let mut unquoted = text.split('"').step_by(2);
    first.is_some_and(|c| c.is_alphabetic() || matches!(c, '[' | '*' | '_'))
        && unquoted.all(|part| !part.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_flags_narrow_each_other() {
        let written = |objects: &[&str], paths: &[&str], words: &[&str]| {
            let objects: Vec<ObjectSelection> =
                objects.iter().map(|o| o.parse().unwrap()).collect();
            let paths: Vec<PathPattern> = paths.iter().map(|p| p.parse().unwrap()).collect();
            let mut words: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
            let selected = ChangeSelection::take(&objects, &paths, &mut words);
            let parts = selected.parts.iter();
            let parts = parts.map(|p| (p.objects.len(), p.paths.len(), p.written.join(" ")));
            parts.collect::<Vec<_>>()
        };
        let one = |text: &str| vec![(1, 1, text.to_owned())];
        assert_eq!(
            written(&[], &[".spec.replicas"], &["deploy/cart"]),
            one("deploy/cart --path .spec.replicas")
        );
        let object = written(&["deploy/cart"], &[], &[".spec.replicas"]);
        assert_eq!(
            object[0].2,
            "--object Deployment/cart .spec.replicas".replace("Deployment", "deploy")
        );
        assert_eq!((object.len(), object[0].0, object[0].1), (1, 1, 1));
        let both = written(&["deploy/cart"], &[".spec.replicas"], &["deploy/web"]);
        assert_eq!(both.len(), 2, "each is a selection of its own: {both:?}");
        assert_eq!(written(&[], &[".spec"], &[]).len(), 1);
        assert!(written(&[], &[], &[]).is_empty());
    }

    fn taken(words: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut parts = Vec::new();
        let left = words.iter().filter(|word| !take_word(word, &mut parts));
        let left = left.map(|word| (*word).to_owned()).collect();
        let written = parts.iter().map(|part| part.written.join(" ")).collect();
        (left, written)
    }

    #[test]
    fn separates_selections_from_manifests() {
        let (manifests, parts) = taken(&[
            "./deploy",
            ".spec.replicas",
            "Deployment/shop/cart",
            ".spec.replicas",
            ".metadata.annotations[\"example.com/a\"]",
            "deploy/cart",
            "main:deploy",
            "manifests/shop",
            "widget.example.com/big",
            "..",
            "-",
        ]);
        assert_eq!(
            manifests,
            ["./deploy", "main:deploy", "manifests/shop", "..", "-"]
        );
        assert_eq!(
            parts,
            [
                ".spec.replicas",
                "Deployment/shop/cart .spec.replicas .metadata.annotations[\"example.com/a\"]",
                "deploy/cart",
                "widget.example.com/big",
            ]
        );
    }
}
