//! Kyverno's PolicyExceptions: which objects they exempt from which rules.

use serde_json::Value;

use super::select::{KyvernoCandidate, RuleMatch, block};
use super::text::wildcard;
use crate::admission::Exemption;
use crate::model::{group_of, items_at, text_or_empty};

/// Returns whether this is a PolicyException.
pub fn is_exception(object: &Value) -> bool {
    text_or_empty(object, "/kind") == "PolicyException"
        && matches!(
            group_of(text_or_empty(object, "/apiVersion")),
            "kyverno.io" | "policies.kyverno.io"
        )
}

/// Returns whether an exception names a policy in CEL.
pub fn is_about(exception: &Value, policy: &str) -> bool {
    group_of(text_or_empty(exception, "/apiVersion")) == "policies.kyverno.io"
        && items_at(exception, "/spec/policyRefs").iter().any(|one| {
            text_or_empty(one, "/name") == policy
                && matches!(text_or_empty(one, "/kind"), "" | "ValidatingPolicy")
        })
}

/// Returns whether an exception in CEL exempts only parts of an object, such as one of its images.
pub fn is_partial(exception: &Value) -> bool {
    ["images", "allowedValues", "podSecurity"]
        .iter()
        .any(|field| exception.pointer(&format!("/spec/{field}")).is_some())
}

/// Returns whether one of the exceptions exempts an object from a rule. `input` is as for policies.
pub fn exempted(exceptions: &[Value], policy: &Value, rule: &str, input: &Value) -> Exemption {
    let name = match text_or_empty(policy, "/kind") {
        "Policy" => format!(
            "{}/{}",
            text_or_empty(policy, "/metadata/namespace"),
            text_or_empty(policy, "/metadata/name")
        ),
        _ => text_or_empty(policy, "/metadata/name").to_owned(),
    };
    let candidate = KyvernoCandidate::of(input);
    let mut found = Exemption::None;
    for exception in exceptions {
        if group_of(text_or_empty(exception, "/apiVersion")) != "kyverno.io" {
            continue;
        }
        let is_meant = items_at(exception, "/spec/exceptions").iter().any(|one| {
            let mut rules = items_at(one, "/ruleNames").iter().filter_map(Value::as_str);
            text_or_empty(one, "/policyName") == name
                && (rule.is_empty() || rules.any(|wanted| wildcard(wanted, rule)))
        });
        if !is_meant {
            continue;
        }
        let matches = exception.pointer("/spec/match").unwrap_or(&Value::Null);
        let is_conditional = ["conditions", "podSecurity"].iter().any(|field| {
            let given = exception.pointer(&format!("/spec/{field}"));
            given.is_some_and(|given| !given.is_null())
        });
        match block(matches, &candidate, false) {
            RuleMatch::No => {}
            RuleMatch::Yes if !is_conditional && !rule.is_empty() => return Exemption::Given,
            RuleMatch::Yes | RuleMatch::Unknown(_) => {
                let exception = text_or_empty(exception, "/metadata/name");
                let why = format!("PolicyException {exception} may exempt the object");
                found = Exemption::Unknown(why);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_exception_exempts_what_it_matches_from_the_rules_that_it_names() {
        let policy = json!({"kind": "ClusterPolicy", "metadata": {"name": "no-host"}});
        let exception = |rules: Value, more: Value| {
            let mut exception = json!({"apiVersion": "kyverno.io/v2", "kind": "PolicyException",
                "metadata": {"name": "agents"}, "spec": {
                "exceptions": [{"policyName": "no-host", "ruleNames": rules}],
                "match": {"any": [{"resources": {"kinds": ["DaemonSet"], "names": ["agent*"]}}]}}});
            for (name, value) in more.as_object().unwrap() {
                exception["spec"][name] = value.clone();
            }
            exception
        };
        let input = |name: &str| {
            json!({"object": {"apiVersion": "apps/v1", "kind": "DaemonSet",
                "metadata": {"name": name, "namespace": "shop"}}})
        };
        let unknown = || Exemption::Unknown("PolicyException agents may exempt the object".into());
        for (rules, more, name, rule, expected) in [
            (
                json!(["host"]),
                json!({}),
                "agent-1",
                "host",
                Exemption::Given,
            ),
            (json!(["*"]), json!({}), "agent-1", "host", Exemption::Given),
            (json!(["host"]), json!({}), "other", "host", Exemption::None),
            (
                json!(["port"]),
                json!({}),
                "agent-1",
                "host",
                Exemption::None,
            ),
            (
                json!(["host"]),
                json!({"conditions": {"any": []}}),
                "agent-1",
                "host",
                unknown(),
            ),
            (
                json!(["host"]),
                json!({"podSecurity": [{}]}),
                "agent-1",
                "host",
                unknown(),
            ),
        ] {
            let given = [exception(rules, more)];
            assert!(is_exception(&given[0]));
            assert_eq!(exempted(&given, &policy, rule, &input(name)), expected);
        }
    }
}
