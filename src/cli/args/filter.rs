//! Arguments that filter objects, as in kubectl.

use clap::Args;

use crate::model::KindPattern;
use crate::policy::{Filter, LabelSelector};

/// The filter.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Compare within this namespace
    ///
    /// Manifests without a namespace belong to it (by default: to the context's namespace, or
    /// 'default'). Manifests of other namespaces are left out and counted in the summary.
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// Compare in all namespaces, regardless of --namespace and the context
    ///
    /// Manifests are compared in whatever namespace they declare. With --extra, every namespace of
    /// the cluster is searched for undeclared objects, not only the manifests' namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Compare only objects with these labels: app=cart,tier!=db,env in (a,b),!legacy
    ///
    /// Manifests are selected by the labels that they declare, so that a label that was changed
    /// live is still reported. Undeclared objects are selected by their live labels.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = selector)]
    pub selector: Option<LabelSelector>,

    /// Compare only objects of this kind: deploy, Deployment, deployments.apps
    ///
    /// Can be repeated, or given as a comma-separated list. Short names come from the cluster.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub kind: Vec<KindPattern>,
}

impl FilterArgs {
    /// Returns the filter by kinds and labels.
    pub fn filter(&self) -> Filter {
        Filter {
            kinds: self.kind.clone(),
            labels: self.selector.clone(),
        }
    }
}

/// An empty selector would select everything; the usual cause is a variable that is not set.
fn selector(text: &str) -> Result<LabelSelector, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    text.parse().map_err(|error| format!("{error}"))
}
