//! Explains aggregated ClusterRoles, whose rules a controller combines from other roles.
//!
//! No manifest declares those rules, but they follow from the manifests: they are the union of the
//! rules of the declared roles that `aggregationRule` selects. A live change that widens one of
//! those roles widens the aggregated one too (`pkg/controller/clusterroleaggregation` in
//! Kubernetes). So does an undeclared role with a matching label, which anyone may create who has
//! its permissions: its rules are drift, unless a deployer or an operator that is there made it and
//! they speak of custom resources alone. Permissions for Kubernetes' own resources are drift, because
//! anyone who may create Secrets can write the record of a release.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::default_roles::DefaultRole;
use super::deployed::is_deployed;
use crate::cluster::{Live, ReadResult, ReadResults};
use crate::facts::BUILT_IN_GROUPS;
use crate::judge::{Case, DeclaredManifest, Explainer, ExplainerInput, Knowledge};
use crate::model::{FieldPath, ResourceKey, Warning, items_at};
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
        let is_empty = aggregated.roles.is_empty() && aggregated.unknown.is_empty();
        (!is_empty).then(|| Box::new(aggregated) as _)
    }
}

impl Knowledge for Aggregated {
    fn warnings(&self) -> Vec<Warning> {
        let unknown = self.unknown.iter();
        let warnings = unknown.map(|key| {
            Warning::new(
                key.to_string(),
                "has rules that no declared ClusterRole gives it; whether another ClusterRole \
                 does is unknown, because not all ClusterRoles could be read",
            )
        });
        warnings.collect()
    }

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
        Vec::new()
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
    /// The undeclared roles from which live rules come.
    strangers: Vec<String>,
}

/// The aggregated roles of a run whose live rules differ from those of the manifests.
#[derive(Debug, Default)]
struct Aggregated {
    roles: BTreeMap<ResourceKey, AggregatedRules>,
    /// Roles with live rules whose origin is unknown.
    unknown: BTreeSet<ResourceKey>,
}

/// A declared role and its live counterpart.
struct AggregatedRole<'r> {
    key: &'r ResourceKey,
    declared: Value,
    live: Option<Value>,
}

/// A role that no manifest declares.
struct OtherRole {
    role: Value,
    origin: RoleOrigin,
}

/// Who made a role that no manifest declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoleOrigin {
    /// The API server.
    Server(DefaultRole),
    /// A deployer or an operator.
    Software,
    /// Anyone.
    Unknown,
}

impl OtherRole {
    fn of(role: Value, live: &dyn Live) -> Self {
        let origin = match name(&role).and_then(DefaultRole::named) {
            Some(known) => RoleOrigin::Server(known),
            None if is_deployed(&role, live) => RoleOrigin::Software,
            None => RoleOrigin::Unknown,
        };
        Self { role, origin }
    }

    /// Returns the rules that an aggregated role is expected to have from this one.
    fn expected_rules(&self, selectors: &[LabelSelector]) -> Vec<&Value> {
        let mut expected = rules(&self.role);
        match self.origin {
            RoleOrigin::Server(role) => {
                let mut selectors = selectors.iter();
                if !selectors.any(|selector| selector.matches(Some(&role.labels()))) {
                    return Vec::new();
                }
                expected.retain(|rule| role.may_have(rule));
            }
            RoleOrigin::Software if is_selected(selectors, &self.role) => {
                expected.retain(|rule| is_of_custom_resources(rule));
            }
            RoleOrigin::Software | RoleOrigin::Unknown => return Vec::new(),
        }
        expected
    }
}

/// Returns whether a rule grants permissions for custom resources alone.
fn is_of_custom_resources(rule: &Value) -> bool {
    let groups = items_at(rule, "/apiGroups");
    let is_custom = |group: &Value| {
        let group = group.as_str();
        group.is_some_and(|group| group != "*" && !BUILT_IN_GROUPS.contains(&group))
    };
    !groups.is_empty()
        && groups.iter().all(is_custom)
        && items_at(rule, "/nonResourceURLs").is_empty()
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
        let selectors_of: Vec<Option<Vec<LabelSelector>>> =
            roles.iter().map(|role| selectors(&role.declared)).collect();
        let read = OnceCell::new();
        let others = || {
            let read = read.get_or_init(|| {
                let mut all = live.related("rbac.authorization.k8s.io/v1", "ClusterRole", "")?;
                if !all.iter().any(is_of_system) {
                    return None;
                }
                all.retain(|other| roles.iter().all(|role| name(other) != Some(&role.key.name)));
                let is_used = |other: &Value| {
                    let mut selectors = selectors_of.iter().flatten();
                    selectors.any(|selectors| is_selected(selectors, other))
                };
                all.retain(is_used);
                let others = all.into_iter().map(|role| OtherRole::of(role, live));
                Some(others.collect::<Vec<OtherRole>>())
            });
            read.as_deref()
        };
        let mut aggregated = Self::default();
        for (role, selectors) in roles.iter().zip(&selectors_of) {
            let Some(selectors) = selectors else {
                continue;
            };
            if let Some(expected) = expected(role, selectors, &roles, &others) {
                aggregated.roles.insert(role.key.clone(), expected);
            } else if has_unknown(role, selectors, &roles, &others) {
                aggregated.unknown.insert(role.key.clone());
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

/// Returns whether an aggregated role has rules that no declared role has, and the other roles could
/// not be read.
fn has_unknown<'r>(
    role: &AggregatedRole<'_>,
    selectors: &[LabelSelector],
    roles: &[AggregatedRole<'_>],
    others: &dyn Fn() -> Option<&'r [OtherRole]>,
) -> bool {
    let declared = declared_rules(role, selectors, roles);
    let live = role.live.as_ref().map(rules).unwrap_or_default();
    live.iter().any(|rule| !has(&declared, rule)) && others().is_none()
}

impl AggregatedRules {
    fn annotate(&self, case: &mut Case) {
        let rules = FieldPath::of_fields(&[RULES]);
        for candidate in &mut case.candidates {
            if candidate.finding.change.path.starts_with(&rules) {
                let strange = match self.strangers.as_slice() {
                    [] => None,
                    names => Some(format!(
                        "ClusterRole {}, which no manifest declares",
                        names.join(", ")
                    )),
                };
                let drifted = match self.sources.as_slice() {
                    [] => None,
                    names => Some(format!("ClusterRole {}, which drifted", names.join(", "))),
                };
                let from: Vec<String> = strange.into_iter().chain(drifted).collect();
                let from = match from.as_slice() {
                    [] => "the ClusterRoles that it selects".to_owned(),
                    from => from.join(", and "),
                };
                candidate.note = Some(format!("aggregated from {from}"));
                // The aggregation controller owns the field by applying, without a manifest.
                candidate.finding.cause = None;
            }
        }
    }
}

/// Returns the rules that follow from the manifests, together with those from undeclared roles that
/// a deployer or an operator made; `None` if they equal the live rules.
fn expected<'r>(
    role: &AggregatedRole<'_>,
    selectors: &[LabelSelector],
    roles: &[AggregatedRole<'_>],
    others: &dyn Fn() -> Option<&'r [OtherRole]>,
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
    // known not to come from them, and what no role that is meant to be aggregated grants.
    let is_strange = |rule: &&Value| {
        elsewhere.is_some()
            || items_at(rule, "/apiGroups").contains(&"*".into())
            || contributors.iter().any(|other| {
                let other = other.live.as_ref();
                other.is_some_and(|other| is_selected(selectors, other) && has(&rules(other), rule))
            })
    };
    let strange: Vec<&Value> = undeclared.into_iter().filter(is_strange).collect();
    let elsewhere = elsewhere.unwrap_or_default();
    let from_elsewhere: Vec<&Value> = elsewhere
        .iter()
        .flat_map(|other| other.expected_rules(selectors))
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
    let strangers = elsewhere.iter().filter(|other| {
        is_selected(selectors, &other.role)
            && rules(&other.role).iter().any(|rule| is_strange(rule))
    });
    let strangers: BTreeSet<String> = strangers
        .filter_map(|other| name(&other.role).map(str::to_owned))
        .collect();
    let sources: BTreeSet<String> = drifted.map(|other| other.key.name.clone()).collect();
    Some(AggregatedRules {
        rules: Value::Array(expected),
        sources: sources.into_iter().collect(),
        strangers: strangers.into_iter().collect(),
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

    /// Returns a role that no manifest declares.
    fn other(name: &str, label: &str, rules: Value, is_made: bool) -> OtherRole {
        let role = json!({"metadata": {"name": name, "labels": {"to": label}}, "rules": rules});
        let origin = match is_made {
            true => RoleOrigin::Software,
            false => RoleOrigin::Unknown,
        };
        OtherRole { role, origin }
    }

    fn rule(resource: &str, verbs: Value) -> Value {
        json!({"apiGroups": ["shop.example"], "resources": [resource], "verbs": verbs})
    }

    /// Returns the expected rules of a role that is aggregated from one declared role.
    fn of(live: Value, part_live: Value, others: Option<&[OtherRole]>) -> Option<AggregatedRules> {
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
        let live = json!([{"resourceNames": [], "apiGroups": ["shop.example"], "resources": ["pods"], "verbs": ["get"]}]);
        assert_eq!(of(live, same.clone(), None), None);
        let with_unknown = json!([rule("pods", json!(["get"])), rule("nodes", json!(["*"]))]);
        assert_eq!(
            of(with_unknown.clone(), same.clone(), None),
            None,
            "roles that were not read may add rules"
        );
        let mut all = rule("pods", json!(["*"]));
        all["apiGroups"] = json!(["*"]);
        let everything = json!([rule("pods", json!(["get"])), all]);
        assert!(of(everything, same.clone(), None).is_some());
        let found = of(with_unknown.clone(), same.clone(), Some(&[])).unwrap();
        let want = json!([rule("pods", json!(["get"]))]);
        assert_eq!(found.rules, want, "no role has the rule");
        let nodes = json!([rule("nodes", json!(["*"]))]);
        let known = other("x", "all", nodes, true);
        assert_eq!(of(with_unknown, same, Some(&[known])), None);
    }

    #[test]
    fn rules_of_undeclared_roles_that_nothing_made_are_drift() {
        let live = json!([rule("pods", json!(["get"])), rule("secrets", json!(["*"]))]);
        let secrets = || json!([rule("secrets", json!(["*"]))]);
        let others = [
            other("stranger", "all", secrets(), false),
            other("elsewhere", "none", secrets(), false),
            other(
                "harmless",
                "all",
                json!([rule("nodes", json!(["*"]))]),
                false,
            ),
        ];
        let same = || part(json!(["get"]));
        let found = of(live.clone(), same(), Some(&others)).unwrap();
        assert_eq!(found.rules, json!([rule("pods", json!(["get"]))]));
        assert_eq!(found.strangers, ["stranger"]);
        assert_eq!(found.sources, [""; 0]);
        let made = [
            other("stranger", "all", secrets(), false),
            other("operator", "all", secrets(), true),
        ];
        assert_eq!(of(live.clone(), same(), Some(&made)), None);
        assert_eq!(of(live, same(), None), None, "the others cannot be read");
    }

    #[test]
    fn roles_of_software_and_of_the_server_explain_only_what_they_may_grant() {
        let grant = |group: &str, resource: &str, verb: &str| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
        let selects = |label: &str| {
            let role = json!({"aggregationRule":
                {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]}});
            selectors(&role).unwrap()
        };
        let custom = grant("shop.example", "carts", "*");
        let made = json!([
            custom,
            grant("", "secrets", "get"),
            grant("*", "carts", "get")
        ]);
        let made = other("chart", "true", made, true);
        assert_eq!(made.expected_rules(&selects("to")), [&custom]);
        assert!(made.expected_rules(&selects("from")).is_empty());
        let view = "rbac.authorization.k8s.io/aggregate-to-view";
        let pods = grant("", "pods", "get");
        let server = OtherRole {
            role: json!({"metadata": {"name": "system:aggregate-to-view",
                "labels": {view: "true", "to": "true"}},
                "rules": [pods, grant("*", "*", "*")]}),
            origin: RoleOrigin::Server(DefaultRole::View),
        };
        assert_eq!(server.expected_rules(&selects(view)), [&pods]);
        assert!(
            server.expected_rules(&selects("to")).is_empty(),
            "an added label"
        );
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
        let known = other("x", "all", json!(rules), true);
        let found = of(live, wide, Some(&[known])).unwrap();
        assert_eq!(found.rules.as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn expects_a_removed_rule() {
        let found = of(json!([]), json!({"rules": []}), None).unwrap();
        assert_eq!(found.rules, json!([rule("pods", json!(["get"]))]));
    }
}
