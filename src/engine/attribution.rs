//! Who made a change, by the audit log: joins the writes that the server logged with what drifted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use super::resolve::Declared;
use crate::cluster::audit::{self, Audited, Write};
use crate::model::{
    Cause, ChangeKind, FieldPath, JudgedChange, ObjectReport, Operation, Owner, PathElement,
    ResourceKey, Status, Warning,
};

/// managedFields keep whole seconds, of the moment at which the write was stored.
const SLACK_SECONDS: i64 = 2;

/// Names the users behind the changes of `objects`, and who deleted what is missing.
///
/// # Errors
/// When a log cannot be read: who asked for names is not to be left without them unnoticed.
pub fn attribute(
    objects: &mut [ObjectReport],
    declared: &[Declared<'_>],
    logs: &[PathBuf],
) -> Result<Vec<Warning>> {
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let plurals: BTreeMap<&ResourceKey, &str> = declared
        .iter()
        .map(|declared| (&declared.key, declared.kind.plural.as_str()))
        .collect();
    let differs = |object: &&mut ObjectReport| object.status() != Status::InSync;
    let differing: BTreeMap<Audited, &mut ObjectReport> = objects
        .iter_mut()
        .filter(differs)
        .map(|object| {
            let plural = plurals.get(&object.key).copied();
            (Audited::of(&object.key, plural), object)
        })
        .collect();
    let whole = |name: &Audited| Audited {
        name: String::new(),
        ..name.clone()
    };
    let collections: Vec<Audited> = differing.keys().map(whole).collect();
    let wanted = |name: &Audited| differing.contains_key(name) || collections.contains(name);
    let writes = audit::read(logs, &wanted)?;
    for (name, object) in differing {
        let of = |name: &Audited| writes.of.get(name).map(Vec::as_slice).unwrap_or_default();
        let deleted = last_delete(of(&name), of(&whole(&name)));
        match object.status() {
            Status::Missing => say_who_deleted(object, deleted),
            _ => name_users(object, of(&name), deleted),
        }
    }
    Ok(writes.warnings)
}

/// The last request that deleted an object, or all objects of its kind.
fn last_delete<'w>(writes: &'w [Write], of_all: &'w [Write]) -> Option<&'w Write> {
    let is_delete =
        |write: &&Write| write.verb.starts_with("delete") && write.subresource.is_none();
    let deletes = writes.iter().chain(of_all).filter(is_delete);
    deletes.max_by_key(|write| write.at)
}

fn say_who_deleted(object: &mut ObjectReport, deleted: Option<&Write>) {
    if let Some(last) = deleted {
        object.owners = vec![owner_of(last)];
        object.reason = Some(format!("deleted by {} at {}", last.user, seconds(last.at)));
    }
}

fn name_users(object: &mut ObjectReport, writes: &[Write], deleted: Option<&Write>) {
    for owner in &mut object.owners {
        name_user(owner, writes);
    }
    for drift in &mut object.drifts {
        for owner in &mut drift.owners {
            name_user(owner, writes);
        }
        if drift.cause == Some(Cause::BeingDeleted) {
            drift.owners.extend(deleted.map(owner_of));
            continue;
        }
        let Some(write) = writes.iter().rev().find(|write| wrote(write, drift)) else {
            continue;
        };
        let holder = drift
            .owners
            .iter_mut()
            .find(|owner| owner.manager == write.manager);
        match holder {
            Some(owner) => {
                owner.user = Some(write.user.clone());
                owner.time.get_or_insert_with(|| seconds(write.at));
            }
            None if drift.change.kind == ChangeKind::Removed => drift.owners.push(owner_of(write)),
            None => {}
        }
    }
}

fn owner_of(write: &Write) -> Owner {
    Owner {
        manager: write.manager.clone(),
        operation: Operation::Update,
        subresource: write.subresource.clone(),
        time: Some(seconds(write.at)),
        user: Some(write.user.clone()),
    }
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%FT%TZ").to_string()
}

/// Names the user behind a manager's last write, and the moment where the entry keeps none.
fn name_user(owner: &mut Owner, writes: &[Write]) {
    let write = last_write(owner, writes);
    owner.user = write.map(|write| write.user.clone());
    if let Some(write) = write {
        owner.time.get_or_insert_with(|| seconds(write.at));
    }
}

/// The request that a manager's last write was: the one that the log has of it at that time.
fn last_write<'w>(owner: &Owner, writes: &'w [Write]) -> Option<&'w Write> {
    let by_owner =
        |write: &&Write| write.manager == owner.manager && write.subresource == owner.subresource;
    let mut by_owner = writes.iter().filter(by_owner);
    let Some(time) = owner.time.as_deref() else {
        // The entries of `scale` keep no time (`managedfields.ScaleHandler`), and are of the last
        // write through it all the same.
        return by_owner.rfind(|write| write.subresource.is_some());
    };
    let time: Timestamp = time.parse().ok()?;
    let distance = |write: &&Write| (write.at.as_second() - time.as_second()).abs();
    by_owner
        .filter(|write| distance(write) <= SLACK_SECONDS)
        .min_by_key(distance)
}

/// Whether a request made the change, as far as its body tells.
fn wrote(write: &Write, drift: &JudgedChange) -> bool {
    let Some(body) = &write.body else {
        return false;
    };
    // Through `status`, nothing else can be written.
    if write.subresource.as_deref() == Some("status") {
        return false;
    }
    let path = &drift.change.path;
    match (body, &drift.change.live) {
        (Value::Array(operations), _) => operations.iter().any(|one| operates_on(one, path)),
        // What was sent holds the live value; the server may have added defaults to it.
        (_, Some(live)) => find(body, path).is_some_and(|sent| is_within(sent, live)),
        (_, None) if write.verb == "update" => find(body, path).is_none(),
        (_, None) => find(body, path).is_some_and(deletes) || replaces_list_without(body, path),
    }
}

/// Whether an operation of a JSON patch (RFC 6902) touches a path. List items are named by
/// position there, which says nothing about their keys: any item may be meant.
fn operates_on(operation: &Value, path: &FieldPath) -> bool {
    let Some(pointer) = operation.get("path").and_then(Value::as_str) else {
        return false;
    };
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    operation.get("op").and_then(Value::as_str) != Some("test")
        && steps
            .iter()
            .zip(&path.0)
            .all(|(step, segment)| match segment {
                PathElement::Field(name) => name == step,
                _ => true,
            })
}

/// The value at a path of a patch or an object, where items of lists are found by their keys.
fn find<'v>(body: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.0
        .iter()
        .try_fold(body, |value, segment| match segment {
            PathElement::Field(name) => value.get(name),
            PathElement::Index(index) => value.get(index),
            PathElement::Value(wanted) => value.as_array()?.iter().find(|item| *item == wanted),
            PathElement::Key(keys) => value.as_array()?.iter().find(|item| {
                let has = |(key, wanted): (&String, &Value)| item.get(key) == Some(wanted);
                keys.iter().any(has)
            }),
        })
}

/// Whether all that was sent is live: merged into what was there, and filled up with defaults.
fn is_within(sent: &Value, live: &Value) -> bool {
    match (sent, live) {
        (Value::Object(sent), Value::Object(live)) => sent
            .iter()
            .filter(|(name, _)| !name.starts_with('$'))
            .all(|(name, sent)| live.get(name).is_some_and(|live| is_within(sent, live))),
        (Value::Array(sent), Value::Array(live)) => sent
            .iter()
            .all(|sent| live.iter().any(|live| is_within(sent, live))),
        (sent, live) => sent == live,
    }
}

/// Whether a patch replaces an atomic list as a whole, and the path within it is no more.
fn replaces_list_without(body: &Value, path: &FieldPath) -> bool {
    let is_position = |segment: &PathElement| matches!(segment, PathElement::Index(_));
    path.0.iter().position(is_position).is_some_and(|depth| {
        let list = FieldPath(path.0.iter().take(depth).cloned().collect());
        find(body, &list).is_some_and(Value::is_array) && find(body, path).is_none()
    })
}

/// Whether a patch deletes what it speaks of: `null` in a merge patch, `$patch: delete` in a
/// strategic one.
fn deletes(sent: &Value) -> bool {
    sent.is_null() || sent.get("$patch").and_then(Value::as_str) == Some("delete")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn write(verb: &str, body: Value) -> Write {
        Write {
            at: "2026-11-21T03:12:07.9Z".parse().unwrap(),
            verb: verb.into(),
            user: "alice@example.com".into(),
            manager: "kubectl-edit".into(),
            subresource: None,
            body: Some(body),
        }
    }

    fn drift(path: &str, kind: ChangeKind, live: Option<Value>) -> JudgedChange {
        JudgedChange::new(
            crate::model::Change {
                path: path.parse().unwrap(),
                kind,
                declared: None,
                live,
                at: Vec::new(),
            },
            crate::model::Verdict::Reported,
        )
    }

    #[test]
    fn a_patch_wrote_what_it_holds() {
        let image = r#".spec.containers[name="app"].image"#;
        let patch = json!({"spec": {"containers": [{"name": "app", "image": "x:2"}]}});
        let patch = write("patch", patch);
        let changed = |live| drift(image, ChangeKind::Modified, Some(live));
        assert!(wrote(&patch, &changed(json!("x:2"))));
        assert!(!wrote(&patch, &changed(json!("x:3"))));
        let sidecar = json!({"name": "debug", "image": "b", "terminationMessagePath": "/dev"});
        let sidecar = drift(
            r#".spec.containers[name="debug"]"#,
            ChangeKind::Added,
            Some(sidecar),
        );
        let adds = json!({"spec": {"containers": [{"name": "debug", "image": "b"}]}});
        assert!(wrote(&write("patch", adds), &sidecar));
        assert!(!wrote(&patch, &sidecar));
    }

    #[test]
    fn removals_are_told_by_each_kind_of_request() {
        let gone = drift(".metadata.labels.tier", ChangeKind::Removed, None);
        let merge = json!({"metadata": {"labels": {"tier": null}}});
        assert!(wrote(&write("patch", merge), &gone));
        let other = json!({"metadata": {"labels": {"team": null}}});
        assert!(!wrote(&write("patch", other), &gone));
        let json_patch = json!([{"op": "remove", "path": "/metadata/labels/tier"}]);
        assert!(wrote(&write("patch", json_patch), &gone));
        let whole = json!({"metadata": {"labels": {"team": "a"}}});
        assert!(wrote(&write("update", whole), &gone));
    }

    #[test]
    fn without_bodies_the_time_and_the_manager_tell() {
        let mut owner = Owner {
            manager: "kubectl-edit".into(),
            operation: Operation::Update,
            subresource: None,
            time: Some("2026-11-21T03:12:08Z".into()),
            user: None,
        };
        let user_of = |owner: &Owner, writes: &[Write]| {
            let mut named = owner.clone();
            name_user(&mut named, writes);
            (named.user, named.time)
        };
        let known = |user: &str, time: &str| (Some(user.to_owned()), Some(time.to_owned()));
        let writes = [write("patch", Value::Null)];
        let alice = known("alice@example.com", "2026-11-21T03:12:08Z");
        assert_eq!(user_of(&owner, &writes), alice);
        owner.time = Some("2026-11-21T03:15:08Z".into());
        assert_eq!(user_of(&owner, &writes).0, None);
        owner.time = None;
        assert_eq!(user_of(&owner, &writes), (None, None));
        owner.subresource = Some("scale".into());
        let mut scaled = write("patch", Value::Null);
        scaled.subresource = Some("scale".into());
        let last = Write {
            user: "bob@example.com".into(),
            ..scaled.clone()
        };
        let bob = known("bob@example.com", "2026-11-21T03:12:07Z");
        assert_eq!(user_of(&owner, &[scaled, last]), bob);
    }
}
