//! The rules that Kyverno generates for Pod controllers from those for Pods (autogen).

use serde_json::{Value, json};

use super::select::parts;
use crate::facts::workload;

/// The annotation that names the controllers.
const CONTROLLERS: &str = "pod-policies.kyverno.io/autogen-controllers";

/// The length limit of a rule's name.
const LONGEST: usize = 63;

/// Returns the rules of a policy that apply to objects of a kind.
pub fn rules(policy: &Value, kind: &str) -> Vec<Value> {
    let own = policy.pointer("/spec/rules").and_then(Value::as_array);
    let own = own.map(Vec::as_slice).unwrap_or_default();
    let maker = workload(kind).filter(|_| kind != "Pod");
    let named = policy
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(CONTROLLERS)?.as_str());
    let is_wanted = |kind: &str| named.is_none_or(|named| named.split(',').any(|one| one == kind));
    let Some(maker) = maker.filter(|maker| can(own) && is_wanted(maker.kind)) else {
        return own.to_vec();
    };
    let selector = match maker.group {
        "" => format!("v1/{kind}"),
        group => format!("{group}/v1/{kind}"),
    };
    let made = own.iter().filter_map(|rule| made(rule, kind, &selector));
    let plain = own.iter().filter(|rule| !is_made(rule)).cloned();
    plain.chain(made).collect()
}

fn is_made(rule: &Value) -> bool {
    let name = rule.get("name").and_then(Value::as_str);
    name.is_some_and(|name| name.starts_with("autogen-"))
}

fn blocks(rule: &Value) -> impl Iterator<Item = &Value> {
    let of = |block: &'static str| {
        let block = rule.get(block);
        let list = move |name: &str| block.and_then(|block| block.get(name)?.as_array());
        let listed = list("any").into_iter().chain(list("all")).flatten();
        block.into_iter().chain(listed)
    };
    of("match").chain(of("exclude"))
}

fn kinds(resources: &Value) -> Vec<&str> {
    let list = resources.get("kinds").and_then(Value::as_array);
    let list = list.into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

fn is_pod(kind: &str) -> bool {
    parts(kind).2 == "Pod"
}

/// Returns whether Kyverno generates rules: only for rules that select by kind alone, and select
/// Pods or their controllers.
fn can(rules: &[Value]) -> bool {
    let mut needed = false;
    for rule in rules {
        let patches = |part: &Value| part.get("patchesJson6902").is_some();
        let mutate = rule.get("mutate");
        let each = mutate.and_then(|mutate| mutate.get("foreach")?.as_array());
        if rule.get("generate").is_some()
            || mutate.is_some_and(patches)
            || each.into_iter().flatten().any(patches)
        {
            return false;
        }
        for resources in blocks(rule).filter_map(|block| block.get("resources")) {
            let kinds = kinds(resources);
            let narrows = ["name", "names", "selector", "annotations"]
                .into_iter()
                .any(|name| resources.get(name).is_some());
            if narrows || kinds.len() > 1 && kinds.iter().any(|kind| is_pod(kind)) {
                return false;
            }
            let is_known = |kind: &&str| workload(kind).is_some();
            needed |= kinds.iter().any(is_known);
        }
    }
    needed
}

/// Returns the rule for one kind, generated from a rule for Pods.
fn made(rule: &Value, kind: &str, selector: &str) -> Option<Value> {
    if is_made(rule) {
        return None;
    }
    let of = |block: &'static str| {
        let one = json!({ block: rule.get(block).cloned().unwrap_or_default() });
        let all = blocks(&one).filter_map(|block| block.get("resources"));
        let kinds = all.flat_map(|resources| {
            kinds(resources)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        kinds.collect::<Vec<String>>()
    };
    let (matched, excluded) = (of("match"), of("exclude"));
    if !matched.iter().any(|kind| is_pod(kind))
        || !excluded.is_empty() && !excluded.iter().any(|kind| is_pod(kind))
    {
        return None;
    }
    let is_cron = kind == "CronJob";
    let mut rule = rule.clone();
    let prefix = if is_cron {
        "autogen-cronjob-"
    } else {
        "autogen-"
    };
    let name = rule.get("name").and_then(Value::as_str).unwrap_or_default();
    rule["name"] = json!(
        format!("{prefix}{name}")
            .chars()
            .take(LONGEST)
            .collect::<String>()
    );
    for block in ["match", "exclude"] {
        if let Some(block) = rule.get_mut(block) {
            retarget(block, selector, block_is_plain(block), is_cron);
        }
    }
    let validate = rule.get_mut("validate")?;
    let shift = |pattern: Value| match is_cron {
        true => json!({"spec": {"jobTemplate": {"spec": {"template": pattern}}}}),
        false => json!({"spec": {"template": pattern}}),
    };
    if let Some(pattern) = validate.get_mut("pattern") {
        *pattern = shift(pattern.take());
    } else if validate.get("deny").is_none()
        && validate.get("podSecurity").is_none()
        && let Some(Value::Array(patterns)) = validate.get_mut("anyPattern")
    {
        for pattern in patterns {
            *pattern = shift(pattern.take());
        }
    }
    let is_cel = validate.get("cel").is_some();
    let template = match is_cron {
        true => "spec.jobTemplate.spec.template",
        false => "spec.template",
    };
    let mut text = rule.to_string();
    let prefix = if is_cel { "" } else { "request." };
    for part in ["spec", "metadata"] {
        for object in ["object", "oldObject"] {
            let from = format!("{prefix}{object}.{part}");
            text = text.replace(&from, &format!("{prefix}{object}.{template}.{part}"));
        }
    }
    // The replacement of `metadata` does not contain `spec`, so one pass is enough.
    serde_json::from_str(&text).ok()
}

fn block_is_plain(block: &Value) -> bool {
    let has = |name: &str| {
        let list = block.get(name).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    !has("any") && !has("all")
}

/// Replaces the selected kind Pod with the controller's kind.
fn retarget(block: &mut Value, selector: &str, is_plain: bool, is_cron: bool) {
    if is_plain {
        if let Some(resources) = block.get_mut("resources")
            && resources.get("kinds").is_some()
        {
            resources["kinds"] = json!([selector]);
        }
        return;
    }
    for name in ["any", "all"] {
        let list = block.get_mut(name).and_then(Value::as_array_mut);
        for filter in list.into_iter().flatten() {
            let Some(resources) = filter.get_mut("resources") else {
                continue;
            };
            let is_meant = is_cron || kinds(resources).into_iter().any(is_pod);
            if is_meant {
                resources["kinds"] = json!([selector]);
            }
        }
    }
}
