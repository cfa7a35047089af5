//! Groups changes of list items that belong together. An added item may be reported field by field,
//! and an item whose key changed is reported as one removed and one added. Each group is one edit
//! of the manifest.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde_json::Value;

use super::values;
use crate::model::{Change, ChangeKind, FieldPath, JudgedChange, PathElement};

/// A change, with and without secrets.
pub(super) type MaskedPair<'d> = (&'d JudgedChange, &'d JudgedChange);

/// Changes that are backported together.
pub(super) struct ChangeUnit<'d> {
    /// The reported changes.
    pub found: Vec<MaskedPair<'d>>,
    /// The one change that they amount to.
    pub drift: Cow<'d, JudgedChange>,
    /// If the key of an item changed: the removed item, whose position the new one takes.
    pub instead_of: Option<MaskedPair<'d>>,
}

impl<'d> ChangeUnit<'d> {
    fn of(pair: MaskedPair<'d>) -> Self {
        Self {
            found: vec![pair],
            drift: Cow::Borrowed(pair.0),
            instead_of: None,
        }
    }

    /// Returns the list to which the unit adds a whole item, or from which it removes one.
    pub fn list(&self) -> Option<FieldPath> {
        list_of(&self.drift.change)
    }
}

/// Returns the list to which a change adds a whole item, or from which it removes one.
fn list_of(change: &Change) -> Option<FieldPath> {
    match change.path.0.split_last()? {
        (PathElement::Key(_), list) if change.kind != ChangeKind::Modified => {
            Some(FieldPath(list.to_vec()))
        }
        _ => None,
    }
}

/// Groups changes, in the order in which they are made. `finds_partners` says whether an added item
/// may take the position of a removed one.
pub(super) fn units<'d>(
    meant: Vec<MaskedPair<'d>>,
    manifest: &Value,
    finds_partners: bool,
) -> Vec<ChangeUnit<'d>> {
    let mut units: Vec<ChangeUnit<'d>> = Vec::new();
    for pair in meant {
        let item = new_item(&pair.0.change, manifest);
        let Some(item) = item else {
            units.push(ChangeUnit::of(pair));
            continue;
        };
        let mut known = units.iter_mut();
        let known = known.find(|unit| unit.drift.change.path == item);
        let whole = match &known {
            Some(unit) => with_field(&unit.drift, &item, &pair.0.change),
            None => partial_item(pair.0, &item),
        };
        match (known, whole) {
            (Some(unit), Some(whole)) => {
                unit.drift = Cow::Owned(whole);
                unit.found.push(pair);
            }
            (None, Some(whole)) => units.push(ChangeUnit {
                drift: Cow::Owned(whole),
                ..ChangeUnit::of(pair)
            }),
            (_, None) => units.push(ChangeUnit::of(pair)),
        }
    }
    if finds_partners {
        find_partners(&mut units);
    }
    // Removals come last, so that the other items keep their positions until then.
    // A type comes before what the server adds for it.
    units.sort_by_key(|unit| match unit.drift.change.kind {
        ChangeKind::Modified => 0,
        ChangeKind::Added if is_type(&unit.drift.change.path) => 1,
        ChangeKind::Added => 2,
        ChangeKind::Removed => 3,
    });
    units
}

fn is_type(path: &FieldPath) -> bool {
    matches!(path.0.last(), Some(PathElement::Field(name)) if name == "type")
}

/// Returns the item that a field is added to, if the manifest does not have the item.
fn new_item(change: &Change, manifest: &Value) -> Option<FieldPath> {
    if change.kind != ChangeKind::Added {
        return None;
    }
    let path = &change.path.0;
    let is_new = |end: usize| {
        let way = path.get(..=end).unwrap_or_default();
        matches!(way.last(), Some(PathElement::Key(_))) && values::lookup(manifest, way).is_none()
    };
    let end = (0..path.len().saturating_sub(1)).find(|end| is_new(*end))?;
    Some(FieldPath(path.get(..=end)?.to_vec()))
}

/// Returns the addition of an item of which one field is known so far.
fn partial_item(first: &JudgedChange, item: &FieldPath) -> Option<JudgedChange> {
    let Some(PathElement::Key(keys)) = item.0.last() else {
        return None;
    };
    let mut whole = first.clone();
    whole.change.path = item.clone();
    whole.change.live = Some(Value::Object(keys.clone().into_iter().collect()));
    with_field(&whole, item, &first.change)
}

/// Returns the addition of an item, extended by one more field.
fn with_field(whole: &JudgedChange, item: &FieldPath, field: &Change) -> Option<JudgedChange> {
    let rest = field.path.0.get(item.0.len()..)?;
    let live = whole.change.live.as_ref()?;
    let mut whole = whole.clone();
    whole.change.live = Some(values::with_at(live, rest, field.live.as_ref())?);
    Some(whole)
}

/// Pairs each added item with a removed one that resembles it.
fn find_partners(units: &mut Vec<ChangeUnit<'_>>) {
    let (mut gone, mut rest): (Vec<ChangeUnit<'_>>, Vec<ChangeUnit<'_>>) = std::mem::take(units)
        .into_iter()
        .partition(|unit| unit.drift.change.kind == ChangeKind::Removed && unit.list().is_some());
    for new in &mut rest {
        let (Some(list), Some(live)) = (new.list(), &new.drift.change.live) else {
            continue;
        };
        let alike = gone.iter().enumerate().filter_map(|(at, unit)| {
            let declared = unit.drift.change.declared.as_ref()?;
            let is_beside = unit.list().as_ref() == Some(&list);
            let score = shared_fields(declared, live).filter(|_| is_beside)?;
            Some((score, Reverse(at)))
        });
        if let Some((_, Reverse(at))) = alike.max() {
            new.instead_of = gone.remove(at).found.pop();
        }
    }
    find_only_partners(&mut rest, &mut gone);
    rest.append(&mut gone);
    *units = rest;
}

/// Pairs the only added item of a list with the only removed one, even if all of its fields changed:
/// a port whose target changed with it is still that port.
fn find_only_partners<'d>(rest: &mut [ChangeUnit<'d>], gone: &mut Vec<ChangeUnit<'d>>) {
    let is_open = |unit: &ChangeUnit<'_>| {
        unit.instead_of.is_none() && unit.drift.change.kind == ChangeKind::Added
    };
    let open: Vec<Option<FieldPath>> = rest
        .iter()
        .filter(|unit| is_open(unit))
        .map(ChangeUnit::list)
        .collect();
    for new in rest.iter_mut().filter(|unit| is_open(unit)) {
        let (Some(list), Some(live)) = (new.list(), &new.drift.change.live) else {
            continue;
        };
        let is_here = |unit: &&ChangeUnit<'_>| unit.list().as_ref() == Some(&list);
        let number_gone = gone.iter().filter(is_here).count();
        let number_new = open
            .iter()
            .filter(|other| other.as_ref() == Some(&list))
            .count();
        let at = gone.iter().position(|unit| is_here(&unit));
        let (Some(at), 1, 1) = (at, number_gone, number_new) else {
            continue;
        };
        let declared = gone
            .get(at)
            .and_then(|unit| unit.drift.change.declared.as_ref());
        if declared.is_some_and(|declared| has_the_same_scalars(declared, live)) {
            new.instead_of = gone.remove(at).found.pop();
        }
    }
}

/// Returns whether all declared fields are scalars that the live item has too.
fn has_the_same_scalars(declared: &Value, live: &Value) -> bool {
    let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
    declared.as_object().is_some_and(|fields| {
        fields
            .iter()
            .all(|(name, value)| is_scalar(value) && live.get(name).is_some_and(is_scalar))
    })
}

/// Returns how many fields two items have in common, if those are at least half of the declared
/// fields other than the key.
fn shared_fields(declared: &Value, live: &Value) -> Option<usize> {
    let fields = declared.as_object()?;
    let same = fields
        .iter()
        .filter(|(name, value)| live.get(name) == Some(value));
    let same = same.count();
    let is_alike = same > 0 && same * 2 >= fields.len().saturating_sub(1);
    (is_alike || fields.len() == 1).then_some(same)
}

/// Returns an item with the fields of another merged into it.
pub(super) fn overlay_item(declared: &Value, live: &Value) -> Value {
    match (declared, live) {
        (Value::Object(declared), Value::Object(live)) => {
            let mut fields = declared.clone();
            for (name, live) in live {
                let field = match declared.get(name) {
                    Some(declared) => overlay_item(declared, live),
                    None => live.clone(),
                };
                fields.insert(name.clone(), field);
            }
            Value::Object(fields)
        }
        (_, live) => live.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::tests::drift;

    fn edits_of(units: &[ChangeUnit<'_>]) -> Vec<(String, Option<Value>, Option<String>)> {
        let edits = units.iter().map(|unit| {
            let change = &unit.drift.change;
            let gone = unit
                .instead_of
                .map(|(gone, _)| gone.change.path.to_string());
            (change.path.to_string(), change.live.clone(), gone)
        });
        edits.collect()
    }

    #[test]
    fn groups_the_fields_of_an_added_item_and_pairs_it_with_the_removed_one() {
        let manifest = json!({"ports": [{"port": 80, "name": "web", "nodePort": 30000}]});
        let item = r#".ports[port=81,protocol="TCP"]"#;
        let drifts = [
            drift(&format!("{item}.name"), None, Some(json!("web"))),
            drift(&format!("{item}.port"), None, Some(json!(81))),
            drift(
                r#".ports[port=80,protocol="TCP"]"#,
                Some(manifest["ports"][0].clone()),
                None,
            ),
        ];
        let pairs = || {
            drifts
                .iter()
                .map(|drift| (drift, drift))
                .collect::<Vec<_>>()
        };
        let live = json!({"port": 81, "protocol": "TCP", "name": "web"});
        let gone = drifts[2].change.path.to_string();
        let paired = units(pairs(), &manifest, true);
        assert_eq!(
            edits_of(&paired),
            [(item.to_owned(), Some(live.clone()), Some(gone.clone()))]
        );
        assert_eq!(paired[0].found.len(), 2);
        let apart = units(pairs(), &manifest, false);
        assert_eq!(
            edits_of(&apart),
            [(item.to_owned(), Some(live), None), (gone, None, None)]
        );
    }

    #[test]
    fn does_not_pair_items_that_have_nothing_in_common() {
        let old = json!({"name": "api", "image": "api:1", "env": []});
        let manifest = json!({"containers": [old]});
        let drifts = [
            drift(r#".containers[name="api"]"#, Some(old), None),
            drift(
                r#".containers[name="debug"]"#,
                None,
                Some(json!({"name": "debug", "image": "busybox"})),
            ),
        ];
        let pairs = drifts.iter().map(|drift| (drift, drift)).collect();
        let units = units(pairs, &manifest, true);
        assert!(units.iter().all(|unit| unit.instead_of.is_none()));
        assert_eq!(units[0].drift.change.kind, ChangeKind::Added);
    }

    #[test]
    fn pairs_the_only_item_of_a_list_even_if_all_of_its_fields_changed() {
        let old = json!({"port": 81, "targetPort": 81});
        let manifest = json!({"ports": [old]});
        let new = |port: u16| {
            let path = format!(r#".ports[port={port},protocol="TCP"]"#);
            let live = json!({"port": port, "protocol": "TCP", "targetPort": 9});
            drift(&path, None, Some(live))
        };
        let gone = drift(r#".ports[port=81,protocol="TCP"]"#, Some(old), None);
        let drifts = [gone, new(82), new(83)];
        let pairs = |count: usize| drifts[..count].iter().map(|drift| (drift, drift)).collect();
        let one = units(pairs(2), &manifest, true);
        assert_eq!(one.len(), 1);
        assert!(one[0].instead_of.is_some());
        // Of two new ports, neither is known to be the former one.
        let two = units(pairs(3), &manifest, true);
        assert!(two.iter().all(|unit| unit.instead_of.is_none()));
    }

    #[test]
    fn keeps_other_fields_of_the_removed_item() {
        let declared = json!({"port": 80, "nodePort": 30000, "x": {"a": 1}});
        let live = json!({"port": 81, "x": {"b": 2}});
        let both = json!({"port": 81, "nodePort": 30000, "x": {"a": 1, "b": 2}});
        assert_eq!(overlay_item(&declared, &live), both);
    }
}
