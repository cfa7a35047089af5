//! Tests that every field of Argo CD's `ignoreDifferences` means the same as in Argo CD.
//!
//! (argo-cd, `util/argo/normalizers/diff_normalizer.go` and `util/argo/managedfields`.)

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use driftctl::cluster::Dump;
use driftctl::config;
use driftctl::engine::{self, Options};
use driftctl::jq::Jq;
use driftctl::model::{Report, Verdict};
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, Source};
use jiff::Timestamp;
use tempfile::TempDir;

const DECLARED: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  annotations: {a/b~c: x, gone: x}
spec:
  replicas: 3
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
        - {name: a, image: 'a:1'}
        - {name: b, image: 'b:1'}
"#;

/// Six differences; `scaler` owns the replicas and the label that it added.
const LIVE: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  annotations: {a/b~c: y}
  labels: {team: x}
  managedFields:
    - manager: scaler
      operation: Update
      apiVersion: apps/v1
      fieldsType: FieldsV1
      fieldsV1: {"f:spec": {"f:replicas": {}}, "f:metadata": {"f:labels": {".": {}, "f:team": {}}}}
    - manager: kubectl-edit
      operation: Update
      apiVersion: apps/v1
      fieldsType: FieldsV1
      fieldsV1: {"f:metadata": {"f:annotations": {"f:a/b~c": {}}}}
spec:
  replicas: 5
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
        - {name: a, image: 'a:2'}
        - {name: b, image: 'b:2'}
"#;

const REPLICAS: &str = ".spec.replicas";
const ESCAPED: &str = ".metadata.annotations[\"a/b~c\"]";
const GONE: &str = ".metadata.annotations.gone";
const TEAM: &str = ".metadata.labels.team";
const IMAGE_A: &str = ".spec.template.spec.containers[name=\"a\"].image";
const IMAGE_B: &str = ".spec.template.spec.containers[name=\"b\"].image";

/// An entry, and the paths that it hides.
const TABLE: &[(&str, &[&str])] = &[
    // group and kind: globs in which * crosses dots, case-sensitive; no group is the core group.
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/replicas]",
        &[REPLICAS],
    ),
    ("kind: Deployment, jsonPointers: [/spec/replicas]", &[]),
    (
        "group: '', kind: Deployment, jsonPointers: [/spec/replicas]",
        &[],
    ),
    (
        "group: '*', kind: '*', jsonPointers: [/spec/replicas]",
        &[REPLICAS],
    ),
    (
        "group: a*s, kind: Depl*t, jsonPointers: [/spec/replicas]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: deployment, jsonPointers: [/spec/replicas]",
        &[],
    ),
    (
        "group: apps, kind: Deploy, jsonPointers: [/spec/replicas]",
        &[],
    ),
    // name and namespace: exact; empty is any.
    (
        "group: apps, kind: Deployment, name: cart, jsonPointers: [/spec/replicas]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, name: car, jsonPointers: [/spec/replicas]",
        &[],
    ),
    (
        "group: apps, kind: Deployment, namespace: shop, jsonPointers: [/spec/replicas]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, namespace: sho, jsonPointers: [/spec/replicas]",
        &[],
    ),
    (
        "group: apps, kind: Deployment, name: '', namespace: '', jsonPointers: [/spec/replicas]",
        &[REPLICAS],
    ),
    // jsonPointers: escapes, missing paths, everything below a path, indexes, and how removals
    // shift them.
    (
        "group: apps, kind: Deployment, jsonPointers: [/metadata/annotations/a~1b~0c]",
        &[ESCAPED],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/nothing/at/all, /spec/replicas]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/metadata/annotations]",
        &[ESCAPED, GONE],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/metadata/annotations/gone]",
        &[GONE],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/metadata/labels/team]",
        &[TEAM],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/template/spec/containers/1/image]",
        &[IMAGE_B],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/template/spec/containers/0]",
        &[IMAGE_A],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/template/spec/containers/0, /spec/template/spec/containers/0]",
        &[IMAGE_A, IMAGE_B],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/template/spec/containers/2]",
        &[],
    ),
    (
        "group: apps, kind: Deployment, jsonPointers: ['/spec/template/spec/containers/*/image']",
        &[],
    ),
    // jqPathExpressions: put into del(…) as text; an expression that fails on an object is skipped.
    (
        "group: apps, kind: Deployment, jqPathExpressions: [.spec.replicas]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == \"b\").image']",
        &[IMAGE_B],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[].image']",
        &[IMAGE_A, IMAGE_B],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: ['.metadata.annotations[\"a/b~c\"], .metadata.labels?.team']",
        &[ESCAPED, TEAM],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: ['.nothing) | del(.spec.replicas']",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: [.spec.replicas.x, .spec.replicas]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: ['.spec.replicas), (.', .metadata.labels]",
        &[TEAM],
    ),
    (
        "group: apps, kind: Deployment, jqPathExpressions: ['.metadata.labels | error', .metadata.labels]",
        &[TEAM],
    ),
    // managedFieldsManagers: exactly the fields that the manager owns and whose values differ.
    (
        "group: apps, kind: Deployment, managedFieldsManagers: [scaler]",
        &[REPLICAS],
    ),
    (
        "group: apps, kind: Deployment, managedFieldsManagers: [kubectl-edit]",
        &[ESCAPED],
    ),
    (
        "group: apps, kind: Deployment, managedFieldsManagers: ['scal*', nobody]",
        &[],
    ),
    // Several selectors of one entry add up.
    (
        "group: apps, kind: Deployment, jsonPointers: [/spec/replicas], jqPathExpressions: [.metadata.labels], managedFieldsManagers: [kubectl-edit]",
        &[REPLICAS, TEAM, ESCAPED],
    ),
];

struct Fixture {
    dir: TempDir,
    jq: Arc<Jq>,
}

impl Fixture {
    fn new(deadline: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("declared.yaml"), DECLARED).unwrap();
        let live: serde_json::Value = serde_yaml::from_str(LIVE).unwrap();
        fs::write(dir.path().join("live.json"), live.to_string()).unwrap();
        let mut jq = Jq::new(env!("CARGO_BIN_EXE_driftctl").into());
        jq.set_deadline(deadline);
        Self {
            dir,
            jq: Arc::new(jq),
        }
    }

    /// Compares with these entries.
    fn report(&self, entries: &str) -> Report {
        let text = format!("ignoreDifferences:\n{entries}\n");
        let config = config::read("c.yaml", &text, &|_| Ok(())).unwrap();
        let rules = RuleSet::with(config.users, Timestamp::UNIX_EPOCH).with_jq(self.jq.clone());
        let sources: [Box<dyn Source>; 1] = [Box::new(FilesSource::new(&[self
            .dir
            .path()
            .join("declared.yaml")]))];
        let live = Dump::read(&[self.dir.path().join("live.json")]).unwrap();
        engine::run(&sources, &live, &rules, &Options::default()).unwrap()
    }
}

fn paths(report: &Report, hidden: bool) -> BTreeSet<String> {
    let drifts = report.objects.iter().flat_map(|object| &object.drifts);
    drifts
        .filter(|drift| matches!(drift.verdict(), Verdict::Ignored { .. }) == hidden)
        .map(|drift| drift.change.path.to_string())
        .collect()
}

const PATIENCE: Duration = Duration::from_secs(600);

#[test]
fn every_field_means_the_same_as_in_argo_cd() {
    let bench = Fixture::new(PATIENCE);
    let all: BTreeSet<String> = [REPLICAS, ESCAPED, GONE, TEAM, IMAGE_A, IMAGE_B]
        .map(str::to_owned)
        .into();
    assert_eq!(paths(&bench.report(""), false), all, "without rules");
    let mut wrong = Vec::new();
    for (entry, expected) in TABLE {
        let report = bench.report(&format!("  - {{{entry}, reason: x}}"));
        let expected: BTreeSet<String> = expected.iter().map(|path| (*path).to_owned()).collect();
        let hidden = paths(&report, true);
        if hidden != expected {
            wrong.push(format!(
                "{entry}\n  expected {expected:?}\n  found {hidden:?}"
            ));
        }
        assert_eq!(
            paths(&report, false).len() + hidden.len(),
            all.len(),
            "{entry}: nothing disappears"
        );
        let counted: usize = report.rules.iter().map(|count| count.hid).sum();
        assert_eq!(counted, hidden.len(), "{entry}: everything is counted");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first rule that hides a change is the one that is counted.
#[test]
fn counts_only_the_first_rule_that_hides_a_change() {
    let bench = Fixture::new(PATIENCE);
    let report = bench.report(
        "  - {id: one, group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}\n  \
         - {id: two, group: apps, kind: Deployment, jqPathExpressions: [.spec]}",
    );
    let counts = report
        .rules
        .iter()
        .map(|count| (count.rule.as_str(), count.hid));
    assert_eq!(counts.collect::<Vec<_>>(), [("one", 1), ("two", 2)]);
}

/// An expression that does not end is skipped with a warning; the others still apply.
#[test]
fn an_expression_that_times_out_does_not_affect_others() {
    let bench = Fixture::new(Duration::from_millis(300));
    let report = bench.report("  - {id: spins, group: apps, kind: Deployment, reason: x, jqPathExpressions: ['def f: f; f']}\n  - {id: holds, group: apps, kind: Deployment, reason: x, jsonPointers: [/spec/replicas]}");
    assert_eq!(paths(&report, true), BTreeSet::from([REPLICAS.to_owned()]));
    let said = report
        .warnings
        .iter()
        .map(|warning| warning.message.as_str());
    let said: Vec<&str> = said
        .filter(|message| message.contains("did not end"))
        .collect();
    assert_eq!(said.len(), 1, "{:?}", report.warnings);
}
