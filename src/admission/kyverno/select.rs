//! `match` and `exclude`: decides whether a rule applies to an object.

use serde_json::{Map, Value};

use super::text::{has_wildcard, wildcard};
use crate::model::group_of;
use crate::policy::LabelSelector;

/// The object, and what is known about the request.
pub struct KyvernoCandidate<'a> {
    pub object: &'a Value,
    pub operation: &'a str,
    pub subresource: &'a str,
    /// The labels of the namespace, if known.
    pub namespace_labels: Option<&'a Value>,
    /// The user who writes (`userInfo`), if known.
    pub user: Option<&'a Value>,
}

/// A namespace that is known and has no labels.
static NO_LABELS: Value = Value::Null;

impl<'a> KyvernoCandidate<'a> {
    /// Returns what is known of the object of an evaluation.
    pub fn of(input: &'a Value) -> Self {
        let text = |pointer: &str| input.pointer(pointer).and_then(Value::as_str);
        let given = |name: &str| input.get(name).filter(|value| value.is_object());
        // A deletion is about what was there.
        let object = given("object").or_else(|| given("oldObject"));
        let namespace = given("namespaceObject");
        Self {
            object: object.unwrap_or(&Value::Null),
            operation: text("/request/operation").unwrap_or("CREATE"),
            subresource: text("/request/subResource").unwrap_or_default(),
            namespace_labels: namespace
                .map(|namespace| namespace.pointer("/metadata/labels").unwrap_or(&NO_LABELS)),
            user: input.pointer("/request/userInfo"),
        }
    }
}

/// Whether a rule applies to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleMatch {
    Yes,
    No,
    /// It cannot be determined here.
    Unknown(String),
}

use RuleMatch::{No, Unknown, Yes};

/// Decides whether a rule applies to an object.
pub fn select(rule: &Value, candidate: &KyvernoCandidate<'_>) -> RuleMatch {
    let empty = Value::Null;
    let included = block(rule.get("match").unwrap_or(&empty), candidate, false);
    if included == No {
        return No;
    }
    let excluded = match rule.get("exclude") {
        Some(exclude) => block(exclude, candidate, true),
        None => No,
    };
    match (included, excluded) {
        (_, Yes) | (No, _) => No,
        (Yes, No) => Yes,
        (Unknown(why), _) | (_, Unknown(why)) => Unknown(why),
    }
}

fn any(all: impl Iterator<Item = RuleMatch>) -> RuleMatch {
    let mut found = No;
    for one in all {
        match one {
            Yes => return Yes,
            Unknown(why) => found = Unknown(why),
            No => {}
        }
    }
    found
}

fn all(each: impl Iterator<Item = RuleMatch>) -> RuleMatch {
    let mut found = Yes;
    for one in each {
        match one {
            No => return No,
            Unknown(why) => found = Unknown(why),
            Yes => {}
        }
    }
    found
}

/// Returns whether a block of filters, such as `match`, matches an object.
pub fn block(block: &Value, candidate: &KyvernoCandidate<'_>, is_exclude: bool) -> RuleMatch {
    let list = |name: &str| {
        let list = block.get(name).and_then(Value::as_array);
        list.filter(|list| !list.is_empty())
    };
    let filter = |one: &Value| filter(one, candidate);
    if let Some(filters) = list("any") {
        return any(filters.iter().map(filter));
    }
    if let Some(filters) = list("all") {
        // A filter without conditions excludes nothing.
        let filters = filters.iter().filter(|one| !is_exclude || !is_empty(one));
        return all(filters.map(filter));
    }
    filter(block)
}

fn is_empty(filter: &Value) -> bool {
    let is_set = |name: &str| filter.get(name).is_some_and(|value| !is_blank(value));
    !["resources", "subjects", "roles", "clusterRoles"]
        .into_iter()
        .any(is_set)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn filter(filter: &Value, candidate: &KyvernoCandidate<'_>) -> RuleMatch {
    if is_empty(filter) {
        return No;
    }
    let none = Value::Null;
    let matched = resources(filter.get("resources").unwrap_or(&none), candidate);
    let asks = ["subjects", "roles", "clusterRoles"]
        .into_iter()
        .any(|name| filter.get(name).is_some_and(|value| !is_blank(value)));
    match matched {
        Yes if asks => by_user(filter, candidate),
        other => other,
    }
}

/// Returns whether a filter matches the user who writes. Roles are known only to the server.
fn by_user(filter: &Value, candidate: &KyvernoCandidate<'_>) -> RuleMatch {
    let unknown = || Unknown("it depends on the requester, which only the server knows".to_owned());
    let Some(user) = candidate.user else {
        return unknown();
    };
    let name = user.get("username").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let groups = texts(user, "groups");
    let is_user = |subject: &Value| {
        let text = |field: &str| {
            let text = subject.get(field).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        match text("kind") {
            "User" => wildcard(text("name"), name),
            "Group" => groups.iter().any(|group| wildcard(text("name"), group)),
            "ServiceAccount" => {
                let (namespace, account) = (text("namespace"), text("name"));
                let full = format!("system:serviceaccount:{namespace}:{account}");
                wildcard(&full, name)
            }
            _ => false,
        }
    };
    let subjects = filter.get("subjects").filter(|value| !is_blank(value));
    let mut subjects = subjects.map(|list| list.as_array().into_iter().flatten());
    let is_other = subjects.as_mut().is_some_and(|list| !list.any(is_user));
    let asks_for_roles = ["roles", "clusterRoles"]
        .into_iter()
        .any(|field| filter.get(field).is_some_and(|value| !is_blank(value)));
    match (is_other, asks_for_roles) {
        (true, _) => No,
        (false, true) => unknown(),
        (false, false) => Yes,
    }
}

fn texts<'v>(from: &'v Value, name: &str) -> Vec<&'v str> {
    let list = from.get(name).and_then(Value::as_array);
    let list = list.into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

fn resources(wanted: &Value, candidate: &KyvernoCandidate<'_>) -> RuleMatch {
    let object = candidate.object;
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind").unwrap_or_default();
    let name = text("/metadata/name")
        .or_else(|| text("/metadata/generateName"))
        .unwrap_or_default();
    let namespace = match kind {
        "Namespace" => name,
        _ => text("/metadata/namespace").unwrap_or_default(),
    };
    let list = |field: &str, is: &dyn Fn(&str) -> bool| {
        let wanted = texts(wanted, field);
        wanted.is_empty() || wanted.into_iter().any(is)
    };
    let single = wanted.get("name").and_then(Value::as_str);
    let annotations = wanted.get("annotations").and_then(Value::as_object);
    let is_matched = list("operations", &|one| one == candidate.operation)
        && list("kinds", &|one| is_kind(one, candidate))
        && single.is_none_or(|one| one.is_empty() || wildcard(one, name))
        && list("names", &|one| wildcard(one, name))
        && list("namespaces", &|one| wildcard(one, namespace))
        && annotations
            .is_none_or(|wanted| has_all(wanted, object.pointer("/metadata/annotations")));
    if !is_matched {
        return No;
    }
    let own = wanted.get("selector").filter(|one| !one.is_null());
    let of_namespace = wanted.get("namespaceSelector").filter(|one| !one.is_null());
    let labels = object.pointer("/metadata/labels");
    let by_labels = own.map_or(Yes, |selector| selects(selector, labels));
    let by_namespace = match of_namespace {
        None => Yes,
        Some(_) if kind == "Namespace" => No,
        Some(selector) => match candidate.namespace_labels {
            Some(labels) => selects(selector, Some(labels)),
            None if namespace.is_empty() => selects(selector, None),
            None => Unknown(format!("the labels of namespace {namespace} are unknown")),
        },
    };
    all([by_labels, by_namespace].into_iter())
}

fn has_all(wanted: &Map<String, Value>, has: Option<&Value>) -> bool {
    let has = has.and_then(Value::as_object);
    wanted.iter().all(|(key, value)| {
        let value = value.as_str().unwrap_or_default();
        has.into_iter().flatten().any(|(own, text)| {
            wildcard(key, own) && text.as_str().is_some_and(|text| wildcard(value, text))
        })
    })
}

/// Returns whether labels match a selector, in which keys and values may have wildcards.
fn selects(selector: &Value, labels: Option<&Value>) -> RuleMatch {
    let mut selector = selector.clone();
    let wanted = selector
        .get_mut("matchLabels")
        .and_then(Value::as_object_mut);
    for (key, value) in wanted.map(std::mem::take).into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().to_owned();
        let (key, value) = match has_wildcard(&key) || has_wildcard(&value) {
            true => {
                let labels = labels.and_then(Value::as_object).into_iter().flatten();
                let mut alike = labels.filter(|(own, text)| {
                    wildcard(&key, own) && text.as_str().is_some_and(|text| wildcard(&value, text))
                });
                match alike.next() {
                    Some((own, text)) => {
                        (own.clone(), text.as_str().unwrap_or_default().to_owned())
                    }
                    None => return No,
                }
            }
            false => (key, value),
        };
        selector["matchLabels"][key] = Value::String(value);
    }
    match LabelSelector::from_object(&selector) {
        Some(selector) if selector.matches(labels) => Yes,
        Some(_) => No,
        None => Unknown("a selector cannot be parsed".to_owned()),
    }
}

/// Returns whether text such as `apps/v1/Deployment`, `Deployment` or `Pod/status` names the kind.
pub fn is_kind(selector: &str, candidate: &KyvernoCandidate<'_>) -> bool {
    let text = |field: &str| candidate.object.get(field).and_then(Value::as_str);
    let api_version = text("apiVersion").unwrap_or_default();
    let (group, version, kind, subresource) = parts(selector);
    wildcard(group, group_of(api_version))
        && wildcard(version, api_version.rsplit('/').next().unwrap_or_default())
        && wildcard(kind, text("kind").unwrap_or_default())
        && wildcard(subresource, candidate.subresource)
}

/// Returns the group, version, kind and subresource that a selector of kinds names.
pub fn parts(selector: &str) -> (&str, &str, &str, &str) {
    let (before, last) = selector.rsplit_once('/').unwrap_or(("", selector));
    let mut parts: Vec<&str> = before.split('/').filter(|part| !part.is_empty()).collect();
    parts.extend(last.split('.'));
    let is_version = |text: &str| {
        let digits = text.strip_prefix('v').unwrap_or_default();
        text == "*" || digits.starts_with(|c: char| c.is_ascii_digit())
    };
    match parts[..] {
        [kind] => ("*", "*", kind, ""),
        ["*", "*"] => ("*", "*", "*", "*"),
        ["*", last] if last.to_lowercase() == last => ("*", "*", "*", last),
        [version, kind] if is_version(version) => ("*", version, kind, ""),
        [kind, subresource] => ("*", "*", kind, subresource),
        [version, kind, subresource] if is_version(version) => ("*", version, kind, subresource),
        [group, version, kind] => (group, version, kind, ""),
        [group, version, kind, subresource] => (group, version, kind, subresource),
        _ => ("", "", "", ""),
    }
}
