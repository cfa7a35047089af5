//! The output of `driftctl guard --check -o json`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::json_text;
use crate::admission::check::{CheckedRule, PolicyFlaw};
use crate::model::Manifest;
use crate::output::document::words;

const SCHEMA: &str = "driftctl.policy-check/v1";

/// A policy with the findings about its rules.
pub struct CheckedPolicyDocument<'t> {
    /// The policy.
    pub manifest: &'t Manifest,
    /// Whether its bindings only warn or audit.
    pub only_warns: bool,
    /// Its rules, each with its line if known.
    pub rules: Vec<(&'t CheckedRule, Option<usize>)>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChecksDocument<'t> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The policies, in the order of the files.
    policies: Vec<PolicyDocument<'t>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyDocument<'t> {
    /// The kind of the policy.
    kind: &'t str,
    /// Its name.
    name: &'t str,
    /// The file that it was read from.
    file: &'t str,
    /// The line where it begins.
    line: usize,
    /// Whether its bindings only warn or audit.
    only_warns: bool,
    /// Its rules.
    rules: Vec<TriedRule<'t>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TriedRule<'t> {
    /// The rule; empty for the policy as a whole.
    rule: &'t str,
    /// The line of the rule, if known.
    line: Option<usize>,
    /// What is wrong with it; empty if it works.
    flaws: Vec<FlawDocument<'t>>,
    /// How many of the given objects pass it.
    pass: usize,
    /// The given objects that fail it.
    fail: &'t [String],
}

#[derive(Debug, Serialize, JsonSchema)]
struct FlawDocument<'t> {
    /// What is wrong.
    #[schemars(extend("enum" = words::<PolicyFlaw>()))]
    flaw: &'static str,
    /// Why.
    why: &'t str,
}

/// Returns the JSON Schema of the findings about policies.
pub fn checks_schema() -> Value {
    super::document::schema_of::<ChecksDocument<'_>>(SCHEMA)
}

/// Writes the findings about policies as one JSON document.
///
/// # Errors
/// Only those of `out`.
pub fn checks(tried: &[CheckedPolicyDocument<'_>], out: &mut dyn Write) -> io::Result<()> {
    let policies = tried.iter().map(|one| PolicyDocument {
        kind: &one.manifest.kind,
        name: &one.manifest.name,
        file: &one.manifest.origin.file,
        line: one.manifest.origin.line,
        only_warns: one.only_warns,
        rules: one
            .rules
            .iter()
            .map(|(rule, line)| of_rule(rule, *line))
            .collect(),
    });
    let document = ChecksDocument {
        schema: SCHEMA,
        policies: policies.collect(),
    };
    json_text::write(out, &document)
}

fn of_rule(rule: &CheckedRule, line: Option<usize>) -> TriedRule<'_> {
    let flaws = rule.flaws.iter().map(|(flaw, why)| FlawDocument {
        flaw: flaw.as_str(),
        why,
    });
    TriedRule {
        rule: &rule.rule,
        line,
        flaws: flaws.collect(),
        pass: rule.pass,
        fail: &rule.fail,
    }
}
