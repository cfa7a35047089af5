//! Parses the response to a write that the server did not carry out.

use serde::Deserialize;

use super::WriteRequest;
use crate::cluster::AccessRight;
use crate::cluster::api::failure::ApiFailure;
use crate::cluster::denial::{Denial, denial};

/// Why a write failed, or why its result is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A `test` operation of the patch failed: the object was changed in the meantime.
    #[error("it was changed in the meantime")]
    TestFailed,
    /// 409: the object is not in the expected state, or another manager owns a field.
    #[error("the object was changed in the meantime (409)")]
    Conflict,
    /// 403 by an authorizer.
    #[error("forbidden: {0} is not allowed (driftctl doctor --for revert prints the Role)")]
    Forbidden(AccessRight),
    /// An admission webhook, a policy or a quota refused it.
    #[error("{by} refuses it")]
    Denied {
        /// What refused it, such as `the admission webhook "x"`.
        by: String,
        /// The message. It may quote values: redact it before showing it.
        message: Option<String>,
    },
    /// Fields that are invalid or cannot be changed.
    #[error("the server refuses it as invalid{}", at(.0))]
    Invalid(Vec<String>),
    /// Fields that cannot be changed once the object exists.
    #[error(
        "the server allows no change{} of an existing object; to change it, delete the object and \
         create it again",
        at(.0)
    )]
    Immutable(Vec<String>),
    /// A size that only grows.
    #[error("the server lets it only grow{}; backport the new size instead", at(.0))]
    OnlyGrows(Vec<String>),
    /// The object does not exist.
    #[error("the object is gone")]
    NotFound,
    /// The object already exists.
    #[error("an object of this name already exists")]
    AlreadyExists,
    /// A webhook has side effects and does not support dry runs.
    #[error(
        "the admission webhook {0:?} does not support dry runs; --skip-dry-run writes without \
        one"
    )]
    NoDryRun(String),
    /// A webhook cannot be called, and its failure policy refuses the request then. The server
    /// changed nothing.
    #[error(
        "the admission webhook {0:?} cannot be called, so the server writes nothing; restore the \
        webhook and try again"
    )]
    WebhookDown(String),
    /// The server is too busy. It changed nothing.
    #[error("the server is too busy (429)")]
    Busy,
    /// The result is unknown: the connection broke, or the server failed.
    #[error("{0}")]
    Unclear(String),
    /// Any other refusal. The server changed nothing.
    #[error("{0}")]
    Other(String),
}

fn at(fields: &[String]) -> String {
    match fields {
        [] => String::new(),
        fields => format!(" at {}", fields.join(", ")),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RefusalStatus {
    kind: String,
    reason: String,
    message: String,
    details: Option<RefusalDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RefusalDetails {
    causes: Vec<RefusalCause>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RefusalCause {
    reason: String,
    message: String,
    field: String,
}

impl RefusalCause {
    /// Returns whether a value is refused only because the object exists already. The words are
    /// those of `apimachinery/pkg/api/validation`, and of `apps`, `core` and `rbac` validation.
    fn is_immutable(&self) -> bool {
        const ANYWHERE: [&str; 3] = [
            "field is immutable",
            "may not change once set",
            "cannot change roleRef",
        ];
        const FORBIDDEN: [&str; 2] = ["updates to ", "updates may not change fields"];
        let says = |words: &[&str]| words.iter().any(|words| self.message.contains(words));
        says(&ANYWHERE) || self.reason == "FieldValueForbidden" && says(&FORBIDDEN)
    }

    /// Returns whether a value is refused because it is less than it was, as that of a volume claim.
    fn only_grows(&self) -> bool {
        self.reason == "FieldValueForbidden" && self.message.contains("can not be less than")
    }
}

impl WriteError {
    /// Returns the error for a response with this code and body.
    pub(super) fn of(writing: &WriteRequest, code: u16, body: &[u8]) -> Self {
        let status: RefusalStatus = serde_json::from_slice(body).unwrap_or_default();
        if let Some(webhook) = without_dry_run(&status.message) {
            return Self::NoDryRun(webhook);
        }
        if code == 500
            && let Some(webhook) = uncallable_webhook(&status.message)
        {
            return Self::WebhookDown(webhook);
        }
        if matches!(code, 400 | 403 | 422)
            && let Some(Denial { by, message, .. }) = denial(&status.message)
        {
            let by = format!("the {by}");
            return Self::Denied { by, message };
        }
        let causes = status.details.unwrap_or_default().causes;
        if causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
        {
            return Self::Other("its namespace is being deleted".to_owned());
        }
        let is_immutable = !causes.is_empty() && causes.iter().all(RefusalCause::is_immutable);
        let only_grows = !causes.is_empty() && causes.iter().all(RefusalCause::only_grows);
        let mut fields: Vec<String> = causes.into_iter().map(|cause| cause.field).collect();
        fields.retain(|field| is_field(field));
        fields.dedup();
        match code {
            403 if is_by_authorizer(writing, &status.message) => Self::Forbidden(writing.right()),
            403 => Self::Denied {
                by: "admission or a Role that grants more than you have".to_owned(),
                message: None,
            },
            404 => Self::NotFound,
            409 if status.reason == "AlreadyExists" => Self::AlreadyExists,
            409 => Self::Conflict,
            // The server names fields for everything that it finds invalid in an object.
            422 if writing.is_patch && fields.is_empty() && status.kind == "Status" => {
                Self::TestFailed
            }
            400 | 422 if is_immutable => Self::Immutable(fields),
            400 | 422 if only_grows => Self::OnlyGrows(fields),
            400 | 422 => Self::Invalid(fields),
            429 => Self::Busy,
            500.. => Self::Unclear(format!("the server responded with {code}")),
            code => Self::Other(format!("the server responded with {code}")),
        }
    }

    /// Returns the error for a missing response.
    pub(super) fn without_answer(failure: &ApiFailure) -> Self {
        match failure {
            ApiFailure::Unauthorized | ApiFailure::Credentials(_) | ApiFailure::Untrusted(_) => {
                Self::Other(failure.to_string())
            }
            failure => Self::Unclear(failure.to_string()),
        }
    }
}

/// Returns whether a text is the path of a field, rather than text by a webhook.
fn is_field(field: &str) -> bool {
    !field.is_empty()
        && field.len() <= 200
        && field
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".[]-_/".contains(c))
}

/// Returns whether an authorizer wrote the message: it names the verb.
fn is_by_authorizer(writing: &WriteRequest, message: &str) -> bool {
    message.is_empty() || message.contains(&format!("cannot {} ", writing.right.verb))
}

/// Returns the webhook that does not support dry runs (`admission/plugin/webhook/errors`).
fn without_dry_run(message: &str) -> Option<String> {
    let rest = message.split_once("admission webhook \"")?.1;
    let (name, rest) = rest.split_once('"')?;
    rest.trim_start()
        .starts_with("does not support dry run")
        .then(|| name.to_owned())
}

/// Returns the webhook that cannot be called (`apiserver/pkg/admission/plugin/webhook`).
fn uncallable_webhook(message: &str) -> Option<String> {
    let rest = message.split_once("failed calling webhook \"")?.1;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_webhook_that_does_not_support_dry_runs() {
        let message = "admission webhook \"w.example\" does not support dry run";
        assert_eq!(without_dry_run(message).as_deref(), Some("w.example"));
        assert_eq!(without_dry_run("admission webhook \"w\" denied"), None);
    }

    #[test]
    fn what_exists_already_is_refused_in_words() {
        let cause = |reason: &str, message: &str| RefusalCause {
            reason: reason.to_owned(),
            message: message.to_owned(),
            field: "spec".to_owned(),
        };
        let updates = "Forbidden: updates to statefulset spec for fields other than 'replicas' are \
                       forbidden";
        assert!(cause("FieldValueForbidden", updates).is_immutable());
        let immutable = "Invalid value: \"x\": field is immutable";
        assert!(cause("FieldValueInvalid", immutable).is_immutable());
        let frozen = "Forbidden: field is immutable when `immutable` is set";
        assert!(cause("FieldValueForbidden", frozen).is_immutable());
        let of_pod = "Forbidden: pod updates may not change fields other than `spec.tolerations`";
        assert!(cause("FieldValueForbidden", of_pod).is_immutable());
        assert!(!cause("FieldValueForbidden", "Forbidden: may not be set").is_immutable());
        let smaller = "Forbidden: field can not be less than status.capacity";
        assert!(cause("FieldValueForbidden", smaller).only_grows());
        assert!(!cause("FieldValueForbidden", smaller).is_immutable());
        let said = WriteError::Immutable(vec!["spec".to_owned()]).to_string();
        assert!(said.starts_with("the server allows no change at spec of an existing object"));
    }

    #[test]
    fn fields_hold_no_values() {
        assert!(is_field("spec.template.spec.containers[0].image"));
        assert!(!is_field("spec: hunter2 is no value"));
    }
}
