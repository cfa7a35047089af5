//! `driftctl triage`: writes drift as a file of decisions, and carries them out.

mod edit;
mod local;
mod resolve;
mod say;
mod todo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{CommandFactory as _, FromArgMatches as _};

use super::revert::{self, PlanRunner, StateCheck};
use crate::cli::args::{Cli, Command, DriftArgs, SourceArgs, TriageArgs};
use crate::cli::comparison::{RepeatableComparison, Reports};
use crate::cli::selected::changes;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::{Overlay, ReadResult};
use crate::model::ResourceKey;
use crate::source::{Scheme, repository_around};
pub(super) use edit::open_at;
use resolve::{LineOutcome, TriageInputs, TriagePlan};
use todo::{Todo, TodoDecision};

/// Writes the file, or carries its decisions out.
///
/// # Errors
/// Fails if nothing can be compared, the file is malformed, or nothing can be written.
pub fn run(args: &TriageArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.edit {
        check(args)?;
        return edit::run(args, settings, streams);
    }
    let Some(file) = &args.apply else {
        check(args)?;
        ensure!(
            !args.act.write.dry_run && !args.act.write.yes,
            "--dry-run and --yes need decisions; name their file with --apply, or write them with \
             --edit"
        );
        let listed = list(args, settings, streams)?;
        streams.out.write_all(listed.text.as_bytes())?;
        return Ok(listed.exit);
    };
    let todo = Todo::read(file, streams)?;
    let args = with_arguments_of(&todo, args)?;
    check(&args)?;
    apply(&args, &todo, settings, streams)
}

/// Checks for arguments that contradict each other.
///
/// # Errors
/// Fails if they do.
pub(super) fn check(args: &TriageArgs) -> Result<()> {
    let source = &args.act.drift.source;
    ensure!(
        !source.untrusted.untrusted,
        "triage neither edits untrusted manifests nor writes them to a cluster; leave out \
         --untrusted"
    );
    ensure!(
        source.base.is_none(),
        "--base cannot be used with triage, which decides on live changes only; leave out --base"
    );
    Ok(())
}

/// Drift as a file of decisions.
struct DriftListing {
    text: String,
    /// The number of changes to decide on.
    changes: usize,
    exit: Exit,
}

fn list(args: &TriageArgs, settings: &Settings, streams: &mut Streams) -> Result<DriftListing> {
    let act = &args.act;
    let (selected, source) = act.drift.selected()?;
    let again = RepeatableComparison::begin(&source, &act.drift, act.extra.within, settings.now)?;
    let reports = again.reports(again.live())?;
    let Reports { report, shown } = &reports;
    selected.check(report, changes)?;
    let items = reports.items(&selected);
    let words = recorded(&args.words);
    let text = todo::write(&items, shown, &words, settings.now);
    let is_incomplete = report.is_incomplete();
    if is_incomplete {
        message::what_failed(streams, settings, shown, None);
    }
    Ok(DriftListing {
        text,
        changes: items.len(),
        exit: match is_incomplete {
            true => Exit::Trouble,
            false => Exit::Clean,
        },
    })
}

/// Flags with a value that name credentials or programs: they are taken from the command line,
/// never from a file.
const NEVER_RECORDED: [&str; 3] = ["--kubeconfig", "--kustomize-bin", "--helm-bin"];

/// Such flags without a value, and the one that a file no longer needs.
const NEVER_RECORDED_ALONE: [&str; 3] = ["--no-sandbox", "--allow-remote", "--edit"];

/// Returns the arguments that are written into the file and read again.
fn recorded(words: &[String]) -> Vec<String> {
    without_flags(words, &NEVER_RECORDED, &NEVER_RECORDED_ALONE)
}

/// Returns the arguments without some flags and their values.
fn without_flags(words: &[String], with_value: &[&str], alone: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (flag, has_value) = match word.split_once('=') {
            Some((flag, _)) => (flag, true),
            None => (word.as_str(), false),
        };
        if with_value.contains(&flag) {
            if !has_value {
                words.next();
            }
        } else if !alone.contains(&flag) {
            kept.push(word.clone());
        }
    }
    kept
}

/// Returns the arguments with which a file is applied. If the command line names no manifests, it
/// starts from the arguments that the file was written with, and overrides them. A file cannot set
/// how decisions are carried out.
///
/// # Errors
/// Fails if they are not valid arguments of this command.
fn with_arguments_of(todo: &Todo, args: &TriageArgs) -> Result<TriageArgs> {
    let own = &args.act.drift;
    let names_none = own.source.paths == [PathBuf::from(".")]
        && own.source.app.is_empty()
        && own.source.kustomization.is_empty();
    let Some(words) = todo.words.as_ref().filter(|_| names_none) else {
        return Ok(args.clone());
    };
    let connection = &own.live.connection;
    let mut instead = Vec::new();
    if !connection.context.is_empty() {
        instead.push("--context");
    }
    if !connection.context.is_empty() || connection.kubeconfig.is_some() {
        instead.push("--live");
    }
    let words = without_flags(&recorded(words), &instead, &[]);
    let command = ["driftctl", "triage"].map(str::to_owned).into_iter();
    let words = command.chain(words).chain(args.words.iter().cloned());
    let parser = Cli::command().mut_subcommand("triage", |it| it.args_override_self(true));
    let parsed = parser.try_get_matches_from(words);
    let cli = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    let mut cli = cli.with_context(|| {
        format!(
            "{}: its 'driftctl triage' line cannot be combined with the arguments of this \
             command; name the manifests after --apply",
            todo.file
        )
    })?;
    cli.command.merge_aliases(&[]);
    let Command::Triage(both) = cli.command else {
        return Ok(args.clone());
    };
    let both = both.act;
    check_writes(todo, own, &both.drift)?;
    let mut merged = args.clone();
    merged.act.extra = both.extra;
    let context = both.drift.live.connection.context.clone();
    merged.act.drift = both.drift;
    merged.act.drift.live.connection = connection.clone();
    merged.act.drift.live.connection.context = context;
    Ok(merged)
}

/// Carries out decisions that were not made in a file.
///
/// # Errors
/// Fails as with a file.
pub(super) fn decide(
    args: &TriageArgs,
    decisions: &str,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<Exit> {
    apply(args, &Todo::parse("marks", decisions)?, settings, streams)
}

/// Checks that the decisions of a file change no file outside the repository.
///
/// # Errors
/// Fails if they do: the author of the file must not choose what is written outside the repository.
fn check_writes(todo: &Todo, own: &DriftArgs, of_file: &DriftArgs) -> Result<()> {
    let decides = |what: fn(&TodoDecision) -> bool| {
        let mut lines = todo.lines.iter();
        lines.any(|line| what(&line.decision))
    };
    let mut named: Vec<&PathBuf> = Vec::new();
    if decides(|decision| *decision == TodoDecision::Backport) {
        let source = &of_file.source;
        let files = source.app.iter().chain(&source.kustomization);
        named.extend(source.paths.iter().chain(files));
        named.extend(&source.render.values);
    }
    if decides(|decision| matches!(decision, TodoDecision::Accept { .. })) {
        named.extend(&of_file.rules.baseline);
    }
    if decides(|decision| matches!(decision, TodoDecision::Ignore { .. })) {
        named.extend(&of_file.rules.config);
    }
    let of_line = [&own.rules.baseline, &own.rules.config];
    named.retain(|path| !of_line.iter().any(|own| own.as_ref() == Some(path)));
    let here = Path::new(".").canonicalize()?;
    let root = repository_around(&here.join("x")).map_or(here, |(root, _)| root);
    for path in named {
        // For a file that does not exist yet, its folder counts.
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let place = path.canonicalize().or_else(|_| folder.canonicalize());
        ensure!(
            Scheme::of(path).is_some() || place.is_ok_and(|place| place.starts_with(&root)),
            "{} names {}, which is outside the repository, and has decisions that would write there; \
             name it after --apply too",
            todo.file,
            path.display()
        );
    }
    Ok(())
}

/// Carries out the decisions of a file.
fn apply(
    args: &TriageArgs,
    todo: &Todo,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<Exit> {
    let act = &args.act;
    let words = &act.write;
    if todo.is_idle() {
        say::nothing_decided(todo, words, settings, streams)?;
        return Ok(Exit::Clean);
    }
    revert::check_words(words, settings)?;
    let (selected, source) = act.drift.selected()?;
    let again = RepeatableComparison::begin(&source, &act.drift, act.extra.within, settings.now)?;
    let overlay = Overlay::of(again.live());
    let reports = again.reports(&overlay)?;
    let Reports { report, shown } = &reports;
    todo.check(&report.target)?;
    let redactor = again.redactor().with_secrets(&report.secret_values);
    let items = reports.items(&selected);
    let mut resolved = TriagePlan::of(todo, &items, report, settings.now);
    let wanted = TriageInputs {
        args,
        again: &again,
        overlay: &overlay,
        report,
        shown,
    };
    let (mut planned, local) = resolved.plan(&wanted, settings)?;
    revert::limit_deletions(words, &planned.plan)?;
    let compare_again = |answers: BTreeMap<ResourceKey, ReadResult>| {
        overlay.show(answers);
        again.report(&overlay)
    };
    let judge = StateCheck::Comparison(&compare_again);
    let jobs = std::mem::take(&mut planned.jobs);
    let mut hands = local::TriageExecutor {
        cluster: match (again.cluster(), jobs.is_empty()) {
            (Some(api), false) => {
                let plan = planned.plan.clone();
                let by = (&redactor, &judge);
                Some(PlanRunner::undoable(
                    plan,
                    jobs,
                    api,
                    by,
                    words,
                    settings.now,
                ))
            }
            _ => None,
        },
        plan: planned.plan,
        local,
    };
    let end = revert::carry_out(&mut hands, words, settings, streams)?;
    let plan = revert::PlanExecutor::plan(&mut hands);
    resolved.close(plan);
    say::print_triage_result(end, todo, &resolved, words, plan, settings, streams)?;
    if report.is_incomplete() {
        message::what_failed(streams, settings, shown, None);
        return Ok(Exit::Trouble);
    }
    let is_short = |fate: &LineOutcome| matches!(fate, LineOutcome::Skipped(..));
    let short = match resolved.fates.iter().any(is_short) {
        true => Exit::Trouble,
        false => Exit::Clean,
    };
    Ok(end.exit(plan, short))
}

/// Returns the folder to search driftctl's own files from.
fn start(source: &SourceArgs) -> &Path {
    let first = source.paths.first().map(PathBuf::as_path);
    first
        .filter(|path| *path != Path::new("-"))
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_records_flags_that_name_credentials_or_programs() {
        let words = [
            "./manifests",
            "--kubeconfig",
            "admin",
            "-n",
            "shop",
            "--helm-bin=/tmp/helm",
            "--allow-remote",
            "--edit",
            "--kustomize-bin",
            "/tmp/k",
            "--extra",
            "namespace",
        ];
        let kept = recorded(&words.map(str::to_owned));
        assert_eq!(kept, ["./manifests", "-n", "shop", "--extra", "namespace"]);
    }

    /// Returns the arguments of a file and a command line together.
    fn merged(file: &str, own: &[&str]) -> TriageArgs {
        let todo = Todo::parse("todo", &format!("driftctl triage {file}\n")).unwrap();
        let words = ["driftctl", "triage"].iter().chain(own);
        let matches = Cli::command().get_matches_from(words);
        let mut cli = Cli::from_arg_matches(&matches).unwrap();
        let words: Vec<_> = ["triage"]
            .iter()
            .chain(own)
            .map(|word| word.into())
            .collect();
        cli.command.merge_aliases(&words);
        let Command::Triage(args) = cli.command else {
            panic!("another command");
        };
        with_arguments_of(&todo, &args).unwrap()
    }

    #[test]
    fn a_file_sets_what_is_compared_but_not_the_credentials() {
        let file = "./manifests -n shop --context prod --kubeconfig evil --helm-bin evil \
                    --allow-remote";
        let drift = merged(file, &["--apply", "todo"]).act.drift;
        assert_eq!(drift.source.paths, [PathBuf::from("./manifests")]);
        assert_eq!(drift.live.filter.namespace.as_deref(), Some("shop"));
        assert_eq!(drift.live.connection.context, ["prod"]);
        assert_eq!(drift.live.connection.kubeconfig, None);
        assert_eq!(drift.source.render.helm_bin, None);
        assert!(!drift.source.render.allow_remote);
    }

    #[test]
    fn a_file_does_not_set_how_it_is_carried_out() {
        let file = "./manifests --yes --skip-dry-run --max-delete 99 --allow-secrets --no-event";
        let args = merged(file, &["--apply", "todo"]);
        assert!(!args.act.write.yes && !args.act.write.skip_dry_run && !args.allow_secrets);
        assert!(!args.act.write.no_event);
        assert_eq!(args.act.write.max_delete, 5);
    }

    #[test]
    fn flags_of_the_command_line_override_those_of_the_file() {
        let own = [
            "--apply",
            "todo",
            "-n",
            "other",
            "--context",
            "staging",
            "--extra",
            "namespace",
        ];
        let args = merged("./manifests -n shop --context prod", &own);
        assert_eq!(args.act.drift.source.paths, [PathBuf::from("./manifests")]);
        assert_eq!(
            args.act.drift.live.filter.namespace.as_deref(),
            Some("other")
        );
        assert_eq!(args.act.drift.live.connection.context, ["staging"]);
        assert_eq!(args.act.extra.within, crate::cli::args::ExtraArg::Namespace);
        let args = merged("./manifests -n shop", &["--apply", "todo", "elsewhere"]);
        assert_eq!(args.act.drift.source.paths, [PathBuf::from("elsewhere")]);
        assert_eq!(args.act.drift.live.filter.namespace, None);
        let args = merged(
            "./manifests --live x.json",
            &["--apply", "todo", "--kubeconfig", "k"],
        );
        assert!(args.act.drift.live.live.is_empty());
        assert_eq!(
            args.act.drift.live.connection.kubeconfig,
            Some(PathBuf::from("k"))
        );
    }
}
