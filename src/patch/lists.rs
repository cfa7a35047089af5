//! Adds and removes list items, and puts them in order.

use serde_json::Value;

use super::{JsonPointer, PatchOperation, is_named_by};
use crate::model::PathElement;

/// The changes of one list.
#[derive(Default)]
pub(super) struct ListEdits<'a> {
    /// The items to remove, by index.
    pub gone: Vec<usize>,
    /// The items to add, and their identity.
    pub new: Vec<(&'a PathElement, &'a Value)>,
    /// The names of the fields that identify an item; none if values or places do.
    pub keys: Vec<&'a str>,
}

impl ListEdits<'_> {
    /// Returns the operations: items are removed from the highest index down, then added from the
    /// lowest index up. If as many are added as removed, at the same places, each replaces another:
    /// a Service is never without ports. Last, items are moved until those in both lists have the
    /// wanted order.
    pub fn operations(
        mut self,
        live: &[Value],
        wanted: &[Value],
        at: &JsonPointer,
    ) -> Vec<PatchOperation> {
        self.gone.sort_unstable();
        let position = |(element, item): &(&PathElement, &Value)| {
            let mut wanted = wanted.iter();
            wanted.position(|other| other == *item || is_named_by(other, element))
        };
        self.new
            .sort_by_key(|new| position(new).unwrap_or(usize::MAX));
        // The list while it is being changed: which live items it contains, and new ones.
        let mut list: Vec<&Value> = live
            .iter()
            .enumerate()
            .filter(|(index, _)| self.gone.binary_search(index).is_err())
            .map(|(_, item)| item)
            .collect();
        let mut places = Vec::new();
        for new in &self.new {
            let place = match position(new) {
                Some(position) => index_after(&list, &wanted[..position], new.0),
                None => list.len(),
            };
            list.insert(place, new.1);
            places.push(place);
        }
        let moves = moves(&list, wanted, &self.keys);
        let moves = moves.into_iter().map(|(from, to)| PatchOperation::Move {
            from: at.clone().index(from),
            to: at.clone().index(to),
        });
        if places == self.gone {
            let pairs = self.gone.iter().zip(&self.new);
            return pairs
                .map(|(index, (_, item))| {
                    PatchOperation::Replace(at.clone().index(*index), (*item).clone())
                })
                .chain(moves)
                .collect();
        }
        let gone = self.gone.iter().rev();
        let gone = gone.map(|index| PatchOperation::Remove(at.clone().index(*index)));
        let new = places.iter().zip(&self.new);
        let new = new.map(|(place, (_, item))| {
            PatchOperation::Add(at.clone().index(*place), (*item).clone())
        });
        gone.chain(new).chain(moves).collect()
    }
}

/// Returns where a new item goes: after the nearest item that precedes it in the wanted list, or
/// else at the front.
fn index_after(list: &[&Value], before: &[Value], element: &PathElement) -> usize {
    let same = |one: &Value, other: &Value| match element {
        PathElement::Key(keys) => keys.keys().all(|name| {
            match (one.get(name), other.get(name)) {
                (Some(one), Some(other)) => one == other,
                _ => true, // defaulted in one of them
            }
        }),
        _ => one == other,
    };
    let behind = before.iter().rev().find_map(|preceding| {
        let found = list.iter().rposition(|item| same(item, preceding));
        found.map(|place| place + 1)
    });
    behind.unwrap_or(0)
}

/// Returns the moves, from one index to another, that give the items of a list the wanted order.
/// Items that are not wanted stay between their neighbours. Returns none if the keys do not tell
/// the items apart.
fn moves(list: &[&Value], wanted: &[Value], keys: &[&str]) -> Vec<(usize, usize)> {
    let is_same = |one: &Value, other: &Value| {
        keys.iter()
            .all(|name| match (one.get(name), other.get(name)) {
                (Some(one), Some(other)) => one == other,
                _ => true, // defaulted in one of them
            })
    };
    if keys.is_empty()
        || list
            .iter()
            .chain(wanted.iter().collect::<Vec<_>>().iter())
            .any(|item| !item.is_object())
    {
        return Vec::new();
    }
    let mut order = Vec::new();
    for item in wanted {
        let mut found = (0..list.len()).filter(|at| is_same(list[*at], item));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => return Vec::new(),
            (Some(at), None) if order.contains(&at) => return Vec::new(),
            (Some(at), None) => order.push(at),
            (None, _) => {}
        }
    }
    let mut current: Vec<usize> = (0..list.len()).collect();
    let mut moves = Vec::new();
    for pair in order.windows(2) {
        let place = |item: usize| current.iter().position(|other| *other == item);
        if let (Some(before), Some(from)) = (place(pair[0]), place(pair[1]))
            && from < before
        {
            let item = current.remove(from);
            current.insert(before, item);
            moves.push((from, before));
        }
    }
    moves
}
