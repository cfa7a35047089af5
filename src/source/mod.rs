//! Where the declared state comes from: one file for each kind of source.

use crate::model::{Manifest, Warning};

/// What a source declares, and what it could not read. Nothing is passed over in silence: every
/// file and document ends as a manifest, as a named skip or as an error.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The declared objects, in the order of files and documents.
    pub manifests: Vec<Manifest>,
    /// Documents and files that hold no Kubernetes object, with the reason.
    pub skipped: Vec<Warning>,
    /// Documents and files that could not be read; they make the comparison incomplete.
    pub errors: Vec<Warning>,
    /// Remarks that do not make the comparison incomplete.
    pub warnings: Vec<Warning>,
}

/// One place where declared state lives.
pub trait Source {
    /// Reads everything that the source declares. What is wrong with one file does not stop the
    /// others.
    fn load(&self) -> Loaded;
}
