//! The templates of ApplicationSets that only look up parameters. For others see `go_template`.

use serde_json::{Map, Value};

/// The parameters of templates.
#[derive(Debug, Clone)]
pub struct Params {
    values: Value,
    /// Whether templates are Go templates (`goTemplate: true`), instead of only `{{name}}`.
    is_go: bool,
}

impl Params {
    /// Returns parameters. Without `goTemplate`, the keys are full names such as `path.basename`.
    pub fn new(values: Value, is_go: bool) -> Self {
        Self { values, is_go }
    }

    /// Returns the value of an action; `None` if it is more than a name, or the name is unknown.
    fn look_up(&self, action: &str) -> Option<String> {
        let value = if self.is_go {
            self.by_go(action)
        } else {
            self.values.get(action).or_else(|| {
                let mut parts = action.split('.');
                parts.try_fold(&self.values, |value, part| value.get(part))
            })
        };
        match value? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// Evaluates `.path.basename`, `index .path.segments 1`.
    fn by_go(&self, action: &str) -> Option<&Value> {
        if let Some(rest) = action.strip_prefix("index ") {
            let (list, index) = rest.trim().split_once(' ')?;
            return self.by_go(list)?.get(index.trim().parse::<usize>().ok()?);
        }
        let mut parts = action.strip_prefix('.')?.split('.');
        parts.try_fold(&self.values, |value, part| value.get(part))
    }
}

/// Returns a template with all parameters filled in, in values and in keys.
///
/// # Errors
/// Fails if an action is more than a look-up, or a parameter is unknown.
pub fn expand(template: &Value, params: &Params) -> Result<Value, String> {
    Ok(match template {
        Value::String(text) => Value::String(expand_text(text, params)?),
        Value::Array(items) => {
            let items = items.iter().map(|item| expand(item, params));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| Ok((expand_text(key, params)?, expand(value, params)?)));
            Value::Object(fields.collect::<Result<Map<_, _>, String>>()?)
        }
        other => other.clone(),
    })
}

/// Does the same for combined generators: unknown parameters stay unchanged.
pub fn expand_known(template: &Value, params: &Params) -> Value {
    match template {
        Value::String(text) => {
            Value::String(expand_text(text, params).unwrap_or_else(|_| text.clone()))
        }
        Value::Array(items) => items
            .iter()
            .map(|item| expand_known(item, params))
            .collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| (key.clone(), expand_known(value, params)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn expand_text(text: &str, params: &Params) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, after) = after
            .split_once("}}")
            .ok_or("a template opens {{ but does not close it")?;
        let value = params.look_up(action.trim()).ok_or_else(|| {
            format!(
                "its template has {{{{{action}}}}}, which is not a known parameter, or more than \
                 one: without rendering, only look-ups are expanded; name an Application that it \
                 made (argocd:NAME)"
            )
        })?;
        expanded.push_str(before);
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn looks_up_names_in_both_notations() {
        let plain = Params::new(
            json!({"path": "a/b", "path.basename": "b", "path[0]": "a"}),
            false,
        );
        let text = json!({"{{path.basename}}": ["x-{{ path[0] }}-{{path}}", 1]});
        let expected = json!({"b": ["x-a-a/b", 1]});
        assert_eq!(expand(&text, &plain).unwrap(), expected);
        let go = json!({"path": {"path": "a/b", "segments": ["a", "b"]}, "n": 3});
        let go = Params::new(go, true);
        let text = json!("{{.path.path}} {{ index .path.segments 1 }} {{ .n }}");
        assert_eq!(expand(&text, &go).unwrap(), json!("a/b b 3"));
    }

    #[test]
    fn actions_that_compute_values_are_errors() {
        let params = Params::new(json!({"name": "a"}), true);
        for text in [
            "{{ .name | upper }}",
            "{{ if .name }}",
            "{{.other}}",
            "{{name}}",
            "{{ .name",
        ] {
            assert!(expand(&json!(text), &params).is_err(), "{text}");
        }
    }
}
