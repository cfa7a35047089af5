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

/// Returns a live Deployment `shop/cart` with one container, `api`, which has these further fields.
pub fn live_cart(container: &serde_json::Value) -> serde_json::Value {
    let mut api = serde_json::json!({"name": "api", "image": "reg.example.com/cart:1.4"});
    let fields = container.as_object().unwrap().clone();
    api.as_object_mut().unwrap().extend(fields);
    serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {
                "metadata": {"labels": {"app": "cart"}},
                "spec": {"containers": [api]}
            }
        }
    })
}
