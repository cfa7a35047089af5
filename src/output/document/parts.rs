//! Parts that several documents share.

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::model::{Operation, Origin, Owner, ReportTarget, ResourceKey, Warning};

/// The cluster or recording that was compared.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetDocument<'r> {
    /// The kubeconfig context.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'r str>,
    /// The API server's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'r str>,
    /// The API server's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'r str>,
    /// The recording that was read instead of a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    dump: Option<&'r str>,
    /// Whether the server's certificate was not verified.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure: bool,
    /// When the live side was read, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<&'r str>,
}

/// An object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NameDocument<'r> {
    /// The API version that it was compared or is written at.
    api_version: &'r str,
    kind: &'r str,
    /// Absent for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'r str>,
    name: &'r str,
}

/// The file and line that declare an object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OriginDocument<'r> {
    file: &'r str,
    /// The line of the object's first key, counted from 1.
    line: usize,
    /// The document within the file, counted from 1.
    document: usize,
    /// The Git commit that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'r str>,
    /// What produced the object from the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    rendered_by: Option<&'r str>,
    /// The GitOps objects that lead to it, the outermost first; the last one applies it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<String>,
}

/// An owner of a path.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerDocument<'r> {
    /// The field manager.
    manager: &'r str,
    /// `Apply` or `Update`.
    #[schemars(extend("enum" = words::<Operation>()))]
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subresource: Option<&'r str>,
    /// The manager's last write to the object, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'r str>,
    /// The user, according to the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'r str>,
}

/// A warning or an error.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarningDocument<'r> {
    /// `error` if it makes the comparison incomplete, else `warning`.
    #[schemars(extend("enum" = ["error", "warning"]))]
    level: &'static str,
    /// Where: `file:line:column`, or an object.
    #[serde(skip_serializing_if = "str::is_empty")]
    place: &'r str,
    message: &'r str,
}

impl<'r> TargetDocument<'r> {
    pub fn of(target: &'r ReportTarget) -> Self {
        Self {
            context: target.context.as_deref(),
            server: target.server.as_deref(),
            version: target.version.as_deref(),
            dump: target.dump.as_deref(),
            insecure: target.insecure,
            read_at: target.read_at.as_deref(),
        }
    }
}

impl<'r> NameDocument<'r> {
    pub fn of(api_version: &'r str, key: &'r ResourceKey) -> Self {
        Self {
            api_version,
            kind: &key.kind,
            namespace: key.namespace.as_deref(),
            name: &key.name,
        }
    }
}

impl<'r> OriginDocument<'r> {
    pub fn of(origin: &'r Origin) -> Self {
        Self {
            file: &origin.file,
            line: origin.line,
            document: origin.document,
            revision: origin.revision.as_deref(),
            rendered_by: origin.rendered_by.as_deref(),
            chain: origin.chain.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'r> OwnerDocument<'r> {
    pub fn of(owner: &'r Owner) -> Self {
        Self {
            manager: &owner.manager,
            operation: owner.operation.as_str(),
            subresource: owner.subresource.as_deref(),
            time: owner.time.as_deref(),
            user: owner.user.as_deref(),
        }
    }
}

impl<'r> WarningDocument<'r> {
    pub fn of(warning: &'r Warning) -> Self {
        Self {
            level: if warning.fatal { "error" } else { "warning" },
            place: &warning.place,
            message: &warning.message,
        }
    }
}
