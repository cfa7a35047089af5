//! Shows a watch: a line for each event, and a screen of open drift.

use std::cmp::Reverse;

use super::{WatchState, span};
use crate::model::{ClosedEpisode, Deviation, Episode, EpisodeEvent, EpisodeKey, Onset, Severity};
use crate::output::paint::{Paint, StyledLine, ascii, width};
use crate::output::{RenderOptions, words};
use crate::redact::Redacted;

/// Returns a line about an event; `None` if it is not worth reporting.
pub fn event_line(event: &EpisodeEvent, options: &RenderOptions) -> Option<String> {
    let mut line = StyledLine::default();
    match event {
        EpisodeEvent::Opened(episode) => {
            line.push(Paint::Drift, "opened  ");
            line.append(named(&episode.key, episode.severity));
            let who = episode.who.as_ref().map(|who| format!(", by {who}"));
            line.push(Paint::Dim, &who.unwrap_or_default());
            let written = options.now.filter(|_| episode.onset == Onset::Written);
            if let Some(now) = written {
                line.push(Paint::Dim, &format!(", {} ago", age(episode, now)));
            }
        }
        EpisodeEvent::Closed(closed) => {
            line.push(Paint::Good, "closed  ");
            line.append(named(&closed.key, closed.severity));
            line.push(Paint::Dim, &format!(", {}", end(closed)));
        }
        EpisodeEvent::Altered(_) => return None,
    }
    Some(rendered(&line, options))
}

fn rendered(line: &StyledLine, options: &RenderOptions) -> String {
    let text = line.render(options.colour);
    match options.ascii {
        true => ascii(&text),
        false => text,
    }
}

fn age(episode: &Episode, now: jiff::Timestamp) -> String {
    span(now.as_second() - episode.opened.as_second())
}

/// Returns `reverted after 5m`.
fn end(closed: &ClosedEpisode) -> String {
    format!(
        "{} after {}",
        closed.how.as_str(),
        span(closed.seconds() as i64)
    )
}

/// Returns `HIGH  Deployment shop/cart .spec.replicas changed`.
fn named(key: &EpisodeKey, severity: Severity) -> StyledLine {
    let mut line = StyledLine::default();
    line.push(
        Paint::of_severity(severity),
        &words::severity_label(severity),
    );
    line.push(Paint::Plain, "  ");
    line.push(Paint::Bold, &key.object.to_string());
    if !key.path.is_empty() {
        line.push(Paint::Plain, " ").push(Paint::Path, &key.path);
    }
    let is_plain = key.deviation == Deviation::Changed;
    if !is_plain {
        line.push(Paint::Plain, &format!(" {}", key.deviation.as_str()));
    }
    line
}

/// Returns the lines of a screen: the cluster, the last round, open drift, and recent events.
/// `recent` has the latest events at its end, and `rows` is how many lines fit.
pub fn watch_screen(
    watched: &WatchState<'_>,
    report: Option<&Redacted>,
    said: &str,
    recent: &[EpisodeEvent],
    rows: usize,
    options: &RenderOptions,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(sides) = report.and_then(|report| words::sides(report)) {
        lines.push(StyledLine::of(Paint::Bold, &sides));
    }
    lines.push(StyledLine::of(Paint::Plain, said));
    lines.push(summary(watched));
    let mut latest: Vec<StyledLine> = recent
        .iter()
        .filter_map(|event| match event {
            EpisodeEvent::Closed(closed) => {
                let mut line = StyledLine::of(Paint::Good, "  closed  ");
                line.append(named(&closed.key, closed.severity));
                line.push(Paint::Dim, &format!(", {}", end(closed)));
                Some(line)
            }
            _ => None,
        })
        .collect();
    let room = rows.saturating_sub(lines.len() + 2).max(4);
    let most = (room / 3).min(6);
    latest.drain(..latest.len().saturating_sub(most));
    let room = room.saturating_sub(latest.len() + usize::from(!latest.is_empty()));
    lines.extend(open(watched, room, options));
    if !latest.is_empty() {
        lines.push(StyledLine::default());
        lines.append(&mut latest);
    }
    lines.truncate(rows.max(1));
    lines
        .into_iter()
        .map(|line| rendered(&line.cut(options.width), options))
        .collect()
}

fn summary(watched: &WatchState<'_>) -> StyledLine {
    let severities = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ];
    let mut line = StyledLine::of(Paint::Bold, &format!("{} open", watched.open.len()));
    for (at, severity) in severities
        .into_iter()
        .filter(|severity| watched.open.iter().any(|one| one.severity == *severity))
        .enumerate()
    {
        let of_it = watched.open.iter().filter(|one| one.severity == severity);
        let n = of_it.count();
        let join = if at == 0 { ": " } else { " · " };
        line.push(Paint::Plain, join);
        line.push(
            Paint::of_severity(severity),
            &format!("{n} {}", severity.as_str()),
        );
    }
    let opened: u64 = watched.tallies.opened.values().sum();
    let closed: u64 = watched.tallies.closed.values().sum();
    line.push(Paint::Dim, &format!("; {opened} opened, {closed} closed"));
    line
}

/// Returns the open episodes in columns: the worst first, then the oldest.
fn open(watched: &WatchState<'_>, room: usize, options: &RenderOptions) -> Vec<StyledLine> {
    if watched.open.is_empty() {
        return Vec::new();
    }
    let mut open = watched.open.clone();
    open.sort_by_key(|one| (Reverse(one.severity), one.opened, &one.key));
    let shown = match open.len() > room.saturating_sub(2) {
        true => room.saturating_sub(3),
        false => open.len(),
    };
    let cells: Vec<[(Paint, String); 4]> = open
        .iter()
        .take(shown)
        .map(|episode| {
            let key = &episode.key;
            let age = options.now.map(|now| age(episode, now)).unwrap_or_default();
            let path = key.path.parse();
            let path = path.map_or_else(|_| key.path.clone(), |path| words::short_path(&path));
            let what = match key.deviation {
                Deviation::Changed => path,
                other => format!("{path} {}", other.as_str()),
            };
            let who = episode.who.as_ref().map(|who| format!("  by {who}"));
            [
                (
                    Paint::of_severity(episode.severity),
                    episode.severity.as_str().to_owned(),
                ),
                (Paint::Dim, age),
                (Paint::Bold, key.object.to_string()),
                (
                    Paint::Plain,
                    format!("{}{}", what.trim_start(), who.unwrap_or_default()),
                ),
            ]
        })
        .collect();
    let heads = ["SEVERITY", "FOR", "OBJECT", "WHAT"];
    let heads = heads.map(|head| (Paint::Dim, head.to_owned()));
    let mut widths = [0; 4];
    for row in cells.iter().chain([&heads]) {
        for (widest, (_, text)) in widths.iter_mut().zip(row) {
            *widest = width(text).max(*widest);
        }
    }
    widths[2] = widths[2].min(options.width * 2 / 5);
    let mut lines = vec![StyledLine::default()];
    for row in [heads].iter().chain(&cells) {
        let mut line = StyledLine::default();
        let mut column = 0;
        for ((paint, text), wide) in row.iter().zip(widths) {
            line.pad_to(column);
            let cell = StyledLine::of(*paint, text);
            let is_last = text == &row[3].1;
            line.append(if is_last { cell } else { cell.cut(wide) });
            column += wide + 2;
        }
        lines.push(line);
    }
    let rest = open.len() - shown;
    if rest > 0 {
        lines.push(StyledLine::of(Paint::Dim, &format!("and {rest} more")));
    }
    lines
}
