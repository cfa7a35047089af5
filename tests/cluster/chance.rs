//! Tests random faults: whatever happens, nothing that is reported about an object is wrong.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cells::TRUTH;
use crate::observe::{Outcome, Patience, judge, observe};
use crate::server::{Discovery, Faults};
use crate::shop;

/// The default number of runs (`DRIFTCTL_FAULT_RUNS`); 2,000 take some minutes.
const RUNS: u64 = 48;

/// How many runs are in progress at a time; they mostly wait.
const AT_ONCE: usize = 16;

const PATIENCE: Patience = Patience {
    request: Duration::from_millis(400),
    run: Duration::from_millis(1200),
};

#[test]
fn no_fault_looks_like_no_drift() {
    let runs = std::env::var("DRIFTCTL_FAULT_RUNS").ok();
    let runs = runs.map_or(RUNS, |runs| runs.parse().unwrap());
    let _ = TRUTH.len();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let next = AtomicU64::new(0);
    let counts = [const { AtomicU64::new(0) }; 3];
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= runs {
                        break;
                    }
                    let mut cluster = shop();
                    cluster.faults = Faults::Seeded {
                        seed,
                        percent: [1, 3, 10, 40][seed as usize % 4],
                    };
                    cluster.http2 = !seed.is_multiple_of(3);
                    if seed.is_multiple_of(5) {
                        cluster.discovery = Discovery::Legacy;
                    }
                    let run = observe(&cluster.start_on(&runtime), PATIENCE);
                    let outcome = judge(&run, &TRUTH, &seed);
                    counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let count = |outcome: Outcome| counts[outcome as usize].load(Ordering::Relaxed);
    // If faults happened never or always, the test would show nothing.
    assert!(count(Outcome::Incomplete) > runs / 20, "{counts:?}");
    assert!(count(Outcome::Whole) > runs / 20, "{counts:?}");
    println!("errors, incomplete, whole: {counts:?}");
}
