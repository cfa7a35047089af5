//! The embedded table of the built-in types.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::{self, Table};
use super::{Schema, short_names};
use crate::model::KindNames;

/// Made by `tests/truth/schema_table/mod.rs`, which says how to make it again.
const TABLE: &str = include_str!("builtin.txt");

/// The version of Kubernetes that the built-in types are known from, such as `v1.36.2`.
pub const KUBERNETES_VERSION: &str = version_of(TABLE);

/// Returns the first line of the table is `kubernetes VERSION`.
const fn version_of(table: &'static str) -> &'static str {
    let start = "kubernetes ".len();
    let mut end = start;
    while table.as_bytes()[end] != b'\n' {
        end += 1;
    }
    table.split_at(end).0.split_at(start).1
}

impl Schema {
    /// Returns the types of a Kubernetes cluster without extensions, at version
    /// [`KUBERNETES_VERSION`].
    ///
    /// Each type is read when it is first asked for: a run needs few of them.
    pub fn builtin() -> &'static Self {
        static TYPES: LazyLock<Table> = LazyLock::new(|| Table::of(TABLE));
        static BUILTIN: LazyLock<Schema> = LazyLock::new(|| TYPES.schema());
        &BUILTIN
    }
}

/// How a built-in kind is reached, as a cluster's discovery would tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuiltinKind {
    /// The group and version, as in manifests.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The resource, as in URLs and RBAC rules.
    pub plural: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl BuiltinKind {
    /// Returns the names that people call it by.
    ///
    /// ```
    /// let deployment = driftctl::schema::builtin_kind("apps/v1", "Deployment").unwrap();
    /// assert!("deploy.apps".parse::<driftctl::model::KindPattern>().unwrap().matches(&deployment.names()));
    /// ```
    pub fn names(&self) -> KindNames<'static, &'static str> {
        KindNames {
            api_version: self.api_version,
            kind: self.kind,
            plural: self.plural,
            short_names: short_names(crate::model::group_of(self.api_version), self.kind),
        }
    }
}

/// `; did you mean Deployment?`, for a kind that nobody knows and that is spelt like a built-in one
/// of its group; empty for any other.
pub fn did_you_mean(group: &str, kind: &str) -> String {
    let of_group = builtin_kinds().iter();
    let of_group = of_group.filter(|known| crate::model::group_of(known.api_version) == group);
    let near = of_group.map(|known| (strsim::damerau_levenshtein(known.kind, kind), known.kind));
    match near.filter(|(distance, _)| *distance <= 2).min() {
        Some((_, meant)) if meant != kind => format!("; did you mean {meant}?"),
        _ => String::new(),
    }
}

/// Returns every built-in kind at every version, sorted by `apiVersion` and kind.
pub fn builtin_kinds() -> &'static [BuiltinKind] {
    static KINDS: LazyLock<Vec<BuiltinKind>> = LazyLock::new(|| {
        table::kind_lines(TABLE)
            .map(|line| BuiltinKind {
                api_version: line.api_version,
                kind: line.kind,
                plural: line.plural,
                namespaced: line.namespaced,
            })
            .collect()
    });
    &KINDS
}

/// Returns a built-in kind at one version.
///
/// ```
/// let deployment = driftctl::schema::builtin_kind("apps/v1", "Deployment").unwrap();
/// assert_eq!((deployment.plural, deployment.namespaced), ("deployments", true));
/// assert_eq!(driftctl::schema::builtin_kind("apps/v1beta1", "Deployment"), None);
/// ```
pub fn builtin_kind(api_version: &str, kind: &str) -> Option<BuiltinKind> {
    builtin_kind_of_group(crate::model::group_of(api_version), kind)
        .into_iter()
        .find(|known| known.api_version == api_version)
}

/// Returns a built-in kind at every version that is known, since plural and scope do not change
/// with the version: enough to place an object of a version that the table does not hold.
pub fn builtin_kind_of_group(group: &str, kind: &str) -> Vec<BuiltinKind> {
    type ByKind = HashMap<(&'static str, &'static str), Vec<BuiltinKind>>;
    static BY_KIND: LazyLock<ByKind> = LazyLock::new(|| {
        let mut by_kind = ByKind::new();
        for known in builtin_kinds() {
            let group = crate::model::group_of(known.api_version);
            by_kind.entry((group, known.kind)).or_default().push(*known);
        }
        by_kind
    });
    BY_KIND.get(&(group, kind)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ListKind, Type, TypeId};

    #[test]
    fn no_type_refers_to_nothing() {
        let schema = Schema::builtin();
        let types = schema.names.len();
        assert!(types > 500, "{types}");
        for index in 0..types {
            let mut ty = schema.get(TypeId(u32::try_from(index).unwrap())).clone();
            ty.for_each_reference(|id| assert!((id.0 as usize) < types, "{index}"));
        }
    }

    #[test]
    fn every_kind_is_a_struct_with_metadata() {
        let schema = Schema::builtin();
        assert!(builtin_kinds().len() > 80, "{}", builtin_kinds().len());
        for known in builtin_kinds() {
            let id = schema.kind(known.api_version, known.kind).unwrap();
            let Type::Struct { fields, .. } = schema.get(id) else {
                panic!("{known:?}");
            };
            assert!(fields.contains_key("metadata"), "{known:?}");
        }
        assert!(builtin_kinds().is_sorted());
    }

    #[test]
    fn kinds_are_found_by_group_whatever_the_version() {
        let kinds = builtin_kind_of_group("autoscaling", "HorizontalPodAutoscaler");
        let versions: Vec<_> = kinds.iter().map(|kind| kind.api_version).collect();
        assert_eq!(versions, ["autoscaling/v1", "autoscaling/v2"]);
        assert_eq!(
            builtin_kind("v1", "Namespace").unwrap().plural,
            "namespaces"
        );
        assert!(!builtin_kind("v1", "Namespace").unwrap().namespaced);
        assert!(builtin_kind("v1", "Endpoints").unwrap().namespaced);
        assert_eq!(builtin_kind("v1", "Deployment"), None);
    }

    /// Returns the type at a path of field names; `[]` steps into the items of a list or map.
    fn at<'s>(schema: &'s Schema, api_version: &str, kind: &str, path: &str) -> &'s Type {
        let mut id = schema.kind(api_version, kind).unwrap();
        for step in path.split('.') {
            id = match schema.get(id) {
                Type::Struct { fields, .. } => fields[step].ty,
                Type::List { item, .. } => *item,
                Type::Map { value, .. } => *value,
                other => panic!("{step} of {other:?}"),
            };
        }
        schema.get(id)
    }

    #[test]
    fn lists_are_told_apart_as_the_server_does() {
        let schema = Schema::builtin();
        let kind = |api_version, kind, path| match at(schema, api_version, kind, path) {
            Type::List { kind, .. } => kind.clone(),
            other => panic!("{path}: {other:?}"),
        };
        let keys = |keys: &[&str]| ListKind::Map(keys.iter().map(|key| Box::from(*key)).collect());
        assert_eq!(
            kind("v1", "Service", "spec.ports"),
            keys(&["port", "protocol"])
        );
        assert_eq!(
            kind("v1", "Pod", "spec.containers.[].ports"),
            keys(&["containerPort", "protocol"])
        );
        assert_eq!(kind("v1", "Pod", "spec.imagePullSecrets"), keys(&["name"]));
        assert_eq!(kind("v1", "Pod", "spec.tolerations"), ListKind::Atomic);
        assert_eq!(kind("v1", "Pod", "metadata.finalizers"), ListKind::Set);
        assert_eq!(
            kind("networking.k8s.io/v1", "Ingress", "spec.rules"),
            ListKind::Atomic
        );
        assert_eq!(
            kind("rbac.authorization.k8s.io/v1", "Role", "rules"),
            ListKind::Atomic
        );
    }

    #[test]
    fn maps_and_structs_know_whether_they_are_written_as_a_whole() {
        let schema = Schema::builtin();
        let atomic = |api_version, kind, path| match at(schema, api_version, kind, path) {
            Type::Struct { atomic, .. } | Type::Map { atomic, .. } => *atomic,
            other => panic!("{path}: {other:?}"),
        };
        assert!(atomic("v1", "Service", "spec.selector"));
        assert!(atomic("v1", "Pod", "spec.nodeSelector"));
        assert!(atomic("apps/v1", "Deployment", "spec.selector"));
        assert!(!atomic("v1", "ConfigMap", "data"));
        // The reference is atomic elsewhere, and granular here.
        assert!(!atomic("v1", "PersistentVolume", "spec.claimRef"));
        assert!(atomic("v1", "PersistentVolumeClaim", "spec.dataSource"));
    }
}
