//! driftctl shows where a Kubernetes cluster has drifted from its manifests.

#![forbid(unsafe_code)]

pub mod cli;
pub mod cluster;
pub mod compare;
pub mod config;
pub mod engine;
pub mod model;
pub mod output;
pub mod ownership;
pub mod policy;
pub mod redact;
pub mod schema;
pub mod source;
