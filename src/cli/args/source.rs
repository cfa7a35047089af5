//! The words that say where the declared state is read from.

use std::path::PathBuf;

use clap::Args;

use super::{RenderArgs, UntrustedArgs};
use crate::source::SCHEMES;

/// The help of the paths, with every scheme of words that are none.
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
    /// A folder with a kustomization or a Helm chart is rendered. 'main:deploy' is the folder deploy
    /// as it is in Git at main, from the top of the repository.
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

    /// Manifests, as kubectl's -f names them; the same as PATH
    ///
    /// May be given several times, and together with PATH.
    #[arg(short = 'f', long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,

    /// Read folders with all that is below them, which driftctl does anyway
    ///
    /// There so that the words of 'kubectl diff -R -f' can be typed.
    #[arg(short = 'R', long, hide_short_help = true)]
    pub recursive: bool,

    /// Compare what the Argo CD Applications and ApplicationSets in this file declare
    #[arg(long, value_name = "FILE")]
    pub app: Vec<PathBuf>,

    /// Of a repository for several clusters compare what is declared for this one
    ///
    /// For Argo CD, the server or the name in the destination of Applications. For Flux, the folder
    /// that a cluster begins with (clusters/prod), or the Secret with the kubeconfig of another
    /// cluster. Without this flag, the one whose objects are live.
    #[arg(long, value_name = "CLUSTER")]
    pub destination: Vec<String>,

    /// Expand the clusters generator of ApplicationSets with the clusters in this file
    ///
    /// That are the Secrets with the label argocd.argoproj.io/secret-type=cluster, as kubectl get
    /// prints them; their credentials are not read. Without this flag, those of the live side.
    #[arg(long, value_name = "FILE")]
    pub clusters: Option<PathBuf>,

    /// Read the files of folders as they lie, and do not follow Kustomizations and Applications
    ///
    /// Without this flag a folder with Flux Kustomizations, Argo CD Applications or ApplicationSets
    /// is compared as these tools would apply it: driftctl finds the ones to begin with, and follows
    /// what they declare to any depth.
    #[arg(long)]
    pub plain: bool,

    /// Compare what the Flux Kustomizations in this file declare
    #[arg(long, value_name = "FILE")]
    pub kustomization: Vec<PathBuf>,

    /// Let the paths in Applications and Kustomizations start in this folder
    ///
    /// Without this flag: at the root of the Git repository around the file, or around the current
    /// folder.
    #[arg(long, value_name = "DIR")]
    pub repo_root: Option<PathBuf>,

    /// Read Applications and Kustomizations at the revision that they ask for
    ///
    /// That is targetRevision of an Application, and the ref of the GitRepository of a
    /// Kustomization, as far as this clone has it. Without this flag files are read as they lie, or
    /// as they are at --ref, and the report says where that is not what they ask for.
    #[arg(long, conflicts_with = "revision")]
    pub target_revision: bool,

    /// Read the paths as they are in Git at this revision instead of in the work tree
    ///
    /// A branch, a tag, a commit, HEAD~3, origin/main. Only Git's objects are read: nothing is
    /// checked out, and no filter, hook or other program of the repository is run. The paths of
    /// Applications and Kustomizations are read at it too.
    #[arg(long = "ref", value_name = "REVISION")]
    pub revision: Option<String>,

    /// Compare with this base too, and tell the branch's changes from those made live
    ///
    /// A folder, or a Git revision such as origin/main, at which the same paths are read. Each
    /// change is then 'pending' (the branch changes it), 'drift' (it was changed live), 'conflict'
    /// (both: merging overwrites what was changed live) or 'backport' (the branch now declares what
    /// is live). To be run before a merge.
    #[arg(long, value_name = "REVISION|PATH")]
    pub base: Option<String>,

    /// Say which commit last touched each line that drifted, by whom and when
    ///
    /// For --ref and for the work tree, where lines can be uncommitted. Reads the history of files
    /// with drift only.
    #[arg(long)]
    pub blame: bool,

    // What is flattened changes the heading of all that follows it.
    /// How directories are rendered.
    #[command(flatten)]
    pub render: RenderArgs,

    /// What manifests may do that somebody else wrote.
    #[command(flatten)]
    pub untrusted: UntrustedArgs,
}

impl SourceArgs {
    /// Puts what `-f` names with the other paths: from here on there is one list.
    pub fn settle(&mut self) {
        let named = std::mem::take(&mut self.filename);
        self.paths.extend(named);
    }
}
