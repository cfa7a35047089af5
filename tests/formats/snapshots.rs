use driftctl::output::{RenderOptions, Show};

use crate::{options, render, sample};

/// Snapshots lie next to those of the other tests.
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
        show: Show::All,
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
