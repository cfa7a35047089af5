//! From words to the answer to one question.

use anyhow::Result;
use jiff::Timestamp;

use super::{Rules, live_side, options, rules, scanned, sources};
use crate::cli::args::{CompareArgs, LiveArgs, RulesArgs, SourceArgs};
use crate::engine::{self, Answer, Options, Question};

/// Compares what is declared with the live side, and tells why one object is as it is.
///
/// # Errors
/// When nothing can be compared, or what is asked about is not there.
pub fn explain(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    question: Question<'_>,
    now: Timestamp,
) -> Result<(Answer, Rules)> {
    let sources = sources(source, live)?;
    let mut rules = rules(rule_words, source, now)?;
    let side = live_side(live, &scanned(source))?;
    rules.add_live(rule_words, side.as_ref())?;
    let options = Options {
        strict_rules: rule_words.strict_rules,
        ..options(source, live, compare, true)
    };
    let answer = engine::explain(&sources, side.as_ref(), &rules.set, &options, question)?;
    Ok((answer, rules))
}
