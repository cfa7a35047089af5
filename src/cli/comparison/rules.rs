//! Which rules hold: the built-in ones, the user's, those of Argo CD, and the drift that was
//! accepted. All files are read, and checked, before anything is fetched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::STDIN;
use crate::cli::args::RulesArgs;
use crate::cluster::{Answer, FetchRequest, KindLookup, Live, Wanted};
use crate::config::{self, ArgoSettings, BASELINE_NAME, CONFIG_NAME, Config, Found, Sensitive};
use crate::jq::{Jq, JqError};
use crate::model::{FieldPath, ResourceKey, Warning};
use crate::policy::{Debt, RuleSet};
use crate::redact::Predicate;
use crate::yaml;

/// What stands for the ConfigMap in the cluster.
const LIVE: &str = "live";

/// The rules of a run.
pub struct Rules {
    /// All of them.
    pub set: RuleSet,
    /// Values that the user calls secret.
    sensitive: Arc<[Sensitive]>,
    /// The accepted drift.
    pub baseline: Baseline,
    /// What is to be said of the files.
    pub warnings: Vec<Warning>,
}

/// The accepted drift, and the file that it is in or belongs into.
pub struct Baseline {
    /// The file.
    pub file: Found,
    /// What is in it.
    pub debt: Debt,
}

/// Whether the tree of the manifests may bring rules along. Where whoever wrote it is not trusted,
/// rules come from files that are named, and from nowhere else: else a change could hide itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// Files are looked for from the manifests upwards.
    Upwards,
    /// Only files that the words name are read.
    NamedOnly,
}

impl Search {
    /// The search that fits manifests which are, or are not, trusted.
    pub fn of(untrusted: bool) -> Self {
        if untrusted {
            Self::NamedOnly
        } else {
            Self::Upwards
        }
    }
}

/// Reads the rules that the words name, or that lie above the manifests.
///
/// # Errors
/// When anything is wrong with a file: everything that is.
pub fn rules(args: &RulesArgs, paths: &[PathBuf], search: Search, now: Timestamp) -> Result<Rules> {
    let args = &RulesArgs {
        no_config: args.no_config || (search == Search::NamedOnly && args.config.is_none()),
        ..args.clone()
    };
    let start = start(paths);
    let found = config_file(args, start)?;
    let engine = Arc::new(engine());
    let config = match &found {
        Some(found) => {
            let text = config::read_file(found)?;
            config::read(&found.name, &text, &|expression| check(&engine, expression))?
        }
        None => Config::default(),
    };
    let baseline = baseline(args, found.as_ref(), start, now)?;
    let argo = argocd_of_file(args)?;
    let mut users = config.users;
    users.rules.extend(argo.rules);
    let set = RuleSet::with(users, now)
        .with_jq(engine)
        .with_debt(baseline.debt.clone());
    Ok(Rules {
        set,
        sensitive: config.sensitive.into(),
        baseline,
        warnings: argo.warnings,
    })
}

impl Rules {
    /// Whether a value is one that the user calls secret.
    pub fn secret(&self) -> Option<Predicate> {
        let sensitive = self.sensitive.clone();
        (!sensitive.is_empty()).then(|| {
            let hides = move |key: &ResourceKey, path: &FieldPath| {
                sensitive.iter().any(|rule| rule.hides(key, path))
            };
            Box::new(hides) as Predicate
        })
    }

    /// Adds what Argo CD ignores everywhere, when that is to be read from the cluster.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_live(&mut self, args: &RulesArgs, live: &dyn Live) -> Result<()> {
        if args.argocd_cm.as_deref() != Some(Path::new(LIVE)) {
            return Ok(());
        }
        let argo = argocd_of_cluster(live)
            .context("cannot read Argo CD's settings, which --argocd-cm live asks for")?;
        self.set = self.set.with_last(argo.rules);
        self.warnings.extend(argo.warnings);
        Ok(())
    }
}

/// From where files are looked for: the first of the manifests.
fn start(paths: &[PathBuf]) -> &Path {
    let first = paths.first().map(PathBuf::as_path);
    first
        .filter(|path| *path != Path::new(STDIN))
        .unwrap_or(Path::new("."))
}

fn config_file(args: &RulesArgs, start: &Path) -> Result<Option<Found>> {
    match &args.config {
        Some(path) => Ok(Some(Found::named(path))),
        None if args.no_config => Ok(None),
        None => config::find(CONFIG_NAME, start),
    }
}

/// The baseline that is named, or lies next to the configuration, or above the manifests.
fn baseline(
    args: &RulesArgs,
    config: Option<&Found>,
    start: &Path,
    now: Timestamp,
) -> Result<Baseline> {
    let found = match (&args.baseline, config) {
        (Some(path), _) => Some(Found::named(path)).filter(|found| found.path.exists()),
        (None, _) if args.no_config => None,
        (None, Some(config)) => {
            let next = config::beside(Some(config), BASELINE_NAME, start)?;
            Some(next).filter(|found| found.path.exists())
        }
        (None, None) => config::find(BASELINE_NAME, start)?,
    };
    if let Some(file) = found {
        let debt = config::read_baseline(&file.name, &config::read_file(&file)?, now)?;
        return Ok(Baseline { file, debt });
    }
    let file = match &args.baseline {
        Some(path) => Found::named(path),
        None => config::beside(config, BASELINE_NAME, start)?,
    };
    Ok(Baseline {
        file,
        debt: Debt::default(),
    })
}

/// The accepted drift that the words name, or that lies above the manifests.
///
/// # Errors
/// When the file is broken.
pub fn accepted(args: &RulesArgs, paths: &[PathBuf], now: Timestamp) -> Result<Baseline> {
    let start = start(paths);
    baseline(args, config_file(args, start)?.as_ref(), start, now)
}

/// jq expressions are run by another process of this program.
pub fn engine() -> Jq {
    // Without a path to it no expression runs, which every rule that has some says then.
    Jq::new(std::env::current_exe().unwrap_or_default())
}

/// Whether a text is a jq expression.
pub fn check(engine: &Jq, expression: &str) -> Result<(), String> {
    engine.check(expression).map_err(|error| match error {
        JqError::Syntax(what) => what,
        other => other.to_string(),
    })
}

fn argocd_of_file(args: &RulesArgs) -> Result<ArgoSettings> {
    let Some(path) = args
        .argocd_cm
        .as_deref()
        .filter(|path| *path != Path::new(LIVE))
    else {
        return Ok(ArgoSettings::default());
    };
    let found = Found::named(path);
    let text = config::read_file(&found)?;
    let parsed = yaml::parse(&text);
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.fatal) {
        bail!("{}:{problem}", found.name);
    }
    let mut maps = parsed.documents.iter().filter(|document| {
        let name = document.value.pointer("/metadata/name");
        document.value["kind"] == "ConfigMap" && name.is_some_and(|name| name == "argocd-cm")
    });
    let Some(map) = maps.next() else {
        bail!(
            "{} holds no ConfigMap argocd-cm, which --argocd-cm asks for",
            found.name
        );
    };
    let place = format!("{}:{}", found.name, map.span.line);
    Ok(config::read_argocd(&map.value, &place))
}

fn argocd_of_cluster(live: &dyn Live) -> Result<ArgoSettings> {
    let kind = ("v1".to_owned(), "ConfigMap".to_owned());
    let lookups = live.resolve(&BTreeSet::from([kind.clone()]), &[])?;
    let kind = match lookups.get(&kind) {
        Some(KindLookup::Served(kind)) => kind.clone(),
        Some(KindLookup::NotServed(why) | KindLookup::Unknown(why)) => bail!("{why}"),
        None => bail!("the live side says nothing about ConfigMaps"),
    };
    let key = ResourceKey {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("argocd".to_owned()),
        name: "argocd-cm".to_owned(),
    };
    let fetched = live.fetch(&FetchRequest {
        wanted: vec![Wanted {
            key: key.clone(),
            kind,
        }],
        ..FetchRequest::default()
    })?;
    match fetched.answers.get(&key) {
        Some(Answer::Found(map)) => Ok(config::read_argocd(&map.value()?, &key.to_string())),
        Some(Answer::Absent) => bail!("there is no {key}; name a file"),
        Some(Answer::Unread(why)) => bail!("{why}"),
        None => bail!("the live side gives no answer"),
    }
}
