//! Writes the changes of one object.

use std::io;

use super::carried::CommonAdditions;
use super::sides::{ShownSides, sides, three_sides};
use super::{Paint, StyledLine, TextPage};
use crate::model::{
    ChangeCause, ChangeKind, FieldPath, JudgedChange, ObjectReport, PathElement, Verdict,
};
use crate::output::{view, words};

/// Paths are padded to one column up to this width, so that values are aligned.
const WIDEST_PATH: usize = 52;

/// Notes are put next to values in one column up to this one, else below.
const LAST_REMARK_COLUMN: usize = 84;

/// A shared prefix of paths that is shorter than this does not get its own line.
const SHORTEST_SHARED: usize = 12;

/// Changes under a shared prefix of their paths.
struct PrefixGroup<'r> {
    /// How many elements they share; 0 for a single change.
    shared: usize,
    drifts: Vec<&'r JudgedChange>,
}

/// Renders the changes of an object, except those that are shown once for many objects.
pub(super) fn render_all(
    page: &mut TextPage<'_>,
    object: &ObjectReport,
    carried: &CommonAdditions<'_>,
) -> io::Result<()> {
    let mut drifts = view::worst_first(object, page.options.show);
    drifts.retain(|drift| carried.carriers(object, drift).is_none());
    let gutter = Gutter::of(&drifts, page.options.width);
    for group in groups(&drifts) {
        if let (1.., Some(first)) = (group.shared, group.drifts.first()) {
            let shared = FieldPath(first.change.path.0[..group.shared].to_vec());
            let path = StyledLine::of(Paint::Path, &shared.to_string());
            for part in path.wrap(page.options.width.saturating_sub(gutter.width)) {
                let mut line = gutter.empty();
                page.line(line.append(part))?;
            }
        }
        render_group(page, &gutter, &group)?;
    }
    Ok(())
}

fn render_group(
    page: &mut TextPage<'_>,
    gutter: &Gutter,
    group: &PrefixGroup<'_>,
) -> io::Result<()> {
    let mut rows: Vec<ChangeRow<'_>> = group
        .drifts
        .iter()
        .map(|drift| ChangeRow {
            gutter,
            indent: if group.shared > 0 { 2 } else { 0 },
            path: StyledLine::of(Paint::Path, &tail(drift, group.shared)),
            sides: match drift.is_conflict() {
                true => three_sides(drift, page.options),
                false => sides(&view::shown(drift), page.options),
            },
            drift,
            values_at: 0,
            remarks_at: None,
        })
        .collect();
    let paths = rows.iter().map(|row| row.path.width());
    let values_at = paths.filter(|width| *width <= WIDEST_PATH).max();
    for row in &mut rows {
        row.values_at = row.start() + values_at.unwrap_or(0) + 2;
    }
    let ends = rows.iter().filter_map(|row| row.end(page.options.width));
    let remarks_at = ends.filter(|end| end + 3 <= LAST_REMARK_COLUMN).max();
    for mut row in rows {
        row.remarks_at = remarks_at.map(|end| end + 3);
        row.render(page)?;
    }
    Ok(())
}

/// Returns the part of a change's path that its group does not share.
fn tail(drift: &JudgedChange, shared: usize) -> String {
    let path = &drift.change.path;
    if path.0.is_empty() {
        return "(the whole object)".to_owned();
    }
    FieldPath(path.0[shared..].to_vec()).to_string()
}

/// Groups adjacent changes whose paths share a list item, or else a parent.
fn groups<'r>(drifts: &[&'r JudgedChange]) -> Vec<PrefixGroup<'r>> {
    let mut groups: Vec<PrefixGroup<'r>> = Vec::new();
    let mut rest = drifts;
    while let Some((first, later)) = rest.split_first() {
        let shared = container(&first.change.path);
        let prefix = &first.change.path.0[..shared];
        // Elements of a group are counted only when it is formed, so that each is looked at once.
        let long_enough =
            shared > 0 && FieldPath(prefix.to_vec()).to_string().len() >= SHORTEST_SHARED;
        let is_alike = |drift: &&&JudgedChange| {
            drift.change.path.0.len() > shared && drift.change.path.0.starts_with(prefix)
        };
        let taken = match long_enough {
            true => later.iter().take_while(is_alike).count(),
            false => 0,
        };
        let (group, others) = rest.split_at(1 + taken);
        groups.push(PrefixGroup {
            shared: if taken > 0 { shared } else { 0 },
            drifts: group.to_vec(),
        });
        rest = others;
    }
    groups
}

/// Returns how many elements lead to what contains a path: its last list item, or else its parent.
fn container(path: &FieldPath) -> usize {
    let parents = path.0.len().saturating_sub(1);
    path.0[..parents]
        .iter()
        .rposition(|segment| !matches!(segment, PathElement::Field(_)))
        .map_or(parents, |at| at + 1)
}

/// Line numbers of the manifest, and the bar next to them.
struct Gutter {
    digits: usize,
    width: usize,
}

impl Gutter {
    fn of(drifts: &[&JudgedChange], columns: usize) -> Self {
        let last = drifts.iter().filter_map(|drift| drift.position).max();
        let digits = last.map_or(0, |position| position.line.to_string().len());
        // A narrow page has no room for a margin.
        let digits = if columns < 60 { digits } else { digits.max(4) };
        Self {
            digits,
            width: digits + 3,
        }
    }

    fn at(&self, drift: &JudgedChange) -> StyledLine {
        let number = drift.position.map(|position| position.line.to_string());
        let number = number.unwrap_or_default();
        let blanks = " ".repeat(self.digits.saturating_sub(number.len()));
        StyledLine::of(Paint::Dim, &format!("{blanks}{number} │ "))
    }

    fn empty(&self) -> StyledLine {
        StyledLine::of(Paint::Dim, &format!("{} │ ", " ".repeat(self.digits)))
    }
}

/// One change on the page.
struct ChangeRow<'r> {
    gutter: &'r Gutter,
    indent: usize,
    path: StyledLine,
    sides: ShownSides,
    drift: &'r JudgedChange,
    /// The column of the values of the group, if they fit there.
    values_at: usize,
    /// The column of its notes, if they fit next to the values.
    remarks_at: Option<usize>,
}

impl ChangeRow<'_> {
    /// Returns the column of the path.
    fn start(&self) -> usize {
        self.gutter.width + self.indent + 2
    }

    /// Returns the column of a value that fits next to the path.
    fn value_column(&self, value: &StyledLine, columns: usize) -> Option<usize> {
        let close = self.start() + self.path.width() + 2;
        [self.values_at.max(close), close]
            .into_iter()
            .find(|column| column + value.width() <= columns)
    }

    /// Returns the column at which the row ends, if it is one line.
    fn end(&self, columns: usize) -> Option<usize> {
        match &self.sides {
            ShownSides::Short(value) => Some(self.value_column(value, columns)? + value.width()),
            ShownSides::Long(_) => None,
        }
    }

    fn render(&self, page: &mut TextPage<'_>) -> io::Result<()> {
        let first = self.first();
        let mut remarks = self.remarks(page);
        match &self.sides {
            ShownSides::Short(value) => match self.value_column(value, page.options.width) {
                Some(column) => {
                    let mut line = first;
                    line.append(self.path.clone())
                        .pad_to(column)
                        .append(value.clone());
                    self.add_remark(&mut line, &mut remarks, page.options.width);
                    page.line(&line)?;
                }
                None => {
                    self.long(page, &first)?;
                    self.below(page, 2, value.clone())?;
                }
            },
            ShownSides::Long(lines) => {
                self.long(page, &first)?;
                for line in lines {
                    self.below(page, 0, line.clone())?;
                }
            }
        }
        for remark in remarks {
            self.below(page, 0, remark)?;
        }
        Ok(())
    }

    /// Writes the gutter and the sign.
    fn first(&self) -> StyledLine {
        let (sign, paint) = match view::shown(self.drift).kind {
            _ if self.drift.is_conflict() => ("! ", Paint::Alarm),
            ChangeKind::Modified => ("~ ", Paint::Drift),
            ChangeKind::Removed => ("- ", Paint::Declared),
            ChangeKind::Added => ("+ ", Paint::Live),
        };
        let paint = if self.drift.is_reported() {
            paint
        } else {
            Paint::Dim
        };
        let mut first = self.gutter.at(self.drift);
        first
            .push(Paint::Plain, &" ".repeat(self.indent))
            .push(paint, sign);
        first
    }

    /// Writes the first note on the line of the value if it fits there.
    fn add_remark(&self, line: &mut StyledLine, remarks: &mut Vec<StyledLine>, columns: usize) {
        let (Some(column), Some(remark)) = (self.remarks_at, remarks.first()) else {
            return;
        };
        if line.width() + 3 <= column && column + remark.width() <= columns {
            line.pad_to(column).append(remarks.remove(0));
        }
    }

    /// Writes the path on its own lines.
    fn long(&self, page: &mut TextPage<'_>, first: &StyledLine) -> io::Result<()> {
        let start = self.start();
        let columns = page.options.width.saturating_sub(start);
        for (i, part) in self.path.clone().wrap(columns).into_iter().enumerate() {
            let mut line = if i == 0 {
                first.clone()
            } else {
                self.gutter.empty()
            };
            line.pad_to(start).append(part);
            page.line(&line)?;
        }
        Ok(())
    }

    /// Starts a line below the path, next to the gutter.
    fn below(&self, page: &mut TextPage<'_>, more: usize, text: StyledLine) -> io::Result<()> {
        let indent = self.start() + more;
        let columns = page.options.width.saturating_sub(indent);
        for part in text.wrap(columns) {
            let mut line = self.gutter.empty();
            line.pad_to(indent).append(part);
            page.line(&line)?;
        }
        Ok(())
    }

    /// Returns the notes about the change: severity, author, reason, and others.
    fn remarks(&self, page: &TextPage<'_>) -> Vec<StyledLine> {
        let drift = self.drift;
        let mut about = StyledLine::default();
        match drift.verdict() {
            Verdict::Reported => {
                if let Some(merge) = &drift.merge {
                    about
                        .push(Paint::of_class(merge.class), words::class(merge.class))
                        .push(Paint::Dim, " · ");
                }
                let severity = drift.severity;
                about.push(Paint::of_severity(severity), severity.as_str());
            }
            Verdict::Ignored { rule, reason } => {
                about.push(Paint::Note, &words::hidden_by(rule, reason));
            }
            Verdict::Explained { by, rule } => {
                about.push(Paint::Note, by.as_str());
                if let Some(rule) = rule {
                    about.push(Paint::Note, &format!(" by {rule}"));
                }
            }
        }
        if let Some(cause) = drift.cause {
            about
                .push(Paint::Dim, " · ")
                .push(Paint::Note, cause.as_str());
        }
        if drift.is_conflict() {
            let overwritten = words::overwritten(drift, page.options.now);
            about.push(Paint::Dim, " · ").push(Paint::Bad, &overwritten);
        } else if let Some(owners) = words::owners(&drift.owners, page.options.now) {
            about.push(Paint::Dim, " · ").push(Paint::Dim, &owners);
        }
        let mut remarks = vec![about];
        if let Some(blame) = &drift.blame {
            remarks.push(StyledLine::of(Paint::Dim, &words::blame(blame)));
        }
        // If no change has a known author, that is reported once for the run.
        if let Some(cause) = drift
            .cause
            .filter(|cause| *cause != ChangeCause::Unattributed)
        {
            remarks.push(StyledLine::of(Paint::Note, cause.meaning()));
        }
        if let Some(note) = &drift.note {
            remarks.push(StyledLine::of(Paint::Note, note));
        }
        remarks
    }
}
