//! Pairs the items of two lists.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde_json::Value;

use crate::model::PathElement;
use crate::schema::{Schema, Type, TypeId};

/// The items of two lists, paired by identity.
#[derive(Debug, Default)]
pub struct Pairs {
    /// `(element, declared index, live index)`, in the order of the manifest.
    pub both: Vec<(PathElement, usize, usize)>,
    /// Declared items without a live counterpart.
    pub declared: Vec<(PathElement, usize)>,
    /// Live items without a declared counterpart.
    pub live: Vec<(PathElement, usize)>,
}

/// Pairs items by `identity`. The API server accepts several items with the same identity in `env`
/// and `ports`. They are paired in order if both lists have the same number of them, because the
/// last of several environment variables counts. Otherwise equal items are paired first, and the
/// rest was added or removed.
pub fn pair(declared: &[Value], live: &[Value], identity: impl Fn(&Value) -> PathElement) -> Pairs {
    if let Some(both) = in_order(declared, live, &identity) {
        return Pairs {
            both,
            ..Pairs::default()
        };
    }
    let mut waiting: HashMap<String, [VecDeque<usize>; 2]> = HashMap::new();
    for (side, items) in [declared, live].into_iter().enumerate() {
        for (index, item) in items.iter().enumerate() {
            let name = identity(item).to_string();
            waiting.entry(name).or_default()[side].push_back(index);
        }
    }
    let mut partners: Vec<Option<usize>> = vec![None; declared.len()];
    for [ours, theirs] in waiting.values_mut() {
        if ours.len() != theirs.len() {
            ours.retain(|&index| {
                let same = theirs
                    .iter()
                    .position(|&other| declared[index] == live[other]);
                partners[index] = same.and_then(|at| theirs.remove(at));
                partners[index].is_none()
            });
        }
        while let (Some(index), Some(_)) = (ours.front(), theirs.front()) {
            partners[*index] = theirs.pop_front();
            ours.pop_front();
        }
    }
    let mut pairs = Pairs::default();
    for (index, item) in declared.iter().enumerate() {
        let segment = identity(item);
        match partners[index] {
            Some(partner) => pairs.both.push((segment, index, partner)),
            None => pairs.declared.push((segment, index)),
        }
    }
    let left = waiting.into_values().flat_map(|[_, theirs]| theirs);
    let mut left: Vec<usize> = left.collect();
    left.sort_unstable();
    pairs.live = left
        .into_iter()
        .map(|index| (identity(&live[index]), index))
        .collect();
    pairs
}

/// Pairs two lists that have the same items in the same order, as most lists do.
fn in_order(
    declared: &[Value],
    live: &[Value],
    identity: impl Fn(&Value) -> PathElement,
) -> Option<Vec<(PathElement, usize, usize)>> {
    if declared.len() != live.len() {
        return None;
    }
    let sides = declared.iter().zip(live).enumerate();
    let pairs = sides.map(|(index, (ours, theirs))| {
        let segment = identity(ours);
        (segment == identity(theirs)).then_some((segment, index, index))
    });
    pairs.collect()
}

/// Returns the identity of an item of an associative list: its keys, with defaults for omitted ones
/// (a Service port without `protocol` is a TCP port).
pub fn key_of(schema: &Schema, item_type: TypeId, keys: &[Box<str>], item: &Value) -> PathElement {
    let field = |key: &str| match schema.get(item_type) {
        Type::Struct { fields, .. } => fields.get(key),
        _ => None,
    };
    let mut identity = BTreeMap::new();
    for key in keys {
        let field = field(key);
        let default = field.and_then(|field| field.default.clone());
        // `protocol: ""` means the same as an omitted one.
        let yields = |value: &Value| {
            default.is_some() && field.is_some_and(|field| field.yields_to_default(value))
        };
        let written = item.get(&**key).filter(|value| !value.is_null());
        let written = written.filter(|value| !yields(value)).cloned();
        if let Some(value) = written.or(default) {
            identity.insert(key.to_string(), value);
        }
    }
    PathElement::Key(identity)
}

/// Returns the field that identifies the items of two lists without a schema: the first of `name`,
/// `key` and `id` that is a string in every item and unique in both lists.
pub fn natural_key(declared: &[Value], live: &[Value]) -> Option<&'static str> {
    ["name", "key", "id"]
        .into_iter()
        .find(|key| is_unique(declared, key) && is_unique(live, key))
}

fn is_unique(items: &[Value], key: &str) -> bool {
    let mut seen = HashSet::new();
    !items.is_empty()
        && items.iter().all(|item| {
            item.get(key)
                .and_then(Value::as_str)
                .is_some_and(|name| seen.insert(name))
        })
}

/// How the server identifies the items of a list without a schema.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ItemIdentity {
    /// By these fields.
    Keys(Vec<String>),
    /// By value.
    Values,
}

impl ItemIdentity {
    /// Returns the path element of an item.
    pub(super) fn of(&self, item: &Value) -> PathElement {
        match self {
            Self::Keys(keys) => {
                let key = |key: &String| Some((key.clone(), item.get(key)?.clone()));
                PathElement::Key(keys.iter().filter_map(key).collect())
            }
            Self::Values => PathElement::Value(item.clone()),
        }
    }

    /// Returns the declared items with the keys that they leave to the server's defaults, as the
    /// live items have them: `port: 53` is `port: 53, protocol: TCP`. Items that `is_preferred`
    /// come first if several live items qualify.
    pub(super) fn complete(
        &self,
        declared: &[Value],
        live: &[Value],
        is_preferred: impl Fn(&PathElement) -> bool,
    ) -> Vec<Value> {
        const MOST_PAIRS: usize = 10_000;
        let mut declared = declared.to_vec();
        let Self::Keys(keys) = self else {
            return declared;
        };
        if declared.len() * live.len() > MOST_PAIRS {
            return declared;
        }
        let is_open = |item: &Value| keys.iter().any(|key| item.get(key).is_none());
        let taken = declared.iter().filter(|item| !is_open(item));
        let taken: HashSet<PathElement> = taken.map(|item| self.of(item)).collect();
        let free = live.iter().filter(|item| !taken.contains(&self.of(item)));
        let mut free: Vec<&Value> = free.collect();
        free.sort_by_key(|item| !is_preferred(&self.of(item)));
        for item in declared.iter_mut().filter(|item| is_open(item)) {
            let agrees = |other: &Value| {
                let mut written = keys.iter().filter_map(|key| Some((key, item.get(key)?)));
                written.all(|(key, value)| other.get(key) == Some(value))
            };
            let found = free.iter().position(|other| agrees(other));
            let (Some(found), Value::Object(fields)) = (found, item) else {
                continue;
            };
            let other = free.remove(found);
            for key in keys {
                if let (None, Some(value)) = (fields.get(key), other.get(key)) {
                    fields.insert(key.clone(), value.clone());
                }
            }
        }
        declared
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn by_name(item: &Value) -> PathElement {
        PathElement::Key([("name".to_owned(), item["name"].clone())].into())
    }

    #[test]
    fn pairs_items_by_identity_in_any_order() {
        let declared = [json!({"name": "a"}), json!({"name": "b"})];
        let live = [json!({"name": "c"}), json!({"name": "a"})];
        let pairs = pair(&declared, &live, by_name);
        assert_eq!(pairs.both[0].1..=pairs.both[0].2, 0..=1);
        assert_eq!(pairs.declared[0].1, 1);
        assert_eq!(pairs.live[0].1, 0);
    }

    #[test]
    fn pairs_duplicates_in_order() {
        let declared = [json!({"name": "a", "v": 1}), json!({"name": "a", "v": 2})];
        let pairs = pair(&declared, &declared, by_name);
        assert_eq!(
            pairs.both.iter().map(|p| (p.1, p.2)).collect::<Vec<_>>(),
            [(0, 0), (1, 1)]
        );
    }

    #[test]
    fn pairs_equal_duplicates_first_if_their_numbers_differ() {
        let declared = [json!({"name": "a", "v": 1})];
        let live = [json!({"name": "a", "v": 2}), json!({"name": "a", "v": 1})];
        let pairs = pair(&declared, &live, by_name);
        assert_eq!((pairs.both[0].1, pairs.both[0].2), (0, 1));
        assert_eq!(pairs.live[0].1, 0);
        let pairs = pair(&live, &declared, by_name);
        assert_eq!((pairs.both[0].1, pairs.both[0].2), (1, 0));
        assert_eq!(pairs.declared[0].1, 0);
        let swapped = [live[1].clone(), live[0].clone()];
        let pairs = pair(&swapped, &live, by_name);
        assert_eq!((pairs.both[0].1, pairs.both[0].2), (0, 0), "order counts");
    }

    #[test]
    fn a_natural_key_is_a_unique_string() {
        let named = [json!({"name": "a"}), json!({"name": "b"})];
        assert_eq!(natural_key(&named, &named), Some("name"));
        let twice = [json!({"name": "a"}), json!({"name": "a"})];
        assert_eq!(natural_key(&named, &twice), None);
        assert_eq!(
            natural_key(&[json!({"id": "1"})], &[json!({"id": "2"})]),
            Some("id")
        );
        assert_eq!(natural_key(&named, &[]), None);
    }
}
