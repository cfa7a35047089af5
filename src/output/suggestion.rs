//! Edits of files for the review of a pull request: blocks that GitHub can commit with a click
//! where the pull request's diff shows their lines, and small diffs elsewhere.

use std::io::{self, Write};
use std::ops::Range;

use serde_json::{Value, json};
use similar::{DiffTag, TextDiff};

use super::markdown::{code, fence};
use super::{differ, json_text, patch_text, words};
use crate::model::{ChangeKind, Plan, PlanChange, PlanStep};

/// The length limit of a value, in characters.
const LONGEST_VALUE: usize = 120;

/// The limit on listed changes.
const MOST_CHANGES: usize = 100;

/// One edited file.
#[derive(Debug)]
pub struct FileEdit<'f> {
    /// Its path from the root of the repository.
    pub name: String,
    /// The original text.
    pub before: &'f str,
    /// The text with the changes.
    pub after: &'f str,
    /// How many lines around a change may be shown.
    pub context: usize,
    /// The lines that the pull request's diff shows, counted from 1.
    pub in_diff: Vec<Range<usize>>,
}

/// A range of lines that an edit replaces.
#[derive(Debug, PartialEq, Eq)]
struct LineRange {
    /// The replaced lines, counted from 1. There is always at least one: new lines replace the line
    /// before them together with it.
    lines: Range<usize>,
    /// The new lines.
    text: Vec<String>,
}

/// Writes the edits as Markdown.
///
/// # Errors
/// Only those of `out`.
pub fn suggestions_markdown(
    plan: &Plan,
    files: &[FileEdit<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{}", summary(plan))?;
    for file in files {
        let (offered, others) = split(file);
        for block in &offered {
            write!(out, "\n{} {}\n\n", code(&file.name), place(&block.lines))?;
            writeln!(out, "{}", suggestion(block))?;
        }
        if !others.is_empty() {
            write!(out, "\n{}", as_diff(file, &others)?)?;
        }
    }
    write!(out, "{}", left_alone(plan))
}

/// Writes the edits as a review: the body of a request to
/// `POST /repos/OWNER/NAME/pulls/NUMBER/reviews`.
///
/// # Errors
/// Only those of `out`.
pub fn review_json(plan: &Plan, files: &[FileEdit<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut body = summary(plan);
    let mut comments = Vec::new();
    for file in files {
        let (offered, others) = split(file);
        comments.extend(offered.iter().map(|block| comment(plan, file, block)));
        if !others.is_empty() {
            body.push('\n');
            body.push_str(&as_diff(file, &others)?);
        }
    }
    body.push_str(&left_alone(plan));
    let review = json!({"event": "COMMENT", "body": body, "comments": comments});
    json_text::write(out, &review)
}

fn comment(plan: &Plan, file: &FileEdit<'_>, block: &LineRange) -> Value {
    let about = about(plan, file, block);
    let last = block.lines.end - 1;
    let mut comment = json!({
        "path": file.name,
        "side": "RIGHT",
        "line": last,
        "body": format!("{about}{}", suggestion(block)),
    });
    if block.lines.start < last {
        comment["start_line"] = block.lines.start.into();
        comment["start_side"] = "RIGHT".into();
    }
    comment
}

/// Returns the changes that are declared in the lines of a block, if known.
fn about(plan: &Plan, file: &FileEdit<'_>, block: &LineRange) -> String {
    let of_file = plan.steps.iter().filter(|step| {
        let origin = step.origin.as_ref();
        origin.is_some_and(|origin| {
            origin.rendered_by.is_none() && file.name.ends_with(name(&origin.file))
        })
    });
    let lines = of_file.flat_map(|step| {
        let here = step.changes.iter().filter(|change| {
            let line = change.position.map(|position| position.line);
            line.is_some_and(|line| block.lines.contains(&line))
        });
        here.map(move |change| listed(step, change))
    });
    let lines: Vec<String> = lines.take(MOST_CHANGES).collect();
    match lines.is_empty() {
        true => "This is live:\n\n".to_owned(),
        false => format!("This is live:\n\n{}\n", lines.concat()),
    }
}

fn name(file: &str) -> &str {
    file.trim_start_matches("./")
}

fn summary(plan: &Plan) -> String {
    let taken: usize = plan.steps.iter().map(PlanStep::weight).sum();
    let all = taken + plan.refused.len();
    let mut text = match all {
        0 => "### driftctl: nothing to backport\n".to_owned(),
        _ => format!(
            "### driftctl: {taken} of {} can be declared here\n",
            words::count(all, "live change")
        ),
    };
    let lines = plan
        .steps
        .iter()
        .flat_map(|step| step.changes.iter().map(move |change| listed(step, change)));
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        text.push('\n');
    }
    text.extend(lines.iter().take(MOST_CHANGES).cloned());
    if let Some(more) = lines
        .len()
        .checked_sub(MOST_CHANGES)
        .filter(|more| *more > 0)
    {
        text.push_str(&format!("- {more} more\n"));
    }
    text
}

/// Returns `- Deployment shop/cart .spec.replicas 2 → 7, by bob with kubectl-edit`.
fn listed(step: &PlanStep, change: &PlanChange) -> String {
    let value = |value: &Option<Value>| match value {
        Some(value) => differ::flow(value, LONGEST_VALUE),
        None => "unset".to_owned(),
    };
    let what = match change.kind {
        ChangeKind::Modified => format!("{} → {}", value(&change.from), value(&change.to)),
        ChangeKind::Added => format!("added {}", value(&change.to)),
        ChangeKind::Removed => format!("removed {}", value(&change.from)),
    };
    let who = words::owners(&change.owners, None);
    let who = who
        .map(|who| format!(", {}", code(&who)))
        .unwrap_or_default();
    let (object, path) = (step.key.to_string(), change.path.to_string());
    format!(
        "- {} {}: {}{who}\n",
        code(&object),
        code(&path),
        code(&what)
    )
}

fn left_alone(plan: &Plan) -> String {
    if plan.refused.is_empty() {
        return String::new();
    }
    let lines = plan.refused.iter().take(MOST_CHANGES).map(|refused| {
        let path = match refused.path.0.is_empty() {
            true => String::new(),
            false => format!(" {}", code(&refused.path.to_string())),
        };
        let (object, why) = (code(&refused.key.to_string()), code(&refused.message));
        format!("- {object}{path}: {why}\n")
    });
    let lines: String = lines.collect();
    let more = match plan.refused.len().checked_sub(MOST_CHANGES) {
        Some(more) if more > 0 => format!("- {more} more\n"),
        _ => String::new(),
    };
    format!("\nLeft alone:\n\n{lines}{more}")
}

fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        1 => format!("line {}", lines.start),
        _ => format!("lines {} to {}", lines.start, lines.end - 1),
    }
}

/// Returns a block that GitHub offers to commit.
fn suggestion(block: &LineRange) -> String {
    let fence = fence(&block.text);
    let lines: String = block.text.iter().map(|line| format!("{line}\n")).collect();
    format!("{fence}suggestion\n{lines}{fence}")
}

/// Returns the blocks that the pull request's diff shows, and the others.
fn split(file: &FileEdit<'_>) -> (Vec<LineRange>, Vec<LineRange>) {
    let all = blocks(file.before, file.after).into_iter();
    all.partition(|block| {
        let mut shown = file.in_diff.iter();
        shown.any(|shown| shown.start <= block.lines.start && block.lines.end <= shown.end)
    })
}

/// Returns the ranges of lines in which two texts differ.
fn blocks(before: &str, after: &str) -> Vec<LineRange> {
    let diff = TextDiff::from_lines(before, after);
    let mut ranges: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
        let (old, new) = (op.old_range(), op.new_range());
        match ranges.last_mut() {
            Some((last, into)) if last.end == old.start && into.end == new.start => {
                (last.end, into.end) = (old.end, new.end);
            }
            _ => ranges.push((old, new)),
        }
    }
    let lines: Vec<&str> = after.lines().collect();
    let blocks = ranges.into_iter().map(|(mut old, mut new)| {
        if old.is_empty() {
            // A comment needs an existing line: the one before the new lines, or at the top the one
            // after them.
            match old.start.checked_sub(1) {
                Some(start) => (old.start, new.start) = (start, new.start.saturating_sub(1)),
                None => (old.end, new.end) = (old.end + 1, new.end + 1),
            }
        }
        let text = lines.get(new).unwrap_or_default().iter();
        LineRange {
            lines: old.start + 1..old.end + 1,
            text: text.map(|line| (*line).to_owned()).collect(),
        }
    });
    blocks.collect()
}

/// Returns the edits of a file that cannot be suggested, as a diff.
fn as_diff(file: &FileEdit<'_>, blocks: &[LineRange]) -> io::Result<String> {
    let lines: Vec<&str> = file.before.split_inclusive('\n').collect();
    let mut text = String::new();
    let mut at = 0;
    for block in blocks {
        let (start, end) = (block.lines.start - 1, block.lines.end - 1);
        text.push_str(&lines.get(at..start).unwrap_or_default().concat());
        let newline = if file.before.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        for line in &block.text {
            text.push_str(line);
            text.push_str(newline);
        }
        at = end;
    }
    text.push_str(&lines.get(at..).unwrap_or_default().concat());
    let mut patch = Vec::new();
    patch_text(&file.name, file.before, &text, file.context, &mut patch)?;
    let patch = String::from_utf8_lossy(&patch).replace('\r', "");
    let fence = fence(&patch.lines().map(str::to_owned).collect::<Vec<_>>());
    Ok(format!(
        "{} is not in the pull request's diff there:\n\n{fence}diff\n{}\n{fence}\n",
        code(&file.name),
        patch.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, ReportTarget};

    fn block(lines: Range<usize>, text: &[&str]) -> LineRange {
        let text = text.iter().map(|line| (*line).to_owned()).collect();
        LineRange { lines, text }
    }

    #[test]
    fn a_block_replaces_the_differing_lines() {
        assert_eq!(
            blocks("a\nb\nc\n", "a\nB\nB2\nc\n"),
            [block(2..3, &["B", "B2"])]
        );
        assert_eq!(blocks("a\nb\nc\n", "a\nc\n"), [block(2..3, &[])]);
    }

    #[test]
    fn new_lines_replace_the_line_before_them_too() {
        assert_eq!(blocks("a\nb\n", "a\nx\nb\n"), [block(1..2, &["a", "x"])]);
        assert_eq!(blocks("a\nb\n", "x\na\nb\n"), [block(1..2, &["x", "a"])]);
        assert_eq!(blocks("a\r\nb", "a\r\nb\r\nc"), [block(2..3, &["b", "c"])]);
    }

    #[test]
    fn fences_are_longer_than_those_in_a_suggestion() {
        let text = suggestion(&block(1..2, &["x: |", "  ```", "  @everyone"]));
        assert_eq!(text, "````suggestion\nx: |\n  ```\n  @everyone\n````");
    }

    #[test]
    fn suggests_only_lines_that_the_diff_shows() {
        let file = FileEdit {
            name: "a.yaml".to_owned(),
            before: "a\nb\nc\nd\n",
            after: "A\nb\nc\nD\n",
            context: 0,
            in_diff: std::iter::once(3..5).collect(),
        };
        let plan = Plan::new(Action::Backport, ReportTarget::default());
        let mut out = Vec::new();
        suggestions_markdown(&plan, &[file], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("line 4\n\n```suggestion\nD\n```"), "{text}");
        assert!(text.contains("-a\n+A\n"), "{text}");
        assert!(!text.contains("+D"), "{text}");
    }
}
