//! Filters that name nothing.

use std::collections::BTreeSet;

use crate::cluster::ServedKind;
use crate::model::{KindPattern, Warning};
use crate::policy::Filter;
use crate::schema::builtin_kinds;

/// What is to be said of kinds that nobody knows: a misspelt filter must not look like "no drift".
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
        .map(|pattern| Warning {
            place: String::new(),
            message: format!(
                "--kind {pattern} is no kind that the manifests declare or that Kubernetes has \
                 built in; check its spelling"
            ),
            fatal: true,
        })
        .collect()
}

fn is_builtin(pattern: &KindPattern) -> bool {
    let mut known = builtin_kinds().iter();
    known.any(|known| pattern.matches(&known.names()))
}
