//! Names who wrote something, and when.

use jiff::Timestamp;

use super::escape;
use crate::model::{ObjectReport, Operation, Owner};

/// Returns an owner in one phrase: `kubectl-edit, last write 3h ago`.
///
/// It says "last write" because the time is that of the manager's last write to the object, to
/// whichever field.
pub fn owner(owner: &Owner, now: Option<Timestamp>) -> String {
    let mut who = escape::line(&owner.manager).into_owned();
    match (&owner.subresource, owner.operation) {
        (Some(subresource), _) => {
            who.push_str(&format!(" (through {})", escape::line(subresource)));
        }
        (None, Operation::Apply) => who.push_str(" (apply)"),
        (None, Operation::Update) => {}
    }
    if let Some(user) = &owner.user {
        who = format!("{} with {who}", escape::line(user));
    }
    match &owner.time {
        Some(time) => format!("{who}, last write {}", relative_time(time, now)),
        None => format!("{who}, time not recorded"),
    }
}

/// Returns the owners of a change in one phrase, the latest writer first, at most three. A manager
/// that only writes the status did not make the change.
pub fn owners(owners: &[Owner], now: Option<Timestamp>) -> Option<String> {
    let reports = |owner: &Owner| owner.subresource.as_deref() == Some("status");
    let only_reports = owners.iter().all(reports);
    let mut sorted: Vec<&Owner> = owners
        .iter()
        .filter(|owner| only_reports || !reports(owner))
        .collect();
    sorted.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.cmp(b)));
    let sorted = Owner::any_of(&sorted);
    let mut said: Vec<String> = sorted.iter().take(3).map(|one| owner(one, now)).collect();
    if sorted.len() > 3 {
        said.push(format!("{} more", sorted.len() - 3));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// Returns `3h ago`; the time itself if it is long ago, in the future, or not a time.
pub fn relative_time(time: &str, now: Option<Timestamp>) -> String {
    let exact = || escape::line(time).into_owned();
    let (Some(now), Ok(then)) = (now, time.parse::<Timestamp>()) else {
        return exact();
    };
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match now.as_second() - then.as_second() {
        s @ 0..120 => format!("{s}s ago"),
        s if (120..2 * HOUR).contains(&s) => format!("{}m ago", s / MINUTE),
        s if (2 * HOUR..2 * DAY).contains(&s) => format!("{}h ago", s / HOUR),
        s if (2 * DAY..90 * DAY).contains(&s) => format!("{}d ago", s / DAY),
        _ => exact(),
    }
}

/// Returns who last wrote the differences in an object: `bob (kubectl-edit) 2m ago`.
pub fn last_writer(object: &ObjectReport, now: Option<Timestamp>) -> Option<String> {
    let owners = object.reported().flat_map(|drift| &drift.owners);
    latest_writer(owners.chain(&object.owners), now)
}

/// Returns the latest writer of all in a few words.
pub fn latest_writer<'o>(
    owners: impl Iterator<Item = &'o Owner>,
    now: Option<Timestamp>,
) -> Option<String> {
    let latest = Owner::latest(owners)?;
    let manager = match &latest.subresource {
        Some(subresource) => format!("{} {subresource}", latest.manager),
        None => latest.manager.clone(),
    };
    let mut said = match &latest.user {
        Some(user) => format!("{user} ({manager})"),
        None => manager,
    };
    if let Some(time) = &latest.time {
        said.push_str(&format!(" {}", relative_time(time, now)));
    }
    Some(escape::line(&said).into_owned())
}
