//! Tests Applications and ApplicationSets of Argo CD.

use super::{config, has, program, recording, report, sources, words_of};
use crate::support::TestFolder;

/// Returns an Application with one source.
fn application(name: &str, source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  \
         namespace: argocd\nspec:\n  destination: {{namespace: shop}}\n  source: {source}\n"
    )
}

fn without_namespace(name: &str, value: &str) -> String {
    config(name, value).replace("  namespace: shop\n", "")
}

fn repository() -> TestFolder {
    TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("cart", "b")]))
        .file("apps/a/cart.yaml", without_namespace("cart", "a"))
        .file("apps/a/deep/deep.yaml", config("deep", "a"))
        .file("apps/a/.more/hidden.yaml", config("hidden", "a"))
        .file("apps/a/secret.yaml", config("secret", "a"))
        .file(
            "apps/a/hook.yaml",
            config("hook", "a").replace(
                "metadata:\n",
                "metadata:\n  annotations: {argocd.argoproj.io/hook: PreSync}\n",
            ),
        )
        .file(
            "apps/b/kustomization.yaml",
            "resources: [cart.yaml]\nimages: [{name: web, newName: reg.example/web, newTag: v1}]\n",
        )
        .file("apps/b/cart.yaml", config("cart", "b"))
}

#[test]
fn applies_the_options_of_a_directory() {
    for (options, expected) in [
        ("", "cart,secret"),
        ("directory: {recurse: true}", "cart,deep,hidden,secret"),
        ("directory: {exclude: '{secret,x}.*'}", "cart"),
        ("directory: {recurse: true, include: 'deep/*'}", "deep"),
    ] {
        let source = format!("{{path: apps/a, {options}}}");
        let place = repository().file("argo/app.yaml", application("web", &source));
        let report = report(&place, &["diff", "--app", "argo/app.yaml"]);
        let objects = report["objects"].as_array().unwrap();
        let names: Vec<_> = objects
            .iter()
            .map(|o| o["name"].as_str().unwrap())
            .collect();
        assert_eq!(names.join(","), expected, "{options}");
        assert!(objects.iter().all(|object| object["namespace"] == "shop"));
    }
}

#[test]
fn the_report_names_the_source_of_objects() {
    let place = repository().file("argo/app.yaml", application("web", "{path: apps/a}"));
    let report = report(&place, &["diff", "--app", "argo/app.yaml"]);
    insta::assert_snapshot!(sources(&report));
}

#[test]
fn reads_an_application_of_the_recording() {
    let app = application("web", "{path: apps/a}");
    let live = recording(&[&app, &config("cart", "b"), &config("secret", "a")]);
    let place = repository().file("live.json", live);
    insta::assert_snapshot!(place.run(["diff", "argocd:web", "--live", "live.json"]));
    let shown = place.run(["diff", "argocd:other/web", "--live", "live.json"]);
    insta::assert_snapshot!(shown);
    let shown = place.run(["diff", "argocd:a/b/c", "--live", "live.json"]);
    insta::assert_snapshot!(shown);
}

#[test]
fn applies_ignore_differences_to_the_applications_objects() {
    let app = application("web", "{path: apps/a, directory: {include: cart.yaml}}")
        + "  ignoreDifferences:\n  - {kind: ConfigMap, jsonPointers: [/data/key]}\n";
    let other = application("other", "{path: apps/c}");
    let live = recording(&[&config("cart", "b"), &config("other", "b")]);
    let place = repository()
        .file("live.json", live)
        .file("apps/c/other.yaml", config("other", "a"))
        .file("apps.yaml", format!("{app}---\n{other}"));
    let report = report(&place, &["diff", "--app", "apps.yaml"]);
    let statuses: Vec<_> = report["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| format!("{} {}", object["name"], object["status"]))
        .collect();
    assert_eq!(statuses, [r#""cart" "in-sync""#, r#""other" "drifted""#]);
    assert!(report.to_string().contains("web/ignoreDifferences[0]"));
}

#[test]
fn tracked_objects_that_are_not_declared_are_extra() {
    let tracked = |name: &str, id: &str| {
        let annotation = format!("annotations: {{argocd.argoproj.io/tracking-id: '{id}'}}");
        config(name, "a").replace("metadata:\n", &format!("metadata:\n  {annotation}\n"))
    };
    let live = [
        tracked("cart", "web:/ConfigMap:shop/cart"),
        tracked("gone", "web:/ConfigMap:shop/gone"),
        tracked("copy", "web:/ConfigMap:shop/gone"),
        tracked("other", "other:/ConfigMap:shop/other"),
        config("unknown", "a"),
    ];
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    let source = "{path: apps/a, directory: {include: cart.yaml}}";
    let place = repository()
        .file("live.json", recording(&live))
        .file("app.yaml", application("web", source));
    let words = [
        "diff",
        "--app",
        "app.yaml",
        "--extra",
        "managed",
        "--live",
        "live.json",
    ];
    insta::assert_snapshot!(place.run(words));
}

#[test]
fn reports_what_cannot_be_read() {
    let set = |generator: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: set}}\n\
             spec:\n  generators: [{generator}]\n  template:\n    metadata: {{name: 'a-{{{{x}}}}'}}\n    \
             spec: {{source: {{path: apps/a}}}}\n"
        )
    };
    for (text, expected) in [
        (
            application("a", "{chart: nginx, repoURL: 'https://e.com'}"),
            "--allow-remote",
        ),
        (application("a", "{path: nowhere}"), "there is no nowhere"),
        (application("a", "{path: ../..}"), "leads out of"),
        (
            application("a", "{path: apps/a, plugin: {}}"),
            "its plugin is not run",
        ),
        (application("a", "{path: 7}"), "not that of an Application"),
        (
            application("a", "{path: apps/a, directory: {include: '[a'}}"),
            "a set is not closed",
        ),
        (
            application("a", "{path: apps/a}") + "  ignoreDifferences: [{kind: A}]\n",
            "name what",
        ),
        (
            set("{clusters: {}}"),
            "its clusters generator needs the clusters",
        ),
        (
            set("{pullRequest: {}}"),
            "its pullRequest generator queries another service",
        ),
        (
            set("{git: {directories: [{path: none/*}]}}"),
            "its generators match nothing",
        ),
        (
            set("{list: {elements: [{y: 1}]}}"),
            "which is not a known parameter",
        ),
        (config("a", "b"), "no Application in this file"),
    ] {
        let place = repository().file("app.yaml", &text);
        let report = report(&place, &["diff", "--app", "app.yaml"]);
        let said = sources(&report);
        assert!(said.contains(expected), "{text}: {said}");
        assert_eq!(report["verdict"], "incomplete", "{text}");
    }
}

#[test]
fn expands_sets_with_lists_and_directories() {
    let set = "\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: set, namespace: argocd}
spec:
  goTemplate: true
  generators:
  - git:
      directories: [{path: apps/*}, {path: apps/b, exclude: true}]
  template:
    metadata: {name: '{{.path.basename}}'}
    spec:
      destination: {namespace: shop}
      source: {path: '{{ .path.path }}'}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: set, namespace: argocd}
spec:
  generators:
  - list: {elements: [{dir: a, ns: blue}]}
  template:
    metadata: {name: 'list-{{dir}}'}
    spec:
      destination: {namespace: '{{ns}}'}
      source: {path: 'apps/{{dir}}', directory: {include: cart.yaml}}
";
    let place = repository().file("sets.yaml", set);
    let report = report(&place, &["diff", "--app", "sets.yaml"]);
    insta::assert_snapshot!(sources(&report));
}

/// With the real kustomize: settings of Argo CD on a kustomization with a renamed image.
#[test]
fn applies_kustomize_settings() {
    if !has(&["kustomize", "kubectl"]) {
        return;
    }
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, \
               image: web}]\n";
    let settings = "{path: apps/b, kustomize: {namePrefix: x-, namespace: blue, images: \
                    ['web=reg.example/web:v2'], commonAnnotations: {a: b}, patches: [{target: \
                    {kind: Pod}, patch: \"- op: add\\n  path: /spec/nodeName\\n  value: one\"}]}}";
    let live = "apiVersion: v1\nkind: Pod\nmetadata: {name: x-web, namespace: blue}\nspec: {}\n";
    let place = repository()
        .file("live.json", recording(&[live]))
        .file("apps/b/cart.yaml", pod)
        .file("app.yaml", application("web", settings));
    insta::assert_snapshot!(place.run(["diff", "--app", "app.yaml", "--live", "live.json"]));
}

#[test]
fn applies_helm_settings() {
    let settings = "{path: apps/chart, helm: {valueFiles: [values.yaml, /shared.yaml], \
                    valuesObject: {c: d}, parameters: [{name: e, value: 'f,g'}, {name: h, value: \
                    '1', forceString: true}], skipCrds: true}}";
    let place = repository()
        .file("apps/chart/Chart.yaml", "name: shop\n")
        .file("apps/chart/values.yaml", "a: b\n")
        .file("shared.yaml", "a: b\n")
        .file("app.yaml", application("web", settings));
    let place = program(
        place,
        "helm",
        "echo \"$@\" > \"$0.words\"; cat values.yaml >> \"$0.words\"",
    );
    report(
        &place,
        &["diff", "--app", "app.yaml", "--helm-bin", "./helm"],
    );
    let words = words_of(&place);
    let inline = words
        .split("--values ")
        .nth(3)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert_eq!(
        words.replace(inline, "INLINE"),
        "template web ./chart --namespace=shop --values files/1 --values files/2 --values INLINE --set=e=f\\,g --set-string=h=1\n{\"c\":\"d\"}"
    );
}

/// Files of another repository are not searched in this one.
#[test]
fn rejects_values_of_another_repository() {
    let source = |address: &str, rest: &str| format!("{{repoURL: '{address}', {rest}}}");
    let app = |other: &str| {
        let chart = "path: chart, helm: {valueFiles: [$more/shared.yaml]}";
        let sources = [
            source("https://h.example/a", chart),
            source(other, "ref: more"),
        ]
        .join(", ");
        application("web", "{}").replace("source: {}", &format!("sources: [{sources}]"))
    };
    let place = |other: &str| {
        let place = repository()
            .file("chart/Chart.yaml", "name: shop\n")
            .file("shared.yaml", "a: b\n")
            .file("app.yaml", app(other));
        program(place, "helm", "echo \"$@\" > \"$0.words\"")
    };
    let words = ["diff", "--app", "app.yaml", "--helm-bin", "./helm"];
    let same = place("https://h.example/a");
    report(&same, &words);
    assert!(words_of(&same).contains("--values files/1"));
    let said = sources(&report(&place("https://u:p@h.example/b"), &words));
    let expected = "$more/shared.yaml is in another repository (https://h.example/b)";
    assert!(said.contains(expected), "{said}");
}

/// The namespace of a destination does not apply to cluster-scoped objects.
#[test]
fn applies_ignore_differences_to_cluster_scoped_objects() {
    let role = |verb: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: web}}\n\
             rules: [{{apiGroups: [''], resources: [pods], verbs: [{verb}]}}]\n"
        )
    };
    let app = application("web", "{path: roles}")
        + "  ignoreDifferences:\n  - {group: rbac.authorization.k8s.io, kind: '{Cluster,}Role', jsonPointers: [/rules]}\n";
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&role("list")]))
        .file("roles/web.yaml", role("get"))
        .file("app.yaml", app);
    let report = report(&place, &["diff", "--app", "app.yaml"]);
    assert_eq!(report["verdict"], "in-sync", "{report}");
    assert_eq!(report["summary"]["ignored"], 1);
}

/// A setting that is set but not applied would falsify the comparison.
#[test]
fn names_settings_that_are_not_supported() {
    let source =
        "{path: apps/a, tagPrefix: v, directory: {disableExtensionFilter: true, recurse: false}}";
    let place = repository().file("argo/app.yaml", application("web", source));
    let report = report(&place, &["diff", "--app", "argo/app.yaml"]);
    let warnings = report["warnings"].to_string();
    for setting in ["tagPrefix", "directory.disableExtensionFilter"] {
        assert!(
            warnings.contains(&format!("the setting {setting} of")),
            "{warnings}"
        );
    }
    let hydrated = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n\
                    spec: {destination: {namespace: shop}, sourceHydrator: {drySource: {path: a}}}\n";
    let place = repository().file("app.yaml", hydrated);
    let shown = place.run(["diff", "--app", "app.yaml", "--live", "live.json"]);
    insta::assert_snapshot!(shown);
}

/// Argo CD Image Updater writes its parameters there.
#[test]
fn applies_settings_in_files_next_to_the_manifests() {
    let place = repository()
        .file(
            "apps/a/.argocd-source-web.yaml",
            "directory: {include: secret.yaml}\n",
        )
        .file(
            "argo/app.yaml",
            application("web", "{path: apps/a, directory: {recurse: false}}"),
        );
    let report = report(&place, &["diff", "--app", "argo/app.yaml"]);
    let objects = report["objects"].as_array().unwrap();
    let names: Vec<_> = objects.iter().map(|object| &object["name"]).collect();
    assert_eq!(names, ["secret"]);
}

/// Combined generators distinguish their parameters by a prefix.
#[test]
fn supports_path_prefixes_of_sets() {
    for (is_go, name, path) in [
        (true, "{{.x.path.basename}}", "{{.x.path.path}}"),
        (false, "{{x.path.basename}}", "{{x.path}}"),
    ] {
        let set = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: set}}\n\
             spec:\n  goTemplate: {is_go}\n  generators:\n  - git: {{pathParamPrefix: x, \
             directories: [{{path: apps/a}}]}}\n  template:\n    metadata: {{name: '{name}'}}\n    \
             spec:\n      destination: {{namespace: shop}}\n      source: {{path: '{path}'}}\n"
        );
        let place = repository().file("sets.yaml", set);
        let report = report(&place, &["diff", "--app", "sets.yaml"]);
        assert!(
            sources(&report).contains("cart: apps/a/cart.yaml:1"),
            "{report}"
        );
    }
}

/// A set for several clusters, as most sets are.
#[test]
fn skips_applications_of_other_clusters() {
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n  \
               generators:\n  - list: {elements: [{at: in-cluster}, {at: west}]}\n  template:\n    \
               metadata: {name: 'web-{{at}}'}\n    spec:\n      destination: {name: '{{at}}', namespace: \
               shop}\n      source: {path: apps/a}\n";
    let place = repository().file("set.yaml", set);
    let said = |words: &[&str]| {
        let words = [&["diff", "--app", "set.yaml"], words].concat();
        sources(&report(&place, &words))
    };
    let all = said(&[]);
    let west = said(&["--destination", "west"]);
    let here = said(&["--destination", "https://kubernetes.default.svc/"]);
    let none = said(&["--destination", "east"]);
    insta::assert_snapshot!([all, west, here, none].join("\n\n"));
}
