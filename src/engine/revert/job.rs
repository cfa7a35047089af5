//! The write to one object.

use serde_json::{Value, json};

use crate::cluster::ObjectRequest;
use crate::model::{FieldPath, Owner};
use crate::ownership::{LAST_APPLIED, ownership_of};
use crate::patch::{self, PatchError, PatchOperation};

/// One field to write.
#[derive(Debug, Clone)]
pub struct FieldWrite {
    /// The path.
    pub path: FieldPath,
    /// Its new value; `None` to remove it.
    pub to: Option<Value>,
    /// The owners before the write.
    pub former: Vec<Owner>,
}

/// Fields of one object that are written in one patch.
#[derive(Debug, Clone)]
pub struct PatchJob {
    /// The object as it was read for the plan.
    pub before: Value,
    /// The object after the write, as far as it is declared.
    pub wanted: Value,
    /// The fields.
    pub edits: Vec<FieldWrite>,
}

/// The state of an object compared with the planned edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Every field has its new value.
    Done,
    /// Every field has the value that the plan showed.
    AsShown,
    /// Someone changed a field after the plan was made.
    Changed {
        /// The path.
        path: FieldPath,
        /// Its current owners.
        by: Vec<String>,
    },
}

impl PatchJob {
    /// Returns the JSON Patch that makes the edits in the object in its current state.
    ///
    /// # Errors
    /// Fails if the object has no place for an edit.
    pub fn operations(&self, live: &Value) -> Result<Vec<PatchOperation>, PatchError> {
        let edits: Vec<patch::FieldChange<'_>> = self
            .edits
            .iter()
            .map(|edit| patch::FieldChange {
                path: &edit.path,
                to: edit.to.as_ref(),
            })
            .collect();
        patch::build(live, &self.wanted, &edits)
    }

    /// Returns the state of an object that was read later. `made` is the server's prediction of the
    /// patched object; without it, a field counts as done only if it has exactly its new value.
    pub fn state(&self, now: &Value, made: Option<&Value>) -> JobState {
        let (mut is_done, mut is_as_shown) = (true, true);
        let mut changed = None;
        for edit in &self.edits {
            let value = |object| match patch::find(object, &edit.path) {
                Ok(found) => found.map(|(_, value)| value),
                Err(_) => None,
            };
            let is = value(now);
            let target = match made {
                Some(made) => value(made),
                None => edit.to.as_ref().filter(|to| !to.is_null()),
            };
            let (done, as_shown) = (is == target, is == value(&self.before));
            is_done &= done;
            is_as_shown &= as_shown;
            if !done && !as_shown {
                changed.get_or_insert(edit);
            }
        }
        match (is_done, is_as_shown, changed) {
            (true, _, _) => JobState::Done,
            (_, true, _) => JobState::AsShown,
            (_, _, changed) => {
                // A patch is applied as a whole, so someone else made some of these edits.
                let edit = changed.or(self.edits.first());
                let path = edit.map(|edit| edit.path.clone()).unwrap_or_default();
                let ownership = ownership_of(now);
                let owners = ownership.owners_of(&path, 0).into_iter();
                let mut by: Vec<String> = owners.map(|owner| owner.manager.clone()).collect();
                by.dedup();
                JobState::Changed { path, by }
            }
        }
    }
}

/// The kind of write.
#[derive(Debug, Clone)]
pub enum WriteKind {
    /// Writes fields.
    Patch(PatchJob),
    /// Creates the object.
    Create {
        /// The manifest.
        manifest: Value,
        /// By server-side apply.
        by_apply: bool,
        /// With the annotation that `kubectl apply` compares with.
        keeps_last_applied: bool,
    },
    /// Deletes the object.
    Delete {
        /// The object as it was read; at least its metadata.
        before: Value,
        /// Whether the whole object was read, so that it can be created again.
        is_whole: bool,
    },
}

/// A write to one object.
#[derive(Debug, Clone)]
pub struct RevertJob {
    /// The object.
    pub object: ObjectRequest,
    /// The kind of write.
    pub what: WriteKind,
    /// The field manager of the write.
    pub manager: String,
    /// The manager that uses server-side apply, which gets the fields back afterwards.
    pub hand_back: Option<String>,
    /// The server's prediction of the object after the job.
    pub predicted: Option<Value>,
}

impl RevertJob {
    /// Returns a job for which the server has not made a prediction yet.
    pub fn new(
        object: ObjectRequest,
        what: WriteKind,
        manager: String,
        hand_back: Option<String>,
    ) -> Self {
        Self {
            object,
            what,
            manager,
            hand_back,
            predicted: None,
        }
    }

    /// Returns its patch, if it has one.
    pub fn patch(&self) -> Option<&PatchJob> {
        match &self.what {
            WriteKind::Patch(patch) => Some(patch),
            WriteKind::Create { .. } | WriteKind::Delete { .. } => None,
        }
    }
}

/// Returns a manifest with the annotation in which `kubectl apply` records the configuration that
/// it sent, so that the next apply knows what the object was created from.
pub(super) fn with_last_applied(manifest: &Value) -> Value {
    let mut sent = manifest.clone();
    let Some(metadata) = sent.get_mut("metadata").and_then(Value::as_object_mut) else {
        return sent;
    };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if annotations.is_null() {
        *annotations = json!({});
    }
    let text = format!("{sent}\n");
    sent["metadata"]["annotations"][LAST_APPLIED] = text.into();
    sent
}

impl WriteKind {
    /// Returns the manifest to send, if the job creates an object.
    pub fn to_create(&self) -> Option<Value> {
        match self {
            Self::Create {
                manifest,
                by_apply: false,
                keeps_last_applied: true,
            } => Some(with_last_applied(manifest)),
            Self::Create { manifest, .. } => Some(manifest.clone()),
            Self::Patch(_) | Self::Delete { .. } => None,
        }
    }
}
