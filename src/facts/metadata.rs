//! Fields that every object has.

/// The fields of `metadata` that the API server writes on every object
/// (`k8s.io/apimachinery/pkg/apis/meta/v1`).
pub const SERVER_METADATA: [&str; 5] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
];
