//! The rules of a run, and those that match one object.

use std::cell::OnceCell;
use std::fmt;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::Value;

use super::builtin;
use super::index::{KindIndex, KindRules};
use super::rule::ChangeQuery;
use super::severity::SeverityRule;
use super::{Accepted, Debt, DebtMatch, DeleteByJq, JqFailure, ObjectSides, Rule, RuleOrigin};
use crate::compare::{Explain, Reason};
use crate::model::{Change, ChangeKind, FieldPath, Owner, ResourceKey};

/// The user's rules, in the order in which they are applied.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// The rules about changes and objects.
    pub rules: Vec<Rule>,
    /// Severities of changes.
    pub severity: Vec<SeverityRule>,
    /// The IDs of disabled built-in rules.
    pub switched_off: Vec<String>,
}

/// All rules of a run.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Rules about changes, in the order in which they are applied.
    rules: Arc<[Rule]>,
    /// The rules for each kind.
    kinds: KindIndex,
    /// Whether these are exactly the built-in rules.
    is_builtin: bool,
    /// The built-in rules about objects that need not be declared.
    pub(super) extra: Arc<[Rule]>,
    /// The user's severities of changes.
    severity: Vec<SeverityRule>,
    /// Whether the built-in severities apply after the user's.
    rates: bool,
    /// The engine for jq expressions.
    jq: JqEngine,
    /// Accepted drift.
    debt: Option<Arc<Debt>>,
    /// The current time, for rules in annotations that expire.
    now: Option<Timestamp>,
}

/// The engine for jq expressions, if there is one.
#[derive(Clone, Default)]
struct JqEngine(Option<Arc<dyn DeleteByJq>>);

impl fmt::Debug for JqEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Jq" } else { "none" })
    }
}

impl RuleSet {
    /// Returns the built-in rules.
    pub fn builtin() -> &'static RuleSet {
        static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::read_builtin);
        &RULES
    }

    fn read_builtin() -> Self {
        Self {
            is_builtin: true,
            extra: builtin::extra().collect(),
            rates: true,
            ..Self::of(builtin::rules().collect())
        }
    }

    /// Returns the built-in severities. They are parsed on first use, because most runs have
    /// nothing to rate.
    fn builtin_severity() -> &'static [SeverityRule] {
        static RULES: LazyLock<Vec<SeverityRule>> =
            LazyLock::new(|| builtin::severities().unwrap_or_default());
        &RULES
    }

    /// Returns the severity rules, in the order in which they are applied.
    pub(super) fn all_severity(&self) -> impl Iterator<Item = &SeverityRule> {
        let builtin = match self.rates {
            true => Self::builtin_severity(),
            false => &[],
        };
        self.severity.iter().chain(builtin)
    }

    fn of(rules: Arc<[Rule]>) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Returns the user's rules, followed by the built-in rules that are not disabled. Rules that
    /// expired by `now` hide nothing.
    pub fn with(users: Users, now: Timestamp) -> Self {
        let builtin = Self::builtin();
        let is_builtin = users.rules.is_empty() && users.switched_off.is_empty();
        let is_on = |rule: &&Rule| !users.switched_off.contains(&rule.id);
        let (rules, extra) = if is_builtin {
            (builtin.rules.clone(), builtin.extra.clone())
        } else {
            let own = users.rules.into_iter().map(|rule| rule.by(now));
            let known = builtin.rules.iter().filter(is_on).cloned();
            let extra = builtin.extra.iter().filter(is_on).cloned();
            (own.chain(known).collect(), extra.collect())
        };
        Self {
            now: Some(now),
            is_builtin,
            extra,
            severity: users.severity,
            rates: true,
            ..Self::of(rules)
        }
    }

    /// Returns the set with more rules, which are applied before the others.
    #[must_use]
    pub fn joined(&self, more: Vec<Rule>) -> Self {
        let by_now = |rule: Rule| match self.now {
            Some(now) => rule.by(now),
            None => rule,
        };
        let more = more.into_iter().map(by_now);
        self.with_rules(more.chain(self.rules.iter().cloned()).collect())
    }

    /// Returns the set with more user rules, which are applied after the user's other rules.
    #[must_use]
    pub fn with_last(&self, more: Vec<Rule>) -> Self {
        let first_builtin = self
            .rules
            .iter()
            .position(|rule| rule.origin == RuleOrigin::BuiltIn);
        let (users, builtin) = self
            .rules
            .split_at(first_builtin.unwrap_or(self.rules.len()));
        let rules = users
            .iter()
            .cloned()
            .chain(more)
            .chain(builtin.iter().cloned());
        self.with_rules(rules.collect())
    }

    pub(super) fn with_rules(&self, rules: Vec<Rule>) -> Self {
        Self {
            extra: self.extra.clone(),
            severity: self.severity.clone(),
            rates: self.rates,
            jq: self.jq.clone(),
            debt: self.debt.clone(),
            now: self.now,
            ..Self::of(rules.into())
        }
    }

    /// Returns the set with an engine for jq expressions. Without one, rules with jq expressions
    /// hide nothing.
    #[must_use]
    pub fn with_jq(mut self, engine: Arc<dyn DeleteByJq>) -> Self {
        self.jq = JqEngine(Some(engine));
        self
    }

    /// Returns the set with a baseline of accepted drift.
    #[must_use]
    pub fn with_debt(mut self, debt: Debt) -> Self {
        self.debt = Some(Arc::new(debt));
        self
    }

    /// Returns the baseline's entry for a change that no rule matches.
    pub fn accepted_as(&self, key: &ResourceKey, change: &Change) -> Option<DebtMatch<'_>> {
        self.debt.as_ref()?.find(key, change)
    }

    /// Returns the accepted drift.
    pub fn accepted(&self) -> impl Iterator<Item = &Accepted> {
        self.debt.iter().flat_map(|debt| debt.entries())
    }

    /// Returns an object after `del(EXPRESSION)`.
    ///
    /// # Errors
    /// Fails if there is no engine, or the result is not an object.
    pub fn delete_by_jq(&self, expression: &str, object: &Value) -> Result<Value, JqFailure> {
        match &self.jq.0 {
            Some(engine) => engine.delete(expression, object),
            None => Err(JqFailure::Broken("there is no jq engine".to_owned())),
        }
    }

    /// Returns the answer of an admission policy; `None` if there is no engine that could stop it.
    pub fn evaluate(&self, policy: &str, input: &Value) -> Option<Result<Value, JqFailure>> {
        let engine = self.jq.0.as_ref()?;
        Some(engine.evaluate(policy, input))
    }

    /// Returns all rules about changes, in the order in which they are applied.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns whether these are exactly the built-in rules about changes.
    pub fn is_builtin(&self) -> bool {
        self.is_builtin
    }

    /// Returns the built-in rules about objects that need not be declared.
    pub fn extra(&self) -> &[Rule] {
        &self.extra
    }

    /// Returns the IDs of all rules that can be disabled.
    pub fn switchable() -> impl Iterator<Item = &'static str> {
        let set = Self::builtin();
        let rules = set.rules.iter().map(|rule| rule.id.as_str());
        rules.chain(set.extra.iter().map(|rule| rule.id.as_str()))
    }

    /// Returns the rules that match one object; `own` are those in its annotations.
    pub fn for_object<'r>(
        &'r self,
        key: &ResourceKey,
        sides: ObjectSides<'r>,
        own: Vec<Rule>,
    ) -> ObjectRules<'r> {
        let of_kind = self.kinds.of(key, &self.rules);
        let mut concerns = vec![OnceCell::from(true); of_kind.positions.len()];
        for place in &of_kind.conditional {
            concerns[*place] = OnceCell::new();
        }
        let by_now = |rule: Rule| match self.now {
            Some(now) => rule.by(now),
            None => rule,
        };
        ObjectRules {
            set: &self.rules,
            object: Some((key.clone(), sides)),
            concerns,
            of_kind,
            own: own.into_iter().map(by_now).collect(),
        }
    }
}

/// The rules that match one object.
#[derive(Debug, Default)]
pub struct ObjectRules<'r> {
    set: &'r [Rule],
    of_kind: Arc<KindRules>,
    object: Option<(ResourceKey, ObjectSides<'r>)>,
    /// Which of the rules of its kind match the object. Those with conditions are checked when they
    /// are first needed, which most are not.
    concerns: Vec<OnceCell<bool>>,
    own: Vec<Rule>,
}

impl<'r> ObjectRules<'r> {
    /// Returns the rule at an index among those of the object's kind, if it is wanted and matches
    /// the object.
    fn at(&self, place: usize, is_wanted: impl FnOnce(&Rule) -> bool) -> Option<&'r Rule> {
        let rule = self.set.get(*self.of_kind.positions.get(place)?)?;
        let (key, sides) = self.object.as_ref()?;
        let concerns = self.concerns.get(place)?;
        if concerns.get() == Some(&false) {
            return None;
        }
        (is_wanted(rule) && *concerns.get_or_init(|| rule.concerns_one(key, *sides)))
            .then_some(rule)
    }

    /// Returns the rules of the run that are wanted and match the object.
    fn of_run(&self, is_wanted: impl Fn(&Rule) -> bool) -> impl Iterator<Item = &'r Rule> {
        (0..self.concerns.len()).filter_map(move |place| self.at(place, &is_wanted))
    }

    /// Returns every rule that matches the object, in the order in which they are applied.
    pub fn all(&self) -> impl Iterator<Item = &Rule> {
        self.own.iter().chain(self.of_run(|_| true))
    }

    /// Returns the rules that ignore drift, in the order in which they are applied: rules in the
    /// object's annotations come first.
    pub fn ignoring(&self) -> impl Iterator<Item = &Rule> {
        let ignores = |rule: &Rule| rule.explains.is_none();
        let own = self.own.iter().filter(move |rule| ignores(rule));
        own.chain(self.of_run(ignores))
    }

    /// Returns the rule that hides that the object is extra ([`ChangeKind::Added`]) or missing
    /// ([`ChangeKind::Removed`]); with `expired`, the rule that did so until it expired.
    pub fn of_object(&self, kind: ChangeKind, owners: &[&Owner], expired: bool) -> Option<&Rule> {
        self.ignoring()
            .find(|rule| rule.expired == expired && rule.covers_object(kind, owners))
    }
}

impl ObjectRules<'_> {
    /// Returns the first rule that explains a change, among those for values of the applier or
    /// among the others.
    fn first(&self, change: ChangeQuery<'_>, of_applier: bool) -> Option<Reason> {
        let mut first: Option<usize> = None;
        self.of_kind.on_the_way(change.path, |place| {
            let explains = |rule: &Rule| {
                rule.only_applier == of_applier && rule.explains.is_some() && rule.covers(change)
            };
            let is_earlier = first.is_none_or(|first| place < first);
            if is_earlier && self.at(place, explains).is_some() {
                first = Some(place);
            }
        });
        let rule = self.at(first?, |_| true)?;
        Some(Reason {
            by: rule.explains?,
            rule: Some(rule.id.clone()),
        })
    }
}

impl Explain for ObjectRules<'_> {
    fn explains(&self, path: &FieldPath, kind: ChangeKind, owners: &[&Owner]) -> Option<Reason> {
        self.first(ChangeQuery { path, kind, owners }, false)
    }

    fn explains_of_applier(
        &self,
        path: &FieldPath,
        kind: ChangeKind,
        owners: &[&Owner],
    ) -> Option<Reason> {
        self.first(ChangeQuery { path, kind, owners }, true)
    }

    fn may_explain(&self, path: &FieldPath) -> bool {
        let explains = |rule: &Rule| rule.explains.is_some();
        self.of_kind
            .is_any_on_the_way(path, |place| self.at(place, explains).is_some())
    }

    fn owners_matter(&self, path: &FieldPath) -> bool {
        let asks = |rule: &Rule| rule.explains.is_some() && rule.asks_for_owners(path);
        self.of_kind
            .is_any_on_the_way(path, |place| self.at(place, asks).is_some())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::tests::key;

    #[test]
    fn builtin_rules_have_ids_and_reasons() {
        let set = RuleSet::builtin();
        assert!(set.rules.len() > 10);
        let mut ids: Vec<&str> = set.rules.iter().map(|rule| rule.id.as_str()).collect();
        ids.extend(set.extra.iter().map(|rule| rule.id.as_str()));
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "an id twice");
        assert!(set.rules.iter().all(|rule| rule.reason.ends_with('.')));
        assert!(set.rules.iter().all(|rule| rule.selectors.jq.is_empty()));
        assert!(set.extra.iter().all(Rule::is_about_extras));
    }

    #[test]
    fn rules_match_only_their_objects_and_paths() {
        let rules = RuleSet::builtin();
        let path = ".spec.clusterIP".parse().unwrap();
        let explained = |kind: &str, group: &str, change| {
            let rules = rules.for_object(&key(group, kind), ObjectSides::NONE, Vec::new());
            rules.explains(&path, change, &[]).is_some()
        };
        assert!(explained("Service", "", ChangeKind::Added));
        assert!(!explained("Service", "", ChangeKind::Modified));
        assert!(!explained("Deployment", "apps", ChangeKind::Added));
    }

    #[test]
    fn explains_an_unowned_owner_reference_only_if_it_is_a_controllers() {
        let rules = RuleSet::builtin();
        let path = ".metadata.ownerReferences".parse().unwrap();
        let explained_on = |kind: &str, reference: Value| {
            let live = json!({"metadata": {"ownerReferences": [{"uid": "other"}, reference]}});
            let sides = ObjectSides {
                live: &live,
                ..ObjectSides::NONE
            };
            let rules = rules.for_object(&key("", kind), sides, Vec::new());
            rules.explains(&path, ChangeKind::Added, &[]).is_some()
        };
        let explained = |reference: Value| explained_on("Pod", reference);
        let of_controller = json!({"uid": "a", "controller": true});
        assert!(explained(of_controller.clone()));
        // No controller of Kubernetes adopts a Secret, which is deleted when its owner is gone.
        assert!(!explained_on("Secret", of_controller));
        assert!(!explained(json!({"uid": "a", "controller": false})));
        assert!(!explained(json!({"uid": "a"})));
    }

    #[test]
    fn builtin_rules_can_be_disabled() {
        let off = |ids: &[&str]| Users {
            switched_off: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Users::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        let all = RuleSet::with(off(&[]), now);
        let fewer = RuleSet::with(off(&["service-allocations", "helm-releases"]), now);
        assert_eq!(fewer.rules.len() + 1, all.rules.len());
        assert_eq!(fewer.extra.len() + 1, all.extra.len());
    }
}
