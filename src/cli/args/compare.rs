//! The words that say what is compared with what: of every command that compares.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::FilterArgs;
use crate::engine;

/// The live side.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live side")]
pub struct LiveArgs {
    /// Read live objects from a file, a folder, or standard input (-) instead of a cluster
    ///
    /// Takes what 'kubectl get -o json' and '-o yaml' write: one object, a List, several documents.
    /// With --show-managed-fields in kubectl the report can say who changed what. May be given
    /// several times.
    #[arg(long, value_name = "FILE|DIR|-", conflicts_with_all = ["kubeconfig", "context"])]
    pub live: Vec<PathBuf>,

    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// What is looked at.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// The cluster, and within which bounds it is read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live side")]
pub struct ConnectionArgs {
    /// Read the connection from this kubeconfig file
    ///
    /// Without it the files that KUBECONFIG lists are merged, or ~/.kube/config is read. One that
    /// cannot be read is an error: driftctl never falls back to another cluster.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Use this context of the kubeconfig instead of its current one
    ///
    /// 'driftctl diff' and 'driftctl doctor' take several: --context staging --context production.
    /// Patterns choose several at once ('prod-*'), and @FILE those that a file names, one a line.
    /// Each cluster has a report of its own in one document; one that cannot be reached does not
    /// hide the others.
    #[arg(long, value_name = "NAME")]
    pub context: Vec<String>,

    /// Give up a request after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub request_timeout: u64,

    /// Stop reading after so many seconds, and report what was read as incomplete
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,

    /// Keep at most so many requests under way
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
}

impl ConnectionArgs {
    /// The connection to one of several contexts.
    pub fn of_context(&self, context: &str) -> Self {
        Self {
            context: vec![context.to_owned()],
            ..self.clone()
        }
    }
}

/// What is compared, and what counts.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Comparison")]
pub struct CompareArgs {
    /// Also report live objects that no manifest declares
    ///
    /// Left out is what controllers and the system make themselves: owned objects, the default
    /// ServiceAccount, kube-root-ca.crt, Helm's release records.
    #[arg(long, value_name = "WHERE", value_enum, default_value_t)]
    pub extra: Extra,

    /// Name a field manager that applies these manifests
    ///
    /// Normally found out object by object from managedFields and the last applied configuration.
    /// May be given several times.
    #[arg(long, value_name = "NAME")]
    pub field_manager: Vec<String>,

    /// Read who wrote what from an audit log of the API server
    ///
    /// One event a line (audit.k8s.io/v1), plain or gzip. Names the users behind changes, and who
    /// deleted what is missing. With the level Request or above the very requests are found. May be
    /// given several times.
    #[arg(long, value_name = "FILE")]
    pub audit_log: Vec<PathBuf>,

    /// Ask the server what applying would change, so that webhooks and conversions are exact
    ///
    /// Sends each manifest as a server-side apply that is not carried out (dryRun=All), under its
    /// applier's field manager, and needs the verb patch. Without this flag nothing but reading is
    /// ever sent.
    #[arg(long, conflicts_with = "live")]
    pub server_dry_run: bool,

    /// Report declared fields that their type does not have as drift
    ///
    /// The API server drops them, so that they are never live. Without this flag each is a warning.
    #[arg(long)]
    pub strict_fields: bool,

    /// Accept that no object is found
    ///
    /// Otherwise this is an error: an empty or wrong path is the usual cause.
    #[arg(long)]
    pub allow_empty: bool,
}

/// Where undeclared live objects are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Extra {
    /// Nowhere
    #[default]
    None,
    /// In the namespaces of the declared objects
    Namespace,
    /// Only what Argo CD tracks, Flux has in its inventory or Helm marks as its release's, for what
    /// --app, --kustomization or helm:NAMESPACE/RELEASE names
    Managed,
}

impl From<Extra> for engine::Extra {
    fn from(extra: Extra) -> Self {
        match extra {
            Extra::None => Self::None,
            Extra::Namespace => Self::Namespace,
            Extra::Managed => Self::Managed,
        }
    }
}
