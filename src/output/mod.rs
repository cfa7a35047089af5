//! Formats. Renderers only render: they take a [`Redacted`] report and decide nothing.
//!
//! A new format is one file with a [`Format`] in it and one line in [`FORMATS`], from which the
//! values of `--output`, the help and the completions derive.

mod aside;
mod brief;
mod census;
mod command;
mod debt;
mod diff;
mod differ;
mod doctor;
mod document;
pub mod escape;
mod explanation;
mod finding;
mod fleet;
mod gist;
mod github;
mod gitlab;
mod groups;
pub mod help;
mod history;
mod html;
mod hunk;
mod ignored;
mod json;
mod json_text;
mod junit;
mod markdown;
mod name;
mod paint;
mod patch_text;
mod plan;
mod policies;
mod prometheus;
mod rows;
mod rules;
mod sarif;
mod schemas;
mod several;
mod spec;
mod suggestion;
mod table;
mod text;
mod three;
mod timeline;
mod todo;
mod tried;
mod view;
mod watch;
mod who;
mod why;
mod words;
mod yaml;
mod yaml_text;

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use crate::redact::Redacted;
pub use census::{CensusOptions, census, census_schema};
pub use command::CommandFormat;
pub use debt::{debt_json, debt_text};
pub use doctor::{doctor_json, doctor_text, doctor_yaml};
pub use document::{explanation_schema, plan_schema, report_schema, reports_schema};
pub use explanation::{explanation_json, explanation_yaml};
pub use history::{history, timeline_schema};
pub use paint::{end_of, width};
pub use patch_text::{patch_text, shown_lines};
pub use plan::plan_json;
pub use policies::policies_text;
pub use rules::{rules_json, rules_text};
pub use schemas::{DocumentSchema, SCHEMAS};
pub use several::{ClusterReport, cluster, render_all};
pub use spec::{OutputSpec, SpecError};
pub use suggestion::{FileEdit, review_json, suggestions_markdown};
pub use text::{
    DecisionResult, decided as decided_text, explanation as explanation_text,
    outcome as outcome_text, plan as plan_text,
};
pub use todo::{TodoText, todo_text};
pub use tried::{CheckedPolicyDocument, checks, checks_schema};
pub use view::ShowLevel;
pub use watch::{Rounds, WatchState, event_line, watch_alerts, watch_metrics, watch_screen};
pub use words::{count, file_name, flat_file_name, name as object_name};
pub use yaml_text::{ControlCharacters, document as yaml_document};

/// An output format of reports.
pub trait Format: Sync {
    /// Returns the value of `--output`.
    fn name(&self) -> &'static str;

    /// Returns one line for the help.
    fn description(&self) -> &'static str;

    /// Returns whether it shows both sides of whole objects that are declared.
    fn shows_objects(&self) -> bool {
        false
    }

    /// Writes the report.
    ///
    /// # Errors
    ///
    /// Only those of `out`.
    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()>;

    /// Writes the reports on several clusters as one document.
    ///
    /// # Errors
    ///
    /// Only those of `out`.
    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        several::sections(self, "#", clusters, options, out)
    }
}

/// The options of renderers. Renderers use nothing else: no clock, no terminal.
#[derive(Debug, Clone, Copy)]
pub struct RenderOptions {
    /// Whether to use colour, in formats that have it.
    pub colour: bool,
    /// The width of text in columns.
    pub width: usize,
    /// Whether lines that cannot wrap are cut to the width: in a terminal, and not in a pipe or a
    /// file.
    pub cut: bool,
    /// What to list.
    pub show: ShowLevel,
    /// Whether to show long values in full and name skipped files.
    pub verbose: bool,
    /// The current time, for ages; without it times are absolute.
    pub now: Option<Timestamp>,
    /// How long the run took, if it is reported.
    pub duration: Option<Duration>,
    /// Whether the report is read from its beginning, in a pager.
    pub paged: bool,
    /// How formats for people group changes.
    pub group_by: GroupBy,
    /// Whether places in files are links that the terminal opens (OSC 8).
    pub links: bool,
    /// Whether to draw lines with ASCII only, because the locale is not UTF-8.
    pub ascii: bool,
}

/// How changes are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum GroupBy {
    /// By object.
    #[default]
    Object,
    /// By last writer.
    Author,
    /// By severity.
    Severity,
    /// By content: the same change in many objects is one entry.
    Change,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            colour: false,
            width: 100,
            cut: true,
            show: ShowLevel::default(),
            verbose: false,
            now: None,
            duration: None,
            paged: false,
            group_by: GroupBy::default(),
            links: false,
            ascii: false,
        }
    }
}

/// Returns a value on one line, for messages.
pub fn value_in_line(value: &serde_json::Value) -> String {
    differ::flow(value, 80)
}

/// Returns one side of an object, as formats show it.
pub fn object_text(value: &serde_json::Value) -> String {
    yaml_text::document(value, ControlCharacters::Readable)
}

/// Every format, the default first.
pub static FORMATS: &[&dyn Format] = &[
    &text::TextReport,
    &table::TableReport,
    &table::WideTable,
    &timeline::TimelineReport,
    &diff::Diff,
    &json::Json,
    &yaml::Yaml,
    &name::NameReport,
    &markdown::Markdown,
    &github::Github,
    &gitlab::Gitlab,
    &sarif::Sarif,
    &junit::Junit,
    &prometheus::Prometheus,
    &html::Html,
];

/// Returns the format with a name.
pub fn find(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}
