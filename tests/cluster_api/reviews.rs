//! What the server says of whoever asks: the self-reviews.

use serde_json::{Value, json};

use crate::server::Fault;

/// The answer to a self-review. What a fault forbids is not allowed, whoever asks.
pub fn answer(path: &str, sent: &[u8], fault: Option<(&str, Fault)>) -> Option<(u16, Vec<u8>)> {
    let kind = path.strip_prefix("/apis/")?.split('/').nth(2)?;
    let mut review: Value = serde_json::from_slice(sent).ok()?;
    review["status"] = match kind {
        "selfsubjectreviews" => json!({"userInfo": {
            "username": "system:serviceaccount:ci:driftctl",
            "groups": ["system:authenticated"]}}),
        "selfsubjectaccessreviews" => {
            let right = &review["spec"]["resourceAttributes"];
            let resource = format!("/{}", right["resource"].as_str()?);
            let denied = matches!(fault, Some((part, Fault::Code(403))) if resource == part);
            json!({"allowed": !denied})
        }
        _ => return None,
    };
    Some((201, review.to_string().into_bytes()))
}
