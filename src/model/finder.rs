//! Looks up many paths in one value.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::Value;

use super::item_index::{ListIndex, Omitted, SHORT, is_identified};
use super::{FieldPath, PathElement};

/// Looks up paths in a value. A long list is indexed once, for all paths into it.
pub struct Finder<'v> {
    root: &'v Value,
    omitted: Omitted,
    /// The indexes of long lists, by the address of their first item.
    lists: RefCell<HashMap<*const Value, ListIndex>>,
}

impl<'v> Finder<'v> {
    /// Returns a finder that also matches items that omit keys of the path, because the server may
    /// default them.
    pub fn lenient(root: &'v Value) -> Self {
        Self {
            root,
            omitted: Omitted::Matches,
            lists: RefCell::default(),
        }
    }

    /// Returns a finder that only matches items with all keys of the path.
    pub fn strict(root: &'v Value) -> Self {
        Self {
            omitted: Omitted::Differs,
            ..Self::lenient(root)
        }
    }

    /// Returns the value in which paths are looked up.
    pub fn root(&self) -> &'v Value {
        self.root
    }

    /// Returns the value at a path.
    pub fn find(&self, path: &FieldPath) -> Option<&'v Value> {
        path.0
            .iter()
            .try_fold(self.root, |value, segment| self.step(value, segment))
    }

    /// Returns the value one path element below a value that is part of the root.
    pub fn step(&self, value: &'v Value, segment: &PathElement) -> Option<&'v Value> {
        match segment {
            PathElement::Field(name) => value.get(name),
            PathElement::Index(index) => value.get(index),
            PathElement::Value(_) | PathElement::Key(_) => {
                let items = value.as_array()?;
                if items.len() < SHORT {
                    return items.iter().find(|item| self.is_meant(item, segment));
                }
                let mut lists = self.lists.borrow_mut();
                let list = lists.entry(items.as_ptr()).or_default();
                let positions = list.positions(items, segment, self.omitted);
                items.get(*positions.first()?)
            }
        }
    }

    fn is_meant(&self, item: &Value, segment: &PathElement) -> bool {
        match segment {
            PathElement::Value(wanted) => item == wanted,
            PathElement::Key(keys) => is_identified(item, keys, self.omitted),
            PathElement::Field(_) | PathElement::Index(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Searches long lists, which are indexed, like short ones.
    #[test]
    fn finds_the_same_items_in_long_and_short_lists() {
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
