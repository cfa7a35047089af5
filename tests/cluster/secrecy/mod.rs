//! Tests that no byte of a secret is shown, wherever it is and whatever fails: in any format, by
//! any command, at any verbosity.

#![allow(clippy::unwrap_used)]

use crate::leak;
mod spots;
mod world;

use leak::leak;
use proptest::prelude::*;
use spots::Spot;
use world::World;

const LEVELS: [&[&str]; 4] = [
    &[],
    &["--verbose"],
    &["--quiet"],
    &["--show=all", "--verbose"],
];

/// Other commands that show what they compare.
const COMMANDS: [&[&str]; 8] = [
    &["accept", "--reason=r", "--expires=2036-01-01"],
    &["explain", "Secret/shop/cart"],
    &["explain", "License/shop/text", "-o=json"],
    &["explain", "ConfigMap/shop/files"],
    &["snapshot", "--redact"],
    &["rules"],
    &["debt"],
    &[
        "diff",
        "--untrusted",
        "--allow-namespace=shop",
        "--config=m/.driftctl.yaml",
    ],
];

/// Runs all commands with the secret in these spots, and returns their output.
fn shown(spots: &[Spot], secret: &str, dice: usize, rules: bool) -> String {
    let mut world = World::default();
    for (at, spot) in spots.iter().enumerate() {
        spot(&mut world, secret, dice >> at);
    }
    if !rules {
        world.sensitive.clear();
    }
    let begun = world.begin();
    let level = LEVELS[dice % LEVELS.len()];
    begun.diff(level) + &begun.other(COMMANDS[dice / LEVELS.len() % COMMANDS.len()])
}

#[track_caller]
fn check(spots: &[Spot], secret: &str, dice: usize) {
    let shown = shown(spots, secret, dice, true);
    if let Some(piece) = leak(&shown, secret) {
        panic!("{piece:?} of {secret:?} is shown, dice {dice}:\n{shown}");
    }
    assert!(!shown.contains("This is a bug"), "dice {dice}: {shown}");
}

const CANARY: &str = "Zx9-hunter2_CANARY.q7Wvv4";

/// Without its rule, each of these is shown: only the rule hides it.
#[test]
fn sensitive_rules_are_needed_to_mask_these_values() {
    for (at, spot) in spots::NAMED_BY_RULES.iter().enumerate() {
        let shown = shown(&[*spot], CANARY, 0, false);
        assert!(leak(&shown, CANARY).is_some(), "{at}: {shown}");
        check(&[*spot], CANARY, 0);
    }
}

/// The number of cases is `PROPTEST_CASES`, by default small: each runs the program twice.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => default.cases,
            None => 24,
        },
        failure_persistence: None,
        max_shrink_iters: 8,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn shows_no_secrets(
        secret in "[A-Za-z0-9+/_.~!@#$%^&*-]{24,48}",
        spots in proptest::sample::subsequence(spots::all(), 1..5).prop_shuffle(),
        dice in 0..100_000_usize,
    ) {
        check(&spots, &secret, dice);
    }
}
