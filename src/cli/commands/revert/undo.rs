//! Undoes an earlier revert, and lists those that can be undone.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::attempt::is_ending;
use super::end::End;
use super::flow;
use super::record::uid_of_cluster;
use super::runner::{PlanRunner, RunSettings, StateCheck};
use super::say;
use crate::cli::args::RevertArgs;
use crate::cli::comparison::cluster;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::cluster::{Discovery as _, ObjectRequest, ServedKind, Writer};
use crate::engine::revert::{FieldWrite, PatchJob, RevertJob, WriteKind, reordered_lists};
use crate::model::{
    Action, Change, FieldPath, PathElement, Plan, PlanChange, PlanStep, RefusalReason, RefusedItem,
    ResourceKey, StepAction, StepProgress, WrittenAs,
};
use crate::output::escape;
use crate::ownership::ownership_of;
use crate::patch;
use crate::redact::Redactor;
use crate::state::{UndoAction, UndoObject, UndoRecord, UndoRecords};

/// The field manager of writes for which no other manager's name is right.
const UNDO_NAME: &str = "driftctl-undo";

/// Lists the reverts that can be undone, the latest first.
///
/// # Errors
/// Fails if they cannot be read, or standard output cannot be written to.
pub fn list(_settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let records = UndoRecords::of_user()?.all()?;
    let left: Vec<&UndoRecord> = records.iter().filter(|record| !record.undone).collect();
    if left.is_empty() {
        writeln!(streams.out, "no revert to undo")?;
    }
    for record in left {
        let mut objects: Vec<String> = record
            .objects
            .iter()
            .map(|object| object.key().to_string())
            .collect();
        let more = objects.len().saturating_sub(3);
        objects.truncate(3);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let line = format!(
            "{}  {}  {}{more}",
            record.id,
            record.server.as_deref().unwrap_or("-"),
            objects.join(", ")
        );
        writeln!(streams.out, "{}", escape::line(&line))?;
    }
    Ok(Exit::Clean)
}

/// Undoes a revert: the one with this ID, or the last one on this cluster.
///
/// # Errors
/// Fails if no revert was recorded, or it was made in another cluster.
pub fn run(
    args: &RevertArgs,
    id: Option<&str>,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<Exit> {
    let api = cluster(&args.act.drift.live.connection, &[])?;
    let writer = Writer::of(&api);
    let target = api.target();
    let cluster = uid_of_cluster(&writer);
    let records = UndoRecords::of_user()?;
    let is_here = |record: &UndoRecord| match (&record.cluster, &cluster) {
        (Some(then), Some(now)) => then == now,
        _ => record.server == target.server,
    };
    let mut record = match id {
        Some(id) => records.find(id)?,
        None => {
            let mut all = records.all()?.into_iter();
            match all.find(|record| !record.undone && is_here(record)) {
                Some(record) => record,
                None => bail!(
                    "no revert of this cluster to undo; --list-undo lists those of other clusters"
                ),
            }
        }
    };
    ensure!(
        is_here(&record),
        "{} was made in another cluster ({}); this is {}. Name the right context with --context",
        record.id,
        record.server.as_deref().unwrap_or("unknown address"),
        target.server.as_deref().unwrap_or("another")
    );
    ensure!(!record.undone, "{} was already undone", record.id);
    let redactor = Redactor::default();
    let mut plan = Plan::new(Action::Undo, target);
    let mut jobs = Vec::new();
    // The last change is undone first.
    for object in record.objects.iter().rev() {
        let undo = plan_object(object, &writer, &redactor)?;
        plan.refused.extend(undo.refused);
        if let Some((step, job)) = undo.work {
            plan.steps.push(step);
            jobs.push(job);
        }
    }
    plan.refused.sort();
    let judge = StateCheck::Values;
    let short = if plan.refused.is_empty() {
        Exit::Clean
    } else {
        Exit::Trouble
    };
    let mut carrier = PlanRunner {
        plan,
        jobs,
        writer,
        redactor: &redactor,
        judge: &judge,
        // An undo needs no record: the one of the revert has the earlier state.
        manner: RunSettings::of(&args.act.write, false, settings.now),
    };
    let end = flow::run(&mut carrier, &args.act.write, settings, streams)?;
    let plan = &carrier.plan;
    let is_whole = match end {
        End::Done => plan.objects(StepProgress::Done) == plan.steps.len(),
        // All of it is as it was before the revert.
        End::NothingToDo => !args.act.write.dry_run,
        _ => false,
    };
    if is_whole && short == Exit::Clean {
        record.undone = true;
        records.keep(&record)?;
    }
    say::print_revert_result((end, false), &args.act.write, plan, settings, streams)?;
    Ok(end.exit(plan, short))
}

/// The plan for the undo of one object. Without work and refusals, it is as before the revert.
#[derive(Default)]
struct UndoStep {
    work: Option<(PlanStep, RevertJob)>,
    refused: Vec<RefusedItem>,
}

impl UndoStep {
    fn of(step: PlanStep, job: RevertJob) -> Self {
        Self {
            work: Some((step, job)),
            refused: Vec::new(),
        }
    }
}

/// An object whose change is to be undone.
struct UndoneObject<'u> {
    object: &'u UndoObject,
    wanted: ObjectRequest,
}

fn plan_object(object: &UndoObject, writer: &Writer<'_>, redactor: &Redactor) -> Result<UndoStep> {
    let undoing = UndoneObject::of(object);
    let now = match writer.read(&undoing.wanted) {
        Ok(now) => now,
        Err(why) => {
            let message = format!("it cannot be read: {why}");
            return Ok(undoing.refuse(RefusalReason::NotCompared, message));
        }
    };
    let is_same = |now: &Value| {
        let uid = now.pointer("/metadata/uid").and_then(Value::as_str);
        uid == object.uid.as_deref()
    };
    let changed = |message: &str| Ok(undoing.refuse(RefusalReason::Changed, message.to_owned()));
    match (object.done, now) {
        (UndoAction::Created, None) => Ok(UndoStep::default()),
        (UndoAction::Created, Some(now)) if is_same(&now) => Ok(undoing.delete(now)),
        (UndoAction::Created, Some(_)) if object.uid.is_none() => changed(
            "it is not known whether the revert created it; left alone. Delete it yourself if it did",
        ),
        (UndoAction::Deleted, None) => Ok(undoing.create()),
        // The server never responded, and the object was not deleted.
        (UndoAction::Deleted, Some(now)) if is_same(&now) && !is_ending(&now) => {
            Ok(UndoStep::default())
        }
        (UndoAction::Deleted, Some(now)) if is_same(&now) => {
            changed("it is still being deleted; run the command again once it is gone")
        }
        (UndoAction::Deleted, Some(_)) => {
            changed("an object of this name exists again; left alone")
        }
        (UndoAction::Patched, None) => changed("the object is gone"),
        (_, Some(now)) if !is_same(&now) => {
            changed("the object was deleted and recreated since; left alone")
        }
        (UndoAction::Patched | UndoAction::Created, Some(now)) => undoing.patch(now, redactor),
    }
}

impl<'u> UndoneObject<'u> {
    fn of(object: &'u UndoObject) -> Self {
        let kind = ServedKind {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            plural: object.plural.clone(),
            namespaced: object.namespace.is_some(),
            short_names: Vec::new(),
        };
        let key = object.key();
        Self {
            object,
            wanted: ObjectRequest {
                key,
                kind: kind.into(),
            },
        }
    }

    fn refuse(&self, why: RefusalReason, message: String) -> UndoStep {
        let refused = RefusedItem::because(&self.wanted.key, &FieldPath::root(), why, message);
        UndoStep {
            work: None,
            refused: vec![refused],
        }
    }

    fn step(&self, how: StepAction, changes: Vec<PlanChange>) -> PlanStep {
        PlanStep {
            key: self.wanted.key.clone(),
            api_version: self.object.api_version.clone(),
            origin: None,
            how,
            changes,
            written_as: None,
            remarks: Vec::new(),
            progress: StepProgress::Planned,
            outcome: None,
        }
    }

    fn job(&self, what: WriteKind, manager: &str) -> RevertJob {
        RevertJob::new(self.wanted.clone(), what, manager.to_owned(), None)
    }

    /// Plans to delete what was created.
    fn delete(&self, now: Value) -> UndoStep {
        let what = WriteKind::Delete {
            before: now,
            is_whole: true,
        };
        UndoStep::of(
            self.step(StepAction::Delete, Vec::new()),
            self.job(what, UNDO_NAME),
        )
    }

    /// Plans to create what was deleted.
    fn create(&self) -> UndoStep {
        let Some(manifest) = self.object.before.clone() else {
            let message = "only its metadata was read before it was deleted, so it cannot be \
                           recreated; apply it from its source";
            return self.refuse(RefusalReason::Impossible, message.to_owned());
        };
        let what = WriteKind::Create {
            manifest,
            by_apply: false,
            keeps_last_applied: false,
        };
        UndoStep::of(
            self.step(StepAction::Create, Vec::new()),
            self.job(what, UNDO_NAME),
        )
    }

    /// Plans to change back what was changed.
    fn patch(&self, now: Value, redactor: &Redactor) -> Result<UndoStep> {
        let key = &self.wanted.key;
        let (edits, refused) = edits(self.object, key, &now)?;
        if edits.is_empty() {
            return Ok(UndoStep {
                refused,
                work: None,
            });
        }
        let manager = manager_of(self.object);
        let patch = PatchJob {
            before: now,
            wanted: self.object.before.clone().unwrap_or_default(),
            edits,
            kept: Vec::new(),
        };
        if let Err(unfit) = patch.operations(&patch.before) {
            return Ok(self.refuse(RefusalReason::Impossible, unfit.to_string()));
        }
        let mut step = self.step(StepAction::Patch, shown(key, &patch, redactor));
        for list in reordered_lists(&patch) {
            let remark = format!("also puts {list} back in its earlier order");
            step.remarks.push(remark);
        }
        let why = if manager == UNDO_NAME {
            "because several managers had written these fields"
        } else {
            "which wrote these fields before"
        };
        step.written_as = Some(WrittenAs {
            manager: manager.clone(),
            why: why.to_owned(),
        });
        let step = UndoStep::of(step, self.job(WriteKind::Patch(patch), &manager));
        Ok(UndoStep { refused, ..step })
    }
}

/// Returns the fields that are still as the revert left them, and those that are not. The items of
/// a list stand for each other where one replaced another, so all of them are left alone if one of
/// them is.
fn edits(
    object: &UndoObject,
    key: &ResourceKey,
    now: &Value,
) -> Result<(Vec<FieldWrite>, Vec<RefusedItem>)> {
    let ownership = ownership_of(now);
    let (mut edits, mut refused) = (Vec::new(), Vec::new());
    for edit in &object.edits {
        let path = edit.field_path()?;
        let found = patch::find(now, &path).ok().flatten();
        let is = found.map(|(_, value)| value.clone());
        let is_stale = is != edit.after && edit.by_server;
        if is == edit.before || is_stale {
            continue;
        }
        let owners = ownership.owners_of(&path, 0);
        if is != edit.after {
            let mut by: Vec<&str> = owners.iter().map(|o| o.manager.as_str()).collect();
            by.dedup();
            let by = match by.as_slice() {
                [] => String::new(),
                by => format!(" by {}", by.join(", ")),
            };
            let message = format!("it was changed again{by} since the revert; left alone");
            refused.push(RefusedItem::because(
                key,
                &path,
                RefusalReason::Changed,
                message,
            ));
            continue;
        }
        edits.push(FieldWrite {
            former: owners.into_iter().cloned().collect(),
            to: edit.before.clone(),
            path,
        });
    }
    let lists: BTreeSet<FieldPath> = refused
        .iter()
        .filter_map(|item: &RefusedItem| list_of(&item.path))
        .collect();
    let (tied, edits) = edits.into_iter().partition(|edit: &FieldWrite| {
        list_of(&edit.path).is_some_and(|list| lists.contains(&list))
    });
    for FieldWrite { path, .. } in tied {
        let message = "another item of its list was changed again since the revert; left alone";
        refused.push(RefusedItem::because(
            key,
            &path,
            RefusalReason::Changed,
            message,
        ));
    }
    Ok((edits, refused))
}

/// Returns the list of which this is a whole item.
fn list_of(path: &FieldPath) -> Option<FieldPath> {
    let (last, list) = path.0.split_last()?;
    (!matches!(last, PathElement::Field(_))).then(|| FieldPath(list.to_vec()))
}

/// Returns the manager that had written all of the fields, or else driftctl's own name. A field
/// that was not there had none.
fn manager_of(object: &UndoObject) -> String {
    let mut managers: Vec<&String> = object.edits.iter().flat_map(|e| &e.managers).collect();
    managers.sort();
    managers.dedup();
    let mut written = object.edits.iter().filter(|edit| edit.before.is_some());
    let all_had_one = written.all(|edit| !edit.managers.is_empty());
    match managers.as_slice() {
        [one] if all_had_one => (*one).clone(),
        _ => UNDO_NAME.to_owned(),
    }
}

/// Returns the changes without secrets, masked as in any report.
fn shown(key: &ResourceKey, job: &PatchJob, redactor: &Redactor) -> Vec<PlanChange> {
    let mut changes: Vec<Change> = job.edits.iter().map(|edit| change(job, edit)).collect();
    redactor.changes(key, [Some(&job.wanted), Some(&job.before)], &mut changes);
    let changes = changes.into_iter().zip(&job.edits);
    changes
        .map(|(change, edit)| PlanChange::of(change, edit.former.clone()))
        .collect()
}

/// Returns the change from the live value to the earlier one, as a diff would report it.
fn change(job: &PatchJob, edit: &FieldWrite) -> Change {
    let found = patch::find(&job.before, &edit.path).ok().flatten();
    let live = found.map(|(_, value)| value.clone());
    Change::between(edit.path.clone(), edit.to.clone(), live)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::state::UndoEdit;

    #[test]
    fn an_undo_is_written_as_who_wrote_the_fields_before() {
        let edit = |before: Option<Value>, managers: &[&str]| UndoEdit {
            path: ".data.a".to_owned(),
            after: None,
            before,
            managers: managers.iter().map(|name| (*name).to_owned()).collect(),
            by_server: false,
        };
        let manager = |edits: Vec<UndoEdit>| {
            manager_of(&UndoObject {
                api_version: "v1".to_owned(),
                group: String::new(),
                kind: "ConfigMap".to_owned(),
                plural: "configmaps".to_owned(),
                namespace: None,
                name: "a".to_owned(),
                uid: None,
                done: UndoAction::Patched,
                edits,
                before: None,
            })
        };
        let by = |name: &str| edit(Some(json!("1")), &[name]);
        let absent = || edit(None, &[]);
        assert_eq!(manager(vec![by("kubectl-edit"), absent()]), "kubectl-edit");
        assert_eq!(manager(vec![by("kubectl-edit"), by("helm")]), UNDO_NAME);
        assert_eq!(
            manager(vec![edit(Some(json!("1")), &[]), by("helm")]),
            UNDO_NAME
        );
        assert_eq!(manager(vec![absent()]), UNDO_NAME);
    }
}
