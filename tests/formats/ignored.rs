//! Tests that nothing disappears: every format counts what each rule hid, and `--show ignored`
//! lists it.

use driftctl::model::{Report, RuleCount, Verdict};
use driftctl::output::{FORMATS, RenderOptions, ShowLevel, find, render_all};
use driftctl::redact;
use serde_json::{Value, json};

use crate::{options, render, sample};

/// Returns a report with two rules that hid 37 and 2 changes, and drift that was accepted for two
/// reasons.
fn report() -> Report {
    let mut report = sample::drifted();
    let count = |rule: &str, reason: &str, hid| RuleCount {
        rule: rule.to_owned(),
        reason: reason.to_owned(),
        hid,
    };
    report.rules = vec![
        count("accepted", "incident 12", 3),
        count("accepted", "incident 13", 4),
        count("idle", "Not needed any more", 0),
        count("keda-scales", "Scaled by KEDA", 37),
        count("mesh", "", 2),
    ];
    let drift = sample::drift(".spec.hidden", None, Some(json!("z")));
    let by_rule = Verdict::Ignored {
        rule: "keda-scales".to_owned(),
        reason: "Scaled by KEDA".to_owned(),
    };
    let drift = sample::decided(&drift, by_rule);
    report.objects[4].drifts.push(drift);
    report
}

/// Returns how each format counts them. Add new formats here.
fn counts(format: &str) -> &'static [&'static str] {
    match format {
        "text" => &["ignored: 37 by keda-scales, 7 by accepted, 2 by mesh\n"],
        "diff" | "name" | "table" | "wide" | "timeline" => &[
            "# 3 changes ignored by accepted: incident 12\n",
            "# 37 changes ignored by keda-scales: Scaled by KEDA\n",
            "# 2 changes ignored by mesh\n",
        ],
        "json" => &[
            "\"rule\": \"keda-scales\",\n      \"reason\": \"Scaled by KEDA\",\n      \"hid\": 37\n",
            "\"rule\": \"accepted\",\n      \"reason\": \"incident 13\",\n      \"hid\": 4\n",
        ],
        "yaml" => &["- hid: 37\n  reason: Scaled by KEDA\n  rule: keda-scales\n"],
        "markdown" => &[
            "<details><summary>2 changes ignored by 4 rules</summary>\n\n",
            "- 37 by <code>keda-scales</code>: <code>Scaled by KEDA</code>\n",
            "- 2 by <code>mesh</code>\n",
        ],
        "github" => &["; ignored: 37 by keda-scales, 7 by accepted, 2 by mesh\n"],
        "gitlab" => &["; ignored: 37 by keda-scales, 7 by accepted, 2 by mesh\""],
        "sarif" => &[
            "{\n            \"changes\": 37,\n            \"reason\": \"Scaled by KEDA\",\n            \
             \"rule\": \"keda-scales\"\n          }",
        ],
        "junit" => &[
            "<property name=\"ignored by keda-scales\" value=\"37\"/>",
            "<property name=\"ignored by accepted\" value=\"7\"/>",
            "\n37 changes ignored by keda-scales: Scaled by KEDA\n",
        ],
        "prometheus" => &[
            "driftctl_ignored_changes{rule=\"keda-scales\"} 37\n",
            "driftctl_ignored_changes{rule=\"accepted\"} 7\n",
            "driftctl_ignored_changes{rule=\"idle\"} 0\n",
        ],
        "html" => &["<p><code>keda-scales</code> hid 37 changes: Scaled by KEDA</p>"],
        new => panic!("add here how the format {new} counts what rules hid"),
    }
}

#[test]
fn every_format_counts_what_each_rule_hid() {
    for format in FORMATS {
        let text = render(format.name(), report(), &options());
        for wanted in counts(format.name()) {
            assert!(text.contains(wanted), "{}: {wanted}\n{text}", format.name());
        }
        crate::strict::read(format.name(), &text);
    }
}

#[test]
fn every_format_lists_hidden_changes_on_request() {
    let show = ShowLevel::Ignored;
    for format in FORMATS {
        let asked = RenderOptions { show, ..options() };
        let text = render(format.name(), report(), &asked);
        let silent = render(format.name(), report(), &options());
        // Metrics are numbers and contain no lists.
        let lists = format.name() != "prometheus";
        assert_eq!(text.contains(".spec.hidden"), lists, "{}", format.name());
        assert!(!silent.contains(".spec.hidden"), "{}", format.name());
        crate::strict::read(format.name(), &text);
    }
}

/// With hundreds of rules, the verdict stays visible, and all of them are counted.
#[test]
fn summarizes_many_rules() {
    let mut report = report();
    report.rules = (0..500)
        .map(|n| RuleCount {
            rule: format!("rule-{n:03}"),
            reason: "x".repeat(100),
            hid: 1,
        })
        .collect();
    let text = render("text", report.clone(), &options());
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("1 by rule-011, 488 by 488 other rules"),
        "{text}"
    );
    let markdown = render("markdown", report, &options());
    assert!(markdown.len() <= 65_000);
    assert!(markdown.contains(" of 500 rules\n"), "{markdown}");
}

/// Each of several clusters has its own counts, and the worst verdict is the overall one.
#[test]
fn several_clusters_have_separate_counts() {
    let named = |context: &str, mut report: Report| {
        report.target.context = Some(context.to_owned());
        redact::redact(report)
    };
    let reports = [named("red", report()), named("green", sample::with_base())];
    for format in FORMATS {
        let mut out = Vec::new();
        let format = find(format.name()).unwrap();
        render_all(format, &reports, &options(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("keda-scales"), "{}: {text}", format.name());
        if format.name() == "json" {
            let document: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(document["verdict"], "conflict");
        }
    }
}
