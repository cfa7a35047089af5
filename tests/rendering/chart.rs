//! Helm charts, with a stand-in for helm.

use super::{config, program, recording, report, sources};
use crate::support::Place;

/// Prints its words, and what a chart would give: two objects, a subchart's and a hook.
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

fn chart() -> Place {
    let place = Place::new()
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

fn words_of(place: &Place) -> String {
    let words = std::fs::read_to_string(place.path().join("helm.words")).unwrap();
    let root = place.path().canonicalize().unwrap();
    words.trim().replace(root.to_str().unwrap(), "$DIR")
}

#[test]
fn charts_are_rendered_and_hooks_left_out() {
    let place = chart();
    let report = report(&place, &[&["diff", "chart", "plain"][..], &RENDER].concat());
    insta::assert_snapshot!(sources(&report));
}

#[test]
fn words_reach_helm() {
    let place = chart();
    let words = [
        "diff",
        "chart",
        "--values",
        "values.yaml",
        "--set",
        "a.b=c",
        "--release",
        "blue",
        "-n",
        "shop",
    ];
    report(&place, &[&words[..], &RENDER].concat());
    assert_eq!(
        words_of(&place),
        "template blue $DIR/chart --namespace=shop --include-crds --values $DIR/values.yaml \
         --set=a.b=c"
    );
}

#[test]
fn charts_below_an_argument_are_named_and_not_rendered() {
    let text = sources(&report(&chart(), &[&["diff", "."][..], &RENDER].concat()));
    assert!(text.contains("chart/Chart.yaml: the templates"), "{text}");
    assert!(!text.contains("by helm"), "{text}");
}

#[test]
fn what_cannot_be_rendered_is_an_error() {
    let link = |place: &Place| {
        std::os::unix::fs::symlink("/etc/hostname", place.path().join("chart/templates/x.yaml"))
    };
    let place = chart();
    link(&place).unwrap();
    let text = sources(&report(&place, &[&["diff", "chart"][..], &RENDER].concat()));
    assert!(text.contains("leads out of the chart"), "{text}");
    let remote = ["diff", "chart", "--values", "https://example.com/a"];
    let text = sources(&report(&chart(), &[&remote[..], &RENDER].concat()));
    assert!(text.contains("--allow-remote"), "{text}");
    let place = chart().folder("bin");
    let bin = place.path().join("bin").to_str().unwrap().to_owned();
    let text = sources(&report(&place.var("PATH", &bin), &["diff", "chart"]));
    assert!(text.contains("helm is not on the PATH"), "{text}");
}

#[test]
fn words_for_charts_need_a_chart() {
    let shown = chart().run(["diff", "plain", "--set", "a=b", "--live", "live.json"]);
    assert!(shown.contains("--set is for Helm charts"), "{shown}");
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}
