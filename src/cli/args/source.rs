//! The words that say where the declared state is read from.

use std::path::PathBuf;

use clap::Args;

use super::RenderArgs;

/// The declared side.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Declared side")]
pub struct SourceArgs {
    /// Manifests: files, folders (.yaml, .yml and .json files below), or standard input (-)
    ///
    /// A folder with a kustomization or a Helm chart is rendered. argocd:NAME (or
    /// argocd:NAMESPACE/NAME) is an Application of the cluster, flux:NAMESPACE/NAME a Kustomization.
    #[arg(
        value_name = "PATH",
        default_value = ".",
        default_value_ifs = [
            ("app", clap::builder::ArgPredicate::IsPresent, None::<&str>),
            ("kustomization", clap::builder::ArgPredicate::IsPresent, None),
        ],
    )]
    pub paths: Vec<PathBuf>,

    /// Compare what the Argo CD Applications and ApplicationSets in this file declare
    #[arg(long, value_name = "FILE")]
    pub app: Vec<PathBuf>,

    /// Compare what the Flux Kustomizations in this file declare
    #[arg(long, value_name = "FILE")]
    pub kustomization: Vec<PathBuf>,

    /// Let the paths in Applications and Kustomizations start in this folder
    ///
    /// Without this flag: at the root of the Git repository around the file, or around the current
    /// folder. Files are read as they lie there, whatever revision is asked for.
    #[arg(long, value_name = "DIR")]
    pub repo_root: Option<PathBuf>,

    /// How directories are rendered.
    #[command(flatten)]
    pub render: RenderArgs,
}
