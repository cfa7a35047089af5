//! Tests what makes a report quick to read: selection, order, and the pager.

use crate::support;

use serde_json::Value;
use support::manifests::recording;
use support::{TestFolder, fixture_arg};

/// Runs a diff of the shop with more arguments. Returns the exit code, standard output and standard
/// error.
fn shop(place: &TestFolder, words: &[&str]) -> (i32, String, String) {
    let output = place
        .driftctl()
        .args(["diff", &fixture_arg("shop/manifests"), "--live"])
        .arg(fixture_arg("shop/live.json"))
        .args(words)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn place() -> TestFolder {
    TestFolder::new()
        .var("SOURCE_DATE_EPOCH", "1795262400")
        .var("COLUMNS", "100")
}

#[test]
fn a_long_report_ends_with_the_worst_changes() {
    let (code, text, _) = shop(&place(), &[]);
    assert_eq!(code, 1);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("recording "), "{}", lines[0]);
    assert_eq!(lines[1], "- manifest   + live");
    let last = &lines[lines.len() - 24..].join("\n");
    assert!(last.contains("DRIFTED  4 critical · "), "{last}");
    let critical = last.lines().filter(|line| line.starts_with("critical"));
    assert_eq!(critical.count(), 4, "{last}");
    assert!(
        last.contains("-o table --severity high lists them all"),
        "{last}"
    );
    assert!(last.contains("2 missing, 46 drifted, 18 in sync"), "{last}");
}

#[test]
fn object_headers_have_the_worst_severity_and_the_worst_change_comes_first() {
    let (_, text, _) = shop(&place(), &[]);
    let header = text
        .lines()
        .position(|line| line.starts_with("~ Namespace shop-data"));
    let header = header.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[header].contains("CRITICAL  kubectl-label"),
        "{}",
        lines[header]
    );
    let block = lines[header..header + 8].join("\n");
    let (critical, low) = (block.find("critical ·"), block.find("low ·"));
    assert!(critical.is_some() && critical < low, "{block}");
}

#[test]
fn hidden_changes_still_count() {
    for words in [
        &["--severity", "critical"][..],
        &["--by", "nobody-*"],
        &["--since", "2036-01-01"],
    ] {
        let (code, text, _) = shop(&place(), words);
        assert_eq!(code, 1, "{words:?}");
        assert!(text.contains("DRIFTED"), "{words:?}: {text}");
        assert!(text.contains("46 drifted"), "{words:?}: {text}");
        assert!(
            text.contains(&format!("hidden by {}", words[0])),
            "{words:?}: {text}"
        );
    }
    let (_, json, _) = shop(&place(), &["--severity", "critical", "-o", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["verdict"], "drifted");
    let objects = report["objects"].as_array().unwrap();
    let changes = objects
        .iter()
        .flat_map(|object| object["changes"].as_array());
    let changes: Vec<_> = changes.flatten().collect();
    assert_eq!(changes.len(), 4);
    assert!(
        changes
            .iter()
            .all(|change| change["severity"] == "critical")
    );
    let (_, label, _) = shop(&place(), &["--by", "kubectl-lab*", "-o", "json"]);
    assert!(label.contains("kubectl-label") && !label.contains("\"kubectl-patch\""));
    let (code, _, stderr) = shop(&place(), &["--since", "soon"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr);
}

#[test]
fn groups_the_same_change_of_many_objects() {
    let deployment = |n: usize, labels: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{n:03}, namespace: shop{labels}}}\n\
             spec: {{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, \
             spec: {{containers: [{{name: c, image: i}}]}}}}}}\n"
        )
    };
    let declared: Vec<String> = (0..220).map(|n| deployment(n, "")).collect();
    // A label on all of them would be attributed to an admission policy.
    let label = |n: usize| match n < 100 {
        true => ", labels: {cost-center: \"4711\"}",
        false => "",
    };
    let live: Vec<String> = (0..220).map(|n| deployment(n, label(n))).collect();
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    let place = place()
        .file("m/all.yaml", declared.join("---\n"))
        .file("live.json", recording(&live));
    let words = ["diff", "m", "--live", "live.json", "--group-by", "change"];
    let text = place.run(words);
    let entries = text.matches("cost-center").count();
    assert_eq!(entries, 1, "{text}");
    assert!(text.contains("in 100 objects"), "{text}");
    assert!(text.lines().count() < 25, "{text}");
    for format in ["markdown", "html"] {
        let text = place.run([&words[..], &["-o", format]].concat());
        assert!(text.contains("cost-center"), "{text}");
        assert!(text.contains("100 "), "{text}");
    }
    for by in ["author", "severity"] {
        let text = place.run(["diff", "m", "--live", "live.json", "--group-by", by]);
        assert!(text.contains("100 changes"), "{text}");
    }
}

#[test]
fn a_table_has_one_change_per_line_and_fits_the_page() {
    let (_, text, _) = shop(&place(), &["-o", "table"]);
    let rows: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), 87, "{text}");
    assert!(rows[0].starts_with("SEVERITY  OBJECT"), "{}", rows[0]);
    assert!(rows.iter().all(|row| row.chars().count() <= 100), "{text}");
    assert!(rows[1].starts_with("critical"), "{text}");
    let (_, wide, _) = shop(&place(), &["-o", "wide"]);
    assert!(
        wide.contains("MANIFEST") && wide.contains("00-namespaces.yaml:14"),
        "{wide}"
    );
    let (_, times, _) = shop(&place(), &["-o", "timeline"]);
    let hours: Vec<&str> = times
        .lines()
        .filter(|line| line.ends_with(":00 UTC"))
        .collect();
    assert!(!hours.is_empty() && hours.is_sorted(), "{times}");
}

#[test]
fn an_input_error_is_one_line_without_a_verdict() {
    let place = place().file(
        "live.json",
        "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}",
    );
    let shown = place.run(["diff", "nowhere", "--live", "live.json"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(!shown.contains("INCOMPLETE"), "{shown}");
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.starts_with("error:"))
            .count(),
        1,
        "{shown}"
    );
    // A user who requests a document still gets one.
    let shown = place.run(["diff", "nowhere", "--live", "live.json", "-o", "json"]);
    assert!(shown.contains("\"verdict\": \"incomplete\""), "{shown}");
}

#[test]
fn accepts_arguments_as_in_kubectl() {
    let place = place()
        .file("m/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {k: a}\n")
        .file("live.json", recording(&["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {k: b}\n"]));
    for words in [
        &["diff", "-f", "m", "--live", "live.json"][..],
        &["diff", "-R", "-f", "m", "--live", "live.json"],
        &["diff", "--filename=m", "--live", "live.json"],
    ] {
        let shown = place.run(words.iter().copied());
        assert!(shown.starts_with("exit code: 1"), "{shown}");
        assert!(shown.contains("ConfigMap shop/a"), "{shown}");
    }
    for words in [
        &["explain", "cm", "a", ".data.k", "m"][..],
        &["explain", "cm/a", "data.k", "m"],
        &["explain", "configmap", "a", "data.k", "-f", "m"],
    ] {
        let shown = place.run([words, &["--live", "live.json"]].concat());
        assert!(shown.starts_with("exit code: 0"), "{shown}");
        assert!(shown.contains("\n.data.k\n"), "{shown}");
    }
}

#[cfg(unix)]
#[test]
fn runs_kubectl_external_diff() {
    // A flat folder, as from kubectl: no -r is needed.
    let place = place().var("KUBECTL_EXTERNAL_DIFF", "diff -u");
    let (code, text, _) = shop(&place, &["-o", "diff", "--severity", "critical"]);
    assert_eq!(code, 1);
    assert!(text.contains("declared/v1.Namespace..shop"), "{text}");
    assert!(text.contains("live/apps.v1.Deployment.shop.cart"), "{text}");
    assert!(!text.contains("aHVudGVy"), "{text}");
    let missing = TestFolder::new().var("KUBECTL_EXTERNAL_DIFF", "no-such-program");
    let (code, _, stderr) = shop(&missing, &["-o", "diff"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr);
}

#[test]
fn uses_ascii_in_a_locale_without_utf8() {
    let place = place().var("LC_ALL", "C");
    for format in ["text", "table", "timeline"] {
        let (_, text, _) = shop(&place, &["-o", format, "--severity", "critical"]);
        assert!(text.is_ascii(), "{text}");
    }
    let place = TestFolder::new().var("LC_ALL", "C.UTF-8");
    let (_, text, _) = shop(&place, &["--severity", "critical"]);
    assert!(text.contains('│'), "{text}");
}

#[test]
fn completions_offer_names_instead_of_files() {
    let complete = |place: &TestFolder, words: &[&str]| {
        let output = place
            .driftctl()
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
            .env("_CLAP_IFS", "\n")
            .args(["--", "driftctl"])
            .args(words)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let place = TestFolder::new()
        .file("m/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n")
        .file(".kube/config", "apiVersion: v1\nkind: Config\ncontexts:\n- name: prod\n  context: {cluster: c, user: u}\n");
    assert_eq!(complete(&place, &["diff", "--context", ""]), ["prod"]);
    assert_eq!(complete(&place, &["diff", "-n", ""]), ["shop"]);
    assert_eq!(
        complete(&place, &["explain", "ConfigMap/"]),
        ["ConfigMap/shop/a"]
    );
    assert_eq!(complete(&place, &["explain", "cm/"]), ["cm/shop/a"]);
    assert_eq!(complete(&place, &["explain", "cm/a"]), ["cm/a"]);
    assert_eq!(complete(&place, &["explain", "conf"]), ["configmap/shop/a"]);
    assert_eq!(
        complete(&place, &["revert", "m", "configmaps/"]),
        ["configmaps/shop/a"]
    );
    assert!(complete(&place, &["revert", "m"]).contains(&"m/".to_owned()));
    let kinds = complete(&place, &["diff", "--kind", "deploym"]);
    assert_eq!(kinds, ["deployments"]);
    let paths = complete(&place, &["diff", ""]);
    assert!(paths.iter().any(|path| path.starts_with("m")), "{paths:?}");
}

#[test]
fn writes_a_man_page_for_every_command() {
    let place = TestFolder::new().folder("man");
    let shown = place.run(["man", "--dir", "man"]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    for page in ["driftctl.1", "driftctl-diff.1", "driftctl-explain.1"] {
        let text = std::fs::read_to_string(place.path().join("man").join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    assert!(place.run(["man", "diff"]).contains("\\-\\-fail\\-on"));
    assert!(place.run(["man", "dif"]).starts_with("exit code: 2"));
}

#[test]
fn an_unknown_kind_is_one_line_without_a_verdict() {
    let (code, text, stderr) = shop(&place(), &["--kind", "deplyo"]);
    assert_eq!((code, text.as_str()), (2, ""));
    assert_eq!(
        stderr.trim_end(),
        "error: unknown kind \"deplyo\"; did you mean deploy?"
    );
}

/// Line numbers link to the file: by the flag, in a CI job, or by the Git remote.
#[test]
fn line_numbers_in_html_link_to_the_repository() {
    use crate::support::repository::{commit, git, init};
    let place = TestFolder::new()
        .file("deploy/a b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n")
        .file("live.json", "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": \
                            {\"name\": \"a\", \"namespace\": \"default\"}, \"data\": {\"k\": \"w\"}}");
    if init(place.path()).is_none() {
        return;
    }
    commit(place.path(), "first").unwrap();
    let head = git(place.path(), &["rev-parse", "HEAD"]).unwrap();
    let head = head.trim();
    let page = |place: &TestFolder, more: &[&str]| {
        let words = ["diff", "deploy", "--live", "live.json", "-o", "html"];
        place.run([&words[..], more].concat())
    };
    assert!(!page(&place, &[]).contains("<a href=\"http"));
    let address = "https://git.example.com/x/{path}?line={line}";
    let given = page(&place, &["--link", address]);
    assert!(
        given.contains("<a href=\"https://git.example.com/x/deploy/a%20b.yaml?line=4\">line 4</a>"),
        "{given}"
    );
    let refused = page(&place, &["--link", "javascript:{path}"]);
    assert!(refused.starts_with("exit code: 2"), "{refused}");
    git(
        place.path(),
        &["remote", "add", "origin", "git@github.com:shop/deploy.git"],
    )
    .unwrap();
    let expected =
        format!("<a href=\"https://github.com/shop/deploy/blob/{head}/deploy/a%20b.yaml#L4\">");
    assert!(
        page(&place, &[]).contains(&expected),
        "{}",
        page(&place, &[])
    );
    let place = place.var("CI_PROJECT_URL", "https://gitlab.corp/shop/deploy");
    let expected = format!("https://gitlab.corp/shop/deploy/-/blob/{head}/deploy/a%20b.yaml#L4");
    assert!(page(&place, &[]).contains(&expected));
}
