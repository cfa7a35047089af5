//! Evaluates expressions of the Common Expression Language (CEL), as ValidatingAdmissionPolicies
//! use them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, Value as Cel, extensions};
use serde_json::Value;

use super::library;

/// Why an expression has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server could not evaluate it either; `failurePolicy` decides.
    Error(String),
    /// It cannot be evaluated here.
    Cannot(String),
}

/// The depth up to which nested variables are evaluated.
const MOST_DEEP: usize = 32;

/// Names that have a value only while a request is served.
const UNKNOWN: [&str; 3] = ["authorizer", "has(variables.", "request.options"];

/// The same names if the requester is unknown.
const USER: &str = "userInfo";

/// Evaluates the expressions of one policy for one object.
pub struct Engine {
    env: Arc<Env>,
    inputs: Vec<(&'static str, Cel)>,
    has_old: bool,
    has_namespace: bool,
    has_user: bool,
    variables: BTreeMap<String, String>,
    known: RefCell<BTreeMap<String, Result<Cel, Failure>>>,
}

impl Engine {
    /// Evaluates expressions for one policy and one object.
    pub fn of(policy: &Value, input: &Value) -> Self {
        let names = [
            "object",
            "oldObject",
            "params",
            "namespaceObject",
            "request",
        ];
        let inputs = names.map(|name| (name, of_json(input.get(name).unwrap_or(&Value::Null))));
        Self {
            env: Arc::new(env()),
            inputs: inputs.into(),
            has_old: input.get("oldObject").is_some_and(Value::is_object),
            has_namespace: input.get("hasNamespace") == Some(&Value::Bool(true)),
            has_user: input.pointer("/request/userInfo").is_some(),
            variables: variables(policy),
            known: RefCell::default(),
        }
    }

    /// Evaluates an expression whose result must be a boolean.
    pub fn boolean(&self, expression: &str) -> Result<bool, Failure> {
        match self.evaluate(expression, MOST_DEEP)? {
            Cel::Bool(result) => Ok(result),
            _ => Err(Failure::Cannot("its result is not a boolean".to_owned())),
        }
    }

    /// Evaluates an expression whose result must be a string.
    pub fn text(&self, expression: &str) -> Result<String, Failure> {
        match self.evaluate(expression, MOST_DEEP)? {
            Cel::String(text) => Ok(text.to_string()),
            _ => Err(Failure::Cannot("its result is not a string".to_owned())),
        }
    }

    fn evaluate(&self, expression: &str, depth: usize) -> Result<Cel, Failure> {
        let cannot = |why: String| Err(Failure::Cannot(why));
        if depth == 0 {
            return cannot("its variables nest too deeply".to_owned());
        }
        let user = Some(&USER).filter(|_| !self.has_user);
        let mut unknown = UNKNOWN.iter().chain(user);
        if let Some(word) = unknown.find(|word| expression.contains(**word)) {
            let word = word.trim_end_matches(['(', '.']);
            return cannot(format!(
                "the result depends on {word}, which only the server knows"
            ));
        }
        if !self.has_namespace && expression.contains("namespaceObject") {
            return cannot("the namespace is unknown".to_owned());
        }
        let program = match self.env.compile(expression) {
            Ok(program) => program,
            Err(_) => return cannot("the expression cannot be read".to_owned()),
        };
        let mut context = Context::with_env(Arc::clone(&self.env));
        for (name, value) in &self.inputs {
            context.add_variable_from_value(*name, value.clone());
        }
        let mut values: HashMap<Key, Cel> = HashMap::new();
        let mut failures = Vec::new();
        for name in self.variables.keys().filter(|name| names(expression, name)) {
            match self.variable(name, depth) {
                Ok(value) => {
                    values.insert(Key::String(Arc::new(name.clone())), value);
                }
                Err(failure) => failures.push(failure),
            }
        }
        let variables = Cel::Map(Map {
            map: Arc::new(values),
        });
        context.add_variable_from_value("variables", variables);
        let failure = match program.execute(&context) {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        // An undeclared variable may be the one that has no value.
        if let Some(unknown) = failures.iter().find(|f| matches!(f, Failure::Cannot(_))) {
            return Err(unknown.clone());
        }
        match failure {
            ExecutionError::NoSuchKey(key) => Err(Failure::Error(format!("no such key: {key}"))),
            ExecutionError::IndexOutOfBounds(_) => {
                Err(Failure::Error("index out of bounds".to_owned()))
            }
            ExecutionError::FunctionError { function, message } => {
                match library::failure(&function, &message) {
                    Some(why) => Err(Failure::Error(why)),
                    None => cannot(format!("{function} cannot be evaluated here")),
                }
            }
            ExecutionError::DivisionByZero(_) => Err(Failure::Error("division by zero".to_owned())),
            ExecutionError::UndeclaredReference(name) => {
                cannot(format!("{name} is not supported here"))
            }
            ExecutionError::NoSuchOverload(overload) => match self.has_old {
                false if expression.contains("oldObject") => {
                    Err(Failure::Error("there is no oldObject".to_owned()))
                }
                _ => cannot(format!("{} is not supported here", overload.function())),
            },
            _ => cannot("the expression cannot be evaluated here".to_owned()),
        }
    }

    fn variable(&self, name: &str, depth: usize) -> Result<Cel, Failure> {
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        let expression = self.variables.get(name).map_or("", String::as_str);
        let result = self.evaluate(expression, depth - 1);
        let mut known = self.known.borrow_mut();
        known.insert(name.to_owned(), result.clone());
        result
    }
}

/// The environment that expressions are evaluated in.
pub fn env() -> Env {
    let mut env = Env::stdlib();
    // If a function cannot be added, its calls are `cannot`.
    let _ = env.add_extension(extensions::strings);
    let _ = env.add_extension(library::add);
    env
}

/// Returns the variables of a policy, by name.
pub fn variables(policy: &Value) -> BTreeMap<String, String> {
    let listed = policy.pointer("/spec/variables").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(|variable| {
        let name = variable.get("name")?.as_str()?;
        let expression = variable.get("expression")?.as_str()?;
        Some((name.to_owned(), expression.to_owned()))
    });
    listed.collect()
}

/// Returns whether an expression names a variable.
fn names(expression: &str, variable: &str) -> bool {
    let named = format!("variables.{variable}");
    let mut found = expression.match_indices(&named);
    found.any(|(at, _)| {
        let after = expression.get(at + named.len()..).unwrap_or_default();
        !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Converts a value to CEL. Whole numbers become `int`, as in the API server.
fn of_json(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cel::Int(whole),
            None => Cel::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(of_json).collect())),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (Key::String(Arc::new(name.clone())), of_json(value)));
            Cel::Map(Map {
                map: Arc::new(fields.collect()),
            })
        }
    }
}
