//! The reader as a whole, on small texts.

use serde_json::json;

use super::*;
use crate::model::Step;

fn value(text: &str) -> Value {
    let parsed = parse(text);
    assert_eq!(parsed.problems, [], "{text}");
    assert_eq!(parsed.documents.len(), 1, "{text}");
    parsed.documents.into_iter().next().unwrap().value
}

/// The one problem of a text, as text.
fn problem(text: &str) -> String {
    let parsed = parse(text);
    assert_eq!(parsed.problems.len(), 1, "{text}: {:?}", parsed.problems);
    parsed.problems[0].to_string()
}

#[test]
fn merges_override_what_stands_before_them() {
    let text = "b: &b {w: 1, x: 1}\nc: {w: 3, <<: *b}\nd: {<<: *b, w: 3}\n";
    assert_eq!(
        value(text),
        json!({"b": {"w": 1, "x": 1}, "c": {"w": 1, "x": 1}, "d": {"w": 3, "x": 1}})
    );
}

#[test]
fn problems_say_where_in_the_whole_text() {
    assert_eq!(
        problem("a: 1\n---\nb: 1\nb: 2\n"),
        "4:1: this key is already written in the same mapping; kubectl silently takes the last \
         one, and so does the comparison: remove one of them"
    );
    assert_eq!(
        problem("a:\n\tb: 1\n"),
        "2:2: a tab cannot indent: use spaces"
    );
}

#[test]
fn fields_are_led_back_to_their_lines() {
    let text = "# c\nspec:\n  ports:\n    - name: a\n      port: 1\n    - port: 2\n";
    let span = parse(text).documents[0].span;
    let at = |steps: &[Step]| {
        let place = locate(text, span, steps).unwrap();
        (place.line, place.column)
    };
    let (spec, ports) = (Step::Field("spec".into()), Step::Field("ports".into()));
    assert_eq!(at(&[]), (2, 1));
    assert_eq!(at(std::slice::from_ref(&spec)), (2, 1));
    assert_eq!(at(&[spec.clone(), ports.clone(), Step::Index(1)]), (6, 7));
    let port = Step::Field("port".into());
    assert_eq!(
        at(&[spec.clone(), ports.clone(), Step::Index(0), port]),
        (5, 7)
    );
    // What is not written is found at its deepest ancestor.
    assert_eq!(at(&[spec, ports, Step::Index(7)]), (3, 3));
    assert_eq!(at(&[Step::Field("status".into())]), (2, 1));
}

#[test]
fn lines_in_quotes_need_no_indentation() {
    let text = "a:\n  b: \"one\n  two\n\n three\" # c\n  c: 'x\ny'\n  d: 1\ne: {f: 0}\n";
    assert_eq!(
        value(text),
        json!({"a": {"b": "one two\nthree", "c": "x y", "d": 1}, "e": {"f": 0}})
    );
    let span = parse(text).documents[0].span;
    assert_eq!(&text[span.start..span.end], text);
    let steps = [Step::Field("e".into()), Step::Field("f".into())];
    assert_eq!(
        locate(text, span, &steps).unwrap(),
        Position { line: 9, column: 5 }
    );
    let steps = [Step::Field("a".into()), Step::Field("c".into())];
    assert_eq!(
        locate(text, span, &steps).unwrap(),
        Position { line: 6, column: 3 }
    );
    assert_eq!(
        problem("a: \"one\n---\nb: 1\n").as_str(),
        "1:4: a quoted value is not closed"
    );
}
