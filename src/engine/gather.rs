//! What is known before anything is compared.

use std::sync::Arc;

use anyhow::Result;

use super::aggregation::Aggregated;
use super::managed::Scope;
use super::options::{Extra, Options};
use super::pods::PodAdmission;
use super::prediction::{self, Predictions};
use super::resolve::{self, Resolved};
use super::schemas::{self, Schemas};
use crate::cluster::{FetchRequest, Fetched, Live, Places};
use crate::model::Manifest;
use crate::source::Loaded;

/// Both sides of a run, and what is known about their types.
pub struct Facts<'m> {
    /// What is declared, as it was read.
    pub manifests: &'m [Arc<Manifest>],
    /// What is declared, sorted out.
    pub resolved: Resolved<'m>,
    /// What is live.
    pub fetched: Fetched,
    /// The schemas of custom resources.
    pub schemas: Schemas,
    /// What the server would make of the manifests, where it was asked.
    pub predictions: Predictions,
    /// What the rules of aggregated roles should be.
    pub aggregated: Aggregated,
    /// What admission does to Pods.
    pub pods: PodAdmission,
}

impl<'m> Facts<'m> {
    /// Asks the live side for all that the comparison needs.
    ///
    /// # Errors
    /// When nothing can be found out about any kind, or nothing can be read at all.
    pub fn gather(
        loaded: &Loaded,
        manifests: &'m [Arc<Manifest>],
        live: &dyn Live,
        options: &Options,
    ) -> Result<Self> {
        let resolved = resolve::resolve(manifests, live, options)?;
        let fetched = fetch(loaded, &resolved, live, options)?;
        let declared = resolved.declared.as_slice();
        Ok(Self {
            manifests,
            schemas: schemas::gather(declared, manifests, live),
            predictions: prediction::predict(declared, &fetched, live, options),
            aggregated: Aggregated::gather(declared, &fetched, live),
            pods: PodAdmission::gather(declared, manifests, &fetched, live),
            resolved,
            fetched,
        })
    }

    /// Notes what ended reading early, once nothing more is read: what is read on the side, such as
    /// schemas and autoscalers, may have been cut short, too.
    pub fn end(&mut self, live: &dyn Live) {
        if let Some(stopped) = live.cut_short() {
            self.fetched.interrupted = true;
            self.fetched.warnings.push(stopped);
        }
    }
}

/// Reads the live objects: the declared ones, and those that nobody declares where they are asked
/// for.
fn fetch(
    loaded: &Loaded,
    resolved: &Resolved<'_>,
    live: &dyn Live,
    options: &Options,
) -> Result<Fetched> {
    let mut request = request(resolved, options);
    let managed = match options.extra {
        Extra::Managed => Some(Scope::of(&loaded.managed, resolved, live, options)?),
        Extra::None | Extra::Namespace => None,
    };
    if let Some(managed) = &managed {
        managed.add_to(&mut request);
    }
    let mut fetched = live.fetch(&request)?;
    if let Some(managed) = managed {
        managed.settle(&mut fetched);
    }
    fetched
        .extra
        .retain(|object| !resolved.spoken_of.contains(&object.key));
    Ok(fetched)
}

fn request(resolved: &Resolved<'_>, options: &Options) -> FetchRequest {
    FetchRequest {
        wanted: resolved.wanted(),
        extra_in: match options.extra {
            Extra::None | Extra::Managed => Places::default(),
            Extra::Namespace if options.all_namespaces => Places::All,
            Extra::Namespace => Places::Only(resolved.covered.clone()),
        },
        extra_kinds: options.filter.kinds.clone(),
    }
}
