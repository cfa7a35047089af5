//! Finds where a field of a rendered object can be edited: first where its value is set, then where
//! it can be added. Each is a guess, which is checked by rendering again.

mod generators;
mod helm;
mod kustomize;
mod new;
mod patches;

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::trial::{FileEdits, KustomizationLayer, RenderEdits, RenderScope, WantedObject};
use super::values;
use crate::edit::edit;
use crate::model::{Change, ManifestStep, Origin, Position};
use crate::yaml;

/// The value to declare, and the object in which to declare it.
pub(super) struct Intent<'i> {
    /// The object as it is rendered.
    pub before: &'i Value,
    /// The change to backport.
    pub change: &'i Change,
    /// How the object should be rendered.
    pub wanted: &'i WantedObject,
    /// Where the object comes from.
    pub origin: &'i Origin,
    /// The position of the field, as far as known.
    pub position: Option<Position>,
}

impl Intent<'_> {
    /// Returns the new value of the field.
    fn to(&self) -> Option<&Value> {
        self.wanted.least.as_ref()
    }

    /// Returns another value of the field or of its whole object, with the change made in it.
    fn made_in(&self, value: &Value) -> Option<Value> {
        values::with_live_value(value, self.change, self.to())
    }

    fn text(&self, pointer: &str) -> &str {
        let text = self.before.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.text("/kind")
    }

    fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Returns whether a name in a file is that of the object before rendering, which may have
    /// added a prefix, a suffix or a hash.
    fn is_of(&self, written: &Value) -> bool {
        let text = |pointer: &str| written.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        text("/kind") == Some(self.kind()) && !name.is_empty() && self.name().contains(name)
    }
}

/// The texts of files as edited so far.
pub(super) struct EditedTexts<'t> {
    edits: &'t FileEdits,
    read: &'t dyn Fn(&str) -> Result<String, String>,
}

impl<'t> EditedTexts<'t> {
    pub fn new(edits: &'t FileEdits, read: &'t dyn Fn(&str) -> Result<String, String>) -> Self {
        Self { edits, read }
    }

    /// Returns the text of a file; `None` if it may not be edited.
    pub fn of(&self, file: &str) -> Option<String> {
        match self.edits.get(file) {
            Some(text) => Some(text.clone()),
            None => (self.read)(file).ok(),
        }
    }
}

/// An edit that may have the wanted effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EditCandidate {
    /// The texts of the edited files.
    pub files: FileEdits,
}

impl EditCandidate {
    /// Returns a candidate that replaces the text of a file.
    fn text(file: &str, text: String) -> Self {
        Self {
            files: FileEdits::from([(file.to_owned(), text)]),
        }
    }

    /// Returns a candidate that sets or removes a field of a file.
    fn field(
        texts: &EditedTexts<'_>,
        file: &str,
        document: usize,
        way: &[ManifestStep],
        to: Option<&Value>,
    ) -> Option<Self> {
        let text = texts.of(file)?;
        let edited = edit(&text, document, way, to).ok()?;
        (edited != text).then(|| Self::text(file, edited))
    }

    /// Returns `file:line` in the edited file.
    pub fn place(&self, texts: &EditedTexts<'_>) -> String {
        let place = |(file, after): (&String, &String)| {
            format!("{file}:{}", first_difference(texts, file, after))
        };
        let mut places = self.files.iter().map(place);
        places.next().unwrap_or_default()
    }

    /// Returns a note if a bot also writes the edited line.
    pub fn bot_note(&self, texts: &EditedTexts<'_>) -> Option<String> {
        let mut files = self.files.iter();
        files.find_map(|(file, after)| {
            let line = first_difference(texts, file, after);
            let is_written = after.lines().nth(line - 1)?.contains("$imagepolicy");
            is_written.then(|| format!("line {line} is also written by Flux's image automation"))
        })
    }
}

/// Returns the first line that an edit changes, counted from 1.
fn first_difference(texts: &EditedTexts<'_>, file: &str, after: &str) -> usize {
    let before = texts.of(file).unwrap_or_default();
    let both = before.lines().zip(after.lines());
    both.take_while(|(before, after)| before == after).count() + 1
}

/// Returns every possible edit, the likeliest first.
pub(super) fn candidates(
    intent: &Intent<'_>,
    layers: &[KustomizationLayer],
    part: &RenderScope,
    drafts: &dyn RenderEdits,
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let mut found: Vec<EditCandidate> = Vec::new();
    for layer in layers {
        found.extend(kustomize::field_edits(intent, layer, texts));
        found.extend(generators::edits(intent, layer, texts));
        found.extend(patches::patch_edits(intent, layer, texts));
    }
    if !matches!(part.renderer(), Some(RenderScope::Kustomization(_))) {
        found.extend(helm::edits(intent, part, drafts, texts));
        found.extend(helm::template(intent, texts));
    }
    let own = own_file(intent, texts);
    let states = own.as_ref().is_some_and(|(_, states)| *states);
    let own = own.map(|(own, _)| own);
    if states {
        found.extend(own.clone());
    }
    for layer in layers {
        found.extend(patches::merged(intent, layer, texts, true));
    }
    if !states {
        found.extend(own);
    }
    for layer in layers {
        found.extend(generators::merged(intent, layer, layers, texts));
        found.extend(patches::extended(intent, layer, texts));
        found.extend(new::entries(intent, layer, layers, texts));
    }
    let mut once: Vec<EditCandidate> = Vec::new();
    for candidate in found {
        if !once.contains(&candidate) {
            once.push(candidate);
        }
    }
    once
}

/// Returns the edit of the file that contains the object itself, and whether the file declares the
/// field.
fn own_file(intent: &Intent<'_>, texts: &EditedTexts<'_>) -> Option<(EditCandidate, bool)> {
    let file = &*intent.origin.file;
    let (document, way, written) = written(intent, texts)?;
    let path = &intent.change.path.0;
    let states = values::lookup(&written, path) == intent.change.declared.as_ref();
    let made = intent.made_in(&written)?;
    let candidate = EditCandidate::field(texts, file, document, &way, Some(&made))?;
    Some((candidate, states && intent.change.declared.is_some()))
}

/// Returns the object in its file: the document number, the path in it, and the value.
fn written(
    intent: &Intent<'_>,
    texts: &EditedTexts<'_>,
) -> Option<(usize, Vec<ManifestStep>, Value)> {
    let text = texts.of(&intent.origin.file)?;
    let parsed = yaml::parse(&text);
    let at = intent.origin.document;
    let mut documents = parsed.documents.iter();
    let document = documents.find(|document| document.number == at)?;
    if intent.is_of(&document.value) {
        return Some((at, Vec::new(), document.value.clone()));
    }
    let items = document.value.get("items")?.as_array()?;
    let index = items.iter().position(|item| intent.is_of(item))?;
    let way = vec![
        ManifestStep::Field("items".to_owned()),
        ManifestStep::Index(index),
    ];
    Some((at, way, items.get(index)?.clone()))
}

/// Returns the path of a file in a folder, relative to where the user stands.
fn path_in_folder(folder: &str, file: &str) -> String {
    let joined = Path::new(folder).join(file);
    let mut path = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if path.file_name().is_some_and(|name| name != "..") => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.to_string_lossy().into_owned()
}

fn field(name: &str) -> ManifestStep {
    ManifestStep::Field(name.to_owned())
}

fn items<'v>(fields: &'v serde_json::Map<String, Value>, name: &str) -> &'v [Value] {
    let list = fields.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_relative_to_the_working_directory() {
        assert_eq!(
            path_in_folder("overlays/prod", "../../base/a.yaml"),
            "base/a.yaml"
        );
        assert_eq!(path_in_folder(".", "a.yaml"), "a.yaml");
        assert_eq!(path_in_folder("a", "../../b.yaml"), "../b.yaml");
        assert_eq!(path_in_folder("/a/b", "./c"), "/a/b/c");
    }
}
