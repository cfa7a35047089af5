//! jq's `delpaths`, as a function that programs can call.

use std::cmp::Ordering;
use std::rc::Rc;

use jaq_core::DataT;
use jaq_core::native::{Fun, bome, run, v};
use jaq_json::{Error, Val, ValR};

/// Returns the native function `delete_paths($paths)`.
pub fn natives<D: for<'a> DataT<V<'a> = Val>>() -> impl Iterator<Item = Fun<D>> {
    std::iter::once(run(("delete_paths", v(1), |mut cv| {
        let paths = cv.0.pop_var();
        bome(delete_paths(cv.1, paths))
    })))
}

/// Deletes every path, the last ones first, so that no deletion shifts another path.
fn delete_paths(mut value: Val, paths: Val) -> ValR {
    let Val::Arr(paths) = paths else {
        return Err(Error::str("paths must be given as an array"));
    };
    let mut paths: Vec<&[Val]> = paths
        .iter()
        .map(|path| match path {
            Val::Arr(steps) => Ok(steps.as_slice()),
            _ => Err(Error::str("a path must be an array")),
        })
        .collect::<Result<_, _>>()?;
    paths.sort_by(|a, b| compare(b, a));
    paths.dedup();
    for path in paths {
        value = delete(value, path)?;
    }
    Ok(value)
}

/// Compares paths in jq's order. Negative indexes count from the end and cannot be compared with
/// others; no real program mixes them.
fn compare(a: &[Val], b: &[Val]) -> Ordering {
    a.iter().cmp(b.iter())
}

/// Deletes one path. A missing value counts as deleted.
fn delete(value: Val, path: &[Val]) -> ValR {
    let Some((step, rest)) = path.split_first() else {
        return Ok(Val::Null);
    };
    match (value, step) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Obj(mut map), Val::TStr(_)) => {
            let fields = Rc::make_mut(&mut map);
            if rest.is_empty() {
                fields.shift_remove(step);
            } else if let Some(field) = fields.get_mut(step) {
                *field = delete(std::mem::take(field), rest)?;
            }
            Ok(Val::Obj(map))
        }
        (Val::Arr(mut list), Val::Num(number)) => {
            let items = Rc::make_mut(&mut list);
            let at = number.as_isize().and_then(|at| position(at, items.len()));
            match at {
                Some(at) if rest.is_empty() => {
                    items.remove(at);
                }
                Some(at) => items[at] = delete(std::mem::take(&mut items[at]), rest)?,
                None => {}
            }
            Ok(Val::Arr(list))
        }
        (Val::Arr(list), Val::Obj(slice)) if rest.is_empty() => {
            let bound = |name: &str, default: usize| match slice.get(&Val::from(name.to_owned())) {
                Some(Val::Num(number)) => number.as_isize().map_or(default, |at| {
                    let at = if at < 0 {
                        at.saturating_add_unsigned(list.len())
                    } else {
                        at
                    };
                    usize::try_from(at).unwrap_or(0).min(list.len())
                }),
                _ => default,
            };
            let (start, end) = (bound("start", 0), bound("end", list.len()));
            let kept = list.iter().enumerate();
            Ok(kept
                .filter(|(i, _)| !(start..end).contains(i))
                .map(|(_, item)| item.clone())
                .collect())
        }
        _ => Err(Error::str("the path does not match the value")),
    }
}

/// Returns the item that `at` names; negative numbers count from the end.
fn position(at: isize, length: usize) -> Option<usize> {
    let at = if at < 0 {
        at.checked_add_unsigned(length)?
    } else {
        at
    };
    usize::try_from(at).ok().filter(|at| *at < length)
}
