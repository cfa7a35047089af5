//! `name`: the names of the objects, for scripts.
//!
//! The names are those that `driftctl explain` and `driftctl accept` take. Lines that start with
//! `#` add the status of each object, and the verdict.

use std::io::{self, Write};

use strum::VariantArray as _;

use super::{Format, RenderOptions, ignored, words};
use crate::model::{ChangeCause, JudgedChange, ObjectReport, ObjectStatus};
use crate::redact::Redacted;

/// One object per line.
pub struct NameReport;

impl Format for NameReport {
    fn name(&self) -> &'static str {
        "name"
    }

    fn description(&self) -> &'static str {
        "One Kind.group/namespace/name for each object that drifted, is missing, extra or in conflict; # begins a comment"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for object in report.objects.iter().filter(|object| object.is_drift()) {
            writeln!(out, "{}", words::name(&object.key))?;
        }
        for object in report.objects.iter().filter(|object| object.is_drift()) {
            writeln!(out, "# {}", comment(object))?;
        }
        for object in &report.objects {
            for said in words::violations(object) {
                writeln!(out, "# {}: {said}", words::name(&object.key))?;
            }
        }
        for line in ignored::lines(report, options.show) {
            writeln!(out, "# {line}")?;
        }
        writeln!(out, "# {}", words::verdict(report))
    }
}

/// Returns `Deployment.apps/shop/cart: drifted (3 changes: 2 dropped, 1 unattributed)`; a conflict
/// in full.
fn comment(object: &ObjectReport) -> String {
    let name = words::name(&object.key);
    if object.status() == ObjectStatus::Conflict {
        let note = words::status_note(object).unwrap_or_default();
        return format!("{name}: {note}");
    }
    let status = object.status().as_str();
    let changes: Vec<&JudgedChange> = object.drifts.iter().filter(|d| d.is_reported()).collect();
    if changes.is_empty() {
        return format!("{name}: {status}");
    }
    let causes = ChangeCause::VARIANTS.iter().filter_map(|&cause| {
        let n = changes.iter().filter(|drift| drift.cause == Some(cause));
        let n = n.count();
        (n > 0).then(|| format!("{n} {}", cause.as_str()))
    });
    let causes = causes.collect::<Vec<_>>().join(", ");
    let colon = if causes.is_empty() { "" } else { ": " };
    let changes = words::count(changes.len(), "change");
    format!("{name}: {status} ({changes}{colon}{causes})")
}
