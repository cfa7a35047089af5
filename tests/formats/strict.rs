//! Reads every output with a strict reader of its format.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftctl::output::{FORMATS, RenderOptions, ShowLevel, report_schema};
use driftctl::redact::{self, Redacted};
use serde_json::Value;

use crate::{json_schema, options, render, render_redacted, sample, sarif};

/// Reads an output as strictly as its format allows. Panics if it is invalid.
pub fn read(format: &str, text: &str) {
    match format {
        "text" | "table" | "wide" | "timeline" | "markdown" => {}
        "name" => read_names(text),
        "diff" => read_diff(text),
        "json" => {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(json_schema::errors(&report_schema(), &value), [""; 0]);
        }
        "yaml" => {
            let value: Value = serde_yaml::from_str(text).unwrap();
            assert_eq!(json_schema::errors(&report_schema(), &value), [""; 0]);
        }
        "github" => read_github(text),
        "gitlab" => read_gitlab(text),
        "sarif" => {
            let value: Value = serde_json::from_str(text).unwrap();
            let errors = json_schema::errors(&sarif::schema(), &value);
            assert!(errors.is_empty(), "{errors:#?}");
        }
        "junit" => read_junit(text),
        "prometheus" => read_prometheus(text),
        "html" => read_html(text),
        new => panic!("add here how the format {new} is read"),
    }
}

#[test]
fn strict_readers_accept_every_format() {
    let all = RenderOptions {
        show: ShowLevel::All,
        verbose: true,
        duration: Some(std::time::Duration::from_millis(1500)),
        ..options()
    };
    let mut cut_short = sample::in_sync();
    cut_short.interrupted = true;
    for format in FORMATS {
        for report in [
            sample::drifted(),
            sample::with_base(),
            sample::incomplete(),
            sample::in_sync(),
            sample::report(Vec::new()),
            cut_short.clone(),
        ] {
            let report = redact::redact(report);
            for options in [options(), all] {
                let text = render_redacted(format.name(), &report, &options);
                read(format.name(), &text);
            }
        }
    }
}

/// Formats that gates read must not look like "no drift" if the run was incomplete.
#[test]
fn an_incomplete_run_never_looks_clean() {
    let mut cut_short = sample::in_sync();
    cut_short.interrupted = true;
    for report in [sample::incomplete(), cut_short] {
        for format in FORMATS {
            let text = render(format.name(), report.clone(), &options());
            let says_so = match format.name() {
                "text" => text.contains("INCOMPLETE"),
                "name" => text.starts_with("# incomplete: "),
                "gitlab" => text.contains("blocker"),
                "sarif" => text.contains("\"executionSuccessful\": false"),
                "junit" => text.contains("<error"),
                "github" => text.contains("::error"),
                "prometheus" => text.contains("driftctl_verdict{verdict=\"incomplete\"} 1"),
                _ => text.to_lowercase().contains("incomplete"),
            };
            assert!(says_so, "{}: {text}", format.name());
        }
    }
}

#[test]
fn json_and_yaml_are_the_same_document() {
    let json: Value = serde_json::from_str(&render("json", sample::drifted(), &options())).unwrap();
    let yaml: Value = serde_yaml::from_str(&render("yaml", sample::drifted(), &options())).unwrap();
    assert_eq!(json, yaml);
    assert_eq!(json["schema"], "driftctl.report/v1");
}

/// Reads names without blanks, then comments, the verdict last.
fn read_names(text: &str) {
    let is_comment = |line: &&str| line.starts_with("# ");
    let names = text.lines().take_while(|line| !is_comment(line));
    let (names, comments) = (names.count(), text.lines().filter(is_comment).count());
    assert_eq!(names + comments, text.lines().count(), "{text}");
    let verdict = text.lines().last().unwrap();
    assert!(verdict.contains("compared"), "{verdict}");
}

/// Applies the diff to one side, like `patch`: the result is the other side.
fn read_diff(text: &str) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("# ") {
            continue;
        }
        assert!(line.starts_with("--- "), "{line}");
        assert!(lines.next().unwrap().starts_with("+++ "));
        let mut hunks = 0;
        while let Some(header) = lines.next_if(|line| line.starts_with("@@ ")) {
            hunks += 1;
            let (declared, live) = ranges(header);
            let (mut ours, mut theirs) = (0, 0);
            while (ours, theirs) != (declared, live) {
                let line = lines.next().unwrap();
                match line.chars().next() {
                    Some(' ') => (ours, theirs) = (ours + 1, theirs + 1),
                    Some('-') => ours += 1,
                    Some('+') => theirs += 1,
                    _ => panic!("{header}: {line:?}"),
                }
                assert!(ours <= declared && theirs <= live, "{header}");
            }
        }
        assert!(hunks > 0, "{line}");
    }
}

/// Returns the lengths in `@@ -1,4 +1,5 @@`.
fn ranges(header: &str) -> (usize, usize) {
    let len = |range: &str| {
        let mut parts = range[1..].split(',');
        let start: usize = parts.next().unwrap().parse().unwrap();
        let len = parts.next().map_or(1, |len| len.parse().unwrap());
        assert!(start > 0 || len == 0, "{header}");
        len
    };
    let words: Vec<&str> = header.split(' ').collect();
    assert_eq!((words[0], words[3], words.len()), ("@@", "@@", 4));
    (len(words[1]), len(words[2]))
}

/// Reads like the runner (`ActionCommand.TryParseV2`).
fn read_github(text: &str) {
    let mut lines: Vec<&str> = text.lines().collect();
    assert!(lines.pop().unwrap().starts_with("driftctl: "));
    for line in lines {
        let (head, message) = line[2..].split_once("::").unwrap();
        let (level, properties) = head.split_once(' ').unwrap();
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap();
            assert!(["file", "line", "col", "title"].contains(&name), "{line}");
            if matches!(name, "line" | "col") {
                assert!(value.parse::<usize>().unwrap() > 0);
            }
        }
        assert!(line.starts_with("::") && !message.is_empty());
    }
}

fn read_gitlab(text: &str) {
    let issues: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut fingerprints = BTreeSet::new();
    for issue in issues {
        let levels = ["info", "minor", "major", "critical", "blocker"];
        assert!(levels.contains(&issue["severity"].as_str().unwrap()));
        assert!(!issue["description"].as_str().unwrap().is_empty());
        assert!(!issue["check_name"].as_str().unwrap().is_empty());
        let path = issue["location"]["path"].as_str().unwrap();
        assert!(!path.is_empty() && !path.starts_with("./"));
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() > 0);
        let fingerprint = issue["fingerprint"].as_str().unwrap().to_owned();
        assert!(
            fingerprints.insert(fingerprint),
            "GitLab drops the second issue"
        );
    }
}

/// Checks what the schemas of Ant and Jenkins have in common: names, attributes, order, counts.
fn read_junit(text: &str) {
    let document = roxmltree::Document::parse(text).unwrap();
    let suites = document.root_element();
    assert_eq!(suites.tag_name().name(), "testsuites");
    let suite = elements(suites)[0];
    assert_eq!(suite.tag_name().name(), "testsuite");
    for name in ["name", "package", "id", "timestamp", "hostname", "time"] {
        assert!(
            suite.attribute(name).is_some_and(|value| !value.is_empty()),
            "{name}"
        );
    }
    assert!(!suite.attribute("timestamp").unwrap().ends_with('Z'));
    let names: Vec<&str> = elements(suite)
        .iter()
        .map(|e| e.tag_name().name())
        .collect();
    assert_eq!(names[0], "properties");
    assert_eq!(names[names.len() - 2..], ["system-out", "system-err"]);
    let cases = &elements(suite)[1..names.len() - 2];
    let count = |name: &str| {
        let has =
            |case: &&roxmltree::Node<'_, '_>| elements(**case).iter().any(|e| e.has_tag_name(name));
        cases.iter().filter(has).count().to_string()
    };
    let number = cases.len().to_string();
    assert_eq!(suite.attribute("tests"), Some(&number[..]));
    assert_eq!(suite.attribute("failures"), Some(&count("failure")[..]));
    assert_eq!(suite.attribute("errors"), Some(&count("error")[..]));
    // Ant's schema allows no attributes there.
    assert_eq!(suites.attributes().count(), 0);
    for case in cases {
        assert_eq!(case.tag_name().name(), "testcase");
        let attributes: Vec<_> = case.attributes().map(|a| a.name()).collect();
        assert_eq!(attributes, ["classname", "name", "time"]);
        assert!(elements(*case).len() <= 1);
        for outcome in elements(*case) {
            assert!(["failure", "error"].contains(&outcome.tag_name().name()));
            assert!(outcome.attribute("type").is_some());
        }
    }
}

fn elements<'a, 'i>(node: roxmltree::Node<'a, 'i>) -> Vec<roxmltree::Node<'a, 'i>> {
    node.children().filter(|node| node.is_element()).collect()
}

/// Checks the rules of the text format: every sample belongs to the metric before it, once.
fn read_prometheus(text: &str) {
    assert!(text.ends_with('\n'));
    let mut metric = String::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("HELP"), Some(name), Some(help)) => {
                    assert!(seen.insert(name.to_owned()), "{name} occurs twice");
                    assert!(!help.is_empty());
                    metric = name.to_owned();
                }
                (Some("TYPE"), Some(name), Some("gauge")) => assert_eq!(name, metric),
                _ => panic!("{line}"),
            }
            continue;
        }
        let rest = line
            .strip_prefix(&metric)
            .unwrap_or_else(|| panic!("{line}"));
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest),
            None => (Vec::new(), rest),
        };
        assert!(
            seen.insert(format!("{metric}{labels:?}")),
            "{line} occurs twice"
        );
        value.strip_prefix(' ').unwrap().parse::<f64>().unwrap();
    }
}

/// Parses `a="b",c="d"} rest`.
fn labels(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut labels = Vec::new();
    loop {
        let (name, rest) = text.split_once("=\"").unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(plain), "{name}");
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => match chars.next().unwrap().1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    c => panic!("there is no \\{c}"),
                },
                (_, c) => value.push(c),
            }
        };
        labels.push((name.to_owned(), value));
        text = &rest[end + 1..];
        match text.strip_prefix(',') {
            Some(more) => text = more,
            None => return (labels, text.strip_prefix('}').unwrap()),
        }
    }
}

/// Checks that the page is well-formed, except for elements that HTML never closes.
fn read_html(text: &str) {
    let mut xml = text.replacen("<!DOCTYPE html>", "", 1);
    for open in ["<meta ", "<input "] {
        let mut closed = String::new();
        for (i, part) in xml.split(open).enumerate() {
            if i == 0 {
                closed.push_str(part);
            } else {
                let (attributes, rest) = part.split_once('>').unwrap();
                closed.push_str(&format!("{open}{attributes}/>{rest}"));
            }
        }
        xml = closed;
    }
    let xml = xml.replace(" checked/>", " checked=\"\"/>");
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}\n{xml}"));
    let allowed = [
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "span",
        "input", "label", "main", "article", "section", "table", "tr", "th", "td", "mark", "code",
        "b", "footer", "br", "details", "summary", "pre", "ul", "li", "script",
    ];
    // The policy allows one script, by its hash.
    let scripts = document.descendants();
    let scripts: Vec<&str> = scripts
        .filter(|node| node.has_tag_name("script"))
        .map(|node| node.text().unwrap())
        .collect();
    assert_eq!(scripts, [include_str!("../../src/output/html/filter.js")]);
    let hash = ring::digest::digest(&ring::digest::SHA256, scripts[0].as_bytes());
    let allowed_script = format!("script-src 'sha256-{}'", STANDARD.encode(hash));
    assert!(text.contains(&allowed_script), "{allowed_script}");
    for node in document.descendants().filter(|node| node.is_element()) {
        assert!(allowed.contains(&node.tag_name().name()), "{node:?}");
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(
                !name.starts_with("on") && name != "href" && name != "src",
                "{node:?}"
            );
        }
    }
}

#[test]
fn markdown_keeps_its_size_limit_and_says_what_it_omits() {
    let mut report = sample::drifted();
    let object = report.objects[4].clone();
    report.objects = (0..600)
        .map(|i| {
            let mut object = object.clone();
            object.key = object.key.named(format!("cart-{i}"));
            object
        })
        .collect();
    let text = render("markdown", report, &options());
    assert!(text.len() <= 65_000, "{}", text.len());
    assert!(text.len() > 55_000, "{}", text.len());
    assert!(text.contains("of 600 objects"), "{text}");
    assert!(text.starts_with("<!-- driftctl -->\n### driftctl: ⚠️ Drifted"));
    assert_eq!(
        text.matches("<details>").count(),
        text.matches("</details>").count()
    );
}

/// Secrets are shown only on explicit request.
#[test]
fn shows_secrets_on_request() {
    let report = Redacted::showing_secrets(sample::drifted());
    for format in ["text", "diff", "json", "yaml", "html", "markdown"] {
        let text = render_redacted(format, &report, &options());
        assert!(text.contains("hunter3"), "{format}");
    }
}
