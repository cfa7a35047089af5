//! Evaluates Kyverno's validating rules (`kyverno.io`) on an object.
//!
//! Supports patterns, conditions, loops, CEL, and the rules that Kyverno generates for Pod
//! controllers. A rule that reads from elsewhere (the API, images, ConfigMaps) cannot be evaluated,
//! and never passes.

mod autogen;
mod conditions;
mod evaluate;
mod exceptions;
mod functions;
mod jmes;
mod parse;
mod pattern;
mod select;
mod text;
mod time;
mod validating;
mod variables;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::{RuleOutcome, RuleResult};
use crate::model::{Enforcement, group_of};
pub use exceptions::{exempted, is_about, is_exception, is_partial};
use jmes::JmesFailure;
use pattern::PatternMismatch;
use select::{KyvernoCandidate, RuleMatch};
pub use validating::{as_builtin, is_validating};
use variables::Context;

/// The namespaces that Kyverno excludes unless its ConfigMap says otherwise.
pub const EXCLUDED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "kyverno"];

/// The depth up to which nested loops are evaluated.
const MOST_DEEP: usize = 8;

/// The limit on items of a list.
const MOST_ITEMS: usize = 10_000;

/// Returns whether an object is a Kyverno policy with rules.
pub fn is_policy(object: &Value) -> bool {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    group_of(text("apiVersion")) == "kyverno.io"
        && matches!(text("kind"), "ClusterPolicy" | "Policy")
}

/// Returns whether a policy may match objects of a kind. This check is fast and not exact.
pub fn may_match(policy: &Value, object: &Value, subresource: &str) -> bool {
    let text = |value: &Value, pointer: &str| {
        let text = value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let namespace = text(policy, "/metadata/namespace");
    if text(policy, "/kind") == "Policy" && namespace != text(object, "/metadata/namespace") {
        return false;
    }
    let candidate = KyvernoCandidate {
        object,
        operation: "",
        subresource,
        namespace_labels: None,
        user: None,
    };
    let rules = autogen::rules(policy, &text(object, "/kind"));
    rules.iter().any(|rule| {
        rule.get("validate").is_some()
            && rule.get("match").is_some_and(|block| {
                let is_list = |name: &str| block.get(name)?.as_array();
                let listed = is_list("any").into_iter().chain(is_list("all")).flatten();
                let mut all = std::iter::once(block).chain(listed);
                all.any(|filter| {
                    let kinds = filter.pointer("/resources/kinds").and_then(Value::as_array);
                    let mut kinds = kinds.into_iter().flatten().filter_map(Value::as_str);
                    kinds.any(|kind| select::is_kind(kind, &candidate))
                        // A filter may name no kinds.
                        || filter.get("resources").is_some_and(|r| r.get("kinds").is_none())
                        || filter.get("subjects").is_some()
                })
            })
    })
}

/// Returns the action on a violation of a rule.
pub fn enforcement(policy: &Value, rule: &str, namespace: &str) -> Enforcement {
    let spec = policy.get("spec").unwrap_or(&Value::Null);
    let rules = spec.get("rules").and_then(Value::as_array);
    let own = rules.into_iter().flatten().find(|one| {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        let made = ["autogen-cronjob-", "autogen-"].map(|prefix| format!("{prefix}{name}"));
        rule == name
            || made
                .iter()
                .any(|made| made.starts_with(rule) && rule.len() > 8)
    });
    let validate = own.and_then(|rule| rule.get("validate"));
    let validate = validate.unwrap_or(&Value::Null);
    let overrides = ["failureActionOverrides", "validationFailureActionOverrides"];
    let overridden = [validate, spec].into_iter().find_map(|from| {
        let list = overrides
            .iter()
            .find_map(|name| from.get(name)?.as_array())?;
        list.iter().find_map(|one| {
            let mut names = one.get("namespaces")?.as_array()?.iter();
            let is = |name: &Value| {
                name.as_str()
                    .is_some_and(|name| text::wildcard(name, namespace))
            };
            names.any(is).then(|| one.get("action")?.as_str()).flatten()
        })
    });
    let action = overridden
        .or_else(|| validate.get("failureAction")?.as_str())
        .or_else(|| spec.get("validationFailureAction")?.as_str());
    match action.is_some_and(|action| action.eq_ignore_ascii_case("enforce")) {
        true => Enforcement::Deny,
        false => Enforcement::Audit,
    }
}

/// Evaluates the rules of a policy. `input` is the same as for other policies.
pub fn answers(policy: &Value, input: &Value) -> Vec<RuleResult> {
    let object = input.get("object").unwrap_or(&Value::Null);
    let old = input.get("oldObject").unwrap_or(&Value::Null);
    // For a deletion, the policy sees the object as it was.
    let subject = if object.is_null() { old } else { object };
    let kind = subject
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let candidate = KyvernoCandidate::of(input);
    let rules = autogen::rules(policy, kind).into_iter();
    rules
        .filter(|rule| rule.get("validate").is_some())
        .map(|rule| {
            let name = rule.get("name").and_then(Value::as_str).unwrap_or_default();
            let answer = |says: RuleOutcome, message: String, field: Vec<String>| RuleResult {
                rule: name.to_owned(),
                says,
                message,
                field,
            };
            match select::select(&rule, &candidate) {
                RuleMatch::No => answer(RuleOutcome::NotMatched, String::new(), Vec::new()),
                RuleMatch::Unknown(why) => answer(RuleOutcome::Cannot, why, Vec::new()),
                RuleMatch::Yes => {
                    let (says, message, field) = KyvernoRule {
                        rule: &rule,
                        input,
                        object: subject,
                        is_deletion: object.is_null(),
                    }
                    .says();
                    answer(says, message, field)
                }
            }
        })
        .collect()
}

/// The result of a rule, or of a loop for one item.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KyvernoOutcome {
    Pass,
    /// The rule does not apply.
    Skip,
    /// The violation, with the path of the field.
    Fail(String),
}

struct KyvernoRule<'r> {
    rule: &'r Value,
    input: &'r Value,
    object: &'r Value,
    is_deletion: bool,
}

impl KyvernoRule<'_> {
    fn says(&self) -> (RuleOutcome, String, Vec<String>) {
        let validate = self.rule.get("validate").unwrap_or(&Value::Null);
        if let Some(cel) = validate.get("cel") {
            return self.cel(cel, validate);
        }
        let context = self.context();
        let outcome = self.outcome(&context);
        let cannot = |why: String| (RuleOutcome::Cannot, why, Vec::new());
        match outcome {
            Ok(KyvernoOutcome::Pass) => (RuleOutcome::Pass, String::new(), Vec::new()),
            Ok(KyvernoOutcome::Skip) => (RuleOutcome::NotMatched, String::new(), Vec::new()),
            Ok(KyvernoOutcome::Fail(path)) => {
                let message = validate.get("message").unwrap_or(&Value::Null);
                let message = context.resolve(message).unwrap_or_else(|_| message.clone());
                let message = message
                    .as_str()
                    .map(str::trim)
                    .filter(|text| !text.is_empty());
                let name = self.rule.get("name").and_then(Value::as_str);
                let message = match message {
                    Some(message) => message.to_owned(),
                    None => format!("rule {} failed", name.unwrap_or_default()),
                };
                (RuleOutcome::Violates, message, field_of(&path))
            }
            Err(failure) => cannot(failure.why()),
        }
    }

    fn context(&self) -> Context {
        let mut context = Context::of(variables::request(self.input));
        context.load(self.rule.get("context").unwrap_or(&Value::Null));
        context
    }

    fn outcome(&self, context: &Context) -> Result<KyvernoOutcome, JmesFailure> {
        let conditions = self.rule.get("preconditions").unwrap_or(&Value::Null);
        if !conditions::conditions_hold(conditions, context)? {
            return Ok(KyvernoOutcome::Skip);
        }
        let validate = self.rule.get("validate").unwrap_or(&Value::Null);
        self.part(validate, self.object, context, MOST_DEEP)
    }

    /// Evaluates a rule's `validate`, or a loop in it, on an object or an item.
    fn part(
        &self,
        part: &Value,
        object: &Value,
        context: &Context,
        depth: usize,
    ) -> Result<KyvernoOutcome, JmesFailure> {
        let given = |name: &str| part.get(name).filter(|value| !value.is_null());
        if let Some(deny) = given("deny") {
            let conditions = deny.get("conditions").unwrap_or(&Value::Null);
            return Ok(match conditions::conditions_hold(conditions, context)? {
                true => KyvernoOutcome::Fail(String::new()),
                false => KyvernoOutcome::Pass,
            });
        }
        if self.is_deletion && given("pattern").or_else(|| given("anyPattern")).is_some() {
            return Ok(KyvernoOutcome::Skip);
        }
        if let Some(pattern) = given("pattern") {
            return outcome(pattern::check(object, &context.resolve(pattern)?));
        }
        if let Some(patterns) = given("anyPattern") {
            return any_pattern(object, &context.resolve(patterns)?);
        }
        match given("foreach") {
            Some(Value::Array(loops)) => self.loops(loops, context, depth),
            _ => {
                let kinds = ["podSecurity", "manifests", "assert"];
                let kind = kinds.into_iter().find(|kind| given(kind).is_some());
                Err(JmesFailure::Cannot(match kind {
                    Some(kind) => format!("validate.{kind} is not supported"),
                    None => "the rule has no supported check".to_owned(),
                }))
            }
        }
    }

    fn loops(
        &self,
        loops: &[Value],
        context: &Context,
        depth: usize,
    ) -> Result<KyvernoOutcome, JmesFailure> {
        let depth = depth.checked_sub(1);
        let depth =
            depth.ok_or_else(|| JmesFailure::Cannot("its loops are nested too deeply".into()))?;
        let nesting = MOST_DEEP - depth - 1;
        let mut applied = 0;
        for one in loops {
            let list = one.get("list").and_then(Value::as_str).unwrap_or_default();
            let items = match context.query(list) {
                Ok(Value::Array(items)) => items,
                Ok(item) => vec![item],
                Err(JmesFailure::NotFound(_)) => continue,
                Err(failure) => return Err(failure),
            };
            if items.len() > MOST_ITEMS {
                return Err(JmesFailure::Cannot(format!(
                    "a list has more than {MOST_ITEMS} items"
                )));
            }
            for (at, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                let mut context = context.clone();
                context.set("element", item.clone());
                context.set(&format!("element{nesting}"), item.clone());
                context.set("elementIndex", json!(at));
                context.set(&format!("elementIndex{nesting}"), json!(at));
                context.load(one.get("context").unwrap_or(&Value::Null));
                let conditions = one.get("preconditions").unwrap_or(&Value::Null);
                match conditions::conditions_hold(conditions, &context) {
                    Ok(true) => {}
                    // An error in the conditions of an item skips the item.
                    Ok(false) | Err(JmesFailure::NotFound(_) | JmesFailure::Error(_)) => continue,
                    Err(failure) => return Err(failure),
                }
                let scoped = one.get("elementScope").and_then(Value::as_bool);
                let subject = match scoped.unwrap_or(item.is_object()) {
                    true => item,
                    false => self.object,
                };
                match self.part(one, subject, &context, depth)? {
                    KyvernoOutcome::Pass => applied += 1,
                    KyvernoOutcome::Skip => {}
                    KyvernoOutcome::Fail(path) => {
                        let place = list.strip_prefix("request.object.");
                        let place = place.filter(|list| list.split('.').all(is_plain));
                        let path = match place {
                            Some(list) => format!("/{}/{at}{path}", list.replace('.', "/")),
                            None => String::new(),
                        };
                        return Ok(KyvernoOutcome::Fail(path));
                    }
                }
            }
        }
        Ok(if applied == 0 {
            KyvernoOutcome::Skip
        } else {
            KyvernoOutcome::Pass
        })
    }

    fn cel(&self, cel: &Value, validate: &Value) -> (RuleOutcome, String, Vec<String>) {
        let cannot = |why: String| (RuleOutcome::Cannot, why, Vec::new());
        if cel.get("paramKind").is_some() {
            return cannot("parameters of rules in CEL are not supported".to_owned());
        }
        if let Some(conditions) = self.rule.get("preconditions") {
            match conditions::conditions_hold(conditions, &self.context()) {
                Ok(true) => {}
                Ok(false) => return (RuleOutcome::NotMatched, String::new(), Vec::new()),
                Err(failure) => return cannot(failure.why()),
            }
        }
        let mut validations = cel.get("expressions").cloned().unwrap_or_default();
        for validation in validations.as_array_mut().into_iter().flatten() {
            if validation.get("message").is_none()
                && let Some(message) = validate.get("message")
            {
                validation["message"] = message.clone();
            }
        }
        let conditions = self.rule.get("celPreconditions").cloned();
        let policy = json!({"spec": {
            "variables": cel.get("variables").cloned().unwrap_or_default(),
            "matchConditions": conditions.unwrap_or_default(),
            "validations": validations,
        }});
        let answers = super::run::answers(&policy, self.input);
        // The first expression that is false decides.
        let found = answers
            .iter()
            .find(|one| one.says == RuleOutcome::Violates)
            .or_else(|| answers.iter().find(|one| one.says == RuleOutcome::Cannot))
            .or_else(|| {
                answers
                    .iter()
                    .find(|one| one.says == RuleOutcome::NotMatched)
            });
        match found {
            Some(one) => (one.says, one.message.clone(), one.field.clone()),
            None => (RuleOutcome::Pass, String::new(), Vec::new()),
        }
    }
}

fn is_plain(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn outcome(checked: Result<(), PatternMismatch>) -> Result<KyvernoOutcome, JmesFailure> {
    match checked {
        Ok(()) => Ok(KyvernoOutcome::Pass),
        Err(PatternMismatch::Skip(_)) => Ok(KyvernoOutcome::Skip),
        Err(PatternMismatch::Fail(path) | PatternMismatch::Error(path)) => {
            Ok(KyvernoOutcome::Fail(path))
        }
        Err(PatternMismatch::Cannot(why)) => Err(JmesFailure::Cannot(why)),
    }
}

fn any_pattern(object: &Value, patterns: &Value) -> Result<KyvernoOutcome, JmesFailure> {
    let mut failed: Option<String> = None;
    let mut skipped = false;
    let mut unknown: Option<JmesFailure> = None;
    for pattern in patterns.as_array().into_iter().flatten() {
        match outcome(pattern::check(object, pattern)) {
            Ok(KyvernoOutcome::Pass) => return Ok(KyvernoOutcome::Pass),
            Ok(KyvernoOutcome::Skip) => skipped = true,
            Ok(KyvernoOutcome::Fail(path)) => {
                failed.get_or_insert(path);
            }
            Err(failure) => unknown = Some(failure),
        }
    }
    match (unknown, failed) {
        (Some(failure), _) => Err(failure),
        (None, Some(path)) => Ok(KyvernoOutcome::Fail(path)),
        (None, None) if skipped => Ok(KyvernoOutcome::Skip),
        (None, None) => Ok(KyvernoOutcome::Pass),
    }
}

/// Returns the fields of a path, up to the first list item.
fn field_of(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let fields = parts.take_while(|part| !part.bytes().all(|b| b.is_ascii_digit()));
    fields.map(str::to_owned).collect()
}
