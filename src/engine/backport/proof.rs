//! Checks the effect of an edit on a rendering: it is accepted only if exactly one object changed,
//! and only at the intended field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::trial::RenderResult;
use super::values;
use crate::model::{Deployer, PathElement};

/// Group and version, kind, namespace and name.
type RenderedIdentity = [Option<String>; 4];

/// An object as rendered after an edit.
#[derive(Debug, PartialEq)]
pub(super) struct EditedObject {
    /// The object, under its former name.
    pub value: Value,
    /// Its new and former name, if the name ends in a hash of its content.
    pub renamed: Option<(String, String)>,
}

/// Returns the object as rendered after an edit; `None` if it did not change below the path, or if
/// anything else changed.
///
/// The name of a generated object ends in a hash of its content, and so changes. It is replaced by
/// the former name everywhere. The edited values may be inline in the HelmRelease or Application
/// that deploys the object, which may be declared too.
pub(super) fn changed(
    before: &RenderResult,
    after: &RenderResult,
    object: &Value,
    path: &[PathElement],
    deployer: Option<&Deployer>,
) -> Option<EditedObject> {
    if before.errors != after.errors || before.objects.len() != after.objects.len() {
        return None;
    }
    let renamed = renamed(before, after, object);
    let bare = |one: &Value| without_values(one, deployer);
    let mut others: Vec<Value> = after.objects.iter().map(bare).collect();
    if let Some((from, to)) = &renamed {
        others.iter_mut().for_each(|one| rename(one, from, to));
    }
    let is_object = |one: &Value| identity(one) == identity(object);
    if others.iter().filter(|one| is_object(one)).count() != 1 {
        return None;
    }
    let at = others.iter().position(is_object)?;
    let changed = others.swap_remove(at);
    let rest = before.objects.iter().filter(|one| !is_object(one));
    let mut rest: Vec<Value> = rest.map(bare).collect();
    let is_same = others.iter().all(|one| {
        let at = rest.iter().position(|other| other == one);
        at.map(|at| rest.swap_remove(at)).is_some()
    });
    let is_right = is_same && rest.is_empty() && changed != *object;
    let is_right = is_right && values::same_but_below(object, &changed, path);
    is_right.then_some(EditedObject {
        value: changed,
        renamed,
    })
}

/// Returns what an edit changes besides: other objects, and fields of the object itself. Empty
/// unless the edit gives the object the wanted value at the path.
pub(super) fn side_effects(
    before: &RenderResult,
    after: &RenderResult,
    (object, wanted): (&Value, &Value),
    path: &[PathElement],
    deployer: Option<&Deployer>,
) -> Vec<String> {
    let bare = |one: &Value| without_values(one, deployer);
    let known: BTreeMap<RenderedIdentity, Value> = before
        .objects
        .iter()
        .map(|one| (identity(one), bare(one)))
        .collect();
    let made: BTreeMap<RenderedIdentity, Value> = after
        .objects
        .iter()
        .map(|one| (identity(one), bare(one)))
        .collect();
    let now = made.get(&identity(object));
    if now.is_none_or(|now| values::lookup(now, path) != values::lookup(wanted, path)) {
        return Vec::new();
    }
    let all: BTreeSet<&RenderedIdentity> = known.keys().chain(made.keys()).collect();
    let changed = all.into_iter().filter(|it| known.get(*it) != made.get(*it));
    let others = changed.filter(|it| **it != identity(object));
    let mut found: Vec<String> = others.map(name_of).collect();
    if found.is_empty() {
        found.push(format!("other fields of {}", name_of(&identity(object))));
    }
    found
}

/// Returns `Deployment shop/cart`.
fn name_of([_, kind, namespace, name]: &RenderedIdentity) -> String {
    let namespace = namespace
        .as_ref()
        .map(|it| format!("{it}/"))
        .unwrap_or_default();
    let (kind, name) = (kind.as_deref(), name.as_deref());
    format!(
        "{} {namespace}{}",
        kind.unwrap_or_default(),
        name.unwrap_or_default()
    )
}

/// Returns an object, without the values of its chart if it is the deployer.
fn without_values(object: &Value, deployer: Option<&Deployer>) -> Value {
    let mut bare = object.clone();
    let is_deployer = deployer.is_some_and(|deployer| {
        let [_, kind, _, name] = identity(object);
        kind.as_deref() == Some(&*deployer.kind) && name.as_deref() == Some(&*deployer.name)
    });
    let Some(spec) = bare.get_mut("spec").filter(|_| is_deployer) else {
        return bare;
    };
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("values");
    }
    let several = spec
        .get("sources")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let several = (0..several).map(|at| format!("/sources/{at}"));
    for source in several.chain(["/source".to_owned()]) {
        let source = spec.pointer_mut(&source).and_then(Value::as_object_mut);
        source.and_then(|source| source.remove("helm"));
    }
    bare
}

/// Returns whether two renderings have the same content.
pub(super) fn is_same(before: &RenderResult, after: &RenderResult) -> bool {
    if before.errors != after.errors || before.objects.len() != after.objects.len() {
        return false;
    }
    let mut rest: BTreeMap<RenderedIdentity, Vec<&Value>> = BTreeMap::new();
    for one in &before.objects {
        rest.entry(identity(one)).or_default().push(one);
    }
    after.objects.iter().all(|one| {
        let same = rest.get_mut(&identity(one));
        same.is_some_and(|same| {
            let at = same.iter().position(|other| *other == one);
            at.map(|at| same.swap_remove(at)).is_some()
        })
    })
}

fn identity(object: &Value) -> RenderedIdentity {
    let pointers = [
        "/apiVersion",
        "/kind",
        "/metadata/namespace",
        "/metadata/name",
    ];
    pointers.map(|pointer| object.pointer(pointer)?.as_str().map(str::to_owned))
}

/// Returns the new and the former name of a generated object.
fn renamed(
    before: &RenderResult,
    after: &RenderResult,
    object: &Value,
) -> Option<(String, String)> {
    let [version, kind, namespace, name] = identity(object);
    let (stem, _) = name.as_deref()?.rsplit_once('-')?;
    let known: BTreeSet<RenderedIdentity> = before.objects.iter().map(identity).collect();
    let mut fresh = after.objects.iter().map(identity).filter(|identity| {
        let [of_version, of_kind, of_namespace, _] = identity;
        !known.contains(identity)
            && [of_version, of_kind, of_namespace] == [&version, &kind, &namespace]
    });
    let [.., fresh] = fresh.find(|[.., name]| {
        let stem_of = name.as_deref().and_then(|name| name.rsplit_once('-'));
        stem_of.is_some_and(|(other, _)| other == stem)
    })?;
    let is_there = after.objects.iter().any(|one| identity(one)[3] == name);
    (!is_there).then_some((fresh?, name?))
}

/// Replaces new names of generated objects by their former ones everywhere.
pub(super) fn by_former_names(rendered: &mut RenderResult, renamed: &BTreeMap<String, String>) {
    for (from, to) in renamed {
        let objects = rendered.objects.iter_mut();
        objects.for_each(|object| rename(object, from, to));
    }
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| rename(field, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldPath;

    fn rendered(objects: &[Value]) -> RenderResult {
        RenderResult {
            objects: objects.to_vec(),
            errors: Vec::new(),
        }
    }

    fn object(name: &str, replicas: u32) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": replicas}})
    }

    fn changed(
        before: &RenderResult,
        after: &RenderResult,
        object: &Value,
        path: &[PathElement],
    ) -> Option<EditedObject> {
        super::changed(before, after, object, path, None)
    }

    #[test]
    fn allows_changed_values_in_the_deployer_of_the_object() {
        let release = |replicas: u64, interval: &str| {
            json!({"kind": "HelmRelease", "metadata": {"name": "cart"},
                "spec": {"interval": interval, "values": {"replicas": replicas}}})
        };
        let before = rendered(&[object("a", 1), release(1, "5m")]);
        let deployer = Deployer {
            kind: "HelmRelease".to_owned(),
            namespace: "shop".to_owned(),
            name: "cart".to_owned(),
        };
        let path: FieldPath = ".spec.replicas".parse().unwrap();
        let proven = |release: Value, deployer: Option<&Deployer>| {
            let after = rendered(&[object("a", 2), release]);
            super::changed(&before, &after, &object("a", 1), &path.0, deployer).is_some()
        };
        assert!(proven(release(2, "5m"), Some(&deployer)));
        assert!(!proven(release(2, "6m"), Some(&deployer)));
        assert!(!proven(release(2, "5m"), None));
    }

    #[test]
    fn what_an_edit_changes_besides_is_named_if_it_sets_the_field() {
        let path: FieldPath = ".spec.replicas".parse().unwrap();
        let before = rendered(&[object("a", 1), object("b", 1)]);
        let besides = |a: Value, b: Value| {
            let objects = (&object("a", 1), &object("a", 2));
            side_effects(&before, &rendered(&[a, b]), objects, &path.0, None)
        };
        let mut paused = object("a", 2);
        paused["spec"]["paused"] = true.into();
        assert_eq!(besides(object("a", 2), object("b", 2)), ["Deployment b"]);
        assert_eq!(
            besides(paused, object("b", 1)),
            ["other fields of Deployment a"]
        );
        assert!(besides(object("a", 3), object("b", 2)).is_empty());
    }

    #[test]
    fn rejects_an_edit_that_changes_something_else() {
        let path: FieldPath = ".spec.replicas".parse().unwrap();
        let before = rendered(&[object("a", 1), object("b", 1)]);
        let after = |a: u32, b: u32| rendered(&[object("a", a), object("b", b)]);
        let changed = |after: &RenderResult| {
            let changed = changed(&before, after, &object("a", 1), &path.0);
            changed.map(|changed| changed.value)
        };
        assert_eq!(changed(&after(2, 1)), Some(object("a", 2)));
        assert_eq!(changed(&after(2, 2)), None);
        assert_eq!(changed(&after(1, 1)), None);
        assert_eq!(changed(&rendered(&[object("a", 2)])), None);
        let mut elsewhere = object("a", 2);
        elsewhere["spec"]["paused"] = true.into();
        assert_eq!(changed(&rendered(&[elsewhere, object("b", 1)])), None);
    }

    #[test]
    fn allows_a_new_hash_in_a_generated_name() {
        let config = |hash: &str, value: &str| {
            let name = format!("settings-{hash}");
            json!({"kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value}})
        };
        let user = |hash: &str| json!({"kind": "Pod", "spec": {"ref": format!("settings-{hash}")}});
        let path: FieldPath = ".data.a".parse().unwrap();
        let before = rendered(&[config("aaa", "1"), user("aaa")]);
        let after = rendered(&[config("bbb", "2"), user("bbb")]);
        let changed = changed(&before, &after, &config("aaa", "1"), &path.0).unwrap();
        assert_eq!(changed.value, config("aaa", "2"));
        let renamed = ("settings-bbb".to_owned(), "settings-aaa".to_owned());
        assert_eq!(changed.renamed, Some(renamed));
    }
}
