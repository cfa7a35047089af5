//! Turns arguments into a census of the live objects.

use anyhow::Result;
use jiff::Timestamp;

use super::{ComparisonInputs, no_object_warning, prepare, rules};
use crate::cli::args::{CompareArgs, LiveArgs, RulesArgs, SourceArgs};
use crate::engine::{self, Counting, Extra, Options};
use crate::model::{Census, ObjectClass, Warning};

/// Compares, and counts the live objects by who declares them.
///
/// # Errors
/// Fails if nothing can be compared.
pub fn census(
    source: &SourceArgs,
    live: &LiveArgs,
    rule_words: &RulesArgs,
    now: Timestamp,
) -> Result<Census> {
    let rules = rules(rule_words, source, now)?.within(&live.connection);
    let compare = CompareArgs::default();
    let prepared = prepare(rules, source, live, &compare, rule_words, false)?;
    let ComparisonInputs {
        sources,
        side,
        rules,
        options,
    } = prepared;
    let options = Options {
        extra: Extra::Census,
        ..options
    };
    let Counting { mut census, report } =
        engine::count(&sources, side.as_live(), &rules.set, &options)?;
    census
        .warnings
        .extend(no_object_warning(&report, source, &live.filter));
    census.warnings.extend(rules.warnings.iter().cloned());
    let is_recording = census.target.dump.is_some();
    if is_recording
        && census
            .objects
            .iter()
            .all(|object| object.class == ObjectClass::Declared)
    {
        census
            .unlisted
            .push("every kind (the recording contains only declared objects)".to_owned());
        census.warnings.push(Warning::new(
            census.target.dump.clone().unwrap_or_default(),
            "the recording contains no undeclared objects, so coverage cannot be measured; make \
             it with 'driftctl snapshot --extra namespace'"
                .to_owned(),
        ));
    }
    Ok(census)
}
