//! Snapshots: recordings that driftctl makes.
//!
//! A snapshot is a `List` as kubectl writes it, with one more field: [`Notes`] about what the
//! objects themselves cannot show. With them, a comparison with the snapshot gives the same result
//! as the comparison with the cluster: which objects do not exist, what could not be read and why,
//! how kinds are served.

mod notes;
mod recorder;

pub(super) use notes::Notes;
pub use recorder::Recorder;

/// The field of the `List` that holds the notes. No other list has it.
pub const SNAPSHOT: &str = "driftctl";
