//! Tests that rules are added where people would add them, and that nothing else changes.

use super::*;
use crate::config::TEMPLATE;

fn rule() -> RuleSpec {
    RuleSpec {
        group: "apps".to_owned(),
        kind: "Deployment".to_owned(),
        name: "cart".to_owned(),
        paths: vec![".spec.replicas".to_owned()],
        reason: "Scaled by hand: #12".to_owned(),
        ..RuleSpec::default()
    }
}

/// Returns the new text, and the line after which it was added.
#[track_caller]
fn added(text: &str) -> (usize, String) {
    let changed = append(text, &rule()).unwrap();
    let before = text.lines().zip(changed.lines());
    let at = before.take_while(|(a, b)| a == b).count();
    let new = changed.lines().count() - text.lines().count();
    let rest: Vec<&str> = changed.lines().skip(at + new).collect();
    assert!(rest.iter().copied().eq(text.lines().skip(at)), "{changed}");
    let new: Vec<&str> = changed.lines().skip(at).take(new).collect();
    (at, new.join("\n"))
}

const ITEM: &str = "\
- reason: \"Scaled by hand: #12\"
  group: apps
  kind: Deployment
  name: cart
  paths:
    - .spec.replicas";

fn item(indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines = ITEM.lines().map(|line| format!("{margin}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn adds_a_rule_to_the_end_of_the_list_with_its_indentation() {
    let text = "\
# mine
ignoreDifferences:
- kind: Service # why
  jsonPointers: [/spec]
- kind: Secret
  reason: |
    two
    lines
  paths:
  - .data

# about disable
disable: [status]
";
    assert_eq!(added(text), (10, item(0)));
    let indented = "ignoreDifferences:\n    -  kind: Service\n       paths: [.spec]\n";
    assert_eq!(added(indented), (3, item(4)));
}

#[test]
fn creates_a_missing_list() {
    assert_eq!(added(""), (0, format!("ignoreDifferences:\n{}", item(2))));
    let others = "disable: [status]\n";
    let begun = format!("\nignoreDifferences:\n{}", item(2));
    assert_eq!(added(others), (1, begun));
    let line = TEMPLATE.lines().position(|l| l == "ignoreDifferences:");
    assert_eq!(added(TEMPLATE), (line.unwrap() + 1, item(2)));
}

#[test]
fn replaces_an_empty_list_in_brackets() {
    let changed = append("ignoreDifferences: []\ndisable: []\n", &rule()).unwrap();
    assert_eq!(
        changed,
        format!("ignoreDifferences:\n{}\ndisable: []\n", item(2))
    );
}

#[test]
fn keeps_line_ends() {
    let changed = append(
        "ignoreDifferences:\r\n  - kind: A\r\n    paths: [.b]\r\n",
        &rule(),
    )
    .unwrap();
    assert_eq!(
        changed.matches("\r\n").count(),
        changed.matches('\n').count()
    );
}

#[test]
fn refuses_layouts_that_cannot_be_extended() {
    for text in [
        "ignoreDifferences: [{kind: A, paths: [.b]}]\n",
        "{}\n",
        "ignoreDifferences: 3\n",
    ] {
        assert_eq!(append(text, &rule()), Err(CannotAppend), "{text}");
    }
}

#[test]
fn quotes_texts_that_yaml_parsers_may_read_differently() {
    for plain in [
        "Deployment",
        ".spec.replicas",
        "See the ticket (again)",
        "apps",
    ] {
        assert_eq!(scalar(plain), plain);
    }
    for text in [
        "yes",
        "On",
        "12",
        "2026-12-31",
        "a: b",
        "a #b",
        "*",
        "",
        " a",
        "a ",
        "0x1",
        ".a[*]",
        "~",
        "é",
        "a\nb",
        ".inf",
    ] {
        assert!(scalar(text).starts_with('"'), "{text}");
        let document = &yaml::parse(&format!("a: {}\n", scalar(text))).documents[0];
        assert_eq!(document.value["a"], text);
    }
}
