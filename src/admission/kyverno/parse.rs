//! Parses JMESPath, the language of Kyverno's variables.
//!
//! In Kyverno's dialect, a missing key is null after a pipe and an error after a dot, so the syntax
//! tree distinguishes the two.

use serde_json::{Value, json};

/// The depth up to which nested expressions are parsed.
const MOST_DEEP: usize = 40;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum JmesExpression {
    /// `@`, or an empty expression.
    Current,
    Literal(Value),
    Field(String),
    Index(i64),
    Slice([Option<i64>; 3]),
    /// `a.b` or `a[0]`
    Chain(Box<JmesExpression>, Box<JmesExpression>),
    /// `a | b`
    Pipe(Box<JmesExpression>, Box<JmesExpression>),
    /// `a[*].b`
    Each(Box<JmesExpression>, Box<JmesExpression>),
    /// `a.*.b`
    Values(Box<JmesExpression>, Box<JmesExpression>),
    /// `a[?c].b`
    Filter(
        Box<JmesExpression>,
        Box<JmesExpression>,
        Box<JmesExpression>,
    ),
    /// `a[]`
    Flatten(Box<JmesExpression>),
    Or(Box<JmesExpression>, Box<JmesExpression>),
    And(Box<JmesExpression>, Box<JmesExpression>),
    Not(Box<JmesExpression>),
    Compare(&'static str, Box<JmesExpression>, Box<JmesExpression>),
    Call(String, Vec<JmesExpression>),
    List(Vec<JmesExpression>),
    Map(Vec<(String, JmesExpression)>),
    /// `&a`
    Reference(Box<JmesExpression>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Literal(Value),
    Number(i64),
    Sign(&'static str),
}

const SIGNS: [&str; 26] = [
    "[?", "[]", "||", "&&", "==", "!=", "<=", ">=", ".", "*", "[", "]", "{", "}", "(", ")", ",",
    ":", "|", "&", "!", "<", ">", "@", "?", "$",
];

/// Parses an expression; `None` if it is not supported.
pub fn parse(text: &str) -> Option<JmesExpression> {
    let tokens = tokens(text)?;
    let mut parser = JmesParser { tokens, at: 0 };
    let expression = parser.expression(0, MOST_DEEP)?;
    (parser.at == parser.tokens.len()).then_some(expression)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, len) = match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let len = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                (Token::Name(rest.get(..len)?.to_owned()), len)
            }
            '0'..='9' | '-' => {
                let len = rest
                    .char_indices()
                    .find(|(at, c)| !(c.is_ascii_digit() || *at == 0))
                    .map_or(rest.len(), |(at, _)| at);
                (Token::Number(rest.get(..len)?.parse().ok()?), len)
            }
            '"' => {
                let len = quoted(rest, '"')?;
                let name: String = serde_json::from_str(rest.get(..len)?).ok()?;
                (Token::Name(name), len)
            }
            '\'' => {
                let len = quoted(rest, '\'')?;
                let raw = rest.get(1..len - 1)?.replace("\\'", "'");
                (Token::Literal(Value::String(raw)), len)
            }
            '`' => {
                let len = quoted(rest, '`')?;
                let inner = rest.get(1..len - 1)?.replace("\\`", "`");
                let value = serde_json::from_str(inner.trim())
                    .unwrap_or_else(|_| json!(inner.trim_start()));
                (Token::Literal(value), len)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push(token);
        rest = rest.get(len..)?.trim_start();
    }
    Some(tokens)
}

/// Returns the length of quoted text, with its quotes.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Some(at + c.len_utf8());
        }
    }
    None
}

struct JmesParser {
    tokens: Vec<Token>,
    at: usize,
}

impl JmesParser {
    fn sign(&self) -> Option<&'static str> {
        match self.tokens.get(self.at)? {
            Token::Sign(sign) => Some(sign),
            _ => None,
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.sign() == Some(sign);
        self.at += usize::from(is);
        is
    }

    fn need(&mut self, sign: &str) -> Option<()> {
        self.take(sign).then_some(())
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn expression(&mut self, power: usize, depth: usize) -> Option<JmesExpression> {
        let depth = depth.checked_sub(1)?;
        let mut left = self.first(depth)?;
        while let Some(sign) = self.sign() {
            let binds = power_of(sign);
            if binds <= power {
                break;
            }
            left = match sign {
                "." | "[" | "[?" | "[]" => self.suffix(left, depth)?,
                _ => {
                    self.at += 1;
                    let right = Box::new(self.expression(binds, depth)?);
                    let left = Box::new(left);
                    match sign {
                        "|" => JmesExpression::Pipe(left, right),
                        "||" => JmesExpression::Or(left, right),
                        "&&" => JmesExpression::And(left, right),
                        sign => JmesExpression::Compare(sign, left, right),
                    }
                }
            };
        }
        Some(left)
    }

    fn first(&mut self, depth: usize) -> Option<JmesExpression> {
        match self.next()? {
            Token::Literal(value) => Some(JmesExpression::Literal(value)),
            Token::Name(name) if self.take("(") => {
                let args = self.list(")", depth)?;
                Some(JmesExpression::Call(name, args))
            }
            Token::Name(name) => Some(JmesExpression::Field(name)),
            Token::Number(_) => None,
            Token::Sign("@") => Some(JmesExpression::Current),
            Token::Sign("!") => {
                let of = self.expression(power_of("!"), depth)?;
                Some(JmesExpression::Not(Box::new(of)))
            }
            Token::Sign("&") => {
                let of = self.expression(0, depth)?;
                Some(JmesExpression::Reference(Box::new(of)))
            }
            Token::Sign("(") => {
                let inner = self.expression(0, depth)?;
                self.need(")")?;
                Some(inner)
            }
            Token::Sign("{") => self.map(depth),
            Token::Sign("*") => {
                let rest = self.projected(depth)?;
                Some(JmesExpression::Values(
                    Box::new(JmesExpression::Current),
                    Box::new(rest),
                ))
            }
            Token::Sign("[" | "[?" | "[]") => {
                self.at -= 1;
                self.suffix(JmesExpression::Current, depth)
            }
            Token::Sign(_) => None,
        }
    }

    /// Parses what follows a value: `.name`, `[0]`, `[*]`, `[?…]`, `[]`.
    fn suffix(&mut self, left: JmesExpression, depth: usize) -> Option<JmesExpression> {
        let chain = |left: JmesExpression, right: JmesExpression| match left {
            JmesExpression::Current => right,
            left => JmesExpression::Chain(Box::new(left), Box::new(right)),
        };
        match self.next()? {
            Token::Sign(".") => {
                if self.take("*") {
                    let rest = self.projected(depth)?;
                    return Some(JmesExpression::Values(Box::new(left), Box::new(rest)));
                }
                if self.take("[") {
                    let items = self.list("]", depth)?;
                    return Some(chain(left, JmesExpression::List(items)));
                }
                let right = self.first(depth)?;
                matches!(
                    right,
                    JmesExpression::Field(_) | JmesExpression::Call(..) | JmesExpression::Map(_)
                )
                .then(|| chain(left, right))
            }
            Token::Sign("[]") => {
                let rest = self.projected(depth)?;
                let flat = JmesExpression::Flatten(Box::new(left));
                Some(JmesExpression::Each(Box::new(flat), Box::new(rest)))
            }
            Token::Sign("[?") => {
                let condition = self.expression(0, depth)?;
                self.need("]")?;
                let rest = self.projected(depth)?;
                Some(JmesExpression::Filter(
                    Box::new(left),
                    Box::new(rest),
                    Box::new(condition),
                ))
            }
            Token::Sign("[") => self.bracket(left, depth),
            _ => None,
        }
    }

    fn bracket(&mut self, left: JmesExpression, depth: usize) -> Option<JmesExpression> {
        if self.take("*") {
            self.need("]")?;
            let rest = self.projected(depth)?;
            return Some(JmesExpression::Each(Box::new(left), Box::new(rest)));
        }
        let mut parts: [Option<i64>; 3] = [None; 3];
        let mut part = 0;
        let is_index = matches!(
            self.tokens.get(self.at),
            Some(Token::Number(_) | Token::Sign(":"))
        );
        if !is_index {
            let items = self.list("]", depth)?;
            return matches!(left, JmesExpression::Current).then_some(JmesExpression::List(items));
        }
        loop {
            match self.next()? {
                Token::Number(number) => *parts.get_mut(part)? = Some(number),
                Token::Sign(":") => part += 1,
                Token::Sign("]") => break,
                _ => return None,
            }
        }
        if part == 0 {
            let index = JmesExpression::Index(parts[0]?);
            return Some(JmesExpression::Chain(Box::new(left), Box::new(index)));
        }
        let sliced = JmesExpression::Chain(Box::new(left), Box::new(JmesExpression::Slice(parts)));
        let rest = self.projected(depth)?;
        Some(JmesExpression::Each(Box::new(sliced), Box::new(rest)))
    }

    /// Parses what is applied to each item of a projection.
    fn projected(&mut self, depth: usize) -> Option<JmesExpression> {
        let mut item = JmesExpression::Current;
        while let Some(sign) = self.sign() {
            match sign {
                "." | "[" | "[?" => item = self.suffix(item, depth.checked_sub(1)?)?,
                _ => break,
            }
        }
        Some(item)
    }

    fn list(&mut self, end: &str, depth: usize) -> Option<Vec<JmesExpression>> {
        let mut items = Vec::new();
        if self.take(end) {
            return Some(items);
        }
        loop {
            items.push(self.expression(0, depth)?);
            if self.take(end) {
                return Some(items);
            }
            self.need(",")?;
        }
    }

    fn map(&mut self, depth: usize) -> Option<JmesExpression> {
        let mut fields = Vec::new();
        loop {
            let Token::Name(name) = self.next()? else {
                return None;
            };
            self.need(":")?;
            fields.push((name, self.expression(0, depth)?));
            if self.take("}") {
                return Some(JmesExpression::Map(fields));
            }
            self.need(",")?;
        }
    }
}

/// Returns the binding power of an operator.
fn power_of(sign: &str) -> usize {
    match sign {
        "|" => 1,
        "||" => 2,
        "&&" => 3,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => 5,
        "[]" => 9,
        "[?" => 21,
        "." => 40,
        "!" => 45,
        "[" => 55,
        _ => 0,
    }
}
