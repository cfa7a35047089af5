//! Reads the history of objects: writes, rollouts, Events, restarts and deploys.

mod deployer;
mod events;
mod rollout;
mod sent;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::{FetchRequest, KindLookup, Live, ObjectRequest, Query, ReadResult, audit};
use crate::model::{
    History, HistoryEntry, HistorySource, ObjectStatus, Report, ResourceKey, text_at,
};
use crate::redact::Redactor;

/// The parameters of a history.
pub struct HistoryRequest<'a> {
    /// The comparison.
    pub report: &'a Report,
    /// The objects whose history to read.
    pub objects: BTreeSet<ResourceKey>,
    /// Audit logs to read.
    pub audit_logs: audit::Logs,
    /// Masks secrets in messages.
    pub redactor: &'a Redactor,
    /// Whether to read the revisions of Helm releases, from the metadata of Secrets.
    pub helm: bool,
}

/// Reads the history of some objects from the cluster and from audit logs.
///
/// A source that cannot be read is named in the result, and does not stop the others.
///
/// # Errors
/// Fails if an audit log cannot be read, or nothing can be read from the cluster.
pub fn history(asked: &HistoryRequest<'_>, live: &dyn Live) -> Result<History> {
    let mut reader = HistoryReader::of(asked, live);
    let wanted = wanted(asked, live)?;
    let found = reader.objects(&wanted)?;
    writes::from_objects(&mut reader, &found);
    writes::from_audit_logs(&mut reader, asked, &wanted)?;
    let family = rollout::read(&mut reader, &found, &wanted);
    events::read(&mut reader, &family, &found);
    deployer::read(&mut reader, &found);
    if asked.helm {
        deployer::releases(&mut reader, &found);
    }
    writes::drop_repeated(&mut reader.history.moments, asked.report);
    Ok(in_order(reader.history))
}

/// Reads the warnings about some objects from Events and pods.
///
/// # Errors
/// Fails if nothing can be read from the cluster.
pub fn warnings(asked: &HistoryRequest<'_>, live: &dyn Live) -> Result<History> {
    let mut reader = HistoryReader::of(asked, live);
    let wanted = wanted(asked, live)?;
    let found = reader.objects(&wanted)?;
    let family = rollout::read(&mut reader, &found, &wanted);
    events::read(&mut reader, &family, &found);
    let mut history = in_order(reader.history);
    history.moments.retain(|moment| moment.is_warning);
    Ok(history)
}

/// Sorts a history by time, and removes duplicates.
fn in_order(mut history: History) -> History {
    history.moments.sort_by(|a, b| {
        let order = |moment: &HistoryEntry| (moment.at, moment.object.clone(), moment.evidence);
        order(a).cmp(&order(b)).then_with(|| a.what.cmp(&b.what))
    });
    history.moments.dedup();
    history.read.sort();
    history.read.dedup();
    history.unread.sort();
    history.unread.dedup();
    history
}

/// Returns the requests that read the objects.
fn wanted(asked: &HistoryRequest<'_>, live: &dyn Live) -> Result<Vec<ObjectRequest>> {
    let objects = asked.report.objects.iter();
    let objects: Vec<_> = objects
        .filter(|object| asked.objects.contains(&object.key))
        .collect();
    let kinds = objects
        .iter()
        .map(|object| (object.api_version.clone(), object.key.kind.clone()))
        .collect();
    let served = live.resolve(&kinds, &[])?;
    let of = |object: &&crate::model::ObjectReport| {
        let kind = (object.api_version.clone(), object.key.kind.clone());
        match served.get(&kind) {
            Some(KindLookup::Served(kind)) => Some(ObjectRequest {
                key: object.key.clone(),
                kind: kind.clone().into(),
            }),
            _ => None,
        }
    };
    Ok(objects.iter().filter_map(of).collect())
}

/// The live objects, by key.
type LiveObjects = BTreeMap<ResourceKey, Value>;

/// Reads sources, and collects their entries.
struct HistoryReader<'r> {
    live: &'r dyn Live,
    is_recording: bool,
    redactor: &'r Redactor,
    history: History,
}

impl<'r> HistoryReader<'r> {
    fn of(asked: &HistoryRequest<'r>, live: &'r dyn Live) -> Self {
        Self {
            live,
            is_recording: live.target().dump.is_some(),
            redactor: asked.redactor,
            history: History::default(),
        }
    }

    /// Reads the objects themselves; returns those that exist.
    fn objects(&mut self, wanted: &[ObjectRequest]) -> Result<LiveObjects> {
        let fetched = self.live.fetch(&FetchRequest {
            wanted: wanted.to_vec(),
            ..FetchRequest::default()
        })?;
        let mut found = LiveObjects::new();
        for (key, answer) in fetched.answers {
            match answer {
                ReadResult::Found(object) => match object.value() {
                    Ok(value) => {
                        found.insert(key, value);
                    }
                    Err(why) => self.unread(&key.to_string(), &why.to_string()),
                },
                ReadResult::Unread(why) => self.unread(&key.to_string(), &why),
                ReadResult::Absent => {}
            }
        }
        Ok(found)
    }

    /// Lists the objects of a kind; records why if they cannot be read. An empty list from a
    /// recording proves nothing, because the kind may not have been recorded.
    fn list(&mut self, called: &str, query: &Query<'_>) -> Vec<Value> {
        let place = match query.namespace {
            Some(namespace) => format!("{called} in {namespace}"),
            None => called.to_owned(),
        };
        match self.live.list(query) {
            Ok(objects) if objects.is_empty() && self.is_recording => {
                self.unread(&place, "the recording has none");
                objects
            }
            Ok(objects) => {
                self.history.read.push(place);
                objects
            }
            Err(why) => {
                self.unread(&place, &format!("{why:#}"));
                Vec::new()
            }
        }
    }

    /// Returns whether a kind is served; a kind that is not installed has no history.
    fn serves(&self, api_version: &str, kind: &str) -> bool {
        let name = (api_version.to_owned(), kind.to_owned());
        let kinds = BTreeSet::from([name.clone()]);
        let served = self.live.resolve(&kinds, &[]);
        let lookup = served.ok().and_then(|mut served| served.remove(&name));
        matches!(lookup, Some(KindLookup::Served(_)))
    }

    fn unread(&mut self, source: &str, why: &str) {
        self.history
            .unread
            .push((source.to_owned(), why.to_owned()));
    }

    fn add(
        &mut self,
        at: Option<&str>,
        object: &ResourceKey,
        evidence: HistorySource,
        what: String,
    ) {
        self.push(HistoryEntry {
            at: at.and_then(|at| at.parse().ok()),
            object: object.clone(),
            evidence,
            user: None,
            manager: None,
            what,
            is_warning: false,
        });
    }

    fn push(&mut self, moment: HistoryEntry) {
        self.history.moments.push(moment);
    }

    /// Returns names of fields, in which values of Secrets are masked: people paste them into keys,
    /// too. The keys of a Secret are no values.
    fn field_names(&self, object: &ResourceKey, names: String) -> String {
        match object.kind.as_str() {
            "Secret" => names,
            _ => self.redactor.message(object, [None, None], &names),
        }
    }

    /// Returns an Event's message about an object on one line, with secrets masked.
    fn message(&self, object: &ResourceKey, live: Option<&Value>, message: &str) -> String {
        let masked = self.redactor.message(object, [None, live], message);
        masked.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Returns the string at a JSON pointer, unless it is empty.
fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    text_at(value, pointer).filter(|text| !text.is_empty())
}

/// Returns the time at a JSON pointer.
fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer)?.parse().ok()
}

/// Returns the namespaces of some objects.
fn namespaces(found: &LiveObjects) -> BTreeSet<String> {
    let keys = found.keys();
    keys.filter_map(|key| key.namespace.clone()).collect()
}

/// Returns the objects of a report that drifted and are live.
pub fn drifted(report: &Report) -> BTreeSet<ResourceKey> {
    let objects = report.objects.iter();
    let drifted = objects.filter(|object| {
        object.is_drift()
            && !matches!(
                object.status(),
                ObjectStatus::Missing | ObjectStatus::Unknown
            )
    });
    drifted.map(|object| object.key.clone()).collect()
}

/// Returns the objects of a report whose history can be read: all but those that could not be read.
pub fn objects_of(report: &Report) -> BTreeSet<ResourceKey> {
    let objects = report.objects.iter();
    let known = objects.filter(|object| object.status() != ObjectStatus::Unknown);
    known.map(|object| object.key.clone()).collect()
}
