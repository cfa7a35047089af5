//! The files of a repository that Flux does not fetch.
//!
//! `.sourceignore` files and `spec.ignore` of the GitRepository list them, in the syntax of
//! `.gitignore` but with another meaning (`fluxcd/pkg/sourceignore`): every file is checked on its
//! own, and the last pattern counts that matches it or a directory above it. So a file in an
//! excluded directory can be included again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use super::pattern::Pattern;
use crate::source::gitops::GitOpsObject;
use crate::source::read;
use crate::source::walk::Bounds;

/// The name of a file with patterns, which apply to its directory.
const FILE: &str = ".sourceignore";

/// Excluded from every repository (`sourceignore.ExcludeVCS`).
const ALWAYS: &str = ".git/\n.gitignore\n.gitmodules\n.gitattributes";

/// Excluded by default, unless the user has a pattern of any kind (`storage.SourceIgnoreFilter`;
/// `sourceignore.ExcludeExt`, `ExcludeCI`, `ExcludeExtra`).
const BY_DEFAULT: &str = "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n\
                          .github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n\
                          .drone.yml\ncloudbuild.yaml\ncodeship-services.yml\ncodeship-steps.yml\n\
                          **/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml";

/// The limit on patterns that are checked for every file. No repository comes near it; without it,
/// a few hostile files could use a processor for days.
const MOST: usize = 10_000;

/// The origin of patterns.
#[derive(Debug)]
enum PatternAuthor {
    /// A file, by its path below the root.
    File(String),
    /// The settings of a GitRepository.
    Repository(String),
    /// Flux itself; these cannot be overridden.
    Flux,
}

/// Patterns of one author, in the order in which they are written.
#[derive(Debug)]
struct PatternList {
    /// The author.
    author: PatternAuthor,
    /// The names of the directory that they apply to, below the root.
    domain: Vec<String>,
    /// The patterns, each with its line number.
    patterns: Vec<(usize, Pattern)>,
}

impl PatternList {
    fn new(author: PatternAuthor, domain: &[String], text: &str) -> Self {
        let lines = text.lines().enumerate();
        let patterns = lines.filter_map(|(at, line)| Some((at + 1, Pattern::new(line)?)));
        Self {
            author,
            domain: domain.to_owned(),
            patterns: patterns.collect(),
        }
    }

    fn of_flux(text: &str) -> Self {
        Self::new(PatternAuthor::Flux, &[], text)
    }

    /// Returns the result of the last pattern that matches a path below the root: whether it is
    /// excluded, and by whom.
    fn verdict(&self, path: &[&str]) -> Option<(bool, String)> {
        let (above, below) = path.split_at_checked(self.domain.len())?;
        let mut patterns = self.patterns.iter().rev();
        let is_here = self.domain == above;
        let (line, pattern) = patterns.find(|(_, pattern)| is_here && pattern.matches(below))?;
        let by = match &self.author {
            PatternAuthor::File(file) => format!("{file}:{line}"),
            PatternAuthor::Repository(name) => {
                format!("line {line} of spec.ignore of the GitRepository {name}")
            }
            PatternAuthor::Flux => format!("Flux's own rule ({})", pattern.text),
        };
        Some((!pattern.takes_in, by))
    }
}

/// The files of a repository that Flux does not fetch.
#[derive(Debug)]
pub(super) struct FluxExclusions {
    /// The directory of the repository, without links.
    root: PathBuf,
    lists: Vec<PatternList>,
    /// The only directories that are fetched, if the fetch is sparse.
    sparse: BTreeSet<String>,
    /// Whether submodules are known to be left empty.
    no_submodules: bool,
    /// The name of the GitRepository, if known.
    source: String,
}

impl FluxExclusions {
    /// Returns the files below `root`, which must be free of links, that a GitRepository excludes.
    /// Its own settings apply if it is known.
    ///
    /// # Errors
    /// Fails if there are too many directories, or a file cannot be read.
    pub fn of(root: &Path, repository: Option<&GitOpsObject>) -> Result<Self, String> {
        let setting = |name: &str| repository?.value.pointer("/spec")?.get(name);
        let name = repository.map_or("", |found| found.metadata("name"));
        let recurses = setting("recurseSubmodules").is_some_and(|recurses| recurses == true);
        let no_submodules = repository.is_some() && !recurses;
        let mut lists = files(root, no_submodules)?;
        if let Some(text) = setting("ignore").and_then(Value::as_str) {
            let author = PatternAuthor::Repository(name.to_owned());
            lists.push(PatternList::new(author, &[], text));
        }
        let count: usize = lists.iter().map(|list| list.patterns.len()).sum();
        if count > MOST {
            return Err(format!(
                "{FILE} files hold more than {MOST} patterns: merge some"
            ));
        }
        if count == 0 {
            lists.insert(0, PatternList::of_flux(BY_DEFAULT));
        }
        lists.insert(0, PatternList::of_flux(ALWAYS));
        let directories = setting("sparseCheckout").and_then(Value::as_array);
        let directories = directories.into_iter().flatten().filter_map(Value::as_str);
        let directories = directories.map(|text| text.trim_start_matches("./").trim_matches('/'));
        Ok(Self {
            root: root.to_owned(),
            lists,
            sparse: directories.map(str::to_owned).collect(),
            no_submodules,
            source: name.to_owned(),
        })
    }

    /// Returns why Flux does not fetch a file; `None` if it does.
    pub fn why(&self, file: &Path) -> Option<String> {
        let below = file.strip_prefix(&self.root).ok()?;
        let is_fetched = |directory: &String| below.starts_with(directory);
        if !self.sparse.is_empty() && !self.sparse.iter().any(is_fetched) {
            let by = format!("spec.sparseCheckout of the GitRepository {}", self.source);
            return Some(by);
        }
        let above = file.ancestors().skip(1);
        let mut above = above.take_while(|directory| *directory != self.root);
        if self.no_submodules && above.any(is_submodule) {
            let name = &self.source;
            let by = format!("without spec.recurseSubmodules the GitRepository {name}");
            return Some(by);
        }
        let names = names(below);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut lists = self.lists.iter().rev();
        let (is_out, by) = lists.find_map(|list| list.verdict(&names))?;
        is_out.then_some(by)
    }
}

/// Returns whether a directory in a repository is a repository itself.
fn is_submodule(directory: &Path) -> bool {
    directory.join(".git").symlink_metadata().is_ok()
}

/// Returns the names in a path.
fn names(path: &Path) -> Vec<String> {
    let names = path
        .components()
        .map(|name| name.as_os_str().to_string_lossy());
    names.map(std::borrow::Cow::into_owned).collect()
}

/// Returns the patterns of all `.sourceignore` files, those of a directory before those below it.
fn files(root: &Path, no_submodules: bool) -> Result<Vec<PatternList>, String> {
    // An untrusted tree may be a large repository; nothing in it is read here.
    let bounds = Bounds::default();
    let walk = WalkDir::new(root)
        .max_depth(bounds.depth)
        .sort_by_file_name();
    let walk = walk.into_iter().filter_entry(|entry| {
        let is_left_out = no_submodules && entry.depth() > 0 && is_submodule(entry.path());
        entry.file_name() != ".git" && !is_left_out
    });
    let mut found: Vec<PathBuf> = Vec::new();
    for (number, entry) in walk.enumerate() {
        if number > bounds.entries {
            return Err(format!(
                "there are more than {} files and directories around it, too many to search for \
                 {FILE} files",
                bounds.entries
            ));
        }
        // A directory that cannot be listed contains nothing that could be compared either.
        if let Ok(entry) = entry
            && entry.file_name() == FILE
            && entry.file_type().is_file()
        {
            found.push(entry.into_path());
        }
    }
    found.sort();
    let mut lists = Vec::new();
    for file in found {
        let mut domain = names(file.strip_prefix(root).unwrap_or(&file));
        let called = domain.join("/");
        domain.pop();
        let bytes = read::file(&file).map_err(|why| format!("{called}: {why}"))?;
        let text = String::from_utf8_lossy(&bytes);
        lists.push(PatternList::new(
            PatternAuthor::File(called),
            &domain,
            &text,
        ));
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    /// Returns what these `.sourceignore` files exclude from a repository, and by which file.
    fn left_out(ignores: &[(&str, &str)], spec: Value, file: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for (directory, text) in ignores {
            fs::create_dir_all(root.join(directory)).unwrap();
            fs::write(root.join(directory).join(FILE), text).unwrap();
        }
        let repository = GitOpsObject {
            value: json!({"metadata": {"name": "fleet"}, "spec": spec}),
            place: String::new(),
        };
        let left_out = FluxExclusions::of(&root, Some(&repository)).unwrap();
        left_out.why(&root.join(file)).unwrap_or_default()
    }

    #[test]
    fn the_last_matching_pattern_decides() {
        let ignores = [
            ("", "# all\n/*\n!/deploy\n/deploy/**/*.md\n"),
            ("deploy/x", "a.yaml\n"),
        ];
        let by = |file| left_out(&ignores, json!({}), file);
        assert_eq!(by("other/a.yaml"), ".sourceignore:2");
        assert_eq!(by("deploy/a.yaml"), "");
        assert_eq!(by("deploy/deep/b.md"), ".sourceignore:4");
        assert_eq!(by("deploy/x/y/a.yaml"), "deploy/x/.sourceignore:1");
        let spec = json!({"ignore": "!a.yaml\n"});
        assert_eq!(left_out(&ignores, spec, "deploy/x/a.yaml"), "");
    }

    /// Unlike Git, which would skip the directory.
    #[test]
    fn a_file_in_an_excluded_directory_can_be_included_again() {
        let ignores = [("", "apps/\n!apps/web/*.yaml\n")];
        assert_eq!(left_out(&ignores, json!({}), "apps/web/a.yaml"), "");
        assert_eq!(
            left_out(&ignores, json!({}), "apps/a.yaml"),
            ".sourceignore:1"
        );
    }

    #[test]
    fn default_patterns_apply_without_other_patterns() {
        let own = "Flux's own rule";
        let by = |ignore: &str, file| left_out(&[("", ignore)], json!({}), file);
        assert_eq!(
            by("# nothing\n\n", "a/.sops.yaml"),
            format!("{own} (**/.sops.yaml)")
        );
        assert_eq!(by("", ".github/a.yaml"), format!("{own} (.github/)"));
        assert_eq!(by("b.yaml", "a/.sops.yaml"), "");
        assert_eq!(by("b.yaml", ".gitmodules"), format!("{own} (.gitmodules)"));
    }

    #[test]
    fn patterns_match_as_in_flux() {
        for (pattern, file, is_out) in [
            ("a.yaml  ", "x/a.yaml", true),
            ("/a.yaml", "x/a.yaml", false),
            ("x/a.yaml", "y/x/a.yaml", false),
            ("a.yaml/", "a.yaml", false),
            ("x/", "y/x/a.yaml", true),
            ("x/**", "x/y/a.yaml", true),
            ("**/a.yaml", "a.yaml", true),
            ("x/**.yaml", "x/a.yaml", false),
            ("A.yaml", "a.yaml", false),
            ("\\!a.yaml", "!a.yaml", true),
            ("x/**/b/a.yaml", "x/y/b/a.yaml", true),
            ("[ab].y?ml\r\n", "b.yaml", true),
        ] {
            let by = left_out(&[("", pattern)], json!({}), file);
            assert_eq!(!by.is_empty(), is_out, "{pattern} {file}: {by}");
        }
    }

    #[test]
    fn submodules_are_empty_unless_requested() {
        let ignores = [("sub/.git", ""), ("sub", "b.yaml")];
        let by = |spec, file| left_out(&ignores, spec, file);
        let expected = "without spec.recurseSubmodules the GitRepository fleet";
        assert_eq!(by(json!({}), "sub/a.yaml"), expected);
        assert_eq!(by(json!({}), "b.yaml"), "");
        let all = json!({"recurseSubmodules": true});
        assert_eq!(by(all.clone(), "sub/a.yaml"), "");
        assert_eq!(by(all, "sub/b.yaml"), "sub/.sourceignore:1");
    }

    #[test]
    fn only_sparse_directories_are_fetched() {
        let spec = json!({"sparseCheckout": ["./apps/"]});
        assert_eq!(left_out(&[], spec.clone(), "apps/a.yaml"), "");
        let by = left_out(&[], spec, "apps2/a.yaml");
        assert_eq!(by, "spec.sparseCheckout of the GitRepository fleet");
    }

    /// Patterns may come from an untrusted author.
    #[test]
    fn no_pattern_takes_much_time() {
        let deep = "a/".repeat(60) + "a.yaml";
        for pattern in [
            "**/a/".repeat(30) + "b",
            "*a".repeat(40) + "b",
            "a**/".repeat(40),
        ] {
            let began = std::time::Instant::now();
            left_out(&[("", &pattern)], json!({}), &deep);
            left_out(&[("", &pattern)], json!({}), &"a".repeat(200));
            assert!(began.elapsed().as_secs() < 2, "{pattern}");
        }
    }
}
