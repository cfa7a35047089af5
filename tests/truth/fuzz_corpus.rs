//! Runs the fuzz targets on their seeds, on inputs that once failed, and on pieces and mixtures of
//! both, so that the targets keep working and faults do not come back.

#![allow(clippy::unwrap_used)]

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::fs;
use std::path::Path;

/// Returns the seeds of a target, and the inputs that once failed.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn every_target_accepts_its_seeds() {
    for (target, body) in bodies::ALL {
        let seeds = seeds(target);
        assert!(seeds.len() > 2, "{target} has {} seeds", seeds.len());
        for seed in &seeds {
            body(seed);
        }
    }
}

#[test]
fn every_target_accepts_broken_seeds() {
    for (target, body) in bodies::ALL {
        for seed in seeds(target) {
            for part in 1..16 {
                let cut = seed.len() * part / 16;
                body(&seed[..cut]);
                body(&seed[cut..]);
                let mut broken = seed.clone();
                if let Some(byte) = broken.get_mut(cut) {
                    *byte ^= 1 << (part % 8);
                }
                body(&broken);
            }
        }
    }
}

#[test]
fn every_target_is_built_and_run() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let built = manifest.matches("[[bin]]").count();
    assert_eq!(built, bodies::ALL.len());
    for (target, _) in bodies::ALL {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}
