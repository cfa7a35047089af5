//! Parses `FORMAT` or `FORMAT=FILE`: which report goes where.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{FORMATS, Format, find};

/// One value of `--output`.
#[derive(Clone)]
pub struct OutputSpec {
    /// The format.
    pub format: &'static dyn Format,
    /// The file; `None` for standard output.
    pub file: Option<PathBuf>,
}

impl Default for OutputSpec {
    fn default() -> Self {
        Self {
            format: FORMATS[0],
            file: None,
        }
    }
}

impl fmt::Debug for OutputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputSpec")
            .field("format", &self.format.name())
            .field("file", &self.file)
            .finish()
    }
}

/// There is only one format of each name, so names are enough to compare.
impl PartialEq for OutputSpec {
    fn eq(&self, other: &Self) -> bool {
        self.format.name() == other.format.name() && self.file == other.file
    }
}

/// Why a value of `--output` is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The format does not exist.
    #[error("unknown format '{0}'; formats: {formats}", formats = names())]
    UnknownFormat(String),
    /// `FORMAT=` without a file.
    #[error("'{0}=' names no file; leave out '=' to write to standard output")]
    NoFile(String),
    /// Two reports for the same output.
    #[error("{0} can receive only one report; give each format its own file, as FORMAT=FILE")]
    Taken(String),
}

fn names() -> String {
    let names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    names.join(", ")
}

impl FromStr for OutputSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, file) = match text.split_once('=') {
            Some((name, "")) => return Err(SpecError::NoFile(name.to_owned())),
            Some((name, "-")) => (name, None),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = find(name).ok_or_else(|| SpecError::UnknownFormat(name.to_owned()))?;
        Ok(Self { format, file })
    }
}

impl OutputSpec {
    /// Checks that no two reports go to the same output.
    ///
    /// # Errors
    ///
    /// [`SpecError::Taken`], naming the place.
    pub fn check_all(specs: &[Self]) -> Result<(), SpecError> {
        for (i, spec) in specs.iter().enumerate() {
            if specs[..i].iter().any(|earlier| earlier.file == spec.file) {
                let place = match &spec.file {
                    Some(file) => format!("the file {}", file.display()),
                    None => "standard output".to_owned(),
                };
                return Err(SpecError::Taken(place));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_formats_with_and_without_a_file() {
        let spec: OutputSpec = "json".parse().unwrap();
        assert_eq!((spec.format.name(), spec.file), ("json", None));
        let spec: OutputSpec = "json=-".parse().unwrap();
        assert_eq!(spec.file, None);
        let spec: OutputSpec = "diff=a=b.diff".parse().unwrap();
        assert_eq!(spec.format.name(), "diff");
        assert_eq!(spec.file, Some(PathBuf::from("a=b.diff")));
    }

    #[test]
    fn errors_list_the_formats() {
        let error = "jsn".parse::<OutputSpec>().unwrap_err().to_string();
        assert!(
            error.contains("'jsn'") && error.contains("text, table"),
            "{error}"
        );
        assert_eq!(
            "json=".parse::<OutputSpec>().unwrap_err(),
            SpecError::NoFile("json".to_owned())
        );
    }

    #[test]
    fn rejects_two_reports_for_one_output() {
        let specs = |texts: &[&str]| -> Vec<OutputSpec> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert!(OutputSpec::check_all(&specs(&["text", "json=a", "yaml=b"])).is_ok());
        assert!(OutputSpec::check_all(&specs(&["text", "json"])).is_err());
        assert!(OutputSpec::check_all(&specs(&["text=a", "json=a"])).is_err());
    }
}
