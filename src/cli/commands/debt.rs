//! `driftctl debt`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::cli::args::{DebtArgs, DebtFormat, RulesArgs};
use crate::cli::comparison;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::output::escape;
use crate::policy::Accepted;

/// Lists what is accepted; [`Exit::Drift`] when something of it is overdue.
///
/// # Errors
/// When the baseline cannot be read.
pub fn run(args: &DebtArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let words = RulesArgs {
        config: args.config.clone(),
        baseline: args.baseline.clone(),
        ..RulesArgs::default()
    };
    let paths: [PathBuf; 1] = [args.path.clone()];
    let baseline = comparison::accepted(&words, &paths, settings.now)?;
    let accepted: Vec<&Accepted> = baseline.debt.entries().collect();
    match args.output {
        DebtFormat::Text => text(&accepted, &baseline.file.name, settings.now, streams)?,
        DebtFormat::Json => {
            let entries: Vec<_> = accepted.iter().map(|a| entry(a, settings.now)).collect();
            let document = json!({
                "schema": "driftctl.debt/v1",
                "file": baseline.file.name,
                "overdue": overdue(&accepted),
                "accepted": entries,
            });
            writeln!(streams.out, "{}", escape::text(&format!("{document:#}")))?;
        }
    }
    Ok(if overdue(&accepted) > 0 {
        Exit::Drift
    } else {
        Exit::Clean
    })
}

fn overdue(accepted: &[&Accepted]) -> usize {
    accepted.iter().filter(|accepted| accepted.overdue).count()
}

fn entry(accepted: &Accepted, now: Timestamp) -> serde_json::Value {
    let key = &accepted.key;
    let left = accepted
        .expires
        .as_ref()
        .map(|at| seconds(at.timestamp(), now));
    let age = accepted.at.as_ref().and_then(|at| at.parse().ok());
    json!({
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "path": accepted.path,
        "change": accepted.kind.as_str(),
        "reason": accepted.reason,
        "ticket": accepted.ticket,
        "by": accepted.by,
        "at": accepted.at,
        "ageSeconds": age.map(|at| seconds(now, at)),
        "expires": accepted.expires.as_ref().map(ToString::to_string),
        "leftSeconds": left,
        "overdue": accepted.overdue,
    })
}

fn seconds(later: Timestamp, earlier: Timestamp) -> i64 {
    later.duration_since(earlier).as_secs()
}

fn text(accepted: &[&Accepted], file: &str, now: Timestamp, streams: &mut Streams) -> Result<()> {
    let out = &mut streams.out;
    for one in accepted {
        let line = format!("{}  {}  {}", one.key, one.path, one.kind.as_str());
        writeln!(out, "{}", escape::line(&line))?;
        let mut said = vec![term(one, now)];
        let by = one
            .by
            .as_ref()
            .map(|by| format!(" by {by}"))
            .unwrap_or_default();
        let at = one.at.as_ref().and_then(|at| at.parse().ok());
        let age = at.map(|at| format!(" {} ago", rough(now.duration_since(at))));
        said.push(format!("accepted{}{by}", age.unwrap_or_default()));
        said.extend(Some(one.reason.clone()).filter(|reason| !reason.is_empty()));
        said.extend(one.ticket.clone());
        writeln!(out, "  {}", escape::line(&said.join(" · ")))?;
    }
    let total = accepted.len();
    let plural = if total == 1 { "" } else { "s" };
    let file = escape::line(file);
    if total == 0 {
        writeln!(out, "no drift is accepted in {file}")?;
    } else {
        let overdue = overdue(accepted);
        writeln!(
            out,
            "{total} change{plural} accepted in {file}, {overdue} overdue"
        )?;
    }
    Ok(())
}

fn term(accepted: &Accepted, now: Timestamp) -> String {
    match &accepted.expires {
        None => "without end".to_owned(),
        Some(at) if accepted.overdue => {
            format!("OVERDUE for {}", rough(now.duration_since(at.timestamp())))
        }
        Some(at) => format!("{} left", rough(at.timestamp().duration_since(now))),
    }
}

/// `5d`, `3h`, `12m`
fn rough(duration: SignedDuration) -> String {
    let minutes = duration.as_mins().max(0);
    match minutes {
        0..120 => format!("{minutes}m"),
        120..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}
