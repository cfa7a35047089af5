//! Arguments for rendering kustomizations and charts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Rendering.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rendering")]
pub struct RenderArgs {
    /// Read kustomizations and charts as plain files instead of rendering them
    #[arg(long)]
    pub no_render: bool,

    /// Render kustomizations and charts even with --untrusted
    ///
    /// Renderers run without credentials and plugins, within a deadline, on copies of the files
    /// that they may read, and in Linux namespaces without other files and without a network. If
    /// the system does not allow namespaces, nothing is rendered unless --no-sandbox is given.
    #[arg(long, requires = "untrusted", conflicts_with = "no_render")]
    pub render: bool,

    /// Run renderers outside Linux namespaces
    ///
    /// Needed for --untrusted --render if the system does not allow namespaces. The renderer can
    /// then access everything that your user can.
    #[arg(long, conflicts_with = "no_render")]
    pub no_sandbox: bool,

    /// Render kustomizations with this program: kustomize or kubectl
    ///
    /// Defaults to the first of them on the PATH. It runs without credentials and without plugins.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "no_render")]
    pub kustomize_bin: Option<PathBuf>,

    /// Render charts with this helm, instead of the one on the PATH
    #[arg(long, value_name = "PROGRAM", conflicts_with = "no_render")]
    pub helm_bin: Option<PathBuf>,

    /// Render charts with the values in this file; the last one wins
    #[arg(long, value_name = "FILE", conflicts_with = "no_render")]
    pub values: Vec<PathBuf>,

    /// Render charts with this value: image.tag=1.4
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "no_render")]
    pub set: Vec<String>,

    /// Render charts with this value as a string: image.tag=007
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "no_render")]
    pub set_string: Vec<String>,

    /// Render charts as a release of this name, instead of the chart's own
    #[arg(long, value_name = "NAME", conflicts_with = "no_render")]
    pub release: Option<String>,

    /// Allow files outside the folder of a kustomization or chart (none), or not (root-only)
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub load_restrictor: LoadRestrictor,

    /// Let renderers fetch remote bases and charts
    ///
    /// kustomize fetches remote bases; helm fetches the charts of HelmReleases, Applications and
    /// helmCharts from chart repositories and registries. Neither gets credentials. Charts are
    /// never fetched with --untrusted.
    #[arg(long, conflicts_with = "no_render")]
    pub allow_remote: bool,

    /// Decrypt what SOPS encrypted with this program: sops
    ///
    /// The program reads each object from standard input, and runs with your environment and keys.
    /// Its output stays in memory, and the values are masked in every report. Without this flag,
    /// the values of encrypted objects are not compared.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["no_render", "untrusted"])]
    pub decrypt: Option<PathBuf>,

    /// Stop a renderer after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = crate::source::DEADLINE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub render_timeout: u64,
}

/// The defaults, for tests and for commands without these flags.
impl Default for RenderArgs {
    fn default() -> Self {
        Self {
            no_render: false,
            render: false,
            no_sandbox: false,
            kustomize_bin: None,
            helm_bin: None,
            values: Vec::new(),
            set: Vec::new(),
            set_string: Vec::new(),
            release: None,
            load_restrictor: LoadRestrictor::default(),
            allow_remote: false,
            decrypt: None,
            render_timeout: crate::source::DEADLINE.as_secs(),
        }
    }
}

/// Whether kustomizations may load files from outside their folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LoadRestrictor {
    /// Files must be in the kustomization's folder or below
    #[default]
    RootOnly,
    /// Files may be anywhere
    None,
}
