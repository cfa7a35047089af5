//! The report as a list of findings, for formats without objects.

use ring::digest;
use strum::{IntoStaticStr, VariantArray};

pub(super) use super::brief::{brief, brief_difference, in_conflict, is_simple, pair};
use super::{ShowLevel, escape, view, words};
use crate::model::{
    Change, ChangeCause, ChangeKind, Enforcement, JudgedChange, Lifecycle, Merge, MergeClass,
    ObjectReport, ObjectStatus, Report, Severity, Verdict, Violation, Warning,
};

/// The class of a finding. Each has a name and a description that other programs show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
pub enum FindingClass {
    /// A field differs.
    #[strum(serialize = "changed-field")]
    Changed,
    /// A declared field is not live.
    #[strum(serialize = "removed-field")]
    Removed,
    /// A live field is no longer declared.
    #[strum(serialize = "added-field")]
    Added,
    /// A live field is no longer declared, and nobody has applied that yet.
    #[strum(serialize = "dropped-field")]
    DroppedField,
    /// A declared object is not live.
    #[strum(serialize = "missing-object")]
    Missing,
    /// A live object is not declared.
    #[strum(serialize = "extra-object")]
    Extra,
    /// Merging the branch overwrites a live change.
    #[strum(serialize = "merge-conflict")]
    Conflict,
    /// Only the branch changes a field.
    #[strum(serialize = "pending-change")]
    Pending,
    /// The branch now declares the live value.
    #[strum(serialize = "backported-change")]
    Backport,
    /// Only the branch declares an object.
    #[strum(serialize = "new-object")]
    New,
    /// The branch no longer declares an object.
    #[strum(serialize = "dropped-object")]
    Dropped,
    /// A policy denies an object, or would.
    #[strum(serialize = "policy-violation")]
    Violation,
    /// A policy warns about an object, or writes to the audit log.
    #[strum(serialize = "policy-warning")]
    AuditViolation,
    /// A policy could not be evaluated.
    #[strum(serialize = "policy-not-evaluated")]
    Unevaluated,
    /// An object was not compared.
    #[strum(serialize = "unknown-object")]
    Unknown,
    /// The run could not do something.
    #[strum(serialize = "incomplete-run")]
    Error,
    /// A note about the run.
    #[strum(serialize = "run-warning")]
    Warning,
}

impl FindingClass {
    /// Returns a stable name.
    pub fn id(self) -> &'static str {
        self.into()
    }

    /// Returns what the class means, in a sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Changed => "A field has another value in the cluster than in the manifest",
            Self::Removed => "A field that the manifest declares is not in the cluster",
            Self::Added => "A field in the cluster is not declared in the manifest",
            Self::DroppedField => {
                "A field that the manifest no longer declares is still applied in the cluster"
            }
            Self::Missing => "An object that a manifest declares is not in the cluster",
            Self::Extra => "An object in the cluster is not declared in any manifest",
            Self::Conflict => "Merging the branch overwrites a change that was made in the cluster",
            Self::Pending => "The branch changes a field that matches the base in the cluster",
            Self::Backport => "The branch now declares what was changed in the cluster",
            Self::New => "The branch declares an object that is not in the cluster yet",
            Self::Dropped => "The branch no longer declares an object that is in the cluster",
            Self::Violation => "An admission policy refuses the object",
            Self::AuditViolation => {
                "The object violates an admission policy that only warns or audits"
            }
            Self::Unevaluated => "An admission policy could not be evaluated for the object",
            Self::Unknown => "An object could not be compared, so it may have drifted",
            Self::Error => "Something could not be read, so the comparison is incomplete",
            Self::Warning => "A note about the comparison",
        }
    }

    /// Returns whether the class means that something was not compared.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Unknown | Self::Error)
    }

    /// Returns whether the class is a result of a policy.
    pub fn is_of_policy(self) -> bool {
        matches!(
            self,
            Self::Violation | Self::AuditViolation | Self::Unevaluated
        )
    }

    /// Returns whether the class is a change that the branch intends, which is not a problem.
    pub fn is_intended(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Backport | Self::New | Self::Dropped
        )
    }
}

/// A location in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, as the user named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: Option<usize>,
}

/// One finding of a report. Its texts are escaped for use within a line.
#[derive(Debug, Clone)]
pub struct ReportFinding {
    /// Its class.
    pub class: FindingClass,
    /// The index of its object in the report.
    pub object: Option<usize>,
    /// The severity.
    pub severity: Severity,
    /// Its subject: `Deployment shop/cart`.
    pub subject: String,
    /// The field, if it is about one.
    pub path: Option<String>,
    /// The sentence, without the subject.
    pub message: String,
    /// The location in the manifests, if known.
    pub place: Option<Location>,
    /// A path that represents an object that no manifest declares.
    pub stand_in: String,
    /// A fingerprint that stays the same from run to run, even if lines or values change.
    pub fingerprint: String,
    /// The rule that ignores it, and the reason.
    pub ignored: Option<String>,
}

/// Returns every finding, the worst first.
pub fn findings(report: &Report, show: ShowLevel) -> Vec<ReportFinding> {
    let mut all: Vec<ReportFinding> = report.warnings.iter().map(of_warning).collect();
    // Explained differences are not findings.
    let show = show.min(ShowLevel::Ignored);
    for (at, object) in report.objects.iter().enumerate() {
        let drifts = view::drifts(object, show).map(|drift| of_drift(object, drift));
        let violations = object
            .violations
            .iter()
            .map(|one| of_violation(object, one));
        all.extend(
            of_object(object)
                .into_iter()
                .chain(violations)
                .chain(drifts)
                .map(|finding| ReportFinding {
                    object: Some(at),
                    ..finding
                }),
        );
    }
    // The sort is stable: findings of the same severity keep the report's order.
    all.sort_by_key(|finding| {
        let urgency = std::cmp::Reverse(finding.severity);
        (
            finding.ignored.is_some(),
            finding.class.is_intended(),
            finding.class != FindingClass::Conflict,
            !finding.class.is_fault(),
            urgency,
        )
    });
    all
}

fn of_warning(warning: &Warning) -> ReportFinding {
    let (class, severity) = if warning.fatal {
        (FindingClass::Error, Severity::Critical)
    } else {
        (FindingClass::Warning, Severity::Low)
    };
    let subject = escape::line(&warning.place).into_owned();
    ReportFinding {
        class,
        object: None,
        severity,
        path: None,
        message: escape::line(&warning.message).into_owned(),
        place: place_of_text(&warning.place),
        stand_in: "driftctl".to_owned(),
        fingerprint: fingerprint(&[class.id(), &warning.place, &warning.message]),
        ignored: None,
        subject,
    }
}

/// Returns the message about an object as a whole.
fn of_object(object: &ObjectReport) -> Option<ReportFinding> {
    let severity = object.severity().unwrap_or(Severity::Medium);
    let (class, severity) = match object.status() {
        ObjectStatus::Missing => (FindingClass::Missing, severity),
        ObjectStatus::Extra => (FindingClass::Extra, severity),
        ObjectStatus::Unknown => (FindingClass::Unknown, Severity::Critical),
        ObjectStatus::Conflict if object.whole_severity.is_some() || object.drifts.is_empty() => {
            (FindingClass::Conflict, severity)
        }
        ObjectStatus::Pending if object.lifecycle == Some(Lifecycle::New) => {
            (FindingClass::New, severity)
        }
        ObjectStatus::Pending if object.lifecycle == Some(Lifecycle::Removed) => {
            (FindingClass::Dropped, severity)
        }
        ObjectStatus::InSync
        | ObjectStatus::Drifted
        | ObjectStatus::Conflict
        | ObjectStatus::Pending => return None,
    };
    let mut message = words::status_note(object).unwrap_or_default();
    if let Some(owners) = words::owners(&object.owners, None) {
        message.push_str(&format!("; {owners}"));
    }
    Some(ReportFinding {
        class,
        object: None,
        severity,
        subject: words::object(object),
        path: None,
        message,
        place: origin(object),
        stand_in: words::file_name(object),
        fingerprint: fingerprint(&identity(object, class, "")),
        ignored: None,
    })
}

/// Returns the finding for a policy's result, at the line of its field.
fn of_violation(object: &ObjectReport, violation: &Violation) -> ReportFinding {
    let (class, severity) = match violation.enforcement {
        Enforcement::Denied | Enforcement::Deny => (FindingClass::Violation, Severity::High),
        Enforcement::Warn | Enforcement::Audit => (FindingClass::AuditViolation, Severity::Medium),
        Enforcement::Cannot => (FindingClass::Unevaluated, Severity::Low),
    };
    let rule = violation.rule.as_deref().unwrap_or_default();
    let said = format!("{} {rule}", violation.policy);
    ReportFinding {
        class,
        object: None,
        severity,
        subject: words::object(object),
        path: None,
        message: words::violation(violation),
        place: origin(object).map(|place| match violation.position {
            Some(position) => Location {
                line: position.line,
                column: Some(position.column),
                ..place
            },
            None => place,
        }),
        stand_in: words::file_name(object),
        fingerprint: fingerprint(&identity(object, class, &said)),
        ignored: None,
    }
}

fn of_drift(object: &ObjectReport, drift: &JudgedChange) -> ReportFinding {
    let class = class_of(drift);
    let path = drift.change.path.to_string();
    let mut message = match class {
        FindingClass::Conflict => conflict(drift),
        FindingClass::Pending => format!("pending: {}", change_sentence(&drift.change)),
        FindingClass::Backport => {
            let path = escape::line(&path);
            let live = drift.change.live.as_ref();
            let live = live.map_or_else(|| "not there".to_owned(), brief);
            format!("backport: {path} is {live} live, and the branch now declares the same")
        }
        _ => change_sentence(&drift.change),
    };
    if let (false, Some(owners)) = (drift.is_conflict(), words::owners(&drift.owners, None)) {
        message.push_str(&format!("; {owners}"));
    }
    if let Some(note) = drift.remark() {
        message.push_str(&format!("; {}", escape::line(&note)));
    }
    let place = origin(object).map(|place| match drift.position {
        Some(position) => Location {
            line: position.line,
            column: Some(position.column),
            ..place
        },
        None => place,
    });
    ReportFinding {
        class,
        object: None,
        severity: drift.severity,
        subject: words::object(object),
        message,
        place,
        stand_in: words::file_name(object),
        fingerprint: fingerprint(&identity(object, class, &path)),
        ignored: match drift.verdict() {
            Verdict::Ignored { rule, reason } => {
                Some(escape::line(&format!("{rule}: {reason}")).into_owned())
            }
            Verdict::Reported | Verdict::Explained { .. } => None,
        },
        path: Some(escape::line(&path).into_owned()),
    }
}

fn class_of(drift: &JudgedChange) -> FindingClass {
    if drift.merge.is_none() && drift.cause == Some(ChangeCause::Dropped) {
        return FindingClass::DroppedField;
    }
    match (&drift.merge, drift.change.kind) {
        (
            Some(Merge {
                class: MergeClass::Conflict,
                ..
            }),
            _,
        ) => FindingClass::Conflict,
        (
            Some(Merge {
                class: MergeClass::Pending,
                ..
            }),
            _,
        ) => FindingClass::Pending,
        (
            Some(Merge {
                class: MergeClass::Backport,
                ..
            }),
            _,
        ) => FindingClass::Backport,
        (_, ChangeKind::Modified) => FindingClass::Changed,
        (_, ChangeKind::Removed) => FindingClass::Removed,
        (_, ChangeKind::Added) => FindingClass::Added,
    }
}

/// Returns `CONFLICT at .spec.replicas: base 3, branch 5, live 8; merging overwrites the change of
/// …`.
pub(super) fn conflict(drift: &JudgedChange) -> String {
    format!(
        "CONFLICT at {}: {}; {}",
        escape::line(&drift.change.path.to_string()),
        in_conflict(drift, ", ").join("; "),
        words::overwritten(drift, None)
    )
}

/// Returns `.spec.replicas is 5 live, but 3 is declared`.
fn change_sentence(change: &Change) -> String {
    let path = escape::line(&change.path.to_string()).into_owned();
    match (&change.declared, &change.live) {
        (Some(declared), Some(live)) if declared == live => {
            format!("{path} was changed live (values hidden)")
        }
        (Some(declared), Some(live)) if is_simple(declared) && is_simple(live) => {
            let [declared, live] = pair(declared, live);
            format!("{path} is {live} live, but {declared} is declared")
        }
        (Some(declared), Some(live)) => {
            format!("{path} differs: {}", brief_difference(declared, live))
        }
        (Some(declared), None) => {
            format!("{path} is not live, but {} is declared", brief(declared))
        }
        (None, Some(live)) => format!("{path} is {} live, but not declared", brief(live)),
        (None, None) => path,
    }
}

fn origin(object: &ObjectReport) -> Option<Location> {
    // The branch's file no longer has the object: the base's line number would be wrong in it.
    if object.lifecycle == Some(Lifecycle::Removed) {
        return None;
    }
    object.origin.as_ref().map(|origin| Location {
        file: origin.file.to_string(),
        line: origin.line.max(1),
        column: None,
    })
}

/// Parses `file:line:column` or `file:line`.
fn place_of_text(text: &str) -> Option<Location> {
    let (rest, last) = text.rsplit_once(':')?;
    let last: usize = last.parse().ok()?;
    let before = rest
        .rsplit_once(':')
        .and_then(|(file, line)| Some((file, line.parse().ok()?)));
    let (file, line, column) = match before {
        Some((file, line)) => (file, line, Some(last)),
        None => (rest, last, None),
    };
    (!file.is_empty() && line > 0).then(|| Location {
        file: file.to_owned(),
        line,
        column,
    })
}

fn identity<'o>(object: &'o ObjectReport, class: FindingClass, path: &'o str) -> [&'o str; 6] {
    let key = &object.key;
    [
        class.id(),
        &key.group,
        &key.kind,
        key.namespace.as_deref().unwrap_or(""),
        &key.name,
        path,
    ]
}

/// Returns a SHA-256 digest of the parts and their boundaries. No value is among them: a
/// fingerprint must neither change with a value nor reveal anything about it.
fn fingerprint(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    digest.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_locations_at_the_end_of_a_text() {
        let place = |text| place_of_text(text).map(|p| (p.file, p.line, p.column));
        let file = || "a/b:c.yaml".to_owned();
        assert_eq!(place("a/b:c.yaml:7:3"), Some((file(), 7, Some(3))));
        assert_eq!(place("a/b:c.yaml:7"), Some((file(), 7, None)));
        assert_eq!(place("Secret shop/cart"), None);
        assert_eq!(place(":3"), None);
        assert_eq!(place(""), None);
    }

    #[test]
    fn fingerprints_depend_on_the_boundaries_of_parts() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
        assert_eq!(fingerprint(&["a"]).len(), 32);
    }

    #[test]
    fn shortens_values_within_sentences() {
        assert_eq!(brief(&serde_json::json!("a\nb")), "a text of 2 lines");
        assert_eq!(brief(&serde_json::json!([1])), "a list of 1 item");
        assert_eq!(brief(&serde_json::json!({"a": 1})), "a block of 1 field");
        assert_eq!(brief(&serde_json::json!("yes")), "\"yes\"");
        assert_eq!(
            brief(&serde_json::json!("x".repeat(100))).chars().count(),
            81
        );
    }
}
