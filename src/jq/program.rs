//! A compiled jq program.

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, unwrap_valr};
use jaq_json::{Val, read};

use super::delete;

/// Native functions that programs may not call: they use the environment, the clock, the log or the
/// process.
const WITHHELD: &[&str] = &[
    "env",
    "halt",
    "now",
    "localtime",
    "strflocaltime",
    "debug_empty",
    "stderr_empty",
];

/// Definitions that depend on them, and those that [`DEFINITIONS`] replaces.
const WITHHELD_DEFINITIONS: &[&str] = &["halt", "halt_error", "debug", "stderr", "del", "delpaths"];

/// jq's own deletion, which differs from jaq's: all paths first, then the last of them first, so
/// that `del(.[0, 2])` means the original items.
const DEFINITIONS: &str = "
def delpaths($paths): delete_paths($paths);
def del(f): . as $in | [path(f)] as $paths | $in | delete_paths($paths);
";

/// The length limit of an expression.
const LONGEST: usize = 16 * 1024;

/// A program that was parsed and can be run.
pub struct JqProgram {
    filter: jaq_core::Filter<JustLut<Val>>,
}

/// Why a program has no result. The text never contains a value of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The text is not a jq program.
    #[error("{0}")]
    Syntax(String),
    /// The program failed on this input.
    #[error("it fails on this object")]
    Failed,
    /// The program returned no result, or several.
    #[error("it returns {0}, but must return one")]
    Results(&'static str),
}

impl JqProgram {
    /// Parses `del(EXPRESSION)`. The parentheses are put around the text, as in Argo CD, so that an
    /// expression that closes the first one and opens another means the same here.
    ///
    /// # Errors
    /// Fails if it is not a jq program.
    pub fn deletion(expression: &str) -> Result<Self, ProgramError> {
        if expression.len() > LONGEST {
            let message = format!("it is longer than {LONGEST} bytes");
            return Err(ProgramError::Syntax(message));
        }
        let code = format!("del({expression})");
        let own = load::parse(DEFINITIONS, |parser| parser.defs()).unwrap_or_default();
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .filter(|definition| !WITHHELD_DEFINITIONS.contains(&definition.name))
            .chain(own);
        let natives = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs())
            .filter(|(name, _, _)| !WITHHELD.contains(name))
            .chain(delete::natives());
        let arena = Arena::default();
        let file = File {
            code: code.as_str(),
            path: (),
        };
        let modules = Loader::new(definitions)
            .load(&arena, file)
            .map_err(|errors| syntax(&errors.into_iter().map(|(_, e)| e).collect::<Vec<_>>()))?;
        let filter = Compiler::default()
            .with_funs(natives)
            .compile(modules)
            .map_err(|errors| undefined(errors.into_iter().flat_map(|(_, e)| e)))?;
        Ok(Self { filter })
    }

    /// Runs the program on JSON text and returns its one result as JSON text.
    ///
    /// # Errors
    /// Fails if the program fails, or does not have exactly one result.
    pub fn run(&self, input: &str) -> Result<String, ProgramError> {
        let input = read::parse_single(input.as_bytes()).map_err(|_| ProgramError::Failed)?;
        let ctx = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let mut results = self.filter.id.run((ctx, input)).map(unwrap_valr);
        let first = results.next().ok_or(ProgramError::Results("none"))?;
        if results.next().is_some() {
            return Err(ProgramError::Results("several"));
        }
        Ok(first.map_err(|_| ProgramError::Failed)?.to_string())
    }
}

/// Returns what the parser expected, and before which text.
fn syntax(errors: &[load::Error<&str>]) -> ProgramError {
    let expected = |what: &str, before: &str| match before.chars().count() {
        0 => format!("expected {what} at its end"),
        _ => format!("expected {what} before '{}'", start_of(before)),
    };
    let message = match errors.first() {
        Some(load::Error::Lex(errors)) => errors.first().map(|(e, at)| match e {
            load::lex::Expect::Delim(opening) => format!("'{opening}' is not closed"),
            e => expected(e.as_str(), at),
        }),
        Some(load::Error::Parse(errors)) => errors.first().map(|(e, at)| expected(e.as_str(), at)),
        _ => None,
    };
    ProgramError::Syntax(message.unwrap_or_else(|| "modules cannot be loaded".to_owned()))
}

fn undefined<'s>(
    errors: impl IntoIterator<Item = (&'s str, jaq_core::compile::Undefined)>,
) -> ProgramError {
    let unknown: Vec<String> = errors
        .into_iter()
        .map(|(name, what)| format!("unknown {} '{name}'", what.as_str()))
        .collect();
    ProgramError::Syntax(unknown.join(", "))
}

fn start_of(text: &str) -> String {
    const SHOWN: usize = 20;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn after(expression: &str, input: Value) -> Value {
        let program = JqProgram::deletion(expression).unwrap();
        serde_json::from_str(&program.run(&input.to_string()).unwrap()).unwrap()
    }

    #[test]
    fn deletes_as_jq_does() {
        let table = [
            (".a", json!({"a": 1, "b": 2}), json!({"b": 2})),
            (".a, .b", json!({"a": 1, "b": 2, "c": 3}), json!({"c": 3})),
            (".[0, 2]", json!([1, 2, 3]), json!([2])),
            (".[0], .[0]", json!([1, 2, 3]), json!([2, 3])),
            (".[-1]", json!([1, 2, 3]), json!([1, 2])),
            (".[1:]", json!([1, 2, 3]), json!([1])),
            (".[5]", json!([1]), json!([1])),
            (".a?.b", json!({}), json!({})),
            (".a.b.c", json!({"a": null}), json!({"a": null})),
            (".a[]?", json!({"a": [1, 2]}), json!({"a": []})),
            (
                ".a[] | select(.x == 1)",
                json!({"a": [{"x": 1}, {"x": 2}]}),
                json!({"a": [{"x": 2}]}),
            ),
            (
                ".a[] | select(.x == 1).y",
                json!({"a": [{"x": 1, "y": 2}]}),
                json!({"a": [{"x": 1}]}),
            ),
            (
                ".. | .x?",
                json!({"x": 1, "y": {"x": 2, "z": 3}}),
                json!({"y": {"z": 3}}),
            ),
            (".[\"a/b\"]", json!({"a/b": 1}), json!({})),
            ("empty", json!({"a": 1}), json!({"a": 1})),
            (".", json!({"a": 1}), Value::Null),
        ];
        for (expression, input, expected) in table {
            assert_eq!(after(expression, input), expected, "{expression}");
        }
    }

    #[test]
    fn allows_unbalanced_parentheses_as_argo_cd_does() {
        let input = json!({"data": {"config.yaml": "{\"auth\": 1, \"port\": 2}"}});
        let expression = ".nothing) | .data[\"config.yaml\"] |= (fromjson | del(.auth) | tojson";
        let expected = json!({"data": {"config.yaml": "{\"port\":2}"}});
        assert_eq!(after(expression, input), expected);
    }

    #[test]
    fn keeps_numbers_unchanged() {
        let text = "{\"a\":1,\"n\":9007199254740993,\"f\":0.1,\"big\":18446744073709551615}";
        let result = JqProgram::deletion(".a").unwrap().run(text).unwrap();
        assert_eq!(
            result,
            "{\"n\":9007199254740993,\"f\":0.1,\"big\":18446744073709551615}"
        );
    }

    #[test]
    fn reports_syntax_errors() {
        let error = |text: &str| JqProgram::deletion(text).err().unwrap().to_string();
        let table = [
            ("", "expected term before ')'"),
            (".a |", "expected term before ')'"),
            (".a[", "'[' is not closed"),
            (".a == \"x", "'\"' is not closed"),
            (".a | nonsense(1)", "unknown filter 'nonsense'"),
            ("$x", "unknown variable '$x'"),
            (
                "import \"x\" as x; .",
                "expected semicolon or right parenthesis before '\"x\"'",
            ),
        ];
        for (text, message) in table {
            assert_eq!(error(text), message, "{text}");
        }
        assert!(error(&"x".repeat(20_000)).starts_with("it is longer"));
    }

    #[test]
    fn withholds_functions_that_reach_the_process() {
        for expression in [
            "env.HOME",
            "$ENV.HOME",
            "halt",
            "halt_error",
            "now",
            "input",
            "debug",
        ] {
            assert!(JqProgram::deletion(expression).is_err(), "{expression}");
        }
    }

    #[test]
    fn error_messages_do_not_quote_the_object() {
        let program = JqProgram::deletion(".a.b").unwrap();
        let error = program.run("{\"a\": \"hunter2\"}").unwrap_err();
        assert_eq!(error, ProgramError::Failed);
        let none = JqProgram::deletion(".a) | empty | (.").unwrap();
        assert_eq!(none.run("{}"), Err(ProgramError::Results("none")));
        let two = JqProgram::deletion(".a), (1").unwrap();
        assert_eq!(two.run("{}"), Err(ProgramError::Results("several")));
    }
}
