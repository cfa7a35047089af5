//! Saves how to undo what is being written.

use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::{ObjectRequest, ServedKind, Writer};
use crate::engine::revert::{RevertJob, WriteKind, side_changes};
use crate::facts::SERVER_METADATA;
use crate::model::{FieldPath, KeyParts, Plan, ResourceKey};
use crate::patch;
use crate::state::{UndoAction, UndoEdit, UndoObject, UndoRecord, UndoRecords};

/// The record of one run. An object is recorded before it is written, so that what was written can
/// be undone even if the process dies.
pub struct UndoRecorder {
    records: UndoRecords,
    record: UndoRecord,
}

impl UndoRecorder {
    /// Starts a record.
    ///
    /// # Errors
    /// Fails if it cannot be saved; then nothing was written.
    pub fn begin(
        records: UndoRecords,
        writer: &Writer<'_>,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Self> {
        let cluster = uid_of_cluster(writer);
        let target = &plan.target;
        let record = records.begin(
            target.context.as_deref(),
            target.server.as_deref(),
            cluster.as_deref(),
            now,
        )?;
        Ok(Self { records, record })
    }

    /// Adds a job that is about to be carried out.
    ///
    /// # Errors
    /// Fails if it cannot be saved; then the job must not be carried out.
    pub fn note(&mut self, job: &RevertJob) -> Result<()> {
        self.record.objects.push(object(job));
        let kept = self.records.keep_before_write(&self.record);
        if kept.is_err() {
            self.record.objects.pop();
        }
        kept
    }

    /// Adds the object as the last job left it, with what the server changed by itself.
    ///
    /// # Errors
    /// Fails if the record cannot be saved.
    pub fn note_result(&mut self, job: &RevertJob, answer: Option<&Value>) -> Result<()> {
        let (Some(object), Some(answer)) = (self.record.objects.last_mut(), answer) else {
            return Ok(());
        };
        if object.done == UndoAction::Created {
            object.uid = text(answer, "/metadata/uid");
        }
        for edit in &mut object.edits {
            if let Ok(path) = edit.field_path() {
                let found = patch::find(answer, &path).ok().flatten();
                edit.after = found.map(|(_, value)| value.clone());
            }
        }
        let managers = object.edits.first().map(|edit| edit.managers.clone());
        let changes = job.patch().map(|patch| side_changes(patch, answer));
        let edits = changes.into_iter().flatten().map(|change| UndoEdit {
            path: change.path.to_string(),
            after: change.after,
            before: change.before,
            managers: managers.clone().unwrap_or_default(),
            by_server: true,
        });
        object.edits.extend(edits);
        self.records.keep(&self.record)
    }

    /// Removes the last job, which changed nothing. The file may keep it if it cannot be saved: an
    /// undo finds the object as it was.
    pub fn remove_last(&mut self) {
        self.record.objects.pop();
        self.records.keep(&self.record).ok();
    }

    /// Finishes the record. Returns its ID, unless the record is empty.
    pub fn end(self) -> Option<String> {
        if self.record.objects.is_empty() {
            self.records.forget(&self.record);
            return None;
        }
        Some(self.record.id)
    }
}

fn object(job: &RevertJob) -> UndoObject {
    let KeyParts {
        group,
        kind,
        namespace,
        name,
    } = &*job.object.key;
    let (done, edits, before) = match &job.what {
        WriteKind::Create { .. } => (UndoAction::Created, Vec::new(), None),
        WriteKind::Delete { before, .. } => (UndoAction::Deleted, Vec::new(), Some(before)),
        WriteKind::Patch(patch) => {
            let value = |object: Option<&Value>, path: &FieldPath| {
                let found = patch::find(object?, path).ok().flatten();
                found.map(|(_, value)| value.clone())
            };
            let edit = |edit: &crate::engine::revert::FieldWrite| UndoEdit {
                path: edit.path.to_string(),
                after: match &job.predicted {
                    Some(made) => value(Some(made), &edit.path),
                    None => edit.to.clone(),
                },
                before: value(Some(&patch.before), &edit.path),
                managers: edit.former.iter().map(|o| o.manager.clone()).collect(),
                by_server: false,
            };
            let edits = patch.edits.iter().map(edit).collect();
            (UndoAction::Patched, edits, Some(&patch.before))
        }
    };
    let is_whole = !matches!(
        &job.what,
        WriteKind::Delete {
            is_whole: false,
            ..
        }
    );
    let uid = before.and_then(|before| text(before, "/metadata/uid"));
    UndoObject {
        api_version: job.object.kind.api_version.clone(),
        group: group.clone(),
        kind: kind.clone(),
        plural: job.object.kind.plural.clone(),
        namespace: namespace.clone(),
        name: name.clone(),
        uid,
        done,
        edits,
        before: before.filter(|_| is_whole).map(without_bookkeeping),
    }
}

fn text(object: &Value, path: &str) -> Option<String> {
    let text = object.pointer(path)?.as_str()?;
    Some(text.to_owned())
}

/// Returns the object without fields that only its server can set.
fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let of_deletion = ["deletionTimestamp", "deletionGracePeriodSeconds"];
        for field in SERVER_METADATA
            .iter()
            .chain(&of_deletion)
            .chain(&["selfLink"])
        {
            metadata.remove(*field);
        }
    }
    object
}

/// Returns an ID that no two clusters share.
pub fn uid_of_cluster(writer: &Writer<'_>) -> Option<String> {
    let namespace = ObjectRequest {
        key: ResourceKey::new("", "Namespace", None, "kube-system"),
        kind: Arc::new(ServedKind {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            plural: "namespaces".to_owned(),
            namespaced: false,
            short_names: Vec::new(),
        }),
    };
    // Without permission to read it, the cluster is known only by the server's address.
    let namespace = writer.read(&namespace).ok().flatten()?;
    text(&namespace, "/metadata/uid")
}
