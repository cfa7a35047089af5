//! Objects and values that unit tests share.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use super::{Change, JudgedChange, ResourceKey, Verdict};

/// Returns the key of the object `cart` in the namespace `shop`.
pub fn key(group: &str, kind: &str) -> ResourceKey {
    let namespace = Some("shop".to_owned());
    ResourceKey::new(group.to_owned(), kind.to_owned(), namespace, "cart")
}

/// Returns a change that counts as drift.
pub fn drift(path: &str, declared: Option<Value>, live: Option<Value>) -> JudgedChange {
    let change = Change::between(path.parse().unwrap(), declared, live);
    JudgedChange::new(change, Verdict::Reported)
}

/// Returns any JSON value.
pub fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
