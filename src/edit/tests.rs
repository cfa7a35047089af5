use serde_json::{Value, json};

use super::*;

/// `spec/containers/#0/image`; `~1` is a slash.
fn way(path: &str) -> Vec<Step> {
    let steps = path.split('/').map(|step| match step.strip_prefix('#') {
        Some(index) => Step::Index(index.parse().unwrap()),
        None => Step::Field(step.replace("~1", "/")),
    });
    steps.collect()
}

#[track_caller]
fn edited(text: &str, path: &str, to: Option<Value>) -> String {
    edit(text, 1, &way(path), to.as_ref()).unwrap()
}

#[test]
fn tricky_edits_leave_the_text_as_a_person_would() {
    let cases: Value =
        serde_json::from_str(include_str!("../../fixtures/edits/cases.json")).unwrap();
    let mut failed = Vec::new();
    for case in cases.as_array().unwrap() {
        let text = |field: &str| case[field].as_str().unwrap();
        let document = case["document"].as_u64().unwrap() as usize + 1;
        let to = case["op"].get("set");
        let after = edit(text("before"), document, &way(text("path")), to);
        if after.as_deref() != Ok(text("after")) {
            failed.push(format!(
                "{}: {after:?}\n   not {:?}",
                text("name"),
                text("after")
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_list_keeps_its_items_and_their_comments() {
    let text = "a:\n  # one\n  - x: 1\n  # two\n  - x: 2 # why\n";
    let to = json!([{"x": 1}, {"x": 2}, {"x": 3}]);
    assert_eq!(
        edited(text, "a", Some(to)),
        "a:\n  # one\n  - x: 1\n  # two\n  - x: 2 # why\n  - x: 3\n"
    );
    assert_eq!(
        edited(text, "a", Some(json!([{"x": 2}]))),
        "a:\n  # one\n  # two\n  - x: 2 # why\n"
    );
}

#[test]
fn what_others_share_is_refused() {
    let text = "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n";
    assert_eq!(
        edit(text, 1, &way("a/k"), Some(&json!(2))),
        Err(Refusal::Shared(1))
    );
    assert_eq!(
        edit(text, 1, &way("b/k"), Some(&json!(2))),
        Err(Refusal::Shared(2))
    );
    // An own key overrides a merged one.
    assert_eq!(
        edited(text, "c/k", Some(json!(2))),
        "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  k: 2\n"
    );
}

#[test]
fn texts_that_other_readers_take_for_something_else_are_quoted() {
    for text in [
        "y", "No", "1_000", "1:30", "0644", "1e3", "~", "", "a: b", "a #b", "- a",
    ] {
        let written = scalar(text);
        assert!(written.starts_with('"'), "{text} is written {written}");
    }
    for text in [
        "info",
        "reg.example.com/a:1.2",
        "500Mi",
        "--flag=x",
        "app.kubernetes.io/name",
    ] {
        assert_eq!(scalar(text), text);
    }
}

/// Sets and removes every scalar of the manifests of a shop.
#[test]
fn every_field_of_real_manifests_can_be_edited() {
    let (mut done, mut refused) = (0, Vec::new());
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/manifests");
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.unwrap();
        let is_meant = |e: &std::ffi::OsStr| e == "yaml" || e == "yml" || e == "json";
        if !entry.path().extension().is_some_and(is_meant) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(entry.path()) else {
            continue;
        };
        // Shared values are refused, which another test covers.
        if text.contains(": &") || text.contains("- &") {
            continue;
        }
        for document in yaml::parse(&text).documents {
            let mut ways = Vec::new();
            leaves(&document.value, &mut Vec::new(), &mut ways);
            for way in ways.iter().step_by(3) {
                for to in [Some(json!("changed")), Some(json!({"k": [1, "y"]})), None] {
                    match edit(&text, document.number, way, to.as_ref()) {
                        Ok(after) => assert!(touched(&text, &after) <= 12, "{after}"),
                        Err(refusal) => refused.push(format!("{:?} {refusal}", entry.path())),
                    }
                    done += 1;
                }
            }
        }
    }
    assert!(done > 1000);
    assert!(
        refused.len() * 20 < done,
        "{} of {done}: {refused:#?}",
        refused.len()
    );
}

fn leaves(value: &Value, way: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    let mut below = |step: Step, value: &Value| {
        way.push(step);
        leaves(value, way, found);
        way.pop();
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                below(Step::Field(name.clone()), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                below(Step::Index(index), value);
            }
        }
        _ => found.push(way.clone()),
    }
}

/// Returns how many lines differ, except for those of multi-line text.
fn touched(before: &str, after: &str) -> usize {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let start = before
        .iter()
        .zip(&after)
        .take_while(|(a, b)| a == b)
        .count();
    let rest = after[start..]
        .iter()
        .rev()
        .zip(before[start..].iter().rev());
    let end = rest.take_while(|(a, b)| a == b).count();
    after.len() - start - end
}

#[test]
fn a_block_at_the_end_keeps_the_last_line_break() {
    let way = [Step::Field("a".into())];
    let edited = edit("a: |-\n  x\n", 1, &way, Some(&"y\nz".into())).unwrap();
    assert_eq!(edited, "a: |-\n  y\n  z\n");
    let edited = edit("a: |\n  x\n", 1, &way, Some(&"y\n".into())).unwrap();
    assert_eq!(edited, "a: |\n  y\n");
}

#[test]
fn a_block_that_keeps_its_blank_lines_gets_as_many_as_are_meant() {
    for newline in ["\n", "\r\n"] {
        let lines = |text: &str| text.replace('\n', newline);
        let text = lines("a: |+\n  x\n\nb: 1\n");
        for (to, after) in [
            ("y\n\n", "a: |+\n  y\n\nb: 1\n"),
            ("y\n", "a: |\n  y\n\nb: 1\n"),
            ("y", "a: |-\n  y\n\nb: 1\n"),
            ("y\n\n\n", "a: |+\n  y\n\n\nb: 1\n"),
        ] {
            assert_eq!(edited(&text, "a", Some(json!(to))), lines(after));
        }
        let text = lines("a: |\n  x\n\nb: 1\n");
        assert_eq!(
            edited(&text, "a", Some(json!("y\n\n"))),
            lines("a: |+\n  y\n\nb: 1\n")
        );
    }
}

#[test]
fn a_key_with_an_anchor_stands_in_the_column_of_its_anchor() {
    let text = "a:\n  &k x: 1\n";
    assert_eq!(
        edited(text, "a/z", Some(json!("2"))),
        "a:\n  &k x: 1\n  z: \"2\"\n"
    );
}

#[test]
fn an_anchor_is_named_where_taking_it_out_would_break_its_aliases() {
    let text = "a:\n- n: 1\n  v: &x q\n- n: 2\nb: *x\n";
    assert_eq!(edit(text, 1, &way("a/#0"), None), Err(Refusal::Shared(3)));
}

#[test]
fn what_older_readers_take_for_a_line_break_is_escaped() {
    for c in ['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}', '\u{7f}'] {
        let escaped = format!("\"a\\u{:04x}b\"", c as u32);
        for before in ["x", "'x'", "\"x\"", "|\n  x"] {
            let after = edited(
                &format!("k: {before}\n"),
                "k",
                Some(json!(format!("a{c}b"))),
            );
            assert_eq!(after, format!("k: {escaped}\n"));
        }
        let after = edited("{\"k\": \"x\"}\n", "k", Some(json!(format!("a{c}b"))));
        assert_eq!(after, format!("{{\"k\": {escaped}}}\n"));
    }
}

/// Values come from a cluster, whose users may want a reviewer to see something else.
#[test]
fn what_hides_or_is_obeyed_is_written_as_an_escape() {
    let hostile = [
        "\u{202e}gpj.exe\u{2066}",
        "admin\u{200b}",
        "admin\u{3164}",
        "a\u{85}b: c",
        "a\u{2028}- b",
        "\u{e0041}\u{1d173}",
        "\u{9b}31m\u{7f}",
        "##vso[task.setvariable variable=a]b",
        "a\n##[error]b\n",
        "a\n\u{202e}b\n",
    ];
    let texts = [
        "a: b\n",
        "a: 'b'\n",
        "a: \"b\"\n",
        "a: |\n  b\n",
        "{a: b}\n",
        "{\"a\": \"b\"}\n",
        "{\n  \"a\": \"b\"\n}\n",
        "a:\n- b\n",
    ];
    for text in texts {
        for value in hostile {
            let (path, to) = match text.contains("- b") {
                true => ("a/#0", json!(value)),
                false => ("a", json!(value)),
            };
            let key = json!({ value: [value, { value: value }] });
            for after in [
                edited(text, path, Some(to)),
                edited(text, path, Some(json!([value]))),
                edited(text, path, Some(key)),
            ] {
                assert!(!after.contains(crate::facts::is_hidden), "{after:?}");
                assert!(!crate::facts::is_harmful(&after), "{after:?}");
                if text.starts_with("{\"") || text.starts_with("{\n") {
                    serde_json::from_str::<Value>(&after).unwrap();
                }
            }
        }
    }
}
