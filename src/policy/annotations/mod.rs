//! Ignore annotations: labels and annotations, of driftctl and of other tools, that exclude an
//! object or a part of it from the comparison.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use super::json_path::pattern_of;
use super::{Objects, PathPattern, Rule, RuleOrigin, RuleSpec, Selectors, written_path};
use crate::model::{ChangeKind, FieldPath, PathElement};

/// driftctl's own annotation: paths, separated by commas or line breaks, or `true` for the whole
/// object.
const IGNORE: &str = "driftctl.dev/ignore";
/// The reason.
const IGNORE_REASON: &str = "driftctl.dev/ignore-reason";
/// The expiry.
const IGNORE_EXPIRES: &str = "driftctl.dev/ignore-expires";
/// kluctl's fields, with or without a number suffix.
const KLUCTL_FIELD: &str = "kluctl.io/ignore-diff-field";
/// kluctl's regular expressions for fields, with or without a number suffix.
const KLUCTL_FIELD_REGEX: &str = "kluctl.io/ignore-diff-field-regex";

/// The scope of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SwitchScope {
    /// All differences, and that the object is missing.
    Everything,
    /// All differences, but not that the object is missing.
    Fields,
    /// Fields that were added live.
    Additions,
    /// That the object is extra.
    BeingExtra,
}

/// The side on which a switch counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SwitchSide {
    /// In the manifest, and on undeclared objects.
    Declared,
    /// On the live object as well.
    Either,
}

/// A label or annotation that acts as a switch if it has a fixed value.
struct AnnotationSwitch {
    key: &'static str,
    /// The value; one of several in a comma-separated list if `in_list`.
    value: &'static str,
    in_list: bool,
    /// Whether it may be a label too.
    or_label: bool,
    side: SwitchSide,
    scope: SwitchScope,
}

impl AnnotationSwitch {
    const fn new(key: &'static str, value: &'static str, scope: SwitchScope) -> Self {
        Self {
            key,
            value,
            in_list: false,
            or_label: false,
            side: SwitchSide::Declared,
            scope,
        }
    }

    /// Returns one of Flux's switches, which count as label or annotation, in the manifest and on
    /// the live object.
    const fn flux(key: &'static str, value: &'static str, scope: SwitchScope) -> Self {
        Self {
            or_label: true,
            side: SwitchSide::Either,
            ..Self::new(key, value, scope)
        }
    }
}

const SWITCHES: &[AnnotationSwitch] = &[
    // https://argo-cd.readthedocs.io/en/stable/user-guide/compare-options/
    AnnotationSwitch {
        in_list: true,
        ..AnnotationSwitch::new(
            "argocd.argoproj.io/compare-options",
            "IgnoreExtraneous",
            SwitchScope::BeingExtra,
        )
    },
    // https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
    AnnotationSwitch::flux(
        "kustomize.toolkit.fluxcd.io/reconcile",
        "disabled",
        SwitchScope::Everything,
    ),
    AnnotationSwitch::flux(
        "kustomize.toolkit.fluxcd.io/ssa",
        "ignore",
        SwitchScope::Everything,
    ),
    AnnotationSwitch::flux(
        "kustomize.toolkit.fluxcd.io/ssa",
        "ifnotpresent",
        SwitchScope::Fields,
    ),
    AnnotationSwitch::flux(
        "kustomize.toolkit.fluxcd.io/ssa",
        "merge",
        SwitchScope::Additions,
    ),
    AnnotationSwitch::flux(
        "kustomize.toolkit.fluxcd.io/prune",
        "disabled",
        SwitchScope::BeingExtra,
    ),
    // https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection
    AnnotationSwitch::flux(
        "helm.toolkit.fluxcd.io/driftdetection",
        "disabled",
        SwitchScope::Everything,
    ),
    // https://kluctl.io/docs/kluctl/deployments/annotations/all-resources/
    AnnotationSwitch::new("kluctl.io/ignore-diff", "true", SwitchScope::Fields),
    // https://github.com/kubernetes-sigs/cli-utils
    AnnotationSwitch::new(
        "client.lifecycle.config.k8s.io/mutation",
        "ignore",
        SwitchScope::Fields,
    ),
    AnnotationSwitch::new(
        "client.lifecycle.config.k8s.io/deletion",
        "detach",
        SwitchScope::BeingExtra,
    ),
    AnnotationSwitch::new(
        "cli-utils.sigs.k8s.io/on-remove",
        "keep",
        SwitchScope::BeingExtra,
    ),
];

/// The rules in an object's own annotations.
#[derive(Debug, Default)]
pub struct AnnotationRules {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Errors; these hide nothing.
    pub problems: Vec<String>,
}

/// Reads the rules in an object's annotations. `place` identifies the object in messages.
///
/// Annotations that only the live object has count if their tool honours them there, but driftctl's
/// own do not: otherwise the author of a live change could hide it. An undeclared object has only
/// live annotations. Rules from live annotations are marked as such.
pub fn rules_of(
    declared: Option<&Value>,
    live: Option<&Value>,
    place: impl fmt::Display,
) -> AnnotationRules {
    let mut own = AnnotationRules::default();
    let Some(first) = declared.or(live) else {
        return own;
    };
    if ![Some(first), live].into_iter().flatten().any(may_say) {
        return own;
    }
    let place = &*place.to_string();
    let of_live = live.into_iter().flat_map(|live| {
        let switches = SWITCHES
            .iter()
            .filter(|switch| switch.side == SwitchSide::Either);
        switches.flat_map(|switch| switch.all(live))
    });
    let of_live: Vec<FieldPath> = of_live.collect();
    for switch in SWITCHES {
        let sides = [
            Some(first),
            live.filter(|_| switch.side == SwitchSide::Either),
        ];
        for side in sides.into_iter().flatten() {
            if !switch.all(side).is_empty() {
                let on_declared = std::ptr::eq(side, first);
                let mut rule = switch.rule(place);
                if !on_declared {
                    rule.except.clone_from(&of_live);
                    rule.of_live = true;
                }
                own.rules.push(rule);
                break;
            }
        }
    }
    own.ours(first, place);
    own.kluctl_fields(first, place);
    if declared.is_none() {
        own.rules.iter_mut().for_each(|rule| rule.of_live = true);
    }
    own
}

/// The domains of other keys than switches.
const DOMAINS: &[&str] = &["driftctl.dev", "kluctl.io"];

/// Returns whether an object has a label or annotation in the domain of a tool with switches. Few
/// have.
fn may_say(object: &Value) -> bool {
    let mut keys = ["annotations", "labels"]
        .into_iter()
        .flat_map(|map| entries(object, map))
        .filter_map(|(key, _)| key.split_once('/'));
    let known = domains();
    keys.any(|(domain, _)| {
        let mut known = known.iter();
        known.any(|known| known.eq_ignore_ascii_case(domain))
    })
}

/// Returns the domains of all keys.
fn domains() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let of_switches = SWITCHES.iter().map(|switch| switch.key.split_once('/'));
        let of_switches = of_switches.flatten().map(|(domain, _)| domain);
        let all: BTreeSet<_> = of_switches.chain(DOMAINS.iter().copied()).collect();
        all.into_iter().collect()
    });
    &ALL
}

impl AnnotationSwitch {
    /// Returns the paths of the labels and annotations that turn the switch on. Flux ignores the
    /// case of keys and values.
    fn all(&self, object: &Value) -> Vec<FieldPath> {
        let maps = if self.or_label {
            &["annotations", "labels"][..]
        } else {
            &["annotations"]
        };
        let found = maps.iter().flat_map(|map| {
            let entries = entries(object, map);
            let own = entries.filter(|(key, value)| self.is_key(key) && self.is_on(value));
            own.map(|(key, _)| path_of(map, key))
        });
        found.collect()
    }

    fn is_key(&self, key: &str) -> bool {
        match self.side {
            SwitchSide::Either => key.eq_ignore_ascii_case(self.key),
            SwitchSide::Declared => key == self.key,
        }
    }

    fn is_on(&self, value: &str) -> bool {
        match (self.in_list, self.side) {
            (true, _) => value.split(',').any(|part| part.trim() == self.value),
            (false, SwitchSide::Either) => value.eq_ignore_ascii_case(self.value),
            (false, SwitchSide::Declared) => value == self.value,
        }
    }

    fn rule(&self, place: &str) -> Rule {
        let (paths, kinds) = match self.scope {
            SwitchScope::Everything => (vec![PathPattern::root()], vec![]),
            SwitchScope::Fields => (vec![PathPattern::any_field()], vec![]),
            SwitchScope::Additions => (vec![PathPattern::any_field()], vec![ChangeKind::Added]),
            SwitchScope::BeingExtra => (vec![PathPattern::root()], vec![ChangeKind::Added]),
        };
        Rule {
            kinds,
            object_only: self.scope == SwitchScope::BeingExtra,
            selectors: Selectors {
                paths,
                ..Selectors::default()
            },
            ..blank(self.key, &format!("{} on the object", self.value), place)
        }
    }
}

impl AnnotationRules {
    /// Reads `driftctl.dev/ignore` and its companions.
    fn ours(&mut self, object: &Value, place: &str) {
        let annotation = |key| entries(object, "annotations").find(|(k, _)| *k == key);
        let Some((_, paths)) = annotation(IGNORE) else {
            return;
        };
        let paths = match paths.trim() {
            "true" => vec![".".to_owned()],
            paths => split(paths),
        };
        let text = |key| annotation(key).map(|(_, text)| text.to_owned());
        let spec = RuleSpec {
            group: "*".to_owned(),
            kind: "*".to_owned(),
            id: IGNORE.to_owned(),
            paths,
            reason: text(IGNORE_REASON).unwrap_or_default(),
            expires: text(IGNORE_EXPIRES),
            ..RuleSpec::default()
        };
        match spec.compile(RuleOrigin::Place(place.to_owned())) {
            Ok(rule) => self.rules.push(rule),
            Err(problems) => {
                for problem in problems {
                    let what = format!("{IGNORE} hides nothing: {}", problem.message);
                    self.problems.push(format!("{place}: {what}"));
                }
            }
        }
    }

    /// Reads kluctl's fields and regular expressions, which may be numbered.
    fn kluctl_fields(&mut self, object: &Value, place: &str) {
        for (key, value) in entries(object, "annotations") {
            let mut selectors = Selectors::default();
            if is_numbered(key, KLUCTL_FIELD) {
                match pattern_of(value) {
                    Some(pattern) => selectors.paths.push(pattern),
                    None => {
                        let why = "driftctl cannot follow this JSONPath; it hides nothing";
                        self.problems.push(format!("{place}: {key}: {why}"));
                        continue;
                    }
                }
            } else if is_numbered(key, KLUCTL_FIELD_REGEX) {
                match written_path(value) {
                    Ok(expression) => selectors.written.push(expression),
                    Err(_) => {
                        let why = "not a regular expression; it hides nothing";
                        self.problems.push(format!("{place}: {key}: {why}"));
                        continue;
                    }
                }
            } else {
                continue;
            }
            self.rules.push(Rule {
                selectors,
                ..blank(key, "an annotation of the manifest", place)
            });
        }
    }
}

fn blank(id: &str, reason: &str, place: &str) -> Rule {
    Rule {
        id: id.to_owned(),
        reason: reason.to_owned(),
        owner: None,
        ticket: None,
        expires: None,
        expired: false,
        origin: RuleOrigin::Place(place.to_owned()),
        explains: None,
        objects: Objects {
            group: "*".to_owned(),
            kind: "*".to_owned(),
            ..Objects::default()
        },
        labels: None,
        if_declared: None,
        if_live: None,
        kinds: Vec::new(),
        managers: Vec::new(),
        selectors: Selectors::default(),
        object_only: false,
        owned: false,
        except: Vec::new(),
        of_live: false,
        only_applier: false,
    }
}

fn entries<'v>(object: &'v Value, map: &str) -> impl Iterator<Item = (&'v str, &'v str)> {
    let entries = object
        .get("metadata")
        .and_then(|metadata| metadata.get(map))
        .and_then(Value::as_object);
    entries
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

fn path_of(map: &str, key: &str) -> FieldPath {
    FieldPath::of_fields(&["metadata", map]).child(PathElement::Field(key.to_owned()))
}

/// Returns whether a key is a name with an optional number: `kluctl.io/ignore-diff-field`,
/// `kluctl.io/ignore-diff-field-2`.
fn is_numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('-')
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Splits a text at commas and line breaks outside brackets and quotes.
fn split(text: &str) -> Vec<String> {
    let (mut paths, mut path) = (Vec::new(), String::new());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for c in text.chars() {
        let separates = matches!(c, ',' | '\n') && depth == 0 && !quoted;
        if separates {
            paths.push(std::mem::take(&mut path));
            continue;
        }
        match c {
            '"' if !escaped => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        path.push(c);
    }
    paths.push(path);
    let paths = paths.iter().map(|path| path.trim());
    paths
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
