//! Manifests in files, directories and standard input.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::chart::{Capabilities, Chart};
use super::classify::{is_other_json, is_template};
use super::kustomize::Build;
use super::objects::{self, File};
use super::plan::{self, Argument, Root};
use super::render::{Names, Rendering};
use super::tree::{Disk, Kind, Tree};
use super::walk::{Bounds, Found, Walk};
use super::{Loaded, Source, chart, kustomize, read};
use crate::cluster::Live;
use crate::yaml::{self, Problem};

/// Files and directories (recursive: `.yaml`, `.yml`, `.json`), and `-` for standard input.
///
/// Each file is read once, however many arguments and links lead to it. Kustomizations are
/// rendered if that is asked for; else they and Helm charts are read as they lie, with a warning.
#[derive(Debug)]
pub struct Files {
    arguments: Vec<PathBuf>,
    untrusted: bool,
    rendering: Option<Rendering>,
    /// What is the live side, and no manifest wherever it lies.
    recordings: Vec<PathBuf>,
}

impl Files {
    /// The files that these arguments mean.
    pub fn new(arguments: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            untrusted: false,
            rendering: None,
            recordings: Vec::new(),
        }
    }

    /// Without the recordings that are the live side: they may lie next to the manifests.
    #[must_use]
    pub fn without(self, recordings: &[PathBuf]) -> Self {
        let recordings = recordings
            .iter()
            .filter_map(|path| path.canonicalize().ok());
        Self {
            recordings: recordings.collect(),
            ..self
        }
    }

    /// With directories rendered that are no plain manifests.
    #[must_use]
    pub fn rendered(self, rendering: Option<Rendering>) -> Self {
        Self { rendering, ..self }
    }

    /// The same, if somebody wrote them who is not trusted: only below the current directory, and
    /// in bounds that no honest tree meets.
    #[must_use]
    pub fn untrusted(self, untrusted: bool) -> Self {
        Self { untrusted, ..self }
    }

    /// Reads the files; they need no cluster.
    pub fn read(&self) -> Loaded {
        self.read_with(None)
    }

    /// Whether what was found is no recording, unless it was named as a manifest itself.
    fn is_declared(&self, found: &Found, loaded: &mut Loaded) -> bool {
        let Found::File {
            name,
            path,
            canonical,
        } = found
        else {
            return true;
        };
        let mut recordings = self.recordings.iter();
        let is_live = !self.arguments.contains(path)
            && recordings.any(|recording| canonical.starts_with(recording));
        if is_live {
            loaded.skip(name, "the live side of this run, which is no manifest");
        }
        !is_live
    }

    fn bounds(&self) -> std::io::Result<Bounds> {
        if self.untrusted {
            let here = Path::new(".").canonicalize()?;
            return Ok(Bounds::tight(Some(here)));
        }
        Ok(Bounds::default())
    }

    fn read_with(&self, live: Option<&dyn Live>) -> Loaded {
        let bounds = match self.bounds() {
            Ok(bounds) => bounds,
            Err(error) => {
                let mut loaded = Loaded::default();
                loaded.error(".", read::reason(&error));
                return loaded;
            }
        };
        let (most, within) = (bounds.bytes, bounds.root.clone());
        let mut walk = Walk::through(&Disk, bounds);
        for argument in &self.arguments {
            if !walk.stream(argument) {
                walk.argument(argument, argument);
            }
        }
        let (mut found, mut loaded) = walk.finish();
        found.retain(|found| self.is_declared(found, &mut loaded));
        let Some(rendering) = &self.rendering else {
            return read_all(&Disk, &found, most, self.untrusted, loaded);
        };
        let arguments = self.arguments.iter().map(|path| Argument {
            name: path.clone(),
            path: path.clone(),
        });
        let tree = OnDisk {
            arguments: arguments.collect(),
            most,
            within,
            copy: None,
        };
        tree.read(found, rendering, live, loaded)
    }
}

impl Source for Files {
    fn load(&self, live: &dyn Live) -> Loaded {
        self.read_with(Some(live))
    }
}

/// What arguments lead to on disk, where it can be rendered.
pub(super) struct OnDisk {
    pub arguments: Vec<Argument>,
    /// The most that a file may be, in bytes.
    pub most: usize,
    /// The directory that must hold everything, without links; `None` for anywhere.
    pub within: Option<PathBuf>,
    /// The directory that is a copy, and what of.
    pub copy: Option<(PathBuf, PathBuf)>,
}

impl OnDisk {
    /// Reads what was found, and renders what has to be; `loaded` is what finding it had to say.
    pub fn read(
        &self,
        found: Vec<Found>,
        rendering: &Rendering,
        live: Option<&dyn Live>,
        loaded: Loaded,
    ) -> Loaded {
        let plan = plan::plan(&self.arguments, found);
        let mut loaded = read_all(&Disk, &plan.raw, self.most, false, loaded);
        loaded.append(plan.remarks);
        let built = |root: &Root| self.build(root, rendering);
        let parts: Vec<Loaded> = plan.builds.par_iter().map(built).collect();
        parts.into_iter().for_each(|part| loaded.append(part));
        if plan.charts.is_empty() {
            return loaded;
        }
        let capabilities = live.map(Capabilities::of).unwrap_or_default();
        let rendered = |root: &Root| self.chart(root, rendering, &capabilities);
        let parts: Vec<Loaded> = plan.charts.par_iter().map(rendered).collect();
        parts.into_iter().for_each(|part| loaded.append(part));
        loaded
    }

    fn names(&self, root: &Root) -> Names {
        let names = Names::like(&root.argument);
        match &self.copy {
            Some((copy, original)) => names.of_copy(copy, original),
            None => names,
        }
    }

    /// Builds one kustomization.
    fn build(&self, root: &Root, rendering: &Rendering) -> Loaded {
        let names = self.names(root);
        let build = Build {
            within: self.within.as_deref(),
            ..Build::of(&root.directory, &names)
        };
        build.load(rendering)
    }

    /// Renders one chart.
    fn chart(&self, root: &Root, rendering: &Rendering, capabilities: &Capabilities) -> Loaded {
        let chart = Chart {
            directory: &root.directory,
            names: &self.names(root),
            options: &rendering.chart,
            capabilities,
            inline: None,
            with_crds: true,
        };
        chart.load(rendering)
    }
}

/// Reads what was found in a tree as it lies; `loaded` is what finding it had to say, no file may
/// have more than `most` bytes, and `untrusted` is why nothing is rendered.
pub(super) fn read_all(
    tree: &dyn Tree,
    found: &[Found],
    most: usize,
    untrusted: bool,
    mut loaded: Loaded,
) -> Loaded {
    let (used, remarks) = kustomize::survey(tree, found, untrusted);
    loaded.append(remarks);
    let reading = Reading {
        used,
        untrusted,
        is_open: false,
    };
    let parts: Vec<Loaded> = found
        .par_iter()
        .map(|found| load(tree, found, most, &reading))
        .collect();
    for part in parts {
        loaded.append(part);
    }
    loaded
}

/// What lies in a directory on disk, which must be free of links.
pub(super) fn found_on_disk(
    directory: &Path,
    names: &Names,
    bounds: Bounds,
) -> (Vec<Found>, Loaded) {
    let mut walk = Walk::through(&Disk, bounds);
    walk.argument(Path::new(&names.of(directory)), directory);
    walk.finish()
}

/// Reads one file on disk of at most so many bytes, or a stream.
pub(super) fn load_on_disk(found: &Found, most: usize) -> Loaded {
    load(&Disk, found, most, &Reading::default())
}

/// The same, with variables in names that are still to be replaced.
pub(super) fn load_open(found: &Found, most: usize) -> Loaded {
    let reading = Reading {
        is_open: true,
        ..Reading::default()
    };
    load(&Disk, found, most, &reading)
}

/// How files are read.
#[derive(Default)]
struct Reading {
    /// The files that are no manifests, and what they are.
    used: HashMap<PathBuf, String>,
    /// Whether whoever wrote them is not trusted.
    untrusted: bool,
    /// As in [`File`].
    is_open: bool,
}

/// Reads one file or stream.
fn load(tree: &dyn Tree, found: &Found, most: usize, reading: &Reading) -> Loaded {
    let mut loaded = Loaded::default();
    if let Found::File { name, path, .. } = found
        && path.ends_with(chart::FILE)
    {
        loaded.warning(name, unrendered_chart(path, reading.untrusted));
    }
    let (name, bytes) = match found {
        Found::Stdin => ("-", read::stdin()),
        Found::Descriptor(path) => {
            let stream = std::fs::File::open(path).map_err(|error| read::reason(&error));
            let name = path.to_str().unwrap_or("-");
            (name, stream.and_then(read::stream))
        }
        Found::File {
            name, canonical, ..
        } => {
            if let Some(role) = reading.used.get(canonical) {
                loaded.skip(name, role);
                return loaded;
            }
            (name.as_str(), tree.read(canonical))
        }
    };
    let is_template = || match found {
        Found::File { canonical, .. } => in_chart_templates(tree, canonical),
        Found::Stdin | Found::Descriptor(_) => false,
    };
    match bytes {
        Ok(bytes) if bytes.len() > most => {
            let message = format!(
                "this is larger than {} MiB, which is not trusted",
                most >> 20
            );
            loaded.error(name, message);
        }
        Ok(bytes) => load_text(name, bytes, is_template, reading.is_open, &mut loaded),
        Err(message) => loaded.error(name, message),
    }
    loaded
}

/// What is said of a chart whose files are read as they lie.
fn unrendered_chart(file: &Path, untrusted: bool) -> String {
    let chart = file
        .parent()
        .filter(|chart| !chart.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
        .display();
    let also = if untrusted { ", and pass --render" } else { "" };
    format!(
        "the templates of this chart are not rendered: to compare them, name {chart} itself{also}"
    )
}

/// The objects in a text that is not read from a file; `name` stands for one in places.
pub fn objects_in(name: &str, bytes: Vec<u8>) -> Loaded {
    let mut loaded = Loaded::default();
    load_bytes(name, bytes, || false, &mut loaded);
    loaded
}

/// Takes the objects out of a file's bytes.
pub(super) fn load_bytes(
    name: &str,
    bytes: Vec<u8>,
    in_chart_templates: impl Fn() -> bool,
    loaded: &mut Loaded,
) {
    load_text(name, bytes, in_chart_templates, false, loaded);
}

/// The same; `is_open` is as in [`File`].
pub(super) fn load_text(
    name: &str,
    bytes: Vec<u8>,
    in_chart_templates: impl Fn() -> bool,
    is_open: bool,
    loaded: &mut Loaded,
) {
    let path = Path::new(name);
    let file_name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(name);
    if is_other_json(file_name) {
        return loaded.skip(name, "a configuration of a programming tool");
    }
    let text = match yaml::decode(bytes) {
        Ok(text) => text,
        Err(problem) => return report(name, &problem, loaded),
    };
    if text.contains("{{") && in_chart_templates() {
        return loaded.skip(name, "a template of a Helm chart, which is not rendered");
    }
    let parsed = yaml::parse(&text);
    for problem in &parsed.problems {
        let chunk = text.get(problem.chunk.start..problem.chunk.end);
        let chunk = chunk.unwrap_or_default();
        if problem.fatal && is_template(chunk, text_at(chunk, problem)) {
            let place = format!("{name}:{}", problem.position.line);
            loaded.skip(place, "a template, which is no YAML until it is rendered");
        } else {
            report(name, problem, loaded);
        }
    }
    let name: Arc<str> = Arc::from(name);
    let text: Arc<str> = Arc::from(text);
    let file = File {
        name: &name,
        text: &text,
        is_open,
    };
    for document in parsed.documents {
        objects::extract(&file, document, loaded);
    }
}

/// The rest of the line that a problem stands in, from its column on.
fn text_at<'t>(chunk: &'t str, problem: &Problem) -> &'t str {
    let lines_before = problem.position.line.saturating_sub(problem.chunk.line);
    let line = chunk.lines().nth(lines_before).unwrap_or("");
    let column = line.char_indices().nth(problem.position.column - 1);
    column.map_or("", |(at, _)| &line[at..])
}

fn report(name: &str, problem: &Problem, loaded: &mut Loaded) {
    let (line, column) = (problem.position.line, problem.position.column);
    let place = format!("{name}:{line}:{column}");
    if problem.fatal {
        loaded.error(place, &*problem.message);
    } else {
        loaded.warning(place, &*problem.message);
    }
}

/// Whether a file lies in the `templates` of a Helm chart.
fn in_chart_templates(tree: &dyn Tree, canonical: &Path) -> bool {
    let is_file = |path: PathBuf| {
        let resolved = tree.resolve(&path);
        resolved.is_ok_and(|resolved| resolved.kind == Kind::File)
    };
    canonical
        .ancestors()
        .filter(|ancestor| ancestor.ends_with("templates"))
        .filter_map(Path::parent)
        .any(|chart| is_file(chart.join("Chart.yaml")))
}
