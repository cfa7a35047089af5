//! Carries out a plan: as a dry run first, then one object after the other, then reads again.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use super::event::event;
use super::flow::PlanExecutor;
use super::record::UndoRecorder;
use crate::cli::args::WriteArgs;
use crate::cluster::{Api, LiveObject, ReadFailure, ReadResult, WriteError, WriteMode, Writer};
use crate::engine::revert::{
    JobState, RevertJob, WriteKind, applied_fields, hand_back, restore_applier_entry,
    side_effects_of, take_back_maps,
};
use crate::facts::BUILT_IN_GROUPS;
use crate::model::{Action, FieldPath, ObjectStatus, Plan, Report, ResourceKey, StepProgress};
use crate::redact::Redactor;
use crate::signals::WritingRun;
use crate::state::UndoRecords;

/// How often giving ownership back to an applier is tried while others write: a controller writes
/// the status several times after a change.
const HAND_BACK_TRIES: u32 = 6;

/// The pause before the second of these tries; it gets longer with each.
const HAND_BACK_PAUSE: Duration = Duration::from_millis(50);

/// Decides whether an object has the expected state.
pub enum StateCheck<'a> {
    /// By making the comparison that found the drift again, with other objects.
    Comparison(&'a dyn Fn(BTreeMap<ResourceKey, ReadResult>) -> Result<Report>),
    /// By the values themselves, if there is no manifest.
    Values,
}

/// How to carry out the plan.
pub struct RunSettings {
    /// Whether to continue with the others when one is refused.
    pub keep_going: bool,
    /// Whether to write Events.
    pub events: bool,
    /// Whether the plan can be undone afterwards.
    pub keeps_record: bool,
    /// The current time.
    pub now: Timestamp,
}

impl RunSettings {
    /// Reads the options from the arguments.
    pub fn of(words: &WriteArgs, keeps_record: bool, now: Timestamp) -> Self {
        Self {
            keep_going: words.keep_going,
            events: !words.no_event,
            keeps_record,
            now,
        }
    }
}

/// The outcome of one job.
pub(super) enum JobOutcome {
    /// The server returned the object after the write; nothing for a delete.
    Done(Option<Value>),
    /// Nothing was written, and why.
    Not(String),
    /// It may have been written, and why that is unknown.
    Unclear(String),
}

/// Carries out a plan. Steps after those with a job are left to the caller.
pub struct PlanRunner<'a> {
    /// The plan as people see it, with the progress of each step.
    pub plan: Plan,
    /// The jobs, one per step.
    pub jobs: Vec<RevertJob>,
    /// The writer.
    pub writer: Writer<'a>,
    /// Masks the messages of policies.
    pub redactor: &'a Redactor,
    /// Decides whether a write worked.
    pub judge: &'a StateCheck<'a>,
    /// The options.
    pub manner: RunSettings,
}

impl<'a> PlanRunner<'a> {
    /// Returns a carrier for a plan that can be undone afterwards.
    pub fn undoable(
        plan: Plan,
        jobs: Vec<RevertJob>,
        api: &'a Api,
        (redactor, judge): (&'a Redactor, &'a StateCheck<'a>),
        words: &WriteArgs,
        now: Timestamp,
    ) -> Self {
        Self {
            plan,
            jobs,
            writer: Writer::of(api),
            redactor,
            judge,
            manner: RunSettings::of(words, true, now),
        }
    }
}

impl PlanExecutor for PlanRunner<'_> {
    fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// Sends everything as a dry run, and marks the steps that the server would refuse or change.
    fn rehearse(&mut self) -> Result<()> {
        for at in 0..self.jobs.len() {
            match self.attempt(at, WriteMode::DryRun) {
                JobOutcome::Done(answer) => {
                    if let Some(answer) = &answer {
                        self.note_side_effects(at, answer);
                    }
                    self.jobs[at].predicted = answer;
                }
                JobOutcome::Not(why) => self.fail(at, why),
                JobOutcome::Unclear(why) => {
                    self.fail(at, format!("the dry run got no result: {why}"));
                }
            }
        }
        let answers = self.predicted();
        let StateCheck::Comparison(again) = self.judge else {
            return Ok(());
        };
        let report = again(answers)?;
        for at in 0..self.jobs.len() {
            if self.plan.steps[at].progress != StepProgress::Planned {
                continue;
            }
            let kept = self.left_over(at, &report);
            if !kept.is_empty() {
                let why = format!(
                    "the server would not keep the change: {} stays as it is (a mutating webhook \
                     or a controller resets it)",
                    kept.join(", ")
                );
                self.fail(at, why);
            }
        }
        Ok(())
    }

    /// Writes, and reads again.
    fn carry_out(&mut self) -> Result<()> {
        let _writing = WritingRun::begin();
        self.writer.outlast_signals();
        // The user may have taken a while to answer.
        self.writer.begin_anew();
        let mut recorder = match self.manner.keeps_record {
            true => {
                let records = UndoRecords::of_user()?;
                let (writer, plan) = (&self.writer, &self.plan);
                Some(UndoRecorder::begin(records, writer, plan, self.manner.now)?)
            }
            false => None,
        };
        self.send(recorder.as_mut())?;
        if let Err(why) = self.verify() {
            self.keep_unverified(&why);
        }
        self.plan.undo = recorder.and_then(UndoRecorder::end);
        Ok(())
    }
}

impl PlanRunner<'_> {
    fn predicted(&self) -> BTreeMap<ResourceKey, ReadResult> {
        let jobs = self.jobs.iter();
        let answers = jobs.filter_map(|job| match (&job.what, &job.predicted) {
            (WriteKind::Delete { .. }, _) => Some((job.object.key.clone(), ReadResult::Absent)),
            (_, Some(object)) => Some((job.object.key.clone(), found(job, object))),
            (_, None) => None,
        });
        answers.collect()
    }

    fn note_side_effects(&mut self, at: usize, answer: &Value) {
        let Some(patch) = self.jobs[at].patch() else {
            return;
        };
        let effects = side_effects_of(patch, answer);
        let effects: Vec<String> = effects.iter().map(ToString::to_string).collect();
        if !effects.is_empty() {
            const MOST: usize = 5;
            let mut shown = effects.join(", ");
            if effects.len() > MOST {
                let more = effects.len() - MOST;
                shown = format!("{} and {more} more", effects[..MOST].join(", "));
            }
            let remark = format!("the server would also change {shown}");
            self.plan.steps[at].remarks.push(remark);
        }
    }

    /// Returns the selected changes that the report after the write still contains. Changes by
    /// others elsewhere in the object do not matter.
    fn left_over(&self, at: usize, report: &Report) -> Vec<String> {
        let job = &self.jobs[at];
        let mut objects = report.objects.iter();
        let now = objects.find(|object| object.key == job.object.key);
        let Some(patch) = job.patch() else {
            let is_there = now.is_some_and(|object| match job.what {
                WriteKind::Delete { .. } => object.status() == ObjectStatus::Extra,
                _ => object.status() == ObjectStatus::Missing,
            });
            return if is_there {
                vec![".".to_owned()]
            } else {
                Vec::new()
            };
        };
        let Some(now) = now else {
            return Vec::new();
        };
        if matches!(now.status(), ObjectStatus::Missing | ObjectStatus::Unknown) {
            return vec![".".to_owned()];
        }
        let is_ours = |path: &FieldPath| {
            let mut edits = patch.edits.iter();
            edits.any(|edit| edit.path.starts_with(path) || path.starts_with(&edit.path))
        };
        let drifts = now.drifts.iter().filter(|drift| drift.is_drift());
        let drifts = drifts.map(|drift| &drift.change.path);
        let kept = drifts.filter(|path| is_ours(path));
        kept.map(ToString::to_string).collect()
    }

    /// Writes. Each step that was sent is marked as partly done until it is read again.
    ///
    /// # Errors
    /// Fails if the undo record cannot be saved before anything was sent.
    fn send(&mut self, mut recorder: Option<&mut UndoRecorder>) -> Result<()> {
        let mut sent = 0;
        for at in 0..self.jobs.len() {
            if self.plan.steps[at].progress != StepProgress::Planned {
                continue;
            }
            if self.writer.is_interrupted() {
                self.plan
                    .fail_rest("the run was interrupted before this change");
                break;
            }
            if let Some(recorder) = &mut recorder {
                self.read_before_deletion(at);
                if let Err(error) = recorder.note(&self.jobs[at]) {
                    if sent == 0 {
                        return Err(error);
                    }
                    self.fail(
                        at,
                        format!("not sent, because how to undo it cannot be saved: {error:#}"),
                    );
                    self.plan
                        .skip_rest("not sent, because another change failed");
                    break;
                }
            }
            sent += 1;
            match self.attempt(at, WriteMode::Out) {
                JobOutcome::Done(answer) => {
                    self.plan.steps[at].progress = StepProgress::Partly;
                    if let Some(recorder) = &mut recorder
                        && let Err(error) = recorder.note_result(&self.jobs[at], answer.as_ref())
                    {
                        let remark = format!(
                            "note: what the server changed by itself is not in the undo record: \
                             {error:#}"
                        );
                        self.plan.steps[at].remarks.push(remark);
                    }
                    if let Some(answer) = answer {
                        self.hand_back(at, answer);
                    }
                }
                JobOutcome::Unclear(why) => {
                    self.plan.steps[at].progress = StepProgress::Partly;
                    let why = format!("the result of the write is unknown: {why}");
                    self.plan.steps[at].outcome = Some(why);
                    if !self.manner.keep_going {
                        self.plan
                            .skip_rest("not sent, because the result of another change is unknown");
                        break;
                    }
                }
                JobOutcome::Not(why) => {
                    if let Some(recorder) = &mut recorder {
                        recorder.remove_last();
                    }
                    self.fail(at, why);
                    if !self.manner.keep_going {
                        self.plan
                            .skip_rest("not sent, because another change failed");
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the whole of an object that is about to be deleted, so that it can be recreated: only
    /// the metadata of extra objects was read. An object that changed in the meantime is not
    /// deleted.
    fn read_before_deletion(&mut self, at: usize) {
        let job = &mut self.jobs[at];
        let WriteKind::Delete { before, is_whole } = &mut job.what else {
            return;
        };
        if let Ok(Some(whole)) = self.writer.read(&job.object) {
            let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
            if version(&whole) == version(before) {
                *before = whole;
                *is_whole = true;
            }
        }
    }

    /// Marks what was written and could not be compared again: its result is not known to be right.
    fn keep_unverified(&mut self, why: &anyhow::Error) {
        let steps = self.plan.steps.iter_mut();
        for step in steps.filter(|step| step.progress == StepProgress::Partly) {
            step.outcome.get_or_insert_with(|| {
                format!("the server accepted it, but it could not be compared again: {why:#}")
            });
        }
    }

    /// Reads the written objects again, and reports what was found.
    ///
    /// # Errors
    /// Fails if the objects cannot be compared with the manifests.
    fn verify(&mut self) -> Result<()> {
        self.writer.begin_anew();
        let mut read: BTreeMap<ResourceKey, ReadResult> = BTreeMap::new();
        let mut values: BTreeMap<usize, Option<Value>> = BTreeMap::new();
        // Each read is retried for a while; a server that is gone is not waited for again.
        let mut unreachable: Option<ReadFailure> = None;
        for at in 0..self.jobs.len() {
            if self.plan.steps[at].progress != StepProgress::Partly {
                continue;
            }
            let job = &self.jobs[at];
            let answer = match &unreachable {
                Some(why) => Err(why.clone()),
                None => self.writer.read(&job.object),
            };
            match answer {
                Ok(value) => {
                    let answer = value.as_ref().map(|value| found(job, value));
                    read.insert(job.object.key.clone(), answer.unwrap_or(ReadResult::Absent));
                    values.insert(at, value);
                }
                Err(why) => {
                    // Without a response to the write, its result is already said to be unknown.
                    self.plan.steps[at].outcome.get_or_insert_with(|| {
                        format!(
                            "the server accepted it, but the object could not be read again: {why}"
                        )
                    });
                    unreachable = Some(why).filter(|why| why.is_unreachable);
                }
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let report = match self.judge {
            StateCheck::Comparison(again) => Some(again(read)?),
            StateCheck::Values => None,
        };
        for (at, value) in values {
            let kept = match (self.judge, &report) {
                (StateCheck::Comparison(_), Some(report)) => self.left_over(at, report),
                _ => self.values_left(at, value.as_ref()),
            };
            let is_deletion = matches!(self.jobs[at].what, WriteKind::Delete { .. });
            let is_ending = value
                .as_ref()
                .is_some_and(|value| value.pointer("/metadata/deletionTimestamp").is_some());
            // An object that reads as before was not changed, whatever the server responded.
            let is_as_before = match (&self.jobs[at].what, &value) {
                (WriteKind::Patch(patch), Some(now)) => patch.state(now, None) == JobState::AsShown,
                (WriteKind::Create { .. }, now) => now.is_none(),
                (WriteKind::Delete { .. }, now) => now.is_some(),
                (WriteKind::Patch(_), None) => false,
            };
            let step = &mut self.plan.steps[at];
            if is_deletion && (value.is_none() || is_ending) {
                step.progress = StepProgress::Done;
                step.outcome = is_ending
                    .then(|| "deleted; it goes away once its finalizers are removed".to_owned());
                self.write_event(at, value.as_ref());
            } else if kept.is_empty() && value.is_some() {
                step.progress = StepProgress::Done;
                step.outcome = None;
                self.write_event(at, value.as_ref());
            } else {
                let before = step.outcome.take();
                let is = match value {
                    None => "it is gone".to_owned(),
                    Some(_) if is_deletion => "it still exists".to_owned(),
                    Some(_) => format!("{} does not have the expected value", kept.join(", ")),
                };
                step.outcome = Some(match before {
                    Some(before) => format!("read again: {is}; {before}"),
                    None => format!("written, but on reading it again {is}: someone changed it"),
                });
                if is_as_before {
                    self.plan.steps[at].progress = StepProgress::Failed;
                }
            }
        }
        Ok(())
    }

    /// Returns the fields that do not have the expected value.
    fn values_left(&self, at: usize, value: Option<&Value>) -> Vec<String> {
        let job = &self.jobs[at];
        match (&job.what, value) {
            (WriteKind::Patch(patch), Some(now)) => {
                match patch.state(now, job.predicted.as_ref()) {
                    JobState::Done => Vec::new(),
                    JobState::AsShown => patch.edits.iter().map(|e| e.path.to_string()).collect(),
                    JobState::Changed { path, .. } => vec![path.to_string()],
                }
            }
            (WriteKind::Create { .. }, Some(_)) => Vec::new(),
            _ => vec![".".to_owned()],
        }
    }

    fn write_event(&mut self, at: usize, object: Option<&Value>) {
        if !self.manner.events {
            return;
        }
        let before = self.jobs[at].patch().map(|patch| &patch.before);
        let object = object.or(before);
        let uid = object.and_then(|object| object.pointer("/metadata/uid")?.as_str());
        let action: Action = self.plan.action;
        let (namespace, event) = event(
            &self.plan.steps[at],
            action,
            uid.unwrap_or_default(),
            self.manner.now,
        );
        if let Err(error) = self.writer.event(&namespace, &event) {
            let why = match error {
                WriteError::Forbidden(_) => "create events is not allowed".to_owned(),
                error => error.to_string(),
            };
            let remark = format!("note: no Event was written: {why}");
            self.plan.steps[at].remarks.push(remark);
        }
    }

    fn fail(&mut self, at: usize, why: String) {
        let step = &mut self.plan.steps[at];
        step.progress = StepProgress::Failed;
        step.outcome = Some(why);
    }

    /// Gives the fields back to the manager that applies the object with server-side apply, emptied
    /// maps to one that updates, and an object that nobody owns to its applier. A failure is only a
    /// note: the object is right, but its next apply may report a conflict.
    fn hand_back(&mut self, at: usize, answer: Value) {
        let job = &self.jobs[at];
        let Some(patch) = job.patch() else {
            return;
        };
        let applier = job.hand_back.as_ref();
        let owner = (applier.unwrap_or(&job.manager).as_str(), applier.is_some());
        // A custom resource may have maps without a type.
        let may_be_untyped = !BUILT_IN_GROUPS.contains(&job.object.key.group.as_str());
        let as_applied = applier.filter(|_| may_be_untyped).and_then(|applier| {
            let (object, wanted) = (&job.object, &patch.wanted);
            let applied = self
                .writer
                .apply(object, wanted, applier, WriteMode::DryRun);
            applied_fields(&applied.ok()?, applier).cloned()
        });
        let mut live = answer;
        let mut why = String::new();
        for tries in 1..=HAND_BACK_TRIES {
            let refilled = restore_applier_entry(&live, owner, patch, self.manner.now);
            let operations = refilled.or_else(|| match applier {
                Some(applier) => {
                    hand_back(&live, &job.manager, applier, patch, as_applied.as_ref())
                }
                None => take_back_maps(&live, &job.manager, patch),
            });
            let Some(operations) = operations else {
                return;
            };
            let answer = self
                .writer
                .patch(&job.object, &operations, &job.manager, WriteMode::Out);
            match answer {
                Ok(_) => return,
                Err(
                    error @ (WriteError::TestFailed
                    | WriteError::Conflict
                    | WriteError::Busy
                    | WriteError::Unclear(_)),
                ) => {
                    why = error.to_string();
                    sleep(HAND_BACK_PAUSE * tries);
                    match self.writer.read(&job.object) {
                        Ok(Some(now)) => live = now,
                        _ => break,
                    }
                }
                Err(error) => {
                    why = error.to_string();
                    break;
                }
            }
        }
        let Some(applier) = applier else {
            return;
        };
        let remark = format!(
            "note: {} still owns what it wrote ({why}); if the next apply by {applier} reports a \
             conflict with it, use --force-conflicts",
            job.manager
        );
        self.plan.steps[at].remarks.push(remark);
    }
}

fn found(job: &RevertJob, object: &Value) -> ReadResult {
    let key = job.object.key.clone();
    let version = job.object.kind.api_version.clone();
    ReadResult::Found(LiveObject::from_value(key, version, object))
}
