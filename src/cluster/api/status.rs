//! Error answers: `metav1.Status`, read for its code, reason and fields only. Its message is left
//! out on purpose: it repeats the values that were sent or stored.

use serde::Deserialize;

use super::failure::{Failure, StatusText};
use super::request::Request;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    kind: String,
    reason: String,
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    name: Option<String>,
    causes: Vec<Cause>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cause {
    field: Option<String>,
}

/// What an answer with this code and body means for a request.
pub(super) fn failure(request: &Request, code: u16, body: &[u8]) -> Failure {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let details = status.details.unwrap_or_default();
    match code {
        401 => Failure::Unauthorized,
        403 => Failure::Forbidden(request.right()),
        // Only an answer that names the object proves that its kind is served and the object is
        // not there: a group or version that is gone answers 404 too, as does a proxy.
        404 if status.kind == "Status"
            && status.reason == "NotFound"
            && details.name.is_some()
            && details.name.as_deref() == request.name() =>
        {
            Failure::NotFound
        }
        404 => Failure::UnknownResource,
        410 => Failure::Expired,
        code => Failure::Status(StatusText {
            code,
            reason: Some(status.reason).filter(|reason| is_word(reason)),
            fields: details
                .causes
                .into_iter()
                .filter_map(|cause| cause.field)
                .collect(),
        }),
    }
}

/// `metav1.StatusReason` is a word in camel case; anything else is not the API server's.
fn is_word(reason: &str) -> bool {
    (1..64).contains(&reason.len()) && reason.bytes().all(|byte| byte.is_ascii_alphabetic())
}
