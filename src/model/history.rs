//! The history of objects, sorted by time.

use jiff::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use super::ResourceKey;

/// The source of a history entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum HistorySource {
    /// A commit of the declared lines.
    Git,
    /// The API server's audit log.
    AuditLog,
    /// The managed fields or the metadata of the object.
    ManagedFields,
    /// A change that the comparison found.
    Drift,
    /// The ReplicaSets or ControllerRevisions of a workload.
    Rollout,
    /// The history that Argo CD, Flux or Helm records.
    Deployer,
    /// An Event.
    Event,
    /// The status of a pod.
    Pod,
}

impl HistorySource {
    /// Returns the word for reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An entry in the history of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The time; `None` if not recorded.
    pub at: Option<Timestamp>,
    /// The object.
    pub object: ResourceKey,
    /// The source.
    pub evidence: HistorySource,
    /// The user, if the source knows one.
    pub user: Option<String>,
    /// The field manager or the component.
    pub manager: Option<String>,
    /// What happened, on one line.
    pub what: String,
    /// Whether it is a warning or a failure.
    pub is_warning: bool,
}

/// The history of objects, from sources other than the comparison.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The entries, oldest first.
    pub moments: Vec<HistoryEntry>,
    /// The sources that were read, such as `Events in shop`, sorted.
    pub read: Vec<String>,
    /// The sources that could not be read, each with the reason, sorted.
    pub unread: Vec<(String, String)>,
}
