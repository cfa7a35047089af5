//! The severity of changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::{compile_places, is_default};
use super::{Objects, PathPattern, SpecProblem, image};
use crate::facts::{POD_SPECS, loads_code};
use crate::model::{FieldPath, PathElement, ResourceKey, Severity};

/// A rule that rates changes by what they touch: an entry of `severity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("required" = ["severity", "kind"]))]
pub struct SeveritySpec {
    /// The severity of such a change
    pub severity: SeverityLevel,
    /// The API group, a glob; left out, the core group
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: String,
    /// The kind, a glob
    #[serde(default)]
    pub kind: String,
    /// The namespace, a glob; left out, any
    #[serde(default, skip_serializing_if = "is_default")]
    pub namespace: String,
    /// The name, a glob; left out, any
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Which paths, in the report's syntax, with wildcards; left out, any
    #[serde(default, skip_serializing_if = "is_default")]
    pub paths: Vec<String>,
    /// Which paths within the specification of a pod, wherever a kind keeps it
    #[serde(default, skip_serializing_if = "is_default")]
    pub pod_paths: Vec<String>,
    /// Only where the change leads to an image from another registry
    #[serde(default, skip_serializing_if = "is_default")]
    pub other_registry: bool,
    /// Only environment variables with which programs load code, such as LD_PRELOAD
    #[serde(default, skip_serializing_if = "is_default")]
    pub loads_code: bool,
    /// Only where the live value is one of these
    #[serde(default, skip_serializing_if = "is_default")]
    pub live_is: Vec<Value>,
}

/// A compiled severity rule.
#[derive(Debug, Clone)]
pub struct SeverityRule {
    pub(super) spec: SeveritySpec,
    pub(super) severity: Severity,
    objects: Objects,
    /// The paths; empty for any.
    paths: Vec<PathPattern>,
}

impl SeveritySpec {
    /// Parses the entry.
    ///
    /// # Errors
    /// Fails with a list of all problems.
    pub fn compile(self) -> Result<SeverityRule, Vec<SpecProblem>> {
        let objects = Objects {
            group: self.group.clone(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        };
        let everywhere: Vec<String> = self.paths_in_pods().collect();
        let (_, in_pods) = compile_places(objects.clone(), "podPaths", &everywhere)?;
        let (objects, mut paths) = compile_places(objects, "paths", &self.paths)?;
        paths.extend(in_pods);
        Ok(SeverityRule {
            severity: self.severity.into(),
            objects,
            paths,
            spec: self,
        })
    }

    /// Returns the built-in rule of this entry, whose paths are parsed on first use.
    pub(super) fn builtin(self) -> SeverityRule {
        let paths = self.paths.iter().cloned().chain(self.paths_in_pods());
        SeverityRule {
            severity: self.severity.into(),
            objects: Objects {
                group: self.group.clone(),
                kind: self.kind.clone(),
                namespace: self.namespace.clone(),
                name: self.name.clone(),
            },
            paths: paths.map(PathPattern::builtin).collect(),
            spec: self,
        }
    }

    /// Returns the paths within pods, for each place of a pod's specification.
    fn paths_in_pods(&self) -> impl Iterator<Item = String> {
        POD_SPECS.iter().flat_map(|place| {
            let paths = self.pod_paths.iter();
            let place = place.replace('/', ".");
            paths.map(move |path| format!("{place}{path}"))
        })
    }
}

/// A [`Severity`], as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SeverityLevel {
    /// Labels, annotations
    Low,
    /// Resources, replicas, probes, configuration
    Medium,
    /// What runs, as which user, and who can reach it
    High,
    /// Permissions and cluster protection
    Critical,
}

impl From<SeverityLevel> for Severity {
    fn from(level: SeverityLevel) -> Self {
        match level {
            SeverityLevel::Low => Self::Low,
            SeverityLevel::Medium => Self::Medium,
            SeverityLevel::High => Self::High,
            SeverityLevel::Critical => Self::Critical,
        }
    }
}

impl SeverityRule {
    /// Checks that a rule equals another.
    #[cfg(test)]
    pub(super) fn check_against(&self, other: &Self) {
        assert_eq!(self.paths.len(), other.paths.len());
        let mut paths = self.paths.iter().zip(&other.paths);
        assert!(paths.all(|(one, other)| one.parts_equal(other)), "{self:?}");
        assert_eq!(format!("{self:?}"), format!("{other:?}"));
    }

    /// Returns whether this rule is for an object.
    pub(super) fn is_about(&self, key: &ResourceKey) -> bool {
        self.objects.matches(key)
    }

    /// Returns whether this rule rates a value at a path, in an object that it is for.
    pub(super) fn rates(
        &self,
        path: &FieldPath,
        live: Option<&Value>,
        images: Option<[&str; 2]>,
    ) -> bool {
        let any_path = self.paths.is_empty();
        let moved = || images.is_some_and(|[a, b]| image::registry(a) != image::registry(b));
        (any_path || self.paths.iter().any(|pattern| pattern.covers(path)))
            && (!self.spec.other_registry || moved())
            && (!self.spec.loads_code || sets_variable(path, live))
            && (self.spec.live_is.is_empty()
                || live.is_some_and(|live| self.spec.live_is.contains(live)))
    }
}

/// Returns whether a path leads to an environment variable with which programs load code. Within a
/// block, the item of a list has an index instead of its name, which is a value of its own.
fn sets_variable(path: &FieldPath, live: Option<&Value>) -> bool {
    let mut parts = path.0.windows(2);
    parts.any(|pair| match pair {
        [PathElement::Field(list), PathElement::Key(keys)] if list == "env" => {
            let name = keys.get("name").and_then(Value::as_str);
            name.is_some_and(loads_code)
        }
        _ => false,
    }) || matches!(&path.0[..], [.., PathElement::Field(list), PathElement::Index(_),
            PathElement::Field(name)] if list == "env" && name == "name")
        && live.and_then(Value::as_str).is_some_and(loads_code)
}
