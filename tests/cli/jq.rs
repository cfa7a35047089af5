//! Tests that jq expressions which never end, or use up all resources, are stopped at their
//! deadline, and that the run continues.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use driftctl::jq::{Jq, JqError};
use serde_json::json;

/// Longer than any machine is busy: used where a result is expected.
const PATIENCE: Duration = Duration::from_secs(600);

/// Used where no result is expected, so that the deadline comes soon.
const SOON: Duration = Duration::from_millis(300);

fn jq() -> Jq {
    let mut jq = Jq::new(env!("CARGO_BIN_EXE_driftctl").into());
    jq.set_deadline(PATIENCE);
    jq
}

#[test]
fn deletes_in_the_child_process() {
    let jq = jq();
    let object = json!({"a": 1, "b": {"c": [1, 2]}});
    assert_eq!(
        jq.delete(".b.c[0]", &object),
        Ok(json!({"a": 1, "b": {"c": [2]}}))
    );
    assert_eq!(jq.delete(".a, .b", &object), Ok(json!({})));
    assert_eq!(jq.check(".a"), Ok(()));
    assert!(matches!(jq.check(".a ]"), Err(JqError::Syntax(_))));
    assert!(matches!(
        jq.delete(".a.b", &object),
        Err(JqError::Failed(_))
    ));
    assert_eq!(jq.delete(".a", &object), Ok(json!({"b": {"c": [1, 2]}})));
}

#[test]
fn stops_an_endless_expression_and_does_not_retry_it() {
    let mut jq = jq();
    let object = json!({"a": 1});
    let ended = Err(JqError::Deadline(SOON));
    jq.set_deadline(SOON);
    assert_eq!(jq.delete("def f: f; f", &object), ended);
    // If it were retried, this would never end.
    jq.set_deadline(PATIENCE);
    assert_eq!(jq.delete("def f: f; f", &object), ended);
    assert_eq!(jq.delete(".a", &object), Ok(json!({})), "the next one runs");
}

#[test]
fn limits_the_total_time_of_endless_expressions() {
    let mut jq = jq();
    let object = json!({"a": 1});
    jq.set_deadline(Duration::from_secs(2));
    let errors: Vec<_> = (0..20)
        .filter_map(|number| jq.delete(&format!("def f: f; f, {number}"), &object).err())
        .collect();
    let ended = errors.iter().filter(|e| matches!(e, JqError::Deadline(_)));
    assert_eq!(ended.count(), 3);
    let rest = errors.iter().filter(|e| matches!(e, JqError::Together(_)));
    assert_eq!(rest.count(), 17);
}

#[test]
fn limits_the_total_time_of_slow_expressions() {
    let jq = jq();
    let object = json!({"a": 1});
    jq.limit_whole_run(Duration::from_millis(200));
    let slow = "select([range(2e5)] | length > 0) | .a";
    let asked = (0..200).map(|_| jq.delete(slow, &object));
    let spent = asked.filter(|answer| matches!(answer, Err(JqError::Spent(_))));
    assert!(spent.count() > 50);
}

#[test]
fn an_expression_that_exhausts_memory_ends_only_the_child() {
    let mut jq = jq();
    let object = json!({"a": 1});
    for value in [
        "def f: 1 + f; f",
        "def f: [f]; f",
        "[range(1e12)]",
        "[limit(1e11; repeat(\"0123456789\"))] | add",
        "reduce range(1e6) as $i ([]; [.]) | tojson",
    ] {
        let expression = format!(".a | select(({value}) != null)");
        jq.set_deadline(SOON);
        let error = jq.delete(&expression, &object).unwrap_err();
        assert!(
            matches!(error, JqError::Deadline(_) | JqError::Exhausted),
            "{expression}: {error}"
        );
        jq.set_deadline(PATIENCE);
        assert_eq!(
            jq.delete(".a", &object),
            Ok(json!({})),
            "after {expression}"
        );
    }
}

#[test]
fn deeply_nested_expressions_do_not_crash_the_parser() {
    let jq = jq();
    for text in ["(", "[", "{a:", "-", "if ", "def f: ", "try "] {
        let deep = text.repeat(16_000 / text.len());
        assert!(jq.check(&deep).is_err(), "{text}");
    }
    assert_eq!(jq.check(".a"), Ok(()));
}

#[test]
fn fails_if_the_child_process_cannot_start() {
    let jq = Jq::new("/nonexistent/driftctl".into());
    assert!(matches!(jq.check(".a"), Err(JqError::Unavailable(_))));
}

/// Each of the expressions ends, but together they take longer than the run may.
#[test]
fn timeout_limits_all_expressions_together() {
    let mut config = String::from("ignoreDifferences:\n");
    for n in 0..40 {
        config.push_str(&format!(
            "- {{reason: x, kind: ConfigMap, jqPathExpressions: ['select([range(3e6)] | length > \
             {n}) | .data.b']}}\n"
        ));
    }
    let object = |value: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cart", "namespace": "shop"}, "data": {"key": value}})
    };
    let live = json!({"apiVersion": "v1", "kind": "List", "items": [object("b")]});
    let place = crate::support::TestFolder::new()
        .file("m.json", object("a").to_string())
        .file("live.json", live.to_string())
        .file(".driftctl.yaml", config);
    let begun = std::time::Instant::now();
    let shown = place.run(["diff", "m.json", "--live", "live.json", "--timeout", "2"]);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    let text = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("may take 2s together"), "{text}");
    assert!(text.contains(".data.key"), "{text}");
}
