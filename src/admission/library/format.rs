//! `format.…()`: validates names and other strings.

use std::sync::LazyLock;

use cel::common::types::{CelOptional, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use regex::Regex;

use super::url::{UrlError, is_request_uri};
use super::{
    Args, FunctionAnswer, Members, add_global, arg, list_of_strings, opaque, owned, text,
    unexpected,
};

opaque!(Format(StringFormat), FORMAT = "kubernetes.NamedFormat");

/// The required form of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StringFormat {
    /// A name, by its characters and its maximum length. A prefix may end in `-`.
    Name {
        expression: &'static str,
        most: usize,
        is_prefix: bool,
    },
    QualifiedName,
    Uri,
    Uuid,
    Byte,
    Date,
    DateTime,
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const UUID: &str = "(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}";
const BYTE: &str = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})";

const fn name(expression: &'static str, most: usize, is_prefix: bool) -> StringFormat {
    StringFormat::Name {
        expression,
        most,
        is_prefix,
    }
}

/// Every form, by its name.
const FORMS: [(&str, StringFormat); 13] = [
    ("dns1123Label", name(LABEL, 63, false)),
    ("dns1123LabelPrefix", name(LABEL, 63, true)),
    ("dns1123Subdomain", name(SUBDOMAIN, 253, false)),
    ("dns1123SubdomainPrefix", name(SUBDOMAIN, 253, true)),
    ("dns1035Label", name(LABEL_1035, 63, false)),
    ("dns1035LabelPrefix", name(LABEL_1035, 63, true)),
    ("labelValue", name(LABEL_VALUE, 63, false)),
    ("qualifiedName", StringFormat::QualifiedName),
    ("uri", StringFormat::Uri),
    ("uuid", StringFormat::Uuid),
    ("byte", StringFormat::Byte),
    ("date", StringFormat::Date),
    ("datetime", StringFormat::DateTime),
];

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_type(FORMAT.to_owned())?;
    add_global(env, "format.named", &[&STRING_TYPE], named)?;
    // A function has no state, so each form has its own function.
    macro_rules! add {
        ($($at:literal)*) => {$(
            add_global(env, &format!("format.{}", FORMS[$at].0), &[], |_| {
                owned(Format(FORMS[$at].1))
            })?;
        )*};
    }
    add!(0 1 2 3 4 5 6 7 8 9 10 11 12);
    Members(env, &FORMAT).add("validate", &[&STRING_TYPE], validate)
}

fn named<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let wanted = text(&args, 0)?;
    let form = FORMS.iter().find(|(name, _)| *name == wanted);
    owned(match form {
        Some((_, form)) => CelOptional::of(Box::new(Format(*form))),
        None => CelOptional::none(),
    })
}

fn validate<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let faults = arg::<Format>(&args, 0)?.0.faults(text(&args, 1)?)?;
    let list = || Box::new(list_of_strings(faults.clone())) as Box<dyn Val + 'v>;
    Ok(CowVal::owned(match faults.is_empty() {
        true => CelOptional::none(),
        false => CelOptional::of(list()),
    }))
}

/// Returns whether an expression matches the whole text. The expressions are constants of this
/// file.
fn is_match(expression: &'static str, text: &str) -> bool {
    static KNOWN: LazyLock<Vec<(&str, Option<Regex>)>> = LazyLock::new(|| {
        let all = [
            LABEL,
            LABEL_1035,
            SUBDOMAIN,
            LABEL_VALUE,
            QUALIFIED,
            UUID,
            BYTE,
        ];
        all.map(|one| (one, Regex::new(&format!("^(?:{one})$")).ok()))
            .into()
    });
    let mut known = KNOWN.iter().filter(|(one, _)| *one == expression);
    let known = known.find_map(|(_, read)| read.as_ref());
    known.is_some_and(|read| read.is_match(text))
}

fn too_long(most: usize) -> String {
    format!("must be no more than {most} characters")
}

impl StringFormat {
    /// Returns what is wrong with a text.
    fn faults(self, given: &str) -> Result<Vec<String>, ExecutionError> {
        let one = |is_fine: bool, fault: &str| match is_fine {
            true => Vec::new(),
            false => vec![fault.to_owned()],
        };
        Ok(match self {
            Self::Name {
                expression,
                most,
                is_prefix,
            } => {
                let masked = given
                    .strip_suffix('-')
                    .filter(|rest| is_prefix && !rest.is_empty());
                let masked = masked.map(|rest| {
                    let kept: String = rest.chars().take(rest.chars().count() - 1).collect();
                    kept + "a"
                });
                let checked = masked.as_deref().unwrap_or(given);
                let mut faults = Vec::new();
                if checked.len() > most {
                    faults.push(too_long(most));
                }
                if !is_match(expression, checked) {
                    faults.push(format!("regex used for validation is '{expression}'"));
                }
                faults
            }
            Self::QualifiedName => qualified_faults(given),
            Self::Uri => match is_request_uri(given) {
                Ok(()) => Vec::new(),
                Err(UrlError::Wrong) => vec!["invalid URI".to_owned()],
                Err(UrlError::Strange) => return Err(unexpected("URI")),
            },
            Self::Uuid => one(is_match(UUID, given), "does not match the UUID format"),
            Self::Byte => one(is_match(BYTE, given), "invalid base64"),
            Self::Date => {
                let is_date = given.len() == 10 && given.parse::<jiff::civil::Date>().is_ok();
                one(is_date, "invalid date")
            }
            Self::DateTime => match super::time::is_timestamp(given) {
                true => Vec::new(),
                // Other layouts are accepted too.
                false => return Err(unexpected("datetime")),
            },
        })
    }
}

fn qualified_faults(given: &str) -> Vec<String> {
    let (prefix, name) = match given.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, given),
    };
    let mut faults = Vec::new();
    if name.contains('/') {
        faults.push("a qualified name has at most one '/'".to_owned());
        return faults;
    }
    match prefix {
        Some("") => faults.push("prefix part must be non-empty".to_owned()),
        Some(prefix) if prefix.len() > 253 || !is_match(SUBDOMAIN, prefix) => {
            faults.push(format!(
                "prefix part regex used for validation is '{SUBDOMAIN}'"
            ));
        }
        _ => {}
    }
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        faults.push(format!("name part {}", too_long(63)));
    }
    if !is_match(QUALIFIED, name) {
        faults.push(format!(
            "name part regex used for validation is '{QUALIFIED}'"
        ));
    }
    faults
}
