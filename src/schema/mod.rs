//! What is known about types: what identifies a list's items, which strings are
//! quantities, what the server makes of a value that is absent or zero.
//!
//! One shape ([`Schema`]) serves three origins: the embedded table of the built-in types
//! ([`Schema::builtin`]), the OpenAPI v3 documents of a cluster ([`Schema::from_openapi`]), and the
//! schemas inside CustomResourceDefinitions ([`Schema::from_crd`]).
//!
//! The table is `builtin.txt`, made by `tests/truth/schema_table/mod.rs` from the OpenAPI documents in
//! `fixtures/openapi` and from `defaults.txt`, which is written by hand.

mod builtin;
mod crd;
mod defaulting;
mod openapi;
mod quantity;
mod scalar;
mod short_names;
mod table;
mod types;
mod versions;

pub use builtin::{
    BuiltinKind, KUBERNETES_VERSION, builtin_kind, builtin_kind_of_group, builtin_kinds,
    did_you_mean,
};
pub use defaulting::conditional_default;
pub use openapi::short_name;
pub use quantity::Quantity;
pub use scalar::{equal, equal_untyped, is_canonical_duration, is_empty, is_zero, zero_of};
pub use short_names::short_names;
pub use table::word_of;
pub use types::{Field, ListKind, Scalar, Schema, Type, TypeId, Zero};
pub use versions::{Replacement, convert, replacement, successor};
