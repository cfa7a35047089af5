//! Finds out what would be declared after an edit: reads the same sources from a copy of the
//! repository.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{STDIN, sources};
use crate::cli::args::{LiveArgs, SourceArgs};
use crate::cluster::Live;
use crate::engine::backport::{
    FileEdits, KustomizationLayer, RenderEdits, RenderResult, RenderScope,
};
use crate::model::{Deployer, Warning};
use crate::source::{Layers, Mirror, Scheme, layers};

/// How many renderings are cached.
const REMEMBERED: usize = 64;

/// Renders edited files.
pub struct EditRenderer<'d> {
    source: &'d SourceArgs,
    live_args: &'d LiveArgs,
    live: &'d dyn Live,
    roots: Vec<PathBuf>,
    /// Whether files are named by their full paths.
    is_absolute: bool,
    mirrors: OnceCell<Result<Vec<Mirror>, String>>,
    /// The files in the copy that differ from the original.
    shown: RefCell<FileEdits>,
    known: RefCell<BTreeMap<(RenderScope, FileEdits), Rc<RenderResult>>>,
    layers: OnceCell<Vec<Layers>>,
}

impl<'d> EditRenderer<'d> {
    /// Returns drafts of the sources in these directories. They are copied when first needed.
    pub fn of(
        source: &'d SourceArgs,
        live_args: &'d LiveArgs,
        live: &'d dyn Live,
        roots: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        let mut roots: Vec<PathBuf> = roots.into_iter().filter(|root| root.is_dir()).collect();
        roots.sort();
        roots.dedup_by(|inner, outer| inner.starts_with(&*outer));
        let mut paths = source
            .paths
            .iter()
            .filter(|path| Scheme::of(path).is_none());
        Self {
            source,
            live_args,
            live,
            roots,
            is_absolute: paths.next().is_some_and(|path| path.is_absolute()),
            mirrors: OnceCell::new(),
            shown: RefCell::default(),
            known: RefCell::default(),
            layers: OnceCell::new(),
        }
    }

    fn mirrors(&self) -> Result<&[Mirror], String> {
        let make = || self.roots.iter().map(|root| Mirror::of(root)).collect();
        let mirrors = self.mirrors.get_or_init(make);
        mirrors.as_ref().map(Vec::as_slice).map_err(String::clone)
    }

    /// Returns the copy of a path; the path itself if it is not in a repository.
    fn copy(&self, name: &Path) -> Result<PathBuf, String> {
        let Ok(path) = name.canonicalize() else {
            return Ok(name.to_owned());
        };
        let mut copies = self.mirrors()?.iter().filter_map(|one| one.copy_of(&path));
        Ok(copies.next().unwrap_or(path))
    }

    /// Returns the user's name for a file in the copy.
    fn name(&self, copy: &Path) -> String {
        let mirrors = self.mirrors().unwrap_or_default();
        let original = mirrors.iter().find_map(|one| one.original_of(copy));
        let original = original.unwrap_or_else(|| copy.to_owned());
        let here = Path::new(".").canonicalize().unwrap_or_default();
        let named = match self.is_absolute {
            true => original,
            false => crate::source::relative_path(&original, &here),
        };
        match named.as_os_str().is_empty() {
            true => ".".to_owned(),
            false => named.to_string_lossy().into_owned(),
        }
    }

    /// Applies exactly these edits to the copy.
    fn show(&self, edits: &FileEdits) -> Result<(), String> {
        let mirrors = self.mirrors()?;
        let mut shown = self.shown.borrow_mut();
        let write = |name: &str, text: Option<&str>| {
            let path = Path::new(name).canonicalize();
            let path = path.map_err(|error| format!("cannot find {name}: {error}"))?;
            let mut mirrors = mirrors.iter();
            let mirror = mirrors.find(|mirror| mirror.copy_of(&path).is_some());
            let mirror = mirror.ok_or_else(|| format!("{name} is outside the repository"))?;
            mirror.write(&path, text)
        };
        for name in shown.keys().filter(|name| !edits.contains_key(*name)) {
            write(name, None)?;
        }
        for (name, text) in edits {
            if shown.get(name) != Some(text) {
                write(name, Some(text))?;
            }
        }
        shown.clone_from(edits);
        Ok(())
    }

    /// Returns the arguments with their paths replaced by the copy. A single folder is read without
    /// rendering.
    fn words(&self, part: &RenderScope) -> Result<(SourceArgs, LiveArgs), String> {
        let copies = |paths: &[PathBuf]| -> Result<Vec<PathBuf>, String> {
            let copy = |path: &PathBuf| match path.as_path() == Path::new(STDIN)
                || Scheme::of(path).is_some()
            {
                true => Ok(path.clone()),
                false => self.copy(path),
            };
            paths.iter().map(copy).collect()
        };
        let mut source = self.source.clone();
        source.render.values = copies(&source.render.values)?;
        match part {
            RenderScope::Kustomization(folder) | RenderScope::Chart(folder) => {
                source.paths = vec![self.copy(Path::new(folder))?];
                (source.app, source.kustomization) = (Vec::new(), Vec::new());
                source.plain = true;
                if matches!(part, RenderScope::Kustomization(_)) {
                    // These flags are for charts.
                    source.render.values = Vec::new();
                    (source.render.set, source.render.set_string) = (Vec::new(), Vec::new());
                    source.render.release = None;
                }
            }
            RenderScope::All(_) => {
                source.paths = copies(&source.paths)?;
                source.app = copies(&source.app)?;
                source.kustomization = copies(&source.kustomization)?;
                source.repo_root = match &source.repo_root {
                    Some(root) => Some(self.copy(root)?),
                    None => None,
                };
            }
        }
        let live = LiveArgs {
            live: copies(&self.live_args.live)?,
            ..self.live_args.clone()
        };
        Ok((source, live))
    }
}

impl RenderEdits for EditRenderer<'_> {
    fn rendered(&self, part: &RenderScope, edits: &FileEdits) -> Result<Rc<RenderResult>, String> {
        let key = (part.clone(), edits.clone());
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        self.show(edits)?;
        let (source, live) = self.words(part)?;
        let sources = sources(&source, &live).map_err(|error| format!("{error:#}"))?;
        let mut rendered = RenderResult::default();
        for source in sources {
            let loaded = source.load(self.live);
            let objects = loaded.manifests.iter().map(|manifest| manifest.value());
            rendered.objects.extend(objects);
            let said = |error: &Warning| format!("{}: {}", error.place, error.message);
            rendered.errors.extend(loaded.errors.iter().map(said));
        }
        if let (Some(error), false) = (rendered.errors.first(), matches!(part, RenderScope::All(_)))
        {
            let mirrors = self.mirrors()?.iter();
            return Err(mirrors.fold(error.clone(), |said, one| one.in_message(&said)));
        }
        let rendered = Rc::new(rendered);
        let mut known = self.known.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, Rc::clone(&rendered));
        Ok(rendered)
    }

    fn layers(&self, folder: &str, edits: &FileEdits) -> Vec<KustomizationLayer> {
        let copy = self.show(edits).and_then(|()| self.copy(Path::new(folder)));
        let found = copy.map(|copy| layers(&copy)).unwrap_or_default();
        let layer = |(file, fields): (PathBuf, _)| {
            Some(KustomizationLayer {
                folder: self.name(file.parent()?),
                file: self.name(&file),
                fields,
            })
        };
        found.into_iter().filter_map(layer).collect()
    }

    fn others(&self, file: &str, part: &RenderScope) -> Vec<RenderScope> {
        // Edits do not add files to a kustomization.
        let mirrors = self.mirrors().unwrap_or_default();
        let below = || mirrors.iter().map(|mirror| Layers::below(mirror.root()));
        let all = self.layers.get_or_init(|| below().collect());
        let Ok(file) = self.copy(Path::new(file)) else {
            return Vec::new();
        };
        let own = part.folder().map(|folder| self.copy(Path::new(folder)));
        let own = own.and_then(Result::ok);
        let others = all
            .iter()
            .flat_map(|layers| layers.of(&file, own.as_deref()));
        others
            .map(|directory| RenderScope::Kustomization(self.name(directory)))
            .collect()
    }

    fn values(&self, part: &RenderScope) -> (Vec<String>, Option<String>) {
        let given = match part {
            RenderScope::Chart(_) => &self.source.render.values[..],
            _ => &[],
        };
        let given = given.iter().map(|file| file.to_string_lossy().into_owned());
        let Some(RenderScope::Chart(folder)) = part.renderer() else {
            return (given.collect(), None);
        };
        let folder = Path::new(folder);
        // Files of a dependency are replaced with the next one.
        let is_dependency = folder.iter().any(|name| name == "charts")
            && folder
                .parent()
                .and_then(Path::parent)
                .is_some_and(|above| above.join("Chart.yaml").is_file());
        let own = folder.join("values.yaml");
        let own = (own.is_file() && !is_dependency).then(|| own.to_string_lossy().into_owned());
        (given.collect(), own)
    }

    fn values_file(&self, chart: &str, named: &str) -> Option<String> {
        let mirrors = self.mirrors().ok()?;
        let of_source = named
            .strip_prefix('$')
            .and_then(|rest| rest.split_once('/'));
        let from_top = named
            .strip_prefix('/')
            .or(of_source.map(|(_, below)| below));
        let files: Vec<PathBuf> = match from_top {
            Some(below) => mirrors.iter().map(|one| one.root().join(below)).collect(),
            None => vec![self.copy(Path::new(chart)).ok()?.join(named)],
        };
        files.iter().find_map(|file| {
            let file = file.canonicalize().ok().filter(|file| file.is_file())?;
            mirrors.iter().find_map(|one| {
                let below = file.strip_prefix(one.root().canonicalize().ok()?).ok()?;
                Some(self.name(&one.root().join(below)))
            })
        })
    }

    fn deployers(&self, deployer: &Deployer) -> Vec<String> {
        let mirrors = self.mirrors().unwrap_or_default();
        let files = mirrors.iter().flat_map(|mirror| {
            let kind = format!("kind: {}", deployer.kind);
            mirror.manifests_with(&[&kind, &deployer.name])
        });
        files.map(|file| self.name(&file)).collect()
    }
}
