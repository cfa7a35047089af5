//! What renderers share about charts: options, references, and the charts that a run fetched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use super::FileNames;
use crate::source::address::without_user;
use crate::source::folder::ManifestFolder;

/// The options for rendering a chart: arguments of `helm template`.
#[derive(Debug, Clone, Default)]
pub struct ChartOptions {
    /// `--values`: files, of which later ones override earlier ones.
    pub values: Vec<PathBuf>,
    /// `--set` and similar flags, each with its value: `("--set", "image.tag=1.4")`.
    pub set: Vec<(String, String)>,
    /// Values whose content comes from a file, each with its name.
    pub files: Vec<(String, PathBuf)>,
    /// The name of the release; by default, that of the chart.
    pub release: Option<String>,
    /// The namespace of the release.
    pub namespace: Option<String>,
}

/// A reference to a remote chart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) struct ChartReference {
    /// The address of a chart repository, or `oci://` and the path of the chart without its name.
    pub repository: String,
    /// The name of the chart.
    pub name: String,
    /// A version, or a range of versions; empty for the newest.
    pub version: String,
    /// The digest of the chart in a registry.
    pub digest: Option<String>,
}

impl ChartReference {
    /// Returns `oci://registry.example/charts/shop:1.2.3`, as helm writes it.
    pub fn called(&self) -> String {
        let repository = without_user(self.repository.trim_end_matches('/'));
        let version = match (&self.digest, self.version.as_str()) {
            (Some(digest), _) => format!("@{digest}"),
            (None, "") => String::new(),
            (None, version) => format!(":{version}"),
        };
        format!("{repository}/{}{version}", self.name)
    }

    /// Returns the version, if it is exact.
    pub fn exact_version(&self) -> Option<&str> {
        let version = self.version.trim();
        let digits = version.strip_prefix('v').unwrap_or(version);
        let is_exact = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.split('.').count() > 2
            && !digits.contains(['x', 'X', '*', ' ', '|', ',', '<', '>']);
        is_exact.then_some(version)
    }
}

/// A fetched chart.
#[derive(Debug)]
pub(in crate::source) struct FetchedChart {
    /// Its directory, without links.
    pub directory: PathBuf,
    /// The names of its files.
    pub names: FileNames,
    /// Its temporary folder, removed when nobody uses the chart any more.
    #[expect(dead_code, reason = "held so that it is removed when dropped")]
    pub folder: ManifestFolder,
}

type CacheCell = Arc<OnceLock<Result<Arc<FetchedChart>, String>>>;

/// The charts that were fetched in this run.
#[derive(Debug, Default)]
pub struct Charts(pub(in crate::source) Mutex<BTreeMap<ChartReference, CacheCell>>);
