//! The tree that kustomize builds: kustomizations that are rewritten from the parsed ones, and
//! copies of the files that they may use. It contains nothing else.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::charts::{Inflated, add_resources};
use super::fields::{FieldRole, plugin, visit};
use super::graph::{EntryTarget, KustomizationNode, resolve, split_key};
use crate::source::address::is_remote;
use crate::source::kustomization::has_name;
use crate::source::read::{self, text_of};
use crate::source::render::{relative_to, write_bytes};

/// The size limit of the copies, in bytes.
const MOST: usize = 1 << 30;

/// The directory for files from outside the kustomization that uses them, because kustomize loads
/// nothing from outside.
const OUTSIDE: &str = ".driftctl";

/// The prefix of the names of files with rendered charts.
const RENDERED: &str = ".driftctl-chart";

/// An error, and its file.
type CopyRefusal = (PathBuf, String);

/// A private copy of some kustomizations.
pub(super) struct PrivateCopy {
    /// The copy of the directory `original`.
    root: PathBuf,
    /// The directory around all kustomizations.
    original: PathBuf,
    /// Copies that are elsewhere than their originals, and the originals.
    moved: HashMap<PathBuf, PathBuf>,
    /// The files of objects that git-crypt has locked, which are left out.
    pub locked: Vec<PathBuf>,
    /// The files that were written, and whether each is unchanged from the user's file.
    written: HashMap<PathBuf, bool>,
    bytes: usize,
}

impl PrivateCopy {
    /// Copies kustomizations, given by their directories without links, to a temporary directory.
    ///
    /// # Errors
    /// Fails if one uses what it may not, or a file cannot be copied.
    pub fn of(
        nodes: &BTreeMap<PathBuf, &KustomizationNode>,
        root: &Path,
        load_outside: bool,
        inflated: &Inflated,
    ) -> Result<Self, CopyRefusal> {
        let mut private = Self {
            root: root.to_owned(),
            original: around(nodes.keys()),
            moved: HashMap::new(),
            locked: Vec::new(),
            written: HashMap::new(),
            bytes: 0,
        };
        for (directory, node) in nodes {
            let rendered = inflated.get(directory).map(Vec::as_slice);
            private
                .add(
                    directory,
                    node,
                    nodes,
                    load_outside,
                    rendered.unwrap_or_default(),
                )
                .map_err(|message| (node.file.clone(), message))?;
        }
        Ok(private)
    }

    fn add(
        &mut self,
        directory: &Path,
        node: &KustomizationNode,
        nodes: &BTreeMap<PathBuf, &KustomizationNode>,
        load_outside: bool,
        rendered: &[String],
    ) -> Result<(), String> {
        let place = self.copy_of(directory);
        let mut fields = node.fields.clone();
        visit(&mut fields, &mut |role, entry| {
            let mut adding = KustomizationCopy {
                private: self,
                directory,
                place: &place,
                nodes,
                load_outside,
            };
            adding.entry(role, entry)
        })?;
        let mut files = Vec::new();
        // kustomize does not accept an empty file as a resource.
        let rendered = rendered.iter().filter(|text| !text.is_empty());
        for (number, text) in rendered.enumerate() {
            let name = format!("{RENDERED}-{number}.yaml");
            self.write(place.join(&name), text.as_bytes(), false)?;
            self.also(place.join(&name), node.file.clone());
            files.push(name);
        }
        add_resources(&mut fields, files);
        let name = node.file.file_name().unwrap_or_default();
        // JSON is YAML.
        let text = Value::Object(fields).to_string();
        self.write(place.join(name), text.as_bytes(), false)
    }

    /// Returns the copy of a directory with a kustomization.
    pub fn copy_of(&self, directory: &Path) -> PathBuf {
        let below = directory.strip_prefix(&self.original);
        self.root.join(below.unwrap_or(Path::new("")))
    }

    /// Returns the original of a path in the copy.
    pub fn original(&self, path: &Path) -> PathBuf {
        if let Some(original) = self.moved.get(path) {
            return original.clone();
        }
        match path.strip_prefix(&self.root) {
            Ok(below) => self.original.join(below),
            Err(_) => path.to_owned(),
        }
    }

    /// Records that a file is a copy of another.
    pub fn also(&mut self, copy: PathBuf, original: PathBuf) {
        self.moved.insert(copy, original);
    }

    /// Returns a program's message with the paths of originals instead of copies.
    pub fn in_message(&self, message: &str) -> String {
        let mut message = message.to_owned();
        for (copy, original) in &self.moved {
            message = message.replace(&*copy.to_string_lossy(), &original.to_string_lossy());
        }
        message.replace(
            &*self.root.to_string_lossy(),
            &self.original.to_string_lossy(),
        )
    }

    fn write(&mut self, path: PathBuf, bytes: &[u8], as_it_is: bool) -> Result<(), String> {
        self.bytes += bytes.len();
        if self.bytes > MOST {
            let most = MOST >> 20;
            return Err(format!(
                "the files of these kustomizations are larger than {most} MiB together"
            ));
        }
        write_bytes(&path, bytes)?;
        self.written.insert(path, as_it_is);
        Ok(())
    }
}

/// A kustomization that is being copied.
struct KustomizationCopy<'a> {
    private: &'a mut PrivateCopy,
    directory: &'a Path,
    /// The copy of the directory.
    place: &'a Path,
    nodes: &'a BTreeMap<PathBuf, &'a KustomizationNode>,
    load_outside: bool,
}

impl KustomizationCopy<'_> {
    /// Replaces an entry by the copy of the file or directory that it names.
    fn entry(&mut self, role: FieldRole, entry: &mut String) -> Result<(), String> {
        let field = role.field();
        match resolve(self.directory, role, entry) {
            // It is allowed, or else it was refused before.
            EntryTarget::Remote => Ok(()),
            EntryTarget::Missing => Err(format!("{field} names {entry}, which does not exist")),
            EntryTarget::Directory(directory) => {
                if !self.nodes.contains_key(&directory) {
                    return Err(format!(
                        "{field} names {entry}, a directory without a kustomization"
                    ));
                }
                let copy = self.private.copy_of(&directory);
                *entry = local(&copy, self.place, entry)?;
                Ok(())
            }
            EntryTarget::File(file) => {
                if !self.load_outside && !file.starts_with(self.directory) {
                    return Err(format!(
                        "{field} names {entry}, which is outside the directory of this \
                         kustomization: kustomize loads no file from there without \
                         --load-restrictor none"
                    ));
                }
                let copy = self.file(role, &file)?;
                let path = local(&copy, self.place, entry)?;
                *entry = match role {
                    // The key is the name of the file as written, even if it is a link.
                    FieldRole::Keyed(_) => {
                        let (key, named) = split_key(entry);
                        let name = Path::new(named).file_name().unwrap_or_default();
                        let key = key.map_or_else(|| name.to_string_lossy().into(), str::to_owned);
                        format!("{key}={path}")
                    }
                    _ => path,
                };
                Ok(())
            }
        }
    }

    /// Copies a file, or rewrites the settings of a plugin.
    fn file(&mut self, role: FieldRole, file: &Path) -> Result<PathBuf, String> {
        let is_settings = matches!(role, FieldRole::Plugin(_));
        let preferred = file.strip_prefix(self.directory).ok();
        let preferred = preferred.map(|below| self.place.join(below));
        let has_name = preferred.as_deref().is_some_and(has_name);
        if let Some(copy) = preferred.filter(|_| !has_name) {
            match self.private.written.get(&copy) {
                Some(as_it_is) if *as_it_is != is_settings => return Ok(copy),
                None => {
                    let bytes = self.bytes(role, file)?;
                    self.private.write(copy.clone(), &bytes, !is_settings)?;
                    return Ok(copy);
                }
                Some(_) => {}
            }
        }
        let number = self.private.written.len().to_string();
        let name = file.file_name().unwrap_or_default();
        let copy = self.place.join(OUTSIDE).join(number).join(name);
        let bytes = self.bytes(role, file)?;
        self.private.write(copy.clone(), &bytes, !is_settings)?;
        self.private.also(copy.clone(), file.to_owned());
        Ok(copy)
    }

    fn bytes(&mut self, role: FieldRole, file: &Path) -> Result<Vec<u8>, String> {
        let FieldRole::Plugin(field) = role else {
            let name = file.file_name().unwrap_or_default().display();
            return match read::file(file) {
                // The objects of the other files can still be compared.
                Err(why) if why == read::LOCKED && matches!(role, FieldRole::Objects(_)) => {
                    self.private.locked.push(file.to_owned());
                    Ok(b"# locked\n".to_vec())
                }
                read => read.map_err(|why| format!("{name}: {why}")),
            };
        };
        let text = text_of(file).ok_or_else(|| {
            format!(
                "{field} has an entry that is not a \
            string"
            )
        })?;
        let mut entries = |role, entry: &mut String| self.entry(role, entry);
        Ok(plugin(field, &text, &mut entries)?.into_bytes())
    }
}

/// Returns the path to a copy, as an entry of a kustomization.
fn local(copy: &Path, from: &Path, entry: &str) -> Result<String, String> {
    let path = relative_to(copy, from);
    let path = match path.to_str() {
        Some("") => ".",
        Some(path) => path,
        None => return Err(format!("{entry} leads to a path that is not UTF-8")),
    };
    // kustomize would take the name of a link's target for an address.
    match is_remote(path) || path.contains(['\n', '=']) {
        true => Err(format!(
            "{entry} leads to a path that kustomize would misread: move it to another path"
        )),
        false => Ok(path.to_owned()),
    }
}

/// Returns the innermost directory around all of these.
fn around<'p>(mut directories: impl Iterator<Item = &'p PathBuf>) -> PathBuf {
    let mut common = directories.next().cloned().unwrap_or_default();
    for directory in directories {
        while !directory.starts_with(&common) && common.pop() {}
    }
    common
}
