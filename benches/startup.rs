//! How long nothing takes, and how large the binary is.
//!
//! The floor is a program that does nothing (`true`), started the same way.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::process::Command;

use support::copies::fixtures;
use support::measure::{driftctl, in_turns, mib, millis, report, run};

/// Starting is short, so many starts are measured at once.
const STARTS: u32 = 40;

fn main() {
    let place = tempfile::tempdir().unwrap();
    let many = |start: &dyn Fn()| (0..STARTS).for_each(|_| start());
    let version = || {
        run(driftctl(place.path()).arg("version"), 0);
    };
    let nothing = || {
        run(&mut Command::new("true"), 0);
    };
    let (time, floor) = in_turns(|| many(&version), || many(&nothing));
    report(
        "driftctl version, ms",
        format!("{:.2}", millis(time / STARTS)),
        "< 10",
    );
    report("  true, ms", format!("{:.2}", millis(floor / STARTS)), "");

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
    let (time, _) = in_turns(|| many(&diff), || ());
    report(
        "driftctl diff of the shop, ms",
        format!("{:.2}", millis(time / STARTS)),
        "",
    );

    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_driftctl")).unwrap();
    report("the stripped binary", mib(binary.len()), "< 15 MB");
}
