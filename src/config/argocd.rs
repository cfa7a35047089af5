//! Reads Argo CD's global settings for differences: the ConfigMap `argocd-cm`.
//!
//! (argo-cd, `util/settings/settings.go`: `GetResourceOverrides`, `GetResourceCompareOptions`.)

use serde::Deserialize;
use serde_json::Value;

use crate::model::Warning;
use crate::policy::{Rule, RuleOrigin, RuleSpec, StatusOf};
use crate::yaml;

/// One key per kind: `resource.customizations.ignoreDifferences.apps_Deployment`.
const BY_KIND: &str = "resource.customizations.ignoreDifferences.";
/// The older form: everything in one key.
const TOGETHER: &str = "resource.customizations";
/// Options of the comparison.
const OPTIONS: &str = "resource.compareoptions";
/// Keys and options that control when Argo CD refreshes, not what counts as a difference.
const ABOUT_REFRESHING: &[&str] = &[
    "resource.customizations.ignoreResourceUpdates",
    "resource.ignoreResourceUpdatesEnabled",
    "ignoreDifferencesOnResourceUpdates",
];
/// The reason given for Argo CD's rules.
const REASON: &str = "Argo CD ignores it everywhere";

/// The settings.
#[derive(Debug, Default)]
pub struct ArgoSettings {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The objects whose status is not compared.
    pub status: StatusOf,
    /// Warnings about settings that cannot be read.
    pub warnings: Vec<Warning>,
    /// Keys that are skipped because they do not affect what counts as a difference.
    pub notes: Vec<Warning>,
}

/// The selectors of a customization.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Customization {
    json_pointers: Vec<String>,
    jq_path_expressions: Vec<String>,
    managed_fields_managers: Vec<String>,
}

/// Reads the ConfigMap `argocd-cm`. `place` says where it is.
pub fn read_argocd(config_map: &Value, place: &str) -> ArgoSettings {
    let mut settings = ArgoSettings::default();
    let data = config_map.get("data").and_then(Value::as_object);
    for (key, value) in data.into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        let place = format!("{place} {key}");
        settings.note_refreshing(key, &place);
        if let Some(kind) = key.strip_prefix(BY_KIND) {
            settings.customization(kind.split_once('_'), kind, text, &place);
        } else if key == TOGETHER {
            settings.together(text, &place);
        } else if key == OPTIONS {
            settings.options(text, &place);
        }
    }
    settings
}

impl ArgoSettings {
    /// Reads `group/Kind: {ignoreDifferences: "…"}`, for any number of kinds.
    fn together(&mut self, text: &str, place: &str) {
        let Some(kinds) = self.parsed(text, place) else {
            return;
        };
        for (kind, customization) in kinds.as_object().into_iter().flatten() {
            let differences = customization.get("ignoreDifferences");
            if let Some(text) = differences.and_then(Value::as_str) {
                self.customization(kind.split_once('/'), kind, text, place);
            }
        }
    }

    fn customization(&mut self, split: Option<(&str, &str)>, name: &str, text: &str, place: &str) {
        let Some(value) = self.parsed(text, place) else {
            return;
        };
        let customization: Customization = match serde_json::from_value(value) {
            Ok(customization) => customization,
            Err(error) => {
                self.warn(
                    place,
                    format!("it cannot be read ({error}); it hides nothing"),
                );
                return;
            }
        };
        let (group, kind) = match split {
            _ if name == "all" => ("*", "*"),
            Some(split) => split,
            None => ("", name),
        };
        let spec = RuleSpec {
            id: format!("argocd-{}", name.replace('/', "_")),
            group: group.to_owned(),
            kind: kind.to_owned(),
            json_pointers: customization.json_pointers,
            jq_path_expressions: customization.jq_path_expressions,
            managed_fields_managers: customization.managed_fields_managers,
            ..RuleSpec::default()
        };
        self.rule(spec, place);
    }

    fn rule(&mut self, spec: RuleSpec, place: &str) {
        let spec = RuleSpec {
            reason: REASON.to_owned(),
            ..spec
        };
        match spec.compile(RuleOrigin::Shared(place.to_owned())) {
            Ok(rule) => self.rules.push(rule),
            Err(problems) => {
                for problem in problems {
                    self.warn(place, format!("{}; it hides nothing", problem.message));
                }
            }
        }
    }

    /// Reads the options. `ignoreAggregatedRoles: true` hides all rules of aggregated roles;
    /// without it, Argo CD compares them with nothing declared. driftctl by itself reports only
    /// rules that no declared role contributes.
    fn options(&mut self, text: &str, place: &str) {
        let Some(options) = self.parsed(text, place) else {
            return;
        };
        self.status = match options.get("ignoreResourceStatusField") {
            Some(Value::String(word)) if word == "crd" => StatusOf::Definitions,
            Some(Value::String(word)) if ["none", "off", "false"].contains(&word.as_str()) => {
                StatusOf::None
            }
            // YAML's `off` is not a string.
            Some(Value::Bool(false)) => StatusOf::None,
            _ => StatusOf::All,
        };
        if options.get("ignoreAggregatedRoles") == Some(&Value::Bool(true)) {
            self.rule(
                RuleSpec {
                    id: "argocd-aggregated-roles".to_owned(),
                    group: "rbac.authorization.k8s.io".to_owned(),
                    kind: "ClusterRole".to_owned(),
                    if_declared: Some(".aggregationRule".to_owned()),
                    paths: vec![".rules".to_owned()],
                    ..RuleSpec::default()
                },
                place,
            );
        }
        for option in options.as_object().into_iter().flat_map(|o| o.keys()) {
            self.note_refreshing(option, &format!("{place} {option}"));
        }
    }

    /// Reports once that keys about refreshing are skipped.
    fn note_refreshing(&mut self, key: &str, place: &str) {
        let is_one = ABOUT_REFRESHING.iter().any(|start| key.starts_with(start));
        if is_one && self.notes.is_empty() {
            self.notes.push(Warning::new(
                place.to_owned(),
                "controls when Argo CD refreshes, not what counts as a difference",
            ));
        }
    }

    fn parsed(&mut self, text: &str, place: &str) -> Option<Value> {
        let parsed = yaml::parse(text);
        if let Some(problem) = parsed.problems.iter().find(|problem| problem.fatal) {
            self.warn(place, format!("{problem}; it hides nothing"));
            return None;
        }
        let document = parsed.documents.into_iter().next();
        document.map(|document| document.value)
    }

    fn warn(&mut self, place: &str, message: String) {
        self.warnings.push(Warning::new(place.to_owned(), message));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::ResourceKey;
    use crate::policy::ObjectSides;

    fn key(group: &str, kind: &str) -> ResourceKey {
        ResourceKey::new(group.to_owned(), kind.to_owned(), None, "x")
    }

    #[test]
    fn reads_customizations_as_rules_of_their_kind() {
        let map = json!({"data": {
            "resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas]",
            "resource.customizations.ignoreDifferences.Service": "jqPathExpressions: [.spec.x]",
            "resource.customizations.ignoreDifferences.all": "managedFieldsManagers: [kcm]",
            "resource.customizations": "admissionregistration.k8s.io/*:\n  ignoreDifferences: |\n    jsonPointers: [/webhooks]\n  health.lua: x\n",
            "resource.customizations.health.apps_Deployment": "x",
        }});
        let settings = read_argocd(&map, "cm.yaml:1");
        assert_eq!(settings.warnings, []);
        let speaking = |key: ResourceKey| {
            let rules = settings.rules.iter();
            let speaking = rules.filter(|rule| rule.objects.matches(&key));
            let mut ids: Vec<&str> = speaking.map(|rule| rule.id.as_str()).collect();
            ids.sort_unstable();
            ids.join(" ")
        };
        assert_eq!(
            speaking(key("apps", "Deployment")),
            "argocd-all argocd-apps_Deployment"
        );
        assert_eq!(speaking(key("", "Service")), "argocd-Service argocd-all");
        assert_eq!(speaking(key("x.io", "Service")), "argocd-all");
        let webhook = key(
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration",
        );
        assert_eq!(
            speaking(webhook),
            "argocd-admissionregistration.k8s.io_* argocd-all"
        );
    }

    #[test]
    fn applies_options_that_affect_what_counts_as_a_difference() {
        let read = |options: &str| {
            let map = json!({"data": {"resource.compareoptions": options}});
            let settings = read_argocd(&map, "cm.yaml:1");
            assert_eq!(settings.warnings, []);
            settings
        };
        for (word, of) in [
            ("crd", StatusOf::Definitions),
            ("none", StatusOf::None),
            ("'off'", StatusOf::None),
            ("off", StatusOf::None),
            ("all", StatusOf::All),
            ("whatever", StatusOf::All),
        ] {
            let settings = read(&format!("ignoreResourceStatusField: {word}"));
            assert_eq!(settings.status, of, "{word}");
        }
        assert!(read("ignoreAggregatedRoles: false").rules.is_empty());
        let settings =
            read("ignoreAggregatedRoles: true\nignoreDifferencesOnResourceUpdates: true");
        let role = key("rbac.authorization.k8s.io", "ClusterRole");
        let rule = &settings.rules[0];
        let concerns = |declared: Value| {
            let sides = ObjectSides {
                declared: &declared,
                ..ObjectSides::NONE
            };
            rule.matches_object(&role, sides)
        };
        assert!(concerns(json!({"aggregationRule": {}})));
        assert!(!concerns(json!({"rules": []})));
        assert_eq!(settings.notes.len(), 1);
    }

    #[test]
    fn notes_keys_about_refreshing_once() {
        let map = json!({"data": {
            "resource.customizations.ignoreResourceUpdates.all": "jsonPointers: [/status]",
            "resource.customizations.ignoreResourceUpdates.apps_Deployment": "jsonPointers: [/a]",
            "resource.ignoreResourceUpdatesEnabled": "true",
        }});
        let settings = read_argocd(&map, "cm.yaml:1");
        assert!(settings.rules.is_empty() && settings.warnings.is_empty());
        assert_eq!(settings.notes.len(), 1);
    }

    #[test]
    fn warns_about_settings_that_it_cannot_apply() {
        let map = json!({"data": {
            "resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: spec",
            "resource.customizations.ignoreDifferences.Service": "jsonPointers: [spec]",
            "resource.customizations.ignoreDifferences.Pod": "a: [",
        }});
        let settings = read_argocd(&map, "cm.yaml:1");
        assert!(settings.rules.is_empty());
        let mut said = settings
            .warnings
            .iter()
            .map(|w| format!("{}: {}", w.place, w.message));
        insta::assert_snapshot!(said.by_ref().collect::<Vec<_>>().join("\n"));
    }
}
