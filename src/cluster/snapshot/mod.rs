//! Snapshots: recordings that driftctl makes.
//!
//! A snapshot is a `List` as kubectl writes it, with an additional field for [`Notes`] on facts
//! that the objects cannot show: which objects do not exist, which could not be read and why, and
//! how kinds are served. With them, a comparison with the snapshot gives the same result as the
//! comparison with the cluster.

mod notes;
mod recorder;

pub(super) use notes::Notes;
pub use recorder::SnapshotRecorder;

/// The field of the `List` that holds the notes. No other list has it.
pub const SNAPSHOT: &str = "driftctl";
