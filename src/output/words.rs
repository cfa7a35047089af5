//! Phrases that are the same in every format for people.

use jiff::Timestamp;

use super::escape;
pub use super::who::{last_writer, latest_writer, owner, owners, relative_time};
use crate::model::{
    Blame, Deployer, Enforcement, FieldPath, JudgedChange, Lifecycle, MergeClass, ObjectReport,
    ObjectStatus, Report, ResourceKey, Severity, SourceRevision, Violation,
};
use crate::policy::ACCEPTED;

/// Returns `1 object`, `2 objects`.
pub fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

/// Returns a severity, in capitals if it must not be missed.
pub fn severity_label(severity: Severity) -> String {
    let word = severity.as_str();
    match severity {
        Severity::Critical | Severity::High => word.to_uppercase(),
        Severity::Medium | Severity::Low => word.to_owned(),
    }
}

/// Returns `4 critical · 3 high · 2 medium · 1 low`: drift by severity; `None` without drift.
pub fn severities(report: &Report) -> Option<String> {
    let mut counts = [0; 4];
    for object in report.objects.iter().filter(|object| object.is_drift()) {
        let whole = object.whole_severity.into_iter();
        let drifts = object.reported().filter(|drift| drift.is_drift());
        for severity in whole.chain(drifts.map(|drift| drift.severity)) {
            counts[severity as usize] += 1;
        }
    }
    let said: Vec<String> = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ]
    .into_iter()
    .filter(|severity| counts[*severity as usize] > 0)
    .map(|severity| format!("{} {}", counts[severity as usize], severity.as_str()))
    .collect();
    (!said.is_empty()).then(|| said.join(" · "))
}

/// Returns the same as [`status_note`], with the age of the time that it ends with.
pub fn status_note_at(object: &ObjectReport, now: Option<Timestamp>) -> Option<String> {
    let said = status_note(object)?;
    let Some((before, time)) = said.rsplit_once(" at ") else {
        return Some(said);
    };
    let (time, end) = match time.strip_suffix(')') {
        Some(time) => (time, ")"),
        None => (time, ""),
    };
    match time.parse::<Timestamp>() {
        Ok(_) => Some(format!("{before} {}{end}", relative_time(time, now))),
        Err(_) => Some(said),
    }
}

/// Returns a note about an object that was not compared field by field.
pub fn status_note(object: &ObjectReport) -> Option<String> {
    let said = match object.status() {
        ObjectStatus::Missing => "missing in the cluster",
        ObjectStatus::Extra => "extra: not in any manifest",
        ObjectStatus::Unknown => "unknown: not compared",
        ObjectStatus::Conflict if object.lifecycle == Some(Lifecycle::Removed) => {
            "CONFLICT: the branch removes it, and it was changed live"
        }
        ObjectStatus::Conflict => "CONFLICT: merging overwrites what was changed live",
        ObjectStatus::Pending if object.lifecycle == Some(Lifecycle::New) => {
            "new: the branch declares it, but it is not in the cluster yet"
        }
        ObjectStatus::Pending if object.lifecycle == Some(Lifecycle::Removed) => {
            "removed: the branch no longer declares it"
        }
        ObjectStatus::InSync | ObjectStatus::Drifted | ObjectStatus::Pending => {
            return object
                .reason
                .as_ref()
                .map(|reason| escape::line(reason).into_owned());
        }
    };
    Some(match &object.reason {
        Some(reason) if object.status() == ObjectStatus::Unknown => {
            format!("{said}, {}", escape::line(reason))
        }
        Some(reason) => format!("{said} ({})", escape::line(reason)),
        None => said.to_owned(),
    })
}

/// Returns the results of policies for an object, one per line: `denied by
/// ValidatingAdmissionPolicy "lock" (binding lock-prod): image is locked`.
pub fn violations(object: &ObjectReport) -> Vec<String> {
    object.violations.iter().map(violation).collect()
}

/// Returns the result of one policy, on one line.
pub fn violation(violation: &Violation) -> String {
    let policy = &violation.policy;
    let mut said = match violation.enforcement {
        Enforcement::Denied => format!("denied by {policy}"),
        Enforcement::Deny => format!("violates {policy}"),
        Enforcement::Warn => format!("violates {policy} (warns only)"),
        Enforcement::Audit => format!("violates {policy} (audits only)"),
        Enforcement::Cannot => format!("not evaluated: {policy}"),
    };
    if let Some(rule) = &violation.rule {
        said.push_str(&format!(" {rule}"));
    }
    if let Some(binding) = &violation.binding {
        said.push_str(&format!(" (binding {binding})"));
    }
    if let Some(message) = &violation.message {
        let message: Vec<&str> = message.split_whitespace().collect();
        said.push_str(&format!(": {}", message.join(" ")));
    }
    if let Some(note) = &violation.note {
        said.push_str(&format!("; {note}"));
    }
    escape::line(&said).into_owned()
}

/// Returns `Deployment shop/cart`, on one line whatever the names contain.
pub fn object(object: &ObjectReport) -> String {
    escape::line(&object.key.to_string()).into_owned()
}

/// Returns `Deployment.apps/shop/cart`, on one line whatever the names contain.
pub fn name(key: &ResourceKey) -> String {
    let kind = key.group_kind().to_string();
    let parts = [Some(&kind), key.namespace.as_ref(), Some(&key.name)];
    let parts = parts.into_iter().flatten().map(|part| escape::line(part));
    parts.collect::<Vec<_>>().join("/")
}

/// Returns where an object is declared: `cart/deployment.yaml:3`.
pub fn origin(object: &ObjectReport) -> Option<String> {
    let origin = object.origin.as_ref()?;
    let mut said = origin.to_string();
    if let Some(revision) = &origin.revision {
        said.push_str(&format!(" at {}", short(revision)));
    }
    if let Some(tool) = &origin.rendered_by {
        said.push_str(&format!(" by {tool}"));
    }
    Some(escape::line(&said).into_owned())
}

/// Returns the deployers of objects: `Kustomization cluster → apps → media/jellyfin`.
pub fn deployer(chain: &[Deployer]) -> String {
    let kind = chain.last().map_or("", |last| &last.kind);
    escape::line(&format!("{kind} {}", Deployer::chain(chain))).into_owned()
}

/// Returns the end of a path, from the last list item or label on, which is enough to recognize it.
pub fn short_path(path: &FieldPath) -> String {
    const LONG: usize = 32;
    let mut from = 0;
    while from + 1 < path.0.len() && FieldPath(path.0[from..].to_vec()).to_string().len() > LONG {
        from += 1;
    }
    let end = FieldPath(path.0[from..].to_vec());
    match from {
        0 => end.to_string(),
        _ => format!("…{end}"),
    }
}

/// Returns `ignored by keda: Scaled by KEDA`, or `accepted: Incident 12`.
pub fn hidden_by(rule: &str, reason: &str) -> String {
    let by = match rule {
        ACCEPTED => rule.to_owned(),
        rule => format!("ignored by {rule}"),
    };
    match reason {
        "" => by,
        reason => format!("{by}: {reason}"),
    }
}

/// Returns `18 drifted, 2 missing, 40 in sync`: every status that occurs, the worst first.
pub fn tally(report: &Report) -> String {
    let totals = report.totals();
    let figures = [
        (totals.conflict, "in conflict"),
        (totals.unknown, "unknown"),
        (totals.missing, "missing"),
        (totals.drifted, "drifted"),
        (totals.extra, "extra"),
        (totals.pending, "pending"),
        (totals.in_sync, "in sync"),
    ];
    let said: Vec<String> = figures
        .iter()
        .filter(|(n, word)| *n > 0 || *word == "in sync")
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    let mut said = said.join(", ");
    let with = |matches: fn(Enforcement) -> bool| {
        let objects = report.objects.iter();
        let objects = objects.filter(|o| o.violations.iter().any(|v| matches(v.enforcement)));
        objects.count()
    };
    for (n, word) in [
        (with(|e| e == Enforcement::Denied), "denied"),
        (
            with(|e| {
                matches!(
                    e,
                    Enforcement::Deny | Enforcement::Warn | Enforcement::Audit
                )
            }),
            "violating policies",
        ),
        (
            with(|e| e == Enforcement::Cannot),
            "with policies not evaluated",
        ),
    ] {
        if n > 0 {
            said.push_str(&format!("; {n} {word}"));
        }
    }
    said
}

/// Returns `66 of 66 declared objects compared, 1 failed, 3 skipped`.
pub fn coverage(report: &Report) -> String {
    let coverage = report.coverage;
    let mut said = format!(
        "{} of {} compared",
        coverage.compared,
        count(coverage.declared, "declared object")
    );
    if coverage.failed > 0 {
        said.push_str(&format!(", {} failed", coverage.failed));
    }
    if coverage.filtered > 0 {
        said.push_str(&format!(", {} filtered out", coverage.filtered));
    }
    if coverage.skipped > 0 {
        said.push_str(&format!(", {} skipped", coverage.skipped));
    }
    if coverage.unread_releases > 0 {
        let releases = count(coverage.unread_releases, "HelmRelease");
        said.push_str(&format!("; the objects of {releases} are not compared"));
    }
    // An inventory is searched by name, not by kind.
    if let Some(extra) = coverage
        .extra
        .filter(|extra| extra.kinds + extra.unread > 0)
    {
        let kinds = count(extra.kinds, "kind");
        said.push_str(&format!("; searched {kinds} for undeclared objects"));
        if extra.unread > 0 {
            said.push_str(&format!(", {} not read in full", extra.unread));
        }
    }
    said
}

/// Returns `drifted: 3 drifted, 1 in sync; 4 of 4 declared objects compared`.
pub fn verdict(report: &Report) -> String {
    let verdict = report.verdict();
    format!("{verdict}: {}; {}", tally(report), coverage(report))
}

/// Returns the same without the address of the API server.
pub fn sides_in_public(report: &Report) -> Option<String> {
    described(report, false)
}

/// Returns which commit was compared, and with what, as far as known.
pub fn sides(report: &Report) -> Option<String> {
    described(report, true)
}

fn described(report: &Report, with_server: bool) -> Option<String> {
    let target = &report.target;
    let mut said: Vec<String> = report.revisions.iter().map(revision).collect();
    let mut add = |label: &str, value: &Option<String>| {
        if let Some(value) = value {
            said.push(format!("{label}{}", escape::line(value)));
        }
    };
    add("context ", &target.context);
    add("recording ", &target.dump);
    if with_server {
        add("", &target.server);
    }
    add("", &target.version);
    if target.insecure {
        said.push("certificate NOT verified".to_owned());
    }
    if let Some(time) = &target.read_at {
        said.push(format!("read at {}", escape::line(time)));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

/// Returns `main at 3f2c1a0b9d12 of 2026-11-20`.
fn revision(revision: &SourceRevision) -> String {
    let commit = short(&revision.commit);
    let mut said = if commit.starts_with(&revision.name) {
        format!("commit {commit}")
    } else {
        format!("{} at {commit}", revision.name)
    };
    if let Some((day, _)) = revision.time.as_ref().and_then(|time| time.split_once('T')) {
        said.push_str(&format!(" of {day}"));
    }
    escape::line(&said).into_owned()
}

/// Returns `declared by Ana, 3f2c1a0b9d12 (2026-11-20)`.
pub fn blame(blame: &Blame) -> String {
    let Some(commit) = &blame.commit else {
        return "line not committed yet".to_owned();
    };
    let author = blame.author.as_deref().unwrap_or("someone");
    let mut said = format!("declared by {author}, {}", short(commit));
    if let Some((day, _)) = blame.time.as_ref().and_then(|time| time.split_once('T')) {
        said.push_str(&format!(" ({day})"));
    }
    escape::line(&said).into_owned()
}

/// Returns a commit's ID, as short as people write it.
pub fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// Returns the class of a change, with a conflict in capitals.
pub fn class(class: MergeClass) -> &'static str {
    match class {
        MergeClass::Conflict => "CONFLICT",
        other => other.as_str(),
    }
}

/// Returns what merging does to a change of this class.
pub fn merging(class: MergeClass) -> &'static str {
    match class {
        MergeClass::Conflict => "merging overwrites what was changed live",
        MergeClass::Drift => "changed live, and the branch does not change it",
        MergeClass::Pending => "the branch changes it, and the live value matches the base",
        MergeClass::Backport => "the branch now declares the live value",
    }
}

/// Returns what the conflicts mean for a merge; `None` without conflicts.
pub fn conflict(report: &Report) -> Option<String> {
    let n = report.totals().conflict;
    let objects = if n == 1 {
        "1 object"
    } else {
        &format!("{n} objects")
    };
    (n > 0).then(|| {
        format!(
            "merging overwrites what was changed live in {objects}: port it to the branch, or \
             confirm that it can be dropped"
        )
    })
}

/// Returns who wrote what merging overwrites: `kubectl-edit, last write 3h ago`.
pub fn overwritten(drift: &JudgedChange, now: Option<Timestamp>) -> String {
    match owners(&drift.owners, now) {
        Some(who) => format!("merging overwrites the change of {who}"),
        None if drift.change.live.is_none() => {
            "merging restores what someone removed live".to_owned()
        }
        None => "merging overwrites what someone changed live".to_owned(),
    }
}

/// Returns what an incomplete report means for its reader, `None` if it is complete.
pub fn incomplete(report: &Report) -> Option<&'static str> {
    if report.interrupted {
        Some("the run was cut short; what was not compared may have drifted")
    } else if report.is_incomplete() {
        Some("incomplete: what could not be compared may have drifted")
    } else {
        None
    }
}

/// Returns `shop/Deployment.apps/cart.yaml`: one file for each object, below one directory whatever
/// the names contain.
pub fn file_name(object: &ObjectReport) -> String {
    let key = &object.key;
    let parts = [
        key.namespace.as_deref().unwrap_or(""),
        &key.group_kind().to_string(),
        &key.name,
    ]
    .map(file_part);
    let [namespace, kind, name] = parts;
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{namespace}{slash}{kind}/{name}.yaml")
}

/// Returns `apps.v1.Deployment.shop.cart`: a flat file name for each object, as kubectl uses for
/// the program that `KUBECTL_EXTERNAL_DIFF` names.
pub fn flat_file_name(object: &ObjectReport) -> String {
    let key = &object.key;
    let version = object.api_version.replace('/', ".");
    let namespace = key.namespace.as_deref().unwrap_or("");
    file_part(&format!("{version}.{}.{namespace}.{}", key.kind, key.name))
}

/// Returns a name as a part of a path, percent-encoded where it could have another meaning.
fn file_part(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    for b in name.bytes() {
        match b {
            b'.' if part.is_empty() => part.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' => {
                part.push(b as char);
            }
            b => part.push_str(&format!("%{b:02X}")),
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Operation, Owner};

    fn ago(time: &str) -> String {
        relative_time(time, "2026-11-21T12:00:00Z".parse().ok())
    }

    #[test]
    fn recent_ages_are_rough_and_old_times_exact() {
        assert_eq!(ago("2026-11-21T11:59:15Z"), "45s ago");
        assert_eq!(ago("2026-11-21T11:48:00Z"), "12m ago");
        assert_eq!(ago("2026-11-21T09:00:00Z"), "3h ago");
        assert_eq!(ago("2026-11-16T12:00:00Z"), "5d ago");
        assert_eq!(ago("2025-11-16T12:00:00Z"), "2025-11-16T12:00:00Z");
        assert_eq!(ago("2026-11-21T12:00:05Z"), "2026-11-21T12:00:05Z");
        assert_eq!(ago("soon\u{1b}"), "soon\\u{1b}");
        assert_eq!(
            relative_time("2026-11-21T09:00:00Z", None),
            "2026-11-21T09:00:00Z"
        );
    }

    #[test]
    fn owners_include_the_subresource_and_the_last_write() {
        let mut one = Owner {
            manager: "kubectl".to_owned(),
            operation: Operation::Update,
            subresource: Some("scale".to_owned()),
            time: None,
            user: None,
        };
        assert_eq!(
            owner(&one, None),
            "kubectl (through scale), time not recorded"
        );
        one.subresource = None;
        one.operation = Operation::Apply;
        one.time = Some("2026-11-21T09:00:00Z".to_owned());
        assert_eq!(
            owner(&one, "2026-11-21T12:00:00Z".parse().ok()),
            "kubectl (apply), last write 3h ago"
        );
    }

    #[test]
    fn file_names_cannot_leave_their_directory() {
        assert_eq!(file_part("cart-1.example"), "cart-1.example");
        assert_eq!(file_part("system:node"), "system:node");
        assert_eq!(file_part("../etc"), "%2E.%2Fetc");
        assert_eq!(file_part("a\tb c"), "a%09b%20c");
    }
}
