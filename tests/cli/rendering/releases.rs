//! Tests HelmReleases, Applications and kustomizations with charts, rendered by a real helm.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::follow::{found, messages, of_flux};
use super::{config, has, recording, report};
use crate::support::TestFolder;

/// Returns whether the programs that these tests need are installed.
fn has_both() -> bool {
    has(&["helm"]) && has(&["kubectl", "kustomize"])
}

/// Returns a chart with one ConfigMap.
fn with_chart(place: TestFolder, folder: &str) -> TestFolder {
    place
        .file(
            &format!("{folder}/Chart.yaml"),
            "apiVersion: v2\nname: shop\nversion: 1.2.3\n",
        )
        .file(&format!("{folder}/values.yaml"), "colour: grey\nsize: 1\n")
        .file(
            &format!("{folder}/templates/config.yaml"),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  \
             colour: {{ .Values.colour }}\n  size: {{ .Values.size | quote }}\n  url: \
             http://{{ .Values.password }}@db\n",
        )
}

/// Returns the live ConfigMap of that chart's release.
fn live(colour: &str, size: &str, url: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cart\n  namespace: shop\n  labels: \
         {{helm.toolkit.fluxcd.io/name: cart, helm.toolkit.fluxcd.io/namespace: shop, \
         app.kubernetes.io/managed-by: Helm}}\n  annotations: {{meta.helm.sh/release-name: cart, \
         meta.helm.sh/release-namespace: shop}}\ndata: {{colour: {colour}, size: '{size}', url: \
         '{url}'}}\n"
    )
}

fn release(spec: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: cart, \
         namespace: shop}}\nspec:\n{spec}"
    )
}

const IN_GIT: &str = "  chart: {spec: {chart: ./charts/shop, sourceRef: {kind: GitRepository, name: \
                      flux-system, namespace: flux-system}}}\n";

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: \
                      shop}\nstringData: {password: hunter2}\n";

/// Returns a repository with a HelmRelease, and its live objects.
fn repository(spec: &str, live: &[&str]) -> TestFolder {
    let release = release(spec);
    let objects = [live, &[&*release, SECRET]].concat();
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&objects))
        .file("cluster.yaml", of_flux("cluster", "./apps", ""))
        .file("apps/cart.yaml", &release)
        .file("apps/secret.yaml", SECRET);
    with_chart(place, "charts/shop")
}

const CART: &str = "[Kustomization flux-system/cluster, HelmRelease shop/cart]";

#[test]
fn renders_a_chart_of_the_repository_with_the_values_of_its_release() {
    if !has_both() {
        return;
    }
    let spec = format!(
        "{IN_GIT}  valuesFrom: [{{kind: Secret, name: db, valuesKey: password, targetPath: \
         password}}]\n  values: {{colour: red}}\n"
    );
    let same = live("red", "1", "http://hunter2@db");
    let said = report(&repository(&spec, &[&same]), &["diff", "."]);
    let expected = format!("ConfigMap shop/cart in-sync {CART}");
    assert!(found(&said).contains(&expected), "{said}");
    let other = live("blue", "1", "http://sesame@db");
    let place = repository(&spec, &[&other]);
    let said = report(&place, &["diff", "."]);
    let text = said.to_string();
    let expected = format!("ConfigMap shop/cart drifted {CART}");
    assert!(found(&said).contains(&expected), "{said}");
    insta::assert_snapshot!(text);
    for word in ["hunter2", "sesame"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn values_files_replace_the_values_of_the_chart() {
    if !has_both() {
        return;
    }
    let spec = IN_GIT.replace(
        "chart: ./charts/shop,",
        "chart: ./charts/shop, valuesFiles: [./small.yaml],",
    );
    let live = live("red", "", "http://@db");
    let place = repository(&spec, &[&live]).file("small.yaml", "colour: red\n");
    let said = report(&place, &["diff", "."]);
    let expected = format!("ConfigMap shop/cart in-sync {CART}");
    assert!(found(&said).contains(&expected), "{said}");
}

#[test]
fn applies_post_renderers() {
    if !has_both() {
        return;
    }
    let spec = format!(
        "{IN_GIT}  postRenderers:\n    - kustomize:\n        patches:\n          - target: {{kind: \
         ConfigMap}}\n            patch: |\n              - {{op: replace, path: /data/colour, value: \
         green}}\n"
    );
    let live = live("green", "1", "http://@db");
    let said = report(&repository(&spec, &[&live]), &["diff", "."]);
    let expected = format!("ConfigMap shop/cart in-sync {CART}");
    assert!(found(&said).contains(&expected), "{said}");
    assert!(
        said.to_string()
            .contains("charts/shop/templates/config.yaml"),
        "{said}"
    );
}

const FROM_REPOSITORY: &str = "  chart: {spec: {chart: shop, version: 1.2.3, sourceRef: {kind: \
                               HelmRepository, name: charts, namespace: shop}}}\n  values: \
                               {colour: red}\n";

/// Returns the same release, with a chart from a chart repository.
fn from_repository(address: &str) -> TestFolder {
    let live = live("blue", "1", "http://@db");
    let repository_object = format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: charts, \
         namespace: shop}}\nspec: {{url: '{address}'}}\n"
    );
    let place = repository(FROM_REPOSITORY, &[&live]).file("apps/charts.yaml", repository_object);
    let chart = place.path().join("charts");
    std::fs::rename(chart, place.path().join("elsewhere")).unwrap();
    place
}

/// Packages the chart into a folder.
fn packed(place: &TestFolder, into: &str) {
    let path = place.path();
    std::fs::create_dir_all(path.join(into)).unwrap();
    let status = Command::new("helm")
        .args(["package", "elsewhere/shop", "--destination", into])
        .current_dir(path)
        .env("HOME", path)
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn does_not_fetch_charts_by_default() {
    if !has_both() {
        return;
    }
    let place = from_repository("http://127.0.0.1:1");
    let said = report(&place, &["diff", "."]);
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
    assert_eq!(said["coverage"]["unreadReleases"], 1, "{said}");
}

#[test]
fn a_chart_that_cannot_be_fetched_makes_the_comparison_incomplete() {
    if !has_both() {
        return;
    }
    let place = from_repository("http://127.0.0.1:1");
    let said = report(&place, &["diff", ".", "--allow-remote"]);
    let errors = messages(&said, "error");
    let expected = "what 1 HelmRelease deploys is not compared (shop/cart)";
    assert!(errors.contains(expected), "{errors}");
    assert_eq!(said["coverage"]["unreadReleases"], 1, "{said}");
    let words = ["diff", ".", "--live", "live.json", "--allow-remote"];
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let shown = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = shown.split_whitespace().collect();
    let expected = "1 skipped; the objects of 1 HelmRelease are not compared";
    assert!(words.join(" ").contains(expected), "{shown}");
}

#[test]
fn renders_cached_charts_without_a_network() {
    if !has_both() {
        return;
    }
    let place = from_repository("http://127.0.0.1:1");
    packed(&place, ".cache/helm/repository");
    let said = report(&place, &["diff", "."]);
    let expected = format!("ConfigMap shop/cart drifted {CART}");
    assert!(found(&said).contains(&expected), "{said}");
    let origin = &said["objects"]
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["status"] == "drifted")
        .unwrap()["origin"];
    assert_eq!(origin["file"], "apps/cart.yaml", "{origin}");
    let by = origin["renderedBy"].as_str().unwrap();
    assert!(
        by.starts_with("helm template http://127.0.0.1:1/shop:1.2.3 for"),
        "{by}"
    );
}

/// Serves the files of a folder over HTTP. Returns the address.
fn served(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = request
                .split(' ')
                .nth(1)
                .unwrap_or("/")
                .trim_start_matches('/');
            let (status, body) = match std::fs::read(folder.join(path)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    address
}

#[test]
fn fetches_charts_with_allow_remote() {
    if !has_both() {
        return;
    }
    let charts = tempfile::tempdir().unwrap();
    let place = from_repository(&served(charts.path()));
    packed(&place, "packed");
    let archive = place.path().join("packed/shop-1.2.3.tgz");
    std::fs::copy(&archive, charts.path().join("shop-1.2.3.tgz")).unwrap();
    let index = "apiVersion: v1\nentries:\n  shop:\n    - {apiVersion: v2, name: shop, version: \
                 1.2.3, urls: [shop-1.2.3.tgz]}\n";
    std::fs::write(charts.path().join("index.yaml"), index).unwrap();
    let said = report(&place, &["diff", ".", "--allow-remote"]);
    let expected = format!("ConfigMap shop/cart drifted {CART}");
    assert!(found(&said).contains(&expected), "{said}");
}

#[test]
fn renders_cached_charts_of_applications_with_values_of_this_repository() {
    if !has_both() {
        return;
    }
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: cart, \
                       namespace: argocd}\nspec:\n  destination: {server: \
                       'https://kubernetes.default.svc', namespace: shop}\n  sources:\n    - \
                       {repoURL: 'https://charts.example.com', chart: shop, targetRevision: 1.2.3, \
                       helm: {valueFiles: [$values/env/prod.yaml]}}\n    - {repoURL: \
                       'https://example.com/fleet.git', ref: values}\n";
    let place = from_repository("http://127.0.0.1:1")
        .file("app.yaml", application)
        .file("env/prod.yaml", "colour: red\nsize: 2\n");
    packed(&place, ".cache/helm/repository");
    let said = report(&place, &["diff", "--app", "app.yaml"]);
    let all = found(&said);
    assert_eq!(
        all,
        ["ConfigMap shop/cart drifted [Application argocd/cart]"],
        "{said}"
    );
    let changes = said["objects"][0]["changes"].to_string();
    assert!(
        changes.contains(".data.colour") && changes.contains(".data.size"),
        "{changes}"
    );
}

#[test]
fn renders_charts_of_kustomizations() {
    if !has_both() {
        return;
    }
    let fields = "namespace: shop\nnamePrefix: my-\nhelmCharts:\n  - name: shop\n    releaseName: \
                  cart\n    valuesFile: values.yaml\n    valuesInline: {colour: red}\n";
    let live = config("my-cart", "a").replace(
        "  key: a\n",
        "  colour: red\n  size: '3'\n  url: http://@db\n",
    );
    let place = TestFolder::new()
        .file("live.json", recording(&[&live]))
        .file("over/kustomization.yaml", fields)
        .file("over/values.yaml", "size: 3\ncolour: blue\n");
    let place = with_chart(place, "over/charts/shop");
    let said = report(&place, &["diff", "over"]);
    assert_eq!(
        found(&said),
        ["ConfigMap shop/my-cart in-sync []"],
        "{said}"
    );
}

#[test]
fn a_missing_chart_does_not_stop_the_comparison_of_other_objects() {
    if !has_both() {
        return;
    }
    let fields = "resources: [cart.yaml]\nhelmCharts: [{name: a, repo: 'http://127.0.0.1:1', \
                  version: 1.2.3}]\n";
    let place = TestFolder::new()
        .file("live.json", recording(&[&config("cart", "a")]))
        .file("over/kustomization.yaml", fields)
        .file("over/cart.yaml", config("cart", "a"));
    let said = report(&place, &["diff", "over"]);
    assert_eq!(found(&said), ["ConfigMap shop/cart in-sync []"], "{said}");
    assert!(
        messages(&said, "error").contains("--allow-remote lets helm fetch"),
        "{said}"
    );
}

#[test]
fn uses_dependencies_in_neighbouring_folders() {
    if !has_both() {
        return;
    }
    let live = config("sub", "a");
    let place = TestFolder::new()
        .file("live.json", recording(&[&live]))
        .file(
            "top/Chart.yaml",
            "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0, \
             repository: 'file://../sub'}]\n",
        )
        .file(
            "sub/Chart.yaml",
            "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        )
        .file("sub/templates/sub.yaml", &live);
    let said = report(&place, &["diff", "top"]);
    assert_eq!(found(&said), ["ConfigMap shop/sub in-sync []"], "{said}");
}
