//! Tests the revisions at which Applications, Kustomizations and kustomizations are read.

use super::{config, has, program, recording, report, sources};
use crate::support::TestFolder;
use crate::support::repository::{commit, git, init};

fn application(source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n  \
         destination: {{namespace: shop}}\n  source: {{repoURL: 'https://example.com/a.git', \
         {source}}}\n"
    )
}

/// Returns a repository in which `apps` had the value `a` at the tag v1, and has `b` now.
fn repository() -> Option<TestFolder> {
    let place = TestFolder::new()
        .file("live.json", recording(&[&config("cart", "b")]))
        .file("apps/cart.yaml", config("cart", "a"))
        .file("apps/gone.yaml", config("gone", "a"))
        .file("app.yaml", application("path: apps, targetRevision: v1"));
    init(place.path())?;
    git(place.path(), &["tag", "v1"])?;
    std::fs::remove_file(place.path().join("apps/gone.yaml")).unwrap();
    let place = place.file("apps/cart.yaml", config("cart", "b"));
    commit(place.path(), "second")?;
    Some(place)
}

/// Returns the objects and their statuses.
fn statuses(report: &serde_json::Value) -> String {
    let objects = report["objects"].as_array().unwrap().iter();
    let said = objects.map(|object| {
        let text = |key: &str| object[key].as_str().unwrap().to_owned();
        format!("{} {}", text("name"), text("status"))
    });
    said.collect::<Vec<_>>().join(", ")
}

#[test]
fn reads_the_work_tree_and_reports_a_different_revision() {
    let Some(place) = repository() else { return };
    let report = report(&place, &["diff", "--app", "app.yaml"]);
    assert_eq!(statuses(&report), "cart in-sync");
    let said = sources(&report);
    insta::assert_snapshot!(said);
    assert_eq!(report["revisions"], serde_json::Value::Null, "{report}");
    // If it names the checked-out revision, there is nothing to report.
    let place = place.file("app.yaml", application("path: apps, targetRevision: main"));
    let said = sources(&super::report(&place, &["diff", "--app", "app.yaml"]));
    assert!(!said.contains("its revision"), "{said}");
    let place = place.file("app.yaml", application("path: apps, targetRevision: none"));
    let said = sources(&super::report(&place, &["diff", "--app", "app.yaml"]));
    assert!(!said.contains("its revision"), "{said}");
}

#[test]
fn reads_applications_at_their_own_revision_on_request() {
    let Some(place) = repository() else { return };
    let words = ["diff", "--app", "app.yaml", "--target-revision"];
    let shown = place.run([&words[..], &["--live", "live.json"]].concat());
    insta::assert_snapshot!(shown);
    let place = place.file("app.yaml", application("path: apps, targetRevision: v9"));
    let report = report(&place, &words);
    assert!(sources(&report).contains("its revision v9 is not in this clone"));
    assert_eq!(report["verdict"], "incomplete");
}

/// The clone may be behind: Argo CD reads the branch of the remote.
#[test]
fn resolves_branches_at_the_remote() {
    let Some(place) = repository() else { return };
    let url = "https://example.com/a";
    git(place.path(), &["remote", "add", "up", url]).unwrap();
    let first = git(place.path(), &["rev-parse", "v1"]).unwrap();
    let update = ["update-ref", "refs/remotes/up/main", &first];
    git(place.path(), &update).unwrap();
    let place = place.file("app.yaml", application("path: apps, targetRevision: main"));
    let words = ["diff", "--app", "app.yaml", "--target-revision"];
    let report = report(&place, &words);
    assert_eq!(statuses(&report), "cart drifted, gone missing");
    assert_eq!(report["revisions"][0]["commit"], *first, "{report}");
}

#[test]
fn ref_applies_to_paths_and_files_of_applications() {
    let Some(place) = repository() else { return };
    let at_v1 = ["diff", "--app", "app.yaml", "--ref", "v1"];
    let first = report(&place, &at_v1);
    assert_eq!(statuses(&first), "cart drifted, gone missing");
    let said = sources(&first);
    insta::assert_snapshot!(said);
    assert!(!said.contains("/tmp"), "{said}");
    // The file is read at the revision too, and from the work tree if the commit does not have it.
    let place = place.file("app.yaml", application("path: nowhere"));
    assert_eq!(
        statuses(&report(&place, &at_v1)),
        "cart drifted, gone missing"
    );
    let place = place.file("new.yaml", application("path: apps"));
    let report = report(&place, &["diff", "--app", "new.yaml", "--ref", "v1"]);
    assert_eq!(statuses(&report), "cart drifted, gone missing");
    assert!(sources(&report).contains("new.yaml: it is not in v1 ("));
}

#[test]
fn sets_list_the_directories_of_the_revision() {
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: \
               set}\nspec:\n  generators: [{git: {revision: main, directories: [{path: '*'}]}}]\n  \
               template:\n    metadata: {name: '{{path.basename}}'}\n    spec: {source: {path: \
               '{{path}}'}, destination: {namespace: shop}}\n";
    let Some(place) = repository() else { return };
    std::fs::rename(place.path().join("apps"), place.path().join("moved")).unwrap();
    let place = place.file("set.yaml", set);
    let at_v1 = report(&place, &["diff", "--app", "set.yaml", "--ref", "v1"]);
    assert!(sources(&at_v1).contains("by Application apps"), "{at_v1}");
    let here = report(&place, &["diff", "--app", "set.yaml"]);
    assert!(sources(&here).contains("by Application moved"), "{here}");
}

#[test]
fn reads_flux_kustomizations_at_the_revision_of_their_source() {
    let objects = |reference: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: \
             repo, namespace: flux-system}}\nspec:\n  url: https://example.com/a\n  ref: \
             {reference}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: \
             Kustomization\nmetadata: {{name: apps, namespace: flux-system}}\nspec:\n  path: \
             apps\n  sourceRef: {{kind: GitRepository, name: repo}}\n"
        )
    };
    let Some(place) = repository() else { return };
    let first = git(place.path(), &["rev-parse", "v1"]).unwrap();
    let words = ["diff", "--kustomization", "ks.yaml", "--target-revision"];
    for reference in [
        "{tag: v1, branch: main}".to_owned(),
        format!("{{commit: {first}, tag: none}}"),
        "{name: refs/tags/v1}".to_owned(),
    ] {
        let place = TestFolder::file(repository().unwrap(), "ks.yaml", objects(&reference));
        let report = report(&place, &words);
        assert_eq!(
            statuses(&report),
            "cart drifted, gone missing",
            "{reference}"
        );
        let here = super::report(&place, &words[..3]);
        assert_eq!(statuses(&here), "cart in-sync", "{reference}");
        assert!(
            sources(&here).contains("pass --target-revision"),
            "{reference}"
        );
    }
    let place = place.file("ks.yaml", objects("{semver: '>=1'}"));
    let said = sources(&report(&place, &words));
    insta::assert_snapshot!(said);
}

#[test]
fn renders_charts_from_a_copy_of_the_commit() {
    let Some(place) = repository() else { return };
    let helm = "cat <<'END'\n# Source: shop/templates/cart.yaml\napiVersion: v1\nkind: \
                ConfigMap\nmetadata: {name: cart, namespace: shop}\ndata: {key: a}\nEND\ncat \
                \"$3/values.yaml\" >&2; exit $(cat \"$3/code\")";
    let place = program(place, "helm", helm)
        .file("chart/Chart.yaml", "name: shop\n")
        .file("chart/code", "0")
        .file(
            "chart/templates/cart.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\ndata:\n  key: {{ \
             .Values.a }}\n",
        );
    commit(place.path(), "chart").unwrap();
    let place = place
        .file("chart/code", "1")
        .file("chart/templates/cart.yaml", "");
    let words = ["diff", "chart", "--ref", "main", "--helm-bin", "./helm"];
    let shown = place.run([&words[..], &["--live", "live.json"]].concat());
    insta::assert_snapshot!(shown);
    let words_for_it = [
        "--helm-bin",
        "./helm",
        "--release",
        "blue",
        "--live",
        "live.json",
    ];
    let shown = place.run([&["diff", "main:chart"][..], &words_for_it].concat());
    insta::assert_snapshot!(shown);
    let shown = place.run([&["diff", "helm:shop/cart"][..], &words_for_it].concat());
    insta::assert_snapshot!(shown);
    commit(place.path(), "broken").unwrap();
    let shown = place.run([&words[..], &["--live", "live.json"]].concat());
    assert!(!shown.contains("/tmp"), "{shown}");
    insta::assert_snapshot!(shown);
}

/// With the real kustomize.
#[test]
fn renders_kustomizations_from_a_copy_of_the_commit() {
    if !has(&["kustomize", "kubectl"]) {
        return;
    }
    let Some(place) = repository() else { return };
    let place = place
        .file("base/kustomization.yaml", "resources: [cart.yaml]\n")
        .file("base/cart.yaml", config("cart", "a"))
        .file(
            "over/kustomization.yaml",
            "resources: [../base]\nnamespace: shop\n",
        )
        .file("over/unused.yaml", config("unused", "a"))
        .file("plain/plain.yaml", config("plain", "a"));
    commit(place.path(), "overlay").unwrap();
    for folder in ["base", "over", "plain"] {
        std::fs::remove_dir_all(place.path().join(folder)).unwrap();
    }
    let words = [
        "diff",
        "over",
        "plain",
        "--ref",
        "main",
        "--live",
        "live.json",
        "-v",
    ];
    insta::assert_snapshot!(place.run(words));
    let shown = place.run([
        "diff",
        "over",
        "--ref",
        "main",
        "--blame",
        "--live",
        "live.json",
    ]);
    insta::assert_snapshot!(shown);
    // Both sides of a branch are rendered.
    let place = place
        .file(
            "over/kustomization.yaml",
            "resources: [../base]\nnamespace: shop\n",
        )
        .file("base/kustomization.yaml", "resources: [cart.yaml]\n")
        .file("base/cart.yaml", config("cart", "c"));
    let shown = place.run(["diff", "over", "--base", "main", "--live", "live.json"]);
    insta::assert_snapshot!(shown);
}

/// A sparse checkout, or a removed folder.
#[test]
fn distinguishes_missing_paths_from_those_not_checked_out() {
    let Some(place) = repository() else { return };
    std::fs::remove_dir_all(place.path().join("apps")).unwrap();
    let said = sources(&report(&place, &["diff", "--app", "app.yaml"]));
    insta::assert_snapshot!(place.masked(&said));
    let words = ["diff", "--app", "app.yaml", "--ref", "HEAD"];
    assert_eq!(statuses(&report(&place, &words)), "cart in-sync");
}

/// This is not the repository that the tools read, and each reports that once.
#[test]
fn names_sources_in_other_repositories() {
    let Some(place) = repository() else { return };
    let url = "https://example.com/other.git";
    git(place.path(), &["remote", "add", "origin", url]).unwrap();
    let source = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: \
                  fleet, namespace: flux}\nspec: {url: 'https://me:hunter2@example.com/a.git'}\n";
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: \
                web, namespace: flux}\nspec: {path: apps, sourceRef: {kind: GitRepository, name: \
                fleet}}\n";
    let live = recording(&[&config("cart", "b"), source, flux]);
    let place = place
        .file("live.json", live)
        .file("ks.yaml", format!("{flux}---\n{source}"));
    for words in [["--kustomization", "ks.yaml"], ["--app", "app.yaml"]] {
        let said = sources(&report(&place, &[&["diff"], &words[..]].concat()));
        let expected = "https://example.com/a.git is not this repository";
        assert!(said.contains(expected), "{said}");
    }
    let said = sources(&report(&place, &["diff", "flux:flux/web"]));
    let expected = "Kustomization flux/web: https://example.com/a.git is not this";
    assert!(said.contains(&format!("warnings: {expected}")), "{said}");
    let said = sources(&report(&place, &["diff", "flux:flux/wbe"]));
    insta::assert_snapshot!(said);
}
