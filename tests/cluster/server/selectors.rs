//! `labelSelector` and `fieldSelector` of a list.

use serde_json::Value;

/// Selects objects of a list.
pub struct Selector {
    terms: Vec<Term>,
}

enum Term {
    Is(String, String),
    IsNot(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    ExistsNot(String),
}

impl Selector {
    /// Returns the selector of a query's values; empty texts select everything.
    ///
    /// # Errors
    /// Returns the API server's error for a field that a kind does not support in selectors.
    pub fn read(labels: &str, fields: &str) -> Result<Self, String> {
        let mut terms: Vec<Term> = split(labels)
            .map(|term| read(term, "metadata.labels."))
            .collect();
        for term in split(fields) {
            let term = read(term, "");
            let (Term::Is(path, _) | Term::IsNot(path, _)) = &term else {
                return Err("invalid selector".to_owned());
            };
            if !["metadata.name", "metadata.namespace"].contains(&path.as_str()) {
                return Err(format!("field label not supported: {path}"));
            }
            terms.push(term);
        }
        Ok(Self { terms })
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn selects(&self, item: &[u8]) -> bool {
        if self.is_empty() {
            return true;
        }
        let object: Value = serde_json::from_slice(item).unwrap();
        self.terms.iter().all(|term| holds(term, &object))
    }
}

/// Returns the terms of a selector: commas within parentheses separate values.
fn split(selector: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    selector
        .split(move |c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|term| !term.is_empty())
}

fn read(term: &str, prefix: &str) -> Term {
    let path = |key: &str| format!("{prefix}{}", key.trim());
    let values = |list: &str| {
        let list = list.trim().trim_start_matches('(').trim_end_matches(')');
        list.split(',')
            .map(|value| value.trim().to_owned())
            .collect()
    };
    if let Some((key, list)) = term.split_once(" notin ") {
        Term::NotIn(path(key), values(list))
    } else if let Some((key, list)) = term.split_once(" in ") {
        Term::In(path(key), values(list))
    } else if let Some((key, value)) = term.split_once("!=") {
        Term::IsNot(path(key), value.trim().to_owned())
    } else if let Some((key, value)) = term.split_once("==").or(term.split_once('=')) {
        Term::Is(path(key), value.trim().to_owned())
    } else if let Some(key) = term.strip_prefix('!') {
        Term::ExistsNot(path(key))
    } else {
        Term::Exists(path(term))
    }
}

fn holds(term: &Term, object: &Value) -> bool {
    let value = |path: &str| {
        let (place, rest) = path.split_once('.').unwrap();
        match rest.strip_prefix("labels.") {
            Some(label) => object[place]["labels"][label].as_str(),
            None => object[place][rest].as_str(),
        }
    };
    match term {
        Term::Is(path, wanted) => value(path) == Some(wanted),
        Term::IsNot(path, wanted) => value(path) != Some(wanted),
        Term::In(path, wanted) => {
            value(path).is_some_and(|value| wanted.iter().any(|w| w == value))
        }
        Term::NotIn(path, wanted) => {
            !value(path).is_some_and(|value| wanted.iter().any(|w| w == value))
        }
        Term::Exists(path) => value(path).is_some(),
        Term::ExistsNot(path) => value(path).is_none(),
    }
}
