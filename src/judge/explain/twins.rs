//! Explains objects that an API server serves in two groups: before Kubernetes 1.22, every Ingress
//! is in `networking.k8s.io` and in `extensions`. Both are one object with one `uid`.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::cluster::{LiveObject, ReadResults};
use crate::judge::{Explainer, ExplainerInput, Knowledge, ObjectExplainer};
use crate::model::{Explanation, Ownership, ResourceKey};
use crate::policy::RuleSet;

/// The group in which kinds were before they got their own groups. Another group also serves each
/// of its kinds.
const FORMER: &str = "extensions";

/// The kind, namespace and name, which both views of an object share.
type TwinName<'e> = (&'e str, Option<&'e str>, &'e str);

fn name(object: &LiveObject) -> TwinName<'_> {
    let key = &object.key;
    (&key.kind, key.namespace.as_deref(), &key.name)
}

/// Explains the second view of an object that is served in two groups.
pub struct TwinGroups;

impl Explainer for TwinGroups {
    fn id(&self) -> &'static str {
        "twin-groups"
    }

    fn about(&self) -> &'static str {
        "The API server also serves the object in a second API group, where it is reported or \
         declared."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let twins = twins(run.fetched);
        (!twins.is_empty()).then(|| Box::new(Twins(twins)) as _)
    }
}

/// The undeclared objects that another group serves too.
struct Twins(BTreeSet<ResourceKey>);

impl Knowledge for Twins {
    fn undeclared(
        &self,
        object: &LiveObject,
        _: &Value,
        _: &Ownership,
        _: &RuleSet,
    ) -> Option<ObjectExplainer> {
        self.0.contains(&object.key).then(|| ObjectExplainer {
            explanation: Explanation::ServerManaged,
            by: TwinGroups.id().to_owned(),
            about: TwinGroups.about().to_owned(),
        })
    }
}

/// Returns the undeclared objects that are declared in another group, or are also undeclared in a
/// newer one.
fn twins(fetched: &ReadResults) -> BTreeSet<ResourceKey> {
    let declared = fetched.found();
    if !fetched.extra.iter().chain(declared.clone()).any(is_former) {
        return BTreeSet::new();
    }
    let mut alike: HashMap<TwinName<'_>, Vec<&LiveObject>> = HashMap::new();
    for object in &fetched.extra {
        alike.entry(name(object)).or_default().push(object);
    }
    let mut known: HashMap<TwinName<'_>, Vec<&LiveObject>> = HashMap::new();
    for object in declared.filter(|object| alike.contains_key(&name(object))) {
        known.entry(name(object)).or_default().push(object);
    }
    let is_shown_elsewhere = |object: &&LiveObject| {
        let name = name(object);
        let declared = known.get(&name).into_iter().flatten();
        let others = alike.get(&name).into_iter().flatten();
        let others = others.filter(|other| is_former(object) && !is_former(other));
        let mut twins = declared.chain(others).peekable();
        twins.peek().is_some() && {
            let own = uid(object);
            own.is_some() && twins.any(|twin| uid(twin) == own)
        }
    };
    let extra = fetched.extra.iter();
    let twins = extra.filter(is_shown_elsewhere);
    twins.map(|object| object.key.clone()).collect()
}

fn is_former(object: &LiveObject) -> bool {
    object.key.group == FORMER
}

fn uid(object: &LiveObject) -> Option<String> {
    let value = object.value().ok()?;
    let uid = value.pointer("/metadata/uid").and_then(Value::as_str)?;
    Some(uid.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::ReadResult;

    fn ingress(group: &str, name: &str, uid: Option<&str>) -> LiveObject {
        let key = ResourceKey::new(
            group.to_owned(),
            "Ingress",
            Some("shop".to_owned()),
            name.to_owned(),
        );
        let value = json!({"metadata": {"name": name, "uid": uid}});
        LiveObject::from_value(key, format!("{group}/v1beta1"), &value)
    }

    #[test]
    fn an_object_in_two_groups_is_extra_at_most_once() {
        let (new, old) = ("networking.k8s.io", FORMER);
        let declared = [ingress(new, "a", Some("1")), ingress(old, "b", Some("2"))];
        let answers = declared.map(|object| (object.key.clone(), ReadResult::Found(object)));
        let fetched = ReadResults {
            answers: answers.into(),
            extra: vec![
                ingress(old, "a", Some("1")),
                ingress(new, "b", Some("2")),
                ingress(new, "c", Some("3")),
                ingress(old, "c", Some("3")),
                // An object with the same name but another uid is a different object.
                ingress(new, "d", Some("4")),
                ingress(old, "d", Some("5")),
                ingress("other.example", "a", Some("6")),
                ingress(new, "e", None),
                ingress(old, "e", None),
            ],
            ..ReadResults::default()
        };
        let twins = twins(&fetched);
        let left = fetched.extra.iter();
        let left: Vec<_> = left
            .filter(|object| !twins.contains(&object.key))
            .map(|object| (object.key.name.as_str(), object.key.group.as_str()))
            .collect();
        let expected = [
            ("c", new),
            ("d", new),
            ("d", old),
            ("a", "other.example"),
            ("e", new),
            ("e", old),
        ];
        assert_eq!(left, expected);
    }
}
