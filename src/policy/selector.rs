//! Label selectors, as in `kubectl -l` and Flux.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// Requirements on labels, all of which must be met
/// (`k8s.io/apimachinery/pkg/labels.Parse`).
///
/// ```
/// use driftctl::policy::LabelSelector;
/// let selector: LabelSelector = "app=cart,tier in (web, api),!legacy".parse().unwrap();
/// let labels = serde_json::json!({"app": "cart", "tier": "api"});
/// assert!(selector.matches(Some(&labels)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSelector {
    text: String,
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: LabelTest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LabelTest {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

/// Why a text is not a label selector, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a label selector at character {at}: {what}")]
pub struct SelectorError {
    at: usize,
    what: &'static str,
}

impl LabelSelector {
    /// Parses a selector from an object (`metav1.LabelSelector`); returns `None` if it is
    /// malformed.
    pub fn from_object(selector: &Value) -> Option<Self> {
        let mut requirements = Vec::new();
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        for (key, value) in labels.into_iter().flatten() {
            let value = value.as_str()?.to_owned();
            let (key, test) = (key.clone(), LabelTest::In(vec![value]));
            requirements.push(Requirement { key, test });
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let text = |field: &str| expression.get(field).and_then(Value::as_str);
            let values = expression.get("values").and_then(Value::as_array);
            let values = values.into_iter().flatten().filter_map(Value::as_str);
            let values: Vec<String> = values.map(str::to_owned).collect();
            let test = match text("operator")? {
                "In" => LabelTest::In(values),
                "NotIn" => LabelTest::NotIn(values),
                "Exists" => LabelTest::Exists,
                "DoesNotExist" => LabelTest::Absent,
                _ => return None,
            };
            let key = text("key")?.to_owned();
            requirements.push(Requirement { key, test });
        }
        Some(Self {
            text: selector.to_string(),
            requirements,
        })
    }

    /// Returns whether the labels of an object (`metadata.labels`) meet all requirements.
    pub fn matches(&self, labels: Option<&Value>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key));
            requirement.test.holds(value.and_then(Value::as_str))
        })
    }
}

impl LabelTest {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            // As in Kubernetes, an object without the label is not in the set.
            Self::NotIn(values) => value.is_none_or(|value| values.iter().all(|v| v != value)),
            Self::Above(bound) => number().is_some_and(|number| number > *bound),
            Self::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parser = SelectorParser { text, at: 0 };
        let mut requirements = Vec::new();
        parser.skip_blanks();
        while parser.at < text.len() {
            requirements.push(parser.requirement()?);
            parser.skip_blanks();
            if parser.at < text.len() && !parser.eat(",") {
                return Err(parser.error("expected ','"));
            }
            parser.skip_blanks();
        }
        Ok(Self {
            text: text.to_owned(),
            requirements,
        })
    }
}

struct SelectorParser<'t> {
    text: &'t str,
    at: usize,
}

impl SelectorParser<'_> {
    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.eat("!") {
            let key = self.word("expected a label after '!'")?;
            return Ok(Requirement {
                key,
                test: LabelTest::Absent,
            });
        }
        let key = self.word("expected a label")?;
        self.skip_blanks();
        let test = if self.eat("!=") {
            LabelTest::NotIn(vec![self.value()])
        } else if self.eat("==") || self.eat("=") {
            LabelTest::In(vec![self.value()])
        } else if self.eat(">") {
            LabelTest::Above(self.number()?)
        } else if self.eat("<") {
            LabelTest::Below(self.number()?)
        } else if self.eat("notin") {
            LabelTest::NotIn(self.values()?)
        } else if self.eat("in") {
            LabelTest::In(self.values()?)
        } else {
            LabelTest::Exists
        };
        Ok(Requirement { key, test })
    }

    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        self.skip_blanks();
        if !self.eat("(") {
            return Err(self.error("expected '('"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value());
            self.skip_blanks();
            if self.eat(")") {
                return Ok(values);
            }
            if !self.eat(",") {
                return Err(self.error("expected ',' or ')'"));
            }
        }
    }

    fn number(&mut self) -> Result<i64, SelectorError> {
        let at = self.at;
        let value = self.value();
        value.parse().map_err(|_| SelectorError {
            at: at + 1,
            what: "expected a whole number",
        })
    }

    fn word(&mut self, what: &'static str) -> Result<String, SelectorError> {
        match self.value() {
            word if word.is_empty() => Err(self.error(what)),
            word => Ok(word),
        }
    }

    /// Parses the name or value of a label. Values may be empty.
    fn value(&mut self) -> String {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn error(&self, what: &'static str) -> SelectorError {
        SelectorError {
            at: self.at + 1,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requirements_match_as_in_kubectl() {
        let labels = json!({"app": "cart", "tier": "web", "weight": "7", "empty": ""});
        for (text, expected) in [
            ("", true),
            ("app=cart", true),
            ("app==cart", true),
            (" app = cart , tier = web ", true),
            ("app=cart,tier=api", false),
            ("app!=cart", false),
            ("none!=x", true),
            ("app", true),
            ("none", false),
            ("!none", true),
            ("!app", false),
            ("tier in (api, web)", true),
            ("tier notin (api,web)", false),
            ("none in (a)", false),
            ("none notin (a)", true),
            ("weight>6", true),
            ("weight<7", false),
            ("app>1", false),
            ("empty=", true),
            ("example.com/team=a", false),
        ] {
            let selector: LabelSelector = text.parse().unwrap();
            assert_eq!(selector.matches(Some(&labels)), expected, "{text}");
        }
        assert!("!app".parse::<LabelSelector>().unwrap().matches(None));
    }

    #[test]
    fn errors_have_a_position() {
        for (text, at) in [
            ("=a", 1),
            ("a b", 3),
            ("a in b", 6),
            ("a in (b", 8),
            ("a > x", 4),
            ("!", 2),
        ] {
            assert_eq!(text.parse::<LabelSelector>().unwrap_err().at, at, "{text}");
        }
    }
}
