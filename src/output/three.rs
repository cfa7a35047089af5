//! Compares three versions of a text (base, branch and live): shows only the lines that are not the
//! same in all three.

use serde_json::Value;
use similar::{Algorithm, DiffOp, TextDiff};

use super::differ::cut_all_around;
use super::{words, yaml_text};

/// How many lines of one side of a region are shown.
const MOST_LINES: usize = 8;

/// A region of a text in which its three sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreeWayRegion {
    /// The line of the base where it starts, counted from 1.
    pub line: usize,
    /// Equal sides together, by name, with their lines.
    pub sides: Vec<(Vec<&'static str>, Vec<String>)>,
}

impl ThreeWayRegion {
    /// Returns `line 121: base, branch v120 · live "live"`.
    pub fn in_words(&self) -> String {
        let sides = self.sides.iter().map(|(names, lines)| {
            let text = match &lines[..] {
                [] => "nothing".to_owned(),
                [only] => yaml_text::scalar(&Value::from(only.as_str())),
                [first, rest @ ..] => format!(
                    "{} and {}",
                    yaml_text::scalar(&Value::from(first.as_str())),
                    words::count(rest.len(), "more line")
                ),
            };
            format!("{} {text}", names.join(", "))
        });
        let sides: Vec<String> = sides.collect();
        format!("line {}: {}", self.line, sides.join(" · "))
    }
}

/// Returns the regions of a multi-line text, `None` for any other value. A line is cut to about
/// `most` characters around the difference.
pub fn regions(
    base: Option<&Value>,
    branch: Option<&Value>,
    live: Option<&Value>,
    most: usize,
) -> Option<Vec<ThreeWayRegion>> {
    let texts = [base?.as_str()?, branch?.as_str()?, live?.as_str()?];
    if !texts.iter().any(|text| text.contains('\n')) {
        return None;
    }
    let [base, branch, live] = texts;
    let of_branch = LineMapping::of(base, branch);
    let of_live = LineMapping::of(base, live);
    let lines = texts.map(|text| text.lines().collect::<Vec<_>>());
    let mut spans: Vec<(usize, usize)> = of_branch.changed().chain(of_live.changed()).collect();
    spans.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in spans {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    let regions = merged.into_iter().map(|(start, end)| {
        let ours = (start, end);
        let ranges = [ours, of_branch.range(start, end), of_live.range(start, end)];
        let sides = [0, 1, 2].map(|at| {
            let (from, to) = ranges[at];
            lines[at].get(from..to).unwrap_or_default()
        });
        ThreeWayRegion {
            line: start + 1,
            sides: grouped(sides, most),
        }
    });
    Some(regions.collect())
}

/// Groups equal sides.
fn grouped(sides: [&[&str]; 3], most: usize) -> Vec<(Vec<&'static str>, Vec<String>)> {
    let mut groups: Vec<(Vec<&'static str>, &[&str])> = Vec::new();
    for (name, lines) in ["base", "branch", "live"].into_iter().zip(sides) {
        match groups.iter_mut().find(|(_, known)| *known == lines) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], lines)),
        }
    }
    let single: Vec<&str> = groups
        .iter()
        .filter_map(|(_, lines)| match lines {
            [only] => Some(*only),
            _ => None,
        })
        .collect();
    let cut = (single.len() == groups.len()).then(|| cut_all_around(&single, most));
    let groups = groups.into_iter().enumerate().map(|(at, (names, lines))| {
        let shown = match &cut {
            Some(cut) => vec![cut[at].clone()],
            None => {
                let kept = lines.iter().take(MOST_LINES);
                let mut kept: Vec<String> = kept.map(|line| (*line).to_owned()).collect();
                if lines.len() > MOST_LINES {
                    kept.push(format!("… {} more lines", lines.len() - MOST_LINES));
                }
                kept
            }
        };
        (names, shown)
    });
    groups.collect()
}

/// The lines of one text that correspond to lines of another.
struct LineMapping(Vec<DiffOp>);

impl LineMapping {
    fn of(base: &str, other: &str) -> Self {
        let diff = TextDiff::configure()
            .algorithm(Algorithm::Patience)
            .diff_lines(base, other);
        Self(diff.ops().to_vec())
    }

    /// Returns the lines of the base that are not in the other text, and the positions of lines
    /// that only the other text has.
    fn changed(&self) -> impl Iterator<Item = (usize, usize)> {
        let changed = self
            .0
            .iter()
            .filter(|op| !matches!(op, DiffOp::Equal { .. }));
        changed.map(|op| (op.old_range().start, op.old_range().end))
    }

    /// Returns the range that a range of the base became. Its ends are outside changes, or at their
    /// boundary.
    fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let at = |position: usize, first: bool| {
            let mut found = None;
            for op in &self.0 {
                let (old, new) = (op.old_range(), op.new_range());
                if position < old.start || position > old.end {
                    continue;
                }
                let is_equal = matches!(op, DiffOp::Equal { .. });
                let here = match (is_equal, position == old.end && !first) {
                    (true, _) => new.start + (position - old.start),
                    (false, true) => new.end,
                    (false, false) if position == old.start => new.start,
                    (false, false) => new.end,
                };
                found = Some(match (found, first) {
                    (None, _) => here,
                    (Some(known), true) => usize::min(known, here),
                    (Some(known), false) => usize::max(known, here),
                });
            }
            found.unwrap_or(position)
        };
        (at(start, true), at(end, false))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn show(base: &str, branch: &str, live: &str) -> String {
        let [base, branch, live] = [base, branch, live].map(|text| json!(text));
        let found = regions(Some(&base), Some(&branch), Some(&live), 40).unwrap();
        let mut out = String::new();
        for region in found {
            out.push_str(&format!("line {}\n", region.line));
            for (names, lines) in region.sides {
                out.push_str(&format!("  {}: {}\n", names.join(","), lines.join("|")));
            }
        }
        out
    }

    #[test]
    fn returns_only_lines_that_differ_between_the_sides() {
        let base: String = (0..150).map(|i| format!("key{i}=v{i}\n")).collect();
        let branch = base.replace("key10=v10\n", "key10=branch\n");
        let live = base.replace("key120=v120\n", "key120=live\n");
        assert_eq!(
            show(&base, &branch, &live),
            "line 11\n  base,live: key10=v10\n  branch: key10=branch\n\
             line 121\n  base,branch: key120=v120\n  live: key120=live\n"
        );
    }

    #[test]
    fn joins_overlapping_changes_and_locates_additions() {
        assert_eq!(
            show("a\nb\nc\n", "a\nB\nc\n", "a\nbb\nc\nd\n"),
            "line 2\n  base: b\n  branch: B\n  live: bb\nline 4\n  base,branch: \n  live: d\n"
        );
    }
}
