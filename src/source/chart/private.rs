//! Copies a chart for Helm, with the files that its arguments name. Helm parses file names by its
//! own rules, so it only gets names that driftctl chooses.

use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::{DirEntry, WalkDir};

use crate::source::read;
use crate::source::render::{FileNames, write_bytes};

/// The path of the copy in the workspace.
pub(super) const CHART: &str = "./chart";

/// The size limit of the copy, in bytes.
const MOST: u64 = 1 << 30;

/// The limit on files of a chart.
const MOST_FILES: usize = 100_000;

/// The schema of values. Helm opens files and URLs that it refers to.
const SCHEMA: &str = "values.schema.json";

/// The fields of a schema that refer to another one.
const REFERENCES: [&str; 4] = ["$ref", "$dynamicRef", "$recursiveRef", "$schema"];

/// The meta-schemas that are built into helm.
const KNOWN: &[&str] = &[
    "json-schema.org/draft-04/schema",
    "json-schema.org/draft-06/schema",
    "json-schema.org/draft-07/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft/2020-12/schema",
    "json-schema.org/schema",
];

/// The findings while copying a chart.
#[derive(Debug, Default)]
pub(super) struct CopyFindings {
    /// Whether it contains archives of other charts, which were not checked.
    pub has_archives: bool,
    /// Schemas that refer to others, with the reference. They were left out.
    pub foreign: Vec<(PathBuf, String)>,
}

/// Copies a chart: its regular files, without those of Git.
///
/// # Errors
/// Fails if an entry is not a file, leads out of the chart where that is not allowed, or cannot be
/// copied.
pub(super) fn copy(
    chart: &Path,
    to: &Path,
    names: &FileNames,
    load_outside: bool,
    keep_foreign: bool,
) -> Result<CopyFindings, String> {
    let mut copied = CopyFindings::default();
    let (mut bytes, mut files) = (0, 0);
    let is_gits = |entry: &DirEntry| entry.file_name() == ".git";
    let entries = WalkDir::new(chart).follow_links(true).sort_by_file_name();
    for entry in entries.into_iter().filter_entry(|entry| !is_gits(entry)) {
        let entry = entry.map_err(|error| match error.path() {
            Some(path) if error.loop_ancestor().is_some() => {
                format!("{} is a link that leads to itself", names.of(path))
            }
            Some(path) => format!("{} cannot be read", names.of(path)),
            None => "the chart cannot be read".to_owned(),
        })?;
        let name = || names.of(entry.path());
        if entry.path_is_symlink() && !load_outside {
            leads_out(&entry, chart, names)?;
        }
        if entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            return Err(format!("{} is not a regular file", name()));
        }
        let below = entry.path().strip_prefix(chart).unwrap_or(entry.path());
        let mut content = read::file(entry.path()).map_err(|why| format!("{}: {why}", name()))?;
        if entry.file_name() == SCHEMA {
            let schema: Value =
                serde_json::from_slice(&content).map_err(|_| format!("{} is not JSON", name()))?;
            if let (Some(foreign), false) = (foreign(&schema), keep_foreign) {
                copied.foreign.push((below.to_owned(), foreign.to_owned()));
                continue;
            }
            content = schema.to_string().into_bytes();
        }
        let is_archive = below
            .extension()
            .is_some_and(|end| end == "tgz" || end == "gz");
        copied.has_archives |= is_archive && below.iter().any(|part| part == "charts");
        bytes += content.len() as u64;
        files += 1;
        if bytes > MOST || files > MOST_FILES {
            return Err(format!(
                "this chart has more than {MOST_FILES} files or {} MiB, which is too much to \
                 render",
                MOST >> 20
            ));
        }
        write_bytes(&to.join(below), &content)?;
    }
    Ok(copied)
}

/// Refuses a link that leads out of the chart or to Git's own files.
fn leads_out(link: &DirEntry, chart: &Path, names: &FileNames) -> Result<(), String> {
    let target = link.path().canonicalize().unwrap_or_default();
    let is_inside = target
        .strip_prefix(chart)
        .is_ok_and(|below| below.iter().all(|part| part != ".git"));
    match is_inside {
        true => Ok(()),
        false => Err(format!(
            "{} leads out of the chart, and helm would follow it: remove the link, or pass \
             --load-restrictor none",
            names.of(link.path())
        )),
    }
}

/// Returns a reference of a schema to something outside it.
fn foreign(schema: &Value) -> Option<&str> {
    match schema {
        Value::Object(fields) => fields.iter().find_map(|(field, value)| match value {
            Value::String(to) if REFERENCES.contains(&field.as_str()) => {
                (!is_own(to)).then_some(to.as_str())
            }
            value => foreign(value),
        }),
        Value::Array(items) => items.iter().find_map(foreign),
        _ => None,
    }
}

/// Returns whether a reference stays within the schema, or is to a schema that is built into Helm.
fn is_own(reference: &str) -> bool {
    if reference.is_empty() || reference.starts_with('#') {
        return true;
    }
    let rest = ["https://", "http://"].iter();
    let rest = rest
        .filter_map(|scheme| reference.strip_prefix(scheme))
        .next();
    rest.is_some_and(|rest| KNOWN.contains(&rest.strip_suffix('#').unwrap_or(rest)))
}

/// Copies a file for Helm, and returns its new name. The path is relative to the workspace and
/// contains no comma or backslash from the user's path.
///
/// # Errors
/// Fails if it cannot be read or written.
pub(super) fn file(
    workspace: &Path,
    number: usize,
    path: &Path,
    names: &FileNames,
) -> Result<String, String> {
    let absolute = std::path::absolute(path).unwrap_or(path.to_owned());
    let bytes = read::file(&absolute).map_err(|why| format!("{}: {why}", names.of(&absolute)))?;
    let word = format!("files/{number}");
    write_bytes(&workspace.join(&word), &bytes)?;
    Ok(word)
}

/// Refuses a value name that Helm would split into several names, or into a name and a value.
///
/// # Errors
/// Fails if it is not a name.
pub(in crate::source) fn check_name(name: &str) -> Result<(), String> {
    let is_name = !name.is_empty()
        && !name.contains([',', '=', '{', '}'])
        && !name.contains(char::is_control)
        && !name.ends_with('\\');
    match is_name {
        true => Ok(()),
        false => Err(format!(
            "{name:?} is not a valid value name: helm would split it at a comma, an equals sign \
             or a brace"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn distinguishes_own_and_foreign_references() {
        for own in [
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "http://a"}),
            json!({"properties": {"a": {"$ref": "#/definitions/a"}}}),
            json!({"properties": {"$ref": {"type": "string"}}}),
        ] {
            assert_eq!(foreign(&own), None, "{own}");
        }
        for to in [
            "http://127.0.0.1:1/x",
            "file:///etc/passwd",
            "/etc/passwd",
            "other.json",
            "http://json-schema.org.evil.example/draft-07/schema",
            "http://json-schema.org@evil.example/draft-07/schema",
            "http://json-schema.org/draft-07/../x",
        ] {
            for field in REFERENCES {
                let schema = json!({"allOf": [{"a": {field: to}}]});
                assert_eq!(foreign(&schema), Some(to));
            }
        }
    }

    #[test]
    fn refuses_names_that_helm_would_split() {
        for name in ["a", "a.b[0].c", "a\\.b/c", "a-b_c", "\"a\""] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a=/etc/passwd,b", "a,b", "a=b", "{a}", "a\nb", "a\\"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
