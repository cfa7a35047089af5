//! Computes the default of `imagePullPolicy`.

use serde_json::{Value, json};

/// Returns `Always` for an image with the tag `latest` or without a tag.
///
/// The server parses the name as Docker does (`pkg/util/parsers`). A name that it cannot parse has
/// no tag, and does not count as `latest`.
pub(super) fn pull_policy(image: &str) -> Value {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    };
    let latest = match tag {
        Some(tag) => tag == "latest",
        None => digest.is_none(),
    };
    json!(if latest && is_repository(repository) {
        "Always"
    } else {
        "IfNotPresent"
    })
}

/// Returns whether a text is a valid repository name: lower case, after an optional registry host.
fn is_repository(name: &str) -> bool {
    let path = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path,
        Some((host, path)) if host.bytes().any(|b| b.is_ascii_uppercase()) => path,
        _ => name,
    };
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    path.split('/')
        .all(|part| !part.is_empty() && part.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_policy_depends_on_the_tag() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("registry.example:5000/shop/cart", "Always"),
            ("registry.example:5000/shop/cart:latest", "Always"),
            ("nginx:latest@sha256:00", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry.example:5000/shop/cart:4.12.1", "IfNotPresent"),
            ("nginx@sha256:00", "IfNotPresent"),
            ("", "IfNotPresent"),
            ("UPPER", "IfNotPresent"),
            ("HOST/app", "Always"),
        ] {
            assert_eq!(pull_policy(image), json!(policy), "{image:?}");
        }
    }
}
