//! Finds out which of an object's writes made a change: the one after which the object first had
//! the live value.

use serde_json::Value;

use super::request::{self, RequestEffect};
use crate::cluster::audit::AuditedWrite;
use crate::model::{Change, ChangeKind, FieldPath, PathElement};

/// An addition with more leaves is looked up as one piece.
const LEAVES: usize = 256;

/// The value that an object had at the path of a change after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueAfterWrite {
    /// The live value.
    Live,
    /// Another value.
    Other,
    /// Unknown.
    Unknown,
}

/// Returns the writes that made a change, as far as requests and responses prove it.
///
/// Several users may have added parts of one addition. `version` is the API version of the change:
/// at another version, `spec` may look different.
pub fn authors<'w>(
    writes: &[&'w AuditedWrite],
    change: &Change,
    version: &str,
) -> Vec<&'w AuditedWrite> {
    let mut found: Vec<&AuditedWrite> = Vec::new();
    for leaf in leaves(change) {
        if let Some(write) = author(writes, &leaf, version)
            && !found.iter().any(|known| std::ptr::eq(*known, write))
        {
            found.push(write);
        }
    }
    found
}

/// Returns an addition split into its leaves, which may be by different people; any other change as
/// it is.
fn leaves(change: &Change) -> Vec<Change> {
    let mut found = Vec::new();
    if let (ChangeKind::Added, Some(live)) = (&change.kind, &change.live) {
        split(&change.path, live, &mut found);
    }
    if found.is_empty() || found.len() > LEAVES {
        return vec![change.clone()];
    }
    found
}

fn split(path: &FieldPath, live: &Value, found: &mut Vec<Change>) {
    match live {
        Value::Object(fields) if !fields.is_empty() && found.len() <= LEAVES => {
            for (name, value) in fields {
                let mut path = path.clone();
                path.0.push(PathElement::Field(name.clone()));
                split(&path, value, found);
            }
        }
        _ => found.push(Change::between(path.clone(), None, Some(live.clone()))),
    }
}

/// Returns the write that made a change of one leaf, if that is certain.
fn author<'w>(
    writes: &[&'w AuditedWrite],
    change: &Change,
    version: &str,
) -> Option<&'w AuditedWrite> {
    let after: Vec<ValueAfterWrite> = writes
        .iter()
        .map(|w| value_after_write(w, change, version))
        .collect();
    let last_other = after
        .iter()
        .rposition(|after| *after == ValueAfterWrite::Other);
    let start = last_other.map_or(0, |at| at + 1);
    let first_live = after
        .iter()
        .skip(start)
        .position(|a| *a == ValueAfterWrite::Live);
    let end = first_live.map_or(writes.len(), |at| start + at + 1);
    let between = writes.get(start..end)?;
    let touches =
        |write: &&'w AuditedWrite| request::request_effect(write, change) != RequestEffect::No;
    let candidates: Vec<&'w AuditedWrite> = between.iter().copied().filter(touches).collect();
    let (was_other, is_live) = (last_other.is_some(), first_live.is_some());
    match (between, candidates.as_slice()) {
        // The value differed before this request and equals the live one after it.
        ([only], _) if was_other && is_live && only.changes() => Some(only),
        // The object was created with the live value.
        ([only], _) if is_live && only.verb == "create" => Some(only),
        (_, []) => of_one_user(between.iter().copied()).filter(|_| was_other && is_live),
        (_, candidates) => {
            let last = candidates.last()?;
            let sent_it = request::request_effect(last, change) == RequestEffect::Yes;
            if sent_it {
                return Some(last);
            }
            let in_between = was_other && is_live;
            of_one_user(candidates.iter().copied()).filter(|_| in_between)
        }
    }
}

/// Returns the last of some writes, if all of them are by the same user.
fn of_one_user<'w>(writes: impl IntoIterator<Item = &'w AuditedWrite>) -> Option<&'w AuditedWrite> {
    let mut writes = writes.into_iter().filter(|write| write.changes());
    let first = writes.next()?;
    let mut last = first;
    for write in writes {
        if write.user != first.user {
            return None;
        }
        last = write;
    }
    Some(last)
}

/// Returns what the object had after a write: from the response, or from the request body if that
/// is a whole object.
fn value_after_write(write: &AuditedWrite, change: &Change, version: &str) -> ValueAfterWrite {
    if write.subresource.as_deref() == Some("scale") {
        return match request::request_effect(write, change) {
            RequestEffect::Yes => ValueAfterWrite::Live,
            RequestEffect::No if is_count(&change.path) && write.body.is_some() => {
                ValueAfterWrite::Other
            }
            _ => ValueAfterWrite::Unknown,
        };
    }
    let is = |held| match held {
        Some(true) => ValueAfterWrite::Live,
        Some(false) => ValueAfterWrite::Other,
        None => ValueAfterWrite::Unknown,
    };
    if write.verb.starts_with("delete") {
        return ValueAfterWrite::Unknown;
    }
    let in_metadata =
        matches!(change.path.0.first(), Some(PathElement::Field(first)) if first == "metadata");
    let comparable = |object: &&Value| {
        in_metadata || object.get("apiVersion").and_then(Value::as_str) == Some(version)
    };
    if let Some(object) = write.after.as_ref() {
        return Some(object)
            .filter(comparable)
            .map_or(ValueAfterWrite::Unknown, |object| {
                is(request::has_live_value(object, change))
            });
    }
    let is_whole =
        matches!(write.verb.as_str(), "create" | "update") && write.subresource.is_none();
    let sent = write.body.as_ref().filter(|_| is_whole).filter(comparable);
    match sent.map(|object| {
        (
            request::find(object, &change.path),
            request::has_live_value(object, change),
        )
    }) {
        // What a request leaves out may be defaulted.
        Some((None, _)) if change.kind != ChangeKind::Removed => ValueAfterWrite::Unknown,
        Some((_, held)) => is(held),
        // A value that a patch sets explicitly is set after it.
        None if request::request_effect(write, change) == RequestEffect::Yes => {
            ValueAfterWrite::Live
        }
        None if request::sets_other_value(write, change) => ValueAfterWrite::Other,
        None => ValueAfterWrite::Unknown,
    }
}

fn is_count(path: &FieldPath) -> bool {
    matches!(path.0.as_slice(), [PathElement::Field(spec), PathElement::Field(replicas)]
        if spec == "spec" && replicas == "replicas")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{change, write};
    use super::*;

    fn by(user: &str, verb: &str, body: Value, after: Value) -> AuditedWrite {
        AuditedWrite {
            user: user.to_owned(),
            after: (!after.is_null()).then_some(after),
            ..write(verb, body)
        }
    }

    fn object(labels: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"labels": labels}})
    }

    #[track_caller]
    fn assert_author(writes: &[AuditedWrite], change: &Change, expected: Option<&str>) {
        let found = authors(&writes.iter().collect::<Vec<_>>(), change, "v1");
        let found: Vec<&str> = found.iter().map(|write| write.user.as_str()).collect();
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_empty_value_counts_as_set_until_it_is_removed() {
        let gone = change(
            ".spec.tmp.emptyDir",
            ChangeKind::Removed,
            Some(json!({})),
            None,
        );
        let object = |tmp: Value| json!({"apiVersion": "v1", "kind": "A", "spec": {"tmp": tmp}});
        let (with, without) = (
            object(json!({"emptyDir": {}})),
            object(json!({"hostPath": {}})),
        );
        let removes = json!([{"op": "remove", "path": "/spec/tmp/emptyDir"}]);
        let writes = [
            by("admin", "patch", with.clone(), with),
            by("alice", "patch", removes, without),
        ];
        assert_author(&writes, &gone, Some("alice"));
    }

    #[test]
    fn without_responses_names_the_last_of_several_json_patches() {
        let path = ".spec.selector.app";
        let changed = change(path, ChangeKind::Modified, None, Some(json!("b")));
        let patch = |user: &str, app: &str| {
            let value = json!({ "app": app });
            let body = json!([{"op": "replace", "path": "/spec/selector", "value": value}]);
            by(user, "patch", body, Value::Null)
        };
        let writes = [patch("alice", "a"), patch("bob", "b")];
        assert_author(&writes, &changed, Some("bob"));
        let set = by(
            "carol",
            "patch",
            json!({"spec": {"selector": {"app": "b"}}}),
            Value::Null,
        );
        assert_author(&[patch("alice", "a"), set], &changed, Some("carol"));
    }

    #[test]
    fn without_responses_a_patch_that_restores_a_value_ends_the_change_before_it() {
        let list = r#".spec.containers[name="app"].env[name="B"]"#;
        let gone = change(
            list,
            ChangeKind::Removed,
            Some(json!({"name": "B", "value": "2"})),
            None,
        );
        let patch = |user: &str, item: Value| {
            let body = json!({"spec": {"containers": [{"name": "app", "env": [item]}]}});
            by(user, "patch", body, Value::Null)
        };
        let removes = |user: &str| patch(user, json!({"$patch": "delete", "name": "B"}));
        let restores = patch("carol", json!({"name": "B", "value": "2"}));
        let writes = [removes("alice"), restores, removes("bob")];
        assert_author(&writes, &gone, Some("bob"));
        assert_author(&writes[..1], &gone, Some("alice"));

        let path = ".metadata.labels.tier";
        let changed = change(path, ChangeKind::Modified, None, Some(json!("b")));
        let labels = |user: &str, tier: &str| {
            let body = json!({"metadata": {"labels": {"tier": tier}}});
            by(user, "patch", body, Value::Null)
        };
        let writes = [
            labels("alice", "b"),
            labels("carol", "c"),
            labels("bob", "b"),
        ];
        assert_author(&writes, &changed, Some("bob"));
    }

    #[test]
    fn does_not_attribute_a_change_to_a_later_update_without_effect() {
        let gone = change(
            ".metadata.labels.tier",
            ChangeKind::Removed,
            Some(json!("db")),
            None,
        );
        let whole = object(json!({"team": "a"}));
        let with = object(json!({"team": "a", "tier": "db"}));
        let removes = json!({"metadata": {"labels": {"tier": null}}});
        let writes = [
            by("admin", "create", with.clone(), with.clone()),
            by("alice", "patch", removes.clone(), whole.clone()),
            by("bob", "update", whole.clone(), whole.clone()),
        ];
        assert_author(&writes, &gone, Some("alice"));
        // Without responses, her patch shows it.
        let writes = [
            by("alice", "patch", removes, Value::Null),
            by("bob", "update", whole.clone(), Value::Null),
        ];
        assert_author(&writes, &gone, Some("alice"));
        // The value may have been removed before this update.
        let writes = [by("bob", "update", whole.clone(), whole.clone())];
        assert_author(&writes, &gone, None);
        let writes = [
            by("admin", "create", with.clone(), with),
            by("bob", "update", whole.clone(), whole),
        ];
        assert_author(&writes, &gone, Some("bob"));
    }

    #[test]
    fn an_apply_removes_the_fields_that_it_leaves_out() {
        let gone = change(
            ".metadata.labels.app",
            ChangeKind::Removed,
            Some(json!("x")),
            None,
        );
        let writes = [
            by("admin", "create", Value::Null, object(json!({"app": "x"}))),
            by(
                "bob",
                "patch",
                object(json!({"team": "a"})),
                object(json!({"team": "a"})),
            ),
        ];
        assert_author(&writes, &gone, Some("bob"));
    }

    #[test]
    fn names_both_authors_of_a_map_to_which_each_added_a_key() {
        let live = Some(json!({"a": "1", "b": "2"}));
        let added = change(".metadata.labels", ChangeKind::Added, None, live);
        let sets = |key: &str, value: &str| json!({"metadata": {"labels": {key: value}}});
        let writes = [
            by("admin", "create", Value::Null, object(json!({}))),
            by("alice", "patch", sets("a", "1"), object(json!({"a": "1"}))),
            by(
                "bob",
                "patch",
                sets("b", "2"),
                object(json!({"a": "1", "b": "2"})),
            ),
        ];
        let found = authors(&writes.iter().collect::<Vec<_>>(), &added, "v1");
        let users: Vec<&str> = found.iter().map(|write| write.user.as_str()).collect();
        assert_eq!(users, ["alice", "bob"]);
    }

    #[test]
    fn names_the_author_of_a_value_that_a_recreated_object_kept() {
        let added = change(".spec.paused", ChangeKind::Added, None, Some(json!(true)));
        let spec = |paused: bool| json!({"apiVersion": "v1", "spec": {"paused": paused}});
        let sets = json!({"spec": {"paused": true}});
        let writes = [
            by("admin", "create", spec(false), spec(false)),
            by("alice", "patch", sets, spec(true)),
            by("bob", "delete", Value::Null, Value::Null),
            by("bob", "create", spec(true), spec(true)),
        ];
        assert_author(&writes, &added, Some("alice"));
    }

    #[test]
    fn a_write_at_another_api_version_proves_nothing_about_the_spec() {
        let changed = change(
            ".spec.a",
            ChangeKind::Modified,
            Some(json!(1)),
            Some(json!(2)),
        );
        let other = json!({"apiVersion": "v2", "spec": {"a": 2}});
        let first = json!({"apiVersion": "v1", "spec": {"a": 1}});
        let writes = [
            by("admin", "create", first.clone(), first),
            by("alice", "patch", json!({"spec": {"a": 2}}), other.clone()),
            by(
                "bob",
                "patch",
                json!({"metadata": {"labels": {"b": "c"}}}),
                other,
            ),
        ];
        assert_author(&writes, &changed, Some("alice"));
    }
}
