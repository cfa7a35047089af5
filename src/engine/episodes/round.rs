//! The result of one round of a watch.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use super::EpisodeLog;
use crate::model::{
    ChangeCause, Deviation, EpisodeKey, FieldPath, Finder, JudgedChange, ObjectReport,
    ObjectStatus, Owner, PathElement, Presence, Report, ResourceKey, Severity, Verdict,
};
use crate::policy::ACCEPTED;

/// The result of one round.
#[derive(Debug, Clone, Default)]
pub struct RoundResult {
    /// When it began to read: a later write may not be in it.
    pub began: Timestamp,
    /// When it ended: everything that it saw is older.
    pub at: Timestamp,
    /// Whether everything was compared, and undeclared objects of every kind were searched for.
    pub is_complete: bool,
    /// The compared objects.
    pub objects: BTreeMap<ResourceKey, RoundObject>,
    /// The values that are now declared at the paths of open episodes, as far as known.
    pub declared: BTreeMap<EpisodeKey, Option<u16>>,
}

/// The result for one object.
#[derive(Debug, Clone)]
pub struct RoundObject {
    /// Its status.
    pub standing: ObjectState,
    /// Its drift.
    pub sights: BTreeMap<(String, Deviation), DriftSighting>,
    /// The drift that the object would have if no rule or baseline hid it.
    pub hidden: BTreeMap<(String, Deviation), HiddenReason>,
}

/// The state of an object in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectState {
    /// It was compared.
    Compared,
    /// It is declared, and proven not to exist.
    Missing,
    /// It is live, but no manifest declares it.
    Extra,
    /// It could not be read or compared.
    Unknown,
}

/// Drift in a round.
#[derive(Debug, Clone)]
pub struct DriftSighting {
    /// Its severity.
    pub severity: Severity,
    /// The last write of the value's owner; `None` if it says nothing about the drift.
    pub written: Option<Timestamp>,
    /// The owner.
    pub who: Option<String>,
    /// The digest of the declared value.
    pub declared: Option<u16>,
    /// The digest of the live value.
    pub live: Option<u16>,
}

/// The reason why drift is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenReason {
    /// It was accepted.
    Accepted,
    /// A rule ignores it.
    Ignored,
}

impl RoundResult {
    /// Makes a round from a report. `ledger` has the open episodes.
    ///
    /// Objects without a declaration are ignored if the report is incomplete: if a manifest could
    /// not be read, its object looks undeclared.
    pub fn of(
        report: &Report,
        ledger: &EpisodeLog,
        digester: &Digester,
        (began, at): (Timestamp, Timestamp),
    ) -> Self {
        let mut round = Self {
            began,
            at,
            is_complete: !report.is_incomplete(),
            ..Self::default()
        };
        for object in &report.objects {
            if object.presence == Presence::Live && !round.is_complete {
                continue;
            }
            round
                .objects
                .insert(object.key.clone(), seen(object, digester));
        }
        let manifests = report.objects.iter();
        let manifests: BTreeMap<&ResourceKey, &ObjectReport> =
            manifests.map(|object| (&object.key, object)).collect();
        let mut last: Option<(&ResourceKey, UnpackedManifest)> = None;
        for episode in ledger.open() {
            let object = manifests.get(&episode.key.object);
            let now = object.and_then(|object| {
                let path = episode.key.path.parse().ok()?;
                let values = match last.take() {
                    Some((key, values)) if *key == object.key => values,
                    _ => UnpackedManifest::of(object),
                };
                let (_, values) = last.insert((&object.key, values));
                digester.declared(values, &path)
            });
            round.declared.insert(episode.key.clone(), now);
        }
        round
    }

    /// Replaces paths by those that a report shows, which contain no secrets. `paths` are
    /// the paths of the report that the round was made from, object by object.
    pub fn show_as(&mut self, paths: &[Vec<FieldPath>], shown: &Report) {
        for (paths, shown) in paths.iter().zip(&shown.objects) {
            let Some(object) = self.objects.get_mut(&shown.key) else {
                continue;
            };
            for (path, drift) in paths.iter().zip(&shown.drifts) {
                let masked = &drift.change.path;
                if path == masked {
                    continue;
                }
                let place = (path.to_string(), drift.change.kind.into());
                let shown = (masked.to_string(), drift.change.kind.into());
                if let Some(sight) = object.sights.remove(&place) {
                    object.sights.insert(shown, sight);
                } else if let Some(hidden) = object.hidden.remove(&place) {
                    object.hidden.insert(shown, hidden);
                }
            }
        }
    }

    /// Returns the drift of the round.
    pub(super) fn sights(&self) -> impl Iterator<Item = (EpisodeKey, &DriftSighting)> {
        self.objects.iter().flat_map(|(key, object)| {
            object.sights.iter().map(|((path, deviation), sight)| {
                let key = EpisodeKey {
                    object: key.clone(),
                    path: path.clone(),
                    deviation: *deviation,
                };
                (key, sight)
            })
        })
    }
}

fn seen(object: &ObjectReport, digester: &Digester) -> RoundObject {
    let mut seen = RoundObject {
        standing: match object.presence {
            Presence::Both => ObjectState::Compared,
            Presence::Declared => ObjectState::Missing,
            Presence::Live => ObjectState::Extra,
            Presence::Unknown => ObjectState::Unknown,
        },
        sights: BTreeMap::new(),
        hidden: BTreeMap::new(),
    };
    let whole = match object.presence {
        Presence::Declared => Some(Deviation::Missing),
        Presence::Live => Some(Deviation::Extra),
        Presence::Both | Presence::Unknown => None,
    };
    if let Some(deviation) = whole {
        let is_open = matches!(object.status(), ObjectStatus::Missing | ObjectStatus::Extra);
        let place = (String::new(), deviation);
        match object.whole().map(JudgedChange::verdict) {
            Some(Verdict::Ignored { rule, .. }) => {
                seen.hidden.insert(place, hidden(rule));
            }
            None if is_open => {
                seen.sights.insert(place, sight_of_whole(object));
            }
            _ => {}
        }
        return seen;
    }
    let declared = UnpackedManifest::of(object);
    for drift in &object.drifts {
        let place = (drift.change.path.to_string(), drift.change.kind.into());
        match drift.verdict() {
            Verdict::Reported if drift.is_drift() => {
                seen.sights.insert(place, sight(drift, digester, &declared));
            }
            Verdict::Ignored { rule, .. } => {
                seen.hidden.insert(place, hidden(rule));
            }
            _ => {}
        }
    }
    seen
}

fn hidden(rule: &str) -> HiddenReason {
    match rule {
        ACCEPTED => HiddenReason::Accepted,
        _ => HiddenReason::Ignored,
    }
}

/// Returns the drift of a whole object. An extra object drifted when it was first written; when a
/// missing one was deleted is unknown.
fn sight_of_whole(object: &ObjectReport) -> DriftSighting {
    let first = writers(&object.owners).min_by_key(|(_, at)| *at);
    DriftSighting {
        severity: object.whole_severity.unwrap_or(Severity::Medium),
        written: first.map(|(_, at)| at),
        who: first.map(|(owner, _)| called(owner)),
        declared: None,
        live: None,
    }
}

fn sight(drift: &JudgedChange, digester: &Digester, values: &UnpackedManifest) -> DriftSighting {
    let last = Owner::latest(&drift.owners);
    let written = last.as_ref().and_then(|owner| owner.time.as_deref());
    // If Git is ahead of the cluster, the last write came before the drift.
    let is_of_git = matches!(
        drift.cause,
        Some(ChangeCause::Unapplied | ChangeCause::Dropped | ChangeCause::WrittenByApplier)
    );
    let change = &drift.change;
    let declared = digester.declared(values, &change.path);
    DriftSighting {
        severity: drift.severity,
        // What is written through /scale has no time.
        written: written
            .and_then(|time| time.parse().ok())
            .filter(|_| !is_of_git),
        who: last.as_ref().or(drift.owners.first()).map(called),
        declared: declared.or_else(|| digester.optional(change.declared.as_ref())),
        live: digester.optional(change.live.as_ref()),
    }
}

/// Returns the owners whose last write has a known time.
fn writers(owners: &[Owner]) -> impl Iterator<Item = (&Owner, Timestamp)> {
    let owners = owners.iter();
    let owners = owners.filter(|owner| owner.subresource.as_deref() != Some("status"));
    owners.filter_map(|owner| Some((owner, owner.time.as_deref()?.parse().ok()?)))
}

fn called(owner: &Owner) -> String {
    match &owner.user {
        Some(user) => format!("{user} ({})", owner.manager),
        None => owner.manager.clone(),
    }
}

/// The manifest of an object, unpacked once for all of its changes.
struct UnpackedManifest(Option<Value>);

impl UnpackedManifest {
    fn of(object: &ObjectReport) -> Self {
        Self(object.manifest.as_ref().map(|manifest| manifest.value()))
    }
}

/// Makes the digests that are compared between rounds and between runs. At two bytes, with a salt,
/// they distinguish two values but cannot confirm a guess of a secret.
#[derive(Debug, Clone)]
pub struct Digester {
    salt: String,
}

impl Digester {
    /// Returns a digester that uses a salt.
    pub fn of(salt: &str) -> Self {
        Self {
            salt: salt.to_owned(),
        }
    }

    fn value(&self, value: &Value) -> u16 {
        let mut context = Context::new(&SHA256);
        context.update(self.salt.as_bytes());
        context.update(value.to_string().as_bytes());
        let digest = context.finish();
        match digest.as_ref() {
            [one, other, ..] => u16::from_be_bytes([*one, *other]),
            _ => 0,
        }
    }

    fn optional(&self, value: Option<&Value>) -> Option<u16> {
        value.map(|value| self.value(value))
    }

    /// Returns what a manifest declares at a path. A Secret's `stringData` counts as its `data`.
    fn declared(&self, values: &UnpackedManifest, path: &FieldPath) -> Option<u16> {
        let manifest = values.0.as_ref()?;
        if let Some(found) = Finder::lenient(manifest).find(path) {
            return Some(self.value(found));
        }
        let [PathElement::Field(data), PathElement::Field(key)] = path.0.as_slice() else {
            return None;
        };
        let plain = manifest.get("stringData").filter(|_| data == "data")?;
        let encoded = STANDARD.encode(plain.get(key)?.as_str()?);
        Some(self.value(&encoded.into()))
    }
}
