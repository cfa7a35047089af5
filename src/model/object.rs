//! One object of a report.

use std::sync::Arc;

use super::{
    JudgedChange, Lifecycle, Manifest, MergeClass, Origin, Owner, Packed, ResourceKey, Severity,
    Violation,
};

/// The outcome for one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Compared, and nothing to report.
    InSync,
    /// Compared, and different.
    Drifted,
    /// Declared, and proven not to be there.
    Missing,
    /// Live, and declared nowhere.
    Extra,
    /// Not compared; [`ObjectReport::reason`] says why.
    Unknown,
    /// The branch changes it, and live it is what the base declares.
    Pending,
    /// The branch changes it, and it was changed live: merging overwrites that.
    Conflict,
}

impl Status {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Conflict => "conflict",
        }
    }
}

/// On which side an object was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// It is declared and live, and was compared.
    Both,
    /// It is declared, and proven not to be live.
    Declared,
    /// It is live, and declared nowhere.
    Live,
    /// It could not be read or compared; [`ObjectReport::reason`] says why.
    Unknown,
}

/// One object of a report. Its status and severity are worked out from what is stored, so that
/// no later stage can leave them behind.
#[derive(Debug, Clone)]
pub struct ObjectReport {
    /// Which object.
    pub key: ResourceKey,
    /// The version that it was compared at.
    pub api_version: String,
    /// Where it is declared; `None` for an extra object.
    pub origin: Option<Origin>,
    /// Its manifest; `None` for an extra object.
    pub manifest: Option<Arc<Manifest>>,
    /// On which side it was found. [`status`](Self::status) derives from it.
    pub presence: Presence,
    /// Why it is unknown, or what else there is to say.
    pub reason: Option<String>,
    /// How much it matters that the object as a whole is missing or extra.
    pub whole_severity: Option<Severity>,
    /// What the branch does to the object as a whole, where there is a base to compare with.
    pub lifecycle: Option<Lifecycle>,
    /// That merging the branch overwrites what was done live to the object as a whole.
    pub conflict: bool,
    /// What was found, where changes were left out since that its reader did not ask for.
    pub found: Option<Status>,
    /// Its changes, sorted by path; one at the root where a rule or an explainer takes the object
    /// as a whole out of what counts. Explained ones are there only when they were asked for.
    pub drifts: Vec<JudgedChange>,
    /// The policies that are against it, or that could not be evaluated.
    pub violations: Vec<Violation>,
    /// Who holds an extra object, most recent write first.
    pub owners: Vec<Owner>,
    /// The declared side for whole-object views; absent for extra objects and objects in sync.
    pub declared: Option<Packed>,
    /// The live side for whole-object views: the declared object with the reported changes made.
    pub live: Option<Packed>,
}

impl ObjectReport {
    /// Starts a report on an object that is declared nowhere, of which nothing is known yet.
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
            violations: Vec::new(),
            owners: Vec::new(),
            declared: None,
            live: None,
        }
    }

    /// Starts a report on a declared object that was not compared yet.
    pub fn of(key: ResourceKey, manifest: &Arc<Manifest>) -> Self {
        Self {
            origin: Some(manifest.origin.clone()),
            manifest: Some(Arc::clone(manifest)),
            presence: Presence::Unknown,
            ..Self::new(key, manifest.api_version.clone())
        }
    }

    /// Returns what was found, worked out from the side that the object is on and from its changes.
    pub fn status(&self) -> Status {
        if let Some(status) = self.found {
            return status;
        }
        match (self.presence, self.lifecycle) {
            (Presence::Unknown, _) => Status::Unknown,
            (Presence::Declared, Some(Lifecycle::Removed)) => Status::InSync,
            _ if self.whole().is_some() => Status::InSync,
            (Presence::Live, _) => Status::Extra,
            (Presence::Declared, _) if self.conflict => Status::Conflict,
            (Presence::Declared, Some(Lifecycle::New)) => Status::Pending,
            (Presence::Declared, None) => Status::Missing,
            (Presence::Both, lifecycle) => {
                let all = self.reported().map(|drift| match &drift.merge {
                    Some(merge) => merge.class,
                    None => MergeClass::Drift,
                });
                match (all.max(), lifecycle) {
                    (Some(_), Some(Lifecycle::Removed)) => Status::Conflict,
                    (None, Some(Lifecycle::Removed)) => Status::Pending,
                    (Some(MergeClass::Conflict), _) => Status::Conflict,
                    (Some(MergeClass::Drift), _) => Status::Drifted,
                    (Some(MergeClass::Pending), _) => Status::Pending,
                    (Some(MergeClass::Backport) | None, _) => Status::InSync,
                }
            }
        }
    }

    /// Returns the change that stands for the object as a whole, where a rule hides or an explainer
    /// explains that it is missing or extra.
    pub fn whole(&self) -> Option<&JudgedChange> {
        self.drifts
            .iter()
            .find(|drift| drift.change.path.0.is_empty())
    }

    /// Returns the changes that count.
    pub fn reported(&self) -> impl Iterator<Item = &JudgedChange> {
        self.drifts.iter().filter(|drift| drift.is_reported())
    }

    /// Returns the policies that refuse the object.
    pub fn refusals(&self) -> impl Iterator<Item = &Violation> {
        let all = self.violations.iter();
        all.filter(|violation| violation.enforcement.refuses())
    }

    /// Returns how much the object matters: that it is missing or extra, or else its worst change.
    pub fn severity(&self) -> Option<Severity> {
        let all = self.reported();
        let worst = all.map(|drift| (drift.is_drift(), drift.severity)).max();
        self.whole_severity.max(worst.map(|(_, severity)| severity))
    }

    /// Returns whether the object differs from what is declared, not counting what only the branch
    /// does.
    pub fn is_drift(&self) -> bool {
        matches!(
            self.status(),
            Status::Drifted | Status::Missing | Status::Extra | Status::Conflict
        )
    }
}
