//! Plans one object after another: which of its changes are selected, and how its file declares
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::Result;
use serde_json::Value;

use super::items::{self, ChangeUnit};
use super::trial::{RenderScope, WantedObject};
use super::{BackportPlan, BackportRequest, EditedFile, STILL_DIFFERS, SkippedChanges, values};
use crate::edit::{self, EditableText};
use crate::engine::selected::{is_debug_container, is_selected};
use crate::model::{
    Action, Change, ChangeKind, FieldPath, JudgedChange, ManifestStep, ObjectReport, ObjectStatus,
    Origin, PathElement, Plan, PlanChange, PlanStep, RefusalReason, RefusedItem, StepAction,
    StepProgress, Verdict,
};
use crate::patch::{self, PatchError};
use crate::source::RenderedObject;

/// The reason for a change to a field that the manifest has no place for.
const NO_PLACE: &str = "the manifest has no place for it";

/// The reason for what `kubectl debug` added.
const NO_DEBUG_CONTAINERS: &str =
    "no manifest can declare ephemeral containers: the server refuses to create such a Pod";

/// The reason an item is not removed if the item that replaces it could not be backported.
const ITS_SUCCESSOR: &str = "its replacement could not be backported";

/// Fewer changes are backported one after another.
const FEWEST_TOGETHER: usize = 8;

/// Returns whether a change of a plain manifest can be made together with others: nothing that the
/// server sets depends on an entry of a map that users fill, and a single value is changed as a
/// whole.
fn is_independent(unit: &ChangeUnit<'_>, subject: &BackportObject<'_>) -> bool {
    let change = &unit.drift.change;
    let is_single = |value: &Option<Value>| value.as_ref().is_none_or(is_scalar);
    let is_alone = unit.instead_of.is_none() && unit.found.len() == 1;
    let is_entry = match &change.path.0[..] {
        [PathElement::Field(map), PathElement::Field(_)] => map == "data",
        [
            PathElement::Field(metadata),
            PathElement::Field(map),
            PathElement::Field(_),
        ] => metadata == "metadata" && matches!(&**map, "labels" | "annotations"),
        _ => false,
    };
    let fits = match change.kind {
        ChangeKind::Modified => true,
        ChangeKind::Added => is_entry && subject.has_drift_in(&change.path),
        ChangeKind::Removed => is_entry,
    };
    fits && is_alone && is_single(&change.live) && is_single(&change.declared)
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// The state while going through a report.
pub(super) struct BackportState<'w> {
    pub(super) wish: &'w BackportRequest<'w>,
    left_out: &'w SkippedChanges,
    plan: Plan,
    pub(super) files: BTreeMap<String, EditedFile>,
    taken: Vec<BackportedChange>,
    /// The edited texts of files, parsed.
    texts: BTreeMap<String, EditableText>,
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
    pub value: BackportedValue,
}

/// An object as declared with some changes.
pub(super) enum BackportedValue {
    /// The object.
    Whole(Rc<Value>),
    /// The object before changes that were made together, these changes, and how many of them are
    /// made.
    Together(Rc<Value>, Rc<Vec<Change>>, usize),
}

impl BackportedValue {
    /// Returns the object.
    pub fn get(&self) -> Value {
        match self {
            Self::Whole(value) => (**value).clone(),
            Self::Together(before, changes, count) => {
                let some = changes.iter().take(*count);
                values::with_live_values(before, some).unwrap_or_else(|| (**before).clone())
            }
        }
    }
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
            texts: BTreeMap::new(),
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
        let units = items::units(meant, &subject.value, is_plain);
        let mut ahead = &units[..];
        let mut apart = 0;
        while let Some((unit, rest)) = ahead.split_first() {
            if is_plain && apart == 0 {
                let count =
                    self.take_over_together(&mut subject, ahead, (&mut changes, &mut remarks))?;
                if count > 0 {
                    ahead = ahead.get(count..).unwrap_or_default();
                    continue;
                }
                apart = FEWEST_TOGETHER;
            }
            (ahead, apart) = (rest, apart.saturating_sub(1));
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
                false => self.take_over_unit(&mut subject, unit)?,
            };
            let found = unit.found.iter().chain(&unit.instead_of);
            match taken {
                Ok(more) => {
                    remarks.extend(more);
                    let value = Rc::new(subject.value.clone());
                    for (drift, shown) in found {
                        changes.push(PlanChange::to_live(shown));
                        self.taken.push(BackportedChange {
                            what: (object.key.to_string(), drift.change.path.to_string()),
                            place: subject.place.clone(),
                            value: BackportedValue::Whole(Rc::clone(&value)),
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
        self.add_step(object, changes, remarks);
        Ok(())
    }

    /// Adds the backported changes of an object to the plan, if there are any.
    fn add_step(
        &mut self,
        object: &ObjectReport,
        mut changes: Vec<PlanChange>,
        mut remarks: Vec<String>,
    ) {
        if changes.is_empty() {
            return;
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
        let is_named = || (self.wish.names)(object, &drift.change.path.to_string());
        if let Some(why) = Action::Backport.refusal(drift.cause)
            && !(why == RefusalReason::MayUndoCommit && is_named())
        {
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
        let document = self.text(&file).ok_or("it could not be read")?;
        let document = document.value(origin.document);
        let prefix = document
            .as_ref()
            .and_then(|document| values::way_to(document, &value));
        let prefix = prefix.ok_or_else(|| {
            format!(
                "{origin} does not contain the object as it was compared: something generates it \
                 from the file"
            )
        })?;
        let written = document
            .as_ref()
            .and_then(|document| edit::at(document, &prefix));
        let has_type = written == Some(&value);
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

    /// Returns the edited text of a file, parsed.
    fn text(&mut self, file: &str) -> Option<&mut EditableText> {
        let after = &self.files.get(file)?.after;
        let known = self
            .texts
            .get(file)
            .is_some_and(|text| text.text() == after);
        if !known {
            let text = EditableText::new(after.clone());
            self.texts.insert(file.to_owned(), text);
        }
        self.texts.get_mut(file)
    }

    /// Backports the first of these changes together, as many as possible, and returns how many.
    /// Comparing the object after each of thousands of changes would take minutes.
    fn take_over_together(
        &mut self,
        subject: &mut BackportObject<'_>,
        units: &[ChangeUnit<'_>],
        (made, remarks): (&mut Vec<PlanChange>, &mut Vec<String>),
    ) -> Result<usize> {
        let simple = units
            .iter()
            .take_while(|unit| is_independent(unit, subject));
        let mut count = simple.count();
        while count >= FEWEST_TOGETHER {
            let some = &units[..count];
            let changes = || some.iter().map(|unit| &unit.drift.change);
            if let Some(value) = values::with_live_values(&subject.value, changes())
                && let Some(drifting) = self.are_taken_over(subject, changes(), &value)?
            {
                let before = Rc::new(subject.value.clone());
                let wanted = WantedObject {
                    value,
                    least: None,
                    drifting,
                    also: Vec::new(),
                };
                if self.write(subject, wanted).is_ok() {
                    remarks.extend(
                        some.iter()
                            .filter_map(|unit| self.remark(subject, &unit.drift)),
                    );
                    let changes: Rc<Vec<Change>> = Rc::new(changes().cloned().collect());
                    for (index, (drift, shown)) in some.iter().flat_map(|u| &u.found).enumerate() {
                        made.push(PlanChange::to_live(shown));
                        let (before, changes) = (Rc::clone(&before), Rc::clone(&changes));
                        self.taken.push(BackportedChange {
                            what: (
                                subject.object.key.to_string(),
                                drift.change.path.to_string(),
                            ),
                            place: subject.place.clone(),
                            value: BackportedValue::Together(before, changes, index + 1),
                        });
                    }
                    return Ok(count);
                }
            }
            count /= 2;
        }
        Ok(0)
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
        self.are_taken_over(subject, std::iter::once(change), value)
    }

    /// Does the same for several changes.
    fn are_taken_over<'c>(
        &self,
        subject: &BackportObject<'_>,
        mut changes: impl Iterator<Item = &'c Change>,
        value: &Value,
    ) -> Result<Option<BTreeSet<FieldPath>>> {
        let Some(now) = self.drifting(subject, value)? else {
            return Ok(None);
        };
        let remains = |change: &Change| now.iter().any(|path| path.0.starts_with(&change.path.0));
        let is_gone = !changes.any(remains);
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
        let mut also = Vec::new();
        if drifting.is_none() && is_plain {
            let kept = self.with_kept_defaults(subject, change, &value)?;
            if let Some(kept) = kept {
                (value, also) = (kept.value, kept.also);
                drifting = Some(kept.drifting);
            }
        }
        let Some(mut drifting) = drifting else {
            return Ok(Err((RefusalReason::Impossible, STILL_DIFFERS.to_owned())));
        };
        // Leave out what the server adds, as a person would.
        let mut least = whole.clone();
        if let Some(live) = whole.as_ref().filter(|_| also.is_empty()) {
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
            also,
        }))
    }

    /// Declares the neighbours of a change as they are live if they would drift with it, because
    /// their default depends on it: an image without a tag has another pull policy.
    fn with_kept_defaults(
        &self,
        subject: &BackportObject<'_>,
        change: &Change,
        value: &Value,
    ) -> Result<Option<WantedObject>> {
        let live = self.wish.live.read_object(&subject.object.key);
        let live = live.and_then(|(_, live)| live.value().ok());
        let (Some(live), Some(now)) = (live, self.drifting(subject, value)?) else {
            return Ok(None);
        };
        let Some((_, parent)) = change.path.0.split_last() else {
            return Ok(None);
        };
        let is_neighbour =
            |path: &FieldPath| path.0.len() == change.path.0.len() && path.0.starts_with(parent);
        let new = now.difference(&subject.drifting);
        let also: Vec<FieldPath> = new.filter(|path| is_neighbour(path)).cloned().collect();
        let mut value = value.clone();
        for path in &also {
            let Ok(Some((_, live))) = patch::find(&live, path) else {
                return Ok(None);
            };
            let kept = Change::between(path.clone(), None, Some(live.clone()));
            let Some(with) = values::with_live_value(&value, &kept, Some(live)) else {
                return Ok(None);
            };
            value = with;
        }
        if also.is_empty() {
            return Ok(None);
        }
        let drifting = self.is_taken_over(subject, change, &value)?;
        Ok(drifting.map(|drifting| WantedObject {
            value,
            least: change.live.clone(),
            drifting,
            also,
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
        let also = wanted.also.iter().map(|path| {
            format!("also declares {path}, whose default would differ from the live value")
        });
        let mut remarks: Vec<String> = also.collect();
        Ok(self.write(subject, wanted).map(|()| {
            remarks.extend(self.remark(subject, drift));
            remarks
        }))
    }

    /// Writes an object into its file.
    fn write(
        &mut self,
        subject: &mut BackportObject<'_>,
        wanted: WantedObject,
    ) -> std::result::Result<(), BackportRefusal> {
        let name = subject.origin.file.to_string();
        let (
            Some(text),
            ObjectText::Plain {
                document,
                prefix,
                has_type,
            },
        ) = (self.text(&name), &subject.written)
        else {
            return Err((RefusalReason::NoPlace, NO_PLACE.to_owned()));
        };
        let written = match has_type {
            true => wanted.value.clone(),
            false => values::without_type(&wanted.value),
        };
        let edited = text.edit(*document, prefix, Some(&written));
        edited.map_err(|refusal| {
            let message = format!("{}: {refusal}", subject.origin.file);
            (RefusalReason::NoPlace, message)
        })?;
        let after = text.text().to_owned();
        if let Some(file) = self.files.get_mut(&name) {
            file.after = after;
        }
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
