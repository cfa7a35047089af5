//! All rules of a run, and those of them that speak of one object.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::extra::ExtraRule;
use super::rule::Asked;
use super::severity::SeverityRule;
use super::{DeleteByJq, JqFailure, Rule, RuleOrigin, RuleSpec};
use crate::compare::{Explain, Reason};
use crate::model::{ChangeKind, FieldPath, Owner, ResourceKey};

/// The built-in rules, as a file in the schema that users write; `driftctl rules` prints it.
pub const BUILTIN: &str = include_str!("builtin.yaml");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    ignore_differences: Vec<RuleSpec>,
    ignore_extra: Vec<ExtraRule>,
    severity: Vec<SeverityRule>,
}

/// All rules of a run.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Rules about changes, in the order in which they are asked.
    rules: Vec<Rule>,
    /// The positions of the rules that name one kind, by kind.
    by_kind: HashMap<String, Vec<usize>>,
    /// The positions of the rules that do not.
    of_any_kind: Vec<usize>,
    /// Rules about objects that nobody declares.
    pub(super) extra: Vec<ExtraRule>,
    /// How much changes matter.
    pub(super) severity: Vec<SeverityRule>,
    /// What runs jq expressions.
    jq: Jq,
}

/// An engine, if there is one.
#[derive(Clone, Default)]
struct Jq(Option<Arc<dyn DeleteByJq>>);

impl fmt::Debug for Jq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Jq" } else { "none" })
    }
}

impl RuleSet {
    /// The built-in rules.
    pub fn builtin() -> &'static RuleSet {
        static RULES: LazyLock<RuleSet> =
            LazyLock::new(|| RuleSet::read_builtin().unwrap_or_default());
        &RULES
    }

    fn read_builtin() -> Result<Self, String> {
        let file: File = serde_yaml::from_str(BUILTIN).map_err(|error| error.to_string())?;
        let compile = |spec: RuleSpec| {
            let id = spec.id.clone();
            spec.compile(RuleOrigin::BuiltIn)
                .map_err(|problems| format!("{id}: {problems:?}"))
        };
        let rules = file.ignore_differences.into_iter().map(compile);
        let mut set = Self::of(rules.collect::<Result<_, _>>()?);
        set.extra = file.ignore_extra;
        set.severity = file.severity;
        Ok(set)
    }

    fn of(rules: Vec<Rule>) -> Self {
        let mut set = Self::default();
        for (position, rule) in rules.iter().enumerate() {
            if rule.objects.kind.contains('*') {
                set.of_any_kind.push(position);
            } else {
                let same_kind = set.by_kind.entry(rule.objects.kind.clone()).or_default();
                same_kind.push(position);
            }
        }
        set.rules = rules;
        set
    }

    /// The users' rules on top of the built-in ones, which are asked last, without those that
    /// are switched off by their id. What expired by `now` hides nothing.
    pub fn with(users: Vec<Rule>, switched_off: &[String], now: Timestamp) -> Self {
        let builtin = Self::builtin();
        let is_on = |id: &str| !switched_off.iter().any(|off| off == id);
        let is_over = |rule: &Rule| rule.expires.as_ref().is_some_and(|e| e.is_over(now));
        let users = users.into_iter().map(|mut rule| {
            rule.expired = is_over(&rule);
            rule
        });
        let known = builtin.rules.iter().filter(|rule| is_on(&rule.id)).cloned();
        let mut set = Self::of(users.chain(known).collect());
        let extra = builtin.extra.iter().filter(|rule| is_on(&rule.id));
        set.extra = extra.cloned().collect();
        set.severity = builtin.severity.clone();
        set
    }

    /// With more rules, which are asked before these.
    #[must_use]
    pub fn joined(&self, more: Vec<Rule>) -> Self {
        Self {
            extra: self.extra.clone(),
            severity: self.severity.clone(),
            jq: self.jq.clone(),
            ..Self::of(more.into_iter().chain(self.rules.iter().cloned()).collect())
        }
    }

    /// With an engine for jq expressions; without one, rules that have some hide nothing.
    #[must_use]
    pub fn with_jq(mut self, engine: Arc<dyn DeleteByJq>) -> Self {
        self.jq = Jq(Some(engine));
        self
    }

    /// What `del(EXPRESSION)` leaves of an object.
    pub(super) fn delete_by_jq(
        &self,
        expression: &str,
        object: &Value,
    ) -> Result<Value, JqFailure> {
        match &self.jq.0 {
            Some(engine) => engine.delete(expression, object),
            None => Err(JqFailure::Broken("there is no jq engine".to_owned())),
        }
    }

    /// All rules about changes, in the order in which they are asked.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The ids of all rules that can be switched off.
    pub fn switchable() -> impl Iterator<Item = &'static str> {
        let set = Self::builtin();
        let rules = set.rules.iter().map(|rule| rule.id.as_str());
        rules.chain(set.extra.iter().map(|rule| rule.id.as_str()))
    }

    /// The rules that speak of one object; `own` are those that it carries itself.
    pub fn for_object(
        &self,
        key: &ResourceKey,
        declared: &Value,
        own: Vec<Rule>,
    ) -> ObjectRules<'_> {
        let same_kind = self.by_kind.get(&key.kind).map_or(&[][..], Vec::as_slice);
        let mut positions: Vec<usize> = same_kind
            .iter()
            .chain(&self.of_any_kind)
            .copied()
            .filter(|position| self.rules[*position].concerns(key, declared))
            .collect();
        positions.sort_unstable();
        ObjectRules {
            rules: positions.into_iter().map(|i| &self.rules[i]).collect(),
            own,
        }
    }
}

/// The rules that speak of one object.
#[derive(Debug, Default)]
pub struct ObjectRules<'r> {
    rules: Vec<&'r Rule>,
    own: Vec<Rule>,
}

impl ObjectRules<'_> {
    /// The rules that ignore drift, in the order in which they are asked: what an object says of
    /// itself comes first.
    pub fn ignoring(&self) -> impl Iterator<Item = &Rule> {
        let own = self.own.iter();
        let rules = own.chain(self.rules.iter().copied());
        rules.filter(|rule| rule.explains.is_none())
    }

    /// The rule that ignores that the object is there ([`ChangeKind::Added`]), or that it is not
    /// ([`ChangeKind::Removed`]).
    pub fn of_object(&self, kind: ChangeKind, owners: &[&Owner]) -> Option<&Rule> {
        self.ignoring()
            .find(|rule| !rule.expired && rule.covers_object(kind, owners))
    }
}

impl Explain for ObjectRules<'_> {
    fn explains(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<Reason> {
        let change = Asked { path, kind, owners };
        self.rules.iter().find_map(|rule| {
            let by = rule.explains.filter(|_| rule.covers(change))?;
            Some(Reason {
                by,
                rule: Some(rule.id.clone()),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(group: &str, kind: &str) -> ResourceKey {
        ResourceKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: Some("shop".to_owned()),
            name: "cart".to_owned(),
        }
    }

    #[test]
    fn the_builtin_rules_can_be_read_and_have_ids_and_reasons() {
        let set = RuleSet::read_builtin().unwrap();
        assert!(set.rules.len() > 10);
        let mut ids: Vec<&str> = set.rules.iter().map(|rule| rule.id.as_str()).collect();
        ids.extend(set.extra.iter().map(|rule| rule.id.as_str()));
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "an id twice");
        assert!(set.rules.iter().all(|rule| rule.reason.ends_with('.')));
        assert!(set.rules.iter().all(|rule| rule.selectors.jq.is_empty()));
    }

    #[test]
    fn rules_speak_of_their_objects_and_paths_only() {
        let rules = RuleSet::builtin();
        let path = ".spec.clusterIP".parse().unwrap();
        let explained = |kind: &str, group: &str, change| {
            let rules = rules.for_object(&key(group, kind), &Value::Null, Vec::new());
            rules.explains(&path, change, &[]).is_some()
        };
        assert!(explained("Service", "", ChangeKind::Added));
        assert!(!explained("Service", "", ChangeKind::Changed));
        assert!(!explained("Deployment", "apps", ChangeKind::Added));
    }

    #[test]
    fn builtin_rules_can_be_switched_off() {
        let off = ["service-allocations".to_owned(), "helm-releases".to_owned()];
        let now = Timestamp::UNIX_EPOCH;
        let (all, fewer) = (
            RuleSet::with(vec![], &[], now),
            RuleSet::with(vec![], &off, now),
        );
        assert_eq!(fewer.rules.len() + 1, all.rules.len());
        assert_eq!(fewer.extra.len() + 1, all.extra.len());
    }
}
