//! `name`: which objects, for scripts.
//!
//! Lines that start with `#` are for people and logs: what the names cannot carry, and the verdict.

use std::io::{self, Write};

use super::{Format, RenderOptions, escape, ignored, words};
use crate::model::{ObjectReport, Status};
use crate::redact::Redacted;

/// One object to a line.
pub struct Name;

impl Format for Name {
    fn name(&self) -> &'static str {
        "name"
    }

    fn description(&self) -> &'static str {
        "One Kind/namespace/name for each object that drifted, is missing, extra or in conflict; # begins a comment"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for object in report.objects.iter().filter(|object| object.is_drift()) {
            writeln!(out, "{}", name(object))?;
        }
        let in_conflict = |object: &&ObjectReport| object.status == Status::Conflict;
        for object in report.objects.iter().filter(in_conflict) {
            let standing = words::standing(object).unwrap_or_default();
            writeln!(out, "# {}: {standing}", name(object))?;
        }
        for line in ignored::lines(report, options.show) {
            writeln!(out, "# {line}")?;
        }
        writeln!(out, "# {}", words::verdict(report))
    }
}

/// `Deployment/shop/cart`
fn name(object: &ObjectReport) -> String {
    let key = &object.key;
    let parts = [Some(&key.kind), key.namespace.as_ref(), Some(&key.name)];
    let parts = parts.into_iter().flatten().map(|part| escape::line(part));
    parts.collect::<Vec<_>>().join("/")
}
