//! Reads the environment of the process: terminals, variables, the clock.

use std::env;
use std::io::{self, IsTerminal};

use jiff::Timestamp;

use super::pager::Pager;

/// Facts about the environment, read once, so that everything else depends only on its arguments
/// and tests can simulate any terminal.
#[derive(Debug, Clone)]
pub struct CliEnvironment {
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether standard input is a terminal, so that no manifests are piped in.
    pub stdin_is_terminal: bool,
    /// The width of the terminal.
    pub terminal_columns: Option<usize>,
    /// Whether the locale is not UTF-8.
    pub ascii: bool,
    /// Whether the terminal supports links (OSC 8).
    pub links: bool,
    /// The external program that shows differences, as kubectl users set it.
    pub external_diff: Option<String>,
    /// The editor from the environment.
    pub editor: String,
    /// The height of the terminal.
    pub terminal_rows: Option<usize>,
    /// The pager from the environment.
    pub pager: Pager,
    /// `NO_COLOR` (<https://no-color.org>) is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` (<https://bixense.com/clicolors>) is set, and neither empty nor `0`.
    pub force_color: bool,
    /// `TERM=dumb`: a terminal without escape sequences.
    pub dumb: bool,
    /// `COLUMNS`, if a shell or a script sets the width.
    pub columns: Option<usize>,
    /// `CI` is set and neither `false` nor `0`: nobody watches, and many people read the logs.
    pub is_ci: bool,
    /// The address of a line in the repository of this CI job, with `{commit}`, `{path}` and
    /// `{line}`.
    pub line_address: Option<String>,
    /// The current time, for "3h ago". `SOURCE_DATE_EPOCH` overrides it, which makes reports
    /// reproducible (<https://reproducible-builds.org/specs/source-date-epoch>).
    pub now: Timestamp,
    /// The user who runs it: the Git author, or the system user.
    pub user: Option<String>,
}

impl CliEnvironment {
    /// Reads the environment.
    pub fn detect() -> Self {
        Self {
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            stdin_is_terminal: io::stdin().is_terminal(),
            terminal_columns: terminal_size::terminal_size()
                .map(|(terminal_size::Width(columns), _)| usize::from(columns)),
            ascii: ["LC_ALL", "LC_CTYPE", "LANG"]
                .into_iter()
                .find_map(var)
                .is_some_and(|locale| {
                    let locale = locale.to_ascii_lowercase();
                    !(locale.contains("utf-8") || locale.contains("utf8"))
                }),
            links: has_links(),
            external_diff: var("KUBECTL_EXTERNAL_DIFF"),
            editor: ["VISUAL", "EDITOR"]
                .into_iter()
                .find_map(var)
                .unwrap_or_else(|| "vi".to_owned()),
            terminal_rows: terminal_size::terminal_size()
                .map(|(_, terminal_size::Height(rows))| usize::from(rows)),
            // An empty value turns paging off.
            pager: Pager::of(
                ["DRIFTCTL_PAGER", "PAGER"]
                    .map(|name| env::var(name).ok())
                    .iter()
                    .map(Option::as_deref),
            ),
            no_color: var("NO_COLOR").is_some(),
            force_color: var("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: var("TERM").is_some_and(|term| term == "dumb"),
            columns: number("COLUMNS"),
            is_ci: var("CI").is_some_and(|value| value != "false" && value != "0"),
            line_address: line_address(&var),
            now: number("SOURCE_DATE_EPOCH")
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .unwrap_or_else(Timestamp::now),
            user: ["GIT_AUTHOR_NAME", "USER", "LOGNAME", "USERNAME"]
                .into_iter()
                .find_map(var),
        }
    }
}

/// Returns whether the terminal is known to support links.
fn has_links() -> bool {
    if let Some(forced) = var("FORCE_HYPERLINK") {
        return forced != "0";
    }
    let by_version = number::<u32>("VTE_VERSION").is_some_and(|version| version >= 5000);
    let known = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper"];
    let by_name = var("TERM_PROGRAM").is_some_and(|name| known.contains(&name.as_str()));
    let by_mark = ["WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION"];
    by_version || by_name || by_mark.into_iter().any(|name| var(name).is_some())
}

/// Returns the address of a line in the repository that GitHub Actions or GitLab CI runs in.
fn line_address(var: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let github = var("GITHUB_REPOSITORY").map(|repository| {
        let server = var("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        format!("{server}/{repository}/blob/{{commit}}/{{path}}#L{{line}}")
    });
    let gitlab = || {
        let project = var("CI_PROJECT_URL")?;
        Some(format!("{project}/-/blob/{{commit}}/{{path}}#L{{line}}"))
    };
    let address = github.or_else(gitlab)?;
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    is_web.then_some(address)
}

/// Returns a variable, unless it is empty.
fn var(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    var(name)?.parse().ok()
}

#[cfg(test)]
impl CliEnvironment {
    /// Returns an empty environment: no terminal, no variables, the epoch as time.
    pub fn bare() -> Self {
        Self {
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            stdin_is_terminal: false,
            terminal_columns: None,
            ascii: false,
            links: false,
            external_diff: None,
            editor: "vi".to_owned(),
            terminal_rows: None,
            pager: Pager::none(),
            no_color: false,
            force_color: false,
            dumb: false,
            is_ci: false,
            columns: None,
            line_address: None,
            now: Timestamp::UNIX_EPOCH,
            user: None,
        }
    }
}
