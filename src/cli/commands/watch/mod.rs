//! `driftctl watch`

mod rounds;
mod service;
mod show;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use crate::cli::args::WatchArgs;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, report_file};
use crate::output;
use crate::signals::{Commands, ServiceSignal};
use rounds::{RoundOutcome, WatchRun};
use service::{Pages, WatchServer};
use show::WatchDisplay;

/// How many rounds without a complete one make a watch unhealthy.
const PERIODS: u32 = 3;

/// Compares repeatedly until it is stopped.
///
/// # Errors
/// Fails if the arguments contradict each other, the state file cannot be used, or the address
/// cannot be listened on. An error in a round is reported and does not end the watch.
pub fn run(args: &WatchArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.print_alerts {
        let alerts = output::watch_alerts();
        write!(streams.out, "{alerts}").context("cannot write to standard output")?;
        return Ok(Exit::Clean);
    }
    check(args)?;
    let mut watch = WatchRun::begin(args, settings.now)?;
    let mut show = WatchDisplay::new(args, settings);
    show.begin(&watch, streams)?;
    if args.once {
        let outcome = watch.round(settings.now, &|| settings.now);
        show.round(&watch, &outcome, settings.now, streams)?;
        write_metrics(args, &watch)?;
        return Ok(match outcome {
            RoundOutcome::Complete(_) => Exit::Clean,
            _ => Exit::Trouble,
        });
    }
    let mut commands = Commands::listen()?;
    let service = match args.listen {
        Some(address) => {
            let service = WatchServer::start(address, Pages::default())?;
            show.listens(&service, streams)?;
            Some(service)
        }
        None => None,
    };
    loop {
        let began = Instant::now();
        let outcome = watch.round(Timestamp::now(), &Timestamp::now);
        if commands.told_to_end() {
            return Ok(Exit::Clean);
        }
        show.round(&watch, &outcome, Timestamp::now(), streams)?;
        if let Some(service) = &service {
            service.publish(pages(args, &watch)?);
        }
        if let Err(error) = write_metrics(args, &watch) {
            show.trouble(&format!("{error:#}"), streams);
        }
        let left = args.every.saturating_sub(began.elapsed());
        match commands.wait(left.max(Duration::from_millis(10))) {
            ServiceSignal::End => return Ok(Exit::Clean),
            // Each round reads the rules; this one starts now.
            ServiceSignal::Reread | ServiceSignal::Nothing => {}
        }
    }
}

fn check(args: &WatchArgs) -> Result<()> {
    if args.source.base.is_some() {
        bail!("--base is for 'driftctl diff'; leave it out");
    }
    if args.live.connection.context.len() > 1 {
        bail!("watch compares one cluster; run one watch per context");
    }
    let is_stdin = |path: &std::path::PathBuf| path.as_os_str() == "-";
    if args
        .source
        .paths
        .iter()
        .chain(&args.live.live)
        .any(is_stdin)
        && !args.once
    {
        bail!("standard input (-) can be read only once; name files, or pass --once");
    }
    if args.source.untrusted.untrusted {
        bail!(
            "watch is not allowed with --untrusted, because it shows who changed what; use \
             'driftctl diff'"
        );
    }
    if let Some(state) = &args.state {
        report_file::check(state)
            .with_context(|| format!("cannot use the state file {}", state.display()))?;
    }
    Ok(())
}

/// Returns the pages to serve after a round.
fn pages(args: &WatchArgs, watch: &WatchRun<'_>) -> Result<Pages> {
    let periods = args.every * PERIODS + Duration::from_secs(args.live.connection.timeout);
    Ok(Pages {
        metrics: watch.metrics()?.into(),
        report: watch.report_json()?.map(Into::into),
        healthy_until: watch.well_since().map(|at| at + args.every * PERIODS),
        alive_until: Some(Instant::now() + periods),
    })
}

fn write_metrics(args: &WatchArgs, watch: &WatchRun<'_>) -> Result<()> {
    let Some(path) = &args.metrics else {
        return Ok(());
    };
    let metrics = watch.metrics()?;
    report_file::write(path, |out| out.write_all(&metrics))
        .with_context(|| format!("cannot write the metrics to {}", path.display()))
}
