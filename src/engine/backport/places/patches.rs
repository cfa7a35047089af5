//! Edits existing patches: strategic merge patches and JSON patches, in files and in the
//! kustomization itself.

use serde_json::Value;

use super::{EditCandidate, EditedTexts, Intent, field, items, new, path_in_folder};
use crate::edit::edit;
use crate::engine::backport::trial::KustomizationLayer;
use crate::engine::backport::values;
use crate::model::{ChangeKind, ManifestStep, PathElement};
use crate::yaml;

/// The text of a patch, and where it is.
struct Patch<'p> {
    file: String,
    /// The path to the patch if it is inline in the kustomization.
    inline: Option<Vec<ManifestStep>>,
    text: String,
    target: Option<&'p Value>,
}

/// One document of a patch.
struct PatchDocument {
    number: usize,
    value: Value,
}

/// Returns every patch of a kustomization.
fn all_patches<'p>(layer: &'p KustomizationLayer, texts: &EditedTexts<'_>) -> Vec<Patch<'p>> {
    let mut found = Vec::new();
    for list in ["patches", "patchesJson6902", "patchesStrategicMerge"] {
        for (index, entry) in items(&layer.fields, list).iter().enumerate() {
            let mut way = vec![field(list), ManifestStep::Index(index)];
            let (path, inline) = match entry {
                Value::String(text) if text.contains('\n') => (None, Some(text.as_str())),
                Value::String(path) => (Some(path.as_str()), None),
                entry => {
                    way.push(field("patch"));
                    let text = |name: &str| entry.get(name).and_then(Value::as_str);
                    (text("path"), text("patch"))
                }
            };
            let target = entry.get("target");
            if let Some(text) = inline {
                found.push(Patch {
                    file: layer.file.clone(),
                    inline: Some(way),
                    text: text.to_owned(),
                    target,
                });
            } else if let Some(path) = path {
                let file = path_in_folder(&layer.folder, path);
                if let Some(text) = texts.of(&file) {
                    found.push(Patch {
                        file,
                        inline: None,
                        text,
                        target,
                    });
                }
            }
        }
    }
    found
}

impl Patch<'_> {
    fn parts(&self) -> Vec<PatchDocument> {
        let documents = yaml::parse(&self.text).documents.into_iter();
        let parts = documents.map(|document| PatchDocument {
            number: document.number,
            value: document.value,
        });
        parts.collect()
    }

    /// Returns the edit that sets or removes a field of the patch.
    fn with(
        &self,
        texts: &EditedTexts<'_>,
        document: usize,
        way: &[ManifestStep],
        to: Option<&Value>,
    ) -> Option<EditCandidate> {
        let Some(inline) = &self.inline else {
            return EditCandidate::field(texts, &self.file, document, way, to);
        };
        let edited = Value::from(edit(&self.text, document, way, to).ok()?);
        EditCandidate::field(texts, &self.file, 1, inline, Some(&edited))
    }

    /// Returns whether a strategic merge patch is for the object.
    fn is_of(&self, intent: &Intent<'_>, value: &Value) -> bool {
        let kind = value.get("kind").and_then(Value::as_str);
        match self.target {
            Some(target) => kind == Some(intent.kind()) && may_select(target, intent),
            None => intent.is_of(value),
        }
    }
}

/// Returns whether a patch's target may select the object.
fn may_select(target: &Value, intent: &Intent<'_>) -> bool {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    text("kind").is_none_or(|kind| kind == intent.kind())
}

/// Returns whether a patch's target selects this object and no other.
fn selects_alone(target: &Value, intent: &Intent<'_>) -> bool {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    let is_plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    text("kind") == Some(intent.kind())
        && !name.is_empty()
        && is_plain
        && intent.name().contains(name)
}

/// Returns the edits of patches that set the declared value.
pub(super) fn patch_edits(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let path = &intent.change.path.0;
    let mut found = Vec::new();
    for patch in all_patches(layer, texts) {
        for part in patch.parts() {
            if let Value::Array(operations) = &part.value {
                let is_target = patch.target.is_none_or(|target| may_select(target, intent));
                if is_target {
                    found.extend(operation(intent, &patch, part.number, operations, texts));
                }
                continue;
            }
            let is_stated = intent.change.kind != ChangeKind::Added
                && patch.is_of(intent, &part.value)
                && values::lookup(&part.value, path).is_some();
            if is_stated {
                let made = values::with_at(&part.value, path, intent.to());
                found
                    .extend(made.and_then(|made| patch.with(texts, part.number, &[], Some(&made))));
            }
        }
    }
    found
}

/// Returns the edits of JSON patches that set the value or a parent of it.
fn operation(
    intent: &Intent<'_>,
    patch: &Patch<'_>,
    number: usize,
    operations: &[Value],
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let path = &intent.change.path.0;
    let mut found = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let (Some("add" | "replace"), Some(pointer)) = (text("op"), text("path")) else {
            continue;
        };
        let (Some(rest), Some(value)) = (path_below_pointer(path, pointer), operation.get("value"))
        else {
            continue;
        };
        let declared = intent.change.declared.as_ref();
        let is_stated = match intent.change.kind {
            ChangeKind::Added => {
                let parent = rest.split_last().map(|(_, parent)| parent);
                parent.is_some_and(|parent| values::lookup(value, parent).is_some())
            }
            _ => values::lookup(value, rest) == declared,
        };
        if !is_stated {
            continue;
        }
        let here = ManifestStep::Index(index);
        found.extend(match (rest, intent.to()) {
            ([], None) if operations.len() > 1 => patch.with(texts, number, &[here], None),
            (rest, to) => values::with_at(value, rest, to)
                .and_then(|made| patch.with(texts, number, &[here, field("value")], Some(&made))),
        });
    }
    found
}

/// Returns the remainder of a path below a JSON pointer; `None` if the path is not below it.
fn path_below_pointer<'p>(path: &'p [PathElement], pointer: &str) -> Option<&'p [PathElement]> {
    let mut rest = path;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let (first, more) = rest.split_first()?;
        let is_same = match first {
            PathElement::Field(name) => *name == token,
            _ => token == "-" || token.parse::<usize>().is_ok(),
        };
        if !is_same {
            return None;
        }
        rest = more;
    }
    Some(rest)
}

/// Returns the edits of strategic merge patches for the object; with `needs_parent` only of those
/// that have the field's parent.
pub(super) fn merged(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    texts: &EditedTexts<'_>,
    needs_parent: bool,
) -> Vec<EditCandidate> {
    let path = &intent.change.path.0;
    let Some((_, parent)) = path.split_last() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for patch in all_patches(layer, texts) {
        for part in patch.parts() {
            if !part.value.is_object() || !patch.is_of(intent, &part.value) {
                continue;
            }
            if needs_parent && values::lookup(&part.value, parent).is_none() {
                continue;
            }
            let made = new::merged(intent, &part.value);
            found.extend(made.and_then(|made| patch.with(texts, part.number, &[], Some(&made))));
        }
    }
    found
}

/// Returns the edits that extend a patch of the object.
pub(super) fn extended(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let mut found = merged(intent, layer, texts, false);
    for patch in all_patches(layer, texts) {
        if patch
            .target
            .is_none_or(|target| !selects_alone(target, intent))
        {
            continue;
        }
        for part in patch.parts() {
            let Value::Array(operations) = &part.value else {
                continue;
            };
            let more = new::operations(intent.before, &intent.wanted.value);
            let all = Value::Array([operations.clone(), more].concat());
            found.extend(patch.with(texts, part.number, &[], Some(&all)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldPath;

    #[test]
    fn pointers_match_the_field_or_a_parent() {
        let path: FieldPath = r#".spec.containers[name="a"].env"#.parse().unwrap();
        let left = |pointer: &str| path_below_pointer(&path.0, pointer).map(<[_]>::len);
        assert_eq!(left("/spec/containers/0/env"), Some(0));
        assert_eq!(left("/spec/containers/0"), Some(1));
        assert_eq!(left("/spec/containers/-"), Some(1));
        assert_eq!(left("/spec/volumes"), None);
        assert_eq!(left("/spec/containers/0/env/1"), None);
    }
}
