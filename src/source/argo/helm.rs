//! Reads a source of an Application that is a chart.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::app_source::AppSource;
use super::spec::Helm;
use crate::source::LoadedSource;
use crate::source::address::without_user;
use crate::source::chart::{Capabilities, Chart, Inline, check_name};
use crate::source::flux::values_in;
use crate::source::of_git::beside_chart;
use crate::source::render::ChartOptions;
use crate::yaml;

impl AppSource<'_> {
    /// Returns what a chart source declares.
    pub(super) fn chart(&self, directory: &Path) -> Result<LoadedSource, String> {
        let rendering = self.application.options.rendering()?;
        if self.application.options.untrusted {
            beside_chart(directory)?;
        }
        let default = Helm::default();
        let helm = self.source.helm.as_ref().unwrap_or(&default);
        let or = |first: &str, second: &str| {
            let chosen = if first.is_empty() { second } else { first };
            (!chosen.is_empty()).then(|| chosen.to_owned())
        };
        let mut set = Vec::new();
        for parameter in &helm.parameters {
            let flag = if parameter.force_string {
                "--set-string"
            } else {
                "--set"
            };
            check_name(&parameter.name)?;
            let value = escaped(&self.environment.substitute(&parameter.value)?);
            set.push((flag.to_owned(), format!("{}={value}", parameter.name)));
        }
        let mut files = Vec::new();
        for parameter in &helm.file_parameters {
            check_name(&parameter.name)?;
            let path = self.environment.substitute(&parameter.path)?;
            let file = self.file(&path, directory)?;
            files.push((parameter.name.clone(), file));
        }
        if helm.skip_schema_validation {
            set.push(("--skip-schema-validation".to_owned(), "true".to_owned()));
        }
        let options = ChartOptions {
            values: self.value_files(helm, directory)?,
            set,
            files,
            release: or(&helm.release_name, self.application.name()),
            namespace: or(&helm.namespace, self.namespace),
        };
        let mut capabilities = Capabilities {
            // Argo CD does not use the namespace of the context.
            namespace: None,
            ..self.application.capabilities.clone()
        };
        if !helm.kube_version.is_empty() {
            capabilities.kube_version = Some(helm.kube_version.clone());
        }
        if !helm.api_versions.is_empty() {
            capabilities.api_versions = helm.api_versions.iter().cloned().collect();
        }
        let inline = inline_values(helm)?;
        let chart = Chart {
            directory,
            names: self
                .fetched
                .as_ref()
                .map_or(&self.checkout.names, |fetched| &fetched.names),
            options: &options,
            capabilities: &capabilities,
            inline: Inline {
                own: inline.as_ref(),
                ..Inline::default()
            },
            with_crds: !helm.skip_crds,
        };
        Ok(chart.load(rendering))
    }

    fn value_files(&self, helm: &Helm, directory: &Path) -> Result<Vec<PathBuf>, String> {
        let mut files = Vec::new();
        for written in &helm.value_files {
            let file = self.named(written)?;
            match self.file(&file, directory) {
                Ok(file) => files.push(file),
                Err(_) if helm.ignore_missing_value_files && self.lacks(&file, directory) => {}
                Err(message) => return Err(message),
            }
        }
        Ok(files)
    }

    /// Returns a value file with its variables substituted. `$ref/…` is not a variable if a source
    /// has that ref.
    fn named(&self, written: &str) -> Result<String, String> {
        let reference = written.strip_prefix('$').map(|rest| {
            let (reference, below) = rest.split_once('/').unwrap_or((rest, ""));
            (reference, below)
        });
        match reference {
            Some((reference, below))
                if !reference.trim_start_matches('{').starts_with(ENVIRONMENT) =>
            {
                let below = self.environment.substitute(below)?;
                Ok(format!("${reference}/{below}"))
            }
            _ => self.environment.substitute(written),
        }
    }

    /// Returns whether a file is known to be absent. A file in a repository that is not read is
    /// not, because Argo CD may find it there.
    fn lacks(&self, path: &str, directory: &Path) -> bool {
        if path.contains("://") {
            return false;
        }
        let Some(rest) = path.strip_prefix('$') else {
            let file = directory.join(path);
            if self.fetched.is_some() {
                return !file.is_file();
            }
            let below = file.strip_prefix(&self.checkout.root).unwrap_or(&file);
            return self.checkout.lacks(below);
        };
        let (reference, below) = rest.split_once('/').unwrap_or((rest, ""));
        let mut all = self.all.iter();
        let Some(other) = all.find(|source| source.reference == reference) else {
            return false;
        };
        let checkouts = self.application.checkouts;
        let is_here = other.repo_url == self.source.repo_url
            || checkouts.is_at(&other.repo_url) == Some(true);
        let checkout = checkouts.of(Some(&other.target()));
        is_here && checkout.is_ok_and(|checkout| checkout.lacks(Path::new(below)))
    }

    /// Returns a file that a chart's settings name: below the chart, from the root of the
    /// repository (`/a`), or from that of another source (`$ref/a`).
    fn file(&self, path: &str, directory: &Path) -> Result<PathBuf, String> {
        if let Some(rest) = path.strip_prefix('$') {
            let (reference, below) = rest.split_once('/').unwrap_or((rest, ""));
            let mut all = self.all.iter();
            let other = all.find(|source| source.reference == reference);
            let other = other
                .ok_or_else(|| format!("no source has the ref {reference}, which {path} names"))?;
            let checkouts = self.application.checkouts;
            let address = &other.repo_url;
            let is_own = self.fetched.is_none() && *address == self.source.repo_url;
            let is_here = is_own
                || checkouts.is_at(address) == Some(true)
                || self.fetched.is_some() && checkouts.claim(address, below).is_ok();
            if !is_here {
                return Err(format!(
                    "{path} is in another repository ({}) and is not read: pipe the output of \
                     `helm template` into `driftctl diff -`",
                    without_user(address)
                ));
            }
            return checkouts.of(Some(&other.target()))?.path(below);
        }
        if path.contains("://") {
            return Err(format!("{path} is remote and is not fetched"));
        }
        if self.fetched.is_some() {
            let mut files = values_in(directory, &[path.to_owned()])?;
            return files
                .pop()
                .ok_or_else(|| format!("there is no {path} in its chart"));
        }
        if path.starts_with('/') {
            return self.checkout.path(path);
        }
        let file = directory.join(path);
        let below = file.strip_prefix(&self.checkout.root).unwrap_or(&file);
        self.checkout.path(&below.to_string_lossy())
    }
}

/// The prefix of Argo CD's variables.
const ENVIRONMENT: &str = "ARGOCD_";

/// Returns `valuesObject`, or else `values`, which is YAML as text.
fn inline_values(helm: &Helm) -> Result<Option<Value>, String> {
    if let Some(values) = &helm.values_object {
        return Ok(Some(values.clone()));
    }
    if helm.values.trim().is_empty() {
        return Ok(None);
    }
    let parsed = yaml::parse(&helm.values);
    if parsed.problems.iter().any(|problem| problem.fatal) {
        return Err("helm.values is not YAML".to_owned());
    }
    Ok(parsed.documents.into_iter().next().map(|first| first.value))
}

/// Escapes commas outside lists, which separate settings (`argo-cd/util/helm`,
/// `cleanSetParameters`).
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = ' ';
    for c in value.chars() {
        if c == ',' && before != '\\' {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_commas_outside_lists() {
        assert_eq!(escaped("a,b"), "a\\,b");
        assert_eq!(escaped("a\\,b"), "a\\,b");
        assert_eq!(escaped("{a,b}"), "{a,b}");
    }
}
