//! Severe additions that many objects have in common and that have no recorded writer, shown once.
//!
//! Either an admission policy that driftctl could not read added them, or someone changed many
//! objects and removed the record. driftctl cannot tell which, so they count as drift, and the
//! report shows a rule that ignores them.

use std::collections::BTreeMap;
use std::io;

use serde_json::json;

use super::{Paint, StyledLine, TextPage, words};
use crate::model::{
    ChangeCause, ChangeKind, JudgedChange, ObjectReport, ObjectStatus, Report, Severity,
};
use crate::output::yaml_text::{self, ControlCharacters};
use crate::output::{ShowLevel, differ, view};
use crate::policy::{ChangeKindSpec, RuleSpec};

/// The number of objects from which they are shown once.
const MANY: usize = 3;

/// The number of objects that are named.
const NAMED: usize = 3;

/// The longest value shown, in characters.
const LONGEST_VALUE: usize = 120;

/// The order of a rule's keys.
const ORDER: &[&str] = &["reason", "group", "kind", "paths", "changes"];

/// Group, kind, path and value.
type Addition = (String, String, String, String);

/// The additions that many objects have in common, with the objects.
#[derive(Default)]
pub(super) struct CommonAdditions<'r>(
    BTreeMap<Addition, Vec<(&'r ObjectReport, &'r JudgedChange)>>,
);

impl<'r> CommonAdditions<'r> {
    /// Finds the additions to show once.
    pub fn of(report: &'r Report, page: &TextPage<'_>) -> Self {
        let mut found = Self::default();
        if page.options.verbose || page.options.show == ShowLevel::All || report.three_way {
            return found;
        }
        for object in view::objects(report, page.options.show) {
            for drift in object.drifts.iter().filter(|drift| is_open(drift)) {
                let what = addition_of(object, drift);
                found.0.entry(what).or_default().push((object, drift));
            }
        }
        found.0.retain(|_, carriers| carriers.len() >= MANY);
        found
    }

    /// Returns the objects that have the same change, if it is shown once.
    pub fn carriers(
        &self,
        object: &ObjectReport,
        drift: &JudgedChange,
    ) -> Option<&[(&'r ObjectReport, &'r JudgedChange)]> {
        if !is_open(drift) {
            return None;
        }
        self.0.get(&addition_of(object, drift)).map(Vec::as_slice)
    }

    /// Returns whether every change of an object is shown together with other objects.
    pub fn covers_all(&self, object: &ObjectReport, show: ShowLevel) -> bool {
        let mut shown = view::drifts(object, show).peekable();
        !self.0.is_empty()
            && object.status() == ObjectStatus::Drifted
            && object.violations.is_empty()
            && shown.peek().is_some()
            && shown.all(|drift| self.carriers(object, drift).is_some())
    }

    /// Renders the additions, the worst first.
    pub fn render(&self, page: &mut TextPage<'_>) -> io::Result<()> {
        let mut all: Vec<_> = self.0.values().collect();
        all.sort_by_key(|carriers| carriers.first().map(|(_, drift)| drift.severity));
        for carriers in all.into_iter().rev() {
            render(page, carriers)?;
        }
        Ok(())
    }
}

/// Returns whether a change is a severe addition without a recorded writer.
fn is_open(drift: &JudgedChange) -> bool {
    drift.is_reported()
        && drift.severity >= Severity::High
        && drift.change.kind == ChangeKind::Added
        && matches!(
            drift.cause,
            Some(ChangeCause::Unattributed | ChangeCause::WrittenByApplier)
        )
}

fn addition_of(object: &ObjectReport, drift: &JudgedChange) -> Addition {
    let value = drift.change.live.as_ref();
    (
        object.key.group.clone(),
        object.key.kind.clone(),
        drift.change.path.to_string(),
        value.map(ToString::to_string).unwrap_or_default(),
    )
}

/// Returns `12 Deployments`.
pub(super) fn carrier_count(carriers: &[(&ObjectReport, &JudgedChange)]) -> String {
    let kind = carriers.first().map_or("", |(first, _)| &first.key.kind);
    let many = match kind {
        kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
        kind if kind.ends_with(['s', 'x']) => format!("{kind}es"),
        kind => format!("{kind}s"),
    };
    format!("{} {many}", carriers.len())
}

fn render(page: &mut TextPage<'_>, carriers: &[(&ObjectReport, &JudgedChange)]) -> io::Result<()> {
    let Some((first, drift)) = carriers.first() else {
        return Ok(());
    };
    let mut heading = StyledLine::of(Paint::of_status(ObjectStatus::Drifted), "~");
    heading
        .push(Paint::Plain, " ")
        .push(Paint::Bold, &carrier_count(carriers))
        .push(Paint::Plain, "  ")
        .push(
            Paint::of_severity(drift.severity),
            &words::severity_label(drift.severity),
        )
        .push(Paint::Dim, "  have the same undeclared field");
    page.line(&heading.cut(page.options.width))?;
    let indent = StyledLine::of(Paint::Plain, "  ");
    let mut change = StyledLine::of(Paint::Live, "+ ");
    change.push(Paint::Path, &drift.change.path.to_string());
    if let Some(live) = &drift.change.live {
        let value = differ::flow(live, LONGEST_VALUE);
        change.push(Paint::Live, &format!("  {value}"));
    }
    page.wrapped(&indent, 4, change)?;
    let named = carriers.iter().take(NAMED);
    let named: Vec<String> = named.map(|(object, _)| words::object(object)).collect();
    let more = carriers.len().saturating_sub(NAMED);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more (-v lists all)"),
    };
    let named = StyledLine::of(Paint::Plain, &format!("{}{more}", named.join(", ")));
    page.wrapped(&indent, 2, named)?;
    let advice = "its writer is not recorded. If an admission policy adds it, let driftctl read the \
                  policy ('driftctl doctor' shows the permissions), or add this rule to \
                  .driftctl.yaml:";
    page.wrapped(&indent, 2, StyledLine::of(Paint::Dim, advice))?;
    for line in rule(first, drift).lines() {
        page.line(&StyledLine::of(Paint::Plain, &format!("    {line}")))?;
    }
    page.blank()
}

/// Returns the rule that ignores the addition, as YAML.
fn rule(object: &ObjectReport, drift: &JudgedChange) -> String {
    let rule = RuleSpec {
        reason: "added by an admission policy".to_owned(),
        group: object.key.group.clone(),
        kind: object.key.kind.clone(),
        paths: vec![drift.change.path.to_string()],
        changes: vec![ChangeKindSpec::Added],
        ..RuleSpec::default()
    };
    let rules = json!({ "ignoreDifferences": [rule] });
    yaml_text::document_in_order(&rules, ControlCharacters::Exact, ORDER)
}
