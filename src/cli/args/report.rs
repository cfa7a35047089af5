//! The words that say what is reported, how, and where to.

use std::str::FromStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command, ValueEnum};

use crate::model::KindPattern;
use crate::output::{self, FORMATS, OutputSpec};
use crate::policy::{PathPattern, PatternError};

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
