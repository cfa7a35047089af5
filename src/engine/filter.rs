//! Reports filters that match nothing.

use std::collections::BTreeSet;

use crate::cluster::ServedKind;
use crate::model::{KindPattern, Warning, nearest};
use crate::policy::Filter;
use crate::schema::builtin_kinds;

/// Returns errors about unknown kinds in filters, because a misspelt filter must not look like "no
/// drift".
pub fn unknown_kinds(
    filter: &Filter,
    declared: &BTreeSet<String>,
    looked_at: &BTreeSet<ServedKind>,
) -> Vec<Warning> {
    let is_known = |pattern: &KindPattern| {
        declared.contains(&pattern.to_string())
            || looked_at.iter().any(|kind| pattern.matches(&kind.names()))
            || is_builtin(pattern)
    };
    let unknown = filter.kinds.iter().filter(|pattern| !is_known(pattern));
    unknown
        .map(|pattern| {
            Warning::error(
                "",
                format!(
                    "unknown kind \"{pattern}\"{}",
                    match nearest_kind(pattern.name()) {
                        Some(kind) => format!("; did you mean {kind}?"),
                        None => ": neither the manifests nor Kubernetes have it".to_owned(),
                    }
                ),
            )
        })
        .collect()
}

/// Returns an error about a `--namespace` in which no manifest declares anything although manifests
/// declare objects in other namespaces: it is probably misspelt.
pub fn unknown_namespace(
    only: Option<&str>,
    covered: &BTreeSet<String>,
    elsewhere: &BTreeSet<String>,
) -> Option<Warning> {
    let only = only.filter(|only| !covered.contains(*only) && !elsewhere.is_empty())?;
    let others: Vec<&str> = elsewhere.iter().map(String::as_str).take(10).collect();
    Some(Warning::error(
        "",
        format!(
            "--namespace {only}: no manifest declares anything in it; manifests declare objects \
             in {}",
            others.join(", ")
        ),
    ))
}

/// Returns the built-in kind with the most similar name.
fn nearest_kind(word: &str) -> Option<String> {
    let kinds = builtin_kinds().iter();
    let names = kinds.flat_map(|kind| {
        let names = kind.names();
        let own = [kind.kind.to_lowercase(), names.plural.to_owned()];
        let short = names.short_names.iter().map(|name| (*name).to_owned());
        own.into_iter().chain(short).collect::<Vec<_>>()
    });
    let names: Vec<String> = names.collect();
    nearest(word, names.iter().map(String::as_str)).map(str::to_owned)
}

fn is_builtin(pattern: &KindPattern) -> bool {
    let mut known = builtin_kinds().iter();
    known.any(|known| pattern.matches(&known.names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_a_misspelt_namespace() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (shop, none): (BTreeSet<String>, BTreeSet<String>) = (set(&["shop"]), set(&[]));
        let said = unknown_namespace(Some("shpo"), &none, &shop).unwrap();
        assert!(said.fatal && said.message.contains("shpo") && said.message.contains("in shop"));
        assert!(unknown_namespace(Some("shop"), &shop, &none).is_none());
        assert!(unknown_namespace(None, &none, &shop).is_none());
        // If all declared objects are cluster-scoped, any namespace is accepted.
        assert!(unknown_namespace(Some("shpo"), &none, &none).is_none());
    }
}
