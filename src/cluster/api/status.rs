//! Parses error responses: the code, reason and fields of `metav1.Status`, and the policies that
//! refuse an apply. Its message is never shown, because it repeats values that were sent or stored;
//! messages of policies are redacted first. Webhooks can write reasons and fields, so only text
//! that is already known is shown of these.

use serde::Deserialize;
use serde_json::Value;

use super::failure::{ApiFailure, StatusText};
use super::request::ApiRequest;
use crate::cluster::AccessRight;
use crate::cluster::denial::denials;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ApiStatus {
    kind: String,
    reason: String,
    message: String,
    details: Option<StatusDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusDetails {
    name: Option<String>,
    causes: Vec<StatusCause>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusCause {
    field: Option<String>,
}

/// Returns the failure for a response with this code and body.
pub(super) fn failure(request: &ApiRequest, code: u16, body: &[u8]) -> ApiFailure {
    let status: ApiStatus = serde_json::from_slice(body).unwrap_or_default();
    let details = status.details.unwrap_or_default();
    // A policy chooses the status code of its refusal, and may choose 401.
    if request.right().verb == "patch" {
        let denials = denials(&status.message);
        if !denials.is_empty() {
            return ApiFailure::Denied(denials);
        }
    }
    match code {
        401 => ApiFailure::Unauthorized,
        403 => {
            let right = request.right();
            match is_refused_apply(&right, &status.message) {
                true => ApiFailure::Refused,
                false => ApiFailure::Forbidden(right),
            }
        }
        // Only a response that names the object proves that its kind is served and the object does
        // not exist: a removed group or version returns 404 too, as does a proxy.
        404 if status.kind == "Status"
            && status.reason == "NotFound"
            && details.name.is_some()
            && details.name.as_deref() == request.name() =>
        {
            ApiFailure::NotFound
        }
        404 => ApiFailure::UnknownResource,
        410 => ApiFailure::Expired,
        code => {
            let sent = request.sent();
            let fields = details.causes.into_iter().filter_map(|cause| cause.field);
            let mut fields: Vec<String> = fields
                .filter_map(|field| known_part(&field, sent.as_ref()?))
                .collect();
            fields.dedup();
            ApiFailure::Status(StatusText {
                code,
                reason: Some(status.reason).filter(|reason| REASONS.contains(&reason.as_str())),
                fields,
            })
        }
    }
}

/// Returns whether a 403 is due to something other than a missing patch permission. An authorizer's
/// message names the verb (`responsewriters.forbiddenMessage`); messages of admission do not, and
/// neither does RBAC's message about a Role that grants more than the user holds. Reads are refused
/// only by authorizers.
fn is_refused_apply(right: &AccessRight, message: &str) -> bool {
    let verb = format!("cannot {} ", right.verb);
    right.verb == "patch" && !message.is_empty() && !message.contains(&verb)
}

/// The known values of `metav1.StatusReason`. Any other reason is not from the API server.
const REASONS: &[&str] = &[
    "AlreadyExists",
    "BadRequest",
    "Conflict",
    "Expired",
    "Forbidden",
    "Gone",
    "InternalError",
    "Invalid",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "RequestEntityTooLarge",
    "ServerTimeout",
    "ServiceUnavailable",
    "StoreReadError",
    "Timeout",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedMediaType",
];

/// Returns the part of a path like `spec.containers[0].image` that exists in the sent object. The
/// remainder is untrusted text; and within a Secret, a name may be a misplaced value.
fn known_part(field: &str, sent: &Value) -> Option<String> {
    let deepest = match sent.get("kind").and_then(Value::as_str) {
        Some("Secret") => 1,
        _ => usize::MAX,
    };
    let (mut at, mut end) = (sent, 0);
    for (start, segment) in segments(field).take(deepest) {
        let below = match at {
            Value::Array(items) => segment.parse().ok().and_then(|i: usize| items.get(i)),
            at => at.get(segment),
        };
        let Some(below) = below else { break };
        at = below;
        end = start + segment.len();
    }
    let closed = end + usize::from(field[end..].starts_with(']'));
    (end > 0).then(|| field[..closed].to_owned())
}

/// Returns the names and indexes in a path in the syntax of
/// `k8s.io/apimachinery/pkg/util/validation/field`, with their positions.
fn segments(field: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let pieces = field.split(['.', '[', ']']).map(move |piece| {
        let begun = start;
        start += piece.len() + 1;
        (begun, piece)
    });
    pieces.filter(|(_, piece)| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Responses of a real API server, shortened.
    #[test]
    fn only_a_message_of_an_authorizer_means_a_missing_permission() {
        let may_not = "deployments.apps \"web\" is forbidden: User \"u\" cannot patch resource \
                       \"deployments\" in API group \"apps\" in the namespace \"shop\"";
        let escalating = "clusterroles.rbac.authorization.k8s.io \"shop-reader\" is forbidden: user \
                          \"u\" (groups=[]) is attempting to grant RBAC permissions not currently \
                          held";
        let quota = "pods \"web\" is forbidden: exceeded quota: small";
        for (verb, message, is_refused) in [
            ("patch", may_not, false),
            ("patch", escalating, true),
            ("patch", quota, true),
            ("patch", "", false),
            ("get", quota, false),
        ] {
            let right = AccessRight {
                group: "apps".to_owned(),
                resource: "deployments".to_owned(),
                namespace: None,
                verb: verb.to_owned(),
            };
            assert_eq!(is_refused_apply(&right, message), is_refused, "{message}");
        }
    }

    #[test]
    fn shows_only_the_part_of_a_path_that_was_sent() {
        let sent = json!({"kind": "Pod", "spec": {"containers": [{"image": "a"}]}});
        for (field, expected) in [
            ("spec.containers[0].image", Some("spec.containers[0].image")),
            ("spec.containers[0].name", Some("spec.containers[0]")),
            ("spec.containers[7].name", Some("spec.containers")),
            ("spec.hunter2", Some("spec")),
            ("hunter2", None),
            ("", None),
        ] {
            assert_eq!(known_part(field, &sent).as_deref(), expected, "{field}");
        }
        let secret = json!({"kind": "Secret", "data": {"hunter2": {}}});
        assert_eq!(
            known_part("data[hunter2]", &secret).as_deref(),
            Some("data")
        );
    }
}
