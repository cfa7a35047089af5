//! Manifests in files, directories and standard input.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::chart::Chart;
use super::classify::{is_other_json, is_template};
use super::kustomize::Build;
use super::objects::{self, File};
use super::plan::{self, Root};
use super::render::{Names, Rendering};
use super::tree::{Disk, Kind, Tree};
use super::walk::{Bounds, Found, Walk};
use super::{Loaded, Source, kustomize, read};
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
}

impl Files {
    /// The files that these arguments mean.
    pub fn new(arguments: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            untrusted: false,
            rendering: None,
        }
    }

    /// With directories rendered that are no plain manifests.
    #[must_use]
    pub fn rendered(mut self, rendering: Rendering) -> Self {
        self.rendering = Some(rendering);
        self
    }
}

impl Files {
    /// The same, if somebody wrote them who is not trusted: only below the current directory, and
    /// in bounds that no honest tree meets.
    pub fn untrusted(self, untrusted: bool) -> Self {
        Self { untrusted, ..self }
    }

    fn bounds(&self) -> std::io::Result<Bounds> {
        if self.untrusted {
            let here = Path::new(".").canonicalize()?;
            return Ok(Bounds::tight(Some(here)));
        }
        Ok(Bounds::default())
    }
}

impl Source for Files {
    fn load(&self, _: &dyn Live) -> Loaded {
        self.read()
    }
}

impl Files {
    /// Reads the files; they need no cluster.
    pub fn read(&self) -> Loaded {
        let bounds = match self.bounds() {
            Ok(bounds) => bounds,
            Err(error) => {
                let mut loaded = Loaded::default();
                loaded.error(".", read::reason(&error));
                return loaded;
            }
        };
        let most = bounds.bytes;
        let mut walk = Walk::through(&Disk, bounds);
        for argument in &self.arguments {
            if !walk.stream(argument) {
                walk.argument(argument, argument);
            }
        }
        let (found, loaded) = walk.finish();
        let Some(rendering) = &self.rendering else {
            return read_all(&Disk, &found, most, loaded);
        };
        let plan = plan::plan(&self.arguments, found);
        let mut loaded = read_all(&Disk, &plan.raw, most, loaded);
        loaded.append(plan.remarks);
        let built = |root: &Root| build(root, rendering);
        let parts: Vec<Loaded> = plan.builds.par_iter().map(built).collect();
        parts.into_iter().for_each(|part| loaded.append(part));
        let rendered = |root: &Root| chart(root, rendering);
        let parts: Vec<Loaded> = plan.charts.par_iter().map(rendered).collect();
        parts.into_iter().for_each(|part| loaded.append(part));
        loaded
    }
}

/// Reads what was found in a tree; `loaded` is what finding it had to say, and
/// no file may have more than `most` bytes.
pub(super) fn read_all(
    tree: &dyn Tree,
    found: &[Found],
    most: usize,
    mut loaded: Loaded,
) -> Loaded {
    let (used, remarks) = kustomize::survey(tree, found);
    loaded.append(remarks);
    let parts: Vec<Loaded> = found
        .par_iter()
        .map(|found| load(tree, found, most, &used))
        .collect();
    for part in parts {
        loaded.append(part);
    }
    loaded
}

/// Builds one kustomization.
fn build(root: &Root, rendering: &Rendering) -> Loaded {
    Build::of(&root.directory, &Names::like(&root.argument)).load(rendering)
}

/// Renders one chart.
fn chart(root: &Root, rendering: &Rendering) -> Loaded {
    let chart = Chart {
        directory: &root.directory,
        names: &Names::like(&root.argument),
        options: &rendering.chart,
        inline: None,
        with_crds: true,
    };
    chart.load(rendering)
}

/// What lies at a path on disk, in bounds for those who are trusted.
pub(super) fn found_on_disk(path: &Path) -> (Vec<Found>, Loaded) {
    let mut walk = Walk::through(&Disk, Bounds::default());
    walk.argument(path, path);
    walk.finish()
}

/// Reads one file on disk or stream, of those that somebody who is trusted named.
pub(super) fn load_on_disk(found: &Found) -> Loaded {
    load(&Disk, found, Bounds::default().bytes, &HashMap::new())
}

/// Reads one file or stream.
fn load(tree: &dyn Tree, found: &Found, most: usize, used: &HashMap<PathBuf, String>) -> Loaded {
    let mut loaded = Loaded::default();
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
            if let Some(role) = used.get(canonical) {
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
        Ok(bytes) => load_bytes(name, bytes, is_template, &mut loaded),
        Err(message) => loaded.error(name, message),
    }
    loaded
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
    let path = Path::new(name);
    let file_name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(name);
    if is_other_json(file_name) {
        return loaded.skip(name, "a configuration of a programming tool");
    }
    if file_name == "Chart.yaml" {
        let chart = path.parent().filter(|chart| !chart.as_os_str().is_empty());
        let chart = chart.unwrap_or(Path::new(".")).display();
        loaded.warning(
            name,
            format!(
                "the templates of this chart are not rendered: to compare them, name {chart} itself"
            ),
        );
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
