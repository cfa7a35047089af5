//! Reads what HelmReleases deploy: the release records in the cluster if they match the
//! declaration, or else the rendered charts.

mod render;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::run::FollowRun;
use super::scan::found_of;
use crate::cluster::Meter;
use crate::model::{Deployer, Manifest};
use crate::source::chart::{self, Capabilities};
use crate::source::config_values::Values;
use crate::source::flux::{ChartAt, ReleaseSpec};
use crate::source::gitops::GitOpsObject;
use crate::source::helm_release::Deployed;
use crate::source::render::Rendering;
use crate::source::{HelmReleases, LoadedSource, flux};
use render::{ChartLocation, ReleaseRenderer};
use values::DeclaredValues;

/// The limit on releases or values in a message.
const NAMED: usize = 4;

/// A HelmRelease with its names.
pub(super) struct NamedRelease {
    manifest: Manifest,
    found: GitOpsObject,
    spec: ReleaseSpec,
    /// `shop/cart`
    name: String,
    /// The name of the release.
    release: String,
    cluster: Option<String>,
}

impl NamedRelease {
    /// Returns the namespace of its objects.
    fn namespace(&self) -> &str {
        match self.spec.target_namespace.as_str() {
            "" => self.found.metadata("namespace"),
            target => target,
        }
    }

    fn place(&self) -> String {
        self.manifest.origin.to_string()
    }
}

/// Facts about a release, before anything is rendered.
struct ReleaseFacts {
    release: NamedRelease,
    /// The release record.
    deployed: Option<Deployed>,
    values: Result<DeclaredValues, String>,
    chart: ChartAt,
}

/// How a release is compared.
enum ReleaseOutcome {
    /// By the release record, with a note.
    Recorded(Box<Deployed>, Option<String>),
    /// By rendering its chart, with a note.
    Rendered(Box<LoadedSource>, Option<String>),
    /// Not compared.
    Unread(UnreadReason),
}

/// Why the objects of a release are not compared. Others may share the reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum UnreadReason {
    /// There is neither a record nor a chart that could be rendered.
    NotAvailable(String),
    /// Fetching or rendering the chart was tried, and failed.
    Failed(String),
}

impl UnreadReason {
    /// Returns the reason after an explanation of why there is no record.
    fn after(self, record: &str) -> Self {
        let both = |why| format!("{record}, and {why}");
        match self {
            Self::NotAvailable(why) => Self::NotAvailable(both(why)),
            Self::Failed(why) => Self::Failed(both(why)),
        }
    }
}

/// Adds the objects that the declared HelmReleases deploy.
pub(super) fn add(run: &mut FollowRun<'_>) {
    let releases = std::mem::take(&mut run.releases);
    let mut known: Vec<ReleaseFacts> = Vec::new();
    for (manifest, cluster) in releases {
        // Several Kustomizations may apply a folder: the one with the longest chain applies it.
        let one = gather_facts(run, manifest, cluster);
        let same = one
            .as_ref()
            .and_then(|one| known.iter_mut().find(|k| k.is_same(one)));
        match (same, one) {
            (Some(same), Some(one)) if same.depth() < one.depth() => *same = one,
            (Some(_), _) | (_, None) => {}
            (None, Some(one)) => known.push(one),
        }
    }
    let options = run.checkouts.options();
    let rendering = options.rendering();
    let can_render = rendering.and_then(|rendering| chart::helm(rendering).map(|()| rendering));
    let needs_cluster = can_render.is_ok() && known.iter().any(|one| !one.is_recorded());
    let default = Capabilities::default();
    let capabilities = match needs_cluster {
        true => run.capabilities.get_or_init(|| Capabilities::of(run.live)),
        false => &default,
    };
    let trusted = run.trusted;
    let meter = Meter::of_process();
    meter.plan_renderings(known.len());
    let outcomes: Vec<(NamedRelease, ReleaseOutcome)> = known
        .into_par_iter()
        .map(|one| {
            let outcome = one.outcome(&can_render, capabilities, trusted);
            meter.rendering();
            outcome
        })
        .collect();
    let mut unread: BTreeMap<UnreadReason, Vec<(String, String)>> = BTreeMap::new();
    for (release, outcome) in outcomes {
        let (name, place) = (release.name.clone(), release.place());
        let (mut loaded, said) = match outcome {
            ReleaseOutcome::Recorded(deployed, said) => (deployed.loaded, said),
            ReleaseOutcome::Rendered(loaded, said) => (*loaded, said),
            ReleaseOutcome::Unread(why) => {
                unread.entry(why).or_default().push((place, name));
                continue;
            }
        };
        let mut chain = release.manifest.origin.chain.to_vec();
        chain.push(Deployer {
            kind: "HelmRelease".to_owned(),
            namespace: release.found.metadata("namespace").to_owned(),
            name: release.found.metadata("name").to_owned(),
        });
        let chain: Arc<[Deployer]> = chain.into();
        for manifest in &mut loaded.manifests {
            manifest.origin.chain = Arc::clone(&chain);
        }
        for error in &mut loaded.errors {
            error.message = format!("HelmRelease {name}: {}", error.message);
        }
        if let Some(message) = said {
            loaded.warning(&place, format!("HelmRelease {name}: {message}"));
        }
        run.part(&release.cluster).append(loaded);
    }
    for (why, releases) in unread {
        say_unread(run, why, &releases);
    }
}

/// Reports the releases that are not compared for a given reason.
fn say_unread(run: &mut FollowRun<'_>, why: UnreadReason, releases: &[(String, String)]) {
    let Some((place, _)) = releases.first() else {
        return;
    };
    let mut names: Vec<&str> = releases
        .iter()
        .take(NAMED)
        .map(|(_, name)| &**name)
        .collect();
    if releases.len() > NAMED {
        names.push("…");
    }
    let names = names.join(", ");
    let deploy = match releases.len() {
        1 => "1 HelmRelease deploys".to_owned(),
        count => format!("{count} HelmReleases deploy"),
    };
    let message = |why| format!("what {deploy} is not compared ({names}): {why}");
    let loaded = run.part(&None);
    loaded.unread_releases += releases.len();
    match why {
        UnreadReason::NotAvailable(why) => loaded.warning(place, message(why)),
        UnreadReason::Failed(why) => loaded.error(place, message(why)),
    }
}

/// Collects the facts about a release.
fn gather_facts(
    run: &mut FollowRun<'_>,
    manifest: Manifest,
    cluster: Option<String>,
) -> Option<ReleaseFacts> {
    let found = found_of(&manifest);
    let cluster = match flux::other_cluster(&found) {
        Some(config) => Some(config.to_owned()),
        None => cluster,
    };
    let name = format!("{}/{}", found.metadata("namespace"), found.metadata("name"));
    let place = manifest.origin.to_string();
    let Some(spec) = ReleaseSpec::of(&found) else {
        let message =
            format!("cannot read the spec of HelmRelease {name}: check the types of its fields");
        run.part(&cluster).error(&place, message);
        return None;
    };
    let source = flux::as_source(&found).unwrap_or_default();
    let words = source.strip_prefix("helm:").unwrap_or_default();
    let release = words.split_once('/').map_or("", |(_, release)| release);
    let deployed = match HelmReleases::named(words) {
        Ok(releases) if run.trusted && cluster.is_none() => releases.deployed(run.live),
        _ => Ok(None),
    };
    let deployed = deployed.unwrap_or_else(|why| {
        let message = format!("cannot read the record of HelmRelease {name}: {why}");
        run.part(&cluster).warning(&place, message);
        None
    });
    let values = Values {
        live: run.trusted.then_some(run.live),
        declared: &run.declared,
    };
    let values = DeclaredValues::of(&found.value, &values);
    let chart = spec.chart_at(&found, &run.sources, run.checkouts);
    Some(ReleaseFacts {
        release: NamedRelease {
            release: release.to_owned(),
            manifest,
            found,
            spec,
            name,
            cluster,
        },
        deployed,
        values,
        chart,
    })
}

impl ReleaseFacts {
    /// Returns whether two releases are declared in the same way.
    fn is_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.release, &other.release);
        one.name == other.name
            && one.cluster == other.cluster
            && one.found.value == other.found.value
    }

    fn depth(&self) -> usize {
        self.release.manifest.origin.chain.len()
    }

    /// Returns whether the release record matches the declaration, as far as known.
    fn is_recorded(&self) -> bool {
        let Some(deployed) = &self.deployed else {
            return false;
        };
        let version = deployed.chart_version.split('+').next().unwrap_or_default();
        let is_version = |declared: Option<&str>| declared.is_none_or(|one| one == version);
        let is_chart = match &self.chart {
            ChartAt::Here {
                directory,
                each_revision,
                ..
            } => !each_revision && is_version(chart::version(directory).as_deref()),
            ChartAt::Elsewhere { reference, .. } => is_version(reference.exact_version()),
            ChartAt::Unknown(_) => true,
        };
        let values = self.values.as_ref();
        is_chart && values.is_ok_and(|values| values.not_in(&deployed.values).is_empty())
    }

    fn outcome(
        mut self,
        rendering: &Result<&Rendering, String>,
        capabilities: &Capabilities,
        trusted: bool,
    ) -> (NamedRelease, ReleaseOutcome) {
        if self.is_recorded()
            && let Some(deployed) = self.deployed.take()
        {
            let outcome = take_secrets(&self.values, deployed, None);
            return (self.release, outcome);
        }
        let rendered = self.rendered(rendering, capabilities);
        let outcome = match (rendered, self.deployed.take()) {
            (Ok(loaded), deployed) => {
                let pending = deployed.and_then(|deployed| self.pending(&deployed));
                ReleaseOutcome::Rendered(Box::new(loaded), pending)
            }
            (Err(_), Some(deployed)) => {
                let pending = self.pending(&deployed);
                take_secrets(&self.values, deployed, pending)
            }
            (Err(why), None) => ReleaseOutcome::Unread(why.after(match trusted {
                true => {
                    "the live side has no record of their releases (a recording has them if it \
                     was made with Secrets)"
                }
                false => "untrusted manifests may not read records from the cluster",
            })),
        };
        (self.release, outcome)
    }

    /// Renders its chart with its values.
    fn rendered(
        &self,
        rendering: &Result<&Rendering, String>,
        capabilities: &Capabilities,
    ) -> Result<LoadedSource, UnreadReason> {
        let not_available = UnreadReason::NotAvailable;
        let files: Vec<String>;
        let (at, values): (ChartLocation, Vec<PathBuf>) = match &self.chart {
            ChartAt::Unknown(why) => return Err(not_available(why.clone())),
            ChartAt::Here {
                directory,
                checkout,
                values,
                ..
            } => {
                rendering.clone().map_err(not_available)?;
                let at = ChartLocation::Here(directory.clone(), Arc::clone(checkout));
                (at, values.clone())
            }
            ChartAt::Elsewhere { reference, values } => {
                let rendering = rendering.clone().map_err(not_available)?;
                let fetched = rendering.charts.get(reference, rendering);
                let fetched = fetched.map_err(|why| match rendering.allow_remote {
                    true => UnreadReason::Failed(why),
                    // The message is the same for all of them.
                    false => not_available(format!(
                        "their charts are not available: {}",
                        chart::not_fetched(rendering)
                    )),
                })?;
                files = values.clone();
                let at = ChartLocation::Fetched(fetched);
                let values = render::files_in(&at, &files).map_err(UnreadReason::Failed)?;
                (at, values)
            }
        };
        let work = ReleaseRenderer {
            release: &self.release,
            values: (self.values.as_ref()).map_err(|why| not_available(why.clone()))?,
            rendering: rendering.clone().map_err(not_available)?,
            capabilities,
        };
        work.load(&at, &values).map_err(UnreadReason::Failed)
    }

    /// Returns which values are declared but not deployed yet, by path only: they may be secret.
    fn pending(&self, deployed: &Deployed) -> Option<String> {
        let mut said = Vec::new();
        let declared = match &self.chart {
            ChartAt::Here { directory, .. } => chart::version(directory),
            ChartAt::Elsewhere { reference, .. } => reference.exact_version().map(str::to_owned),
            ChartAt::Unknown(_) => Some(self.release.spec.version().to_owned()),
        };
        let version = &deployed.chart_version;
        let is_exact = |declared: &String| {
            declared.starts_with(|c: char| c.is_ascii_digit()) && !declared.contains(['x', ' '])
        };
        if let Some(declared) = declared.filter(is_exact)
            && !version.is_empty()
            && version.split('+').next() != Some(&*declared)
        {
            said.push(format!(
                "its chart is declared at {declared}, but {version} is deployed"
            ));
        }
        let values = self.values.as_ref().ok();
        let changed = values.map(|values| values.not_in(&deployed.values));
        if let Some(changed) = changed.filter(|changed| !changed.is_empty()) {
            let mut named: Vec<&str> = changed.iter().take(NAMED).map(String::as_str).collect();
            if changed.len() > NAMED {
                named.push("…");
            }
            said.push(format!(
                "these values are declared but not deployed yet: {}",
                named.join(", ")
            ));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// Returns the objects in the release record, with the places of its secrets.
fn take_secrets(
    values: &Result<DeclaredValues, String>,
    mut deployed: Deployed,
    pending: Option<String>,
) -> ReleaseOutcome {
    if let Ok(values) = values {
        let places = chart::places(&deployed.loaded.manifests, &values.secret);
        deployed.loaded.secret.extend(places);
    }
    ReleaseOutcome::Recorded(Box::new(deployed), pending)
}
