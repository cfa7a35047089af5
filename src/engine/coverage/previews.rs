//! Finds namespaces that were created for a preview whose Application or pull request is gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::deployers::Deployers;
use super::{UndeclaredObject, created, marks_of};
use crate::cluster::Live;
use crate::engine::Options;
use crate::model::{ClassifiedObject, Orphan, ResourceKey, Warning};

/// Words in the name of a preview namespace. The short ones count only if followed by the number of
/// a pull request or merge request.
const WORDS: [&str; 4] = ["preview", "previews", "review", "ephemeral"];
const NUMBERED: [&str; 3] = ["pr", "mr", "pull"];

/// Facts about a namespace.
#[derive(Default)]
struct NamespaceFacts {
    /// Whether something in it is declared, here or by an existing deployer.
    is_wanted: bool,
    /// Deployers of objects in the namespace that are gone.
    gone: BTreeSet<String>,
    /// The number of objects that neither a controller nor the cluster created.
    objects: usize,
}

/// Finds the orphaned preview namespaces.
pub(super) fn orphans(
    live: &dyn Live,
    undeclared: &[UndeclaredObject],
    declared: &[ClassifiedObject],
    deployers: &Deployers,
    options: &Options,
) -> (Vec<Orphan>, Vec<Warning>) {
    if !options.all_namespaces && options.namespace.is_none() {
        return (Vec::new(), Vec::new());
    }
    let Some(namespaces) = live.related("v1", "Namespace", "") else {
        let message = "cannot search for orphaned namespaces: namespaces could not be listed";
        let warning = Warning::new("", message.to_owned());
        return (Vec::new(), vec![warning]);
    };
    let places = places(undeclared, declared, deployers);
    let mut orphans: Vec<Orphan> = namespaces
        .iter()
        .filter_map(|namespace| orphan(namespace, &places, deployers, options))
        .collect();
    orphans.sort();
    (orphans, Vec::new())
}

fn places<'s>(
    undeclared: &'s [UndeclaredObject],
    declared: &'s [ClassifiedObject],
    deployers: &Deployers,
) -> BTreeMap<&'s str, NamespaceFacts> {
    let mut places: BTreeMap<&str, NamespaceFacts> = BTreeMap::new();
    for object in declared {
        let namespace = namespace_of(&object.key);
        places.entry(namespace).or_default().is_wanted = true;
    }
    for seen in undeclared.iter().filter(|seen| seen.derived.is_none()) {
        let place = places.entry(namespace_of(&seen.key)).or_default();
        place.objects += 1;
        for mark in &seen.marks {
            match deployers.is_gone(mark) {
                true => {
                    place.gone.insert(mark.to_string());
                }
                false => place.is_wanted = true,
            }
        }
    }
    places
}

/// Returns the namespace of an object; for a Namespace, its own name.
fn namespace_of(key: &ResourceKey) -> &str {
    match &key.namespace {
        Some(namespace) => namespace,
        None if key.kind == "Namespace" && key.group.is_empty() => &key.name,
        None => "",
    }
}

fn orphan(
    namespace: &Value,
    places: &BTreeMap<&str, NamespaceFacts>,
    deployers: &Deployers,
    options: &Options,
) -> Option<Orphan> {
    let name = namespace.pointer("/metadata/name")?.as_str()?;
    if options.is_elsewhere(Some(name)) || name.starts_with("kube-") || name == "default" {
        return None;
    }
    let nothing = NamespaceFacts::default();
    let place = places.get(name).unwrap_or(&nothing);
    let key = ResourceKey::new("", "Namespace", None, name.to_owned());
    let own = marks_of(&key, namespace);
    if place.is_wanted || own.iter().any(|mark| !deployers.is_gone(mark)) {
        return None;
    }
    let gone: BTreeSet<String> = own.iter().map(ToString::to_string).collect();
    let gone: Vec<String> = gone.union(&place.gone).cloned().collect();
    let why = match gone.as_slice() {
        [] if is_preview(name, namespace) && deployers.leave_out(name) => {
            "nothing deploys to it".to_owned()
        }
        [] => return None,
        [one] => format!("{one} is gone"),
        all => format!("{} are gone", all.join(", ")),
    };
    Some(Orphan {
        namespace: name.to_owned(),
        created: created(namespace),
        objects: place.objects,
        why,
    })
}

/// Returns whether the name or labels of a namespace mark it as a preview: `shop-pr-42`,
/// `review-login-page`.
fn is_preview(name: &str, namespace: &Value) -> bool {
    let words: Vec<&str> = name.split('-').collect();
    let is_number = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let numbered = words.iter().enumerate().any(|(at, word)| {
        let next = words.get(at + 1).is_some_and(is_number);
        let joined = NUMBERED.iter().find_map(|start| word.strip_prefix(start));
        (NUMBERED.contains(word) && next) || joined.is_some_and(|rest| is_number(&rest))
    });
    let labels = namespace.pointer("/metadata/labels");
    let mut labels = labels.and_then(Value::as_object).into_iter().flatten();
    numbered
        || words.iter().any(|word| WORDS.contains(word))
        || labels.any(|(name, value)| {
            let part = name.rsplit('/').next().unwrap_or(name);
            (part == "preview" && value != "false") || value == "preview"
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recognizes_previews_by_name_or_label() {
        let bare = json!({});
        for name in ["pr-42", "shop-pr-42", "pr42", "review-login", "mr-7-shop"] {
            assert!(is_preview(name, &bare), "{name}");
        }
        for name in ["shop", "press", "pr", "production", "42", "mrs-smith"] {
            assert!(!is_preview(name, &bare), "{name}");
        }
        let labelled = json!({"metadata": {"labels": {"example.com/preview": "true"}}});
        assert!(is_preview("x", &labelled));
    }
}
