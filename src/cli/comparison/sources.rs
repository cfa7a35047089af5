//! Turns arguments into sources.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::STDIN;
use crate::cli::args::{LiveArgs, LoadRestrictor, SourceArgs};
use crate::source::{
    ChartOptions, Clusters, FilesSource, Git, GitOps, GitOpsObjects, GitOpsSelector, ReadAt,
    Rendering, Repository, Sandbox, Scheme, Source, objects_in,
};

/// Returns the sources of the declared state, in the order of the arguments.
///
/// # Errors
/// Fails if the arguments contradict each other, or name a Git revision that does not exist.
pub fn sources(args: &SourceArgs, live: &LiveArgs) -> Result<Vec<Box<dyn Source>>> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new(STDIN);
    let files = args.app.iter().chain(&args.kustomization);
    let all = args.paths.iter().chain(&live.live).chain(files);
    if all.filter(is_stdin).count() > 1 {
        bail!("standard input can be read only once; use '-' once and name files for the rest");
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
    let options = options(args, rendering.clone(), read_at)?;
    let (mut sources, mut followed) = gitops(args, &options)?;
    let mut plain = Vec::new();
    for path in &args.paths {
        match Scheme::of(path) {
            Some((scheme, _)) if scheme.has_base() => {}
            Some((scheme, rest)) => sources.push(open(scheme, rest, &GitOps::default())?),
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
    check_chart_flags(args)?;
    if !plain.is_empty() {
        let paths = GitOpsObjects::at(&plain, options)?;
        followed = Some(join(followed, paths));
    }
    if let Some(followed) = followed {
        sources.push(Box::new(followed.without(&live.live)));
    }
    Ok(sources)
}

fn join(followed: Option<GitOpsObjects>, more: GitOpsObjects) -> GitOpsObjects {
    match followed {
        Some(followed) => followed.and(more),
        None => more,
    }
}

/// Returns how the objects of GitOps tools are followed.
///
/// # Errors
/// Fails if the file with Argo CD's clusters cannot be read.
fn options(args: &SourceArgs, rendering: Option<Rendering>, read_at: ReadAt) -> Result<GitOps> {
    let clusters = args.clusters.as_deref().map(clusters).transpose()?;
    Ok(GitOps {
        rendering,
        repo_root: args.repo_root.clone(),
        read_at,
        untrusted: args.untrusted.untrusted,
        destinations: args.destination.clone(),
        clusters,
        is_plain: args.plain,
    })
}

/// Returns the clusters that the Secrets in a file describe.
fn clusters(file: &Path) -> Result<Clusters> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("--clusters {name}"))?;
    let found = objects_in(&name, bytes);
    if let Some(error) = found.errors.first() {
        bail!("--clusters {}: {}", error.place, error.message);
    }
    let secrets: Vec<_> = found.manifests.iter().map(|found| found.value()).collect();
    let clusters = Clusters::of_secrets(&secrets);
    if clusters.0.is_empty() {
        bail!(
            "--clusters {name} contains no Argo CD cluster: write Secrets with the label \
             argocd.argoproj.io/secret-type: cluster, as kubectl get -o yaml prints them"
        );
    }
    Ok(clusters)
}

/// Returns the Applications and Kustomizations that the arguments name: those in the cluster one by
/// one, those in files together.
#[allow(clippy::type_complexity)]
fn gitops(
    args: &SourceArgs,
    options: &GitOps,
) -> Result<(Vec<Box<dyn Source>>, Option<GitOpsObjects>)> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for (scheme, rest) in args.paths.iter().filter_map(|path| Scheme::of(path)) {
        if scheme.has_base() {
            sources.push(open(scheme, rest, options)?);
        }
    }
    let mut followed = None;
    for file in &args.app {
        let which = GitOpsSelector::File(file.clone());
        followed = Some(join(followed, GitOpsObjects::argo(which, options.clone())));
    }
    for file in &args.kustomization {
        let which = GitOpsSelector::File(file.clone());
        followed = Some(join(followed, GitOpsObjects::flux(which, options.clone())));
    }
    Ok((sources, followed))
}

fn open(scheme: &Scheme, rest: &str, gitops: &GitOps) -> Result<Box<dyn Source>> {
    scheme.source(rest, gitops).map_err(|why| anyhow!(why))
}

/// Returns the sources of the base, if one is named: a folder, or the same sources at a revision.
///
/// # Errors
/// Fails if it is neither, or an argument has no base.
pub fn base_sources(args: &SourceArgs, live: &LiveArgs) -> Result<Option<Vec<Box<dyn Source>>>> {
    let Some(base) = &args.base else {
        return Ok(None);
    };
    if args
        .paths
        .iter()
        .any(|path| path.as_path() == Path::new(STDIN))
    {
        bail!("standard input (-) has no base to compare with; name folders or files");
    }
    if let Some(word) = args
        .paths
        .iter()
        .find(|path| Scheme::of(path).is_some_and(|(scheme, _)| !scheme.has_base()))
    {
        bail!(
            "{} is in the cluster and has no base to compare with; name folders or files",
            word.display()
        );
    }
    let untrusted = args.untrusted.untrusted;
    let rendering = rendering(args, live);
    let named = ["./", "../", "/"]
        .iter()
        .any(|start| base.starts_with(start));
    // The author of the tree chooses the names of its folders.
    if untrusted && (named || base == "." || base == "..") {
        bail!(
            "--base {base} is a path, but --untrusted allows only a Git revision as the base: \
            name one"
        );
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
                "--base {base} is a folder, but an Application or a Kustomization is compared \
                 with a Git revision of its repository; name one"
            );
        }
        let files = FilesSource::new([base]).untrusted(untrusted);
        return Ok(Some(vec![Box::new(files.rendered(rendering))]));
    }
    let at_base = || format!("--base {base} is neither a path nor a Git revision of the paths");
    let read_at = ReadAt::Revision(base.clone());
    let options = options(args, rendering.clone(), read_at)?;
    let (mut sources, mut followed) = gitops(args, &options)?;
    let mut plain = Vec::new();
    for path in &args.paths {
        match revision_and_path(path) {
            _ if Scheme::of(path).is_some() => {}
            Some((_, path)) => {
                let git = Git::at_path(base, path).with_context(at_base)?;
                let git = git.untrusted(untrusted).rendered(rendering.clone());
                sources.push(Box::new(git));
            }
            None => plain.push(path.clone()),
        }
    }
    if !plain.is_empty() {
        let paths = GitOpsObjects::at(&plain, options).with_context(at_base)?;
        followed = Some(join(followed, paths));
    }
    if let Some(followed) = followed {
        sources.push(Box::new(followed));
    }
    Ok(Some(sources))
}

/// Returns whether a word is a revision of the repository around one of these paths, or around the
/// current directory.
fn is_revision(word: &str, paths: &[PathBuf]) -> bool {
    let here = Path::new(".");
    let mut starts = paths.iter().map(PathBuf::as_path).chain([here]);
    starts.any(|start| {
        let repository = Repository::containing(start);
        repository.is_ok_and(|(repository, _)| repository.resolve(word).is_ok())
    })
}

/// Splits `main:deploy`. An existing path with this name is a path; so is `C:\deploy`. A URL is
/// neither.
fn revision_and_path(word: &Path) -> Option<(&str, &Path)> {
    let text = word.to_str()?;
    let (revision, path) = text.split_once(':')?;
    let is_path = revision.len() < 2 || path.starts_with("//") || word.symlink_metadata().is_ok();
    (!is_path).then_some((revision, Path::new(path)))
}

/// Returns whether a word like `main:deploy` is also the name of an existing path.
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

/// Fails if flags for charts are given without a chart, where they would do nothing.
fn check_chart_flags(args: &SourceArgs) -> Result<()> {
    let render = &args.render;
    let given = [
        (!render.values.is_empty(), "--values"),
        (!render.set.is_empty(), "--set"),
        (!render.set_string.is_empty(), "--set-string"),
        (render.release.is_some(), "--release"),
    ];
    // What exists at another revision is not known yet.
    let may_be_chart = |path: &PathBuf| {
        let is_elsewhere = Scheme::of(path).is_some();
        let is_at_revision = args.revision.is_some() || revision_and_path(path).is_some();
        !is_elsewhere && (is_at_revision || path.join("Chart.yaml").is_file())
    };
    if let Some((_, flag)) = given.iter().find(|(given, _)| *given)
        && !args.paths.iter().any(may_be_chart)
    {
        bail!("{flag} is for Helm charts, but no PATH is a chart (a folder with a Chart.yaml)");
    }
    Ok(())
}

/// Returns how directories are rendered; `None` if they are read without rendering. Rendering runs
/// programs on the manifests, so untrusted ones are rendered only on request.
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
        decrypt: args.decrypt.clone(),
        charts: Arc::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_revisions_from_paths() {
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
