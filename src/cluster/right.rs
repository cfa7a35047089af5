//! Rights, in the words of RBAC.

use std::fmt;

use super::ServedKind;
use crate::model::group_of;

/// The right to do something to a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Right {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, such as `deployments`.
    pub resource: String,
    /// The namespace; `None` for cluster-scoped resources, or for all namespaces.
    pub namespace: Option<String>,
    /// `get`, `list`, `patch`.
    pub verb: String,
}

impl Right {
    /// The right to do something to the objects of a kind.
    pub fn new(verb: &str, kind: &ServedKind, namespace: Option<&str>) -> Self {
        Self {
            group: group_of(&kind.api_version).to_owned(),
            resource: kind.plural.clone(),
            namespace: namespace.map(str::to_owned),
            verb: verb.to_owned(),
        }
    }

    /// The same right in all namespaces.
    #[must_use]
    pub fn everywhere(&self) -> Self {
        Self {
            namespace: None,
            ..self.clone()
        }
    }

    /// What may be done, wherever: `get deployments.apps`.
    pub fn what(&self) -> String {
        let (verb, resource) = (&self.verb, &self.resource);
        match self.group.as_str() {
            "" => format!("{verb} {resource}"),
            group => format!("{verb} {resource}.{group}"),
        }
    }
}

/// `get deployments.apps in namespace shop`
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => write!(f, " in the whole cluster"),
        }
    }
}
