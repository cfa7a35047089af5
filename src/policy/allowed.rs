//! Limits the objects that untrusted manifests may name.

use super::glob;
use crate::model::{KindNames, KindPattern, ResourceKey};

/// The objects that may be read. Manifests choose which live objects are read, so untrusted
/// manifests must be limited; objects outside these limits are never requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The namespaces, as globs; `None` for all. Cluster-scoped objects then need their kind in
    /// `kinds`, except for these Namespaces themselves.
    pub namespaces: Option<Vec<String>>,
    /// The kinds; empty for all.
    pub kinds: Vec<KindPattern>,
}

impl Allowed {
    /// Returns why an object may not be read, and which flag would allow it; `None` if it may be
    /// read.
    pub fn refusal(&self, key: &ResourceKey, kind: &KindNames<'_>) -> Option<String> {
        let named = self.kinds.iter().any(|pattern| pattern.matches(kind));
        if !self.kinds.is_empty() && !named {
            return Some(format!(
                "refused: its kind is not allowed; --allow-kind {} allows it",
                key.group_kind()
            ));
        }
        let namespaces = self.namespaces.as_ref()?;
        let is_namespace = key.group.is_empty() && key.kind == "Namespace";
        let place = match &key.namespace {
            None if is_namespace => Some(&key.name),
            place => place.as_ref(),
        };
        match place {
            Some(place) if namespaces.iter().any(|allowed| glob(allowed, place)) => None,
            Some(place) => Some(format!(
                "refused: its namespace is not allowed; --allow-namespace {place} allows it"
            )),
            None if named => None,
            None => Some(format!(
                "refused: it is not in an allowed namespace; --allow-kind {} allows it",
                key.group_kind()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(allowed: &Allowed, kind: &str, namespace: Option<&str>, name: &str) -> String {
        let key = ResourceKey::new(
            "",
            kind.to_owned(),
            namespace.map(str::to_owned),
            name.to_owned(),
        );
        let names = KindNames {
            api_version: "v1",
            kind,
            plural: "",
            short_names: &[],
        };
        allowed.refusal(&key, &names).unwrap_or_default()
    }

    #[test]
    fn namespaces_limit_objects_and_namespaces() {
        let allowed = Allowed {
            namespaces: Some(vec!["shop".to_owned()]),
            kinds: Vec::new(),
        };
        assert_eq!(refusal(&allowed, "ConfigMap", Some("shop"), "cart"), "");
        assert_eq!(refusal(&allowed, "Namespace", None, "shop"), "");
        let foreign = refusal(&allowed, "ConfigMap", Some("kube-system"), "cart");
        assert!(
            foreign.contains("--allow-namespace kube-system"),
            "{foreign}"
        );
        let foreign = refusal(&allowed, "Namespace", None, "kube-system");
        assert!(
            foreign.contains("--allow-namespace kube-system"),
            "{foreign}"
        );
        let cluster = refusal(&allowed, "Node", None, "a");
        assert!(cluster.contains("--allow-kind Node"), "{cluster}");
    }

    #[test]
    fn namespaces_may_be_globs() {
        let allowed = Allowed {
            namespaces: Some(vec!["shop-*".to_owned()]),
            kinds: Vec::new(),
        };
        assert_eq!(refusal(&allowed, "ConfigMap", Some("shop-eu"), "cart"), "");
        assert_eq!(refusal(&allowed, "Namespace", None, "shop-eu"), "");
        assert_ne!(refusal(&allowed, "ConfigMap", Some("shop"), "cart"), "");
        assert_ne!(
            refusal(&allowed, "ConfigMap", Some("my-shop-eu"), "cart"),
            ""
        );
    }

    #[test]
    fn kinds_limit_objects_and_allow_cluster_scoped_ones() {
        let allowed = Allowed {
            namespaces: Some(vec!["shop".to_owned()]),
            kinds: vec!["node".parse().unwrap(), "configmap".parse().unwrap()],
        };
        assert_eq!(refusal(&allowed, "Node", None, "a"), "");
        assert_eq!(refusal(&allowed, "ConfigMap", Some("shop"), "cart"), "");
        assert!(refusal(&allowed, "Secret", Some("shop"), "cart").contains("--allow-kind"));
        assert!(!refusal(&allowed, "ConfigMap", Some("other"), "cart").is_empty());
        assert_eq!(refusal(&Allowed::default(), "Node", None, "a"), "");
    }
}
