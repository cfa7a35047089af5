//! Rules for live objects that need not be declared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::is_default;
use super::{
    ObjectSides, PathPattern, Rule, RuleOrigin, RuleSet, RuleSpec, Selectors, SpecProblem,
};
use crate::model::{ChangeKind, Owner, Ownership, ResourceKey};

/// Live objects that need not be declared: an entry of `ignoreExtra`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("required" = ["kind"]))]
pub struct ExtraSpec {
    /// The rule's name in reports
    #[serde(skip_serializing_if = "is_default")]
    pub id: String,
    /// Why these objects may be there
    #[serde(skip_serializing_if = "is_default")]
    pub reason: String,
    /// Who owns the rule
    #[serde(skip_serializing_if = "is_default")]
    pub owner: Option<String>,
    /// Link to a ticket or discussion
    #[serde(skip_serializing_if = "is_default")]
    pub ticket: Option<String>,
    /// When it expires: a date such as 2026-12-31, which is its last day (UTC), or a time
    #[serde(skip_serializing_if = "is_default")]
    pub expires: Option<String>,
    /// The API group, a glob; left out, the core group
    #[serde(skip_serializing_if = "is_default")]
    pub group: String,
    /// The kind, a glob
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// The namespace, a glob; left out, any
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// The name, a glob; left out, any
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Only objects with these labels, as 'kubectl -l' writes it
    #[serde(skip_serializing_if = "is_default")]
    pub label_selector: Option<String>,
    /// Only objects with this path
    #[serde(skip_serializing_if = "is_default")]
    pub if_live: Option<String>,
    /// Only objects that nobody but these field managers wrote: globs, '!' before one excludes
    #[serde(skip_serializing_if = "is_default")]
    pub only_managers: Vec<String>,
    /// Only objects with an owner reference
    #[serde(skip_serializing_if = "is_default")]
    pub owned_by: Option<OwnedBy>,
}

/// The owner of an object, as in garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OwnedBy {
    /// Another object (`metadata.ownerReferences`)
    Controller,
}

impl ExtraSpec {
    /// Parses the entry.
    ///
    /// # Errors
    /// Fails with a list of all problems.
    pub fn compile(self, origin: RuleOrigin) -> Result<Rule, Vec<SpecProblem>> {
        let spec = RuleSpec {
            group: self.group,
            kind: self.kind,
            name: self.name,
            namespace: self.namespace,
            id: self.id,
            paths: vec![".".to_owned()],
            only_managers: self.only_managers,
            label_selector: self.label_selector,
            if_live: self.if_live,
            reason: self.reason,
            owner: self.owner,
            ticket: self.ticket,
            expires: self.expires,
            ..RuleSpec::default()
        };
        Ok(Rule {
            object_only: true,
            owned: self.owned_by.is_some(),
            kinds: vec![ChangeKind::Added],
            selectors: Selectors {
                paths: vec![PathPattern::root()],
                ..Selectors::default()
            },
            ..spec.compile(origin)?
        })
    }
}

/// Returns the built-in rule that explains a live object which controllers or the system created.
/// `holds` checks the condition of a rule.
pub fn explains_extra<'r>(
    rules: &'r RuleSet,
    key: &ResourceKey,
    live: &Value,
    owners: &Ownership,
    holds: impl Fn(&str) -> bool,
) -> Option<&'r Rule> {
    let writers: Vec<&Owner> = owners
        .entries
        .iter()
        .map(|entry| &entry.owner)
        .filter(|owner| owner.subresource.as_deref() != Some("status"))
        .collect();
    let sides = ObjectSides {
        declared: live,
        live,
    };
    rules.extra.iter().find(|rule| {
        rule.matches_object(key, sides)
            && rule.covers_object(ChangeKind::Added, &writers)
            && holds(&rule.id)
    })
}
