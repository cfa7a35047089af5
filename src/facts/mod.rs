//! Facts about Kubernetes and the tools around it that no OpenAPI document tells, as data.
//!
//! What a type looks like is known from [`schema`](crate::schema). What is here comes from the
//! sources that each table names; `tests/truth/facts.rs` holds the tables to the schema.

mod kinds;
mod managers;
mod workloads;

pub use kinds::{BUILT_IN_GROUPS, MAKES, OPERATORS_MAKE, REQUEST_MESSAGES};
pub use managers::{
    Applies, CLIENT_SIDE_APPLY, EDITORS, SCALERS, gitops_controller, how_it_applies,
};
pub use workloads::{POD_SPECS, WORKLOADS, Workload, workload};
