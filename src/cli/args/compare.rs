//! The arguments of the live side, of the filters, and of the comparison itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SourceArgs;
use crate::engine;
use crate::model::KindPattern;
use crate::policy::{Filter, LabelSelector};

/// The live side.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live side")]
pub struct LiveArgs {
    /// Read live objects from a file, a folder, or standard input (-) instead of a cluster
    ///
    /// Takes the output of 'kubectl get -o json' and '-o yaml': one object, a List, or several
    /// documents. Use kubectl's --show-managed-fields so that the report can say who changed what.
    /// Can be repeated.
    #[arg(long, value_name = "FILE|DIR|-", conflicts_with_all = ["kubeconfig", "context"])]
    pub live: Vec<PathBuf>,

    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The objects to compare.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// The connection to the cluster, and its limits.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live side")]
pub struct ConnectionArgs {
    /// Read the connection from this kubeconfig file
    ///
    /// Defaults to the files in KUBECONFIG, merged, or ~/.kube/config. A file that cannot be read
    /// is an error: driftctl never falls back to another cluster.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Use this context of the kubeconfig instead of its current one
    ///
    /// 'driftctl diff' and 'driftctl doctor' take several: --context staging --context production.
    /// Patterns choose several at once ('prod-*'), and @FILE reads them from a file, one per line.
    /// All reports are in one document. A cluster that cannot be reached does not affect the
    /// others.
    #[arg(long, value_name = "NAME")]
    pub context: Vec<String>,

    /// Give up on a request after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub request_timeout: u64,

    /// Stop after this many seconds, and report what was read as incomplete
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,

    /// Send at most this many requests at once
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
}

impl ConnectionArgs {
    /// Returns the connection to one of several contexts.
    pub fn of_context(&self, context: &str) -> Self {
        Self {
            context: vec![context.to_owned()],
            ..self.clone()
        }
    }
}

/// The objects to compare, and the rules of the comparison.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Comparison")]
pub struct CompareArgs {
    /// Where undeclared objects are searched for.
    #[command(flatten)]
    pub extra: ExtraArgs,

    /// The field manager that applies these manifests
    ///
    /// By default it is determined for each object from managedFields and the last-applied
    /// configuration. Can be repeated.
    #[arg(long, value_name = "NAME")]
    pub field_manager: Vec<String>,

    /// Read who changed what from an audit log of the API server
    ///
    /// One audit.k8s.io/v1 event per line, plain or gzip. Names the users behind changes, and who
    /// deleted missing objects. Audit levels Request and RequestResponse identify the exact
    /// requests. Can be repeated.
    #[arg(long, value_name = "FILE")]
    pub audit_log: Vec<PathBuf>,

    /// Ask the server what an apply would change, webhooks and conversions included
    ///
    /// Sends each manifest as a server-side apply with dryRun=All, as its applier's field manager.
    /// Needs the verb patch. Without this flag, driftctl only sends reads.
    #[arg(long, conflicts_with = "live")]
    pub server_dry_run: bool,

    /// Report declared fields that the type does not have as drift
    ///
    /// The API server drops such fields. By default each is a warning.
    #[arg(long)]
    pub strict_fields: bool,

    /// Do not fail when there are no objects to compare
    ///
    /// By default this is an error, because the usual cause is an empty or wrong path.
    #[arg(long)]
    pub allow_empty: bool,
}

/// `--extra`
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Comparison")]
pub struct ExtraArgs {
    /// Also report live objects that no manifest declares
    ///
    /// Objects that controllers and the system create are left out: owned objects, the default
    /// ServiceAccount, kube-root-ca.crt, Helm's release records.
    #[arg(
        id = "extra",
        long = "extra",
        value_name = "WHERE",
        value_enum,
        default_value_t
    )]
    pub within: ExtraArg,
}

/// Where to search for undeclared live objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ExtraArg {
    /// Nowhere
    #[default]
    None,
    /// In the namespaces of the declared objects
    Namespace,
    /// Only objects that Argo CD tracks, that are in Flux's inventory, or that Helm marks as part
    /// of the release; with --app, --kustomization or helm:NAMESPACE/RELEASE
    Managed,
}

impl From<ExtraArg> for engine::Extra {
    fn from(extra: ExtraArg) -> Self {
        match extra {
            ExtraArg::None => Self::None,
            ExtraArg::Namespace => Self::Namespace,
            ExtraArg::Managed => Self::Managed,
        }
    }
}

/// The objects to read.
#[derive(Debug, Clone, Default, Args)]
pub struct ReadingArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The filter.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Where undeclared objects are searched for.
    #[command(flatten)]
    pub extra: ExtraArgs,
}

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

/// Parses a selector. An empty one is an error: it would select everything, and the usual cause is
/// a variable that is not set.
fn selector(text: &str) -> Result<LabelSelector, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    text.parse().map_err(|error| format!("{error}"))
}
