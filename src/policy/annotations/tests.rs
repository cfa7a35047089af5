//! Tests what ignore annotations hide.

use serde_json::json;

use super::*;
use crate::policy::ChangeQuery;

fn with(map: &str, key: &str, value: &str) -> Value {
    json!({"metadata": {map: {key: value}}})
}

fn hides(own: &AnnotationRules, path: &str, kind: ChangeKind) -> bool {
    let path = path.parse().unwrap();
    let change = ChangeQuery {
        path: &path,
        kind,
        owners: &[],
    };
    own.rules.iter().any(|rule| rule.covers(change))
}

/// Returns what an annotation in the manifest hides: a changed field, an added field, that the
/// object is missing, that it is extra.
fn scope(key: &str, value: &str) -> [bool; 4] {
    let own = rules_of(Some(&with("annotations", key, value)), None, "here");
    let of_object = |kind| own.rules.iter().any(|rule| rule.covers_object(kind, &[]));
    [
        hides(&own, ".spec.x", ChangeKind::Modified),
        hides(&own, ".spec.x", ChangeKind::Added),
        of_object(ChangeKind::Removed),
        of_object(ChangeKind::Added),
    ]
}

#[test]
fn each_switch_hides_its_scope() {
    let everything = [true, true, true, true];
    let fields = [true, true, false, false];
    let nothing = [false; 4];
    let being_extra = [false, false, false, true];
    for (key, value, expected) in [
        (
            "argocd.argoproj.io/compare-options",
            "IgnoreExtraneous",
            being_extra,
        ),
        (
            "argocd.argoproj.io/compare-options",
            "A=b, IgnoreExtraneous",
            being_extra,
        ),
        (
            "argocd.argoproj.io/compare-options",
            "ServerSideDiff=true",
            nothing,
        ),
        (
            "kustomize.toolkit.fluxcd.io/reconcile",
            "disabled",
            everything,
        ),
        (
            "kustomize.toolkit.fluxcd.io/reconcile",
            "Disabled",
            everything,
        ),
        ("kustomize.toolkit.fluxcd.io/reconcile", "enabled", nothing),
        ("kustomize.toolkit.fluxcd.io/ssa", "Ignore", everything),
        ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent", fields),
        (
            "kustomize.toolkit.fluxcd.io/ssa",
            "Merge",
            [false, true, false, false],
        ),
        ("kustomize.toolkit.fluxcd.io/ssa", "Override", nothing),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled", being_extra),
        (
            "helm.toolkit.fluxcd.io/driftDetection",
            "disabled",
            everything,
        ),
        ("kluctl.io/ignore-diff", "true", fields),
        ("kluctl.io/ignore-diff", "false", nothing),
        ("client.lifecycle.config.k8s.io/mutation", "ignore", fields),
        (
            "client.lifecycle.config.k8s.io/deletion",
            "detach",
            being_extra,
        ),
        ("cli-utils.sigs.k8s.io/on-remove", "keep", being_extra),
        ("driftctl.dev/ignore", "true", everything),
        ("driftctl.dev/ignore", ".spec", fields),
        ("driftctl.dev/ignore", ".status", nothing),
    ] {
        assert_eq!(scope(key, value), expected, "{key}: {value}");
    }
}

#[test]
fn live_annotations_count_if_their_tool_honours_them() {
    let declared = json!({"metadata": {}});
    let flux = with(
        "labels",
        "kustomize.toolkit.fluxcd.io/reconcile",
        "disabled",
    );
    let own = rules_of(Some(&declared), Some(&flux), "here");
    assert!(hides(&own, ".spec.x", ChangeKind::Modified));
    let switch = ".metadata.labels[\"kustomize.toolkit.fluxcd.io/reconcile\"]";
    assert!(
        !hides(&own, switch, ChangeKind::Added),
        "the switch itself is seen"
    );
    assert!(!hides(&own, ".metadata.labels", ChangeKind::Added));
    for live in [
        with("annotations", IGNORE, "true"),
        with("annotations", "kluctl.io/ignore-diff", "true"),
    ] {
        assert!(
            rules_of(Some(&declared), Some(&live), "here")
                .rules
                .is_empty()
        );
        assert_eq!(rules_of(None, Some(&live), "here").rules.len(), 1);
    }
}

#[test]
fn paths_are_separated_by_commas_or_line_breaks() {
    let paths = ".spec.replicas, .spec.ports[port=80,protocol=\"TCP\"]\n.metadata.labels[\"a,b\"],";
    assert_eq!(
        split(paths),
        [
            ".spec.replicas",
            ".spec.ports[port=80,protocol=\"TCP\"]",
            ".metadata.labels[\"a,b\"]"
        ]
    );
}

#[test]
fn kluctls_fields_may_be_numbered() {
    let object = json!({"metadata": {"annotations": {
        "kluctl.io/ignore-diff-field": "spec.replicas",
        "kluctl.io/ignore-diff-field-2": "spec.template..image",
        "kluctl.io/ignore-diff-field-regex-1": "spec\\.rules.*",
        "kluctl.io/ignore-diff-field-regex-2": "(",
        "kluctl.io/ignore-diff-field-x": "spec.y",
    }}});
    let own = rules_of(Some(&object), None, "here");
    assert_eq!(own.rules.len(), 2);
    assert_eq!(own.problems.len(), 2);
    assert!(hides(&own, ".spec.replicas", ChangeKind::Modified));
    assert!(!hides(&own, ".spec.y", ChangeKind::Modified));
}

#[test]
fn malformed_annotations_hide_nothing_and_are_reported() {
    let own = rules_of(Some(&with("annotations", IGNORE, "spec")), None, "here");
    assert!(own.rules.is_empty());
    assert!(own.problems[0].starts_with("here: driftctl.dev/ignore hides nothing"));
}
