//! Finds characters that terminals interpret or do not show, and commands that CI systems read from
//! logs.

/// Returns whether a character is invisible, or moves or reverses text. Line feed and tab are not.
///
/// Control characters (C0, DEL, C1); bidirectional controls; characters without width or shape
/// (Unicode `Default_Ignorable_Code_Point`, `Cf`); line and paragraph separators; noncharacters.
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | ' '..='~' => false,
        c if c.is_control() => true,
        '\u{ad}'
        | '\u{34f}'
        | '\u{600}'..='\u{605}'
        | '\u{61c}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => (c as u32) & 0xfffe == 0xfffe,
    }
}

/// Returns whether text contains anything that [`harmful`] finds.
pub fn is_harmful(raw: &str) -> bool {
    harmful(raw).next().is_some()
}

/// Returns the positions of characters to escape: invisible ones, and those that start a command of
/// a CI system.
pub fn harmful(raw: &str) -> impl Iterator<Item = (usize, char)> {
    let mut starts_line = true;
    raw.char_indices().filter(move |(at, c)| {
        let starts = starts_line;
        starts_line = *c == '\n' || (starts && c.is_whitespace());
        match c {
            '#' => completes_log_command(raw, *at),
            ':' => starts && starts_workflow_command(&raw[*at..]),
            c => is_hidden(*c),
        }
    })
}

/// Returns whether a `#` is the second one of `##[command]`, `##vso[…]` or `##teamcity[…]`, which
/// Azure Pipelines, older GitHub runners and TeamCity interpret anywhere in a line.
fn completes_log_command(text: &str, at: usize) -> bool {
    let after = text[at + 1..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
    text[..at].ends_with('#') && after.starts_with('[')
}

/// Returns whether a text starts with `::name …::`, which GitHub's runners interpret at the start
/// of a line, after blanks.
fn starts_workflow_command(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("::").is_some_and(|command| {
        command.starts_with(|c: char| c.is_ascii_alphabetic()) && command.contains("::")
    })
}
