//! The write to one object.

use serde_json::{Value, json};

use super::WriteAs;
use crate::cluster::ObjectRequest;
use crate::facts::CLIENT_SIDE_APPLY;
use crate::model::{
    FieldPath, ManagerEntry, Manifest, ObjectReport, Operation, Owner, PathElement, ResourceKey,
};
use crate::ownership::{LAST_APPLIED, LastSent, ownership_of};
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
    /// The undeclared maps that stay even if they become empty.
    pub kept: Vec<FieldPath>,
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
        let mut wanted = self.wanted.clone();
        for map in &self.kept {
            add_empty_map(&mut wanted, &map.0);
        }
        patch::build(live, &wanted, &edits)
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

/// Adds an empty map to an object that does not have it, if the list items on the path exist.
fn add_empty_map(value: &mut Value, path: &[PathElement]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let below = match (first, value) {
        (PathElement::Field(name), Value::Object(fields)) => {
            Some(fields.entry(name.clone()).or_insert_with(|| json!({})))
        }
        (element, Value::Array(items)) => {
            let mut items = items.iter_mut();
            items.find(|item| patch::is_named_by(item, element))
        }
        _ => None,
    };
    if let Some(below) = below {
        add_empty_map(below, rest);
    }
}

/// Returns the maps around fields to remove that the managers of the fields did not create: the
/// server did, with defaults in them, and sets these again only in a map that is still there.
/// A manager that creates a map by an update owns it as well as its fields; server-side apply does
/// not record that.
pub(super) fn maps_to_keep(live: &Value, edits: &[FieldWrite]) -> Vec<FieldPath> {
    let ownership = ownership_of(live);
    let mut found = Vec::new();
    for edit in edits {
        let by_editor = |entry: &&ManagerEntry| edit.former.contains(&entry.owner);
        let entries: Vec<&ManagerEntry> = ownership.entries.iter().filter(by_editor).collect();
        let creates = |entry: &&ManagerEntry, map: &[PathElement]| {
            let mut elements = map.iter();
            let set = elements.try_fold(&*entry.fields, |set, element| set.child(element));
            entry.owner.operation == Operation::Apply || set.is_some_and(|set| set.member)
        };
        let path = edit.path.0.as_slice();
        if edit.to.is_some() || entries.is_empty() {
            continue;
        }
        for end in 1..path.len() {
            let Some(map @ [.., PathElement::Field(_)]) = path.get(..end) else {
                continue;
            };
            if !entries.iter().any(|entry| creates(entry, map)) {
                found.push(FieldPath(map.to_vec()));
            }
        }
    }
    found
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

/// Returns a manifest with the namespace of its object.
pub(super) fn in_its_namespace(key: &ResourceKey, mut manifest: Value) -> Value {
    if let (Some(namespace), Some(metadata)) = (&key.namespace, manifest.get_mut("metadata")) {
        metadata["namespace"] = namespace.as_str().into();
    }
    manifest
}

/// Returns the write that restores what `kubectl apply` recorded last, if `kubectl replace`, or an
/// apply of an edited copy of the live object, has overwritten it: with what such a copy contains,
/// the next `kubectl apply` would remove fields that the server set, and fail for custom resources.
pub(super) fn overwritten_configuration(
    object: &ObjectReport,
    manifest: &Manifest,
    live: &Value,
    write_as: &WriteAs,
) -> Option<FieldWrite> {
    let manifest = manifest.value();
    let is_copy = || LastSent::of(live).is_copy_of_live(&manifest);
    if write_as.manager != CLIENT_SIDE_APPLY || !is_copy() {
        return None;
    }
    let path = FieldPath::of_fields(&["metadata", "annotations", LAST_APPLIED]);
    let sent = with_last_applied(&in_its_namespace(&object.key, manifest));
    let ownership = ownership_of(live);
    Some(FieldWrite {
        to: Some(
            sent.pointer("/metadata/annotations")?
                .get(LAST_APPLIED)?
                .clone(),
        ),
        former: ownership.owners_of(&path, 0).into_iter().cloned().collect(),
        path,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A StatefulSet's `partition` is defaulted only in a `rollingUpdate` that exists.
    #[test]
    fn a_map_that_the_server_made_stays_and_one_that_the_editor_made_goes() {
        let live = |rolling_update: Value| {
            json!({
                "metadata": {"managedFields": [
                    {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                        "f:spec": {"f:strategy": {"f:rollingUpdate": rolling_update}}}}]},
                "spec": {"strategy": {"rollingUpdate": {"partition": 3}, "type": "RollingUpdate"}}})
        };
        let made = |live: &Value| {
            let path: FieldPath = ".spec.strategy.rollingUpdate.partition".parse().unwrap();
            let owners = ownership_of(live)
                .owners_of(&path, 0)
                .into_iter()
                .cloned()
                .collect();
            let edits = vec![FieldWrite {
                path,
                to: None,
                former: owners,
            }];
            let job = PatchJob {
                before: live.clone(),
                wanted: json!({"spec": {"replicas": 1}}),
                kept: maps_to_keep(live, &edits),
                edits,
            };
            let patch = job.operations(live).unwrap();
            let made = patch::apply(live, &patch).unwrap();
            made["spec"]["strategy"].clone()
        };
        let only_the_field = live(json!({"f:partition": {}}));
        assert_eq!(
            made(&only_the_field),
            json!({"rollingUpdate": {}, "type": "RollingUpdate"})
        );
        let with_the_map = live(json!({".": {}, "f:partition": {}}));
        assert_eq!(made(&with_the_map), json!({"type": "RollingUpdate"}));
    }
}
