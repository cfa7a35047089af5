//! From a report to edited manifests: which drift is taken over, and where it is written.
//!
//! Each change is made in the value first and compared with the same live object: it counts only if
//! its drift is gone and no other appears. Then it is made in the text. Nothing here writes a file.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::edit::{self, edit};
use crate::model::{
    Action, Change, ChangeKind, FieldPath, How, JudgedChange, ObjectReport, Origin, Plan,
    PlanChange, PlanStep, Progress, Refused, Report, Status, Step, Verdict, Why,
};
use crate::redact::Redacted;
use crate::yaml;

/// Whether something of an object is meant; the path `.` stands for the object itself.
pub type Meant<'a> = &'a dyn Fn(&ObjectReport, &str) -> bool;

/// Compares manifests that are edited with the live objects.
pub type Compare<'a> = &'a dyn Fn(&BTreeMap<Origin, Value>) -> Result<Report>;

/// What is asked for.
pub struct Wish<'a> {
    /// What was found, secrets and all.
    pub report: &'a Report,
    /// The same without secrets.
    pub shown: &'a Redacted,
    /// Whether a change is selected.
    pub selects: Meant<'a>,
    /// Whether a change is named, by its object and its path.
    pub names: Meant<'a>,
    /// Whether secrets may be written into files.
    pub allow_secrets: bool,
    /// The text of a file as it was named, or why it is not edited.
    pub read: &'a dyn Fn(&str) -> Result<String, String>,
    /// Compares some objects alone, as they would be declared.
    pub compare: Compare<'a>,
    /// Compares everything that is declared, with some objects as they would be.
    pub compare_all: Compare<'a>,
}

/// A file that is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Its text as it was read.
    pub before: String,
    /// Its text with the changes.
    pub after: String,
}

/// What is to be done.
pub struct Planned {
    /// What people see.
    pub plan: Plan,
    /// The files that are edited, by the names that they were given.
    pub files: BTreeMap<String, EditedFile>,
}

/// Plans how the manifests declare what is live.
///
/// # Errors
/// When a comparison fails, or the edited manifests would drift where they did not before.
pub fn plan(wish: &Wish<'_>) -> Result<Planned> {
    let mut hopeless = BTreeSet::new();
    for _ in 0..MOST_ATTEMPTS {
        let (planned, values) = attempt(wish, &hopeless)?;
        if values.is_empty() {
            return Ok(planned);
        }
        let before = drifting(wish.report);
        let after = drifting(&(wish.compare_all)(&values)?);
        let steps = planned.plan.steps.iter();
        let taken = steps.flat_map(|step| {
            let key = step.key.to_string();
            let paths = step.changes.iter().map(|change| change.path.to_string());
            paths.map(move |path| (key.clone(), path))
        });
        // What an object alone no longer drifts in may drift beside all the others.
        let still: Vec<(String, String)> = taken.filter(|one| after.contains(one)).collect();
        if !still.is_empty() {
            hopeless.extend(still);
            continue;
        }
        if let Some((object, path)) = after.difference(&before).next() {
            bail!(
                "with these changes {object} would drift at {path}, and it does not now; select \
                 fewer of them"
            );
        }
        return Ok(planned);
    }
    bail!("some changes drift again and again when the manifests declare them; select fewer")
}

/// So many times a plan is made, each time without what turned out not to be taken over.
const MOST_ATTEMPTS: usize = 5;

/// Makes a plan without the changes that are hopeless, and the objects as they would be declared.
fn attempt(
    wish: &Wish<'_>,
    hopeless: &BTreeSet<(String, String)>,
) -> Result<(Planned, BTreeMap<Origin, Value>)> {
    let mut found = Found {
        wish,
        hopeless,
        plan: Plan::new(Action::Backport, wish.report.target.clone()),
        files: BTreeMap::new(),
        values: BTreeMap::new(),
    };
    for (object, shown) in wish.report.objects.iter().zip(&wish.shown.objects) {
        found.object(object, shown)?;
    }
    found.plan.refused.sort();
    found.files.retain(|_, file| file.before != file.after);
    let Found {
        plan,
        files,
        values,
        ..
    } = found;
    Ok((Planned { plan, files }, values))
}

/// Why a change is left alone that does not end its drift.
const STILL_DIFFERS: &str = "the manifest with it would still differ from the live object";

/// Everything that drifts: objects and paths.
fn drifting(report: &Report) -> BTreeSet<(String, String)> {
    let objects = report.objects.iter().flat_map(|object| {
        let key = object.key.to_string();
        let whole = matches!(object.status(), Status::Missing | Status::Unknown);
        let paths = object.reported().map(|drift| drift.change.path.to_string());
        let paths = paths.chain(whole.then(|| ".".to_owned()));
        paths
            .map(move |path| (key.clone(), path))
            .collect::<Vec<_>>()
    });
    objects.collect()
}

struct Found<'w> {
    wish: &'w Wish<'w>,
    /// Objects and paths that would drift all the same.
    hopeless: &'w BTreeSet<(String, String)>,
    plan: Plan,
    files: BTreeMap<String, EditedFile>,
    values: BTreeMap<Origin, Value>,
}

/// An object whose manifest is edited.
struct Subject<'o> {
    object: &'o ObjectReport,
    origin: &'o Origin,
    /// The document that it stands in, and the way to it.
    document: usize,
    prefix: Vec<Step>,
    /// Whether its type is written; that of an item may be that of its list.
    has_type: bool,
    /// What drifts while it is as it is.
    drifting: BTreeSet<FieldPath>,
    value: Value,
}

impl Found<'_> {
    fn object(&mut self, object: &ObjectReport, shown: &ObjectReport) -> Result<()> {
        let status = object.status();
        if let Some(why) = Action::Backport.refusal_of_object(status) {
            if (self.wish.selects)(object, ".") {
                self.refuse(Refused::new(&object.key, &FieldPath::root(), why));
            }
            return Ok(());
        }
        if !matches!(status, Status::Drifted | Status::InSync) {
            return Ok(());
        }
        let mut meant: Vec<(&JudgedChange, &JudgedChange)> = Vec::new();
        for (drift, shown) in object.drifts.iter().zip(&shown.drifts) {
            if !self.is_meant(object, drift) {
                continue;
            }
            let one = (object.key.to_string(), drift.change.path.to_string());
            if self.hopeless.contains(&one) {
                let path = &shown.change.path;
                let why = Why::Impossible;
                self.refuse(Refused::because(&object.key, path, why, STILL_DIFFERS));
                continue;
            }
            match self.refusal(object, drift, shown) {
                Some(why) => {
                    self.refuse(Refused::new(&object.key, &shown.change.path, why));
                }
                None => meant.push((drift, shown)),
            }
        }
        if meant.is_empty() {
            return Ok(());
        }
        let mut subject = match self.subject(object) {
            Ok(subject) => subject,
            Err(message) => {
                for (_, shown) in meant {
                    let path = &shown.change.path;
                    let why = Why::NoPlace;
                    self.refuse(Refused::because(&object.key, path, why, message.clone()));
                }
                return Ok(());
            }
        };
        subject.drifting = self.drifting(&subject, &subject.value)?.unwrap_or_default();
        // Items keep their places until all else is done.
        meant.sort_by_key(|(drift, _)| match drift.change.kind {
            ChangeKind::Modified => 0,
            ChangeKind::Added => 1,
            ChangeKind::Removed => 2,
        });
        let mut changes = Vec::new();
        let mut remarks = Vec::new();
        for (drift, shown) in meant {
            match self.take_over(&mut subject, &drift.change)? {
                Ok(()) => {
                    remarks.extend(self.remark(&subject, drift));
                    changes.push(PlanChange::to_live(shown));
                }
                Err((why, message)) => {
                    let path = &shown.change.path;
                    self.refuse(Refused::because(&object.key, path, why, message));
                }
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        self.values.insert(subject.origin.clone(), subject.value);
        self.plan.steps.push(PlanStep {
            key: object.key.clone(),
            api_version: object.api_version.clone(),
            origin: object.origin.clone(),
            how: How::Edit,
            changes,
            written_as: None,
            remarks,
            progress: Progress::Planned,
            outcome: None,
        });
        Ok(())
    }

    fn refuse(&mut self, refused: Refused) {
        self.plan.refused.push(refused);
    }

    /// Only reported drift is taken over; ignored and accepted drift where it is named.
    fn is_meant(&self, object: &ObjectReport, drift: &JudgedChange) -> bool {
        let path = drift.change.path.to_string();
        match drift.verdict() {
            _ if drift.change.path.0.is_empty() => false,
            Verdict::Reported => (self.wish.selects)(object, &path),
            Verdict::Ignored { .. } => (self.wish.names)(object, &path),
            Verdict::Explained { .. } => false,
        }
    }

    fn refusal(
        &self,
        object: &ObjectReport,
        drift: &JudgedChange,
        shown: &JudgedChange,
    ) -> Option<Why> {
        if let Some(why) = Action::Backport.refusal(drift.cause) {
            return Some(why);
        }
        let is_masked = drift.change.live != shown.change.live
            || drift.change.declared != shown.change.declared;
        let is_secret = object.key.kind == "Secret" || is_masked;
        (is_secret && !self.wish.allow_secrets).then_some(Why::Secret)
    }

    /// The place of an object, or why it has none.
    fn subject<'o>(&mut self, object: &'o ObjectReport) -> Result<Subject<'o>, String> {
        let (Some(origin), Some(manifest)) = (&object.origin, &object.manifest) else {
            return Err("it is not declared in a file".to_owned());
        };
        if let Some(by) = &origin.rendered_by {
            return Err(format!(
                "{by} renders it from other files; change those by hand"
            ));
        }
        if origin.revision.is_some() {
            return Err("it was read from a commit; check that out, and compare the files".into());
        }
        let file = origin.file.to_string();
        if !self.files.contains_key(&file) {
            let text = (self.wish.read)(&file)?;
            let after = text.clone();
            self.files.insert(
                file.clone(),
                EditedFile {
                    before: text,
                    after,
                },
            );
        }
        let text = &self.files.get(&file).ok_or("it could not be read")?.after;
        let value = manifest.value();
        let parsed = yaml::parse(text);
        let mut documents = parsed.documents.iter();
        let document = documents.find(|document| document.number == origin.document);
        let prefix = document.and_then(|document| values::way_to(&document.value, &value));
        let prefix = prefix.ok_or_else(|| {
            format!(
                "{origin} does not hold the object as it was compared: something else makes it \
                 from the file"
            )
        })?;
        let is_whole = |document: &yaml::Document| {
            edit::at(&document.value, &prefix).is_some_and(|written| written == &value)
        };
        let has_type = document.is_some_and(is_whole);
        Ok(Subject {
            has_type,
            object,
            origin,
            document: origin.document,
            prefix,
            drifting: BTreeSet::new(),
            value,
        })
    }

    /// The paths at which an object drifts if it is declared so; `None` if it cannot be compared.
    fn drifting(
        &self,
        subject: &Subject<'_>,
        value: &Value,
    ) -> Result<Option<BTreeSet<FieldPath>>> {
        let values = BTreeMap::from([(subject.origin.clone(), value.clone())]);
        let report = (self.wish.compare)(&values)?;
        let mut objects = report.objects.iter();
        let compared = objects.find(|object| object.key == subject.object.key);
        let compared = compared.filter(|object| object.status() != Status::Unknown);
        Ok(compared.map(|object| {
            let drifts = object.drifts.iter();
            let drifts = drifts.filter(|d| !matches!(d.verdict(), Verdict::Explained { .. }));
            drifts.map(|drift| drift.change.path.clone()).collect()
        }))
    }

    /// Whether a value takes a change over and brings no other drift.
    fn is_taken_over(
        &self,
        subject: &Subject<'_>,
        change: &Change,
        value: &Value,
    ) -> Result<Option<BTreeSet<FieldPath>>> {
        let Some(now) = self.drifting(subject, value)? else {
            return Ok(None);
        };
        let is_gone = !now.iter().any(|path| path.0.starts_with(&change.path.0));
        let is_all = now.is_subset(&subject.drifting);
        Ok((is_gone && is_all).then_some(now))
    }

    /// Makes one change, in the value and in the text.
    fn take_over(
        &mut self,
        subject: &mut Subject<'_>,
        change: &Change,
    ) -> Result<Result<(), (Why, String)>> {
        let no_way = "the manifest has no place for it";
        let Some(mut value) = values::with(&subject.value, change, change.live.as_ref()) else {
            return Ok(Err((Why::Impossible, no_way.to_owned())));
        };
        let Some(mut drifting) = self.is_taken_over(subject, change, &value)? else {
            return Ok(Err((Why::Impossible, STILL_DIFFERS.to_owned())));
        };
        // What a person would have written: without what the server adds by itself.
        if let Some(live) = &change.live {
            let mut least = live.clone();
            for way in values::droppable(live, change.declared.as_ref()) {
                let mut less = least.clone();
                values::leave_out(&mut less, &way);
                let Some(with_less) = values::with(&subject.value, change, Some(&less)) else {
                    continue;
                };
                if let Some(now) = self.is_taken_over(subject, change, &with_less)? {
                    (least, value, drifting) = (less, with_less, now);
                }
            }
        }
        let file = subject.origin.file.to_string();
        let Some(file) = self.files.get_mut(&file) else {
            return Ok(Err((Why::NoPlace, no_way.to_owned())));
        };
        let written = match subject.has_type {
            true => value.clone(),
            false => values::without_type(&value),
        };
        match edit(
            &file.after,
            subject.document,
            &subject.prefix,
            Some(&written),
        ) {
            Ok(after) => {
                file.after = after;
                subject.value = value;
                subject.drifting = drifting;
                Ok(Ok(()))
            }
            Err(refusal) => Ok(Err((
                Why::NoPlace,
                format!("{}: {refusal}", subject.origin.file),
            ))),
        }
    }

    /// What else there is to know of the line that declares a field.
    fn remark(&self, subject: &Subject<'_>, drift: &JudgedChange) -> Option<String> {
        let file = self.files.get(&*subject.origin.file)?;
        let position = drift.position?;
        let line = file.before.lines().nth(position.line.checked_sub(1)?)?;
        line.contains("$imagepolicy").then(|| {
            format!(
                "line {} is written by Flux's image automation too",
                position.line
            )
        })
    }
}
