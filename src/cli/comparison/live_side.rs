//! Finds the live side: a cluster, or a recording of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::cli::args::{ConnectionArgs, LiveArgs};
use crate::cli::progress;
use crate::cluster::{
    Api, Apply, ConnectOptions, Discovery, Dump, FetchRequest, KindLookup, Live, Predict,
    Prediction, Query, Read, ReadResults, ServedKind, unpredicted,
};
use crate::model::{ReportTarget, ResourceKey, Warning};

/// The live side.
pub enum LiveSide {
    /// A cluster, which can be written to.
    Cluster(Box<Api>),
    /// A recording, which cannot.
    Recording(Box<Dump>),
}

impl LiveSide {
    /// Returns the readable side of either.
    pub fn as_live(&self) -> &dyn Live {
        match self {
            Self::Cluster(api) => api.as_ref(),
            Self::Recording(dump) => dump.as_ref(),
        }
    }
}

/// Connects, or reads the recording. Refuses a kubeconfig within the `scanned` paths.
///
/// # Errors
/// Fails if there is no connection, or the recording cannot be read.
pub fn live_side(args: &LiveArgs, scanned: &[PathBuf]) -> Result<LiveSide> {
    if args.live.is_empty() {
        let api = cluster(&args.connection, scanned)?;
        return Ok(LiveSide::Cluster(Box::new(api)));
    }
    let dump = Dump::read(&args.live).context("cannot read the recording given with --live")?;
    Ok(LiveSide::Recording(Box::new(dump)))
}

/// Connects. Refuses a kubeconfig within the `scanned` paths.
///
/// # Errors
/// Fails if there is no connection.
pub fn cluster(args: &ConnectionArgs, scanned: &[PathBuf]) -> Result<Api> {
    ensure!(
        args.context.len() < 2,
        "this command compares one cluster, but --context names {} ({}); run it once for each",
        args.context.len(),
        args.context.join(", ")
    );
    let api = Api::connect(&ConnectOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.first().cloned(),
        scanned: scanned.to_vec(),
        request_timeout: Duration::from_secs(args.request_timeout),
        timeout: Duration::from_secs(args.timeout),
        concurrency: usize::from(args.concurrency),
    })?;
    progress::waits_for(&api.target());
    Ok(api)
}

/// Stands in for a live side in commands that only read manifests.
pub struct NoLive;

/// The error for a source that needs a live side.
const WITHOUT: &str = "this command does not read a cluster";

impl Discovery for NoLive {
    fn target(&self) -> ReportTarget {
        ReportTarget::default()
    }

    fn default_namespace(&self) -> Option<String> {
        None
    }

    fn resolve(
        &self,
        _: &BTreeSet<(String, String)>,
        _: &[&Value],
    ) -> Result<BTreeMap<(String, String), KindLookup>> {
        bail!(WITHOUT)
    }

    fn schema(&self, _: &str) -> Result<Option<Value>> {
        bail!(WITHOUT)
    }

    fn kinds(&self) -> (Vec<ServedKind>, Vec<String>) {
        (Vec::new(), vec![WITHOUT.to_owned()])
    }

    fn api_versions(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

impl Read for NoLive {
    fn fetch(&self, _: &FetchRequest) -> Result<ReadResults> {
        bail!(WITHOUT)
    }

    fn list(&self, _: &Query<'_>) -> Result<Vec<Value>> {
        bail!(WITHOUT)
    }

    fn related(&self, _: &str, _: &str, _: &str) -> Option<Vec<Value>> {
        None
    }

    fn cut_short(&self) -> Option<Warning> {
        None
    }
}

impl Predict for NoLive {
    fn predict(&self, applies: Vec<Apply>) -> BTreeMap<ResourceKey, Prediction> {
        unpredicted(applies, WITHOUT)
    }
}
