//! Prints the result of a backport.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};

use super::files::{self, EditedFiles};
use crate::cli::Streams;
use crate::cli::args::{BackportArgs, CommandFormat};
use crate::cli::settings::Settings;
use crate::engine::backport::BackportPlan;
use crate::model::{ChangeKind, Plan, PlanStep};
use crate::output::{self, FileEdit, RenderOptions, escape};
use crate::redact::Redactor;

/// Prints the patch, the plan or the names to standard output, and what was done to standard error.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn result(
    args: &BackportArgs,
    planned: &BackportPlan,
    (places, base): (&EditedFiles, Option<&str>),
    redactor: &Redactor,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let BackportPlan {
        plan,
        files: edited,
    } = planned;
    let mut contexts = BTreeMap::new();
    let for_review = matches!(args.output, CommandFormat::Markdown | CommandFormat::Review);
    if for_review || !args.write && args.output == CommandFormat::Diff {
        for (name, file) in edited {
            let context = match args.allow_secrets {
                true => files::CONTEXT,
                false => files::context(name, file, redactor)?,
            };
            contexts.insert(name.clone(), context);
        }
    }
    let mut reviewed = Vec::new();
    if for_review {
        for (name, file) in edited {
            reviewed.push(FileEdit {
                name: places.name_in_patch(name),
                before: &file.before,
                after: &file.after,
                context: contexts.get(name).copied().unwrap_or_default(),
                in_diff: match base {
                    Some(base) => places.in_diff(name, file, base)?,
                    None => Vec::new(),
                },
            });
        }
    }
    let out = &mut streams.out;
    let written = match args.output {
        CommandFormat::Json => output::plan_json(plan, out),
        CommandFormat::Markdown => output::suggestions_markdown(plan, &reviewed, out),
        CommandFormat::Review => output::review_json(plan, &reviewed, out),
        CommandFormat::Name => {
            let mut steps = plan.steps.iter();
            steps.try_for_each(|step| writeln!(out, "{}", output::object_name(&step.key)))
        }
        _ if args.write => Ok(()),
        _ => {
            let mut edited = edited.iter();
            edited.try_for_each(|(name, file)| {
                let context = contexts.get(name).copied().unwrap_or(files::CONTEXT);
                let mark = places.mark(name);
                let [before, after] =
                    [&file.before, &file.after].map(|text| format!("{mark}{text}"));
                let name = places.name_in_patch(name);
                let mut patch = Vec::new();
                output::patch_text(&name, &before, &after, context, &mut patch)?;
                match settings.is_terminal {
                    // A patch on a terminal is not applied, and the terminal would interpret
                    // control characters.
                    true => write!(out, "{}", escape::text(&String::from_utf8_lossy(&patch))),
                    false => out.write_all(&patch),
                }
            })
        }
    };
    written.context("cannot write to standard output")?;
    if !matches!(args.output, CommandFormat::Json | CommandFormat::Review) {
        summary(args, plan, settings, streams)?;
    }
    Ok(())
}

fn summary(
    args: &BackportArgs,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let options = RenderOptions {
        colour: settings.message_color,
        width: settings.columns,
        now: Some(settings.now),
        ..RenderOptions::default()
    };
    let err = &mut streams.err;
    let taken: usize = plan.steps.iter().map(PlanStep::weight).sum();
    let all = taken + plan.refused.len();
    if all == 0 {
        writeln!(err, "nothing to backport")?;
        return Ok(());
    }
    output::plan_text(plan, &options, err)?;
    let next = match (taken, args.write) {
        (0, _) => "",
        (_, false) if args.output == CommandFormat::Markdown => "",
        (_, true) => "; the files were edited, review them with git diff",
        (_, false) => "; apply the patch with git apply, or run again with --write",
    };
    let changes = if all == 1 { "change" } else { "changes" };
    let verb = match args.write {
        true => "backported",
        false => "can be backported",
    };
    writeln!(err, "{taken} of {all} {changes} {verb}{next}")?;
    Ok(())
}

/// Returns a commit message for the edits.
pub fn commit_message(plan: &Plan) -> String {
    let taken: usize = plan.steps.iter().map(PlanStep::weight).sum();
    let changes = if taken == 1 { "change" } else { "changes" };
    let mut text = match &plan.steps[..] {
        [one] => format!("Declare {taken} live {changes} of {}\n", one.key),
        _ => format!("Declare {taken} live {changes}\n"),
    };
    for step in &plan.steps {
        let _ = write!(text, "\n{}\n", step.key);
        for change in &step.changes {
            let value = |value: &Option<serde_json::Value>| match value {
                Some(value) => output::value_in_line(value),
                None => "unset".to_owned(),
            };
            let what = match change.kind {
                ChangeKind::Modified => {
                    format!("{} → {}", value(&change.from), value(&change.to))
                }
                ChangeKind::Added => format!("added: {}", value(&change.to)),
                ChangeKind::Removed => format!("removed: {}", value(&change.from)),
            };
            let _ = writeln!(text, "  {}  {what}", change.path);
            for owner in &change.owners {
                let by = owner.user.as_ref().map(|user| format!("{user} with "));
                let by = by.unwrap_or_default();
                let time = owner.time.as_ref().map(|time| format!(", {time}"));
                let _ = writeln!(
                    text,
                    "    by {by}{}{}",
                    owner.manager,
                    time.unwrap_or_default()
                );
            }
        }
    }
    escape::text(&text).into_owned()
}
