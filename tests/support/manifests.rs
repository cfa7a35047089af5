//! Manifests that several tests use, and recordings of live objects.

/// A minimal Deployment. The container's fields come last.
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

/// Returns these objects as `kubectl get -o json` prints them.
pub fn recording(objects: &[&str]) -> String {
    let parsed = objects
        .iter()
        .map(|yaml| serde_yaml::from_str(yaml).unwrap());
    let items: Vec<serde_json::Value> = parsed.collect();
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
