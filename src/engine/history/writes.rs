//! Reads who wrote an object, from its managed fields and from audit logs.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use super::{Asked, Found, Reader, text};
use crate::cluster::Wanted;
use crate::cluster::audit::{self, Audited, Write};
use crate::model::{Evidence, FieldSet, Moment, ObjectReport, Owner, Report, ResourceKey};
use crate::ownership::ownership_of;

/// How many paths a line names.
const PATHS: usize = 3;

/// Reads creation, deletion and last writes from the objects.
pub(super) fn from_objects(reader: &mut Reader<'_>, found: &Found) {
    for (key, object) in found {
        let created = text(object, "/metadata/creationTimestamp");
        reader.add(created, key, Evidence::ManagedFields, "created".to_owned());
        if let Some(deleted) = text(object, "/metadata/deletionTimestamp") {
            let what = "deletion requested; waiting for finalizers".to_owned();
            reader.add(Some(deleted), key, Evidence::ManagedFields, what);
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
            reader.push(Moment {
                at: entry.owner.time.and_then(|time| time.parse().ok()),
                object: key.clone(),
                evidence: Evidence::ManagedFields,
                user: entry.owner.user,
                manager: Some(entry.owner.manager),
                what: format!("{verb} {}{through}", named(&paths)),
                is_warning: false,
            });
        }
    }
}

/// Reads the requests in audit logs.
///
/// # Errors
/// Fails if a log cannot be read.
pub(super) fn from_audit_logs(
    reader: &mut Reader<'_>,
    asked: &Asked<'_>,
    wanted: &[Wanted],
) -> Result<()> {
    if asked.audit_logs.is_empty() {
        reader.unread("audit log", "none was given; --audit-log FILE reads one");
        return Ok(());
    }
    let objects = wanted.iter();
    let objects: std::collections::BTreeMap<Audited, &ResourceKey> = objects
        .map(|wanted| {
            let name = Audited::of(&wanted.key, Some(&wanted.kind.plural));
            (name, &wanted.key)
        })
        .collect();
    let writes = audit::read(asked.audit_logs, &|name| objects.contains_key(name))?;
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
        for write in by_people.filter(|write| !drifted.is_some_and(|it| is_told(it, write))) {
            reader.push(Moment {
                at: Some(write.at),
                object: (*key).clone(),
                evidence: Evidence::AuditLog,
                user: Some(write.user.clone()),
                manager: Some(write.manager.clone()),
                what: request(write),
                is_warning: write.verb.starts_with("delete"),
            });
        }
    }
    Ok(())
}

/// Returns whether changes of the comparison show everything that a request did: at its time, by
/// its manager, and at every path that it sent.
fn is_told(object: &ObjectReport, write: &Write) -> bool {
    let Some(body) = write.body.as_ref().filter(|_| write.verb == "patch") else {
        return false;
    };
    let mut paths = Vec::new();
    sent(body, "", &mut paths);
    let is_by = |owner: &Owner| {
        let at: Option<Timestamp> = owner.time.as_ref().and_then(|time| time.parse().ok());
        owner.manager == write.manager
            && owner.user.as_ref().is_none_or(|user| *user == write.user)
            && at.is_some_and(|at| at.as_second() == write.at.as_second())
    };
    let told: Vec<String> = object
        .reported()
        .filter(|drift| drift.owners.iter().any(is_by))
        .map(|drift| drift.change.path.to_string())
        // In the form in which requests write map keys.
        .map(|path| path.replace("[\"", ".").replace("\"]", ""))
        .collect();
    let is_within = |path: &str, whole: &str| {
        let rest = path.strip_prefix(whole);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let is_known = |path: &String| {
        let mut told = told.iter();
        told.any(|drift| is_within(drift, path) || is_within(path, drift))
    };
    !paths.is_empty() && paths.iter().all(is_known)
}

/// Returns `patch .spec.replicas through /scale`. Values are not shown: a request may contain
/// secrets.
fn request(write: &Write) -> String {
    let mut what = write.verb.clone();
    let mut paths = Vec::new();
    if write.verb == "patch"
        && let Some(body) = &write.body
    {
        sent(body, "", &mut paths);
        paths.sort();
        paths.dedup();
    }
    if !paths.is_empty() {
        what.push_str(&format!(" {}", named(&paths)));
    }
    if let Some(subresource) = &write.subresource {
        what.push_str(&format!(" through /{subresource}"));
    }
    what
}

/// Returns the paths that a patch sends: those of a merge patch or an apply, or of a JSON Patch.
fn sent(body: &Value, path: &str, paths: &mut Vec<String>) {
    match body {
        Value::Array(operations) if path.is_empty() => {
            let places = operations
                .iter()
                .filter(|one| text(one, "/op") != Some("test"));
            paths.extend(places.filter_map(|one| text(one, "/path").map(dotted)));
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                if path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind") {
                    continue;
                }
                if path == ".metadata" && matches!(name.as_str(), "name" | "namespace" | "uid") {
                    continue;
                }
                sent(value, &format!("{path}.{name}"), paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

/// Returns `/spec/replicas` as `.spec.replicas`.
fn dotted(pointer: &str) -> String {
    pointer
        .split('/')
        .skip(1)
        .map(|part| format!(".{}", part.replace("~1", "/").replace("~0", "~")))
        .collect()
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

/// Removes duplicates: the last write of a manager that is also in the audit log or in a change of
/// the comparison, with more details.
pub(super) fn drop_repeated(moments: &mut Vec<Moment>, report: &Report) {
    let mut better: Vec<(ResourceKey, Option<String>, Option<i64>)> = moments
        .iter()
        .filter(|moment| moment.evidence == Evidence::AuditLog)
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
    moments.retain(|moment| {
        let is_last_write = moment.evidence == Evidence::ManagedFields && moment.manager.is_some();
        !is_last_write
            || !better.iter().any(|(object, manager, second)| {
                *object == moment.object
                    && *manager == moment.manager
                    && (moment.at.is_none() || *second == moment.at.map(Timestamp::as_second))
            })
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_names_its_paths_and_no_values() {
        let mut paths = Vec::new();
        let body = json!({"kind": "Deployment", "metadata": {"name": "a", "labels": {"b": "c"}},
                          "spec": {"replicas": 3}});
        sent(&body, "", &mut paths);
        assert_eq!(paths, [".metadata.labels.b", ".spec.replicas"]);
        let mut paths = Vec::new();
        let body = json!([{"op": "test", "path": "/spec/a", "value": 1},
                          {"op": "remove", "path": "/metadata/labels/x~1y"}]);
        sent(&body, "", &mut paths);
        assert_eq!(paths, [".metadata.labels.x/y"]);
    }

    #[test]
    fn many_paths_are_counted() {
        let paths: Vec<String> = (0..5).map(|at| format!(".a{at}")).collect();
        assert_eq!(named(&paths), ".a0, .a1, .a2 and 2 more fields");
        assert_eq!(named(&paths[..1]), ".a0");
    }
}
