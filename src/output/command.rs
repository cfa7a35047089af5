//! The formats of the commands other than `driftctl diff`, whose formats are
//! [`FORMATS`](super::FORMATS).

use strum::{IntoStaticStr, VariantArray};

/// How a command prints its result. Each command offers some of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum CommandFormat {
    /// Text for reading.
    #[default]
    Text,
    /// A patch.
    Diff,
    /// One JSON document with a schema.
    Json,
    /// YAML.
    Yaml,
    /// A table in Markdown.
    Markdown,
    /// One self-contained page.
    Html,
    /// The names of objects, one per line.
    Name,
    /// A review of a pull request, in the form of GitHub's API.
    #[strum(serialize = "github-review")]
    Review,
    /// Metrics in Prometheus' text format.
    Prometheus,
    /// Annotations for GitHub Actions.
    Github,
    /// A Code Quality report for GitLab.
    Gitlab,
    /// JUnit XML.
    Junit,
    /// SARIF for code scanning.
    Sarif,
}

impl CommandFormat {
    /// Returns the value of `--output`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
