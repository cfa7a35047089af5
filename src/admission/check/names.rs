//! Finds the fields that an expression names, and the values that it compares them with.

use std::collections::BTreeMap;

use cel::Env;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Stands for any item of a list, or any key of a map.
pub const ANY: &str = "*";

/// The depth up to which nested variables are followed.
const MOST_DEEP: usize = 16;

/// A path into the object; the first element is the name of the root.
pub type ObjectPath = Vec<String>;

/// The fields and values in an expression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExpressionNames {
    /// The fields that it names.
    pub paths: Vec<ObjectPath>,
    /// The values that it mentions.
    pub literals: Vec<Value>,
    /// Whether it cannot be parsed.
    pub is_broken: bool,
}

impl ExpressionNames {
    /// Parses an expression. `variables` are the expressions of the policy's variables.
    pub fn of(env: &Env, expression: &str, variables: &BTreeMap<String, String>) -> Self {
        let mut reader = ExpressionReader {
            env,
            variables,
            names: Self::default(),
            depth: MOST_DEEP,
        };
        reader.read(expression);
        reader.names.paths.sort();
        reader.names.paths.dedup();
        reader.names
    }
}

struct ExpressionReader<'e> {
    env: &'e Env,
    variables: &'e BTreeMap<String, String>,
    names: ExpressionNames,
    depth: usize,
}

/// The paths that loop variables refer to.
type LoopVariables = Vec<(String, Vec<ObjectPath>)>;

impl ExpressionReader<'_> {
    fn read(&mut self, expression: &str) -> Vec<ObjectPath> {
        let Ok(parsed) = self.env.parser().parse(expression) else {
            self.names.is_broken = true;
            return Vec::new();
        };
        self.walk(&parsed, &mut LoopVariables::new())
    }

    /// Visits an expression, records the paths in it, and returns the paths that it refers to.
    fn walk(&mut self, expr: &IdedExpr, scope: &mut LoopVariables) -> Vec<ObjectPath> {
        let paths = self.paths(expr, scope);
        self.names
            .paths
            .extend(paths.iter().filter(|path| path.len() > 1).cloned());
        paths
    }

    /// Returns the paths that an expression refers to.
    fn paths(&mut self, expr: &IdedExpr, scope: &mut LoopVariables) -> Vec<ObjectPath> {
        match &expr.expr {
            Expr::Ident(name) => {
                let known = scope.iter().rev().find(|(known, _)| known == name);
                known.map_or_else(|| vec![vec![name.clone()]], |(_, paths)| paths.clone())
            }
            Expr::Select(select) => {
                let below = self.paths(&select.operand, scope);
                self.step(below, &select.field)
            }
            Expr::Literal(literal) => {
                self.names.literals.extend(value(literal));
                Vec::new()
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.walk(element, scope);
                }
                Vec::new()
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key, scope);
                        self.walk(&entry.value, scope);
                    }
                }
                Vec::new()
            }
            Expr::Comprehension(loops) => {
                let range = self.walk(&loops.iter_range, scope);
                let items = range.iter().map(|path| {
                    let mut path = path.clone();
                    path.push(ANY.to_owned());
                    path
                });
                scope.push((loops.iter_var.clone(), items.collect()));
                // `filter` returns items of the same list.
                scope.push((loops.accu_var.clone(), Vec::new()));
                self.walk(&loops.accu_init, scope);
                self.walk(&loops.loop_cond, scope);
                let kept = kept_if(&loops.loop_step, &loops.iter_var);
                self.walk(kept.unwrap_or(&loops.loop_step), scope);
                self.walk(&loops.result, scope);
                scope.truncate(scope.len() - 2);
                match kept {
                    Some(_) => range,
                    None => Vec::new(),
                }
            }
            Expr::Call(call) => {
                self.call(&call.func_name, call.target.as_deref(), &call.args, scope)
            }
            Expr::Unspecified | Expr::Struct(_) => Vec::new(),
        }
    }

    fn call(
        &mut self,
        name: &str,
        target: Option<&IdedExpr>,
        args: &[IdedExpr],
        scope: &mut LoopVariables,
    ) -> Vec<ObjectPath> {
        match (name, target, args) {
            (
                operators::OPT_SELECT | operators::INDEX | operators::OPT_INDEX,
                None,
                [of, field],
            ) => {
                let below = self.paths(of, scope);
                match &field.expr {
                    Expr::Literal(LiteralValue::String(field)) => self.step(below, field.inner()),
                    Expr::Literal(_) => self.step(below, ANY),
                    _ => {
                        self.walk(field, scope);
                        self.step(below, ANY)
                    }
                }
            }
            ("orValue" | "or" | "value" | "optMap" | "optFlatMap", Some(target), args) => {
                let paths = self.paths(target, scope);
                let others = args.iter().flat_map(|arg| self.paths(arg, scope));
                let others: Vec<ObjectPath> = others.collect();
                [paths, others].concat()
            }
            (operators::CONDITIONAL, None, [condition, yes, no]) => {
                self.walk(condition, scope);
                [self.paths(yes, scope), self.paths(no, scope)].concat()
            }
            (operators::ADD, None, [one, other]) => {
                [self.paths(one, scope), self.paths(other, scope)].concat()
            }
            ("optional.of" | "dyn", None, [of]) => self.paths(of, scope),
            _ => {
                for part in target.into_iter().chain(args) {
                    self.walk(part, scope);
                }
                Vec::new()
            }
        }
    }

    /// Returns the paths one element further; follows the policy's variables.
    fn step(&mut self, paths: Vec<ObjectPath>, field: &str) -> Vec<ObjectPath> {
        let mut further = Vec::new();
        for mut path in paths {
            if path == ["variables"] {
                let Some(expression) = self.variables.get(field) else {
                    continue;
                };
                if self.depth > 0 {
                    self.depth -= 1;
                    further.extend(self.read(expression));
                }
                continue;
            }
            path.push(field.to_owned());
            further.push(path);
        }
        further
    }
}

/// Returns the condition of a loop that keeps items unchanged (`filter`).
fn kept_if<'e>(step: &'e IdedExpr, item: &str) -> Option<&'e IdedExpr> {
    let Expr::Call(call) = &step.expr else {
        return None;
    };
    let [condition, yes, _] = &call.args[..] else {
        return None;
    };
    let Expr::Call(added) = &yes.expr else {
        return None;
    };
    let Expr::List(list) = &added.args.get(1)?.expr else {
        return None;
    };
    let [only] = &list.elements[..] else {
        return None;
    };
    let is_kept = only.expr == Expr::Ident(item.to_owned());
    (call.func_name == operators::CONDITIONAL && is_kept).then_some(condition)
}

fn value(literal: &LiteralValue) -> Option<Value> {
    match literal {
        LiteralValue::Boolean(value) => Some(json!(value.inner())),
        LiteralValue::Double(value) => Some(json!(value.inner())),
        LiteralValue::Int(value) => Some(json!(value.inner())),
        LiteralValue::UInt(value) => Some(json!(value.inner())),
        LiteralValue::String(value) => Some(json!(value.inner())),
        LiteralValue::Bytes(_) | LiteralValue::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_fields_and_values_of_an_expression() {
        let variables = BTreeMap::from([(
            "all".to_owned(),
            "object.spec.containers + object.spec.initContainers".to_owned(),
        )]);
        let names = |expression: &str| {
            let names = ExpressionNames::of(&Env::stdlib(), expression, &variables);
            let paths: Vec<String> = names.paths.iter().map(|path| path.join(".")).collect();
            (paths.join(" "), names.literals)
        };
        for (expression, paths, literals) in [
            (
                "has(object.spec.a) && object.spec.b <= 5",
                "object.spec.a object.spec.b",
                json!([5]),
            ),
            (
                "object.?spec[?'a/b'].orValue('x') == 'y'",
                "object.spec.a/b",
                json!(["x", "y"]),
            ),
            (
                "object.spec.c.all(c, !has(c.x) || c.x.y == true)",
                "object.spec.c object.spec.c.*.x object.spec.c.*.x.y",
                json!([true]),
            ),
            (
                "object.spec.c.filter(c, c.name == 'a').all(c, c.image != '')",
                "object.spec.c object.spec.c.*.image object.spec.c.*.name",
                json!(["a", ""]),
            ),
            (
                "variables.all.exists(c, c.tty)",
                "object.spec.containers object.spec.containers.*.tty object.spec.initContainers \
                 object.spec.initContainers.*.tty",
                json!([]),
            ),
            (
                "object.spec.replicas == oldObject.spec.replicas",
                "object.spec.replicas oldObject.spec.replicas",
                json!([]),
            ),
        ] {
            let (found, mut said) = names(expression);
            assert_eq!(found, paths, "{expression}");
            // Loops have their own literals.
            said.retain(|value| literals.as_array().unwrap().contains(value));
            said.dedup();
            let mut wanted = literals.as_array().unwrap().clone();
            wanted.retain(|value| said.contains(value));
            assert_eq!(
                wanted.len(),
                literals.as_array().unwrap().len(),
                "{expression}"
            );
        }
    }
}
