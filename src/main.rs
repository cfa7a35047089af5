//! The driftctl command.

fn main() {}
