//! Statements in a tree that exclude an object from the comparison. If the author is trusted, the
//! object is skipped; otherwise the statement is ignored.

use std::collections::HashSet;

use super::text::CHART_TEMPLATE;
use super::{LoadedSource, remark};
use crate::model::{Manifest, Warning};

/// Something that was skipped because the tree excludes it.
#[derive(Debug, Clone)]
pub struct ExcludedContent {
    /// The reason that the tree gives.
    pub(super) skipped: Warning,
    /// The object, if it can be compared anyway.
    object: Option<Manifest>,
}

impl LoadedSource {
    /// Skips something that the tree excludes: an object, or a document that may contain some.
    pub(super) fn set_aside(
        &mut self,
        place: impl ToString,
        reason: impl Into<String>,
        object: Option<Manifest>,
    ) {
        let skipped = remark(place, reason, false);
        self.skipped.push(skipped.clone());
        self.doubts.push(ExcludedContent { skipped, object });
    }

    /// Records that a part of the tree is excluded and not compared.
    pub(super) fn doubt(&mut self, place: impl ToString, reason: impl Into<String>) {
        let skipped = remark(place, reason, false);
        self.doubts.push(ExcludedContent {
            skipped,
            object: None,
        });
    }

    /// Returns the excluded objects, such as hooks and local configuration. They are not compared,
    /// but they still count as declared.
    pub fn objects_aside(&self) -> impl Iterator<Item = &Manifest> {
        self.doubts.iter().filter_map(|doubt| doubt.object.as_ref())
    }

    /// Reverses the exclusions by an untrusted author: an object is compared, and anything that
    /// cannot be compared is an error.
    pub(super) fn distrust(&mut self) {
        let doubts = std::mem::take(&mut self.doubts);
        if doubts.is_empty() {
            return;
        }
        let doubted = doubts.iter().map(|doubt| &doubt.skipped);
        let doubted: HashSet<_> = doubted.map(|said| (&said.place, &said.message)).collect();
        self.skipped
            .retain(|said| !doubted.contains(&(&said.place, &said.message)));
        for ExcludedContent { skipped, object } in doubts {
            match object {
                Some(object) => self.manifests.push(object),
                None => {
                    let hint = match skipped.message == CHART_TEMPLATE {
                        true => "; to compare what it renders, name the chart and pass --render",
                        false => "",
                    };
                    self.errors.push(Warning {
                        fatal: true,
                        message: format!(
                            "this may contain an object, and with --untrusted manifests cannot \
                             exclude objects: {}{hint}",
                            skipped.message
                        ),
                        ..skipped
                    });
                }
            }
        }
    }
}
