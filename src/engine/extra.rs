//! Live objects that nobody declares.

use rayon::prelude::*;
use serde_json::Value;

use super::claims::Claims;
use super::hidden::hide;
use super::{Extra, Options};
use crate::cluster::{Fetched, LiveObject};
use crate::model::{ExtraCoverage, ObjectReport, Owner, Status};
use crate::ownership::ownership_of;
use crate::policy::{Filter, RuleSet, is_reportable};

/// How far undeclared objects were looked for, where they were.
pub fn coverage(fetched: &Fetched, options: &Options) -> Option<ExtraCoverage> {
    (options.extra != Extra::None).then_some(ExtraCoverage {
        kinds: fetched.extra_kinds.len(),
        unread: fetched.extra_unread.len(),
    })
}

/// Reports on the undeclared objects that somebody made, as far as the filter keeps them.
pub fn reports(
    extra: &[&LiveObject],
    claims: &Claims,
    rules: &RuleSet,
    filter: &Filter,
) -> Vec<ObjectReport> {
    extra
        .par_iter()
        .filter(|live| !claims.cover(&live.key))
        .filter_map(|live| report(live, rules, filter))
        .collect()
}

fn report(live: &LiveObject, rules: &RuleSet, filter: &Filter) -> Option<ObjectReport> {
    // What cannot be read in full is there all the same.
    let value = live.value().unwrap_or_default();
    if !filter.keeps_labels(&value) {
        return None;
    }
    let ownership = ownership_of(&value);
    if !is_reportable(rules, &live.key, &value, &ownership) {
        return None;
    }
    let mut owners: Vec<Owner> = ownership
        .entries
        .into_iter()
        .map(|entry| entry.owner)
        .collect();
    owners.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.cmp(b)));
    let report = ObjectReport {
        status: Status::Extra,
        owners,
        live: Some(without_bookkeeping(value).into()),
        ..ObjectReport::new(live.key.clone(), live.api_version.clone())
    };
    Some(hide(report, None, rules, false))
}

/// The object as somebody might have written it.
fn without_bookkeeping(mut live: Value) -> Value {
    if let Some(object) = live.as_object_mut() {
        object.remove("status");
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            for field in [
                "managedFields",
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
            ] {
                metadata.remove(field);
            }
        }
    }
    live
}
