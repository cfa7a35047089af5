//! Evaluates ValidatingAdmissionPolicies and Kyverno's policies on an object, without a server.
//!
//! A policy sees what the server would store, so manifests are defaulted first ([`stored()`]). A
//! policy that cannot be evaluated is [`Enforcement::Cannot`], and never passes.

mod applies;
mod cel;
pub mod check;
pub mod guard;
mod kyverno;
mod library;
mod matching;
mod run;
mod stored;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use applies::{PolicyMatch, applies, cel_conditions, kyverno_conditions};
pub use matching::{Constraints, PolicyCandidate};
pub use run::{analysis, run};
pub use stored::{keep_immutable, stored};

use crate::model::{Enforcement, ResourceKey, Violation, text_or_empty};

const GROUP: &str = "admissionregistration.k8s.io/";

/// An object to evaluate policies on.
#[derive(Clone, Copy)]
pub struct PolicyInput<'a> {
    /// The object's key.
    pub key: &'a ResourceKey,
    /// The API version.
    pub api_version: &'a str,
    /// The resource; `None` if the kind is unknown.
    pub plural: Option<&'a str>,
    /// The object as the server would store it; `null` for a delete.
    pub object: &'a Value,
    /// The object before an update or a delete.
    pub old: Option<&'a Value>,
    /// The subresource that is written to, such as `scale`; empty for the object itself.
    pub subresource: &'a str,
    /// The user who writes; `None` if unknown.
    pub user: Option<&'a RequestUser>,
}

/// A user who writes to a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestUser {
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl RequestUser {
    /// Returns a user of this name who is only in the group of all authenticated users.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            groups: vec!["system:authenticated".to_owned()],
        }
    }

    /// Returns a user in these groups, and in those that the API server adds by itself.
    pub fn acting(name: &str, groups: &[String]) -> Self {
        let mut all = groups.to_vec();
        let account = name.strip_prefix("system:serviceaccount:");
        if let Some((namespace, _)) = account.and_then(|account| account.split_once(':')) {
            all.push("system:serviceaccounts".to_owned());
            all.push(format!("system:serviceaccounts:{namespace}"));
        }
        all.push(match name {
            "system:anonymous" => "system:unauthenticated".to_owned(),
            _ => "system:authenticated".to_owned(),
        });
        Self {
            name: name.to_owned(),
            groups: all,
        }
    }
}

/// The results of all policies for one object.
#[derive(Debug, Default)]
pub struct PolicyResults {
    /// The number of rules that were evaluated and hold.
    pub passed: usize,
    /// Violations, and rules that could not be evaluated.
    pub violations: Vec<Violation>,
    /// For each of them, the field that its expression names, as path elements.
    pub fields: Vec<Vec<String>>,
}

/// The result of one rule of a policy, as [`run()`] returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleResult {
    /// The rule; empty for the policy as a whole.
    pub rule: String,
    /// The result.
    pub says: RuleOutcome,
    /// The message, or why it cannot be evaluated.
    pub message: String,
    /// The field that the expression names.
    pub field: Vec<String>,
}

impl RuleResult {
    /// Returns why a policy as a whole cannot be evaluated.
    fn cannot(why: String) -> Self {
        Self {
            rule: String::new(),
            says: RuleOutcome::Cannot,
            message: why,
            field: Vec::new(),
        }
    }
}

/// The possible results of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleOutcome {
    /// It holds.
    Pass,
    /// The object violates it.
    Violates,
    /// A match condition excludes the object.
    NotMatched,
    /// It could not be evaluated.
    Cannot,
}

/// Policies with the bindings that apply them.
#[derive(Debug, Default)]
pub struct Policies {
    policies: BTreeMap<String, Value>,
    bindings: Vec<Value>,
    /// Kyverno's policies with rules, which need no binding.
    kyverno: Vec<Value>,
    /// Kyverno's policies in CEL, as Kubernetes' own policies and bindings without a name.
    validating: Vec<(Value, Value)>,
    /// Kyverno's exceptions from its policies.
    exceptions: Vec<Value>,
    /// All other objects that were read, for parameters.
    others: Vec<Value>,
    namespaces: BTreeMap<String, Value>,
}

/// Evaluates the expressions of one policy, as [`run()`] does, within limits.
pub type Evaluate<'e> = dyn Fn(&str, &Value) -> Result<Vec<RuleResult>, String> + 'e;

impl Policies {
    /// Sorts objects into policies, bindings, namespaces and possible parameters.
    pub fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut read = Self::default();
        for object in objects {
            let api_version = text_or_empty(&object, "/apiVersion").to_owned();
            let name = text_or_empty(&object, "/metadata/name").to_owned();
            if kyverno::is_policy(&object) {
                read.kyverno.push(object);
                continue;
            }
            if kyverno::is_exception(&object) {
                read.exceptions.push(object);
                continue;
            }
            if kyverno::is_validating(&object) {
                // It may be served in several versions.
                let is_same =
                    |(one, _): &(Value, Value)| text_or_empty(one, "/metadata/name") == name;
                if read.validating.iter().any(is_same) {
                    continue;
                }
                read.validating.extend(kyverno::as_builtin(&object));
                continue;
            }
            match (
                text_or_empty(&object, "/kind"),
                api_version.starts_with(GROUP),
            ) {
                ("ValidatingAdmissionPolicy", true) => {
                    read.policies.insert(name, object);
                }
                ("ValidatingAdmissionPolicyBinding", true) => read.bindings.push(object),
                ("Namespace", _) if api_version == "v1" => {
                    read.namespaces.insert(name, object);
                }
                _ => read.others.push(object),
            }
        }
        read
    }

    /// Returns how many policies there are.
    pub fn len(&self) -> usize {
        let of_kyverno = self.of_kyverno().count();
        self.policies.len() + of_kyverno
    }

    /// Returns whether there are no policies.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.kyverno.is_empty() && self.validating.is_empty()
    }

    /// Returns the policies.
    pub fn policies(&self) -> impl Iterator<Item = &Value> {
        self.policies.values().chain(self.of_kyverno())
    }

    /// Returns Kyverno's policies, each once.
    fn of_kyverno(&self) -> impl Iterator<Item = &Value> {
        let mut names = BTreeSet::new();
        let validating = self.validating.iter().map(|(policy, _)| policy);
        let once =
            validating.filter(move |policy| names.insert(text_or_empty(policy, "/metadata/name")));
        self.kyverno.iter().chain(once)
    }

    /// Returns one of the policies with its bindings, and everything that it may refer to.
    pub fn only(&self, name: &str) -> Self {
        let policy = self.policies.get(name);
        Self {
            policies: policy
                .map(|one| (name.to_owned(), one.clone()))
                .into_iter()
                .collect(),
            bindings: policy.map(|one| self.bindings_of(one)).unwrap_or_default(),
            kyverno: self
                .kyverno
                .iter()
                .filter(|one| text_or_empty(one, "/metadata/name") == name)
                .cloned()
                .collect(),
            validating: self
                .validating
                .iter()
                .filter(|(one, _)| text_or_empty(one, "/metadata/name") == name)
                .cloned()
                .collect(),
            exceptions: self.exceptions.clone(),
            others: self.others.clone(),
            namespaces: self.namespaces.clone(),
        }
    }

    /// Returns the bindings of a policy.
    pub fn bindings_of(&self, policy: &Value) -> Vec<Value> {
        let name = text_or_empty(policy, "/metadata/name");
        let named = self.bindings.iter().filter(|one| policy_of(one) == name);
        named.cloned().collect()
    }

    /// Returns why policies have no effect: bindings without a policy, and policies without a
    /// binding.
    pub fn problems(&self) -> Vec<String> {
        let bound: BTreeSet<&str> = self.bindings.iter().map(policy_of).collect();
        let idle = self
            .policies
            .keys()
            .filter(|name| !bound.contains(name.as_str()));
        let idle = idle.map(|name| {
            format!("ValidatingAdmissionPolicy {name} has no binding, so it blocks nothing")
        });
        let lost = self.bindings.iter();
        let lost = lost.filter(|binding| !self.policies.contains_key(policy_of(binding)));
        let lost = lost.map(|binding| {
            format!(
                "ValidatingAdmissionPolicyBinding {} names policy {}, which is not among the \
                 policies",
                text_or_empty(binding, "/metadata/name"),
                policy_of(binding)
            )
        });
        idle.chain(lost).collect()
    }

    /// Evaluates all policies for an object.
    pub fn verdicts(&self, subject: PolicyInput<'_>, evaluate: &Evaluate<'_>) -> PolicyResults {
        let mut verdicts = PolicyResults::default();
        for binding in &self.bindings {
            if let Some(policy) = self.policies.get(policy_of(binding)) {
                self.ask(policy, binding, subject, evaluate, &mut verdicts);
            }
        }
        let mut of_kyverno = PolicyResults::default();
        for (policy, binding) in &self.validating {
            let mut found = PolicyResults::default();
            self.ask(policy, binding, subject, evaluate, &mut found);
            match found.violations.is_empty() {
                true => {}
                false => match self.exempted(policy, subject, evaluate) {
                    Exemption::None => {}
                    Exemption::Given => continue,
                    Exemption::Unknown(why) => found.doubt(&why),
                },
            }
            of_kyverno.append(found);
        }
        for policy in &self.kyverno {
            self.ask_kyverno(policy, subject, evaluate, &mut of_kyverno);
        }
        let namespace = subject.key.namespace.as_deref().unwrap_or_default();
        if kyverno::EXCLUDED.contains(&namespace) {
            of_kyverno.doubt(&format!(
                "Kyverno excludes the namespace {namespace} unless it is configured otherwise"
            ));
        }
        verdicts.append(of_kyverno);
        verdicts
    }

    /// Returns what Kyverno's expressions can use: the object, the request and the namespace.
    fn input(&self, subject: PolicyInput<'_>) -> Value {
        let namespace = subject.key.namespace.as_deref();
        json!({
            "object": subject.object,
            "oldObject": subject.old,
            "namespaceObject": namespace.and_then(|name| self.namespaces.get(name)),
            "request": subject.request(),
            "hasNamespace": namespace.is_none_or(|name| self.namespaces.contains_key(name)),
        })
    }

    /// Returns whether an exception exempts an object from one of Kyverno's policies in CEL.
    fn exempted(
        &self,
        policy: &Value,
        subject: PolicyInput<'_>,
        evaluate: &Evaluate<'_>,
    ) -> Exemption {
        let input = self.input(subject);
        let name = text_or_empty(policy, "/metadata/name");
        let mut found = Exemption::None;
        let named = self.exceptions.iter();
        for exception in named.filter(|one| kyverno::is_about(one, name)) {
            let conditions = exception.pointer("/spec/matchConditions");
            let asked = json!({"spec": {
                "matchConditions": conditions,
                "validations": [{"expression": "true"}],
            }});
            let says = match kyverno::is_partial(exception) {
                true => Err("it exempts only a part".to_owned()),
                false => evaluate(&asked.to_string(), &input),
            };
            let says = says.map(|answers| answers.first().map(|answer| answer.says));
            match says {
                Ok(Some(RuleOutcome::Pass)) => return Exemption::Given,
                Ok(Some(RuleOutcome::NotMatched)) => {}
                _ => {
                    let exception = text_or_empty(exception, "/metadata/name");
                    found = Exemption::Unknown(format!(
                        "PolicyException {exception} may exempt the object"
                    ));
                }
            }
        }
        found
    }

    fn ask_kyverno(
        &self,
        policy: &Value,
        subject: PolicyInput<'_>,
        evaluate: &Evaluate<'_>,
        verdicts: &mut PolicyResults,
    ) {
        let object = match (subject.object, subject.old) {
            (Value::Null, Some(old)) => old,
            (object, _) => object,
        };
        if !kyverno::may_match(policy, object, subject.subresource) {
            return;
        }
        let namespace = subject.key.namespace.as_deref();
        let input = self.input(subject);
        let answers = evaluate(&policy.to_string(), &input);
        let answers = answers.unwrap_or_else(|why| vec![RuleResult::cannot(why)]);
        let name = format!(
            "Kyverno policy \"{}\"",
            text_or_empty(policy, "/metadata/name")
        );
        for mut answer in answers {
            if matches!(answer.says, RuleOutcome::Violates | RuleOutcome::Cannot) {
                match kyverno::exempted(&self.exceptions, policy, &answer.rule, &input) {
                    Exemption::None => {}
                    Exemption::Given => continue,
                    Exemption::Unknown(why) => {
                        answer.says = RuleOutcome::Cannot;
                        answer.message = why;
                    }
                }
            }
            let enforcement =
                kyverno::enforcement(policy, &answer.rule, namespace.unwrap_or_default());
            verdicts.record(name.clone(), None, enforcement, answer);
        }
    }

    fn ask(
        &self,
        policy: &Value,
        binding: &Value,
        subject: PolicyInput<'_>,
        evaluate: &Evaluate<'_>,
        verdicts: &mut PolicyResults,
    ) {
        let mut cannot = |why| verdicts.add(policy, binding, RuleResult::cannot(why));
        let namespace = subject.key.namespace.as_deref();
        let namespace_object = namespace.and_then(|name| self.namespaces.get(name));
        let no_labels = json!({});
        let labels =
            namespace_object.map(|object| object.pointer("/metadata/labels").unwrap_or(&no_labels));
        // A deletion writes nothing.
        let written = match (subject.object, subject.old) {
            (Value::Null, Some(old)) => old,
            (object, _) => object,
        };
        let candidate = PolicyCandidate {
            key: subject.key,
            api_version: subject.api_version,
            plural: subject.plural.unwrap_or_default(),
            subresource: subject.subresource,
            labels: written.pointer("/metadata/labels"),
            old: subject.old,
            namespace_labels: labels,
            operation: Some(subject.operation()),
        };
        let constraints = Constraints::of_policy(policy.pointer("/spec/matchConstraints"));
        let narrowed = binding.pointer("/spec/matchResources");
        let narrowed = Constraints::of_binding(narrowed);
        let both = [&constraints, &narrowed];
        if both.iter().any(|one| one.is_broken()) {
            return cannot("a selector cannot be parsed".to_owned());
        }
        if subject.plural.is_none() {
            if names_group(policy, &subject.key.group) {
                cannot(format!("the kind {} is unknown", subject.key.kind));
            }
            return;
        }
        // If one selector certainly does not match, the other does not matter.
        let leaves_out =
            |one: &&Constraints| !one.match_object(&candidate) && one.doubt(&candidate).is_none();
        if both.iter().any(leaves_out) {
            return;
        }
        if let Some(why) = both.iter().find_map(|one| one.doubt(&candidate)) {
            return cannot(why);
        }
        let params = match self.params(policy, binding, namespace) {
            Ok(params) => params,
            Err(why) => return cannot(why),
        };
        let text = policy.to_string();
        for param in params {
            let input = json!({
                "object": subject.object,
                "oldObject": subject.old,
                "params": param,
                "namespaceObject": namespace_object,
                "request": subject.request(),
                "hasNamespace": namespace_object.is_some() || namespace.is_none(),
            });
            match evaluate(&text, &input) {
                Ok(answers) => {
                    for answer in answers {
                        verdicts.add(policy, binding, answer);
                    }
                }
                Err(why) => verdicts.add(policy, binding, RuleResult::cannot(why)),
            }
        }
    }

    /// Returns the parameters that a binding names; a single `null` if the policy takes none.
    fn params(
        &self,
        policy: &Value,
        binding: &Value,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>, String> {
        let Some(kind) = policy.pointer("/spec/paramKind") else {
            return Ok(vec![Value::Null]);
        };
        let Some(reference) = binding.pointer("/spec/paramRef") else {
            return Ok(vec![Value::Null]);
        };
        let name = text_or_empty(reference, "/name");
        let selector = match reference.get("selector") {
            Some(selector) => Some(
                crate::policy::LabelSelector::from_object(selector)
                    .ok_or("the selector of its parameters cannot be parsed")?,
            ),
            None => None,
        };
        let within = match text_or_empty(reference, "/namespace") {
            "" => namespace,
            named => Some(named),
        };
        let is_meant = |object: &&Value| {
            let own = object
                .pointer("/metadata/namespace")
                .and_then(Value::as_str);
            object.get("apiVersion") == kind.get("apiVersion")
                && object.get("kind") == kind.get("kind")
                && (name.is_empty() || text_or_empty(object, "/metadata/name") == name)
                && (own.is_none() || own == within)
                && (selector.as_ref())
                    .is_none_or(|selector| selector.matches(object.pointer("/metadata/labels")))
        };
        let found: Vec<Value> = self.others.iter().filter(is_meant).cloned().collect();
        match found.is_empty() {
            true => Err(format!(
                "its parameter {} {name} is not among the files",
                text_or_empty(kind, "/kind")
            )),
            false => Ok(found),
        }
    }
}

impl PolicyInput<'_> {
    fn operation(&self) -> &'static str {
        match self.old {
            Some(_) if self.object.is_null() => "DELETE",
            Some(_) => "UPDATE",
            None => "CREATE",
        }
    }

    fn request(&self) -> Value {
        let (group, version) = match self.api_version.rsplit_once('/') {
            Some((group, version)) => (group, version),
            None => ("", self.api_version),
        };
        let kind = match self.subresource {
            "scale" => json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
            _ => json!({"group": group, "version": version, "kind": self.key.kind}),
        };
        let resource = json!({"group": group, "version": version, "resource": self.plural});
        let mut request = json!({
            "kind": kind,
            "requestKind": kind,
            "resource": resource,
            "requestResource": resource,
            "subResource": self.subresource,
            "requestSubResource": self.subresource,
            "name": self.key.name,
            "namespace": self.key.namespace.as_deref().unwrap_or_default(),
            "operation": self.operation(),
            "dryRun": false,
        });
        if let Some(user) = self.user {
            request["userInfo"] = json!({"username": user.name, "groups": user.groups});
        }
        request
    }
}

/// Whether an exception exempts an object from a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exemption {
    /// None does.
    None,
    /// One does.
    Given,
    /// That is not known, and why.
    Unknown(String),
}

impl PolicyResults {
    /// Adds the results of others.
    fn append(&mut self, mut others: Self) {
        self.passed += others.passed;
        self.violations.append(&mut others.violations);
        self.fields.append(&mut others.fields);
    }

    /// Turns every violation into a result that is unknown.
    fn doubt(&mut self, why: &str) {
        for violation in &mut self.violations {
            violation.enforcement = Enforcement::Cannot;
            violation.message = Some(why.to_owned());
        }
    }

    fn add(&mut self, policy: &Value, binding: &Value, answer: RuleResult) {
        let name = text_or_empty(policy, "/metadata/name");
        let (kind, binding_name) = match text_or_empty(binding, "/metadata/name") {
            "" => ("Kyverno policy", None),
            binding => ("ValidatingAdmissionPolicy", Some(binding.to_owned())),
        };
        let policy = format!("{kind} \"{name}\"");
        self.record(policy, binding_name, enforcement(binding), answer);
    }

    fn record(
        &mut self,
        policy: String,
        binding: Option<String>,
        action: Enforcement,
        answer: RuleResult,
    ) {
        let enforcement = match answer.says {
            RuleOutcome::Pass => {
                self.passed += 1;
                return;
            }
            RuleOutcome::NotMatched => return,
            RuleOutcome::Cannot => Enforcement::Cannot,
            RuleOutcome::Violates => action,
        };
        self.violations.push(Violation {
            binding,
            rule: Some(answer.rule).filter(|rule| !rule.is_empty()),
            message: Some(answer.message),
            ..Violation::of(enforcement, policy)
        });
        self.fields.push(answer.field);
    }
}

/// Returns the strictest action of a binding.
fn enforcement(binding: &Value) -> Enforcement {
    let actions = binding.pointer("/spec/validationActions");
    let actions = actions.and_then(Value::as_array);
    let has = |word: &str| actions.is_some_and(|all| all.iter().any(|one| one == word));
    if has("Deny") {
        Enforcement::Deny
    } else if has("Warn") {
        Enforcement::Warn
    } else {
        Enforcement::Audit
    }
}

/// Returns whether a policy may match the kinds of a group.
fn names_group(policy: &Value, group: &str) -> bool {
    let rules = policy.pointer("/spec/matchConstraints/resourceRules");
    let rules = rules.and_then(Value::as_array).into_iter().flatten();
    let mut groups = rules.filter_map(|rule| rule.get("apiGroups")?.as_array());
    groups.any(|groups| groups.iter().any(|one| one == "*" || one == group))
}

fn policy_of(binding: &Value) -> &str {
    text_or_empty(binding, "/spec/policyName")
}
