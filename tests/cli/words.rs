//! The words that people read: help and documents use the terms of Kubernetes, and no others for the same
//! thing.

use std::fs;
use std::path::Path;

/// Words that are not used, and what to write instead, or why.
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
    for path in documents.chain([root.join("README.md"), root.join("CHANGELOG.md")]) {
        let text = fs::read_to_string(&path).unwrap();
        assert_plain(&path.display().to_string(), &text);
    }
}
