//! Finds out which policy, webhook or quota refuses a write, from the API server's message.
//!
//! The server adds fixed text around the message of a policy or webhook. That message may quote
//! values: redact it before showing it.

/// A refusal of a write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denial {
    /// The policy, webhook or quota, with its kind: `admission webhook "x"`,
    /// `ValidatingAdmissionPolicy "y"`.
    pub by: String,
    /// The binding of a ValidatingAdmissionPolicy.
    pub binding: Option<String>,
    /// The policy or constraint behind a webhook.
    pub policy: Option<String>,
    /// The rule of the policy.
    pub rule: Option<String>,
    /// The message.
    pub message: Option<String>,
}

impl Denial {
    fn of(by: String, said: &str) -> Self {
        let said = said.trim_start_matches([':', ' ']).trim();
        Self {
            by,
            message: Some(said.to_owned()).filter(|said| !said.is_empty()),
            ..Self::default()
        }
    }
}

/// Returns all refusals in a message of the server; none if the message is about something else.
pub fn denials(message: &str) -> Vec<Denial> {
    let Some(denial) = denial(message) else {
        return Vec::new();
    };
    let Some(said) = &denial.message else {
        return vec![denial];
    };
    let apart = match kyverno(said) {
        apart if apart.is_empty() => gatekeeper(said),
        apart => apart,
    };
    if apart.is_empty() || !denial.by.starts_with("admission webhook") {
        return vec![denial];
    }
    let of = |(policy, rule, said): (String, Option<String>, String)| Denial {
        policy: Some(policy),
        rule,
        ..Denial::of(denial.by.clone(), &said)
    };
    apart.into_iter().map(of).collect()
}

/// Returns a single refusal, with its whole message.
pub fn denial(message: &str) -> Option<Denial> {
    if let Some((_, rest)) = message.split_once("admission webhook \"") {
        let (name, rest) = rest.split_once('"')?;
        let said = rest.trim_start().strip_prefix("denied the request")?;
        let said = said.strip_prefix(" without explanation").unwrap_or(said);
        return Some(Denial::of(format!("admission webhook \"{name}\""), said));
    }
    if let Some((_, rest)) = message.split_once("ValidatingAdmissionPolicy '") {
        let (policy, rest) = rest.split_once('\'')?;
        let (between, said) = rest.split_once("denied request")?;
        let binding = between.split('\'').nth(1);
        return Some(Denial {
            binding: binding.map(str::to_owned),
            ..Denial::of(format!("ValidatingAdmissionPolicy \"{policy}\""), said)
        });
    }
    if let Some((_, rest)) = message.split_once("exceeded quota: ") {
        let (quota, said) = rest.split_once(", ").unwrap_or((rest, ""));
        return Some(Denial::of(format!("ResourceQuota \"{quota}\""), said));
    }
    if let Some((_, rest)) = message.split_once("violates PodSecurity \"") {
        let (level, said) = rest.split_once('"')?;
        return Some(Denial::of(format!("Pod Security \"{level}\""), said));
    }
    None
}

/// Splits Kyverno's message: one policy per line, and its rules on the lines below.
fn kyverno(said: &str) -> Vec<(String, Option<String>, String)> {
    let mut found: Vec<(String, Option<String>, String)> = Vec::new();
    let Some((_, listed)) = said.split_once("due to the following policies") else {
        return found;
    };
    let mut policy: Option<&str> = None;
    for line in listed.lines().filter(|line| !line.trim().is_empty()) {
        let is_indented = line.starts_with([' ', '\t']);
        match (line.trim().split_once(": "), policy) {
            (Some((rule, said)), Some(policy)) if is_indented && is_name(rule) => {
                let said = said.trim_matches(['\'', '"', '|', ' ']);
                found.push((policy.to_owned(), Some(rule.to_owned()), said.to_owned()));
            }
            (None, _) if !is_indented && line.trim_end().ends_with(':') => {
                policy = Some(line.trim_end().trim_end_matches(':'));
            }
            // The message has several lines.
            _ => {
                if let Some((_, _, last)) = found.last_mut() {
                    last.push('\n');
                    last.push_str(line.trim());
                }
            }
        }
    }
    found
}

/// Splits Gatekeeper's message: `[constraint] message`, one per line.
fn gatekeeper(said: &str) -> Vec<(String, Option<String>, String)> {
    let mut found: Vec<(String, Option<String>, String)> = Vec::new();
    for line in said.lines() {
        let named = line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "));
        let named = named.map(|(name, said)| (name.trim_start_matches("denied by "), said));
        match (named, found.last_mut()) {
            (Some((name, said)), _) if is_name(name) => {
                found.push((name.to_owned(), None, said.to_owned()));
            }
            (_, Some((_, _, last))) => {
                last.push('\n');
                last.push_str(line);
            }
            (_, None) => return found,
        }
    }
    found
}

/// Returns whether text can be the name of an object or a rule.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(message: &str) -> Option<(String, Option<String>)> {
        denial(message).map(|denial| (denial.by, denial.message))
    }

    /// Messages of real API servers, shortened.
    #[test]
    fn names_the_policy_or_webhook_that_denies() {
        let said = |text: &str| Some(text.to_owned());
        for (message, who, why) in [
            (
                "admission webhook \"validate.kyverno.svc\" denied the request: no latest",
                "admission webhook \"validate.kyverno.svc\"",
                said("no latest"),
            ),
            (
                "admission webhook \"w\" denied the request without explanation",
                "admission webhook \"w\"",
                None,
            ),
            (
                "deployments.apps \"cart\" is forbidden: ValidatingAdmissionPolicy 'lock' with \
                 binding 'lock-prod' denied request: image is locked",
                "ValidatingAdmissionPolicy \"lock\"",
                said("image is locked"),
            ),
            (
                "pods \"web\" is forbidden: exceeded quota: small, requested: pods=1",
                "ResourceQuota \"small\"",
                said("requested: pods=1"),
            ),
            (
                "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": privileged",
                "Pod Security \"restricted:latest\"",
                said("privileged"),
            ),
        ] {
            assert_eq!(by(message), Some((who.to_owned(), why)), "{message}");
        }
        assert_eq!(by("the server rejected our request"), None);
        assert!(denials("the server rejected our request").is_empty());
    }

    #[test]
    fn reads_the_binding_of_a_policy() {
        let message = "x \"y\" is forbidden: ValidatingAdmissionPolicy 'lock' with binding \
                       'lock-prod' denied request: no";
        let found = denials(message);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].binding.as_deref(), Some("lock-prod"));
    }

    #[test]
    fn splits_a_webhook_message_by_policy() {
        let kyverno = "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\n\
                       resource Deployment/shop/cart was blocked due to the following policies \n\n\
                       disallow-latest:\n  require-tag: 'validation error: a tag is needed'\n  \
                       autogen-x: no\nlimits:\n  cpu: set it\n";
        let names: Vec<_> = denials(kyverno)
            .into_iter()
            .map(|d| (d.policy.unwrap(), d.rule.unwrap(), d.message.unwrap()))
            .collect();
        let of = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            names,
            [
                of(
                    "disallow-latest",
                    "require-tag",
                    "validation error: a tag is needed"
                ),
                of("disallow-latest", "autogen-x", "no"),
                of("limits", "cpu", "set it"),
            ]
        );
        let gatekeeper = "admission webhook \"validation.gatekeeper.sh\" denied the request: \
                          [must-have-owner] you must provide labels\n[no-root] runs as root";
        let names: Vec<_> = denials(gatekeeper)
            .into_iter()
            .map(|d| (d.policy.unwrap(), d.message.unwrap()))
            .collect();
        let of = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            names,
            [
                of("must-have-owner", "you must provide labels"),
                of("no-root", "runs as root"),
            ]
        );
    }
}
