//! Edits fields of a kustomization that set a value: images, replicas, labels and annotations.

use serde_json::{Map, Value, json};

use super::{EditCandidate, EditedTexts, Intent, field, items};
use crate::engine::backport::trial::KustomizationLayer;
use crate::model::{ChangeKind, ManifestStep, PathElement};

/// An image reference in its three parts.
pub(super) struct Image<'i> {
    pub name: &'i str,
    pub tag: Option<&'i str>,
    pub digest: Option<&'i str>,
}

impl<'i> Image<'i> {
    pub fn of(text: &'i str) -> Self {
        let (image, digest) = match text.split_once('@') {
            Some((image, digest)) => (image, Some(digest)),
            None => (text, None),
        };
        let folder = image.rfind('/').map_or(0, |slash| slash + 1);
        match image[folder..].find(':') {
            Some(colon) => Self {
                name: &image[..folder + colon],
                tag: Some(&image[folder + colon + 1..]),
                digest,
            },
            None => Self {
                name: image,
                tag: None,
                digest,
            },
        }
    }
}

/// Returns the declared and the live image, if the change is one of an image.
pub(super) fn images<'i>(intent: &'i Intent<'_>) -> Option<(Image<'i>, Image<'i>)> {
    let last = intent.change.path.0.last()?;
    if last != &PathElement::Field("image".to_owned()) {
        return None;
    }
    let text = |value: &'i Option<Value>| value.as_ref().and_then(Value::as_str);
    let both = (text(&intent.change.declared)?, text(&intent.change.live)?);
    Some((Image::of(both.0), Image::of(both.1)))
}

/// Returns an entry of `images` that sets another image.
pub(super) fn with_image(entry: &Map<String, Value>, from: &Image<'_>, to: &Image<'_>) -> Value {
    let mut entry = entry.clone();
    if from.name != to.name {
        entry.insert("newName".to_owned(), json!(to.name));
    }
    for (name, part) in [("newTag", to.tag), ("digest", to.digest)] {
        match part {
            Some(part) => drop(entry.insert(name.to_owned(), json!(part))),
            None => drop(entry.remove(name)),
        }
    }
    Value::Object(entry)
}

/// Returns whether `replicas` of a kustomization may set the field.
pub(super) fn is_replicas(intent: &Intent<'_>) -> bool {
    const SCALED: [&str; 4] = [
        "Deployment",
        "StatefulSet",
        "ReplicaSet",
        "ReplicationController",
    ];
    intent.change.path.to_string() == ".spec.replicas" && SCALED.contains(&intent.kind())
}

/// Returns the edits of fields of a kustomization that set the declared value.
pub(super) fn field_edits(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
    texts: &EditedTexts<'_>,
) -> Vec<EditCandidate> {
    let mut ways: Vec<(Vec<ManifestStep>, Option<Value>)> = Vec::new();
    if let Some((from, to)) = images(intent) {
        for (index, entry) in items(&layer.fields, "images").iter().enumerate() {
            let Value::Object(entry) = entry else {
                continue;
            };
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            if text("newName").or(text("name")) == Some(from.name) {
                let way = vec![field("images"), ManifestStep::Index(index)];
                ways.push((way, Some(with_image(entry, &from, &to))));
            }
        }
    }
    if let (true, Some(count)) = (is_replicas(intent), intent.to()) {
        for (index, entry) in items(&layer.fields, "replicas").iter().enumerate() {
            let name = entry.get("name").and_then(Value::as_str);
            if name.is_some_and(|name| intent.name().contains(name)) {
                let way = vec![
                    field("replicas"),
                    ManifestStep::Index(index),
                    field("count"),
                ];
                ways.push((way, Some(count.clone())));
            }
        }
    }
    ways.extend(labels(intent, layer));
    let made = ways
        .into_iter()
        .filter_map(|(way, to)| EditCandidate::field(texts, &layer.file, 1, &way, to.as_ref()));
    made.collect()
}

/// Returns the labels and annotations that a kustomization gives to all of its objects.
fn labels(
    intent: &Intent<'_>,
    layer: &KustomizationLayer,
) -> Vec<(Vec<ManifestStep>, Option<Value>)> {
    let [.., PathElement::Field(of), PathElement::Field(key)] = &intent.change.path.0[..] else {
        return Vec::new();
    };
    if intent.change.kind == ChangeKind::Added {
        return Vec::new();
    }
    let states = |pairs: Option<&Value>| pairs.and_then(|pairs| pairs.get(key)).is_some();
    let to = || intent.to().cloned();
    let mut ways = Vec::new();
    match of.as_str() {
        "annotations" if states(layer.fields.get("commonAnnotations")) => {
            ways.push((vec![field("commonAnnotations"), field(key)], to()));
        }
        "labels" | "matchLabels" => {
            if states(layer.fields.get("commonLabels")) {
                ways.push((vec![field("commonLabels"), field(key)], to()));
            }
            for (index, entry) in items(&layer.fields, "labels").iter().enumerate() {
                if states(entry.get("pairs")) {
                    let way = vec![
                        field("labels"),
                        ManifestStep::Index(index),
                        field("pairs"),
                        field(key),
                    ];
                    ways.push((way, to()));
                }
            }
        }
        _ => {}
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_images_into_name_tag_and_digest() {
        let parts = |text| {
            let Image { name, tag, digest } = Image::of(text);
            (name, tag, digest)
        };
        assert_eq!(parts("nginx"), ("nginx", None, None));
        assert_eq!(parts("reg:5000/a/b"), ("reg:5000/a/b", None, None));
        assert_eq!(parts("reg:5000/a/b:1"), ("reg:5000/a/b", Some("1"), None));
        let digest = ("a/b", Some("1"), Some("sha256:00"));
        assert_eq!(parts("a/b:1@sha256:00"), digest);
    }
}
