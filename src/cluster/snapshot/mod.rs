//! Snapshots: recordings that driftctl makes itself.
//!
//! A snapshot is a `List` as kubectl writes it, with one more field: [`Notes`] of what its objects
//! cannot tell. With them, comparing with the snapshot says what comparing with the cluster said:
//! what was proven not to be there, what could not be read and why, how kinds are served.

mod notes;
mod recorder;

pub(super) use notes::Notes;
pub use recorder::Recorder;
