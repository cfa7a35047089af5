//! Compares two texts line by line, and marks the changed words.

use similar::{Algorithm, ChangeTag, DiffOp, InlineChangeOptions, TextDiff};

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 3;

/// The length limit of lines that are compared by words, in bytes: a line of 60,000 words takes
/// half a second.
const LONGEST_INLINE: usize = 2_000;

/// In longer lines, only the differing middle is compared by words, up to this length in bytes.
const LONGEST_MIDDLE: usize = 16_000;

/// The limit on lines per group that are compared by words.
const MOST_INLINE: usize = 60;

/// The side of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HunkSide {
    /// Both have it.
    Both,
    /// Only the declared one has it.
    Declared,
    /// Only the live one has it.
    Live,
}

impl HunkSide {
    /// Returns the sign in front of the line.
    pub fn sign(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Declared => '-',
            Self::Live => '+',
        }
    }
}

/// A line in pieces, each with whether its words changed.
type LinePieces = Vec<(bool, String)>;

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// Its side.
    pub side: HunkSide,
    /// Its text without the line feed, in pieces, each with whether its words changed.
    pub pieces: Vec<(bool, String)>,
    /// Whether the text ends here without a line feed.
    pub unterminated: bool,
}

/// How many characters of an unchanged stretch of a long line are shown around a change.
const AROUND: usize = 60;

impl HunkLine {
    /// Returns the line with its long unchanged stretches cut if it is longer than `most`
    /// characters.
    #[must_use]
    pub fn cut(&self, most: usize) -> Self {
        let total: usize = self.pieces.iter().map(|(_, text)| text.len()).sum();
        if total <= most {
            return self.clone();
        }
        let last = self.pieces.len().saturating_sub(1);
        let pieces = self.pieces.iter().enumerate().map(|(i, (changed, text))| {
            // Changed parts show their beginning and end, where the two sides differ.
            let text = around(text, !changed && i == 0, !changed && i == last);
            (*changed, text)
        });
        Self {
            pieces: pieces.collect(),
            ..*self
        }
    }
}

/// Returns the ends of a stretch, or the one end that is next to a change.
fn around(text: &str, first: bool, last: bool) -> String {
    let total = text.chars().count();
    if total <= 3 * AROUND {
        return text.to_owned();
    }
    let head: String = text.chars().take(AROUND).collect();
    let tail: String = text.chars().skip(total - AROUND).collect();
    match (first, last) {
        (true, false) => format!("…{tail}"),
        (false, true) => format!("{head}…"),
        _ => format!("{head}…{tail}"),
    }
}

/// Lines that belong together, and where they start on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Counted from 1; 0 if the side has no line in the hunk.
    pub declared_start: usize,
    /// How many lines of the declared side.
    pub declared_len: usize,
    /// Counted from 1; 0 if the side has no line in the hunk.
    pub live_start: usize,
    /// How many lines of the live side.
    pub live_len: usize,
    /// The lines.
    pub lines: Vec<HunkLine>,
}

impl Hunk {
    /// Returns `@@ -1,4 +1,5 @@`.
    pub fn header(&self) -> String {
        let range = |start: usize, len: usize| match len {
            1 => start.to_string(),
            len => format!("{start},{len}"),
        };
        format!(
            "@@ -{} +{} @@",
            range(self.declared_start, self.declared_len),
            range(self.live_start, self.live_len)
        )
    }
}

/// Compares two texts line by line.
pub fn hunks(declared: &str, live: &str) -> Vec<Hunk> {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .diff_lines(declared, live);
    diff.grouped_ops(CONTEXT)
        .iter()
        .map(|ops| hunk(&diff, ops))
        .collect()
}

fn hunk(diff: &TextDiff<'_, '_, str>, ops: &[DiffOp]) -> Hunk {
    let span = |range: fn(&DiffOp) -> std::ops::Range<usize>| {
        let start = ops.first().map_or(0, |op| range(op).start);
        let end = ops.last().map_or(0, |op| range(op).end);
        let len = end - start;
        (if len == 0 { start } else { start + 1 }, len)
    };
    let (declared_start, declared_len) = span(DiffOp::old_range);
    let (live_start, live_len) = span(DiffOp::new_range);
    Hunk {
        declared_start,
        declared_len,
        live_start,
        live_len,
        lines: ops.iter().flat_map(|op| lines(diff, op)).collect(),
    }
}

fn lines(diff: &TextDiff<'_, '_, str>, op: &DiffOp) -> Vec<HunkLine> {
    let replaced = matches!(op, DiffOp::Replace { .. });
    let few = op.old_range().len() + op.new_range().len() <= MOST_INLINE;
    let short = || {
        diff.iter_changes(op)
            .all(|change| change.value().len() <= LONGEST_INLINE)
    };
    if replaced && few && short() {
        let mut options = InlineChangeOptions::new();
        options.min_ratio(0.3).semantic_cleanup(true);
        diff.iter_inline_changes_with_options(op, options)
            .map(|change| {
                let pieces = change
                    .iter_strings_lossy()
                    .map(|(changed, text)| (changed, text.into_owned()))
                    .collect();
                line(change.tag(), pieces)
            })
            .collect()
    } else {
        let mut lines: Vec<HunkLine> = diff
            .iter_changes(op)
            .map(|change| line(change.tag(), vec![(false, change.value().to_owned())]))
            .collect();
        if replaced {
            mark_pairs(&mut lines, op.old_range().len());
        }
        lines
    }
}

/// Marks differences in lines that are too long to compare by words: compares each with the line
/// that replaces it.
fn mark_pairs(lines: &mut [HunkLine], removed: usize) {
    let (ours, theirs) = lines.split_at_mut(removed);
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        let ([(_, a)], [(_, b)]) = (&ours.pieces[..], &theirs.pieces[..]) else {
            continue;
        };
        let (a, b) = split_difference(a, b);
        (ours.pieces, theirs.pieces) = (a, b);
    }
}

/// Returns two lines in pieces: the shared ends, and the differing middle.
fn split_difference(a: &str, b: &str) -> (LinePieces, LinePieces) {
    let start: usize = a
        .chars()
        .zip(b.chars())
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let end: usize = a[start..]
        .chars()
        .rev()
        .zip(b[start..].chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let middle = |line: &'_ str| line[start..line.len() - end].to_owned();
    let (ours, theirs) = (middle(a), middle(b));
    let mut pieces = (
        vec![(false, a[..start].to_owned())],
        vec![(false, b[..start].to_owned())],
    );
    if ours.len().max(theirs.len()) <= LONGEST_MIDDLE {
        let diff = TextDiff::from_words(ours.as_str(), theirs.as_str());
        for change in diff.iter_all_changes() {
            let text = change.value();
            match change.tag() {
                ChangeTag::Equal => {
                    push(&mut pieces.0, false, text);
                    push(&mut pieces.1, false, text);
                }
                ChangeTag::Delete => push(&mut pieces.0, true, text),
                ChangeTag::Insert => push(&mut pieces.1, true, text),
            }
        }
    } else {
        push(&mut pieces.0, true, &ours);
        push(&mut pieces.1, true, &theirs);
    }
    push(&mut pieces.0, false, &a[a.len() - end..]);
    push(&mut pieces.1, false, &b[b.len() - end..]);
    pieces.0.retain(|(_, text)| !text.is_empty());
    pieces.1.retain(|(_, text)| !text.is_empty());
    pieces
}

/// Adds to the last piece if that is of the same kind.
fn push(pieces: &mut LinePieces, changed: bool, text: &str) {
    match pieces.last_mut() {
        Some((kind, last)) if *kind == changed => last.push_str(text),
        _ => pieces.push((changed, text.to_owned())),
    }
}

fn line(tag: ChangeTag, mut pieces: Vec<(bool, String)>) -> HunkLine {
    let terminated = pieces.last().is_some_and(|(_, text)| text.ends_with('\n'));
    if let (true, Some((_, last))) = (terminated, pieces.last_mut()) {
        last.pop();
    }
    pieces.retain(|(_, text)| !text.is_empty());
    HunkLine {
        side: match tag {
            ChangeTag::Equal => HunkSide::Both,
            ChangeTag::Delete => HunkSide::Declared,
            ChangeTag::Insert => HunkSide::Live,
        },
        pieces,
        unterminated: !terminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(declared: &str, live: &str) -> String {
        let mut out = String::new();
        for hunk in hunks(declared, live) {
            out.push_str(&hunk.header());
            out.push('\n');
            for line in hunk.lines {
                out.push(line.side.sign());
                for (changed, text) in line.pieces {
                    out.push_str(&if changed { format!("<{text}>") } else { text });
                }
                out.push_str(if line.unterminated { "$\n" } else { "\n" });
            }
        }
        out
    }

    #[test]
    fn marks_changed_words() {
        insta::assert_snapshot!(show("a\nlog level info\nb\n", "a\nlog level debug\nb\n"), @r"
        @@ -1,3 +1,3 @@
         a
        -log level <info>
        +log level <debug>
         b
        ");
    }

    #[test]
    fn shows_a_few_lines_around_a_change() {
        let text: String = (1..=20).map(|i| format!("{i}\n")).collect();
        insta::assert_snapshot!(show(&text, &text.replace("10\n", "")), @r"
        @@ -7,7 +7,6 @@
         7
         8
         9
        -10
         11
         12
         13
        ");
    }

    #[test]
    fn shows_a_missing_line_feed_at_the_end() {
        insta::assert_snapshot!(show("a\nb\n", "a\nb"), @r"
        @@ -1,2 +1,2 @@
         a
        -b
        +b$
        ");
    }

    #[test]
    fn an_empty_side_starts_at_line_0() {
        assert_eq!(hunks("", "a\n")[0].header(), "@@ -0,0 +1 @@");
    }

    #[test]
    fn compares_only_the_differing_part_of_very_long_lines() {
        let long: String = (0..20_000).map(|i| format!("word{i} ")).collect();
        let other = long.replace("word9999 ", "word-REWIRED ");
        let hunks = hunks(&long, &other);
        let changed = |line: &HunkLine| {
            let pieces = line.pieces.iter().filter(|(changed, _)| *changed);
            pieces.map(|(_, text)| text.clone()).collect::<Vec<_>>()
        };
        let lines: Vec<_> = hunks[0].lines.iter().map(changed).collect();
        assert_eq!(lines, [["9999"], ["-REWIRED"]]);
        assert!(hunks[0].lines.iter().all(|line| line.pieces.len() == 3));
    }
}
