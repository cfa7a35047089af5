//! Evaluates Go templates that do more than look up parameters, with helm.
//!
//! Argo CD and helm use the same template language and functions (Go's `text/template` and sprig).
//! Argo CD adds `normalize` and `slugify` (`argo-cd/applicationset/utils/utils.go`), of which only
//! the first is supported here.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::{Map, Value, json};

use crate::source::chart::HINT;
use crate::source::render::{RendererProgram, RendererRun, Rendering, Secrets, workspace, write};

/// The chart that helm renders.
const CHART: &str = "apiVersion: v2\nname: set\nversion: 0.0.0\n";

/// Argo CD's function, as a template (`SanitizeName`).
const NORMALIZE: &str = "{{ define \"normalize\" }}{{ regexReplaceAll \"[^-a-z0-9.]\" (lower .) \
                         \"-\" | trunc 253 | trimAll \"-.\" }}{{ end }}";

/// What begins the only line of the output that counts.
const RESULTS: &str = "results: ";

/// What an unknown parameter evaluates to.
const UNKNOWN: &str = "<no value>";

/// Returns the values with their templates filled in, once for each set of parameters.
///
/// # Errors
/// Fails if helm is not installed, or a template is invalid or has an unknown parameter.
pub fn expand_all(
    templates: &[&Value],
    parameters: &[Value],
    rendering: &Rendering,
) -> Result<Vec<Vec<Value>>, String> {
    let mut texts = Vec::new();
    templates
        .iter()
        .for_each(|template| collect(template, &mut texts));
    texts.sort_unstable();
    texts.dedup();
    let evaluated = evaluate(&texts, parameters, rendering)?;
    evaluated
        .into_iter()
        .map(|results| {
            if let Some(at) = results.iter().position(|result| result.contains(UNKNOWN)) {
                let text = texts.get(at).copied().unwrap_or_default();
                return Err(refusal(text, "one of its parameters is unknown"));
            }
            let results: BTreeMap<&str, String> = texts.iter().copied().zip(results).collect();
            let templates = templates.iter();
            Ok(templates
                .map(|template| filled(template, &results))
                .collect())
        })
        .collect()
}

/// Collects the texts of a value that contain actions.
fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    let mut add = |text: &'v str| {
        if text.contains("{{") {
            texts.push(text);
        }
    };
    match value {
        Value::String(text) => add(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => {
            fields.keys().for_each(|key| add(key));
            fields.values().for_each(|value| collect(value, texts));
        }
        _ => {}
    }
}

/// Returns a value with its texts replaced by their results.
fn filled(value: &Value, results: &BTreeMap<&str, String>) -> Value {
    let result = |text: &str| results.get(text).map_or(text, String::as_str).to_owned();
    match value {
        Value::String(text) => Value::String(result(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, results)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| (result(key), filled(value, results)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Returns the results of all texts, for each set of parameters.
fn evaluate(
    texts: &[&str],
    parameters: &[Value],
    rendering: &Rendering,
) -> Result<Vec<Vec<String>>, String> {
    let program = RendererProgram::find(rendering.helm.as_deref(), &["helm"], HINT);
    let program = program.map_err(|why| {
        format!("its template computes values, which needs helm to evaluate it: {why}")
    })?;
    let workspace = workspace()?;
    let chart = workspace.path().join("chart");
    let templates = chart.join("templates");
    write(&chart.join("Chart.yaml"), CHART)?;
    // JSON is also YAML.
    let values = json!({"parameters": parameters}).to_string();
    write(&chart.join("values.yaml"), &values)?;
    write(&templates.join("_normalize.tpl"), NORMALIZE)?;
    let mut calls = String::new();
    for (at, text) in texts.iter().enumerate() {
        let text = with_functions(text);
        let definition = format!("{{{{ define \"text{at}\" }}}}{text}{{{{ end }}}}");
        write(&templates.join(format!("_{at}.tpl")), &definition)?;
        calls.push_str(&format!(" (include \"text{at}\" .)"));
    }
    let main = format!(
        "{{{{- $all := list }}}}{{{{ range .Values.parameters }}}}\
         {{{{ $all = append $all (list{calls}) }}}}{{{{ end -}}}}\n{RESULTS}{{{{ toJson $all }}}}\n"
    );
    write(&templates.join("results.yaml"), &main)?;
    let run = RendererRun {
        name: &program.name,
        program: &program.file,
        arguments: ["template", "set"]
            .map(OsString::from)
            .into_iter()
            .chain([chart.into()])
            .collect(),
        workspace: workspace.path(),
        network: false,
        deadline: rendering.deadline,
        sandbox: rendering.sandbox,
        secrets: &Secrets::default,
    };
    let printed = run.run().map_err(|message| explained(&message, texts))?;
    let output = String::from_utf8_lossy(&printed.output);
    let results = output.lines().find_map(|line| line.strip_prefix(RESULTS));
    let results = results.and_then(|results| serde_json::from_str(results).ok());
    results.ok_or_else(|| {
        format!(
            "{} did not print what its template evaluates to",
            program.name
        )
    })
}

/// Returns a text in which Argo CD's own functions are calls of templates. `include "normalize"`
/// takes its argument like the function, also from a pipe.
fn with_functions(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    for (at, part) in text.split("{{").enumerate() {
        if at == 0 {
            replaced.push_str(part);
            continue;
        }
        let (action, after) = match part.split_once("}}") {
            Some((action, after)) => (action, Some(after)),
            None => (part, None),
        };
        replaced.push_str("{{");
        let is_separator = |c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')');
        for word in action.split_inclusive(is_separator) {
            let name = word.trim_end_matches(is_separator);
            if name == "normalize" {
                replaced.push_str("include \"normalize\"");
                replaced.push_str(&word[name.len()..]);
            } else {
                replaced.push_str(word);
            }
        }
        if let Some(after) = after {
            replaced.push_str("}}");
            replaced.push_str(after);
        }
    }
    replaced
}

/// Returns helm's message about the text that it is about.
fn explained(message: &str, texts: &[&str]) -> String {
    let named = message.rsplit_once("templates/_").and_then(|(_, rest)| {
        let (at, rest) = rest.split_once(".tpl")?;
        let text = texts.get(at.parse::<usize>().ok()?)?;
        let reason = rest.trim_start_matches(|c: char| c.is_ascii_digit() || ":) ".contains(c));
        let call = format!("executing \"text{at}\" at ");
        Some((text, reason.strip_prefix(&call).unwrap_or(reason)))
    });
    match named {
        Some((text, reason)) => refusal(text, reason),
        None => message.to_owned(),
    }
}

fn refusal(text: &str, reason: &str) -> String {
    format!(
        "its template {text:?} cannot be evaluated: {reason}; name an Application that it made \
         (argocd:NAME)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_in_actions_are_functions() {
        let same = [
            "normalize",
            "{{ .normalize }}",
            "{{ normalized .x }}",
            "{{ x",
        ];
        for text in same {
            assert_eq!(with_functions(text), text);
        }
        let calls = [
            (
                "{{ .name | normalize }}",
                "{{ .name | include \"normalize\" }}",
            ),
            ("{{normalize .name}}", "{{include \"normalize\" .name}}"),
            (
                "{{ (normalize .a) | upper }}",
                "{{ (include \"normalize\" .a) | upper }}",
            ),
            ("{{.a|normalize}}-x", "{{.a|include \"normalize\"}}-x"),
        ];
        for (text, call) in calls {
            assert_eq!(with_functions(text), call);
        }
    }

    #[test]
    fn messages_quote_the_template_that_is_wrong() {
        let texts = ["{{ .a }}", "{{ slugify .b }}"];
        for message in [
            "helm failed with exit code 1: parse error at (set/templates/_1.tpl:1): function \
             \"slugify\" not defined",
            "helm failed with exit code 1: template: set/templates/_1.tpl:1:28: executing \
             \"text1\" at <slugify>: no such thing",
        ] {
            let said = explained(message, &texts);
            assert!(
                said.starts_with("its template \"{{ slugify .b }}\" cannot"),
                "{said}"
            );
            assert!(!said.contains(".tpl") && !said.contains("text1"), "{said}");
        }
        assert_eq!(
            explained("helm cannot be started", &texts),
            "helm cannot be started"
        );
    }
}
