//! Reads Events of objects, and of the ReplicaSets and pods below them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::rollout::Family;
use super::{HistoryReader, LiveObjects, text, time};
use crate::cluster::Query;
use crate::model::{HistoryEntry, HistorySource, ResourceKey};

/// An Event, or several that say the same.
struct EventGroup {
    root: ResourceKey,
    is_warning: bool,
    component: Option<String>,
    /// `pod cart-7d4f8b-x2: `; empty if the Event is about the object itself.
    about: String,
    reason: String,
    message: String,
    /// The message without generated suffixes of names.
    alike: String,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    count: u64,
}

/// Reads Events: warnings about an object and everything below it, and all Events about the object
/// itself.
pub(super) fn read(reader: &mut HistoryReader<'_>, family: &Family, found: &LiveObjects) {
    for namespace in family.namespaces() {
        let query = Query {
            api_version: "v1",
            kind: "Event",
            namespace: Some(&namespace),
            labels: &[],
            metadata_only: false,
        };
        let mut told = ByContent::new();
        for event in reader.list("Events", &query) {
            let Some(root) = regarding(family, &namespace, &event) else {
                continue;
            };
            let is_warning = text(&event, "/type") == Some("Warning");
            let is_own = text(&event, "/involvedObject/kind") == Some(root.kind.as_str());
            if is_warning || is_own {
                let said = event_groups(reader, &root, found.get(&root), &event, is_warning);
                add(&mut told, said);
            }
        }
        for said in told.into_values() {
            reader.push(event_entry(said));
        }
    }
}

/// Groups of equal Events: those with the same object, subject, reason and message.
type ByContent = BTreeMap<(ResourceKey, String, String, String), EventGroup>;

/// Adds an Event. It joins an Event that says the same about another object with a generated name.
fn add(told: &mut ByContent, said: EventGroup) {
    let key = (
        said.root.clone(),
        said.about.clone(),
        said.reason.clone(),
        said.alike.clone(),
    );
    let Some(other) = told.get_mut(&key) else {
        told.insert(key, said);
        return;
    };
    if other.message != said.message {
        other.message.clone_from(&other.alike);
    }
    other.count += said.count;
    let earlier = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
    other.last = other.last.or(other.first).max(said.last.or(said.first));
    other.first = earlier(other.first, said.first);
}

/// Returns the declared object that an Event is about. Pods that no longer exist are recognized by
/// the names of their ReplicaSets.
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

fn event_groups(
    reader: &HistoryReader<'_>,
    root: &ResourceKey,
    live: Option<&Value>,
    event: &Value,
    is_warning: bool,
) -> EventGroup {
    let message = text(event, "/message").unwrap_or_default();
    let message = reader.message(root, live, message);
    let message = message.trim_start_matches(COMBINED).to_owned();
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
    let last = ["/series/lastObservedTime", "/lastTimestamp"];
    let count = ["/series/count", "/count"];
    let count = count
        .iter()
        .find_map(|place| event.pointer(place)?.as_u64());
    let component = ["/reportingComponent", "/source/component"];
    let component = component.iter().find_map(|place| text(event, place));
    let first = first.iter().find_map(|place| time(event, place));
    // Normal Events are not summarized.
    let alike = match (is_warning, first) {
        (false, Some(first)) => format!("{message} {first}"),
        _ => without_suffixes(&message, name),
    };
    EventGroup {
        root: root.clone(),
        is_warning,
        component: component.map(str::to_owned),
        about,
        reason: text(event, "/reason").unwrap_or("Event").to_owned(),
        alike,
        message,
        first,
        last: last.iter().find_map(|place| time(event, place)),
        count: count.unwrap_or(1).max(1),
    }
}

/// The prefix that client-go puts before a message that stands for several
/// (`tools/record.EventAggregatorByReasonMessageFunc`).
const COMBINED: &str = "(combined from similar events): ";

/// Returns a message without the suffixes of generated names: `web-6444769cf-…`.
fn without_suffixes(message: &str, name: &str) -> String {
    let stem = format!("{name}-");
    let mut parts = message.split(&stem);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_suffix = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.push_str(&stem);
        text.push('…');
        text.push_str(part.trim_start_matches(is_suffix));
    }
    text
}

fn event_entry(said: EventGroup) -> HistoryEntry {
    let EventGroup {
        about,
        reason,
        message,
        ..
    } = said;
    let again = match said.last {
        Some(last) if said.count > 1 => format!(" ({} times until {last})", said.count),
        _ => String::new(),
    };
    HistoryEntry {
        at: said.first,
        object: said.root,
        evidence: HistorySource::Event,
        user: None,
        manager: said.component,
        what: format!("{about}{reason}: {message}{again}"),
        is_warning: said.is_warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_events_that_differ_only_in_generated_names() {
        let said = |pod: &str, at: &str, count| EventGroup {
            root: ResourceKey::new("apps", "Deployment".to_owned(), None, "web"),
            is_warning: true,
            component: None,
            about: "replicaset web-6444: ".to_owned(),
            reason: "FailedCreate".to_owned(),
            message: format!("pods \"web-6444-{pod}\" is forbidden"),
            alike: without_suffixes(&format!("pods \"web-6444-{pod}\" is forbidden"), "web-6444"),
            first: at.parse().ok(),
            last: None,
            count,
        };
        let mut told = ByContent::new();
        add(&mut told, said("2fkb2", "2026-11-02T10:00:02Z", 1));
        add(&mut told, said("8j8wd", "2026-11-02T10:00:01Z", 3));
        assert_eq!(told.len(), 1);
        let moment = event_entry(told.into_values().next().unwrap());
        assert_eq!(
            moment.what,
            "replicaset web-6444: FailedCreate: pods \"web-6444-…\" is forbidden (4 times until \
             2026-11-02T10:00:02Z)"
        );
        assert_eq!(moment.at, "2026-11-02T10:00:01Z".parse().ok());
    }
}
