use serde_json::json;

use super::*;

fn catalog(core: &serde_json::Value, named: &serde_json::Value) -> Catalog {
    Catalog {
        core: root(core.to_string().as_bytes()).unwrap(),
        named: root(named.to_string().as_bytes()).unwrap(),
    }
}

fn kind(plural: &str, kind: &str, verbs: &[&str]) -> serde_json::Value {
    json!({"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced",
        "verbs": verbs, "subresources": [{"subresource": "status"}]})
}

/// Returns a catalog of two groups from two requests, as servers since 1.26 respond.
fn aggregated() -> Catalog {
    let reading = ["get", "list"];
    let core = json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [
        {"version": "v1", "freshness": "Current", "resources": [
            kind("configmaps", "ConfigMap", &reading), kind("bindings", "Binding", &["create"]),
            {"resource": "odd", "scope": "Namespaced", "verbs": ["get"]}]}]}]});
    let named = json!({"kind": "APIGroupDiscoveryList", "items": [
        {"metadata": {"name": "batch"}, "versions": [
            {"version": "v1", "resources": [kind("cronjobs", "CronJob", &reading)]},
            {"version": "v1beta1", "resources": [kind("cronjobs", "CronJob", &reading)]}]},
        {"metadata": {"name": "metrics.k8s.io"}, "versions": [
            {"version": "v1", "freshness": "Stale", "resources": []}]}]});
    catalog(&core, &named)
}

#[track_caller]
fn assert_not_served(lookup: &KindLookup, words: &str) {
    assert!(
        matches!(lookup, KindLookup::NotServed(why) if why.contains(words)),
        "{lookup:?}"
    );
}

#[track_caller]
fn assert_unknown(lookup: &KindLookup, words: &str) {
    assert!(
        matches!(lookup, KindLookup::Unknown(why) if why.contains(words)),
        "{lookup:?}"
    );
}

#[test]
fn serves_a_kind_at_the_version_of_its_manifest() {
    let catalog = aggregated();
    for (version, name) in [
        ("v1", "ConfigMap"),
        ("batch/v1", "CronJob"),
        ("batch/v1beta1", "CronJob"),
    ] {
        let lookup = catalog.lookup(version, name);
        assert!(
            matches!(&lookup, KindLookup::Served(kind) if kind.api_version == version && kind.namespaced),
            "{lookup:?}"
        );
    }
}

#[test]
fn distinguishes_absent_moved_and_unknown_kinds() {
    let catalog = aggregated();
    assert_not_served(
        &catalog.lookup("batch/v1", "Widget"),
        "which has no kind Widget",
    );
    assert_not_served(
        &catalog.lookup("batch/v2", "CronJob"),
        "use batch/v1 or batch/v1beta1",
    );
    assert_not_served(
        &catalog.lookup("old.example/v1", "CronJob"),
        "it serves CronJob at batch/v1",
    );
    assert_not_served(
        &catalog.lookup("none.example/v1", "Widget"),
        "CustomResourceDefinition",
    );
    assert_unknown(&catalog.lookup("metrics.k8s.io/v1", "PodMetrics"), "Stale");
    assert_unknown(
        &catalog.lookup("metrics.k8s.io/v1beta1", "PodMetrics"),
        "Stale",
    );
    assert_unknown(&catalog.lookup("v1", "Binding"), "only created");
}

#[test]
fn a_failed_root_makes_only_its_own_kinds_unknown() {
    let mut catalog = aggregated();
    catalog.named = ApiRoot::Broken(DiscoveryGap::new("/apis", "no response"));
    assert_unknown(&catalog.lookup("batch/v1", "CronJob"), "no response");
    assert!(matches!(
        catalog.lookup("v1", "ConfigMap"),
        KindLookup::Served(_)
    ));
}

#[test]
fn requests_the_needed_versions_one_by_one_from_older_servers() {
    let core = json!({"kind": "APIVersions", "versions": ["v1"]});
    let named = json!({"kind": "APIGroupList", "groups": [
        {"name": "batch", "preferredVersion": {"groupVersion": "batch/v1"},
            "versions": [{"groupVersion": "batch/v1beta1"}, {"groupVersion": "batch/v1"}]},
        {"name": "apps", "versions": [{"groupVersion": "apps/v1"}]}]});
    let mut catalog = catalog(&core, &named);
    let needed = BTreeSet::from(["batch"]);
    assert_eq!(
        catalog.missing(Some(&needed)),
        ["batch/v1", "batch/v1beta1"]
    );
    assert_eq!(catalog.missing(None).len(), 4);
    assert_unknown(&catalog.lookup("batch/v1", "CronJob"), "was not requested");

    let list = json!({"kind": "APIResourceList", "groupVersion": "batch/v1", "resources": [
        {"name": "cronjobs", "kind": "CronJob", "namespaced": true, "verbs": ["get", "list"]},
        {"name": "cronjobs/status", "kind": "CronJob", "namespaced": true, "verbs": ["get"]}]});
    let known = resources("batch/v1", list.to_string().as_bytes()).unwrap();
    assert!(
        matches!(&known, Resources::Known(known) if known.len() == 1),
        "{known:?}"
    );
    catalog.fill("batch/v1", known);
    assert!(matches!(
        catalog.lookup("batch/v1", "CronJob"),
        KindLookup::Served(_)
    ));
    catalog.fill(
        "batch/v1beta1",
        Resources::Broken(DiscoveryGap::new("batch/v1beta1", "503")),
    );
    assert_unknown(&catalog.lookup("batch/v1beta1", "CronJob"), "503");
}

#[test]
fn a_document_that_is_not_a_discovery_document_is_an_error() {
    let empty = json!({"kind": "APIGroupDiscoveryList", "items": []}).to_string();
    let nothing = json!({"kind": "APIVersions", "versions": []}).to_string();
    let status = json!({"kind": "Status", "code": 500}).to_string();
    for body in [
        "", "{", "null", "{}", "[]", "<html>", &*empty, &*nothing, &*status,
    ] {
        assert!(root(body.as_bytes()).is_err(), "{body}");
    }
    let of_another = json!({"kind": "APIResourceList", "groupVersion": "apps/v1"}).to_string();
    for body in ["", "{}", &*of_another, &*status] {
        assert!(resources("batch/v1", body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn searches_each_kind_once_for_undeclared_objects() {
    let (kinds, gaps) = aggregated().namespaced_kinds();
    let names: Vec<_> = kinds
        .iter()
        .map(|kind| (&*kind.api_version, &*kind.kind))
        .collect();
    assert_eq!(names, [("v1", "ConfigMap"), ("batch/v1", "CronJob")]);
    assert!(gaps.is_empty(), "computed groups are no gap: {gaps:?}");
}

#[test]
fn reports_groups_that_fail_for_one_reason_as_one_error() {
    let gap = |what: &str, why: &str| DiscoveryGap::new(what, why);
    let stale = (1..=5).map(|n| gap(&format!("g{n}/v1"), "Stale"));
    let gaps = stale.chain([gap("other/v1", "403")]).collect();
    let said: Vec<String> = unsearched(gaps).into_iter().map(|w| w.message).collect();
    assert_eq!(
        said,
        [
            "cannot search for some undeclared objects: discovery of other/v1 failed: 403",
            "cannot search for undeclared objects in 5 API versions: Stale: g1/v1, g2/v1, g3/v1 \
             and 2 more",
        ]
    );
}

/// Returns the catalog of a server of Kubernetes 1.29 or later, as far as the tests need it.
fn modern() -> Catalog {
    let group = |name: &str, version: &str, kind: &str| {
        format!(
            r#"{{"metadata": {{"name": "{name}"}}, "versions": [{{"version": "{version}",
            "resources": [{{"resource": "x", "responseKind": {{"kind": "{kind}"}},
            "scope": "Namespaced", "verbs": ["get", "list"]}}]}}]}}"#
        )
    };
    let groups = [
        group("apps", "v1", "Deployment"),
        group("policy", "v1", "PodDisruptionBudget"),
    ];
    let body = format!(
        r#"{{"kind": "APIGroupDiscoveryList", "items": [{}]}}"#,
        groups.join(",")
    );
    Catalog {
        core: ApiRoot::NotAsked,
        named: root(body.as_bytes()).unwrap(),
    }
}

#[test]
fn a_removed_version_is_read_at_its_replacement() {
    for (version, kind, current) in [
        ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("extensions/v1beta1", "Deployment", "apps/v1"),
        ("apps/v1beta2", "Deployment", "apps/v1"),
    ] {
        let KindLookup::Served(served) = modern().lookup(version, kind) else {
            panic!("{kind} at {version}");
        };
        assert_eq!(served.api_version, current);
    }
}

#[test]
fn names_the_replacement_of_a_removed_version() {
    for (version, kind, end) in [
        (
            "policy/v1beta1",
            "PodSecurityPolicy",
            "was removed in Kubernetes 1.25; it has no replacement",
        ),
        (
            "batch/v1beta1",
            "CronJob",
            "was removed in Kubernetes 1.25; use batch/v1",
        ),
    ] {
        let KindLookup::NotServed(why) = modern().lookup(version, kind) else {
            panic!("{kind} at {version}");
        };
        assert!(
            why.ends_with(&format!("{kind} at {version} {end}")),
            "{why}"
        );
    }
    let newer = modern().lookup("policy/v2", "PodDisruptionBudget");
    assert!(matches!(newer, KindLookup::NotServed(why) if why.ends_with("use policy/v1")));
}

/// A server that is older than the change does not have the replacement yet.
#[test]
fn does_not_suggest_a_version_that_is_not_served() {
    let named = json!({"kind": "APIGroupDiscoveryList", "items": [
        {"metadata": {"name": "flowcontrol.apiserver.k8s.io"}, "versions": [
            {"version": "v1beta1", "resources": [kind("flowschemas", "FlowSchema", &["get"])]}]}]});
    let core = json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [
        {"version": "v1", "resources": [kind("configmaps", "ConfigMap", &["get"])]}]}]});
    let old = catalog(&core, &named);
    let version = "flowcontrol.apiserver.k8s.io/v1beta2";
    let KindLookup::NotServed(why) = old.lookup(version, "FlowSchema") else {
        panic!("it is not served");
    };
    assert!(
        why.ends_with("use flowcontrol.apiserver.k8s.io/v1beta1"),
        "{why}"
    );
}
