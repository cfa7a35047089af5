//! Paints the parser's help and usage errors, which are plain text.

use super::paint::{Paint, paint};

/// The deepest indentation of an option. Below an option, its explanation may begin with a dash too.
const DEEPEST: usize = 6;

/// Returns help or a usage error with bold headings and options, if colour is wanted.
pub fn painted(colour: bool, text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.map(|line| painted_line(colour, line)).collect()
}

fn painted_line(colour: bool, line: &str) -> String {
    let content = line.trim_end_matches('\n');
    let start = content.len() - content.trim_start().len();
    let (style, end) = if content.starts_with("error:") {
        (Paint::Bad, "error:".len())
    } else if content.starts_with("Usage:") {
        (Paint::Bold, "Usage:".len())
    } else if start == 0 && content.ends_with(':') {
        (Paint::Bold, content.len())
    } else if (1..=DEEPEST).contains(&start) && content[start..].starts_with('-') {
        (Paint::Bold, start + option_length(&content[start..]))
    } else {
        return line.to_owned();
    };
    let painted = paint(colour, style, &line[start..end]);
    format!("{}{painted}{}", &line[..start], &line[end..])
}

/// Returns the length of the names of an option, without its value and its explanation.
fn option_length(content: &str) -> usize {
    let ends = ["  ", " <", " [", "["].iter();
    let end = ends.filter_map(|end| content.find(end)).min();
    end.unwrap_or(content.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paints_headings_and_options() {
        let help = "Compare\n\nUsage: driftctl [PATH]\n\nOptions:\n  -f, --filename <PATH>  A path\n      --all\n          - auto:  By itself\n";
        let painted = painted(true, help);
        for bold in ["Usage:", "Options:", "-f, --filename", "--all"] {
            assert!(painted.contains(&paint(true, Paint::Bold, bold)), "{bold}");
        }
        assert!(painted.starts_with("Compare\n"));
        assert!(painted.contains("          - auto:  By itself\n"));
        assert_eq!(super::painted(false, help), help);
    }

    #[test]
    fn paints_the_word_error() {
        let expected = format!("{} no\n", paint(true, Paint::Bad, "error:"));
        assert_eq!(painted(true, "error: no\n"), expected);
    }
}
