//! Checks that help, documents and code use the terms of Kubernetes, and one word for one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Words to avoid, and what to write instead, or why.
const AVOIDED: &[(&str, &str)] = &[
    ("whoever", "name the role: the author, the applier"),
    (
        "list map",
        "associative list, the term of the API documentation",
    ),
    ("told apart", "identified by"),
    ("is to be said", "say it: reported, printed"),
    ("heeded", "used, followed"),
    ("for a living", "a joke that has to be translated"),
    ("in thought", "dry run"),
    ("witness", "courtroom; evidence or trace"),
    ("guilty", "courtroom"),
    ("excused", "courtroom; explained"),
    ("is none of", "is not one of"),
    ("is no drift", "is not drift"),
    ("is no text", "is not text; is not a string"),
    ("is no object", "is not an object"),
    ("is no file", "is not a file"),
    ("is no mapping", "is not a mapping"),
    ("is no number", "is not a number"),
    (" anew", "again; update"),
    (" lies in", "is in"),
    (" lies outside", "is outside"),
    ("as it lies", "unrendered; from the work tree"),
    ("as they lie", "unrendered; from the work tree"),
    ("outside of", "outside"),
    ("all that it", "everything that it"),
    ("one a line", "one per line"),
    ("take back", "undo, the flag's own word"),
    ("taken back", "undone"),
    (
        " somebody ",
        "someone, anyone, or the role: the author, the user",
    ),
    (" everybody ", "everyone"),
    ("what is to be", "name it: the plan, the warnings"),
    ("which is not there", "missing; does not exist"),
    ("told what", "gets; is asked"),
    ("are told", "are reported, are listed"),
    ("are said", "are reported"),
    ("stands beside", "is next to"),
    ("stand beside", "are next to"),
    ("stands behind", "follows"),
    ("as though", "as if"),
    ("that which", "the value that"),
    ("put down to", "attributed to"),
    ("carry alike", "have in common"),
    ("at a click", "with a click"),
    ("without a word", "silently"),
    ("makes pods", "Pod controllers"),
    ("spelled anew", "rewritten"),
    ("led back to", "found at"),
    ("for want of", "because … is missing"),
    ("comes to what", "results in"),
    ("slip past", "bypass"),
    ("all-clear", "\"no drift\""),
    ("fn asked(", "a function says what it returns"),
    (
        "there is none",
        "name what is missing: no record has this ID",
    ),
    ("there are none", "name what is missing"),
];

fn assert_plain(what: &str, text: &str) {
    let text = text.to_lowercase();
    for (word, instead) in AVOIDED {
        assert!(!text.contains(word), "{what} says \"{word}\": {instead}");
    }
}

#[test]
fn help_uses_the_terms_of_kubernetes() {
    let mut command = driftctl::cli::command();
    command.build();
    let mut waiting = vec![command];
    let mut count = 0;
    while let Some(mut command) = waiting.pop() {
        let help = command.render_long_help().to_string();
        assert_plain(command.get_name(), &help);
        waiting.extend(command.get_subcommands().cloned());
        count += 1;
    }
    assert!(count > 15, "{count} commands");
}

#[test]
fn documents_use_the_terms_of_kubernetes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let documents = docs.filter(|path| path.extension().is_some_and(|e| e == "md"));
    let others = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "action.yml"];
    for path in documents.chain(others.map(|name| root.join(name))) {
        let text = fs::read_to_string(&path).unwrap();
        assert_plain(&path.display().to_string(), &text);
    }
}

/// Checks comments, messages and names. Snapshots and tables of facts are not prose.
#[test]
fn code_uses_the_terms_of_kubernetes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "benches"].map(|name| walkdir::WalkDir::new(root.join(name)));
    let files = folders.into_iter().flatten().map(Result::unwrap);
    let is_code = |path: &Path| {
        path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests/cli/words.rs")
    };
    let mut count = 0;
    for file in files.filter(|file| is_code(file.path())) {
        let text = fs::read_to_string(file.path()).unwrap();
        assert_plain(&file.path().display().to_string(), &text);
        count += 1;
    }
    assert!(count > 400, "{count} files");
}

/// Words in names of tests that read like proverbs: a name says what the code does.
const PROVERBS: &[&str] = &[
    "_is_no_",
    "_are_no_",
    "_is_none",
    "_is_told",
    "_are_told",
    "_is_said",
    "_are_said",
    "_anew",
    "_somebody",
    "_alike",
    "_beside_",
    "_lies_",
    "_nobody_is",
    "_goes_by",
    "_keeps_to_",
    "_has_a_say",
];

#[test]
fn names_of_tests_say_what_the_code_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests"].map(|name| walkdir::WalkDir::new(root.join(name)));
    let mut count = 0;
    for file in folders.into_iter().flatten().map(Result::unwrap) {
        if file.path().extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(file.path()).unwrap();
            for test in text.split("#[test]").skip(1) {
                let name = test.split("fn ").nth(1).unwrap_or_default();
                let name = name.split('(').next().unwrap_or_default();
                let plain = name.replace("_no_longer", "");
                let found = PROVERBS.iter().find(|word| plain.contains(*word));
                assert_eq!(found, None, "{}: {name}", file.path().display());
                count += 1;
            }
        }
    }
    assert!(count > 1500, "{count} tests");
}

/// Names of types that say nothing, or mean something else in each module. A type is named after
/// what it holds, so that it can be guessed and searched for.
const VAGUE: &[&str] = &[
    "Account",
    "Again",
    "All",
    "Answer",
    "Asked",
    "At",
    "Back",
    "Both",
    "Candidate",
    "Data",
    "Done",
    "Each",
    "Entry",
    "Expected",
    "Fate",
    "Fetched",
    "Form",
    "Found",
    "Given",
    "Ground",
    "Hands",
    "Here",
    "Hit",
    "How",
    "Info",
    "Item",
    "Judged",
    "Kept",
    "Key",
    "Kind",
    "Known",
    "Left",
    "Level",
    "Made",
    "Manner",
    "Map",
    "Mark",
    "Meant",
    "Name",
    "Names",
    "Node",
    "Object",
    "Once",
    "One",
    "Outcome",
    "Part",
    "Parts",
    "Place",
    "Places",
    "Planned",
    "Reach",
    "Reading",
    "Said",
    "Says",
    "Scope",
    "Seen",
    "Sent",
    "Side",
    "Sides",
    "Sight",
    "Spot",
    "State",
    "Step",
    "Subject",
    "Taken",
    "Target",
    "Text",
    "Thing",
    "Told",
    "Tool",
    "Touch",
    "Tried",
    "Unfit",
    "Unit",
    "Use",
    "Used",
    "Wanted",
    "Way",
    "What",
    "Which",
    "Whose",
    "Why",
    "Wish",
    "Word",
    "Work",
];

/// Returns the lines of every file of the crate, without tests, and the file.
fn lines_of_the_crate() -> impl Iterator<Item = (String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let files = files.map(|file| file.unwrap().into_path());
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    files.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(str::to_owned).collect();
        (path.display().to_string(), lines)
    })
}

/// Returns the rest of a line after visibility and qualifiers.
fn item(line: &str) -> &str {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) => match rest.strip_prefix('(') {
            Some(within) => within.split_once(") ").map_or("", |(_, rest)| rest),
            None => rest.trim_start(),
        },
        None => line,
    };
    let line = line.strip_prefix("const ").unwrap_or(line);
    line.strip_prefix("async ").unwrap_or(line)
}

#[test]
fn a_type_name_is_defined_once_and_says_what_the_type_is() {
    let mut defined: BTreeMap<String, String> = BTreeMap::new();
    for (path, lines) in lines_of_the_crate() {
        for line in lines.iter().filter(|line| !line.starts_with(' ')) {
            let keywords = ["struct ", "enum ", "trait ", "type "];
            let mut names = keywords
                .iter()
                .filter_map(|word| item(line).strip_prefix(word));
            let Some(name) = names.next() else { continue };
            let end = name.find(|c: char| !c.is_alphanumeric());
            let name = &name[..end.unwrap_or(name.len())];
            assert!(!VAGUE.contains(&name), "{path}: {name} says nothing");
            if let Some(other) = defined.insert(name.to_owned(), path.clone()) {
                panic!("{name} is defined in {other} and in {path}");
            }
        }
    }
    assert!(defined.len() > 700, "{} types", defined.len());
}

/// Plural nouns that look like verbs in the third person.
const NOUNS: &[&str] = &[
    "Always",
    "Fields",
    "Messages",
    "Objects",
    "Paths",
    "Patterns",
    "Policies",
    "Responses",
    "Secrets",
    "This",
    "Unless",
    "Values",
];

/// The exception is a test: its comment says why the code has to behave like this.
#[test]
fn the_comment_of_a_function_begins_with_a_verb() {
    let mut count = 0;
    for (path, lines) in lines_of_the_crate() {
        let mut comment: Option<&str> = None;
        let mut is_test = false;
        for line in lines.iter().map(|line| line.trim()) {
            if let Some(text) = line.strip_prefix("///") {
                comment = comment.or(Some(text.trim()));
            } else if line.starts_with("#[") {
                is_test |= line.starts_with("#[test]");
            } else if !line.starts_with(')') {
                let text = comment.take().filter(|_| item(line).starts_with("fn "));
                if let Some(text) = text.filter(|_| !is_test) {
                    let first = text.split_whitespace().next().unwrap_or_default();
                    let first = first.trim_end_matches([',', '.', ':']);
                    let is_verb = first.ends_with('s')
                        && first.starts_with(|c: char| c.is_ascii_uppercase())
                        && !NOUNS.contains(&first);
                    assert!(is_verb, "{path}: \"{text}\"");
                    count += 1;
                }
                is_test = false;
            }
        }
    }
    assert!(count > 3000, "{count} functions");
}

/// Lists of values, by the name of the property that has them.
type Values = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// Returns the tables of `docs/json.md`, by the first word of their headings.
fn documented_values() -> Values {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/json.md")).unwrap();
    let mut found = Values::new();
    for section in text.split("\n## ").skip(1) {
        let heading = section.split_whitespace().next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let values = rows.map(|row| row.split('`').next().unwrap().to_owned());
        let property = if heading == "explained" {
            "by"
        } else {
            heading
        };
        found
            .entry(property.to_owned())
            .or_default()
            .insert(values.collect());
    }
    found
}

/// Returns the values that the schemas list.
fn values_of_schemas() -> Values {
    fn walk(schema: &Value, found: &mut Values) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let values = property["enum"].as_array().into_iter().flatten();
            let values: BTreeSet<_> = values
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            if !values.is_empty() {
                found.entry(name.clone()).or_default().insert(values);
            }
        }
        for (_, below) in schema["$defs"].as_object().into_iter().flatten() {
            walk(below, found);
        }
    }
    let mut found = Values::new();
    for document in driftctl::output::SCHEMAS {
        walk(&(document.schema)(), &mut found);
    }
    found
}

#[test]
fn the_values_of_the_documents_are_documented() {
    let (schemas, documented) = (values_of_schemas(), documented_values());
    assert!(documented.len() > 10, "{documented:?}");
    assert_eq!(documented, schemas, "docs/json.md and the schemas");
}
