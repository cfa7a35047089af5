//! Tests of the whole parser, on small texts.

use serde_json::json;

use super::*;
use crate::model::ManifestStep;

fn value(text: &str) -> Value {
    let parsed = parse(text);
    assert_eq!(parsed.problems, [], "{text}");
    assert_eq!(parsed.documents.len(), 1, "{text}");
    parsed.documents.into_iter().next().unwrap().value
}

/// Returns the only problem of a text, as text.
fn problem(text: &str) -> String {
    let parsed = parse(text);
    assert_eq!(parsed.problems.len(), 1, "{text}: {:?}", parsed.problems);
    parsed.problems[0].to_string()
}

#[test]
fn merges_override_earlier_keys() {
    let text = "b: &b {w: 1, x: 1}\nc: {w: 3, <<: *b}\nd: {<<: *b, w: 3}\n";
    assert_eq!(
        value(text),
        json!({"b": {"w": 1, "x": 1}, "c": {"w": 1, "x": 1}, "d": {"w": 3, "x": 1}})
    );
}

#[test]
fn problems_have_positions_in_the_whole_text() {
    assert_eq!(
        problem("a: 1\n---\nb: 1\nb: 2\n"),
        "4:1: this key already exists in the same mapping; kubectl silently uses the last one, \
         and so does the comparison: remove one of them"
    );
    assert_eq!(
        problem("a:\n\tb: 1\n"),
        "2:2: a tab cannot indent: use spaces"
    );
}

#[test]
fn finds_the_lines_of_fields() {
    let text = "# c\nspec:\n  ports:\n    - name: a\n      port: 1\n    - port: 2\n";
    let span = parse(text).documents[0].span;
    let at = |steps: &[ManifestStep]| {
        let place = locate(text, span, steps).unwrap();
        (place.line, place.column)
    };
    let (spec, ports) = (
        ManifestStep::Field("spec".into()),
        ManifestStep::Field("ports".into()),
    );
    assert_eq!(at(&[]), (2, 1));
    assert_eq!(at(std::slice::from_ref(&spec)), (2, 1));
    assert_eq!(
        at(&[spec.clone(), ports.clone(), ManifestStep::Index(1)]),
        (6, 7)
    );
    let port = ManifestStep::Field("port".into());
    assert_eq!(
        at(&[spec.clone(), ports.clone(), ManifestStep::Index(0), port]),
        (5, 7)
    );
    // A missing field is found at its deepest ancestor.
    assert_eq!(at(&[spec, ports, ManifestStep::Index(7)]), (3, 3));
    assert_eq!(at(&[ManifestStep::Field("status".into())]), (2, 1));
}

#[test]
fn accepts_unindented_lines_in_quotes() {
    let text = "a:\n  b: \"one\n  two\n\n three\" # c\n  c: 'x\ny'\n  d: 1\ne: {f: 0}\n";
    assert_eq!(
        value(text),
        json!({"a": {"b": "one two\nthree", "c": "x y", "d": 1}, "e": {"f": 0}})
    );
    let span = parse(text).documents[0].span;
    assert_eq!(&text[span.start..span.end], text);
    let steps = [
        ManifestStep::Field("e".into()),
        ManifestStep::Field("f".into()),
    ];
    assert_eq!(
        locate(text, span, &steps).unwrap(),
        Position { line: 9, column: 5 }
    );
    let steps = [
        ManifestStep::Field("a".into()),
        ManifestStep::Field("c".into()),
    ];
    assert_eq!(
        locate(text, span, &steps).unwrap(),
        Position { line: 6, column: 3 }
    );
    assert_eq!(
        problem("a: \"one\n---\nb: 1\n").as_str(),
        "1:4: a quoted value is not closed"
    );
}

/// A one-line text has columns in the millions; each object is found from where it begins, or a
/// list of thousands would take minutes.
#[test]
fn finds_objects_in_a_long_line() {
    let item = |n: usize| format!(r#"{{"kind":"A","spec":{{"n":{n},"list":[1,{{"x":2}}]}}}}"#);
    let items: Vec<String> = (0..20_000).map(item).collect();
    let text = format!(r#"{{"items":[{}]}}"#, items.join(","));
    let document = parse(&text).documents.pop().unwrap();
    let steps = [
        ManifestStep::Field("spec".into()),
        ManifestStep::Field("list".into()),
        ManifestStep::Index(1),
        ManifestStep::Field("x".into()),
    ];
    for (span, item) in document.items.iter().zip(&items) {
        let within = item.find("\"x\"").unwrap();
        let place = locate(&text, *span, &steps).unwrap();
        assert_eq!((place.line, place.column), (1, span.column + within));
    }
}

#[test]
fn finds_fields_in_braces_over_several_lines() {
    let text = "- &a {k: 1}\n- x: {a: 1,\n  b: {c: 2,\n      d: 3}}\n";
    let span = |part: &str, line: usize, column: usize| {
        let start = text.find(part).unwrap();
        let end = start + part.len();
        TextSpan {
            start,
            end,
            line,
            column,
        }
    };
    let at = |span: TextSpan, names: &[&str]| {
        let steps: Vec<ManifestStep> = names
            .iter()
            .map(|name| ManifestStep::Field((*name).into()))
            .collect();
        let place = locate(text, span, &steps).unwrap();
        (place.line, place.column)
    };
    let flow = span("{a: 1,\n  b: {c: 2,\n      d: 3}}", 2, 6);
    assert_eq!(at(flow, &["a"]), (2, 7));
    assert_eq!(at(flow, &["b", "c"]), (3, 7));
    assert_eq!(at(flow, &["b", "d"]), (4, 7));
    assert_eq!(at(span("&a {k: 1}", 1, 3), &["k"]), (1, 7));
}

#[test]
fn reads_lists_within_a_long_line() {
    let text = r#"{"items":[{"items":[{"a":1},{"b":2}]}]}"#;
    let outer = parse(text).documents[0].items[0];
    let inner = items_within(text, outer).unwrap();
    let parts: Vec<&str> = inner
        .iter()
        .map(|span| &text[span.start..span.end])
        .collect();
    assert_eq!(parts, [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(inner[1].column, text.find(r#"{"b""#).unwrap() + 1);
}

/// A character that is allowed in JSON but not in YAML shows which parser was used.
#[test]
fn items_that_are_not_a_list_are_an_ordinary_field() {
    for items in [json!({"a": 1}), json!("b"), json!(null), json!([{"c": 1}])] {
        let value = json!({"kind": "A", "items": items, "del": "\u{7f}"});
        let parsed = parse(&value.to_string());
        assert_eq!(parsed.problems, [], "{value}");
        assert_eq!(parsed.documents[0].value, value);
    }
    for twice in [
        r#"{"items": [], "items": {}}"#,
        r#"{"items": {}, "items": []}"#,
        r#"{"items": 1, "items": 2}"#,
        r#"{"items": [], "items": []}"#,
    ] {
        assert_eq!(parse(twice).problems.len(), 1, "{twice}");
    }
}
