//! Checks which modules may use which, by the floors that `src/lib.rs` lists, and other rules for
//! modules.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each module. A module uses only the floors below its own.
const FLOORS: &[(&str, u8)] = &[
    ("main", 6),
    ("lib", 6),
    ("cli", 5),
    ("engine", 4),
    ("judge", 3),
    ("source", 2),
    ("cluster", 2),
    ("config", 2),
    ("jq", 2),
    ("signals", 2),
    ("state", 2),
    ("output", 2),
    ("admission", 1),
    ("schema", 1),
    ("ownership", 1),
    ("compare", 1),
    ("policy", 1),
    ("redact", 1),
    ("patch", 1),
    ("edit", 1),
    ("yaml", 1),
    ("model", 0),
    ("facts", 0),
];

/// Uses of a neighbour on the same floor, with the reason.
const NEIGHBOURS: &[(&str, &str, &str)] = &[
    ("compare", "schema", "values mean what their types say"),
    (
        "compare",
        "ownership",
        "undeclared paths are explained by their owners",
    ),
    ("ownership", "yaml", "managed fields are found in the text"),
    ("policy", "compare", "rules explain while it walks"),
    ("edit", "yaml", "edited text is parsed again"),
    (
        "admission",
        "policy",
        "selectors and globs are those of rules",
    ),
    (
        "admission",
        "schema",
        "policies see objects as the server stores them",
    ),
    ("source", "cluster", "some declared state is in the cluster"),
    (
        "source",
        "signals",
        "renderers are stopped and their folders deleted",
    ),
    ("cluster", "signals", "a signal stops reading"),
];

/// Where the process's own streams are used, with the reason.
const STREAM_HANDLERS: &[(&str, &str)] = &[
    ("cli/streams.rs", "passes the streams to everything else"),
    ("cli/environment.rs", "asks whether they are terminals"),
    ("cli/panics.rs", "no streams are passed to a panic hook"),
    ("signals.rs", "no streams are passed to a signal handler"),
    (
        "cluster/api/exec.rs",
        "a credential plugin may ask at a terminal",
    ),
    (
        "cli/commands/browse/screen.rs",
        "restores the terminal when the process ends at once",
    ),
];

const LONGEST_MODULE: usize = 800;

const LONGEST_FUNCTION: usize = 100;

/// A file of the sources.
pub(crate) struct Module {
    /// Relative to `src`, with forward slashes.
    pub(crate) path: String,
    text: String,
}

impl Module {
    /// Returns the top-level module of a file: `cli` for `cli/commands/diff.rs`.
    fn name(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn floor(&self) -> u8 {
        floor(self.name())
            .unwrap_or_else(|| panic!("{}: give this module a floor in FLOORS", self.path))
    }

    /// Returns the code without comments and without the test module (`tests.rs` is a test module
    /// in its own file).
    pub(crate) fn code(&self) -> String {
        if self.path.ends_with("/tests.rs") {
            return String::new();
        }
        let shipped = self.text.split("#[cfg(test)]\nmod ").next().unwrap();
        shipped
            .lines()
            .map(|line| if is_comment(line) { "" } else { line })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Returns the numbered lines of code outside tests that contain one of `words`.
    fn lines_with(&self, words: &[&str]) -> Vec<String> {
        let code = self.code();
        let lines = code.lines().enumerate();
        lines
            .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
            .map(|(i, line)| format!("src/{}:{}: {}", self.path, i + 1, line.trim()))
            .collect()
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn floor(module: &str) -> Option<u8> {
    let (_, floor) = FLOORS.iter().find(|(name, _)| *name == module)?;
    Some(*floor)
}

pub(crate) fn modules() -> Vec<Module> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 20, "the sources were not found");
    files
        .into_iter()
        .map(|file| {
            let path = file.strip_prefix(&root).unwrap().to_str().unwrap();
            Module {
                path: path.replace('\\', "/"),
                text: fs::read_to_string(&file).unwrap(),
            }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Returns the top-level modules that `code` names after `crate::`, including grouped imports.
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, word) in code.match_indices("crate::") {
        let preceded_by_name = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if preceded_by_name {
            continue;
        }
        let rest = &code[at + word.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group)),
            None => found.extend(first_name(rest)),
        }
    }
    found
}

/// Returns the first name of each path in a group, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.extend(first_name(group[start..i].trim()));
                if c == '}' {
                    break;
                }
                start = i + 1;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

fn first_name(path: &str) -> Option<String> {
    let end = path
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(path.len());
    (end > 0).then(|| path[..end].to_owned())
}

#[track_caller]
fn assert_none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn modules_use_only_the_floors_below() {
    let mut broken = Vec::new();
    for module in modules() {
        for used in uses(&module.code()) {
            let Some(below) = floor(&used) else { continue };
            let neighbour = NEIGHBOURS
                .iter()
                .any(|(by, of, _)| *by == module.name() && *of == used);
            if used != module.name() && below >= module.floor() && !neighbour {
                broken.push(format!("src/{} uses crate::{used}", module.path));
            }
        }
    }
    assert_none(broken, "a module uses a floor that is not below its own:");
}

/// `super::super::…` up to the crate root would bypass the check of the floors.
#[test]
fn modules_do_not_use_super_to_leave_themselves() {
    let mut broken = Vec::new();
    for module in modules() {
        let depth =
            module.path.matches('/').count() + usize::from(!module.path.ends_with("mod.rs"));
        if depth > 1 || module.path.ends_with("mod.rs") {
            broken.extend(module.lines_with(&[&"super::".repeat(depth.max(1))]));
        }
    }
    assert_none(broken, "write `crate::` for items outside the module:");
}

#[test]
fn the_lower_floors_use_no_io_crates() {
    let edges = [
        "clap",
        "kube::",
        "owo_colors",
        "std::fs",
        "std::io",
        "tokio",
    ];
    let broken = modules()
        .iter()
        .filter(|module| module.floor() <= 1)
        .flat_map(|module| module.lines_with(&edges))
        .collect();
    assert_none(broken, "floors 0 and 1 are pure:");
}

#[test]
fn only_output_and_main_print() {
    let printing = [
        "println!",
        "print!",
        "eprintln!",
        "eprint!",
        "io::stdout",
        "io::stderr",
    ];
    let broken = modules()
        .iter()
        .filter(|module| !matches!(module.name(), "output" | "main"))
        .filter(|module| !STREAM_HANDLERS.iter().any(|(path, _)| *path == module.path))
        .flat_map(|module| module.lines_with(&printing))
        .collect();
    assert_none(broken, "write to the streams that are passed as arguments:");
}

#[test]
fn only_tests_unwrap() {
    let broken = modules()
        .iter()
        .flat_map(|module| module.lines_with(&[".unwrap()", ".expect(", ".unwrap_err()"]))
        .collect();
    assert_none(broken, "outside data can be invalid; return an error:");
}

/// A change gets its verdict once, in one module, and no code can replace it later: the field is
/// private, and only one module calls the function that sets it.
#[test]
fn only_one_module_makes_verdicts() {
    let all = modules();
    let made: Vec<&str> = all
        .iter()
        .filter(|module| !module.lines_with(&["JudgedChange::new("]).is_empty())
        .map(|module| module.path.as_str())
        .collect();
    assert_eq!(made, ["judge/decide.rs"]);
    let model = all.iter().find(|module| module.path == "model/judged.rs");
    let code = model.unwrap().code();
    assert!(
        code.contains("\n    verdict: Verdict,"),
        "the field is private"
    );
    assert!(!code.contains("-> &mut Verdict") && !code.contains(".verdict = "));
}

/// A writer can change a cluster. A diff has none, and triage writes through revert. The XML writer
/// in `output` is unrelated; `output` cannot use `cluster` anyway.
#[test]
fn only_revert_writes_to_a_cluster() {
    let may = |path: &str| {
        path.starts_with("cli/commands/revert/")
            || path.starts_with("cluster/api/write")
            || matches!(path, "cluster/api/mod.rs" | "cluster/mod.rs")
    };
    let names_it = |line: &&str| {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == "Writer")
    };
    let mut broken = Vec::new();
    for module in modules() {
        if may(&module.path) || module.name() == "output" {
            continue;
        }
        let code = module.code();
        let lines = code.lines().filter(names_it);
        broken.extend(lines.map(|line| format!("src/{}: {}", module.path, line.trim())));
    }
    assert_none(broken, "only the command revert takes the writer:");
}

/// Requests that write are built in one module, and only that module sends them.
#[test]
fn only_one_module_builds_and_sends_writes() {
    let broken = modules()
        .iter()
        .filter(|module| {
            module.name() == "cluster" && !module.path.starts_with("cluster/api/write")
        })
        .flat_map(|module| {
            let writing = [
                ".once(",
                "Writing {",
                "Method::PUT",
                "Method::DELETE",
                "json-patch",
            ];
            module.lines_with(&writing)
        })
        .collect();
    assert_none(
        broken,
        "a request that writes belongs to cluster/api/write.rs:",
    );
}

#[test]
fn modules_are_not_too_long() {
    let broken = modules()
        .iter()
        .map(|module| (module, module.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_MODULE)
        .map(|(module, lines)| format!("src/{} has {lines} lines", module.path))
        .collect();
    assert_none(broken, "split what is longer than 800 lines:");
}

#[test]
fn functions_can_be_seen_as_a_whole() {
    let modules = modules();
    let broken = modules.iter().flat_map(long_functions).collect();
    assert_none(broken, "split what is longer than 100 lines:");
}

/// Returns the functions that are too long, and where they are. A function ends with the first
/// brace that is indented as it is.
fn long_functions(module: &Module) -> Vec<String> {
    let code = module.code();
    let lines: Vec<&str> = code.lines().collect();
    let begins = |line: &str| {
        let mut words = line.split_whitespace();
        let is_before = |word: &&str| word.starts_with("pub") || matches!(*word, "const" | "async");
        words.find(|word| !is_before(word)) == Some("fn")
    };
    let functions = lines.iter().enumerate().filter(|(_, line)| begins(line));
    let long = functions.filter_map(|(at, line)| {
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let length = lines[at..].iter().position(|line| *line == end)? + 1;
        (length > LONGEST_FUNCTION)
            .then(|| format!("src/{}:{} has {length} lines", module.path, at + 1))
    });
    long.collect()
}

#[test]
fn the_map_lists_every_module() {
    let modules = modules();
    let lib = &modules.iter().find(|m| m.path == "lib.rs").unwrap().text;
    let declared: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(declared.len() > 10);
    for name in &declared {
        let floor = floor(name).unwrap_or_else(|| panic!("give {name} a floor in FLOORS"));
        let row = format!("//! | {floor} | [`{name}`] | ");
        assert!(
            lib.contains(&row),
            "the table in src/lib.rs has no row `{row}`"
        );
    }
    for (name, _) in FLOORS {
        let known = matches!(*name, "main" | "lib") || declared.contains(name) || *name == "yaml";
        assert!(known, "FLOORS names {name}, and src/lib.rs does not");
    }
}

#[test]
fn finds_uses_in_every_notation() {
    let found = uses(
        "use crate::{model::{A, B}, schema, yaml::x};\nlet a = crate::engine::run(); mycrate::no",
    );
    let expected = ["engine", "model", "schema", "yaml"];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

/// Integration tests share a few binaries, so a file that no `mod` names would silently not run.
#[test]
fn every_test_file_is_part_of_a_binary() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut forgotten = Vec::new();
    for binary in ["cli", "cluster", "formats", "hostile", "truth", "support"] {
        forgotten_below(&tests.join(binary), &mut forgotten);
    }
    assert!(forgotten.is_empty(), "add a `mod` line for: {forgotten:#?}");
}

/// Adds the files below a folder that its `main.rs` or `mod.rs` does not declare.
fn forgotten_below(folder: &Path, forgotten: &mut Vec<PathBuf>) {
    let root = ["main.rs", "mod.rs"].map(|name| folder.join(name));
    let root = root.iter().find(|root| root.exists());
    let root = root.unwrap_or_else(|| panic!("{} has no main.rs or mod.rs", folder.display()));
    let named = fs::read_to_string(root).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_module = path.is_dir() && path.join("mod.rs").exists();
        let is_file = path.extension().is_some_and(|extension| extension == "rs");
        if is_module {
            forgotten_below(&path, forgotten);
        }
        // `leak` is used only by some of the binaries that include `support`.
        let shared = stem == "leak";
        let is_named = named.contains(&format!("mod {stem};"));
        if (is_module || is_file) && path != *root && !is_named && !shared {
            forgotten.push(path);
        }
    }
}
