//! Plans one object after another: which of its changes are selected, and how its file declares
//! them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::items::{self, ChangeUnit};
use super::trial::{RenderScope, WantedObject};
use super::{BackportPlan, BackportRequest, EditedFile, STILL_DIFFERS, SkippedChanges, values};
use crate::edit::{self, edit};
use crate::engine::selected::{is_debug_container, is_selected};
use crate::model::{
    Action, Change, ChangeKind, FieldPath, JudgedChange, ManifestStep, ObjectReport, ObjectStatus,
    Origin, Plan, PlanChange, PlanStep, RefusalReason, RefusedItem, StepAction, StepProgress,
    Verdict,
};
use crate::patch::{self, PatchError};
use crate::source::RenderedObject;
use crate::yaml;

/// The reason for a change to a field that the manifest has no place for.
const NO_PLACE: &str = "the manifest has no place for it";

/// The reason for what `kubectl debug` added.
const NO_DEBUG_CONTAINERS: &str =
    "no manifest can declare ephemeral containers: the server refuses to create such a Pod";

/// The reason an item is not removed if the item that replaces it could not be backported.
const ITS_SUCCESSOR: &str = "its replacement could not be backported";

/// The state while going through a report.
pub(super) struct BackportState<'w> {
    pub(super) wish: &'w BackportRequest<'w>,
    left_out: &'w SkippedChanges,
    plan: Plan,
    pub(super) files: BTreeMap<String, EditedFile>,
    taken: Vec<BackportedChange>,
    /// The new and current names of generated objects.
    pub(super) renamed: BTreeMap<String, String>,
}

/// A backported change.
pub(super) struct BackportedChange {
    /// The object and the path.
    pub what: (String, String),
    /// The index of the declared object.
    pub place: RenderedObject,
    /// The object as declared with this change and those before it.
    pub value: Value,
}

/// An object whose manifest is edited.
pub(super) struct BackportObject<'o> {
    pub object: &'o ObjectReport,
    pub origin: &'o Origin,
    /// The index of the declared object.
    pub place: RenderedObject,
    /// Where its text is.
    pub written: ObjectText,
    /// Its drift in the current state.
    pub drifting: BTreeSet<FieldPath>,
    /// The object as declared, with the changes that are backported.
    pub value: Value,
}

/// The location of an object's text.
pub(super) enum ObjectText {
    /// In its file.
    Plain {
        /// The document that it is in, and the path to it.
        document: usize,
        prefix: Vec<ManifestStep>,
        /// Whether its type is written; an item may take that of its list.
        has_type: bool,
    },
    /// In the files that it is rendered from.
    Rendered(RenderScope),
}

/// Why a change is not backported, for programs and for people.
pub(super) type BackportRefusal = (RefusalReason, String);

impl<'w> BackportState<'w> {
    /// Makes a plan without the changes that are left out, and returns what it backports.
    pub fn all(
        wish: &'w BackportRequest<'w>,
        left_out: &'w SkippedChanges,
    ) -> Result<(BackportPlan, Vec<BackportedChange>)> {
        let mut found = Self {
            wish,
            left_out,
            plan: Plan::new(Action::Backport, wish.report.target.clone()),
            files: BTreeMap::new(),
            taken: Vec::new(),
            renamed: BTreeMap::new(),
        };
        for (object, shown) in wish.report.objects.iter().zip(&wish.shown.objects) {
            found.object(object, shown)?;
        }
        found.plan.refused.sort();
        found.files.retain(|_, file| file.before != file.after);
        let (plan, files) = (found.plan, found.files);
        Ok((BackportPlan { plan, files }, found.taken))
    }
}

impl BackportObject<'_> {
    /// Returns whether a value drifts, or something in it.
    fn has_drift_in(&self, path: &FieldPath) -> bool {
        self.drifting.iter().any(|drift| drift.starts_with(path))
    }
}

impl BackportState<'_> {
    fn object(&mut self, object: &ObjectReport, shown: &ObjectReport) -> Result<()> {
        let status = object.status();
        if let Some(why) = Action::Backport.refusal_of_object(status) {
            if (self.wish.selects)(object, ".") {
                self.refuse(RefusedItem::new(&object.key, &FieldPath::root(), why));
            }
            return Ok(());
        }
        if !matches!(status, ObjectStatus::Drifted | ObjectStatus::InSync) {
            return Ok(());
        }
        let meant = self.meant(object, shown);
        if meant.is_empty() {
            return Ok(());
        }
        let mut subject = match self.subject(object) {
            Ok(subject) => subject,
            Err(message) => {
                for (_, shown) in meant {
                    let path = &shown.change.path;
                    let why = RefusalReason::NoPlace;
                    self.refuse(RefusedItem::because(
                        &object.key,
                        path,
                        why,
                        message.clone(),
                    ));
                }
                return Ok(());
            }
        };
        subject.drifting = self.drifting(&subject, &subject.value)?.unwrap_or_default();
        let is_plain = matches!(subject.written, ObjectText::Plain { .. });
        let mut changes = Vec::new();
        let mut remarks = Vec::new();
        let mut short = BTreeSet::new();
        for unit in items::units(meant, &subject.value, is_plain) {
            let list = unit.list();
            let is_removal = unit.drift.change.kind == ChangeKind::Removed;
            // With the edits before it, the server sets it by itself.
            let follows = !changes.is_empty()
                && unit.instead_of.is_none()
                && unit.drift.change.kind == ChangeKind::Added
                && !subject.has_drift_in(&unit.drift.change.path);
            let taken = match is_removal && list.as_ref().is_some_and(|list| short.contains(list)) {
                true => Err((RefusalReason::Impossible, ITS_SUCCESSOR.to_owned())),
                false if follows => Ok(Vec::new()),
                false => self.take_over_unit(&mut subject, &unit)?,
            };
            let found = unit.found.iter().chain(&unit.instead_of);
            match taken {
                Ok(more) => {
                    remarks.extend(more);
                    for (drift, shown) in found {
                        changes.push(PlanChange::to_live(shown));
                        self.taken.push(BackportedChange {
                            what: (object.key.to_string(), drift.change.path.to_string()),
                            place: subject.place.clone(),
                            value: subject.value.clone(),
                        });
                    }
                }
                Err((why, message)) => {
                    for (_, shown) in found {
                        let path = &shown.change.path;
                        let message = message.clone();
                        self.refuse(RefusedItem::because(&object.key, path, why, message));
                    }
                    short.extend(list);
                }
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        let mut said = BTreeSet::new();
        remarks.retain(|remark: &String| said.insert(remark.clone()));
        self.plan.steps.push(PlanStep {
            key: object.key.clone(),
            api_version: object.api_version.clone(),
            origin: object.origin.clone(),
            how: StepAction::Edit,
            changes,
            written_as: None,
            remarks,
            progress: StepProgress::Planned,
            outcome: None,
        });
        Ok(())
    }

    /// Returns the selected changes that can be backported, and refuses the others.
    fn meant<'o>(
        &mut self,
        object: &'o ObjectReport,
        shown: &'o ObjectReport,
    ) -> Vec<(&'o JudgedChange, &'o JudgedChange)> {
        let mut meant = Vec::new();
        for (drift, shown) in object.drifts.iter().zip(&shown.drifts) {
            if !is_selected(object, drift, self.wish.selects, self.wish.names) {
                continue;
            }
            let one = (object.key.to_string(), drift.change.path.to_string());
            if let Some(message) = self.left_out.get(&one) {
                let path = &shown.change.path;
                let why = RefusalReason::Impossible;
                self.refuse(RefusedItem::because(
                    &object.key,
                    path,
                    why,
                    message.clone(),
                ));
                continue;
            }
            if is_debug_container(&object.key, &drift.change.path) {
                let (path, why) = (&shown.change.path, RefusalReason::Impossible);
                let message = NO_DEBUG_CONTAINERS;
                self.refuse(RefusedItem::because(&object.key, path, why, message));
                continue;
            }
            match self.refusal(object, drift, shown) {
                Some(why) => {
                    self.refuse(RefusedItem::new(&object.key, &shown.change.path, why));
                }
                None => meant.push((drift, shown)),
            }
        }
        meant
    }

    fn refuse(&mut self, refused: RefusedItem) {
        self.plan.refused.push(refused);
    }

    fn refusal(
        &self,
        object: &ObjectReport,
        drift: &JudgedChange,
        shown: &JudgedChange,
    ) -> Option<RefusalReason> {
        if let Some(why) = Action::Backport.refusal(drift.cause) {
            return Some(why);
        }
        let is_masked = drift.change.live != shown.change.live
            || drift.change.declared != shown.change.declared
            || drift.change.path != shown.change.path;
        let is_secret = object.key.kind == "Secret" || is_masked;
        (is_secret && !self.wish.allow_secrets).then_some(RefusalReason::Secret)
    }

    /// Returns where an object is declared, or why it cannot be edited there.
    fn subject<'o>(&mut self, object: &'o ObjectReport) -> Result<BackportObject<'o>, String> {
        let (Some(origin), Some(manifest)) = (&object.origin, &object.manifest) else {
            return Err("it is not declared in a file".to_owned());
        };
        if origin.revision.is_some() {
            return Err("it was read from a commit; check it out and compare the files".into());
        }
        let value = manifest.value();
        let place = RenderedObject::of(origin, &value);
        if origin.rendered_by.is_some() {
            return Ok(BackportObject {
                object,
                origin,
                place,
                written: ObjectText::Rendered(RenderScope::of(origin)),
                drifting: BTreeSet::new(),
                value,
            });
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
        let parsed = yaml::parse(text);
        let mut documents = parsed.documents.iter();
        let document = documents.find(|document| document.number == origin.document);
        let prefix = document.and_then(|document| values::way_to(&document.value, &value));
        let prefix = prefix.ok_or_else(|| {
            format!(
                "{origin} does not contain the object as it was compared: something generates it \
                 from the file"
            )
        })?;
        let is_whole = |document: &yaml::YamlDocument| {
            edit::at(&document.value, &prefix).is_some_and(|written| written == &value)
        };
        let has_type = document.is_some_and(is_whole);
        Ok(BackportObject {
            object,
            origin,
            place,
            written: ObjectText::Plain {
                document: origin.document,
                prefix,
                has_type,
            },
            drifting: BTreeSet::new(),
            value,
        })
    }

    /// Returns the paths at which an object would drift if it were declared like this; `None` if it
    /// cannot be compared.
    fn drifting(
        &self,
        subject: &BackportObject<'_>,
        value: &Value,
    ) -> Result<Option<BTreeSet<FieldPath>>> {
        let values = BTreeMap::from([(subject.place.clone(), value.clone())]);
        let report = (self.wish.compare)(&values)?;
        let mut objects = report.objects.iter();
        let compared = objects.find(|object| object.key == subject.object.key);
        let compared = compared.filter(|object| object.status() != ObjectStatus::Unknown);
        Ok(compared.map(|object| {
            let drifts = object.drifts.iter();
            let drifts = drifts.filter(|d| !matches!(d.verdict(), Verdict::Explained { .. }));
            drifts.map(|drift| drift.change.path.clone()).collect()
        }))
    }

    /// Returns the paths at which an object would drift if it were declared like this, provided
    /// that this ends the drift of `change` and adds none.
    pub fn is_taken_over(
        &self,
        subject: &BackportObject<'_>,
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

    /// Returns an object as it would be declared with a change; the change may replace a removed
    /// item.
    fn wanted(
        &self,
        subject: &BackportObject<'_>,
        change: &Change,
        instead_of: Option<&Change>,
    ) -> Result<std::result::Result<WantedObject, BackportRefusal>> {
        let place = instead_of.unwrap_or(change);
        let is_plain = matches!(subject.written, ObjectText::Plain { .. });
        let is_addition = instead_of.is_none() && change.kind == ChangeKind::Added;
        let object = (is_plain && is_addition).then(|| {
            let (_, live) = self.wish.live.read_object(&subject.object.key)?;
            live.value().ok()
        });
        let object = object.flatten();
        let with = |live: Option<&Value>| {
            let mut value = values::with_live_value(&subject.value, place, live)?;
            if let Some(object) = &object {
                values::move_as_live(&mut value, &change.path, object);
            }
            Some(value)
        };
        let mut whole = change.live.clone();
        let Some(mut value) = with(whole.as_ref()) else {
            let why = match patch::find(&subject.value, &place.path) {
                Err(unfit @ PatchError::Ambiguous(_)) => unfit.to_string(),
                _ => NO_PLACE.to_owned(),
            };
            return Ok(Err((RefusalReason::Impossible, why)));
        };
        let mut drifting = None;
        // Fields of the former item that do not drift on the new one can stay.
        if let (Some(declared), Some(live)) = (&place.declared, &change.live)
            && instead_of.is_some()
        {
            let both = items::overlay_item(declared, live);
            if let Some(with_both) = with(Some(&both)) {
                drifting = self.is_taken_over(subject, change, &with_both)?;
                if drifting.is_some() {
                    (whole, value) = (Some(both), with_both);
                }
            }
        }
        if drifting.is_none() {
            drifting = self.is_taken_over(subject, change, &value)?;
        }
        let Some(mut drifting) = drifting else {
            return Ok(Err((RefusalReason::Impossible, STILL_DIFFERS.to_owned())));
        };
        // Leave out what the server adds, as a person would.
        let mut least = whole.clone();
        if let Some(live) = &whole {
            for way in values::droppable(live, place.declared.as_ref()) {
                let mut less = least.clone().unwrap_or_default();
                values::leave_out(&mut less, &way);
                let Some(with_less) = with(Some(&less)) else {
                    continue;
                };
                if let Some(now) = self.is_taken_over(subject, change, &with_less)? {
                    (least, value, drifting) = (Some(less), with_less, now);
                }
            }
        }
        Ok(Ok(WantedObject {
            value,
            least,
            drifting,
        }))
    }

    /// Backports changes that belong together: the added item takes the position of the removed
    /// one, or is appended if that fails.
    fn take_over_unit(
        &mut self,
        subject: &mut BackportObject<'_>,
        unit: &ChangeUnit<'_>,
    ) -> Result<std::result::Result<Vec<String>, BackportRefusal>> {
        let Some((gone, _)) = unit.instead_of else {
            return self.take_over(subject, &unit.drift, None);
        };
        match self.take_over(subject, &unit.drift, Some(&gone.change))? {
            // Without a place for it in the text, removing the item would also lose its comments.
            Err(refusal @ (RefusalReason::NoPlace, _)) => return Ok(Err(refusal)),
            Err(_) => {}
            Ok(remarks) => return Ok(Ok(remarks)),
        }
        let file = subject.origin.file.to_string();
        let before = self.files.get(&file).map(|file| file.after.clone());
        let (value, drifting) = (subject.value.clone(), subject.drifting.clone());
        let mut remarks = match self.take_over(subject, &unit.drift, None)? {
            Ok(remarks) => remarks,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match self.take_over(subject, gone, None)? {
            Ok(more) => {
                remarks.extend(more);
                Ok(Ok(remarks))
            }
            Err(refusal) => {
                // Backport both or neither.
                (subject.value, subject.drifting) = (value, drifting);
                if let (Some(file), Some(before)) = (self.files.get_mut(&file), before) {
                    file.after = before;
                }
                Ok(Err(refusal))
            }
        }
    }

    /// Backports one change, in the value and in the text; returns notes.
    fn take_over(
        &mut self,
        subject: &mut BackportObject<'_>,
        drift: &JudgedChange,
        instead_of: Option<&Change>,
    ) -> Result<std::result::Result<Vec<String>, BackportRefusal>> {
        let wanted = match self.wanted(subject, &drift.change, instead_of)? {
            Ok(wanted) => wanted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let ObjectText::Rendered(part) = &subject.written {
            let part = part.clone();
            return self.take_over_rendered(subject, &part, drift, wanted);
        }
        Ok(self.write(subject, wanted).map(|()| {
            let remark = self.remark(subject, drift);
            remark.into_iter().collect()
        }))
    }

    /// Writes an object into its file.
    fn write(
        &mut self,
        subject: &mut BackportObject<'_>,
        wanted: WantedObject,
    ) -> std::result::Result<(), BackportRefusal> {
        let file = subject.origin.file.to_string();
        let (
            Some(file),
            ObjectText::Plain {
                document,
                prefix,
                has_type,
            },
        ) = (self.files.get_mut(&file), &subject.written)
        else {
            return Err((RefusalReason::NoPlace, NO_PLACE.to_owned()));
        };
        let written = match has_type {
            true => wanted.value.clone(),
            false => values::without_type(&wanted.value),
        };
        let edited = edit(&file.after, *document, prefix, Some(&written));
        let after = edited.map_err(|refusal| {
            let message = format!("{}: {refusal}", subject.origin.file);
            (RefusalReason::NoPlace, message)
        })?;
        file.after = after;
        subject.value = wanted.value;
        subject.drifting = wanted.drifting;
        Ok(())
    }

    /// Returns a note about the line that declares a field.
    fn remark(&self, subject: &BackportObject<'_>, drift: &JudgedChange) -> Option<String> {
        let file = self.files.get(&*subject.origin.file)?;
        let position = drift.position?;
        let line = file.before.lines().nth(position.line.checked_sub(1)?)?;
        line.contains("$imagepolicy").then(|| {
            format!(
                "line {} is also written by Flux's image automation",
                position.line
            )
        })
    }
}
