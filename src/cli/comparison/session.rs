//! A comparison that can be made again: of the same declared state, with other live objects.

use anyhow::Result;
use jiff::Timestamp;

use super::{Rules, absence, cluster, emptiness, options, rules, scanned, sources};
use crate::cli::args::{CompareArgs, FilterArgs, LiveArgs, RulesArgs, SourceArgs};
use crate::cluster::{Api, Live};
use crate::engine::{self, Options};
use crate::model::Report;
use crate::redact::Predicate;
use crate::source::{Once, Source};

/// What is compared, in which cluster, and by which rules.
pub struct Session {
    sources: Vec<Box<dyn Source>>,
    api: Api,
    rules: Rules,
    options: Options,
    source: SourceArgs,
    filter: FilterArgs,
}

impl Session {
    /// Finds the cluster and the declared state, and reads neither yet.
    ///
    /// # Errors
    /// When the words contradict one another, or there is no way to the cluster.
    pub fn begin(
        source: &SourceArgs,
        live: &LiveArgs,
        compare: &CompareArgs,
        rule_words: &RulesArgs,
        now: Timestamp,
    ) -> Result<Self> {
        let mut rules = rules(rule_words, source, now)?;
        let sources = sources(source, live)?.into_iter();
        let once = |source| Box::new(Once::of(source)) as Box<dyn Source>;
        let sources = sources.map(once).collect();
        let api = cluster(&live.connection, &scanned(source))?;
        rules.add_live(rule_words, &api)?;
        Ok(Self {
            sources,
            api,
            rules,
            options: Options {
                strict_rules: rule_words.strict_rules,
                ..options(source, live, compare, false)
            },
            source: source.clone(),
            filter: live.filter.clone(),
        })
    }

    /// The cluster.
    pub fn cluster(&self) -> &Api {
        &self.api
    }

    /// Values that the user calls secret.
    pub fn secret(&self) -> Option<Predicate> {
        self.rules.secret()
    }

    /// Compares what is declared with a live side.
    ///
    /// # Errors
    /// When nothing can be compared.
    pub fn report(&self, live: &dyn Live) -> Result<Report> {
        let mut report = engine::run(&self.sources, live, &self.rules.set, &self.options)?;
        let emptiness = emptiness(&report, &self.source, &self.filter);
        let absence = absence(&report, &self.source);
        report.warnings.extend(emptiness);
        report.warnings.extend(absence);
        report.warnings.extend(self.rules.warnings.iter().cloned());
        report.skipped.extend(self.rules.notes.iter().cloned());
        Ok(report)
    }
}
