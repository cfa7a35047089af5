//! Check boxes that hide objects by their kind and by their last writer.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::HtmlText;
use crate::model::{ObjectReport, Owner};

/// The kinds and writers that the objects can be filtered by, the most frequent first.
pub(super) struct Facets {
    kinds: Vec<String>,
    writers: Vec<String>,
}

/// The limit on check boxes for one facet.
const MOST_FACETS: usize = 20;

impl Facets {
    pub fn of(objects: &[&ObjectReport]) -> Self {
        let kinds = objects.iter().map(|object| object.key.kind.clone());
        let writers = objects.iter().filter_map(|object| writer(object));
        Self {
            kinds: most_frequent(kinds),
            writers: most_frequent(writers),
        }
    }

    /// Returns the classes that can hide an object. Rare values have none and are always shown.
    pub fn classes(&self, object: &ObjectReport) -> String {
        let at = |list: &[String], word: &str| list.iter().position(|known| known == word);
        let mut classes = String::new();
        if let Some(at) = at(&self.kinds, &object.key.kind) {
            classes.push_str(&format!(" kind-{at}"));
        }
        if let Some(at) = writer(object).and_then(|writer| at(&self.writers, &writer)) {
            classes.push_str(&format!(" by-{at}"));
        }
        classes
    }

    fn lists(&self) -> [(&'static str, &[String]); 2] {
        [("kind", &self.kinds), ("by", &self.writers)]
    }

    pub fn style(&self, scope: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut rules = String::new();
        for (word, list) in self.lists() {
            // A single check box hides everything or nothing.
            for at in 0..list.len() * usize::from(list.len() > 1) {
                rules.push_str(&format!(
                    "#{scope}{word}-{at}:not(:checked) ~ main article.{word}-{at} {{ display: none; }}\n"
                ));
            }
        }
        match rules.is_empty() {
            true => Ok(()),
            false => writeln!(out, "<style>\n{rules}</style>"),
        }
    }

    pub fn boxes(&self, scope: &str, out: &mut dyn Write) -> io::Result<()> {
        for (word, list) in self.lists().into_iter().filter(|(_, list)| list.len() > 1) {
            writeln!(out, "<br/>")?;
            for (at, name) in list.iter().enumerate() {
                writeln!(
                    out,
                    "<input type=\"checkbox\" id=\"{scope}{word}-{at}\" checked>\
                     <label for=\"{scope}{word}-{at}\">{}</label>",
                    HtmlText(name)
                )?;
            }
        }
        Ok(())
    }
}

/// Returns the most frequent words, in order of frequency.
fn most_frequent(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counted: Vec<(String, usize)> = counts.into_iter().collect();
    // The sort is stable: equally frequent words stay sorted by name.
    counted.sort_by_key(|(_, count)| Reverse(*count));
    let words = counted.into_iter().take(MOST_FACETS);
    words.map(|(word, _)| word).collect()
}

/// Returns the last writer of an object: the user, or else the field manager.
fn writer(object: &ObjectReport) -> Option<String> {
    let owners = object.reported().flat_map(|drift| &drift.owners);
    let latest = Owner::latest(owners.chain(&object.owners))?;
    Some(latest.user.unwrap_or(latest.manager))
}
