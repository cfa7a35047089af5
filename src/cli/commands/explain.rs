//! `driftctl explain`

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cli::args::{ExplainArgs, ExplainFormat, ReportArgs, SourceArgs};
use crate::cli::comparison;
use crate::cli::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message, secrecy};
use crate::engine::{Answer, Question};
use crate::model::{FieldPath, ResourceKey, Status, Warning};
use crate::output::{self, RenderOptions};
use crate::redact::{RedactedAccount, Redactor};

/// Tells why a path of an object is drift, or is not.
///
/// # Errors
/// When there is no such object or path, or it could not be compared.
pub fn run(args: &ExplainArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.source.base.is_some() || args.source.blame {
        bail!("--base and --blame are for 'driftctl diff'; leave them out");
    }
    let (path, source) = field_and_sources(&args.source);
    let asked = args.object.to_string();
    let is_meant = |key: &ResourceKey| args.object.matches(key);
    let question = Question {
        object: &asked,
        is_meant: &is_meant,
        path: &path,
    };
    let progress = Progress::begin(settings, false);
    let answered = comparison::explain(
        &source,
        &args.live,
        &args.compare,
        &args.rules,
        question,
        settings.now,
    );
    drop(progress);
    let (answer, rules) = answered?;
    let report = ReportArgs {
        redact: args.redact.clone(),
        ..ReportArgs::default()
    };
    let untrusted = args.source.untrusted.untrusted;
    let redactor = secrecy::redactor(&report, untrusted, rules.secret());
    let account = told(answer, &redactor)?;
    let is_fatal = |warning: &&Warning| warning.fatal;
    let fatal: Vec<Warning> = account.warnings.iter().filter(is_fatal).cloned().collect();
    message::warnings(streams, settings, &fatal);
    write(&account, args.output, settings, streams)?;
    Ok(Exit::Clean)
}

/// Takes the field from the front of the words, if it is there.
fn field_and_sources(source: &SourceArgs) -> (FieldPath, SourceArgs) {
    let mut source = source.clone();
    let first = source.paths.first().and_then(|first| first.to_str());
    // The folder one is in is no field.
    let field = first.filter(|first| *first != ".");
    let Some(path) = field.and_then(|field| field.parse().ok()) else {
        return (FieldPath::root(), source);
    };
    source.paths.remove(0);
    if source.paths.is_empty() && source.app.is_empty() && source.kustomization.is_empty() {
        source.paths.push(PathBuf::from("."));
    }
    (path, source)
}

/// The answer without its secrets; an error where there is nothing at the path.
fn told(answer: Answer, redactor: &Redactor) -> Result<RedactedAccount> {
    let Answer {
        account,
        sides,
        mut nearest,
    } = answer;
    let views = [sides[0].as_ref(), sides[1].as_ref()];
    redactor.paths(&account.key, views, &mut nearest);
    let account = redactor.account(account, views);
    let was_compared = matches!(account.status, Status::InSync | Status::Drifted);
    if account.entries.is_empty() && was_compared {
        let nearest: Vec<String> = nearest.iter().map(ToString::to_string).collect();
        let meant = match nearest[..] {
            [] => "leave the path out to see all that there is".to_owned(),
            _ => format!("did you mean {}?", nearest.join(" or ")),
        };
        bail!(
            "{} has no path {}, declared or live; {meant}",
            account.key,
            account.asked
        );
    }
    Ok(account)
}

fn write(
    account: &RedactedAccount,
    format: ExplainFormat,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let options = RenderOptions {
        colour: settings.color,
        width: settings.columns,
        now: Some(settings.now),
        ..RenderOptions::default()
    };
    let out = &mut streams.out;
    match format {
        ExplainFormat::Text => output::explanation_text(account, &options, out)?,
        ExplainFormat::Json => output::explanation_json(account, out)?,
        ExplainFormat::Yaml => output::explanation_yaml(account, out)?,
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
        let (field, source) = field_and_sources(&source);
        (field.to_string(), source.paths)
    }

    #[test]
    fn the_field_and_the_manifests_are_told_apart() {
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
    }
}
