//! Filters that name nothing.

use std::collections::BTreeSet;

use crate::cluster::ServedKind;
use crate::model::{Warning, group_of};
use crate::policy::{Filter, KindNames, KindPattern};
use crate::schema::{builtin_kinds, short_names};

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
    builtin_kinds().iter().any(|known| {
        let short = short_names(group_of(known.api_version), known.kind).iter();
        let short: Vec<String> = short.map(|name| (*name).to_owned()).collect();
        pattern.matches(&KindNames {
            api_version: known.api_version,
            kind: known.kind,
            plural: known.plural,
            short_names: &short,
        })
    })
}
