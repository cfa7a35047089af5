//! `driftctl diff`

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cli::args::{DiffArgs, PagerChoice, ReportArgs};
use crate::cli::comparison::{self, ContextResults, RunOptions};
use crate::cli::progress::ProgressDisplay;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, choice, external_diff, gate, message, report_file, secrecy};
use crate::output::{self, OutputSpec, RenderOptions, render_all};
use crate::redact::{Redacted, WholeObjects};
use crate::source::pages;

/// Compares, reports, and returns the exit code.
///
/// # Errors
/// Fails if nothing can be compared, or a report cannot be written.
pub fn run(args: &DiffArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    OutputSpec::check_all(&args.report.output)?;
    secrecy::check(
        &args.report,
        args.source.untrusted.untrusted,
        settings.is_ci,
    )?;
    let asks_server = args.compare.server_dry_run;
    gate::check(
        &args.gate,
        args.compare.extra.within,
        args.source.base.is_some(),
        asks_server,
        !args.policies.policies.is_empty(),
    )?;
    check_events(&args.report, args.source.untrusted.untrusted)?;
    let untrusted = args.source.untrusted.untrusted;
    let redactor = |rules: &comparison::RunRules| {
        secrecy::redactor(&args.report.redact, untrusted, rules.secret())
    };
    let also = RunOptions {
        explain: args.report.show == output::ShowLevel::All,
        events: args.report.events.then_some(&redactor),
    };
    let began = Instant::now();
    let progress = ProgressDisplay::begin(settings, args.report.quiet);
    let compared = comparison::run_all(
        &args.source,
        &args.live,
        &args.compare,
        &args.rules,
        &args.policies,
        also,
        settings.now,
    );
    drop(progress);
    let ContextResults { mut reports, rules } = compared?;
    for report in &mut reports {
        gate::apply_limits(report, &args.gate);
    }
    let exits = reports
        .iter()
        .map(|report| gate::answer(report, &args.gate));
    let exit = exits.max().unwrap_or(Exit::Trouble);
    for report in &mut reports {
        choice::apply(report, &args.report, settings.now);
    }
    let formats = || args.report.output.iter().map(|spec| spec.format);
    if formats().any(|format| format.name() == "html") {
        let template = args.report.link.as_ref().or(settings.line_address.as_ref());
        for report in &mut reports {
            report.pages = pages(&report.objects, template.map(String::as_str));
        }
    }
    let whole = match formats().any(|format| format.shows_objects()) {
        true => WholeObjects::Drifted,
        false => WholeObjects::Extra,
    };
    let reports = reports.into_iter();
    let reports: Vec<_> = reports
        .map(|report| match args.report.show_secrets {
            true => Redacted::showing_secrets(report),
            false => {
                let (args, secret) = (&args.report.redact, rules.secret());
                secrecy::redact(report, args, untrusted, secret, whole)
            }
        })
        .collect();
    write_all(&reports, &args.report, began.elapsed(), settings, streams)?;
    Ok(exit)
}

/// The formats that have a time line, which shows Events.
const WITH_EVENTS: [&str; 2] = ["timeline", "html"];

/// Checks that some format shows the Events that were asked for.
///
/// # Errors
/// Fails if `--events` is given and no format shows Events.
fn check_events(args: &ReportArgs, untrusted: bool) -> Result<()> {
    ensure!(
        !args.events || !untrusted,
        "--events is not allowed with --untrusted, which hides cluster data"
    );
    let mut formats = args.output.iter().map(|spec| spec.format.name());
    ensure!(
        !args.events || formats.any(|name| WITH_EVENTS.contains(&name)),
        "--events needs a format that shows Events: add -o timeline or -o html"
    );
    Ok(())
}

/// Returns whether no manifest was read at all: then there is nothing to report, and the errors say
/// why.
fn is_input_error(reports: &[Redacted]) -> bool {
    reports.iter().all(|report| {
        report.is_incomplete()
            && report.objects.is_empty()
            && report.coverage.declared == report.coverage.filtered
            && !report.interrupted
    })
}

/// Writes the report to all outputs. A failure of one does not stop the others.
fn write_all(
    reports: &[Redacted],
    args: &ReportArgs,
    took: Duration,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let default = [OutputSpec::default()];
    let specs = if args.output.is_empty() {
        &default[..]
    } else {
        &args.output
    };
    let options = RenderOptions {
        colour: settings.color,
        width: settings.columns,
        cut: settings.cut,
        show: args.show,
        verbose: args.verbose,
        now: Some(settings.now),
        duration: Some(took),
        paged: false,
        group_by: args.group_by,
        links: settings.links,
        ascii: settings.ascii,
    };
    let is_text = |spec: &OutputSpec| *spec == OutputSpec::default();
    let only_errors = is_input_error(reports) && reports.len() == 1;
    let mut done = Ok(());
    for spec in specs {
        let written = match &spec.file {
            Some(path) => write_file(path, |out| {
                let options = RenderOptions {
                    cut: false,
                    links: false,
                    ascii: false,
                    colour: settings.color_in_files,
                    ..options
                };
                render_all(spec.format, reports, &options, out)
            }),
            None if args.quiet => Ok(()),
            None if only_errors && is_text(spec) => Ok(()),
            None if spec.format.name() == "diff" && settings.external_diff.is_some() => {
                external_diff::show(reports, settings, streams)
            }
            None if is_text(spec) && args.pager == PagerChoice::Auto && settings.rows.is_some() => {
                page(spec, reports, &options, settings, streams)
            }
            None => render_all(spec.format, reports, &options, &mut streams.out)
                .context("cannot write to standard output"),
        };
        done = done.and(written);
    }
    // The text report ends with the errors. For any other format, or without a report, they are
    // printed here to explain exit code 2.
    if args.quiet || only_errors || !specs.iter().any(is_text) {
        for (at, report) in reports.iter().enumerate() {
            let cluster = (reports.len() > 1).then(|| output::cluster(report, at));
            message::what_failed(streams, settings, report, cluster.as_deref());
        }
    }
    done
}

/// Writes text to the terminal, through a pager if it is longer than the screen.
fn page(
    spec: &OutputSpec,
    reports: &[Redacted],
    options: &RenderOptions,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let mut text = Vec::new();
    render_all(spec.format, reports, options, &mut text)?;
    if settings.pager.pages(&text, settings.rows) {
        let options = RenderOptions {
            paged: true,
            ..*options
        };
        let mut paged = Vec::new();
        render_all(spec.format, reports, &options, &mut paged)?;
        if settings.pager.show(&paged)? {
            return Ok(());
        }
    }
    let written = streams.out.write_all(&text);
    written.context("cannot write to standard output")
}

fn write_file(path: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    report_file::write(path, render)
        .with_context(|| format!("cannot write the report to {}", path.display()))
}
