//! Every object of a run, from the facts to its report.

use std::collections::BTreeSet;

use anyhow::Result;
use rayon::prelude::*;

use super::gather::Facts;
use super::object::{self, Compared, Comparison};
use super::options::Options;
use super::witness::{Watch, Witness};
use super::{attribution, claims, extra, hidden, prevalent, scaling, twins};
use crate::cluster::{Answer, Live};
use crate::model::{JudgedChange, ObjectReport, Packed, Verdict, Warning};
use crate::policy::RuleSet;

/// What became of the objects.
#[derive(Debug, Default)]
pub struct Outcome {
    /// A report on each, sorted by key.
    pub objects: Vec<ObjectReport>,
    /// What is to be said about them.
    pub warnings: Vec<Warning>,
    /// What was seen of the objects that somebody watches.
    pub witnesses: Vec<Witness>,
}

impl Outcome {
    /// Compares what is declared, explains what only the objects together explain, and adds what
    /// could not be compared.
    ///
    /// # Errors
    /// When an audit log cannot be read.
    pub fn of(
        facts: &mut Facts<'_>,
        live: &dyn Live,
        rules: &RuleSet,
        options: &Options,
        watch: Option<Watch<'_>>,
    ) -> Result<Self> {
        let mut outcome = compare_all(facts, rules, options, watch);
        outcome.explain_together(facts, live, rules, options);
        let objects = &mut outcome.objects;
        objects.extend(undeclared(facts, rules, options));
        objects.extend(uncompared(facts, rules, options));
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        for object in objects.iter_mut() {
            object.whole_severity = rules.whole_severity(&object.key, object.status);
        }
        let declared = &facts.resolved.declared;
        let unattributed = attribution::attribute(objects, declared, &options.audit_logs)?;
        outcome.warnings.extend(unattributed);
        Ok(outcome)
    }

    /// Explains what one object alone does not: an autoscaler's replicas, and what a machine puts
    /// into every object of a kind.
    fn explain_together(
        &mut self,
        facts: &Facts<'_>,
        live: &dyn Live,
        rules: &RuleSet,
        options: &Options,
    ) {
        let objects = &mut self.objects;
        scaling::explain(objects, facts.manifests, &facts.fetched, live);
        self.warnings.extend(prevalent::explain(objects, rules));
        if !options.explain {
            objects.iter_mut().for_each(drop_explained);
        }
    }
}

/// Compares each declared object with its live partner.
fn compare_all(
    facts: &Facts<'_>,
    rules: &RuleSet,
    options: &Options,
    watch: Option<Watch<'_>>,
) -> Outcome {
    let comparison = Comparison {
        schemas: &facts.schemas,
        predictions: &facts.predictions,
        rules,
        pods: &facts.pods,
        aggregated: &facts.aggregated,
        options,
        watch,
    };
    let unread = Answer::Unread("the live side gave no answer".to_owned());
    let declared = facts.resolved.declared.par_iter();
    let compared: Vec<Compared> = declared
        .map(|declared| {
            let answer = facts.fetched.answers.get(&declared.key);
            comparison.report(declared, answer.unwrap_or(&unread))
        })
        .collect();
    let bare = object::without_managed_fields(&compared);
    let untyped = object::without_schemas(&compared);
    let troubles: BTreeSet<&String> = compared.iter().flat_map(|c| &c.troubles).collect();
    let troubles = troubles.into_iter().map(|what| trouble(what, options));
    let warnings = troubles.chain(bare).chain(untyped).collect();
    let mut outcome = Outcome {
        warnings,
        ..Outcome::default()
    };
    for compared in compared {
        outcome.objects.push(compared.report);
        outcome.witnesses.extend(compared.witness);
    }
    outcome
}

/// Something that is wrong with a rule; what it would have hidden is reported.
fn trouble(message: &str, options: &Options) -> Warning {
    Warning {
        place: String::new(),
        message: message.to_owned(),
        fatal: options.strict_rules,
    }
}

/// Takes out what is explained, where nobody asked for it.
fn drop_explained(object: &mut ObjectReport) {
    let is_explained = |drift: &JudgedChange| matches!(drift.verdict, Verdict::Explained { .. });
    object.drifts.retain(|drift| !is_explained(drift));
}

/// Live objects that nobody declares.
fn undeclared(facts: &Facts<'_>, rules: &RuleSet, options: &Options) -> Vec<ObjectReport> {
    let claims = claims::of_stateful_sets(facts.manifests, &facts.fetched);
    extra::reports(
        &twins::without(&facts.fetched),
        &claims,
        rules,
        &options.filter,
    )
}

/// Declared objects that no live object could be compared with, for want of their kind.
fn uncompared(facts: &mut Facts<'_>, rules: &RuleSet, options: &Options) -> Vec<ObjectReport> {
    let answers = &facts.fetched.answers;
    let of_new_kinds = facts.resolved.of_new_kinds.drain(..);
    let of_new_kinds = of_new_kinds.map(|object| object.settle(answers));
    let unresolved = facts.resolved.unresolved.drain(..).chain(of_new_kinds);
    unresolved
        .map(|report| {
            let declared = report.declared.as_ref().map(Packed::value);
            hidden::hide(report, declared.as_ref(), rules, options.untrusted)
        })
        .collect()
}
