//! Reads `metadata.managedFields`: who owns each field, and who declares the manifest.

mod appliers;
mod coverage;
mod parse;

pub use appliers::{
    Appliers, LAST_APPLIED, LastSent, holds_last_applied, is_replaced_by_hand, last_applied,
};
pub use coverage::leaves;
pub use parse::{ownership_in, ownership_of};
