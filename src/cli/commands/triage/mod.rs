//! `driftctl triage`: drift as a file of decisions, and what carries them out.

mod edit;
mod local;
mod resolve;
mod say;
mod todo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser as _;

use super::revert::{self, Carrier, Judge};
use crate::cli::args::{Cli, Command, DriftArgs, RenderArgs, TriageArgs};
use crate::cli::comparison::Again;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::{Answer, Overlay};
use crate::engine::triage::{Item, items};
use crate::model::{ObjectReport, ResourceKey, Status};
use resolve::{Fate, Resolved, Wanted};
use todo::Todo;

/// Writes the file, or carries its decisions out.
///
/// # Errors
/// When nothing can be compared, the file is malformed, or nothing can be written.
pub fn run(args: &TriageArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.edit {
        check(args)?;
        return edit::run(args, settings, streams);
    }
    let Some(file) = &args.apply else {
        check(args)?;
        ensure!(
            !args.write.dry_run && !args.write.yes,
            "--dry-run and --yes are about decisions; name their file with --apply, or make them \
             with --edit"
        );
        let listed = list(args, settings, streams)?;
        streams.out.write_all(listed.text.as_bytes())?;
        return Ok(listed.exit);
    };
    let todo = Todo::read(file, streams)?;
    let args = with_words_of(&todo, args)?;
    check(&args)?;
    apply(&args, &todo, settings, streams)
}

/// Checks words that contradict one another.
fn check(args: &TriageArgs) -> Result<()> {
    let source = &args.drift.source;
    ensure!(
        !source.untrusted.untrusted,
        "what untrusted manifests declare is neither written to a cluster nor edited; leave out \
         --untrusted"
    );
    ensure!(
        source.base.is_none(),
        "--base tells a branch's changes from those made live, and triage decides about what was \
         changed live; leave out --base"
    );
    Ok(())
}

/// Drift as a file of decisions.
struct Listed {
    text: String,
    /// How many changes there are to decide about.
    changes: usize,
    exit: Exit,
}

fn list(args: &TriageArgs, settings: &Settings, streams: &mut Streams) -> Result<Listed> {
    let drift = &args.drift;
    let (selected, source) = drift.selected()?;
    let compare = drift.compare(args.extra);
    let again = Again::begin(&source, drift, &compare, settings.now)?;
    let report = again.report(again.live())?;
    let shown = again.redactor().redact(report.clone());
    selected.check(&report, changes)?;
    let mut items = items(&report, &shown);
    items.retain(|item| selected.selects(&report, item.object, &item.path()));
    let words = recorded(&args.words);
    let text = todo::write(&items, &shown, &words, settings.now);
    let is_incomplete = report.is_incomplete();
    if is_incomplete {
        message::what_failed(streams, settings, &shown, None);
    }
    Ok(Listed {
        text,
        changes: items.len(),
        exit: match is_incomplete {
            true => Exit::Trouble,
            false => Exit::Clean,
        },
    })
}

/// The paths at which an object has drift.
fn changes(object: &ObjectReport) -> Vec<String> {
    let drifts = object.drifts.iter();
    let drifts = drifts.map(|drift| drift.change.path.to_string());
    let whole = matches!(object.status(), Status::Missing | Status::Extra);
    drifts.chain(whole.then(|| ".".to_owned())).collect()
}

/// Flags that lead to credentials, programs or other machines: they are taken from the command line,
/// and never from a file.
const NEVER_RECORDED: [&str; 5] = [
    "--kubeconfig",
    "--kustomize-bin",
    "--helm-bin",
    "--no-sandbox",
    "--allow-remote",
];

/// The words that are written down: all but those flags, and `--edit`.
fn recorded(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, _)) => (flag, true),
            None => (word.as_str(), false),
        };
        if flag == "--edit" {
            continue;
        }
        if NEVER_RECORDED.contains(&flag) {
            if !value && !matches!(flag, "--no-sandbox" | "--allow-remote") {
                words.next();
            }
            continue;
        }
        kept.push(word.clone());
    }
    kept
}

/// The words of a command line that applies a file: where it names no manifests, those that the file
/// was written with say what is compared.
///
/// # Errors
/// When those are no words of this command.
fn with_words_of(todo: &Todo, args: &TriageArgs) -> Result<TriageArgs> {
    let own = &args.drift;
    let names_none = own.source.paths == [PathBuf::from(".")]
        && own.source.app.is_empty()
        && own.source.kustomization.is_empty();
    let Some(words) = todo.words.as_ref().filter(|_| names_none) else {
        return Ok(args.clone());
    };
    let failed = || {
        format!(
            "{}: its line 'driftctl triage' is no command line of this version; name the manifests \
             behind --apply",
            todo.file
        )
    };
    let words = ["driftctl", "triage"]
        .into_iter()
        .chain(words.iter().map(String::as_str));
    let mut cli = Cli::try_parse_from(words).with_context(failed)?;
    cli.command.settle(&[]);
    let Command::Triage(then) = cli.command else {
        anyhow::bail!(failed());
    };
    let DriftArgs {
        audit_log,
        selection,
        source,
        live,
        rules,
    } = then.drift;
    let mut merged = args.clone();
    merged.extra = then.extra;
    merged.drift.audit_log = audit_log;
    merged.drift.selection = selection;
    merged.drift.rules = rules;
    let render = RenderArgs {
        kustomize_bin: own.source.render.kustomize_bin.clone(),
        helm_bin: own.source.render.helm_bin.clone(),
        no_sandbox: own.source.render.no_sandbox,
        allow_remote: own.source.render.allow_remote,
        ..source.render.clone()
    };
    merged.drift.source = source;
    merged.drift.source.render = render;
    merged.drift.live.filter = live.filter;
    if merged.drift.live.live.is_empty() && own.live.connection.kubeconfig.is_none() {
        merged.drift.live.live = live.live;
    }
    if merged.drift.live.connection.context.is_empty() {
        merged.drift.live.connection.context = live.connection.context;
    }
    Ok(merged)
}

/// Carries the decisions of a file out.
fn apply(
    args: &TriageArgs,
    todo: &Todo,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<Exit> {
    let words = &args.write;
    if todo.is_idle() {
        say::nothing_decided(todo, words, settings, streams)?;
        return Ok(Exit::Clean);
    }
    revert::check_words(words, settings)?;
    let drift = &args.drift;
    let (selected, source) = drift.selected()?;
    let compare = drift.compare(args.extra);
    let again = Again::begin(&source, drift, &compare, settings.now)?;
    let overlay = Overlay::of(again.live());
    let report = again.report(&overlay)?;
    todo.check(&report.target)?;
    let redactor = again.redactor();
    let shown = redactor.redact(report.clone());
    let mut items: Vec<Item<'_>> = items(&report, &shown);
    items.retain(|item| selected.selects(&report, item.object, &item.path()));
    let mut resolved = Resolved::of(todo, &items, &report, settings.now);
    let wanted = Wanted {
        args,
        again: &again,
        overlay: &overlay,
        report: &report,
        shown: &shown,
        source: &source,
    };
    let (mut planned, local) = resolved.plan(&wanted, settings)?;
    revert::limit_deletions(words, &planned.plan)?;
    let compare_again = |answers: BTreeMap<ResourceKey, Answer>| {
        overlay.show(answers);
        again.report(&overlay)
    };
    let judge = Judge::Comparison(&compare_again);
    let jobs = std::mem::take(&mut planned.jobs);
    let mut hands = local::Hands {
        cluster: match (again.cluster(), jobs.is_empty()) {
            (Some(api), false) => {
                let plan = planned.plan.clone();
                let by = (&redactor, &judge);
                Some(Carrier::undoable(plan, jobs, api, by, words, settings.now))
            }
            _ => None,
        },
        plan: planned.plan,
        local,
    };
    let end = revert::carry_out(&mut hands, words, settings, streams)?;
    let plan = revert::Hands::plan(&mut hands);
    resolved.close(plan);
    say::end(end, todo, &resolved, words, plan, settings, streams)?;
    if report.is_incomplete() {
        message::what_failed(streams, settings, &shown, None);
        return Ok(Exit::Trouble);
    }
    let is_short = |fate: &Fate| matches!(fate, Fate::Skipped(..));
    let short = match resolved.fates.iter().any(is_short) {
        true => Exit::Trouble,
        false => Exit::Clean,
    };
    Ok(end.exit(plan, short))
}

/// From where files of ours are looked for.
fn start(source: &crate::cli::args::SourceArgs) -> &Path {
    let first = source.paths.first().map(PathBuf::as_path);
    first
        .filter(|path| *path != Path::new("-"))
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_credentials_and_programs_is_not_written_down() {
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

    #[test]
    fn a_file_says_what_is_compared_and_never_by_which_credentials() {
        let text = "driftctl triage ./manifests -n shop --context prod --kubeconfig evil \
                    --helm-bin evil --allow-remote --live x.json\n";
        let text = text.replace(" --live x.json", "");
        let todo = Todo::parse("todo", &text).unwrap();
        let own = TriageArgs {
            drift: DriftArgs {
                source: crate::cli::args::SourceArgs {
                    paths: vec![PathBuf::from(".")],
                    ..Default::default()
                },
                ..DriftArgs::default()
            },
            ..TriageArgs::default()
        };
        let merged = with_words_of(&todo, &own).unwrap().drift;
        assert_eq!(merged.source.paths, [PathBuf::from("./manifests")]);
        assert_eq!(merged.live.filter.namespace.as_deref(), Some("shop"));
        assert_eq!(merged.live.connection.context, ["prod"]);
        assert_eq!(merged.live.connection.kubeconfig, None);
        assert_eq!(merged.source.render.helm_bin, None);
        assert!(!merged.source.render.allow_remote);
        let mut named = own.clone();
        named.drift.source.paths = vec![PathBuf::from("other")];
        let merged = with_words_of(&todo, &named).unwrap().drift;
        assert_eq!(merged.source.paths, [PathBuf::from("other")]);
        assert_eq!(merged.live.filter.namespace, None);
    }
}
