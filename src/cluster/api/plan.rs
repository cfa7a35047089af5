//! Plans the requests of a run: groups the wanted objects by kind and namespace, and chooses a list
//! or single reads for each group, whichever is cheaper.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{FetchRequest, Namespaces, ServedKind};
use crate::model::{GroupKind, ResourceKey};

/// Up to this many objects of a group are read one by one, because a list of the same namespace
/// costs at least as much.
pub(super) const FEW: usize = 2;

/// How many single reads cost about as much as a page of 500 objects: one read takes 0.5 to 1 ms of
/// the server's time, and encoding 500 objects takes 10 to 25 ms.
const READS_PER_PAGE: u64 = 20;

/// The limit on the page size, as in kubectl.
pub(super) const PAGE: usize = 500;

/// From this many lists in a run, kinds in at least [`SPREAD`] namespaces are listed in the whole
/// cluster at once.
const MANY_LISTS: usize = 32;
const SPREAD: usize = 3;

/// Objects of one kind that are read together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadGroup {
    pub kind: ServedKind,
    pub scope: GroupScope,
    /// The declared objects, sorted.
    pub wanted: Vec<ResourceKey>,
    /// The namespaces whose undeclared objects are wanted, too.
    pub extra_in: Namespaces,
}

/// The scope of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GroupScope {
    /// Cluster-scoped.
    Cluster,
    /// In one namespace.
    Namespace(String),
    /// In several namespaces.
    AllNamespaces,
}

impl ReadGroup {
    /// Returns the namespace in the URL of its list.
    pub fn namespace(&self) -> Option<&str> {
        match &self.scope {
            GroupScope::Namespace(namespace) => Some(namespace),
            GroupScope::Cluster | GroupScope::AllNamespaces => None,
        }
    }

    /// Returns the size of the first page: four times the wanted number, because the response
    /// includes the number of further objects.
    pub fn first_page(&self) -> usize {
        if self.extra_in.is_empty() {
            (self.wanted.len() * 4).clamp(50, PAGE)
        } else {
            PAGE
        }
    }

    /// Returns whether reading the `left` wanted objects one by one is cheaper than reading
    /// `remaining` more objects of the list. If the server does not return the number, at least a
    /// page is assumed.
    pub fn reads_are_cheaper(left: usize, remaining: Option<u64>) -> bool {
        let pages = remaining.unwrap_or(1).div_ceil(PAGE as u64).max(1);
        (left as u64) < pages * READS_PER_PAGE
    }

    /// Splits a group by namespace. Undeclared objects are then found only in namespaces that also
    /// have declared ones.
    pub fn by_namespace(&self, wanted: Vec<ResourceKey>) -> Vec<ReadGroup> {
        let mut groups: BTreeMap<String, Vec<ResourceKey>> = BTreeMap::new();
        for key in wanted {
            let namespace = key.namespace.clone().unwrap_or_default();
            groups.entry(namespace).or_default().push(key);
        }
        if let Namespaces::Only(places) = &self.extra_in {
            for namespace in places {
                groups.entry(namespace.clone()).or_default();
            }
        }
        let group = |(namespace, wanted): (String, Vec<ResourceKey>)| ReadGroup {
            kind: self.kind.clone(),
            extra_in: if self.extra_in.contains(&namespace) {
                Namespaces::Only(BTreeSet::from([namespace.clone()]))
            } else {
                Namespaces::default()
            },
            scope: GroupScope::Namespace(namespace),
            wanted,
        };
        groups.into_iter().map(group).collect()
    }
}

/// Groups the wanted objects. `kinds` are the kinds to search for undeclared objects.
pub(super) fn groups(request: &FetchRequest, kinds: &[ServedKind]) -> Vec<ReadGroup> {
    let mut by_kind: BTreeMap<ServedKind, Vec<ResourceKey>> = BTreeMap::new();
    for wanted in &request.wanted {
        by_kind
            .entry((*wanted.kind).clone())
            .or_default()
            .push(wanted.key.clone());
    }
    // An object that is declared at another version than the preferred one is not extra.
    let extra_kinds = extra_kinds(&by_kind, kinds);
    for kind in &extra_kinds {
        by_kind.entry(kind.clone()).or_default();
    }
    let mut groups = Vec::new();
    for (kind, mut wanted) in by_kind {
        wanted.sort();
        wanted.dedup();
        let extra_in = if extra_kinds.contains(&kind) {
            request.extra_in.clone()
        } else {
            Namespaces::default()
        };
        let scope = if kind.namespaced {
            GroupScope::AllNamespaces
        } else {
            GroupScope::Cluster
        };
        groups.push(ReadGroup {
            kind,
            scope,
            wanted,
            extra_in,
        });
    }
    choose_lists(groups)
}

/// Chooses the version at which the undeclared objects of each kind are listed: one at which
/// declared objects are read, or else the preferred one.
fn extra_kinds(
    declared: &BTreeMap<ServedKind, Vec<ResourceKey>>,
    kinds: &[ServedKind],
) -> BTreeSet<ServedKind> {
    let mut by_group_kind: BTreeMap<GroupKind, &ServedKind> = BTreeMap::new();
    for kind in kinds
        .iter()
        .chain(declared.keys().filter(|kind| kind.namespaced))
    {
        let group_kind = GroupKind::new(&kind.api_version, &kind.kind);
        if kinds
            .iter()
            .any(|known| GroupKind::new(&known.api_version, &known.kind) == group_kind)
        {
            by_group_kind.insert(group_kind, kind);
        }
    }
    by_group_kind.into_values().cloned().collect()
}

/// Chooses between one list of the whole cluster and one list per namespace.
///
/// Lists of namespaces run in parallel, contain few undeclared objects, and need no cluster-wide
/// permissions; but with many namespaces, the requests themselves cost more.
fn choose_lists(groups: Vec<ReadGroup>) -> Vec<ReadGroup> {
    let split = |group: &ReadGroup| match group.scope {
        GroupScope::AllNamespaces => group.by_namespace(group.wanted.clone()),
        _ => vec![group.clone()],
    };
    let lists = |groups: &[ReadGroup]| groups.iter().filter(|group| !group.is_few()).count();
    let many = groups
        .iter()
        .map(|group| lists(&split(group)))
        .sum::<usize>()
        > MANY_LISTS;
    groups
        .into_iter()
        .flat_map(|group| {
            if group.extra_in == Namespaces::All {
                return vec![group];
            }
            let parts = split(&group);
            if many && lists(&parts) >= SPREAD {
                vec![group]
            } else {
                parts
            }
        })
        .collect()
}

impl ReadGroup {
    /// Returns whether the group is read object by object.
    pub fn is_few(&self) -> bool {
        self.wanted.len() <= FEW && self.extra_in.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ObjectRequest;
    use crate::model::group_of;

    fn kind(api_version: &str, kind: &str) -> ServedKind {
        ServedKind {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
            namespaced: kind != "Namespace",
            short_names: Vec::new(),
        }
    }

    fn request(objects: &[(&ServedKind, usize, usize)]) -> FetchRequest {
        let mut request = FetchRequest::default();
        for (kind, namespaces, each) in objects {
            for n in 0..namespaces * each {
                request.wanted.push(ObjectRequest {
                    key: ResourceKey::new(
                        group_of(&kind.api_version).to_owned(),
                        kind.kind.clone(),
                        kind.namespaced.then(|| format!("ns-{}", n / each)),
                        format!("x-{n}"),
                    ),
                    kind: (*kind).clone().into(),
                });
            }
        }
        request
    }

    #[test]
    fn lists_few_namespaces_one_by_one_and_many_at_once() {
        let (deployment, config) = (kind("apps/v1", "Deployment"), kind("v1", "ConfigMap"));
        let few = groups(&request(&[(&deployment, 10, 50), (&config, 10, 50)]), &[]);
        assert_eq!(few.len(), 20);
        assert!(
            few.iter()
                .all(|group| matches!(group.scope, GroupScope::Namespace(_)))
        );
        let many = groups(&request(&[(&deployment, 40, 5), (&config, 2, 50)]), &[]);
        let scopes: Vec<_> = many.iter().map(|group| &group.scope).collect();
        assert_eq!(many.len(), 3, "{scopes:?}");
        assert!(scopes.contains(&&GroupScope::AllNamespaces));
    }

    #[test]
    fn reads_single_objects_without_a_list() {
        let groups = groups(&request(&[(&kind("v1", "Namespace"), 1, 1)]), &[]);
        assert!(groups[0].is_few());
        assert_eq!(groups[0].scope, GroupScope::Cluster);
    }

    #[test]
    fn reads_objects_one_by_one_if_most_of_a_list_is_unwanted() {
        assert!(ReadGroup::reads_are_cheaper(50, Some(9_800)));
        assert!(!ReadGroup::reads_are_cheaper(50, Some(900)));
        assert!(ReadGroup::reads_are_cheaper(3, None));
    }

    #[test]
    fn searches_each_kind_for_extra_objects_at_one_version() {
        let declared = kind("x.example/v1beta1", "Promo");
        let mut request = request(&[(&declared, 1, 1)]);
        request.extra_in = Namespaces::Only(BTreeSet::from(["ns-0".to_owned()]));
        let kinds = [kind("x.example/v1", "Promo"), kind("v1", "Pod")];
        let groups = groups(&request, &kinds);
        let shown: Vec<_> = groups
            .iter()
            .map(|group| {
                (
                    &*group.kind.api_version,
                    group.wanted.len(),
                    group.extra_in.is_empty(),
                )
            })
            .collect();
        assert_eq!(shown, [("v1", 0, false), ("x.example/v1beta1", 1, false)]);
    }
}
