//! Finds values that a chart renders differently each time: generated passwords, certificates,
//! times.
//!
//! Whether such a value drifted is unknown, because only the release has the declared value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use walkdir::WalkDir;

use crate::model::Manifest;
use crate::policy::{PointerPattern, Rule, RuleOrigin};
use crate::source::unknown::not_compared;
use crate::source::{LoadedSource, read};

/// The template functions that return a different value each time
/// (<https://helm.sh/docs/chart_template_guide/function_list>).
static FUNCTIONS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let names = r"\b(rand[A-Z][A-Za-z]*|gen[A-Z][A-Za-z]*|uuidv4|shuffle|bcrypt|htpasswd|encryptAES|now|ago)\b";
    Regex::new(names).ok()
});

/// The function that queries the cluster.
static LOOKUP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"[({\s]lookup\s+["(.$]"#).ok());

/// The nondeterministic functions that the templates of a chart use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NondeterministicFunctions {
    /// Whether a value may differ each time. Archives in `charts` are not checked.
    pub is_unsteady: bool,
    /// The first template that queries the cluster, and the line.
    pub lookup: Option<(String, usize)>,
}

impl NondeterministicFunctions {
    /// Searches the templates of a chart and its subcharts.
    pub fn of(chart: &Path) -> Self {
        let mut uses = Self::default();
        let entries = WalkDir::new(chart).sort_by_file_name().into_iter();
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_type().is_file())
        {
            let below = entry.path().strip_prefix(chart).unwrap_or(entry.path());
            let has = |name: &str| below.iter().any(|part| part == name);
            if below
                .extension()
                .is_some_and(|extension| extension == "tgz")
                && has("charts")
            {
                uses.is_unsteady = true;
            }
            if !has("templates") {
                continue;
            }
            let Ok(bytes) = read::file(entry.path()) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            let functions = FUNCTIONS.as_ref();
            uses.is_unsteady |= functions.is_some_and(|regex| regex.is_match(&text));
            if uses.lookup.is_none()
                && let Some(found) = LOOKUP.as_ref().and_then(|regex| regex.find(&text))
            {
                let line = text[..found.start() + 1].lines().count();
                uses.lookup = Some((below.to_string_lossy().into_owned(), line.max(1)));
            }
        }
        uses
    }
}

/// A manifest's identity.
type ManifestIdentity<'m> = (&'m str, &'m str, Option<&'m str>, &'m str);

fn key(manifest: &Manifest) -> ManifestIdentity<'_> {
    (
        &manifest.api_version,
        &manifest.kind,
        manifest.namespace.as_deref(),
        &manifest.name,
    )
}

/// The rendering of a chart.
pub(super) struct ChartRendering<'b> {
    /// The command, such as `helm template chart`.
    pub what: &'b str,
    /// The release, as a source: `helm:NAMESPACE/RELEASE`.
    pub release: &'b str,
}

/// Compares two renderings of a chart. Warns about differences, and adds rules so that they do not
/// count as drift. An object with a different name each time cannot be compared.
pub(super) fn name_unsteady(
    first: usize,
    again: &[Manifest],
    by: &ChartRendering<'_>,
    loaded: &mut LoadedSource,
) {
    let release = by.release;
    let again: BTreeMap<ManifestIdentity<'_>, &Manifest> =
        again.iter().map(|m| (key(m), m)).collect();
    let rendered = loaded
        .manifests
        .split_off(first.min(loaded.manifests.len()));
    for manifest in rendered {
        let Some(other) = again.get(&key(&manifest)) else {
            let message = format!(
                "{} {} gets a new name each time it is rendered, so it cannot be compared; \
                 compare {release}, which is what Helm deployed",
                manifest.kind, manifest.name
            );
            loaded.error(&manifest.origin, message);
            continue;
        };
        let mut pointers = BTreeSet::new();
        let mut way = Vec::new();
        differences(&manifest.value(), &other.value(), &mut way, &mut pointers);
        if !pointers.is_empty() {
            let message = format!(
                "{} {} differs each time it is rendered, at {}, and is not compared there; \
                 compare {release}, which is what Helm deployed",
                manifest.kind,
                manifest.name,
                Vec::from_iter(pointers.iter().map(String::as_str)).join(", ")
            );
            loaded.warning(&manifest.origin, message);
            loaded.rules.extend(rule(&manifest, &pointers, by.what));
        }
        loaded.manifests.push(manifest);
    }
}

/// Returns the rule that changes at these JSON Pointers are not drift.
fn rule(manifest: &Manifest, pointers: &BTreeSet<String>, by: &str) -> Option<Rule> {
    let reason = format!("{by} gives another value each time.");
    let origin = RuleOrigin::Place(manifest.origin.to_string());
    let pointers = pointers.iter().cloned();
    not_compared("differs-when-rendered", reason, manifest, pointers, origin)
}

/// Returns the JSON Pointers of the differences at a path and below it.
fn differences(a: &Value, b: &Value, way: &mut Vec<String>, found: &mut BTreeSet<String>) {
    let mut below = |part: String, a: &Value, b: &Value| {
        way.push(part);
        differences(a, b, way, found);
        way.pop();
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let [a, b] = [a, b].map(|side| side.get(key).unwrap_or(&Value::Null));
                below(key.clone(), a, b);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                below(index.to_string(), a, b);
            }
        }
        _ if a == b => {}
        _ => drop(found.insert(PointerPattern::from(way.clone()).to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Origin;

    fn manifest(name: &str, value: &Value) -> Manifest {
        Manifest {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            namespace: None,
            name: name.to_owned(),
            object: value.clone().into(),
            origin: Origin::file("a.yaml", 1, 1),
            source_map: None,
        }
    }

    #[test]
    fn finds_functions_in_templates() {
        let chart = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let file = chart.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("README.md", "now, randAlphaNum and {{ lookup \"v1\" }}\n");
        write(
            "templates/a.yaml",
            "a: {{ .Values.known }}\nb: genre of lookups\n",
        );
        assert_eq!(
            NondeterministicFunctions::of(chart.path()),
            NondeterministicFunctions::default()
        );
        write(
            "templates/b.yaml",
            "a: 1\nb: {{ (lookup \"v1\" \"Secret\" \"a\" \"b\").data }}\n",
        );
        let uses = NondeterministicFunctions::of(chart.path());
        assert_eq!(uses.lookup, Some(("templates/b.yaml".to_owned(), 2)));
        assert!(!uses.is_unsteady);
        write("charts/sub/templates/c.yaml", "a: {{ randAlphaNum 8 }}\n");
        assert!(NondeterministicFunctions::of(chart.path()).is_unsteady);
    }

    #[test]
    fn nondeterministic_values_are_named_and_not_compared() {
        let made = |password: &str| json!({"stringData": {"a/b": password, "user": "x"}, "l": [1]});
        let rendered = |manifests| LoadedSource {
            manifests,
            ..LoadedSource::default()
        };
        let mut loaded = rendered(vec![
            manifest("same", &made("a")),
            manifest("a-1", &json!({})),
        ]);
        let again = [manifest("same", &made("b")), manifest("a-2", &json!({}))];
        let by = ChartRendering {
            what: "helm template chart",
            release: "helm:shop/cart",
        };
        name_unsteady(0, &again, &by, &mut loaded);
        assert_eq!(loaded.manifests.len(), 1);
        assert!(loaded.warnings[0].message.contains("/stringData/a~1b"));
        let error = &loaded.errors[0].message;
        assert!(error.contains("a new name") && error.contains("compare helm:shop/cart"));
        assert_eq!(loaded.rules.len(), 1);
        let mut steady = rendered(vec![manifest("same", &made("a"))]);
        name_unsteady(0, &[manifest("same", &made("a"))], &by, &mut steady);
        assert!(steady.warnings.is_empty() && steady.rules.is_empty());
    }
}
