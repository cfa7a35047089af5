//! Reads who wrote an object, from its managed fields and from audit logs.

use anyhow::Result;
use jiff::Timestamp;

use super::{HistoryReader, HistoryRequest, LiveObjects, sent, text};
use crate::cluster::ObjectRequest;
use crate::cluster::audit::{self, AuditedObject, AuditedRefusal, AuditedWrite};
use crate::model::{
    FieldPath, FieldSet, HistoryEntry, HistorySource, ObjectReport, ObjectStatus, Owner, Report,
    ResourceKey,
};
use crate::ownership::ownership_of;

/// The limit on paths in one line.
const PATHS: usize = 3;

/// The description of an object's creation.
const CREATED: &str = "created";

/// Adds creations, requested deletions and last writes, from the objects.
pub(super) fn from_objects(reader: &mut HistoryReader<'_>, found: &LiveObjects) {
    for (key, object) in found {
        let created = text(object, "/metadata/creationTimestamp");
        reader.add(
            created,
            key,
            HistorySource::ManagedFields,
            CREATED.to_owned(),
        );
        if let Some(deleted) = text(object, "/metadata/deletionTimestamp") {
            let what = "deletion requested; waiting for finalizers".to_owned();
            reader.add(Some(deleted), key, HistorySource::ManagedFields, what);
        }
        let ownership = ownership_of(object);
        if ownership.entries.is_empty() {
            reader.unread(&format!("managed fields of {key}"), "the object has none");
        }
        for entry in ownership.entries {
            if entry.owner.subresource.as_deref() == Some("status") {
                continue;
            }
            let mut paths = Vec::new();
            leaves(&entry.fields, "", &mut paths);
            paths.sort();
            let verb = match entry.owner.operation {
                crate::model::Operation::Apply => "applied",
                crate::model::Operation::Update => "last wrote",
            };
            let through = entry.owner.subresource.as_ref();
            let through = through.map_or(String::new(), |name| format!(" through /{name}"));
            reader.push(HistoryEntry {
                at: entry.owner.time.and_then(|time| time.parse().ok()),
                object: key.clone(),
                evidence: HistorySource::ManagedFields,
                user: entry.owner.user,
                manager: Some(entry.owner.manager),
                what: reader.field_names(key, format!("{verb} {}{through}", named(&paths))),
                is_warning: false,
            });
        }
    }
}

/// Adds the requests in audit logs.
///
/// # Errors
/// Fails if a log cannot be read.
pub(super) fn from_audit_logs(
    reader: &mut HistoryReader<'_>,
    asked: &HistoryRequest<'_>,
    wanted: &[ObjectRequest],
) -> Result<()> {
    if asked.audit_logs.is_empty() {
        reader.unread("audit log", "none was given; --audit-log FILE reads one");
        return Ok(());
    }
    let objects = wanted.iter();
    let objects: std::collections::BTreeMap<AuditedObject, &ResourceKey> = objects
        .map(|wanted| {
            let name = AuditedObject::of(&wanted.key, Some(&wanted.kind.plural));
            (name, &wanted.key)
        })
        .collect();
    let writes = audit::read(&asked.audit_logs, &|name| objects.contains_key(name))?;
    for warning in writes.warnings {
        reader.unread(&warning.place, &warning.message);
    }
    reader.history.read.push("audit log".to_owned());
    let reported = asked.report.objects.iter();
    let drifted: std::collections::BTreeMap<&ResourceKey, &ObjectReport> =
        reported.map(|object| (&object.key, object)).collect();
    for (name, writes) in writes.of {
        let Some(key) = objects.get(&name) else {
            continue;
        };
        let writes = writes.iter().filter(|write| !write.is_idle);
        let by_people = writes.filter(|write| write.subresource.as_deref() != Some("status"));
        let drifted = drifted.get(key).copied();
        for write in by_people {
            let paths = paths_of(write, &key.kind);
            let is_told = drifted.is_some_and(|it| is_told(it, write, &paths));
            if is_told || sent::is_bookkeeping(&paths) {
                continue;
            }
            reader.push(HistoryEntry {
                is_warning: write.verb.starts_with("delete"),
                ..write_entry(key, write, reader.field_names(key, request(write, &paths)))
            });
        }
    }
    for (name, refusals) in writes.refused {
        if let Some(key) = objects.get(&name) {
            refused(reader, key, &refusals);
        }
    }
    Ok(())
}

fn write_entry(key: &ResourceKey, write: &AuditedWrite, what: String) -> HistoryEntry {
    HistoryEntry {
        at: Some(write.at),
        object: key.clone(),
        evidence: HistorySource::AuditLog,
        user: Some(write.user.clone()),
        manager: Some(write.manager.clone()),
        what,
        is_warning: false,
    }
}

/// Adds the requests that the server refused; repeated ones are one entry with a count.
fn refused(reader: &mut HistoryReader<'_>, key: &ResourceKey, refusals: &[AuditedRefusal]) {
    let mut found: Vec<(HistoryEntry, usize, Timestamp)> = Vec::new();
    for refusal in refusals {
        let write = &refusal.write;
        let said = reader.field_names(key, request(write, &paths_of(write, &key.kind)));
        let what = format!("refused with {}: {said}", refusal.code);
        let again = found
            .iter_mut()
            .find(|(moment, ..)| moment.what == what && moment.user.as_ref() == Some(&write.user));
        match again {
            Some((_, count, last)) => (*count, *last) = (*count + 1, write.at),
            None => {
                let one = HistoryEntry {
                    is_warning: true,
                    ..write_entry(key, write, what)
                };
                found.push((one, 1, write.at));
            }
        }
    }
    for (mut moment, count, last) in found {
        if count > 1 {
            let last = last.strftime("%FT%TZ");
            moment
                .what
                .push_str(&format!(" ({count} times until {last})"));
        }
        reader.push(moment);
    }
}

/// Returns the fields that a patch sends, if the log has its body.
fn paths_of(write: &AuditedWrite, kind: &str) -> Vec<FieldPath> {
    let body = write.body.as_ref().filter(|_| write.verb == "patch");
    body.map_or_else(Vec::new, |body| sent::paths(body, kind))
}

/// Returns whether reported changes already show a request completely: they have its manager and
/// time, and cover every path that it sent. A deletion is shown if the object is reported missing,
/// an update, which sends the whole object, if any change is its own.
fn is_told(object: &ObjectReport, write: &AuditedWrite, paths: &[FieldPath]) -> bool {
    let is_by = |owner: &Owner| {
        let at: Option<Timestamp> = owner.time.as_ref().and_then(|time| time.parse().ok());
        owner.manager == write.manager
            && owner.user.as_ref().is_none_or(|user| *user == write.user)
            && is_near(Some(write.at.as_second()), at.map(Timestamp::as_second))
    };
    if write.verb == "delete" {
        return object.status() == ObjectStatus::Missing && object.owners.iter().any(is_by);
    }
    let told: Vec<&FieldPath> = object
        .reported()
        .filter(|drift| drift.owners.iter().any(is_by))
        .map(|drift| &drift.change.path)
        .collect();
    let is_known = |path: &FieldPath| {
        let mut told = told.iter();
        told.any(|drift| sent::is_within(drift, path) || sent::is_within(path, drift))
    };
    match write.verb.as_str() {
        "update" => !told.is_empty(),
        _ => !paths.is_empty() && paths.iter().all(is_known),
    }
}

/// Returns `patch .spec.replicas through /scale`. Values are left out, because a request may
/// contain secrets.
fn request(write: &AuditedWrite, paths: &[FieldPath]) -> String {
    let mut what = write.verb.clone();
    if !paths.is_empty() {
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        what.push_str(&format!(" {}", named(&paths)));
    }
    if let Some(subresource) = &write.subresource {
        what.push_str(&format!(" through /{subresource}"));
    }
    what
}

fn leaves(set: &FieldSet, path: &str, paths: &mut Vec<String>) {
    if set.is_leaf() {
        if !path.is_empty() {
            paths.push(path.to_owned());
        }
        return;
    }
    for (name, below) in &set.fields {
        leaves(below, &format!("{path}.{name}"), paths);
    }
    for (element, below) in &set.items {
        let item = crate::model::FieldPath(vec![element.clone()]).to_string();
        let item = item.trim_start_matches('.');
        leaves(below, &format!("{path}{item}"), paths);
    }
}

/// Returns `.spec.replicas, .spec.paused and 3 more fields`.
fn named(paths: &[String]) -> String {
    let first = paths.iter().take(PATHS).map(String::as_str);
    let first: Vec<&str> = first.collect();
    match paths.len().saturating_sub(PATHS) {
        0 => first.join(", "),
        1 => format!("{} and 1 more field", first.join(", ")),
        more => format!("{} and {more} more fields", first.join(", ")),
    }
}

/// Removes a manager's last write if the audit log or a reported change shows the same write with
/// more details.
pub(super) fn drop_repeated(moments: &mut Vec<HistoryEntry>, report: &Report) {
    let mut better: Vec<(ResourceKey, Option<String>, Option<i64>)> = moments
        .iter()
        .filter(|moment| moment.evidence == HistorySource::AuditLog)
        .map(|moment| {
            let second = moment.at.map(Timestamp::as_second);
            (moment.object.clone(), moment.manager.clone(), second)
        })
        .collect();
    for object in &report.objects {
        let reported = object.drifts.iter().filter(|drift| drift.is_reported());
        let owners = reported.flat_map(|drift| &drift.owners);
        for owner in owners.chain(&object.owners) {
            let time: Option<Timestamp> = owner.time.as_ref().and_then(|time| time.parse().ok());
            let second = time.map(Timestamp::as_second);
            better.push((object.key.clone(), Some(owner.manager.clone()), second));
        }
    }
    let created: Vec<(ResourceKey, Option<i64>)> = moments
        .iter()
        .filter(|moment| {
            moment.evidence == HistorySource::AuditLog && moment.what.starts_with("create")
        })
        .map(|moment| (moment.object.clone(), moment.at.map(Timestamp::as_second)))
        .collect();
    moments.retain(|moment| {
        if moment.evidence != HistorySource::ManagedFields {
            return true;
        }
        let second = moment.at.map(Timestamp::as_second);
        if moment.manager.is_none() {
            let mut created = created.iter();
            return moment.what != CREATED
                || !created.any(|(object, at)| *object == moment.object && is_near(*at, second));
        }
        !better.iter().any(|(object, manager, at)| {
            *object == moment.object
                && *manager == moment.manager
                && (second.is_none() || is_near(*at, second))
        })
    });
}

/// Returns whether two times may be those of one request: the log has when it arrived, the object
/// when it was stored.
fn is_near(logged: Option<i64>, written: Option<i64>) -> bool {
    logged
        .zip(written)
        .is_some_and(|(logged, written)| (0..=1).contains(&(written - logged)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_three_paths_and_counts_the_rest() {
        let paths: Vec<String> = (0..5).map(|at| format!(".a{at}")).collect();
        assert_eq!(named(&paths), ".a0, .a1, .a2 and 2 more fields");
        assert_eq!(named(&paths[..1]), ".a0");
    }
}
