//! Reports declared fields that their types do not have. The API server drops them, so they are
//! never live: this is a mistake in the manifest, not a live change.

use crate::compare::fields_by_type;
use crate::judge::{DeclaredManifest, JudgeInput};
use crate::model::{Explanation, FieldPath, PathElement, Warning, nearest};
use crate::schema::{Schema, TypeId};

/// Warns about the unknown fields among the changes of one object, each at its line.
pub fn warnings(
    declared: &DeclaredManifest<'_>,
    (schema, root): (&Schema, Option<TypeId>),
    candidates: &[JudgeInput],
) -> Vec<Warning> {
    let unknown = candidates.iter().filter(|candidate| is_unknown(candidate));
    unknown
        .map(|candidate| {
            let change = &candidate.finding.change;
            let origin = &declared.manifest.origin;
            let position = declared.manifest.locate(&change.at);
            let line = position.map_or(origin.line, |position| position.line);
            Warning::new(
                format!("{}:{line}", origin.file),
                message(declared, (schema, root), &change.path),
            )
        })
        .collect()
}

fn is_unknown(candidate: &JudgeInput) -> bool {
    let reason = candidate.finding.reason.as_ref();
    reason.is_some_and(|reason| reason.by == Explanation::UnknownField)
}

fn message(
    declared: &DeclaredManifest<'_>,
    (schema, root): (&Schema, Option<TypeId>),
    path: &FieldPath,
) -> String {
    let key = &declared.key;
    let (place, name) = match path.0.split_last() {
        Some((PathElement::Field(name), above)) => (FieldPath(above.to_vec()), name.as_str()),
        _ => (path.clone(), ""),
    };
    let nearest = nearest(name, fields_by_type(schema, root, &place));
    let nearest = nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
    format!(
        "unknown field {path} of {key}: {} has no such field, so the API server drops it{nearest}",
        declared.kind.api_version.clone() + " " + &key.kind
    )
}
