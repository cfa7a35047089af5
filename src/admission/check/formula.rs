//! Splits an expression into conditions joined by `&&`, `||`, `!` and `?:`.

/// The outcomes that a condition, or a whole expression, can have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PossibleOutcomes {
    /// It can be true.
    pub yes: bool,
    /// It can be false.
    pub no: bool,
    /// It can fail, or could not be evaluated.
    pub error: bool,
}

/// An expression, split into conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A condition that cannot be split further.
    Atom(String),
    /// `!a`
    Not(Box<Condition>),
    /// `a && b`
    And(Vec<Condition>),
    /// `a || b`
    Or(Vec<Condition>),
    /// `a ? b : c`
    If(Box<[Condition; 3]>),
}

/// The depth up to which nested expressions are split.
const MOST_DEEP: usize = 64;

impl Condition {
    /// Splits an expression.
    pub fn of(expression: &str) -> Self {
        Self::within(expression, MOST_DEEP)
    }

    fn within(expression: &str, depth: usize) -> Self {
        let text = expression.trim();
        let Some(depth) = depth.checked_sub(1) else {
            return Self::Atom(text.to_owned());
        };
        if let Some(inner) = unwrapped(text) {
            return Self::within(inner, depth);
        }
        let marks = marks(text);
        let question = marks.iter().find(|(_, mark)| *mark == "?");
        if let Some((at, _)) = question {
            let mut open = 0;
            for (colon, mark) in marks.iter().filter(|(colon, _)| colon > at) {
                match *mark {
                    "?" => open += 1,
                    ":" if open > 0 => open -= 1,
                    ":" => {
                        let parts = [&text[..*at], &text[at + 1..*colon], &text[colon + 1..]];
                        let parts = parts.map(|part| Self::within(part, depth));
                        return Self::If(Box::new(parts));
                    }
                    _ => {}
                }
            }
            return Self::Atom(text.to_owned());
        }
        for operator in ["||", "&&"] {
            let cuts: Vec<usize> = marks
                .iter()
                .filter(|(_, mark)| *mark == operator)
                .map(|(at, _)| *at)
                .collect();
            if cuts.is_empty() {
                continue;
            }
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(Self::within(&text[from..cut], depth));
                from = cut + operator.len();
            }
            parts.push(Self::within(&text[from..], depth));
            return match operator {
                "||" => Self::Or(parts),
                _ => Self::And(parts),
            };
        }
        // `!a == b` is `(!a) == b`.
        let negated = text.strip_prefix('!').map(str::trim);
        if let Some(inner) = negated.and_then(unwrapped) {
            return Self::Not(Box::new(Self::within(inner, depth)));
        }
        Self::Atom(text.to_owned())
    }

    /// Returns the conditions, each once.
    pub fn atoms(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn collect<'f>(&'f self, found: &mut Vec<&'f str>) {
        match self {
            Self::Atom(atom) => found.push(atom),
            Self::Not(of) => of.collect(found),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.collect(found)),
            Self::If(parts) => parts.iter().for_each(|part| part.collect(found)),
        }
    }

    /// Returns the outcomes of the whole if each condition can have the outcomes that `of` returns.
    pub fn outcomes(&self, of: &dyn Fn(&str) -> PossibleOutcomes) -> PossibleOutcomes {
        match self {
            Self::Atom(atom) => of(atom),
            Self::Not(inner) => {
                let inner = inner.outcomes(of);
                PossibleOutcomes {
                    yes: inner.no,
                    no: inner.yes,
                    error: inner.error,
                }
            }
            Self::And(parts) => {
                let all: Vec<PossibleOutcomes> =
                    parts.iter().map(|part| part.outcomes(of)).collect();
                PossibleOutcomes {
                    yes: all.iter().all(|one| one.yes),
                    no: all.iter().any(|one| one.no),
                    error: all.iter().any(|one| one.error)
                        && all.iter().all(|one| one.yes || one.error),
                }
            }
            Self::Or(parts) => {
                let all: Vec<PossibleOutcomes> =
                    parts.iter().map(|part| part.outcomes(of)).collect();
                PossibleOutcomes {
                    yes: all.iter().any(|one| one.yes),
                    no: all.iter().all(|one| one.no),
                    error: all.iter().any(|one| one.error)
                        && all.iter().all(|one| one.no || one.error),
                }
            }
            Self::If(parts) => {
                let [condition, yes, no] = &**parts;
                let condition = condition.outcomes(of);
                let nothing = PossibleOutcomes::default();
                let yes = if condition.yes {
                    yes.outcomes(of)
                } else {
                    nothing
                };
                let no = if condition.no {
                    no.outcomes(of)
                } else {
                    nothing
                };
                PossibleOutcomes {
                    yes: yes.yes || no.yes,
                    no: yes.no || no.no,
                    error: condition.error || yes.error || no.error,
                }
            }
        }
    }
}

/// Returns the text inside parentheses that enclose the whole text.
fn unwrapped(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0;
    for (_, c) in code(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    // The first one closes before the end: `(a) && (b)`.
    let mut open = 0;
    for (at, c) in code(text) {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 && at + 1 < text.len() {
            return None;
        }
    }
    (depth == 0).then_some(inner)
}

/// Returns the operators outside brackets, and their positions.
fn marks(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in code(text) {
        let rest = text.get(at..).unwrap_or_default();
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '&' if depth == 0 && rest.starts_with("&&") => found.push((at, "&&")),
            '|' if depth == 0 && rest.starts_with("||") => found.push((at, "||")),
            // `.?` and `[?` are optional selection.
            '?' if depth == 0 && before != '.' && before != '[' => found.push((at, "?")),
            ':' if depth == 0 => found.push((at, ":")),
            _ => {}
        }
        before = c;
    }
    found
}

/// Returns the characters outside string literals.
fn code(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| {
        match (quote, *c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(*c),
            (None, _) => return true,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_expressions_at_logical_operators() {
        let atoms = |text: &str| Condition::of(text).atoms().join(" ; ");
        assert_eq!(
            atoms("(a == '&&') && (b.all(c, c || d) || !(e))"),
            "a == '&&' ; b.all(c, c || d) ; e"
        );
        assert_eq!(
            atoms("a.?b.c ? x[?'d'] == y : true"),
            "a.?b.c ; true ; x[?'d'] == y"
        );
        assert_eq!(atoms("a ? b ? c : d : e"), "a ; b ; c ; d ; e");
        assert_eq!(atoms("!a == b"), "!a == b");
        assert!(matches!(Condition::of("!(a || b)"), Condition::Not(_)));
        assert!(matches!(Condition::of("(a) && (b)"), Condition::And(_)));
    }

    #[test]
    fn derives_the_outcomes_of_an_expression_from_its_conditions() {
        let can = |text: &str| {
            let all = Condition::of(text).outcomes(&|atom| PossibleOutcomes {
                yes: atom.contains('t'),
                no: atom.contains('f'),
                error: atom.contains('e'),
            });
            (all.yes, all.no, all.error)
        };
        assert_eq!(can("tf && t"), (true, true, false));
        assert_eq!(can("tf || t"), (true, false, false));
        assert_eq!(can("tf ? t : t"), (true, false, false));
        assert_eq!(can("f && tf"), (false, true, false));
        assert_eq!(can("!(f) || e"), (true, false, false));
        assert_eq!(can("e || f"), (false, false, true));
    }
}
