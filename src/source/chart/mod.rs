//! Renders Helm charts in a directory with `helm template`.

mod cache;
mod capabilities;
mod dependencies;
mod description;
mod messages;
mod nondeterministic;
mod origin;
mod private;
mod remote;
mod secret;
mod template;
mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use super::LoadedSource;
use super::address::is_remote;
use super::objects::{RendererOutput, load_rendered};
use super::read;
use super::render::{
    ChartOptions, FileNames, Printed, RendererProgram, RendererRun, Rendering, Sandbox, Secrets,
    workspace, write,
};
use description::Description;
use nondeterministic::{ChartRendering, NondeterministicFunctions};
use origin::{ChartTemplates, TemplateSources};

pub(super) use capabilities::Capabilities;
pub(super) use private::check_name;
pub(super) use remote::not_fetched;
pub(super) use secret::{other, places};
pub(super) use values::{lay_over, of_files as values_of_files, of_text as values_of_text};

/// The file that makes a directory a chart.
pub(super) const FILE: &str = "Chart.yaml";

/// The file in the workspace for values that are not in a file.
const INLINE: &str = "values.yaml";

/// The hint if helm is not installed.
pub(super) const HINT: &str = "helm is not on the PATH: install it (https://helm.sh/docs/intro/install), \
                    name it with --helm-bin, or pass --no-render to read the files without rendering";

/// Values that are not in a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inline<'c> {
    /// The values. They override those of files, and `set` overrides them.
    pub own: Option<&'c Value>,
    /// The same with secret values replaced: the difference in the rendering shows where the chart
    /// puts secrets.
    pub other: Option<&'c Value>,
    /// Files that replace the chart's own values.
    pub defaults: Option<&'c Value>,
}

/// A chart to render.
pub(super) struct Chart<'c> {
    /// Its directory, without links.
    pub directory: &'c Path,
    /// The names of its files.
    pub names: &'c FileNames,
    /// The options.
    pub options: &'c ChartOptions,
    /// What it can query about the cluster.
    pub capabilities: &'c Capabilities,
    /// Values that are in no file.
    pub inline: Inline<'c>,
    /// Whether to include the definitions of custom resources.
    pub with_crds: bool,
}

impl Chart<'_> {
    /// Returns the objects that the chart declares. Errors are reported at its file.
    pub fn load(&self, rendering: &Rendering) -> LoadedSource {
        let mut loaded = LoadedSource::default();
        if let Err(message) = self.rendered(rendering, &mut loaded) {
            let place = messages::place_of(&message, self.directory);
            let place = place.map_or_else(
                || self.place(),
                |(file, position)| self.names.of(&self.directory.join(file)) + &position,
            );
            loaded.error(place, message);
        }
        loaded
    }

    fn place(&self) -> String {
        self.names.of(&self.directory.join(FILE))
    }

    fn rendered(&self, rendering: &Rendering, loaded: &mut LoadedSource) -> Result<(), String> {
        let description = Description::read(self.directory)?;
        let directory = self.names.of(self.directory);
        self.check(rendering)?;
        let supplied = self.supplied(&description, rendering)?;
        let workspace = workspace()?;
        let copied = self.copied(rendering, workspace.path(), loaded)?;
        supplied.copy(&workspace.path().join(private::CHART), rendering)?;
        self.replace_defaults(workspace.path())?;
        let program = RendererProgram::find(rendering.helm.as_deref(), &["helm"], HINT)?;
        let job = RendererRun {
            name: &format!("{} (rendering {directory})", program.name),
            program: &program.file,
            arguments: self.arguments(&description.name, workspace.path(), &copied, rendering)?,
            workspace: workspace.path(),
            network: rendering.allow_remote,
            deadline: rendering.deadline,
            sandbox: rendering.sandbox,
            secrets: &|| self.secrets(),
        };
        let copy = workspace.path().join("chart");
        let run = || {
            let message = job.run().map_err(|message| {
                let (copy, original) = (copy.to_string_lossy(), self.directory.to_string_lossy());
                message.replace(&*copy, &original)
            });
            message.map_err(|message| self.names.in_message(&message))
        };
        let printed = run()?;
        let first = loaded.manifests.len();
        self.take(&directory, printed, rendering, loaded);
        let again = |printed: Printed| {
            let mut again = LoadedSource::default();
            let rendered = RendererOutput {
                place: "",
                output: printed.output,
                is_open: false,
                distrusts: rendering.untrusted,
                decrypts: None,
                file_of_line: &|_| None,
            };
            load_rendered(rendered, &mut again, |_| {});
            again
        };
        if let (Some(own), Some(other)) = (self.inline.own, self.inline.other) {
            let file = workspace.path().join(INLINE);
            std::fs::remove_file(&file)
                .map_err(|why| format!("a temporary file is gone: {why}"))?;
            write(&file, &other.to_string())?;
            let rendered = run().ok().map(again);
            secret::note_secrets(
                first,
                rendered.map(|again| again.manifests),
                [own, other],
                loaded,
            );
            std::fs::remove_file(&file)
                .map_err(|why| format!("a temporary file is gone: {why}"))?;
            write(&file, &own.to_string())?;
        }
        let uses = NondeterministicFunctions::of(self.directory);
        if uses.is_unsteady {
            let again = again(run()?);
            let by = ChartRendering {
                what: &format!("helm template {directory}"),
                release: &self.release_as_source(&description.name),
            };
            nondeterministic::name_unsteady(first, &again.manifests, &by, loaded);
        }
        if let Some((file, line)) = uses.lookup {
            let file = self.names.of(&self.directory.join(file));
            loaded.warning(
                format!("{file}:{line}"),
                "this template queries the cluster (lookup) and gets an empty result here, as in \
                 `helm template`: what depends on it may differ from what helm install declares",
            );
        }
        Ok(())
    }

    /// Parses the objects that helm printed, and traces them to their templates.
    fn take(
        &self,
        directory: &str,
        printed: Printed,
        rendering: &Rendering,
        loaded: &mut LoadedSource,
    ) {
        let place = self.place();
        for warning in messages::warnings(&printed.messages) {
            loaded.warning(&place, format!("helm warns: {warning}"));
        }
        let sources = TemplateSources::of(&String::from_utf8_lossy(&printed.output));
        let templates = ChartTemplates {
            chart: self.directory,
            names: self.names,
            place: &place,
            by: &format!("helm template {directory}"),
        };
        let rendered = RendererOutput {
            place: &place,
            output: printed.output,
            is_open: false,
            distrusts: rendering.untrusted,
            decrypts: Some(rendering),
            file_of_line: &|line| templates.file(sources.of_line(line)?),
        };
        let mut of_lines = Vec::new();
        let first = loaded.manifests.len();
        load_rendered(rendered, loaded, |manifest| {
            of_lines.push(sources.of_line(manifest.origin.line).map(str::to_owned));
        });
        let rendered = loaded.manifests.get_mut(first..).unwrap_or_default();
        templates.set_origins(rendered, &of_lines);
    }

    /// Refuses settings that would make Helm access the network.
    fn check(&self, rendering: &Rendering) -> Result<(), String> {
        let values = self.options.values.iter();
        let mut values = values.filter_map(|file| file.to_str());
        if let Some(remote) = values.find(|file| is_remote(file))
            && !rendering.allow_remote
        {
            return Err(format!(
                "{remote} is remote and is not fetched: pass --allow-remote to let helm fetch it"
            ));
        }
        Ok(())
    }

    /// Copies the chart, and warns about files that are left out.
    fn copied(
        &self,
        rendering: &Rendering,
        workspace: &Path,
        loaded: &mut LoadedSource,
    ) -> Result<private::CopyFindings, String> {
        let copied = private::copy(
            self.directory,
            &workspace.join(private::CHART),
            self.names,
            rendering.load_outside,
            rendering.allow_remote,
        )?;
        for (file, to) in &copied.foreign {
            let file = self.names.of(&self.directory.join(file));
            if rendering.untrusted {
                return Err(format!(
                    "{file} refers to {to}, which is another file or remote, and helm would open \
                     it: refer only to the schema's own definitions (#/…)"
                ));
            }
            loaded.warning(
                &file,
                format!(
                    "values are not checked, because this schema refers to {to}: pass \
                     --allow-remote to let helm fetch it"
                ),
            );
        }
        Ok(copied)
    }

    /// Returns the secrets in the values.
    fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        let mut files = self.options.values.clone();
        let entries = WalkDir::new(self.directory).into_iter().flatten();
        let own = entries.filter(|entry| entry.file_name() == "values.yaml");
        files.extend(own.map(walkdir::DirEntry::into_path));
        for file in files {
            let text = read::file(&file).unwrap_or_default();
            secrets.text(&String::from_utf8_lossy(&text));
        }
        secrets.values(self.inline.own.unwrap_or(&Value::Null), false);
        if let (Some(own), Some(other)) = (self.inline.own, self.inline.other) {
            secret::texts(own, other).for_each(|text| secrets.add(&text));
        }
        for (_, value) in &self.options.set {
            secrets.assignment(value);
        }
        for (_, file) in &self.options.files {
            let text = read::file(file).unwrap_or_default();
            secrets.add(&String::from_utf8_lossy(&text));
        }
        secrets
    }

    /// Replaces the chart's own values.
    fn replace_defaults(&self, workspace: &Path) -> Result<(), String> {
        let Some(defaults) = self.inline.defaults else {
            return Ok(());
        };
        let file = workspace.join(private::CHART).join("values.yaml");
        if file.is_file() {
            std::fs::remove_file(&file)
                .map_err(|why| format!("a temporary file is gone: {why}"))?;
        }
        write(&file, &defaults.to_string())
    }

    fn release<'a>(&'a self, chart: &'a str) -> &'a str {
        self.options.release.as_deref().unwrap_or(chart)
    }

    fn namespace(&self) -> Option<&str> {
        let own = self.options.namespace.as_deref();
        own.or(self.capabilities.namespace.as_deref())
    }

    fn release_as_source(&self, chart: &str) -> String {
        let namespace = self.namespace().unwrap_or("default");
        format!("helm:{namespace}/{}", self.release(chart))
    }

    fn arguments(
        &self,
        chart: &str,
        workspace: &Path,
        copied: &private::CopyFindings,
        rendering: &Rendering,
    ) -> Result<Vec<OsString>, String> {
        let options = self.options;
        let release = self.release(chart);
        if release.starts_with('-') {
            return Err(format!("{release} is not a valid release name"));
        }
        let mut arguments: Vec<OsString> = vec!["template".into(), release.into()];
        arguments.push(private::CHART.into());
        if let Some(namespace) = self.namespace() {
            arguments.push(format!("--namespace={namespace}").into());
        }
        if self.with_crds {
            arguments.push("--include-crds".into());
        }
        // The schemas in an archive were not checked, and nothing else would block them here.
        if copied.has_archives && rendering.untrusted && rendering.sandbox == Sandbox::Off {
            arguments.push("--skip-schema-validation".into());
        }
        arguments.extend(self.capabilities.words().into_iter().map(OsString::from));
        let mut number = 0;
        let mut copy = |path: &Path| {
            number += 1;
            private::file(workspace, number, path, self.names)
        };
        for file in &options.values {
            arguments.push("--values".into());
            arguments.push(
                match file.to_str().is_some_and(is_remote) && !file.exists() {
                    true => one_of_a_list(file.clone()),
                    false => copy(file)?.into(),
                },
            );
        }
        if let Some(values) = self.inline.own {
            // JSON is YAML.
            write(&workspace.join(INLINE), &values.to_string())?;
            arguments.push("--values".into());
            arguments.push(INLINE.into());
        }
        for (flag, value) in &options.set {
            arguments.push(format!("{flag}={value}").into());
        }
        for (name, path) in &options.files {
            private::check_name(name)?;
            let file = copy(path)?;
            arguments.push(format!("--set-file={name}={file}").into());
        }
        Ok(arguments)
    }
}

/// Returns the version of the chart in a directory, if it has one.
pub(super) fn version(directory: &Path) -> Option<String> {
    Description::version_of(directory)
}

/// Checks that helm is installed.
///
/// # Errors
/// Fails if it is not, with a hint.
pub(super) fn helm(rendering: &Rendering) -> Result<(), String> {
    RendererProgram::find(rendering.helm.as_deref(), &["helm"], HINT).map(drop)
}

/// Returns a file name in the form for `--values`, which takes a list with commas (pflag's
/// `StringSlice`, read as CSV).
fn one_of_a_list(file: PathBuf) -> OsString {
    match file.to_str() {
        Some(name) if name.contains([',', '"', '\n']) => {
            format!("\"{}\"", name.replace('"', "\"\"")).into()
        }
        _ => file.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_in_file_names() {
        let given = |name: &str| one_of_a_list(name.into());
        assert_eq!(given("/a/b.yaml"), "/a/b.yaml");
        assert_eq!(given("/a,b.yaml"), "\"/a,b.yaml\"");
        assert_eq!(given("/a\"b,c"), "\"/a\"\"b,c\"");
    }
}
