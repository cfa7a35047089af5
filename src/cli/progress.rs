//! How far a run is, on a terminal's last line.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::settings::Settings;
use crate::cluster::{Meter, Reached};

const TICK: Duration = Duration::from_millis(100);

/// A line that is there while this lives, and gone without a trace afterwards: results and
/// messages are written then.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Begins to show how far reading is, where somebody watches and does not want quiet.
    pub fn begin(settings: &Settings, quiet: bool) -> Self {
        if !settings.progress || quiet {
            return Self(None);
        }
        // The bar draws on the process's own standard error, which is a terminal here.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let Ok(style) = ProgressStyle::with_template("{reached}") else {
            return Self(None);
        };
        bar.set_style(style.with_key("reached", reached));
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Nothing until reading begins: a credential plugin may be asking something.
fn reached(state: &ProgressState, line: &mut dyn std::fmt::Write) {
    let reached = Meter::of_process().reached();
    if reached.groups > 0 {
        // A line that cannot be written is not shown.
        let _ = line.write_str(&said(reached, state.elapsed()));
    }
}

/// `reading 12 of 20 kinds by namespace, 512 objects, 3s`
fn said(reached: Reached, elapsed: Duration) -> String {
    let Reached {
        groups,
        read,
        objects,
    } = reached;
    let mut said = String::new();
    // Writing into a String does not fail.
    let _ = write!(
        said,
        "reading {read} of {groups} kinds by namespace, {objects} objects, {}s",
        elapsed.as_secs()
    );
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_objects_and_time_are_said() {
        let reached = Reached {
            groups: 20,
            read: 12,
            objects: 512,
        };
        let said = said(reached, Duration::from_millis(3_400));
        assert_eq!(said, "reading 12 of 20 kinds by namespace, 512 objects, 3s");
    }
}
