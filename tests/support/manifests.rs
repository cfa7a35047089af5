//! Manifests that several tests begin with, and recordings of what is live.

/// A Deployment, as small as it may be. Its container's fields stand last.
pub const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 3
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      containers:
        - name: cart
          image: registry.example/cart:1.4
";

/// Returns what `kubectl get -o json` would have written of these objects.
pub fn recording(objects: &[&str]) -> String {
    let parsed = objects
        .iter()
        .map(|yaml| serde_yaml::from_str(yaml).unwrap());
    let items: Vec<serde_json::Value> = parsed.collect();
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
