//! Reads Events of objects, and of the ReplicaSets and pods below them.

use serde_json::Value;

use super::rollout::Family;
use super::{Found, Reader, namespaces, text, time};
use crate::cluster::Query;
use crate::model::{Evidence, Moment, ResourceKey};

/// Reads Events: warnings of everything that belongs to an object, and all Events of the object
/// itself.
pub(super) fn read(reader: &mut Reader<'_>, family: &Family, found: &Found) {
    for namespace in namespaces(found) {
        let query = Query {
            api_version: "v1",
            kind: "Event",
            namespace: Some(&namespace),
            labels: &[],
            metadata_only: false,
        };
        for event in reader.list("Events", &query) {
            let Some(root) = regarding(family, &namespace, &event) else {
                continue;
            };
            let is_warning = text(&event, "/type") == Some("Warning");
            let is_own = text(&event, "/involvedObject/kind") == Some(root.kind.as_str());
            if !is_warning && !is_own {
                continue;
            }
            let moment = moment(reader, &root, found.get(&root), &event, is_warning);
            reader.push(moment);
        }
    }
}

/// Returns the declared object that an Event is about. Deleted pods are recognized by the names of
/// their ReplicaSets.
fn regarding(family: &Family, namespace: &str, event: &Value) -> Option<ResourceKey> {
    let by_uid = text(event, "/involvedObject/uid").and_then(|uid| family.of_uid.get(uid));
    if let Some(root) = by_uid {
        return Some(root.clone());
    }
    let kind = text(event, "/involvedObject/kind")?;
    let name = text(event, "/involvedObject/name")?;
    let of = |kind: &str, name: &str| {
        let name = (namespace.to_owned(), kind.to_owned(), name.to_owned());
        family.of_name.get(&name).cloned()
    };
    let of_set = || {
        let (set, _) = name.rsplit_once('-')?;
        of("ReplicaSet", set)
    };
    of(kind, name).or_else(|| of_set().filter(|_| kind == "Pod"))
}

fn moment(
    reader: &Reader<'_>,
    root: &ResourceKey,
    live: Option<&Value>,
    event: &Value,
    is_warning: bool,
) -> Moment {
    let reason = text(event, "/reason").unwrap_or("Event");
    let message = text(event, "/message").unwrap_or_default();
    let message = reader.message(root, live, message);
    let kind = text(event, "/involvedObject/kind").unwrap_or_default();
    let name = text(event, "/involvedObject/name").unwrap_or_default();
    let about = if kind == root.kind && name == root.name {
        String::new()
    } else {
        format!("{} {name}: ", kind.to_lowercase())
    };
    let first = [
        "/firstTimestamp",
        "/eventTime",
        "/metadata/creationTimestamp",
    ];
    let first = first.iter().find_map(|place| time(event, place));
    let last = ["/series/lastObservedTime", "/lastTimestamp"];
    let last = last.iter().find_map(|place| time(event, place));
    let count = ["/series/count", "/count"];
    let count = count
        .iter()
        .find_map(|place| event.pointer(place)?.as_u64());
    let again = match (count, last) {
        (Some(count), Some(last)) if count > 1 => format!(" ({count} times until {last})"),
        _ => String::new(),
    };
    let component = ["/reportingComponent", "/source/component"];
    let component = component.iter().find_map(|place| text(event, place));
    Moment {
        at: first,
        object: root.clone(),
        evidence: Evidence::Event,
        user: None,
        manager: component.map(str::to_owned),
        what: format!("{about}{reason}: {message}{again}"),
        is_warning,
    }
}
