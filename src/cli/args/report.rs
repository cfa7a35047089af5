//! The words that say what is reported, how, and where to.

use std::str::FromStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command, ValueEnum};

use crate::cli::selection::Since;
use crate::model::{KindPattern, Severity};
use crate::output::{self, FORMATS, OutputSpec};
use crate::policy::{Glob, PathPattern, PatternError};

/// The report.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArgs {
    /// Write the report in this format, to standard output or to a file
    ///
    /// May be given several times, with a file for each but one: -o text -o json=report.json
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser)]
    pub output: Vec<OutputSpec>,

    /// List drift, also what rules ignore, or everything with its explanation
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub show: Show,

    /// Show what matters at least so much: low, medium, high or critical
    ///
    /// Like --since and --by this chooses what is shown. The verdict and the exit code are those of
    /// the whole comparison; --fail-on chooses what fails.
    #[arg(long, value_name = "SEVERITY", value_enum)]
    pub severity: Option<Level>,

    /// Show what was written since then: 2h, 3d, or a time
    ///
    /// A field manager's time is that of its last write to the object. What has no time, such as
    /// fields that were removed, is shown too.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,

    /// Show what this user or field manager wrote; a glob such as 'kubectl*'
    ///
    /// Users are known from --audit-log. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub by: Vec<Glob>,

    /// Group the text, Markdown and HTML by object, author, severity or change
    ///
    /// By 'change', what was changed alike in many objects is one entry with the list of them.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub group_by: GroupBy,

    /// Show a long text in a pager: on a terminal, or never
    ///
    /// DRIFTCTL_PAGER, else PAGER, else less. Only what goes to a terminal is ever paged.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub pager: PagerChoice,

    #[allow(rustdoc::broken_intra_doc_links)] // the help shows it as it is
    /// Mask the values at this path too, below it as well, in every object or in those of a kind
    ///
    /// What is known to be secret is masked anyway. [*] is any list item, * any part of a name:
    /// --redact License:.spec.text --redact '.data["*.lic"]'. May be given several times.
    #[arg(long, value_name = "[KIND:]PATH")]
    pub redact: Vec<SecretPath>,

    /// Show secret values as they are
    ///
    /// For a person at a terminal: refused where CI is set in the environment, with --untrusted,
    /// and for reports that go to files.
    #[arg(long)]
    pub show_secrets: bool,

    /// Show long values in full, and name each file and document that was skipped
    #[arg(short, long)]
    pub verbose: bool,

    /// Print errors only; the exit code is the answer
    ///
    /// Reports that go to files are written all the same.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// How changes are put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GroupBy {
    /// The changes of each object
    #[default]
    Object,
    /// What each user or field manager wrote last
    Author,
    /// What is critical, high, medium and low
    Severity,
    /// What was changed alike, with the objects
    Change,
}

impl From<GroupBy> for output::GroupBy {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Object => Self::Object,
            GroupBy::Author => Self::Author,
            GroupBy::Severity => Self::Severity,
            GroupBy::Change => Self::Change,
        }
    }
}

/// When to page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PagerChoice {
    /// When the text is longer than the terminal
    #[default]
    Auto,
    /// Never
    Never,
}

/// How much something matters, for `--severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Everything
    Low,
    /// Medium and worse
    Medium,
    /// High and critical
    High,
    /// Critical alone
    Critical,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }
}

/// A path whose values are secret: `License:.spec.text`.
#[derive(Debug, Clone)]
pub struct SecretPath {
    /// Of which kind of objects; `None` for any.
    pub kind: Option<KindPattern>,
    /// Where.
    pub path: PathPattern,
}

impl FromStr for SecretPath {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (kind, path) = match text.split_once(':') {
            Some((kind, path)) if !kind.starts_with(['.', '[']) => {
                let Ok(kind) = kind.parse();
                (Some(kind), path)
            }
            _ => (None, text),
        };
        let path = path.parse()?;
        Ok(Self { kind, path })
    }
}

/// What is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Show {
    /// What counts as drift
    #[default]
    Drift,
    /// Also what rules ignore
    Ignored,
    /// Also what is in sync, and what is explained and why
    All,
}

impl From<Show> for output::Show {
    fn from(show: Show) -> Self {
        match show {
            Show::Drift => Self::Drift,
            Show::Ignored => Self::Ignored,
            Show::All => Self::All,
        }
    }
}

/// Reads `FORMAT` or `FORMAT=FILE`; the registry of formats says which words there are.
#[derive(Debug, Clone, Copy)]
struct OutputParser;

impl TypedValueParser for OutputParser {
    type Value = OutputSpec;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<OutputSpec, clap::Error> {
        let text = value.to_string_lossy();
        text.parse().map_err(|error: output::SpecError| {
            let mut answer = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
            if let Some(argument) = argument {
                let argument = ContextValue::String(argument.to_string());
                answer.insert(ContextKind::InvalidArg, argument);
            }
            let value = ContextValue::String(text.into_owned());
            answer.insert(ContextKind::InvalidValue, value);
            answer.insert(
                ContextKind::Suggested,
                ContextValue::StyledStrs(vec![error.to_string().into()]),
            );
            answer
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let formats = FORMATS.iter();
        Some(Box::new(formats.map(|format| {
            PossibleValue::new(format.name()).help(format.description())
        })))
    }
}
