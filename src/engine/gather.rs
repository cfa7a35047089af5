//! Gathers the data that a comparison needs.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;

use super::deviations::TemplateDeviations;
use super::managed::ExtraScope;
use super::marks::ExpectedOwner;
use super::options::{Extra, Options};
use super::resolve::{self, ResolvedManifests};
use super::schemas::{self, Schemas};
use crate::cluster::{FetchRequest, Live, LiveObject, Namespaces, ReadResults};
use crate::judge::{ExplainerInput, ExplainerKnowledge, OWNED, ObjectExplainer};
use crate::model::{GroupKind, Manifest, Ownership, group_of};
use crate::policy::RuleSet;
use crate::source::LoadedSource;

/// Both sides of a run, and their types.
pub struct Facts<'m> {
    /// The manifests, as they were read.
    pub manifests: &'m [Arc<Manifest>],
    /// The manifests, resolved to objects.
    pub resolved: ResolvedManifests<'m>,
    /// The live objects.
    pub fetched: ReadResults,
    /// The schemas of custom resources.
    pub schemas: Schemas,
    /// What the explainers know.
    pub known: ExplainerKnowledge,
    /// The applications and releases that the objects belong to, according to their sources.
    pub expected: ExpectedOwner,
    /// The undeclared objects that differ from the templates of the owners that they name.
    pub deviations: TemplateDeviations,
}

impl<'m> Facts<'m> {
    /// Reads everything that a comparison needs from the live side.
    ///
    /// # Errors
    /// Fails if the live side knows no kind at all, or nothing can be read.
    pub fn gather(
        loaded: &LoadedSource,
        manifests: &'m [Arc<Manifest>],
        live: &dyn Live,
        rules: &RuleSet,
        options: &Options,
    ) -> Result<Self> {
        let resolved = resolve::resolve(manifests, live, options)?;
        let fetched = fetch(loaded, &resolved, live, options)?;
        let declared = resolved.declared.as_slice();
        let schemas = schemas::gather(declared, manifests, live);
        let mut facts = Self {
            manifests,
            schemas,
            known: ExplainerKnowledge::default(),
            expected: ExpectedOwner::of(&loaded.managed),
            deviations: TemplateDeviations::default(),
            resolved,
            fetched,
        };
        facts.known = ExplainerKnowledge::learn(&facts.run(live, rules, options));
        Ok(facts)
    }

    /// Returns both sides in the form that explainers use.
    pub fn run<'r>(
        &'r self,
        live: &'r dyn Live,
        rules: &'r RuleSet,
        options: &'r Options,
    ) -> ExplainerInput<'r> {
        ExplainerInput {
            manifests: self.manifests,
            declared: &self.resolved.declared,
            fetched: &self.fetched,
            live,
            rules,
            server_dry_run: options.server_dry_run,
            field_managers: &options.field_managers,
            created: false,
        }
    }

    /// Returns why nobody has to declare a live object, if that is so.
    pub fn undeclared(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> Option<ObjectExplainer> {
        let explained = self.known.undeclared(object, value, ownership, rules);
        let deviates = self.deviations.of(&object.key).is_some();
        explained.filter(|by| !deviates || by.by != OWNED)
    }

    /// Returns the custom kind that an undeclared object names as its owner, if that might explain it
    /// but does not.
    pub fn unproven_owner(&self, object: &LiveObject, value: &Value) -> Option<GroupKind> {
        self.known.unproven_owner(object, value)
    }

    /// Records why reading ended early, once everything was read: optional reads, such as schemas
    /// and autoscalers, may have been cut short, too.
    pub fn note_cut_short(&mut self, live: &dyn Live) {
        if let Some(stopped) = live.cut_short() {
            self.fetched.interrupted = true;
            self.fetched.warnings.push(stopped);
        }
    }
}

/// Reads the live objects: the declared ones, and undeclared ones if requested.
fn fetch(
    loaded: &LoadedSource,
    resolved: &ResolvedManifests<'_>,
    live: &dyn Live,
    options: &Options,
) -> Result<ReadResults> {
    let mut request = request(resolved, options);
    let managed = match options.extra {
        Extra::Managed => Some(ExtraScope::of(&loaded.managed, resolved, live, options)?),
        Extra::None | Extra::Namespace | Extra::Census => None,
    };
    if let Some(managed) = &managed {
        managed.add_to(&mut request);
    }
    let mut fetched = live.fetch(&request)?;
    if let Some(managed) = managed {
        managed.keep_managed(&mut fetched);
    }
    if fetched.extra.is_empty() {
        return Ok(fetched);
    }
    let declared = resolved.all_keys();
    // A skipped manifest, such as a hook, is not compared, but its live object is not extra either.
    let aside: HashSet<DeclaredIdentity> = loaded.objects_aside().map(identity_of).collect();
    fetched.extra.retain(|object| {
        let key = &object.key;
        let is_aside = |namespace| {
            let identity = (&*key.group, &*key.kind, namespace, &*key.name);
            aside.contains(&identity)
        };
        let namespace = key.namespace.as_deref();
        !declared.contains(key) && !is_aside(namespace) && !is_aside(None)
    });
    Ok(fetched)
}

/// Group, kind, namespace and name.
type DeclaredIdentity<'m> = (&'m str, &'m str, Option<&'m str>, &'m str);

fn identity_of(manifest: &Manifest) -> DeclaredIdentity<'_> {
    let group = group_of(&manifest.api_version);
    let namespace = manifest.namespace.as_deref();
    (group, &manifest.kind, namespace, &manifest.name)
}

fn request(resolved: &ResolvedManifests<'_>, options: &Options) -> FetchRequest {
    FetchRequest {
        wanted: resolved.wanted(),
        extra_in: match options.extra {
            Extra::None | Extra::Managed => Namespaces::default(),
            Extra::Namespace | Extra::Census if options.all_namespaces => Namespaces::All,
            Extra::Namespace => Namespaces::Only(resolved.covered.clone()),
            Extra::Census => {
                let named = options.namespace.iter().cloned();
                Namespaces::Only(resolved.covered.iter().cloned().chain(named).collect())
            }
        },
        extra_kinds: options.filter.kinds.clone(),
    }
}
