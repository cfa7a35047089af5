//! `semver(…)`: versions.

use std::cmp::Ordering;

use cel::common::types::{BOOL_TYPE, CelBool, CelInt, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};

use super::{
    Args, FunctionAnswer, Members, add_global, arg, boolean, invalid, opaque, owned, text,
};

opaque!(Semver(SemanticVersion), SEMVER = "kubernetes.Semver");

/// A version, ordered as <https://semver.org> says. Build metadata after a `+` is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SemanticVersion {
    numbers: [u64; 3],
    before: Vec<PreReleasePart>,
}

/// A part of the pre-release after a `-`. Numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PreReleasePart {
    Number(u64),
    Word(String),
}

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_type(SEMVER.to_owned())?;
    add_global(env, "semver", &[&STRING_TYPE], of)?;
    add_global(env, "semver", &[&STRING_TYPE, &BOOL_TYPE], of)?;
    add_global(env, "isSemver", &[&STRING_TYPE], is)?;
    add_global(env, "isSemver", &[&STRING_TYPE, &BOOL_TYPE], is)?;
    let mut members = Members(env, &SEMVER);
    members.add("isLessThan", &[&SEMVER], is_less)?;
    members.add("isGreaterThan", &[&SEMVER], is_greater)?;
    members.add("compareTo", &[&SEMVER], compare_to)?;
    members.add("major", &[], |args| number(&args, 0))?;
    members.add("minor", &[], |args| number(&args, 1))?;
    members.add("patch", &[], |args| number(&args, 2))
}

impl SemanticVersion {
    fn parse(text: &str) -> Option<Self> {
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        if build.is_some_and(|build| !build.split('.').all(is_word)) {
            return None;
        }
        let (core, before) = match text.split_once('-') {
            Some((core, before)) => (core, Some(before)),
            None => (text, None),
        };
        let numbers: Option<Vec<u64>> = core.split('.').map(whole).collect();
        let before = before.map(|before| {
            let parts = before.split('.').map(|part| {
                is_word(part).then_some(())?;
                match part.bytes().all(|b| b.is_ascii_digit()) {
                    true => whole(part).map(PreReleasePart::Number),
                    false => Some(PreReleasePart::Word(part.to_owned())),
                }
            });
            parts.collect::<Option<Vec<PreReleasePart>>>()
        });
        Some(Self {
            numbers: numbers?.try_into().ok()?,
            before: before.unwrap_or_else(|| Some(Vec::new()))?,
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        let before = match (self.before.is_empty(), other.before.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.before.cmp(&other.before),
        };
        self.numbers.cmp(&other.numbers).then(before)
    }
}

/// Parses a number without leading zeros.
fn whole(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    let is_padded = text.len() > 1 && text.starts_with('0');
    (is_number && !is_padded)
        .then(|| text.parse().ok())
        .flatten()
}

/// Parses the text as a version.
fn parse(args: &[CowVal<'_, '_>]) -> Result<Option<SemanticVersion>, ExecutionError> {
    let given = text(args, 0)?;
    let is_loose = args.len() > 1 && *arg::<CelBool>(args, 1)?.inner();
    Ok(match is_loose {
        true => SemanticVersion::parse(&normal(given)),
        false => SemanticVersion::parse(given),
    })
}

/// Normalizes `v1.2` as Kubernetes does: three numbers, without leading zeros.
fn normal(text: &str) -> String {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let mut numbers: Vec<&str> = core
        .split('.')
        .map(|number| match number.trim_start_matches('0') {
            "" if !number.is_empty() => "0",
            number => number,
        })
        .collect();
    while numbers.len() < 3 && rest.is_empty() {
        numbers.push("0");
    }
    format!("{}{rest}", numbers.join("."))
}

fn of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let version = parse(&args)?;
    owned(Semver(
        version.ok_or_else(|| invalid("semver", "it is not a version"))?,
    ))
}

fn is<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(parse(&args)?.is_some()))
}

fn order(args: &[CowVal<'_, '_>]) -> Result<Ordering, ExecutionError> {
    let (one, other) = (arg::<Semver>(args, 0)?, arg::<Semver>(args, 1)?);
    Ok(one.0.order(&other.0))
}

fn is_less<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(order(&args)? == Ordering::Less))
}

fn is_greater<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(order(&args)? == Ordering::Greater))
}

fn compare_to<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(CelInt::from(order(&args)? as i64))
}

fn number<'b, 'v>(args: &Args<'b, 'v>, at: usize) -> FunctionAnswer<'b, 'v> {
    let numbers = arg::<Semver>(args, 0)?.0.numbers;
    let number = numbers
        .get(at)
        .and_then(|number| i64::try_from(*number).ok());
    owned(CelInt::from(number.ok_or_else(|| {
        invalid("semver", "the number is too large")
    })?))
}
