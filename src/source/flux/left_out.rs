//! The files of a repository that Flux leaves out of what it fetches.
//!
//! `.sourceignore` files and `spec.ignore` of the GitRepository say which, in the syntax of
//! `.gitignore`, but not with its meaning (`fluxcd/pkg/sourceignore`): every file is asked for on
//! its own, of all patterns the last counts that matches it or a directory above it, and so a file
//! may be taken in again out of a directory that is left out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, ByteSlice};
use gix::glob::{Pattern, pattern::Case, wildmatch::Mode};
use serde_json::Value;
use walkdir::WalkDir;

use crate::source::gitops::Found;
use crate::source::read;
use crate::source::walk::Bounds;

/// The name of a file with patterns, which hold for the directory that it lies in.
const FILE: &str = ".sourceignore";

/// What is left out of every repository (`sourceignore.ExcludeVCS`).
const ALWAYS: &str = ".git/\n.gitignore\n.gitmodules\n.gitattributes";

/// What is left out where nobody says anything: one pattern of anybody's, and none of these holds
/// (`storage.SourceIgnoreFilter`; `sourceignore.ExcludeExt`, `ExcludeCI`, `ExcludeExtra`).
const BY_DEFAULT: &str = "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n\
                          .github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n\
                          .drone.yml\ncloudbuild.yaml\ncodeship-services.yml\ncodeship-steps.yml\n\
                          **/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml";

/// The most patterns that are asked of every file. No repository comes near it; without it, a few
/// hostile files would keep a processor busy for days.
const MOST: usize = 10_000;

/// Who says what is left out.
#[derive(Debug)]
enum Author {
    /// A file, by its path below the root.
    File(String),
    /// The settings of a GitRepository.
    Repository(String),
    /// Flux, whatever the others say.
    Flux,
}

/// Patterns of one author, in the order in which they are written.
#[derive(Debug)]
struct List {
    /// Who says so.
    author: Author,
    /// The directory that they hold for, below the root: empty, or with a slash at its end.
    domain: String,
    /// Each with the number of its line.
    patterns: Vec<(usize, Pattern)>,
}

impl List {
    fn new(author: Author, domain: String, text: &[u8]) -> Self {
        let lines = text.lines().enumerate();
        let patterns = lines.filter_map(|(index, line)| Some((index + 1, pattern(line)?)));
        Self {
            author,
            domain,
            patterns: patterns.collect(),
        }
    }

    fn of_flux(text: &str) -> Self {
        Self::new(Author::Flux, String::new(), text.as_bytes())
    }

    /// What the last pattern says that matches a path below the root: whether it is left out, and
    /// who says so.
    fn verdict(&self, path: &BStr) -> Option<(bool, String)> {
        let path = path.strip_prefix(self.domain.as_bytes())?.as_bstr();
        let mut patterns = self.patterns.iter().rev();
        let (line, pattern) = patterns.find(|(_, pattern)| covers(pattern, path))?;
        let by = match &self.author {
            Author::File(file) => format!("{file}:{line}"),
            Author::Repository(name) => {
                format!("line {line} of spec.ignore of the GitRepository {name}")
            }
            Author::Flux => format!("Flux's own rule ({pattern})"),
        };
        Some((!pattern.is_negative(), by))
    }
}

/// The pattern of a line, if it holds one that can match.
fn pattern(line: &[u8]) -> Option<Pattern> {
    if line.starts_with(b"#") {
        return None;
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Spaces at the end count where the last is escaped.
    let line = match line.ends_with(b"\\ ") {
        true => line,
        false => line.trim_end_with(|c| c == ' '),
    };
    let pattern = Pattern::from_bytes(line)?;
    // Two asterisks stand for directories, or for nothing.
    let mut parts = pattern.text.split_str("/");
    let is_path = pattern.text.contains(&b'/');
    let is_odd = is_path && parts.any(|part| part != b"**" && part.contains_str("**"));
    (!is_odd).then_some(pattern)
}

/// Whether a pattern matches a file or a directory above it.
fn covers(pattern: &Pattern, file: &BStr) -> bool {
    let ends = file.find_iter("/").chain([file.len()]);
    ends.into_iter().any(|end| {
        let path = file[..end].as_bstr();
        let last = path.rfind_byte(b'/').map(|slash| slash + 1);
        let is_directory = Some(end < file.len());
        let mode = Mode::NO_MATCH_SLASH_LITERAL;
        pattern.matches_repo_relative_path(path, last, is_directory, Case::Sensitive, mode)
    })
}

/// The files of a repository that Flux leaves out.
#[derive(Debug)]
pub(super) struct LeftOut {
    /// The directory that stands for the repository, without links.
    root: PathBuf,
    lists: Vec<List>,
    /// The directories that alone are fetched, where there are any.
    sparse: BTreeSet<String>,
    /// The name of the GitRepository, where it is known.
    source: String,
}

impl LeftOut {
    /// What a GitRepository leaves out of the files in `root`, which must be free of links; its
    /// own settings count where it is known.
    ///
    /// # Errors
    /// When there are more directories than `bounds` allow, or a file cannot be read.
    pub fn of(root: &Path, repository: Option<&Found>, bounds: &Bounds) -> Result<Self, String> {
        let setting = |name: &str| repository?.value.pointer("/spec")?.get(name);
        let name = repository.map_or("", |found| found.metadata("name"));
        let mut lists = files(root, bounds)?;
        if let Some(text) = setting("ignore").and_then(Value::as_str) {
            let author = Author::Repository(name.to_owned());
            lists.push(List::new(author, String::new(), text.as_bytes()));
        }
        let count: usize = lists.iter().map(|list| list.patterns.len()).sum();
        if count > MOST {
            return Err(format!(
                "{FILE} files hold more than {MOST} patterns: merge some"
            ));
        }
        if count == 0 {
            lists.insert(0, List::of_flux(BY_DEFAULT));
        }
        lists.insert(0, List::of_flux(ALWAYS));
        let directories = setting("sparseCheckout").and_then(Value::as_array);
        let directories = directories.into_iter().flatten().filter_map(Value::as_str);
        let directories = directories.map(|text| text.trim_start_matches("./").trim_matches('/'));
        Ok(Self {
            root: root.to_owned(),
            lists,
            sparse: directories.map(str::to_owned).collect(),
            source: name.to_owned(),
        })
    }

    /// Why Flux does not have a file; `None` where it has.
    pub fn why(&self, file: &Path) -> Option<String> {
        let below = text(file.strip_prefix(&self.root).ok()?);
        let is_fetched = |directory: &String| Path::new(&below).starts_with(directory);
        if !self.sparse.is_empty() && !self.sparse.iter().any(is_fetched) {
            let by = format!("spec.sparseCheckout of the GitRepository {}", self.source);
            return Some(by);
        }
        let mut lists = self.lists.iter().rev();
        let (is_out, by) = lists.find_map(|list| list.verdict(below.as_bytes().as_bstr()))?;
        is_out.then_some(by)
    }
}

/// A path with slashes.
fn text(path: &Path) -> String {
    let parts = path.components().map(|part| part.as_os_str());
    let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// The patterns of all `.sourceignore` files, those of a directory before those below it.
fn files(root: &Path, bounds: &Bounds) -> Result<Vec<List>, String> {
    let walk = WalkDir::new(root)
        .max_depth(bounds.depth)
        .sort_by_file_name();
    let walk = walk
        .into_iter()
        .filter_entry(|entry| entry.file_name() != ".git");
    let mut found: Vec<PathBuf> = Vec::new();
    for (number, entry) in walk.enumerate() {
        if number > bounds.entries {
            return Err(format!(
                "more than {} files and directories lie around it, too many to look for {FILE} \
                 files in",
                bounds.entries
            ));
        }
        // What cannot be listed holds nothing that could be compared either.
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
        let below = text(file.strip_prefix(root).unwrap_or(&file));
        let bytes = read::file(&file).map_err(|why| format!("{below}: {why}"))?;
        let domain = below.trim_end_matches(FILE).to_owned();
        lists.push(List::new(Author::File(below), domain, &bytes));
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    /// What is left out of a repository with these `.sourceignore` files, and by whom.
    fn left_out(ignores: &[(&str, &str)], spec: Value, file: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for (directory, text) in ignores {
            fs::create_dir_all(root.join(directory)).unwrap();
            fs::write(root.join(directory).join(FILE), text).unwrap();
        }
        let repository = Found {
            value: json!({"metadata": {"name": "fleet"}, "spec": spec}),
            place: String::new(),
        };
        let left_out = LeftOut::of(&root, Some(&repository), &Bounds::default()).unwrap();
        left_out.why(&root.join(file)).unwrap_or_default()
    }

    #[test]
    fn the_last_pattern_that_matches_counts() {
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

    /// Git would not look into the directory.
    #[test]
    fn a_file_is_taken_in_again_out_of_a_directory_that_is_left_out() {
        let ignores = [("", "apps/\n!apps/web/*.yaml\n")];
        assert_eq!(left_out(&ignores, json!({}), "apps/web/a.yaml"), "");
        assert_eq!(
            left_out(&ignores, json!({}), "apps/a.yaml"),
            ".sourceignore:1"
        );
    }

    #[test]
    fn defaults_hold_where_nobody_says_anything() {
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
    fn patterns_mean_what_they_mean_to_flux() {
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
            ("[ab].y?ml\r", "b.yaml", true),
        ] {
            let by = left_out(&[("", pattern)], json!({}), file);
            assert_eq!(!by.is_empty(), is_out, "{pattern} {file}: {by}");
        }
    }

    #[test]
    fn only_what_is_fetched_is_there() {
        let spec = json!({"sparseCheckout": ["./apps/"]});
        assert_eq!(left_out(&[], spec.clone(), "apps/a.yaml"), "");
        let by = left_out(&[], spec, "apps2/a.yaml");
        assert_eq!(by, "spec.sparseCheckout of the GitRepository fleet");
    }
}
