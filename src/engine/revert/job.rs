//! What is carried out on one object.

use serde_json::{Value, json};

use crate::cluster::Wanted;
use crate::model::{FieldPath, Owner};
use crate::ownership::{LAST_APPLIED, ownership_of};
use crate::patch::{self, Operation, Unfit};

/// One field that is written.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Where.
    pub path: FieldPath,
    /// What it is to be; `None` to take it out.
    pub to: Option<Value>,
    /// Who holds it now.
    pub former: Vec<Owner>,
}

/// Fields of one object that are written in one patch.
#[derive(Debug, Clone)]
pub struct PatchJob {
    /// The object as it was read, and shown.
    pub before: Value,
    /// The object as it is to be, as far as that is declared.
    pub wanted: Value,
    /// The fields.
    pub edits: Vec<Edit>,
}

/// How an object stands to what is to be done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Every field is what it is to be.
    Done,
    /// Every field is what was shown.
    AsShown,
    /// Someone changed one of them in the meantime.
    Changed {
        /// Where.
        path: FieldPath,
        /// Who holds it now.
        by: Vec<String>,
    },
}

impl PatchJob {
    /// Returns the patch that makes the edits in the object as it is now.
    ///
    /// # Errors
    /// Fails if an edit leads nowhere in it.
    pub fn operations(&self, live: &Value) -> Result<Vec<Operation>, Unfit> {
        let edits: Vec<patch::Edit<'_>> = self
            .edits
            .iter()
            .map(|edit| patch::Edit {
                path: &edit.path,
                to: edit.to.as_ref(),
            })
            .collect();
        patch::build(live, &self.wanted, &edits)
    }

    /// Returns how an object that was read later stands to the edits. `made` is the object after
    /// the patch, as the server said before; else a field is done that is as it was to be, to the
    /// letter.
    pub fn state(&self, now: &Value, made: Option<&Value>) -> State {
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
            (true, _, _) => State::Done,
            (_, true, _) => State::AsShown,
            (_, _, changed) => {
                // Some are done and others are not: a patch is carried out as a whole.
                let edit = changed.or(self.edits.first());
                let path = edit.map(|edit| edit.path.clone()).unwrap_or_default();
                let ownership = ownership_of(now);
                let owners = ownership.owners_of(&path, 0).into_iter();
                let mut by: Vec<String> = owners.map(|owner| owner.manager.clone()).collect();
                by.dedup();
                State::Changed { path, by }
            }
        }
    }
}

/// What is done.
#[derive(Debug, Clone)]
pub enum What {
    /// Fields are written.
    Patch(PatchJob),
    /// The object is created.
    Create {
        /// The manifest.
        manifest: Value,
        /// By server-side apply.
        by_apply: bool,
        /// With the annotation that `kubectl apply` compares with.
        keeps_last_applied: bool,
    },
    /// The object is deleted.
    Delete {
        /// The object as it was read; its metadata at least.
        before: Value,
    },
}

/// What is carried out on one object.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which object.
    pub object: Wanted,
    /// What is done.
    pub what: What,
    /// The name that it is written under.
    pub manager: String,
    /// The manager that server-side applies the object, to whom the fields go afterwards.
    pub hand_back: Option<String>,
    /// The object after it, as the server said in a dry run.
    pub predicted: Option<Value>,
}

impl Job {
    /// Returns a job that the server was not asked about yet.
    pub fn new(object: Wanted, what: What, manager: String, hand_back: Option<String>) -> Self {
        Self {
            object,
            what,
            manager,
            hand_back,
            predicted: None,
        }
    }

    /// Returns its patch, if it is one.
    pub fn patch(&self) -> Option<&PatchJob> {
        match &self.what {
            What::Patch(patch) => Some(patch),
            What::Create { .. } | What::Delete { .. } => None,
        }
    }
}

/// Returns a manifest with the annotation in which `kubectl apply` keeps what it sent, so that the
/// next apply knows what the object was created from.
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

impl What {
    /// Returns the manifest as it is sent, of an object that is created.
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
