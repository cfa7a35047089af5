//! Checks the README and `docs/`: every command in them exists, and every output is what the
//! command prints.
//!
//! - Commands in a `console` block are run, line by line, in a copy of `fixtures/`, and their output is
//!   compared. A line `…` matches any lines. To update blocks without `…`:
//!   `DRIFTCTL_WRITE_DOCS=1 cargo test --test cli documents`.
//! - In a `sh` block, the arguments of each `driftctl` are parsed but not run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{TestFolder, fixture};

/// A fenced block of a document.
struct Block {
    /// The word after the opening fence.
    language: String,
    /// The line of the document where the text starts, from zero.
    start: usize,
    lines: Vec<String>,
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).into_iter().flatten();
    let docs = docs.map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    all.push(root.join("README.md"));
    all.sort();
    all
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    start: at + 1,
                    lines: Vec::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

/// A command of a block, with the output below it.
struct Example {
    /// Its lines, with the prompt and continuations.
    shown: Vec<String>,
    script: String,
    output: Vec<String>,
}

fn examples(block: &Block) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut continues = false;
    for line in &block.lines {
        let command = line.strip_prefix("$ ");
        if command.is_none() && !continues {
            let last = examples.last_mut().unwrap();
            last.output.push(line.clone());
            continue;
        }
        if let Some(command) = command {
            examples.push(Example {
                shown: vec![line.clone()],
                script: command.to_owned(),
                output: Vec::new(),
            });
        } else if let Some(last) = examples.last_mut() {
            last.shown.push(line.clone());
            last.script.push('\n');
            last.script.push_str(line);
        }
        continues = line.ends_with('\\');
    }
    examples
}

/// Returns whether the shown lines match the output, where `…` matches any lines.
fn is_shown(shown: &[String], output: &[String]) -> bool {
    let parts: Vec<&[String]> = shown.split(|line| line.trim() == "…").collect();
    if parts.len() == 1 {
        return shown == output;
    }
    let mut rest = output;
    for (at, part) in parts.iter().enumerate() {
        let found = match at {
            0 => rest.starts_with(part).then_some(0),
            _ if at + 1 == parts.len() => rest
                .ends_with(part)
                .then(|| rest.len().saturating_sub(part.len())),
            _ => (0..=rest.len().saturating_sub(part.len()))
                .find(|from| rest[*from..].starts_with(part)),
        };
        let Some(found) = found else { return false };
        rest = &rest[found + part.len()..];
    }
    true
}

/// Returns whether a kustomize is installed.
fn can_render() -> bool {
    let mut programs = ["kustomize", "kubectl"].into_iter();
    programs.any(|program| Command::new(program).arg("version").output().is_ok())
}

/// Returns a repository with one commit of the fixtures that documents use.
fn workplace() -> TestFolder {
    let place = TestFolder::new().folder("fixtures");
    for name in [
        "shop",
        "demo",
        "driftbench",
        "audit",
        "overlays",
        "policies",
    ] {
        let copied = Command::new("cp")
            .arg("-r")
            .arg(fixture(name))
            .arg(place.path().join("fixtures"))
            .status();
        assert!(copied.unwrap().success());
    }
    place
}

fn run(place: &TestFolder, script: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_driftctl")).parent().unwrap();
    let mut paths = vec![program.to_owned()];
    let path = std::env::var_os("PATH").unwrap_or_default();
    paths.extend(std::env::split_paths(&path));
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("HOME", place.path())
        .env("LC_ALL", "C.UTF-8")
        .envs(place.vars())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    text.trim_end().lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn examples_print_what_the_documents_show() {
    let is_written = std::env::var_os("DRIFTCTL_WRITE_DOCS").is_some();
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let place = workplace();
        let mut rewritten = Vec::new();
        for block in blocks(&text)
            .iter()
            .filter(|block| block.language == "console")
        {
            let mut new = Vec::new();
            for example in examples(block) {
                if example.script.contains("fixtures/overlays") && !can_render() {
                    new.extend(example.shown);
                    new.extend(example.output);
                    continue;
                }
                let output = run(&place, &example.script);
                new.extend(example.shown);
                if is_shown(&example.output, &output) {
                    new.extend(example.output);
                    continue;
                }
                if example.output.iter().any(|line| line.trim() == "…") || !is_written {
                    wrong.push(format!(
                        "{}:{}: $ {}\n--- shown\n{}\n--- printed\n{}",
                        document.display(),
                        block.start,
                        example.script,
                        example.output.join("\n"),
                        output.join("\n"),
                    ));
                }
                new.extend(if is_written { output } else { example.output });
            }
            rewritten.push((block.start, block.lines.len(), new));
        }
        if is_written {
            for (start, length, new) in rewritten.into_iter().rev() {
                lines.splice(start..start + length, new);
            }
            fs::write(&document, lines.join("\n") + "\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns the words of a shell line, without quotes, comments, pipes and redirections.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    let mut skips_next = false;
    let end_word = |word: &mut Option<String>, words: &mut Vec<String>, skips: &mut bool| {
        if let Some(word) = word.take() {
            if std::mem::take(skips) {
                return;
            }
            match word.as_str() {
                ">" | ">>" | "2>" => *skips = true,
                _ => words.push(word),
            }
        }
    };
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&') => {
                end_word(&mut word, &mut words, &mut skips_next);
                all.push(std::mem::take(&mut words));
            }
            (None, _) if c.is_whitespace() => end_word(&mut word, &mut words, &mut skips_next),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    end_word(&mut word, &mut words, &mut skips_next);
    all.push(words);
    all
}

#[test]
fn commands_in_documents_exist() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in blocks(&text).iter().filter(|block| block.language == "sh") {
            let script = block.lines.join("\n").replace("\\\n", " ");
            for words in script.lines().flat_map(commands) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let words = match &words[..] {
                    ["cargo", "run", "--locked", "--", rest @ ..] => rest,
                    ["kubectl", "drift", rest @ ..] | ["driftctl", rest @ ..] => rest,
                    _ => continue,
                };
                count += 1;
                let words = std::iter::once("driftctl").chain(words.iter().copied());
                if let Err(error) = driftctl::cli::command().try_get_matches_from(words) {
                    wrong.push(format!("{}:{}: {error}", document.display(), block.start));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 20, "only {count} commands were found");
}

#[test]
fn shell_lines_are_split_into_commands() {
    let split = commands("helm template . | driftctl diff - -l 'a in (b)' > x # why");
    assert_eq!(
        split,
        [
            vec!["helm", "template", "."],
            vec!["driftctl", "diff", "-", "-l", "a in (b)"]
        ]
    );
}

/// Links between documents must lead to an existing file.
#[test]
fn relative_links_in_documents_exist() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            if !document.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A paragraph must fit on a screen.
#[test]
fn paragraphs_of_the_readme_are_short() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for (at, line) in text.lines().enumerate() {
        assert!(
            line.len() <= 600,
            "README.md:{}: {} bytes",
            at + 1,
            line.len()
        );
    }
}
