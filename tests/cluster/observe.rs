//! Runs comparisons within this process, and compares the reports with the expected results.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Result;
use driftctl::cluster::{Api, ConnectOptions, Live};
use driftctl::engine::{self, Options};
use driftctl::model::{Manifest, ObjectStatus, Report, ResourceKey};
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, LoadedSource, Source};

use crate::server::Server;
use crate::support::{TestFolder, fixture};

/// The shop's manifests, read once.
static SHOP: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
    FilesSource::new([fixture("shop/manifests")])
        .read()
        .manifests
});

/// The expected report on each object: its status, and the paths that drifted.
pub type Truth = BTreeMap<ResourceKey, (ObjectStatus, Vec<String>)>;

/// Time limits.
#[derive(Clone, Copy)]
pub struct Patience {
    pub request: Duration,
    pub run: Duration,
}

impl Default for Patience {
    /// Enough for anything that succeeds.
    fn default() -> Self {
        Self {
            request: Duration::from_secs(20),
            run: Duration::from_secs(60),
        }
    }
}

/// A source of manifests that are already loaded.
struct Declared(Vec<Manifest>);

impl Source for Declared {
    fn load(&self, _: &dyn Live) -> LoadedSource {
        LoadedSource {
            manifests: self.0.clone(),
            ..LoadedSource::default()
        }
    }
}

/// Compares the shop's manifests with the objects of a server.
pub fn observe(server: &Server, patience: Patience) -> Result<Report> {
    observe_these(&SHOP, server, patience)
}

/// Compares manifests with the objects of a server.
pub fn observe_these(
    manifests: &[Manifest],
    server: &Server,
    patience: Patience,
) -> Result<Report> {
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let api = Api::connect(&ConnectOptions {
        kubeconfig: Some(place.path().join("kubeconfig")),
        ..options(patience)
    })?;
    let sources: [Box<dyn Source>; 1] = [Box::new(Declared(manifests.to_vec()))];
    engine::run(&sources, &api, RuleSet::builtin(), &Options::default())
}

/// Returns the options for a connection with these time limits.
pub fn options(patience: Patience) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: None,
        context: None,
        scanned: Vec::new(),
        request_timeout: patience.request,
        timeout: patience.run,
        concurrency: 16,
    }
}

/// Returns the status and the paths of each object in a report.
pub fn results_of(report: &Report) -> Truth {
    let objects = report.objects.iter();
    let say = |object: &driftctl::model::ObjectReport| {
        let paths = object.reported().map(|drift| drift.change.path.to_string());
        (object.key.clone(), (object.status(), paths.collect()))
    };
    objects.map(say).collect()
}

/// The outcome of a run, compared with the expected result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing could be compared, and the run reports that.
    Error,
    /// Something could not be read, and the run reports that; everything else is correct.
    Incomplete,
    /// Everything was compared and is correct.
    Whole,
}

/// Compares a run with the expected result.
///
/// # Panics
/// Panics if a statement about an object is wrong, if a complete run lacks an object, or if the
/// body of an error is shown.
#[track_caller]
pub fn judge(run: &Result<Report>, truth: &Truth, what: &dyn std::fmt::Debug) -> Outcome {
    let report = match run {
        Ok(report) => report,
        Err(error) => {
            assert!(
                !format!("{error:?}").contains("canary"),
                "{what:?}: {error:?}"
            );
            return Outcome::Error;
        }
    };
    assert!(
        !format!("{report:?}").contains("canary"),
        "{what:?}: an error's body is shown"
    );
    let results = results_of(report);
    for (key, about) in results
        .iter()
        .filter(|(_, about)| about.0 != ObjectStatus::Unknown)
    {
        assert_eq!(
            Some(about),
            truth.get(key),
            "{what:?}: {key} {:?}",
            report.warnings
        );
    }
    if report.is_incomplete() {
        return Outcome::Incomplete;
    }
    let missing: Vec<_> = truth
        .keys()
        .filter(|key| !results.contains_key(key))
        .collect();
    assert!(
        missing.is_empty(),
        "{what:?}: {missing:?} is not in the report"
    );
    Outcome::Whole
}
