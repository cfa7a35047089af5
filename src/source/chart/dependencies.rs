//! Finds dependencies of a chart that are not in its `charts` directory: in a directory next to it,
//! or fetched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::description::{Dependency, Description};
use super::{Chart, FILE, private};
use crate::source::render::{ChartReference, FetchedChart, FileNames, Rendering};

/// The prefix of the address of a directory.
const FOLDER: &str = "file://";

/// The charts to copy into `charts`.
#[derive(Debug, Default)]
pub(super) struct SuppliedCharts(Vec<(String, DependencyLocation)>);

/// The location of a chart.
#[derive(Debug)]
enum DependencyLocation {
    Folder(PathBuf, FileNames),
    Fetched(Arc<FetchedChart>),
}

impl Chart<'_> {
    /// Finds the dependencies of this chart that are not in its `charts` directory.
    ///
    /// # Errors
    /// Fails if one of them is not available, and must not be fetched.
    pub(super) fn supplied(
        &self,
        description: &Description,
        rendering: &Rendering,
    ) -> Result<SuppliedCharts, String> {
        let mut supplied = SuppliedCharts::default();
        let mut absent = Vec::new();
        let mut why = String::new();
        for dependency in description.absent(self.directory) {
            match self.find(&dependency, rendering) {
                Ok(found) => supplied.0.push((dependency.name, found)),
                Err(message) => {
                    absent.push(dependency.name);
                    why = message;
                }
            }
        }
        if absent.is_empty() {
            return Ok(supplied);
        }
        let directory = self.names.of(self.directory);
        let are = if absent.len() == 1 { "is" } else { "are" };
        let hint = match (rendering.allow_remote, rendering.untrusted) {
            (true, false) => format!(" ({why})"),
            (false, false) => ", or pass --allow-remote to let helm fetch".to_owned(),
            (_, true) => String::new(),
        };
        Err(format!(
            "this chart depends on {}, which {are} not in its charts: run `helm dependency build \
             {directory}` first{hint}",
            absent.join(", ")
        ))
    }

    fn find(
        &self,
        dependency: &Dependency,
        rendering: &Rendering,
    ) -> Result<DependencyLocation, String> {
        if rendering.untrusted {
            return Err(String::new());
        }
        if let Some(way) = dependency.repository.strip_prefix(FOLDER) {
            let folder = self.directory.join(way).canonicalize();
            let folder = folder.ok().filter(|folder| {
                folder.join(FILE).is_file() && !self.directory.starts_with(folder)
            });
            let folder = folder.ok_or_else(|| format!("there is no chart in {way}"))?;
            return Ok(DependencyLocation::Folder(folder, self.names.clone()));
        }
        let reference = ChartReference {
            repository: dependency.repository.clone(),
            name: dependency.name.clone(),
            version: dependency.version.clone(),
            digest: None,
        };
        let fetched = rendering.charts.get(&reference, rendering)?;
        Ok(DependencyLocation::Fetched(fetched))
    }
}

impl SuppliedCharts {
    /// Copies the charts into the copy of the chart that depends on them.
    pub fn copy(&self, chart: &Path, rendering: &Rendering) -> Result<(), String> {
        for (name, at) in &self.0 {
            private::check_name(name)?;
            let (directory, names) = match at {
                DependencyLocation::Folder(directory, names) => (directory, names),
                DependencyLocation::Fetched(fetched) => (&fetched.directory, &fetched.names),
            };
            let to = chart.join("charts").join(name);
            if to.exists() || name.contains(['/', '\\']) || name == ".." {
                return Err(format!("{name} is not a chart name"));
            }
            let (outside, remote) = (rendering.load_outside, rendering.allow_remote);
            private::copy(directory, &to, names, outside, remote)?;
        }
        Ok(())
    }
}
