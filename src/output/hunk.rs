//! Two texts, line by line, with the words that changed.

use similar::{Algorithm, ChangeTag, DiffOp, InlineChangeOptions, TextDiff};

/// Lines of unchanged text around a change.
const CONTEXT: usize = 3;

/// Words are compared only within lines up to this length, in bytes: comparing a line of 60,000
/// words takes half a second.
const LONGEST_INLINE: usize = 2_000;

/// Words are compared only within groups of lines up to this many.
const MOST_INLINE: usize = 60;

/// Which side a line is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Both have it.
    Both,
    /// Only the declared one has it.
    Declared,
    /// Only the live one has it.
    Live,
}

impl Side {
    /// The sign in front of the line.
    pub fn sign(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Declared => '-',
            Self::Live => '+',
        }
    }
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub side: Side,
    /// Its text without the line feed, in pieces; whether each is among the words that changed.
    pub pieces: Vec<(bool, String)>,
    /// Whether the text ends here without a line feed.
    pub unterminated: bool,
}

/// Lines that belong together, and the lines of either side that they start at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Counted from 1; 0 when the side has no line of the hunk.
    pub declared_start: usize,
    /// How many lines of the declared side.
    pub declared_len: usize,
    /// Counted from 1; 0 when the side has no line of the hunk.
    pub live_start: usize,
    /// How many lines of the live side.
    pub live_len: usize,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Hunk {
    /// `@@ -1,4 +1,5 @@`
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

fn lines(diff: &TextDiff<'_, '_, str>, op: &DiffOp) -> Vec<Line> {
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
        diff.iter_changes(op)
            .map(|change| line(change.tag(), vec![(false, change.value().to_owned())]))
            .collect()
    }
}

fn line(tag: ChangeTag, mut pieces: Vec<(bool, String)>) -> Line {
    let terminated = pieces.last().is_some_and(|(_, text)| text.ends_with('\n'));
    if let (true, Some((_, last))) = (terminated, pieces.last_mut()) {
        last.pop();
    }
    pieces.retain(|(_, text)| !text.is_empty());
    Line {
        side: match tag {
            ChangeTag::Equal => Side::Both,
            ChangeTag::Delete => Side::Declared,
            ChangeTag::Insert => Side::Live,
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
    fn changed_words_are_marked() {
        insta::assert_snapshot!(show("a\nlog level info\nb\n", "a\nlog level debug\nb\n"), @r"
        @@ -1,3 +1,3 @@
         a
        -log level <info>
        +log level <debug>
         b
        ");
    }

    #[test]
    fn only_the_neighbourhood_is_shown() {
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
    fn a_missing_line_feed_at_the_end_shows() {
        insta::assert_snapshot!(show("a\nb\n", "a\nb"), @r"
        @@ -1,2 +1,2 @@
         a
        -b
        +b$
        ");
    }

    #[test]
    fn nothing_to_compare_with_starts_at_line_0() {
        assert_eq!(hunks("", "a\n")[0].header(), "@@ -0,0 +1 @@");
    }

    #[test]
    fn very_long_lines_are_not_compared_by_words() {
        let long: String = (0..20_000).map(|i| format!("word{i} ")).collect();
        let hunks = hunks(&long, &format!("{long}x"));
        assert!(hunks[0].lines.iter().all(|line| line.pieces.len() == 1));
    }
}
