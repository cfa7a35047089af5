//! Defines every request that driftctl can send without a [`Writer`](super::Writer).
//!
//! An [`ApiRequest`] can be built only by the constructors here, so this file shows everything that
//! a run without a writer can do: GET; self-reviews, which change nothing; and server-side applies,
//! which always have `dryRun=All`.

use std::fmt::Write as _;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Uri};

use serde_json::{Value, json};

use super::failure::ApiFailure;
use crate::cluster::{AccessRight, ServedKind};
use crate::model::group_of;

/// The requested form of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseForm {
    /// Plain JSON.
    Json,
    /// All groups and their resources in one document, on servers since 1.26.
    Discovery,
    /// Lists with only the metadata of their items.
    Metadata,
}

impl ResponseForm {
    /// Returns the `Accept` header. Each form falls back to plain JSON on servers that do not
    /// support it.
    fn accept(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Discovery => {
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                 application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                 application/json"
            }
            Self::Metadata => {
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
            }
        }
    }
}

/// A self-review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Review {
    /// The user's identity.
    Identity,
    /// Whether the user has a permission.
    Access,
}

impl Review {
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Identity => (
                "authentication.k8s.io/v1",
                "SelfSubjectReview",
                "selfsubjectreviews",
            ),
            Self::Access => (
                "authorization.k8s.io/v1",
                "SelfSubjectAccessReview",
                "selfsubjectaccessreviews",
            ),
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct ApiRequest {
    method: Method,
    uri: String,
    form: ResponseForm,
    body: Option<(&'static str, Vec<u8>)>,
    right: AccessRight,
    name: Option<String>,
}

impl ApiRequest {
    /// Builds a request for a document that is not an object: `/apis`, `/version`, `/openapi/v3/…`.
    pub fn document(path: &str, form: ResponseForm) -> Self {
        Self {
            method: Method::GET,
            uri: path.to_owned(),
            form,
            body: None,
            right: AccessRight {
                verb: "get".to_owned(),
                group: String::new(),
                resource: path.to_owned(),
                namespace: None,
            },
            name: None,
        }
    }

    /// Builds a request for one object.
    pub fn object(
        kind: &ServedKind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Self, ApiFailure> {
        let mut uri = collection(kind, namespace)?;
        uri.push('/');
        uri.push_str(&segment(name)?);
        Ok(Self {
            method: Method::GET,
            uri,
            form: ResponseForm::Json,
            body: None,
            right: AccessRight::new("get", kind, namespace),
            name: Some(name.to_owned()),
        })
    }

    /// Builds a server-side apply as a dry run; `dryRun=All` is a fixed part of the URL.
    pub fn predict(
        kind: &ServedKind,
        namespace: Option<&str>,
        name: &str,
        manager: &str,
        manifest: &Value,
    ) -> Result<Self, ApiFailure> {
        let object = collection(kind, namespace)?;
        let (name_in_path, manager) = (segment(name)?, query_value(manager));
        Ok(Self {
            method: Method::PATCH,
            uri: format!(
                "{object}/{name_in_path}?dryRun=All&force=true&fieldManager={manager}\
                 &fieldValidation=Ignore"
            ),
            form: ResponseForm::Json,
            body: Some((
                "application/apply-patch+yaml",
                manifest.to_string().into_bytes(),
            )),
            right: AccessRight::new("patch", kind, namespace),
            name: Some(name.to_owned()),
        })
    }

    /// Builds a self-review. It is sent by POST, but never stored.
    pub fn review(review: Review, spec: &Value) -> Self {
        let (api_version, kind, resource) = review.names();
        let body = json!({"apiVersion": api_version, "kind": kind, "spec": spec});
        Self {
            method: Method::POST,
            uri: format!("{}/{resource}", group_version_path(api_version)),
            form: ResponseForm::Json,
            body: Some(("application/json", body.to_string().into_bytes())),
            right: AccessRight {
                verb: "create".to_owned(),
                group: group_of(api_version).to_owned(),
                resource: resource.to_owned(),
                namespace: None,
            },
            name: None,
        }
    }

    /// Builds a request for a page of a list.
    ///
    /// `resourceVersion` is left out on purpose: such a list shows the newest state. Servers since
    /// 1.31 serve it from their watch cache once that has caught up with the storage (KEP-2340).
    /// `resourceVersion=0` would use the cache as it is, which on a lagging replica can be older
    /// than the apply that a pipeline has just made; and servers before 1.33 ignore `limit` with
    /// it. It saves nothing either: twenty lists of fifty objects each take as long with it as
    /// without (measured on 1.36, 50 to 80 ms).
    ///
    /// Streaming lists (`sendInitialEvents`) are not used: a server whose storage reports no
    /// progress answers them with an error, so that pages would be needed anyway.
    pub fn page(
        kind: &ServedKind,
        namespace: Option<&str>,
        form: ResponseForm,
        limit: usize,
        token: Option<&str>,
    ) -> Result<Self, ApiFailure> {
        let mut uri = collection(kind, namespace)?;
        // Writing into a String does not fail.
        let _ = write!(uri, "?limit={limit}");
        if let Some(token) = token {
            uri.push_str("&continue=");
            uri.push_str(&query_value(token));
        }
        Ok(Self {
            method: Method::GET,
            uri,
            form,
            body: None,
            right: AccessRight::new("list", kind, namespace),
            name: None,
        })
    }

    /// Restricts a list to the objects that a label selector matches; an empty selector matches
    /// all.
    pub fn with_labels(mut self, selector: &str) -> Self {
        if !selector.is_empty() {
            self.uri.push_str("&labelSelector=");
            self.uri.push_str(&query_value(selector));
        }
        self
    }

    /// Returns the permission that the request needs.
    pub fn right(&self) -> AccessRight {
        self.right.clone()
    }

    /// Returns the name of the requested object.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the body.
    pub fn sent(&self) -> Option<Value> {
        let (_, body) = self.body.as_ref()?;
        serde_json::from_slice(body).ok()
    }

    /// Returns the request as HTTP, with an `Accept-Encoding` if `compressed`.
    pub fn to_http(
        &self,
        compressed: bool,
    ) -> Result<http::Request<kube::client::Body>, ApiFailure> {
        let uri: Uri = self
            .uri
            .parse()
            .map_err(|_| ApiFailure::malformed("request", "its address is not valid"))?;
        let mut builder = http::Request::builder()
            .method(self.method.clone())
            .uri(uri)
            .header(ACCEPT, self.form.accept());
        if compressed {
            builder = builder.header(http::header::ACCEPT_ENCODING, "gzip");
        }
        let body = match &self.body {
            Some((content_type, body)) => {
                builder = builder.header(CONTENT_TYPE, *content_type);
                body.clone()
            }
            None => Vec::new(),
        };
        builder
            .body(kube::client::Body::from(body))
            .map_err(|_| ApiFailure::malformed("request", "its headers are not valid"))
    }
}

/// Returns `/apis/apps/v1/namespaces/shop/deployments`.
pub(super) fn collection(kind: &ServedKind, namespace: Option<&str>) -> Result<String, ApiFailure> {
    let mut path = group_version_path(&kind.api_version);
    if let Some(namespace) = namespace {
        path.push_str("/namespaces/");
        path.push_str(&segment(namespace)?);
    }
    path.push('/');
    path.push_str(&segment(&kind.plural)?);
    Ok(path)
}

/// Returns `/api/v1` or `/apis/apps/v1`. The version comes from discovery.
pub(super) fn group_version_path(api_version: &str) -> String {
    let root = if group_of(api_version).is_empty() {
        "/api"
    } else {
        "/apis"
    };
    format!("{root}/{api_version}")
}

/// Encodes a name as one path segment.
///
/// Names come from manifests, which may be untrusted: a name like `../../secrets/x` must not lead
/// to another path. The API server does not allow such names (`path.IsValidPathSegmentName`), and
/// decodes `%2F` before it splits the path, so escaping would not help.
pub(super) fn segment(name: &str) -> Result<String, ApiFailure> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%']) {
        return Err(ApiFailure::malformed(
            "name",
            "no object can have this name",
        ));
    }
    Ok(escaped(name, b"-._~:@!$&'()*+,;="))
}

pub(super) fn query_value(text: &str) -> String {
    escaped(text, b"-._~")
}

fn escaped(text: &str, plain: &[u8]) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            value.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployments() -> ServedKind {
        ServedKind {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            plural: "deployments".to_owned(),
            namespaced: true,
            short_names: Vec::new(),
        }
    }

    #[test]
    fn builds_urls_as_the_api_expects_them() {
        let kind = deployments();
        let get = ApiRequest::object(&kind, Some("shop"), "cart").unwrap();
        assert_eq!(get.uri, "/apis/apps/v1/namespaces/shop/deployments/cart");
        let page = ApiRequest::page(&kind, None, ResponseForm::Json, 500, Some("a=&b")).unwrap();
        assert_eq!(
            page.uri,
            "/apis/apps/v1/deployments?limit=500&continue=a%3D%26b"
        );
        let role = ServedKind {
            api_version: "rbac.authorization.k8s.io/v1".to_owned(),
            plural: "clusterroles".to_owned(),
            ..deployments()
        };
        let role = ApiRequest::object(&role, None, "system:node").unwrap();
        assert!(role.uri.ends_with("/clusterroles/system:node"));
    }

    #[test]
    fn a_name_from_a_manifest_cannot_change_the_path() {
        for name in ["", ".", "..", "../x", "a/b", "a%2Fb"] {
            assert!(
                ApiRequest::object(&deployments(), Some("shop"), name).is_err(),
                "{name:?}"
            );
            assert!(
                ApiRequest::object(&deployments(), Some(name), "cart").is_err(),
                "{name:?}"
            );
        }
    }

    #[test]
    fn escapes_special_characters_in_names() {
        let get = ApiRequest::object(&deployments(), Some("shop"), "a?b#c é").unwrap();
        assert!(
            get.uri.ends_with("/deployments/a%3Fb%23c%20%C3%A9"),
            "{}",
            get.uri
        );
    }

    /// Reads the source of this module, so that a new method fails the test until it is listed
    /// here.
    #[test]
    fn only_reading_methods_are_sent() {
        let shipped = include_str!("request.rs")
            .split("#[cfg(test)]")
            .next()
            .unwrap();
        let methods: Vec<_> = shipped
            .match_indices("Method::")
            .map(|(at, _)| shipped[at..].split([',', ')']).next().unwrap())
            .collect();
        let (get, post, patch) = ("Method::GET", "Method::POST", "Method::PATCH");
        assert_eq!(methods, [get, get, patch, post, get]);
    }

    #[test]
    fn every_apply_is_a_dry_run() {
        let manifest = json!({"kind": "Deployment"});
        let predict = |manager: &str| {
            ApiRequest::predict(&deployments(), Some("shop"), "cart", manager, &manifest).unwrap()
        };
        for manager in ["kubectl", "a&dryRun=None", "b#", "c?dryRun="] {
            let uri = predict(manager).uri;
            assert_eq!(uri.matches("dryRun=").count(), 1, "{uri}");
            assert!(
                uri.contains("/deployments/cart?dryRun=All&force=true&"),
                "{uri}"
            );
            assert!(!uri.contains('#'), "{uri}");
        }
    }
}
