//! Names who made a change according to the audit log, by joining logged writes with drift.

mod history;
mod request;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;

use super::resolve::DeclaredManifest;
use crate::cluster::audit::{self, AuditedObject, AuditedWrite};
use crate::model::{
    Change, ChangeCause, JudgedChange, ObjectReport, ObjectStatus, Operation, Owner, ResourceKey,
    Warning,
};
use request::RequestEffect;

/// The precision of managedFields: whole seconds, when the write was stored.
const SLACK_SECONDS: i64 = 2;

/// Subresources whose writes change more of an object than their own part.
const REACHING_FAR: &[&str] = &["scale", "ephemeralcontainers", "resize"];

/// Names the users who made the changes of `objects`, and those who deleted missing objects.
///
/// # Errors
/// Fails if a log cannot be read: without this error, a run with missing names would look complete.
pub fn attribute(
    objects: &mut [ObjectReport],
    declared: &[DeclaredManifest<'_>],
    logs: &audit::Logs,
) -> Result<Vec<Warning>> {
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let plurals: BTreeMap<&ResourceKey, &str> = declared
        .iter()
        .map(|declared| (&declared.key, declared.kind.plural.as_str()))
        .collect();
    let differs = |object: &&mut ObjectReport| object.status() != ObjectStatus::InSync;
    let differing: BTreeMap<AuditedObject, &mut ObjectReport> = objects
        .iter_mut()
        .filter(differs)
        .map(|object| {
            let plural = plurals.get(&object.key).copied();
            (AuditedObject::of(&object.key, plural), object)
        })
        .collect();
    let whole = |name: &AuditedObject| AuditedObject {
        name: String::new(),
        ..name.clone()
    };
    let collections: Vec<AuditedObject> = differing.keys().map(whole).collect();
    let wanted = |name: &AuditedObject| differing.contains_key(name) || collections.contains(name);
    let writes = audit::read(logs, &wanted)?;
    for (name, object) in differing {
        let of = |name: &AuditedObject| writes.of.get(name).map(Vec::as_slice).unwrap_or_default();
        let deleted = deletion(of(&name), of(&whole(&name)));
        match object.status() {
            ObjectStatus::Missing => say_who_deleted(object, deleted),
            _ => name_users(object, of(&name), deleted),
        }
    }
    Ok(writes.warnings)
}

/// Returns the request that deleted an object, or that deleted all objects of its kind
/// (`deletecollection`).
fn deletion<'w>(
    writes: &'w [AuditedWrite],
    of_all: &'w [AuditedWrite],
) -> Option<&'w AuditedWrite> {
    let is_delete =
        |write: &&AuditedWrite| write.verb.starts_with("delete") && write.subresource.is_none();
    let life = writes.get(last_life(writes)..).unwrap_or_default();
    let mut own = life.iter().filter(is_delete);
    let first = own.next();
    // Deleting an object again while it waits for its finalizers changes nothing.
    let pending = first.is_some_and(|first| {
        let mark =
            |object: &serde_json::Value| object.pointer("/metadata/deletionTimestamp").is_some();
        first.after.as_ref().is_some_and(mark)
    });
    let own = if pending {
        first
    } else {
        own.next_back().or(first)
    };
    own.or_else(|| of_all.iter().rfind(is_delete))
}

/// Returns the index of the last creation in the log. Earlier writes were to an object that no
/// longer exists.
fn last_life(writes: &[AuditedWrite]) -> usize {
    let is_create = |write: &AuditedWrite| write.verb == "create" && write.subresource.is_none();
    writes.iter().rposition(is_create).unwrap_or(0)
}

fn say_who_deleted(object: &mut ObjectReport, deleted: Option<&AuditedWrite>) {
    if let Some(last) = deleted {
        object.owners = vec![owner_of(last)];
        object.reason = Some(format!("deleted by {} at {}", last.user, seconds(last.at)));
    }
}

fn name_users(object: &mut ObjectReport, writes: &[AuditedWrite], deleted: Option<&AuditedWrite>) {
    object.owners = named(&object.owners, writes, None);
    let reaches = |write: &&AuditedWrite| {
        let through = write.subresource.as_deref();
        through.is_none_or(|through| REACHING_FAR.contains(&through))
    };
    let changing: Vec<&AuditedWrite> = writes.iter().filter(reaches).collect();
    let version = object.api_version.clone();
    for drift in &mut object.drifts {
        if drift.cause == Some(ChangeCause::BeingDeleted) {
            drift.owners.extend(deleted.map(owner_of));
            continue;
        }
        let authors = history::authors(&changing, &drift.change, &version);
        if authors.is_empty() {
            drift.owners = named(&drift.owners, writes, Some(&drift.change));
        } else {
            name_authors(drift, &authors);
        }
    }
}

/// Names the users whose requests made a change. `managedFields` may show another owner: a manager
/// that replaced the object owns all fields that existed before.
fn name_authors(drift: &mut JudgedChange, authors: &[&AuditedWrite]) {
    let mut found: Vec<Owner> = Vec::new();
    for write in authors {
        let holder = drift
            .owners
            .iter()
            .find(|owner| owner.manager == write.manager && owner.subresource == write.subresource);
        let mut owner = holder.cloned().unwrap_or_else(|| owner_of(write));
        owner.user = Some(write.user.clone());
        // managedFields has the time of the manager's last write; the log has that of this one.
        owner.time = Some(seconds(write.at));
        let is_same = |known: &&mut Owner| {
            known.user == owner.user
                && known.manager == owner.manager
                && known.subresource == owner.subresource
        };
        match found.iter_mut().find(is_same) {
            Some(known) => known.time = known.time.take().max(owner.time),
            None => found.push(owner),
        }
    }
    let is_named = |owner: &Owner| {
        found.iter().any(|named| {
            named.manager == owner.manager
                && named.operation == owner.operation
                && named.subresource == owner.subresource
        })
    };
    let others = drift.owners.iter().filter(|owner| !is_named(owner));
    found.extend(others.cloned().collect::<Vec<_>>());
    drift.owners = found;
}

fn owner_of(write: &AuditedWrite) -> Owner {
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

/// Names the users behind the managers that own a field, if the log has only names and times.
/// Several users may share a manager's name, as with kubectl: then all who wrote under it are
/// named.
fn named(owners: &[Owner], writes: &[AuditedWrite], change: Option<&Change>) -> Vec<Owner> {
    let mut found = Vec::new();
    for owner in owners {
        let candidates = candidates(owner, writes, change);
        let users: BTreeSet<&str> = candidates.iter().map(|write| write.user.as_str()).collect();
        let mut owner = owner.clone();
        if let Some(last) = candidates.last() {
            owner.time.get_or_insert_with(|| seconds(last.at));
        }
        if users.is_empty() {
            found.push(owner);
            continue;
        }
        found.extend(users.into_iter().map(|user| Owner {
            user: Some(user.to_owned()),
            ..owner.clone()
        }));
    }
    found
}

/// Returns the requests that may have given a manager its fields. Returns none if the manager's
/// last request is not in the log, or if the object was recreated from one that others had written
/// to.
fn candidates<'w>(
    owner: &Owner,
    writes: &'w [AuditedWrite],
    change: Option<&Change>,
) -> Vec<&'w AuditedWrite> {
    let life = last_life(writes);
    let is_anew = writes.get(..life).is_some_and(|before| !before.is_empty());
    let time: Option<Timestamp> = match owner.time.as_deref().map(str::parse) {
        None => None,
        Some(Ok(time)) => Some(time),
        Some(Err(_)) => return Vec::new(),
    };
    let by_owner = |write: &&AuditedWrite| {
        write.manager == owner.manager && write.subresource == owner.subresource
    };
    let since = |write: &AuditedWrite| time.map(|time| write.at.as_second() - time.as_second());
    // managedFields entries of `scale` have no time (`managedfields.ScaleHandler`).
    if time.is_none() && owner.subresource.is_none() {
        return Vec::new();
    }
    let written: Vec<&AuditedWrite> = writes
        .get(life..)
        .unwrap_or_default()
        .iter()
        .filter(by_owner)
        .filter(|write| since(write).is_none_or(|seconds| seconds <= SLACK_SECONDS))
        .collect();
    let has_last = written
        .iter()
        .any(|write| since(write).is_none_or(|seconds| seconds >= -SLACK_SECONDS));
    if !has_last || (is_anew && written.iter().any(|write| write.verb == "create")) {
        return Vec::new();
    }
    let may_be = |write: &&AuditedWrite| {
        write.changes()
            && change
                .is_none_or(|change| request::request_effect(write, change) != RequestEffect::No)
    };
    let sent: Vec<&AuditedWrite> = written.iter().copied().filter(may_be).collect();
    // No request sent the field, so it was defaulted beside a field that one of them wrote.
    match sent.is_empty() {
        true => written.into_iter().filter(|w| w.changes()).collect(),
        false => sent,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::ChangeKind;

    pub fn write(verb: &str, body: Value) -> AuditedWrite {
        AuditedWrite {
            at: "2026-11-21T03:12:07.9Z".parse().unwrap(),
            verb: verb.into(),
            user: "alice@example.com".into(),
            manager: "kubectl-edit".into(),
            subresource: None,
            body: Some(body),
            after: None,
            is_idle: false,
        }
    }

    pub fn change(
        path: &str,
        kind: ChangeKind,
        declared: Option<Value>,
        live: Option<Value>,
    ) -> Change {
        Change {
            path: path.parse().unwrap(),
            kind,
            declared,
            live,
            at: Vec::new(),
        }
    }

    fn owner(time: Option<&str>) -> Owner {
        Owner {
            manager: "kubectl-edit".into(),
            operation: Operation::Update,
            subresource: None,
            time: time.map(str::to_owned),
            user: None,
        }
    }

    /// Returns a write without a body, as a log at level `Metadata` has it.
    fn bare(user: &str) -> AuditedWrite {
        AuditedWrite {
            user: user.to_owned(),
            body: None,
            ..write("patch", Value::Null)
        }
    }

    fn users(owner: &Owner, writes: &[AuditedWrite]) -> Vec<Option<String>> {
        let named = named(std::slice::from_ref(owner), writes, None);
        named.into_iter().map(|owner| owner.user).collect()
    }

    #[test]
    fn without_bodies_the_time_and_the_manager_identify_the_user() {
        let mut owner = owner(Some("2026-11-21T03:12:08Z"));
        let writes = [bare("alice")];
        assert_eq!(users(&owner, &writes), [Some("alice".to_owned())]);
        owner.time = Some("2026-11-21T03:15:08Z".into());
        assert_eq!(users(&owner, &writes), [None]);
        owner.time = None;
        assert_eq!(users(&owner, &writes), [None]);
        owner.subresource = Some("scale".into());
        let mut scaled = bare("bob");
        scaled.subresource = Some("scale".into());
        assert_eq!(users(&owner, &[scaled]), [Some("bob".to_owned())]);
    }

    #[test]
    fn without_bodies_all_users_of_a_shared_manager_are_named() {
        let owner = owner(Some("2026-11-21T03:12:08Z"));
        let both = [Some("alice".to_owned()), Some("bob".to_owned())];
        assert_eq!(users(&owner, &[bare("alice"), bare("bob")]), both);
    }

    #[test]
    fn without_bodies_no_user_is_named_for_a_recreated_object() {
        let owner = owner(Some("2026-11-21T03:12:08Z"));
        let mut again = bare("bob");
        again.verb = "create".into();
        assert_eq!(users(&owner, &[again.clone()]), [Some("bob".to_owned())]);
        assert_eq!(users(&owner, &[bare("alice"), again]), [None]);
    }

    #[test]
    fn names_the_first_deletion_of_an_object_that_waited_for_finalizers() {
        let by = |user: &str, after: Value| AuditedWrite {
            verb: "delete".into(),
            user: user.to_owned(),
            after: Some(after),
            ..bare("")
        };
        let waits = json!({"metadata": {"deletionTimestamp": "2026-11-21T03:12:07Z"}});
        let writes = [by("alice", waits), by("bob", json!({}))];
        assert_eq!(deletion(&writes, &[]).unwrap().user, "alice");
        let writes = [by("alice", json!({})), by("bob", json!({}))];
        assert_eq!(deletion(&writes, &[]).unwrap().user, "bob");
    }
}
