//! Arguments for untrusted manifests.

use clap::Args;

use crate::model::KindPattern;
use crate::policy::{Glob, GlobError};

/// The limits for untrusted manifests.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Untrusted manifests")]
pub struct UntrustedArgs {
    /// Do not trust the author of the manifests: for pull requests from forks
    ///
    /// Reads only below the current directory, within limits. Renders nothing without --render.
    /// Ignores rules in the manifests' tree: they come from --config, --baseline and the
    /// .driftctl.yaml at the Git revision of --base. Refuses a kubeconfig among the manifests.
    /// Compares objects in the run's own namespace only, unless --allow-namespace names others.
    /// Hides what exists only live.
    #[arg(long)]
    pub untrusted: bool,

    /// Refuse objects outside this namespace without reading them
    ///
    /// A glob such as 'shop-*'. Can be repeated. Cluster-scoped objects then need --allow-kind,
    /// except for these Namespaces themselves.
    #[arg(long, value_name = "NAME", value_parser = glob_text)]
    pub allow_namespace: Vec<String>,

    /// Refuse objects of other kinds: deploy, Deployment, deployments.apps
    ///
    /// Can be repeated, or given as a comma-separated list.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub allow_kind: Vec<KindPattern>,
}

/// Parses a glob. A glob that cannot be parsed would allow nothing, without saying why.
fn glob_text(text: &str) -> Result<String, GlobError> {
    text.parse::<Glob>().map(|_| text.to_owned())
}
