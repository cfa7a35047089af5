//! Turns the gathered facts into a report for every object.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rayon::prelude::*;
use serde_json::Value;

use super::extra::{self, Undeclared};
use super::gather::Facts;
use super::object::{self, Compared, Comparison};
use super::options::Options;
use super::trace::{ObjectTrace, TraceRequest};
use super::{attribution, marks};
use crate::cluster::{Answer, Live};
use crate::judge::{Admitted, Candidate, Case, Declared, Policies, decide, judge_whole, policies};
use crate::model::{ExplainedCount, ObjectReport, Packed, Warning};
use crate::policy::RuleSet;

/// The results for the objects.
#[derive(Debug, Default)]
pub struct Outcome {
    /// A report on each, sorted by key.
    pub objects: Vec<ObjectReport>,
    /// The undeclared objects that are explained.
    pub explained: Vec<ExplainedCount>,
    /// Warnings about them.
    pub warnings: Vec<Warning>,
    /// The traces of the watched objects.
    pub traces: Vec<ObjectTrace>,
}

impl Outcome {
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
        let together = facts.known.together(&mut cases, &run);
        outcome.warnings.extend(together);
        let cases = cases.into_par_iter();
        outcome.objects = cases
            .map(|case| decide(case, rules, options.explain))
            .collect();
        let Undeclared {
            mut objects,
            explained,
        } = extra::undeclared(&facts.known, &facts.fetched, live, rules, options);
        outcome.explained = explained;
        objects.extend(uncompared(facts, rules, options));
        outcome.objects.append(&mut objects);
        outcome.objects.sort_by(|a, b| a.key.cmp(&b.key));
        let declared = &facts.resolved.declared;
        let unattributed =
            attribution::attribute(&mut outcome.objects, declared, &options.audit_logs)?;
        outcome.warnings.extend(unattributed);
        Ok(outcome)
    }

    /// Compares each declared object with its live counterpart.
    fn compare(
        &mut self,
        facts: &Facts<'_>,
        live: &dyn Live,
        rules: &RuleSet,
        options: &Options,
        watch: Option<TraceRequest<'_>>,
    ) -> Vec<Case> {
        let comparison = Comparison {
            schemas: &facts.schemas,
            known: &facts.known,
            policies: None,
            rules,
            options,
            watch,
        };
        let unread = Answer::Unread("the live side did not answer".to_owned());
        let one = |comparison: &Comparison<'_>, declared: &Declared<'_>| {
            let answer = facts.fetched.answers.get(&declared.key);
            comparison.compare(declared, answer.unwrap_or(&unread))
        };
        let declared = facts.resolved.declared.par_iter();
        let compared = declared.map(|declared| one(&comparison, declared));
        let mut compared: Vec<Compared> = compared.collect();
        // Policies are read if they may explain something; objects with differences are then
        // compared again.
        if compared.iter().any(|c| policies::is_open(&c.case)) {
            let policies = Policies::read(live, labels_of_namespaces(facts));
            let comparison = Comparison {
                policies: Some(&policies),
                ..comparison
            };
            if policies.change_something() {
                let declared = facts.resolved.declared.par_iter();
                (compared.par_iter_mut().zip(declared))
                    .filter(|(compared, _)| compared.case.candidates.iter().any(Candidate::is_open))
                    .for_each(|(compared, declared)| *compared = one(&comparison, declared));
            }
            self.warnings
                .extend(by_webhooks(&policies, facts, &mut compared));
        }
        let bare = object::without_managed_fields(&compared, options);
        let untyped = object::without_schemas(&compared);
        let troubles: BTreeSet<&String> = compared.iter().flat_map(|c| &c.troubles).collect();
        let troubles = troubles.into_iter().map(|what| trouble(what, options));
        let unknown_fields = compared
            .iter()
            .flat_map(|c| c.unknown_fields.iter().cloned());
        let marked = (compared.iter().zip(&facts.resolved.declared)).map(|(c, declared)| {
            let chain = &*declared.manifest.origin.chain;
            (&c.case.report.key, c.marks.as_slice(), chain)
        });
        let foreign = marks::foreign(marked, &facts.expected);
        let all = troubles.chain(bare).chain(untyped).chain(unknown_fields);
        self.warnings.extend(all.chain(foreign));
        let mut cases = Vec::with_capacity(compared.len());
        for compared in compared {
            cases.push(compared.case);
            self.traces.extend(compared.trace);
        }
        cases
    }
}

/// Explains values that webhooks set; see [`Policies::explain_by_webhooks`].
fn by_webhooks(policies: &Policies, facts: &Facts<'_>, compared: &mut [Compared]) -> Vec<Warning> {
    if !policies.know_webhooks() {
        return Vec::new();
    }
    let declared = facts.resolved.declared.par_iter();
    let values: Vec<Option<(Value, Value, &String)>> = declared
        .map(|declared| match facts.fetched.answers.get(&declared.key) {
            Some(Answer::Found(live)) => {
                let manifest = declared.manifest.value();
                Some((manifest, live.value().ok()?, &live.api_version))
            }
            _ => None,
        })
        .collect();
    let admitted: Vec<Option<Admitted<'_>>> = (facts.resolved.declared.iter().zip(&values))
        .map(|(of, values)| {
            let (declared, live, api_version) = values.as_ref()?;
            Some(Admitted {
                key: &of.key,
                api_version,
                plural: &of.kind.plural,
                declared,
                live,
            })
        })
        .collect();
    let mut cases: Vec<&mut Case> = compared.iter_mut().map(|c| &mut c.case).collect();
    policies.explain_by_webhooks(&mut cases, &admitted)
}

/// Returns the labels of the namespaces that are declared or were read, by name.
fn labels_of_namespaces(facts: &Facts<'_>) -> BTreeMap<String, Value> {
    let is_namespace = |kind: &str| kind == "Namespace";
    let declared = facts.manifests.iter().filter(|m| is_namespace(&m.kind));
    let declared = declared.map(|manifest| manifest.value());
    let found = facts.fetched.answers.iter();
    let found = found.filter_map(|(key, answer)| match answer {
        Answer::Found(object) if is_namespace(&key.kind) => object.value().ok(),
        _ => None,
    });
    policies::labels_of_namespaces(declared.chain(found))
}

/// Returns an error about a rule; what it would have hidden is reported.
fn trouble(message: &str, options: &Options) -> Warning {
    Warning {
        place: String::new(),
        message: message.to_owned(),
        fatal: options.strict_rules,
    }
}

/// Returns declared objects that could not be compared because their kind is unknown.
fn uncompared(facts: &mut Facts<'_>, rules: &RuleSet, options: &Options) -> Vec<ObjectReport> {
    let answers = &facts.fetched.answers;
    let of_new_kinds = facts.resolved.of_new_kinds.drain(..);
    let of_new_kinds = of_new_kinds.map(|object| object.into_report(answers));
    let unresolved = facts.resolved.unresolved.drain(..).chain(of_new_kinds);
    unresolved
        .map(|report| {
            let declared = report.declared.as_ref().map(Packed::value);
            judge_whole(report, declared.as_ref(), None, rules, options.untrusted)
        })
        .collect()
}
