//! `.driftctl.yaml`

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config_file::{ConfigFile, field};
use super::ids;
use super::problem::ConfigError;
use super::sensitive::{Sensitive, SensitiveSpec};
use crate::model::ManifestStep;
use crate::policy::{ExtraSpec, Rule, RuleOrigin, RuleSpec, SeveritySpec, Users};

/// Rules of driftctl (`.driftctl.yaml`)
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ConfigSpec {
    /// Drift that is ignored: the schema and meaning of Argo CD's ignoreDifferences, and more
    ignore_differences: Vec<RuleSpec>,
    /// Live objects that nobody has to declare
    ignore_extra: Vec<ExtraSpec>,
    /// How much changes matter; the first that matches a change counts
    severity: Vec<SeveritySpec>,
    /// Built-in rules that are switched off, by id ('driftctl rules' lists them)
    disable: Vec<String>,
    /// Values that no report shows, on top of those that are known to be secret
    sensitive: Vec<SensitiveSpec>,
}

/// A configuration.
#[derive(Debug, Default)]
pub struct Config {
    /// Its rules.
    pub users: Users,
    /// The values that it marks as secret.
    pub sensitive: Vec<Sensitive>,
}

/// Returns why text is not a jq expression.
pub type CheckJq<'a> = dyn Fn(&str) -> Result<(), String> + 'a;

/// Returns the JSON Schema of `.driftctl.yaml`, for editors.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    let schema = settings
        .into_generator()
        .into_root_schema_for::<ConfigSpec>();
    let mut schema = schema.to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "driftctl configuration".into());
    }
    schema
}

/// Reads a configuration. `file` is its name in messages and origins.
///
/// # Errors
/// Fails if anything is wrong with it; the error lists all problems.
pub fn read(file: &str, text: &str, jq: &CheckJq<'_>) -> Result<Config, ConfigError> {
    let mut sheet = ConfigFile::read(file, text, &schema());
    let mut config = Config::default();
    let off: Vec<String> = sheet.top("disable");
    ids::check_disabled(&mut sheet, &off);
    let mut rules = ignore_rules(&mut sheet, jq);
    ids::assign_ids(&mut sheet, &mut rules, &off);
    for (steps, spec) in sheet.entries::<SeveritySpec>("severity") {
        match spec.compile() {
            Ok(rule) => config.users.severity.push(rule),
            Err(problems) => sheet.wrong_keys(&steps, problems),
        }
    }
    for (steps, spec) in sheet.entries::<SensitiveSpec>("sensitive") {
        match spec.compile() {
            Ok(rule) => config.sensitive.push(rule),
            Err(problems) => sheet.wrong_keys(&steps, problems),
        }
    }
    config.users.rules = rules.into_iter().map(|(_, rule)| rule).collect();
    config.users.switched_off = off;
    sheet.finish().map(|()| config)
}

fn ignore_rules(sheet: &mut ConfigFile<'_>, jq: &CheckJq<'_>) -> Vec<(Vec<ManifestStep>, Rule)> {
    let mut rules = Vec::new();
    for (steps, spec) in sheet.entries::<RuleSpec>("ignoreDifferences") {
        check_jq(sheet, &steps, &spec, jq);
        match spec.compile(RuleOrigin::Place(sheet.place(&steps))) {
            Ok(rule) => rules.push((steps, rule)),
            Err(problems) => sheet.wrong_keys(&steps, problems),
        }
    }
    for (steps, spec) in sheet.entries::<ExtraSpec>("ignoreExtra") {
        match spec.compile(RuleOrigin::Place(sheet.place(&steps))) {
            Ok(rule) => rules.push((steps, rule)),
            Err(problems) => sheet.wrong_keys(&steps, problems),
        }
    }
    rules
}

/// Checks expressions: only the jq engine can parse them.
fn check_jq(sheet: &mut ConfigFile<'_>, entry: &[ManifestStep], spec: &RuleSpec, jq: &CheckJq<'_>) {
    const KEY: &str = "jqPathExpressions";
    for (i, expression) in spec.jq_path_expressions.iter().enumerate() {
        if let Err(why) = jq(expression) {
            let at = [entry, &[field(KEY), ManifestStep::Index(i)]].concat();
            sheet.wrong(&at, format!("\"{KEY}\": '{expression}': {why}"));
        }
    }
}

/// Returns the rules of a configuration as written, to compare two of them.
pub fn specs(text: &str) -> Vec<RuleSpec> {
    let sheet = ConfigFile::read("", text, &schema());
    let entries = sheet.entries::<RuleSpec>("ignoreDifferences");
    entries.into_iter().map(|(_, spec)| spec).collect()
}

#[cfg(test)]
mod tests;
