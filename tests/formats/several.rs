//! Tests the reports on several clusters in one document.

use driftctl::output::{FORMATS, find, render_all, reports_schema};
use driftctl::redact::{self, Redacted};
use serde_json::Value;

use crate::strict::read;
use crate::{json_schema, options, render_redacted, sample};

/// Returns reports on three clusters: with drift, incomplete, in sync.
fn reports() -> Vec<Redacted> {
    let named = [
        ("red", sample::drifted()),
        ("blue<&\"\u{1b}", sample::incomplete()),
        ("green", sample::in_sync()),
    ];
    named
        .map(|(context, mut report)| {
            report.target.context = Some(context.to_owned());
            redact::redact(report)
        })
        .into()
}

fn joined(format: &str, reports: &[Redacted]) -> String {
    let mut out = Vec::new();
    render_all(find(format).unwrap(), reports, &options(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_format_contains_all_clusters_and_stays_valid() {
    let reports = reports();
    for format in FORMATS {
        let name = format.name();
        let text = joined(name, &reports);
        assert!(!text.contains('\u{1b}'), "{name}");
        for cluster in ["red", "blue"] {
            assert!(text.contains(cluster), "{name}: {cluster}");
        }
        match name {
            "json" | "yaml" => {
                let document: Value = serde_yaml::from_str(&text).unwrap();
                assert_eq!(document["schema"], "driftctl.reports/v1");
                assert_eq!(document["verdict"], "incomplete");
                assert_eq!(json_schema::errors(&reports_schema(), &document), [""; 0]);
                for (report, one) in document["reports"].as_array().unwrap().iter().zip(&reports) {
                    let alone = render_redacted("json", one, &options());
                    assert_eq!(*report, serde_json::from_str::<Value>(&alone).unwrap());
                }
            }
            // These formats support only one cluster; see below.
            "diff" | "name" | "html" | "github" | "junit" => {}
            _ => read(name, &text),
        }
    }
}

#[test]
fn clusters_are_distinguished() {
    let reports = reports();
    let sarif: Value = serde_json::from_str(&joined("sarif", &reports)).unwrap();
    let ids: Vec<_> = (0..3)
        .map(|at| &sarif["runs"][at]["automationDetails"]["id"])
        .collect();
    assert_eq!(ids[0], "driftctl/red/");
    assert_eq!(sarif["runs"].as_array().unwrap().len(), 3);
    let xml = joined("junit", &reports);
    let xml = roxmltree::Document::parse(&xml).unwrap();
    let suites = xml
        .root_element()
        .children()
        .filter(|node| node.has_tag_name("testsuite"));
    let names: Vec<_> = suites.filter_map(|suite| suite.attribute("name")).collect();
    assert_eq!(names.len(), 3);
    assert!(
        names[0].ends_with("red") && names[2].ends_with("green"),
        "{names:?}"
    );
    let cases = xml
        .descendants()
        .filter(|node| node.has_tag_name("testcase"));
    let counts = xml
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"));
    let counts = counts.filter_map(|suite| suite.attribute("tests")?.parse::<usize>().ok());
    assert_eq!(counts.sum::<usize>(), cases.count());
    let metrics = joined("prometheus", &reports);
    assert_eq!(metrics.matches("# TYPE driftctl_objects gauge").count(), 1);
    let sample = "driftctl_verdict{cluster=\"red\",verdict=\"drifted\"} 1";
    assert!(metrics.contains(sample), "{metrics}");
    let html = joined("html", &reports);
    assert!(html.contains("id=\"c1-show-unknown\"") && html.contains("#c1-show-unknown:not"));
    assert_eq!(html.matches("<html").count(), 1);
}

#[test]
fn a_single_cluster_has_its_usual_form() {
    let one = reports().remove(0);
    for format in FORMATS {
        let alone = render_redacted(format.name(), &one, &options());
        assert_eq!(
            joined(format.name(), std::slice::from_ref(&one)),
            alone,
            "{}",
            format.name()
        );
    }
}

#[test]
fn a_comment_has_space_for_every_cluster() {
    let many: Vec<Redacted> = (0..12).flat_map(|_| reports()).collect();
    let comment = joined("markdown", &many);
    assert!(comment.len() <= 65_000, "{}", comment.len());
    assert_eq!(comment.matches("## Cluster ").count(), 36);
    assert_eq!(comment.matches("### driftctl: ").count(), 36);
    let crowd: Vec<Redacted> = (0..200).flat_map(|_| reports()).collect();
    let comment = joined("markdown", &crowd);
    assert!(comment.len() <= 65_000, "{}", comment.len());
    assert_eq!(comment.matches("## Cluster ").count(), 600);
}
