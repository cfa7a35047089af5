//! The rules of a run as data: `driftctl.rules/v1`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{schema_of, words};
use crate::model::Explanation;
use crate::policy::{Rule, RuleEffect, RuleSpec};

/// The name and version of the schema.
const SCHEMA: &str = "driftctl.rules/v1";

/// Every rule of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RulesDocument<'r> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The rules, in the order in which they are applied.
    rules: Vec<ListedRule<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListedRule<'r> {
    /// The rule's ID in reports.
    id: &'r str,
    /// Where it is defined: `built-in`, `.driftctl.yaml:12`, or an annotation's place.
    origin: String,
    /// `explains`: what it matches is not drift. `ignores`: drift that is hidden. `leaves out`:
    /// objects that are not extra.
    #[schemars(extend("enum" = words::<RuleEffect>()))]
    effect: &'static str,
    /// Whether it has expired; then it hides nothing.
    expired: bool,
    /// Why what it matches is not drift; only for rules that explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::<Explanation>()))]
    explains: Option<&'static str>,
    /// Whether it only matches values that the applier owns; only for built-in rules.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    only_applier: bool,
    /// The rule in the schema of `.driftctl.yaml`.
    rule: RuleSpec,
}

impl<'r> RulesDocument<'r> {
    /// Returns the document for these rules.
    pub fn new(rules: &[&'r Rule]) -> Self {
        let listed = rules.iter().map(|rule| ListedRule {
            id: &rule.id,
            origin: rule.origin.to_string(),
            effect: rule.effect().as_str(),
            expired: rule.expired,
            explains: rule.explains.map(Explanation::as_str),
            only_applier: rule.only_applier,
            rule: RuleSpec {
                explains: None,
                only_applier: false,
                ..rule.spec()
            },
        });
        Self {
            schema: SCHEMA,
            rules: listed.collect(),
        }
    }
}

/// Returns the JSON Schema of `driftctl.rules/v1`.
pub fn rules_schema() -> Value {
    schema_of::<RulesDocument<'_>>(SCHEMA)
}
