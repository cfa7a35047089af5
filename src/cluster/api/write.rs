//! Defines every write that driftctl can send; no other module sends writes.
//!
//! A [`WriteRequest`] can be built only by the constructors here, and only the [`Writer`] sends it:
//! a JSON Patch, the creation of an object, the deletion of an object under preconditions, or an
//! Event. `tests/cli/architecture.rs` lists the modules that may use the writer.

mod refusal;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Uri};
use serde_json::{Value, json};

use super::failure::ApiFailure;
use super::request::{ApiRequest, collection, query_value, segment};
use super::{Api, parsed};
use crate::cluster::{AccessRight, ObjectRequest, ServedKind};
use crate::patch::PatchOperation;
use crate::signals::InterruptibleRead;

pub use refusal::WriteError;

/// Whether a write is a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// The server processes the write but does not store it (`dryRun=All`).
    DryRun,
    /// The server stores the write.
    Out,
}

/// Why an object could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadFailure {
    message: String,
    /// Whether the server does not respond at all, so that other reads would fail too.
    pub is_unreachable: bool,
}

impl From<ApiFailure> for ReadFailure {
    fn from(failure: ApiFailure) -> Self {
        Self {
            message: failure.to_string(),
            is_unreachable: matches!(
                failure,
                ApiFailure::Connection(_) | ApiFailure::TimedOut(_) | ApiFailure::OutOfTime(_)
            ),
        }
    }
}

/// Writes to a cluster. No other type can change the live side.
pub struct Writer<'a> {
    api: &'a Api,
}

impl<'a> Writer<'a> {
    /// Returns the writer of a cluster.
    pub fn of(api: &'a Api) -> Self {
        Self { api }
    }

    /// Returns whether the process received a signal to stop. A write in progress is finished
    /// first.
    pub fn is_interrupted(&self) -> bool {
        self.api.sender.is_interrupted()
    }

    /// Reads to the end even after a signal to stop, so that what was written can be reported.
    pub fn outlast_signals(&self) {
        self.api.sender.outlast_signals();
    }

    /// Restarts the timeout for reading, after the user took time to answer.
    pub fn begin_anew(&self) {
        self.api.sender.begin_anew();
    }

    /// Patches an object; returns it in its new state.
    ///
    /// # Errors
    /// Fails if the server refuses it, or the result is unknown.
    pub fn patch(
        &self,
        object: &ObjectRequest,
        operations: &[PatchOperation],
        manager: &str,
        carry: WriteMode,
    ) -> Result<Value, WriteError> {
        self.send(WriteRequest::patch(object, operations, manager, carry))
    }

    /// Creates an object; returns it in its new state.
    ///
    /// # Errors
    /// Fails if the server refuses it, or the result is unknown.
    pub fn create(
        &self,
        object: &ObjectRequest,
        manifest: &Value,
        manager: &str,
        carry: WriteMode,
    ) -> Result<Value, WriteError> {
        self.send(WriteRequest::create(object, manifest, manager, carry))
    }

    /// Creates an object by server-side apply without force, so that it takes over no fields of
    /// other managers.
    ///
    /// # Errors
    /// Fails if the server refuses it, or the result is unknown.
    pub fn apply(
        &self,
        object: &ObjectRequest,
        manifest: &Value,
        manager: &str,
        carry: WriteMode,
    ) -> Result<Value, WriteError> {
        self.send(WriteRequest::apply(object, manifest, manager, carry))
    }

    /// Deletes an object, if it is still the same one in the same state (preconditions).
    ///
    /// # Errors
    /// Fails if the server refuses it, or the result is unknown.
    pub fn delete(
        &self,
        object: &ObjectRequest,
        uid: &str,
        resource_version: Option<&str>,
        carry: WriteMode,
    ) -> Result<(), WriteError> {
        self.send(WriteRequest::delete(object, uid, resource_version, carry))?;
        Ok(())
    }

    /// Creates an Event (`events.k8s.io/v1`) in a namespace.
    ///
    /// # Errors
    /// Fails if the server refuses it.
    pub fn event(&self, namespace: &str, event: &Value) -> Result<(), WriteError> {
        self.send(WriteRequest::event(namespace, event))?;
        Ok(())
    }

    /// Reads the current state of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// Fails if it cannot be read.
    pub fn read(&self, object: &ObjectRequest) -> Result<Option<Value>, ReadFailure> {
        let _reading = InterruptibleRead::begin();
        let key = &object.key;
        let request = ApiRequest::object(&object.kind, key.namespace.as_deref(), &key.name)?;
        let answer = self.api.sender.checked(&request, parsed);
        match self.api.runtime.block_on(answer) {
            Ok(value) => Ok(Some(value)),
            Err(ApiFailure::NotFound) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    fn send(&self, writing: Result<WriteRequest, ApiFailure>) -> Result<Value, WriteError> {
        // A signal must not end the process between a write and its record.
        let _reading = InterruptibleRead::begin();
        let writing = writing.map_err(|failure| WriteError::Other(failure.to_string()))?;
        let answer = self.api.runtime.block_on(self.api.sender.once(&writing));
        match answer {
            Ok((code, body)) if (200..300).contains(&code) => serde_json::from_slice(&body)
                .map_err(|_| {
                    let why = "the server's answer is not valid JSON";
                    WriteError::Unclear(why.to_owned())
                }),
            Ok((code, body)) => Err(WriteError::of(&writing, code, &body)),
            Err(failure) => Err(WriteError::without_answer(&failure)),
        }
    }
}

/// A request that writes.
pub(super) struct WriteRequest {
    method: Method,
    uri: String,
    content_type: &'static str,
    body: Value,
    right: AccessRight,
    is_patch: bool,
}

impl WriteRequest {
    fn patch(
        object: &ObjectRequest,
        operations: &[PatchOperation],
        manager: &str,
        carry: WriteMode,
    ) -> Result<Self, ApiFailure> {
        let operations = operations.iter().map(PatchOperation::to_json);
        Ok(Self {
            method: Method::PATCH,
            uri: format!(
                "{}?{}&fieldValidation=Strict",
                address(object)?,
                written_by(manager, carry)
            ),
            content_type: "application/json-patch+json",
            body: operations.collect(),
            right: right("patch", object),
            is_patch: true,
        })
    }

    fn apply(
        object: &ObjectRequest,
        manifest: &Value,
        manager: &str,
        carry: WriteMode,
    ) -> Result<Self, ApiFailure> {
        Ok(Self {
            method: Method::PATCH,
            uri: format!(
                "{}?{}&force=false&fieldValidation=Strict",
                address(object)?,
                written_by(manager, carry)
            ),
            content_type: "application/apply-patch+yaml",
            body: manifest.clone(),
            right: right("patch", object),
            is_patch: false,
        })
    }

    fn create(
        object: &ObjectRequest,
        manifest: &Value,
        manager: &str,
        carry: WriteMode,
    ) -> Result<Self, ApiFailure> {
        let place = collection(&object.kind, object.key.namespace.as_deref())?;
        Ok(Self {
            method: Method::POST,
            uri: format!(
                "{place}?{}&fieldValidation=Strict",
                written_by(manager, carry)
            ),
            content_type: "application/json",
            body: manifest.clone(),
            right: right("create", object),
            is_patch: false,
        })
    }

    fn delete(
        object: &ObjectRequest,
        uid: &str,
        resource_version: Option<&str>,
        carry: WriteMode,
    ) -> Result<Self, ApiFailure> {
        let mut preconditions = json!({"uid": uid});
        if let Some(version) = resource_version {
            preconditions["resourceVersion"] = version.into();
        }
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": preconditions,
            // As kubectl does.
            "propagationPolicy": "Background",
        });
        if carry == WriteMode::DryRun {
            options["dryRun"] = json!(["All"]);
        }
        Ok(Self {
            method: Method::DELETE,
            uri: address(object)?,
            content_type: "application/json",
            body: options,
            right: right("delete", object),
            is_patch: false,
        })
    }

    fn event(namespace: &str, event: &Value) -> Result<Self, ApiFailure> {
        let events = ServedKind {
            api_version: "events.k8s.io/v1".to_owned(),
            kind: "Event".to_owned(),
            plural: "events".to_owned(),
            namespaced: true,
            short_names: Vec::new(),
        };
        Ok(Self {
            method: Method::POST,
            uri: collection(&events, Some(namespace))?,
            content_type: "application/json",
            body: event.clone(),
            right: AccessRight::new("create", &events, Some(namespace)),
            is_patch: false,
        })
    }

    /// Returns the permission that the request needs.
    pub(super) fn right(&self) -> AccessRight {
        self.right.clone()
    }

    /// Returns the HTTP request.
    pub(super) fn to_http(&self) -> Result<http::Request<kube::client::Body>, ApiFailure> {
        let uri: Uri = self
            .uri
            .parse()
            .map_err(|_| ApiFailure::malformed("request", "its address is not valid"))?;
        http::Request::builder()
            .method(self.method.clone())
            .uri(uri)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, self.content_type)
            .body(kube::client::Body::from(text(&self.body).into_bytes()))
            .map_err(|_| ApiFailure::malformed("request", "its headers are not valid"))
    }
}

fn address(object: &ObjectRequest) -> Result<String, ApiFailure> {
    let place = collection(&object.kind, object.key.namespace.as_deref())?;
    Ok(format!("{place}/{}", segment(&object.key.name)?))
}

fn written_by(manager: &str, carry: WriteMode) -> String {
    let dry_run = match carry {
        WriteMode::DryRun => "dryRun=All&",
        WriteMode::Out => "",
    };
    format!("{dry_run}fieldManager={}", query_value(manager))
}

fn right(verb: &str, object: &ObjectRequest) -> AccessRight {
    AccessRight::new(verb, &object.kind, object.key.namespace.as_deref())
}

/// Returns a body as text, with strings written as the API server writes them. A `test` operation
/// of a JSON Patch compares strings byte by byte in their written form, and Go's encoder escapes
/// `<`, `>` and `&`. Without this, no `test` of a value with a `&` would succeed.
fn text(body: &Value) -> String {
    let mut text = String::new();
    // JSON has these characters only within strings.
    for c in body.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ResourceKey;
    use crate::patch::JsonPointer;

    fn cart() -> ObjectRequest {
        ObjectRequest {
            key: ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart"),
            kind: Arc::new(ServedKind {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                plural: "deployments".to_owned(),
                namespaced: true,
                short_names: Vec::new(),
            }),
        }
    }

    #[test]
    fn writes_strings_as_the_server_does() {
        let body = json!({"a&b": "<x>\u{2028}é\"\n"});
        assert_eq!(text(&body), r#"{"a\u0026b":"\u003cx\u003e\u2028é\"\n"}"#);
        assert_eq!(serde_json::from_str::<Value>(&text(&body)).unwrap(), body);
    }

    #[test]
    fn a_dry_run_is_marked_whatever_the_name_of_the_manager() {
        for manager in ["kubectl", "a&dryRun=None", "b#c"] {
            let dry = WriteRequest::patch(&cart(), &[], manager, WriteMode::DryRun).unwrap();
            assert!(
                dry.uri
                    .contains("/deployments/cart?dryRun=All&fieldManager=")
            );
            assert_eq!(dry.uri.matches("dryRun=").count(), 1, "{}", dry.uri);
            let out = WriteRequest::patch(&cart(), &[], manager, WriteMode::Out).unwrap();
            assert!(!out.uri.contains("dryRun="), "{}", out.uri);
        }
        let dry = WriteRequest::delete(&cart(), "u", None, WriteMode::DryRun).unwrap();
        assert_eq!(dry.body["dryRun"], json!(["All"]));
        let out = WriteRequest::delete(&cart(), "u", Some("7"), WriteMode::Out).unwrap();
        assert!(out.body.get("dryRun").is_none());
        assert_eq!(
            out.body["preconditions"],
            json!({"uid": "u", "resourceVersion": "7"})
        );
    }

    #[test]
    fn an_apply_never_forces() {
        let apply = WriteRequest::apply(&cart(), &json!({}), "m", WriteMode::Out).unwrap();
        assert!(apply.uri.contains("force=false"), "{}", apply.uri);
    }

    #[test]
    fn a_patch_is_a_json_patch() {
        let at = JsonPointer::default().field("spec").field("replicas");
        let patch =
            WriteRequest::patch(&cart(), &[PatchOperation::Remove(at)], "m", WriteMode::Out)
                .unwrap();
        assert_eq!(patch.content_type, "application/json-patch+json");
        assert_eq!(
            patch.body,
            json!([{"op": "remove", "path": "/spec/replicas"}])
        );
        assert_eq!(patch.right().verb, "patch");
    }

    #[test]
    fn a_name_cannot_change_the_path() {
        let mut object = cart();
        object.key = object.key.named("../x");
        assert!(WriteRequest::delete(&object, "u", None, WriteMode::Out).is_err());
        assert!(WriteRequest::event("../x", &json!({})).is_err());
    }
}
