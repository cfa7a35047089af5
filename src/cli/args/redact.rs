//! The flag that names further secrets.

use std::str::FromStr;

use clap::Args;

use crate::model::KindPattern;
use crate::policy::{PathPattern, PatternError};

/// What to mask besides known secrets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Report")]
pub struct RedactArgs {
    #[allow(rustdoc::broken_intra_doc_links)] // the help shows it as it is
    /// Also mask the values at and below this path, in every object or in those of a kind
    ///
    /// Known secrets are always masked. [*] matches any list item, * any part of a name: --redact
    /// License:.spec.text --redact '.data["*.lic"]'. Can be repeated.
    #[arg(long, value_name = "[KIND:]PATH")]
    pub redact: Vec<SecretPath>,
}

/// A path whose values are secret: `License:.spec.text`.
#[derive(Debug, Clone)]
pub struct SecretPath {
    /// The kind of the objects; `None` for any.
    pub kind: Option<KindPattern>,
    /// The path of the values.
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
