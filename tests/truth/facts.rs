//! Checks the tables of `driftctl::facts` against the schema of the built-in types.

use std::collections::BTreeSet;

use driftctl::facts::{BUILT_IN_GROUPS, IMMUTABLE_FIELDS, MAKES, POD_SPECS, WORKLOADS};
use driftctl::model::group_of;
use driftctl::schema::{Schema, Type, builtin_kind_of_group, builtin_kinds};

/// Returns whether a kind has containers at a JSON pointer.
fn has_containers(api_version: &str, kind: &str, pod_spec: &str) -> bool {
    let schema = Schema::builtin();
    let fields = pod_spec.split('/').skip(1).chain(["containers"]);
    let field = |ty, name: &str| match schema.get(ty) {
        Type::Struct { fields, .. } => fields.get(name).map(|field| field.ty),
        _ => None,
    };
    let root = schema.kind(api_version, kind);
    root.and_then(|root| fields.into_iter().try_fold(root, field))
        .is_some()
}

#[test]
fn workloads_are_the_kinds_with_a_pod_spec() {
    let listed: BTreeSet<_> = WORKLOADS.iter().map(|w| (w.group, w.kind)).collect();
    let known: BTreeSet<_> = builtin_kinds()
        .iter()
        .filter(|known| {
            let has = |place: &&str| has_containers(known.api_version, known.kind, place);
            POD_SPECS.iter().any(has)
        })
        .map(|known| (group_of(known.api_version), known.kind))
        .collect();
    assert_eq!(listed, known);
    for workload in WORKLOADS {
        let template: String = workload.template.iter().map(|f| format!("/{f}")).collect();
        let kinds = builtin_kind_of_group(workload.group, workload.kind);
        let has = |place| has_containers(kinds[0].api_version, workload.kind, place);
        assert!(has(&format!("{template}/spec")), "{}", workload.kind);
    }
}

#[test]
fn the_built_in_groups_match_the_schema() {
    let groups = builtin_kinds().iter();
    let mut groups: BTreeSet<&str> = groups.map(|known| group_of(known.api_version)).collect();
    // Requests, which are never declared and contain tokens; and the API server's own records.
    for group in [
        "authentication.k8s.io",
        "authorization.k8s.io",
        "internal.apiserver.k8s.io",
    ] {
        assert!(groups.remove(group), "{group}");
    }
    // Removed in 1.22, but named by old manifests; not served by default.
    groups.extend(["extensions", "storagemigration.k8s.io"]);
    assert_eq!(BTreeSet::from_iter(BUILT_IN_GROUPS.iter().copied()), groups);
}

#[test]
fn owners_and_their_objects_are_known_kinds() {
    let kinds: BTreeSet<&str> = builtin_kinds().iter().map(|known| known.kind).collect();
    for (group, owner, made) in MAKES {
        assert_ne!(builtin_kind_of_group(group, owner), [], "{group}/{owner}");
        for kind in *made {
            // Cilium's agent creates one for each Pod.
            assert!(kinds.contains(kind) || *kind == "CiliumEndpoint", "{kind}");
        }
    }
}

#[test]
fn immutable_fields_are_fields_of_their_kinds() {
    let schema = Schema::builtin();
    let field = |ty, name: &str| {
        let ty = match schema.get(ty) {
            Type::List { item, .. } => *item,
            _ => ty,
        };
        match schema.get(ty) {
            Type::Struct { fields, .. } => fields.get(name).map(|field| field.ty),
            _ => None,
        }
    };
    for immutable in IMMUTABLE_FIELDS {
        let known = builtin_kind_of_group(immutable.group, immutable.kind);
        let root = schema.kind(known[0].api_version, immutable.kind).unwrap();
        let mut path = immutable.path.iter();
        let found = path.try_fold(root, |ty, name| field(ty, name));
        let found = found.unwrap_or_else(|| panic!("{immutable:?}"));
        for except in immutable.except {
            let mut path = except.iter();
            let open = path.try_fold(found, |ty, name| field(ty, name));
            assert!(open.is_some(), "{}: {except:?}", immutable.kind);
        }
    }
}
