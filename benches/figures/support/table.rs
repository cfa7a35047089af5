//! Prints results as a table: the measurement, its floor, their ratio, and the target.

use std::time::Duration;

const MEGABYTE: f64 = 1e6;

/// Prints a title, and the head of a table.
pub fn title(what: &str) {
    println!("\n{what}");
    line("", "figure", "floor", "ratio", "aim");
}

/// Prints a time and its floor, with the maximum ratio.
pub fn ratio(what: &str, time: Duration, floor: Duration, most: f64) {
    let ratio = time.as_secs_f64() / floor.as_secs_f64();
    let shown = format!("{ratio:.2}");
    line(
        what,
        &millis(time),
        &millis(floor),
        &shown,
        &aim(ratio, most, &most.to_string()),
    );
}

/// Prints a time, with the maximum.
pub fn time(what: &str, time: Duration, most: Option<Duration>) {
    let aim = most.map(|most| aim(time.as_secs_f64(), most.as_secs_f64(), &millis(most)));
    line(what, &millis(time), "", "", &aim.unwrap_or_default());
}

/// Prints a number, with the maximum.
pub fn count(what: &str, number: usize, most: Option<usize>) {
    let aim = most.map(|most| aim(number as f64, most as f64, &most.to_string()));
    line(what, &number.to_string(), "", "", &aim.unwrap_or_default());
}

/// Prints a size, with the maximum.
pub fn size(what: &str, bytes: u64, most: u64) {
    line(
        what,
        &megabytes(bytes),
        "",
        "",
        &aim(bytes as f64, most as f64, &megabytes(most)),
    );
}

/// Prints instructions and their floor, with the maximum ratio.
pub fn instructions(what: &str, count: u64, floor: u64, most: f64) {
    let ratio = count as f64 / floor as f64;
    let millions = |count: u64| format!("{:.1} M", count as f64 / 1e6);
    line(
        what,
        &millions(count),
        &millions(floor),
        &format!("{ratio:.2}"),
        &aim(ratio, most, &most.to_string()),
    );
}

/// Prints a size that may be unknown, with the maximum.
pub fn peak(bytes: Option<u64>, most: u64) {
    match bytes {
        Some(bytes) => size("peak memory", bytes, most),
        None => line("peak memory", "unknown", "", "", ""),
    }
}

/// Prints a size and its floor, with the maximum ratio.
pub fn size_ratio(what: &str, bytes: u64, floor: u64, most: f64) {
    let ratio = bytes as f64 / floor as f64;
    line(
        what,
        &megabytes(bytes),
        &megabytes(floor),
        &format!("{ratio:.2}"),
        &aim(ratio, most, &most.to_string()),
    );
}

fn aim(figure: f64, most: f64, shown: &str) -> String {
    let verdict = if figure <= most { "met" } else { "MISSED" };
    format!("<= {shown:<8} {verdict}")
}

fn line(what: &str, figure: &str, floor: &str, ratio: &str, aim: &str) {
    let text = format!("  {what:<44} {figure:>10} {floor:>10} {ratio:>6}   {aim}");
    println!("{}", text.trim_end());
}

/// Returns milliseconds, with more digits for small values.
pub fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    let digits = usize::from(millis < 100.0);
    format!("{millis:.digits$} ms")
}

/// Returns megabytes for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / MEGABYTE)
}
