//! Explains why the paths of one object are drift or not: joins the verdicts of a run with what its
//! comparison recorded.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::options::Options;
use super::trace::{ObjectTrace, TraceRequest, note};
use super::{RunResult, pipeline};
use crate::cluster::Live;
use crate::compare::VisitedPath;
use crate::model::{
    FieldPath, JudgedChange, KindNames, ListMatching, ManifestStep, ObjectExplanation,
    ObjectReport, ObjectStatus, Owner, PackedObject, PathDecision, PathElement, PathExplanation,
    Report, ResourceKey, RuleNote, SchemaOrigin, SecretValue, ValueType, Verdict,
};
use crate::policy::{ACCEPTED, RuleSet};
use crate::source::Source;

/// The minimum similarity of suggested names.
const CLOSE: f64 = 0.35;
/// The maximum number of suggested names.
const MOST_OFFERED: usize = 3;

/// The object and path to explain.
#[derive(Clone, Copy)]
pub struct ExplainRequest<'q> {
    /// The object as written.
    pub object: &'q str,
    /// Whether an object matches.
    pub is_meant: &'q (dyn Fn(&ResourceKey, &KindNames<'_>) -> bool + Sync),
    /// The path; the root for the whole object.
    pub path: &'q FieldPath,
}

/// The explanation, including secrets.
#[derive(Debug)]
pub struct ExplainAnswer {
    /// The explanation.
    pub explanation: ObjectExplanation,
    /// Both sides as compared, for formats that show more than the path.
    pub sides: [Option<Value>; 2],
    /// Suggested paths, if the requested one does not exist.
    pub nearest: Vec<FieldPath>,
    /// The values of the Secrets of the run.
    pub secret_values: Vec<SecretValue>,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum NoExplanation {
    /// No manifest declares the object.
    #[error("no manifest declares {asked}{}", did_you_mean(.nearest))]
    NoObject {
        /// The name in the request.
        asked: String,
        /// Objects with similar names.
        nearest: Vec<String>,
    },
    /// Several objects match.
    #[error("{asked} matches several objects: {}; add the namespace or the group", .found.join(", \
        "))]
    Several {
        /// The name in the request.
        asked: String,
        /// The objects.
        found: Vec<String>,
    },
    /// The object could not be compared.
    #[error("{object} could not be compared: {why}")]
    Unknown {
        /// The object.
        object: ResourceKey,
        /// Why.
        why: String,
    },
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => "; 'driftctl diff --show all' lists those that are declared".to_owned(),
        nearest => format!("; did you mean {}?", nearest.join(" or ")),
    }
}

/// Runs a comparison, and explains one of its objects.
///
/// # Errors
/// Fails like [`run`](super::run), and with [`NoExplanation`].
pub fn explain(
    sources: &[Box<dyn Source>],
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
    question: ExplainRequest<'_>,
) -> Result<ExplainAnswer> {
    let options = Options {
        explain: true,
        ..options.clone()
    };
    let watch = TraceRequest {
        is_meant: question.is_meant,
        path: question.path,
    };
    let RunResult { report, traces, .. } = pipeline(sources, live, rules, &options, Some(watch))?;
    let object = matching_object(&report, question)?;
    let trace = traces.iter().find(|trace| trace.key == object.key);
    Ok(ExplanationBuilder {
        report: &report,
        object,
        trace,
        rules,
        path: question.path,
    }
    .answer())
}

/// Returns the one object that the request matches.
fn matching_object<'r>(
    report: &'r Report,
    question: ExplainRequest<'_>,
) -> Result<&'r ObjectReport, NoExplanation> {
    let is_meant = |o: &&ObjectReport| (question.is_meant)(&o.key, &report.names_of(o));
    let found: Vec<&ObjectReport> = report.objects.iter().filter(is_meant).collect();
    let asked = question.object.to_owned();
    match found[..] {
        [] => {
            let names = report.objects.iter().map(|object| as_asked(&object.key));
            Err(NoExplanation::NoObject {
                nearest: nearest(&asked, names.collect()),
                asked,
            })
        }
        [object] if object.status() == ObjectStatus::Unknown => Err(NoExplanation::Unknown {
            object: object.key.clone(),
            why: object.reason.clone().unwrap_or_default(),
        }),
        [object] => Ok(object),
        _ => Err(NoExplanation::Several {
            asked,
            found: found.iter().map(|object| as_asked(&object.key)).collect(),
        }),
    }
}

/// Returns an object in the form of the command line: `Deployment/shop/cart`.
fn as_asked(key: &ResourceKey) -> String {
    match &key.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", key.kind, key.name),
        None => format!("{}/{}", key.kind, key.name),
    }
}

/// Returns the most similar names.
fn nearest(asked: &str, names: Vec<String>) -> Vec<String> {
    let asked = asked.to_lowercase();
    let likeness =
        |name: &String| strsim::normalized_damerau_levenshtein(&asked, &name.to_lowercase());
    let mut close: Vec<(f64, String)> = names
        .into_iter()
        .map(|name| (likeness(&name), name))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    close.dedup();
    close.truncate(MOST_OFFERED);
    close.into_iter().map(|(_, name)| name).collect()
}

/// Builds the explanation of an object from the report, its trace and the rules.
struct ExplanationBuilder<'a> {
    report: &'a Report,
    object: &'a ObjectReport,
    trace: Option<&'a ObjectTrace>,
    rules: &'a RuleSet,
    path: &'a FieldPath,
}

impl<'a> ExplanationBuilder<'a> {
    fn answer(&self) -> ExplainAnswer {
        let object = self.object;
        let entries = self.entries();
        let nearest = if entries.is_empty() {
            self.nearest_paths()
        } else {
            Vec::new()
        };
        let trace = self.trace;
        let explanation = ObjectExplanation {
            target: self.report.target.clone(),
            key: object.key.clone(),
            api_version: trace
                .map_or(&object.api_version, |trace| &trace.api_version)
                .clone(),
            origin: object.origin.clone(),
            status: object.status(),
            severity: object.whole_severity,
            reason: object.reason.clone(),
            owners: object.owners.clone(),
            live: (object.status() == ObjectStatus::Extra)
                .then(|| object.live.as_ref().map(PackedObject::value))
                .flatten(),
            asked: self.path.clone(),
            appliers: trace.map_or_else(Vec::new, |trace| trace.appliers.clone()),
            has_owners: trace.is_some_and(|trace| trace.has_owners),
            schema: trace.map_or(SchemaOrigin::None, |trace| trace.schema.clone()),
            entries,
            warnings: self.report.warnings.clone(),
            secret: self.report.secret.clone(),
        };
        let sides = match trace {
            Some(trace) => [Some(trace.declared.clone()), Some(trace.live.clone())],
            None => {
                [&object.declared, &object.live].map(|side| side.as_ref().map(PackedObject::value))
            }
        };
        ExplainAnswer {
            secret_values: self.report.secret_values.clone(),
            explanation,
            sides,
            nearest,
        }
    }

    fn visits(&self) -> impl Iterator<Item = &'a VisitedPath> + use<'a> {
        self.trace.into_iter().flat_map(|trace| &trace.visits)
    }

    /// Returns whether a path belongs to the explanation: it is at or below the requested path, or
    /// decides it.
    fn is_asked(&self, path: &FieldPath) -> bool {
        path.starts_with(self.path) || self.path.starts_with(path)
    }

    fn entries(&self) -> Vec<PathExplanation> {
        let visits: BTreeMap<&FieldPath, &VisitedPath> =
            self.visits().map(|v| (&v.path, v)).collect();
        let drifts = self.object.drifts.iter();
        let drifts: Vec<&JudgedChange> = drifts.filter(|d| self.is_asked(&d.change.path)).collect();
        let told: BTreeSet<&FieldPath> = drifts.iter().map(|d| &d.change.path).collect();
        // A decision on a whole block is not repeated for its fields.
        let is_told = |path: &FieldPath| {
            let prefixes = (0..=path.0.len()).map(|n| FieldPath(path.0[..n].to_vec()));
            prefixes.into_iter().any(|prefix| told.contains(&prefix))
        };
        let equal = visits.values().filter(|visit| {
            visit.equal.is_some() && self.is_asked(&visit.path) && !is_told(&visit.path)
        });
        let mut entries: Vec<PathExplanation> = equal
            .filter_map(|visit| self.equal(visit, &visits))
            .collect();
        self.locate(&mut entries, &visits);
        let drifts = drifts.iter();
        entries.extend(drifts.map(|drift| self.differing(drift, &visits)));
        if entries.is_empty() {
            entries.extend(self.absent(&visits));
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries
    }

    /// Adds the positions of entries whose paths were visited.
    fn locate(&self, entries: &mut [PathExplanation], visits: &BTreeMap<&FieldPath, &VisitedPath>) {
        let Some(trace) = self.trace else { return };
        let way = |entry: &PathExplanation| {
            let visit = visits.get(&entry.path);
            visit.map_or(&[][..], |visit| visit.at.as_slice())
        };
        let ways: Vec<&[ManifestStep]> = entries.iter().map(way).collect();
        let positions = trace.manifest.locate_all(&ways);
        for (entry, position) in entries.iter_mut().zip(positions) {
            entry.position = position;
        }
    }

    fn equal(
        &self,
        visit: &VisitedPath,
        visits: &BTreeMap<&FieldPath, &VisitedPath>,
    ) -> Option<PathExplanation> {
        let (how, declared, live) = visit.equal.clone()?;
        Some(PathExplanation {
            declared,
            live,
            owners: visit.owners.clone(),
            ..self.entry(&visit.path, PathDecision::Equal(how), visits)
        })
    }

    fn differing(
        &self,
        drift: &JudgedChange,
        visits: &BTreeMap<&FieldPath, &VisitedPath>,
    ) -> PathExplanation {
        let change = &drift.change;
        let decision = PathDecision::Differs {
            kind: change.kind,
            verdict: drift.verdict().clone(),
            severity: drift.severity,
            cause: drift.cause,
            note: drift.note.clone(),
        };
        let holders = visits.get(&change.path).map(|visit| &visit.owners);
        PathExplanation {
            position: drift.position,
            declared: change.declared.clone(),
            live: change.live.clone(),
            owners: with_users(holders.unwrap_or(&drift.owners), &drift.owners),
            rule: self.rule(drift.verdict()),
            ..self.entry(&change.path, decision, visits)
        }
    }

    /// Returns an entry for a path that the type has but neither side does.
    fn absent(&self, visits: &BTreeMap<&FieldPath, &VisitedPath>) -> Option<PathExplanation> {
        let (form, type_name, default) = self.trace?.asked.clone()?;
        // A type does not know which items exist, so an item in neither list gets no entry.
        let item = self
            .path
            .0
            .iter()
            .rposition(|s| !matches!(s, PathElement::Field(_)));
        if let Some(item) = item {
            visits.get(&FieldPath(self.path.0[..=item].to_vec()))?;
        }
        let default = default.map(|value| (value, crate::model::DefaultFrom::Type));
        Some(PathExplanation {
            form,
            type_name,
            default,
            ..self.entry(self.path, PathDecision::Absent, visits)
        })
    }

    fn entry(
        &self,
        path: &FieldPath,
        decision: PathDecision,
        visits: &BTreeMap<&FieldPath, &VisitedPath>,
    ) -> PathExplanation {
        let seen = visits.get(path);
        PathExplanation {
            path: path.clone(),
            position: None,
            declared: None,
            live: None,
            decision,
            owners: Vec::new(),
            form: seen.map_or(ValueType::Untyped, |visit| visit.form.clone()),
            type_name: seen.map_or_else(String::new, |visit| visit.type_name.clone()),
            default: seen.and_then(|visit| visit.default.clone()),
            matched: matched(path, visits),
            rule: None,
        }
    }

    fn rule(&self, verdict: &Verdict) -> Option<RuleNote> {
        let (id, reason) = match verdict {
            Verdict::Reported => return None,
            Verdict::Ignored { rule, reason } => (rule, reason.as_str()),
            Verdict::Explained { rule, .. } => (rule.as_ref()?, ""),
        };
        if id == ACCEPTED {
            return Some(RuleNote {
                id: id.clone(),
                origin: "the baseline of accepted drift".to_owned(),
                reason: reason.to_owned(),
                owner: None,
                ticket: None,
                expires: None,
            });
        }
        let mut of_object = self.trace.into_iter().flat_map(|trace| &trace.rules);
        let of_object = of_object.find(|&rule| rule.id == *id).cloned();
        of_object.or_else(|| {
            let of_run = self.rules.rules().iter().find(|rule| rule.id == *id);
            of_run.map(note)
        })
    }

    /// Returns similar paths for a path that does not exist.
    fn nearest_paths(&self) -> Vec<FieldPath> {
        let seen = self.visits().map(|visit| visit.path.to_string());
        let found = self.object.drifts.iter();
        let found = found.map(|drift| drift.change.path.to_string());
        let names: BTreeSet<String> = seen.chain(found).collect();
        let asked = self.path.to_string();
        // A name alone means a field of that name anywhere: `image`, `containers[0].image`.
        let last = self
            .path
            .0
            .last()
            .map(|last| FieldPath(vec![last.clone()]).to_string());
        let below = |tail: &str| -> Vec<String> {
            let found = names.iter().filter(|name| name.ends_with(tail));
            let mut found: Vec<String> = found.cloned().collect();
            found.sort_by_key(String::len);
            found.truncate(MOST_OFFERED);
            found
        };
        let tails = [Some(asked.clone()), last];
        let mut found = tails.iter().flatten().map(|tail| below(tail));
        let close = found.find(|found| !found.is_empty());
        let close = close.unwrap_or_else(|| nearest(&asked, names.iter().cloned().collect()));
        close.iter().filter_map(|path| path.parse().ok()).collect()
    }
}

/// Returns how the lists on a path were matched.
fn matched(path: &FieldPath, visits: &BTreeMap<&FieldPath, &VisitedPath>) -> Vec<ListMatching> {
    let above = (1..path.0.len()).map(|n| FieldPath(path.0[..n].to_vec()));
    let lists = above.filter_map(|above| {
        let form = &visits.get(&above)?.form;
        form.is_list().then(|| ListMatching {
            form: form.clone(),
            path: above,
        })
    });
    lists.collect()
}

/// Returns the owners of a path, with their users where those are known.
fn with_users(holders: &[Owner], known: &[Owner]) -> Vec<Owner> {
    let known_as = |holder: &Owner| {
        let same = |other: &&Owner| {
            other.manager == holder.manager
                && other.operation == holder.operation
                && other.subresource == holder.subresource
        };
        known.iter().find(same).unwrap_or(holder).clone()
    };
    holders.iter().map(known_as).collect()
}
