//! Sends one write, and retries it if that is safe and may help.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::carry::Carrier;
use crate::cluster::{Carry, WriteError};
use crate::engine::revert::{Job, PatchJob, State, What};
use crate::ownership::ownership_of;

/// How often a write is sent if the server is too busy or the connection breaks.
const TRIES: u32 = 4;

/// The first pause before a retry.
const PAUSE: Duration = Duration::from_millis(200);

/// The outcome of one job.
pub(super) enum Sent {
    /// The server returned the object after the write; nothing for a delete.
    Done(Option<Value>),
    /// Nothing was written, and why.
    Not(String),
    /// It may have been written, and why that is unknown.
    Unclear(String),
}

impl Carrier<'_> {
    /// Does one job, with retries if that is safe and may help.
    pub(super) fn attempt(&self, at: usize, carry: Carry) -> Sent {
        let job = &self.jobs[at];
        match &job.what {
            What::Patch(patch) => self.attempt_patch(job, patch, carry),
            What::Create { by_apply, .. } => self.attempt_create(job, *by_apply, carry),
            What::Delete { before, .. } => self.attempt_delete(job, before, carry),
        }
    }

    /// Sends a patch. Its tests make retries safe: if the patch was already applied, they fail.
    fn attempt_patch(&self, job: &Job, patch: &PatchJob, carry: Carry) -> Sent {
        let mut live = patch.before.clone();
        let mut tries = 0;
        loop {
            let operations = match patch.operations(&live) {
                Ok(operations) => operations,
                Err(unfit) => return Sent::Not(format!("changed again in the meantime: {unfit}")),
            };
            let answer = self
                .writer
                .patch(&job.object, &operations, &job.manager, carry);
            let error = match answer {
                Ok(object) => return Sent::Done(Some(object)),
                Err(error) => error,
            };
            tries += 1;
            let may_have_happened = matches!(error, WriteError::Unclear(_));
            match error {
                WriteError::Busy if tries < TRIES => sleep(pause(tries)),
                WriteError::TestFailed | WriteError::Conflict | WriteError::Unclear(_) => {
                    if may_have_happened {
                        sleep(pause(tries));
                    }
                    let now = match self.writer.read(&job.object) {
                        Ok(Some(now)) => now,
                        Ok(None) => return Sent::Not("the object is gone".to_owned()),
                        Err(why) => {
                            let why = format!("{error}; reading it again failed: {why}");
                            return Sent::Unclear(why);
                        }
                    };
                    if now.pointer("/metadata/uid") != patch.before.pointer("/metadata/uid") {
                        let why = "the object was deleted and recreated in the meantime; left \
                            alone";
                        return Sent::Not(why.to_owned());
                    }
                    match patch.state(&now, job.predicted.as_ref()) {
                        State::Done => return Sent::Done(Some(now)),
                        State::AsShown if tries < TRIES => live = now,
                        State::AsShown if may_have_happened => {
                            return Sent::Unclear(format!("{error}, {tries} times"));
                        }
                        State::AsShown => return Sent::Not(format!("{error}, {tries} times")),
                        State::Changed { path, by } => {
                            let by = match by.as_slice() {
                                [] => String::new(),
                                by => format!(" by {}", by.join(", ")),
                            };
                            return Sent::Not(format!(
                                "{path} was changed again{by} in the meantime; left alone"
                            ));
                        }
                    }
                }
                error => return Sent::Not(self.refusal_text(job, error)),
            }
        }
    }

    fn attempt_create(&self, job: &Job, by_apply: bool, carry: Carry) -> Sent {
        let Some(manifest) = job.what.to_create() else {
            return Sent::Not("nothing to create".to_owned());
        };
        let mut was_unclear = false;
        let mut tries = 0;
        loop {
            let (object, manager) = (&job.object, job.manager.as_str());
            let answer = if by_apply {
                self.writer.apply(object, &manifest, manager, carry)
            } else {
                self.writer.create(object, &manifest, manager, carry)
            };
            tries += 1;
            match answer {
                Ok(object) => return Sent::Done(Some(object)),
                Err(WriteError::Busy) if tries < TRIES => sleep(pause(tries)),
                Err(WriteError::AlreadyExists) if was_unclear => {
                    return match self.writer.read(object) {
                        Ok(Some(now)) if is_written_by(&now, manager) => Sent::Done(Some(now)),
                        Ok(Some(_)) => Sent::Not("someone else created it meanwhile".to_owned()),
                        Ok(None) => Sent::Not("it existed, and is gone again".to_owned()),
                        Err(why) => Sent::Unclear(why),
                    };
                }
                Err(WriteError::Unclear(_)) if tries < TRIES => {
                    was_unclear = true;
                    sleep(pause(tries));
                }
                Err(error @ WriteError::Unclear(_)) => return Sent::Unclear(error.to_string()),
                Err(error) => return Sent::Not(self.refusal_text(job, error)),
            }
        }
    }

    /// Sends a delete. Its preconditions make retries safe.
    fn attempt_delete(&self, job: &Job, before: &Value, carry: Carry) -> Sent {
        let text = |path: &str| before.pointer(path).and_then(Value::as_str);
        let Some(uid) = text("/metadata/uid") else {
            return Sent::Not("it has no uid to identify it by".to_owned());
        };
        let version = text("/metadata/resourceVersion");
        let mut was_unclear = false;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.writer.delete(&job.object, uid, version, carry) {
                Ok(()) => return Sent::Done(None),
                Err(WriteError::Busy) if tries < TRIES => sleep(pause(tries)),
                Err(WriteError::NotFound) => return Sent::Done(None),
                Err(WriteError::Conflict) if was_unclear => {
                    return match self.writer.read(&job.object) {
                        Ok(None) => Sent::Done(None),
                        Ok(Some(now)) if is_another(&now, uid) || is_ending(&now) => {
                            Sent::Done(None)
                        }
                        Ok(Some(_)) => {
                            let why = "it was changed in the meantime; left alone";
                            Sent::Not(why.to_owned())
                        }
                        Err(why) => Sent::Unclear(why),
                    };
                }
                Err(WriteError::Unclear(_)) if tries < TRIES => {
                    was_unclear = true;
                    sleep(pause(tries));
                }
                Err(error @ WriteError::Unclear(_)) => return Sent::Unclear(error.to_string()),
                Err(error) => return Sent::Not(self.refusal_text(job, error)),
            }
        }
    }

    /// Returns the text of a refusal without secrets.
    fn refusal_text(&self, job: &Job, error: WriteError) -> String {
        let WriteError::Denied {
            message: Some(message),
            ..
        } = &error
        else {
            return error.to_string();
        };
        let (declared, live) = match &job.what {
            What::Patch(patch) => (Some(&patch.wanted), Some(&patch.before)),
            What::Create { manifest, .. } => (Some(manifest), None),
            What::Delete { before, .. } => (None, Some(before)),
        };
        let key = &job.object.key;
        let message = self.redactor.message(key, [declared, live], message);
        format!("{error}: {message}")
    }
}

/// Returns whether an object is not the one with this UID.
fn is_another(object: &Value, uid: &str) -> bool {
    object.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid)
}

/// Returns whether an object is being deleted.
fn is_ending(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn is_written_by(object: &Value, manager: &str) -> bool {
    let entries = ownership_of(object).entries;
    entries.iter().any(|entry| entry.owner.manager == manager)
}

/// Returns the pause, which doubles each time.
fn pause(tries: u32) -> Duration {
    PAUSE * 2_u32.saturating_pow(tries.saturating_sub(1))
}
