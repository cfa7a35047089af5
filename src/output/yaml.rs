//! `yaml`: the same document as `json`, as YAML.

use std::io::{self, Write};

use serde::Serialize;

use super::document::{Document, SeveralDocument};
use super::several::ClusterReport;
use super::yaml_text::{self, ControlCharacters};
use super::{Format, RenderOptions};
use crate::redact::Redacted;

/// The report for other programs, and for people who prefer YAML.
pub struct Yaml;

/// The keys that come first in every mapping; the others are sorted.
const ORDER: &[&str] = &[
    "schema",
    "verdict",
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "name",
    "path",
    "status",
];

impl Format for Yaml {
    fn name(&self) -> &'static str {
        "yaml"
    }

    fn description(&self) -> &'static str {
        "The same document as YAML"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write(&Document::new(report, options), out)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write(&SeveralDocument::new(clusters, options), out)
    }
}

fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let value = serde_json::to_value(document)?;
    out.write_all(yaml_text::document_in_order(&value, ControlCharacters::Exact, ORDER).as_bytes())
}
