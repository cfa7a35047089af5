//! Facts about Kubernetes and its tools that no OpenAPI document contains, as data.
//!
//! Types come from [`schema`](crate::schema). Each table here names its source;
//! `tests/truth/facts.rs` checks the tables against the schema.

mod harm;
mod immutable;
mod kinds;
mod managers;
mod metadata;
mod obeyed;
mod operators;
mod variables;
mod workloads;

pub use harm::{
    HARMFUL_FIELDS, HARMFUL_KINDS, HARMLESS_BY_CONTENT, HarmfulValue, content_decides_harm,
};
pub use immutable::{IMMUTABLE_FIELDS, ImmutableField, immutable_field};
pub use kinds::{BUILT_IN_GROUPS, MAKES, REQUEST_MESSAGES, is_guarded};
pub use managers::{
    Applies, CLIENT_SIDE_APPLY, EDITORS, KUBECTL, REPLACE, SCALERS, gitops_controller,
    how_it_applies, may_taint, service_account,
};
pub use metadata::SERVER_METADATA;
pub use obeyed::{harmful, is_harmful, is_hidden};
pub use operators::{MadeNames, ObjectMaker, maker};
pub use variables::loads_code;
pub use workloads::{POD_SPECS, WORKLOADS, Workload, workload};
