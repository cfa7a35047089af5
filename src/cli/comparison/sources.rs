//! Which sources the words name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use super::STDIN;
use crate::cli::args::{LiveArgs, LoadRestrictor, RenderArgs, SourceArgs};
use crate::source::{Argo, ChartOptions, Files, Flux, GitOps, Rendering, Source, Which};

/// Where Argo CD keeps its Applications, unless told otherwise.
const ARGO_NAMESPACE: &str = "argocd";

/// The sources of the declared state, in the order of the words.
///
/// # Errors
/// When the words contradict one another.
pub fn sources(args: &SourceArgs, live: &LiveArgs) -> Result<Vec<Box<dyn Source>>> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new(STDIN);
    if args.paths.iter().chain(&live.live).filter(is_stdin).count() > 1 {
        bail!("standard input can be read once; name files for all but one '-'");
    }
    let rendering = rendering(&args.render, live);
    let gitops = GitOps {
        rendering: rendering.clone(),
        repo_root: args.repo_root.clone(),
    };
    let mut files = Vec::new();
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for path in &args.paths {
        match path.to_str().and_then(|word| word.split_once(':')) {
            Some(("argocd", word)) => {
                let which = argo(word)?;
                sources.push(Box::new(Argo::new(which, gitops.clone())));
            }
            Some(("flux", word)) => {
                let which = flux(word)?;
                sources.push(Box::new(Flux::new(which, gitops.clone())));
            }
            _ => files.push(path),
        }
    }
    for file in &args.app {
        let which = Which::File(file.clone());
        sources.push(Box::new(Argo::new(which, gitops.clone())));
    }
    for file in &args.kustomization {
        let which = Which::File(file.clone());
        sources.push(Box::new(Flux::new(which, gitops.clone())));
    }
    check_chart_words(&args.render, &files)?;
    if !files.is_empty() {
        let files = Files::new(files);
        sources.push(Box::new(match rendering {
            Some(rendering) => files.rendered(rendering),
            None => files,
        }));
    }
    Ok(sources)
}

/// `NAME` or `NAMESPACE/NAME`
fn argo(word: &str) -> Result<Which> {
    let (namespace, name) = word.split_once('/').unwrap_or((ARGO_NAMESPACE, word));
    live_object("argocd:NAME or argocd:NAMESPACE/NAME", namespace, name)
}

/// `NAMESPACE/NAME`
fn flux(word: &str) -> Result<Which> {
    let (namespace, name) = word.split_once('/').unwrap_or_default();
    live_object("flux:NAMESPACE/NAME", namespace, name)
}

fn live_object(form: &str, namespace: &str, name: &str) -> Result<Which> {
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        bail!("write {form}; a file of that name is written ./…");
    }
    Ok(Which::Live {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// Words for charts without a chart would do nothing.
fn check_chart_words(args: &RenderArgs, paths: &[&PathBuf]) -> Result<()> {
    let given = [
        (!args.values.is_empty(), "--values"),
        (!args.set.is_empty(), "--set"),
        (args.release.is_some(), "--release"),
    ];
    let is_chart = |path: &&PathBuf| path.join("Chart.yaml").is_file();
    if let Some((_, flag)) = given.iter().find(|(given, _)| *given)
        && !paths.iter().any(is_chart)
    {
        bail!("{flag} is for Helm charts, and no PATH is one (a folder with a Chart.yaml)");
    }
    Ok(())
}

/// How directories are rendered; `None` when they are read as they lie.
fn rendering(args: &RenderArgs, live: &LiveArgs) -> Option<Rendering> {
    let set = args.set.iter().map(|set| ("--set".to_owned(), set.clone()));
    (!args.no_render).then(|| Rendering {
        kustomize: args.kustomize_bin.clone(),
        helm: args.helm_bin.clone(),
        allow_remote: args.allow_remote,
        load_outside: args.load_restrictor == LoadRestrictor::None,
        deadline: Duration::from_secs(args.render_timeout),
        chart: ChartOptions {
            values: args.values.clone(),
            set: set.collect(),
            release: args.release.clone(),
            namespace: live.filter.namespace.clone(),
        },
    })
}
