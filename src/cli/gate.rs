//! From a report to the exit code.

use super::Exit;
use crate::model::Report;

/// What a report means for whoever reads the exit code alone.
pub fn answer(report: &Report, exit_zero: bool) -> Exit {
    let exit = if report.is_incomplete() {
        Exit::Trouble
    } else if report.has_drift() {
        Exit::Drift
    } else {
        Exit::Clean
    };
    if exit_zero {
        exit.without_drift()
    } else {
        exit
    }
}
