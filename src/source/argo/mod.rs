//! Argo CD: reads what an Application or an ApplicationSet declares.
//!
//! Files that Argo CD would read from Git are read from the local repository: from the work tree,
//! at a revision that the user names, or at the Application's own `targetRevision`.

mod app_source;
mod destination;
mod environment;
mod glob;
mod go_template;
mod helm;
mod namespace;
mod overrides;
mod set;
mod spec;
mod template;

use serde_json::Value;

use super::chart::Capabilities;
use super::checkout::Checkouts;
use super::gitops::{GitOps, GitOpsObject, adopt, last_wins, only_for, tool_marks_rule};
use super::{LoadedSource, ManagedObjects};
use crate::model::{Deployer, Manifest};
use crate::policy::{Rule, RuleOrigin};
use spec::ApplicationSpec;

pub(super) use destination::{cluster, other_cluster};
pub(super) use set::{applications as expand, asking};

pub(super) const GROUP: &str = "argoproj.io";

/// Returns whether an object is an Application.
pub(super) fn is_application(found: &GitOpsObject) -> bool {
    found.is(GROUP, "Application")
}

/// Returns whether an object is an ApplicationSet.
pub(super) fn is_set(found: &GitOpsObject) -> bool {
    found.is(GROUP, "ApplicationSet")
}

/// Returns the rule that Argo CD's tracking marks on objects are not drift.
pub(super) fn tracking_marks() -> Option<Rule> {
    let paths = [
        ".metadata.annotations[\"argocd.argoproj.io/tracking-id\"]",
        ".metadata.annotations[\"argocd.argoproj.io/installation-id\"]",
        ".metadata.labels[\"app.kubernetes.io/instance\"]",
        ".metadata.labels[\"argocd.argoproj.io/instance\"]",
    ];
    let reason = "Argo CD marks the objects that it tracks.";
    tool_marks_rule("argocd-tracking", reason, &paths)
}

/// Returns the object as a deployer in a chain.
pub(super) fn deployer(found: &GitOpsObject) -> Deployer {
    let kind = found.value.get("kind").and_then(Value::as_str);
    Deployer {
        kind: kind.unwrap_or("Application").to_owned(),
        namespace: found.metadata("namespace").to_owned(),
        name: found.metadata("name").to_owned(),
    }
}

/// Returns the paths of this repository that an Application reads, and whether it also reads the
/// directories below them, if they are neither kustomizations nor charts.
pub(super) fn paths(application: &Value, checkouts: &Checkouts<'_>) -> Vec<(String, bool)> {
    let spec = application.get("spec").cloned().unwrap_or(Value::Null);
    let Ok(spec) = ApplicationSpec::read(spec) else {
        return Vec::new();
    };
    let sources = spec.sources.iter().flatten().chain(&spec.source);
    sources
        .filter(|source| !source.path.is_empty() && source.chart.is_empty())
        .filter(|source| checkouts.claim(&source.repo_url, &source.path).is_ok())
        .map(|source| {
            let recurses = source.directory.as_ref().is_some_and(|d| d.recurse);
            (source.path.clone(), recurses)
        })
        .collect()
}

/// Returns the addresses of the repositories from which an Application reads directories.
pub(super) fn addresses(application: &Value) -> Vec<String> {
    let spec = application.get("spec").cloned().unwrap_or(Value::Null);
    let Ok(spec) = ApplicationSpec::read(spec) else {
        return Vec::new();
    };
    let sources = spec.sources.iter().flatten().chain(&spec.source);
    sources
        .filter(|source| !source.path.is_empty() && source.chart.is_empty())
        .map(|source| source.repo_url.clone())
        .collect()
}

/// One Application.
pub(super) struct Application<'a> {
    /// The object.
    pub found: &'a GitOpsObject,
    /// The checkouts that its files are read from.
    pub checkouts: &'a Checkouts<'a>,
    /// How they are read.
    pub options: &'a GitOps,
    /// What its charts can query about the cluster.
    pub capabilities: &'a Capabilities,
}

impl Application<'_> {
    fn name(&self) -> &str {
        self.found.metadata("name")
    }

    /// Returns the objects that it declares.
    pub fn load(&self) -> LoadedSource {
        let mut loaded = LoadedSource::default();
        let spec = self.found.value.get("spec").cloned().unwrap_or(Value::Null);
        let hydrates = spec.get("sourceHydrator").is_some();
        // The parser's error quotes values, which may be passwords.
        let Ok(spec) = ApplicationSpec::read(spec) else {
            let message = "its spec is not that of an Application: check the types of its fields";
            loaded.error(&self.found.place, message);
            return loaded;
        };
        let sources: Vec<&spec::ApplicationSource> = match &spec.sources {
            Some(sources) if !sources.is_empty() => sources.iter().collect(),
            _ => spec.source.iter().collect(),
        };
        if sources.is_empty() {
            loaded.error(
                &self.found.place,
                if hydrates {
                    "its sourceHydrator is not supported: compare the branch that it writes to"
                } else {
                    "it names no source"
                },
            );
        }
        for source in &sources {
            match self.source(source, &sources, &spec) {
                Ok(part) => loaded.append(part),
                Err(message) => {
                    let subject = format!("Application {}: ", self.name());
                    let message = format!("{}{message}", self.found.subject(&subject));
                    loaded.error(&self.found.place, message);
                }
            }
        }
        self.namespace(&spec, &mut loaded);
        let by = format!("Application {}", self.name());
        let namespace = Some(spec.destination.namespace.as_str());
        adopt(&mut loaded.manifests, &by, namespace);
        if sources.len() > 1 {
            last_wins(&mut loaded);
        }
        self.rules(spec.ignore_differences.unwrap_or_default(), &mut loaded);
        let tracked = self
            .tracked_as()
            .into_iter()
            .map(|application| ManagedObjects::ArgoCd {
                application,
                namespace: spec.destination.namespace.clone(),
            });
        loaded.managed.extend(tracked);
        loaded
    }

    /// Declares the namespace that it creates, unless its manifests do.
    fn namespace(&self, spec: &ApplicationSpec, loaded: &mut LoadedSource) {
        let name = &spec.destination.namespace;
        let is_it = |manifest: &Manifest| manifest.kind == "Namespace" && manifest.name == *name;
        if loaded.manifests.iter().any(is_it) {
            return;
        }
        let made = namespace::declared(&spec.sync_policy, name, &self.found.place);
        if let Some((manifest, rule)) = made {
            loaded.manifests.push(manifest);
            loaded.rules.extend(rule);
        }
    }

    /// Returns the possible names of the Application on the objects that it tracks: outside its own
    /// namespace, which is unknown here, the namespace is part of the name
    /// (`argo-cd/pkg/apis/application/v1alpha1/types.go`, `InstanceName`).
    fn tracked_as(&self) -> Vec<String> {
        let mut names = vec![self.name().to_owned()];
        match self.found.metadata("namespace") {
            "" => {}
            namespace => names.push(format!("{namespace}_{}", self.name())),
        }
        names
    }

    /// Reads its `ignoreDifferences`, for its own objects only.
    fn rules(&self, specs: Vec<crate::policy::RuleSpec>, loaded: &mut LoadedSource) {
        for (index, mut spec) in specs.into_iter().enumerate() {
            spec.id = format!("{}/ignoreDifferences[{index}]", self.name());
            spec.reason = format!("ignoreDifferences of the Application {}", self.name());
            match spec.compile(RuleOrigin::Place(self.found.place.clone())) {
                Ok(rule) => loaded.rules.extend(only_for(&rule, &loaded.manifests)),
                Err(problems) => {
                    for problem in problems {
                        let what = format!("ignoreDifferences[{index}]: {}", problem.message);
                        loaded.error(&self.found.place, what);
                    }
                }
            }
        }
    }
}
