//! The words for manifests that somebody else wrote.

use clap::Args;

use crate::model::KindPattern;
use crate::policy::{Glob, GlobError};

/// What manifests may do.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Untrusted manifests")]
pub struct UntrustedArgs {
    /// Do not trust the author of the manifests: for pull requests from outside
    ///
    /// Reads only below the current directory, in bounds; renders nothing without --render; takes no rules from the
    /// tree of the manifests, but from --config, --baseline and the Git revision of --base, where
    /// .driftctl.yaml is looked for as it is there; refuses a kubeconfig that lies among them; compares objects in the
    /// run's own namespace only, unless --allow-namespace names others; and hides what exists only
    /// live.
    #[arg(long)]
    pub untrusted: bool,

    /// Refuse objects outside this namespace; nothing is read of them
    ///
    /// A glob such as 'shop-*'. May be given several times. Objects without a namespace need
    /// --allow-kind then, except for these namespaces themselves.
    #[arg(long, value_name = "NAME", value_parser = glob_text)]
    pub allow_namespace: Vec<String>,

    /// Refuse objects of other kinds: deploy, Deployment, deployments.apps
    ///
    /// May be given several times, or as a list with commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub allow_kind: Vec<KindPattern>,
}

/// A glob that can be read: one that cannot would allow nothing, and not say why.
fn glob_text(text: &str) -> Result<String, GlobError> {
    text.parse::<Glob>().map(|_| text.to_owned())
}
