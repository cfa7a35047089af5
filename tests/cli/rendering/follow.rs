//! Tests real-world repositories for Flux and Argo CD: driftctl finds the entry points, and follows
//! them.

use super::{config, has, program, recording, report};
use crate::support::TestFolder;

const TOOLS: [&str; 2] = ["kubectl", "kustomize"];

/// Returns a Flux Kustomization.
fn kustomization(name: &str, path: &str, more: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: \
         {name}\nspec:\n  path: {path}\n  sourceRef: {{kind: GitRepository, name: flux-system, \
         namespace: flux-system}}\n{more}"
    )
}

/// Returns the same in Flux's namespace.
pub(super) fn of_flux(name: &str, path: &str, more: &str) -> String {
    kustomization(name, path, more).replacen(
        "metadata:\n",
        "metadata:\n  namespace: flux-system\n",
        1,
    )
}

fn application(name: &str, path: &str, more: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  \
         namespace: argocd\nspec:\n  source: {{repoURL: 'https://example.com/fleet.git', path: \
         {path}}}\n{more}"
    )
}

const IN_CLUSTER: &str =
    "  destination: {server: 'https://kubernetes.default.svc', namespace: shop}\n";

/// Returns each object with its status, and the chain that leads to it.
pub(super) fn found(report: &serde_json::Value) -> Vec<String> {
    let mut found: Vec<String> = report["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| {
            let text = |key: &str| object[key].as_str().unwrap_or("-").to_owned();
            let chain = object["origin"]["chain"].as_array();
            let chain: Vec<&str> = chain
                .into_iter()
                .flatten()
                .filter_map(|one| one.as_str())
                .collect();
            format!(
                "{} {}/{} {} [{}]",
                text("kind"),
                text("namespace"),
                text("name"),
                text("status"),
                chain.join(", ")
            )
        })
        .collect();
    found.sort();
    found
}

pub(super) fn messages(report: &serde_json::Value, level: &str) -> String {
    let all = report["warnings"].as_array().into_iter().flatten();
    let of_level = all.filter(|warning| warning["level"] == level);
    let said = of_level.map(|w| format!("{}: {}", w["place"], w["message"]));
    said.collect::<Vec<_>>().join("\n")
}

/// Returns a cluster Kustomization that patches those of the applications, as is common in home
/// labs.
fn home() -> TestFolder {
    let patches = "  patches:\n    - patch: |-\n        apiVersion: \
                   kustomize.toolkit.fluxcd.io/v1\n        kind: Kustomization\n        metadata: \
                   {name: _}\n        spec:\n          commonMetadata: {labels: {by: \
                   cluster}}\n      target: {group: kustomize.toolkit.fluxcd.io, kind: \
                   Kustomization}\n";
    let live = config("cart", "red").replace(
        "  namespace: shop\n",
        "  namespace: shop\n  labels: {by: cluster}\n",
    );
    TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&live]))
        .file("cluster/ks.yaml", of_flux("cluster", "./apps", patches))
        .file(
            "apps/kustomization.yaml",
            "namespace: shop\nresources: [cart/ks.yaml, settings.yaml]\n",
        )
        .file(
            "apps/settings.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n",
        )
        .file(
            "apps/cart/ks.yaml",
            kustomization(
                "cart",
                "./apps/cart/app",
                "  targetNamespace: shop\n  postBuild: {substituteFrom: [{kind: ConfigMap, name: \
                 settings}]}\n",
            ),
        )
        .file(
            "apps/cart/app/cart.yaml",
            config("cart", "${colour}").replace("  namespace: shop\n", ""),
        )
        .file(
            "apps/old/ks.yaml",
            kustomization("old", "./apps/old/app", ""),
        )
        .file("apps/old/app/old.yaml", config("old", "a"))
        .file("bootstrap/first.yaml", config("first", "a"))
}

#[test]
fn compares_children_with_their_parents_patches() {
    if !has(&TOOLS) {
        return;
    }
    let place = home();
    let said = report(&place, &["diff", "."]);
    let cart = "ConfigMap shop/cart in-sync [Kustomization flux-system/cluster, Kustomization \
                shop/cart]";
    let settings = "ConfigMap shop/settings missing [Kustomization flux-system/cluster]";
    let all = found(&said);
    assert!(all.contains(&cart.to_owned()), "{all:#?}");
    assert!(all.contains(&settings.to_owned()), "{all:#?}");
    let names = all.join("\n");
    assert!(
        !names.contains("/old") && !names.contains("/first"),
        "{names}"
    );
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
    let skipped = said["skipped"].to_string();
    insta::assert_snapshot!(skipped);
}

#[test]
fn reads_the_file_of_a_child_with_its_parents_patches() {
    if !has(&TOOLS) {
        return;
    }
    let cart = "ConfigMap shop/cart in-sync [Kustomization flux-system/cluster, Kustomization \
                shop/cart]";
    let said = report(&home(), &["diff", "--kustomization", "apps/cart/ks.yaml"]);
    assert_eq!(found(&said), [cart], "{said}");
    // The contents of the folder are compared too.
    let own = "Kustomization shop/cart unknown [Kustomization flux-system/cluster]";
    let said = report(&home(), &["diff", "apps/cart"]);
    assert_eq!(found(&said), [cart, own], "{said}");
}

#[test]
fn plain_reads_files_without_following() {
    let said = report(&home(), &["diff", "--plain", "."]);
    let names = found(&said).join("\n");
    assert!(names.contains("ConfigMap shop/first missing []"), "{names}");
}

#[test]
fn the_text_names_the_deployer_of_objects() {
    if !has(&TOOLS) {
        return;
    }
    let place = home().file("apps/settings.yaml", config("settings", "a"));
    let shown = place.run(["diff", ".", "--live", "live.json"]);
    insta::assert_snapshot!(shown);
}

/// A repository after `flux bootstrap` for two clusters.
fn fleet() -> TestFolder {
    let mut place = TestFolder::new().folder(".git").file(
        "live.json",
        recording(&[
            &config("web", "prod"),
            &of_flux("flux-system", "./clusters/prod", ""),
        ]),
    );
    for cluster in ["prod", "dev"] {
        let folder = format!("clusters/{cluster}");
        place = place
            .file(
                &format!("{folder}/flux-system/kustomization.yaml"),
                "resources: [gotk-sync.yaml]\n",
            )
            .file(
                &format!("{folder}/flux-system/gotk-sync.yaml"),
                of_flux("flux-system", &format!("./{folder}"), ""),
            )
            .file(
                &format!("{folder}/apps.yaml"),
                of_flux("apps", &format!("./apps/{cluster}"), ""),
            )
            .file(
                &format!("apps/{cluster}/kustomization.yaml"),
                "resources: [../base]\npatches: [{path: web.yaml}]\n",
            )
            .file(&format!("apps/{cluster}/web.yaml"), config("web", cluster));
    }
    place
        .file("apps/base/kustomization.yaml", "resources: [web.yaml]\n")
        .file("apps/base/web.yaml", config("web", "base"))
}

#[test]
fn picks_the_cluster_whose_bootstrap_is_live() {
    if !has(&TOOLS) {
        return;
    }
    let place = fleet();
    let said = report(&place, &["diff", "."]);
    let web = "ConfigMap shop/web in-sync [Kustomization flux-system/flux-system, Kustomization \
               flux-system/apps]";
    assert!(found(&said).contains(&web.to_owned()), "{said}");
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
}

#[test]
fn lists_the_clusters_if_it_cannot_pick_one() {
    if !has(&TOOLS) {
        return;
    }
    let place = fleet().file("live.json", recording(&[&config("web", "prod")]));
    let errors = messages(&report(&place, &["diff", "."]), "error");
    insta::assert_snapshot!(errors);
    for words in [
        &["diff", ".", "--destination", "prod"][..],
        &["diff", "clusters/prod"],
    ] {
        let all = found(&report(&place, words)).join("\n");
        assert!(
            all.contains("ConfigMap shop/web in-sync"),
            "{words:?}: {all}"
        );
    }
}

#[test]
fn compares_objects_next_to_the_kustomizations_of_a_cluster() {
    if !has(&TOOLS) {
        return;
    }
    let mut place = TestFolder::new().folder(".git").file(
        "live.json",
        recording(&[
            &config("settings", "prod"),
            &config("web", "prod"),
            &of_flux("apps", "./apps/prod", ""),
            &of_flux("flux-system", "./clusters/prod", ""),
        ]),
    );
    for cluster in ["prod", "dev"] {
        let folder = format!("clusters/{cluster}");
        place = place
            .file(
                &format!("{folder}/apps.yaml"),
                of_flux("apps", &format!("./apps/{cluster}"), ""),
            )
            .file(
                &format!("{folder}/settings.yaml"),
                config("settings", cluster),
            )
            .file(&format!("apps/{cluster}/web.yaml"), config("web", cluster));
    }
    for words in [
        &["diff", "."][..],
        &["diff", ".", "--destination", "prod"],
        &["diff", "clusters/prod"],
    ] {
        let all = found(&report(&place, words)).join("\n");
        let bootstrap = "[Kustomization flux-system/flux-system";
        for line in [
            format!("ConfigMap shop/settings in-sync {bootstrap}]"),
            format!("Kustomization flux-system/apps in-sync {bootstrap}]"),
            format!("ConfigMap shop/web in-sync {bootstrap}, Kustomization flux-system/apps]"),
        ] {
            assert!(all.contains(&line), "{words:?}: {line}: {all}");
        }
    }
}

#[test]
fn a_source_of_another_repository_does_not_hide_objects_of_this_one() {
    if !has(&TOOLS) {
        return;
    }
    let repository = |name: &str, url: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: {name}, \
             namespace: flux-system}}\nspec: {{url: \"{url}\", ref: {{branch: main}}}}\n"
        )
    };
    let foreign = of_flux("definitions", ".", "")
        .replace("name: flux-system, namespace", "name: far, namespace");
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file(
            "flux/cluster.yaml",
            [
                repository("flux-system", "https://git.example/shop/home"),
                of_flux("cluster", "./flux", ""),
            ]
            .join("---\n"),
        )
        .file("flux/apps.yaml", of_flux("apps", "./apps", ""))
        .file(
            "apps/far.yaml",
            [repository("far", "https://git.example/far/far"), foreign].join("---\n"),
        )
        .file("apps/web.yaml", config("web", "a"));
    let said = report(&place, &["diff", "."]);
    let all = found(&said).join("\n");
    assert!(all.contains("ConfigMap shop/web in-sync"), "{all}");
    let errors = messages(&said, "error");
    insta::assert_snapshot!(errors);
}

#[test]
fn compares_a_folder_with_the_deployers_of_its_files() {
    if !has(&TOOLS) {
        return;
    }
    let place = home();
    let said = report(&place, &["diff", "apps"]);
    let all = found(&said).join("\n");
    assert!(
        all.contains("ConfigMap shop/settings missing [Kustomization flux-system/cluster]"),
        "{all}"
    );
    assert!(all.contains("ConfigMap shop/cart in-sync"), "{all}");
}

#[test]
fn builds_the_named_kustomization() {
    if !has(&TOOLS) {
        return;
    }
    let overlay = |path: &str| {
        format!(
            "resources: [../base]\npatches:\n  - target: {{kind: Application}}\n    patch: |-\n      \
             - {{op: replace, path: /spec/source/path, value: {path}}}\n"
        )
    };
    let mut place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "dev")]))
        .file("sets/base/kustomization.yaml", "resources: [all.yaml]\n")
        .file(
            "sets/base/all.yaml",
            application("all", "overlays/prod", IN_CLUSTER),
        );
    for cluster in ["dev", "prod"] {
        place = place
            .file(
                &format!("sets/{cluster}/kustomization.yaml"),
                overlay(&format!("overlays/{cluster}")),
            )
            .file(
                &format!("overlays/{cluster}/web.yaml"),
                config("web", cluster),
            );
    }
    for named in ["sets/dev", "./sets/dev/"] {
        let all = found(&report(&place, &["diff", named])).join("\n");
        let web = "ConfigMap shop/web in-sync [Application argocd/all]";
        assert!(all.contains(web), "{named}: {all}");
    }
    let errors = messages(&report(&place, &["diff", "."]), "error");
    insta::assert_snapshot!(errors);
}

#[test]
fn files_of_a_chart_of_applications_are_not_reported_as_left_out() {
    if !has(&["sh"]) {
        return;
    }
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file(
            "all/Chart.yaml",
            "{apiVersion: v2, name: all, version: 1.0.0}",
        )
        .file(
            "all/templates/web.yaml",
            application("web", "web", IN_CLUSTER),
        )
        .file("web/web.yaml", config("web", "a"))
        .file("other/other.yaml", config("other", "a"));
    let made = application("web", "web", IN_CLUSTER);
    let place = program(
        place,
        "helm",
        &format!("cat <<'END'\n---\n# Source: all/templates/web.yaml\n{made}END\n"),
    );
    let said = report(&place, &["diff", ".", "--helm-bin", "./helm"]);
    let all = found(&said).join("\n");
    assert!(all.contains("ConfigMap shop/web in-sync"), "{all}");
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
}

#[test]
fn reports_files_that_no_application_applies() {
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("all/web.yaml", application("web", "web", IN_CLUSTER))
        .file("all/beside.yaml", config("beside", "a"))
        .file("web/web.yaml", config("web", "a"));
    let said = report(&place, &["diff", "."]);
    let all = found(&said).join("\n");
    assert!(all.contains("ConfigMap shop/web in-sync"), "{all}");
    assert!(!all.contains("beside"), "{all}");
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
}

#[test]
fn follows_applications_of_applications() {
    if !has(&TOOLS) {
        return;
    }
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, \
               namespace: argocd}\nspec:\n  goTemplate: true\n  generators:\n    - git: {repoURL: \
               'https://example.com/fleet.git', directories: [{path: services/*}]}\n  template:\n  \
                 \x20 metadata: {name: 'svc-{{.path.basename}}'}\n    spec:\n      source: {repoURL: \
               'https://example.com/fleet.git', path: '{{.path.path}}'}\n      destination: \
               {server: 'https://kubernetes.default.svc', namespace: shop}\n";
    let place = TestFolder::new()
        .folder(".git")
        .file(
            "live.json",
            recording(&[&config("web", "a"), &config("db", "b")]),
        )
        .file("root.yaml", application("root", "apps", IN_CLUSTER))
        .file("apps/web.yaml", application("web", "web", IN_CLUSTER))
        .file("apps/all.yaml", set)
        .file("web/web.yaml", config("web", "a"))
        .file("services/db/db.yaml", config("db", "a"));
    let said = report(&place, &["diff", "."]);
    let all = found(&said);
    for expected in [
        "ConfigMap shop/web in-sync [Application argocd/root, Application argocd/web]",
        "ConfigMap shop/db drifted [Application argocd/root, ApplicationSet argocd/all, \
         Application argocd/svc-db]",
    ] {
        assert!(all.contains(&expected.to_owned()), "{all:#?} {said}");
    }
}

#[test]
fn ignore_rules_of_one_application_do_not_affect_another() {
    let ignoring =
        format!("{IN_CLUSTER}  ignoreDifferences: [{{kind: ConfigMap, jsonPointers: [/data]}}]\n");
    let secret = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: shop}\n";
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "b"), secret]))
        .file("apps/first.yaml", application("first", "first", &ignoring))
        .file("apps/web.yaml", application("web", "web", IN_CLUSTER))
        .file("first/account.yaml", secret)
        .file("web/web.yaml", config("web", "a"));
    let all = found(&report(&place, &["diff", "."])).join("\n");
    assert!(all.contains("ConfigMap shop/web drifted"), "{all}");
}

#[test]
fn counts_unrendered_charts_in_one_warning() {
    let mut place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("web.yaml", config("web", "a"));
    for chart in ["one", "two", "three"] {
        place = place
            .file(
                &format!("{chart}/Chart.yaml"),
                "{apiVersion: v2, name: a, version: 1.0.0}",
            )
            .file(&format!("{chart}/templates/a.yaml"), config("a", "a"));
    }
    let warnings = messages(&report(&place, &["diff", "."]), "warning");
    insta::assert_snapshot!(warnings);
    assert_eq!(warnings.matches("not rendered").count(), 1, "{warnings}");
}

#[test]
fn a_source_in_another_repository_is_an_error() {
    if !has(&TOOLS) {
        return;
    }
    let other = application("other", "web", IN_CLUSTER).replace("fleet", "elsewhere");
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("apps/a.yaml", application("a", "web", IN_CLUSTER))
        .file("apps/b.yaml", application("b", "none", IN_CLUSTER))
        .file("apps/other.yaml", other)
        .file("web/web.yaml", config("web", "a"));
    let errors = messages(&report(&place, &["diff", "."]), "error");
    insta::assert_snapshot!(place.masked(&errors));
}

#[test]
fn resolves_paths_of_an_artifact_in_its_folder() {
    if !has(&TOOLS) {
        return;
    }
    let oci = |text: String| text.replace("GitRepository", "OCIRepository");
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("deploy/cluster/ks.yaml", oci(of_flux("web", "./web", "")))
        .file("deploy/web/web.yaml", config("web", "a"));
    let said = report(&place, &["diff", "."]);
    let expected = "ConfigMap shop/web in-sync [Kustomization flux-system/web]";
    assert!(found(&said).contains(&expected.to_owned()), "{said}");
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
}

#[test]
fn an_unreadable_variable_is_an_error() {
    if !has(&TOOLS) {
        return;
    }
    let place = home().file(
        "apps/kustomization.yaml",
        "namespace: shop\nresources: [cart/ks.yaml]\n",
    );
    let said = report(&place, &["diff", "."]);
    let errors = messages(&said, "error");
    insta::assert_snapshot!(errors);
    let all = found(&said).join("\n");
    assert!(!all.contains("shop/cart drifted"), "{all}");
}

#[test]
fn follows_untrusted_repositories_if_rendering_is_allowed() {
    if !has(&TOOLS) {
        return;
    }
    let words = ["diff", ".", "--untrusted", "-n", "shop"];
    let said = found(&report(&home(), &words)).join("\n");
    insta::assert_snapshot!(said);
    let said = found(&report(&home(), &[&words[..], &["--render"]].concat())).join("\n");
    insta::assert_snapshot!(said);
}

/// Returns Helm's release record for shop/cart.
fn record(config: &serde_json::Value) -> serde_json::Value {
    use std::io::Write;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    let text = serde_json::json!({
        "name": "cart", "namespace": "shop", "version": 1,
        "info": {"status": "deployed"},
        "config": config,
        "chart": {"metadata": {"name": "cart", "version": "1.2.0"}},
        "manifest": "---\n# Source: cart/templates/config.yaml\napiVersion: v1\nkind: \
                     ConfigMap\nmetadata:\n  name: cart\ndata:\n  key: a\n",
    });
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.to_string().as_bytes()).unwrap();
    let once = STANDARD.encode(packer.finish().unwrap());
    serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": "sh.helm.release.v1.cart.v1", "namespace": "shop",
            "labels": {"owner": "helm", "name": "cart", "status": "deployed", "version": "1"},
        },
        "data": {"release": STANDARD.encode(once)},
    })
}

const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: \
                       cart, namespace: shop}\nspec:\n  chart: {spec: {chart: cart, version: \
                       1.2.0}}\n  valuesFrom: [{kind: ConfigMap, name: values}]\n  values: {image: \
                       {tag: two}}\n";

fn released(record: Option<serde_json::Value>) -> TestFolder {
    let mut live: serde_json::Value =
        serde_json::from_str(&recording(&[&config("cart", "b"), RELEASE])).unwrap();
    let items = live["items"].as_array_mut().unwrap();
    items.extend(record);
    let values = config("values", "a").replace("  key: a\n", "  values.yaml: 'size: 1'\n");
    TestFolder::new()
        .folder(".git")
        .file("live.json", live.to_string())
        .file("cluster.yaml", of_flux("cluster", "./apps", ""))
        .file("apps/cart.yaml", RELEASE)
        .file("apps/values.yaml", values)
}

#[test]
fn compares_what_a_helm_release_deployed() {
    if !has(&TOOLS) {
        return;
    }
    let deployed = record(&serde_json::json!({"size": 1, "image": {"tag": "one"}}));
    let said = report(&released(Some(deployed)), &["diff", "."]);
    let expected = "ConfigMap shop/cart drifted [Kustomization flux-system/cluster, HelmRelease \
                    shop/cart]";
    assert!(found(&said).contains(&expected.to_owned()), "{said}");
    let warnings = messages(&said, "warning");
    insta::assert_snapshot!(warnings);
    assert!(!warnings.contains(".size"), "{warnings}");
}

#[test]
fn counts_helm_releases_without_a_record() {
    if !has(&TOOLS) {
        return;
    }
    let said = report(&released(None), &["diff", "."]);
    let warnings = messages(&said, "warning");
    let expected = "what 1 HelmRelease deploys is not compared (shop/cart)";
    assert!(warnings.contains(expected), "{warnings}");
}

/// A folder of HelmReleases that no Kustomization applies, a file and a stream.
#[test]
fn follows_helm_releases_that_are_named_directly() {
    let deployed = record(&serde_json::json!({"size": 1, "image": {"tag": "one"}}));
    let place = released(Some(deployed));
    for named in ["apps", "apps/cart.yaml"] {
        let said = report(&place, &["diff", named]);
        let expected = "ConfigMap shop/cart drifted [HelmRelease shop/cart]".to_owned();
        assert!(found(&said).contains(&expected), "{named}: {said}");
        let said = report(&place, &["diff", named, "--plain"]);
        assert!(
            !said.to_string().contains("HelmRelease shop/cart"),
            "{said}"
        );
    }
    let words = ["diff", "-", "--live", "live.json"];
    let mut diff = place.driftctl();
    let output = diff.args(words).write_stdin(RELEASE).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("~ ConfigMap shop/cart"), "{output:?}");
}

#[test]
fn compares_encrypted_secrets_by_key() {
    let secret = |values: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: mail, namespace: shop}}\n{values}\n{more}"
        )
    };
    let encrypted = secret(
        "stringData: {user: 'ENC[AES256_GCM,data:aa==]', pass: 'ENC[AES256_GCM,data:bb==]'}",
        "sops: {mac: 'ENC[AES256_GCM,data:cc==]', version: 3.9.0}\n",
    );
    for (live, expected) in [
        ("data: {user: YQ==, pass: Yg==}", "in-sync"),
        ("data: {user: YQ==}", "drifted"),
        ("", "missing"),
    ] {
        let other = secret("data: {a: YQ==}", "").replace("mail", "other");
        let objects = match live {
            "" => recording(&[&other]),
            values => recording(&[&secret(values, ""), &other]),
        };
        let place = TestFolder::new()
            .file("deploy/secret.yaml", &encrypted)
            .file("live.json", objects);
        let said = report(&place, &["diff", "deploy"]);
        let all = found(&said);
        assert_eq!(all, [format!("Secret shop/mail {expected} []")], "{said}");
    }
}

#[test]
fn finds_the_live_name_of_a_secret_generated_from_encrypted_files() {
    if !has(&TOOLS) {
        return;
    }
    let pod = |secret: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec:\n  \
             containers:\n  - {{name: app, image: 'a:1', envFrom: [{{secretRef: {{name: \
             {secret}}}}}]}}\n"
        )
    };
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys-5f7b2k8g9h, namespace: \
                  shop}\ntype: Opaque\ndata: {TOKEN: cmVhbA==}\n";
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[secret, &pod("keys-5f7b2k8g9h")]))
        .file("flux/apps.yaml", of_flux("apps", "./apps", ""))
        .file(
            "apps/kustomization.yaml",
            "resources: [web.yaml]\nsecretGenerator: [{name: keys, namespace: shop, envs: \
             [keys.env]}]\n",
        )
        .file(
            "apps/keys.env",
            "TOKEN=ENC[AES256_GCM,data:abc,iv:x,tag:y,type:str]\nsops_version=3.8.1\n",
        )
        .file("apps/web.yaml", pod("keys"));
    let said = report(&place, &["diff", "."]);
    let all = found(&said).join("\n");
    for line in [
        "Secret shop/keys-5f7b2k8g9h in-sync",
        "Pod shop/web in-sync",
    ] {
        assert!(all.contains(line), "{line}: {said}");
    }
}

#[test]
fn applies_a_template_patch_to_the_applications_of_a_set() {
    let set = |patch: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: all, \
             namespace: argocd}}\nspec:\n  goTemplate: true\n  generators:\n  - list: {{elements: \
             [{{name: web, team: shop}}]}}\n  template:\n    metadata: {{name: '{{{{.name}}}}'}}\n    \
             spec:\n      source: {{repoURL: 'https://example.com/fleet.git', path: other}}\n      \
             destination: {{server: 'https://kubernetes.default.svc', namespace: x}}\n  \
             templatePatch: |\n{patch}"
        )
    };
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file(
            "web/web.yaml",
            config("web", "a").replace("  namespace: shop\n", ""),
        )
        .file("other/other.yaml", config("other", "a"));
    let patch = "    spec:\n      source: {path: '{{ .name }}'}\n      destination: {namespace: '{{ \
                 .team }}'}\n";
    let place = place.file("sets/all.yaml", set(patch));
    let all = found(&report(&place, &["diff", "."])).join("\n");
    assert!(all.contains("ConfigMap shop/web in-sync"), "{all}");
    let place = place.file(
        "sets/all.yaml",
        set("    {{- if .name }}\n    {{- end }}\n"),
    );
    let errors = messages(&report(&place, &["diff", ".", "--no-render"]), "error");
    insta::assert_snapshot!(errors);
}

/// Returns a repository with a set of one Application, of this name and with this patch.
fn set_of_one(name: &str, patch: &str) -> TestFolder {
    let set = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: all, namespace: \
         argocd}}\nspec:\n  goTemplate: true\n  generators:\n  - list: {{elements: [{{name: Web_, \
         labels: {{env: prod}}, teams: [shop, bank]}}]}}\n  template:\n    metadata: {{name: '{name}'}}\n    \
         spec:\n      source: {{repoURL: 'https://example.com/fleet.git', path: web}}\n      \
         destination: {{server: 'https://kubernetes.default.svc', namespace: shop}}\n{patch}"
    );
    let config = |name: &str| config(name, "a").replace("  namespace: shop\n", "");
    TestFolder::new()
        .folder(".git")
        .file(
            "live.json",
            recording(&[&super::config("web", "a"), &super::config("prod", "a")]),
        )
        .file("web/web.yaml", config("web"))
        .file("prod/prod.yaml", config("prod"))
        .file("sets/all.yaml", set)
}

#[test]
fn templates_that_compute_values_are_evaluated_by_helm() {
    let place = set_of_one("{{ .name | normalize }}", "");
    let helm = |script: &str| {
        let place = program(set_of_one("{{ .name | normalize }}", ""), "helm", script);
        report(&place, &["diff", ".", "--helm-bin", "./helm"])
    };
    let good = "echo ---; echo '# Source: set/templates/results.yaml'; echo 'results: [[\"web\"]]'";
    let all = found(&helm(good)).join("\n");
    assert!(all.contains("ConfigMap shop/web in-sync"), "{all}");
    let without = messages(
        &report(&place, &["diff", ".", "--helm-bin", "no-helm"]),
        "error",
    );
    let unknown = messages(&helm("echo 'results: [[\"a-<no value>\"]]'"), "error");
    let silent = messages(&helm("true"), "error");
    let wrong = messages(
        &helm(
            "echo 'Error: parse error at (set/templates/_0.tpl:1): function \"normalise\" not \
               defined' >&2; exit 1",
        ),
        "error",
    );
    insta::assert_snapshot!([without, unknown, silent, wrong].join("\n"));
}

#[test]
fn evaluates_templates_with_the_real_helm() {
    if !has(&["helm"]) {
        return;
    }
    let patch = "  templatePatch: |\n    {{- if eq .labels.env \"prod\" }}\n    spec:\n      source:\n        \
                 path: {{ index .labels \"env\" }}\n    {{- end }}\n    {{- range $at, $team := .teams }}\n    \
                 # {{ $at }} {{ $team | upper }} {{ $.name }}\n    {{- end }}\n";
    let place = set_of_one("{{ .name | normalize }}", patch);
    let all = found(&report(&place, &["diff", "."])).join("\n");
    assert!(all.contains("ConfigMap shop/prod in-sync"), "{all}");
    let mut errors = Vec::new();
    for name in [
        "{{ .nobody | default .nothing }}",
        "{{ slugify .name }}",
        "{{ .name.first }}",
    ] {
        let place = set_of_one(name, "");
        errors.push(messages(&report(&place, &["diff", "."]), "error"));
    }
    let [unknown, undefined, wrong] = [&errors[0], &errors[1], &errors[2]];
    assert!(
        unknown.contains("one of its parameters is unknown"),
        "{unknown}"
    );
    assert!(
        undefined.contains("function \\\"slugify\\\" not defined"),
        "{undefined}"
    );
    assert!(wrong.contains("can't evaluate field first"), "{wrong}");
}

#[test]
fn follows_objects_on_standard_input() {
    if !has(&TOOLS) {
        return;
    }
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("web/web.yaml", config("web", "a"));
    let output = place
        .driftctl()
        .args(["diff", "--app", "-", "--live", "live.json"])
        .write_stdin(application("web", "web", IN_CLUSTER))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    insta::assert_snapshot!(shown);
}

#[test]
fn expands_sets_with_the_clusters_of_a_file() {
    if !has(&TOOLS) {
        return;
    }
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, \
               namespace: argocd}\nspec:\n  generators:\n    - matrix:\n        generators:\n          \
               - clusters: {selector: {matchLabels: {env: prod}}}\n          - list: {elements: \
               [{app: web}]}\n  template:\n    metadata: {name: '{{app}}-{{name}}'}\n    spec:\n      \
               source: {repoURL: 'https://example.com/fleet.git', path: '{{app}}'}\n      \
               destination: {server: '{{server}}', namespace: shop}\n";
    let secret = |name: &str, env: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, labels: \
             {{argocd.argoproj.io/secret-type: cluster, env: {env}}}}}\nstringData: {{name: {name}, \
             server: 'https://{name}.example.com'}}\n"
        )
    };
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("sets/set.yaml", set)
        .file("web/web.yaml", config("web", "a"))
        .file(
            "clusters.txt",
            format!("{}---\n{}", secret("east", "prod"), secret("west", "dev")),
        );
    let said = report(&place, &["diff", ".", "--clusters", "clusters.txt"]);
    let expected =
        "ConfigMap shop/web in-sync [ApplicationSet argocd/all, Application argocd/web-east]";
    assert!(found(&said).contains(&expected.to_owned()), "{said}");
    let errors = messages(&report(&place, &["diff", "."]), "error");
    insta::assert_snapshot!(errors);
}

#[test]
fn recordings_and_tracking_labels_are_not_entry_points() {
    let marked = config("web", "a").replace(
        "  namespace: shop\n",
        "  namespace: shop\n  annotations: {argocd.argoproj.io/sync-wave: '1'}\n",
    );
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&marked, &of_flux("a", "./a", "")]))
        .file("web.yaml", &marked);
    let said = report(&place, &["diff", "."]);
    assert_eq!(found(&said), ["ConfigMap shop/web in-sync []"], "{said}");
}

#[test]
fn compares_live_applications_of_sets_that_query_other_services() {
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: previews, \
               namespace: argocd}\nspec:\n  generators: [{matrix: {generators: [{pullRequest: \
               {github: {owner: a, repo: b}}}, {list: {elements: [{app: web}]}}]}}]\n  template:\n    \
               metadata: {name: '{{app}}-{{number}}'}\n    spec: {source: {path: '{{app}}'}}\n";
    let owned = application("web-7", "web", IN_CLUSTER).replace(
        "metadata:\n",
        "metadata:\n  ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, \
         name: previews, uid: u, controller: true}]\n",
    );
    let place = |objects: &[&str]| {
        TestFolder::new()
            .folder(".git")
            .file("live.json", recording(objects))
            .file("set.yaml", set)
            .file("web/web.yaml", config("web", "a"))
    };
    let said = report(&place(&[&config("web", "b"), &owned]), &["diff", "."]);
    let expected =
        "ConfigMap shop/web drifted [ApplicationSet argocd/previews, Application argocd/web-7]";
    assert!(found(&said).contains(&expected.to_owned()), "{said}");
    let warnings = messages(&said, "warning");
    let named = "its pullRequest generator queries another service, so the one Application that it \
                 made live is compared";
    assert!(warnings.contains(named), "{warnings}");
    let said = report(&place(&[&config("web", "b")]), &["diff", "."]);
    let errors = messages(&said, "error");
    insta::assert_snapshot!(errors);
}

/// Artifacts of parts of the repository, as in `flux2-kustomize-helm-example`.
#[test]
fn reads_kustomizations_of_artifacts_in_the_repository() {
    if !has(&TOOLS) {
        return;
    }
    let generator = "apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: \
                     ArtifactGenerator\nmetadata: {name: parts, namespace: flux-system}\nspec:\n  \
                     sources: [{alias: repo, kind: GitRepository, name: flux-system}]\n  artifacts: \
                     [{name: apps, copy: [{from: '@repo/apps/prod/**', to: '@artifact/prod/'}]}]\n";
    let apps = of_flux("apps", "./prod", "").replace(
        "{kind: GitRepository, name: flux-system, namespace: flux-system}",
        "{kind: ExternalArtifact, name: apps}",
    );
    let place = TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("web", "a")]))
        .file("clusters/prod/apps.yaml", apps)
        .file("clusters/prod/artifacts.yaml", generator)
        .file("apps/prod/web.yaml", config("web", "a"));
    let said = report(&place, &["diff", "."]);
    let expected = "ConfigMap shop/web in-sync [Kustomization flux-system/flux-system, \
                    Kustomization flux-system/apps]";
    assert!(found(&said).contains(&expected.to_owned()), "{said}");
    assert!(
        !messages(&said, "warning").contains("ExternalArtifact"),
        "{said}"
    );
}
