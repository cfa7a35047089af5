//! Checks the picture in the README, which shows driftctl's real output in colour.

use crate::support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use support::TestFolder;

/// Set by `.ci/screenshot`, which updates the picture.
const MAKE: &str = "DRIFTCTL_MAKE_SCREENSHOT";

/// The picture, from the root of the repository.
const FILE: &str = "docs/report.svg";

/// The time of the picture, fixed so that it does not change by itself.
const NOW: &str = "1795262400";

const COLUMNS: usize = 100;
const WIDTH_OF_A_CHARACTER: f64 = 8.4;
const HEIGHT_OF_A_LINE: usize = 19;

#[test]
fn the_picture_matches_the_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = [
        "diff",
        "fixtures/shop/manifests",
        "--live",
        "fixtures/shop/live.json",
        "--severity",
        "critical",
    ];
    let output = TestFolder::new()
        .driftctl()
        .args(words)
        .args(["--color", "always"])
        .current_dir(root)
        .env("COLUMNS", COLUMNS.to_string())
        .env("SOURCE_DATE_EPOCH", NOW)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let made = svg(&format!("$ driftctl {}\n\n{text}", words.join(" ")));
    let file = root.join(FILE);
    if std::env::var_os(MAKE).is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &made).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "{FILE} is not what driftctl writes; run .ci/screenshot to update it"
    );
}

#[test]
fn converts_escapes_and_markup() {
    let made = svg("a \u{1b}[31;1m<b>\u{1b}[0m c\n");
    assert!(
        made.contains("<tspan fill=\"#ff7b72\" font-weight=\"bold\">&lt;b&gt;</tspan>"),
        "{made}"
    );
    roxmltree::Document::parse(&made).unwrap();
}

/// Returns a picture of a terminal with a text.
fn svg(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let width = (COLUMNS as f64 * WIDTH_OF_A_CHARACTER) as usize + 40;
    let height = lines.len() * HEIGHT_OF_A_LINE + 40;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"A report of driftctl diff\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" \
         font-size=\"14\" fill=\"#e6edf3\" xml:space=\"preserve\">\n"
    );
    for (at, line) in lines.iter().enumerate() {
        let y = 30 + at * HEIGHT_OF_A_LINE;
        writeln!(out, "<text x=\"20\" y=\"{y}\">{}</text>", spans(line)).unwrap();
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Returns a line with its colours (Select Graphic Rendition, as far as driftctl uses it).
fn spans(line: &str) -> String {
    let mut out = String::new();
    let mut style: Vec<String> = Vec::new();
    for (at, part) in line.split('\u{1b}').enumerate() {
        let text = if at == 0 {
            part
        } else {
            let (codes, text) = part.strip_prefix('[').unwrap().split_once('m').unwrap();
            style = apply(style, codes);
            text
        };
        if text.is_empty() {
            continue;
        }
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        out.push_str(&match style.is_empty() {
            true => text,
            false => format!("<tspan {}>{text}</tspan>", style.join(" ")),
        });
    }
    out
}

fn apply(style: Vec<String>, codes: &str) -> Vec<String> {
    codes.split(';').fold(style, |mut style, code| {
        let attribute = match code {
            "0" | "39" | "49" | "22" | "24" | "" => {
                style.clear();
                return style;
            }
            "1" => "font-weight=\"bold\"",
            "2" => "opacity=\"0.6\"",
            "4" => "text-decoration=\"underline\"",
            "31" => "fill=\"#ff7b72\"",
            "32" => "fill=\"#7ee787\"",
            "33" => "fill=\"#e3b341\"",
            "34" => "fill=\"#79c0ff\"",
            "35" => "fill=\"#d2a8ff\"",
            "36" => "fill=\"#56d4dd\"",
            "37" => "fill=\"#ffffff\"",
            "41" => "stroke=\"#ff7b72\" stroke-width=\"0.4\"",
            other => panic!("the picture knows no code {other}"),
        };
        style.push(attribute.to_owned());
        style
    })
}
