//! Argo CD: what an Application, or an ApplicationSet, declares.
//!
//! What Argo CD would read from Git is read from the repository at hand: as it lies, at a revision
//! that the user names, or at the Application's own `targetRevision`.

mod app_source;
mod destination;
mod environment;
mod glob;
mod helm;
mod namespace;
mod overrides;
mod set;
mod spec;
mod template;

use serde_json::Value;

use super::checkout::Checkouts;
use super::gitops::{Found, GitOps, Which, adopt, in_cluster, last_wins, marks, only_for};
use super::{Loaded, Managed, Source};
use crate::cluster::Live;
use crate::model::Manifest;
use crate::policy::RuleOrigin;
use spec::Spec;

const GROUP: &str = "argoproj.io";

/// One Application, or all of a file.
#[derive(Debug)]
pub struct Argo {
    which: Which,
    options: GitOps,
}

impl Argo {
    /// What these Applications declare.
    pub fn new(which: Which, options: GitOps) -> Self {
        Self { which, options }
    }

    /// The Applications themselves; sets are expanded.
    fn applications(
        &self,
        live: &dyn Live,
        checkouts: &Checkouts<'_>,
        loaded: &mut Loaded,
    ) -> Vec<Found> {
        let file = match &self.which {
            Which::File(file) => file,
            Which::Live { namespace, name } => {
                let version = ["argoproj.io/v1alpha1"];
                let found = in_cluster(live, &version, "Application", namespace, name);
                return match found {
                    Ok(found) => vec![found],
                    Err(message) => {
                        loaded.error(format!("argocd:{namespace}/{name}"), message);
                        Vec::new()
                    }
                };
            }
        };
        let mut applications = Vec::new();
        for found in checkouts.objects(file, loaded) {
            if found.is(GROUP, "Application") {
                applications.push(found);
            } else if found.is(GROUP, "ApplicationSet") {
                match set::applications(&found.value, checkouts) {
                    Ok(values) if values.is_empty() => {
                        let message = "its generators find nothing in this repository: check \
                                       their paths, and --repo-root";
                        loaded.error(&found.place, message);
                    }
                    Ok(values) => applications.extend(values.into_iter().map(|value| Found {
                        value,
                        place: found.place.clone(),
                    })),
                    Err(message) => loaded.error(&found.place, message),
                }
            } else {
                loaded.skip(&found.place, "neither an Application nor an ApplicationSet");
            }
        }
        if applications.is_empty() && loaded.errors.is_empty() {
            loaded.error(file.display(), loaded.nothing("Application"));
        }
        destination::choose(&mut applications, &self.options.destinations, loaded);
        self.options
            .bounded(&mut applications, "Application", loaded);
        applications
    }
}

impl Source for Argo {
    fn load(&self, live: &dyn Live) -> Loaded {
        let mut loaded = Loaded::default();
        match self.options.checkouts(&self.which) {
            Ok(checkouts) => {
                for found in self.applications(live, &checkouts, &mut loaded) {
                    let application = Application {
                        found: &found,
                        checkouts: &checkouts,
                        options: &self.options,
                        live,
                    };
                    loaded.append(application.load());
                }
                loaded.revisions.extend(checkouts.revisions());
            }
            Err(message) => match &self.which {
                Which::File(file) => loaded.error(file.display(), message),
                Which::Live { name, .. } => loaded.error(format!("argocd:{name}"), message),
            },
        }
        let paths = [
            ".metadata.annotations[\"argocd.argoproj.io/tracking-id\"]",
            ".metadata.annotations[\"argocd.argoproj.io/installation-id\"]",
            ".metadata.labels[\"app.kubernetes.io/instance\"]",
            ".metadata.labels[\"argocd.argoproj.io/instance\"]",
        ];
        let reason = "Argo CD marks the objects that it tracks.";
        loaded
            .rules
            .extend(marks("argocd-tracking", reason, &paths));
        loaded
    }
}

/// One Application.
struct Application<'a> {
    found: &'a Found,
    checkouts: &'a Checkouts<'a>,
    options: &'a GitOps,
    live: &'a dyn Live,
}

impl Application<'_> {
    fn name(&self) -> &str {
        self.found.metadata("name")
    }

    fn load(&self) -> Loaded {
        let mut loaded = Loaded::default();
        let spec = self.found.value.get("spec").cloned().unwrap_or(Value::Null);
        let hydrates = spec.get("sourceHydrator").is_some();
        // What the parser would say quotes values, which may be passwords.
        let Ok(spec) = Spec::read(spec) else {
            let message = "its spec is not one of an Application: check the types of its fields";
            loaded.error(&self.found.place, message);
            return loaded;
        };
        let sources: Vec<&spec::Source> = match &spec.sources {
            Some(sources) if !sources.is_empty() => sources.iter().collect(),
            _ => spec.source.iter().collect(),
        };
        if sources.is_empty() {
            loaded.error(
                &self.found.place,
                if hydrates {
                    "its sourceHydrator is not followed here: compare the branch that it writes to"
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
            .map(|application| Managed::ArgoCd {
                application,
                namespace: spec.destination.namespace.clone(),
            });
        loaded.managed.extend(tracked);
        loaded
    }

    /// Declares the namespace that it makes, unless its manifests do.
    fn namespace(&self, spec: &Spec, loaded: &mut Loaded) {
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

    /// What Argo CD may call the Application on the objects that it tracks: outside of its own
    /// namespace, which is not known here, the namespace is part of the name
    /// (`argo-cd/pkg/apis/application/v1alpha1/types.go`, `InstanceName`).
    fn tracked_as(&self) -> Vec<String> {
        let mut names = vec![self.name().to_owned()];
        match self.found.metadata("namespace") {
            "" => {}
            namespace => names.push(format!("{namespace}_{}", self.name())),
        }
        names
    }

    /// Its `ignoreDifferences`, for its own objects alone.
    fn rules(&self, specs: Vec<crate::policy::RuleSpec>, loaded: &mut Loaded) {
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
