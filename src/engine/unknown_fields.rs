//! Reports declared fields that their types do not have. The API server drops them, so they can
//! never be live: that is a mistake in the manifest, and not anyone's change.

use crate::compare::fields_by_type;
use crate::judge::{Candidate, Declared};
use crate::model::{Explanation, FieldPath, PathElement, Warning};
use crate::schema::{Schema, TypeId};

/// The similarity from which names are suggested.
const CLOSE: f64 = 0.6;

/// Warns about the unknown fields among the changes of one object, each at its line.
pub fn warnings(
    declared: &Declared<'_>,
    (schema, root): (&Schema, Option<TypeId>),
    candidates: &[Candidate],
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

fn is_unknown(candidate: &Candidate) -> bool {
    let reason = candidate.finding.reason.as_ref();
    reason.is_some_and(|reason| reason.by == Explanation::UnknownField)
}

fn message(
    declared: &Declared<'_>,
    (schema, root): (&Schema, Option<TypeId>),
    path: &FieldPath,
) -> String {
    let key = &declared.key;
    let (place, name) = match path.0.split_last() {
        Some((PathElement::Field(name), above)) => (FieldPath(above.to_vec()), name.as_str()),
        _ => (path.clone(), ""),
    };
    let nearest = nearest(name, &fields_by_type(schema, root, &place));
    let nearest = nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
    format!(
        "unknown field {path} of {key}: {} has no such field, so the API server drops it{nearest}",
        declared.kind.api_version.clone() + " " + &key.kind
    )
}

/// Returns the field of the type with the most similar name.
fn nearest<'n>(written: &str, fields: &[&'n str]) -> Option<&'n str> {
    let written = written.to_lowercase();
    let likeness =
        |name: &str| strsim::normalized_damerau_levenshtein(&written, &name.to_lowercase());
    let close = fields.iter().map(|&name| (likeness(name), name));
    let best = close.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    (best.0 >= CLOSE).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_if_there_is_one() {
        let fields = ["replicas", "selector", "template"];
        assert_eq!(nearest("replica", &fields), Some("replicas"));
        assert_eq!(nearest("Template", &fields), Some("template"));
        assert_eq!(nearest("strategy", &fields), None);
        assert_eq!(nearest("a", &[]), None);
    }
}
