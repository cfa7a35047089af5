//! Why the paths of one object are drift or not.

use serde_json::Value;

use super::{
    Cause, ChangeKind, FieldPath, Origin, Owner, Position, ResourceKey, SecretPlace, Severity,
    Status, Target, Verdict, Warning,
};

/// How a place of an object is compared, as far as its type decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Nothing is known of its type: compared as it is written.
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
    ListMap(Vec<String>),
    /// A list whose items are identified by their value.
    Set,
    /// A list that is one value, in order.
    Atomic,
    /// A list without a schema, whose items show a field that tells them apart.
    ItemsBy(&'static str),
    /// A list without a schema, whose items show nothing that tells them apart.
    ByPosition,
}

impl Form {
    /// Returns the word for it in documents.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Untyped => "untyped",
            Self::Single(_) => "single",
            Self::Struct { .. } => "struct",
            Self::Map { .. } => "map",
            Self::ListMap(_) => "list-map",
            Self::Set => "set",
            Self::Atomic => "atomic",
            Self::ItemsBy(_) => "list-by-name",
            Self::ByPosition => "list-by-position",
        }
    }

    /// Every word of [`Self::as_str`].
    pub const WORDS: [&'static str; 9] = [
        "untyped",
        "single",
        "struct",
        "map",
        "list-map",
        "set",
        "atomic",
        "list-by-name",
        "list-by-position",
    ];

    /// Returns whether it is a list, and so decides which item is compared with which.
    pub fn is_list(&self) -> bool {
        matches!(
            self,
            Self::ListMap(_) | Self::Set | Self::Atomic | Self::ItemsBy(_) | Self::ByPosition
        )
    }
}

/// Why both sides of a path mean the same. The set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Equal {
    /// They are the same, letter by letter.
    Same,
    /// They are one number.
    Number,
    /// They are one quantity: `1000m` and `1`.
    Quantity,
    /// They are one int-or-string: `80` and `"80"`.
    IntOrString,
    /// They are one duration: `60s` and `1m0s`.
    Duration,
    /// They are one instant.
    Time,
    /// They are the same bytes in base64.
    Bytes,
    /// It names the object, so that both sides have it.
    Identity,
    /// `null` is declared, and the field is not live.
    Null,
    /// `null` is declared in a map or a list, where the server stores the type's zero.
    NullIsZero,
    /// The server does not store this value, so that its absence says the same.
    NotStored,
    /// An empty value is live, which says what its absence does.
    EmptyIsAbsent,
    /// The server puts the default in the place of the declared zero.
    DefaultTaken,
}

impl Equal {
    /// Every one of them.
    pub const ALL: [Self; 13] = [
        Self::Same,
        Self::Number,
        Self::Quantity,
        Self::IntOrString,
        Self::Duration,
        Self::Time,
        Self::Bytes,
        Self::Identity,
        Self::Null,
        Self::NullIsZero,
        Self::NotStored,
        Self::EmptyIsAbsent,
        Self::DefaultTaken,
    ];

    /// Returns the word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Number => "same-number",
            Self::Quantity => "same-quantity",
            Self::IntOrString => "same-int-or-string",
            Self::Duration => "same-duration",
            Self::Time => "same-time",
            Self::Bytes => "same-bytes",
            Self::Identity => "identity",
            Self::Null => "null-is-absent",
            Self::NullIsZero => "null-is-zero",
            Self::NotStored => "not-stored",
            Self::EmptyIsAbsent => "empty-is-absent",
            Self::DefaultTaken => "default-taken",
        }
    }

    /// Returns what it means, in words.
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
            Self::DefaultTaken => "the server replaces the declared zero value with the default",
        }
    }
}

/// Where the default of a field is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultFrom {
    /// The type itself.
    Type,
    /// The server's own defaulting, which looks at the fields next to it.
    Neighbours,
}

impl DefaultFrom {
    /// Returns the word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Neighbours => "neighbours",
        }
    }
}

/// Where an object's schema is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaOrigin {
    /// The table of the built-in types, made from this version of Kubernetes.
    BuiltIn(&'static str),
    /// The cluster's OpenAPI documents, or those in a snapshot of it.
    OpenApi,
    /// A CustomResourceDefinition on the live side.
    LiveDefinition,
    /// A CustomResourceDefinition among the manifests, at this place.
    DeclaredDefinition(String),
    /// There is none.
    None,
}

impl SchemaOrigin {
    /// Returns the word for it in documents.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::BuiltIn(_) => "built-in",
            Self::OpenApi => "cluster-openapi",
            Self::LiveDefinition => "live-crd",
            Self::DeclaredDefinition(_) => "declared-crd",
            Self::None => "none",
        }
    }

    /// Every word of [`Self::as_str`].
    pub const WORDS: [&'static str; 5] = [
        "built-in",
        "cluster-openapi",
        "live-crd",
        "declared-crd",
        "none",
    ];
}

/// Why a manager is taken for the one that applies a manifest. The set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplierReason {
    /// The user named it (`--field-manager`).
    Named,
    /// It applied on the server side.
    ServerSideApply,
    /// It wrote the last applied configuration.
    LastApplied,
    /// It is known to apply manifests.
    Known,
    /// It owns more of what is declared than any other.
    Coverage,
}

impl ApplierReason {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::Named,
        Self::ServerSideApply,
        Self::LastApplied,
        Self::Known,
        Self::Coverage,
    ];

    /// Returns the word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::ServerSideApply => "server-side-apply",
            Self::LastApplied => "last-applied",
            Self::Known => "known-applier",
            Self::Coverage => "coverage",
        }
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

/// A manager that declares what a manifest declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applier {
    /// The field manager.
    pub manager: String,
    /// Why it is taken for that.
    pub why: ApplierReason,
    /// How many of the declared fields it owns.
    pub owns: usize,
    /// How many fields are declared.
    pub declared: usize,
}

/// A rule, as explanations show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleNote {
    /// Its name in reports.
    pub id: String,
    /// Where it is written: `built-in`, or a place in a file.
    pub origin: String,
    /// Why it is there.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Link to a ticket or discussion.
    pub ticket: Option<String>,
    /// Until when it holds.
    pub expires: Option<String>,
}

/// What was decided about a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Both sides differ: it is drift, ignored, or explained.
    Differs {
        /// What happened.
        kind: ChangeKind,
        /// What was decided.
        verdict: Verdict,
        /// How much it matters.
        severity: Severity,
        /// How it came about.
        cause: Option<Cause>,
        /// What helps to act.
        note: Option<String>,
    },
    /// Both sides mean the same.
    Equal(Equal),
    /// It is neither declared nor live.
    Absent,
}

/// A list on the way to a path, which decides what is compared with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The list.
    pub path: FieldPath,
    /// How its items are identified.
    pub form: Form,
}

/// What is known of one path.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The path.
    pub path: FieldPath,
    /// Its line in the manifest, or that of its nearest ancestor there.
    pub position: Option<Position>,
    /// What the manifest declares.
    pub declared: Option<Value>,
    /// What is live.
    pub live: Option<Value>,
    /// What was decided.
    pub decision: Decision,
    /// Who holds the live value: everyone, the applier too.
    pub owners: Vec<Owner>,
    /// How it is compared.
    pub form: Form,
    /// The name of its type; empty where it has none.
    pub type_name: String,
    /// What the server gives the field when nobody sets it.
    pub default: Option<(Value, DefaultFrom)>,
    /// The lists on the way.
    pub matched: Vec<Matched>,
    /// The rule that decided.
    pub rule: Option<RuleNote>,
}

impl Entry {
    /// Returns whether it is drift.
    pub fn is_drift(&self) -> bool {
        matches!(&self.decision, Decision::Differs { verdict, .. } if *verdict == Verdict::Reported)
    }
}

/// Why the paths of one object are drift or not.
#[derive(Debug, Clone)]
pub struct Account {
    /// The cluster or recording that was compared.
    pub target: Target,
    /// Which object.
    pub key: ResourceKey,
    /// The version that it was compared at.
    pub api_version: String,
    /// Where it is declared; `None` for an object that nobody declares.
    pub origin: Option<Origin>,
    /// What was found of the object as a whole.
    pub status: Status,
    /// What else there is to say of it.
    pub reason: Option<String>,
    /// The path that was asked about; the root for the whole object.
    pub asked: FieldPath,
    /// Who is taken for the applier.
    pub appliers: Vec<Applier>,
    /// Whether the live object says who owns what.
    pub has_owners: bool,
    /// Where its schema is known from.
    pub schema: SchemaOrigin,
    /// The paths, sorted.
    pub entries: Vec<Entry>,
    /// Warnings about the run.
    pub warnings: Vec<Warning>,
    /// Places that hold secrets because a source took them from one.
    pub secret: Vec<SecretPlace>,
}
