//! Evaluates a guard in all the cases that it has to cover.

use serde_json::{Value, json};

use super::{AUTOSCALER, Guard, GuardedObjects};
use crate::admission::{Evaluate, Policies, PolicyInput, RequestUser};
use crate::model::{Enforcement, ResourceKey};

/// One case of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofCase {
    /// The result: `passes`, `refused`, or why it is unknown.
    pub outcome: String,
    /// The case in words.
    pub case: String,
    /// Whether the result is as expected.
    pub holds: bool,
}

/// The results of evaluating a guard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardProof {
    /// Every case.
    pub cases: Vec<ProofCase>,
}

impl GuardProof {
    /// Returns whether every result is as expected.
    pub fn holds(&self) -> bool {
        !self.cases.is_empty() && self.cases.iter().all(|case| case.holds)
    }
}

/// A user that no guard exempts.
const ANYBODY: &str = "driftctl:anybody";

/// Proves a guard. `before` is the object without the changes; `after` has, for each rule, the
/// object with the change that the rule is against.
pub fn prove(
    guard: &Guard,
    before: &Value,
    after: &[Value],
    evaluate: &Evaluate<'_>,
) -> GuardProof {
    let mut prover = Prover {
        guard,
        policies: Policies::of(guard.policy_and_binding()),
        evaluate,
        proof: GuardProof::default(),
    };
    let anybody = RequestUser::named(ANYBODY);
    let creates = guard.operations().contains(&"CREATE");
    prover.pass(
        "the declared object, written by anyone",
        before,
        Some(before),
        "",
        &anybody,
    );
    if creates {
        prover.pass(
            "the declared object, created by anyone",
            before,
            None,
            "",
            &anybody,
        );
    }
    for (at, after) in after.iter().enumerate() {
        let path = guard.rules.get(at).map(|rule| rule.path.to_string());
        let path = path.unwrap_or_default();
        let changed = format!("{path}, changed by anyone else");
        prover.refuse(at, &changed, after, Some(before), "", &anybody);
        if creates {
            let created = format!("{path} as it is live, created by anyone else");
            prover.refuse(at, &created, after, None, "", &anybody);
        }
        for user in &guard.users {
            let case = format!("the same change by {user}");
            prover.pass(&case, after, Some(before), "", &RequestUser::named(user));
        }
        for group in &guard.groups {
            let case = format!("the same change by a member of {group}");
            let mut member = anybody.clone();
            member.groups.push(group.clone());
            prover.pass(&case, after, Some(before), "", &member);
        }
        if guard.allows_declared {
            let case = "undoing the change, by anyone";
            prover.pass(case, before, Some(after), "", &anybody);
        }
        if guard.is_scaled() {
            prover.scale(at, before, after, &anybody);
        }
        prover.another(at, (before, after), &anybody);
    }
    let (edit, what) = unrelated_edit(guard, before);
    prover.pass(
        &format!("an unrelated edit ({what}) by anyone"),
        &edit,
        Some(before),
        "",
        &anybody,
    );
    prover.pass(
        "a status write by anyone",
        before,
        Some(before),
        "status",
        &anybody,
    );
    prover.proof
}

struct Prover<'p> {
    guard: &'p Guard,
    policies: Policies,
    evaluate: &'p Evaluate<'p>,
    proof: GuardProof,
}

/// The indexes of the rules that refuse, or why the result is unknown.
type RefusingRules = Result<Vec<usize>, String>;

impl Prover<'_> {
    fn ask(
        &self,
        object: &Value,
        old: Option<&Value>,
        subresource: &str,
        user: &RequestUser,
    ) -> RefusingRules {
        self.ask_of(&self.guard.key, object, old, subresource, user)
    }

    fn ask_of(
        &self,
        key: &ResourceKey,
        object: &Value,
        old: Option<&Value>,
        subresource: &str,
        user: &RequestUser,
    ) -> RefusingRules {
        let subject = PolicyInput {
            key,
            api_version: &self.guard.api_version,
            plural: Some(&self.guard.plural),
            object,
            old,
            subresource,
            user: Some(user),
        };
        let verdicts = self.policies.verdicts(subject, self.evaluate);
        let mut refused = Vec::new();
        for violation in &verdicts.violations {
            let message = violation.message.clone().unwrap_or_default();
            if violation.enforcement == Enforcement::Cannot {
                return Err(message);
            }
            let rule = violation.rule.as_deref().unwrap_or_default();
            let at = rule
                .trim_start_matches("validations[")
                .trim_end_matches(']');
            // A failing expression refuses everything, so it proves nothing.
            let is_rule = self.guard.rules.iter().any(|rule| rule.message == message);
            match at.parse() {
                Ok(at) if is_rule => refused.push(at),
                _ => return Err(format!("{rule}: {message}")),
            }
        }
        Ok(refused)
    }

    fn pass(
        &mut self,
        case: &str,
        object: &Value,
        old: Option<&Value>,
        subresource: &str,
        user: &RequestUser,
    ) {
        let said = self.ask(object, old, subresource, user);
        let holds = said.as_ref().is_ok_and(Vec::is_empty);
        self.add(case, said, holds);
    }

    fn refuse(
        &mut self,
        at: usize,
        case: &str,
        object: &Value,
        old: Option<&Value>,
        subresource: &str,
        user: &RequestUser,
    ) {
        let said = self.ask(object, old, subresource, user);
        let holds = said.as_ref().is_ok_and(|rules| rules.contains(&at));
        self.add(case, said, holds);
    }

    /// Tries the same change of another object of the kind.
    fn another(&mut self, at: usize, (before, after): (&Value, &Value), user: &RequestUser) {
        const NAME: &str = "driftctl-another";
        if self.guard.scope == GuardedObjects::Object {
            return;
        }
        let key = self.guard.key.named(NAME);
        let renamed = |object: &Value| {
            let mut object = object.clone();
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("name".to_owned(), json!(NAME));
            }
            object
        };
        let (before, after) = (renamed(before), renamed(after));
        let said = self.ask_of(&key, &after, Some(&before), "", user);
        let holds = said.as_ref().is_ok_and(|rules| rules.contains(&at));
        let kind = &self.guard.key.kind;
        self.add(&format!("the same change of another {kind}"), said, holds);
    }

    fn scale(&mut self, at: usize, before: &Value, after: &Value, anybody: &RequestUser) {
        let scale = |object: &Value| {
            let replicas = object.pointer("/spec/replicas").cloned();
            json!({
                "apiVersion": "autoscaling/v1", "kind": "Scale",
                "metadata": {"name": self.guard.key.name, "namespace": self.guard.key.namespace},
                "spec": {"replicas": replicas.unwrap_or_else(|| 1.into())},
            })
        };
        let (before, after) = (scale(before), scale(after));
        let case = "the same change through scale by anyone else";
        self.refuse(at, case, &after, Some(&before), "scale", anybody);
        let case = "the same change through scale by the autoscaler";
        let autoscaler = RequestUser::named(AUTOSCALER);
        self.pass(case, &after, Some(&before), "scale", &autoscaler);
    }

    fn add(&mut self, case: &str, said: RefusingRules, holds: bool) {
        let outcome = match said {
            Ok(refused) if refused.is_empty() => "passes".to_owned(),
            Ok(_) => "refused".to_owned(),
            Err(why) => format!("unknown ({why})"),
        };
        self.proof.cases.push(ProofCase {
            outcome,
            case: case.to_owned(),
            holds,
        });
    }
}

/// Returns the object with a label added, or with an annotation if labels are guarded.
fn unrelated_edit(guard: &Guard, before: &Value) -> (Value, &'static str) {
    let mut rules = guard.rules.iter();
    let is_about_labels = rules.any(|rule| rule.path.to_string().starts_with(".metadata.labels"));
    let (map, what) = match is_about_labels {
        true => ("annotations", "an annotation"),
        false => ("labels", "a label"),
    };
    let mut edit = before.clone();
    let metadata = edit.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata {
        let names = metadata.entry(map).or_insert_with(|| json!({}));
        if let Some(names) = names.as_object_mut() {
            names.insert("driftctl.example/unrelated".to_owned(), json!("yes"));
        }
    }
    (edit, what)
}
