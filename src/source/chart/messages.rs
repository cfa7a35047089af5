//! Parses Helm's messages: the position of an error, and warnings.

use std::path::{Component, Path};
use std::sync::LazyLock;

use regex::Regex;

/// Matches a position in a template in Helm's errors: `chart/templates/a.yaml:4:11`.
static PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"[^\s():"]+/[^\s():"]+(:\d+(:\d+)?)?"#).ok());

/// Returns the position of an error: the file in the chart, and `:4:11` as far as known. For an
/// error in a named template, Helm lists every template that led to it; the last is where the error
/// is.
pub(super) fn place_of(message: &str, chart: &Path) -> Option<(String, String)> {
    let places = PLACE.as_ref()?.find_iter(message);
    let found = places.filter_map(|place| {
        // The first part is the name of the chart, which may differ from that of its directory.
        let (_, below) = place.as_str().split_once('/')?;
        let (file, position) = match below.find(':') {
            Some(at) => below.split_at(at),
            None => (below, ""),
        };
        let mut parts = Path::new(file).components();
        let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
        let is_there = is_below && chart.join(file).is_file();
        is_there.then(|| (file.to_owned(), position.to_owned()))
    });
    // Helm names a template once more without a line: `executing "chart/templates/a.yaml"`.
    let found: Vec<(String, String)> = found.collect();
    let exact = found.iter().rfind(|(_, position)| !position.is_empty());
    exact.or(found.last()).cloned()
}

/// Returns Helm's warnings about values that it ignores, without the values in brackets, which may
/// be secrets.
pub(super) fn warnings(messages: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(messages);
    let mut warnings: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_once("warning: "))
        .map(|(_, warning)| warning.split(" (").next().unwrap_or_default().to_owned())
        .collect();
    warnings.dedup();
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_errors_to_templates() {
        let chart = tempfile::tempdir().unwrap();
        let templates = chart.path().join("templates");
        std::fs::create_dir(&templates).unwrap();
        for file in ["a.yaml", "_b.tpl"] {
            std::fs::write(templates.join(file), "").unwrap();
        }
        for (message, expected) in [
            (
                "execution error at (shop/templates/a.yaml:4:11): give q",
                Some(("templates/a.yaml", ":4:11")),
            ),
            (
                "parse error at (shop/templates/a.yaml:3): missing value",
                Some(("templates/a.yaml", ":3")),
            ),
            (
                "template: shop/templates/a.yaml:1:2: executing \"shop/templates/a.yaml\" at \
                 <include>: error calling include: template: shop/templates/_b.tpl:7:3: nil",
                Some(("templates/_b.tpl", ":7:3")),
            ),
            (
                "YAML parse error on shop/templates/a.yaml: error converting YAML to JSON",
                Some(("templates/a.yaml", "")),
            ),
            (
                "template: shop/templates/a.yaml:1:2: executing \"shop/templates/a.yaml\" at <.x>: nil",
                Some(("templates/a.yaml", ":1:2")),
            ),
            ("template: shop/templates/none.yaml:1:2: nil", None),
            ("template: shop/../../etc/passwd:1:2: nil", None),
        ] {
            let found = place_of(message, chart.path());
            let found = found.as_ref().map(|(file, at)| (&**file, &**at));
            assert_eq!(found, expected, "{message}");
        }
    }

    #[test]
    fn warnings_omit_values() {
        let said = b"coalesce.go:289: warning: destination for a.b is a table. Ignoring non-table \
                     value (map[p:hunter2])\nwalk.go:1: found symbolic link\n";
        let expected = "destination for a.b is a table. Ignoring non-table value";
        assert_eq!(warnings(said), [expected]);
    }
}
