//! Turns the gathered data into a report on every object.

use std::collections::BTreeSet;

use anyhow::Result;
use rayon::prelude::*;

use super::extra::{self, Undeclared};
use super::gather::Facts;
use super::object::{self, ComparedObject, RunData};
use super::options::Options;
use super::trace::{ObjectTrace, TraceRequest};
use super::{attribution, marks};
use crate::cluster::{Live, ReadResult};
use crate::judge::{Case, DeclaredManifest, ExplainerKnowledge, JudgeInput, decide, judge_whole};
use crate::model::{ExplainedCount, ObjectReport, PackedObject, Warning};
use crate::policy::RuleSet;

/// The results for the objects.
#[derive(Debug, Default)]
pub struct ObjectResults {
    /// A report on each, sorted by key.
    pub objects: Vec<ObjectReport>,
    /// How many undeclared objects were explained, by reason.
    pub explained: Vec<ExplainedCount>,
    /// Warnings about them.
    pub warnings: Vec<Warning>,
    /// The traces of the requested objects.
    pub traces: Vec<ObjectTrace>,
}

impl ObjectResults {
    /// Compares declared objects, lets explainers look at all objects together, judges, and adds
    /// undeclared objects and those that could not be compared.
    ///
    /// # Errors
    /// Fails if an audit log cannot be read.
    pub fn of(
        facts: &mut Facts<'_>,
        live: &dyn Live,
        rules: &RuleSet,
        options: &Options,
        watch: Option<TraceRequest<'_>>,
    ) -> Result<Self> {
        let mut outcome = Self::default();
        let mut cases = outcome.compare(facts, live, rules, options, watch);
        let run = facts.run(live, rules, options);
        let together = facts.known.explain_together(&mut cases, &run);
        outcome.warnings.extend(together);
        let undecided = cases.par_iter_mut();
        undecided.for_each(|case| decide(case, rules, options.explain));
        // Both collections reuse the memory of the cases.
        outcome.objects = cases.into_iter().map(|case| case.report).collect();
        let Undeclared {
            mut objects,
            explained,
            warnings,
        } = extra::undeclared(facts, live, rules, options);
        outcome.explained = explained;
        outcome.warnings.extend(warnings);
        objects.extend(uncompared(facts, rules, options));
        outcome.objects.append(&mut objects);
        outcome.objects.sort_by(|a, b| a.key.cmp(&b.key));
        let declared = &facts.resolved.declared;
        let unattributed =
            attribution::attribute(&mut outcome.objects, declared, &options.audit_logs)?;
        outcome.warnings.extend(unattributed);
        Ok(outcome)
    }

    /// Compares each declared object with its live counterpart, and again what may be explained by
    /// something that is only then read.
    fn compare(
        &mut self,
        facts: &mut Facts<'_>,
        live: &dyn Live,
        rules: &RuleSet,
        options: &Options,
        watch: Option<TraceRequest<'_>>,
    ) -> Vec<Case> {
        let mut compared = compare(facts, rules, options, watch, None);
        let cases: Vec<&Case> = compared.iter().map(|c| &c.case).collect();
        let later = ExplainerKnowledge::learn_later(&facts.run(live, rules, options), &cases);
        if facts.known.add(later) {
            compared = compare(facts, rules, options, watch, Some(compared));
        }
        self.warnings.extend(warnings(&compared, facts, options));
        let traces = compared.iter_mut().filter_map(|one| one.trace.take());
        self.traces.extend(traces.map(|trace| *trace));
        compared.into_iter().map(|compared| compared.case).collect()
    }
}

/// Compares each declared object with its live counterpart. Of those that were compared `before`,
/// only the ones with open findings are compared again.
fn compare(
    facts: &Facts<'_>,
    rules: &RuleSet,
    options: &Options,
    watch: Option<TraceRequest<'_>>,
    before: Option<Vec<ComparedObject>>,
) -> Vec<ComparedObject> {
    let comparison = RunData {
        schemas: &facts.schemas,
        known: &facts.known,
        rules,
        options,
        watch,
    };
    let unread = ReadResult::Unread("the live side returned no result".to_owned());
    let one = |declared: &DeclaredManifest<'_>| {
        let answer = facts.fetched.answers.get(&declared.key);
        comparison.compare(declared, answer.unwrap_or(&unread))
    };
    let declared = facts.resolved.declared.par_iter();
    let Some(before) = before else {
        return declared.map(one).collect();
    };
    let is_open =
        |compared: &ComparedObject| compared.case.candidates.iter().any(JudgeInput::is_open);
    (before.into_par_iter().zip(declared))
        .map(|(before, declared)| match is_open(&before) {
            true => one(declared),
            false => before,
        })
        .collect()
}

/// Returns the warnings about the comparison as a whole.
fn warnings(compared: &[ComparedObject], facts: &Facts<'_>, options: &Options) -> Vec<Warning> {
    let troubles: BTreeSet<&String> = compared.iter().flat_map(|c| &c.troubles).collect();
    let troubles = troubles.into_iter().map(|what| rule_error(what, options));
    let unknown_fields = compared.iter().flat_map(|c| &c.unknown_fields);
    let marked = (compared.iter().zip(&facts.resolved.declared)).map(|(c, declared)| {
        let chain = &*declared.manifest.origin.chain;
        (&c.case.report.key, c.marks.as_slice(), chain)
    });
    troubles
        .chain(object::without_managed_fields(compared, options))
        .chain(object::without_schemas(compared))
        .chain(unknown_fields.cloned())
        .chain(marks::foreign(marked, &facts.expected))
        .collect()
}

/// Returns an error about a rule. Drift that the rule would have hidden is reported.
fn rule_error(message: &str, options: &Options) -> Warning {
    Warning {
        place: String::new(),
        message: message.to_owned(),
        fatal: options.strict_rules,
    }
}

/// Returns the declared objects that could not be compared because their kind is unknown.
fn uncompared(facts: &mut Facts<'_>, rules: &RuleSet, options: &Options) -> Vec<ObjectReport> {
    let answers = &facts.fetched.answers;
    let of_declared_kinds = facts.resolved.of_declared_kinds.drain(..);
    let of_declared_kinds = of_declared_kinds.map(|object| object.into_report(answers));
    let unresolved = facts.resolved.unresolved.drain(..).chain(of_declared_kinds);
    unresolved
        .map(|report| {
            let declared = report.declared.as_ref().map(PackedObject::value);
            judge_whole(report, declared.as_ref(), None, rules, options.untrusted)
        })
        .collect()
}
