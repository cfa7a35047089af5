//! Selects the changes that a report shows: `--severity`, `--since` and `--by`.
//!
//! Hidden changes still count: the verdict, the counts of objects and the exit code are those of
//! the whole comparison, and the report says how much is hidden.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::args::ReportArgs;
use crate::model::{ObjectReport, ObjectStatus, Owner, Report, ResourceKey, Warning};

/// Removes from a report what the user did not select, and adds a note about it.
pub fn apply(report: &mut Report, args: &ReportArgs, now: Timestamp) {
    let choice = SelectedChanges::of(args, now);
    if choice.is_everything() {
        return;
    }
    let (mut left_out, mut undated) = (0, 0);
    for object in &mut report.objects {
        object.found = Some(object.status());
        let shown_before = object.drifts.len();
        object.drifts.retain(|drift| {
            !drift.is_reported() || choice.shows(Some(drift.severity), &drift.owners)
        });
        left_out += shown_before - object.drifts.len();
        if choice.since.is_some() {
            let reported = object.drifts.iter().filter(|drift| drift.is_reported());
            undated += reported.filter(|drift| !is_dated(&drift.owners)).count();
        }
        if is_whole(object) && !choice.shows(object.whole_severity, &object.owners) {
            object.whole_severity = None;
            left_out += 1;
        }
    }
    let shown: BTreeSet<&ResourceKey> = report
        .objects
        .iter()
        .filter(|object| object.reported().next().is_some() || object.whole_severity.is_some())
        .map(|object| &object.key)
        .collect();
    report.events.moments.retain(|event| {
        let is_since = |since| event.at.is_none_or(|at| at >= since);
        shown.contains(&event.object) && choice.since.is_none_or(is_since)
    });
    if left_out == 0 {
        return;
    }
    let mut message = format!(
        "{} hidden by {}; the exit code and the object counts include them",
        count(left_out, "change"),
        choice.flags.join(", ")
    );
    if undated > 0 {
        message.push_str(&format!(
            "; {} of unknown time also shown",
            count(undated, "change")
        ));
    }
    report.warnings.push(Warning::new("", message));
}

fn count(n: usize, word: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {word}{s}")
}

fn is_whole(object: &ObjectReport) -> bool {
    matches!(object.status(), ObjectStatus::Missing | ObjectStatus::Extra)
}

fn is_dated(owners: &[Owner]) -> bool {
    owners.iter().any(|owner| owner.time.is_some())
}

/// The selected changes.
struct SelectedChanges<'a> {
    severity: Option<crate::model::Severity>,
    since: Option<Timestamp>,
    by: &'a [crate::policy::Glob],
    flags: Vec<&'static str>,
}

impl<'a> SelectedChanges<'a> {
    fn of(args: &'a ReportArgs, now: Timestamp) -> Self {
        let given = [
            (args.severity.is_some(), "--severity"),
            (args.since.is_some(), "--since"),
            (!args.by.is_empty(), "--by"),
        ];
        Self {
            severity: args.severity,
            since: args.since.map(|since| since.before(now)),
            by: &args.by,
            flags: given
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, flag)| *flag)
                .collect(),
        }
    }

    fn is_everything(&self) -> bool {
        self.flags.is_empty()
    }

    fn shows(&self, severity: Option<crate::model::Severity>, owners: &[Owner]) -> bool {
        let severe = self.severity.is_none_or(|least| severity >= Some(least));
        let recent = self.since.is_none_or(|since| {
            let times = owners.iter().filter_map(|owner| owner.time.as_ref());
            let mut times = times
                .filter_map(|time| time.parse::<Timestamp>().ok())
                .peekable();
            // The time of a removal is not recorded: it may have been just now.
            times.peek().is_none() || times.any(|time| time >= since)
        });
        let named = |owner: &Owner| {
            let names = [Some(&owner.manager), owner.user.as_ref()];
            names
                .into_iter()
                .flatten()
                .any(|name| self.by.iter().any(|by| by.matches(name)))
        };
        severe && recent && (self.by.is_empty() || owners.iter().any(named))
    }
}
