//! The built-in rules.

use std::str::FromStr;

use super::{Objects, PathPattern, Rule, RuleOrigin, Selectors, SeverityRule, SeveritySpec};
use crate::model::{ChangeKind, Explanation};

/// The built-in rules, as a file in the schema of users; `driftctl rules` prints it.
pub const BUILTIN: &str = include_str!("builtin.yaml");

/// The same rules about changes and extra objects in a form that needs hardly any parsing, because
/// every run begins with them: a line for each, in columns. A test compares it with the file, and can
/// rewrite it.
const LINES: &str = include_str!("builtin.txt");

/// The severities of the file, as JSON. They are parsed if there is drift to rate.
const SEVERITIES: &str = include_str!("builtin_severity.json");

/// How a line about extra objects begins.
const EXTRA: &str = "extra";

/// Returns the rules about changes, in the order in which they are applied.
pub(super) fn rules() -> impl Iterator<Item = Rule> {
    LINES.lines().filter_map(|line| rule(line, false))
}

/// Returns the rules about objects that need not be declared.
pub(super) fn extra() -> impl Iterator<Item = Rule> {
    LINES.lines().filter_map(|line| rule(line, true))
}

/// Returns the severities, in the order in which they are applied.
///
/// # Errors
/// Fails if they are not severities, which a test rules out.
pub(super) fn severities() -> Result<Vec<SeverityRule>, serde_json::Error> {
    let specs: Vec<SeveritySpec> = serde_json::from_str(SEVERITIES)?;
    Ok(specs.into_iter().map(SeveritySpec::builtin).collect())
}

/// Returns the rule of a line if it is about extra objects, or if it is not. Columns are separated by
/// tabs, and their items by spaces.
fn rule(line: &'static str, is_extra: bool) -> Option<Rule> {
    let mut columns = split(line, b'\t');
    let mut next = || columns.next();
    if (next()? == EXTRA) != is_extra {
        return None;
    }
    let id = next()?.to_owned();
    let explains = explanation(next()?);
    let mut text = || next().map(str::to_owned);
    let objects = Objects {
        group: text()?,
        kind: text()?,
        namespace: text()?,
        name: text()?,
    };
    let labels = parsed(next()?);
    let (if_declared, if_live) = (parsed(next()?), parsed(next()?));
    let owned = !next()?.is_empty();
    let only_applier = !next()?.is_empty();
    let kinds = items(next()?).filter_map(change_kind).collect();
    let managers = items(next()?).map(str::to_owned).collect();
    let paths = items(next()?).map(PathPattern::builtin).collect();
    let selectors = Selectors {
        paths,
        ..Selectors::default()
    };
    Some(Rule {
        id,
        reason: next()?.to_owned(),
        owner: None,
        ticket: None,
        expires: None,
        expired: false,
        origin: RuleOrigin::BuiltIn,
        explains,
        objects,
        labels,
        if_declared,
        if_live,
        kinds,
        managers,
        selectors,
        object_only: is_extra,
        only_applier,
        owned,
        except: Vec::new(),
        of_live: false,
    })
}

/// Returns the items of a column.
fn items(column: &'static str) -> impl Iterator<Item = &'static str> {
    split(column, b' ').filter(|item| !item.is_empty())
}

/// Splits text at each of a byte, in a third of the instructions of [`str::split`].
fn split(text: &'static str, at: u8) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr(at, text.as_bytes()) else {
            rest = None;
            return Some(text);
        };
        rest = text.get(end + 1..);
        text.get(..end)
    })
}

/// Returns the value of a column that may be empty.
fn parsed<T: FromStr>(column: &str) -> Option<T> {
    match column {
        "" => None,
        text => text.parse().ok(),
    }
}

fn explanation(word: &str) -> Option<Explanation> {
    match word {
        "server-managed" => Some(Explanation::ServerManaged),
        "controller-owned" => Some(Explanation::ControllerOwned),
        "admission-changed" => Some(Explanation::AdmissionChanged),
        _ => None,
    }
}

fn change_kind(word: &str) -> Option<ChangeKind> {
    match word {
        "changed" => Some(ChangeKind::Modified),
        "removed" => Some(ChangeKind::Removed),
        "added" => Some(ChangeKind::Added),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::policy::{ExtraSpec, RuleSpec};

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct File {
        ignore_differences: Vec<RuleSpec>,
        ignore_extra: Vec<ExtraSpec>,
        severity: Value,
    }

    fn file() -> File {
        serde_yaml::from_str(BUILTIN).unwrap()
    }

    /// Returns the line of an entry. `about` are the words that begin it.
    fn line(about: &str, entry: &Value) -> String {
        let item = |value: &Value| value.as_str().unwrap().to_owned();
        let column = |key: &str| match &entry[key] {
            Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(" "),
            Value::Null => String::new(),
            Value::Bool(true) => key.to_owned(),
            value => item(value),
        };
        let columns = [
            "id",
            "explains",
            "group",
            "kind",
            "namespace",
            "name",
            "labelSelector",
            "ifDeclared",
            "ifLive",
            "ownedBy",
            "onlyApplier",
            "changes",
            "onlyManagers",
            "paths",
            "reason",
        ];
        let columns: Vec<String> = columns.iter().map(|key| column(key)).collect();
        format!("{about}\t{}\n", columns.join("\t"))
    }

    #[test]
    fn the_compact_forms_equal_the_yaml_file() {
        let file = file();
        let mut lines = String::new();
        for spec in &file.ignore_differences {
            lines.push_str(&line("rule", &json!(spec)));
        }
        for spec in &file.ignore_extra {
            let mut entry = json!(spec);
            (entry["changes"], entry["paths"]) = (json!("added"), json!("."));
            lines.push_str(&line(EXTRA, &entry));
        }
        let severities = format!("{}\n", file.severity);
        if std::env::var_os("DRIFTCTL_BLESS").is_some() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/policy/");
            std::fs::write(format!("{folder}builtin.txt"), lines).unwrap();
            std::fs::write(format!("{folder}builtin_severity.json"), severities).unwrap();
            return;
        }
        let how = "update them with DRIFTCTL_BLESS=1 cargo test --lib -- policy::builtin";
        assert!(lines == LINES, "builtin.txt is not builtin.yaml: {how}");
        assert!(severities == SEVERITIES, "severities differ: {how}");
    }

    #[test]
    fn a_line_gives_the_rule_of_its_entry() {
        let file = file();
        let by_entry = |spec: RuleSpec| spec.compile(RuleOrigin::BuiltIn).unwrap();
        let by_extra = |spec: ExtraSpec| spec.compile(RuleOrigin::BuiltIn).unwrap();
        let entries = file.ignore_differences.into_iter().map(by_entry);
        let entries = entries.chain(file.ignore_extra.into_iter().map(by_extra));
        let lines = rules().chain(extra());
        let mut count = 0;
        for (entry, line) in entries.zip(lines) {
            let (ours, theirs) = (&line.selectors.paths, &entry.selectors.paths);
            assert_eq!(ours.len(), theirs.len(), "{}", entry.id);
            for (line, entry) in ours.iter().zip(theirs) {
                assert!(line.parts_equal(entry), "{line}");
            }
            assert_eq!(format!("{line:?}"), format!("{entry:?}"));
            count += 1;
        }
        assert_eq!(count, LINES.lines().count());
        assert!(count > 100);
    }

    #[test]
    fn a_severity_is_the_same_as_of_its_entry() {
        let specs: Vec<SeveritySpec> = serde_json::from_value(file().severity).unwrap();
        let builtin = severities().unwrap();
        assert!(builtin.len() > 10 && builtin.len() == specs.len());
        for (builtin, spec) in builtin.iter().zip(specs) {
            builtin.check_against(&spec.compile().unwrap());
        }
    }
}
