//! Finds words in text, by tables that the compiler fills.
//!
//! An automaton for the same words is no faster, and building one takes more instructions than the
//! rest of a short run.

use std::ops::Range;

/// Which words may begin at a place, judged by its first three bytes. A bit stands for a group of
/// neighbouring words.
pub(super) struct Literals {
    bytes: [[u32; 256]; 3],
    /// How many words there are, and how many of them share a bit.
    count: usize,
    shared: usize,
    ignore_case: bool,
}

impl Literals {
    const fn for_words(count: usize, ignore_case: bool) -> Self {
        Self {
            bytes: [[0; 256]; 3],
            count,
            shared: count.div_ceil(32),
            ignore_case,
        }
    }

    /// Returns the tables of words.
    pub const fn of(words: &[&str], ignore_case: bool) -> Self {
        let mut tables = Self::for_words(words.len(), ignore_case);
        let mut index = 0;
        while index < words.len() {
            let word = words[index].as_bytes();
            tables.add(index, word, 0, word.len());
            index += 1;
        }
        tables
    }

    /// Returns the tables of the first words of lines. Lines that begin with `#` are comments.
    pub const fn of_lines(text: &str) -> Self {
        let text = text.as_bytes();
        let mut counted = Self::for_words(0, false);
        counted.add_lines(text, false);
        let mut tables = Self::for_words(counted.count, false);
        tables.count = 0;
        tables.add_lines(text, true);
        tables
    }

    const fn add_lines(&mut self, text: &[u8], fill: bool) {
        let mut start = 0;
        while start < text.len() {
            let mut word_end = start;
            while word_end < text.len() && text[word_end] != b' ' && text[word_end] != b'\n' {
                word_end += 1;
            }
            if word_end > start && text[start] != b'#' {
                if fill {
                    self.add(self.count, text, start, word_end);
                }
                self.count += 1;
            }
            while word_end < text.len() && text[word_end] != b'\n' {
                word_end += 1;
            }
            start = word_end + 1;
        }
    }

    /// Adds the word in a range of text.
    const fn add(&mut self, index: usize, text: &[u8], start: usize, end: usize) {
        let bit = 1 << (index / self.shared);
        let mut place = 0;
        while place < 3 {
            if start + place >= end {
                let mut byte = 0;
                while byte < 256 {
                    self.bytes[place][byte] |= bit;
                    byte += 1;
                }
            } else {
                let byte = text[start + place];
                self.bytes[place][byte as usize] |= bit;
                if self.ignore_case {
                    self.bytes[place][byte.to_ascii_lowercase() as usize] |= bit;
                    self.bytes[place][byte.to_ascii_uppercase() as usize] |= bit;
                }
            }
            place += 1;
        }
    }

    /// Returns the first word in text that begins at `from` or later, and its index; the longest if
    /// several begin there. `word` returns a word by its index.
    pub fn find<'w>(
        &self,
        text: &[u8],
        from: usize,
        word: impl Fn(usize) -> Option<&'w str>,
    ) -> Option<(Range<usize>, usize)> {
        let [first, second, third] = &self.bytes;
        let of = |table: &[u32; 256], byte: Option<&u8>| {
            table[usize::from(byte.copied().unwrap_or_default())]
        };
        let mut at = from;
        while let Some(byte) = text.get(at) {
            let mut may = first[usize::from(*byte)];
            if may != 0 {
                may &= of(second, text.get(at + 1)) & of(third, text.get(at + 2));
                if may != 0
                    && let Some((length, index)) = self.longest(&text[at..], may, &word)
                {
                    return Some((at..at + length, index));
                }
            }
            at += 1;
        }
        None
    }

    /// Returns the length and the index of the longest word that text begins with.
    fn longest<'w>(
        &self,
        text: &[u8],
        mut may: u32,
        word: &impl Fn(usize) -> Option<&'w str>,
    ) -> Option<(usize, usize)> {
        let mut longest = None;
        while may != 0 {
            let group = may.trailing_zeros() as usize * self.shared;
            may &= may - 1;
            for index in group..(group + self.shared).min(self.count) {
                let Some(word) = word(index).map(str::as_bytes) else {
                    continue;
                };
                let Some(start) = text.get(..word.len()) else {
                    continue;
                };
                let is_word = match self.ignore_case {
                    true => start.eq_ignore_ascii_case(word),
                    false => start == word,
                };
                if is_word && longest.is_none_or(|(length, _)| length < word.len()) {
                    longest = Some((word.len(), index));
                }
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    use super::*;

    const WORDS: &[&str] = &["pw", "pwd", "Secret", "key", "basic ", "\u{e9}t\u{e9}"];
    const LINES: &str = "# comment\nab x 1\nabc y 2\n\nbca z 3\nca";
    const OF_LINES: &[&str] = &["ab", "abc", "bca", "ca"];

    fn all(literals: &Literals, words: &[&'static str], text: &str) -> Vec<(Range<usize>, usize)> {
        let mut from = 0;
        std::iter::from_fn(|| {
            let found = literals.find(text.as_bytes(), from, |at| words.get(at).copied())?;
            from = found.0.end;
            Some(found)
        })
        .collect()
    }

    fn by_automaton(
        words: &[&'static str],
        text: &str,
        ignore_case: bool,
    ) -> Vec<(Range<usize>, usize)> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(ignore_case)
            .build(words)
            .unwrap();
        let found = automaton.find_iter(text);
        found
            .map(|found| (found.range(), found.pattern().as_usize()))
            .collect()
    }

    proptest! {
        #[test]
        fn finds_the_same_words_as_an_automaton(
            parts in proptest::collection::vec(
                "[pPwWdDsk ]{0,4}|pwd|SECRET|secret|Basic |\u{e9}t|[abc\u{0}]{0,6}", 0..8),
            ignore_case in any::<bool>(),
        ) {
            let text = parts.concat();
            let literals = Literals::of(WORDS, ignore_case);
            prop_assert_eq!(all(&literals, WORDS, &text), by_automaton(WORDS, &text, ignore_case));
            let lines = Literals::of_lines(LINES);
            prop_assert_eq!(all(&lines, OF_LINES, &text), by_automaton(OF_LINES, &text, false));
        }
    }
}
