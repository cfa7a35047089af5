//! Checks that the ID of each rule is unique.

use std::collections::BTreeMap;

use super::config_file::{ConfigFile, field};
use super::problem::did_you_mean;
use crate::model::ManifestStep;
use crate::policy::{Rule, RuleSet};

/// Gives an ID to every rule that has none, and reports duplicate IDs.
pub(super) fn assign_ids(
    sheet: &mut ConfigFile<'_>,
    rules: &mut [(Vec<ManifestStep>, Rule)],
    off: &[String],
) {
    let mut taken: BTreeMap<String, Option<usize>> = RuleSet::switchable()
        .filter(|id| !off.iter().any(|off| off == id))
        .map(|id| (id.to_owned(), None))
        .collect();
    for (steps, rule) in rules.iter().filter(|(_, rule)| !rule.id.is_empty()) {
        let mut at = steps.clone();
        at.push(field("id"));
        let line = sheet.position(&at).map(|position| position.line);
        match taken.insert(rule.id.clone(), line) {
            None => {}
            Some(None) => sheet.wrong(
                &at,
                format!(
                    "\"id\": \"{}\" is a built-in rule; choose another id, or turn the built-in \
                     rule off with disable: [{}]",
                    rule.id, rule.id
                ),
            ),
            Some(Some(first)) => sheet.wrong(
                &at,
                format!(
                    "\"id\": \"{}\" is already used by the rule at line {first}; choose another id",
                    rule.id
                ),
            ),
        }
    }
    for (_, rule) in rules.iter_mut().filter(|(_, rule)| rule.id.is_empty()) {
        let name = name_for(rule);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        rule.id = names.find(|name| !taken.contains_key(name)).unwrap_or(name);
        taken.insert(rule.id.clone(), None);
    }
}

/// Derives an ID from what the rule matches: `deployment-cart`.
fn name_for(rule: &Rule) -> String {
    let objects = &rule.objects;
    let words = [objects.kind.as_str(), &objects.name].map(|word| match word {
        "*" => "any".to_owned(),
        word => word.to_lowercase().replace('*', ""),
    });
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Reports disabled IDs that no rule has.
pub(super) fn check_disabled(sheet: &mut ConfigFile<'_>, off: &[String]) {
    for (i, id) in off.iter().enumerate() {
        if !RuleSet::switchable().any(|known| known == id) {
            let meant = did_you_mean(id, RuleSet::switchable());
            let steps = [field("disable"), ManifestStep::Index(i)];
            let hint = if meant.is_empty() {
                "; 'driftctl rules' lists the ids"
            } else {
                &meant
            };
            sheet.wrong(
                &steps,
                format!("\"disable\": no built-in rule has the id \"{id}\"{hint}"),
            );
        }
    }
}
