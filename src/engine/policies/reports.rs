//! Reads results of policy engines from the cluster: PolicyReports of Kyverno and others, and the
//! status of Gatekeeper's constraints.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::{Discovery as _, Overlay, Query, Read as _};
use crate::model::{
    Enforcement, PackedObject, Report, ResourceKey, Violation, Warning, group_of, items_at,
    text_or_empty,
};

/// The kinds of reports.
const REPORTS: [(&str, &str); 4] = [
    ("wgpolicyk8s.io/v1alpha2", "PolicyReport"),
    ("wgpolicyk8s.io/v1alpha2", "ClusterPolicyReport"),
    ("openreports.io/v1alpha1", "Report"),
    ("openreports.io/v1alpha1", "ClusterReport"),
];

/// The group of Gatekeeper's constraints.
const CONSTRAINTS: &str = "constraints.gatekeeper.sh";

/// Adds the results in reports to each object. With `strict`, unknown results make the run
/// incomplete.
pub fn add_reports(report: &mut Report, live: &Overlay<'_>, strict: bool) {
    let mut said: BTreeMap<ResourceKey, Vec<Violation>> = BTreeMap::new();
    let mut warnings = Vec::new();
    let mut found = 0;
    let (kinds, unread) = live.kinds();
    for why in unread {
        warnings.push(warning(
            format!("not all kinds are known, so reports may be missing: {why}"),
            true,
        ));
    }
    let wanted = kinds.iter().filter(|kind| {
        let is_report = REPORTS
            .iter()
            .any(|(version, name)| kind.api_version == *version && kind.kind == *name);
        is_report || group_of(&kind.api_version) == CONSTRAINTS
    });
    for kind in wanted {
        let query = Query {
            api_version: &kind.api_version,
            kind: &kind.kind,
            namespace: None,
            labels: &[],
            metadata_only: false,
        };
        let objects = match live.list(&query) {
            Ok(objects) => objects,
            Err(error) => {
                let message = format!("the results of {} are unknown: {error}", kind.plural);
                warnings.push(warning(message, true));
                continue;
            }
        };
        found += objects.len();
        for object in &objects {
            match group_of(&kind.api_version) {
                CONSTRAINTS => {
                    let open = constraint(&kind.kind, object, &mut said);
                    warnings.extend(open.into_iter().map(|message| warning(message, strict)));
                }
                _ => of_report(&kind.kind, object, &mut said),
            }
        }
    }
    if found == 0 {
        let message = "no PolicyReport and no Gatekeeper constraint was found, so no object was \
            checked";
        warnings.push(warning(message.to_owned(), false));
    }
    for object in &mut report.objects {
        let Some(violations) = said.remove(&object.key) else {
            continue;
        };
        let read = live.read_object(&object.key);
        let quoted = read
            .and_then(|(_, live)| live.value().ok())
            .map(PackedObject::from);
        object.violations.extend(violations.into_iter().map(|one| {
            Violation {
                quoted: quoted.clone(),
                position: object
                    .manifest
                    .as_ref()
                    .and_then(|manifest| manifest.locate(&[])),
                ..one
            }
        }));
        object.violations.sort_by_key(|one| one.enforcement);
    }
    report.warnings.extend(warnings);
}

fn warning(message: String, fatal: bool) -> Warning {
    match fatal {
        true => Warning::error("", message),
        false => Warning::new("", message),
    }
}

/// Returns the object that a reference names.
fn key_of(reference: &Value, namespace: &str) -> ResourceKey {
    let own = text_or_empty(reference, "/namespace");
    let namespace = if own.is_empty() { namespace } else { own };
    let namespace = Some(namespace).filter(|name| !name.is_empty());
    ResourceKey::new(
        group_of(text_or_empty(reference, "/apiVersion")),
        text_or_empty(reference, "/kind"),
        namespace.map(str::to_owned),
        text_or_empty(reference, "/name"),
    )
}

fn of_report(kind: &str, report: &Value, said: &mut BTreeMap<ResourceKey, Vec<Violation>>) {
    let namespace = text_or_empty(report, "/metadata/namespace");
    for result in items_at(report, "/results") {
        let enforcement = match text_or_empty(result, "/result") {
            "fail" => Enforcement::Audit,
            "warn" => Enforcement::Warn,
            "error" => Enforcement::Cannot,
            _ => continue,
        };
        let own: Vec<&Value> = items_at(result, "/resources")
            .iter()
            .chain(items_at(result, "/subjects"))
            .collect();
        let scope = report.get("scope");
        let objects = match own.is_empty() {
            true => scope.into_iter().collect(),
            false => own,
        };
        let source = match text_or_empty(result, "/source") {
            "" => "",
            "kyverno" => "Kyverno policy ",
            other => other,
        };
        let policy = format!("{source}\"{}\"", text_or_empty(result, "/policy"));
        for object in objects {
            let violation = Violation {
                rule: Some(text_or_empty(result, "/rule").to_owned())
                    .filter(|rule| !rule.is_empty()),
                message: Some(text_or_empty(result, "/message").to_owned())
                    .filter(|said| !said.is_empty()),
                note: Some(format!(
                    "as {kind} {} says",
                    text_or_empty(report, "/metadata/name")
                )),
                ..Violation::of(enforcement, policy.clone())
            };
            said.entry(key_of(object, namespace))
                .or_default()
                .push(violation);
        }
    }
}

/// Reads the results of one constraint; returns a warning if they are incomplete.
fn constraint(
    kind: &str,
    constraint: &Value,
    said: &mut BTreeMap<ResourceKey, Vec<Violation>>,
) -> Vec<String> {
    let mut open = Vec::new();
    let name = text_or_empty(constraint, "/metadata/name");
    let mut listed = 0;
    for violation in items_at(constraint, "/status/violations") {
        listed += 1;
        let enforcement = match text_or_empty(violation, "/enforcementAction") {
            "deny" => Enforcement::Deny,
            "warn" => Enforcement::Warn,
            _ => Enforcement::Audit,
        };
        let namespace =
            Some(text_or_empty(violation, "/namespace")).filter(|name| !name.is_empty());
        let key = ResourceKey::new(
            text_or_empty(violation, "/group"),
            text_or_empty(violation, "/kind"),
            namespace.map(str::to_owned),
            text_or_empty(violation, "/name"),
        );
        let at = text_or_empty(constraint, "/status/auditTimestamp");
        said.entry(key).or_default().push(Violation {
            message: Some(text_or_empty(violation, "/message").to_owned()),
            note: Some(format!("as its audit of {at} says")),
            ..Violation::of(enforcement, format!("{kind} \"{name}\""))
        });
    }
    let total = constraint
        .pointer("/status/totalViolations")
        .and_then(Value::as_u64);
    if let Some(total) = total.filter(|total| *total > listed) {
        open.push(format!(
            "{kind} {name} lists {listed} of {total} violations, so it is unknown whether other \
             objects violate it; raise Gatekeeper's --constraint-violations-limit"
        ));
    }
    if constraint.pointer("/status/auditTimestamp").is_none() {
        open.push(format!(
            "{kind} {name} has not been audited yet, so its violations are unknown"
        ));
    }
    open
}
