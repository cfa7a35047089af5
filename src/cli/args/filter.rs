//! The words that limit what is looked at, as kubectl's do.

use clap::Args;

use crate::model::KindPattern;
use crate::policy::{Filter, LabelSelector};

/// What is looked at.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Compare within this namespace
    ///
    /// Objects that name no namespace belong to it (without this flag: to the context's, else to
    /// 'default'). Objects that declare another namespace are left out, and counted in the summary.
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// Look in all namespaces, whatever --namespace and the context say
    ///
    /// Declared objects are compared wherever they are. With --extra, undeclared ones are looked
    /// for in every namespace of the cluster, not only in those of the declared objects.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy
    ///
    /// Declared objects are chosen by the labels that they declare, so that a label that was
    /// changed live is reported, and undeclared objects by their live labels.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = selector)]
    pub selector: Option<LabelSelector>,

    /// Look only at objects of this kind: deploy, Deployment, deployments.apps
    ///
    /// May be given several times, or as a list with commas. Short names are the cluster's own.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub kind: Vec<KindPattern>,
}

impl FilterArgs {
    /// The filter by kinds and labels.
    pub fn filter(&self) -> Filter {
        Filter {
            kinds: self.kind.clone(),
            labels: self.selector.clone(),
        }
    }
}

/// An empty selector would choose everything: a variable that is not set is the usual cause.
fn selector(text: &str) -> Result<LabelSelector, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    text.parse().map_err(|error| format!("{error}"))
}
