//! Tests what a configuration means, and everything that can be wrong with it.

use super::*;
use crate::config::TEMPLATE;
use crate::model::{FieldPath, ResourceKey};

/// Accepts everything as jq except text that says it is not.
fn jq(expression: &str) -> Result<(), String> {
    if expression.contains("BAD") {
        return Err("expected term at its end".to_owned());
    }
    Ok(())
}

fn errors(text: &str) -> String {
    read(".driftctl.yaml", text, &jq)
        .err()
        .map_or_else(String::new, |error| error.to_string())
}

#[test]
fn reports_every_problem_at_once_with_its_place() {
    insta::assert_snapshot!(errors(
        r#"ignoreDiferences: []
ignoreDifferences:
  - group: apps
    kind: Deployment
    jsonPointer: [/spec/replicas]
  - kind: Service
    jsonPointers: [spec/ports, /spec/~x]
    paths:
      - spec.ports
      - .spec.ports[
  - jsonPointers: [/data]
  - kind: Secret
  - kind: ConfigMap
    jqPathExpressions: [.data, "BAD |"]
    labelSelector: a b
    expires: tomorrow
  - kind: ConfigMap
    changes: [change, added]
    reason: 12
  - kind: Pod
    id: status
    paths: .spec
    changes: [added]
  - id: one
    kind: Pod
    paths: [.spec]
  - id: one
    kind: Pod
    paths: [.status]
    explains: server-managed
  - text
ignoreExtra:
  - name: x
  - kind: Pod
    ownedBy: me
severity:
  - kind: Pod
    severity: urgent
  - severity: low
disable: [service-alocations, nothing-like-it]
sensitive:
  - kind: ConfigMap
  - paths: [".spec.env[0]", data]
"#
    ));
}

#[test]
fn reports_broken_yaml_with_its_place() {
    insta::assert_snapshot!(
        [
            errors("ignoreDifferences: [\n"),
            errors("disable: []\ndisable: []\n"),
            errors("disable: []\n---\ndisable: []\n"),
            errors("- a\n"),
        ]
        .join("\n")
    );
}

#[test]
fn accepts_an_empty_configuration() {
    for text in [
        "",
        "# nothing\n",
        "---\n",
        "ignoreDifferences:\ndisable:\n",
        TEMPLATE,
    ] {
        assert_eq!(errors(text), "", "{text}");
    }
}

/// The commented-out keys of the template are valid.
#[test]
fn the_uncommented_template_is_valid() {
    let lines = TEMPLATE.lines().map(|line| match line.strip_prefix("#  ") {
        Some(rest) => format!("  {rest}"),
        None if line == "#" => String::new(),
        None => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let config = read("x", &text, &jq).unwrap();
    assert_eq!(config.users.rules.len(), 3);
    assert_eq!(config.users.severity.len(), 1);
    assert_eq!(config.sensitive.len(), 2);
    // It contains every key.
    for key in [
        "ignoreDifferences",
        "ignoreExtra",
        "severity",
        "disable",
        "sensitive",
    ] {
        let properties = &schema()["properties"][key];
        assert!(text.contains(&format!("\n{key}:")), "{key}");
        let keys = properties["items"]["properties"].as_object();
        for name in keys.into_iter().flat_map(|keys| keys.keys()) {
            let shared = matches!(
                name.as_str(),
                "ifDeclared"
                    | "ifLive"
                    | "ownedBy"
                    | "podPaths"
                    | "otherRegistry"
                    | "loadsCode"
                    | "liveIs"
            );
            assert!(shared || text.contains(&format!("{name}:")), "{key}.{name}");
        }
    }
}

#[test]
fn assigns_ids_and_origins_to_rules() {
    let text = "\
ignoreDifferences:
  - kind: Pod
    paths: [.a]
  - kind: Pod
    paths: [.b]
  - kind: '*'
    name: cart-*
    paths: [.b]
  - {kind: Pod, paths: [.c], id: pod-2}
";
    let config = read(".driftctl.yaml", text, &jq).unwrap();
    let rules = config.users.rules.iter();
    let named: Vec<String> = rules
        .map(|rule| format!("{} {}", rule.id, rule.origin))
        .collect();
    assert_eq!(
        named,
        [
            "pod .driftctl.yaml:2",
            "pod-3 .driftctl.yaml:4",
            "any-cart- .driftctl.yaml:6",
            "pod-2 .driftctl.yaml:9",
        ]
    );
}

#[test]
fn treats_keys_without_a_value_as_left_out() {
    let text = "ignoreDifferences:\n  - kind: Pod\n    name:\n    paths: [.a]\n    reason:\n";
    assert_eq!(errors(text), "");
}

#[test]
fn marks_values_as_sensitive_by_path_or_name() {
    let text = "\
sensitive:
  - names: ['*licen?e*', 'X-*']
  - {kind: ConfigMap, name: billing, paths: ['.data.account', '.spec.env[*].x']}
";
    let sensitive = read("x", &text.replace('?', "c"), &jq).unwrap().sensitive;
    let hides = |kind: &str, path: &str| {
        let key = ResourceKey::new("", kind.to_owned(), None, "billing");
        let path: FieldPath = path.parse().unwrap();
        sensitive.iter().any(|rule| rule.hides(&key, &path))
    };
    assert!(hides("ConfigMap", ".data.account"));
    assert!(!hides("Secret", ".data.account"));
    assert!(hides("ConfigMap", ".spec.env[3].x"));
    assert!(hides(
        "Widget",
        ".metadata.annotations[\"example.com/Licence-Key\"]"
    ));
    assert!(hides("Widget", ".spec.env[name=\"x-auth\"]"));
    assert!(!hides("Widget", ".spec.env[name=\"y\"]"));
}

/// The schema for editors has the same keys that driftctl reads.
#[test]
fn the_schema_is_current() {
    insta::assert_snapshot!(format!("{:#}", schema()));
}

#[test]
fn a_renamed_key_is_an_error_that_names_the_new_key() {
    for (old, new) in [
        ("kinds: [added]", "changes"),
        ("managers: [a]", "onlyManagers"),
    ] {
        let text =
            format!("ignoreDifferences:\n  - kind: ConfigMap\n    paths: [.data]\n    {old}\n");
        let problems = errors(&text);
        assert!(
            problems.contains(&format!("is called \"{new}\"")),
            "{problems}"
        );
    }
}
