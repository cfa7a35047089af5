//! Tests that nothing in a manifest or a cluster is interpreted by a terminal, a CI system, a
//! Markdown or HTML renderer, or a parser.

use driftctl::model::{
    Blame, ChangeCause, ObjectStatus, Operation, Origin, Position, Report, RuleCount,
    SourceRevision, Verdict, Warning,
};
use driftctl::output::{FORMATS, RenderOptions, ShowLevel};
use driftctl::redact::{self, Redacted};
use rayon::prelude::*;
use serde_json::json;

use crate::{options, render_redacted, sample, strict};

/// Texts that some reader would interpret.
const TOKENS: &[&str] = &[
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]8;;https://evil.example\u{7}link\u{1b}]8;;\u{7}",
    "\u{9b}31m\r\u{8}\u{8}over",
    "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}",
    "a\n::set-output name=a::b",
    "::set-output name=a::b",
    "a\n  ::add-mask::b",
    "::stop-commands::x\n::error file=a::b",
    "##vso[task.setvariable variable=a]b",
    "##[error]b",
    "##teamcity[buildStatus text='x']",
    "a%0A::error::b\r\n::warning::c",
    "```\n# heading\n````\n~~~",
    "`a` | b | <b>c</b>",
    "[link](https://evil.example) ![img](https://evil.example/x.png) @team #12",
    "</details></summary></code><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>\" onmouseover=\"alert(1)' x='",
    "--><!-- ]]> &lt; &#60; &amp; \u{fffe}\u{ffff}",
    "{\"a\": \"b\"}, }\\\"\\u0000 \u{0}",
    "a: b\n- c\n--- d\n+++ e\n@@ -1 +1 @@\n# f",
    "{a=\"b\"} 5\nfake_metric 7",
    "../../../etc/passwd\0",
    "\u{2028}\u{2029}\u{85}x\u{b}y\u{c}z",
];

/// Returns a report that contains a text wherever outside data goes.
fn report(token: &str) -> Report {
    let path = json!(token).to_string();
    let mut object = sample::object(
        sample::key(token, token, token, token),
        &format!("{token}/v1"),
        ObjectStatus::Drifted,
    );
    object.origin = Some(Origin {
        revision: Some(token.into()),
        rendered_by: Some(token.into()),
        ..Origin::file(token, 1, 1)
    });
    object.reason = Some(token.to_owned());
    let tree = json!({token: [token, {"name": token, "text": format!("one\n{token}\n")}]});
    object.drifts = vec![
        sample::drift(&format!(".a[{path}]"), Some(json!(token)), Some(json!(2))),
        sample::drift(&format!(".b[name={path}]"), None, Some(tree.clone())),
        sample::drift(&format!(".c[={path}]"), Some(json!(token)), None),
        sample::drift(
            ".d",
            Some(json!(format!("a\n{token}\nb\n{token}"))),
            Some(json!(format!("a\n{token}\nc\n{token}\n"))),
        ),
        sample::drift(".e", Some(json!(1)), Some(tree.clone())),
        sample::drift(
            ".f",
            Some(json!(format!("x {token}"))),
            Some(json!(format!("y {token} {token}"))),
        ),
        sample::drift(".g", None, Some(json!("z"))),
    ];
    for drift in &mut object.drifts {
        drift.note = Some(token.to_owned());
        drift.position = Some(Position { line: 3, column: 1 });
        drift.owners = vec![sample::owner(token, token)];
        drift.owners[0].subresource = Some(token.to_owned());
        drift.owners[0].operation = Operation::Apply;
        drift.owners[0].user = Some(token.to_owned());
        drift.cause = Some(ChangeCause::Dropped);
        drift.blame = Some(Blame {
            commit: Some(token.to_owned()),
            author: Some(token.to_owned()),
            time: Some(format!("{token}T")),
        });
    }
    let by_rule = Verdict::Ignored {
        rule: token.to_owned(),
        reason: token.to_owned(),
    };
    object.drifts[6] = sample::decided(&object.drifts[6], by_rule);
    let declared = json!({"a": token, "t": format!("1\n{token}\n2"), token: 1});
    let live = json!({"b": token, "t": format!("1\n{token}\n3"), token: tree});
    object.declared = Some(declared.into());
    object.live = Some(live.into());
    let statuses = [
        ObjectStatus::Drifted,
        ObjectStatus::Missing,
        ObjectStatus::Extra,
        ObjectStatus::Unknown,
    ];
    let objects = statuses.map(|status| {
        let mut object = object.clone();
        object.presence = sample::presence(status);
        if status == ObjectStatus::Extra {
            object.origin = None;
        }
        // Missing and extra objects have almost no changes.
        if status != ObjectStatus::Drifted {
            object.drifts.truncate(1);
        }
        object.owners = vec![sample::owner(token, token)];
        object
    });
    let mut report = sample::report(objects.to_vec());
    report.target.context = Some(token.to_owned());
    report.target.server = Some(token.to_owned());
    report.target.version = Some(token.to_owned());
    report.target.dump = Some(token.to_owned());
    report.target.read_at = Some(token.to_owned());
    report.rules = vec![RuleCount {
        rule: token.to_owned(),
        reason: token.to_owned(),
        hid: 1,
    }];
    report.revisions = vec![SourceRevision {
        name: token.to_owned(),
        commit: token.to_owned(),
        time: Some(format!("{token}T")),
    }];
    for (place, fatal) in [(token.to_owned(), true), (format!("{token}:7:3"), false)] {
        let message = token.to_owned();
        report.warnings.push(Warning {
            place,
            message,
            fatal,
        });
    }
    report.skipped = report.warnings.clone();
    report
}

/// Returns the same with and without a base.
fn reports(token: &str) -> [Report; 2] {
    let mut with_base = report(token);
    sample::merge_all(
        &mut with_base,
        &json!({token: [token, format!("one\n{token}\n")]}),
    );
    [report(token), with_base]
}

/// Returns the output of every format with various options.
fn outputs(report: &Report) -> impl Iterator<Item = (&'static str, String)> {
    // Redaction would remove some of the texts; here all must reach the renderers.
    let report = Redacted::showing_secrets(report.clone());
    FORMATS.iter().flat_map(move |format| {
        let narrow = RenderOptions {
            width: 40,
            ..options()
        };
        let all = RenderOptions {
            show: ShowLevel::All,
            verbose: true,
            ..options()
        };
        // Only the text format depends on the width.
        let narrow = (format.name() == "text").then_some(narrow);
        let variants = [options(), all].into_iter().chain(narrow);
        let rendered = |options| {
            (
                format.name(),
                render_redacted(format.name(), &report, &options),
            )
        };
        variants.map(rendered).collect::<Vec<_>>()
    })
}

#[test]
fn no_output_contains_an_active_text() {
    TOKENS.par_iter().for_each(|token| {
        for (format, text) in reports(token).iter().flat_map(outputs) {
            check_text(format, &text, token);
            strict::read(format, &text);
            if format == "markdown" {
                read_markdown(&text);
            }
        }
    });
}

/// The redacted report, which is what runs render, is as harmless.
#[test]
fn redaction_makes_no_text_active() {
    for token in TOKENS {
        let report = redact::redact(report(token));
        for format in FORMATS {
            let text = render_redacted(format.name(), &report, &options());
            check_text(format.name(), &text, token);
            strict::read(format.name(), &text);
        }
    }
}

#[test]
fn every_format_escapes_every_hidden_character() {
    let controls = (0..0x20u32).chain(0x7f..0xa0);
    let bidi = [0x61c, 0x200e, 0x200f].into_iter().chain(0x202a..=0x202e);
    let isolates = 0x2066..=0x2069u32;
    let zero_width = [0xad, 0x180e, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff];
    let others = [0x2028, 0x2029, 0xfff9, 0xfffe, 0xffff, 0xe0001, 0xe0041];
    let all = controls
        .chain(bidi)
        .chain(isolates)
        .chain(zero_width)
        .chain(others)
        .filter_map(char::from_u32);
    let all: Vec<char> = all.collect();
    all.par_chunks(40).for_each(|some| {
        let token: String = some.iter().map(|c| format!("a{c}b")).collect();
        for (format, text) in reports(&token).iter().flat_map(outputs) {
            check_text(format, &text, &token);
        }
    });
}

/// Checks for lines and characters that terminals and CI systems interpret.
fn check_text(format: &str, text: &str, token: &str) {
    for line in text.lines() {
        let hidden = line.chars().find(|c| *c != '\t' && is_harmful(*c));
        assert!(
            hidden.is_none(),
            "{format} {token:?}: {hidden:?} in {line:?}"
        );
        let lower = line.to_lowercase();
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!lower.contains(command), "{format} {token:?}: {line:?}");
        }
        // GitHub's runner trims a line, and looks for a command.
        let ours = format == "github"
            && ["::error ", "::warning ", "::notice "]
                .iter()
                .any(|level| line.starts_with(level));
        let command = line.trim_start().starts_with("::")
            && line.trim_start()[2..].contains("::")
            && line.trim_start()[2..].starts_with(|c: char| c.is_ascii_alphabetic());
        assert!(ours || !command, "{format} {token:?}: {line:?}");
    }
    assert!(!text.contains('\r'), "{format} {token:?}");
}

/// Returns whether a character is harmful in a log. This list is independent of the code under
/// test.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c as u32,
            0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x2069
            | 0xfeff | 0xfff9..=0xfffb | 0xfffe | 0xffff | 0xe0000..=0xe007f)
}

/// Outside its fences, a comment contains only markup of the renderer.
fn read_markdown(text: &str) {
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match fence {
            Some(open) => {
                let run = line.trim_start().trim_end();
                let is_fence = run.chars().all(|c| c == '`') && run.len() >= open.len();
                if is_fence {
                    fence = None;
                } else {
                    let longest = line.split(|c| c != '`').map(str::len).max();
                    assert!(longest < Some(open.len()), "{line}");
                }
                continue;
            }
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches("diff"));
                continue;
            }
            None => {}
        }
        let mut rest = line.to_owned();
        for ours in [
            "<!-- driftctl -->",
            "> [!CAUTION]",
            "<code>",
            "</code>",
            "<details>",
            "</details>",
            "<summary>",
            "</summary>",
            "<sub>",
            "</sub>",
        ] {
            rest = rest.replace(ours, "");
        }
        let active = rest.find(['<', '`', '[', ']', '@', '~', '!', '\\', '_']);
        assert!(active.is_none(), "{active:?} in {line}");
    }
    assert_eq!(fence, None);
}
