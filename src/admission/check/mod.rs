//! Tests policies on objects, to find rules that do not work.
//!
//! Each rule is evaluated on the objects at hand and on a minimal object of each kind that it
//! matches; then on all of these with the fields changed that the rule names. A rule that nothing
//! fails blocks nothing; a rule that nothing passes blocks everything. Both are reported only if
//! the values that its conditions can take prove it; otherwise the rule is not determined.

mod around;
mod formula;
mod names;
mod pattern;
mod prober;
#[cfg(test)]
mod tests;
mod variants;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use names::ExpressionNames;
pub use pattern::check_kyverno;
pub use variants::{Base, SMALLEST, smallest};

use super::{Evaluate, RuleOutcome, RuleResult, cel};
use crate::model::text_or_empty;
use around::bypass;
use formula::{Condition, PossibleOutcomes};
use names::ObjectPath;
use prober::{Prober, key_of, labels, namespaces, policies, scalars};
use strum::{IntoStaticStr, VariantArray};
use variants::{Variant, unknown_field, variants};

/// How many objects one policy is tested on.
const MOST_TRIES: usize = 2_000;

/// How many variants of the given objects a policy is tested on.
const MOST_OF_GIVEN: usize = 300;

/// How many objects a test starts from.
const MOST_BASES: usize = 40;

/// How many fields of one condition are tested in all combinations.
const MOST_TOGETHER: usize = 2;

/// A flaw of a rule, or of a policy as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum PolicyFlaw {
    /// No object fails it.
    BlocksNothing,
    /// No object passes it.
    BlocksEverything,
    /// Objects can be written through a request that it does not check.
    #[strum(serialize = "can-be-bypassed")]
    Bypassed,
    /// It matches no object.
    MatchesNothing,
    /// No binding applies it.
    NotBound,
    /// It could not be evaluated, or not in all relevant cases.
    #[strum(serialize = "cannot")]
    NotDecided,
}

impl PolicyFlaw {
    /// Returns the word that JSON documents use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::BlocksNothing => "blocks nothing",
            Self::BlocksEverything => "blocks everything",
            Self::Bypassed => "can be bypassed",
            Self::MatchesNothing => "matches nothing",
            Self::NotBound => "has no binding",
            Self::NotDecided => "not determined",
        }
    }

    /// Returns the words for a number of rules: `2 block nothing`.
    pub fn words_of(self, count: usize) -> &'static str {
        match self {
            Self::BlocksNothing if count != 1 => "block nothing",
            Self::BlocksEverything if count != 1 => "block everything",
            Self::MatchesNothing if count != 1 => "match nothing",
            Self::NotBound if count != 1 => "have no binding",
            _ => self.words(),
        }
    }
}

/// The findings about one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedRule {
    /// The rule: `validations[0]`; empty for the policy as a whole.
    pub rule: String,
    /// The path to the rule in the policy, as path elements.
    pub at: Vec<String>,
    /// The flaws, each with the reason.
    pub flaws: Vec<(PolicyFlaw, String)>,
    /// How many given objects pass it.
    pub pass: usize,
    /// The given objects that fail it.
    pub fail: Vec<String>,
}

impl CheckedRule {
    /// Returns whether the rule has no flaw.
    pub fn holds(&self) -> bool {
        self.flaws.is_empty()
    }

    fn flaw(&mut self, flaw: PolicyFlaw, why: impl Into<String>) {
        self.flaws.push((flaw, why.into()));
    }
}

/// Returns what each of these expressions of a policy names.
pub type Analyze<'a> = dyn Fn(&Value, &[String]) -> Result<Vec<ExpressionNames>, String> + 'a;

/// The functions that policies are tested with.
pub struct PolicyFunctions<'t> {
    /// Evaluates a policy.
    pub evaluate: &'t Evaluate<'t>,
    /// Returns what each of these expressions of a policy names.
    pub analyze: &'t Analyze<'t>,
}

/// Returns what the expressions of a policy name. The worker process runs this.
pub fn analyze(policy: &Value, expressions: &[String]) -> Vec<ExpressionNames> {
    let env = cel::env();
    let variables = cel::variables(policy);
    let of = |expression: &String| ExpressionNames::of(&env, expression, &variables);
    expressions.iter().map(of).collect()
}

/// Tests a ValidatingAdmissionPolicy. `bindings` are the bindings that name it, `others` are
/// possible parameters and namespaces, `hand` are the given objects, and `kinds` returns minimal
/// objects of each kind in a namespace.
pub fn check(
    policy: &Value,
    bindings: &[Value],
    others: &[Value],
    hand: &[Base<'_>],
    kinds: &dyn Fn(&str) -> Vec<Base<'static>>,
    tools: &PolicyFunctions<'_>,
) -> Vec<CheckedRule> {
    let mut whole = CheckedRule::default();
    if bindings.is_empty() {
        whole.flaw(PolicyFlaw::NotBound, "without a binding it blocks nothing");
    }
    let rules = PolicyExpressions::of(policy);
    let tried = TestedPolicy::new(policy, bindings, others, &rules, hand, kinds, tools);
    let mut checked: Vec<CheckedRule> = match tried {
        Ok(tried) => tried.verdicts(&mut whole),
        Err(why) => {
            whole.flaw(PolicyFlaw::NotDecided, why);
            Vec::new()
        }
    };
    if checked.is_empty() && whole.holds() {
        whole.flaw(PolicyFlaw::BlocksNothing, "it has no validations");
    }
    if !whole.holds() {
        checked.insert(0, whole);
    }
    checked
}

/// Returns the values that the expressions and the policy's parameters mention.
fn literals(policy: &Value, names: &[ExpressionNames], others: &[Value]) -> Vec<Value> {
    const MOST: usize = 60;
    let mut literals: Vec<Value> = Vec::new();
    for literal in names.iter().flat_map(|names| &names.literals) {
        if !literals.contains(literal) {
            literals.push(literal.clone());
        }
    }
    let kind = policy.pointer("/spec/paramKind/kind");
    let params = others
        .iter()
        .filter(|one| kind.is_some() && one.get("kind") == kind);
    for param in params.take(10) {
        scalars(param, &mut literals);
    }
    literals.truncate(MOST);
    literals
}

/// The expressions of a policy.
struct PolicyExpressions {
    /// The expression of each validation.
    validations: Vec<String>,
    formulas: Vec<Condition>,
    /// All conditions of all validations, each once.
    atoms: Vec<String>,
    /// Match conditions.
    conditions: Vec<String>,
}

impl PolicyExpressions {
    fn of(policy: &Value) -> Self {
        let expressions = |pointer: &str| -> Vec<String> {
            let list = policy.pointer(pointer).and_then(Value::as_array);
            let each = list.into_iter().flatten();
            each.map(|one| text_or_empty(one, "/expression").trim().to_owned())
                .collect()
        };
        let validations = expressions("/spec/validations");
        let formulas: Vec<Condition> = validations.iter().map(|one| Condition::of(one)).collect();
        let atoms: BTreeSet<String> = formulas
            .iter()
            .flat_map(|formula| {
                formula
                    .atoms()
                    .into_iter()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        Self {
            validations,
            formulas,
            atoms: atoms.into_iter().collect(),
            conditions: expressions("/spec/matchConditions"),
        }
    }
}

/// A policy with its test results.
struct TestedPolicy<'t> {
    policy: &'t Value,
    rules: &'t PolicyExpressions,
    /// The outcomes of each validation.
    whole: Vec<PossibleOutcomes>,
    /// The outcomes of each condition.
    atoms: BTreeMap<String, PossibleOutcomes>,
    /// The fields and values in each condition.
    names: BTreeMap<String, ExpressionNames>,
    /// The fields that could be changed.
    reached: BTreeSet<ObjectPath>,
    /// Why a validation or condition could not be evaluated.
    cannot: BTreeMap<String, String>,
    /// How many given objects pass, by validation.
    pass: Vec<usize>,
    fail: Vec<BTreeSet<String>>,
    /// Whether any object was matched.
    is_matched: bool,
    /// Whether match conditions excluded a matched object.
    is_excluded: bool,
    /// Whether an expression that fails refuses nothing.
    fails_open: bool,
    /// Why the policy was not evaluated although it may match.
    unasked: Option<String>,
    /// The values that the server defaults, by field.
    filled: BTreeMap<ObjectPath, Value>,
    /// Fields that exist in no type, and the reason.
    unknown: BTreeMap<ObjectPath, String>,
    /// Whether there was more to test than the limit allows.
    is_cut: bool,
}

impl<'t> TestedPolicy<'t> {
    fn new(
        policy: &'t Value,
        bindings: &[Value],
        others: &[Value],
        rules: &'t PolicyExpressions,
        hand: &[Base<'_>],
        kinds: &dyn Fn(&str) -> Vec<Base<'static>>,
        tools: &PolicyFunctions<'_>,
    ) -> Result<Self, String> {
        let expressions = [&rules.atoms[..], &rules.conditions[..]].concat();
        let names = (tools.analyze)(policy, &expressions)?;
        let literals = literals(policy, &names, others);
        let paths: BTreeSet<ObjectPath> = names
            .iter()
            .flat_map(|names| names.paths.iter().cloned())
            .filter(|path| matches!(path[0].as_str(), "object" | "oldObject"))
            .map(|mut path| {
                path[0] = "object".to_owned();
                path
            })
            .collect();
        let names = expressions.into_iter().zip(names).collect();
        let mut tried = Self::untried(policy, rules, names);
        let by_name = labels(policy, bindings);
        if by_name.contains_key("kubernetes.io/metadata.name") {
            // No other object can match.
            let path = ["object", "metadata", "namespace"].map(str::to_owned);
            tried.reached.insert(path.to_vec());
        }
        let bindings = match bindings {
            [] => vec![json!({"spec": {"policyName": text_or_empty(policy, "/metadata/name")}})],
            some => some.to_vec(),
        };
        let places = namespaces(policy, &bindings, &literals);
        let prober = Prober {
            policies: policies(policy, &bindings, others, rules, &places),
            evaluate: tools.evaluate,
            uses_old_object: policy.to_string().contains("oldObject"),
        };
        for base in hand {
            tried.try_variant(&prober, base, &Variant::unchanged(base), true);
        }
        let is_meant = |base: &Base<'_>| prober.matches(base);
        let mut bases: Vec<Base<'_>> = Vec::new();
        for place in &places {
            let of_place = kinds(place).into_iter().filter(|base| is_meant(base));
            bases.extend(of_place.take((MOST_BASES / places.len()).max(1)));
        }
        for base in &bases {
            for path in &paths {
                tried.note_filled(base, path);
                if let Some(why) = unknown_field(base, path) {
                    tried.unknown.insert(path.clone(), why);
                }
            }
        }
        let kinds = bases.len().div_ceil(places.len().max(1));
        tried.try_paths(&prober, &bases, kinds, &paths, &literals);
        // Given objects may have fields that minimal objects lack.
        let mut left = MOST_OF_GIVEN;
        for base in hand.iter().filter(|base| is_meant(base)) {
            for path in &paths {
                for variant in variants(base, path, &literals).into_iter().take(left) {
                    left -= 1;
                    tried.try_variant(&prober, base, &variant, false);
                }
            }
        }
        Ok(tried)
    }

    /// Returns the state before anything is tried.
    fn untried(
        policy: &'t Value,
        rules: &'t PolicyExpressions,
        names: BTreeMap<String, ExpressionNames>,
    ) -> Self {
        Self {
            policy,
            rules,
            whole: vec![PossibleOutcomes::default(); rules.validations.len()],
            atoms: BTreeMap::new(),
            names,
            reached: BTreeSet::new(),
            cannot: BTreeMap::new(),
            pass: vec![0; rules.validations.len()],
            fail: vec![BTreeSet::new(); rules.validations.len()],
            is_matched: false,
            is_excluded: false,
            fails_open: text_or_empty(policy, "/spec/failurePolicy") == "Ignore",
            unasked: None,
            filled: BTreeMap::new(),
            unknown: BTreeMap::new(),
            is_cut: false,
        }
    }

    /// Tries the decisive fields: one at a time, then, of the first `kinds`, two together.
    fn try_paths(
        &mut self,
        prober: &Prober<'_>,
        bases: &[Base<'_>],
        kinds: usize,
        paths: &BTreeSet<ObjectPath>,
        literals: &[Value],
    ) {
        let mut left = MOST_TRIES;
        let mut try_variant = |tried: &mut Self, base: &Base<'_>, variant: &Variant| {
            left = left.saturating_sub(1);
            if left > 0 {
                tried.try_variant(prober, base, variant, false);
            }
        };
        for base in bases {
            self.try_variant(prober, base, &Variant::unchanged(base), false);
            for path in paths {
                for variant in variants(base, path, literals) {
                    try_variant(self, base, &variant);
                }
            }
        }
        for base in bases.iter().take(kinds) {
            for (at, path) in paths.iter().enumerate() {
                for one in variants(base, path, literals) {
                    let changed = Base {
                        object: one.object,
                        ..base.clone()
                    };
                    for other in paths.iter().skip(at + 1) {
                        for both in variants(&changed, other, literals) {
                            try_variant(self, base, &both);
                        }
                    }
                }
            }
        }
        self.is_cut = left == 0;
    }

    /// Records a field that the server defaults.
    fn note_filled(&mut self, base: &Base<'_>, path: &ObjectPath) {
        if text_or_empty(&base.object, "/metadata/name") != SMALLEST {
            return;
        }
        let written = smallest(
            text_or_empty(&base.object, "/apiVersion"),
            text_or_empty(&base.object, "/kind"),
            None,
        );
        let at = |object: &Value| -> Option<Value> {
            let mut value = object;
            for part in &path[1..] {
                value = match value {
                    Value::Array(items) => items.first()?,
                    value => value.get(part)?,
                };
            }
            Some(value.clone())
        };
        if let (None, Some(filled)) = (at(&written), at(&base.object)) {
            self.filled.entry(path.clone()).or_insert(filled);
        }
    }

    fn try_variant(
        &mut self,
        prober: &Prober<'_>,
        base: &Base<'_>,
        variant: &Variant,
        at_hand: bool,
    ) {
        for (object, old) in prober.requests(base, variant) {
            let answers = match prober.ask(base, &object, old.as_ref()) {
                Ok(answers) => answers,
                Err(why) => {
                    self.unasked = self.unasked.take().or(why);
                    continue;
                }
            };
            self.is_matched = true;
            if let Some(path) = &variant.path {
                self.reached.insert(path.clone());
            }
            self.note(&answers, base, at_hand);
        }
    }

    fn note(&mut self, answers: &[RuleResult], base: &Base<'_>, at_hand: bool) {
        if let [only] = answers
            && only.says == RuleOutcome::NotMatched
        {
            self.is_excluded = true;
            return;
        }
        let count = self.rules.validations.len();
        for answer in answers {
            let index = answer
                .rule
                .trim_start_matches("validations[")
                .trim_end_matches(']');
            let Ok(index) = index.parse::<usize>() else {
                self.cannot
                    .insert(answer.rule.clone(), answer.message.clone());
                continue;
            };
            let is_error = answer.message.starts_with("the expression fails");
            let outcome = match index.checked_sub(count) {
                None => match self.whole.get_mut(index) {
                    Some(outcome) => outcome,
                    None => continue,
                },
                Some(atom) => match self.rules.atoms.get(atom) {
                    Some(atom) => self.atoms.entry(atom.clone()).or_default(),
                    None => continue,
                },
            };
            match answer.says {
                RuleOutcome::Pass => outcome.yes = true,
                RuleOutcome::Violates if is_error => outcome.error = true,
                RuleOutcome::Violates => outcome.no = true,
                RuleOutcome::Cannot => {
                    let of = match index.checked_sub(count) {
                        None => answer.rule.clone(),
                        Some(atom) => self.rules.atoms[atom].clone(),
                    };
                    self.cannot.insert(of, answer.message.clone());
                }
                RuleOutcome::NotMatched => {}
            }
            if at_hand && index < count {
                match answer.says {
                    RuleOutcome::Pass => self.pass[index] += 1,
                    RuleOutcome::Violates if is_error && self.fails_open => self.pass[index] += 1,
                    RuleOutcome::Violates => {
                        self.fail[index].insert(key_of(base).to_string());
                    }
                    RuleOutcome::Cannot | RuleOutcome::NotMatched => {}
                }
            }
        }
    }

    fn verdicts(&self, whole: &mut CheckedRule) -> Vec<CheckedRule> {
        match (&self.unasked, self.is_matched) {
            (Some(why), false) => whole.flaw(PolicyFlaw::NotDecided, why.clone()),
            (None, false) => whole.flaw(
                PolicyFlaw::MatchesNothing,
                "the policy and its binding match no known kind and no given object",
            ),
            (_, true) => {}
        }
        let is_evaluated = self.whole.iter().any(|one| one.yes || one.no || one.error);
        if self.is_matched && !is_evaluated && self.is_excluded {
            match self.rules.conditions.iter().any(|one| depends_on_more(one)) {
                true => whole.flaw(
                    PolicyFlaw::NotDecided,
                    "its match conditions depend on the requester and excluded everything that \
                     was tried",
                ),
                false => whole.flaw(
                    PolicyFlaw::MatchesNothing,
                    "its match conditions exclude everything that was tried",
                ),
            }
        }
        let count = self.rules.validations.len();
        (0..count)
            .map(|index| self.verdict(index, is_evaluated))
            .collect()
    }

    fn verdict(&self, index: usize, is_evaluated: bool) -> CheckedRule {
        let rule = format!("validations[{index}]");
        let mut checked = CheckedRule {
            at: vec![
                "spec".to_owned(),
                "validations".to_owned(),
                index.to_string(),
                "expression".to_owned(),
            ],
            pass: self.pass[index],
            fail: self.fail[index].iter().cloned().collect(),
            ..CheckedRule::default()
        };
        let seen = self.whole[index];
        let fails_open = self.fails_open;
        let can_refuse = seen.no || (seen.error && !fails_open);
        if let Some(why) = self.cannot.get(&rule) {
            checked.flaw(PolicyFlaw::NotDecided, why.clone());
        } else if is_evaluated && !can_refuse {
            self.check_blocks(index, &mut checked, fails_open);
        } else if is_evaluated && !seen.yes {
            self.check_passes(index, &mut checked);
        }
        if can_refuse {
            let paths = self.paths_of(index);
            if let Some(why) = bypass(self.policy, &paths, &self.rules.validations[index]) {
                checked.flaw(PolicyFlaw::Bypassed, why);
            }
        }
        checked.rule = rule;
        checked
    }

    /// Decides whether nothing can fail a rule that nothing failed.
    fn check_blocks(&self, index: usize, checked: &mut CheckedRule, fails_open: bool) {
        let possible = self.rules.formulas[index].outcomes(&|atom| self.seen(atom));
        let is_possible = possible.no || (possible.error && !fails_open);
        if is_possible && !self.is_exhausted(index) {
            let why = "nothing that was tried fails it, but not everything could be tried";
            return checked.flaw(PolicyFlaw::NotDecided, why);
        }
        if let Some(why) = self.undecided(index) {
            return checked.flaw(PolicyFlaw::NotDecided, why);
        }
        checked.flaw(
            PolicyFlaw::BlocksNothing,
            self.why_it_blocks_nothing(index, fails_open),
        );
    }

    fn why_it_blocks_nothing(&self, index: usize, fails_open: bool) -> String {
        for path in self.paths_of(index) {
            let name = path.last().cloned().unwrap_or_default();
            let has = format!(".{name})");
            let Some(filled) = self.filled.get(&path) else {
                continue;
            };
            if self.rules.validations[index].contains(&has) {
                return format!("the server defaults {name} to {filled}");
            }
        }
        if let Some(why) = self.unknown_of(index) {
            return why;
        }
        if fails_open && self.whole[index].error {
            return "the expression errors instead of refusing, and failurePolicy Ignore lets the \
                request pass"
                .to_owned();
        }
        match self.paths_of(index).is_empty() {
            true => "it is true for every object".to_owned(),
            false => "it is true for all values of the fields it names".to_owned(),
        }
    }

    /// Decides whether nothing can pass a rule that nothing passed.
    fn check_passes(&self, index: usize, checked: &mut CheckedRule) {
        let possible = self.rules.formulas[index].outcomes(&|atom| self.seen(atom));
        if possible.yes && !self.is_exhausted(index) {
            let why = "nothing that was tried passes it, but not everything could be tried";
            return checked.flaw(PolicyFlaw::NotDecided, why);
        }
        if let Some(why) = self.undecided(index) {
            return checked.flaw(PolicyFlaw::NotDecided, why);
        }
        let why = match (self.unknown_of(index), self.whole[index].error) {
            (Some(why), _) => why,
            (None, true) => "it errors on every object".to_owned(),
            (None, false) => "it is false for all values of the fields it names".to_owned(),
        };
        checked.flaw(PolicyFlaw::BlocksEverything, why);
    }

    /// Returns why a field that the rule names exists in no type.
    fn unknown_of(&self, index: usize) -> Option<String> {
        let mut paths = self.paths_of(index).into_iter();
        paths.find_map(|path| {
            let is_reached = self.reached.contains(&path);
            self.unknown.get(&path).filter(|_| !is_reached).cloned()
        })
    }

    /// Returns whether all values of the few fields that a rule names were tested together.
    fn is_exhausted(&self, index: usize) -> bool {
        let paths: BTreeSet<ObjectPath> = self.paths_of(index).into_iter().collect();
        let mut known = paths.iter().filter(|path| path[0] == "object");
        !self.is_cut
            && !depends_on_more(&self.rules.validations[index])
            && paths.len() <= MOST_TOGETHER
            && known.all(|path| self.reached.contains(path) || self.is_fixed(path))
    }

    /// Returns whether a field can have only one value.
    fn is_fixed(&self, path: &ObjectPath) -> bool {
        let is_type = matches!(&path[1..], [only] if only == "kind" || only == "apiVersion");
        is_type || self.filled.contains_key(path) || self.unknown.contains_key(path)
    }

    fn seen(&self, atom: &str) -> PossibleOutcomes {
        self.atoms.get(atom).copied().unwrap_or_default()
    }

    /// Returns why the outcomes of a rule's conditions may be incomplete.
    fn undecided(&self, index: usize) -> Option<String> {
        for atom in self.rules.formulas[index].atoms() {
            if let Some(why) = self.cannot.get(atom) {
                return Some(why.clone());
            }
            let seen = self.seen(atom);
            if u8::from(seen.yes) + u8::from(seen.no) + u8::from(seen.error) > 1 {
                continue;
            }
            if depends_on_more(atom) {
                return Some(format!("{atom} depends on more than was tried"));
            }
            if self.is_cut {
                return Some("not everything could be tried".to_owned());
            }
            let Some(names) = self.names.get(atom).filter(|names| !names.is_broken) else {
                return Some(format!("{atom} cannot be parsed"));
            };
            let paths: Vec<&ObjectPath> = names
                .paths
                .iter()
                .filter(|path| path[0] == "object")
                .collect();
            if paths.len() > MOST_TOGETHER {
                return Some(format!(
                    "{atom} names more fields than can be tried together"
                ));
            }
            let untried = paths
                .iter()
                .find(|path| !self.reached.contains(**path) && !self.is_fixed(path));
            if let Some(path) = untried {
                return Some(format!("{} could not be changed", path.join(".")));
            }
        }
        None
    }

    fn paths_of(&self, index: usize) -> Vec<ObjectPath> {
        let atoms = self.rules.formulas[index].atoms().into_iter();
        let names = atoms.filter_map(|atom| self.names.get(atom));
        names.flat_map(|names| names.paths.clone()).collect()
    }
}

/// Returns whether an expression depends on more than the object and its parameters, or on patterns
/// that no tested value may match.
fn depends_on_more(expression: &str) -> bool {
    let words = [
        "userInfo",
        "authorizer",
        "namespaceObject",
        "request.",
        "now(",
        "matches(",
        "find(",
        "findAll(",
    ];
    words.iter().any(|word| expression.contains(word))
}
