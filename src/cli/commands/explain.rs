//! `driftctl explain`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::cli::args::{CommandFormat, ExplainArgs, SourceArgs};
use crate::cli::comparison;
use crate::cli::progress::ProgressDisplay;
use crate::cli::selection::{ObjectSelection, begins_like_a_manifest, in_full};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message, secrecy};
use crate::engine::{ExplainAnswer, ExplainRequest};
use crate::model::{FieldPath, KindNames, ObjectStatus, PathElement, ResourceKey, Warning};
use crate::output;
use crate::redact::{RedactedExplanation, Redactor};

/// Explains why a path of an object is drift, or why not.
///
/// # Errors
/// Fails if there is no such object or path, or it could not be compared.
pub fn run(args: &ExplainArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.source.base.is_some() || args.source.blame {
        bail!("--base and --blame are for 'driftctl diff'; leave them out");
    }
    let (object, source) = object_and_rest(&args.object, &args.source)?;
    let (mut path, source) = field_and_sources(&source)?;
    let asked = object.to_string();
    let is_meant = |key: &ResourceKey, kind: &KindNames<'_>| object.matches(key, kind);
    let ask = |path: &FieldPath| {
        let question = ExplainRequest {
            object: &asked,
            is_meant: &is_meant,
            path,
        };
        let progress = ProgressDisplay::begin(settings, false);
        let answered = comparison::explain(
            &source,
            &args.live,
            &args.compare,
            &args.rules,
            question,
            settings.now,
        );
        drop(progress);
        answered
    };
    // Items of associative lists are identified by keys: the list says which item a number means.
    while let Some(at) = (path.0.iter()).position(|part| matches!(part, PathElement::Index(_))) {
        let (list, _) = ask(&FieldPath(path.0[..at].to_vec()))?;
        match named_item(&list, &path.0[..=at]) {
            Some(item) => path.0[at] = item,
            None => break,
        }
    }
    let (answer, rules) = ask(&path)?;
    let untrusted = args.source.untrusted.untrusted;
    let redactor = secrecy::redactor(&args.redact, untrusted, rules.secret());
    let explanation = redacted(answer, redactor)?;
    let is_fatal = |warning: &&Warning| warning.fatal;
    let fatal: Vec<Warning> = explanation
        .warnings
        .iter()
        .filter(is_fatal)
        .cloned()
        .collect();
    message::warnings(streams, settings, &fatal);
    // The unused rule may be the one in question.
    message::warnings(streams, settings, &rules.warnings);
    write(&explanation, args.output, settings, streams)?;
    // The unread objects may have led to another decision.
    Ok(if fatal.is_empty() {
        Exit::Clean
    } else {
        Exit::Trouble
    })
}

/// Returns the object, and the arguments without its name if the name is a separate argument:
/// `deploy cart`.
///
/// # Errors
/// Fails if only a kind is named.
fn object_and_rest(
    object: &ObjectSelection,
    source: &SourceArgs,
) -> Result<(ObjectSelection, SourceArgs)> {
    let (mut object, mut source) = (object.clone(), source.clone());
    if !object.name.is_empty() {
        return Ok((object, source));
    }
    let name = source.paths.first().and_then(|word| word.to_str());
    let name = name.filter(|word| *word != "." && !word.contains(['/', ':', '[']));
    let Some(name) = name else {
        bail!("which {0}? write {0}/NAME or {0} NAME", object.kind);
    };
    object.name = name.to_owned();
    source.paths.remove(0);
    if source.paths.is_empty() && source.app.is_empty() && source.kustomization.is_empty() {
        source.paths.push(PathBuf::from("."));
    }
    Ok((object, source))
}

/// Returns the path element of an item that is given by its index, from the paths of its list;
/// `None` if items of the list have no identity.
fn named_item(list: &ExplainAnswer, path: &[PathElement]) -> Option<PathElement> {
    let (PathElement::Index(number), parent) = path.split_last()? else {
        return None;
    };
    let entries = list.explanation.entries.iter().map(|entry| &entry.path);
    let names = entries.filter(|path| path.0.starts_with(parent));
    let mut names = names.filter_map(|path| match path.0.get(parent.len())? {
        PathElement::Key(keys) => Some(keys),
        _ => None,
    });
    let item = list.sides.iter().flatten().find_map(|side| {
        let list = find(side, parent)?;
        list.get(*number)
    })?;
    let keys = names.find(|keys| {
        let is = |(key, value): (&String, &Value)| item.get(key).is_none_or(|known| known == value);
        !keys.is_empty() && keys.iter().all(is)
    })?;
    Some(PathElement::Key(keys.clone()))
}

/// Returns the value at a path.
fn find<'v>(value: &'v Value, path: &[PathElement]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, part| match part {
        PathElement::Field(name) => value.get(name),
        PathElement::Index(number) => value.get(*number),
        PathElement::Key(keys) => value.as_array()?.iter().find(|item| {
            let is =
                |(key, value): (&String, &Value)| item.get(key).is_none_or(|known| known == value);
            keys.iter().all(is)
        }),
        PathElement::Value(wanted) => value.as_array()?.iter().find(|item| *item == wanted),
    })
}

/// Takes the field from the front of the arguments, if there is one.
///
/// # Errors
/// Fails if the first argument looks like a field but is not one.
fn field_and_sources(source: &SourceArgs) -> Result<(FieldPath, SourceArgs)> {
    let mut source = source.clone();
    let first = source.paths.first().and_then(|first| first.to_str());
    // The name of the current folder is not a field.
    let Some(first) = first.filter(|first| *first != ".") else {
        return Ok((FieldPath::root(), source));
    };
    let is_there = Path::new(first).symlink_metadata().is_ok();
    // Alone it may as well be a folder with a typo in it.
    let is_alone = source.paths.len() == 1 && source.filename.is_empty();
    let is_field =
        begins_like_a_manifest(first) || is_name(first) && (!is_alone || first.contains('['));
    let written = if !is_there && is_field || first.starts_with(['.', '[']) {
        in_full(first)
    } else {
        first.to_owned()
    };
    let path = match written.parse::<FieldPath>() {
        Ok(path) => path,
        Err(error) => {
            if let Some(meant) = suggest_field(first) {
                bail!("{first} is not a file, and {error}; {meant}");
            }
            return Ok((FieldPath::root(), source));
        }
    };
    source.paths.remove(0);
    if source.paths.is_empty() && source.app.is_empty() && source.kustomization.is_empty() {
        source.paths.push(PathBuf::from("."));
    }
    Ok((path, source))
}

/// Returns whether an argument is the name of a field, such as `image` or `containers[0]`, and
/// neither the path of a file nor a revision.
fn is_name(word: &str) -> bool {
    let (name, rest) = word.split_at(word.find('[').unwrap_or(word.len()));
    let is_closed = rest.is_empty() || word.contains(']');
    is_closed && !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric())
}

/// Suggests how to write an argument that looks like a field but is not one.
fn suggest_field(word: &str) -> Option<String> {
    let is_file_name = word.contains(['/', '\\', ':']) || matches!(word, "-" | "..");
    if is_file_name || Path::new(word).symlink_metadata().is_ok() {
        return None;
    }
    let dotted = format!(".{word}");
    if dotted.parse::<FieldPath>().is_ok() && word.contains('.') {
        return Some(format!("write the field as {dotted}"));
    }
    word.starts_with(['.', '['])
        .then(|| "write the field as reports do, such as .spec.containers[name=\"app\"]".to_owned())
}

/// Returns the explanation without secrets.
///
/// # Errors
/// Fails if the path does not exist, declared or live.
pub fn redacted(answer: ExplainAnswer, redactor: Redactor) -> Result<RedactedExplanation> {
    let ExplainAnswer {
        explanation,
        sides,
        mut nearest,
        secret_values,
    } = answer;
    let redactor = redactor.with_secrets(&secret_values);
    let views = [sides[0].as_ref(), sides[1].as_ref()];
    redactor.paths(&explanation.key, views, &mut nearest);
    let explanation = redactor.explanation(explanation, views);
    let was_compared = matches!(
        explanation.status,
        ObjectStatus::InSync | ObjectStatus::Drifted
    );
    if explanation.entries.is_empty() && was_compared {
        let nearest: Vec<String> = nearest.iter().map(ToString::to_string).collect();
        let meant = match nearest[..] {
            [] => "leave out the path to see all fields".to_owned(),
            _ => format!("did you mean {}?", nearest.join(" or ")),
        };
        bail!(
            "{} has no field {}, declared or live; {meant}",
            explanation.key,
            explanation.asked
        );
    }
    Ok(explanation)
}

fn write(
    explanation: &RedactedExplanation,
    format: CommandFormat,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let options = settings.render_options();
    let out = &mut streams.out;
    match format {
        CommandFormat::Json => output::explanation_json(explanation, out)?,
        CommandFormat::Yaml => output::explanation_yaml(explanation, out)?,
        _ => output::explanation_text(explanation, &options, out)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(words: &[&str]) -> (String, Vec<PathBuf>) {
        let source = SourceArgs {
            paths: words.iter().map(PathBuf::from).collect(),
            ..SourceArgs::default()
        };
        let (field, source) = field_and_sources(&source).unwrap();
        (field.to_string(), source.paths)
    }

    #[test]
    fn separates_the_field_from_the_manifests() {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(split(&["."]), (".".to_owned(), paths(&["."])));
        let field = || ".spec.replicas".to_owned();
        assert_eq!(split(&[".spec.replicas"]), (field(), paths(&["."])));
        assert_eq!(
            split(&[".spec.replicas", "a", "b"]),
            (field(), paths(&["a", "b"]))
        );
        assert_eq!(split(&["./a"]), (".".to_owned(), paths(&["./a"])));
        assert_eq!(
            split(&["main:deploy"]),
            (".".to_owned(), paths(&["main:deploy"]))
        );
        assert_eq!(split(&["-"]), (".".to_owned(), paths(&["-"])));
        assert_eq!(split(&[r#"["a"]"#, "b"]).0, r#".a"#);
        assert_eq!(split(&[".."]), (".".to_owned(), paths(&[".."])));
    }

    #[test]
    fn suggests_how_to_write_a_field() {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let meant = |word: &str| suggest_field(word).unwrap_or_default();
        assert_eq!(meant("spec.replicas"), "write the field as .spec.replicas");
        assert!(meant(".spec[").contains("as reports do"));
        assert_eq!(split(&["image", "a"]), (".image".to_owned(), paths(&["a"])));
        assert_eq!(split(&["containers[0]"]).0, ".containers[0]");
        assert_eq!(split(&["src"]), (".".to_owned(), paths(&["src"])));
        for word in ["./spec", "-", "main:deploy", "manifests", "Cargo.toml"] {
            assert_eq!(suggest_field(word), None, "{word}");
        }
    }
}
