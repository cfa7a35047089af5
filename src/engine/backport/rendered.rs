//! Backports changes of rendered objects: tries an edit of a file, renders again, and keeps the
//! edit only if the rendering changed at the intended field and nowhere else.

use std::path::Path;
use std::rc::Rc;

use anyhow::Result;

use super::EditedFile;
use super::object::{BackportObject, BackportRefusal, BackportState};
use super::places::{EditCandidate, EditedTexts, Intent, candidates};
use super::proof::{self, EditedObject};
use super::trial::{FileEdits, RenderResult, RenderScope, WantedObject};
use crate::model::{JudgedChange, RefusalReason};

/// Returns whether a file is in a folder, judged by the paths.
fn is_below(file: &str, folder: &str) -> bool {
    folder == "." || Path::new(file).starts_with(folder)
}

/// The limit on edits that are tried for one change.
const MOST_TRIED: usize = 20;

/// An edit with the wanted effect.
struct WorkingEdit {
    wanted: WantedObject,
    /// A generated object's new name, and its former one.
    renamed: Option<(String, String)>,
    /// Other objects that change too, as `--into` allows.
    others: Vec<String>,
}

/// The result of trying one edit.
enum EditOutcome {
    /// The edit has the wanted effect.
    Right(Box<WorkingEdit>),
    /// The edit has the wanted effect, but changes others too.
    Shared(Vec<String>),
    /// It has another effect. If it also sets the field, what it changes besides.
    Wrong(Vec<String>),
}

/// Names the first of several.
fn named(all: &[String]) -> String {
    const MOST: usize = 3;
    let first = all.iter().take(MOST).map(String::as_str);
    let first: Vec<&str> = first.collect();
    match all.len().saturating_sub(MOST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Returns what else an edit means.
fn remarks(
    candidate: &EditCandidate,
    part: &RenderScope,
    right: &WorkingEdit,
    texts: &EditedTexts<'_>,
) -> Vec<String> {
    let files = candidate.files.keys();
    let mut remarks: Vec<String> = files
        .map(|file| format!("edits {file}, verified by rendering"))
        .collect();
    if let Some(RenderScope::Chart(folder)) = part.renderer()
        && candidate.files.keys().any(|file| is_below(file, folder))
    {
        remarks.push(format!("this changes every release of the chart {folder}"));
    }
    if !right.others.is_empty() {
        remarks.push(format!("this also changes {}", right.others.join(", ")));
    }
    if let Some((name, _)) = &right.renamed {
        remarks.push(format!(
            "its name becomes {name}, so the pods that use it are replaced"
        ));
    }
    remarks.extend(candidate.bot_note(texts));
    remarks
}

/// Returns why no edit is right. `shared` is the first edit that would change other objects, too.
/// `is_none` says that no file could be edited, and `is_none_there` that none could in the files
/// that --into names.
fn why_not(
    part: &RenderScope,
    shared: Option<(String, Vec<String>)>,
    is_none: bool,
    is_none_there: bool,
) -> String {
    match (shared, is_none, is_none_there) {
        (Some((place, others)), ..) => format!(
            "{place} is also used by {}, which would change; --into {} edits it anyway",
            others.join(", "),
            place.rsplit_once(':').map_or(&*place, |(file, _)| file)
        ),
        (None, true, _) => match part.renderer() {
            Some(RenderScope::Chart(folder)) => format!(
                "no value of the chart {folder} sets just this field; change its template or its \
                 values by hand"
            ),
            _ => "no file in the repository declares it".to_owned(),
        },
        (None, false, true) => "no file that --into names can declare it".to_owned(),
        (None, false, false) => match part.folder() {
            Some(folder) => format!("no edit of the files of {folder} changes just this"),
            None => "no edit of its files changes just this".to_owned(),
        },
    }
}

impl BackportState<'_> {
    /// Backports a change into a file that the object is rendered from.
    pub(super) fn take_over_rendered(
        &mut self,
        subject: &mut BackportObject<'_>,
        part: &RenderScope,
        drift: &JudgedChange,
        wanted: WantedObject,
    ) -> Result<std::result::Result<Vec<String>, BackportRefusal>> {
        let no_place = |message: String| Ok(Err((RefusalReason::NoPlace, message)));
        let wish = self.wish;
        let edits = self.edits();
        let before = match self.rendered(part, &edits) {
            Ok(before) => before,
            Err(why) => return no_place(format!("it cannot be rendered again: {why}")),
        };
        if !before.objects.contains(&subject.value) {
            let what = "it renders differently each time, or cannot be rendered on its own";
            return no_place(what.to_owned());
        }
        let layers = match part.renderer() {
            Some(RenderScope::Kustomization(folder)) => self.wish.drafts.layers(folder, &edits),
            _ => Vec::new(),
        };
        let texts = EditedTexts::new(&edits, wish.read);
        let intent = Intent {
            before: &subject.value,
            change: &drift.change,
            wanted: &wanted,
            origin: subject.origin,
            position: drift.position,
        };
        let candidates = candidates(&intent, &layers, part, wish.drafts, &texts);
        let is_asked_for = |candidate: &&EditCandidate| {
            let into = self.wish.into;
            into.is_none_or(|into| candidate.files.keys().all(|file| into(file)))
        };
        let some: Vec<&EditCandidate> = candidates.iter().filter(is_asked_for).collect();
        let mut shared: Option<(String, Vec<String>)> = None;
        let mut besides: Option<(String, Vec<String>)> = None;
        for candidate in some.iter().take(MOST_TRIED) {
            match self.outcome(
                subject,
                part,
                drift,
                &wanted,
                [&edits, &candidate.files],
                &before,
            )? {
                EditOutcome::Wrong(others) => {
                    if besides.is_none() && !others.is_empty() {
                        besides = Some((candidate.place(&texts), others));
                    }
                }
                EditOutcome::Shared(others) => {
                    shared.get_or_insert((candidate.place(&texts), others));
                }
                EditOutcome::Right(right) => {
                    let mut remarks = remarks(candidate, part, &right, &texts);
                    remarks.extend(self.deploys_values(subject, candidate));
                    self.renamed.extend(right.renamed);
                    self.accept(candidate.files.clone());
                    subject.value = right.wanted.value;
                    subject.drifting = right.wanted.drifting;
                    return Ok(Ok(remarks));
                }
            }
        }
        if let (None, Some((place, others))) = (&shared, besides) {
            return no_place(format!(
                "{place} sets it, and an edit there would also change {}",
                named(&others)
            ));
        }
        no_place(why_not(
            part,
            shared,
            candidates.is_empty(),
            some.is_empty(),
        ))
    }

    /// Says that the values are in an object that is compared too, and differs until it is
    /// deployed.
    fn deploys_values(
        &self,
        subject: &BackportObject<'_>,
        candidate: &EditCandidate,
    ) -> Option<String> {
        let deployer = subject.origin.chain.last()?;
        let holders = self.wish.drafts.deployers(deployer);
        if !candidate.files.keys().any(|file| holders.contains(file)) {
            return None;
        }
        let mut objects = self.wish.report.objects.iter();
        let holder = objects
            .find(|object| object.key.kind == deployer.kind && object.key.name == deployer.name)?;
        Some(format!(
            "{} itself differs from the live one until this is deployed",
            holder.key
        ))
    }

    /// Returns a part's rendering, with generated objects under their current names.
    fn rendered(&self, part: &RenderScope, edits: &FileEdits) -> Result<Rc<RenderResult>, String> {
        let rendered = self.wish.drafts.rendered(part, edits)?;
        if self.renamed.is_empty() {
            return Ok(rendered);
        }
        let mut rendered = RenderResult::clone(&rendered);
        proof::by_former_names(&mut rendered, &self.renamed);
        Ok(Rc::new(rendered))
    }

    /// Returns the texts of all files as edited so far.
    fn edits(&self) -> FileEdits {
        let edited = self.files.iter();
        let edited = edited.filter(|(_, file)| file.before != file.after);
        edited
            .map(|(name, file)| (name.clone(), file.after.clone()))
            .collect()
    }

    fn accept(&mut self, files: FileEdits) {
        for (name, after) in files {
            match self.files.get_mut(&name) {
                Some(file) => file.after = after,
                None => {
                    let before = (self.wish.read)(&name).unwrap_or_default();
                    self.files.insert(name, EditedFile { before, after });
                }
            }
        }
    }

    /// Tries one edit.
    fn outcome(
        &self,
        subject: &BackportObject<'_>,
        part: &RenderScope,
        drift: &JudgedChange,
        wanted: &WantedObject,
        [edits, files]: [&FileEdits; 2],
        before: &RenderResult,
    ) -> Result<EditOutcome> {
        let change = &drift.change;
        let mut with = edits.clone();
        with.extend(files.clone());
        let Ok(after) = self.rendered(part, &with) else {
            return Ok(EditOutcome::Wrong(Vec::new()));
        };
        let deployer = subject.origin.chain.last();
        let Some(EditedObject { value, renamed }) =
            proof::changed(before, &after, &subject.value, &change.path.0, deployer)
        else {
            let objects = (&subject.value, &wanted.value);
            let path = &change.path.0;
            let others = proof::side_effects(before, &after, objects, path, deployer);
            return Ok(EditOutcome::Wrong(others));
        };
        let drifting = match value == wanted.value {
            true => Some(wanted.drifting.clone()),
            false => self.is_taken_over(subject, change, &value)?,
        };
        let Some(drifting) = drifting else {
            return Ok(EditOutcome::Wrong(Vec::new()));
        };
        let mut others = Vec::new();
        for file in files.keys() {
            for other in self.wish.drafts.others(file, part) {
                let name = other.folder().unwrap_or_default().to_owned();
                let rendered = |edits| self.wish.drafts.rendered(&other, edits);
                let is_same = match (rendered(edits), rendered(&with)) {
                    (Ok(before), Ok(after)) => proof::is_same(&before, &after),
                    // If it cannot be rendered, it cannot be shown to stay unchanged.
                    _ => false,
                };
                if !is_same && !others.contains(&name) {
                    others.push(name);
                }
            }
        }
        if !others.is_empty() && self.wish.into.is_none() {
            return Ok(EditOutcome::Shared(others));
        }
        let wanted = WantedObject {
            value,
            least: wanted.least.clone(),
            drifting,
            also: Vec::new(),
        };
        Ok(EditOutcome::Right(Box::new(WorkingEdit {
            wanted,
            renamed,
            others,
        })))
    }
}
