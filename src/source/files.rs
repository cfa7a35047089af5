//! Reads manifests in files, directories and standard input.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::chart::{Capabilities, Chart};
use super::kustomize::Build;
use super::of_git::beside_chart;
use super::plan::{self, RenderRoot, SourceArgument};
use super::render::{FileNames, Rendering};
use super::tree::{Disk, Tree, TreeEntryKind};
use super::walk::{Bounds, Walk, WalkEntry};
use super::{LoadedSource, Source, chart, kustomize, read, text};
use crate::cluster::{Live, Meter};
use crate::yaml;

/// Files and directories (recursive: `.yaml`, `.yml`, `.json`), and `-` for standard input.
///
/// Each file is read once, however many arguments and links lead to it. Kustomizations are rendered
/// on request; otherwise they and Helm charts are read as plain files, with a warning.
#[derive(Debug)]
pub struct FilesSource {
    arguments: Vec<PathBuf>,
    untrusted: bool,
    rendering: Option<Rendering>,
    /// Recordings of the live side, which are not manifests even if they are among them.
    recordings: Vec<PathBuf>,
}

impl FilesSource {
    /// Returns the files for these arguments.
    pub fn new(arguments: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            untrusted: false,
            rendering: None,
            recordings: Vec::new(),
        }
    }

    /// Excludes recordings of the live side, which may be next to the manifests.
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

    /// Renders directories that are not plain manifests.
    #[must_use]
    pub fn rendered(self, rendering: Option<Rendering>) -> Self {
        Self { rendering, ..self }
    }

    /// Reads the files of an untrusted author: only below the current directory, and with limits
    /// that no ordinary tree reaches.
    #[must_use]
    pub fn untrusted(self, untrusted: bool) -> Self {
        Self { untrusted, ..self }
    }

    /// Reads the files; this needs no cluster.
    pub fn read(&self) -> LoadedSource {
        self.read_with(None)
    }

    /// Excludes recordings, unless an argument names them as manifests.
    fn is_declared(&self, found: &WalkEntry, loaded: &mut LoadedSource) -> bool {
        let WalkEntry::File {
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
            loaded.skip(name, "the live side of this run, not a manifest");
        }
        !is_live
    }

    fn bounds(&self) -> std::io::Result<Bounds> {
        if self.untrusted {
            let here = Path::new(".").canonicalize()?;
            return Ok(Bounds::untrusted_limits(Some(here)));
        }
        Ok(Bounds::default())
    }

    fn read_with(&self, live: Option<&dyn Live>) -> LoadedSource {
        let bounds = match self.bounds() {
            Ok(bounds) => bounds,
            Err(error) => {
                let mut loaded = LoadedSource::default();
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
            return read_all(&Disk, &found, most, [self.untrusted; 2], None, loaded);
        };
        let arguments = self.arguments.iter().map(|path| SourceArgument {
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

impl Source for FilesSource {
    fn load(&self, live: &dyn Live) -> LoadedSource {
        self.read_with(Some(live))
    }
}

/// The files and directories on disk that arguments name, and that can be rendered.
pub(super) struct OnDisk {
    pub arguments: Vec<SourceArgument>,
    /// The size limit of a file, in bytes.
    pub most: usize,
    /// The directory that must contain everything, without links; `None` for anywhere.
    pub within: Option<PathBuf>,
    /// The directory that is a copy, and its original.
    pub copy: Option<(PathBuf, PathBuf)>,
}

impl OnDisk {
    /// Reads the files that were found, and renders where necessary; `loaded` has the messages so
    /// far.
    pub fn read(
        &self,
        found: Vec<WalkEntry>,
        rendering: &Rendering,
        live: Option<&dyn Live>,
        loaded: LoadedSource,
    ) -> LoadedSource {
        let plan = plan::plan(&self.arguments, found, self.within.as_deref());
        let distrusts = rendering.untrusted;
        let trust = [false, distrusts];
        let mut loaded = read_all(&Disk, &plan.raw, self.most, trust, Some(rendering), loaded);
        loaded.append(plan.remarks);
        let meter = Meter::of_process();
        meter.plan_renderings(plan.builds.len() + plan.charts.len());
        let built = |root: &RenderRoot| {
            let built = self.build(root, rendering);
            meter.rendering();
            built
        };
        let parts: Vec<LoadedSource> = plan.builds.par_iter().map(built).collect();
        parts.into_iter().for_each(|part| loaded.append(part));
        if plan.charts.is_empty() {
            return loaded;
        }
        let capabilities = live.map(Capabilities::of).unwrap_or_default();
        let rendered = |root: &RenderRoot| {
            let rendered = self.chart(root, rendering, &capabilities);
            meter.rendering();
            rendered
        };
        let parts: Vec<LoadedSource> = plan.charts.par_iter().map(rendered).collect();
        parts.into_iter().for_each(|part| loaded.append(part));
        loaded
    }

    fn names(&self, root: &RenderRoot) -> FileNames {
        let names = FileNames::like(&root.argument);
        match &self.copy {
            Some((copy, original)) => names.of_copy(copy, original),
            None => names,
        }
    }

    /// Builds one kustomization.
    fn build(&self, root: &RenderRoot, rendering: &Rendering) -> LoadedSource {
        let names = self.names(root);
        let build = Build {
            within: self.within.as_deref(),
            ..Build::of(&root.directory, &names)
        };
        build.load(rendering)
    }

    /// Renders one chart.
    fn chart(
        &self,
        root: &RenderRoot,
        rendering: &Rendering,
        capabilities: &Capabilities,
    ) -> LoadedSource {
        let chart = Chart {
            directory: &root.directory,
            names: &self.names(root),
            options: &rendering.chart,
            capabilities,
            inline: chart::Inline::default(),
            with_crds: true,
        };
        if let (Some(_), Err(message)) = (&self.within, beside_chart(&root.directory)) {
            let mut loaded = LoadedSource::default();
            loaded.error(chart.names.of(&root.directory.join(chart::FILE)), message);
            return loaded;
        }
        chart.load(rendering)
    }
}

/// Reads the files found in a tree without rendering; `loaded` has the messages so far, `most` is
/// the size limit of a file in bytes, `untrusted` is why nothing is rendered, and `distrusts`
/// whether the files cannot exclude objects.
pub(super) fn read_all(
    tree: &dyn Tree,
    found: &[WalkEntry],
    most: usize,
    [untrusted, distrusts]: [bool; 2],
    decrypts: Option<&Rendering>,
    mut loaded: LoadedSource,
) -> LoadedSource {
    let (used, remarks) = kustomize::survey(tree, found, untrusted);
    loaded.append(remarks);
    let reading = FileReader {
        used,
        untrusted,
        distrusts,
        is_open: false,
        decrypts,
    };
    let parts: Vec<LoadedSource> = found
        .par_iter()
        .map(|found| load(tree, found, most, &reading))
        .collect();
    for part in parts {
        loaded.append(part);
    }
    loaded
}

/// Reads a file on disk with a size limit, or a stream.
pub(super) fn load_on_disk(
    found: &WalkEntry,
    most: usize,
    decrypts: Option<&Rendering>,
) -> LoadedSource {
    let reading = FileReader {
        decrypts,
        ..FileReader::default()
    };
    load(&Disk, found, most, &reading)
}

/// Does the same for a file with variables in names that are substituted later.
pub(super) fn load_open(
    found: &WalkEntry,
    most: usize,
    decrypts: Option<&Rendering>,
) -> LoadedSource {
    let reading = FileReader {
        is_open: true,
        decrypts,
        ..FileReader::default()
    };
    load(&Disk, found, most, &reading)
}

/// How files are read.
#[derive(Default)]
struct FileReader<'r> {
    /// The files that are not manifests, and what they are.
    used: HashMap<PathBuf, String>,
    /// Whether nothing is rendered because the author is not trusted.
    untrusted: bool,
    /// Whether the files cannot exclude objects.
    distrusts: bool,
    /// Like the whole file.
    is_open: bool,
    /// How encrypted objects are decrypted, if at all.
    decrypts: Option<&'r Rendering>,
}

/// Reads one file or stream.
fn load(tree: &dyn Tree, found: &WalkEntry, most: usize, reading: &FileReader<'_>) -> LoadedSource {
    let mut loaded = LoadedSource::default();
    if let WalkEntry::File { name, path, .. } = found
        && path.ends_with(chart::FILE)
    {
        loaded.warning(name, unrendered_chart(path, reading.untrusted));
    }
    let (name, bytes) = match found {
        WalkEntry::Stdin => ("-", read::stdin()),
        WalkEntry::Descriptor(path) => {
            let stream = std::fs::File::open(path).map_err(|error| read::reason(&error));
            let name = path.to_str().unwrap_or("-");
            (name, stream.and_then(read::stream))
        }
        WalkEntry::File {
            name, canonical, ..
        } => {
            if let Some(role) = reading.used.get(canonical) {
                match reading.distrusts && tree.read(canonical).is_ok_and(holds_object) {
                    true => loaded.set_aside(name, role, None),
                    false => loaded.skip(name, role),
                }
                if reading.distrusts {
                    loaded.distrust();
                }
                return loaded;
            }
            (name.as_str(), tree.read(canonical))
        }
    };
    let is_template = || match found {
        WalkEntry::File { canonical, .. } => in_chart_templates(tree, canonical),
        WalkEntry::Stdin | WalkEntry::Descriptor(_) => false,
    };
    match bytes {
        Ok(bytes) if bytes.len() > most => {
            let message = format!(
                "this is larger than {} MiB, the limit for untrusted \
                manifests",
                most >> 20
            );
            loaded.error(name, message);
        }
        Ok(bytes) => text::load(name, bytes, is_template, reading.is_open, &mut loaded),
        Err(message) => loaded.error(name, message),
    }
    if reading.distrusts {
        loaded.distrust();
    }
    loaded.decrypt(reading.decrypts);
    loaded
}

/// Returns whether a file contains an object, or something that looks like one.
fn holds_object(bytes: Vec<u8>) -> bool {
    let Ok(text) = yaml::decode(bytes) else {
        return false;
    };
    let mut documents = yaml::parse(&text).documents.into_iter();
    documents.any(|document| {
        let has = |field: &str| document.value.get(field).is_some();
        has("apiVersion") && has("kind")
    })
}

/// The start of the warning about a chart whose files are read without rendering.
pub(super) const UNRENDERED: &str = "the templates of this chart are not rendered";

/// Returns the warning about a chart whose files are read without rendering.
fn unrendered_chart(file: &Path, untrusted: bool) -> String {
    let chart = file
        .parent()
        .filter(|chart| !chart.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
        .display();
    let also = if untrusted { ", and pass --render" } else { "" };
    format!("{UNRENDERED}: to compare them, name {chart} itself{also}")
}

/// Returns whether a file is in the `templates` of a Helm chart.
fn in_chart_templates(tree: &dyn Tree, canonical: &Path) -> bool {
    let is_file = |path: PathBuf| {
        let resolved = tree.resolve(&path);
        resolved.is_ok_and(|resolved| resolved.kind == TreeEntryKind::File)
    };
    canonical
        .ancestors()
        .filter(|ancestor| ancestor.ends_with("templates"))
        .filter_map(Path::parent)
        .any(|chart| is_file(chart.join("Chart.yaml")))
}
