//! Permissions, in the terms of RBAC.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::ServedKind;
use crate::model::group_of;

/// A permission on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessRight {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, such as `deployments`.
    pub resource: String,
    /// The namespace; `None` for cluster-scoped resources, or for all namespaces.
    pub namespace: Option<String>,
    /// The verb: `get`, `list`, `patch`.
    pub verb: String,
}

impl AccessRight {
    /// Returns the permission on the objects of a kind.
    pub fn new(verb: &str, kind: &ServedKind, namespace: Option<&str>) -> Self {
        Self {
            group: group_of(&kind.api_version).to_owned(),
            resource: kind.plural.clone(),
            namespace: namespace.map(str::to_owned),
            verb: verb.to_owned(),
        }
    }

    /// Returns the same permission for all namespaces.
    #[must_use]
    pub fn everywhere(&self) -> Self {
        Self {
            namespace: None,
            ..self.clone()
        }
    }

    /// Returns the resource with its group: `deployments.apps`.
    fn resource(&self) -> String {
        match self.group.as_str() {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }
}

/// Describes permissions in as few lines as possible: resources or namespaces with the same
/// permissions share a line.
///
/// Example: `list pods, secrets and services in 5 namespaces (a, b, c and 2 more)`.
pub fn rights_in_words<'r>(rights: impl IntoIterator<Item = &'r AccessRight>) -> Vec<String> {
    let mut places: BTreeMap<(&str, String), BTreeSet<Option<&str>>> = BTreeMap::new();
    for right in rights {
        let what = (right.verb.as_str(), right.resource());
        let places = places.entry(what).or_default();
        places.insert(right.namespace.as_deref());
    }
    let mut together: BTreeMap<(&str, BTreeSet<Option<&str>>), Vec<String>> = BTreeMap::new();
    for ((verb, resource), places) in places {
        together.entry((verb, places)).or_default().push(resource);
    }
    let tell = |((verb, places), resources): ((&str, BTreeSet<Option<&str>>), Vec<String>)| {
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        let resources = names(&resources, RESOURCES);
        format!("{verb} {resources} in {}", namespaces_text(&places))
    };
    together.into_iter().map(tell).collect()
}

fn namespaces_text(places: &BTreeSet<Option<&str>>) -> String {
    let namespaces: Option<Vec<&str>> = places.iter().copied().collect();
    match namespaces.as_deref() {
        None => "the whole cluster".to_owned(), // which is every namespace, too
        Some([one]) => format!("namespace {one}"),
        Some(several) => format!(
            "{} namespaces ({})",
            several.len(),
            names(several, NAMESPACES)
        ),
    }
}

/// The limits on named resources and namespaces.
const RESOURCES: usize = 8;
const NAMESPACES: usize = 3;

/// Joins names: `a, b and c`, or `a, b, c and 2 more`.
fn names(all: &[&str], limit: usize) -> String {
    match all.split_at_checked(limit) {
        Some((named, more)) if !more.is_empty() => {
            format!("{} and {} more", named.join(", "), more.len())
        }
        _ => match all.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        },
    }
}

/// Writes `get deployments.apps in namespace shop`.
impl fmt::Display for AccessRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = namespaces_text(&BTreeSet::from([self.namespace.as_deref()]));
        write!(f, "{} {} in {place}", self.verb, self.resource())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(verb: &str, resource: &str, namespace: Option<&str>) -> AccessRight {
        AccessRight {
            group: String::new(),
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            verb: verb.to_owned(),
        }
    }

    #[test]
    fn describes_permissions_together() {
        let of = ["a", "b", "c", "d", "e"].map(|name| right("get", "secrets", Some(name)));
        let others = [
            right("get", "nodes", None),
            right("get", "pods", Some("a")),
            right("get", "services", Some("a")),
            right("list", "pods", Some("a")),
            right("list", "services", Some("a")),
        ];
        assert_eq!(
            rights_in_words(of.iter().chain(&others)),
            [
                "get nodes in the whole cluster",
                "get pods and services in namespace a",
                "get secrets in 5 namespaces (a, b, c and 2 more)",
                "list pods and services in namespace a",
            ]
        );
        let many = "abcdefghijk".split("").filter(|name| !name.is_empty());
        let many: Vec<AccessRight> = many.map(|name| right("list", name, Some("x"))).collect();
        let [line] = &*rights_in_words(&many) else {
            panic!("{:?}", rights_in_words(&many));
        };
        assert_eq!(
            line,
            "list a, b, c, d, e, f, g, h and 3 more in namespace x"
        );
    }
}
