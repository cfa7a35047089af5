//! Unknown declared values, such as those that a chart generates or SOPS encrypted.

use crate::model::{Manifest, group_of};
use crate::policy::{ChangeKindSpec, PointerPattern, Rule, RuleOrigin, RuleSpec, literally};

/// Returns the rule that changes at these JSON Pointers of an object are not drift, because their
/// declared values are unknown.
pub(in crate::source) fn not_compared(
    id: &str,
    reason: String,
    manifest: &Manifest,
    pointers: impl IntoIterator<Item = String>,
    origin: RuleOrigin,
) -> Option<Rule> {
    // The API server stores `stringData` in `data`.
    let stored = |pointer: String| match pointer.strip_prefix("/stringData/") {
        Some(key) if manifest.kind == "Secret" => format!("/data/{key}"),
        _ => pointer,
    };
    let namespace = manifest.namespace.as_deref();
    let spec = RuleSpec {
        id: id.to_owned(),
        reason,
        group: group_of(&manifest.api_version).to_owned(),
        kind: literally(&manifest.kind),
        name: literally(&manifest.name),
        namespace: namespace.map_or_else(String::new, literally),
        json_pointers: pointers.into_iter().map(stored).collect(),
        changes: vec![ChangeKindSpec::Changed],
        ..RuleSpec::default()
    };
    spec.compile(origin).ok()
}

/// Returns the rule that changes at these places of an object are not drift, because their declared
/// values are unknown.
pub(in crate::source) fn unknown_values(
    id: &str,
    why: &str,
    manifest: &Manifest,
    places: &[Vec<String>],
) -> Option<Rule> {
    let pointers = places
        .iter()
        .map(|place| PointerPattern::from(place.clone()).to_string());
    let origin = RuleOrigin::Shared(manifest.origin.to_string());
    not_compared(id, why.to_owned(), manifest, pointers, origin)
}
