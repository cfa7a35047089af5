//! Handmade reports with an example of everything.

use driftctl::model::{
    Change, ChangeCause, Coverage, Explanation, JudgedChange, Lifecycle, Merge, MergeClass,
    ObjectReport, ObjectStatus, Operation, Origin, Owner, Position, Presence, Report, ReportTarget,
    ResourceKey, RuleCount, Severity, Verdict, Warning,
};
use serde_json::{Value, json};
use strum::VariantArray as _;

/// The current time for the samples.
pub const NOW: &str = "2026-11-21T12:00:00Z";

pub fn key(group: &str, kind: &str, namespace: &str, name: &str) -> ResourceKey {
    ResourceKey::new(
        group.to_owned(),
        kind.to_owned(),
        (!namespace.is_empty()).then(|| namespace.to_owned()),
        name.to_owned(),
    )
}

pub fn owner(manager: &str, time: &str) -> Owner {
    Owner {
        manager: manager.to_owned(),
        operation: Operation::Update,
        subresource: None,
        time: (!time.is_empty()).then(|| time.to_owned()),
        user: None,
    }
}

/// Returns a change of medium severity without owners.
pub fn drift(path: &str, declared: Option<Value>, live: Option<Value>) -> JudgedChange {
    let change = Change::between(path.parse().unwrap(), declared, live);
    JudgedChange::new(change, Verdict::Reported)
}

/// Returns the same change with another verdict.
pub fn decided(drift: &JudgedChange, verdict: Verdict) -> JudgedChange {
    let drift = drift.clone();
    let mut decided = JudgedChange::new(drift.change, verdict);
    decided.severity = drift.severity;
    decided.owners = drift.owners;
    decided.position = drift.position;
    decided.cause = drift.cause;
    decided.note = drift.note;
    decided.blame = drift.blame;
    decided.merge = drift.merge;
    decided
}

/// Returns the side, or sides, on which an object with a status exists.
pub fn presence(status: ObjectStatus) -> Presence {
    match status {
        ObjectStatus::Missing => Presence::Declared,
        ObjectStatus::Extra => Presence::Live,
        ObjectStatus::Unknown => Presence::Unknown,
        ObjectStatus::InSync
        | ObjectStatus::Drifted
        | ObjectStatus::Pending
        | ObjectStatus::Conflict => Presence::Both,
    }
}

/// Returns an object with a status; the caller adds changes.
pub fn object(key: ResourceKey, api_version: &str, status: ObjectStatus) -> ObjectReport {
    ObjectReport {
        presence: presence(status),
        whole_severity: match status {
            ObjectStatus::Missing => Some(Severity::High),
            ObjectStatus::Extra => Some(Severity::Medium),
            _ => None,
        },
        ..ObjectReport::new(key, api_version.to_owned())
    }
}

pub fn report(objects: Vec<ObjectReport>) -> Report {
    Report {
        coverage: Coverage {
            declared: objects.len(),
            compared: objects.len(),
            ..Coverage::default()
        },
        objects,
        ..Report::default()
    }
}

fn at(
    mut drift: JudgedChange,
    line: usize,
    severity: Severity,
    owners: Vec<Owner>,
) -> JudgedChange {
    drift.position = Some(Position { line, column: 7 });
    drift.severity = severity;
    drift.owners = owners;
    drift
}

fn deployment() -> ObjectReport {
    let edit = || vec![owner("kubectl-edit", "2026-11-21T09:00:00Z")];
    let app = ".spec.template.spec.containers[name=\"app\"]";
    let sidecar = json!({
        "name": "debug",
        "image": "busybox:1.36",
        "command": ["sleep", "infinity"],
        "env": [{"name": "MODE", "value": "on"}, {"name": "API_TOKEN", "value": "hunter2"}],
    });
    let mut cart = object(
        key("apps", "Deployment", "shop", "cart"),
        "apps/v1",
        ObjectStatus::Drifted,
    );
    cart.origin = Some(Origin::file("manifests/cart.yaml", 2, 14));
    let mut scaled = at(
        drift(".spec.replicas", Some(json!(3)), Some(json!(5))),
        20,
        Severity::Medium,
        vec![owner("kubectl", "")],
    );
    scaled.owners[0].subresource = Some("scale".to_owned());
    let mut dropped = drift(
        ".spec.template.metadata.annotations",
        None,
        Some(json!({"team": "cart"})),
    );
    dropped.severity = Severity::Low;
    dropped.owners = vec![owner("kubectl-client-side-apply", "2026-11-14T12:00:00Z")];
    dropped.cause = Some(ChangeCause::Dropped);
    let ignored = drift(
        ".metadata.labels[\"argocd.argoproj.io/instance\"]",
        None,
        Some(json!("shop")),
    );
    let by_rule = Verdict::Ignored {
        rule: "argocd-tracking".to_owned(),
        reason: "Argo CD labels what it tracks".to_owned(),
    };
    let ignored = decided(&ignored, by_rule);
    let explained = drift(".spec.progressDeadlineSeconds", None, Some(json!(600)));
    let default = Verdict::Explained {
        by: Explanation::UnownedDefault,
        rule: None,
    };
    let explained = decided(&explained, default);
    cart.drifts = vec![
        ignored,
        explained,
        scaled,
        dropped,
        at(
            drift(
                &format!("{app}.image"),
                Some(json!("registry.example/shop/cart:1.4.2")),
                Some(json!("registry.example/shop/cart:1.5.0-rc1")),
            ),
            31,
            Severity::High,
            edit(),
        ),
        at(
            drift(
                &format!("{app}.resources.limits.memory"),
                Some(json!("256Mi")),
                None,
            ),
            40,
            Severity::Medium,
            Vec::new(),
        ),
        at(
            drift(
                &format!("{app}.env[name=\"DB_PASSWORD\"].value"),
                Some(json!("hunter2")),
                Some(json!("hunter3")),
            ),
            44,
            Severity::Medium,
            edit(),
        ),
        at(
            drift(
                ".spec.template.spec.containers[name=\"debug\"]",
                None,
                Some(sidecar.clone()),
            ),
            29,
            Severity::Critical,
            edit(),
        ),
    ];
    let whole = |replicas: u32, image: &str, memory: Value, password: &str, more: Option<Value>| {
        let app = json!({
            "name": "app",
            "image": image,
            "resources": {"limits": memory},
            "env": [{"name": "DB_PASSWORD", "value": password}],
        });
        let containers: Vec<Value> = [Some(app), more].into_iter().flatten().collect();
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "shop"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}},
        })
        .into()
    };
    let image = "registry.example/shop/cart";
    cart.declared = Some(whole(
        3,
        &format!("{image}:1.4.2"),
        json!({"memory": "256Mi"}),
        "hunter2",
        None,
    ));
    cart.live = Some(whole(
        5,
        &format!("{image}:1.5.0-rc1"),
        json!({}),
        "hunter3",
        Some(sidecar),
    ));
    cart
}

fn config_map() -> ObjectReport {
    let text = |level: &str, end: &str| {
        format!(
            "[server]\nport = 8080\nworkers = 4\n\n[log]\nlevel = {level}\nformat = \"json\"\n{end}"
        )
    };
    let (declared, live) = (text("\"info\"", ""), text("\"debug\"", "# tuned by hand  "));
    let mut config = object(
        key("", "ConfigMap", "shop", "cart-config"),
        "v1",
        ObjectStatus::Drifted,
    );
    config.origin = Some(Origin::file("manifests/cart.yaml", 1, 1));
    config.drifts = vec![
        at(
            drift(
                ".data[\"cart.toml\"]",
                Some(json!(declared)),
                Some(json!(live)),
            ),
            6,
            Severity::Medium,
            vec![
                owner("kubectl-client-side-apply", "2026-11-14T12:00:00Z"),
                owner("kubectl-patch", "2026-11-21T11:48:00Z"),
            ],
        ),
        at(
            drift(".data.enabled", Some(json!("yes")), Some(json!("no"))),
            4,
            Severity::Medium,
            vec![owner("kubectl-patch", "2026-11-21T11:48:00Z")],
        ),
    ];
    let whole = |text: &str, enabled: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "cart-config", "namespace": "shop"},
            "data": {"cart.toml": text, "enabled": enabled},
        })
        .into()
    };
    config.declared = Some(whole(&declared, "yes"));
    config.live = Some(whole(&live, "no"));
    config
}

fn secret() -> ObjectReport {
    let mut secret = object(
        key("", "Secret", "shop", "cart-session"),
        "v1",
        ObjectStatus::Drifted,
    );
    secret.origin = Some(Origin::file("manifests/secrets.yaml", 1, 1));
    secret.drifts = vec![
        at(
            drift(
                ".data.key",
                Some(json!("aHVudGVyMg==")),
                Some(json!("aHVudGVyMw==")),
            ),
            7,
            Severity::High,
            vec![owner("kubectl-patch", "2026-11-19T08:00:00Z")],
        ),
        drift(".data.extra-token", None, Some(json!("bGVha2Vk"))),
    ];
    let whole = |data: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cart-session", "namespace": "shop"},
            "data": data,
        })
        .into()
    };
    secret.declared = Some(whole(json!({"key": "aHVudGVyMg==", "salt": "c2FsdA=="})));
    secret.live = Some(whole(
        json!({"key": "aHVudGVyMw==", "salt": "c2FsdA==", "extra-token": "bGVha2Vk"}),
    ));
    secret
}

/// Returns a complete report with every kind of drift.
pub fn drifted() -> Report {
    let mut missing = object(
        key("", "ServiceAccount", "shop", "cart"),
        "v1",
        ObjectStatus::Missing,
    );
    missing.origin = Some(Origin::file("manifests/rbac.yaml", 1, 1));
    missing.declared = Some(
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "cart", "namespace": "shop"},
        })
        .into(),
    );
    let mut extra = object(
        key("rbac.authorization.k8s.io", "Role", "shop", "tmp-admin"),
        "rbac.authorization.k8s.io/v1",
        ObjectStatus::Extra,
    );
    extra.owners = vec![owner("kubectl-create", "2026-11-21T11:59:15Z")];
    extra.live = Some(
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "tmp-admin", "namespace": "shop"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        })
        .into(),
    );
    let mut in_sync = object(key("", "Namespace", "", "shop"), "v1", ObjectStatus::InSync);
    in_sync.origin = Some(Origin::file("manifests/namespace.yaml", 1, 1));
    let mut report = report(vec![
        config_map(),
        in_sync,
        secret(),
        missing,
        deployment(),
        extra,
    ]);
    report.coverage = Coverage {
        declared: 5,
        compared: 5,
        skipped: 1,
        ..Coverage::default()
    };
    report.target = ReportTarget {
        context: Some("kind-shop".to_owned()),
        server: Some("https://127.0.0.1:6443".to_owned()),
        version: Some("v1.36.2".to_owned()),
        read_at: Some(NOW.to_owned()),
        ..ReportTarget::default()
    };
    report.rules = vec![RuleCount {
        rule: "argocd-tracking".to_owned(),
        reason: "Argo CD labels what it tracks".to_owned(),
        hid: 1,
    }];
    report.skipped = vec![Warning::new(
        "manifests/values.yaml",
        "no Kubernetes object (no apiVersion)",
    )];
    report
}

/// Returns a report in which not everything could be read.
pub fn incomplete() -> Report {
    let mut unknown = object(
        key("store.example", "Promotion", "shop", "spring"),
        "store.example/v1",
        ObjectStatus::Unknown,
    );
    unknown.origin = Some(Origin::file("manifests/promotions.yaml", 3, 27));
    unknown.reason = Some(
        "the server refused to let this user get promotions.store.example in namespace shop"
            .to_owned(),
    );
    let mut in_sync = object(key("", "Namespace", "", "shop"), "v1", ObjectStatus::InSync);
    in_sync.origin = Some(Origin::file("manifests/namespace.yaml", 1, 1));
    let mut report = report(vec![in_sync, unknown]);
    report.coverage = Coverage {
        declared: 2,
        compared: 1,
        failed: 2,
        ..Coverage::default()
    };
    report.target.dump = Some("live.json".to_owned());
    report.warnings = vec![
        Warning::error(
            "manifests/broken.yaml:7:3",
            "a mapping key has no value here; check the indentation",
        ),
        Warning::new(
            "",
            "the recording has no managed fields; nothing can be said about who changed what"
                .to_owned(),
        ),
    ];
    report
}

/// Returns a report without drift.
pub fn in_sync() -> Report {
    report(vec![object(
        key("", "Namespace", "", "shop"),
        "v1",
        ObjectStatus::InSync,
    )])
}

/// Returns the drifted report as if it had a base: changes have different classes, and objects
/// different lifecycles.
pub fn with_base() -> Report {
    let mut report = drifted();
    merge_all(&mut report, &json!({"base": ["of", "the branch"]}));
    report
}

/// Gives the changes each class in turn, and a value of the base.
pub fn merge_all(report: &mut Report, base: &Value) {
    report.three_way = true;
    let mut classes = MergeClass::VARIANTS.iter().rev().copied().cycle();
    for (object, at) in report.objects.iter_mut().zip(0..) {
        for drift in &mut object.drifts {
            let class = classes.next().unwrap();
            let base = Some(base.clone());
            drift.merge = drift.is_reported().then_some(Merge { class, base });
        }
        object.lifecycle = [None, Some(Lifecycle::Removed), Some(Lifecycle::New)][at % 3];
    }
}
