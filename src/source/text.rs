//! Parses the bytes of a file into objects.

use std::path::Path;
use std::sync::Arc;

use super::classify::{is_other_json, is_template};
use super::objects::{self, DocumentFile};
use super::{LoadedSource, broken};
use crate::yaml::{self, YamlProblem};

/// Why a file in the `templates` of a chart is not compared.
pub(super) const CHART_TEMPLATE: &str = "a template of a Helm chart, which is not rendered";

/// Returns the objects in text that does not come from a file; `name` is its name in messages.
pub fn objects_in(name: &str, bytes: Vec<u8>) -> LoadedSource {
    let mut loaded = LoadedSource::default();
    load_bytes(name, bytes, &mut loaded);
    loaded
}

/// Loads the objects in the bytes of a file that is not a template.
pub(super) fn load_bytes(name: &str, bytes: Vec<u8>, loaded: &mut LoadedSource) {
    load(name, bytes, || false, false, loaded);
}

/// Does the same for a file that may be a template; `is_open` is as in [`DocumentFile`].
pub(super) fn load(
    name: &str,
    bytes: Vec<u8>,
    in_chart_templates: impl Fn() -> bool,
    is_open: bool,
    loaded: &mut LoadedSource,
) {
    let path = Path::new(name);
    let file_name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(name);
    if is_other_json(file_name) {
        let reason = "a configuration of a programming tool";
        return match memchr::memmem::find(&bytes, b"apiVersion") {
            Some(_) => loaded.set_aside(name, reason, None),
            None => loaded.skip(name, reason),
        };
    }
    let secret = broken::values_in_bytes(&bytes);
    let text = match yaml::decode(bytes) {
        Ok(text) => text,
        Err(problem) => {
            loaded.secret_values.extend(secret);
            return report(name, &problem, loaded);
        }
    };
    if text.contains("{{") && in_chart_templates() {
        return loaded.set_aside(name, CHART_TEMPLATE, None);
    }
    let parsed = yaml::parse(&text);
    for problem in &parsed.problems {
        let chunk = text.get(problem.chunk.start..problem.chunk.end);
        let chunk = chunk.unwrap_or_default();
        if problem.fatal {
            loaded.secret_values.extend(broken::values_in(chunk));
        }
        if problem.fatal && is_template(chunk, offset_of(chunk, problem)) {
            let place = format!("{name}:{}", problem.position.line);
            let reason = "a template, which is not YAML until it is rendered";
            loaded.set_aside(place, reason, None);
        } else {
            report(name, problem, loaded);
        }
    }
    let name: Arc<str> = Arc::from(name);
    let text: Arc<str> = Arc::from(text);
    let file = DocumentFile {
        name: &name,
        text: &text,
        is_open,
    };
    for document in parsed.documents {
        objects::extract(&file, document, loaded);
    }
}

/// Returns the byte of a text at which a problem is.
fn offset_of(chunk: &str, problem: &YamlProblem) -> usize {
    let lines_before = problem.position.line.saturating_sub(problem.chunk.line);
    let lines = chunk.split_inclusive('\n').take(lines_before);
    let start: usize = lines.map(str::len).sum();
    let line = chunk.get(start..).unwrap_or_default();
    let column = line
        .char_indices()
        .nth(problem.position.column.saturating_sub(1));
    start + column.map_or(line.len(), |(at, _)| at)
}

fn report(name: &str, problem: &YamlProblem, loaded: &mut LoadedSource) {
    let (line, column) = (problem.position.line, problem.position.column);
    let place = format!("{name}:{line}:{column}");
    if problem.fatal {
        loaded.error(place, &*problem.message);
    } else {
        loaded.warning(place, &*problem.message);
    }
}
