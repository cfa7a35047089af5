//! Finds list items by their keys or values.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::PathElement;

/// The longest list that is searched item by item. For short lists, an index costs more than it
/// saves.
pub const SHORT: usize = 32;

/// How to treat an item that omits a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omitted {
    /// The item matches, because the API server may default the key.
    Matches,
    /// The item does not match.
    Differs,
}

/// Returns whether keys identify an item.
pub fn is_identified(item: &Value, keys: &BTreeMap<String, Value>, omitted: Omitted) -> bool {
    item.is_object()
        && keys.iter().all(|(name, key)| {
            item.get(name)
                .map_or(omitted == Omitted::Matches, |written| written == key)
        })
}

/// Finds the indexes of list items by path elements. It reads the list once for each set of key
/// names; most lists have only one.
#[derive(Default)]
pub struct ListIndex {
    values: Option<HashMap<String, Vec<usize>>>,
    keys: HashMap<Vec<String>, KeyIndex>,
}

impl ListIndex {
    /// Returns the indexes of the items that match a path element, in order. `items` must be the
    /// same list in each call.
    pub fn positions(
        &mut self,
        items: &[Value],
        element: &PathElement,
        omitted: Omitted,
    ) -> Vec<usize> {
        match element {
            PathElement::Field(_) => Vec::new(),
            PathElement::Index(index) => items.get(*index).map(|_| *index).into_iter().collect(),
            PathElement::Value(wanted) => {
                let values = self.values.get_or_insert_with(|| {
                    let mut values = HashMap::<String, Vec<usize>>::new();
                    for (position, item) in items.iter().enumerate() {
                        values.entry(item.to_string()).or_default().push(position);
                    }
                    values
                });
                values.get(&wanted.to_string()).cloned().unwrap_or_default()
            }
            PathElement::Key(keys) => {
                let names: Vec<String> = keys.keys().cloned().collect();
                let index = self.keys.entry(names).or_insert_with_key(|names| {
                    let objects = items
                        .iter()
                        .enumerate()
                        .filter(|(_, item)| item.is_object());
                    KeyIndex::new(objects.map(|(position, item)| {
                        let written = names.iter();
                        let written = written.filter_map(|name| Some((name, item.get(name)?)));
                        (position, written)
                    }))
                });
                index.positions(keys.iter(), omitted)
            }
        }
    }
}

/// Finds the indexes of items by the keys that both the items and the query have.
pub struct KeyIndex {
    groups: Vec<KeyGroup>,
}

/// The indexes of items, by the values of their keys.
type KeyTable = HashMap<String, Vec<usize>>;

/// The items that have keys with the same names.
struct KeyGroup {
    names: Vec<String>,
    /// The index of each item, with the values of its keys.
    items: Vec<(usize, Vec<String>)>,
    /// The indexes by the values of some of the keys; built when needed.
    tables: RefCell<HashMap<Vec<usize>, KeyTable>>,
}

impl KeyIndex {
    /// Builds the index from the items' positions and their keys, in the order of the names.
    pub fn new<'i, K>(items: impl Iterator<Item = (usize, K)>) -> Self
    where
        K: Iterator<Item = (&'i String, &'i Value)>,
    {
        let mut by_names: HashMap<Vec<&'i String>, usize> = HashMap::new();
        let mut groups: Vec<KeyGroup> = Vec::new();
        for (position, keys) in items {
            let (names, values): (Vec<&String>, Vec<String>) =
                keys.map(|(name, value)| (name, value.to_string())).unzip();
            let at = *by_names.entry(names).or_insert_with_key(|names| {
                groups.push(KeyGroup {
                    names: names.iter().map(|name| (*name).clone()).collect(),
                    items: Vec::new(),
                    tables: RefCell::default(),
                });
                groups.len() - 1
            });
            groups[at].items.push((position, values));
        }
        Self { groups }
    }

    /// Returns the indexes of the items whose keys have the given values, in order.
    pub fn positions<'q>(
        &self,
        keys: impl Iterator<Item = (&'q String, &'q Value)>,
        omitted: Omitted,
    ) -> Vec<usize> {
        let keys: Vec<(&String, String)> = keys
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        let mut found = Vec::new();
        for group in &self.groups {
            let value_of = |name: &String| keys.iter().find(|(other, _)| *other == name);
            let (shared, values): (Vec<usize>, Vec<&str>) = group
                .names
                .iter()
                .enumerate()
                .filter_map(|(at, name)| Some((at, value_of(name)?.1.as_str())))
                .unzip();
            if omitted == Omitted::Differs && shared.len() != keys.len() {
                continue;
            }
            found.extend(group.positions(shared, &values.join(SEPARATOR)));
        }
        found.sort_unstable();
        found
    }
}

/// The separator between key values. JSON text never contains it.
const SEPARATOR: &str = "\0";

impl KeyGroup {
    fn positions(&self, shared: Vec<usize>, values: &str) -> Vec<usize> {
        let mut tables = self.tables.borrow_mut();
        let table = tables.entry(shared).or_insert_with_key(|shared| {
            let mut table = KeyTable::new();
            for (position, values) in &self.items {
                let values: Vec<&str> = shared.iter().map(|at| values[*at].as_str()).collect();
                let positions = table.entry(values.join(SEPARATOR)).or_default();
                positions.push(*position);
            }
            table
        });
        table.get(values).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn positions(items: &Value, element: &str, omitted: Omitted) -> Vec<usize> {
        let path: crate::model::FieldPath = element.parse().unwrap();
        let items = items.as_array().unwrap();
        ListIndex::default().positions(items, &path.0[0], omitted)
    }

    #[test]
    fn finds_all_items_that_match_keys() {
        let items = json!([{"port": 1}, {"port": 1, "protocol": "UDP"}, "x",
            {"port": 1, "protocol": "TCP"}, {"port": 2}, {"port": 1}]);
        let tcp = "[port=1,protocol=\"TCP\"]";
        assert_eq!(positions(&items, tcp, Omitted::Matches), [0, 3, 5]);
        assert_eq!(positions(&items, tcp, Omitted::Differs), [3]);
        assert_eq!(
            positions(&items, "[port=1]", Omitted::Differs),
            [0, 1, 3, 5]
        );
    }

    #[test]
    fn finds_items_by_value_and_by_index() {
        let items = json!(["a", "b", "a", 1, "1"]);
        assert_eq!(positions(&items, "[=\"a\"]", Omitted::Differs), [0, 2]);
        assert_eq!(positions(&items, "[=1]", Omitted::Differs), [3]);
        assert_eq!(positions(&items, "[4]", Omitted::Differs), [4]);
        assert!(positions(&items, "[5]", Omitted::Differs).is_empty());
    }

    /// Compares the results of the index with those of a search item by item.
    #[test]
    fn the_index_and_a_search_agree() {
        let items = json!([{"a": 1}, {"b": 2}, {"a": 1, "b": 2}, {"a": 1, "b": 3}, {}, 7,
            {"a": "1", "b": 2}, {"c": 1}]);
        let items = items.as_array().unwrap();
        let elements = ["[a=1]", "[b=2]", "[a=1,b=2]", "[a=2]", "[c=1]", "[a=1,c=1]"];
        for element in elements {
            let path: crate::model::FieldPath = element.parse().unwrap();
            let PathElement::Key(keys) = &path.0[0] else {
                panic!("{element}")
            };
            for omitted in [Omitted::Matches, Omitted::Differs] {
                let found = ListIndex::default().positions(items, &path.0[0], omitted);
                let searched = items.iter().enumerate();
                let searched = searched.filter(|(_, item)| is_identified(item, keys, omitted));
                let searched: Vec<usize> = searched.map(|(at, _)| at).collect();
                assert_eq!(found, searched, "{element} {omitted:?}");
            }
        }
    }
}
