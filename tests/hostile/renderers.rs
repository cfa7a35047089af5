//! Tests kustomizations and charts, and the programs that render them.

use std::fs;
use std::os::unix::fs::symlink;

use super::{config, left, place, program, refused, run};
use crate::support::repository::init;
use crate::support::{TestFolder, at_once};

/// Returns a kustomization with these fields, and renderers that leave a file behind if they run.
fn kustomization(fields: &str) -> TestFolder {
    let place = place()
        .file("over/kustomization.yaml", fields)
        .file("over/cart.yaml", config("cart"))
        .file("over/plugin.yaml", "apiVersion: x/v1\nkind: A\nmetadata: {name: a}\n")
        .file(
            "over/function.yaml",
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata:\n  name: a\n  annotations:\n    \
             config.kubernetes.io/function: |\n      exec: {path: ./evil}\n",
        )
        .file("outside/base/kustomization.yaml", "resources: [x.yaml]\n")
        .file("outside/base/x.yaml", config("x"));
    program(place, "kustomize", "touch \"$(dirname \"$0\")/ran\"")
}

const KUSTOMIZE: [&str; 2] = ["--kustomize-bin", "./kustomize"];

#[test]
fn kustomizations_cannot_use_remote_files_or_plugins() {
    let cases = [
        (
            "resources: ['https://example.com/a.yaml']",
            "--allow-remote",
        ),
        ("resources: ['git@example.com:a/b']", "--allow-remote"),
        ("resources: ['ssh://example.com/a']", "--allow-remote"),
        ("resources: ['file:///etc/a']", "--allow-remote"),
        ("resources: ['example.com/a/b?ref=x']", "--allow-remote"),
        ("bases: ['github.com/a/b']", "--allow-remote"),
        ("components: ['gh:a/b']", "--allow-remote"),
        ("crds: ['http://169.254.169.254/latest']", "--allow-remote"),
        ("openapi: {path: 'http://example.com/a'}", "--allow-remote"),
        (
            "configMapGenerator: [{name: a, files: ['a=http://e.com/a']}]",
            "--allow-remote",
        ),
        (
            "helmChartInflationGenerator: [{chartName: a}]",
            "would make kustomize",
        ),
        ("generators: [plugin.yaml]", "plugin or a function"),
        ("transformers: [function.yaml]", "plugin or a function"),
        ("validators: [plugin.yaml]", "plugin or a function"),
        ("validators: [function.yaml]", "plugin or a function"),
        ("resources: [over]", "does not exist"),
    ];
    for (at, (fields, expected)) in cases.into_iter().enumerate() {
        let place = kustomization(fields);
        let refused = |words: &[&str]| {
            let shown = refused(&place, &[words, &KUSTOMIZE].concat(), expected);
            assert!(shown.contains("over/kustomization.yaml"), "{shown}");
            assert!(!left(&place, "ran"), "{fields}");
        };
        refused(&["over"]);
        // The same check is made before every run of the program, so a few examples suffice.
        if at % 6 == 0 && init(place.path()).is_some() {
            refused(&["over", "--untrusted", "--render", "-n", "shop"]);
            refused(&["over", "--ref", "main"]);
        }
    }
}

#[test]
fn untrusted_kustomizations_cannot_leave_their_tree() {
    // A message about the other file would quote its unknown field.
    let text = "resources: []\nhunter2: a\n";
    let elsewhere = place().file("base/kustomization.yaml", text);
    let base = elsewhere.path().join("base");
    let fields = format!("resources: ['{}']", base.display());
    let place = kustomization(&fields);
    let words = ["over", "--untrusted", "--render", "-n", "shop"];
    refused(
        &place,
        &[&words[..], &KUSTOMIZE].concat(),
        "which is outside",
    );
    let place = kustomization("resources: [link]\n");
    symlink(&base, place.path().join("over/link")).unwrap();
    refused(
        &place,
        &[&words[..], &KUSTOMIZE].concat(),
        "which is outside",
    );
    assert!(!left(&place, "ran"));
}

/// Flux lets kustomize load files from anywhere in the repository, but not from outside.
#[test]
fn kustomize_for_flux_cannot_leave_the_repository() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: \
                a}\nspec: {path: ./over}\n";
    let builtin = "{apiVersion: builtin, metadata: {name: a}, kind: ";
    for (field, settings) in [
        ("configMapGenerator", "[{name: a, files: [/etc/passwd]}]"),
        ("configMapGenerator", "[{name: a, files: [a=/etc/passwd]}]"),
        ("secretGenerator", "[{name: a, env: /etc/passwd}]"),
        ("secretGenerator", "[{name: a, envs: [link]}]"),
        ("patches", "[{path: /etc/passwd}]"),
        ("patchesStrategicMerge", "[link]"),
        ("patchesJson6902", "[{target: {kind: A}, path: link}]"),
        ("replacements", "[{path: /etc/passwd}]"),
        ("configurations", "[/etc/passwd]"),
        ("crds", "[/etc/passwd]"),
        ("openapi", "{path: /etc/passwd}"),
        ("generators", "ConfigMapGenerator, files: [a=/etc/passwd]}"),
        ("generators", "SecretGenerator, envs: [/etc/passwd]}"),
        ("transformers", "PatchTransformer, path: /etc/passwd}"),
        (
            "transformers",
            "PatchStrategicMergeTransformer, paths: [link]}",
        ),
        (
            "transformers",
            "ReplacementTransformer, replacements: [{path: link}]}",
        ),
    ] {
        let place = match settings.starts_with(['[', '{']) {
            true => kustomization(&format!("{field}: {settings}\n")),
            false => kustomization(&format!("{field}: [p.yaml]\n"))
                .file("over/p.yaml", format!("{builtin}{settings}")),
        };
        let place = place.folder(".git").file("ks.yaml", flux);
        symlink("/etc/passwd", place.path().join("over/link")).unwrap();
        let words = [
            "--kustomization",
            "ks.yaml",
            "--untrusted",
            "--render",
            "-n",
            "shop",
        ];
        let words = [&words[..], &KUSTOMIZE].concat();
        refused(&place, &words, "which is outside");
        assert!(!left(&place, "ran"), "{field}: {settings}");
    }
}

/// CI systems leave their token in .git.
#[test]
fn does_not_read_git_directories() {
    for (entry, words) in [
        ("../.git/config", &["--allow-remote"][..]),
        ("link/config", &["--untrusted", "--render", "-n", "shop"]),
    ] {
        let fields = format!("configMapGenerator: [{{name: a, envs: [{entry}]}}]\n");
        let place = kustomization(&fields).file(".git/config", "token: hunter2\n");
        symlink("../.git", place.path().join("over/link")).unwrap();
        let words = [&["over"], words, &KUSTOMIZE].concat();
        refused(&place, &words, "which is part of .git");
        assert!(!left(&place, "ran"));
    }
}

/// The restriction of the real kustomize.
#[test]
fn kustomize_loads_no_files_from_outside() {
    let has_kubectl = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("kubectl").is_file() || folder.join("kustomize").is_file());
    if !has_kubectl {
        eprintln!("skipped: neither kustomize nor kubectl is on the PATH");
        return;
    }
    for fields in [
        "resources: [/etc/passwd]",
        "resources: [../outside/base/x.yaml]",
        "configMapGenerator: [{name: a, files: [/etc/passwd]}]",
        "configMapGenerator: [{name: a, files: [link]}]",
        "patches: [{path: ../outside/base/x.yaml}]",
    ] {
        let place = kustomization(fields);
        symlink("/etc/passwd", place.path().join("over/link")).unwrap();
        refused(&place, &["over"], "over/kustomization.yaml");
        if init(place.path()).is_some() {
            refused(
                &place,
                &["over", "--ref", "main"],
                "over/kustomization.yaml",
            );
        }
    }
}

#[test]
fn renders_untrusted_manifests_only_on_request() {
    let place = kustomization("resources: [cart.yaml]\nnamePrefix: x-\n")
        .file("chart/Chart.yaml", "name: shop\n")
        .file("chart/templates/a.yaml", "{{ .Values.a }}");
    let place = program(place, "helm", "touch \"$(dirname \"$0\")/ran\"");
    for words in [&["over"][..], &["chart"], &["over", "chart"]] {
        let bins = [&KUSTOMIZE[..], &["--helm-bin", "./helm"]].concat();
        let words = [words, &["--untrusted", "-n", "shop"], &bins].concat();
        let shown = run(&place, &words);
        assert!(!left(&place, "ran"), "{shown}");
        assert!(shown.contains("--render"), "{shown}");
    }
    let words = [
        "over",
        "--untrusted",
        "--render",
        "--no-sandbox",
        "-n",
        "shop",
    ];
    run(&place, &[&words[..], &KUSTOMIZE].concat());
    assert!(left(&place, "ran"));
    let shown = run(&place, &["over", "--render"]);
    assert!(shown.contains("--untrusted"), "{shown}");
}

/// Variables that lead programs to credentials, and a few that name programs to run.
const ENVIRONMENT: [&str; 16] = [
    "KUBECONFIG",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_PROFILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AZURE_CLIENT_SECRET",
    "GITHUB_TOKEN",
    "CI_JOB_TOKEN",
    "SSH_AUTH_SOCK",
    "VAULT_TOKEN",
    "HELM_PLUGINS",
    "HELM_REPOSITORY_CONFIG",
    "KUSTOMIZE_PLUGIN_HOME",
    "XDG_CONFIG_HOME",
    "LD_PRELOAD_CANARY",
    "GIT_SSH_COMMAND",
    "HTTPS_PROXY",
];

#[test]
fn renderers_get_no_environment() {
    let print = "env > \"$(dirname \"$0\")/env\"; ls -A \"$HOME\" >> \"$(dirname \"$0\")/env\"";
    let mut place = kustomization("resources: [cart.yaml]\n")
        .file("chart/Chart.yaml", "name: shop\n")
        .file(".kube/config", "hunter2");
    for name in ENVIRONMENT {
        place = place.var(name, "hunter2");
    }
    let place = program(place, "kustomize", print);
    let place = program(place, "helm", print);
    for words in [
        ["over", "--kustomize-bin", "./kustomize"],
        ["chart", "--helm-bin", "./helm"],
    ] {
        run(&place, &words);
        let seen = fs::read_to_string(place.path().join("env")).unwrap();
        assert!(!seen.contains("hunter2"), "{seen}");
        assert!(!seen.contains(".kube"), "{seen}");
        assert!(
            !seen.contains(&format!("HOME={}\n", place.path().display())),
            "{seen}"
        );
        fs::remove_file(place.path().join("env")).unwrap();
    }
}

/// Runs both renderers as a script that must fail with a message.
fn misbehaves(script: &str, timeout: &str, expected: &str) {
    let place = kustomization("resources: [cart.yaml]\n").file("chart/Chart.yaml", "name: a\n");
    let place = program(program(place, "kustomize", script), "helm", script);
    for words in [
        ["over", "--kustomize-bin", "./kustomize"],
        ["chart", "--helm-bin", "./helm"],
    ] {
        let words = [&words[..], &["--render-timeout", timeout]].concat();
        let shown = refused(&place, &words, expected);
        assert!(!shown.contains('\u{1b}'), "{script}: {shown}");
    }
}

#[test]
fn stops_renderers_that_do_not_end() {
    let scripts = [
        "sleep 60",
        "while :; do :; done",
        "sleep 60 & exec sleep 60",
        "exec >&-; sleep 60",
        "trap '' TERM INT; sleep 60",
    ];
    at_once(&scripts, |script| {
        misbehaves(script, "1", "did not finish within 1s");
    });
    misbehaves("while :; do echo a; done", "1", "");
}

#[test]
fn reports_renderers_that_fail() {
    for (script, expected) in [
        ("kill -9 $$", "killed by a signal"),
        ("echo hunter2-long-enough >/dev/null; exit 7", "exit code 7"),
        ("printf '\\033]0;x\\007' >&2; exit 1", "exit code 1"),
        ("printf '::error::x' >&2; exit 1", "exit code 1"),
        ("printf '\\377\\376\\0'", "rendered output"),
        ("echo 'a: ['", "rendered output"),
        ("echo 'kind: [1]'; echo 'apiVersion: 7'", "must be strings"),
        ("cat", "no Kubernetes object"),
    ] {
        misbehaves(script, "30", expected);
    }
}

#[test]
fn stops_renderers_that_write_without_end() {
    let place = kustomization("resources: [cart.yaml]\n");
    let place = program(place, "kustomize", "exec cat /dev/zero");
    refused(
        &place,
        &[&["over"][..], &KUSTOMIZE].concat(),
        "wrote more than 256 MiB",
    );
}

/// The missing chart is an error; the rest of the kustomization is built without it.
#[test]
fn does_not_fetch_charts_of_kustomizations_by_default() {
    let fields = "resources: [cart.yaml]\nhelmCharts: [{name: a, repo: 'https://e.com'}]";
    let place = kustomization(fields);
    let place = program(place, "helm", "touch \"$(dirname \"$0\")/fetched\"");
    let words = [&["over", "--helm-bin", "./helm"][..], &KUSTOMIZE].concat();
    let shown = refused(&place, &words, "--allow-remote lets helm fetch");
    assert!(shown.contains("over/kustomization.yaml"), "{shown}");
    assert!(!left(&place, "fetched"), "{shown}");
}

/// Returns a chart, and a stand-in for helm that prints its arguments.
fn chart(description: &str) -> TestFolder {
    let place = place().file("chart/Chart.yaml", description).file(
        "chart/templates/a.yaml",
        "{{ lookup \"v1\" \"Secret\" \"kube-system\" \"\" }}",
    );
    program(place, "helm", "echo \"$@\" > \"$(dirname \"$0\")/ran\"")
}

const HELM: [&str; 3] = ["chart", "--helm-bin", "./helm"];

#[test]
fn charts_cannot_use_remote_files() {
    for (description, expected) in [
        (
            "name: a\ndependencies: [{name: b, repository: 'https://e.com'}]",
            "helm dependency build chart",
        ),
        (
            "name: a\ndependencies: [{name: b, repository: 'file://../../..'}]",
            "helm dependency build chart",
        ),
        ("name: a\ntype: library", "library chart"),
        (
            "name: --post-renderer=./evil",
            "is not a valid release name",
        ),
        ("name: [", "cannot read this"),
        ("a: b", "has no name"),
        ("name: {a: b}", "does not describe a chart"),
    ] {
        let place = chart(description);
        refused(&place, &HELM, expected);
        assert!(!left(&place, "ran"), "{description}");
    }
    let place = chart("name: a");
    let remote = ["--values", "http://169.254.169.254/latest"];
    refused(&place, &[&HELM[..], &remote].concat(), "--allow-remote");
    symlink("/etc/passwd", place.path().join("chart/templates/b.txt")).unwrap();
    refused(&place, &HELM, "leads out of the chart");
    assert!(!left(&place, "ran"));
}

/// `lookup` and `getHostByName` return nothing unless helm may connect.
#[test]
fn templates_cannot_query_servers() {
    let place = chart("name: a");
    run(&place, &HELM);
    let words = fs::read_to_string(place.path().join("ran")).unwrap();
    for word in [
        "--dry-run",
        "--enable-dns",
        "--validate",
        "--post-renderer",
        "--dependency-update",
    ] {
        assert!(!words.contains(word), "{words}");
    }
}

/// A template can print the comment that names the source of an object.
#[test]
fn source_comments_of_templates_cannot_leave_the_chart() {
    for (source, place_of) in [
        ("a/../../../../../../../etc/passwd", "chart/Chart.yaml:1"),
        ("a//etc/passwd", "chart/Chart.yaml:1"),
        ("a/templates/link", "chart/templates/link:1"),
        (
            "a/charts/packed/templates/x.yaml",
            "chart/charts/packed/templates/x.yaml:1",
        ),
    ] {
        let place = chart("name: a");
        let print = format!("cat <<'END'\n# Source: {source}\n{}END", config("cart"));
        let place = program(place, "helm", &print);
        symlink("/etc/passwd", place.path().join("chart/templates/link")).unwrap();
        let shown = run(
            &place,
            &[&HELM[..], &["--load-restrictor", "none"]].concat(),
        );
        assert!(shown.contains(&format!("{place_of} by helm")), "{shown}");
    }
}
