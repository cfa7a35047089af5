//! The main scenarios against a real API server: real `kubectl` applies and edits, then
//! `driftctl diff`.
//!
//! Every scenario is ignored unless it is asked for, and fails then if `DRIFTCTL_E2E_KUBECONFIG` names
//! no kubeconfig:
//!
//! ```console
//! DRIFTCTL_E2E_KUBECONFIG=kubeconfig cargo test --test e2e -- --ignored
//! ```
//!
//! Needs `kubectl` on the PATH and the right to create namespaces. Each scenario has its own
//! namespace, which is deleted however the scenario ends.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::{Command, Output};

use serde_json::Value;
use support::TestFolder;

/// Defines a test for each scenario, which is given the kubeconfig and its name.
macro_rules! scenarios {
    ($($name:ident => $scenario:expr,)*) => {$(
        #[test]
        #[ignore = "needs a cluster"]
        fn $name() {
            $crate::in_cluster(|kubeconfig| ($scenario)(kubeconfig, stringify!($name)));
        }
    )*};
}

mod writes;

const VARIABLE: &str = "DRIFTCTL_E2E_KUBECONFIG";

/// The manifest that every scenario starts with.
const MANIFEST: &str = include_str!("../../fixtures/e2e/shop.yaml");

/// The outdated manifests of a laptop: the same objects, with another environment variable.
const LAPTOP: &str = include_str!("../../fixtures/e2e/laptop.yaml");

/// The secret that no output may contain.
const SECRET: &str = "correct-horse-battery";

/// How the manifest was applied.
#[derive(Debug, Clone, Copy)]
enum Applied {
    ByClient,
    ByServer,
    Created,
}

/// Why a scenario failed.
type Failed = Box<dyn std::error::Error>;

/// What people did to the cluster, and the expected report.
struct Scenario {
    applied: Applied,
    /// The arguments of `kubectl` commands; `$LAPTOP` stands for the laptop's manifest.
    edits: &'static [&'static [&'static str]],
    /// `KIND/NAME STATUS` of each object that is not in sync, and `KIND/NAME CHANGE PATH`.
    expected: &'static [&'static str],
    exit: i32,
}

const CONTAINER: &str = r#".spec.template.spec.containers[name="web"]"#;

scenarios! {
    nothing_changed_after_client_side_apply => |path, name| run(path, name, &Scenario {
        applied: Applied::ByClient,
        edits: &[],
        expected: &[],
        exit: 0,
    }),
    nothing_changed_after_server_side_apply => |path, name| run(path, name, &Scenario {
        applied: Applied::ByServer,
        edits: &[],
        expected: &[],
        exit: 0,
    }),
    nothing_changed_after_create => |path, name| run(path, name, &Scenario {
        applied: Applied::Created,
        edits: &[],
        expected: &[],
        exit: 0,
    }),
    an_edited_image => |path, name| run(path, name, &Scenario {
        applied: Applied::ByClient,
        edits: &[&["edit", "deployment/web"]],
        expected: &[
            "Deployment/web drifted",
            "Deployment/web changed $CONTAINER.image",
        ],
        exit: 1,
    }),
    a_debug_sidecar => |path, name| run(path, name, &Scenario {
        applied: Applied::ByServer,
        edits: &[&[
            "patch",
            "deployment/web",
            "-p",
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"debug","image":"busybox:1.36"}]}}}}"#,
        ]],
        expected: &[
            "Deployment/web drifted",
            r#"Deployment/web added .spec.template.spec.containers[name="debug"]"#,
        ],
        exit: 1,
    }),
    set_scale_label_and_annotate => |path, name| run(path, name, &Scenario {
        applied: Applied::Created,
        edits: &[
            &["set", "env", "deployment/web", "DEBUG=1"],
            &["set", "resources", "deployment/web", "--limits=memory=1Gi"],
            &["scale", "deployment/web", "--replicas=5"],
            &["label", "service/web", "hotfix=yes"],
            &["annotate", "configmap/web", "note=by night"],
        ],
        expected: &[
            "ConfigMap/web added .metadata.annotations.note",
            "ConfigMap/web drifted",
            "Deployment/web added $CONTAINER.env[name=\"DEBUG\"]",
            "Deployment/web changed $CONTAINER.resources.limits.memory",
            "Deployment/web changed .spec.replicas",
            "Deployment/web drifted",
            "Service/web added .metadata.labels.hotfix",
            "Service/web drifted",
        ],
        exit: 1,
    }),
    values_spelled_differently_are_no_drift => |path, name| run(path, name, &Scenario {
        applied: Applied::ByClient,
        edits: &[&[
            "patch",
            "deployment/web",
            "-p",
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"web","resources":{"limits":{"memory":"524288Ki"}}}]}}}}"#,
        ]],
        expected: &[],
        exit: 0,
    }),
    deleted_and_created_objects => |path, name| run(path, name, &Scenario {
        applied: Applied::ByClient,
        edits: &[
            &["delete", "poddisruptionbudget/web"],
            &["create", "configmap", "rogue", "--from-literal=a=b"],
        ],
        expected: &["ConfigMap/rogue extra", "PodDisruptionBudget/web missing"],
        exit: 1,
    }),
    access_widened => |path, name| run(path, name, &Scenario {
        applied: Applied::ByServer,
        edits: &[
            &[
                "patch",
                "role/web",
                "--type=json",
                "-p",
                r#"[{"op":"add","path":"/rules/0/verbs/-","value":"delete"}]"#,
            ],
            &[
                "patch",
                "networkpolicy/web",
                "--type=json",
                "-p",
                r#"[{"op":"remove","path":"/spec/ingress"}]"#,
            ],
        ],
        expected: &[
            "NetworkPolicy/web drifted",
            "NetworkPolicy/web removed .spec.ingress",
            "Role/web changed .rules[0].verbs",
            "Role/web drifted",
        ],
        exit: 1,
    }),
    a_secret_is_reported_and_not_shown => |path, name| run(path, name, &Scenario {
        applied: Applied::ByClient,
        edits: &[&[
            "patch",
            "secret/web",
            "-p",
            r#"{"stringData":{"password":"correct-horse-battery"}}"#,
        ]],
        expected: &["Secret/web changed .data.password", "Secret/web drifted"],
        exit: 1,
    }),
    applied_from_a_laptop => |path, name| run(path, name, &Scenario {
        applied: Applied::ByServer,
        edits: &[&["apply", "-f", "$LAPTOP"]],
        expected: &[
            "Deployment/web added $CONTAINER.env[name=\"LAPTOP\"]",
            "Deployment/web changed $CONTAINER.image",
            "Deployment/web drifted",
        ],
        exit: 1,
    }),
}

/// A namespace of the cluster, while a scenario runs.
struct Namespace<'a> {
    kubeconfig: &'a OsString,
    name: String,
    place: TestFolder,
}

impl<'a> Namespace<'a> {
    fn create(kubeconfig: &'a OsString, scenario: &str) -> Result<Self, Failed> {
        let scenario: String = scenario.replace('_', "-").chars().take(40).collect();
        let namespace = Self {
            kubeconfig,
            name: format!("driftctl-{}-{scenario}", std::process::id()),
            place: TestFolder::new()
                .file("manifests/shop.yaml", MANIFEST)
                .file("laptop.yaml", LAPTOP),
        };
        namespace.kubectl(&["create", "namespace", &namespace.name])?;
        Ok(namespace)
    }

    fn kubectl(&self, words: &[&str]) -> Result<(), Failed> {
        let laptop = self.place.path().join("laptop.yaml");
        let words = words.iter().map(|word| match *word {
            "$LAPTOP" => laptop.as_os_str().to_owned(),
            word => word.into(),
        });
        let output = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(self.kubeconfig)
            .args(["--namespace", &self.name])
            .args(words)
            .env("KUBE_EDITOR", "sed -i s/web:1.4/web:1.5/")
            .output()
            .map_err(|error| format!("kubectl could not be started: {error}"))?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
        }
    }

    fn apply(&self, how: Applied) -> Result<(), Failed> {
        let folder = self.place.path().join("manifests");
        let folder = folder.to_str().unwrap();
        match how {
            Applied::ByClient => self.kubectl(&["apply", "-f", folder]),
            Applied::ByServer => self.kubectl(&[
                "apply",
                "--server-side",
                "--field-manager=deployer",
                "-f",
                folder,
            ]),
            Applied::Created => self.kubectl(&["create", "-f", folder]),
        }
    }

    fn driftctl(&self, words: &[&str]) -> Output {
        let mut command = self.place.driftctl();
        command.arg("diff").arg("manifests").args(words);
        command.arg("--kubeconfig").arg(self.kubeconfig);
        let namespace = ["--namespace", &self.name, "--extra", "namespace"];
        command.args(namespace).output().unwrap()
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        // If a namespace cannot be deleted, the owner of the cluster will see it.
        let _ = self.kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

/// Returns the content of a report: one line for each object that is not in sync, and one for each
/// change.
fn lines(report: &Value) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for object in report["objects"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!("{}/{}", text(&object["kind"]), text(&object["name"]));
        if object["status"] != "in-sync" {
            lines.insert(format!("{name} {}", text(&object["status"])));
        }
        for change in object["changes"].as_array().into_iter().flatten() {
            let (kind, path) = (text(&change["kind"]), text(&change["path"]));
            lines.insert(format!("{name} {kind} {path}"));
        }
    }
    lines
}

fn run(kubeconfig: &OsString, name: &str, scenario: &Scenario) -> Result<(), Failed> {
    let namespace = Namespace::create(kubeconfig, name)?;
    namespace.apply(scenario.applied)?;
    for edit in scenario.edits {
        namespace.kubectl(edit)?;
    }
    let output = namespace.driftctl(&["-o", "json"]);
    let shown = namespace.place.shown(&output);
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|_| shown.clone())?;
    let expected = scenario.expected.iter();
    let expected: BTreeSet<String> = expected
        .map(|line| line.replace("$CONTAINER", CONTAINER))
        .collect();
    let found = lines(&report);
    if found != expected || output.status.code() != Some(scenario.exit) {
        return Err(format!("expected {expected:#?}\nfound {found:#?}\n{shown}").into());
    }
    for format in ["json", "text", "diff", "html"] {
        let output = namespace.driftctl(&["-o", format, "--show", "all"]);
        if namespace.place.shown(&output).contains(SECRET) {
            return Err(format!("a secret is shown in the format {format}").into());
        }
    }
    Ok(())
}

/// Runs a scenario in the cluster that the kubeconfig names.
fn in_cluster(scenario: impl FnOnce(&OsString) -> Result<(), Failed>) {
    let kubeconfig = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let kubeconfig = kubeconfig.unwrap_or_else(|| panic!("{VARIABLE} does not name a kubeconfig"));
    scenario(&kubeconfig).unwrap_or_else(|failed| panic!("{failed}"));
}
