//! Sends one write, and retries it if that is safe and may help.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::runner::{JobOutcome, PlanRunner};
use crate::cluster::{WriteError, WriteMode};
use crate::engine::revert::{JobState, PatchJob, RevertJob, WriteKind};
use crate::ownership::ownership_of;

/// How often a write is sent if the server is too busy or the connection breaks.
const TRIES: u32 = 4;

/// The first pause before a retry.
const PAUSE: Duration = Duration::from_millis(200);

impl PlanRunner<'_> {
    /// Does one job, with retries if that is safe and may help.
    pub(super) fn attempt(&self, at: usize, carry: WriteMode) -> JobOutcome {
        let job = &self.jobs[at];
        match &job.what {
            WriteKind::Patch(patch) => self.attempt_patch(job, patch, carry),
            WriteKind::Create { by_apply, .. } => self.attempt_create(job, *by_apply, carry),
            WriteKind::Delete { before, .. } => self.attempt_delete(job, before, carry),
        }
    }

    /// Sends a patch. Its tests make retries safe: if the patch was already applied, they fail.
    fn attempt_patch(&self, job: &RevertJob, patch: &PatchJob, carry: WriteMode) -> JobOutcome {
        let mut live = patch.before.clone();
        let mut tries = 0;
        loop {
            let operations = match patch.operations(&live) {
                Ok(operations) => operations,
                Err(unfit) => {
                    return JobOutcome::Not(format!("changed again in the meantime: {unfit}"));
                }
            };
            let answer = self
                .writer
                .patch(&job.object, &operations, &job.manager, carry);
            let error = match answer {
                Ok(object) => return JobOutcome::Done(Some(object)),
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
                        Ok(None) => return JobOutcome::Not("the object is gone".to_owned()),
                        Err(why) => {
                            let why = format!("{error}; reading it again failed: {why}");
                            return JobOutcome::Unclear(why);
                        }
                    };
                    if now.pointer("/metadata/uid") != patch.before.pointer("/metadata/uid") {
                        let why = "the object was deleted and recreated in the meantime; left \
                            alone";
                        return JobOutcome::Not(why.to_owned());
                    }
                    match patch.state(&now, job.predicted.as_ref()) {
                        JobState::Done => return JobOutcome::Done(Some(now)),
                        JobState::AsShown if tries < TRIES => live = now,
                        JobState::AsShown if may_have_happened => {
                            return JobOutcome::Unclear(format!("{error}, {tries} times"));
                        }
                        JobState::AsShown => {
                            return JobOutcome::Not(format!("{error}, {tries} times"));
                        }
                        JobState::Changed { path, by } => {
                            let by = match by.as_slice() {
                                [] => String::new(),
                                by => format!(" by {}", by.join(", ")),
                            };
                            return JobOutcome::Not(format!(
                                "{path} was changed again{by} in the meantime; left alone"
                            ));
                        }
                    }
                }
                error => return JobOutcome::Not(self.refusal_text(job, error)),
            }
        }
    }

    fn attempt_create(&self, job: &RevertJob, by_apply: bool, carry: WriteMode) -> JobOutcome {
        let Some(manifest) = job.what.to_create() else {
            return JobOutcome::Not("nothing to create".to_owned());
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
                Ok(object) => return JobOutcome::Done(Some(object)),
                Err(WriteError::Busy) if tries < TRIES => sleep(pause(tries)),
                Err(WriteError::AlreadyExists) if was_unclear => {
                    return match self.writer.read(object) {
                        Ok(Some(now)) if is_written_by(&now, manager) => {
                            JobOutcome::Done(Some(now))
                        }
                        Ok(Some(_)) => {
                            JobOutcome::Not("someone else created it in the meantime".to_owned())
                        }
                        Ok(None) => JobOutcome::Not(
                            "an object of this name existed, but is gone \
                             now; run the command again"
                                .to_owned(),
                        ),
                        Err(why) => JobOutcome::Unclear(why.to_string()),
                    };
                }
                Err(WriteError::Unclear(_)) if tries < TRIES => {
                    was_unclear = true;
                    sleep(pause(tries));
                }
                Err(error @ WriteError::Unclear(_)) => {
                    return JobOutcome::Unclear(error.to_string());
                }
                Err(error) => return JobOutcome::Not(self.refusal_text(job, error)),
            }
        }
    }

    /// Sends a delete. Its preconditions make retries safe.
    fn attempt_delete(&self, job: &RevertJob, before: &Value, carry: WriteMode) -> JobOutcome {
        let text = |path: &str| before.pointer(path).and_then(Value::as_str);
        let Some(uid) = text("/metadata/uid") else {
            return JobOutcome::Not("it has no uid to identify it by".to_owned());
        };
        let version = text("/metadata/resourceVersion");
        let mut was_unclear = false;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.writer.delete(&job.object, uid, version, carry) {
                Ok(()) => return JobOutcome::Done(None),
                Err(WriteError::Busy) if tries < TRIES => sleep(pause(tries)),
                Err(WriteError::NotFound) => return JobOutcome::Done(None),
                Err(WriteError::Conflict) if was_unclear => {
                    return match self.writer.read(&job.object) {
                        Ok(None) => JobOutcome::Done(None),
                        Ok(Some(now)) if is_another(&now, uid) || is_ending(&now) => {
                            JobOutcome::Done(None)
                        }
                        Ok(Some(_)) => {
                            let why = "it was changed in the meantime; left alone";
                            JobOutcome::Not(why.to_owned())
                        }
                        Err(why) => JobOutcome::Unclear(why.to_string()),
                    };
                }
                Err(WriteError::Unclear(_)) if tries < TRIES => {
                    was_unclear = true;
                    sleep(pause(tries));
                }
                Err(error @ WriteError::Unclear(_)) => {
                    return JobOutcome::Unclear(error.to_string());
                }
                Err(error) => return JobOutcome::Not(self.refusal_text(job, error)),
            }
        }
    }

    /// Returns the text of a refusal without secrets.
    fn refusal_text(&self, job: &RevertJob, error: WriteError) -> String {
        let WriteError::Denied {
            message: Some(message),
            ..
        } = &error
        else {
            return error.to_string();
        };
        let (declared, live) = match &job.what {
            WriteKind::Patch(patch) => (Some(&patch.wanted), Some(&patch.before)),
            WriteKind::Create { manifest, .. } => (Some(manifest), None),
            WriteKind::Delete { before, .. } => (None, Some(before)),
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
pub(super) fn is_ending(object: &Value) -> bool {
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
