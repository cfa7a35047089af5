//! Reports live objects that no manifest declares.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::Value;

use super::{Extra, Options};
use crate::cluster::{Fetched, LiveObject};
use crate::judge::{Explained, Known, judge_whole};
use crate::model::{ExplainedCount, ExtraCoverage, ObjectReport, Owner};
use crate::ownership::ownership_of;
use crate::policy::RuleSet;

/// How far undeclared objects were searched for.
pub fn coverage(fetched: &Fetched, options: &Options) -> Option<ExtraCoverage> {
    (options.extra != Extra::None).then_some(ExtraCoverage {
        kinds: fetched.extra_kinds.len(),
        unread: fetched.extra_unread.len(),
    })
}

/// The results for the undeclared objects of a run.
#[derive(Debug, Default)]
pub struct Undeclared {
    /// Those that count, or that a rule ignores; with `explain` also explained ones.
    pub objects: Vec<ObjectReport>,
    /// The explained ones.
    pub explained: Vec<ExplainedCount>,
}

/// Reports on the undeclared objects that match the filter.
pub fn undeclared(
    known: &Known,
    fetched: &Fetched,
    rules: &RuleSet,
    options: &Options,
) -> Undeclared {
    let extra = fetched.extra.par_iter();
    let seen: Vec<Seen> = extra
        .filter_map(|live| look_at(live, known, rules, options))
        .collect();
    let mut undeclared = Undeclared::default();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for Seen { report, explained } in seen {
        undeclared.objects.extend(report);
        if let Some(Explained { by, about, .. }) = explained {
            *counts.entry((by, about)).or_default() += 1;
        }
    }
    let counts = counts.into_iter();
    undeclared.explained = counts
        .map(|((by, about), objects)| ExplainedCount { by, about, objects })
        .collect();
    undeclared
}

/// The result for one undeclared object.
struct Seen {
    report: Option<ObjectReport>,
    explained: Option<Explained>,
}

/// Checks an undeclared object; returns `None` if the filter excludes it.
fn look_at(live: &LiveObject, known: &Known, rules: &RuleSet, options: &Options) -> Option<Seen> {
    // An object that cannot be read in full still exists.
    let value = live.value().unwrap_or_default();
    if !options.filter.keeps_labels(&value) {
        return None;
    }
    let ownership = ownership_of(&value);
    let explained = known.undeclared(live, &value, &ownership, rules);
    if explained.is_some() && !options.explain {
        return Some(Seen {
            report: None,
            explained,
        });
    }
    let mut owners: Vec<Owner> = ownership
        .entries
        .into_iter()
        .map(|entry| entry.owner)
        .collect();
    owners.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.cmp(b)));
    let report = ObjectReport {
        owners,
        live: Some(without_bookkeeping(value).into()),
        ..ObjectReport::new(live.key.clone(), live.api_version.clone())
    };
    Some(Seen {
        report: Some(judge_whole(report, None, explained.as_ref(), rules, false)),
        explained,
    })
}

/// Returns the object as someone might have written it.
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
