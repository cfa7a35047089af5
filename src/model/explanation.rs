//! The explanation of the paths of one object.

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray, VariantNames};

use super::{
    ChangeCause, ChangeKind, FieldPath, ObjectStatus, Origin, Owner, Position, ReportTarget,
    ResourceKey, SecretPlace, Severity, Verdict, Warning,
};

/// How the values at a path are compared, as their type determines.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum ValueType {
    /// Its type is unknown: compared as written.
    Untyped,
    /// A single value of this type, such as `quantity`.
    Single(&'static str),
    /// An object with known fields.
    Struct {
        /// Written and owned as a whole (`x-kubernetes-map-type: atomic`).
        atomic: bool,
        /// Fields that the type does not know are kept.
        open: bool,
    },
    /// An object with arbitrary keys.
    Map {
        /// Written and owned as a whole.
        atomic: bool,
    },
    /// A list whose items are identified by these fields.
    AssociativeList(Vec<String>),
    /// A list whose items are identified by their value.
    Set,
    /// A list that is one value, in order.
    Atomic,
    /// A list without a schema, whose items have an identifying field.
    #[strum(serialize = "list-by-name")]
    ItemsBy(&'static str),
    /// A list without a schema, whose items have no identifying field.
    #[strum(serialize = "list-by-position")]
    ByPosition,
}

impl ValueType {
    /// Returns the word for JSON documents.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// Returns whether it is a list, which determines which items are compared.
    pub fn is_list(&self) -> bool {
        matches!(
            self,
            Self::AssociativeList(_)
                | Self::Set
                | Self::Atomic
                | Self::ItemsBy(_)
                | Self::ByPosition
        )
    }
}

/// Why both sides of a path have the same meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
pub enum Equality {
    /// They are identical.
    #[strum(serialize = "same")]
    Same,
    /// They are the same number.
    #[strum(serialize = "same-number")]
    Number,
    /// They are the same quantity: `1000m` and `1`.
    #[strum(serialize = "same-quantity")]
    Quantity,
    /// They are the same int-or-string: `80` and `"80"`.
    #[strum(serialize = "same-int-or-string")]
    IntOrString,
    /// They are the same duration: `60s` and `1m0s`.
    #[strum(serialize = "same-duration")]
    Duration,
    /// They are the same instant.
    #[strum(serialize = "same-time")]
    Time,
    /// They are the same bytes in base64.
    #[strum(serialize = "same-bytes")]
    Bytes,
    /// The path identifies the object, so both sides have the same value.
    #[strum(serialize = "identity")]
    Identity,
    /// The manifest declares `null`, and the field is not live.
    #[strum(serialize = "null-is-absent")]
    Null,
    /// The manifest declares `null` in a map or a list, where the server stores the type's zero
    /// value.
    #[strum(serialize = "null-is-zero")]
    NullIsZero,
    /// The server does not store the declared value, so an absent field means the same.
    #[strum(serialize = "not-stored")]
    NotStored,
    /// The live value is empty, which means the same as absent.
    #[strum(serialize = "empty-is-absent")]
    EmptyIsAbsent,
    /// The server replaces the declared zero value with the default.
    #[strum(serialize = "defaulted")]
    Defaulted,
}

impl Equality {
    /// Returns the word for JSON documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the meaning in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Same => "both sides are the same",
            Self::Number => "both are the same number",
            Self::Quantity => "both are the same quantity",
            Self::IntOrString => "both are the same int-or-string",
            Self::Duration => "both are the same duration",
            Self::Time => "both are the same instant",
            Self::Bytes => "both are the same bytes in base64",
            Self::Identity => "it identifies the object",
            Self::Null => "the manifest declares null, which means the same as absent",
            Self::NullIsZero => {
                "the manifest declares null, and the server stores the zero value \
                of the type"
            }
            Self::NotStored => {
                "the server does not store this zero or empty value, so its absence means the same"
            }
            Self::EmptyIsAbsent => "the live value is empty, which means the same as absent",
            Self::Defaulted => "the server replaces the declared zero value with the default",
        }
    }
}

/// The source of a field's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum DefaultFrom {
    /// The server's own defaulting, which depends on other fields.
    Type,
    /// The server's own defaulting, which depends on other fields.
    Neighbours,
}

impl DefaultFrom {
    /// Returns the word for JSON documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The source of an object's schema.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
pub enum SchemaOrigin {
    /// The table of the built-in types, from this version of Kubernetes.
    #[strum(serialize = "built-in")]
    BuiltIn(&'static str),
    /// The cluster's OpenAPI documents, or those in a snapshot of it.
    #[strum(serialize = "cluster-openapi")]
    OpenApi,
    /// A CustomResourceDefinition on the live side.
    #[strum(serialize = "live-crd")]
    LiveDefinition,
    /// A CustomResourceDefinition among the manifests, at this place.
    #[strum(serialize = "declared-crd")]
    DeclaredDefinition(String),
    /// There is no schema.
    #[strum(serialize = "none")]
    None,
}

impl SchemaOrigin {
    /// Returns the word for JSON documents.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }
}

/// Why a manager is taken for the applier of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ApplierReason {
    /// The user named it (`--field-manager`).
    Named,
    /// It used server-side apply.
    ServerSideApply,
    /// It wrote the last applied configuration.
    LastApplied,
    /// It is known to apply manifests.
    #[strum(serialize = "known-applier")]
    Known,
    /// It owns more declared fields than any other manager.
    Coverage,
}

impl ApplierReason {
    /// Returns the word for JSON documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns what it means, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Named => "--field-manager names it",
            Self::ServerSideApply => "it used server-side apply",
            Self::LastApplied => "it wrote the last-applied-configuration annotation",
            Self::Known => "it is known to apply manifests",
            Self::Coverage => "it owns more of the declared fields than any other manager",
        }
    }
}

/// The applier of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applier {
    /// The field manager.
    pub manager: String,
    /// Why it is the applier.
    pub why: ApplierReason,
    /// How many of the declared fields it owns.
    pub owns: usize,
    /// How many fields are declared.
    pub declared: usize,
}

/// A rule as explanations show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleNote {
    /// Its ID in reports.
    pub id: String,
    /// Where it is defined: `built-in`, or a place in a file.
    pub origin: String,
    /// Its reason.
    pub reason: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Link to a ticket or discussion.
    pub ticket: Option<String>,
    /// When it expires.
    pub expires: Option<String>,
}

/// The decision on a path.
#[derive(Debug, Clone, PartialEq)]
pub enum PathDecision {
    /// Both sides differ: it is drift, ignored, or explained.
    Differs {
        /// The kind of change.
        kind: ChangeKind,
        /// The verdict.
        verdict: Verdict,
        /// The severity.
        severity: Severity,
        /// The cause, if known.
        cause: Option<ChangeCause>,
        /// A note that helps the user to act.
        note: Option<String>,
    },
    /// Both sides mean the same.
    Equal(Equality),
    /// It is neither declared nor live.
    Absent,
}

/// A list on a path. How its items are identified determines what is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMatching {
    /// The list.
    pub path: FieldPath,
    /// How its items are identified.
    pub form: ValueType,
}

/// The explanation of one path.
#[derive(Debug, Clone)]
pub struct PathExplanation {
    /// The path.
    pub path: FieldPath,
    /// The position in the manifest of the path, or of its nearest declared ancestor.
    pub position: Option<Position>,
    /// The declared value.
    pub declared: Option<Value>,
    /// The live value.
    pub live: Option<Value>,
    /// The decision.
    pub decision: PathDecision,
    /// All owners of the live value, including the applier.
    pub owners: Vec<Owner>,
    /// How its values are compared.
    pub form: ValueType,
    /// The name of its type; empty if it has none.
    pub type_name: String,
    /// The server's default for the field.
    pub default: Option<(Value, DefaultFrom)>,
    /// The lists on the path.
    pub matched: Vec<ListMatching>,
    /// The rule that made the decision.
    pub rule: Option<RuleNote>,
}

impl PathExplanation {
    /// Returns whether it differs and is explained.
    pub fn is_explained(&self) -> bool {
        let PathDecision::Differs { verdict, .. } = &self.decision else {
            return false;
        };
        matches!(verdict, Verdict::Explained { .. })
    }

    /// Returns whether it is drift.
    pub fn is_drift(&self) -> bool {
        matches!(&self.decision, PathDecision::Differs { verdict, .. } if *verdict == Verdict::Reported)
    }
}

/// The explanation of the paths of one object.
#[derive(Debug, Clone)]
pub struct ObjectExplanation {
    /// The cluster or recording that was compared.
    pub target: ReportTarget,
    /// Which object.
    pub key: ResourceKey,
    /// The API version of the comparison.
    pub api_version: String,
    /// Where it is declared; `None` for an undeclared object.
    pub origin: Option<Origin>,
    /// The status of the object.
    pub status: ObjectStatus,
    /// The severity of the object being missing or extra.
    pub severity: Option<Severity>,
    /// A further note on the object.
    pub reason: Option<String>,
    /// The managers that wrote an extra object or deleted a missing one, latest first.
    pub owners: Vec<Owner>,
    /// The live object if it is extra: it has no paths to explain.
    pub live: Option<Value>,
    /// The requested path; the root for the whole object.
    pub asked: FieldPath,
    /// The applier.
    pub appliers: Vec<Applier>,
    /// Whether the live object records field owners.
    pub has_owners: bool,
    /// The source of the schema.
    pub schema: SchemaOrigin,
    /// The paths, sorted.
    pub entries: Vec<PathExplanation>,
    /// Warnings about the run.
    pub warnings: Vec<Warning>,
    /// The places whose values come from a Secret.
    pub secret: Vec<SecretPlace>,
}
