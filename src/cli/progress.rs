//! Shows progress on the last line of a terminal.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::settings::Settings;
use crate::cluster::{Meter, ReadProgress};
use crate::model::ReportTarget;
use crate::output::escape;

const TICK: Duration = Duration::from_millis(100);

/// A progress line that exists while this value lives and disappears afterwards, when results and
/// messages are written.
pub struct ProgressDisplay(Option<ProgressBar>);

impl ProgressDisplay {
    /// Starts to show progress, if someone is watching and did not ask for quiet.
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

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// How long to wait before the line says what the run is waiting for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The server that was connected to, and the context.
static SERVERS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Records that a request is sent to a server, so that the line can name it.
pub fn waits_for(target: &ReportTarget) {
    let server = target.server.as_deref().unwrap_or("the API server");
    let progress_text = match &target.context {
        Some(context) => format!("{server} (context {context})"),
        None => server.to_owned(),
    };
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    if !servers.contains(&progress_text) {
        servers.push(progress_text);
    }
}

/// Shows nothing in the first half second: a credential plugin may be prompting.
fn reached(state: &ProgressState, line: &mut dyn std::fmt::Write) {
    let reached = Meter::of_process().reached();
    if reached.rendered < reached.to_render {
        // A line that cannot be written is not shown.
        let _ = line.write_str(&rendering(reached, state.elapsed()));
        return;
    }
    if reached.groups == 0 && state.elapsed() >= PATIENCE {
        let servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        if !servers.is_empty() {
            let seconds = state.elapsed().as_secs();
            let waiting = format!("waiting for {}, {seconds}s", servers.join(", "));
            // A line that cannot be written is not shown.
            let _ = line.write_str(&escape::line(&waiting));
        }
    }
    if reached.groups > 0 {
        // A line that cannot be written is not shown.
        let _ = line.write_str(&progress_text(reached, state.elapsed()));
    }
}

/// Returns `rendering 12 of 81 kustomizations, charts and Applications, 3s`.
fn rendering(reached: ReadProgress, elapsed: Duration) -> String {
    let ReadProgress {
        to_render,
        rendered,
        ..
    } = reached;
    format!(
        "rendering {rendered} of {to_render} kustomizations, charts and Applications, {}s",
        elapsed.as_secs()
    )
}

/// Returns `reading 12 of 20 kinds by namespace, 512 objects, 3s`.
fn progress_text(reached: ReadProgress, elapsed: Duration) -> String {
    let ReadProgress {
        groups,
        read,
        objects,
        ..
    } = reached;
    let mut progress_text = String::new();
    // Writing into a String does not fail.
    let _ = write!(
        progress_text,
        "reading {read} of {groups} kinds by namespace, {objects} objects, {}s",
        elapsed.as_secs()
    );
    progress_text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_kinds_objects_and_time() {
        let reached = ReadProgress {
            groups: 20,
            read: 12,
            objects: 512,
            to_render: 81,
            rendered: 12,
        };
        let rendering = rendering(reached, Duration::from_secs(3));
        let expected = "rendering 12 of 81 kustomizations, charts and Applications, 3s";
        assert_eq!(rendering, expected);
        let progress_text = progress_text(reached, Duration::from_millis(3_400));
        assert_eq!(
            progress_text,
            "reading 12 of 20 kinds by namespace, 512 objects, 3s"
        );
    }
}
