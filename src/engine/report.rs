//! Completes the report of a run: warnings, coverage, and counts for each rule.

use std::collections::BTreeMap;

use super::gather::Facts;
use super::options::{Extra, Options};
use super::outcome::ObjectResults;
use super::{extra, filter, secrets};
use crate::cluster::ServedKind;
use crate::model::{
    Coverage, GroupKind, History, KindAliases, ObjectReport, Report, ReportTarget, RuleCount,
    SecretPlace, SecretValue, SourceRevision, Verdict, Warning, WebPages,
};
use crate::policy::{RuleOrigin, RuleSet, RuleUsage, audit};
use crate::schema::builtin_kind_of_group;
use crate::source::LoadedSource;

/// The notes of the sources.
pub struct LoadNotes {
    warnings: Vec<Warning>,
    skipped: Vec<Warning>,
    revisions: Vec<SourceRevision>,
    secret: Vec<SecretPlace>,
    unread_releases: usize,
    secret_values: Vec<SecretValue>,
}

impl LoadNotes {
    /// Takes them out of the loaded sources.
    pub fn take(loaded: &mut LoadedSource) -> Self {
        let mut warnings = std::mem::take(&mut loaded.errors);
        warnings.append(&mut loaded.warnings);
        Self {
            warnings,
            skipped: std::mem::take(&mut loaded.skipped),
            revisions: std::mem::take(&mut loaded.revisions),
            secret: std::mem::take(&mut loaded.secret),
            unread_releases: loaded.unread_releases,
            secret_values: std::mem::take(&mut loaded.secret_values),
        }
    }
}

/// Builds the report.
pub fn report(
    target: ReportTarget,
    notes: LoadNotes,
    facts: &mut Facts<'_>,
    outcome: ObjectResults,
    rules: &RuleSet,
    options: &Options,
) -> Report {
    let ObjectResults {
        objects,
        warnings,
        explained,
        ..
    } = outcome;
    let mut warnings = [notes.warnings, warnings].concat();
    warnings.extend(said_on_the_way(facts, options));
    let coverage = Coverage {
        skipped: notes.skipped.len(),
        filtered: facts.resolved.filtered,
        broken: warnings.iter().filter(|warning| warning.fatal).count(),
        unread_releases: notes.unread_releases,
        extra: extra::coverage(&facts.fetched, options),
        ..Coverage::default()
    };
    let coverage = coverage.over(&objects);
    let counts = counts(&objects, rules);
    let judged = RuleUsage {
        counts: &counts,
        objects: &objects,
        whole: coverage.failed == 0 && coverage.filtered == 0 && coverage.compared > 0,
        with_extras: options.extra != Extra::None,
    };
    warnings.extend(audit(rules, &judged, options.strict_rules));
    warnings.sort();
    warnings.dedup();
    let called = called(&objects, facts);
    Report {
        target,
        revisions: notes.revisions,
        coverage,
        rules: counts,
        explained,
        expired_rules: rules.rules().iter().filter(|rule| rule.expired).count(),
        objects,
        warnings,
        skipped: notes.skipped,
        interrupted: facts.fetched.interrupted,
        three_way: false,
        secret: notes.secret,
        secret_values: [notes.secret_values, secrets::values(facts)].concat(),
        called,
        events: History::default(),
        pages: WebPages::default(),
    }
}

/// Returns the other names of the kinds: from the live side, or else from the built-in list.
fn called(objects: &[ObjectReport], facts: &Facts<'_>) -> BTreeMap<GroupKind, KindAliases> {
    let declared = facts.resolved.declared.iter();
    let served = declared.map(|declared| &*declared.kind);
    let served = served.chain(&facts.fetched.extra_kinds);
    let served: BTreeMap<GroupKind, &ServedKind> = served
        .map(|kind| (GroupKind::new(&kind.api_version, &kind.kind), kind))
        .collect();
    let mut called = BTreeMap::new();
    for object in objects {
        let kind = object.key.group_kind();
        called.entry(kind).or_insert_with_key(|kind| {
            let served = served.get(kind).map(|served| served.names().called());
            let known = builtin_kind_of_group(&kind.group, &kind.kind);
            let known = || known.first().map(|known| known.names().called());
            served.or_else(known).unwrap_or_default()
        });
    }
    called
}

/// Returns the warnings about the gathered data.
fn said_on_the_way(facts: &mut Facts<'_>, options: &Options) -> Vec<Warning> {
    let kinds_found = &facts.resolved.kinds_found;
    let mut said = filter::unknown_kinds(&options.filter, kinds_found, &facts.fetched.extra_kinds);
    said.extend(filter::unknown_namespace(
        options
            .namespace
            .as_deref()
            .filter(|_| !options.all_namespaces),
        &facts.resolved.covered,
        &facts.resolved.elsewhere,
    ));
    said.append(&mut facts.resolved.remarks);
    said.append(&mut facts.fetched.warnings);
    said.append(&mut facts.schemas.warnings);
    said.extend(facts.known.warnings());
    said
}

/// Returns how much each rule hid; for user rules also those that hid nothing.
fn counts(objects: &[ObjectReport], rules: &RuleSet) -> Vec<RuleCount> {
    let users = rules
        .rules()
        .iter()
        .filter(|rule| rule.origin != RuleOrigin::BuiltIn);
    let none = users.map(|rule| RuleCount {
        rule: rule.id.clone(),
        reason: rule.reason.clone(),
        hid: 0,
    });
    count_per_rule(none.collect(), objects)
}

/// Returns the same rules, with how many changes each hid in these objects.
pub(super) fn count_per_rule(rules: Vec<RuleCount>, objects: &[ObjectReport]) -> Vec<RuleCount> {
    let mut counts: BTreeMap<(String, String), usize> = rules
        .into_iter()
        .map(|count| ((count.rule, count.reason), 0))
        .collect();
    for drift in objects.iter().flat_map(|object| &object.drifts) {
        if let Verdict::Ignored { rule, reason } = drift.verdict() {
            *counts.entry((rule.clone(), reason.clone())).or_default() += 1;
        }
    }
    let count = |((rule, reason), hid)| RuleCount { rule, reason, hid };
    counts.into_iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::tests::{config_map, manifests, recording};
    use crate::engine::{Extra, load, run};
    use crate::model::ObjectStatus;
    use crate::source::Source;

    /// A source of these manifests and errors.
    struct TestSource(Vec<serde_json::Value>, Vec<Warning>);

    impl Source for TestSource {
        fn load(&self, _: &dyn crate::cluster::Live) -> LoadedSource {
            let manifests = manifests(&self.0).into_iter();
            LoadedSource {
                manifests: manifests.map(|manifest| (*manifest).clone()).collect(),
                errors: self.1.clone(),
                ..LoadedSource::default()
            }
        }
    }

    fn report(source: TestSource, live: &[serde_json::Value], options: &Options) -> Report {
        let sources: [Box<dyn Source>; 1] = [Box::new(source)];
        run(&sources, &recording(live), &RuleSet::default(), options).unwrap()
    }

    #[test]
    fn coverage_counts_what_was_compared_left_out_and_broken() {
        let [a, b] = ["a", "b"].map(|name| config_map(name, json!({"k": "1"})));
        let mut elsewhere = config_map("c", json!({}));
        elsewhere["metadata"]["namespace"] = json!("web");
        let broken = Warning::error("broken.yaml:3", "not YAML");
        let options = Options {
            namespace: Some("shop".to_owned()),
            ..Options::default()
        };
        let given = TestSource(vec![a.clone(), b, elsewhere], vec![broken.clone()]);
        let report = report(given, &[a], &options);
        let coverage = report.coverage;
        assert_eq!(
            [
                coverage.declared,
                coverage.compared,
                coverage.filtered,
                coverage.failed
            ],
            [3, 2, 1, 1]
        );
        assert_eq!(coverage.extra, None);
        assert!(report.warnings.contains(&broken));
    }

    #[test]
    fn reports_extra_objects_only_with_extra() {
        let [a, b] = ["a", "b"].map(|name| config_map(name, json!({"k": "1"})));
        let live = [a.clone(), b];
        let of =
            |options: &Options| report(TestSource(vec![a.clone()], Vec::new()), &live, options);
        let without = of(&Options::default());
        assert_eq!(without.objects.len(), 1);
        let with = of(&Options {
            extra: Extra::Namespace,
            ..Options::default()
        });
        let extra = with
            .objects
            .iter()
            .filter(|o| o.status() == ObjectStatus::Extra);
        let extra: Vec<String> = extra.map(|object| object.key.to_string()).collect();
        assert_eq!(extra, ["ConfigMap shop/b"]);
        assert_eq!(with.coverage.extra.unwrap().unread, 0);
    }

    #[test]
    fn a_source_that_fails_does_not_stop_the_others() {
        let live = recording(&[]);
        let good = TestSource(vec![config_map("a", json!({}))], Vec::new());
        let bad = TestSource(Vec::new(), vec![Warning::error("b.yaml", "unreadable")]);
        let loaded = load(&[Box::new(bad), Box::new(good)], &live);
        assert_eq!((loaded.manifests.len(), loaded.errors.len()), (1, 1));
    }
}
