//! The clusters that Argo CD knows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The address of the cluster that Argo CD itself runs in, and its name there
/// (`argo-cd/pkg/apis/application/v1alpha1`, `KubernetesInternalAPIServerAddr`).
pub(super) const IN_CLUSTER: [&str; 2] = ["https://kubernetes.default.svc", "in-cluster"];

/// The clusters that Argo CD knows, for the clusters generator.
#[derive(Debug, Default, Clone)]
pub struct Clusters(pub Vec<ArgoCluster>);

/// A cluster that Argo CD knows.
#[derive(Debug, Clone)]
pub struct ArgoCluster {
    /// Its name.
    pub name: String,
    /// The address of its API server.
    pub server: String,
    /// Its project.
    pub project: String,
    /// The labels of its Secret.
    pub labels: Map<String, Value>,
    /// The annotations of its Secret.
    pub annotations: Map<String, Value>,
}

impl Clusters {
    /// Returns the clusters that Secrets describe
    /// (<https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters>),
    /// and the one that Argo CD itself runs in.
    pub fn of_secrets(secrets: &[Value]) -> Self {
        let mut clusters: Vec<ArgoCluster> =
            secrets.iter().filter_map(ArgoCluster::of_secret).collect();
        let mut own = clusters
            .iter()
            .filter(|c| is_same(IN_CLUSTER[0], &c.server));
        if !clusters.is_empty() && own.next().is_none() {
            clusters.push(ArgoCluster {
                name: IN_CLUSTER[1].to_owned(),
                server: IN_CLUSTER[0].to_owned(),
                project: String::new(),
                labels: Map::new(),
                annotations: Map::new(),
            });
        }
        clusters.sort_by(|a, b| a.name.cmp(&b.name));
        Self(clusters)
    }

    /// Returns the cluster of a name or an address.
    pub fn named(&self, word: &str) -> Option<&ArgoCluster> {
        let mut clusters = self.0.iter();
        clusters.find(|one| one.name == word || is_same(word, &one.server))
    }
}

impl ArgoCluster {
    fn of_secret(secret: &Value) -> Option<Self> {
        let map = |field: &str| {
            let map = secret.get("metadata").and_then(|m| m.get(field));
            map.and_then(Value::as_object).cloned().unwrap_or_default()
        };
        let labels = map("labels");
        let is_cluster = labels.get("argocd.argoproj.io/secret-type");
        is_cluster.filter(|kind| *kind == "cluster")?;
        let text = |field: &str| {
            let plain = secret.get("stringData").and_then(|data| data.get(field));
            let encoded = secret.get("data").and_then(|data| data.get(field));
            let plain = plain.and_then(Value::as_str).map(str::to_owned);
            plain.or_else(|| {
                let bytes = STANDARD.decode(encoded?.as_str()?).ok()?;
                String::from_utf8(bytes).ok()
            })
        };
        let server = text("server")?;
        Some(Self {
            name: text("name").unwrap_or_else(|| server.clone()),
            server,
            project: text("project").unwrap_or_default(),
            labels,
            annotations: map("annotations"),
        })
    }
}

/// Returns whether two names or addresses stand for the same cluster.
pub(super) fn is_same(wanted: &str, cluster: &str) -> bool {
    let wanted = wanted.trim_end_matches('/');
    let cluster = cluster.trim_end_matches('/');
    wanted == cluster || IN_CLUSTER.contains(&wanted) && IN_CLUSTER.contains(&cluster)
}
