//! Follows many paths into one value.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::Value;

use super::{FieldPath, PathElement};

/// Shorter lists are searched item by item.
const SHORT: usize = 32;

/// Follows paths into a value. A long list is indexed once, however many paths lead into it.
pub struct Finder<'v> {
    root: &'v Value,
    /// Whether an item that leaves keys to be defaulted is still found.
    lenient: bool,
    /// The indexes of long lists, by the address of their first item.
    lists: RefCell<HashMap<*const Value, List>>,
}

/// The positions of a list's items, by identity; the first of equal ones.
#[derive(Default)]
struct List {
    values: Option<HashMap<String, usize>>,
    by_keys: HashMap<Vec<String>, Keyed>,
}

/// Items by the requested keys that they have, and by those keys' values.
type Keyed = HashMap<Vec<String>, HashMap<String, usize>>;

impl<'v> Finder<'v> {
    /// Finds items that leave out keys of the path, because these may be defaulted.
    pub fn lenient(root: &'v Value) -> Self {
        Self {
            root,
            lenient: true,
            lists: RefCell::default(),
        }
    }

    /// Finds items with exactly the keys of the path.
    pub fn strict(root: &'v Value) -> Self {
        Self {
            lenient: false,
            ..Self::lenient(root)
        }
    }

    /// Returns the value that paths lead into.
    pub fn root(&self) -> &'v Value {
        self.root
    }

    /// Returns the value at a path, if there is one.
    pub fn find(&self, path: &FieldPath) -> Option<&'v Value> {
        path.0
            .iter()
            .try_fold(self.root, |value, segment| self.step(value, segment))
    }

    /// Returns the value one element further, within the finder's value.
    pub fn step(&self, value: &'v Value, segment: &PathElement) -> Option<&'v Value> {
        let items = || value.as_array().map(Vec::as_slice);
        match segment {
            PathElement::Field(name) => value.get(name),
            PathElement::Index(index) => value.get(index),
            PathElement::Value(_) | PathElement::Key(_) => {
                let items = items()?;
                if items.len() < SHORT {
                    return items.iter().find(|item| self.is_meant(item, segment));
                }
                items.get(self.position(items, segment)?)
            }
        }
    }

    fn is_meant(&self, item: &Value, segment: &PathElement) -> bool {
        match segment {
            PathElement::Value(wanted) => item == wanted,
            PathElement::Key(keys) => {
                item.is_object()
                    && keys.iter().all(|(name, key)| {
                        item.get(name)
                            .map_or(self.lenient, |written| written == key)
                    })
            }
            PathElement::Field(_) | PathElement::Index(_) => false,
        }
    }

    fn position(&self, items: &[Value], segment: &PathElement) -> Option<usize> {
        let mut lists = self.lists.borrow_mut();
        let list = lists.entry(items.as_ptr()).or_default();
        match segment {
            PathElement::Value(wanted) => {
                let values = list.values.get_or_insert_with(|| {
                    let texts = items.iter().map(ToString::to_string);
                    first_of(texts.zip(0..))
                });
                values.get(&wanted.to_string()).copied()
            }
            PathElement::Key(keys) => {
                let names: Vec<String> = keys.keys().cloned().collect();
                let keyed = list
                    .by_keys
                    .entry(names)
                    .or_insert_with_key(|names| by_keys(items, names));
                let found = keyed.iter().filter_map(|(written, positions)| {
                    if !self.lenient && written.len() != keys.len() {
                        return None;
                    }
                    let text = text_of(written, |name| keys.get(name));
                    positions.get(&text).copied()
                });
                found.min()
            }
            PathElement::Field(_) | PathElement::Index(_) => None,
        }
    }
}

fn by_keys(items: &[Value], names: &[String]) -> Keyed {
    let mut keyed = Keyed::new();
    for (position, item) in items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.is_object())
    {
        let is_written = |name: &&String| item.get(name.as_str()).is_some();
        let written: Vec<String> = names.iter().filter(is_written).cloned().collect();
        let text = text_of(&written, |name| item.get(name));
        let positions = keyed.entry(written).or_default();
        positions.entry(text).or_insert(position);
    }
    keyed
}

fn text_of<'k>(names: &[String], value: impl Fn(&str) -> Option<&'k Value>) -> String {
    let values = names.iter().filter_map(|name| value(name));
    let values: Vec<String> = values.map(ToString::to_string).collect();
    values.join(",")
}

fn first_of(texts: impl Iterator<Item = (String, usize)>) -> HashMap<String, usize> {
    let mut first = HashMap::new();
    for (text, position) in texts {
        first.entry(text).or_insert(position);
    }
    first
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whatever the length of the list, the same item is found.
    #[test]
    fn long_lists_are_searched_as_short_ones_are() {
        let few = json!([{"port": 1}, {"port": 2, "protocol": "UDP"}, {"port": 2, "protocol": "TCP"},
            {"port": 2}, "x", "x", 3, {"port": 1, "protocol": "TCP"}]);
        let mut many = few.clone();
        let fill = (10..10 + SHORT).map(|n| json!({"port": n, "protocol": "TCP"}));
        many.as_array_mut().unwrap().extend(fill);
        for path in [
            "[port=1,protocol=\"TCP\"]",
            "[port=2,protocol=\"TCP\"]",
            "[port=2,protocol=\"UDP\"]",
            "[port=2,protocol=\"SCTP\"]",
            "[port=1]",
            "[port=3]",
            "[=\"x\"]",
            "[=3]",
            "[=4]",
            "[2]",
        ] {
            let path: FieldPath = path.parse().unwrap();
            for finder in [Finder::lenient, Finder::strict] {
                let short = finder(&few).find(&path);
                assert_eq!(finder(&many).find(&path), short, "{path}");
            }
        }
        let tcp: FieldPath = "[port=1,protocol=\"TCP\"]".parse().unwrap();
        assert_eq!(Finder::lenient(&many).find(&tcp), Some(&json!({"port": 1})));
        let exact = json!({"port": 1, "protocol": "TCP"});
        assert_eq!(Finder::strict(&many).find(&tcp), Some(&exact));
    }
}
