//! Facts about Kubernetes and the tools around it that are in no OpenAPI document, as data.
//!
//! The types themselves come from [`schema`](crate::schema). The facts here come from the sources
//! that each table names; `tests/truth/facts.rs` checks the tables against the schema.

mod kinds;
mod managers;
mod obeyed;
mod workloads;

pub use kinds::{BUILT_IN_GROUPS, MAKES, OPERATORS_MAKE, REQUEST_MESSAGES};
pub use managers::{
    Applies, CLIENT_SIDE_APPLY, EDITORS, KUBECTL, SCALERS, gitops_controller, how_it_applies,
    may_taint,
};
pub use obeyed::{harmful, is_harmful, is_hidden};
pub use workloads::{POD_SPECS, WORKLOADS, Workload, workload};
