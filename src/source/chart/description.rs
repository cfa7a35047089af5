//! Reads `Chart.yaml`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::FILE;
use crate::source::read;
use crate::yaml;

/// The file in which charts of the first API version list their dependencies.
const REQUIREMENTS: &str = "requirements.yaml";

/// The supported fields of `Chart.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Description {
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub version: String,
    #[serde(rename = "type")]
    kind: String,
    dependencies: Option<Vec<Dependency>>,
}

/// A dependency of a chart.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Dependency {
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub version: String,
    /// An address, or `file://` and the path of its directory.
    pub repository: String,
}

impl Description {
    /// Returns the version of the chart in a directory, if it has one.
    pub fn version_of(chart: &Path) -> Option<String> {
        let description = first_document::<Self>(&chart.join(FILE)).ok()?;
        Some(description.version).filter(|version| !version.is_empty())
    }

    /// Parses the file of a chart.
    ///
    /// # Errors
    /// Fails if the file cannot be parsed, or the chart cannot be rendered.
    pub fn read(chart: &Path) -> Result<Self, String> {
        let mut description: Self = first_document(&chart.join(FILE))?;
        if description.name.is_empty() {
            return Err("this chart has no name".to_owned());
        }
        if description.kind == "library" {
            return Err(
                "this is a library chart, which declares no objects itself: name a chart that \
                 uses it"
                    .to_owned(),
            );
        }
        let requirements = chart.join(REQUIREMENTS);
        if description.dependencies.is_none() && requirements.is_file() {
            description.dependencies = first_document::<Self>(&requirements)?.dependencies;
        }
        Ok(description)
    }

    /// Returns the dependencies that are not in `charts`, which Helm would have to fetch.
    pub fn absent(&self, chart: &Path) -> Vec<Dependency> {
        let there: Vec<PathBuf> = fs::read_dir(chart.join("charts"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        let is_there = |name: &str| there.iter().any(|path| is_chart_of(path, name));
        // The exact versions are in the lock file.
        let locked = ["Chart.lock", "requirements.lock"].map(|file| {
            let locked = first_document::<Self>(&chart.join(file)).ok();
            locked.and_then(|locked| locked.dependencies)
        });
        let locked: Vec<Dependency> = locked.into_iter().flatten().flatten().collect();
        let all = self.dependencies.iter().flatten();
        let absent = all.filter(|dependency| !is_there(&dependency.name));
        let mut absent: Vec<Dependency> = absent
            .map(|dependency| {
                let mut locked = locked.iter();
                let locked = locked.find(|locked| {
                    locked.name == dependency.name && locked.repository == dependency.repository
                });
                locked.unwrap_or(dependency).clone()
            })
            .collect();
        absent.dedup_by(|a, b| a.name == b.name);
        absent
    }
}

/// Parses a string that may be written like a number.
fn text<'d, D: Deserializer<'d>>(written: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(written)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// Returns whether a path in `charts` is a chart with this name: a directory whose chart has it, or
/// an archive such as `name-1.2.3.tgz`.
fn is_chart_of(path: &Path, name: &str) -> bool {
    if path.is_dir() {
        let description = first_document::<Description>(&path.join(FILE));
        return description.is_ok_and(|description| description.name == name);
    }
    let file = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let version = file
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".tgz"));
    version.is_some_and(|version| {
        let version = version.strip_prefix('v').unwrap_or(version);
        version.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn first_document<T: for<'d> Deserialize<'d>>(file: &Path) -> Result<T, String> {
    let text = yaml::decode(read::file(file)?).map_err(|problem| problem.to_string())?;
    let parsed = yaml::parse(&text);
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.fatal) {
        return Err(format!("cannot read this: {problem}"));
    }
    let first = parsed.documents.into_iter().next();
    let value = first.map_or(Value::Null, |document| document.value);
    serde_json::from_value(value).map_err(|_| "this does not describe a chart".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(text: &str) -> tempfile::TempDir {
        let chart = tempfile::tempdir().unwrap();
        fs::write(chart.path().join(FILE), text).unwrap();
        chart
    }

    #[test]
    fn finds_dependencies_in_charts() {
        let text = "name: a\ndependencies: [{name: b}, {name: c-d}, {name: c}]\n";
        let chart = chart(text);
        let charts = chart.path().join("charts");
        let absent = || {
            let description = Description::read(chart.path()).unwrap();
            let absent = description.absent(chart.path());
            let names: Vec<String> = absent.into_iter().map(|one| one.name).collect();
            names.join(",")
        };
        assert_eq!(absent(), "b,c-d,c");
        let archives = ["c-d-1.0.tgz", "b-v1.2.3-rc.1.tgz"];
        fs::create_dir_all(charts.join("x")).unwrap();
        fs::write(charts.join("x").join(FILE), "name: c\n").unwrap();
        assert_eq!(absent(), "b,c-d");
        for archive in archives {
            fs::write(charts.join(archive), "").unwrap();
        }
        assert_eq!(absent(), "");
    }

    #[test]
    fn rejects_files_that_do_not_describe_a_chart() {
        for (text, expected) in [
            ("version: 1", "has no name"),
            ("7", "does not describe a chart"),
            ("name: [", "cannot read this"),
            ("name: a\ntype: library", "library chart"),
        ] {
            let error = Description::read(chart(text).path()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
