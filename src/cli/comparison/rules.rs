//! Loads the rules: built-in ones, the user's, those of Argo CD, and accepted drift. All files are
//! read and checked before anything is fetched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::STDIN;
use crate::cli::args::{ConnectionArgs, RulesArgs, SourceArgs};
use crate::cluster::{FetchRequest, KindLookup, Live, ObjectRequest, ReadResult};
use crate::config::{
    self, ArgoSettings, BASELINE_NAME, CONFIG_NAME, Config, FoundConfig, Sensitive,
};
use crate::jq::{Jq, JqError};
use crate::model::{FieldPath, ResourceKey, Warning};
use crate::policy::{Debt, RuleSet};
use crate::redact::Predicate;
use crate::source::file_above;
use crate::yaml;

/// The argument for the ConfigMap in the cluster.
const LIVE: &str = "live";

/// The rules of a run.
#[derive(Clone)]
pub struct RunRules {
    /// All of them.
    pub set: RuleSet,
    /// The engine of their jq expressions.
    jq: Arc<Jq>,
    /// Values that the user marks as secret.
    sensitive: Arc<[Sensitive]>,
    /// The accepted drift.
    pub baseline: Baseline,
    /// Warnings about the files.
    pub warnings: Vec<Warning>,
    /// The settings that were skipped in the files, and why.
    pub notes: Vec<Warning>,
}

/// The accepted drift, and the file that it is in or belongs in.
#[derive(Clone)]
pub struct Baseline {
    /// The file.
    pub file: FoundConfig,
    /// Its content.
    pub debt: Debt,
}

/// Whether rules may come from the tree of the manifests. If its author is not trusted, rules come
/// only from named files: otherwise a change could hide itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSearch {
    /// Files are searched from the manifests upwards.
    Upwards,
    /// Only files named by flags are read.
    NamedOnly,
    /// Files are searched at this Git revision, which is trusted because it has been reviewed.
    At(String),
}

impl RuleSearch {
    /// Returns the search for trusted or untrusted manifests.
    pub fn of(source: &SourceArgs) -> Self {
        match &source.base {
            _ if !source.untrusted.untrusted => Self::Upwards,
            // Never a folder: it may be in the untrusted tree.
            Some(base) if !base.starts_with(['.', '/']) => Self::At(base.clone()),
            _ => Self::NamedOnly,
        }
    }

    /// Finds one of driftctl's own files, and reads it.
    fn read(&self, name: &str, start: &Path) -> Result<Option<(FoundConfig, String)>> {
        match self {
            Self::Upwards => {
                let found = config::find(name, start)?;
                let read = |found: FoundConfig| Ok((found.clone(), config::read_file(&found)?));
                found.map(read).transpose()
            }
            Self::NamedOnly => Ok(None),
            Self::At(revision) => {
                let Some(file) = file_above(revision, start, name)? else {
                    return Ok(None);
                };
                let found = FoundConfig {
                    name: format!("{revision}:{}", file.path.display()),
                    path: file.path,
                };
                let text = String::from_utf8(file.bytes);
                let text = text.with_context(|| format!("{} is not UTF-8 text", found.name))?;
                Ok(Some((found, text)))
            }
        }
    }
}

/// Reads the rules that the arguments name, or that are above the manifests.
///
/// # Errors
/// Fails if anything is wrong with a file; the error lists all problems.
pub fn rules(args: &RulesArgs, source: &SourceArgs, now: Timestamp) -> Result<RunRules> {
    let search = RuleSearch::of(source);
    let start = start(&source.paths);
    let found = config_file(args, start, &search)?;
    let engine = Arc::new(jq());
    let config = match &found {
        Some((found, text)) => {
            config::read(&found.name, text, &|expression| check(&engine, expression))?
        }
        None => Config::default(),
    };
    let found = found.map(|(found, _)| found);
    let baseline = baseline(args, found.as_ref(), start, &search, now)?;
    let argo = argocd_of_file(args)?;
    let mut users = config.users;
    users.rules.extend(argo.rules);
    let set = RuleSet::with(users, now)
        .ignoring_status(argo.status)
        .with_jq(engine.clone())
        .with_debt(baseline.debt.clone());
    Ok(RunRules {
        set,
        jq: engine,
        sensitive: config.sensitive.into(),
        baseline,
        warnings: argo.warnings,
        notes: argo.notes,
    })
}

impl RunRules {
    /// Limits the time of all jq expressions together to `--timeout`.
    #[must_use]
    pub fn within(self, connection: &ConnectionArgs) -> Self {
        self.jq
            .limit_whole_run(Duration::from_secs(connection.timeout));
        self
    }

    /// Returns whether a value is one that the user marks as secret.
    pub fn secret(&self) -> Option<Predicate> {
        let sensitive = self.sensitive.clone();
        (!sensitive.is_empty()).then(|| {
            let hides = move |key: &ResourceKey, path: &FieldPath| {
                sensitive.iter().any(|rule| rule.hides(key, path))
            };
            Box::new(hides) as Predicate
        })
    }

    /// Adds what Argo CD ignores globally, if it is read from the cluster.
    ///
    /// # Errors
    /// Fails if it cannot be read.
    pub fn add_live(&mut self, args: &RulesArgs, live: &dyn Live) -> Result<()> {
        if args.argocd_cm.as_deref() != Some(Path::new(LIVE)) {
            return Ok(());
        }
        let argo =
            argocd_of_cluster(live).context("cannot read Argo CD's settings (--argocd-cm live)")?;
        let set = self.set.with_last(argo.rules);
        self.set = set.ignoring_status(argo.status);
        self.warnings.extend(argo.warnings);
        self.notes.extend(argo.notes);
        Ok(())
    }
}

/// Returns where to start searching for files: at the first of the manifests.
fn start(paths: &[PathBuf]) -> &Path {
    let first = paths.first().map(PathBuf::as_path);
    first
        .filter(|path| *path != Path::new(STDIN))
        .unwrap_or(Path::new("."))
}

fn config_file(
    args: &RulesArgs,
    start: &Path,
    search: &RuleSearch,
) -> Result<Option<(FoundConfig, String)>> {
    match &args.config {
        Some(path) => {
            let found = FoundConfig::named(path);
            let text = config::read_file(&found)?;
            Ok(Some((found, text)))
        }
        None if args.no_config => Ok(None),
        None => search.read(CONFIG_NAME, start),
    }
}

/// Returns the baseline that is named, or next to the configuration, or above the manifests.
fn baseline(
    args: &RulesArgs,
    config: Option<&FoundConfig>,
    start: &Path,
    search: &RuleSearch,
    now: Timestamp,
) -> Result<Baseline> {
    let read = |found: FoundConfig| match found.path.exists() {
        true => Ok(Some((found.clone(), config::read_file(&found)?))),
        false => anyhow::Ok(None),
    };
    let found = match (&args.baseline, config) {
        (Some(path), _) => read(FoundConfig::named(path))?,
        (None, _) if args.no_config => None,
        (None, Some(config)) if *search == RuleSearch::Upwards => {
            // Drift that was accepted before there were rules stays accepted.
            match read(config::new_file(Some(config), BASELINE_NAME, start)?)? {
                Some(found) => Some(found),
                None => search.read(BASELINE_NAME, start)?,
            }
        }
        (None, _) => search.read(BASELINE_NAME, start)?,
    };
    if let Some((file, text)) = found {
        let debt = config::read_baseline(&file.name, &text, now)?;
        return Ok(Baseline { file, debt });
    }
    let file = match &args.baseline {
        Some(path) => FoundConfig::named(path),
        None => config::new_file(config, BASELINE_NAME, start)?,
    };
    Ok(Baseline {
        file,
        debt: Debt::default(),
    })
}

/// Returns the accepted drift that the arguments name, or that is above the manifests.
///
/// # Errors
/// Fails if the file is broken.
pub fn accepted(args: &RulesArgs, paths: &[PathBuf], now: Timestamp) -> Result<Baseline> {
    let (start, search) = (start(paths), RuleSearch::Upwards);
    let config = match &args.config {
        Some(path) => Some(FoundConfig::named(path)),
        None => config::find(CONFIG_NAME, start)?,
    };
    baseline(args, config.as_ref(), start, &search, now)
}

/// How long the policies of a command without `--timeout` may take together.
pub const POLICIES: Duration = Duration::from_secs(30);

/// Returns the engine for jq expressions, which runs them in another process of this program.
pub fn jq() -> Jq {
    // Without a path to this program no expression runs; each rule that has one reports it.
    Jq::new(std::env::current_exe().unwrap_or_default())
}

/// Returns whether text is a jq expression.
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
    let found = FoundConfig::named(path);
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
            "{} contains no ConfigMap argocd-cm (--argocd-cm)",
            found.name
        );
    };
    let location = format!("{}:{}", found.name, map.span.line);
    Ok(config::read_argocd(&map.value, &location))
}

fn argocd_of_cluster(live: &dyn Live) -> Result<ArgoSettings> {
    let kind = ("v1".to_owned(), "ConfigMap".to_owned());
    let lookups = live.resolve(&BTreeSet::from([kind.clone()]), &[])?;
    let kind = match lookups.get(&kind) {
        Some(KindLookup::Served(kind)) => kind.clone(),
        Some(KindLookup::NotServed(why) | KindLookup::Unknown(why)) => bail!("{why}"),
        None => bail!("the live side has no information about ConfigMaps"),
    };
    let key = ResourceKey::new("", "ConfigMap", Some("argocd".to_owned()), "argocd-cm");
    let fetched = live.fetch(&FetchRequest {
        wanted: vec![ObjectRequest {
            key: key.clone(),
            kind: kind.into(),
        }],
        ..FetchRequest::default()
    })?;
    match fetched.answers.get(&key) {
        Some(ReadResult::Found(map)) => Ok(config::read_argocd(&map.value()?, &key.to_string())),
        Some(ReadResult::Absent) => bail!("{key} was not found; name a file"),
        Some(ReadResult::Unread(why)) => bail!("{why}"),
        None => bail!("the live side returned no result"),
    }
}
