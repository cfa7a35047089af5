//! Measures the time of a run that does almost nothing, and the size of the binary.
//!
//! The floor is a program that does nothing (`true`), started the same way.

use std::process::Command;
use std::time::Duration;

use crate::support::copies::fixtures;
use crate::support::measure::{binary, driftctl, in_turns, run};
use crate::support::table;

/// One start is too short to measure, so many are measured together.
const STARTS: u32 = 40;

/// Measures and prints.
pub fn measure() {
    let place = tempfile::tempdir().unwrap();
    let many = |start: &dyn Fn()| (0..STARTS).for_each(|_| start());
    let version = || {
        run(driftctl(place.path()).arg("version"), 0);
    };
    let nothing = || {
        run(&mut Command::new("true"), 0);
    };
    let (time, floor) = in_turns(|| many(&version), || many(&nothing));
    let (manifests, live) = (
        fixtures().join("shop/manifests"),
        fixtures().join("shop/live.json"),
    );
    let diff = || {
        let mut command = driftctl(place.path());
        run(
            command.arg("diff").arg(&manifests).arg("--live").arg(&live),
            1,
        );
    };
    let (shop, _) = in_turns(|| many(&diff), || ());
    let binary = std::fs::metadata(binary()).unwrap();

    table::title("starting; each time is the mean of 40 starts, the fastest of several turns");
    let most = Duration::from_millis(10);
    table::time("driftctl version", time / STARTS, Some(most));
    table::time("true, a program that does nothing", floor / STARTS, None);
    table::time(
        "driftctl diff of a small shop, offline",
        shop / STARTS,
        None,
    );
    table::size("the stripped binary", binary.len(), 15_000_000);
}
