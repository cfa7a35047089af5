//! What charts are told about the cluster (`.Capabilities`).

use crate::cluster::Live;
use crate::model::group_of;

/// What templates can ask about the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source) struct Capabilities {
    /// The version of Kubernetes; helm's own idea of it where it is not known.
    pub kube_version: Option<String>,
    /// What is served beyond what helm knows: `group/version` and `group/version/Kind`.
    pub api_versions: Vec<String>,
}

impl Capabilities {
    /// What the live side says of itself.
    pub fn of(live: &dyn Live) -> Self {
        let (kinds, _) = live.kinds();
        let mut api_versions: Vec<String> = kinds
            .iter()
            .filter(|kind| is_custom(group_of(&kind.api_version)))
            .flat_map(|kind| {
                let with_kind = format!("{}/{}", kind.api_version, kind.kind);
                [kind.api_version.clone(), with_kind]
            })
            .collect();
        api_versions.sort();
        api_versions.dedup();
        Self {
            // Asked after the kinds: it is learnt along the way.
            kube_version: live.target().version,
            api_versions,
        }
    }

    /// As words of `helm template`.
    pub fn words(&self) -> Vec<String> {
        let version = self.kube_version.iter();
        let mut words: Vec<String> = version.map(|v| format!("--kube-version={v}")).collect();
        if !self.api_versions.is_empty() {
            words.push(format!("--api-versions={}", self.api_versions.join(",")));
        }
        words
    }
}

/// Whether a group is none of Kubernetes' own, which helm knows.
fn is_custom(group: &str) -> bool {
    let has_suffix = group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io");
    group.contains('.') && !has_suffix || group == "gateway.networking.k8s.io"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_kubernetes_are_known_to_helm() {
        for (group, custom) in [
            ("", false),
            ("apps", false),
            ("networking.k8s.io", false),
            ("gateway.networking.k8s.io", true),
            ("cluster.x-k8s.io", true),
            ("monitoring.coreos.com", true),
        ] {
            assert_eq!(is_custom(group), custom, "{group}");
        }
    }

    #[test]
    fn words_of_helm() {
        let capabilities = Capabilities {
            kube_version: Some("v1.36.2".to_owned()),
            api_versions: vec!["a.example/v1".to_owned(), "a.example/v1/A".to_owned()],
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
}
