//! Arguments that decide what is reported, how, and where.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command, ValueEnum};

use super::RedactArgs;
use super::format::offer;
use crate::cli::selection::StartTime;
use crate::model::Severity;
use crate::output::{self, FORMATS, GroupBy, OutputSpec, ShowLevel};
use crate::policy::Glob;

/// The report.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArgs {
    /// Write the report in this format, to standard output or to a file
    ///
    /// Can be repeated, with a file for all but one: -o text -o json=report.json
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser)]
    pub output: Vec<OutputSpec>,

    /// List drift only, also what rules ignore, or everything with explanations
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "drift",
        value_parser = offer(&[
            (ShowLevel::Drift, "What counts as drift"),
            (ShowLevel::Ignored, "Also what rules ignore"),
            (ShowLevel::All, "Also what is in sync, and what is explained and why"),
        ])
    )]
    pub show: ShowLevel,

    /// Show only drift of at least this severity: low, medium, high or critical
    ///
    /// Like --since and --by, this selects what is shown. The verdict and the exit code are always
    /// those of the whole comparison; use --fail-on to select what fails.
    #[arg(
        long,
        value_name = "SEVERITY",
        value_parser = offer(&[
            (Severity::Low, "Everything"),
            (Severity::Medium, "Medium and worse"),
            (Severity::High, "High and critical"),
            (Severity::Critical, "Critical only"),
        ])
    )]
    pub severity: Option<Severity>,

    /// Show only what was written since: 2h, 3d, or a time
    ///
    /// The time of a field manager is that of its last write to the object. Changes without a time,
    /// such as removed fields, are shown too.
    #[arg(long, value_name = "TIME")]
    pub since: Option<StartTime>,

    /// Show only what this user or field manager wrote; a glob such as 'kubectl*'
    ///
    /// Users are known only with --audit-log. Can be repeated.
    #[arg(long, value_name = "NAME")]
    pub by: Vec<Glob>,

    /// Group text, Markdown and HTML by object, author, severity or change
    ///
    /// With 'change', the same change in many objects is one entry with a list of the objects.
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "object",
        value_parser = offer(&[
            (GroupBy::Object, "The changes of each object"),
            (GroupBy::Author, "By the user or field manager that wrote them last"),
            (GroupBy::Severity, "By severity: critical, high, medium, low"),
            (GroupBy::Change, "The same change in several objects"),
        ])
    )]
    pub group_by: GroupBy,

    /// Also show warning Events of what drifted, in the time lines of -o timeline and -o html
    ///
    /// Events of the objects, of their ReplicaSets and of their Pods, and containers that failed.
    /// Needs the permission to list Events, ReplicaSets and Pods in their namespaces.
    #[arg(long)]
    pub events: bool,

    #[allow(rustdoc::bare_urls)] // the help shows it as it is
    /// Link lines of manifests in HTML to this address, such as
    /// https://git.example.com/shop/-/blob/{commit}/{path}#L{line}
    ///
    /// By default, the address comes from the environment of GitHub Actions and GitLab CI, or from
    /// the remote of the Git repository if it is at github, gitlab, bitbucket.org, codeberg.org or
    /// gitea. {commit} is the commit that is checked out, or that --ref names.
    #[arg(long, value_name = "URL", value_parser = line_address)]
    pub link: Option<String>,

    /// Use a pager for long reports on a terminal, or never
    ///
    /// Runs DRIFTCTL_PAGER, PAGER, or less, in this order. Output to pipes and files is never
    /// paged.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub pager: PagerChoice,

    /// How secrets are masked.
    #[command(flatten)]
    pub redact: RedactArgs,

    /// Show secret values as they are
    ///
    /// Only for a person at a terminal: refused where CI is set in the environment, with
    /// --untrusted, and for reports that go to files.
    #[arg(long)]
    pub show_secrets: bool,

    /// Show long values in full, and name each file and document that was skipped
    #[arg(short, long)]
    pub verbose: bool,

    /// Print errors only; the exit code is the result
    ///
    /// Reports that go to files are still written.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Parses the address of a line.
///
/// # Errors
/// Fails if the text is not a web address, or does not contain `{path}`.
fn line_address(text: &str) -> Result<String, String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    match is_web && text.contains("{path}") {
        true => Ok(text.to_owned()),
        false => Err(
            "an address begins with https:// and contains {path}, and {line} for the line"
                .to_owned(),
        ),
    }
}

/// When to use the pager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PagerChoice {
    /// When the text is longer than the terminal
    #[default]
    Auto,
    /// Never
    Never,
}

/// Parses `FORMAT` or `FORMAT=FILE`, with the names from the registry of formats.
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
