//! `json`: the report for other programs.

use std::io::{self, Write};

use super::document::{Document, SeveralDocument};
use super::several::ClusterReport;
use super::{Format, RenderOptions, json_text};
use crate::redact::Redacted;

/// The report for other programs.
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn description(&self) -> &'static str {
        "One JSON document for other programs, versioned (driftctl.report/v1)"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        json_text::write(out, &Document::new(report, options))
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        json_text::write(out, &SeveralDocument::new(clusters, options))
    }
}
