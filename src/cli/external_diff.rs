//! `KUBECTL_EXTERNAL_DIFF`: runs the program that shows differences for kubectl and Argo CD, on two
//! folders without secrets.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Streams;
use super::message;
use super::settings::Settings;
use crate::output::{flat_file_name, object_text};
use crate::redact::Redacted;

/// Writes both sides into two folders, and runs the program on them.
///
/// # Errors
/// Fails if the folders cannot be written, or the program cannot be run or fails.
pub fn show(reports: &[Redacted], settings: &Settings, streams: &mut Streams) -> Result<()> {
    let words = settings.external_diff.as_deref().unwrap_or_default();
    // As in kubectl, the value is split at blanks, without shell syntax.
    let mut words = words.split_whitespace();
    let Some(program) = words.next() else {
        bail!("KUBECTL_EXTERNAL_DIFF does not name a program");
    };
    let folder = tempfile::Builder::new().prefix("driftctl-").tempdir()?;
    for (at, report) in reports.iter().enumerate() {
        let cluster = if reports.len() > 1 {
            format!("{at}.")
        } else {
            String::new()
        };
        for object in report.objects.iter().filter(|object| object.is_drift()) {
            let name = format!("{cluster}{}", flat_file_name(object));
            let sides = [("declared", &object.declared), ("live", &object.live)];
            for (side, value) in sides {
                // As in kubectl, a missing side is an empty file.
                let text = value.as_ref().map(|value| object_text(&value.value()));
                let file = folder.path().join(side).join(&name);
                write(&file, &text.unwrap_or_default())?;
            }
        }
    }
    for side in ["declared", "live"] {
        fs::create_dir_all(folder.path().join(side))?;
    }
    streams.out.flush()?;
    let status = Command::new(program)
        .args(words)
        .args([folder.path().join("declared"), folder.path().join("live")])
        .status()
        .with_context(|| format!("cannot run {program} (KUBECTL_EXTERNAL_DIFF)"))?;
    // As in kubectl, an exit code above 1 is a failure.
    if status.code().is_none_or(|code| code > 1) {
        bail!("{program} (KUBECTL_EXTERNAL_DIFF) failed: {status}");
    }
    for report in reports {
        message::what_failed(streams, settings, report, None);
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
