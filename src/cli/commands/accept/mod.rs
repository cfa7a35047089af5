//! `driftctl accept`

mod ledger;

use std::io::Write;

use anyhow::{Context, Result, anyhow, bail};

use super::expiry;
use crate::cli::args::AcceptArgs;
use crate::cli::comparison::{self, ComparisonResult};
use crate::cli::selected::ChangeSelection;
use crate::cli::selection::EndTime;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message, report_file};
use crate::config;
use crate::model::{
    ChangeKind, JudgedChange, ObjectReport, ObjectStatus, Report, Severity, Verdict,
};
use crate::output::escape;
use crate::policy::{ACCEPTED, Debt};
use crate::redact::{LiveValues, Redacted, Redactor};
pub(super) use ledger::{AcceptTerms, AcceptedDrift};

/// Compares, and records the drift that it finds.
///
/// # Errors
/// Fails if nothing can be compared, or the baseline cannot be written.
pub fn run(args: &AcceptArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.source.untrusted.untrusted {
        bail!("drift of untrusted manifests cannot be accepted; leave out --untrusted");
    }
    let expires = expiry(args.expires.as_ref(), settings)?;
    let (selected, source) = ChangeSelection::of(&args.object, &args.path, &args.source)?;
    let ComparisonResult { report, rules } = comparison::run(
        &source,
        &args.live,
        &args.compare,
        &args.rules,
        false,
        settings.now,
    )?;
    let redactor = Redactor::of(rules.secret(), LiveValues::default());
    let redacted = redactor.redact(report.clone());
    let mut ledger = AcceptedDrift::open(rules.baseline.debt, settings)?;
    selected.check(&report, |object| changes(object, &ledger.debt))?;
    let mut terms = AcceptTerms {
        reason: args
            .reason
            .clone()
            .filter(|reason| !reason.trim().is_empty()),
        ticket: args.ticket.clone(),
        expires,
    };
    let accepted = about_to_be_accepted(&report, &selected);
    complete(&mut terms, &accepted, &ledger.debt, settings, streams)?;
    let gone = remove_stale(&mut ledger.debt, &report, &selected);
    let mut accepting = Accepting {
        report: &report,
        selected,
        terms,
        ledger,
        unnamed: 0,
        accepted: Vec::new(),
        objects: 0,
    };
    for (object, shown) in report.objects.iter().zip(&redacted.objects) {
        accepting.object(object, shown);
    }
    let file = &rules.baseline.file;
    if accepting.accepted.len() + gone > 0 {
        let text = config::write_baseline(&accepting.ledger.debt);
        report_file::write(&file.path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", file.name))?;
    }
    accepting.say(&file.name, gone, streams)?;
    accepting.answer(&redacted, settings, streams)
}

/// Returns the paths at which an object has drift or accepted drift.
fn changes(object: &ObjectReport, debt: &Debt) -> Vec<String> {
    let of_object = debt.entries().filter(|accepted| accepted.key == object.key);
    let accepted = of_object.map(|accepted| accepted.path.clone());
    let drifts = object.drifts.iter();
    let drifts = drifts.map(|drift| drift.change.path.to_string());
    let whole = matches!(object.status(), ObjectStatus::Missing | ObjectStatus::Extra);
    let whole = whole.then(|| ".".to_owned());
    drifts.chain(accepted).chain(whole).collect()
}

/// Returns whether a change is hidden because it was accepted.
fn is_accepted(drift: &JudgedChange) -> bool {
    matches!(drift.verdict(), Verdict::Ignored { rule, .. } if rule == ACCEPTED)
}

/// Removes accepted drift that is gone, or that will be accepted again because its value changed or
/// it is overdue. Only looks at selected objects that were compared. Returns how many entries were
/// removed because their drift is gone.
fn remove_stale(debt: &mut Debt, report: &Report, selected: &ChangeSelection) -> usize {
    let mut renewed = 0;
    let out = debt.retain(|accepted| {
        let mut objects = report.objects.iter();
        let Some(object) = objects.find(|object| object.key == accepted.key) else {
            return true;
        };
        let is_selected = selected.selects(report, object, &accepted.path);
        let mut hidden = object.drifts.iter().filter(|drift| is_accepted(drift));
        let is_hidden = hidden.any(|drift| drift.change.path.to_string() == accepted.path);
        let stays = object.status() == ObjectStatus::Unknown || !is_selected || is_hidden;
        renewed += usize::from(!stays && drifts_at(object, &accepted.path));
        stays
    });
    out - renewed
}

/// Returns whether an object has drift at a path, or is missing or extra as a whole.
fn drifts_at(object: &ObjectReport, path: &str) -> bool {
    let mut drifts = object.drifts.iter();
    drifts.any(|drift| drift.change.path.to_string() == path)
        || (path == "." && matches!(object.status(), ObjectStatus::Missing | ObjectStatus::Extra))
}

/// Asks for what the arguments leave out: a reason, if there is no earlier one, and an expiry.
///
/// # Errors
/// Fails if there is no terminal to ask at, or no answer.
fn complete(
    terms: &mut AcceptTerms,
    accepted: &[AcceptedChange<'_>],
    debt: &Debt,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    if accepted.is_empty() {
        return Ok(());
    }
    let has_reason = |item: &AcceptedChange<'_>| {
        let before = debt.at(&item.object.key, &item.path, item.kind);
        before.is_some_and(|before| !before.reason.is_empty())
    };
    let no_reason = terms.reason.is_none() && !accepted.iter().all(has_reason);
    let no_end = terms.expires.is_none();
    if !(no_reason || no_end) {
        return Ok(());
    }
    if !settings.is_interactive {
        let lacking = match (no_reason, no_end) {
            (true, true) => "a reason and a deadline: --reason TEXT --expires 7d",
            (true, false) => "a reason: --reason TEXT",
            _ => "an end: --expires 7d",
        };
        bail!("accepting drift requires {lacking}");
    }
    list(&mut *streams.err, accepted)?;
    if no_reason {
        let answer = ask(streams, "Why is this accepted?")?;
        terms.reason = Some(answer);
    }
    if no_end {
        let answer = ask(streams, "Until when (24h, 7d, 2w, a date)?")?;
        let until: EndTime = answer.parse().map_err(|why: String| anyhow!("{why}"))?;
        terms.expires = expiry(Some(&until), settings)?;
    }
    Ok(())
}

/// Returns one answer from the terminal.
///
/// # Errors
/// Fails if there is no answer.
fn ask(streams: &mut Streams, question: &str) -> Result<String> {
    write!(streams.err, "{question} ")?;
    streams.err.flush()?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    match answer.trim() {
        "" => bail!("no answer; nothing was accepted"),
        answer => Ok(answer.to_owned()),
    }
}

/// How many lines of accepted drift are shown.
const MOST_LISTED: usize = 20;

/// One accepted change.
#[derive(Clone)]
struct AcceptedChange<'r> {
    object: &'r ObjectReport,
    path: String,
    kind: ChangeKind,
    severity: Severity,
}

/// Returns what the run would accept, the worst first.
fn about_to_be_accepted<'r>(
    report: &'r Report,
    selected: &ChangeSelection,
) -> Vec<AcceptedChange<'r>> {
    let mut items = Vec::new();
    for object in &report.objects {
        if let (Some(kind), true) = (of_whole(object), selected.selects(report, object, ".")) {
            items.push(AcceptedChange {
                object,
                path: ".".to_owned(),
                kind,
                severity: object.whole_severity.unwrap_or(Severity::Medium),
            });
        }
        for drift in &object.drifts {
            let path = drift.change.path.to_string();
            let again = !selected.is_everything() && is_accepted(drift);
            if (drift.is_drift() || again) && selected.selects(report, object, &path) {
                items.push(AcceptedChange {
                    object,
                    path,
                    kind: drift.change.kind,
                    severity: drift.severity,
                });
            }
        }
    }
    // The sort is stable: changes of the same severity keep the report's order.
    items.sort_by_key(|item| std::cmp::Reverse(item.severity));
    items
}

/// Returns the change of an object that is missing or extra as a whole.
fn of_whole(object: &ObjectReport) -> Option<ChangeKind> {
    match object.status() {
        ObjectStatus::Missing => Some(ChangeKind::Removed),
        ObjectStatus::Extra => Some(ChangeKind::Added),
        ObjectStatus::InSync
        | ObjectStatus::Drifted
        | ObjectStatus::Unknown
        | ObjectStatus::Pending
        | ObjectStatus::Conflict => None,
    }
}

/// Writes the accepted changes, one per line.
fn list(out: &mut dyn Write, items: &[AcceptedChange<'_>]) -> std::io::Result<()> {
    for item in items.iter().take(MOST_LISTED) {
        let path = match item.path.as_str() {
            "." => format!("({})", item.object.status().as_str()),
            path => path.to_owned(),
        };
        let line = format!(
            "  {:<8}  {} {path}",
            item.severity.as_str(),
            item.object.key
        );
        writeln!(out, "{}", escape::line(&line))?;
    }
    if items.len() > MOST_LISTED {
        writeln!(out, "  … {} more", items.len() - MOST_LISTED)?;
    }
    Ok(())
}

struct Accepting<'a> {
    report: &'a Report,
    selected: ChangeSelection,
    terms: AcceptTerms,
    ledger: AcceptedDrift,
    /// Returns the changes whose path contains a secret.
    unnamed: usize,
    accepted: Vec<AcceptedChange<'a>>,
    objects: usize,
}

impl<'a> Accepting<'a> {
    /// Records the reported drift of an object. `shown` is the same object without secrets.
    fn object(&mut self, object: &'a ObjectReport, shown: &ObjectReport) {
        let before = self.accepted.len();
        let whole = of_whole(object);
        if let (Some(kind), true) = (whole, self.selected.selects(self.report, object, ".")) {
            self.ledger.accept_whole(object, &self.terms);
            self.accepted.push(AcceptedChange {
                object,
                path: ".".to_owned(),
                kind,
                severity: object.whole_severity.unwrap_or(Severity::Medium),
            });
        }
        for (drift, shown) in object.drifts.iter().zip(&shown.drifts) {
            let path = drift.change.path.to_string();
            // Drift that is selected by name is accepted again, from now until the new expiry.
            let again = !self.selected.is_everything() && is_accepted(drift);
            if !(drift.is_drift() || again) || !self.selected.selects(self.report, object, &path) {
                continue;
            }
            if !self.ledger.accept(object, drift, shown, &self.terms) {
                self.unnamed += 1;
                continue;
            }
            self.accepted.push(AcceptedChange {
                object,
                path,
                kind: drift.change.kind,
                severity: drift.severity,
            });
        }
        self.objects += usize::from(self.accepted.len() > before);
    }

    fn say(&self, file: &str, gone: usize, streams: &mut Streams) -> Result<()> {
        let file = escape::text(file);
        let out = &mut streams.out;
        if self.accepted.is_empty() {
            writeln!(out, "nothing to accept")?;
        } else {
            let changes = counted(self.accepted.len(), "change");
            let objects = counted(self.objects, "object");
            let until = match &self.terms.expires {
                Some(expires) => format!("until {expires}"),
                None => "with no expiry (set one with --expires)".to_owned(),
            };
            writeln!(out, "accepted {changes} of {objects} {until}, in {file}")?;
            let mut worst_first = self.accepted.clone();
            worst_first.sort_by_key(|item| std::cmp::Reverse(item.severity));
            list(&mut *out, &worst_first)?;
        }
        if gone > 0 {
            writeln!(
                out,
                "removed {} whose drift is gone",
                counted(gone, "change")
            )?;
        }
        if self.unnamed > 0 {
            writeln!(
                out,
                "left out {}: the path itself contains a secret; write a rule with 'driftctl \
                 ignore'",
                counted(self.unnamed, "change")
            )?;
        }
        Ok(())
    }

    /// Chooses the exit code: 2 if something was not compared, and so not accepted.
    fn answer(
        &self,
        report: &Redacted,
        settings: &Settings,
        streams: &mut Streams,
    ) -> Result<Exit> {
        if !report.is_incomplete() {
            return Ok(Exit::Clean);
        }
        message::what_failed(streams, settings, report, None);
        Ok(Exit::Trouble)
    }
}

fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}
