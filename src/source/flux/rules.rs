//! Flux's drift rules: `spec.ignore` of a Kustomization, and `spec.driftDetection.ignore` of a
//! HelmRelease.

use regex::Regex;
use serde::Deserialize;

use crate::model::{Manifest, group_of};
use crate::policy::{LabelSelector, Rule, RuleOrigin, RuleSpec};

/// One entry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Ignore {
    /// JSON Pointers; an empty one means the whole object.
    pub paths: Vec<String>,
    /// The target objects; all objects if absent.
    pub target: Option<IgnoreTarget>,
}

/// The target objects: anchored regular expressions, an empty one for any.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreTarget {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    label_selector: String,
    annotation_selector: String,
}

impl IgnoreTarget {
    /// Returns whether the target selects an object.
    ///
    /// # Errors
    /// Fails if one of its expressions is invalid.
    fn matches(&self, manifest: &Manifest) -> Result<bool, String> {
        let (group, version) = match manifest.api_version.split_once('/') {
            Some(parts) => parts,
            None => ("", manifest.api_version.as_str()),
        };
        for (expression, text) in [
            (&self.group, group),
            (&self.version, version),
            (&self.kind, &manifest.kind),
            (&self.name, &manifest.name),
            (&self.namespace, manifest.namespace.as_deref().unwrap_or("")),
        ] {
            if !anchored(expression)?.is_none_or(|regex| regex.is_match(text)) {
                return Ok(false);
            }
        }
        for (selector, map) in [
            (&self.label_selector, "labels"),
            (&self.annotation_selector, "annotations"),
        ] {
            let selector: LabelSelector = selector
                .parse()
                .map_err(|_| format!("{selector} is not a selector"))?;
            let object = manifest.value();
            let metadata = object.get("metadata");
            if !selector.matches(metadata.and_then(|metadata| metadata.get(map))) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn anchored(expression: &str) -> Result<Option<Regex>, String> {
    if expression.is_empty() {
        return Ok(None);
    }
    let regex = Regex::new(&format!("^(?:{expression})$"));
    regex
        .map(Some)
        .map_err(|_| format!("{expression} is not a regular expression"))
}

/// The origin of rules.
pub struct IgnoreAuthor<'a> {
    /// The prefix of their IDs.
    pub id: &'a str,
    /// Their reason.
    pub reason: &'a str,
    /// Where they are defined.
    pub place: &'a str,
}

impl IgnoreAuthor<'_> {
    /// Returns the rules of a Kustomization: one for each of its objects that an entry matches.
    ///
    /// # Errors
    /// Fails with what cannot be read.
    pub fn rules(&self, entries: &[Ignore], manifests: &[Manifest]) -> Result<Vec<Rule>, String> {
        let mut rules = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            for manifest in manifests {
                let is_meant = match &entry.target {
                    Some(target) => target.matches(manifest)?,
                    None => true,
                };
                if is_meant {
                    let spec = RuleSpec {
                        group: group_of(&manifest.api_version).to_owned(),
                        kind: manifest.kind.clone(),
                        name: manifest.name.clone(),
                        namespace: manifest.namespace.clone().unwrap_or_default(),
                        ..RuleSpec::default()
                    };
                    rules.push(self.rule(index, entry, spec)?);
                }
            }
        }
        Ok(rules)
    }

    /// Returns the rules of a HelmRelease. Its objects are identified by Flux's labels.
    ///
    /// # Errors
    /// Fails with what cannot be read, or is not supported for unknown objects.
    pub fn rules_of_release(
        &self,
        entries: &[Ignore],
        namespace: &str,
        name: &str,
    ) -> Result<Vec<Rule>, String> {
        let mut rules = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let target = entry.target.clone().unwrap_or_default();
            let or_any = |expression: &str| plain(expression);
            let mut labels = format!(
                "helm.toolkit.fluxcd.io/name={name},helm.toolkit.fluxcd.io/namespace={namespace}"
            );
            if !target.label_selector.is_empty() {
                labels = format!("{labels},{}", target.label_selector);
            }
            if !target.annotation_selector.is_empty() {
                return Err("annotationSelector is not supported for releases".to_owned());
            }
            let spec = RuleSpec {
                group: or_any(&target.group)?,
                kind: or_any(&target.kind)?,
                name: or_any(&target.name)?,
                namespace: or_any(&target.namespace)?,
                label_selector: Some(labels),
                ..RuleSpec::default()
            };
            rules.push(self.rule(index, entry, spec)?);
        }
        Ok(rules)
    }

    fn rule(&self, index: usize, entry: &Ignore, spec: RuleSpec) -> Result<Rule, String> {
        let is_whole = |path: &&String| path.is_empty() || *path == "/";
        let (whole, pointers): (Vec<&String>, Vec<&String>) =
            entry.paths.iter().partition(is_whole);
        let spec = RuleSpec {
            id: format!("{}[{index}]", self.id),
            reason: self.reason.to_owned(),
            json_pointers: pointers.into_iter().cloned().collect(),
            paths: whole.iter().map(|_| ".".to_owned()).collect(),
            ..spec
        };
        let compiled = spec.compile(RuleOrigin::Place(self.place.to_owned()));
        compiled.map_err(|problems| {
            let first = problems.into_iter().next();
            first.map_or_else(String::new, |problem| problem.message)
        })
    }
}

/// Returns a regular expression for one name, or for any, as a glob.
fn plain(expression: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match expression {
        "" | ".*" => Ok("*".to_owned()),
        name if name.chars().all(is_plain) => Ok(name.to_owned()),
        // A dot also matches itself.
        name if name.chars().all(|c| is_plain(c) || c == '.') => Ok(name.to_owned()),
        _ => Err(format!(
            "{expression} is more than a name, which is not supported for releases"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;
    use serde_json::json;

    fn manifest(kind: &str, name: &str) -> Manifest {
        Manifest {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
            object: json!({"metadata": {"labels": {"tier": "web"}}}).into(),
            origin: Origin::file("a.yaml", 1, 1),
            source_map: None,
        }
    }

    #[test]
    fn targets_are_anchored_regular_expressions() {
        for (target, expected) in [
            (json!({"kind": "Deployment"}), true),
            (json!({"kind": "Deploy"}), false),
            (
                json!({"name": "ca.*", "group": "apps", "version": "v1"}),
                true,
            ),
            (json!({"name": "a"}), false),
            (json!({"labelSelector": "tier=web"}), true),
            (json!({"labelSelector": "tier=db"}), false),
            (json!({"namespace": "shop|other"}), true),
        ] {
            let read: IgnoreTarget = serde_json::from_value(target.clone()).unwrap();
            let matches = read.matches(&manifest("Deployment", "cart")).unwrap();
            assert_eq!(matches, expected, "{target}");
        }
    }

    #[test]
    fn rules_match_only_the_targets() {
        let author = IgnoreAuthor {
            id: "apps",
            reason: "because",
            place: "ks.yaml:1",
        };
        let entries: Vec<Ignore> = serde_json::from_value(json!([
            {"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}},
            {"paths": [""]},
        ]))
        .unwrap();
        let manifests = [manifest("Deployment", "cart"), manifest("DaemonSet", "log")];
        let rules = author.rules(&entries, &manifests).unwrap();
        let said: Vec<_> = rules.iter().map(|r| (&*r.id, &*r.objects.name)).collect();
        let expected = [("apps[0]", "cart"), ("apps[1]", "cart"), ("apps[1]", "log")];
        assert_eq!(said, expected);
    }

    #[test]
    fn refuses_expressions_other_than_names_for_releases() {
        assert_eq!(plain(".*").unwrap(), "*");
        assert_eq!(plain("apps").unwrap(), "apps");
        assert!(plain("a|b").is_err());
    }
}
