//! The arguments that say where manifests are read from, and whether their author is trusted.

use std::path::PathBuf;

use clap::Args;

use super::RenderArgs;
use crate::model::KindPattern;
use crate::policy::{Glob, GlobError};
use crate::source::SCHEMES;

/// Returns the help for PATH, with every scheme.
fn paths_help() -> String {
    let mut help = "Manifests: files, folders (.yaml, .yml and .json files below), or standard \
                    input (-)\n\nA folder with a kustomization or a Helm chart is rendered. \
                    'main:deploy' is the folder deploy as it is in Git at main, from the top of \
                    the repository.\n"
        .to_owned();
    for scheme in SCHEMES {
        help.push_str(&format!("\n{}: {}.\n", scheme.forms, scheme.help));
    }
    help.trim_end().to_owned()
}

/// The declared side.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Declared side")]
pub struct SourceArgs {
    /// Manifests: files, folders (.yaml, .yml and .json files below), or standard input (-)
    ///
    /// A folder with a kustomization or a Helm chart is rendered. 'main:deploy' is the folder
    /// deploy as it is in Git at main, from the top of the repository.
    #[arg(
        value_name = "PATH",
        long_help = paths_help(),
        default_value = ".",
        default_value_ifs = [
            ("filename", clap::builder::ArgPredicate::IsPresent, None::<&str>),
            ("app", clap::builder::ArgPredicate::IsPresent, None),
            ("kustomization", clap::builder::ArgPredicate::IsPresent, None),
        ],
    )]
    pub paths: Vec<PathBuf>,

    /// Manifests, as with kubectl -f; the same as PATH
    ///
    /// Can be repeated, and combined with PATH.
    #[arg(short = 'f', long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,

    /// Read folders recursively (always on)
    ///
    /// Accepted so that 'kubectl diff -R -f' habits work.
    #[arg(short = 'R', long, hide_short_help = true)]
    pub recursive: bool,

    /// Compare what the Argo CD Applications and ApplicationSets in this file declare
    #[arg(long, value_name = "FILE")]
    pub app: Vec<PathBuf>,

    /// Compare only what is declared for this cluster, in a repository that declares several
    ///
    /// For Argo CD, the server or name in the destination of Applications. For Flux, the cluster's
    /// entry folder (clusters/prod), or the Secret with the kubeconfig of a remote cluster. By
    /// default, driftctl picks the cluster whose objects are live.
    #[arg(long, value_name = "CLUSTER")]
    pub destination: Vec<String>,

    /// Read the clusters that Argo CD knows from this file
    ///
    /// The file holds the Secrets labelled argocd.argoproj.io/secret-type=cluster, as kubectl get
    /// prints them; their credentials are not read. They map the cluster names in Applications to
    /// servers, so that each --context is compared with its own Applications, and they are the
    /// input of the clusters generator of ApplicationSets. By default, that generator reads these
    /// Secrets from the live side.
    #[arg(long, value_name = "FILE")]
    pub clusters: Option<PathBuf>,

    /// Read files as they are, and do not follow Kustomizations and Applications
    ///
    /// By default, a folder with Flux Kustomizations, Argo CD Applications or ApplicationSets is
    /// compared as these tools would apply it: driftctl finds the entry points and follows them to
    /// any depth.
    #[arg(long)]
    pub plain: bool,

    /// Compare what the Flux Kustomizations in this file declare
    #[arg(long, value_name = "FILE")]
    pub kustomization: Vec<PathBuf>,

    /// Resolve the paths in Applications and Kustomizations from this folder
    ///
    /// Defaults to the root of the Git repository that contains the file, or the current folder.
    #[arg(long, value_name = "DIR")]
    pub repo_root: Option<PathBuf>,

    /// Read Applications and Kustomizations at the revision that they specify
    ///
    /// That is the targetRevision of an Application, or the ref of a Kustomization's GitRepository,
    /// if this clone has it. By default, files are read from the work tree or at --ref, and the
    /// report shows where that differs from the specified revision.
    #[arg(long, conflicts_with = "revision")]
    pub target_revision: bool,

    /// Read the paths at this Git revision instead of from the work tree
    ///
    /// A branch, tag or commit, such as HEAD~3 or origin/main. Only Git objects are read: nothing
    /// is checked out, and no filter, hook or other program of the repository runs. The paths of
    /// Applications and Kustomizations are read at the same revision.
    #[arg(long = "ref", value_name = "REVISION")]
    pub revision: Option<String>,

    /// Compare with this base too, and separate the branch's changes from those made live
    ///
    /// A folder, or a Git revision such as origin/main at which the same paths are read. Each
    /// change is then 'pending' (the branch changes it), 'drift' (it was changed live), 'conflict'
    /// (both: merging would overwrite the live change) or 'backport' (the branch now declares what
    /// is live). Run it before a merge.
    #[arg(long, value_name = "REVISION|PATH")]
    pub base: Option<String>,

    /// Show which commit last touched each line that drifted, by whom and when
    ///
    /// Works with --ref and with the work tree, where lines can be uncommitted. Reads the history
    /// of files with drift only.
    #[arg(long)]
    pub blame: bool,

    // A flattened struct changes the heading of everything after it.
    /// How folders are rendered.
    #[command(flatten)]
    pub render: RenderArgs,

    /// The limits for untrusted manifests.
    #[command(flatten)]
    pub untrusted: UntrustedArgs,
}

impl SourceArgs {
    /// Moves the paths of `-f` to the other paths, so that there is one list.
    pub fn merge_aliases(&mut self) {
        let named = std::mem::take(&mut self.filename);
        self.paths.extend(named);
    }
}

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
    /// Hides what exists only in the cluster.
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
