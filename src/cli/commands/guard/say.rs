//! Prints policies.

use std::io::{self, Write};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cli::args::GuardFormat;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::engine::guard::{GuardPlan, ProvenGuard};
use crate::output::{ControlCharacters, escape, yaml_document};

/// Prints the proven policies, and what is wrong with the others.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn result(
    format: GuardFormat,
    planned: &GuardPlan,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<Exit> {
    let mut exit = Exit::Clean;
    for left_out in &planned.left_out {
        let said = format!(
            "{} {}: no policy: {}",
            left_out.key, left_out.path, left_out.why
        );
        writeln!(streams.err, "warning: {}", escape::line(&said))?;
        exit = Exit::Drift;
    }
    if planned.guards.is_empty() && planned.left_out.is_empty() {
        writeln!(streams.err, "no drift to guard against")?;
    }
    for guarded in &planned.guards {
        if !guarded.proof.holds() {
            message::print_message(streams, settings, &failed(guarded));
            exit = Exit::Trouble;
        }
    }
    let proven: Vec<&ProvenGuard> = planned.guards.iter().filter(|g| g.proof.holds()).collect();
    let out = &mut streams.out;
    let mut first = true;
    for guarded in proven {
        let printed = print(format, guarded, first, out);
        printed.context("cannot write to standard output")?;
        first = false;
    }
    Ok(exit)
}

/// Prints what is wrong with a policy that is not printed.
fn failed(guarded: &ProvenGuard) -> String {
    let guard = &guarded.guard;
    let mut said = format!(
        "{}: the {} policy failed its proof, so it is not printed",
        guard.key,
        guard.rules.first().map_or("", |rule| rule.form.as_str()),
    );
    for case in &guarded.proof.cases {
        let mark = if case.holds { "" } else { "  ← wrong" };
        said.push_str(&format!("\n{}: {}{mark}", case.outcome, case.case));
    }
    for rule in &guard.rules {
        said.push_str(&format!("\nexpression: {}", rule.expression));
    }
    said
}

fn print(
    format: GuardFormat,
    guarded: &ProvenGuard,
    first: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let guard = &guarded.guard;
    if !first {
        writeln!(out)?;
    }
    let mut comment = |text: &str| writeln!(out, "# {}", escape::line(text));
    let key = &guard.key;
    let guards = match (guard.only_name(), guard.only_namespace()) {
        (Some(_), _) => format!("Guards {key}, declared in {}.", guarded.place),
        (None, Some(namespace)) => {
            let kind = &key.kind;
            format!("Guards every {kind} in {namespace} against the drift of {key}.")
        }
        (None, None) => format!("Guards every {} against the drift of {key}.", key.kind),
    };
    comment(&guards)?;
    comment("Evaluated locally, as the API server evaluates it:")?;
    for case in &guarded.proof.cases {
        comment(&format!("  {:<7}  {}", case.outcome, case.case))?;
    }
    for line in guarded.live.iter().chain(&guarded.remarks) {
        comment(line)?;
    }
    let how = match (guard.enforces, format) {
        (true, _) => "The policy denies requests.",
        (false, GuardFormat::Vap) => {
            "The policy warns and writes to the audit log; use --enforce to deny requests."
        }
        (false, _) => "The policy only reports; use --enforce to deny requests.",
    };
    comment(how)?;
    let documents: Vec<Value> = match format {
        GuardFormat::Vap => guard.policy_and_binding().into(),
        GuardFormat::Kyverno => vec![guard.kyverno()],
        GuardFormat::Gatekeeper => guard.gatekeeper().into(),
    };
    if format != GuardFormat::Vap {
        comment("The proof evaluated the same expressions in a ValidatingAdmissionPolicy.")?;
    }
    if format == GuardFormat::Gatekeeper && guard.is_scaled() {
        comment(
            "Gatekeeper sees scaling only if its webhook configuration lists deployments/scale.",
        )?;
    }
    for document in documents {
        writeln!(out, "---")?;
        write!(
            out,
            "{}",
            yaml_document(&document, ControlCharacters::Exact)
        )?;
    }
    Ok(())
}
