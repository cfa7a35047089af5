//! The identity of an object in a cluster.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Returns the group of an `apiVersion`: `apps` for `apps/v1`, and the empty string for `v1`.
///
/// ```
/// assert_eq!(driftctl::model::group_of("apps/v1"), "apps");
/// assert_eq!(driftctl::model::group_of("v1"), "");
/// ```
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// A kind in its API group, at any version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, as manifests write it.
    pub kind: String,
}

impl GroupKind {
    /// Returns the group and kind of a manifest.
    pub fn new(api_version: &str, kind: &str) -> Self {
        Self {
            group: group_of(api_version).to_owned(),
            kind: kind.to_owned(),
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.kind)
        } else {
            write!(f, "{}.{}", self.kind, self.group)
        }
    }
}

/// The identity of one object, **without its version**.
///
/// An object is served at several versions at once. A manifest that moves from `v1beta1` to `v1`
/// declares the same object, so a version bump is not a removal and an addition.
///
/// Its parts are shared, because a run holds the key of each object in many places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey(Arc<KeyParts>);

/// The parts of a [`ResourceKey`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyParts {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ResourceKey {
    /// Returns the key of an object; `group` is empty for the core group, and `namespace` is `None`
    /// for cluster-scoped objects.
    pub fn new(
        group: impl Into<String>,
        kind: impl Into<String>,
        namespace: Option<String>,
        name: impl Into<String>,
    ) -> Self {
        Self(Arc::new(KeyParts {
            group: group.into(),
            kind: kind.into(),
            namespace,
            name: name.into(),
        }))
    }

    /// Returns the key of another object of the same kind, in the same namespace.
    #[must_use]
    pub fn named(&self, name: impl Into<String>) -> Self {
        Self::new(&*self.group, &*self.kind, self.namespace.clone(), name)
    }

    /// Returns the kind in its group.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind {
            group: self.group.clone(),
            kind: self.kind.clone(),
        }
    }
}

impl Deref for ResourceKey {
    type Target = KeyParts;

    fn deref(&self) -> &KeyParts {
        &self.0
    }
}

/// Writes `Deployment shop/cart` or `Namespace shop`.
impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {}/{}", self.kind, namespace, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
