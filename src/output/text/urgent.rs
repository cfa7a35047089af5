//! Lists the worst changes again, in a line each, for a reader who asks whether it is safe to
//! continue.

use std::cmp::Reverse;
use std::io;

use super::carried::{self, CommonAdditions};
use super::{Paint, StyledLine, TextPage, words};
use crate::model::{ChangeKind, JudgedChange, ObjectReport, ObjectStatus, Report, Severity};
use crate::output::paint::{end_of, width};
use crate::output::{differ, finding, gist, view};

/// How many lines are shown: they fit on the last screen with the verdict.
const MOST: usize = 12;

/// The length limit of a value.
const LONGEST_VALUE: usize = 48;

/// The columns of a value that is not cut.
const SHORT_VALUE: usize = 18;

/// The columns of the severity.
const SEVERITY: usize = 10;

/// The columns that a change needs, beside its author.
const LEAST: usize = 20;

/// One line.
struct UrgentLine<'r> {
    object: &'r ObjectReport,
    /// `None` for an object that is missing or extra as a whole.
    drift: Option<&'r JudgedChange>,
    severity: Severity,
}

pub(super) fn render(page: &mut TextPage<'_>, report: &Report) -> io::Result<()> {
    let carried = CommonAdditions::of(report, page);
    let entries = entries(report, &carried);
    let shown = &entries[..entries.len().min(MOST)];
    let name = |entry: &UrgentLine<'_>| match entry.drift {
        Some(drift) => match carried.carriers(entry.object, drift) {
            Some(carriers) => carried::carrier_count(carriers),
            None => words::object(entry.object),
        },
        None => words::object(entry.object),
    };
    let names = shown.iter().map(name);
    let names: Vec<String> = names.collect();
    let room = page.options.width / 3;
    let widest = names
        .iter()
        .map(|name| width(name))
        .filter(|width| *width <= room);
    let widest = widest.max().unwrap_or(0);
    for (entry, name) in shown.iter().zip(&names) {
        let who = author(page, entry)
            .map(|who| format!("  {who}"))
            .unwrap_or_default();
        let change = ShortChange::of(entry);
        let full = change.width() + width(&who);
        // Names are in a column, except on a line that needs the space.
        let column = SEVERITY + widest.max(width(name)) + 2;
        let column = match column + full <= page.options.width {
            true => column,
            false => 0,
        };
        let mut line = StyledLine::of(
            Paint::of_severity(entry.severity),
            &format!("{:<8}  ", entry.severity.as_str()),
        );
        line.push(Paint::Bold, name)
            .push(Paint::Plain, "  ")
            .pad_to(column);
        let left = page.options.width.saturating_sub(line.width());
        // The author is the next question: it is dropped only on narrow pages.
        let (room, who) = match left.saturating_sub(width(&who)) {
            room if room >= LEAST.min(change.width()) => (room, who.as_str()),
            _ => (left, ""),
        };
        line.append(change.fit(room)).push(Paint::Dim, who);
        page.line(&line.cut(page.options.width))?;
    }
    if entries.len() > MOST {
        let more = format!(
            "{:<8}  {} more; -o table --severity high lists them all",
            "",
            entries.len() - MOST
        );
        page.line(&StyledLine::of(Paint::Dim, &more).cut(page.options.width))?;
    }
    Ok(())
}

/// Returns what is critical or high, the worst first.
fn entries<'r>(report: &'r Report, carried: &CommonAdditions<'_>) -> Vec<UrgentLine<'r>> {
    let mut entries = Vec::new();
    let is_listed = |object: &ObjectReport, drift: &JudgedChange| {
        let carriers = carried.carriers(object, drift);
        carriers.is_some_and(|all| all.first().is_some_and(|(one, _)| one.key != object.key))
    };
    for object in view::by_urgency(report, crate::output::ShowLevel::Drift) {
        if let Some(severity) = object.whole_severity.filter(|_| object.is_drift()) {
            entries.push(UrgentLine {
                object,
                drift: None,
                severity,
            });
        }
        let drifts = view::worst_first(object, crate::output::ShowLevel::Drift);
        let drifts = drifts.into_iter().filter(|drift| drift.is_drift());
        for drift in drifts.filter(|drift| !is_listed(object, drift)) {
            entries.push(UrgentLine {
                object,
                drift: Some(drift),
                severity: drift.severity,
            });
        }
    }
    entries.retain(|entry| entry.severity >= Severity::High);
    // The sort is stable: changes of the same severity stay in the order of the report.
    entries.sort_by_key(|entry| {
        let is_conflict = entry.object.status() == ObjectStatus::Conflict
            && entry.drift.is_none_or(JudgedChange::is_conflict);
        Reverse((is_conflict, entry.severity))
    });
    entries
}

/// What happened: `+ .spec.hostNetwork true`, or `missing`.
struct ShortChange {
    sign: &'static str,
    paint: Paint,
    path: String,
    value: String,
}

impl ShortChange {
    fn of(entry: &UrgentLine<'_>) -> Self {
        let Some(drift) = entry.drift else {
            let status = entry.object.status();
            let gist = gist::of(entry.object).into_iter().next();
            return Self {
                sign: status.as_str(),
                paint: Paint::of_status(status),
                path: String::new(),
                value: gist.map_or_else(String::new, |gist| format!(": {gist}")),
            };
        };
        let change = &drift.change;
        let (sign, paint, value) = match (change.kind, &change.declared, &change.live) {
            (_, Some(_), Some(_)) if drift.is_conflict() => ("! ", Paint::Alarm, String::new()),
            (ChangeKind::Removed, Some(value), _) => {
                ("- ", Paint::Declared, differ::flow(value, LONGEST_VALUE))
            }
            (ChangeKind::Added, _, Some(value)) => {
                ("+ ", Paint::Live, differ::flow(value, LONGEST_VALUE))
            }
            (_, Some(declared), Some(live)) => (
                "~ ",
                Paint::Drift,
                finding::brief_difference(declared, live),
            ),
            _ => ("~ ", Paint::Drift, String::new()),
        };
        let value = match value.is_empty() {
            true => value,
            false => format!(" {value}"),
        };
        Self {
            sign,
            paint,
            path: words::short_path(&change.path),
            value,
        }
    }

    fn width(&self) -> usize {
        width(self.sign) + width(&self.path) + width(&self.value)
    }

    /// Returns the line, cut to so many columns. A short value stays whole, and its path is cut at
    /// the beginning: the end says which field it is.
    fn fit(&self, room: usize) -> StyledLine {
        let mut line = StyledLine::of(self.paint, self.sign);
        let room = room.saturating_sub(line.width());
        let value = width(&self.value);
        let for_value = match value <= SHORT_VALUE {
            true => value,
            false => value.min(room.saturating_sub(width(&self.path))),
        };
        let path = end_of(&self.path, room.saturating_sub(for_value));
        line.push(Paint::Path, &path);
        // A value without room would leave only its ellipsis.
        if for_value > 0 {
            line.append(StyledLine::of(Paint::Plain, &self.value).cut(for_value));
        }
        line
    }
}

fn author(page: &TextPage<'_>, entry: &UrgentLine<'_>) -> Option<String> {
    match entry.drift {
        Some(drift) => words::latest_writer(drift.owners.iter(), page.options.now),
        None => words::last_writer(entry.object, page.options.now),
    }
}
