//! Builds the live side for views of whole objects.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::model::{Change, ListIndex, Omitted, PathElement};

/// Returns the declared object with the given changes applied: the live object, without differences
/// that are not drift.
///
/// The live object itself would hide the drift among defaults, bookkeeping and other spellings.
pub fn live_view<'c>(declared: &Value, changes: impl Iterator<Item = &'c Change>) -> Value {
    let mut view = declared.clone();
    let mut changes: Vec<&Change> = changes.collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    apply(&mut view, &changes, 0);
    view
}

/// Applies the changes at and below a node. All of their paths lead to it in `depth` steps.
fn apply(node: &mut Value, changes: &[&Change], depth: usize) {
    let (own, below): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .partition(|change| change.path.0.len() <= depth);
    if let Some(change) = own.last() {
        *node = change.live.clone().unwrap_or_default();
    }
    let step = |change: &Change| change.path.0.get(depth).cloned();
    let groups = below.chunk_by(|a, b| step(a) == step(b));
    let groups = groups.filter_map(|group| Some((step(group.first()?)?, group)));
    match node {
        Value::Object(fields) => groups.for_each(|(segment, group)| {
            if let PathElement::Field(name) = segment {
                in_field(fields, name, group, depth + 1);
            }
        }),
        Value::Array(items) => in_items(items, groups.collect(), depth + 1),
        _ => {}
    }
}

/// Returns whether a change removes the value at its path.
fn takes_out(change: &Change, depth: usize) -> bool {
    change.path.0.len() == depth && change.live.is_none()
}

fn in_field(fields: &mut Map<String, Value>, name: String, changes: &[&Change], depth: usize) {
    if changes.iter().any(|change| takes_out(change, depth)) {
        fields.remove(&name);
        return;
    }
    let field = fields.entry(name).or_insert(Value::Null);
    // Missing parents are created, as a map or a list as the next path element requires.
    if field.is_null() {
        *field = match changes.first().and_then(|change| change.path.0.get(depth)) {
            Some(PathElement::Field(_)) => Value::Object(Map::new()),
            Some(_) => Value::Array(Vec::new()),
            None => Value::Null,
        };
    }
    apply(field, changes, depth);
}

/// Finds items before any of them moves, and removes items last.
fn in_items(items: &mut Vec<Value>, groups: Vec<(PathElement, &[&Change])>, depth: usize) {
    let mut index = ListIndex::default();
    let found: Vec<Vec<usize>> = groups
        .iter()
        .map(|(element, _)| index.positions(items, element, Omitted::Matches))
        .collect();
    let mut gone = HashSet::new();
    for ((_, group), found) in groups.iter().zip(found) {
        let mut found = found.into_iter();
        for change in *group {
            let takes_out = takes_out(change, depth);
            let is_here = change.path.0.len() == depth;
            match (found.next(), &change.live) {
                (Some(place), _) if takes_out => {
                    gone.insert(place);
                }
                (Some(place), Some(live)) if is_here => items[place].clone_from(live),
                (None, Some(live)) if is_here => items.push(live.clone()),
                (Some(place), _) => {
                    apply(&mut items[place], group, depth);
                    break;
                }
                (None, _) => break,
            }
        }
    }
    let mut place = 0;
    items.retain(|_| {
        place += 1;
        !gone.contains(&(place - 1))
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ChangeKind;

    fn change(path: &str, live: Option<Value>) -> Change {
        Change {
            path: path.parse().unwrap(),
            kind: ChangeKind::Modified,
            declared: None,
            live,
            at: Vec::new(),
        }
    }

    #[test]
    fn applies_changes_at_their_paths() {
        let declared =
            json!({"spec": {"containers": [{"name": "a", "image": "x"}], "args": [1, 2, 3]}});
        let changes = [
            change(".metadata.labels.by", Some(json!("hand"))),
            change(".spec.args[0]", None),
            change(".spec.args[2]", None),
            change(".spec.containers[name=\"a\"].image", Some(json!("y"))),
            change(".spec.containers[name=\"b\"]", Some(json!({"name": "b"}))),
        ];
        assert_eq!(
            live_view(&declared, changes.iter()),
            json!({"metadata": {"labels": {"by": "hand"}}, "spec": {
                "containers": [{"name": "a", "image": "y"}, {"name": "b"}], "args": [2]}})
        );
    }

    #[test]
    fn skips_paths_that_do_not_exist() {
        let declared = json!({"spec": 3});
        let changes = [
            change(".spec.a.b", Some(json!(1))),
            change(".x[0].y", Some(json!(1))),
        ];
        live_view(&declared, changes.iter());
    }
}
