use serde_json::{Value, json};

use super::*;

/// Parses `spec/containers/#0/image`; `~1` is a slash.
fn steps(path: &str) -> Vec<ManifestStep> {
    let steps = path.split('/').map(|step| match step.strip_prefix('#') {
        Some(index) => ManifestStep::Index(index.parse().unwrap()),
        None => ManifestStep::Field(step.replace("~1", "/")),
    });
    steps.collect()
}

#[track_caller]
fn edited(text: &str, path: &str, to: Option<Value>) -> String {
    edit(text, 1, &steps(path), to.as_ref()).unwrap()
}

#[test]
fn edits_tricky_layouts_as_a_person_would() {
    let cases: Value =
        serde_json::from_str(include_str!("../../fixtures/edits/cases.json")).unwrap();
    let mut failed = Vec::new();
    for case in cases.as_array().unwrap() {
        let text = |field: &str| case[field].as_str().unwrap();
        let document = case["document"].as_u64().unwrap() as usize + 1;
        let to = case["op"].get("set");
        let after = edit(text("before"), document, &steps(text("path")), to);
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
fn keeps_the_other_items_of_a_list_and_their_comments() {
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
fn a_new_first_item_leaves_the_comment_with_its_item() {
    let to = || Some(json!([{"x": 0}, {"x": 1}]));
    for (before, after) in [
        (
            "a:\n  # one\n  # more\n  - x: 1\n",
            "a:\n  - x: 0\n  # one\n  # more\n  - x: 1\n",
        ),
        ("a: # list\n- x: 1\n", "a: # list\n- x: 0\n- x: 1\n"),
        (
            "# top\na:\n    # deep\n  - x: 1\n",
            "# top\na:\n    # deep\n  - x: 0\n  - x: 1\n",
        ),
    ] {
        assert_eq!(edited(before, "a", to()), after);
    }
    let top = "# one\n- x: 1\n";
    let after = edit(top, 1, &[], to().as_ref()).unwrap();
    assert_eq!(after, "- x: 0\n# one\n- x: 1\n");
}

#[test]
fn a_block_whose_lines_begin_with_spaces_is_indented_from_its_key() {
    let four = "a:\n    b:\n        c: x\n";
    assert_eq!(
        edited(four, "a/b/c", Some(json!("  one\ntwo\n"))),
        "a:\n    b:\n        c: |4\n              one\n            two\n"
    );
    assert_eq!(
        edited("a: x\n", "a", Some(json!("\tone\ntwo\n"))),
        "a: |2\n  \tone\n  two\n"
    );
}

#[test]
fn a_block_that_becomes_quoted_keeps_the_comment_behind_its_header() {
    for (before, to, after) in [
        (
            "a: |2\t# why 2\n    x\n   y\nb: 1\n",
            "  x\n # y\n",
            "a: \"  x\\n # y\\n\" # why 2\nb: 1\n",
        ),
        (
            "a: |-  # c29\n  x\n  y\nb: 1\n",
            "x\nz",
            "a: |-  # c29\n  x\n  z\nb: 1\n",
        ),
        (
            "a: |+ # keep\n  x\n\nb: 1\n",
            " x\n",
            "a: \" x\\n\" # keep\n\nb: 1\n",
        ),
    ] {
        assert_eq!(edited(before, "a", Some(json!(to))), after);
    }
}

#[test]
fn refuses_to_edit_values_shared_through_anchors() {
    let text = "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n";
    assert_eq!(
        edit(text, 1, &steps("a/k"), Some(&json!(2))),
        Err(EditRefusal::Shared(1))
    );
    assert_eq!(
        edit(text, 1, &steps("b/k"), Some(&json!(2))),
        Err(EditRefusal::Shared(2))
    );
    // An own key overrides a merged one.
    assert_eq!(
        edited(text, "c/k", Some(json!(2))),
        "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  k: 2\n"
    );
}

#[test]
fn quotes_text_that_some_yaml_parsers_read_as_another_type() {
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
fn edits_every_field_of_real_manifests() {
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
            let mut paths = Vec::new();
            leaves(&document.value, &mut Vec::new(), &mut paths);
            for path in paths.iter().step_by(3) {
                for to in [Some(json!("changed")), Some(json!({"k": [1, "y"]})), None] {
                    match edit(&text, document.number, path, to.as_ref()) {
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

fn leaves(value: &Value, path: &mut Vec<ManifestStep>, found: &mut Vec<Vec<ManifestStep>>) {
    let mut below = |step: ManifestStep, value: &Value| {
        path.push(step);
        leaves(value, path, found);
        path.pop();
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                below(ManifestStep::Field(name.clone()), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                below(ManifestStep::Index(index), value);
            }
        }
        _ => found.push(path.clone()),
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
fn keeps_the_last_line_break_of_a_block_at_the_end() {
    let path = [ManifestStep::Field("a".into())];
    let edited = edit("a: |-\n  x\n", 1, &path, Some(&"y\nz".into())).unwrap();
    assert_eq!(edited, "a: |-\n  y\n  z\n");
    let edited = edit("a: |\n  x\n", 1, &path, Some(&"y\n".into())).unwrap();
    assert_eq!(edited, "a: |\n  y\n");
}

#[test]
fn writes_the_right_number_of_blank_lines_into_a_keep_block() {
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
fn aligns_a_key_with_the_anchor_before_it() {
    let text = "a:\n  &k x: 1\n";
    assert_eq!(
        edited(text, "a/z", Some(json!("2"))),
        "a:\n  &k x: 1\n  z: \"2\"\n"
    );
}

#[test]
fn refuses_to_remove_an_anchor_that_has_aliases() {
    let text = "a:\n- n: 1\n  v: &x q\n- n: 2\nb: *x\n";
    assert_eq!(
        edit(text, 1, &steps("a/#0"), None),
        Err(EditRefusal::Shared(3))
    );
}

#[test]
fn escapes_line_breaks_of_older_yaml_versions() {
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

/// Values come from a cluster, whose users may want to mislead a reviewer.
#[test]
fn escapes_invisible_text_and_terminal_commands() {
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

#[test]
fn empties_maps_and_lists_that_have_comments() {
    let map = "data: # all\n    b: \"1\"   # one\n    # end\n# tail\n";
    assert_eq!(
        edited(map, "data", Some(json!({}))),
        "data: {} # all\n    # end\n# tail\n"
    );
    let list = "stages: # all\r\n- a: true\r\n  # inside\r\n  b: [] \r\nz: 1\r\n";
    assert_eq!(
        edited(list, "stages", Some(json!([]))),
        "stages: [] # all\r\nz: 1\r\n"
    );
}

#[test]
fn a_file_without_a_final_line_break_gets_none() {
    let text = "a: 1\n\nb: 2 # last";
    assert_eq!(edited(text, "b", None), "a: 1");
}

#[test]
fn edits_files_with_long_commented_out_parts() {
    let long = "# kind: Secret\n".repeat(500);
    let text = format!("a: 1\nb:\n{long}");
    let expected = text.replace("a: 1", "a: 2");
    assert_eq!(edited(&text, "a", Some(json!(2))), expected);
}

#[test]
fn edits_one_document_after_another() {
    let text = "# first\na: 1 # one\nb: 2\n---\n# only a comment\n---\na: 1\n---\na: [1, 2]\n";
    let mut edited = EditableText::new(text.to_owned());
    assert_eq!(edited.value(2), Some(json!({"a": 1})));
    assert_eq!(edited.value(4), None);
    edited
        .edit(1, &[], Some(&json!({"a": 5, "c": 6, "d": 7})))
        .unwrap();
    edited
        .edit(2, &[], Some(&json!({"a": "x\n---\ny"})))
        .unwrap();
    edited.edit(3, &[], Some(&json!({"a": [3]}))).unwrap();
    let expected = "# first\na: 5 # one\nc: 6\nd: 7\n---\n# only a comment\n---\na: |-\n  x\n  ---\n  \
                    y\n---\na: [3]\n";
    assert_eq!(edited.text(), expected);
    assert_eq!(edited.value(3), Some(json!({"a": [3]})));
    let shared = "---\na: &x 1\nb: *x\n";
    let refused = EditableText::new(shared.to_owned()).edit(1, &[], Some(&json!({"a": 2, "b": 1})));
    assert_eq!(refused, Err(EditRefusal::Shared(2)));
}

#[test]
fn many_edits_take_one_pass() {
    let map = |value: &str, from: usize| -> Value {
        let fields = (from..from + 2000).map(|at| (format!("k{at:05}"), value.into()));
        Value::Object(fields.collect())
    };
    let lines = (0..2000).map(|at| format!("k{at:05}: a # c{at}\n"));
    let text: String = lines.collect();
    let begun = std::time::Instant::now();
    let edited = edit(&text, 1, &[], Some(&map("b", 0))).unwrap();
    assert_eq!(edited, text.replace(": a", ": b"));
    let edited = edit(&edited, 1, &[], Some(&map("b", 1000))).unwrap();
    assert_eq!(yaml::parse(&edited).documents[0].value, map("b", 1000));
    assert!(begun.elapsed().as_secs() < 60);
}
