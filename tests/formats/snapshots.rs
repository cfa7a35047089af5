use driftctl::output::{RenderOptions, ShowLevel};

use crate::{options, render, sample};

/// Snapshots are next to those of the other tests.
macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "../snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(concat!("format-", $name), $text);
        });
    };
}

#[test]
fn text() {
    snapshot!("text", render("text", sample::drifted(), &options()));
    snapshot!(
        "text-incomplete",
        render("text", sample::incomplete(), &options())
    );
    snapshot!(
        "text-in-sync",
        render("text", sample::in_sync(), &options())
    );
}

#[test]
fn text_in_full() {
    let options = RenderOptions {
        show: ShowLevel::All,
        verbose: true,
        ..options()
    };
    snapshot!("text-all", render("text", sample::drifted(), &options));
}

#[test]
fn text_on_a_narrow_page() {
    let options = RenderOptions {
        width: 40,
        ..options()
    };
    let text = render("text", sample::drifted(), &options);
    for line in text.lines() {
        let width = unicode_width::UnicodeWidthStr::width(line);
        assert!(width <= 40, "{width}: {line}");
    }
    snapshot!("text-narrow", text);
}

#[test]
fn text_in_colour() {
    let options = RenderOptions {
        colour: true,
        ..options()
    };
    let text = render("text", sample::drifted(), &options).replace('\u{1b}', "^");
    snapshot!("text-colour", text);
}

#[test]
fn diff() {
    snapshot!("diff", render("diff", sample::drifted(), &options()));
    snapshot!(
        "diff-incomplete",
        render("diff", sample::incomplete(), &options())
    );
}

#[test]
fn json() {
    snapshot!("json", render("json", sample::drifted(), &options()));
    snapshot!(
        "json-incomplete",
        render("json", sample::incomplete(), &options())
    );
}

#[test]
fn yaml() {
    snapshot!("yaml", render("yaml", sample::drifted(), &options()));
}

#[test]
fn name() {
    snapshot!("name", render("name", sample::drifted(), &options()));
}

#[test]
fn formats_for_ci() {
    let options = RenderOptions {
        duration: Some(std::time::Duration::from_millis(1500)),
        ..options()
    };
    snapshot!("markdown", render("markdown", sample::drifted(), &options));
    snapshot!("github", render("github", sample::drifted(), &options));
    snapshot!("gitlab", render("gitlab", sample::drifted(), &options));
    snapshot!("sarif", render("sarif", sample::drifted(), &options));
    snapshot!("junit", render("junit", sample::drifted(), &options));
    snapshot!(
        "prometheus",
        render("prometheus", sample::drifted(), &options)
    );
    snapshot!("html", render("html", sample::drifted(), &options));
}

#[test]
fn formats_for_ci_of_an_incomplete_run() {
    let show = |format| render(format, sample::incomplete(), &options());
    snapshot!("markdown-incomplete", show("markdown"));
    snapshot!("github-incomplete", show("github"));
    snapshot!("gitlab-incomplete", show("gitlab"));
    snapshot!("junit-incomplete", show("junit"));
}

#[test]
fn the_schema_of_the_report() {
    let schema = driftctl::output::report_schema();
    snapshot!(
        "report-schema",
        serde_json::to_string_pretty(&schema).unwrap()
    );
}
