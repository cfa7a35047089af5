//! The words that say how directories are rendered that are no plain manifests.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Rendering.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rendering")]
pub struct RenderArgs {
    /// Read kustomizations and charts as plain files instead of rendering them
    #[arg(long)]
    pub no_render: bool,

    /// Render kustomizations and charts with --untrusted too, which renders nothing otherwise
    ///
    /// Renderers run in an environment that holds no credentials, without plugins, within a
    /// deadline, and on copies of what they may read. They run in Linux namespaces of their own,
    /// without other files and without a network. Where the system allows none, nothing is
    /// rendered, unless --no-sandbox says so.
    #[arg(long, requires = "untrusted", conflicts_with = "no_render")]
    pub render: bool,

    /// Run renderers without Linux namespaces of their own
    ///
    /// With --untrusted --render that is needed where the system allows no namespaces, and what
    /// the renderer can reach is then up to the renderer.
    #[arg(long, conflicts_with = "no_render")]
    pub no_sandbox: bool,

    /// Render kustomizations with this program: kustomize, or a kubectl
    ///
    /// Without this flag the first of them on the PATH is run, in an environment that holds no
    /// credentials and without plugins.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "no_render")]
    pub kustomize_bin: Option<PathBuf>,

    /// Render charts with this helm, instead of the one on the PATH
    #[arg(long, value_name = "PROGRAM", conflicts_with = "no_render")]
    pub helm_bin: Option<PathBuf>,

    /// Render charts with the values in this file; of several, the last wins
    #[arg(long, value_name = "FILE", conflicts_with = "no_render")]
    pub values: Vec<PathBuf>,

    /// Render charts with this value: image.tag=1.4
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "no_render")]
    pub set: Vec<String>,

    /// Render charts with this value, which is a text whatever it looks like: image.tag=007
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "no_render")]
    pub set_string: Vec<String>,

    /// Render charts as a release of this name, instead of the chart's own
    #[arg(long, value_name = "NAME", conflicts_with = "no_render")]
    pub release: Option<String>,

    /// Let kustomizations and charts use files from outside their folder (none), or not (root-only)
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub load_restrictor: LoadRestrictor,

    /// Let renderers fetch from other machines, which is refused otherwise
    ///
    /// kustomize fetches remote bases, and helm the charts of HelmReleases, Applications and
    /// helmCharts that lie in a repository of charts or a registry. Neither gets credentials. With
    /// --untrusted no chart is fetched.
    #[arg(long, conflicts_with = "no_render")]
    pub allow_remote: bool,

    /// Decrypt what SOPS encrypted with this program: sops
    ///
    /// The program gets each object on standard input and runs as you do, with your environment and
    /// keys. What it prints stays in memory, and its values are masked in every report. Without this
    /// flag encrypted objects are compared by all but their values.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["no_render", "untrusted"])]
    pub decrypt: Option<PathBuf>,

    /// End a renderer after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = crate::source::DEADLINE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub render_timeout: u64,
}

/// What words left out mean, for tests and for commands that take none.
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

/// What keeps kustomizations from loading files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LoadRestrictor {
    /// Files must lie in the kustomization's folder or below
    #[default]
    RootOnly,
    /// Files may lie anywhere
    None,
}
