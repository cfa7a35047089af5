//! What is known about types: what a list's items are told apart by, which strings are
//! quantities, what the server makes of a value that is absent or zero.
//!
//! One shape serves three origins: the embedded table of the built-in types, the OpenAPI v3
//! documents of a cluster, and the schemas inside CustomResourceDefinitions.

mod types;

pub use types::{Field, ListKind, Scalar, Schema, Type, TypeId, Zero};
