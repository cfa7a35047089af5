//! Which live side the words name: a cluster, or a recording of it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cli::args::{ConnectionArgs, LiveArgs};
use crate::cluster::{Api, ConnectOptions, Dump, Live};

/// Connects, or reads the recording. A kubeconfig that lies within the `scanned` paths is refused.
///
/// # Errors
/// When there is no connection to be had, or the recording cannot be read.
pub fn live_side(args: &LiveArgs, scanned: &[PathBuf]) -> Result<Box<dyn Live>> {
    if args.live.is_empty() {
        return Ok(Box::new(cluster(&args.connection, scanned)?));
    }
    Ok(Box::new(
        Dump::read(&args.live).context("cannot read the recording that --live names")?,
    ))
}

/// Connects. A kubeconfig that lies within the `scanned` paths is refused.
///
/// # Errors
/// When there is no connection to be had.
pub fn cluster(args: &ConnectionArgs, scanned: &[PathBuf]) -> Result<Api> {
    ensure!(
        args.context.len() < 2,
        "several contexts are for 'driftctl diff' only; name one"
    );
    Api::connect(&ConnectOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.first().cloned(),
        scanned: scanned.to_vec(),
        request_timeout: Duration::from_secs(args.request_timeout),
        timeout: Duration::from_secs(args.timeout),
        concurrency: usize::from(args.concurrency),
    })
}
