//! Tests Helm charts, with a stand-in for helm.

use super::{config, has, program, recording, report, sources, words_of};
use crate::support::TestFolder;

/// Prints its arguments, and the output of a chart: two objects, one of a subchart, and a hook.
const HELM: &str = r#"
echo "$@" > "$0.words"
cat <<'END'
---
# Source: shop/templates/cart.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: cart
  namespace: shop
data:
  key: a
---
# Source: shop/charts/sub/templates/sub.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: sub, namespace: shop}
---
# Source: shop/templates/tests/test.yaml
apiVersion: v1
kind: Pod
metadata:
  name: test
  annotations: {helm.sh/hook: test}
END
"#;

const RENDER: [&str; 2] = ["--helm-bin", "./helm"];

fn chart() -> TestFolder {
    let place = TestFolder::new()
        .file("live.json", recording(&[&config("cart", "b")]))
        .file(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        )
        .file(
            "chart/templates/cart.yaml",
            "{{ if .Values.cart }}\napiVersion: v1\nkind: ConfigMap\n{{ end }}\n",
        )
        .file("plain/other.yaml", config("other", "a"))
        .file("values.yaml", "a: b\n");
    program(place, "helm", HELM)
}

#[test]
fn renders_charts_without_hooks() {
    let place = chart();
    let report = report(&place, &[&["diff", "chart", "plain"][..], &RENDER].concat());
    insta::assert_snapshot!(sources(&report));
}

#[test]
fn passes_arguments_to_helm() {
    let place = chart();
    let words = [
        "diff",
        "chart",
        "--values",
        "values.yaml",
        "--set",
        "a.b=c",
        "--set-string",
        "tag=007",
        "--release",
        "blue",
        "-n",
        "shop",
    ];
    report(&place, &[&words[..], &RENDER].concat());
    assert_eq!(
        words_of(&place),
        "template blue ./chart --namespace=shop --include-crds --values files/1 --set=a.b=c --set-string=tag=007"
    );
}

#[test]
fn lists_nested_charts_without_rendering_them() {
    let text = sources(&report(&chart(), &[&["diff", "."][..], &RENDER].concat()));
    insta::assert_snapshot!(text);
    assert!(!text.contains("by helm"), "{text}");
}

#[test]
fn reports_what_cannot_be_rendered() {
    let link = |place: &TestFolder| {
        std::os::unix::fs::symlink("/etc/hostname", place.path().join("chart/templates/x.yaml"))
    };
    let place = chart();
    link(&place).unwrap();
    let text = sources(&report(&place, &[&["diff", "chart"][..], &RENDER].concat()));
    insta::assert_snapshot!(text);
    let remote = ["diff", "chart", "--values", "https://example.com/a"];
    let text = sources(&report(&chart(), &[&remote[..], &RENDER].concat()));
    insta::assert_snapshot!(text);
    let place = chart().folder("bin");
    let bin = place.path().join("bin").to_str().unwrap().to_owned();
    let text = sources(&report(&place.var("PATH", &bin), &["diff", "chart"]));
    insta::assert_snapshot!(text);
}

#[test]
fn rejects_chart_flags_without_a_chart() {
    let shown = chart().run(["diff", "plain", "--set", "a=b", "--live", "live.json"]);
    insta::assert_snapshot!(shown);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}

#[test]
fn charts_see_the_served_api_versions() {
    let monitor = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: \
                   {name: monitors.example.com}\nspec: {group: example.com, names: {kind: \
                   Monitor}, scope: Namespaced, versions: [{name: v1, served: true}, {name: v2, \
                   served: false}]}\n";
    let place = chart().file("live.json", recording(&[monitor]));
    report(&place, &[&["diff", "chart"][..], &RENDER].concat());
    let words = std::fs::read_to_string(place.path().join("helm.words")).unwrap();
    let served = words.split("--api-versions=").nth(1).unwrap();
    let served = served.split([' ', '\n']).next().unwrap();
    let is_served = |name: &str| served.split(',').any(|served| served == name);
    for name in [
        "networking.k8s.io/v1/Ingress",
        "policy/v1",
        "example.com/v1",
        "example.com/v1/Monitor",
    ] {
        assert!(is_served(name), "{name} in {served}");
    }
    for name in [
        "example.com/v2",
        "storage.k8s.io/v1beta1",
        "networking.k8s.io/v1beta1/Ingress",
    ] {
        assert!(!is_served(name), "{name} in {served}");
    }
}

/// A snapshot records the cluster as it was at that time.
#[test]
fn charts_see_the_version_of_a_snapshot() {
    let mut live: serde_json::Value =
        serde_json::from_str(&recording(&[&config("cart", "b")])).unwrap();
    live["driftctl"] = serde_json::json!({
        "schema": "driftctl.snapshot/v1", "namespace": "web",
        "from": {"version": "v1.36.2"}, "apiVersions": ["apps/v1", "apps/v1/Deployment"],
    });
    let place = chart().file("live.json", live.to_string());
    report(&place, &[&["diff", "chart"][..], &RENDER].concat());
    let words = std::fs::read_to_string(place.path().join("helm.words")).unwrap();
    let expected = "--namespace=web --include-crds --kube-version=v1.36.2 \
                --api-versions=apps/v1,apps/v1/Deployment\n";
    assert!(words.ends_with(expected), "{words}");
}

/// Helm's messages about charts are in the report, with the right location.
#[test]
fn reports_messages_of_helm() {
    let failing = r#"
echo "coalesce.go:1: warning: skipped value for shop.a: Not a table." >&2
echo "Error: execution error at (shop/templates/cart.yaml:3:11): name a currency" >&2
echo >&2
echo "Use --debug flag to render out invalid YAML" >&2
exit 1
"#;
    let text = |helm: &str| {
        let place = program(chart(), "helm", helm);
        sources(&report(&place, &[&["diff", "chart"][..], &RENDER].concat()))
    };
    let said = text(failing);
    let at = "chart/templates/cart.yaml:3:11: helm (rendering chart) failed with exit code 1: \
              execution error at (shop/templates/cart.yaml:3:11): name a currency";
    assert!(said.contains(at), "{said}");
    let broken = HELM.replace(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n",
        "kind: A\nmetadata:\n",
    );
    let said = text(&broken);
    let at = "chart/templates/cart.yaml: in rendered output, A cart: apiVersion is missing";
    assert!(said.contains(at), "{said}");
    let warning = format!(
        "echo 'coalesce.go:1: warning: destination for a is a table. Ignoring (map[x:hunter2])' \
         >&2\n{HELM}"
    );
    let said = text(&warning);
    let expected = "chart/Chart.yaml: helm warns: destination for a is a table. Ignoring";
    assert!(
        said.contains(expected) && !said.contains("hunter2"),
        "{said}"
    );
}

/// The names of objects contain the name of the release.
#[test]
fn suggests_another_release_if_no_object_is_live() {
    let place = chart().file("live.json", recording(&[]));
    let diff = [&["diff", "chart", "--live", "live.json"][..], &RENDER].concat();
    let said = place.run(diff.clone());
    insta::assert_snapshot!(said);
    let named = place.run([&diff[..], &["--release", "shop"]].concat());
    assert!(!named.contains("--release"), "{named}");
}

/// Generated values of a chart cannot drift, but they can be removed.
#[test]
fn does_not_compare_values_that_differ_with_each_rendering() {
    let helm = r#"
echo x >> "$0.count"
cat <<END
---
# Source: shop/templates/cart.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: cart
  namespace: shop
data:
  made: "$(wc -l < "$0.count")"
  fixed: a
END
"#;
    let live = |data: &str| {
        recording(&[&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: cart, namespace: shop}}\ndata: \
             {data}\n"
        )])
    };
    let place = |data: &str| {
        let template = "made: {{ randAlphaNum 8 }}\nother: {{ (lookup \"v1\" \"Secret\").x }}\n";
        let place = chart()
            .file("live.json", live(data))
            .file("chart/templates/cart.yaml", template);
        program(place, "helm", helm)
    };
    let words = [&["diff", "chart"][..], &RENDER].concat();
    let shown = report(&place("{made: q7, fixed: a}"), &words);
    assert_eq!(shown["verdict"], "in-sync", "{shown}");
    assert_eq!(shown["summary"]["ignored"], 1, "{shown}");
    let said = sources(&shown);
    insta::assert_snapshot!(said);
    let shown = report(&place("{fixed: a}"), &words);
    assert_eq!(shown["verdict"], "drifted", "{shown}");
}

/// With a real helm: the rendered objects are declared.
#[test]
fn renders_with_the_real_helm() {
    if !has(&["helm"]) {
        return;
    }
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  \
                    namespace: {{ .Release.Namespace }}\ndata:\n  key: {{ .Values.key | quote }}\n  \
                    tag: {{ .Values.tag | quote }}\n  ingress: {{ .Capabilities.APIVersions.Has \
                    \"networking.k8s.io/v1/Ingress\" | quote }}\n";
    let live = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: blue, namespace: shop}\ndata: \
                {key: b, tag: '007', ingress: 'true'}\n";
    let place = TestFolder::new()
        .file("live.json", recording(&[live]))
        .file(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        )
        .file("chart/values.yaml", "key: a\n")
        .file("chart/templates/cart.yaml", template)
        .file("prod, new.yaml", "key: b\n");
    let words = [
        "diff",
        "chart",
        "--release",
        "blue",
        "-n",
        "shop",
        "--values",
        "prod, new.yaml",
        "--set-string",
        "tag=007",
    ];
    let shown = report(&place, &words);
    assert_eq!(shown["verdict"], "in-sync", "{shown}");
    let place = place.file("chart/templates/other.yaml", "a: {{ fail \"no\" }}\n");
    let said = sources(&report(&place, &words));
    let at = "chart/templates/other.yaml:1:6: helm (rendering chart) failed with exit code 1: \
              execution error at (shop/templates/other.yaml:1:6): no";
    assert!(said.contains(at), "{said}");
}

/// Prints the chart as if it were rendered.
const COPY: &str = r#"
for word in "$@"; do
  if [ -f "$word/rendered.yaml" ]; then cat "$word/rendered.yaml"; fi
done
"#;

/// A template that loops over namespaces makes objects with the same file, kind and name. Each is
/// compared with its counterpart of the base.
#[test]
fn finds_a_conflict_if_one_template_is_used_in_two_namespaces() {
    let config = |namespace: &str, mode: &str| {
        format!(
            "---\n# Source: shop/templates/cart.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: \
             {{name: cart, namespace: {namespace}}}\ndata: {{mode: {mode}}}\n"
        )
    };
    let rendered = |a: &str, b: &str| config("team-a", a) + &config("team-b", b);
    let chart = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";
    let live = [config("team-a", "live"), config("team-b", "old")];
    let live = recording(&live.each_ref().map(String::as_str));
    let place = TestFolder::new()
        .file("live.json", live)
        .file("old/Chart.yaml", chart)
        .file("old/rendered.yaml", rendered("old", "old"))
        .file("new/Chart.yaml", chart)
        .file("new/rendered.yaml", rendered("new", "old"));
    let place = program(place, "helm", COPY);
    let words = ["diff", "new", "--base", "old", "--helm-bin", "./helm"];
    let report = report(&place, &words);
    let of = |namespace: &str| {
        let objects = report["objects"].as_array().unwrap().iter();
        let mut objects = objects.filter(|object| object["namespace"] == namespace);
        objects.next().unwrap().clone()
    };
    assert_eq!(of("team-a")["status"], "conflict", "{report}");
    assert_eq!(of("team-a")["changes"][0]["class"], "conflict");
    assert_eq!(of("team-b")["status"], "in-sync");
    let words = [
        &words[..],
        &["--live", "live.json", "--fail-on", "conflict"],
    ]
    .concat();
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
