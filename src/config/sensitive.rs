//! Values that the user marks as secret, in addition to known ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{FieldPath, PathElement, ResourceKey};
use crate::policy::{Glob, Objects, PathPattern, SpecProblem, glob};

/// Values that no report shows: an entry of `sensitive`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SensitiveSpec {
    /// The API group, a glob; left out, the core group, or any where no kind is named either
    pub group: Option<String>,
    /// The kind, a glob; left out, any
    pub kind: Option<String>,
    /// The namespace, a glob; left out, any
    pub namespace: String,
    /// The name, a glob; left out, any
    pub name: String,
    #[allow(rustdoc::broken_intra_doc_links)] // the schema shows it as it is
    /// What is secret, in the report's path syntax; list items by [*] or [name="…"]
    pub paths: Vec<String>,
    /// Secret names of fields, annotations, keys and variables: globs, in upper or lower case
    pub names: Vec<String>,
}

/// Values that no report shows.
#[derive(Debug, Clone)]
pub struct Sensitive {
    objects: Objects,
    paths: Vec<PathPattern>,
    names: Vec<String>,
}

impl SensitiveSpec {
    /// Reads the entries.
    ///
    /// # Errors
    /// Fails with everything that is wrong with it.
    pub fn compile(self) -> Result<Sensitive, Vec<SpecProblem>> {
        let mut problems = Vec::new();
        let mut wrong = |key, index, message: String| {
            problems.push(SpecProblem {
                key,
                index,
                message,
            });
        };
        let mut paths = Vec::new();
        for (i, text) in self.paths.iter().enumerate() {
            match text.parse::<PathPattern>() {
                Ok(path) if !path.names_items_by_name() => wrong(
                    "paths",
                    Some(i),
                    format!("'{text}': write list items as [*] or [name=\"…\"]"),
                ),
                Ok(path) => paths.push(path),
                Err(error) => wrong("paths", Some(i), format!("'{text}': {error}")),
            }
        }
        for (i, pattern) in self.names.iter().enumerate() {
            if let Err(error) = pattern.parse::<Glob>() {
                wrong("names", Some(i), format!("'{pattern}': {error}"));
            }
        }
        if self.paths.is_empty() && self.names.is_empty() {
            let message = "say what is secret, with paths or names".to_owned();
            wrong("", None, message);
        }
        let any_group = self.kind.is_none();
        let default_group = || if any_group { "*" } else { "" }.to_owned();
        let objects = Objects {
            group: self.group.unwrap_or_else(default_group),
            kind: self.kind.unwrap_or_else(|| "*".to_owned()),
            namespace: self.namespace,
            name: self.name,
        };
        problems.extend(objects.problems());
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Sensitive {
            objects,
            paths,
            names: self.names.iter().map(|name| name.to_lowercase()).collect(),
        })
    }
}

impl Sensitive {
    /// Returns whether the value at a path of an object is secret.
    pub fn hides(&self, key: &ResourceKey, path: &FieldPath) -> bool {
        let is_named = |name: &str| {
            let name = name.to_lowercase();
            self.names.iter().any(|pattern| glob(pattern, &name))
        };
        let by_name = || match path.0.last() {
            Some(PathElement::Field(name)) => is_named(name),
            Some(PathElement::Key(keys)) => {
                let mut names = keys
                    .iter()
                    .filter(|(key, _)| matches!(key.as_str(), "name" | "key"));
                names.any(|(_, name)| name.as_str().is_some_and(is_named))
            }
            _ => false,
        };
        self.objects.matches(key)
            && (self.paths.iter().any(|pattern| pattern.covers(path)) || by_name())
    }
}
