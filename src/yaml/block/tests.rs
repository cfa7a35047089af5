//! Compares the result of this parser with the general parser's result for the same text.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::ManifestStep;
use crate::yaml::build;
use crate::yaml::locate::locate_by_events;
use crate::yaml::split::split;

/// Parses each document of a text both ways, and returns how many of them were plain blocks.
#[track_caller]
fn agree(text: &str) -> usize {
    let mut plain = 0;
    for chunk in split(text).iter().filter(|chunk| chunk.problem.is_none()) {
        let Some(document) = read(chunk) else {
            continue;
        };
        plain += 1;
        let parsed = build::build(chunk);
        assert_eq!(parsed.problems, [], "{:?}", chunk.text);
        let [expected] = parsed.documents.as_slice() else {
            panic!("{} documents in {:?}", parsed.documents.len(), chunk.text);
        };
        assert_eq!(document.value, expected.value, "{:?}", chunk.text);
        assert_eq!(document.span, expected.span, "{:?}", chunk.text);
        assert_eq!(document.items, expected.items, "{:?}", chunk.text);
        agree_on_places(text, &document);
    }
    plain
}

/// Finds everything in a document both ways.
#[track_caller]
fn agree_on_places(text: &str, document: &YamlDocument) {
    let span = document.span;
    let node = &text[span.start..span.end];
    let mut ways = vec![vec![ManifestStep::Field("not there".to_owned())]];
    collect(&document.value, &mut Vec::new(), &mut ways);
    let all: Vec<&[ManifestStep]> = ways.iter().map(Vec::as_slice).collect();
    let expected = locate_by_events(node, span, 0, &all).unwrap();
    // Of long texts, not every field.
    for at in (0..ways.len()).step_by(1 + node.len() / 500) {
        let mut signposts = PathBranches::to(&[all[at]]);
        if find(node, span.position(), &mut signposts).is_some() {
            let found = signposts.all(&[all[at]], span);
            assert_eq!(found, [expected[at]], "{:?} in {node:?}", all[at]);
        }
    }
}

fn collect(value: &Value, way: &mut Vec<ManifestStep>, ways: &mut Vec<Vec<ManifestStep>>) {
    let fields = value.as_object().into_iter().flatten();
    let fields = fields.map(|(name, value)| (ManifestStep::Field(name.clone()), value));
    let items = value.as_array().into_iter().flatten().enumerate();
    let items = items.map(|(index, value)| (ManifestStep::Index(index), value));
    for (step, value) in fields.chain(items) {
        way.push(step);
        ways.push(way.clone());
        collect(value, way, ways);
        way.pop();
    }
}

#[test]
fn fields_of_plain_blocks_are_found_without_the_parser() {
    let text = "# c\na: b\nc:\n  - d\n  -\n    e: x\n  - f: [1]\n    \"g\": h\n";
    let ways: [&[ManifestStep]; 3] = [
        &[ManifestStep::Field("a".to_owned())],
        &[
            ManifestStep::Field("c".to_owned()),
            ManifestStep::Index(1),
            ManifestStep::Field("e".to_owned()),
        ],
        &[
            ManifestStep::Field("c".to_owned()),
            ManifestStep::Index(2),
            ManifestStep::Field("g".to_owned()),
        ],
    ];
    let mut signposts = PathBranches::to(&ways);
    let first = Position { line: 7, column: 3 };
    find(&text[4..], first, &mut signposts).unwrap();
    let places = signposts.all(&ways, TextSpan::default());
    let places: Vec<_> = places
        .iter()
        .map(|place| (place.line, place.column))
        .collect();
    assert_eq!(places, [(7, 3), (11, 5), (13, 5)]);
}

fn is_read(text: &str) -> bool {
    agree(text) == 1
}

/// Returns the texts of the YAML files below a folder.
fn texts(folder: &Path) -> Vec<String> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name();
    let files = files.into_iter().filter_map(Result::ok);
    let files = files.filter(|file| {
        let name = file.file_name().to_string_lossy();
        name.ends_with(".yaml") || name.ends_with(".yml")
    });
    files
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .collect()
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[test]
fn reads_the_fixtures_like_the_general_parser() {
    let plain: usize = texts(&fixtures()).iter().map(|text| agree(text)).sum();
    assert!(plain > 100, "{plain}");
}

#[test]
fn reads_ordinary_manifests_as_plain_blocks() {
    let texts = texts(&fixtures().join("shop/manifests"));
    let documents: usize = texts.iter().map(|text| split(text).len()).sum();
    let plain: usize = texts.iter().map(|text| agree(text)).sum();
    assert!(plain * 2 >= documents, "{plain} of {documents}");
}

#[test]
fn reads_what_manifests_contain() {
    for text in [
        "a: b\n",
        "a:\nb:   # nothing\nc: ~\n",
        "# c\n\na:\n  b: 1\n\n  # c\n  c: yes # why\n# end\n",
        "a:\n- b\n- c: d\n  e: 0644\n-\n  f: 1\n- - g\n  - h\n-\ni: 1.5\n",
        "a:\n  - b: |\n      one\n\n       two\n    c: |- # c\n     x\n\nd: e\n",
        "\"a b\": \"c\\n\\\"d\\\"\"\n'e': 'it''s \\n'\n",
        "a: [b, \"c, d\", 'e' , 1]\nb: []\nc: {}\n",
        "a: {b: c, \"d\": [e, {f: 1 }], on: {}} # g\nb:\n- {c: d}\n- [e]\n",
        "a: >-\n  b\n  c  d \n\n  e\n\n\n  f\nb: > # c\n  g\n\nc: d\n",
        "a: http://x:80/#y\nb: -c -d\nc: --e\nd: /f\ne: a'b\"c\n",
        "on: off\n8080: 0x10\n1.5: 1e3\n",
        "a: x\u{e9}\u{1f980}\n",
        "a: |+\n  b\n\n\nc: |2-\n   b\n  c\nd:\n- |1\n  e\n",
        "a: \"\\x41\\r\\u20ac\\U0001f980\\/\"\n",
        "a:\n- :80\n- ?b\n:c: d\n",
        "a: |+\n  b\n ",
        "a: |+\n  b\n\n ",
        "a: b",
    ] {
        assert!(is_read(text), "{text:?}");
    }
}

#[test]
fn leaves_unusual_text_to_the_general_parser() {
    for text in [
        "a: 1\na: 2\n",
        "a: &b 1\nc: *b\n",
        "a: !!str 1\n",
        "a: >\n  b\n   c\n",
        "a: >+\n  b\n",
        "a: |\n  b",
        "a: b\n  c\n",
        "a: \"b\n  c\"\n",
        "a: b: c\n",
        "a: b\n b: c\n",
        "a:\tb\n",
        "a: b\t\n",
        "a: 123456789012345678901234567890\n",
        "a: .inf\n",
        "~: a\n",
        "<<: {}\n",
        "? a\n: b\n",
        "a: [b: c]\n",
        "a: [b,\n  c]\n",
        "a: [b, ]\n",
        "a: {b: c, b: d}\n",
        "a: {b, c: d}\n",
        "a: {b:c}\n",
        "a: {b: }\n",
        "items: []\n",
        "- a\n",
        " a: b\n",
        "a\n",
        "a: b\r\n",
        "a: b\n...\n",
        "a: |\n\n  b\n",
        "a: \"b\" c\n",
        "a: \"\\x07\"\n",
        "a: \"\\ud800\"\n",
        "a: \"\\x+1\"\n",
        "a: >2\n   b\n",
        "a: |3\n  b\n",
        "a: |-2\n   b\n",
        "a: \u{85}\n",
    ] {
        assert!(!is_read(text), "{text:?}");
    }
}

#[test]
fn leaves_deep_nesting_to_the_general_parser() {
    let nested = |levels: usize| {
        let lines = (0..levels).map(|level| format!("{}a:\n", " ".repeat(level)));
        lines.collect::<String>()
    };
    assert!(is_read(&nested(DEEPEST)));
    assert!(!is_read(&nested(DEEPEST + 1)));
    assert!(!is_read(&format!("a:\n  {}b\n", "- ".repeat(10_000))));
    assert!(!is_read(&format!("{}: b\n", "a".repeat(LONGEST_KEY + 1))));
}

/// Pieces of lines, usual and unusual.
const PIECES: &[&str] = &[
    "a:",
    "b: c",
    "c:  1 # d",
    "- ",
    "-",
    "- a: b",
    "- - b",
    "- |",
    "a: |",
    "b: |-",
    "text here",
    "# comment",
    "#x",
    "",
    " ",
    "  ",
    "'q': \"x\"",
    "\"r\": 'y'",
    "a: [b, 'c']",
    "b: []",
    "c: {}",
    "d: \"e\\n\"",
    "e: f: g",
    "f: >",
    "g: &h i",
    "h: *h",
    "i: |+",
    "i: |2",
    "- |1-",
    "j: \"\\x41\\u00e9\\r\"",
    ":k: l",
    "- :m",
    "- ?n",
    "j: -1",
    "k: - 1",
    "yes: no",
    "l: [a, b",
    "m: {a: b}",
    "n: \"o",
    "p: 'it''s'",
    "q: #r",
    "s: t#u",
    "v :w",
    "x : y",
    "z: :a",
    "\ta: b",
    "a:\tb",
    "b: c\t",
    "?",
    "? a",
    ": b",
    "!",
    "%a",
    "@",
    "...",
    "a: ''",
    "b: \"\"",
    "- 'a': b",
    "- \"a\": |",
    "<<: a",
    "\u{e9}: \u{2028}",
    "a: \u{e9}",
    "a: \u{feff}b",
    "[a]",
    "{}",
    "a: 1 2",
    "- # c",
    "a: # c",
    "a: | # c",
    "a: |# c",
    "a: \"b\"# c",
    "a: \"b\" # c",
    "- [a]: b",
    "a: [b]: c",
    "~: a",
    "0x1F: 017",
    "-a: b",
    "--a",
    "a:b",
    "- a:b",
    "a: b:",
    "a::",
    "a: ::b",
];

fn lines() -> impl Strategy<Value = String> {
    let line = (0_usize..7, proptest::sample::select(PIECES));
    let line = line.prop_map(|(indent, piece)| format!("{}{piece}\n", " ".repeat(indent)));
    proptest::collection::vec(line, 1..9).prop_map(|lines| lines.concat())
}

/// Returns ordinary manifests with a few of their characters replaced.
fn mistakes() -> impl Strategy<Value = String> {
    let texts = texts(&fixtures().join("shop/manifests"));
    let documents: Vec<String> = texts
        .iter()
        .flat_map(|text| split(text).into_iter().map(|chunk| chunk.text.to_owned()))
        .filter(|text| text.len() < 2000)
        .collect();
    let place = any::<proptest::sample::Index>();
    let sign = proptest::sample::select(b" \n\t:-#|>'\"[]{}&*!,\\a0~".as_slice());
    let mistake = (place, sign, 0_usize..3);
    let mistakes = proptest::collection::vec(mistake, 1..4);
    (proptest::sample::select(documents), mistakes).prop_map(|(text, mistakes)| {
        let mut bytes = text.into_bytes();
        for (place, sign, length) in mistakes {
            let at = place.index(bytes.len());
            let end = bytes.len().min(at + length);
            bytes.splice(at..end, [sign]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reads_any_lines_like_the_general_parser(text in lines()) {
        agree(&text);
    }

    #[test]
    fn reads_mistakes_like_the_general_parser(text in mistakes()) {
        agree(&text);
    }

    #[test]
    fn reads_any_text_like_the_general_parser(text in "[a:\\-#|'\" \n\\[\\],]{0,24}\n") {
        agree(&text);
    }
}
