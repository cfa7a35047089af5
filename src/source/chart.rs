//! Helm charts in a directory, rendered by `helm template`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use super::kustomize::is_remote;
use super::objects::load_rendered;
use super::render::{Job, Names, Program, Rendering, workspace, write};
use super::{Loaded, read};
use crate::model::{Manifest, Origin};
use crate::yaml;

/// The file that makes a directory a chart.
pub(super) const FILE: &str = "Chart.yaml";

/// What to do where helm is not there.
const HINT: &str = "helm is not on the PATH: install it (https://helm.sh/docs/intro/install), \
                    name it with --helm-bin, or pass --no-render to read the files as they lie";

/// What Helm puts before each object that it renders.
const SOURCE: &str = "# Source: ";

/// What a chart is rendered with: words of `helm template`.
#[derive(Debug, Clone, Default)]
pub struct ChartOptions {
    /// `--values`: files, the last of which wins.
    pub values: Vec<PathBuf>,
    /// `--set` and its kin, each with its flag: `("--set", "image.tag=1.4")`.
    pub set: Vec<(String, String)>,
    /// The name of the release; without one, that of the chart.
    pub release: Option<String>,
    /// The namespace of the release.
    pub namespace: Option<String>,
}

/// A chart to render.
pub(super) struct Chart<'c> {
    /// Its directory, without links.
    pub directory: &'c Path,
    /// What its files are called.
    pub names: &'c Names,
    /// What it is rendered with.
    pub options: &'c ChartOptions,
    /// Values that stand in no file; they win over files and lose against `set`.
    pub inline: Option<&'c Value>,
    /// Whether the definitions of custom resources belong to it.
    pub with_crds: bool,
}

impl Chart<'_> {
    /// What the chart declares. What is wrong is an error at its file.
    pub fn load(&self, rendering: &Rendering) -> Loaded {
        let mut loaded = Loaded::default();
        if let Err(message) = self.rendered(rendering, &mut loaded) {
            loaded.error(self.place(), message);
        }
        loaded
    }

    fn place(&self) -> String {
        self.names.of(&self.directory.join(FILE))
    }

    fn rendered(&self, rendering: &Rendering, loaded: &mut Loaded) -> Result<(), String> {
        let name = self.chart_name()?;
        self.check(rendering)?;
        let (_guard, workspace) = workspace()?;
        let program = Program::find(rendering.helm.as_deref(), &["helm"], HINT)?;
        let directory = self.names.of(self.directory);
        let job = Job {
            name: &format!("{} (rendering {directory})", program.name),
            program: &program.file,
            arguments: self.arguments(&name, &workspace)?,
            workspace: &workspace,
            network: rendering.allow_remote,
            deadline: rendering.deadline,
        };
        let output = job.run()?;
        let by = format!("helm template {directory}");
        let sources = Sources::of(&String::from_utf8_lossy(&output));
        load_rendered(&self.place(), output, loaded, |manifest| {
            let source = sources.of_line(manifest.origin.line);
            self.settle(manifest, source, &by);
        });
        Ok(())
    }

    fn chart_name(&self) -> Result<String, String> {
        let text = yaml::decode(read::file(&self.directory.join(FILE))?)
            .map_err(|problem| problem.to_string())?;
        let documents = yaml::parse(&text).documents;
        let name = documents.first().and_then(|chart| chart.value.get("name"));
        let name = name.and_then(Value::as_str).map(str::to_owned);
        name.ok_or_else(|| "this chart has no name".to_owned())
    }

    /// Refuses what would lead helm to other machines, or out of the chart: it follows links.
    fn check(&self, rendering: &Rendering) -> Result<(), String> {
        let values = self.options.values.iter();
        let mut values = values.filter_map(|file| file.to_str());
        if let Some(remote) = values.find(|file| is_remote(file))
            && !rendering.allow_remote
        {
            return Err(format!(
                "{remote} is on another machine, and is not fetched: pass --allow-remote to let \
                 helm fetch it"
            ));
        }
        if rendering.load_outside {
            return Ok(());
        }
        let entries = WalkDir::new(self.directory).into_iter().flatten();
        for link in entries.filter(|entry| entry.path_is_symlink()) {
            let target = link.path().canonicalize();
            if target.is_ok_and(|target| !target.starts_with(self.directory)) {
                return Err(format!(
                    "{} leads out of the chart, and helm would follow it: remove the link, or \
                     pass --load-restrictor none",
                    self.names.of(link.path())
                ));
            }
        }
        Ok(())
    }

    fn arguments(&self, chart: &str, workspace: &Path) -> Result<Vec<OsString>, String> {
        let options = self.options;
        let release = options.release.as_deref().unwrap_or(chart);
        if release.starts_with('-') {
            return Err(format!("{release} is no name for a release"));
        }
        let mut arguments: Vec<OsString> = vec!["template".into(), release.into()];
        arguments.push(self.directory.into());
        if let Some(namespace) = &options.namespace {
            arguments.push(format!("--namespace={namespace}").into());
        }
        if self.with_crds {
            arguments.push("--include-crds".into());
        }
        for file in &options.values {
            // It runs in a directory of its own.
            let remote = file.to_str().is_some_and(is_remote);
            let file = match std::path::absolute(file) {
                Ok(absolute) if !remote => absolute,
                _ => file.clone(),
            };
            arguments.push("--values".into());
            arguments.push(file.into());
        }
        if let Some(values) = self.inline {
            // JSON is YAML.
            let file = workspace.join("values.yaml");
            write(&file, &values.to_string())?;
            arguments.push("--values".into());
            arguments.push(file.into());
        }
        for (flag, value) in &options.set {
            arguments.push(format!("{flag}={value}").into());
        }
        Ok(arguments)
    }

    /// Says of an object which template it comes from. Its fields stand nowhere: a template is no
    /// YAML.
    fn settle(&self, manifest: &mut Manifest, source: Option<&str>, by: &str) {
        // `chart/templates/a.yaml`; a subchart's lie in `chart/charts/sub/templates`.
        let below = source.and_then(|source| source.split_once('/'));
        let (file, line) = match below {
            Some((_, below)) => {
                let path = self.directory.join(below);
                let line = line_of_kind(&path, &manifest.kind);
                (self.names.of(&path), line.unwrap_or(1))
            }
            None => (self.place(), 1),
        };
        manifest.source_map = None;
        manifest.origin = Origin {
            rendered_by: Some(by.into()),
            ..Origin::file(file, 1, line)
        };
    }
}

/// The line of a template where an object of this kind seems to be.
fn line_of_kind(template: &Path, kind: &str) -> Option<usize> {
    let text = yaml::decode(read::file(template).ok()?).ok()?;
    let is_kind = |line: &str| line.strip_prefix("kind:").is_some_and(|k| k.trim() == kind);
    text.lines().position(is_kind).map(|at| at + 1)
}

/// Which template each line of Helm's output comes from.
struct Sources(BTreeMap<usize, Option<String>>);

impl Sources {
    fn of(output: &str) -> Self {
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

    fn of_line(&self, line: usize) -> Option<&str> {
        let (_, source) = self.0.range(..=line).next_back()?;
        source.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_led_back_by_the_comments_before_them() {
        let output = "---\n# Source: a/templates/x.yaml\nkind: A\n---\nkind: B\n---\n\
                      # Source: a/charts/b/templates/y.yaml\n\nkind: C\n";
        let sources = Sources::of(output);
        assert_eq!(sources.of_line(3), Some("a/templates/x.yaml"));
        assert_eq!(sources.of_line(5), None);
        assert_eq!(sources.of_line(9), Some("a/charts/b/templates/y.yaml"));
    }
}
