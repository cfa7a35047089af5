//! The actions of a plan on drift, and the reasons for leaving drift alone.

use strum::{IntoStaticStr, VariantArray};

use super::{ChangeCause, ObjectStatus};

/// The action of a plan: which side it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Action {
    /// Changes the live object to match the manifest.
    Revert,
    /// Undoes an earlier revert.
    Undo,
    /// Changes the manifest to match the live object.
    Backport,
    /// Carries out decisions: reverts, backports, accepts or ignores each change.
    Triage,
}

impl Action {
    /// Returns the word for documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns why a change with this cause is left alone unless the user names it; `None` for
    /// ordinary drift.
    ///
    /// This is the only table that separates changes made in the cluster from commits that have not
    /// been applied yet.
    pub fn refusal(self, cause: Option<ChangeCause>) -> Option<RefusalReason> {
        match (self, cause?) {
            (_, ChangeCause::BeingDeleted) => Some(RefusalReason::BeingDeleted),
            (Self::Undo | Self::Triage, _)
            | (_, ChangeCause::AppliedElsewhere | ChangeCause::Unattributed)
            // A dry run shows whether admission would change it again.
            | (_, ChangeCause::ChangedOnApply) => None,
            (Self::Revert, ChangeCause::Unapplied) => Some(RefusalReason::Unapplied),
            (Self::Revert, ChangeCause::SetByApplier) => Some(RefusalReason::SetByApplier),
            (Self::Revert, ChangeCause::Dropped) => Some(RefusalReason::Dropped),
            (Self::Revert, ChangeCause::WrittenByApplier) => Some(RefusalReason::WrittenByApplier),
            // The server would drop it again.
            (Self::Revert, ChangeCause::UnknownField) => Some(RefusalReason::Impossible),
            (Self::Backport, ChangeCause::Unapplied | ChangeCause::Dropped) => {
                Some(RefusalReason::UndoesCommit)
            }
            (Self::Backport, ChangeCause::SetByApplier) => Some(RefusalReason::MayUndoCommit),
            (Self::Backport, ChangeCause::WrittenByApplier | ChangeCause::UnknownField) => None,
        }
    }

    /// Returns why a missing or extra object is left alone without a flag.
    pub fn refusal_of_object(self, status: ObjectStatus) -> Option<RefusalReason> {
        match (self, status) {
            (Self::Revert, ObjectStatus::Missing) => Some(RefusalReason::Missing),
            (Self::Revert, ObjectStatus::Extra) => Some(RefusalReason::Extra),
            (Self::Backport, ObjectStatus::Missing) => Some(RefusalReason::MissingInCluster),
            (Self::Backport, ObjectStatus::Extra) => Some(RefusalReason::ExtraInCluster),
            _ => None,
        }
    }
}

/// Why a change or an object is left alone. The message of a step may say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum RefusalReason {
    /// Git is ahead: the applier set the live value, and the manifest changed since.
    Unapplied,
    /// Git is ahead: the applier declared the field, and the manifest no longer does.
    Dropped,
    /// The applier set the live value: Git is ahead, or it was deployed with other values.
    SetByApplier,
    /// A backport would undo a commit that has not been applied yet.
    UndoesCommit,
    /// The applier set the live value, so a backport may undo a commit that has not been applied yet.
    MayUndoCommit,
    /// The applier wrote the value, and would write it again.
    WrittenByApplier,
    /// The object is being deleted.
    BeingDeleted,
    /// The object is missing, and creating objects was not requested.
    Missing,
    /// The object is extra, and deleting objects was not requested.
    Extra,
    /// The object is missing, so only its author can decide to delete the manifest.
    MissingInCluster,
    /// The object is extra: no manifest declares it.
    ExtraInCluster,
    /// A controller owns the object and writes it.
    Controlled,
    /// The declared value is unknown.
    UnknownValue,
    /// Changing the field or object can lose data or objects, so the user must name it.
    Dangerous,
    /// The object could not be compared.
    NotCompared,
    /// It was changed between reading and writing.
    #[strum(serialize = "changed-meanwhile")]
    Changed,
    /// The server refuses it.
    #[strum(serialize = "refused-by-server")]
    Refused,
    /// It cannot be written as a patch.
    Impossible,
    /// The field has no place in the manifests, or its place is unknown or shared.
    NoPlace,
    /// The value is secret, and must not be written to a file in plain text.
    Secret,
}

impl RefusalReason {
    /// Returns the word for JSON documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the meaning, and what to do.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unapplied => {
                "Git is ahead of the cluster (unapplied): this is a deploy, not a revert; \
                 --include unapplied"
            }
            Self::Dropped => {
                "Git is ahead of the cluster (dropped): this is a deploy, not a revert; \
                 --include dropped"
            }
            Self::SetByApplier => {
                "the applier set it (set-by-applier): Git is ahead of the cluster, or it was deployed \
                 with other values; --include unapplied"
            }
            Self::MayUndoCommit => {
                "the applier set it: if Git is ahead of the cluster, a backport would undo the \
                 commit; if it was deployed with other values, name its object and path to backport it"
            }
            Self::UndoesCommit => {
                "Git is ahead of the cluster: a backport would undo the commit; apply it instead"
            }
            Self::WrittenByApplier => {
                "the applier wrote it and would write it again; change the applier's configuration"
            }
            Self::BeingDeleted => "the object is being deleted",
            Self::Missing => "the object is missing; --create creates it",
            Self::Extra => "no manifest declares the object; --prune deletes it",
            Self::MissingInCluster => {
                "the object is not in the cluster; delete its manifest if that is intended"
            }
            Self::ExtraInCluster => "no manifest declares the object",
            Self::Controlled => {
                "a controller writes this object; change the object that the \
                controller works from"
            }
            Self::UnknownValue => "the declared value is unknown",
            Self::Dangerous => {
                "changing it can lose data or objects; name its object and path to do it anyway"
            }
            Self::NotCompared => "the object could not be compared",
            Self::Changed => "it was changed again in the meantime; left alone",
            Self::Refused => "the server refuses it",
            Self::Impossible => "it cannot be written as a patch",
            Self::NoPlace => "it has no place in the manifests",
            Self::Secret => {
                "the value is secret and would be in the file in plain text; --allow-secrets \
                 writes it"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_ahead_of_the_cluster_is_neither_reverted_nor_backported() {
        for cause in [ChangeCause::Unapplied, ChangeCause::Dropped] {
            assert!(Action::Revert.refusal(Some(cause)).is_some());
            let why = Action::Backport.refusal(Some(cause));
            assert_eq!(why, Some(RefusalReason::UndoesCommit));
        }
    }

    #[test]
    fn an_edit_in_the_cluster_can_be_reverted_or_backported() {
        for cause in [
            None,
            Some(ChangeCause::AppliedElsewhere),
            Some(ChangeCause::Unattributed),
        ] {
            assert_eq!(Action::Revert.refusal(cause), None);
            assert_eq!(Action::Backport.refusal(cause), None);
        }
        let by_applier = Some(ChangeCause::WrittenByApplier);
        assert!(Action::Revert.refusal(by_applier).is_some());
        assert_eq!(Action::Backport.refusal(by_applier), None);
    }

    #[test]
    fn an_object_that_is_being_deleted_is_left_alone() {
        for &action in Action::VARIANTS {
            let why = action.refusal(Some(ChangeCause::BeingDeleted));
            assert_eq!(why, Some(RefusalReason::BeingDeleted));
        }
    }

    #[test]
    fn every_reason_has_a_unique_word() {
        let mut words: Vec<&str> = RefusalReason::VARIANTS
            .iter()
            .map(|why| why.as_str())
            .collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), RefusalReason::VARIANTS.len());
    }
}
