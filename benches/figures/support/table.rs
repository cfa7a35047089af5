//! Figures as one table: what was measured, its floor, the ratio of the two, and what is aimed at.

use std::time::Duration;

const MEGABYTE: f64 = 1e6;

/// Prints what is measured, and the head of a table.
pub fn title(what: &str) {
    println!("\n{what}");
    line("", "figure", "floor", "ratio", "aim");
}

/// A time over that of its floor, and the most that this ratio should be.
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

/// A time, and the most that it should be.
pub fn time(what: &str, time: Duration, most: Option<Duration>) {
    let aim = most.map(|most| aim(time.as_secs_f64(), most.as_secs_f64(), &millis(most)));
    line(what, &millis(time), "", "", &aim.unwrap_or_default());
}

/// A number, and the most that it should be.
pub fn count(what: &str, number: usize, most: Option<usize>) {
    let aim = most.map(|most| aim(number as f64, most as f64, &most.to_string()));
    line(what, &number.to_string(), "", "", &aim.unwrap_or_default());
}

/// A size, and the most that it should be.
pub fn size(what: &str, bytes: u64, most: u64) {
    line(
        what,
        &megabytes(bytes),
        "",
        "",
        &aim(bytes as f64, most as f64, &megabytes(most)),
    );
}

/// Instructions over those of the floor, and the most that this ratio may be.
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

/// A size that may not be known, and the most that it should be.
pub fn peak(bytes: Option<u64>, most: u64) {
    match bytes {
        Some(bytes) => size("peak memory", bytes, most),
        None => line("peak memory", "unknown", "", "", ""),
    }
}

/// A size over that of its floor, and the most that this ratio should be.
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

/// Milliseconds, with more digits where there are few.
pub fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    let digits = usize::from(millis < 100.0);
    format!("{millis:.digits$} ms")
}

/// Megabytes, for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / MEGABYTE)
}
