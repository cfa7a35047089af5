//! Evaluates expressions of the Common Expression Language (CEL), as ValidatingAdmissionPolicies
//! use them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString,
};
use cel::common::value::Val;
use cel::{Context, Env, ExecutionError, Value as Cel, extensions};
use serde_json::Value;

use super::library;

/// Why an expression has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CelFailure {
    /// The server could not evaluate it either; `failurePolicy` decides the result.
    Error(String),
    /// It cannot be evaluated without a server.
    Cannot(String),
}

/// The depth up to which nested variables are evaluated.
const MOST_DEEP: usize = 32;

/// Names whose values are known only while the server handles a request.
const UNKNOWN: [&str; 4] = [
    "authorizer",
    "request.options",
    "userInfo.uid",
    "userInfo.extra",
];

/// Further such names for an object that is created.
const NEW: [&str; 4] = [
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.resourceVersion",
];

/// Further such names if the requester is unknown.
const USER: &str = "userInfo";

/// Evaluates the expressions of one policy for one object.
pub struct Engine {
    inputs: Vec<(&'static str, Owned)>,
    has_old: bool,
    has_namespace: bool,
    has_user: bool,
    variables: BTreeMap<String, String>,
    known: RefCell<BTreeMap<String, Result<Owned, CelFailure>>>,
}

/// A value of an expression.
type Owned = Box<dyn Val>;

/// The environment in which expressions are evaluated.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(env()));

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
            inputs: inputs.into(),
            has_old: input.get("oldObject").is_some_and(Value::is_object),
            has_namespace: input.get("hasNamespace") == Some(&Value::Bool(true)),
            has_user: input.pointer("/request/userInfo").is_some(),
            variables: variables(policy),
            known: RefCell::default(),
        }
    }

    /// Evaluates an expression whose result must be a boolean.
    pub fn boolean(&self, expression: &str) -> Result<bool, CelFailure> {
        let result = self.evaluate(expression, MOST_DEEP)?;
        match result.downcast_ref::<CelBool>() {
            Some(result) => Ok(*result.inner()),
            None => Err(CelFailure::Cannot("its result is not a boolean".to_owned())),
        }
    }

    /// Evaluates an expression whose result must be a string.
    pub fn text(&self, expression: &str) -> Result<String, CelFailure> {
        let result = self.evaluate(expression, MOST_DEEP)?;
        match result.downcast_ref::<CelString<'_>>() {
            Some(text) => Ok(text.inner().to_owned()),
            None => Err(CelFailure::Cannot("its result is not a string".to_owned())),
        }
    }

    fn evaluate(&self, expression: &str, depth: usize) -> Result<Owned, CelFailure> {
        let cannot = |why: String| Err(CelFailure::Cannot(why));
        if depth == 0 {
            return cannot("its variables are nested too deeply".to_owned());
        }
        let user = Some(&USER).filter(|_| !self.has_user);
        let new = NEW.iter().filter(|_| !self.has_old);
        let mut unknown = UNKNOWN.iter().chain(user).chain(new);
        if let Some(word) = unknown.find(|word| expression.contains(**word)) {
            let word = word.trim_end_matches(['(', '.']);
            return cannot(format!(
                "the result depends on {word}, which only the server knows"
            ));
        }
        if tests_for_a_variable(expression) {
            return cannot("it tests whether a variable has a value".to_owned());
        }
        if !self.has_namespace && expression.contains("namespaceObject") {
            return cannot("the namespace is unknown".to_owned());
        }
        let program = match ENV.compile(expression) {
            Ok(program) => program,
            Err(_) => return cannot("the expression cannot be parsed".to_owned()),
        };
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, value) in &self.inputs {
            context.add_variable_as_val(*name, value.clone());
        }
        let mut values: HashMap<CelMapKey<'_>, Owned> = HashMap::new();
        let mut failures = Vec::new();
        for name in self.variables.keys().filter(|name| names(expression, name)) {
            match self.variable(name, depth) {
                Ok(value) => {
                    values.insert(CelMapKey::from(name.clone()), value);
                }
                Err(failure) => failures.push(failure),
            }
        }
        context.add_variable_as_val("variables", Box::new(CelMap::from(values)));
        let failure = match Cel::resolve_val(program.expression(), &context) {
            Ok(value) => return Ok(value.into_owned()),
            Err(failure) => failure,
        };
        // An undeclared variable may be the one that has no value.
        if let Some(unknown) = failures.iter().find(|f| matches!(f, CelFailure::Cannot(_))) {
            return Err(unknown.clone());
        }
        match failure {
            ExecutionError::NoSuchKey(key) => Err(CelFailure::Error(format!("no such key: {key}"))),
            ExecutionError::IndexOutOfBounds(_) => {
                Err(CelFailure::Error("index out of bounds".to_owned()))
            }
            ExecutionError::FunctionError { function, message } => {
                match library::failure(&function, &message) {
                    Some(why) => Err(CelFailure::Error(why)),
                    None => cannot(format!("{function} cannot be evaluated here")),
                }
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Err(CelFailure::Error("division by zero".to_owned()))
            }
            ExecutionError::Overflow(..) => Err(CelFailure::Error("a number overflows".to_owned())),
            ExecutionError::UndeclaredReference(name) => {
                cannot(format!("{name} is not supported here"))
            }
            ExecutionError::NoSuchOverload(overload) => match self.has_old {
                false if expression.contains("oldObject") => {
                    Err(CelFailure::Error("there is no oldObject".to_owned()))
                }
                _ => cannot(format!("{} is not supported here", overload.function())),
            },
            _ => cannot("the expression cannot be evaluated here".to_owned()),
        }
    }

    fn variable(&self, name: &str, depth: usize) -> Result<Owned, CelFailure> {
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

/// Returns the environment in which expressions are evaluated.
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

/// Returns whether an expression tests for a variable itself (`has(variables.x)`): a variable
/// without a value is absent on the server, and may not be absent here.
fn tests_for_a_variable(expression: &str) -> bool {
    expression.split("has(variables.").skip(1).any(|rest| {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        rest.trim_start().starts_with(')')
    })
}

/// Returns a JSON value as a CEL value. Whole numbers are `int`, as on the server.
fn of_json(value: &Value) -> Owned {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Box::new(CelInt::from(whole)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or_default())),
        },
        Value::String(text) => Box::new(CelString::from(text.clone())),
        Value::Array(items) => {
            let items: Vec<Owned> = items.iter().map(of_json).collect();
            Box::new(CelList::from(items))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|(name, value)| (CelMapKey::from(name.clone()), of_json(value)));
            let fields: HashMap<CelMapKey<'_>, Owned> = fields.collect();
            Box::new(CelMap::from(fields))
        }
    }
}
