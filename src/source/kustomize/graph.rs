//! Finds what kustomizations refer to: each other, files, and remote addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::chart_entries::{self, HelmChartEntry};
use super::fields::{FieldRole, plugin, visit};
use super::{entries, strings};
use crate::source::address::is_remote;
use crate::source::kustomization::{BARE_NAME, is_kustomization};
use crate::source::read::{self, text_of};
use crate::yaml;

/// The file names that kustomize looks for, in its order (`sigs.k8s.io/kustomize/api/konfig`,
/// `RecognizedKustomizationFileNames`).
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", BARE_NAME];

/// One kustomization.
#[derive(Debug, Default)]
pub(in crate::source) struct KustomizationNode {
    /// Its file, without links.
    pub file: PathBuf,
    /// Its content; empty if it cannot be read.
    pub fields: Map<String, Value>,
    /// Whether it is a component (`kind: Component`).
    pub is_component: bool,
    /// The directories that it uses, without links.
    pub directories: BTreeSet<PathBuf>,
    /// The files that it uses, without links.
    pub files: BTreeSet<PathBuf>,
    /// The remote addresses that it names.
    pub(super) remote: Vec<String>,
    /// The charts that it renders.
    pub(super) charts: Vec<HelmChartEntry>,
    /// Why it cannot be built.
    pub(super) problem: Option<String>,
}

impl KustomizationNode {
    /// Returns the kustomization of a directory; `None` if the directory has no
    /// kustomization file, or only a Flux object in a file of that name.
    fn read(directory: &Path, within: Option<&Path>) -> Option<Self> {
        let file = file_in(directory)?;
        let mut kustomization = Self {
            file: file.clone(),
            ..Self::default()
        };
        let others = NAMES.iter().map(|name| directory.join(name));
        let mut others = others.filter(|other| *other != file && other.is_file());
        match fields(&file) {
            Ok(Some(fields)) => kustomization.take(directory, within, fields),
            Ok(None) => return None,
            Err(problem) => kustomization.problem = Some(problem),
        }
        if let Some(other) = others.next() {
            let other = other.file_name().unwrap_or_default().display();
            kustomization.problem = Some(format!(
                "there is a second kustomization in this directory, {other}: kustomize accepts \
                 only one"
            ));
        }
        Some(kustomization)
    }

    fn take(&mut self, directory: &Path, within: Option<&Path>, mut fields: Map<String, Value>) {
        self.is_component = fields.get("kind").is_some_and(|kind| kind == "Component");
        match chart_entries::take(directory, &mut fields) {
            Ok((charts, files)) => {
                self.charts = charts;
                self.files.extend(files);
            }
            Err(problem) => self.problem = Some(problem),
        }
        let visited = visit(&mut fields.clone(), &mut |role, entry| {
            self.reference(directory, within, role, entry);
            Ok(())
        });
        if let Err(problem) = visited {
            self.problem = Some(problem);
        }
        self.fields = fields;
    }

    /// Records what an entry refers to.
    fn reference(&mut self, directory: &Path, within: Option<&Path>, role: FieldRole, entry: &str) {
        if is_remote(entry) {
            self.remote.push(entry.to_owned());
        }
        match resolve(directory, role, entry) {
            EntryTarget::Remote => {}
            EntryTarget::Missing => {
                let problem = format!("{} names {entry}, which does not exist", role.field());
                self.problem.get_or_insert(problem);
            }
            EntryTarget::Directory(path) => {
                self.directories.insert(path);
            }
            EntryTarget::File(path) => {
                if let FieldRole::Plugin(field) = role
                    && within.is_none_or(|root| path.starts_with(root))
                    && let Some(text) = text_of(&path)
                {
                    let visited = plugin(field, &text, &mut |role, entry| {
                        self.reference(directory, within, role, entry);
                        Ok(())
                    });
                    if let Err(problem) = visited {
                        self.problem = Some(problem);
                    }
                }
                self.files.insert(path);
            }
        }
    }

    /// Returns what `buildMetadata` requests.
    pub fn build_metadata(&self) -> Vec<&str> {
        let metadata = self.fields.get("buildMetadata");
        metadata.into_iter().flat_map(strings).collect()
    }
}

/// The target of an entry.
pub(super) enum EntryTarget {
    /// A remote address.
    Remote,
    /// A path that does not exist.
    Missing,
    /// A directory, without links.
    Directory(PathBuf),
    /// A file, without links.
    File(PathBuf),
}

/// Returns the target of an entry of the kustomization in a directory.
pub(super) fn resolve(directory: &Path, role: FieldRole, entry: &str) -> EntryTarget {
    let path = match role {
        FieldRole::Keyed(_) => split_key(entry).1,
        _ => entry,
    };
    match directory.join(path).canonicalize() {
        Ok(path) if path.is_dir() => EntryTarget::Directory(path),
        Ok(path) => EntryTarget::File(path),
        Err(_) if is_remote(path) => EntryTarget::Remote,
        Err(_) => EntryTarget::Missing,
    }
}

/// Splits `key=file`.
pub(super) fn split_key(entry: &str) -> (Option<&str>, &str) {
    match entry.rsplit_once('=') {
        Some((key, path)) => (Some(key), path),
        None => (None, entry),
    }
}

/// Returns the files that a built-in generator or transformer reads. Its settings are those of a
/// kustomization's field, without the list.
pub(super) fn files_of_builtin(settings: &Value) -> Vec<&str> {
    let texts = |field: &str| settings.get(field).into_iter();
    let of_key = |entry: &'_ str| entry.rsplit_once('=').map_or(0, |(key, _)| key.len() + 1);
    let lists = ["files", "envs", "paths"].into_iter().flat_map(texts);
    let lists = lists.flat_map(strings).map(|entry| &entry[of_key(entry)..]);
    let single = ["path", "env"]
        .into_iter()
        .flat_map(texts)
        .filter_map(Value::as_str);
    let replacements = texts("replacements").flat_map(entries);
    let replacements = replacements.filter_map(|entry| entry.get("path")?.as_str());
    lists.chain(single).chain(replacements).collect()
}

/// Returns the content of a kustomization; `None` for Flux's object with that name.
fn fields(file: &Path) -> Result<Option<Map<String, Value>>, String> {
    let text = yaml::decode(read::file(file)?).map_err(|problem| problem.to_string())?;
    let parsed = yaml::parse(&text);
    let documents = parsed.documents.into_iter();
    let mut documents: Vec<Value> = documents
        .map(|document| document.value)
        .filter(|value| !value.is_null())
        .collect();
    let has_one = documents.iter().any(is_kustomization);
    let fatal = parsed.problems.iter().find(|problem| problem.fatal);
    // kustomize treats a duplicate key differently, at least as an error.
    let any = parsed.problems.first().filter(|_| has_one);
    if let Some(problem) = fatal.or(any) {
        return Err(format!("cannot read this kustomization: {problem}"));
    }
    if documents.is_empty() {
        return Err("this kustomization is empty".to_owned());
    }
    if !has_one {
        return Ok(None);
    }
    if documents.len() > 1 {
        return Err(
            "this kustomization has a second document, which kustomize would ignore: keep one \
             document in it"
                .to_owned(),
        );
    }
    match documents.pop() {
        Some(Value::Object(fields)) => Ok(Some(fields)),
        _ => Err("this kustomization is not a mapping".to_owned()),
    }
}

/// Kustomizations, each read once.
#[derive(Debug, Default)]
pub(in crate::source) struct Graph {
    /// The directory that everything opened is in, if there is one.
    within: Option<PathBuf>,
    nodes: HashMap<PathBuf, Option<KustomizationNode>>,
}

impl Graph {
    /// Returns a graph that opens nothing outside a directory, if there is one.
    pub fn within(root: Option<&Path>) -> Self {
        Self {
            within: root.map(Path::to_owned),
            nodes: HashMap::new(),
        }
    }

    /// Returns the kustomization of a directory, which must be free of links.
    pub fn at(&mut self, directory: &Path) -> Option<&KustomizationNode> {
        let within = self.within.as_deref();
        let may_open = within.is_none_or(|root| directory.starts_with(root));
        let read = || KustomizationNode::read(directory, within);
        let node = self.nodes.entry(directory.to_owned());
        node.or_insert_with(|| may_open.then(read).flatten())
            .as_ref()
    }

    /// Returns the kustomizations that those of `directories` use, themselves included, by
    /// directory.
    pub fn below(
        &mut self,
        directories: impl IntoIterator<Item = PathBuf>,
    ) -> BTreeMap<PathBuf, &KustomizationNode> {
        let mut seen = BTreeSet::new();
        let mut queue: VecDeque<PathBuf> = directories.into_iter().collect();
        while let Some(directory) = queue.pop_front() {
            if seen.contains(&directory) {
                continue;
            }
            if let Some(node) = self.at(&directory) {
                queue.extend(node.directories.iter().cloned());
            }
            seen.insert(directory);
        }
        let node = |directory: PathBuf| {
            let node = self.nodes.get(&directory)?.as_ref()?;
            Some((directory, node))
        };
        seen.into_iter().filter_map(node).collect()
    }
}

/// Returns whether a directory has a file with a name that kustomize looks for, whatever its
/// content.
pub(in crate::source) fn has_file(directory: &Path) -> bool {
    file_in(directory).is_some()
}

/// Returns the file of a directory that kustomize would use.
pub(in crate::source) fn file_in(directory: &Path) -> Option<PathBuf> {
    let mut files = NAMES.iter().map(|name| directory.join(name));
    files.find(|file| file.is_file())
}
