//! Traces Helm's output to the files of the chart.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::template::{TemplateLines, ToTemplate};
use crate::model::{Manifest, Origin};
use crate::source::original::{OriginalPositions, likeness};
use crate::source::render::FileNames;
use crate::source::{LoadedSource, read, text};
use crate::yaml;

/// The comment that Helm puts before each rendered object (`helm/pkg/action/action.go`,
/// `renderResources`).
const SOURCE: &str = "# Source: ";

/// The template of each line of Helm's output.
pub(super) struct TemplateSources(BTreeMap<usize, Option<String>>);

impl TemplateSources {
    /// Reads the comments in an output.
    pub fn of(output: &str) -> Self {
        let mut sources = BTreeMap::new();
        for (at, line) in output.lines().enumerate() {
            if line.starts_with("---") {
                sources.insert(at + 1, None);
            } else if let Some(source) = line.strip_prefix(SOURCE) {
                sources.insert(at + 1, Some(source.trim().to_owned()));
            }
        }
        Self(sources)
    }

    /// Returns the template of a line, such as `chart/templates/a.yaml`.
    pub fn of_line(&self, line: usize) -> Option<&str> {
        let (_, source) = self.0.range(..=line).next_back()?;
        source.as_deref()
    }
}

/// The location of the templates of a chart.
pub(super) struct ChartTemplates<'t> {
    /// The directory of the chart, without links.
    pub chart: &'t Path,
    pub names: &'t FileNames,
    /// The file that represents the whole chart.
    pub place: &'t str,
    /// The command that rendered it.
    pub by: &'t str,
}

/// A file that objects come from.
enum TemplateSource {
    /// Plain manifests, such as definitions of custom resources.
    Plain(Vec<Arc<Manifest>>),
    Template(Arc<TemplateLines>),
}

impl TemplateSource {
    /// Reads a file of a chart, unless it is outside the chart.
    fn of(path: &Path, chart: &Path, name: &str) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        if !path.starts_with(chart) {
            return None;
        }
        let text = yaml::decode(read::file(&path).ok()?).ok()?;
        if text.contains("{{") {
            return Some(Self::Template(Arc::new(TemplateLines::of(&text))));
        }
        let mut loaded = LoadedSource::default();
        text::load_bytes(name, text.into_bytes(), &mut loaded);
        let manifests = loaded.manifests.into_iter().map(Arc::new);
        Some(Self::Plain(manifests.collect()))
    }
}

impl ChartTemplates<'_> {
    /// Sets the origins of objects; `sources` are their templates as Helm names them.
    pub fn set_origins(&self, manifests: &mut [Manifest], sources: &[Option<String>]) {
        let mut files: BTreeMap<PathBuf, Option<TemplateSource>> = BTreeMap::new();
        let mut made: BTreeMap<(PathBuf, String), (usize, usize)> = BTreeMap::new();
        let paths: Vec<Option<PathBuf>> = sources
            .iter()
            .map(|source| self.path_of(source.as_deref()?))
            .collect();
        for (manifest, path) in manifests.iter().zip(&paths) {
            if let Some(path) = path {
                let key = (path.clone(), manifest.kind.clone());
                made.entry(key).or_default().1 += 1;
            }
        }
        for (manifest, path) in manifests.iter_mut().zip(paths) {
            manifest.source_map = None;
            let Some(path) = path else {
                self.place(manifest, self.place.to_owned(), 1);
                continue;
            };
            let name = self.names.of(&path);
            let key = (path.clone(), manifest.kind.clone());
            let among = made.entry(key).or_default();
            let file = files
                .entry(path)
                .or_insert_with_key(|path| TemplateSource::of(path, self.chart, &name));
            let line = file.as_ref().and_then(|file| lead(manifest, file, *among));
            among.0 += 1;
            self.place(manifest, name, line.unwrap_or(1));
        }
    }

    /// Returns the file of a template, if it exists.
    pub fn file(&self, source: &str) -> Option<String> {
        let path = self.path_of(source).filter(|path| path.is_file())?;
        Some(self.names.of(&path))
    }

    /// Returns the file of `chart/templates/a.yaml`; templates of a subchart are in
    /// `chart/charts/sub/templates`.
    fn path_of(&self, source: &str) -> Option<PathBuf> {
        let (_, below) = source.split_once('/')?;
        // A template can print this comment too, with any name.
        let mut parts = Path::new(below).components();
        let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
        is_below.then(|| self.chart.join(below))
    }

    fn place(&self, manifest: &mut Manifest, file: String, line: usize) {
        manifest.origin = Origin {
            rendered_by: Some(self.by.into()),
            ..Origin::file(file, 1, line)
        };
    }
}

/// Makes an object find its fields in the file, and returns its first line there.
fn lead(manifest: &mut Manifest, file: &TemplateSource, among: (usize, usize)) -> Option<usize> {
    match file {
        TemplateSource::Template(template) => {
            let way = ToTemplate::of(template, manifest, among)?;
            let line = way.line();
            manifest.source_map = Some(Arc::new(way));
            Some(line)
        }
        TemplateSource::Plain(objects) => {
            let alike = objects
                .iter()
                .filter_map(|written| Some((likeness(written, manifest)?, written)));
            let (_, written) = alike.max_by_key(|(likeness, _)| *likeness)?;
            let line = written.origin.line;
            manifest.source_map = Some(Arc::new(OriginalPositions {
                written: Arc::clone(written),
                built: manifest.value(),
            }));
            Some(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_templates_by_the_comments_before_objects() {
        let output = "---\n# Source: a/templates/x.yaml\nkind: A\n---\nkind: B\n---\n\
                      # Source: a/charts/b/templates/y.yaml\n\nkind: C\n";
        let sources = TemplateSources::of(output);
        assert_eq!(sources.of_line(3), Some("a/templates/x.yaml"));
        assert_eq!(sources.of_line(5), None);
        assert_eq!(sources.of_line(9), Some("a/charts/b/templates/y.yaml"));
    }
}
