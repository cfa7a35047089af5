//! Turns decisions into one plan: finds the change that each line means, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow, ensure};
use jiff::Timestamp;

use super::local::LocalWrites;
use super::start;
use super::todo::{Todo, TodoDecision, TodoLine};
use crate::cli::args::TriageArgs;
use crate::cli::commands::accept::{AcceptTerms, AcceptedDrift};
use crate::cli::commands::backport::EditedFiles;
use crate::cli::commands::rewrite::FileRewrite;
use crate::cli::commands::{expiry, ignore, revert};
use crate::cli::comparison::{EditRenderer, RepeatableComparison};
use crate::cli::settings::Settings;
use crate::cluster::Overlay;
use crate::config;
use crate::engine::revert::{RevertPlan, RevertRequest};
use crate::engine::triage::TriageItem;
use crate::engine::{backport, revert as reverts};
use crate::model::{
    Action, FieldPath, ObjectReport, ObjectStatus, Plan, PlanChange, PlanStep, RefusalReason,
    RefusedItem, Report, ResourceKey, StepAction, StepProgress, Verdict,
};
use crate::output::{object_name, todo_text};
use crate::policy::{ACCEPTED, RuleSpec};
use crate::redact::Redacted;

/// The outcome of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum LineOutcome {
    /// The line says keep.
    Kept,
    /// The change with this index is acted on.
    Meant(usize),
    /// There is nothing left to do.
    Over(String),
    /// It is left alone.
    Skipped(RefusalReason, String),
    /// The decision was carried out: with what progress and note.
    Acted(StepProgress, Option<String>),
}

/// The inputs of a plan.
pub struct TriageInputs<'a> {
    pub args: &'a TriageArgs,
    pub again: &'a RepeatableComparison,
    pub overlay: &'a Overlay<'a>,
    pub report: &'a Report,
    pub shown: &'a Redacted,
}

/// The lines, and the outcome of each.
pub struct TriagePlan<'a> {
    pub lines: &'a [TodoLine],
    items: &'a [TriageItem<'a>],
    pub fates: Vec<LineOutcome>,
}

impl<'a> TriagePlan<'a> {
    /// Finds the change of each line.
    pub fn of(
        todo: &'a Todo,
        items: &'a [TriageItem<'a>],
        report: &Report,
        now: Timestamp,
    ) -> Self {
        let texts: Vec<_> = items
            .iter()
            .map(|item| todo_text(item.shown, item.shown_drift, Some(now)))
            .collect();
        let mut by_name: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, text) in texts.iter().enumerate() {
            let name = (text.object.as_str(), text.path.as_str());
            by_name.entry(name).or_default().push(at);
        }
        let fate = |line: &TodoLine| {
            if line.decision == TodoDecision::Keep {
                return LineOutcome::Kept;
            }
            let of = by_name.get(&(line.object.as_str(), line.path.as_str()));
            let of = of.map_or(&[][..], Vec::as_slice);
            if let Some(at) = of.iter().find(|at| items[**at].mark == line.mark) {
                return LineOutcome::Meant(*at);
            }
            let other = of.first().and_then(|at| texts.get(*at));
            match other {
                Some(now) => {
                    let by = match now.who.as_str() {
                        "" => String::new(),
                        who => format!(" by {who}"),
                    };
                    let message = format!(
                        "changed since the file was written, now {}{by}; left alone",
                        now.what
                    );
                    LineOutcome::Skipped(RefusalReason::Changed, message)
                }
                None => not_found(line, report),
            }
        };
        Self {
            lines: &todo.lines,
            items,
            fates: todo.lines.iter().map(fate).collect(),
        }
    }

    /// Returns the changes of lines whose decision matches.
    fn lines_with(
        &self,
        which: impl Fn(&TodoDecision) -> bool,
    ) -> impl Iterator<Item = (&TodoLine, &TriageItem<'a>)> {
        let lines = self.lines.iter().zip(&self.fates);
        lines.filter_map(move |(line, fate)| match fate {
            LineOutcome::Meant(at) if which(&line.decision) => Some((line, &self.items[*at])),
            _ => None,
        })
    }

    /// Returns one plan for all decisions, and what is written locally.
    ///
    /// # Errors
    /// Fails if a file cannot be read or added to, or the target of a write is a recording.
    pub fn plan(
        &mut self,
        wanted: &TriageInputs<'_>,
        settings: &Settings,
    ) -> Result<(RevertPlan, LocalWrites)> {
        let mut planned = RevertPlan {
            plan: Plan::new(Action::Triage, wanted.report.target.clone()),
            jobs: Vec::new(),
            falls_short: false,
        };
        self.reverts(wanted, &mut planned)?;
        let plan = &mut planned.plan;
        let mut local = LocalWrites::default();
        self.backports(wanted, plan, &mut local)?;
        self.accepts(wanted, settings, plan, &mut local)?;
        self.ignores(wanted, plan, &mut local)?;
        for (line, fate) in self.lines.iter().zip(&self.fates) {
            if let LineOutcome::Skipped(why, message) = fate {
                plan.refused
                    .push(refused(line, wanted.report, *why, message));
            }
        }
        plan.refused.sort();
        self.close_refused(plan);
        Ok((planned, local))
    }

    fn reverts(&self, wanted: &TriageInputs<'_>, planned: &mut RevertPlan) -> Result<()> {
        let chosen: BTreeSet<(ResourceKey, String)> = self
            .lines_with(|decision| *decision == TodoDecision::Revert)
            .map(|(_, item)| (item.object.key.clone(), item.path()))
            .collect();
        if chosen.is_empty() {
            return Ok(());
        }
        ensure!(wanted.again.cluster().is_some(), revert::NO_CLUSTER);
        let words = &wanted.args.act.write;
        let is_chosen = |object: &ObjectReport, path: &str| {
            chosen.contains(&(object.key.clone(), path.to_owned()))
        };
        let made = reverts::plan(&RevertRequest {
            report: wanted.report,
            shown: wanted.shown,
            live: wanted.overlay,
            selects: &is_chosen,
            names: &is_chosen,
            names_object: &|object| is_chosen(object, "."),
            include: revert::included(&words.include, false),
            // A line that says revert implies the flags of revert.
            create: true,
            prune: true,
            field_manager: words.field_manager.as_deref(),
            is_rollback: false,
        });
        planned.jobs = made.jobs;
        planned.plan.steps = made.plan.steps;
        planned.plan.refused = made.plan.refused;
        planned.plan.notes = made.plan.notes;
        Ok(())
    }

    fn backports(
        &self,
        wanted: &TriageInputs<'_>,
        plan: &mut Plan,
        local: &mut LocalWrites,
    ) -> Result<()> {
        let chosen: BTreeSet<(ResourceKey, String)> = self
            .lines_with(|decision| *decision == TodoDecision::Backport)
            .map(|(_, item)| (item.object.key.clone(), item.path()))
            .collect();
        if chosen.is_empty() {
            return Ok(());
        }
        ensure!(
            wanted.again.source().revision.is_none(),
            "a line says backport, but a commit cannot be edited; check it out and leave out --ref"
        );
        let files = EditedFiles::of(wanted.again.source());
        let live = &wanted.args.act.drift.live;
        let drafts = EditRenderer::of(wanted.again.source(), live, wanted.overlay, files.roots());
        let is_chosen = |object: &ObjectReport, path: &str| {
            chosen.contains(&(object.key.clone(), path.to_owned()))
        };
        let made = backport::plan(&backport::BackportRequest {
            report: wanted.report,
            shown: wanted.shown,
            live: wanted.overlay,
            selects: &is_chosen,
            names: &is_chosen,
            allow_secrets: wanted.args.allow_secrets,
            read: &|file| files.read(file),
            compare: &|values| wanted.again.only(wanted.overlay, values),
            compare_all: &|values| wanted.again.edited(wanted.overlay, values),
            drafts: &drafts,
            into: None,
        })?;
        plan.steps.extend(made.plan.steps);
        plan.refused.extend(made.plan.refused);
        local.edits = Some((files, made.files));
        Ok(())
    }

    fn accepts(
        &self,
        wanted: &TriageInputs<'_>,
        settings: &Settings,
        plan: &mut Plan,
        local: &mut LocalWrites,
    ) -> Result<()> {
        let chosen = || self.lines_with(|decision| matches!(decision, TodoDecision::Accept { .. }));
        if chosen().next().is_none() {
            return Ok(());
        }
        let baseline = &wanted.again.rules().baseline;
        let mut ledger = AcceptedDrift::open(baseline.debt.clone(), settings)?;
        for (line, item) in chosen() {
            let TodoDecision::Accept { until, reason } = &line.decision else {
                continue;
            };
            let expires = expiry(Some(until), settings)
                .map_err(|why| anyhow!("line {}: {why}", line.number))?;
            let remark = match &expires {
                Some(expires) => format!("accepted until {expires}: {reason}"),
                None => format!("accepted: {reason}"),
            };
            let terms = AcceptTerms {
                reason: Some(reason.clone()),
                ticket: None,
                expires,
            };
            let is_accepted = match (item.drift, item.shown_drift) {
                (Some(drift), Some(shown)) => ledger.accept(item.object, drift, shown, &terms),
                _ => {
                    ledger.accept_whole(item.object, &terms);
                    true
                }
            };
            if is_accepted {
                plan.steps.push(step(item, StepAction::Accept, remark));
            } else {
                let message = "the path itself contains a secret; use ignore instead";
                plan.refused
                    .push(refusal(item, RefusalReason::Secret, message));
            }
        }
        let text = config::write_baseline(&ledger.debt);
        local.baseline = Some(FileRewrite::of(baseline.file.clone(), |_, _| Ok(text))?);
        Ok(())
    }

    fn ignores(
        &self,
        wanted: &TriageInputs<'_>,
        plan: &mut Plan,
        local: &mut LocalWrites,
    ) -> Result<()> {
        let mut specs = Vec::new();
        for (line, item) in
            self.lines_with(|decision| matches!(decision, TodoDecision::Ignore { .. }))
        {
            let TodoDecision::Ignore { reason } = &line.decision else {
                continue;
            };
            if item.drift.is_none() {
                let message = match item.object.status() {
                    ObjectStatus::Extra => {
                        "a rule ignores fields, but this is a whole object; use accept instead, \
                         or add ignoreExtra to .driftctl.yaml"
                    }
                    _ => "a rule ignores fields, but this is a whole object; use accept instead",
                };
                plan.refused
                    .push(refusal(item, RefusalReason::Impossible, message));
                continue;
            }
            let key = &item.object.key;
            specs.push(RuleSpec {
                reason: reason.clone(),
                group: key.group.clone(),
                kind: key.kind.clone(),
                namespace: key.namespace.clone().unwrap_or_default(),
                name: key.name.clone(),
                paths: vec![item.shown_path()],
                ..RuleSpec::default()
            });
            let remark = format!("ignored by a rule: {reason}");
            plan.steps.push(step(item, StepAction::Ignore, remark));
        }
        if !specs.is_empty() {
            let named = wanted.args.act.drift.rules.config.as_deref();
            local.config = Some(ignore::with_rules(
                named,
                start(wanted.again.source()),
                &specs,
            )?);
        }
        Ok(())
    }

    /// Records what the plan left alone.
    fn close_refused(&mut self, plan: &Plan) {
        for fate in &mut self.fates {
            let LineOutcome::Meant(at) = *fate else {
                continue;
            };
            let item = &self.items[at];
            if let Some(refused) = refused_of(item, plan) {
                *fate = LineOutcome::Skipped(refused.why, refused.message.clone());
            }
        }
    }

    /// Records the outcome of the plan.
    pub fn close(&mut self, plan: &Plan) {
        let mut fates = std::mem::take(&mut self.fates);
        for (line, fate) in self.lines.iter().zip(&mut fates) {
            let LineOutcome::Meant(at) = *fate else {
                continue;
            };
            let item = &self.items[at];
            let steps = plan.steps.iter().filter(|step| step.key == item.object.key);
            let mut steps = steps.filter(|step| is_of(&line.decision, step.how));
            let path = item.shown_path();
            let is_this = |step: &&PlanStep| {
                let mut changes = step.changes.iter();
                (step.changes.is_empty() && path == ".")
                    || changes.any(|change| change.path.to_string() == path)
            };
            *fate = match steps.find(is_this) {
                Some(step) => LineOutcome::Acted(step.progress, note_of(step)),
                None => LineOutcome::Skipped(
                    RefusalReason::Impossible,
                    "this is not possible".to_owned(),
                ),
            };
        }
        self.fates = fates;
    }
}

/// Returns the note for a step.
fn note_of(step: &PlanStep) -> Option<String> {
    let of_writer = || {
        step.remarks
            .iter()
            .find(|remark| remark.starts_with("note: "))
            .cloned()
    };
    match (step.how, step.progress) {
        (StepAction::Accept | StepAction::Ignore, StepProgress::Done) => {
            step.remarks.first().cloned()
        }
        (StepAction::Edit, StepProgress::Done) => {
            let origin = step.origin.as_ref()?;
            Some(format!("in {}", origin.file))
        }
        _ => step.outcome.clone().or_else(of_writer),
    }
}

/// Returns whether a step carries out a decision.
fn is_of(decision: &TodoDecision, how: StepAction) -> bool {
    match decision {
        TodoDecision::Keep => false,
        TodoDecision::Revert => matches!(
            how,
            StepAction::Patch | StepAction::Create | StepAction::Delete
        ),
        TodoDecision::Backport => how == StepAction::Edit,
        TodoDecision::Accept { .. } => how == StepAction::Accept,
        TodoDecision::Ignore { .. } => how == StepAction::Ignore,
    }
}

/// Returns why the plan leaves a change alone; an object that is refused as a whole is refused in
/// all its changes.
fn refused_of<'p>(item: &TriageItem<'_>, plan: &'p Plan) -> Option<&'p RefusedItem> {
    let (path, shown) = (item.path(), item.shown_path());
    let mut refused = plan.refused.iter().filter(|one| one.key == item.object.key);
    refused.find(|one| {
        let at = one.path.to_string();
        at == path || at == shown
    })
}

/// Returns the outcome of a line whose change no longer exists.
fn not_found(line: &TodoLine, report: &Report) -> LineOutcome {
    let mut objects = report.objects.iter();
    let object = objects.find(|object| names(&line.object, &object.key));
    let Some(object) = object else {
        return match line.was_extra && report.coverage.extra.is_some() {
            true => LineOutcome::Over("it is gone".to_owned()),
            false => LineOutcome::Skipped(
                RefusalReason::NotCompared,
                "it was not compared; check the manifests and filters".to_owned(),
            ),
        };
    };
    if object.status() == ObjectStatus::Unknown {
        let why = object
            .reason
            .as_deref()
            .unwrap_or("it could not be compared");
        return LineOutcome::Skipped(RefusalReason::NotCompared, format!("not compared: {why}"));
    }
    let at = |drift: &&crate::model::JudgedChange| drift.change.path.to_string() == line.path;
    let note_of = match object.drifts.iter().find(at).map(|drift| drift.verdict()) {
        Some(Verdict::Ignored { rule, .. }) if rule == ACCEPTED => "already accepted".to_owned(),
        Some(Verdict::Ignored { rule, .. }) => format!("already ignored by {rule}"),
        _ => "it no longer drifts".to_owned(),
    };
    LineOutcome::Over(note_of)
}

/// Returns whether a line names an object.
fn names(written: &str, key: &ResourceKey) -> bool {
    let name = object_name(key);
    written == name || serde_json::from_str::<String>(written).is_ok_and(|text| text == name)
}

fn refusal(item: &TriageItem<'_>, why: RefusalReason, message: &str) -> RefusedItem {
    let path = item.shown_drift.map(|drift| drift.change.path.clone());
    RefusedItem::because(&item.object.key, &path.unwrap_or_default(), why, message)
}

/// Adds a skipped line to what the plan leaves alone.
fn refused(line: &TodoLine, report: &Report, why: RefusalReason, message: &str) -> RefusedItem {
    let mut objects = report.objects.iter();
    let object = objects.find(|object| names(&line.object, &object.key));
    let key = object.map(|object| object.key.clone());
    let key = key.unwrap_or_else(|| key_of(&line.object));
    let path: FieldPath = line.path.parse().unwrap_or_default();
    RefusedItem::because(&key, &path, why, message)
}

/// Returns the key, as a line writes it, of an object that was not compared.
fn key_of(written: &str) -> ResourceKey {
    let parts: Vec<&str> = written.splitn(3, '/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, namespace, name] => (kind, Some(namespace.to_owned()), name),
        [kind, name] => (kind, None, name),
        _ => (written, None, ""),
    };
    let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
    ResourceKey::new(
        group.to_owned(),
        kind.to_owned(),
        namespace,
        name.to_owned(),
    )
}

/// Returns a step for one change that is written locally.
fn step(item: &TriageItem<'_>, how: StepAction, remark: String) -> PlanStep {
    PlanStep {
        key: item.object.key.clone(),
        api_version: item.object.api_version.clone(),
        origin: item.object.origin.clone(),
        how,
        changes: item
            .shown_drift
            .map(PlanChange::to_live)
            .into_iter()
            .collect(),
        written_as: None,
        remarks: vec![remark],
        progress: StepProgress::Planned,
        outcome: None,
    }
}
