//! Resolves the arguments against the environment: the second layer of arguments.

use jiff::Timestamp;

use super::CliEnvironment;
use super::args::ColorChoice;
use super::pager::Pager;
use crate::output::RenderOptions;

/// The default width of text, without a terminal.
const DEFAULT_COLUMNS: usize = 100;

/// The minimum width of text: nothing readable fits into less.
const LEAST_COLUMNS: usize = 30;

/// The settings for output of every command.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether results are coloured.
    pub color: bool,
    /// Whether reports in files are coloured.
    pub color_in_files: bool,
    /// Whether messages are coloured.
    pub message_color: bool,
    /// Whether progress may be shown to someone watching.
    pub progress: bool,
    /// The width of text in columns.
    pub columns: usize,
    /// Whether lines are cut to the width: a terminal or `COLUMNS` sets it.
    pub cut: bool,
    /// Whether lines are drawn with ASCII only.
    pub ascii: bool,
    /// Whether places in files are links.
    pub links: bool,
    /// The external program that shows differences.
    pub external_diff: Option<String>,
    /// The command that opens the editor.
    pub editor: String,
    /// The height of the terminal, if results go to one.
    pub rows: Option<usize>,
    /// Whether results go to a terminal.
    pub is_terminal: bool,
    /// Whether there is a terminal to ask questions at.
    pub is_interactive: bool,
    /// The pager for long text.
    pub pager: Pager,
    /// Whether this is a CI job.
    pub is_ci: bool,
    /// Whether there is a person to ask.
    pub can_ask: bool,
    /// The address of a line in the repository of this CI job.
    pub line_address: Option<String>,
    /// The current time, for the whole run.
    pub now: Timestamp,
    /// The user who runs it, if known.
    pub user: Option<String>,
}

impl Settings {
    /// Returns how to render text for this terminal, at this time.
    pub fn render_options(&self) -> RenderOptions {
        RenderOptions {
            colour: self.color,
            width: self.columns,
            cut: self.cut,
            now: Some(self.now),
            ..RenderOptions::default()
        }
    }

    /// Resolves the arguments against the environment.
    pub fn resolve(choice: ColorChoice, around: &CliEnvironment) -> Self {
        Self {
            color: color(choice, around.stdout_is_terminal, around),
            color_in_files: choice == ColorChoice::Always,
            message_color: color(choice, around.stderr_is_terminal, around),
            progress: around.stderr_is_terminal && !around.dumb && !around.is_ci,
            columns: around
                .columns
                .or(around.terminal_columns)
                .unwrap_or(DEFAULT_COLUMNS)
                .max(LEAST_COLUMNS),
            cut: around.columns.is_some() || around.stdout_is_terminal,
            ascii: around.ascii,
            links: around.links && around.stdout_is_terminal,
            external_diff: around.external_diff.clone(),
            editor: around.editor.clone(),
            rows: around
                .terminal_rows
                .filter(|_| around.stdout_is_terminal && !around.dumb && !around.is_ci),
            is_terminal: around.stdout_is_terminal,
            is_interactive: around.stdin_is_terminal && around.stderr_is_terminal && !around.is_ci,
            pager: around.pager.clone(),
            is_ci: around.is_ci,
            can_ask: around.stdin_is_terminal && around.stderr_is_terminal && !around.is_ci,
            line_address: around.line_address.clone(),
            now: around.now,
            user: around.user.clone(),
        }
    }
}

/// Resolves colour: the flag decides; then `NO_COLOR`, then `CLICOLOR_FORCE`, then what the stream
/// supports.
pub fn color(choice: ColorChoice, is_terminal: bool, around: &CliEnvironment) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            !around.no_color && (around.force_color || (is_terminal && !around.dumb))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(choice: ColorChoice, change: impl FnOnce(&mut CliEnvironment)) -> bool {
        let mut around = CliEnvironment::bare();
        change(&mut around);
        color(choice, around.stdout_is_terminal, &around)
    }

    #[test]
    fn chooses_colour_by_flag_then_environment_then_stream() {
        use ColorChoice::{Always, Auto, Never};
        assert!(!resolved(Auto, |_| ()));
        assert!(resolved(Auto, |a| a.stdout_is_terminal = true));
        assert!(!resolved(Auto, |a| {
            a.stdout_is_terminal = true;
            a.no_color = true;
        }));
        assert!(!resolved(Auto, |a| {
            a.stdout_is_terminal = true;
            a.dumb = true;
        }));
        assert!(resolved(Auto, |a| a.force_color = true));
        assert!(!resolved(Auto, |a| {
            a.force_color = true;
            a.no_color = true;
        }));
        assert!(resolved(Always, |a| a.no_color = true));
        assert!(!resolved(Never, |a| a.force_color = true));
    }

    #[test]
    fn shows_progress_on_terminals_only() {
        let shown = |change: fn(&mut CliEnvironment)| {
            let mut around = CliEnvironment::bare();
            around.stderr_is_terminal = true;
            change(&mut around);
            Settings::resolve(ColorChoice::Auto, &around).progress
        };
        assert!(shown(|_| ()));
        assert!(shown(|a| a.no_color = true));
        assert!(!shown(|a| a.stderr_is_terminal = false));
        assert!(!shown(|a| a.dumb = true));
        assert!(!shown(|a| a.is_ci = true));
    }

    #[test]
    fn takes_the_width_from_the_variable_then_from_the_terminal() {
        let columns = |change: fn(&mut CliEnvironment)| {
            let mut around = CliEnvironment::bare();
            change(&mut around);
            Settings::resolve(ColorChoice::Auto, &around).columns
        };
        assert_eq!(columns(|_| ()), 100);
        assert_eq!(columns(|a| a.terminal_columns = Some(80)), 80);
        assert_eq!(
            columns(|a| {
                a.terminal_columns = Some(80);
                a.columns = Some(40);
            }),
            40
        );
        assert_eq!(columns(|a| a.terminal_columns = Some(3)), 30);
    }
}
