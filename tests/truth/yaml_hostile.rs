//! Tests malicious texts: each is parsed or refused in limited time and memory, and no message
//! quotes its content.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use driftctl::model::ManifestStep;
use driftctl::yaml::{self, ParsedYaml};
use proptest::prelude::*;

/// The time limit for a text of a few megabytes, in an unoptimized build on a busy machine: enough
/// for a second of work, but not for an endless loop.
const PATIENCE: Duration = Duration::from_secs(30);

fn read(text: &str) -> ParsedYaml {
    let begin = Instant::now();
    let parsed = yaml::parse(text);
    let took = begin.elapsed();
    assert!(took < PATIENCE, "{took:?} for {} bytes", text.len());
    parsed
}

/// Parses a text that must be refused, and returns the first problem.
fn refused(text: &str) -> String {
    let parsed = read(text);
    assert!(parsed.documents.is_empty(), "{} bytes are read", text.len());
    parsed.problems[0].to_string()
}

#[test]
fn refuses_deep_nesting() {
    const DEPTH: usize = 100_000;
    let block_sequence = "- ".repeat(DEPTH);
    let block_mapping: String = (0..5_000).map(|depth| " ".repeat(depth) + "a:\n").collect();
    let keys = "? ".repeat(DEPTH);
    for text in [
        "[".repeat(DEPTH),
        "[".repeat(DEPTH) + &"]".repeat(DEPTH),
        "{a: ".repeat(DEPTH),
        "{\"a\":".repeat(DEPTH) + "1" + &"}".repeat(DEPTH),
        format!(
            "{{\"items\":[{}1{}]}}",
            "[".repeat(DEPTH),
            "]".repeat(DEPTH)
        ),
        format!("{{\"items\":{}1{}}}", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        format!("a: {}", "[".repeat(DEPTH)),
        block_sequence,
        block_mapping,
    ] {
        let problem = refused(&text);
        assert!(
            problem.contains("nested more than 1000 levels deep"),
            "{problem}"
        );
    }
    refused(&keys);
}

#[test]
fn refuses_deep_nesting_in_a_second_json_object() {
    let deep = "{\"a\":".repeat(5_000) + "1" + &"}".repeat(5_000);
    let parsed = read(&format!("{{\"a\":1}}\n{deep}\n{{\"b\":2}}"));
    assert_eq!(parsed.documents.len(), 2);
    assert_eq!(parsed.problems.len(), 1);
    assert_eq!(parsed.problems[0].position.line, 2);
}

#[test]
fn reads_writes_and_drops_a_thousand_levels() {
    let text = "[".repeat(yaml::MAX_DEPTH) + &"]".repeat(yaml::MAX_DEPTH);
    let parsed = read(&text);
    assert_eq!(parsed.problems, []);
    let copy = parsed.documents[0].value.clone();
    assert_eq!(copy, parsed.documents[0].value);
    assert_eq!(copy.to_string(), text);
}

#[test]
fn limits_aliases() {
    let doubling: String = (1..60)
        .map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1))
        .collect();
    let long = format!("a: &a {}\n{}", "x".repeat(100_000), "- *a\n".repeat(100));
    let long_in_list = long.replacen("a: &a", "- &a", 1);
    let long_in_list = long_in_list.replace("- *a", &format!("- [{}]", "*a, ".repeat(100)));
    // Each anchor keeps a copy of its content.
    let nested: String = (0..900).map(|level| format!("&n{level} [")).collect();
    let nested = nested + &"y".repeat(1_000_000) + &"]".repeat(900);
    let merged = format!(
        "- &a {{{}}}\n{}",
        (0..1000)
            .map(|key| format!("k{key}: 1, "))
            .collect::<String>(),
        "- {<<: *a}\n".repeat(2_000),
    );
    for text in [
        format!("a0: &a0 [x, x]\n{doubling}"),
        long_in_list,
        nested,
        merged,
    ] {
        let problem = refused(&text);
        assert!(problem.contains("more memory"), "{problem}");
    }
    assert!(refused("a: &a [*a]").contains("inside the value that it refers to"));
    assert!(refused("a: &a {<<: *a}").contains("inside the value that it refers to"));
}

#[test]
fn limits_dense_texts() {
    for text in [
        "[".to_owned() + &"{a},".repeat(500_000) + "]",
        "{\"b\":[".to_owned() + &"{\"\":0},".repeat(500_000) + "0]}",
    ] {
        let problem = refused(&text);
        assert!(problem.contains("more memory"), "{problem}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    let mut names = String::new();
    for name in 0..100_000 {
        names += &format!("- &n{name} x\n");
    }
    for text in [
        names,
        "---\n".repeat(500_000),
        "--- [\n".repeat(50_000),
        "a: [\n---\n".repeat(50_000),
        "-".repeat(1_000_000),
        "#".repeat(1_000_000),
        "a".repeat(1_000_000),
        "a ".repeat(500_000),
        "a: ".repeat(300_000),
        "\n".repeat(1_000_000),
        "\r".repeat(1_000_000),
        "a\r".repeat(300_000),
        "{}".repeat(200_000),
        "{} ".repeat(200_000) + "]",
        "'".repeat(1_000_000),
        "\"\\".repeat(500_000),
        format!("a: \"{}\"", "x\n".repeat(100_000)),
        format!("a: |\n{}", " x\n".repeat(200_000)),
        "? a\n".repeat(100_000),
        "!".repeat(1_000_000),
        "&".repeat(1_000_000),
        "%".repeat(1_000_000),
        "\u{feff}".repeat(300_000),
        "{{".repeat(500_000),
    ] {
        read(&text);
    }
}

/// Words that no message may contain.
const SECRET: &str = "hunter2correcthorse";

#[test]
fn messages_never_quote_the_text() {
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  {SECRET}: {SECRET}\n  \
         b: \"{SECRET}\"\n  c: |\n    {SECRET}\n"
    );
    let breaks = [
        "\t",
        "@",
        "`",
        "%",
        "[",
        "{",
        "}",
        "]",
        ": : ",
        "- ",
        "*",
        "&",
        "!",
        "'",
        "\"",
        "? ",
        "\u{feff}",
        "\0",
        "<<: 1\n",
        "*hunter2correcthorse",
        "!!int hunter2correcthorse ",
        "!!binary hunter2correcthorse ",
        "!x!hunter2correcthorse ",
        "{{ .hunter2correcthorse }}",
        "&hunter2correcthorse *hunter2correcthorse",
        "%hunter2correcthorse\n",
        "--- hunter2correcthorse\n",
        "|hunter2correcthorse",
        "\"\\hunter2correcthorse\"",
    ];
    let mut problems = 0;
    for at in 0..text.len() {
        for insert in breaks {
            let (before, after) = text.split_at(at);
            let parsed = yaml::parse(&format!("{before}{insert}{after}"));
            for problem in parsed.problems {
                problems += 1;
                assert!(
                    !problem.message.contains("hunter2") && !problem.message.contains("horse"),
                    "{}",
                    problem.message
                );
            }
        }
    }
    assert!(problems > 1000, "{problems}");
}

/// Returns the fixtures that are text, as seeds.
fn seeds() -> Vec<String> {
    let mut paths: Vec<_> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/yaml"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
    paths.sort();
    let mut seeds: Vec<String> = paths
        .iter()
        .filter_map(|path| yaml::decode(fs::read(path).unwrap()).ok())
        .filter(|text| text.len() < 2_000)
        .collect();
    seeds.push("{\"items\":[{\"a\":1},{\"b\":[true,null,1.5e3]}],\"kind\":\"List\"}".to_owned());
    seeds
}

/// Returns a seed with some of its bytes replaced, removed, or repeated.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\n", " ", "  ", "\t", ":", ": ", "- ", "?", "#", "|", ">", "'", "\"", "\\", "{", "}", "[",
        "]", ",", "&a ", "*a", "!", "!!str ", "<<: ", "---\n", "...\n", "%", "@", "\r", "\u{feff}",
        "\u{85}", "\u{2028}", "é", "\0", "0", "~", "1e9", "null",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, pieces), 1..8);
    (prop::sample::select(seeds()), edits).prop_map(|(mut text, edits)| {
        for (at, removed, piece) in edits {
            let boundary = |mut at: usize, text: &str| {
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let start = boundary(at.index(text.len() + 1), &text);
            let end = boundary((start + removed).min(text.len()), &text).max(start);
            text.replace_range(start..end, piece);
        }
        text
    })
}

/// `PROPTEST_CASES` sets the number of cases.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(2_000),
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    /// Nothing panics, every position is in the text, and every document can be searched.
    #[test]
    fn any_text_is_read_or_refused(text in mutated()) {
        let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
        let parsed = yaml::parse(&text);
        for problem in &parsed.problems {
            prop_assert!((1..=lines + 1).contains(&problem.position.line));
            prop_assert!(text.get(problem.chunk.start..problem.chunk.end).is_some());
        }
        let path = [ManifestStep::Field("metadata".into()), ManifestStep::Field("name".into())];
        for document in &parsed.documents {
            for span in document.items.iter().chain([&document.span]) {
                prop_assert!(text.get(span.start..span.end).is_some());
                prop_assert!((1..=lines).contains(&span.line));
                prop_assert!(yaml::locate(&text, *span, &path).is_some());
                let _ = yaml::items_within(&text, *span);
            }
        }
    }

    /// Bytes that are not text do no harm.
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = yaml::decode(bytes) {
            yaml::parse(&text);
        }
    }

    /// Both parsers read text written as JSON in the same way.
    #[test]
    fn json_is_yaml(value in json_values()) {
        let json = serde_json::json!({"a": value}).to_string();
        let by_json = yaml::parse(&json);
        // The comment selects the general parser.
        let by_yaml = yaml::parse(&format!("# YAML\n{json}"));
        prop_assert_eq!(&by_json.problems, &[]);
        prop_assert_eq!(&by_json.documents[0].value, &by_yaml.documents[0].value);
    }

    /// Every field is found where it is written.
    #[test]
    fn fields_are_found(value in json_values()) {
        let text = format!("# one field\na:\n  b: {}\n", serde_json::json!([0, value]));
        let parsed = yaml::parse(&text);
        prop_assert_eq!(&parsed.problems, &[]);
        let path = [ManifestStep::Field("a".into()), ManifestStep::Field("b".into()), ManifestStep::Index(1)];
        let place = yaml::locate(&text, parsed.documents[0].span, &path).unwrap();
        prop_assert_eq!((place.line, place.column), (3, 9));
    }
}

/// Returns small JSON values, with keys and texts that YAML reads differently unless they are
/// quoted.
fn json_values() -> impl Strategy<Value = serde_json::Value> {
    let words = prop::sample::select(vec![
        "yes", "on", "y", "~", "", "0644", "1:30", "<<", "é", "a b", "\n",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e15..1e15).prop_map(|value: f64| value.into()),
        words.clone().prop_map(Into::into),
        "[ -~é\t]{0,10}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(words.clone(), inner, 0..6).prop_map(|map| {
                map.into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}
