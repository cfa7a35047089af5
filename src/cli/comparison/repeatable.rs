//! A comparison that can be repeated with other manifests and the same live objects.

use std::collections::BTreeMap;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    ComparisonInputs, LiveSide, RunRules, all_missing_warning, no_object_warning, prepare, rules,
};
use crate::cli::args::{DriftArgs, ExtraArg, FilterArgs, SourceArgs};
use crate::cli::selected::ChangeSelection;
use crate::cluster::{Api, Live};
use crate::engine::triage::{self, TriageItem};
use crate::engine::{self, ExplainAnswer, ExplainRequest};
use crate::model::Report;
use crate::redact::{LiveValues, Redacted, Redactor};
use crate::source::{CachedSource, FixedSource, LoadedSource, RenderedObject, Source};

/// Both sides of a comparison, and its rules. The live side may be a recording.
pub struct RepeatableComparison {
    prepared: ComparisonInputs,
    source: SourceArgs,
    filter: FilterArgs,
}

/// The report of a comparison, in full and as it may be shown.
pub struct Reports {
    /// The report, secrets included.
    pub report: Report,
    /// The report as it may be shown.
    pub shown: Redacted,
}

impl Reports {
    /// Returns the selected changes that can be decided on.
    pub fn items(&self, selected: &ChangeSelection) -> Vec<TriageItem<'_>> {
        let mut items = triage::items(&self.report, &self.shown);
        items.retain(|item| selected.selects(&self.report, item.object, &item.path()));
        items
    }
}

impl RepeatableComparison {
    /// Finds both sides, without reading them yet.
    ///
    /// # Errors
    /// Fails if the arguments contradict each other, or the live side cannot be found.
    pub fn begin(
        source: &SourceArgs,
        words: &DriftArgs,
        extra: ExtraArg,
        now: Timestamp,
    ) -> Result<Self> {
        let rules = rules(&words.rules, source, now)?.within(&words.live.connection);
        let compare = words.compare(extra);
        let mut prepared = prepare(rules, source, &words.live, &compare, &words.rules, false)?;
        let once = |source| Box::new(CachedSource::of(source)) as Box<dyn Source>;
        prepared.sources = prepared.sources.into_iter().map(once).collect();
        Ok(Self {
            prepared,
            source: source.clone(),
            filter: words.live.filter.clone(),
        })
    }

    /// Returns the live side.
    pub fn live(&self) -> &dyn Live {
        self.prepared.side.as_live()
    }

    /// Returns the cluster; `None` if the live side is a recording.
    pub fn cluster(&self) -> Option<&Api> {
        match &self.prepared.side {
            LiveSide::Cluster(api) => Some(api),
            LiveSide::Recording(_) => None,
        }
    }

    /// Returns the arguments of the declared side.
    pub fn source(&self) -> &SourceArgs {
        &self.source
    }

    /// Returns the rules.
    pub fn rules(&self) -> &RunRules {
        &self.prepared.rules
    }

    /// Returns the redactor for reports, which also masks the values that the user marks as secret.
    pub fn redactor(&self) -> Redactor {
        Redactor::of(self.prepared.rules.secret(), LiveValues::default())
    }

    /// Compares what is declared with a live side, for the command to select from.
    ///
    /// # Errors
    /// Fails if nothing can be compared.
    pub fn reports(&self, live: &dyn Live) -> Result<Reports> {
        let report = self.report(live)?;
        let shown = self.redactor().redact(report.clone());
        Ok(Reports { report, shown })
    }

    /// Compares what is declared with a live side.
    ///
    /// # Errors
    /// Fails if nothing can be compared.
    pub fn report(&self, live: &dyn Live) -> Result<Report> {
        let mut report = self.run(&self.prepared.sources, live)?;
        let emptiness = no_object_warning(&report, &self.source, &self.filter);
        let absence = all_missing_warning(&report, &self.source);
        report.warnings.extend(emptiness.into_iter().chain(absence));
        let rules = &self.prepared.rules;
        report.warnings.extend(rules.warnings.iter().cloned());
        report.skipped.extend(rules.notes.iter().cloned());
        Ok(report)
    }

    /// Explains the state of an object, secrets included.
    ///
    /// # Errors
    /// Fails if nothing can be compared, or the object or path does not exist.
    pub fn answer(&self, live: &dyn Live, question: ExplainRequest<'_>) -> Result<ExplainAnswer> {
        let ComparisonInputs {
            sources,
            rules,
            options,
            ..
        } = &self.prepared;
        engine::explain(sources, live, &rules.set, options, question)
    }

    /// Compares with these objects declared differently.
    ///
    /// # Errors
    /// Fails if nothing can be compared.
    pub fn edited(
        &self,
        live: &dyn Live,
        values: &BTreeMap<RenderedObject, Value>,
    ) -> Result<Report> {
        self.replaced(live, |loaded| FixedSource::edited(loaded, values))
    }

    /// Compares only these objects.
    ///
    /// # Errors
    /// Fails if they cannot be compared.
    pub fn only(
        &self,
        live: &dyn Live,
        values: &BTreeMap<RenderedObject, Value>,
    ) -> Result<Report> {
        self.replaced(live, |loaded| FixedSource::only(loaded, values))
    }

    fn replaced(
        &self,
        live: &dyn Live,
        by: impl Fn(LoadedSource) -> FixedSource,
    ) -> Result<Report> {
        let sources = self.prepared.sources.iter();
        let sources = sources.map(|source| Box::new(by(source.load(live))) as Box<dyn Source>);
        self.run(&sources.collect::<Vec<_>>(), live)
    }

    fn run(&self, sources: &[Box<dyn Source>], live: &dyn Live) -> Result<Report> {
        let ComparisonInputs { rules, options, .. } = &self.prepared;
        engine::run(sources, live, &rules.set, options)
    }
}
