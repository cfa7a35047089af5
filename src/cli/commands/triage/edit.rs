//! Opens the file of decisions in an editor, as `git rebase -i` does.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::todo::Todo;
use super::{apply, list};
use crate::cli::args::TriageArgs;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::output::escape;

/// Writes the file, opens it in the editor, and carries out the decisions.
///
/// # Errors
/// Fails if there is no terminal, the editor fails, or the decisions cannot be carried out. The
/// file is kept then, and named.
pub fn run(args: &TriageArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    ensure!(
        settings.can_ask,
        "no terminal to edit in; write the file with 'driftctl triage PATH > todo', then run \
         --apply todo"
    );
    let listed = list(args, settings, streams)?;
    if listed.changes == 0 {
        writeln!(streams.out, "no drift to decide on")?;
        return Ok(listed.exit);
    }
    let mut file = tempfile::Builder::new()
        .prefix("driftctl-todo-")
        .tempfile()
        .context("cannot create a file to edit")?;
    file.write_all(listed.text.as_bytes())
        .and_then(|()| file.flush())
        .context("cannot write the file to edit")?;
    streams.out.flush()?;
    open(&settings.editor, file.path())?;
    // An editor may have replaced the file.
    let text = fs::read_to_string(file.path()).context("cannot read the edited file")?;
    let name = "todo";
    let decided = Todo::parse(name, &text).and_then(|todo| {
        let is_idle = todo.is_idle();
        Ok((apply(args, &todo, settings, streams)?, is_idle))
    });
    let is_over = matches!(decided, Ok((exit, is_idle)) if exit == Exit::Clean || is_idle);
    if !is_over {
        let (_, path) = file.keep().context("cannot save the decisions")?;
        let path = path.display().to_string();
        writeln!(
            streams.err,
            "the decisions are saved in {0}; carry them out with: driftctl triage --apply {0}",
            escape::line(&path)
        )?;
    }
    Ok(decided?.0.max(listed.exit))
}

/// Opens a file at a line in the editor, if the editor is known to take one.
///
/// # Errors
/// Fails if the editor cannot be run, or fails.
pub fn open_at(editor: &str, file: &Path, line: usize) -> Result<()> {
    let program = editor.split_whitespace().next().unwrap_or_default();
    let program = Path::new(program).file_stem().unwrap_or_default();
    let words = match program.to_string_lossy().as_ref() {
        "code" | "codium" | "cursor" => vec!["--goto".into(), file_and_line(file, line)],
        "hx" | "helix" | "subl" | "zed" => vec![file_and_line(file, line)],
        "vi" | "vim" | "nvim" | "view" | "nano" | "pico" | "emacs" | "emacsclient" | "micro"
        | "kak" | "joe" | "jed" | "mg" | "ne" | "gedit" | "kate" => {
            vec![format!("+{line}").into(), file.into()]
        }
        _ => vec![file.into()],
    };
    run_editor(editor, &words)
}

/// Returns `file:line`.
fn file_and_line(file: &Path, line: usize) -> OsString {
    let mut place = file.as_os_str().to_owned();
    place.push(format!(":{line}"));
    place
}

/// Opens a file in the editor.
///
/// # Errors
/// Fails if the editor cannot be run, or fails.
pub fn open(editor: &str, file: &Path) -> Result<()> {
    run_editor(editor, &[file.into()])
}

fn run_editor(editor: &str, args: &[OsString]) -> Result<()> {
    // As in Git, the variable may contain several words, which the shell splits.
    let mut command = if cfg!(windows) {
        let mut words = editor.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or("notepad"));
        command.args(words).args(args);
        command
    } else {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{editor} \"$@\""), editor])
            .args(args);
        command
    };
    let status = command
        .status()
        .with_context(|| format!("cannot run the editor {editor} ($VISUAL, $EDITOR)"))?;
    // Only a shell says so.
    if status.code() == Some(127) {
        bail!("there is no editor {editor}; set $VISUAL or $EDITOR to one");
    }
    if !status.success() {
        bail!("the editor {editor} ($VISUAL, $EDITOR) failed ({status}); nothing was done");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn says_whether_the_editor_is_missing_or_fails() {
        let said = |editor: &str| open(editor, Path::new("x")).unwrap_err().to_string();
        let missing = "there is no editor /no/editor; set $VISUAL or $EDITOR to one";
        assert_eq!(said("/no/editor"), missing);
        assert!(said("false").contains("failed (exit status: 1); nothing was done"));
    }
}
