//! Tests kustomizations: what is built, what is read as plain files, and what is refused.

use super::{config, has, program, recording, report, sources};
use crate::support::TestFolder;

/// A stand-in for kustomize: prints the files of the kustomization, one level deep, with the
/// annotation of their origins.
const KUSTOMIZE: &str = r#"
[ "$1" = build ] && [ "$2" = --load-restrictor=LoadRestrictionsRootOnly ] || exit 9
target=$(sed 's/.*"resources":\["\([^"]*\)"\].*/\1/' "$3/kustomization.yaml")
sed 's/.*"resources":\["\([^]]*\)"\].*/\1\n/; s/","/\n/g' "$3/$target/kustomization.yaml" | while read -r file; do
    case $file in *.yaml) ;; *) continue ;; esac
    sed "s|^metadata:|metadata:\n  annotations:\n    config.kubernetes.io/origin: \|\n      path: $target/$file|" "$3/$target/$file"
    echo ---
done
"#;

const RENDER: [&str; 2] = ["--kustomize-bin", "./kustomize"];

fn tree() -> TestFolder {
    let place = TestFolder::new()
        .file("live.json", recording(&[&config("cart", "b")]))
        .file(
            "deploy/base/kustomization.yaml",
            "resources:\n- cart.yaml\n",
        )
        .file("deploy/base/cart.yaml", config("cart", "a"))
        .file("deploy/base/forgotten.yaml", config("forgotten", "a"))
        .file(
            "deploy/prod/kustomization.yaml",
            "resources:\n- ../base\n- extra.yaml\npatches:\n- path: patch.yaml\n",
        )
        .file("deploy/prod/extra.yaml", config("extra", "a"))
        .file("deploy/prod/patch.yaml", config("cart", "b"))
        .file("deploy/plain.yaml", config("plain", "a"))
        .file(
            "deploy/part/kustomization.yaml",
            "kind: Component\nresources:\n- part.yaml\n",
        )
        .file("deploy/part/part.yaml", config("part", "a"));
    program(place, "kustomize", KUSTOMIZE)
}

#[test]
fn a_tree_is_either_rendered_or_read_as_files() {
    let report = report(&tree(), &[&["diff", "deploy"][..], &RENDER].concat());
    insta::assert_snapshot!(sources(&report));
}

#[test]
fn reads_only_the_named_kustomization() {
    let place = tree();
    let alone = sources(&report(
        &place,
        &[&["diff", "deploy/base"][..], &RENDER].concat(),
    ));
    assert!(
        alone.contains("cart: deploy/base/cart.yaml:1 by kustomize"),
        "{alone}"
    );
    assert!(!alone.contains("forgotten: deploy"), "{alone}");
    let by_file = ["diff", "deploy/base/kustomization.yaml"];
    let alone = alone.split("\nskipped").next().unwrap();
    assert_eq!(
        sources(&report(&place, &[&by_file[..], &RENDER].concat())),
        alone
    );
}

/// However arguments overlap, each file is declared once.
#[test]
fn overlapping_arguments_declare_objects_once() {
    for words in [
        &["deploy", "deploy/prod"][..],
        &["deploy/prod", "deploy"],
        &["deploy/prod/kustomization.yaml", "./deploy", "deploy"],
        &["./deploy/../deploy/prod", "deploy/plain.yaml", "deploy"],
    ] {
        let report = report(&tree(), &[&["diff"], words, &RENDER].concat());
        let objects = report["objects"].as_array().unwrap().iter();
        let said: Vec<_> = objects
            .map(|object| format!("{} {}", object["name"], object["status"]))
            .collect();
        let expected = [r#""extra" "missing""#, r#""plain" "missing""#];
        assert_eq!(said, expected, "{words:?}: {}", sources(&report));
    }
}

#[test]
fn drift_has_the_line_of_the_source_file() {
    let place = tree();
    let words = ["diff", "deploy/base", "--live", "live.json"];
    insta::assert_snapshot!(place.run([&words[..], &RENDER].concat()));
}

#[test]
fn reads_plain_files_without_rendering() {
    let report = report(&tree(), &["diff", "deploy/base", "--no-render"]);
    insta::assert_snapshot!(sources(&report));
}

/// None of these may run the program, which would leave a file behind.
#[test]
fn refuses_references_outside_the_tree_before_rendering() {
    for (fields, expected) in [
        ("resources: ['https://example.com/a']", "--allow-remote"),
        ("resources: ['github.com/a/b?ref=main']", "--allow-remote"),
        (
            "patches: [{path: 'http://example.com/a'}]",
            "--allow-remote",
        ),
        ("resources: [../nested]", "--allow-remote"),
        ("resources: [example.com/a]", "does not exist"),
        ("helmCharts: [{name: a}]", "it names no repo"),
        ("generators: [plugin.yaml]", "plugin or a function"),
        (
            "transformers: ['{apiVersion: x/v1,\n  kind: A}']",
            "plugin or a function",
        ),
        ("resources: [", "cannot read this kustomization"),
        ("", "is empty"),
    ] {
        let place = TestFolder::new()
            .file("live.json", recording(&[&config("cart", "b")]))
            .file("over/kustomization.yaml", fields)
            .file("over/plugin.yaml", "apiVersion: x/v1\nkind: A\n")
            .file("nested/kustomization.yaml", "bases: ['git@example.com:a']");
        let place = program(place, "kustomize", "touch ran; echo 'kind: List'");
        let text = sources(&report(&place, &[&["diff", "over"][..], &RENDER].concat()));
        assert!(text.contains(expected), "{fields}: {text}");
        assert!(text.contains("kustomization.yaml"), "{fields}: {text}");
        let ran = walkdir::WalkDir::new(place.path())
            .into_iter()
            .any(|entry| entry.unwrap().file_name() == "ran");
        assert!(!ran, "{fields}");
    }
}

#[test]
fn reports_failures_of_the_renderer() {
    for (script, expected) in [
        (
            "echo '# Warning' >&2; echo 'Error: no such file' >&2; exit 1",
            "no such file",
        ),
        ("sleep 30", "did not finish within 1s"),
        ("kill $$", "signal"),
        ("echo 'a: ['", "rendered output"),
        ("printf '\\377\\376\\0'", "rendered output"),
    ] {
        let place = program(tree(), "kustomize", script);
        let words = [
            &["diff", "deploy/prod", "--render-timeout", "1"][..],
            &RENDER,
        ]
        .concat();
        let report = report(&place, &words);
        let text = sources(&report);
        assert!(text.contains(expected), "{script}: {text}");
        assert_eq!(report["verdict"], "incomplete", "{script}");
    }
}

/// Destructors do not run after a signal: neither the program nor its folder may outlive the run.
#[test]
fn a_signal_ends_the_renderer_too() {
    use rustix::process::{Pid, Signal, kill_process, test_kill_process};

    let id = |text: &str| Pid::from_raw(text.trim().parse().unwrap()).unwrap();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let place = tree().folder("tmp");
        let note = place.path().join("id");
        let script = format!(
            "echo $$ > {0}.part; mv {0}.part {0}; exec sleep 60",
            note.display()
        );
        let place = program(place, "kustomize", &script);
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_driftctl"))
            .args(["diff", "deploy/prod", "--live", "live.json"])
            .args(RENDER)
            .current_dir(place.path())
            .env("TMPDIR", place.path().join("tmp"))
            .spawn()
            .unwrap();
        let began = std::time::Instant::now();
        let program = loop {
            if let Ok(text) = std::fs::read_to_string(&note) {
                break id(&text);
            }
            assert!(began.elapsed().as_secs() < 30, "nothing was rendered");
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        kill_process(Pid::from_child(&run), signal).unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(code));
        // Nobody waits for the program any more, so it may take a moment to end.
        while test_kill_process(program).is_ok() && began.elapsed().as_secs() < 30 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(test_kill_process(program).is_err(), "the program runs on");
        let left = std::fs::read_dir(place.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "a folder is left behind");
    }
}

#[test]
fn a_missing_renderer_is_an_error_with_a_hint() {
    let place = tree().folder("bin");
    let bin = place.path().join("bin").to_str().unwrap().to_owned();
    let place = place.var("PATH", &bin);
    insta::assert_snapshot!(place.run(["diff", "deploy/prod", "--live", "live.json"]));
}

#[test]
fn flux_kustomizations_are_plain_objects() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  \
                name: apps\n  namespace: shop\n";
    let place = tree()
        .file("flux/kustomization.yaml", flux)
        .file("flux/cart.yaml", config("cart", "a"));
    let text = sources(&report(&place, &[&["diff", "flux"][..], &RENDER].concat()));
    insta::assert_snapshot!(text);
}

/// With the real kustomize: names, generated objects, and lines through overlays.
#[test]
fn builds_with_the_real_kustomize() {
    if !has(&["kustomize", "kubectl"]) {
        return;
    }
    let live = config("shop-cart", "b").replace("namespace: shop", "namespace: prod");
    let place = tree().file("live.json", recording(&[&live])).file(
        "deploy/prod/kustomization.yaml",
        "namespace: prod\nnamePrefix: shop-\nbuildMetadata: [managedByLabel]\nresources:\n- \
         ../base\n- extra.yaml\nconfigMapGenerator:\n- name: made\n  literals: [a=b]\npatches:\n- \
         path: patch.yaml\ngeneratorOptions: {disableNameSuffixHash: true}\n",
    );
    let report = report(&place, &["diff", "deploy/prod"]);
    assert!(report.to_string().contains("app.kubernetes.io/managed-by"));
    insta::assert_snapshot!(sources(&report));
}

/// A component, which is only a part of other kustomizations, can be compared alone.
#[test]
fn builds_a_component_if_it_is_named() {
    if !has(&["kubectl", "kustomize"]) {
        return;
    }
    let place = tree();
    let report = report(&place, &["diff", "deploy/part", "deploy/base"]);
    let text = sources(&report);
    for line in [
        "ConfigMap part: deploy/part/part.yaml:1 by kustomize",
        "ConfigMap cart: deploy/base/cart.yaml:1 by kustomize",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("accumulating"), "{text}");
}
