//! Reads from managed fields how the server identifies the items of a list, for types without a
//! schema: a recording of custom resources often lacks their CustomResourceDefinitions.

use std::collections::HashSet;

use serde_json::Value;

use super::attribute::node;
use super::list::ItemIdentity;
use super::walk::Walker;
use crate::model::PathElement;

impl Walker<'_> {
    /// Returns how the server identifies the items of the list at the current path: managers own
    /// them by key or by value. Returns `None` if no manager owns items, or if some live item has
    /// no owner.
    pub(super) fn identity_by_owners(&self, live: &[Value]) -> Option<ItemIdentity> {
        let entries = self.subject.ownership.entries.iter();
        let lists = entries.filter_map(|entry| node(entry, &self.path.0));
        let owned: HashSet<&PathElement> = lists.flat_map(|list| list.items.keys()).collect();
        let identity = match owned.iter().next()? {
            PathElement::Key(keys) => ItemIdentity::Keys(keys.keys().cloned().collect()),
            PathElement::Value(_) => ItemIdentity::Values,
            PathElement::Field(_) | PathElement::Index(_) => return None,
        };
        let is_alike = |element: &&PathElement| match (element, &identity) {
            (PathElement::Key(keys), ItemIdentity::Keys(names)) => keys.keys().eq(names),
            (PathElement::Value(_), ItemIdentity::Values) => true,
            _ => false,
        };
        let all_alike = owned.iter().all(is_alike);
        let mut seen: HashSet<PathElement> = HashSet::new();
        let mut is_owned_once = |item: &Value| {
            let element = identity.of(item);
            owned.contains(&element) && seen.insert(element)
        };
        (all_alike && live.iter().all(&mut is_owned_once)).then_some(identity)
    }

    /// Returns whether the current path is an item of a list of which managers own single items, so
    /// that the owners of the list did not write all of it.
    pub(super) fn is_owned_by_item(&self) -> bool {
        let Some((PathElement::Key(_) | PathElement::Value(_), list)) = self.path.0.split_last()
        else {
            return false;
        };
        let mut entries = self.subject.ownership.entries.iter();
        entries.any(|entry| node(entry, list).is_some_and(|list| !list.items.is_empty()))
    }

    /// Returns whether an applier owns an item of the list at the current path.
    pub(super) fn is_applied(&self, item: &PathElement) -> bool {
        let entries = self.subject.ownership.entries.iter();
        let mut applied = entries.filter(|entry| self.subject.appliers.declares(entry));
        applied.any(|entry| {
            node(entry, &self.path.0).is_some_and(|list| list.items.contains_key(item))
        })
    }
}
