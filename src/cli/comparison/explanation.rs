//! Turns arguments into the explanation of one object.

use anyhow::Result;
use jiff::Timestamp;

use super::{ComparisonInputs, RunRules, prepare, rules};
use crate::cli::args::{CompareArgs, LiveArgs, RulesArgs, SourceArgs};
use crate::engine::{self, ExplainAnswer, ExplainRequest};

/// Compares, and explains one object.
///
/// # Errors
/// Fails if nothing can be compared, or the object does not exist.
pub fn explain(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    question: ExplainRequest<'_>,
    now: Timestamp,
) -> Result<(ExplainAnswer, RunRules)> {
    let rules = rules(rule_words, source, now)?.within(&live.connection);
    let ComparisonInputs {
        sources,
        side,
        rules,
        options,
    } = prepare(rules, source, live, compare, rule_words, true)?;
    let mut answer = engine::explain(&sources, side.as_live(), &rules.set, &options, question)?;
    let said = rules.warnings.iter().cloned();
    answer.explanation.warnings.extend(said);
    Ok((answer, rules))
}
