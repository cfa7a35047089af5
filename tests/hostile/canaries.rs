//! Tests that a renderer reaches neither a canary file outside the tree nor a canary server on
//! loopback, whatever its input. Uses the real programs if they are installed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{config, program, run};
use crate::support::TestFolder;

/// The canaries outside the tree.
struct Outside {
    place: TestFolder,
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Outside {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let place = TestFolder::new()
            .file("canary.yaml", config("hunter2"))
            .file(
                "base/kustomization.yaml",
                "resources: [canary.yaml]\nnamePrefix: hunter2-\n",
            );
        let place = place.file("base/canary.yaml", config("hunter2"));
        Self {
            place,
            address,
            requests,
        }
    }

    /// Returns a text with FILE, FOLDER and URL replaced by the canaries.
    fn named_in(&self, text: &str) -> String {
        let folder = self.place.path().canonicalize().unwrap();
        text.replace("FILE", folder.join("canary.yaml").to_str().unwrap())
            .replace("FOLDER", folder.join("base").to_str().unwrap())
            .replace("URL", &self.address)
    }

    #[track_caller]
    fn is_untouched(&self, by: &str) {
        assert_eq!(self.requests.load(Ordering::SeqCst), 0, "{by}");
    }
}

fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    if !found {
        eprintln!("skipped: {tool} is not on the PATH");
    }
    found
}

/// Returns whether renderers can run in Linux namespaces here.
fn has_sandbox() -> bool {
    let unshare = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "true",
        ])
        .output();
    let has = unshare.is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("skipped: user namespaces are not available");
    }
    has
}

/// Fields of a kustomization that refer to something outside.
const FIELDS: &[&str] = &[
    "resources: [FILE]",
    "resources: [FOLDER]",
    "resources: ['URL/x']",
    "resources: [link.yaml]",
    "resources: [folder]",
    "Resources: ['URL/x']",
    "Resources: [FILE]",
    "RESOURCES: [FOLDER]",
    "bases: [FOLDER]",
    "Bases: ['URL/x']",
    "components: [FOLDER]",
    "Components: [FOLDER]",
    "crds: [FILE]",
    "Crds: ['URL/x']",
    "configurations: [FILE]",
    "Configurations: ['URL/x']",
    "openapi: {path: FILE}",
    "openapi: {Path: FILE}",
    "OpenAPI: {path: 'URL/x'}",
    "patches: [{path: FILE}]",
    "patches: [{Path: FILE}]",
    "patches: [FILE]",
    "Patches: [{path: 'URL/x'}]",
    "patchesStrategicMerge: [FILE]",
    "PatchesStrategicMerge: [FILE]",
    "patchesJson6902: [{path: FILE, target: {kind: A, name: a, version: v1}}]",
    "replacements: [{path: FILE}]",
    "replacements: [{Path: 'URL/x'}]",
    "generators: [FILE]",
    "generators: [FOLDER]",
    "Generators: ['URL/x']",
    "generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: a}, Files: [FILE]}']",
    "generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: a}, files: [FILE]}']",
    "transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: a}, Path: FILE}']",
    "Transformers: [FILE]",
    "validators: [FILE]",
    "configMapGenerator: [{name: a, files: [FILE]}]",
    "configMapGenerator: [{name: a, files: ['k=FILE']}]",
    "configMapGenerator: [{name: a, Files: ['k=FILE']}]",
    "configMapGenerator: [{name: a, files: [link.yaml]}]",
    "ConfigMapGenerator: [{name: a, files: ['k=FILE']}]",
    "configMapGenerator: [{name: a, files: ['k=URL/x']}]",
    "configMapGenerator: [{name: a, Envs: [FILE]}]",
    "secretGenerator: [{name: a, envs: [FILE]}]",
    "secretGenerator: [{name: a, Env: FILE}]",
    "helmCharts: [{name: a, repo: 'URL'}]",
    "HelmCharts: [{name: a, repo: 'URL'}]",
    "HelmGlobals: {chartHome: FOLDER}",
    "apiVersion: ''\nResources: ['URL/x']\n---\nresources: []",
    "kind: ''\nresources: ['URL/x']\n---\nresources: []",
    "resources: []\n---\nresources: ['URL/x']",
    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nresources: ['URL/x']",
    "resources: []\nresources: ['URL/x']",
    "resources: [cart.yaml]\nre\u{17f}ources: [FILE]",
];

const FLUX: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: \
                    {name: a}\nspec: {path: ./over}\n";

#[test]
fn a_kustomization_cannot_reach_outside() {
    if !has("kubectl") || !has_sandbox() {
        return;
    }
    let outside = Outside::new();
    for (at, fields) in FIELDS.iter().enumerate() {
        let place = super::place()
            .folder(".git")
            .file("ks.yaml", FLUX)
            .file("over/cart.yaml", config("cart"))
            .file("over/kustomization.yaml", outside.named_in(fields));
        symlink(
            outside.named_in("FILE"),
            place.path().join("over/link.yaml"),
        )
        .unwrap();
        symlink(outside.named_in("FOLDER"), place.path().join("over/folder")).unwrap();
        let words: &[&str] = match at % 2 {
            0 => &["over", "--untrusted", "--render", "-n", "shop"],
            _ => &[
                "--kustomization",
                "ks.yaml",
                "--untrusted",
                "--render",
                "-n",
                "shop",
            ],
        };
        let shown = run(&place, words);
        assert!(shown.starts_with("exit code: 2"), "{fields}: {shown}");
        outside.is_untouched(fields);
    }
}

/// Returns a chart with a schema, and an Application with these settings.
fn charted(outside: &Outside, schema: &str, helm: &str) -> TestFolder {
    let place = super::place()
        .folder(".git")
        .file(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        )
        .file("chart/values.yaml", "a: b\n")
        .file(
            "chart/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart, namespace: shop}\ndata:\n  a: \
             {{ .Values.a | quote }}\n  f: {{ .Files.Get \"../canary.yaml\" | quote }}\n  h: {{ \
             getHostByName \"canary.invalid\" | quote }}\n",
        )
        .file(
            "app.yaml",
            outside.named_in(&format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: \
                 shop}}\nspec:\n  destination: {{namespace: shop}}\n  source:\n    repoURL: \
                 https://example.com/a.git\n    path: chart\n    helm: {helm}\n"
            )),
        );
    match schema {
        "" => place,
        schema => place.file("chart/values.schema.json", outside.named_in(schema)),
    }
}

#[test]
fn a_chart_cannot_reach_outside() {
    if !has("helm") || !has_sandbox() {
        return;
    }
    let outside = Outside::new();
    for (schema, helm) in [
        (
            "",
            "{fileParameters: [{name: 'a=FILE,b', path: values.yaml}]}",
        ),
        ("", "{fileParameters: [{name: a, path: FILE}]}"),
        (
            "",
            "{fileParameters: [{name: a, path: 'values.yaml\\,b=FILE'}]}",
        ),
        ("", "{parameters: [{name: 'a,b', value: c}]}"),
        ("", "{valueFiles: [FILE]}"),
        ("", "{valueFiles: ['URL/x']}"),
        (r#"{"$ref": "URL/x"}"#, "{}"),
        (r#"{"$schema": "URL/x"}"#, "{}"),
        (r#"{"$ref": "file://FILE"}"#, "{}"),
        (r#"{"properties": {"a": {"$ref": "FILE"}}}"#, "{}"),
        (
            r#"{"$id": "URL/x", "properties": {"a": {"$ref": "y"}}}"#,
            "{}",
        ),
    ] {
        let place = charted(&outside, schema, helm);
        for words in [
            &["--app", "app.yaml", "--untrusted", "--render", "-n", "shop"][..],
            &["--app", "app.yaml"],
        ] {
            let shown = run(&place, words);
            let is_reported =
                shown.starts_with("exit code: 2") || shown.contains("are not checked");
            assert!(is_reported, "{schema} {helm}: {shown}");
            outside.is_untouched(schema);
        }
    }
    let place = charted(&outside, "", "{}");
    run(&place, &["chart", "--untrusted", "--render", "-n", "shop"]);
    outside.is_untouched("a template");
}

/// An archive within a chart is not inspected, so only the sandbox restricts helm here.
#[test]
fn schemas_in_archives_cannot_reach_outside() {
    if !has("helm") || !has_sandbox() {
        return;
    }
    let outside = Outside::new();
    let place = charted(&outside, "", "{}")
        .file(
            "sub/Chart.yaml",
            "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        )
        .file(
            "sub/values.schema.json",
            outside.named_in(r#"{"$ref": "URL/x"}"#),
        )
        .folder("chart/charts");
    let packed = Command::new("tar")
        .args(["-czf", "chart/charts/sub-1.0.0.tgz", "sub"])
        .current_dir(place.path())
        .status();
    if !packed.is_ok_and(|status| status.success()) {
        return;
    }
    run(&place, &["chart", "--untrusted", "--render", "-n", "shop"]);
    outside.is_untouched("an archive");
    let words = [
        "chart",
        "--untrusted",
        "--render",
        "--no-sandbox",
        "-n",
        "shop",
    ];
    run(&place, &words);
    outside.is_untouched("an archive without a sandbox");
}

/// Runs a renderer that tries to read everything.
#[test]
fn a_renderer_sees_only_its_workspace() {
    if !has_sandbox() {
        return;
    }
    let outside = Outside::new();
    let port = outside.address.rsplit(':').next().unwrap().to_owned();
    let script = outside.named_in(&format!(
        "exec 2>&1\ncat FILE && echo SEEN\ncat \"$0.secret\" && echo SEEN\nls -d /etc/passwd /root \
         /home /proc/self /sys/kernel && echo SEEN\n(exec 3<>/dev/tcp/127.0.0.1/{port}) && echo \
         SEEN\ntouch /usr/x \"$0\" && echo SEEN\nexit 3"
    ));
    let place = super::place()
        .file("over/kustomization.yaml", "resources: [cart.yaml]\n")
        .file("over/cart.yaml", config("cart"))
        .file("kustomize.secret", "hunter2");
    let bash = script.replacen("exec 2>&1", "exec 2>&1; [ -x /bin/bash ] || exit 3", 1);
    let place = program(place, "kustomize", &bash);
    let words = [
        "over",
        "--untrusted",
        "--render",
        "-n",
        "shop",
        "--kustomize-bin",
        "./kustomize",
    ];
    let shown = run(&place, &words);
    assert!(shown.contains("exit code 3"), "{shown}");
    assert!(!shown.contains("SEEN"), "{shown}");
    outside.is_untouched("a program");
}

#[test]
fn untrusted_rendering_without_namespaces_needs_a_flag() {
    let place = super::place()
        .file("over/kustomization.yaml", "resources: [cart.yaml]\n")
        .file("over/cart.yaml", config("cart"));
    let place = program(place, "kustomize", "touch \"$(dirname \"$0\")/ran\"");
    let words = [
        "over",
        "--untrusted",
        "--render",
        "-n",
        "shop",
        "--kustomize-bin",
        "./kustomize",
    ];
    // It can write nowhere, or does not run.
    let shown = run(&place, &words);
    assert!(!super::left(&place, "ran"), "{shown}");
    if !has_sandbox() {
        assert!(shown.contains("--no-sandbox"), "{shown}");
    }
    run(&place, &[&words[..], &["--no-sandbox"]].concat());
    assert!(super::left(&place, "ran"));
}

/// Traces system calls: no program opens the canary file or connects to anything.
#[test]
fn strace_sees_no_access_to_the_canaries() {
    if !has("strace") || !has("kubectl") || !has_sandbox() {
        return;
    }
    let outside = Outside::new();
    let place = super::place()
        .file(
            "over/kustomization.yaml",
            "resources: [cart.yaml]\nconfigMapGenerator: [{name: a, files: [cart.yaml]}]\n",
        )
        .file("over/cart.yaml", config("cart"))
        .file(
            "bad/kustomization.yaml",
            outside.named_in("resources: [FILE, 'URL/x']\n"),
        );
    for folder in ["over", "bad"] {
        let traced = Command::new("strace")
            .args([
                "-f",
                "-qq",
                "-o",
                "trace",
                "-e",
                "trace=open,openat,connect",
            ])
            .arg(env!("CARGO_BIN_EXE_driftctl"))
            .args(["diff", folder, "--untrusted", "--render", "-n", "shop"])
            .args(["--live", "live.json"])
            .current_dir(place.path())
            .output()
            .unwrap();
        let Ok(trace) = fs::read_to_string(place.path().join("trace")) else {
            eprintln!("skipped: strace may not trace here: {traced:?}");
            return;
        };
        assert!(!trace.contains("canary"), "{trace}");
        let connected = |line: &str| line.contains("connect") && !line.contains("AF_UNIX");
        let reached = |line: &str| line.ends_with("= 0") || line.contains("EINPROGRESS");
        let mut lines = trace.lines();
        let line = lines.find(|line| connected(line) && reached(line));
        assert_eq!(line, None);
    }
}
