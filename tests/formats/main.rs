//! Tests every format with handmade reports: how it looks, and that it is valid.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod ignored;
mod injection;
#[path = "../support/json_schema.rs"]
mod json_schema;
#[path = "../support/leak.rs"]
mod leak;
mod sample;
mod sarif;
mod secrecy;
mod several;
mod snapshots;
mod strict;

use driftctl::model::Report;
use driftctl::output::{FORMATS, RenderOptions, ShowLevel, find};
use driftctl::redact::{self, Redacted, Redactor, WholeObjects};

/// Options of a terminal 100 columns wide, without colour, at a fixed time.
fn options() -> RenderOptions {
    RenderOptions {
        now: Some(sample::NOW.parse().unwrap()),
        ..RenderOptions::default()
    }
}

fn render_redacted(format: &str, report: &Redacted, options: &RenderOptions) -> String {
    let mut out = Vec::new();
    find(format)
        .unwrap_or_else(|| panic!("no format {format}"))
        .render(report, options, &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

fn render(format: &str, report: Report, options: &RenderOptions) -> String {
    render_redacted(format, &redact::redact(report), options)
}

#[test]
fn format_names_are_unique_and_described() {
    let mut names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    assert_eq!(names[0], "text", "the default");
    for format in FORMATS {
        assert!(!format.description().is_empty());
        assert!(!format.description().ends_with('.'), "{}", format.name());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
}

#[test]
fn output_is_deterministic() {
    for format in FORMATS {
        let once = render(format.name(), sample::drifted(), &options());
        let again = render(format.name(), sample::drifted(), &options());
        assert_eq!(once, again, "{}", format.name());
    }
}

#[test]
fn formats_say_whether_they_show_whole_objects() {
    for format in FORMATS {
        let show = |whole| {
            let report = Redactor::default().showing(whole).redact(sample::drifted());
            render_redacted(format.name(), &report, &options())
        };
        let is_same = show(WholeObjects::Extra) == show(WholeObjects::Drifted);
        assert_eq!(is_same, !format.shows_objects(), "{}", format.name());
    }
}

#[test]
fn every_format_returns_write_errors() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let report = redact::redact(sample::drifted());
    for format in FORMATS {
        let error = format.render(&report, &options(), &mut Full).unwrap_err();
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::StorageFull,
            "{}",
            format.name()
        );
    }
}

#[test]
fn show_all_shows_more() {
    for format in ["text", "json", "yaml"] {
        let with = |show| RenderOptions { show, ..options() };
        let drift = render(format, sample::drifted(), &with(ShowLevel::Drift));
        let ignored = render(format, sample::drifted(), &with(ShowLevel::Ignored));
        let all = render(format, sample::drifted(), &with(ShowLevel::All));
        let label = "argocd.argoproj.io/instance";
        assert!(!drift.contains(label) && ignored.contains(label));
        let default = ".spec.progressDeadlineSeconds";
        assert!(!ignored.contains(default) && all.contains(default));
        assert!(!ignored.contains("Namespace") && all.contains("Namespace"));
    }
}
