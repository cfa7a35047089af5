//! The permissions of the user, and the access reviews that report them.

use serde_json::{Value, json};

use super::Cluster;

/// A permission that the user lacks.
#[derive(Debug, Clone, Copy)]
pub struct Denied {
    /// `get`, `list`, `patch`.
    pub verb: &'static str,
    /// The plural.
    pub resource: &'static str,
    /// A namespace, `*` for any, or empty for cluster-wide requests.
    pub namespace: &'static str,
}

/// Returns whether a verb is allowed on a resource, in a namespace or (empty) cluster-wide.
pub fn allowed(denied: &[Denied], verb: &str, resource: &str, namespace: &str) -> bool {
    !denied.iter().any(|denied| {
        denied.verb == verb
            && denied.resource == resource
            && (denied.namespace == "*" || denied.namespace == namespace)
    })
}

/// Returns the response to a self-review; `None` for any other POST.
pub fn answer(cluster: &Cluster, plural: &str, sent: &[u8]) -> Option<Value> {
    let mut review: Value = serde_json::from_slice(sent).ok()?;
    review["status"] = match plural {
        "selfsubjectreviews" => json!({"userInfo": {
            "username": "system:serviceaccount:ci:driftctl",
            "groups": ["system:authenticated"]}}),
        "selfsubjectaccessreviews" => {
            let attributes = &review["spec"]["resourceAttributes"];
            let text = |field: &str| attributes[field].as_str().unwrap_or_default();
            let (verb, resource) = (text("verb"), text("resource"));
            let allowed = allowed(&cluster.denied, verb, resource, text("namespace"));
            json!({"allowed": allowed && !cluster.faults.forbid(resource)})
        }
        _ => return None,
    };
    Some(review)
}
