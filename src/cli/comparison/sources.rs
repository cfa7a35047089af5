//! Which sources the words name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::STDIN;
use crate::cli::args::{LiveArgs, LoadRestrictor, SourceArgs};
use crate::source::{
    Argo, ChartOptions, Files, Flux, Git, GitOps, HelmReleases, LastApplied, ReadAt, Rendering,
    Repository, Sandbox, Source, Which,
};

/// Where Argo CD keeps its Applications, unless told otherwise.
const ARGO_NAMESPACE: &str = "argocd";

/// The sources of the declared state, in the order of the words.
///
/// # Errors
/// When the words contradict one another, or name a Git revision that is not there.
pub fn sources(args: &SourceArgs, live: &LiveArgs) -> Result<Vec<Box<dyn Source>>> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new(STDIN);
    if args.paths.iter().chain(&live.live).filter(is_stdin).count() > 1 {
        bail!("standard input can be read once; name files for all but one '-'");
    }
    if args.revision.is_some() && args.paths.iter().any(|path| is_stdin(&path)) {
        bail!("standard input (-) has no revision; leave out --ref, or name paths");
    }
    let untrusted = args.untrusted.untrusted;
    let rendering = rendering(args, live);
    let read_at = match &args.revision {
        Some(revision) => ReadAt::Revision(revision.clone()),
        None if args.target_revision => ReadAt::Target,
        None => ReadAt::WorkTree,
    };
    let mut sources: Vec<Box<dyn Source>> = gitops(args, rendering.clone(), read_at)?;
    let mut plain = Vec::new();
    for path in &args.paths {
        match in_the_cluster(path).transpose()? {
            _ if of_gitops(path).is_some() => {}
            Some(source) => sources.push(source),
            None if is_both(path) => bail!(
                "{0} is both a path and a Git revision with a path: write ./{0} for the path, or \
                 name the revision with --ref",
                path.display()
            ),
            None => match revision_and_path(path) {
                Some((revision, path)) => {
                    let git = Git::at_path(revision, path)?;
                    let git = git.untrusted(untrusted).rendered(rendering.clone());
                    sources.push(Box::new(git));
                }
                None => plain.push(path.clone()),
            },
        }
    }
    check_chart_words(args)?;
    match &args.revision {
        _ if plain.is_empty() => {}
        Some(revision) => {
            let git = Git::at(revision, &plain)?;
            sources.push(Box::new(git.untrusted(untrusted).rendered(rendering)));
        }
        None => {
            let files = Files::new(plain).without(&live.live);
            sources.push(Box::new(files.untrusted(untrusted).rendered(rendering)));
        }
    }
    Ok(sources)
}

/// The Applications and Kustomizations that the words name.
fn gitops(
    args: &SourceArgs,
    rendering: Option<Rendering>,
    read_at: ReadAt,
) -> Result<Vec<Box<dyn Source>>> {
    let gitops = GitOps {
        rendering,
        repo_root: args.repo_root.clone(),
        read_at,
        untrusted: args.untrusted.untrusted,
        destinations: args.destination.clone(),
    };
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for path in &args.paths {
        match of_gitops(path) {
            Some(("argocd", word)) => {
                sources.push(Box::new(Argo::new(argo(word)?, gitops.clone())));
            }
            Some((_, word)) => sources.push(Box::new(Flux::new(flux(word)?, gitops.clone()))),
            None => {}
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
    Ok(sources)
}

/// Takes `argocd:NAME` and `flux:NAMESPACE/NAME` apart.
fn of_gitops(word: &Path) -> Option<(&str, &str)> {
    let word = word.to_str()?.split_once(':')?;
    matches!(word.0, "argocd" | "flux").then_some(word)
}

/// The source that a word like `helm:shop/cart` names.
fn in_the_cluster(word: &Path) -> Option<Result<Box<dyn Source>>> {
    let (scheme, rest) = word.to_str()?.split_once(':')?;
    let source: Result<Box<dyn Source>, String> = match scheme {
        "helm" => HelmReleases::named(rest).map(|source| Box::new(source) as _),
        "last-applied" => LastApplied::named(rest).map(|source| Box::new(source) as _),
        _ => return None,
    };
    Some(source.map_err(|why| anyhow!(why)))
}

/// The sources of what the base declares, if one is named: a folder, or the same sources at a
/// revision.
///
/// # Errors
/// When there is neither, or the words name something that has no base.
pub fn base_sources(args: &SourceArgs, live: &LiveArgs) -> Result<Option<Vec<Box<dyn Source>>>> {
    let Some(base) = &args.base else {
        return Ok(None);
    };
    if args
        .paths
        .iter()
        .any(|path| path.as_path() == Path::new(STDIN))
    {
        bail!("standard input (-) has no base to be compared with; name folders or files");
    }
    if let Some(word) = args
        .paths
        .iter()
        .find(|path| in_the_cluster(path).is_some())
    {
        bail!(
            "{} lies in the cluster and has no base to be compared with; name folders or files",
            word.display()
        );
    }
    let untrusted = args.untrusted.untrusted;
    let rendering = rendering(args, live);
    let named = ["./", "../", "/"]
        .iter()
        .any(|start| base.starts_with(start));
    // Whoever wrote the tree chooses the names of the folders in it.
    if untrusted && (named || base == "." || base == "..") {
        bail!("--base {base} is a path, and with --untrusted a base is a Git revision: name one");
    }
    let is_path = !untrusted && Path::new(base).symlink_metadata().is_ok();
    if is_path && !named && is_revision(base, &args.paths) {
        bail!(
            "--base {base} is both a path and a Git revision: write ./{base} for the path, or the \
             revision in full (refs/remotes/… or refs/heads/…)"
        );
    }
    if is_path {
        if !args.app.is_empty() || !args.kustomization.is_empty() {
            bail!(
                "--base {base} is a folder, and an Application or a Kustomization is compared \
                 with a Git revision of its repository; name one"
            );
        }
        let files = Files::new([base]).untrusted(untrusted);
        return Ok(Some(vec![Box::new(files.rendered(rendering))]));
    }
    let at_base = || format!("--base {base} is neither a path nor a Git revision of the paths");
    let read_at = ReadAt::Revision(base.clone());
    let mut sources: Vec<Box<dyn Source>> = gitops(args, rendering.clone(), read_at)?;
    let mut plain = Vec::new();
    for path in &args.paths {
        match revision_and_path(path) {
            _ if of_gitops(path).is_some() => {}
            Some((_, path)) => {
                let git = Git::at_path(base, path).with_context(at_base)?;
                let git = git.untrusted(untrusted).rendered(rendering.clone());
                sources.push(Box::new(git));
            }
            None => plain.push(path.clone()),
        }
    }
    if !plain.is_empty() {
        let git = Git::at(base, &plain).with_context(at_base)?;
        sources.push(Box::new(git.untrusted(untrusted).rendered(rendering)));
    }
    Ok(Some(sources))
}

/// Whether a word names a revision of a repository around one of these paths, or around the current
/// directory.
fn is_revision(word: &str, paths: &[PathBuf]) -> bool {
    let here = Path::new(".");
    let mut starts = paths.iter().map(PathBuf::as_path).chain([here]);
    starts.any(|start| {
        let repository = Repository::containing(start);
        repository.is_ok_and(|(repository, _)| repository.resolve(word).is_ok())
    })
}

/// Takes `main:deploy` apart. What exists under that name is a path all the same; so is
/// `C:\deploy`, and an address of the web is neither.
fn revision_and_path(word: &Path) -> Option<(&str, &Path)> {
    let text = word.to_str()?;
    let (revision, path) = text.split_once(':')?;
    let is_path = revision.len() < 2 || path.starts_with("//") || word.symlink_metadata().is_ok();
    (!is_path).then_some((revision, Path::new(path)))
}

/// Whether a word like `main:deploy` is the name of something here as well.
fn is_both(word: &Path) -> bool {
    let text = word.to_str().unwrap_or_default();
    let is_written_as_path = ["./", "../", "/"]
        .iter()
        .any(|start| text.starts_with(start));
    let revision = text.split_once(':').map(|(revision, _)| revision);
    !is_written_as_path
        && word.symlink_metadata().is_ok()
        && revision.is_some_and(|revision| revision.len() > 1 && is_revision(revision, &[]))
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
fn check_chart_words(args: &SourceArgs) -> Result<()> {
    let render = &args.render;
    let given = [
        (!render.values.is_empty(), "--values"),
        (!render.set.is_empty(), "--set"),
        (!render.set_string.is_empty(), "--set-string"),
        (render.release.is_some(), "--release"),
    ];
    // What lies at another revision is not known yet.
    let may_be_chart = |path: &PathBuf| {
        let is_elsewhere = of_gitops(path).is_some() || in_the_cluster(path).is_some();
        let is_at_revision = args.revision.is_some() || revision_and_path(path).is_some();
        !is_elsewhere && (is_at_revision || path.join("Chart.yaml").is_file())
    };
    if let Some((_, flag)) = given.iter().find(|(given, _)| *given)
        && !args.paths.iter().any(may_be_chart)
    {
        bail!("{flag} is for Helm charts, and no PATH is one (a folder with a Chart.yaml)");
    }
    Ok(())
}

/// How directories are rendered; `None` when they are read as they lie. Rendering runs programs on
/// the manifests, which nobody who is not trusted has done unasked.
fn rendering(args: &SourceArgs, live: &LiveArgs) -> Option<Rendering> {
    let (untrusted, args) = (args.untrusted.untrusted, &args.render);
    let wanted = !args.no_render && (!untrusted || args.render);
    let as_flag = |flag: &str, words: &[String]| -> Vec<(String, String)> {
        let each = words.iter().cloned();
        each.map(|word| (flag.to_owned(), word)).collect()
    };
    let set = [
        as_flag("--set", &args.set),
        as_flag("--set-string", &args.set_string),
    ];
    wanted.then(|| Rendering {
        kustomize: args.kustomize_bin.clone(),
        helm: args.helm_bin.clone(),
        allow_remote: args.allow_remote,
        load_outside: args.load_restrictor == LoadRestrictor::None,
        deadline: Duration::from_secs(args.render_timeout),
        untrusted,
        sandbox: match (args.no_sandbox, untrusted) {
            (true, _) => Sandbox::Off,
            (false, true) => Sandbox::Required,
            (false, false) => Sandbox::Wanted,
        },
        chart: ChartOptions {
            values: args.values.clone(),
            set: set.concat(),
            files: Vec::new(),
            release: args.release.clone(),
            namespace: live.filter.namespace.clone(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_and_paths_are_told_apart() {
        let split = |word| revision_and_path(Path::new(word));
        let main = |path| Some(("main", Path::new(path)));
        assert_eq!(split("main:deploy"), main("deploy"));
        assert_eq!(split("main:"), main(""));
        assert_eq!(split("main:a:b"), main("a:b"));
        assert_eq!(split("deploy"), None);
        assert_eq!(split(r"C:\deploy"), None);
        assert_eq!(split("https://example.com/x.yaml"), None);
    }
}
