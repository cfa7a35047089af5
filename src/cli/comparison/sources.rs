//! Which sources the words name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::STDIN;
use crate::cli::args::SourceArgs;
use crate::source::{Files, Git, HelmReleases, LastApplied, Source};

/// The sources of the declared state, in the order of the words.
///
/// # Errors
/// When the words contradict one another, or name a Git revision that is not there.
pub fn sources(args: &SourceArgs, live: &[PathBuf]) -> Result<Vec<Box<dyn Source>>> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new(STDIN);
    if args.paths.iter().chain(live).filter(is_stdin).count() > 1 {
        bail!("standard input can be read once; name files for all but one '-'");
    }
    if args.revision.is_some() && args.paths.iter().any(|path| is_stdin(&path)) {
        bail!("standard input (-) has no revision; leave out --ref, or name paths");
    }
    let untrusted = args.untrusted.untrusted;
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let mut plain = Vec::new();
    for path in &args.paths {
        match in_the_cluster(path).transpose()? {
            Some(source) => sources.push(source),
            None => match revision_and_path(path) {
                Some((revision, path)) => {
                    sources.push(Box::new(Git::at_path(revision, path)?.untrusted(untrusted)))
                }
                None => plain.push(path.clone()),
            },
        }
    }
    match &args.revision {
        _ if plain.is_empty() => {}
        Some(revision) => sources.push(Box::new(Git::at(revision, &plain)?.untrusted(untrusted))),
        None => sources.push(Box::new(Files::new(plain).untrusted(untrusted))),
    }
    Ok(sources)
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

/// The sources of what the base declares, if one is named: a folder, or the paths at a revision.
///
/// # Errors
/// When there is neither, or standard input is to be compared with a base.
pub fn base_sources(args: &SourceArgs) -> Result<Option<Vec<Box<dyn Source>>>> {
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
    if Path::new(base).symlink_metadata().is_ok() {
        return Ok(Some(vec![Box::new(Files::new([base]))]));
    }
    let at_base = || format!("--base {base} is neither a path nor a Git revision of the paths");
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let mut plain = Vec::new();
    for path in &args.paths {
        match revision_and_path(path) {
            Some((_, path)) => {
                sources.push(Box::new(Git::at_path(base, path).with_context(at_base)?));
            }
            None => plain.push(path.clone()),
        }
    }
    if !plain.is_empty() {
        sources.push(Box::new(Git::at(base, &plain).with_context(at_base)?));
    }
    Ok(Some(sources))
}

/// Takes `main:deploy` apart. What exists under that name is a path all the same; so is
/// `C:\deploy`, and an address of the web is neither.
fn revision_and_path(word: &Path) -> Option<(&str, &Path)> {
    let text = word.to_str()?;
    let (revision, path) = text.split_once(':')?;
    let is_path = revision.len() < 2 || path.starts_with("//") || word.symlink_metadata().is_ok();
    (!is_path).then_some((revision, Path::new(path)))
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
