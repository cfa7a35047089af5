//! The facts about the cluster that charts can query (`.Capabilities`), and the namespace of their
//! release.

use std::collections::BTreeSet;

use crate::cluster::Live;

/// The length limit of one argument of a command; Linux allows 128 KiB (`MAX_ARG_STRLEN`).
const LONGEST_WORD: usize = 64 << 10;

/// The facts about the cluster that templates can query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source) struct Capabilities {
    /// The version of Kubernetes; helm's default if unknown.
    pub kube_version: Option<String>,
    /// What is served: `group/version` and `group/version/Kind`. Helm knows the versions of
    /// Kubernetes' own groups, but none of their kinds.
    pub api_versions: BTreeSet<String>,
    /// The namespace of a release that names none.
    pub namespace: Option<String>,
}

impl Capabilities {
    /// Returns the capabilities of the live side.
    pub fn of(live: &dyn Live) -> Self {
        let api_versions = live.api_versions();
        Self {
            // Read after the versions, because reading those also finds out the server's version.
            kube_version: live.target().version.filter(|version| is_version(version)),
            api_versions,
            namespace: live.default_namespace(),
        }
    }

    /// Returns these facts as arguments of `helm template`.
    pub fn words(&self) -> Vec<String> {
        let version = self.kube_version.iter();
        let mut words: Vec<String> = version.map(|v| format!("--kube-version={v}")).collect();
        let mut list = String::new();
        for version in &self.api_versions {
            if list.len() + version.len() > LONGEST_WORD {
                words.push(format!("--api-versions={}", std::mem::take(&mut list)));
            }
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(version);
        }
        if !list.is_empty() {
            words.push(format!("--api-versions={list}"));
        }
        words
    }
}

/// Returns whether helm can parse a version; custom builds may report any version string.
fn is_version(version: &str) -> bool {
    let (core, rest) = match version.find(['-', '+']) {
        Some(at) => version.split_at(at),
        None => (version, ""),
    };
    let core = core.strip_prefix('v').unwrap_or(core);
    let parts = core.split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    parts.clone().count() <= 3 && parts.clone().all(is_number) && rest.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_capabilities_to_helm() {
        let capabilities = Capabilities {
            kube_version: Some("v1.36.2".to_owned()),
            api_versions: ["a.example/v1/A", "a.example/v1"].map(str::to_owned).into(),
            namespace: None,
        };
        assert_eq!(
            capabilities.words(),
            [
                "--kube-version=v1.36.2",
                "--api-versions=a.example/v1,a.example/v1/A"
            ]
        );
        assert!(Capabilities::default().words().is_empty());
    }

    #[test]
    fn splits_arguments_that_are_too_long() {
        let api_versions: BTreeSet<String> = (0..20_000)
            .map(|number| format!("group-{number}.example.com/v1/Kind"))
            .collect();
        let capabilities = Capabilities {
            api_versions: api_versions.clone(),
            ..Capabilities::default()
        };
        let words = capabilities.words();
        assert!(words.iter().all(|word| word.len() < 100 << 10));
        let lists = words.iter().map(|word| &word["--api-versions=".len()..]);
        let told: BTreeSet<String> = lists
            .flat_map(|list| list.split(','))
            .map(str::to_owned)
            .collect();
        assert_eq!(told, api_versions);
    }

    #[test]
    fn omits_versions_that_helm_cannot_parse() {
        for version in ["v1.36.2", "1.29", "v1.29.3-gke.1234", "v1.30.0+k3s1-a"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["", "v0.0.0-master+$Format:%H$", "v1.x", "latest", "1.2.3.4"] {
            assert!(!is_version(version), "{version}");
        }
    }
}
