//! Validates with the part of JSON Schema that the tests need. An unknown keyword is a failure, so
//! that nothing is skipped.

use serde_json::Value;

/// Returns the errors of `value`, each with its place.
pub fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let keywords = match schema {
        Value::Bool(true) => return,
        Value::Object(keywords) => keywords,
        other => panic!("no schema: {other}"),
    };
    for (keyword, wanted) in keywords {
        let mut wrong = |what: String| found.push(format!("{at}: {what}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => {}
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                check(root, root.pointer(pointer).unwrap(), value, at, found);
            }
            "type" => {
                let fits = |word: &Value| is_type(word.as_str().unwrap(), value);
                let fits = match wanted {
                    Value::Array(words) => words.iter().any(fits),
                    word => fits(word),
                };
                if !fits {
                    wrong(format!("not of type {wanted}"));
                }
            }
            "const" if value != wanted => wrong(format!("not {wanted}")),
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                wrong(format!("{value} is not one of {wanted}"));
            }
            "const" | "enum" => {}
            "minimum" if value.as_f64() < wanted.as_f64() => wrong(format!("below {wanted}")),
            "minItems" if value.as_array().map(Vec::len) < wanted.as_u64().map(|n| n as usize) => {
                wrong("too few items".to_owned());
            }
            "minimum" | "minItems" => {}
            "required" => {
                for name in wanted.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        wrong(format!("without {name}"));
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(wanted, &Value::Bool(false));
                let known = &schema["properties"];
                for name in value.as_object().into_iter().flat_map(|o| o.keys()) {
                    if known.get(name).is_none() {
                        wrong(format!("knows no {name}"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(root, schema, value, &format!("{at}.{name}"), found);
                    }
                }
            }
            "items" => {
                for (i, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, value, &format!("{at}[{i}]"), found);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |schema: &&Value| {
                    let mut inner = Vec::new();
                    check(root, schema, value, at, &mut inner);
                    inner.is_empty()
                };
                let fitting = wanted.as_array().unwrap().iter().filter(fits).count();
                if fitting == 0 || keyword == "oneOf" && fitting > 1 {
                    wrong(format!("fits {fitting} of the alternatives"));
                }
            }
            unknown => panic!("the keyword {unknown} is not known here"),
        }
    }
}

fn is_type(word: &str, value: &Value) -> bool {
    match word {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => panic!("no type: {word}"),
    }
}
