//! Compares whole objects: added, removed, or declared by both base and branch.

use std::collections::BTreeMap;

use serde_json::Value;

use super::classify::Versions;
use super::intent;
use crate::cluster::Overlay;
use crate::compare::normalize;
use crate::engine::schemas::{Schemas, at_version};
use crate::model::{
    Change, ChangeKind, Lifecycle, Manifest, Merge, MergeClass, ObjectReport, ObjectStatus,
    Presence, ResourceKey,
};
use crate::policy::RuleSet;

/// Joins the reports on both declared sides, object by object.
pub struct Merger<'a> {
    /// The live side.
    pub snapshot: &'a Overlay<'a>,
    /// The rules, for severities.
    pub rules: &'a RuleSet,
    /// The schemas that the branch was compared with.
    pub schemas: &'a Schemas,
}

impl Merger<'_> {
    /// Returns one report for each object that either side declares.
    pub fn merge(&self, base: Vec<ObjectReport>, branch: Vec<ObjectReport>) -> Vec<ObjectReport> {
        let mut base: BTreeMap<ResourceKey, ObjectReport> = base
            .into_iter()
            .map(|object| (object.key.clone(), object))
            .collect();
        let mut merged = Vec::with_capacity(branch.len());
        for object in branch {
            let is_declared = object.origin.is_some();
            merged.push(match base.remove(&object.key) {
                None if is_declared => self.new_object(object),
                None => object,
                Some(before) if is_declared => self.both(&before, object),
                // The branch does not declare it, but the base does.
                Some(before) => self.removed(before),
            });
        }
        merged.extend(base.into_values().map(|before| self.removed(before)));
        merged.sort_by(|a, b| a.key.cmp(&b.key));
        merged
    }

    /// Returns the report on an object that only the branch declares. If it is already live, the
    /// comparison is two-way.
    fn new_object(&self, mut object: ObjectReport) -> ObjectReport {
        object.lifecycle = Some(Lifecycle::New);
        two_way(object)
    }

    /// Returns the report on an object that only the base declares: merging deletes it, with all
    /// live changes.
    fn removed(&self, mut object: ObjectReport) -> ObjectReport {
        object.lifecycle = Some(Lifecycle::Removed);
        if object.presence == Presence::Unknown {
            return object;
        }
        object.declared = None;
        if object.status() == ObjectStatus::InSync {
            object.reason = Some("removed by the branch, and not in the cluster".to_owned());
            object.whole_severity = None;
            return object;
        }
        object.whole_severity = self
            .rules
            .whole_severity(&object.key, ObjectStatus::Missing);
        let manifest = object.manifest.as_ref();
        object.live = object
            .live
            .or_else(|| manifest.map(|manifest| manifest.object.clone()));
        // Changes that rules ignore stay, and are counted.
        for drift in object.drifts.iter_mut().filter(|drift| drift.is_reported()) {
            drift.change.kind = match drift.change.live {
                Some(_) => ChangeKind::Added,
                None => ChangeKind::Removed,
            };
            drift.merge = Some(Merge {
                class: MergeClass::Conflict,
                base: drift.change.declared.take(),
            });
        }
        object
    }

    fn both(&self, before: &ObjectReport, mut object: ObjectReport) -> ObjectReport {
        match (before.presence, object.presence) {
            (_, Presence::Unknown) => object,
            (Presence::Unknown, _) => {
                let why = before.reason.as_deref().unwrap_or("the reason is unknown");
                object.reason = Some(format!("its base could not be compared: {why}"));
                object.presence = Presence::Unknown;
                object.whole_severity = None;
                object.drifts.clear();
                (object.declared, object.live) = (None, None);
                object
            }
            (Presence::Declared, Presence::Declared)
                if before.whole().is_none() && object.whole().is_none() =>
            {
                let versions = self.versions(before, &object);
                if versions.is_none_or(|versions| !versions.intended.is_empty()) {
                    object.conflict = true;
                    object.reason = Some(
                        "it was deleted live, but the branch changes it: merging recreates it"
                            .to_owned(),
                    );
                }
                object
            }
            (Presence::Both, Presence::Both) => self.fields(before, object),
            _ => two_way(object),
        }
    }

    fn fields(&self, before: &ObjectReport, mut object: ObjectReport) -> ObjectReport {
        let known = self
            .versions(before, &object)
            .zip(object.manifest.as_deref());
        let Some((texts, manifest)) = known else {
            return two_way(object);
        };
        let versions = Versions {
            key: &object.key,
            manifest,
            base: &texts.base,
            branch: &texts.branch,
            live: &texts.live,
            intended: &texts.intended,
            since_base: &before.drifts,
            rules: self.rules,
        };
        object.drifts = versions.classify(std::mem::take(&mut object.drifts));
        object
    }

    /// Returns the object in its three versions; `None` if a manifest cannot be converted to the
    /// live version.
    fn versions(&self, before: &ObjectReport, object: &ObjectReport) -> Option<ThreeVersions> {
        let key = &object.key;
        let manifest = object.manifest.as_deref()?;
        let live = self.snapshot.read_object(key).map(|(_, live)| live);
        let api_version = match &live {
            Some(live) => &live.api_version,
            None => &manifest.api_version,
        };
        let text = |manifest: &Manifest| {
            let written = manifest.value();
            let value = at_version(&written, api_version)?;
            Some(normalize(value.into_owned(), key.namespace.is_some()))
        };
        let base = text(before.manifest.as_deref()?)?;
        let branch = text(manifest)?;
        let (schema, root) = self.schemas.of(api_version, &key.kind);
        Some(ThreeVersions {
            intended: intent::semantic_differences(&base, &branch, schema, root),
            live: live.and_then(|live| live.value().ok()).unwrap_or_default(),
            base,
            branch,
        })
    }
}

/// An object in its three versions.
struct ThreeVersions {
    base: Value,
    branch: Value,
    live: Value,
    intended: Vec<Change>,
}

/// Marks an object as compared two-way only: the sides differ, but which one changed is unknown.
fn two_way(mut object: ObjectReport) -> ObjectReport {
    for drift in &mut object.drifts {
        if drift.is_reported() {
            drift.merge = Some(Merge {
                class: MergeClass::Drift,
                base: None,
            });
        }
    }
    object
}
