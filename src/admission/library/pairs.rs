//! Comprehensions with two variables: `list.all(index, value, …)`, `map.exists(key, value, …)`,
//! `transformList`, `transformMap` and the like.
//!
//! The interpreter binds only one variable, so each comprehension becomes one over pairs, from
//! which both variables are bound.

use std::collections::HashMap;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators,
};
use cel::common::types::{CelInt, CelList, CelMap, CelMapKey as Key, LIST_TYPE, MAP_TYPE};
use cel::common::value::{CowVal, Val};
use cel::parser::{Macro, MacroExprHelper, ParseError};
use cel::{DeclarationError, Env, ExecutionError};

use super::{Args, FunctionAnswer, Members, arg, invalid, items, owned, unexpected};

/// Functions whose names expressions cannot contain.
const PAIRS: &str = "@pairs";
const AS_MAP: &str = "@asMap";
const MERGED: &str = "@merged";

/// The variables of the pair and of the result of a comprehension.
const PAIR: &str = "@pair";
const RESULT: &str = "@found";

/// Adds the macros, and the functions that they expand to.
///
/// # Errors
/// Fails if the environment already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    Members(env, &LIST_TYPE).add(PAIRS, &[], of_list)?;
    Members(env, &MAP_TYPE).add(PAIRS, &[], of_map)?;
    Members(env, &LIST_TYPE).add(AS_MAP, &[], as_map)?;
    Members(env, &LIST_TYPE).add(MERGED, &[], merged)?;
    let shapes = [
        ("all", 3, CallShape::All),
        ("exists", 3, CallShape::Exists),
        ("existsOne", 3, CallShape::ExistsOne),
        ("exists_one", 3, CallShape::ExistsOne),
        ("transformList", 3, CallShape::List),
        ("transformList", 4, CallShape::List),
        ("transformMap", 3, CallShape::Map),
        ("transformMap", 4, CallShape::Map),
        ("transformMapEntry", 3, CallShape::Entries),
        ("transformMapEntry", 4, CallShape::Entries),
    ];
    for (name, count, shape) in shapes {
        env.add_macro(Macro::receiver(name, count, move |helper, target, args| {
            expand(helper, target, args, shape)
        }))?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CallShape {
    All,
    Exists,
    ExistsOne,
    List,
    Map,
    Entries,
}

fn expand(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Option<IdedExpr>,
    args: &mut Vec<IdedExpr>,
    shape: CallShape,
) -> Result<Option<IdedExpr>, ParseError> {
    let mut given = std::mem::take(args).into_iter();
    let mut name = || match given.next() {
        Some(IdedExpr {
            expr: Expr::Ident(name),
            ..
        }) => Ok(name),
        other => Err(other.map_or(0, |other| other.id)),
    };
    let names = name().and_then(|first| Ok([first, name()?]));
    let names = names.map_err(|id| helper.new_error(id, "argument must be a simple name"))?;
    let (Some(target), Some(body)) = (target.take(), given.next_back()) else {
        return Err(helper.new_error(0, "a comprehension has a target and an expression"));
    };
    let mut make = Maker { helper, names };
    let filter = given.next();
    let range = make.call(PAIRS, Some(target), Vec::new());
    let (start, condition, body) = match shape {
        CallShape::All => (make.bool(true), make.unless(false), make.bound(body)),
        CallShape::Exists => (make.bool(false), make.unless(true), make.bound(body)),
        CallShape::ExistsOne => (make.int(0), make.bool(true), make.bound(body)),
        CallShape::Map => {
            let key = make.names[0].clone();
            let key = make.ident(&key);
            let pair = make.list(vec![key, body]);
            (make.list(Vec::new()), make.bool(true), make.bound(pair))
        }
        CallShape::List | CallShape::Entries => {
            (make.list(Vec::new()), make.bool(true), make.bound(body))
        }
    };
    let found = make.ident(RESULT);
    let step = match shape {
        CallShape::All => make.call(operators::LOGICAL_AND, None, vec![found, body]),
        CallShape::Exists => make.call(operators::LOGICAL_OR, None, vec![found, body]),
        CallShape::ExistsOne => {
            let one = make.int(1);
            let more = make.call(operators::ADD, None, vec![found, one]);
            let same = make.ident(RESULT);
            make.call(operators::CONDITIONAL, None, vec![body, more, same])
        }
        CallShape::List | CallShape::Map | CallShape::Entries => {
            let item = make.list(vec![body]);
            make.call(operators::ADD, None, vec![found, item])
        }
    };
    let step = match filter {
        Some(filter) => {
            let (filter, same) = (make.bound(filter), make.ident(RESULT));
            make.call(operators::CONDITIONAL, None, vec![filter, step, same])
        }
        None => step,
    };
    let found = make.ident(RESULT);
    let result = match shape {
        CallShape::ExistsOne => {
            let one = make.int(1);
            make.call(operators::EQUALS, None, vec![found, one])
        }
        CallShape::Map => make.call(AS_MAP, Some(found), Vec::new()),
        CallShape::Entries => make.call(MERGED, Some(found), Vec::new()),
        _ => found,
    };
    Ok(Some(make.comprehension(ComprehensionExpr {
        iter_range: range,
        iter_var: PAIR.to_owned(),
        iter_var2: None,
        accu_var: RESULT.to_owned(),
        accu_init: start,
        loop_cond: condition,
        loop_step: step,
        result,
    })))
}

/// Builds the expressions of one comprehension.
struct Maker<'h, 'p> {
    helper: &'h mut MacroExprHelper<'p>,
    names: [String; 2],
}

impl Maker<'_, '_> {
    fn ident(&mut self, name: &str) -> IdedExpr {
        self.helper.next_expr(Expr::Ident(name.to_owned()))
    }

    fn bool(&mut self, value: bool) -> IdedExpr {
        let literal = LiteralValue::Boolean(value.into());
        self.helper.next_expr(Expr::Literal(literal))
    }

    fn int(&mut self, value: i64) -> IdedExpr {
        let literal = LiteralValue::Int(value.into());
        self.helper.next_expr(Expr::Literal(literal))
    }

    fn list(&mut self, items: Vec<IdedExpr>) -> IdedExpr {
        self.helper.next_expr(Expr::List(ListExpr::new(items)))
    }

    fn call(&mut self, name: &str, target: Option<IdedExpr>, args: Vec<IdedExpr>) -> IdedExpr {
        self.helper.next_expr(Expr::Call(CallExpr {
            func_name: name.to_owned(),
            target: target.map(Box::new),
            args,
        }))
    }

    fn comprehension(&mut self, comprehension: ComprehensionExpr) -> IdedExpr {
        self.helper
            .next_expr(Expr::Comprehension(Box::new(comprehension)))
    }

    /// Returns the condition to continue: the result is not yet final.
    fn unless(&mut self, end: bool) -> IdedExpr {
        let found = self.ident(RESULT);
        let goes_on = match end {
            true => self.call(operators::LOGICAL_NOT, None, vec![found]),
            false => found,
        };
        self.call(operators::NOT_STRICTLY_FALSE, None, vec![goes_on])
    }

    /// Returns an expression in which the two variables have the values of the pair.
    fn bound(&mut self, body: IdedExpr) -> IdedExpr {
        let [first, second] = self.names.clone();
        let inner = self.bind(&second, 1, body);
        self.bind(&first, 0, inner)
    }

    fn bind(&mut self, name: &str, at: i64, body: IdedExpr) -> IdedExpr {
        let (pair, index) = (self.ident(PAIR), self.int(at));
        let value = self.call(operators::INDEX, None, vec![pair, index]);
        let (nothing, never, same) = (self.list(Vec::new()), self.bool(false), self.ident(name));
        self.comprehension(ComprehensionExpr {
            iter_range: nothing,
            iter_var: "#unused".to_owned(),
            iter_var2: None,
            accu_var: name.to_owned(),
            accu_init: value,
            loop_cond: never,
            loop_step: same,
            result: body,
        })
    }
}

fn pair<'v>(first: Box<dyn Val + 'v>, second: Box<dyn Val + 'v>) -> Box<dyn Val + 'v> {
    Box::new(CelList::from(vec![first, second]))
}

fn of_list<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let pairs = items(&args, 0)?.into_iter().enumerate();
    let pairs = pairs.map(|(at, item)| {
        let at = CelInt::from(i64::try_from(at).unwrap_or(i64::MAX));
        pair(Box::new(at), item.clone_as_boxed())
    });
    owned(CelList::from(pairs.collect::<Vec<_>>()))
}

fn of_map<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let map = arg::<CelMap<'_>>(&args, 0)?;
    let mut entries: Vec<_> = map.inner().iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    let pairs = entries
        .into_iter()
        .map(|(key, value)| pair(key.inner().clone_as_boxed(), value.clone_as_boxed()));
    owned(CelList::from(pairs.collect::<Vec<_>>()))
}

fn entry<'v>(
    map: &mut HashMap<Key<'v>, Box<dyn Val + 'v>>,
    key: Box<dyn Val + 'v>,
    value: Box<dyn Val + 'v>,
) -> Result<(), ExecutionError> {
    let key = Key::try_from(key).map_err(|_| unexpected("key"))?;
    match map.insert(key, value) {
        Some(_) => Err(invalid("transformMapEntry", "duplicate key")),
        None => Ok(()),
    }
}

fn as_map<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let mut map = HashMap::new();
    for item in items(&args, 0)? {
        let pair = item.downcast_ref::<CelList<'_>>();
        let [key, value] = pair.map(|pair| pair.inner()).unwrap_or_default() else {
            return Err(unexpected("pair"));
        };
        entry(&mut map, key.clone(), value.clone())?;
    }
    Ok(CowVal::owned(CelMap::from(map)))
}

fn merged<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let mut map = HashMap::new();
    for item in items(&args, 0)? {
        let entries = item.downcast_ref::<CelMap<'_>>();
        for (key, value) in entries.ok_or_else(|| unexpected("map"))?.inner() {
            entry(&mut map, key.inner().clone_as_boxed(), value.clone())?;
        }
    }
    Ok(CowVal::owned(CelMap::from(map)))
}
