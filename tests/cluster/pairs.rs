//! Tests flags that change the pipeline in pairs: together they cause no error, and find what each
//! finds alone.

use serde_json::{Value, json};

use super::clusters::kubeconfig;
use crate::server::Server;
use crate::support::{TestFolder, fixture_arg};

/// A flag, and what it changes about the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    Base,
    DryRun,
    Extra,
    Untrusted,
    AuditLog,
    ShowAll,
    Recording,
    Contexts,
    Selector,
    Namespace,
}

const FLAGS: [Flag; 10] = [
    Flag::Base,
    Flag::DryRun,
    Flag::Extra,
    Flag::Untrusted,
    Flag::AuditLog,
    Flag::ShowAll,
    Flag::Recording,
    Flag::Contexts,
    Flag::Selector,
    Flag::Namespace,
];

impl Flag {
    /// Returns the arguments of a flag that does not change the live side.
    fn words(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Base => &["--base", "base"],
            Self::DryRun => &["--server-dry-run"],
            Self::Extra => &["--extra", "namespace"],
            Self::Untrusted => &["--untrusted", "--allow-namespace", "shop"],
            Self::AuditLog => &["--audit-log", &fixture_arg("audit/shop-csa.log.gz")],
            Self::ShowAll => &["--show", "all"],
            Self::Selector => &["--selector", "team=shop"],
            Self::Namespace => &["--namespace", "shop"],
            Self::Recording | Self::Contexts => &[],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Returns whether two flags exclude each other: a recording cannot predict anything, and has
    /// no context.
    fn excludes(self, other: Self) -> bool {
        let is_live = |flag| matches!(flag, Self::DryRun | Self::Contexts);
        self == Self::Recording && is_live(other) || other == Self::Recording && is_live(self)
    }
}

fn deployment(image: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"team": "shop"}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": image}]}}}})
}

fn config(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "labels": {"team": "shop"}}})
}

/// Runs with some flags. Returns the exit code, the report on each cluster, and standard error.
fn run(flags: &[Flag]) -> (i32, Vec<Value>, String) {
    let live = json!({"apiVersion": "v1", "kind": "List", "items": [
        deployment("mirror.example/nginx:1", 5), config("extra"), config("kube-root-ca.crt")]});
    let (red, blue) = (Server::start(&live, None), Server::start(&live, None));
    // An untrusted folder must not contain a kubeconfig.
    let trusted = TestFolder::new()
        .file("kubeconfig", kubeconfig(&[("red", &red), ("blue", &blue)]))
        .file("live.json", live.to_string());
    let place = TestFolder::new()
        .file("base/web.json", deployment("nginx:1", 2).to_string())
        .file("m/web.json", deployment("nginx:1", 2).to_string());
    let mut command = place.driftctl();
    command.args(["diff", "m", "-o", "json"]);
    command.args(flags.iter().flat_map(|flag| flag.words()));
    let has = |flag| flags.contains(&flag);
    let path = |name: &str| trusted.path().join(name);
    if has(Flag::Recording) {
        command.arg("--live").arg(path("live.json"));
    } else {
        command.arg("--kubeconfig").arg(path("kubeconfig"));
        command.args(["--timeout", "20", "--context", "red"]);
    }
    if has(Flag::Contexts) {
        command.args(["--context", "blue"]);
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let reports = match document["reports"].as_array() {
        Some(reports) => reports.clone(),
        None => vec![document],
    };
    (output.status.code().unwrap_or(-1), reports, stderr)
}

/// Returns each object that counts as drift, with its paths.
fn reported(report: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for object in report["objects"].as_array().into_iter().flatten() {
        let (name, status) = (&object["name"], &object["status"]);
        if status == "in-sync" {
            continue;
        }
        let changes = object["changes"].as_array().into_iter().flatten();
        let counted = changes.filter(|change| change["explained"].is_null());
        let paths: Vec<&str> = counted.filter_map(|one| one["path"].as_str()).collect();
        found.push(format!("{name} {status} {}", paths.join(" ")).replace('"', ""));
    }
    found
}

#[test]
fn flags_that_change_the_pipeline_can_be_combined() {
    let mut pairs: Vec<Vec<Flag>> = FLAGS.iter().map(|flag| vec![*flag]).collect();
    for (at, one) in FLAGS.iter().enumerate() {
        let others = FLAGS[at + 1..].iter();
        let others = others.filter(|other| !one.excludes(**other));
        pairs.extend(others.map(|other| vec![*one, *other]));
    }
    assert_eq!(pairs.len(), 10 + 45 - 2);
    for flags in pairs {
        let (code, reports, stderr) = run(&flags);
        let has = |flag| flags.contains(&flag);
        if has(Flag::Base) && has(Flag::Untrusted) {
            // A base that the author of the manifests can write is refused: it has to be a
            // revision.
            assert_eq!(code, 2, "{flags:?}: {stderr}");
            continue;
        }
        assert_eq!(code, 1, "{flags:?}: {stderr} {reports:?}");
        assert!(!stderr.contains("error"), "{flags:?}: {stderr}");
        assert_eq!(reports.len(), 1 + usize::from(has(Flag::Contexts)));
        let image = match has(Flag::DryRun) {
            // A webhook would change it again.
            true => "",
            false => " .spec.template.spec.containers[name=web].image",
        };
        let mut expected = vec![format!("web drifted .spec.replicas{image}")];
        if has(Flag::Extra) {
            expected.insert(0, "extra extra ".to_owned());
        }
        for report in &reports {
            assert_eq!(reported(report), expected, "{flags:?}");
        }
    }
}
