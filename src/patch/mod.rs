//! Builds one JSON Patch (RFC 6902) from changes and a live object.
//!
//! The patch is a compare-and-swap: its `test` operations contain exactly the values that it
//! replaces, and what identifies list items on their paths. Other edits elsewhere in the object do
//! not affect it, and a value that changed in the meantime makes all of it fail.

mod lists;
mod operation;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::{FieldPath, PathElement};
use lists::ListEdits;
pub use operation::{JsonPointer, PatchOperation, apply};

/// The limit on operations in one patch (`apiserver/pkg/endpoints/handlers/patch.go`).
const MOST_OPERATIONS: usize = 10_000;

/// One field to change.
#[derive(Debug, Clone, Copy)]
pub struct FieldChange<'a> {
    /// The path.
    pub path: &'a FieldPath,
    /// The new value; `None` to remove it.
    pub to: Option<&'a Value>,
}

/// Why no patch is possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// A path is not in the live object.
    #[error("{0} does not exist in the live object")]
    NoWay(FieldPath),
    /// Several items of a list have the same identifying keys.
    #[error("several items of the list have this key, so it is unclear which one to change")]
    Ambiguous(FieldPath),
    /// The patch would exceed the server's limit.
    #[error("one patch would need more than {MOST_OPERATIONS} operations")]
    TooLong,
    /// A patch does not match the value that it is applied to.
    #[error("the patch does not match the object at {0}")]
    NoFit(String),
}

/// Builds the patch that makes the edits in the live object. `wanted` is the final object: it
/// decides where new items go in their lists, and whether a list or map that becomes empty stays.
///
/// # Errors
/// Fails if a path does not exist, or the patch would be too long.
pub fn build(
    live: &Value,
    wanted: &Value,
    edits: &[FieldChange<'_>],
) -> Result<Vec<PatchOperation>, PatchError> {
    let mut root = EditNode::default();
    for edit in edits {
        root.insert(&edit.path.0, edit.to);
    }
    root.prune(live, Some(wanted));
    let mut builder = PatchBuilder::default();
    if let Some(uid) = live.pointer("/metadata/uid") {
        let uid_at = JsonPointer::default().field("metadata").field("uid");
        builder
            .tests
            .push(PatchOperation::Test(uid_at, uid.clone()));
    }
    let here = ObjectPosition {
        live,
        wanted: Some(wanted),
        at: JsonPointer::default(),
        path: FieldPath::root(),
    };
    builder.walk(&root, &here)?;
    builder.finish()
}

/// Returns the value at a path, and its pointer; `None` if the path does not exist.
///
/// # Errors
/// Fails if the path could mean several items of a list.
pub fn find<'v>(
    live: &'v Value,
    path: &FieldPath,
) -> Result<Option<(JsonPointer, &'v Value)>, PatchError> {
    let mut at = JsonPointer::default();
    let mut value = live;
    for (depth, element) in path.0.iter().enumerate() {
        let Some(step) = step(value, element, path, depth)? else {
            return Ok(None);
        };
        (at, value) = match step {
            PatchStep::Field(name, below) => (at.field(name), below),
            PatchStep::Item(index, below) => (at.index(index), below),
        };
    }
    Ok(Some((at, value)).filter(|(_, value)| !value.is_null()))
}

/// One step from a value to a value in it.
enum PatchStep<'v, 'p> {
    Field(&'p str, &'v Value),
    Item(usize, &'v Value),
}

fn step<'v, 'p>(
    value: &'v Value,
    element: &'p PathElement,
    path: &FieldPath,
    depth: usize,
) -> Result<Option<PatchStep<'v, 'p>>, PatchError> {
    let items = || value.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(match element {
        PathElement::Field(name) => value.get(name).map(|below| PatchStep::Field(name, below)),
        PathElement::Index(index) => items()
            .get(*index)
            .map(|below| PatchStep::Item(*index, below)),
        PathElement::Key(_) | PathElement::Value(_) => {
            let mut matching = items()
                .iter()
                .enumerate()
                .filter(|(_, item)| is_named_by(item, element));
            let first = matching.next();
            if matching.next().is_some() {
                return Err(PatchError::Ambiguous(FieldPath(path.0[..=depth].to_vec())));
            }
            first.map(|(index, below)| PatchStep::Item(index, below))
        }
    })
}

/// Returns whether a path element names an item. Keys that the item leaves to be defaulted are
/// ignored.
pub fn is_named_by(item: &Value, element: &PathElement) -> bool {
    match element {
        PathElement::Value(value) => item == value,
        PathElement::Key(keys) => {
            item.is_object()
                && keys
                    .iter()
                    .all(|(name, key)| item.get(name).is_none_or(|written| written == key))
        }
        PathElement::Field(_) | PathElement::Index(_) => false,
    }
}

/// A tree of the edits, by path.
#[derive(Default)]
struct EditNode<'a> {
    /// The new value here.
    to: Option<Option<&'a Value>>,
    /// Edits further down, in their original order.
    below: Vec<(&'a PathElement, EditNode<'a>)>,
}

impl<'a> EditNode<'a> {
    fn insert(&mut self, path: &'a [PathElement], to: Option<&'a Value>) {
        let Some((first, rest)) = path.split_first() else {
            self.to = Some(to);
            return;
        };
        let at = self.below.iter().position(|(element, _)| *element == first);
        let at = at.unwrap_or_else(|| {
            self.below.push((first, EditNode::default()));
            self.below.len() - 1
        });
        self.below[at].1.insert(rest, to);
    }

    /// Removes a list or map as a whole if it would become empty and is not wanted empty. Returns
    /// whether to remove this node.
    fn prune(&mut self, live: &Value, wanted: Option<&Value>) -> bool {
        if let Some(to) = self.to {
            return to.is_none();
        }
        let mut gone = 0;
        for (element, node) in &mut self.below {
            let below = child(live, element);
            let wanted = wanted.and_then(|wanted| child(wanted, element));
            if let Some(below) = below {
                gone += usize::from(node.prune(below, wanted));
            }
        }
        let size = match live {
            Value::Object(fields) => fields.len(),
            Value::Array(items) => items.len(),
            _ => usize::MAX,
        };
        let is_wanted = wanted.is_some_and(|wanted| !wanted.is_null());
        if gone == size && gone == self.below.len() && !is_wanted {
            self.to = Some(None);
            self.below.clear();
            return true;
        }
        false
    }
}

fn child<'v>(value: &'v Value, element: &PathElement) -> Option<&'v Value> {
    match element {
        PathElement::Field(name) => value.get(name),
        PathElement::Index(index) => value.get(index),
        element => value
            .as_array()?
            .iter()
            .find(|item| is_named_by(item, element)),
    }
}

/// The current position in the object.
struct ObjectPosition<'v> {
    live: &'v Value,
    wanted: Option<&'v Value>,
    at: JsonPointer,
    path: FieldPath,
}

impl<'v> ObjectPosition<'v> {
    fn below(&self, element: &PathElement, live: &'v Value, at: JsonPointer) -> Self {
        ObjectPosition {
            live,
            wanted: self.wanted.and_then(|wanted| child(wanted, element)),
            at,
            path: self.path.child(element.clone()),
        }
    }
}

/// The operations by kind. Tests come first, and see the object as it was read.
#[derive(Default)]
struct PatchBuilder {
    tests: Vec<PatchOperation>,
    /// Operations that do not shift indexes.
    in_place: Vec<PatchOperation>,
    /// Operations that shift list items, innermost lists first.
    in_lists: Vec<(usize, Vec<PatchOperation>)>,
}

impl PatchBuilder {
    fn finish(mut self) -> Result<Vec<PatchOperation>, PatchError> {
        self.in_lists
            .sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
        let in_lists = self.in_lists.into_iter().flat_map(|(_, of_list)| of_list);
        let mut all: Vec<PatchOperation> = Vec::new();
        for test in self.tests {
            // A node that several edits pass is tested once.
            if !all.contains(&test) {
                all.push(test);
            }
        }
        all.extend(self.in_place);
        all.extend(in_lists);
        if all.len() > MOST_OPERATIONS {
            return Err(PatchError::TooLong);
        }
        Ok(all)
    }

    /// Makes the edits below an existing value.
    fn walk(&mut self, node: &EditNode<'_>, here: &ObjectPosition<'_>) -> Result<(), PatchError> {
        if here.live.is_array() {
            return self.walk_list(node, here);
        }
        for (element, below) in &node.below {
            let path = || here.path.child((*element).clone());
            let PathElement::Field(name) = element else {
                return Err(PatchError::NoWay(path()));
            };
            if !here.live.is_object() {
                return Err(PatchError::NoWay(path()));
            }
            let at = here.at.clone().field(name);
            match here.live.get(name).filter(|value| !value.is_null()) {
                None => {
                    let Some(mut value) = value_to_add(below, &path())? else {
                        continue; // already gone
                    };
                    if let Some(wanted) = here.wanted.and_then(|wanted| wanted.get(name)) {
                        order_items(&mut value, wanted);
                    }
                    self.tests
                        .push(PatchOperation::Test(at.clone(), Value::Null));
                    self.in_place.push(PatchOperation::Add(at, value));
                }
                Some(live) => match below.to {
                    Some(to) => self.field(at, live, to),
                    None => self.walk(below, &here.below(element, live, at))?,
                },
            }
        }
        Ok(())
    }

    fn field(&mut self, at: JsonPointer, live: &Value, to: Option<&Value>) {
        if to == Some(live) {
            return;
        }
        self.tests
            .push(PatchOperation::Test(at.clone(), live.clone()));
        self.in_place.push(match to {
            Some(value) => PatchOperation::Replace(at, value.clone()),
            None => PatchOperation::Remove(at),
        });
    }

    fn walk_list(
        &mut self,
        node: &EditNode<'_>,
        here: &ObjectPosition<'_>,
    ) -> Result<(), PatchError> {
        let items = here.live.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut list = ListEdits::default();
        for (element, below) in &node.below {
            let path = here.path.child((*element).clone());
            let depth = path.0.len() - 1;
            let found = step(here.live, element, &path, depth)?;
            if let PathElement::Key(keys) = element {
                list.keys = keys.keys().map(String::as_str).collect();
            }
            match (found, below.to) {
                (Some(PatchStep::Item(index, item)), to) => {
                    self.test_item(here, element, index, item);
                    let at = here.at.clone().index(index);
                    match to {
                        None => self.walk(below, &here.below(element, item, at))?,
                        Some(None) => {
                            self.tests.push(PatchOperation::Test(at, item.clone()));
                            list.gone.push(index);
                        }
                        Some(Some(_)) => self.field(at, item, to.flatten()),
                    }
                }
                (None, Some(None)) => {} // already gone
                (None, Some(Some(item))) => list.new.push((element, item)),
                _ => return Err(PatchError::NoWay(path)),
            }
        }
        let wanted = here.wanted.and_then(Value::as_array);
        let operations = list.operations(items, wanted.map_or(&[], Vec::as_slice), &here.at);
        if operations.is_empty() {
            return Ok(());
        }
        // An item that does not exist cannot be tested by its index, and a move can be made only
        // once. The list is tested as a whole, so that a patch that is sent again changes nothing.
        let only_once = |one: &PatchOperation| {
            matches!(one, PatchOperation::Add(..) | PatchOperation::Move { .. })
        };
        if operations.iter().any(only_once) {
            let (at, live) = (here.at.clone(), here.live.clone());
            self.tests.push(PatchOperation::Test(at, live));
        }
        self.in_lists.push((here.path.0.len(), operations));
        Ok(())
    }

    /// Adds a test that the item at an index is the right one.
    fn test_item(
        &mut self,
        here: &ObjectPosition<'_>,
        element: &PathElement,
        index: usize,
        item: &Value,
    ) {
        let at = here.at.clone().index(index);
        match element {
            PathElement::Key(keys) => {
                for name in keys.keys() {
                    let value = item.get(name).cloned().unwrap_or_default();
                    self.tests
                        .push(PatchOperation::Test(at.clone().field(name), value));
                }
            }
            PathElement::Value(value) => {
                self.tests.push(PatchOperation::Test(at, value.clone()));
            }
            // Only the list identifies an item of an atomic list.
            PathElement::Index(_) | PathElement::Field(_) => {
                self.tests
                    .push(PatchOperation::Test(here.at.clone(), here.live.clone()));
            }
        }
    }
}

/// Puts the items of lists that do not exist yet into their wanted order.
fn order_items(value: &mut Value, wanted: &Value) {
    match (value, wanted) {
        (Value::Array(items), Value::Array(wanted)) => {
            let place = |item: &Value| wanted.iter().position(|other| other == item);
            items.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
        }
        (Value::Object(fields), Value::Object(wanted)) => {
            for (name, value) in fields {
                if let Some(wanted) = wanted.get(name) {
                    order_items(value, wanted);
                }
            }
        }
        _ => {}
    }
}

/// Returns the value to add where nothing exists, with the parents that are missing; `None` if
/// there is nothing to add.
fn value_to_add(node: &EditNode<'_>, path: &FieldPath) -> Result<Option<Value>, PatchError> {
    if let Some(to) = node.to {
        return Ok(to.cloned());
    }
    let mut fields: BTreeMap<&str, Value> = BTreeMap::new();
    let mut items = Vec::new();
    for (element, below) in &node.below {
        let path = path.child((*element).clone());
        let Some(value) = value_to_add(below, &path)? else {
            continue;
        };
        match element {
            PathElement::Field(name) => {
                fields.insert(name, value);
            }
            // Only a whole item can be added to a list that does not exist.
            _ if below.to.is_some() => items.push(value),
            _ => return Err(PatchError::NoWay(path)),
        }
    }
    if !items.is_empty() {
        return Ok(Some(Value::Array(items)));
    }
    let fields: Map<String, Value> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok((!fields.is_empty()).then_some(Value::Object(fields)))
}
