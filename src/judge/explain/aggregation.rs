//! Explains aggregated ClusterRoles, whose rules a controller combines from other roles.
//!
//! No manifest declares those rules, but they follow from the manifests: they are the union of the
//! rules of the declared roles that `aggregationRule` selects. A live change that widens one of
//! those roles widens the aggregated one too (`pkg/controller/clusterroleaggregation` in
//! Kubernetes).

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::{Live, ReadResult, ReadResults};
use crate::judge::{Case, DeclaredManifest, Explainer, ExplainerInput, Knowledge};
use crate::model::{FieldPath, ResourceKey, Warning};
use crate::policy::LabelSelector;

/// Explains the rules of aggregated ClusterRoles.
pub struct AggregatedRoles;

impl Explainer for AggregatedRoles {
    fn id(&self) -> &'static str {
        "aggregated-roles"
    }

    fn about(&self) -> &'static str {
        "A controller fills the rules of an aggregated ClusterRole from other roles."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let aggregated = Aggregated::gather(run.declared, run.fetched, run.live);
        let is_empty = aggregated.roles.is_empty() && aggregated.widened.is_empty();
        (!is_empty).then(|| Box::new(aggregated) as _)
    }
}

impl Knowledge for Aggregated {
    fn expected(&self, key: &ResourceKey, declared: &mut Value) -> Option<&'static str> {
        let expected = self.roles.get(key)?;
        let fields = declared.as_object_mut()?;
        fields.insert(RULES.to_owned(), expected.rules.clone());
        Some(RULES)
    }

    /// Adds a note about where the rules come from to the changes.
    fn explain_together(&self, cases: &mut [Case], _: &ExplainerInput<'_>) -> Vec<Warning> {
        for case in cases {
            if let Some(expected) = self.roles.get(&case.report.key) {
                expected.annotate(case);
            }
        }
        self.widened.iter().map(widened_warning).collect()
    }
}

/// The field that the aggregation controller fills.
const RULES: &str = "rules";

/// The rules that an aggregated role would have if its source roles were as declared.
#[derive(Debug, Clone, PartialEq)]
struct AggregatedRules {
    /// The rules.
    rules: Value,
    /// The declared source roles whose live rules differ.
    sources: Vec<String>,
}

/// The aggregated roles of a run whose live rules differ from those of the manifests.
#[derive(Debug, Default)]
struct Aggregated {
    roles: BTreeMap<ResourceKey, AggregatedRules>,
    /// The undeclared roles that add rules to a declared one. Any person who may label a role can
    /// make one of these.
    widened: BTreeMap<ResourceKey, BTreeSet<String>>,
}

/// A declared role and its live counterpart.
struct AggregatedRole<'r> {
    key: &'r ResourceKey,
    declared: Value,
    live: Option<Value>,
}

impl Aggregated {
    /// Computes the rules of the declared aggregated roles.
    fn gather(declared: &[DeclaredManifest<'_>], fetched: &ReadResults, live: &dyn Live) -> Self {
        let is_role = |declared: &&DeclaredManifest<'_>| {
            declared.key.kind == "ClusterRole" && declared.key.group == "rbac.authorization.k8s.io"
        };
        let declared: Vec<&DeclaredManifest<'_>> = declared.iter().filter(is_role).collect();
        let is_aggregated =
            |declared: &&DeclaredManifest<'_>| selectors(&declared.manifest.value()).is_some();
        if !declared.iter().any(is_aggregated) {
            return Self::default();
        }
        let roles = declared.into_iter().map(|declared| AggregatedRole {
            key: &declared.key,
            declared: declared.manifest.value(),
            live: match fetched.answers.get(&declared.key) {
                Some(ReadResult::Found(object)) => object.value().ok(),
                _ => None,
            },
        });
        let roles: Vec<AggregatedRole<'_>> = roles.collect();
        let read = OnceCell::new();
        let others = || {
            let read = read.get_or_init(|| {
                let mut all = live.related("rbac.authorization.k8s.io/v1", "ClusterRole", "")?;
                if !all.iter().any(is_of_system) {
                    return None;
                }
                all.retain(|other| roles.iter().all(|role| name(other) != Some(&role.key.name)));
                Some(all)
            });
            read.as_deref()
        };
        let mut aggregated = Self::default();
        for role in &roles {
            let Some(selectors) = selectors(&role.declared) else {
                continue;
            };
            let widened = undeclared_sources(role, &selectors, &roles, &others);
            if !widened.is_empty() {
                aggregated.widened.insert(role.key.clone(), widened);
            }
            if let Some(expected) = expected(role, &selectors, &roles, &others) {
                aggregated.roles.insert(role.key.clone(), expected);
            }
        }
        aggregated
    }
}

/// Returns the rules that an aggregated role has from the declared roles.
fn declared_rules<'r>(
    role: &AggregatedRole<'_>,
    selectors: &[LabelSelector],
    roles: &'r [AggregatedRole<'_>],
) -> Vec<&'r Value> {
    let contributors = roles.iter().filter(|other| other.key != role.key);
    contributors
        .filter(|other| is_selected(selectors, &other.declared))
        .flat_map(|other| rules(&other.declared))
        .collect()
}

/// Returns the undeclared roles from which an aggregated role has rules that no declared role has.
fn undeclared_sources<'r>(
    role: &AggregatedRole<'_>,
    selectors: &[LabelSelector],
    roles: &[AggregatedRole<'_>],
    others: &dyn Fn() -> Option<&'r [Value]>,
) -> BTreeSet<String> {
    let declared = declared_rules(role, selectors, roles);
    let mut undeclared = role.live.as_ref().map(rules).unwrap_or_default();
    undeclared.retain(|rule| !has(&declared, rule));
    if undeclared.is_empty() {
        return BTreeSet::new();
    }
    let others = others().unwrap_or_default().iter();
    others
        .filter(|other| is_selected(selectors, other) && !is_default_source(other))
        .filter(|other| rules(other).iter().any(|rule| has(&undeclared, rule)))
        .filter_map(|other| name(other).map(str::to_owned))
        .collect()
}

fn widened_warning((key, sources): (&ResourceKey, &BTreeSet<String>)) -> Warning {
    let names: Vec<&str> = sources.iter().map(String::as_str).collect();
    let (role, declares) = match names.len() {
        1 => ("ClusterRole", "it"),
        _ => ("ClusterRoles", "them"),
    };
    Warning::new(
        key.to_string(),
        format!(
            "has rules from the {role} {}, because aggregationRule selects {declares}, but no \
             manifest declares {declares}: check who created {declares}",
            names.join(", ")
        ),
    )
}

impl AggregatedRules {
    fn annotate(&self, case: &mut Case) {
        let rules = FieldPath::of_fields(&[RULES]);
        for candidate in &mut case.candidates {
            if candidate.finding.change.path.starts_with(&rules) {
                let from = match self.sources.as_slice() {
                    [] => "the ClusterRoles that it selects".to_owned(),
                    names => format!("ClusterRole {}, which drifted", names.join(", ")),
                };
                candidate.note = Some(format!("aggregated from {from}"));
                // The aggregation controller owns the field by applying, without a manifest.
                candidate.finding.cause = None;
            }
        }
    }
}

/// Returns the rules that follow from the manifests, together with those from undeclared roles;
/// `None` if they equal the live rules.
fn expected<'r>(
    role: &AggregatedRole<'_>,
    selectors: &[LabelSelector],
    roles: &[AggregatedRole<'_>],
    others: &dyn Fn() -> Option<&'r [Value]>,
) -> Option<AggregatedRules> {
    let live = rules(role.live.as_ref()?);
    let contributors: Vec<&AggregatedRole<'_>> =
        roles.iter().filter(|other| other.key != role.key).collect();
    let declared = declared_rules(role, selectors, roles);
    let undeclared: Vec<&Value> = live
        .iter()
        .copied()
        .filter(|rule| !has(&declared, rule))
        .collect();
    let elsewhere = match undeclared.is_empty() {
        true => Some(&[][..]),
        false => others(),
    };
    // If the other roles cannot be read, only what comes from a declared role as it is live is
    // known not to come from them.
    let is_strange = |rule: &&Value| {
        elsewhere.is_some()
            || contributors.iter().any(|other| {
                let other = other.live.as_ref();
                other.is_some_and(|other| is_selected(selectors, other) && has(&rules(other), rule))
            })
    };
    let strange: Vec<&Value> = undeclared.into_iter().filter(is_strange).collect();
    let elsewhere = elsewhere.unwrap_or_default();
    let from_elsewhere: Vec<&Value> = elsewhere
        .iter()
        .filter(|other| is_selected(selectors, other))
        .flat_map(rules)
        .collect();
    let is_strange = |rule: &Value| has(&strange, rule) && !has(&from_elsewhere, rule);
    let mut missing = declared.into_iter().fold(Vec::new(), |mut missing, rule| {
        if !has(&live, rule) && !has(&missing, rule) {
            missing.push(rule);
        }
        missing
    });
    if missing.is_empty() && !live.iter().any(|rule| is_strange(rule)) {
        return None;
    }
    // A changed rule replaces the declared one.
    missing.reverse();
    let mut expected: Vec<Value> = Vec::new();
    for rule in &live {
        if is_strange(rule) {
            expected.extend(missing.pop().cloned());
        } else {
            expected.push((*rule).clone());
        }
    }
    expected.extend(missing.into_iter().rev().cloned());
    let drifted = contributors.iter().filter(|other| {
        let theirs = other.live.as_ref().map(rules).unwrap_or_default();
        let ours = rules(&other.declared);
        (is_selected(selectors, &other.declared) || theirs.iter().any(|rule| is_strange(rule)))
            && (ours.iter().any(|rule| !has(&theirs, rule))
                || theirs.iter().any(|rule| !has(&ours, rule)))
    });
    let sources: BTreeSet<String> = drifted.map(|other| other.key.name.clone()).collect();
    Some(AggregatedRules {
        rules: Value::Array(expected),
        sources: sources.into_iter().collect(),
    })
}

/// Returns the selectors of an aggregated role; `None` if the role is not aggregated or a selector
/// cannot be parsed.
fn selectors(role: &Value) -> Option<Vec<LabelSelector>> {
    let selectors = role.pointer("/aggregationRule/clusterRoleSelectors")?;
    let selectors = selectors.as_array()?.iter();
    selectors.map(LabelSelector::from_object).collect()
}

fn is_selected(selectors: &[LabelSelector], role: &Value) -> bool {
    let labels = role.pointer("/metadata/labels");
    selectors.iter().any(|selector| selector.matches(labels))
}

/// Returns whether a role is one of the API server's own. Every cluster has some, so a recording
/// without them does not contain all roles.
fn is_of_system(role: &Value) -> bool {
    name(role).is_some_and(|name| name.starts_with("system:"))
}

/// Returns whether a role is one of those that the API server aggregates into `admin`, `edit` and
/// `view` (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`).
fn is_default_source(role: &Value) -> bool {
    let is_known = |name| {
        matches!(
            name,
            "system:aggregate-to-admin" | "system:aggregate-to-edit" | "system:aggregate-to-view"
        )
    };
    name(role).is_some_and(is_known)
}

fn name(role: &Value) -> Option<&str> {
    role.pointer("/metadata/name").and_then(Value::as_str)
}

fn rules(role: &Value) -> Vec<&Value> {
    let rules = role.get("rules").and_then(Value::as_array);
    rules.into_iter().flatten().collect()
}

fn has(rules: &[&Value], rule: &Value) -> bool {
    rules.iter().any(|other| is_same(other, rule))
}

/// Returns whether two rules mean the same. The server does not store empty lists.
fn is_same(a: &Value, b: &Value) -> bool {
    let said = |rule: &Value| -> Option<Vec<(String, Value)>> {
        let is_said =
            |value: &Value| !value.is_null() && value.as_array().is_none_or(|v| !v.is_empty());
        let fields = rule.as_object()?.iter().filter(|(_, value)| is_said(value));
        let mut fields: Vec<_> = fields.map(|(n, v)| (n.clone(), v.clone())).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Some(fields)
    };
    said(a) == said(b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> ResourceKey {
        ResourceKey::new(
            "rbac.authorization.k8s.io",
            "ClusterRole",
            None,
            name.to_owned(),
        )
    }

    fn part(verbs: Value) -> Value {
        json!({"metadata": {"name": "part", "labels": {"to": "all"}}, "rules": [rule("pods", verbs)]})
    }

    fn rule(resource: &str, verbs: Value) -> Value {
        json!({"apiGroups": [""], "resources": [resource], "verbs": verbs})
    }

    /// Returns the expected rules of a role that is aggregated from one declared role.
    fn of(live: Value, part_live: Value, others: Option<&[Value]>) -> Option<AggregatedRules> {
        let declared = json!({"metadata": {"name": "all"}, "aggregationRule":
            {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}});
        let declared_part = part(json!(["get"]));
        let (all, one) = (key("all"), key("part"));
        let roles = [
            AggregatedRole {
                key: &all,
                declared: declared.clone(),
                live: Some(json!({"rules": live})),
            },
            AggregatedRole {
                key: &one,
                declared: declared_part,
                live: Some(part_live),
            },
        ];
        let selectors = selectors(&declared).unwrap();
        expected(&roles[0], &selectors, &roles, &|| others)
    }

    #[test]
    fn rules_that_follow_from_the_manifests_are_in_sync() {
        let same = part(json!(["get"]));
        let live = json!([{"resourceNames": [], "apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
        assert_eq!(of(live, same.clone(), None), None);
        let with_unknown = json!([rule("pods", json!(["get"])), rule("nodes", json!(["*"]))]);
        assert_eq!(
            of(with_unknown.clone(), same.clone(), None),
            None,
            "roles that were not read may add rules"
        );
        let found = of(with_unknown.clone(), same.clone(), Some(&[])).unwrap();
        let want = json!([rule("pods", json!(["get"]))]);
        assert_eq!(found.rules, want, "no role has the rule");
        let other = json!({"metadata": {"name": "x", "labels": {"to": "all"}},
            "rules": [rule("nodes", json!(["*"]))]});
        assert_eq!(of(with_unknown, same, Some(&[other])), None);
    }

    #[test]
    fn names_the_undeclared_roles_that_add_rules() {
        let declared = json!({"metadata": {"name": "all"}, "aggregationRule":
            {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}});
        let (all, one) = (key("all"), key("part"));
        let source = part(json!(["get"]));
        let roles = [
            AggregatedRole {
                key: &all,
                declared: declared.clone(),
                live: Some(json!({"rules":
                    [rule("pods", json!(["get"])), rule("secrets", json!(["*"]))]})),
            },
            AggregatedRole {
                key: &one,
                declared: source.clone(),
                live: Some(source),
            },
        ];
        let role = |name: &str, label: &str, resource: &str| {
            json!({"metadata": {"name": name, "labels": {"to": label}},
                "rules": [rule(resource, json!(["*"]))]})
        };
        let others = [
            role("stranger", "all", "secrets"),
            role("elsewhere", "none", "secrets"),
            role("harmless", "all", "nodes"),
            role("system:aggregate-to-view", "all", "secrets"),
        ];
        let selectors = selectors(&declared).unwrap();
        let found = undeclared_sources(&roles[0], &selectors, &roles, &|| Some(&others));
        assert_eq!(found, BTreeSet::from(["stranger".to_owned()]));
        let warning = widened_warning((&all, &found));
        assert!(
            warning.message.contains("ClusterRole stranger"),
            "{}",
            warning.message
        );
        let none = undeclared_sources(&roles[0], &selectors, &roles, &|| None);
        assert!(none.is_empty());
    }

    #[test]
    fn drift_of_a_source_role_widens_the_aggregated_role() {
        let wide = part(json!(["get", "delete"]));
        let live = json!([
            rule("nodes", json!(["*"])),
            rule("pods", json!(["get", "delete"]))
        ]);
        let found = of(live.clone(), wide.clone(), None).unwrap();
        let want = json!([rule("nodes", json!(["*"])), rule("pods", json!(["get"]))]);
        assert_eq!(found.rules, want);
        assert_eq!(found.sources, ["part"]);
        // The same rule comes from an undeclared role; the declared one does not exist.
        let rules = [
            rule("pods", json!(["get", "delete"])),
            rule("nodes", json!(["*"])),
        ];
        let other = json!({"metadata": {"name": "x", "labels": {"to": "all"}}, "rules": rules});
        let found = of(live, wide, Some(&[other])).unwrap();
        assert_eq!(found.rules.as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn expects_a_removed_rule() {
        let found = of(json!([]), json!({"rules": []}), None).unwrap();
        assert_eq!(found.rules, json!([rule("pods", json!(["get"]))]));
    }
}
