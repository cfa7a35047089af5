//! The live side of whole-object views.

use serde_json::{Map, Value};

use crate::model::{Change, FieldPath, Segment};

/// The declared object with the given changes made to it: what is live, as far as it is drift.
///
/// The live object itself would drown the drift in defaults, bookkeeping and other spellings.
pub fn live_view<'c>(declared: &Value, changes: impl Iterator<Item = &'c Change>) -> Value {
    let mut view = declared.clone();
    // Backwards, so that taking out an item does not move those that come later in the list.
    let mut changes: Vec<&Change> = changes.collect();
    changes.sort_by(|a, b| b.path.cmp(&a.path));
    let (removals, writes): (Vec<&Change>, Vec<&Change>) = changes
        .into_iter()
        .partition(|change| change.live.is_none());
    for change in writes.into_iter().rev() {
        write(&mut view, &change.path, change.live.clone());
    }
    for change in removals {
        write(&mut view, &change.path, None);
    }
    view
}

/// Sets or removes the value at a path, making what lies on the way.
fn write(root: &mut Value, path: &FieldPath, value: Option<Value>) {
    let Some((last, parents)) = path.0.split_last() else {
        *root = value.unwrap_or(Value::Null);
        return;
    };
    let mut node = root;
    for (index, segment) in parents.iter().enumerate() {
        let next = parents.get(index + 1).unwrap_or(last);
        let Some(below) = descend(node, segment, next) else {
            return;
        };
        node = below;
    }
    match value {
        Some(value) => put(node, last, value),
        None => take(node, last),
    }
}

/// One step down; what is not there is made, in the shape that the step after it needs.
fn descend<'v>(node: &'v mut Value, segment: &Segment, next: &Segment) -> Option<&'v mut Value> {
    let empty = || match next {
        Segment::Field(_) => Value::Object(Map::new()),
        _ => Value::Array(Vec::new()),
    };
    match segment {
        Segment::Field(name) => {
            let below = node
                .as_object_mut()?
                .entry(name.clone())
                .or_insert(Value::Null);
            if below.is_null() {
                *below = empty();
            }
            Some(below)
        }
        item => {
            let items = node.as_array_mut()?;
            let index = position(items, item)?;
            items.get_mut(index)
        }
    }
}

fn put(node: &mut Value, segment: &Segment, value: Value) {
    match (node, segment) {
        (Value::Object(fields), Segment::Field(name)) => {
            fields.insert(name.clone(), value);
        }
        (Value::Array(items), segment) => match position(items, segment) {
            Some(index) => items[index] = value,
            None => items.push(value),
        },
        _ => {}
    }
}

fn take(node: &mut Value, segment: &Segment) {
    match (node, segment) {
        (Value::Object(fields), Segment::Field(name)) => {
            fields.remove(name);
        }
        (Value::Array(items), segment) => {
            if let Some(index) = position(items, segment) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn position(items: &[Value], segment: &Segment) -> Option<usize> {
    match segment {
        Segment::Index(index) => (*index < items.len()).then_some(*index),
        Segment::Value(wanted) => items.iter().position(|item| item == wanted),
        Segment::Key(keys) => items.iter().position(|item| {
            keys.iter()
                .all(|(name, key)| item.get(name).is_none_or(|written| written == key))
        }),
        Segment::Field(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ChangeKind;

    fn change(path: &str, live: Option<Value>) -> Change {
        Change {
            path: path.parse().unwrap(),
            kind: ChangeKind::Changed,
            declared: None,
            live,
            at: Vec::new(),
        }
    }

    #[test]
    fn changes_are_made_in_place() {
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
    fn paths_that_do_not_fit_are_passed_over() {
        let declared = json!({"spec": 3});
        let changes = [
            change(".spec.a.b", Some(json!(1))),
            change(".x[0].y", Some(json!(1))),
        ];
        live_view(&declared, changes.iter());
    }
}
