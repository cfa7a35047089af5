//! Plans edited manifests from a report: which drift to backport, and where to write it.
//!
//! Each change is first made in the value, which is then compared with the same live object: the
//! change is accepted only if its drift is gone and no other appears. Then it is made in the text:
//! in the manifest, or for rendered objects in a file whose edit makes the rendering match. Nothing
//! here writes a file.

mod items;
mod object;
mod places;
mod proof;
mod rendered;
mod trial;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::cluster::Overlay;
use crate::model::{ObjectStatus, Plan, Report};
use crate::redact::Redacted;
use crate::source::RenderedObject;
use object::{BackportState, BackportedChange};
pub use trial::{FileEdits, KustomizationLayer, RenderEdits, RenderResult, RenderScope};

pub use super::selected::SelectsChange;

/// Compares edited manifests with the live objects.
pub type Compare<'a> = &'a dyn Fn(&BTreeMap<RenderedObject, Value>) -> Result<Report>;

/// The parameters of a backport.
pub struct BackportRequest<'a> {
    /// The report, including secrets.
    pub report: &'a Report,
    /// The report without secrets.
    pub shown: &'a Redacted,
    /// The live objects that the report was made from.
    pub live: &'a Overlay<'a>,
    /// Whether a change is selected.
    pub selects: SelectsChange<'a>,
    /// Whether a change is named, by its object and its path.
    pub names: SelectsChange<'a>,
    /// Whether secrets may be written into files.
    pub allow_secrets: bool,
    /// Returns the text of a file, or why the file is not edited.
    pub read: &'a dyn Fn(&str) -> Result<String, String>,
    /// Compares the given objects only, as they would be declared.
    pub compare: Compare<'a>,
    /// Compares everything that is declared, with the given objects as they would be declared.
    pub compare_all: Compare<'a>,
    /// Renders edited files again with kustomize or Helm.
    pub drafts: &'a dyn RenderEdits,
    /// Selects the files that may be edited for a rendered object, if the user named some.
    pub into: Option<&'a dyn Fn(&str) -> bool>,
}

/// A file with edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Its original text.
    pub before: String,
    /// Its edited text.
    pub after: String,
}

/// A plan with its edits.
pub struct BackportPlan {
    /// The plan to print, without secrets.
    pub plan: Plan,
    /// The edited files, by their names.
    pub files: BTreeMap<String, EditedFile>,
}

/// Plans the edits that make manifests declare the live values.
///
/// # Errors
/// Fails if a comparison fails.
pub fn plan(wish: &BackportRequest<'_>) -> Result<BackportPlan> {
    let before = drifting(wish.report);
    let mut left_out = SkippedChanges::new();
    for _ in 0..MOST_ATTEMPTS {
        let (planned, taken) = BackportState::all(wish, &left_out)?;
        let more = changes_that_break_others(wish, &before, &taken)?;
        if more.is_empty() {
            return Ok(planned);
        }
        left_out.extend(more);
    }
    bail!("backporting one change keeps making something else drift; select fewer changes")
}

/// The limit on attempts, each without the changes that could not be backported in the one before.
const MOST_ATTEMPTS: usize = 50;

/// Changes that are not backported, by object and path, with the reason.
type SkippedChanges = BTreeMap<(String, String), String>;

/// Returns the changes that would make something else drift. A change that is right for its object
/// may be wrong together with others, and one object can make another drift.
fn changes_that_break_others(
    wish: &BackportRequest<'_>,
    before: &BTreeSet<(String, String)>,
    taken: &[BackportedChange],
) -> Result<SkippedChanges> {
    let after = |count: usize| -> Result<BTreeSet<(String, String)>> {
        let some = taken.iter().take(count);
        let last: BTreeMap<_, _> = some.map(|taken| (&taken.place, &taken.value)).collect();
        let values = last.into_iter();
        let values = values.map(|(place, value)| (place.clone(), value.get()));
        Ok(drifting(&(wish.compare_all)(&values.collect())?))
    };
    if taken.is_empty() {
        return Ok(SkippedChanges::new());
    }
    let with_all = after(taken.len())?;
    let still = taken.iter().filter(|taken| with_all.contains(&taken.what));
    let still: SkippedChanges = still
        .map(|taken| (taken.what.clone(), STILL_DIFFERS.to_owned()))
        .collect();
    let Some(mut spoilt) = with_all.difference(before).next().cloned() else {
        return Ok(still);
    };
    if !still.is_empty() {
        return Ok(still);
    }
    // The first change that, after those before it, makes something new drift.
    let (mut good, mut bad) = (0, taken.len());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        match after(middle)?.difference(before).next() {
            Some(found) => (bad, spoilt) = (middle, found.clone()),
            None => good = middle,
        }
    }
    let Some(spoiler) = taken.get(good) else {
        return Ok(still);
    };
    let (object, path) = &spoilt;
    let at = match path.as_str() {
        "." => String::new(),
        // A path can contain a value, for example of an item in a set.
        path if path.contains('"') => String::new(),
        path => format!(" at {path}"),
    };
    let why = format!("with this change, {object} would start to drift{at}");
    Ok(SkippedChanges::from([(spoiler.what.clone(), why)]))
}

/// The reason for a change that does not end its drift.
const STILL_DIFFERS: &str = "with this change, the manifest would still differ from the live \
    object";

/// Returns the object and path of everything that drifts.
fn drifting(report: &Report) -> BTreeSet<(String, String)> {
    let objects = report.objects.iter().flat_map(|object| {
        let key = object.key.to_string();
        let whole = matches!(
            object.status(),
            ObjectStatus::Missing | ObjectStatus::Unknown
        );
        let paths = object.reported().map(|drift| drift.change.path.to_string());
        let paths = paths.chain(whole.then(|| ".".to_owned()));
        paths
            .map(move |path| (key.clone(), path))
            .collect::<Vec<_>>()
    });
    objects.collect()
}
