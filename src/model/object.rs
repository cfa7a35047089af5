//! One object of a report.

use std::sync::Arc;

use strum::{IntoStaticStr, VariantArray};

use super::{
    JudgedChange, Lifecycle, Manifest, MergeClass, Origin, Owner, PackedObject, ResourceKey,
    Severity, Violation,
};

/// The status of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ObjectStatus {
    /// Compared, without reported differences.
    InSync,
    /// Compared, with differences.
    Drifted,
    /// Declared, and proven not to exist.
    Missing,
    /// Live, but not in any manifest.
    Extra,
    /// Not compared; [`ObjectReport::reason`] says why.
    Unknown,
    /// The branch changes the object, and the live object matches the base.
    Pending,
    /// The branch changes the object, and someone changed it live: merging overwrites the live
    /// change.
    Conflict,
}

impl ObjectStatus {
    /// Returns the word for reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// On which sides an object exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// It is declared and live, and was compared.
    Both,
    /// It is declared, and proven not to be live.
    Declared,
    /// It is live, but not in any manifest.
    Live,
    /// It could not be read or compared; [`ObjectReport::reason`] says why.
    Unknown,
}

/// One object of a report. Its status and severity are computed, so that no later stage can make
/// them outdated.
#[derive(Debug, Clone)]
pub struct ObjectReport {
    /// The object's key.
    pub key: ResourceKey,
    /// The API version of the comparison.
    pub api_version: String,
    /// Where it is declared; `None` for an extra object.
    pub origin: Option<Origin>,
    /// Its manifest; `None` for an extra object.
    pub manifest: Option<Arc<Manifest>>,
    /// On which sides it exists. [`status`](Self::status) depends on it.
    pub presence: Presence,
    /// Why it is unknown, or a further note.
    pub reason: Option<String>,
    /// The severity of the whole object being missing or extra.
    pub whole_severity: Option<Severity>,
    /// What the branch does to the whole object, if there is a base to compare with.
    pub lifecycle: Option<Lifecycle>,
    /// Whether merging the branch overwrites a live change of the whole object.
    pub conflict: bool,
    /// The status before changes that the user did not select were removed.
    pub found: Option<ObjectStatus>,
    /// Its changes, sorted by path. A change at the root stands for the whole object, if a rule or
    /// an explainer hides it. Explained changes are included only on request.
    pub drifts: Vec<JudgedChange>,
    /// Why the API server would refuse the manifest; `None` if it would not, as far as is known.
    pub apply_refusal: Option<String>,
    /// The policies that it violates, or that could not be evaluated.
    pub violations: Vec<Violation>,
    /// The owners of an extra object, the most recent write first.
    pub owners: Vec<Owner>,
    /// The declared side for views of the whole object; `None` for extra objects and objects in
    /// sync.
    pub declared: Option<PackedObject>,
    /// The live side for views of the whole object: the declared object with the reported changes.
    pub live: Option<PackedObject>,
}

impl ObjectReport {
    /// Returns a report on an undeclared object.
    pub fn new(key: ResourceKey, api_version: String) -> Self {
        Self {
            key,
            api_version,
            origin: None,
            manifest: None,
            presence: Presence::Live,
            reason: None,
            whole_severity: None,
            lifecycle: None,
            conflict: false,
            found: None,
            drifts: Vec::new(),
            apply_refusal: None,
            violations: Vec::new(),
            owners: Vec::new(),
            declared: None,
            live: None,
        }
    }

    /// Returns a report on a declared object that was not compared yet.
    pub fn of(key: ResourceKey, manifest: &Arc<Manifest>) -> Self {
        Self {
            origin: Some(manifest.origin.clone()),
            manifest: Some(Arc::clone(manifest)),
            presence: Presence::Unknown,
            ..Self::new(key, manifest.api_version.clone())
        }
    }

    /// Returns the status, computed from its presence and its changes.
    pub fn status(&self) -> ObjectStatus {
        if let Some(status) = self.found {
            return status;
        }
        match (self.presence, self.lifecycle) {
            (Presence::Unknown, _) => ObjectStatus::Unknown,
            (Presence::Declared, Some(Lifecycle::Removed)) => ObjectStatus::InSync,
            _ if self.whole().is_some() => ObjectStatus::InSync,
            (Presence::Live, _) => ObjectStatus::Extra,
            (Presence::Declared, _) if self.conflict => ObjectStatus::Conflict,
            (Presence::Declared, Some(Lifecycle::New)) => ObjectStatus::Pending,
            (Presence::Declared, None) => ObjectStatus::Missing,
            (Presence::Both, lifecycle) => {
                let all = self.reported().map(|drift| match &drift.merge {
                    Some(merge) => merge.class,
                    None => MergeClass::Drift,
                });
                match (all.max(), lifecycle) {
                    (Some(_), Some(Lifecycle::Removed)) => ObjectStatus::Conflict,
                    (None, Some(Lifecycle::Removed)) => ObjectStatus::Pending,
                    (Some(MergeClass::Conflict), _) => ObjectStatus::Conflict,
                    (Some(MergeClass::Drift), _) => ObjectStatus::Drifted,
                    (Some(MergeClass::Pending), _) => ObjectStatus::Pending,
                    (Some(MergeClass::Backport) | None, _) => ObjectStatus::InSync,
                }
            }
        }
    }

    /// Returns the change that stands for the whole object, if a rule or an explainer hides that it
    /// is missing or extra.
    pub fn whole(&self) -> Option<&JudgedChange> {
        self.drifts
            .iter()
            .find(|drift| drift.change.path.0.is_empty())
    }

    /// Returns the changes that count as drift.
    pub fn reported(&self) -> impl Iterator<Item = &JudgedChange> {
        self.drifts.iter().filter(|drift| drift.is_reported())
    }

    /// Returns the policies that deny the object.
    pub fn refusals(&self) -> impl Iterator<Item = &Violation> {
        let all = self.violations.iter();
        all.filter(|violation| violation.enforcement.refuses())
    }

    /// Returns the severity of the object being missing or extra, or else that of its most severe
    /// change.
    pub fn severity(&self) -> Option<Severity> {
        let all = self.reported();
        let worst = all.map(|drift| (drift.is_drift(), drift.severity)).max();
        self.whole_severity.max(worst.map(|(_, severity)| severity))
    }

    /// Returns whether the object differs from its manifest, without changes that only the branch
    /// makes.
    pub fn is_drift(&self) -> bool {
        matches!(
            self.status(),
            ObjectStatus::Drifted
                | ObjectStatus::Missing
                | ObjectStatus::Extra
                | ObjectStatus::Conflict
        )
    }
}
