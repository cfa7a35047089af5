//! Adds a rule to a file that people wrote, without changing anything else.

use serde::Serialize;
use serde_json::Value;

use super::config_file::field;
use super::read::specs;
use crate::model::ManifestStep;
use crate::policy::RuleSpec;
use crate::yaml;

/// The list that rules are added to.
const LIST: &str = "ignoreDifferences";

/// The layout of the file does not allow adding a rule without rewriting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its layout has no safe place for another rule")]
pub struct CannotAppend;

/// Returns the text with one more rule, at the end of the list. The result is parsed again, and
/// must contain the existing rules and this one.
///
/// Fails if it does not; then nothing was written.
/// Fails if it does not; nothing was written then.
pub fn append(text: &str, rule: &RuleSpec) -> Result<String, CannotAppend> {
    let mut expected = specs(text);
    expected.push(rule.clone());
    let changed = insert(text, rule).ok_or(CannotAppend)?;
    let is_sound = yaml::parse(&changed).problems.is_empty();
    if is_sound && specs(&changed) == expected && others(&changed) == others(text) {
        Ok(changed)
    } else {
        Err(CannotAppend)
    }
}

/// Returns what the file contains besides the list.
fn others(text: &str) -> Value {
    let document = yaml::parse(text).documents.into_iter().next();
    let mut value = document.map_or(Value::Null, |document| document.value);
    if let Some(fields) = value.as_object_mut() {
        fields.remove(LIST);
    }
    match &value {
        Value::Object(fields) if fields.is_empty() => Value::Null,
        _ => value,
    }
}

fn insert(text: &str, rule: &RuleSpec) -> Option<String> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let document = yaml::parse(text).documents.into_iter().next();
    let list = document.as_ref().and_then(|d| d.value.get(LIST));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (at, indent) = match (&document, list) {
        (Some(document), Some(list)) => {
            let locate = |steps: &[ManifestStep]| yaml::locate(text, document.span, steps);
            let key = locate(&[field(LIST)])?;
            match list.as_array() {
                Some(items) if !items.is_empty() => {
                    let first = locate(&[field(LIST), ManifestStep::Index(0)])?;
                    let line = lines.get(first.line.checked_sub(1)?)?;
                    let before: String = line.chars().take(first.column - 1).collect();
                    let indent = before.strip_suffix(' ')?.trim_end().strip_suffix('-')?;
                    if !indent.trim().is_empty() {
                        return None;
                    }
                    (end_of_block(&lines, key.line, indent.len()), indent.len())
                }
                _ => {
                    let line = lines.get_mut(key.line.checked_sub(1)?)?;
                    *line = line.replacen(": []", ":", 1);
                    (key.line, 2)
                }
            }
        }
        _ => {
            if lines.last().is_some_and(|line| !line.trim().is_empty()) {
                lines.push(String::new());
            }
            lines.push(format!("{LIST}:"));
            (lines.len(), 2)
        }
    };
    let margin = " ".repeat(indent);
    let rule = rule_text(rule);
    let added = rule.lines().map(|line| format!("{margin}{line}"));
    lines.splice(at..at, added);
    let mut changed = lines.join(newline);
    changed.push_str(newline);
    Some(changed)
}

/// Returns the number of lines up to the end of a block list whose dashes are at `indent`, without
/// comments and blank lines after it.
fn end_of_block(lines: &[String], key_line: usize, indent: usize) -> usize {
    let mut end = key_line;
    for (i, line) in lines.iter().enumerate().skip(key_line) {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let depth = line.len() - content.len();
        let belongs = depth > indent || (depth == indent && content.starts_with('-'));
        if !belongs || content.starts_with("---") && depth == 0 {
            break;
        }
        end = i + 1;
    }
    end
}

/// Returns a rule as an item of a list, formatted as people write it.
pub fn rule_text(rule: &impl Serialize) -> String {
    let value = serde_json::to_value(rule).unwrap_or_default();
    // In the order of the type, which lists the most important fields first.
    let order = [
        "severity",
        "id",
        "reason",
        "owner",
        "ticket",
        "expires",
        "group",
        "kind",
        "namespace",
        "name",
        "labelSelector",
        "ifDeclared",
        "ifLive",
        "paths",
        "jsonPointers",
        "jqPathExpressions",
        "managedFieldsManagers",
        "podPaths",
        "changes",
        "onlyManagers",
        "explains",
        "ownedBy",
        "otherRegistry",
        "loadsCode",
        "liveIs",
    ];
    let mut lines = Vec::new();
    for key in order {
        match value.get(key) {
            Some(Value::Array(items)) => {
                lines.push(format!("{key}:"));
                let items = items.iter().filter_map(Value::as_str);
                lines.extend(items.map(|item| format!("  - {}", scalar(item))));
            }
            Some(Value::Bool(true)) => lines.push(format!("{key}: true")),
            Some(Value::String(text)) => lines.push(format!("{key}: {}", scalar(text))),
            _ => {}
        }
    }
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        text.push_str(if i == 0 { "- " } else { "  " });
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Returns text as a YAML string: quoted unless every YAML parser reads it as a string.
pub(super) fn scalar(text: &str) -> String {
    // Values on which YAML versions disagree.
    const DISPUTED: &[&str] = &[
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan",
    ];
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-,()' ".contains(c);
    let word = text.strip_prefix('.').unwrap_or(text);
    let reads_back = || {
        let parsed = yaml::parse(&format!("a: {text}\n"));
        let document = parsed.documents.first();
        parsed.problems.is_empty() && document.is_some_and(|d| d.value["a"] == text)
    };
    if word.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_plain)
        && !DISPUTED.contains(&text.to_lowercase().as_str())
        && reads_back()
    {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests;
