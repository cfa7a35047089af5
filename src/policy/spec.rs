//! The written form of a rule, in the built-in rules and in the user's.

use regex::RegexBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::WrittenPath;
use super::{
    Expiry, Glob, LabelSelector, Objects, PathPattern, PointerPattern, Rule, RuleOrigin, Selectors,
};
use crate::model::{ChangeKind, Explanation};

/// A rule as written: an entry of `ignoreDifferences`. The first seven keys are Argo CD's, with the
/// same meaning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("required" = ["kind"]))]
pub struct RuleSpec {
    /// The rule's name in reports; left out, one is made from the kind
    #[serde(skip_serializing_if = "is_default")]
    pub id: String,
    /// Why the drift is ignored
    #[serde(skip_serializing_if = "is_default")]
    pub reason: String,
    /// Who owns the rule
    #[serde(skip_serializing_if = "is_default")]
    pub owner: Option<String>,
    /// Link to a ticket or discussion
    #[serde(skip_serializing_if = "is_default")]
    pub ticket: Option<String>,
    /// When it expires: a date such as 2026-12-31, which is its last day (UTC), or a time
    #[serde(skip_serializing_if = "is_default")]
    pub expires: Option<String>,

    /// The API group, a glob; left out, the core group
    #[serde(skip_serializing_if = "is_default")]
    pub group: String,
    /// The kind, a glob
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// The namespace, a glob; left out, any
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// The name, a glob; left out, any
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Only objects with these labels, as 'kubectl -l' writes it
    #[serde(skip_serializing_if = "is_default")]
    pub label_selector: Option<String>,
    /// Only where the manifest declares this path
    #[serde(skip_serializing_if = "is_default")]
    pub if_declared: Option<String>,
    /// Only where the live object has this path
    #[serde(skip_serializing_if = "is_default")]
    pub if_live: Option<String>,

    #[allow(rustdoc::broken_intra_doc_links)] // the schema shows it as it is
    /// What is ignored, in the report's path syntax: [*] is any list item, * in a name any text
    #[serde(skip_serializing_if = "is_default")]
    pub paths: Vec<String>,
    /// What is ignored, as JSON Pointers (RFC 6901)
    #[serde(skip_serializing_if = "is_default")]
    pub json_pointers: Vec<String>,
    /// What is ignored, as jq expressions, each put into 'del(…)'
    #[serde(skip_serializing_if = "is_default")]
    pub jq_path_expressions: Vec<String>,
    /// Field managers whose values are ignored where they differ
    #[serde(skip_serializing_if = "is_default")]
    pub managed_fields_managers: Vec<String>,
    /// Only changes of these kinds; left out, any
    #[serde(skip_serializing_if = "is_default")]
    pub changes: Vec<ChangeKindSpec>,
    /// Only values that these field managers, and nobody else, own: globs, '!' before one excludes
    #[serde(skip_serializing_if = "is_default")]
    pub only_managers: Vec<String>,

    /// In built-in rules only: why the change is not drift
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(skip)]
    pub explains: Option<Explains>,
    /// In built-in rules only: only values that the applier owns
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(skip)]
    pub only_applier: bool,
}

/// Returns whether a key has its default, and so can be omitted.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A [`ChangeKind`], as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeKindSpec {
    /// Declared and live, with different meaning
    Changed,
    /// Declared but not live
    Removed,
    /// Live but not declared
    Added,
}

impl From<ChangeKindSpec> for ChangeKind {
    fn from(kind: ChangeKindSpec) -> Self {
        match kind {
            ChangeKindSpec::Changed => Self::Modified,
            ChangeKindSpec::Removed => Self::Removed,
            ChangeKindSpec::Added => Self::Added,
        }
    }
}

/// The explanations that a rule can give; others depend on owners and types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Explains {
    /// See [`Explanation::ServerManaged`].
    ServerManaged,
    /// See [`Explanation::ControllerOwned`].
    ControllerOwned,
    /// See [`Explanation::AdmissionChanged`].
    AdmissionChanged,
}

impl From<Explains> for Explanation {
    fn from(explains: Explains) -> Self {
        match explains {
            Explains::ServerManaged => Self::ServerManaged,
            Explains::ControllerOwned => Self::ControllerOwned,
            Explains::AdmissionChanged => Self::AdmissionChanged,
        }
    }
}

impl TryFrom<Explanation> for Explains {
    type Error = ();

    /// Fails for an explanation that rules cannot give.
    fn try_from(by: Explanation) -> Result<Self, ()> {
        match by {
            Explanation::ServerManaged => Ok(Self::ServerManaged),
            Explanation::ControllerOwned => Ok(Self::ControllerOwned),
            Explanation::AdmissionChanged => Ok(Self::AdmissionChanged),
            _ => Err(()),
        }
    }
}

/// A problem with a key of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// The key.
    pub key: &'static str,
    /// The index of its value, counted from 0, if it has several.
    pub index: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl RuleSpec {
    /// Compiles the entry. jq expressions are not checked, because only the engine can parse them.
    ///
    /// # Errors
    /// Fails with a list of all problems.
    pub fn compile(self, origin: RuleOrigin) -> Result<Rule, Vec<SpecProblem>> {
        let mut problems = Problems::default();
        let selectors = Selectors {
            paths: problems.all::<PathPattern>("paths", &self.paths),
            pointers: problems.all::<PointerPattern>("jsonPointers", &self.json_pointers),
            jq: self.jq_path_expressions,
            owned_by: self.managed_fields_managers,
            written: Vec::new(),
        };
        let labels = problems.one::<LabelSelector>("labelSelector", self.label_selector.as_deref());
        let expires = problems.one::<Expiry>("expires", self.expires.as_deref());
        let if_declared = problems.one("ifDeclared", self.if_declared.as_deref());
        let if_live = problems.one("ifLive", self.if_live.as_deref());
        let objects = Objects {
            group: self.group,
            kind: self.kind,
            namespace: self.namespace,
            name: self.name,
        };
        problems.objects(&objects);
        problems.globs("onlyManagers", &self.only_managers);
        let says_nothing = problems.found.is_empty()
            && selectors.is_empty()
            && self.changes.is_empty()
            && self.only_managers.is_empty();
        if says_nothing {
            let message = "name what to ignore with paths, jsonPointers, \
                           jqPathExpressions, managedFieldsManagers, onlyManagers or changes; for whole \
                           objects write paths: [.]";
            problems.add("", None, message.to_owned());
        }
        if !problems.found.is_empty() {
            return Err(problems.found);
        }
        Ok(Rule {
            id: self.id,
            reason: self.reason,
            owner: self.owner,
            ticket: self.ticket,
            expires,
            expired: false,
            origin,
            explains: self.explains.map(Into::into),
            objects,
            labels,
            if_declared,
            if_live,
            kinds: self.changes.into_iter().map(Into::into).collect(),
            managers: self.only_managers,
            selectors,
            object_only: false,
            owned: false,
            except: Vec::new(),
            of_live: false,
            only_applier: self.only_applier,
        })
    }
}

/// The size limit of a compiled regular expression. One for paths takes about 20 kB, and
/// `\\pL{1,300}` ten times as much as all of them together.
const LARGEST_EXPRESSION: usize = 256 << 10;

/// The depth limit of brackets in a regular expression.
const DEEPEST_EXPRESSION: u32 = 32;

/// Compiles one of kluctl's regular expressions for written paths.
///
/// # Errors
/// Fails if it is invalid, with the regex engine's message.
pub fn written_path(expression: &str) -> Result<WrittenPath, String> {
    RegexBuilder::new(expression)
        .size_limit(LARGEST_EXPRESSION)
        .dfa_size_limit(LARGEST_EXPRESSION)
        .nest_limit(DEEPEST_EXPRESSION)
        .build()
        .map(WrittenPath)
        .map_err(|error| error.to_string())
}

/// Compiles the objects and paths of a rule.
///
/// # Errors
/// Fails with a list of all problems.
pub(super) fn compile_places(
    objects: Objects,
    key: &'static str,
    paths: &[String],
) -> Result<(Objects, Vec<PathPattern>), Vec<SpecProblem>> {
    let mut problems = Problems::default();
    problems.objects(&objects);
    let paths = problems.all::<PathPattern>(key, paths);
    if problems.found.is_empty() {
        Ok((objects, paths))
    } else {
        Err(problems.found)
    }
}

impl Objects {
    /// Returns the globs that are invalid.
    pub fn problems(&self) -> Vec<SpecProblem> {
        let keys = [
            ("group", &self.group),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
        ];
        let wrong = keys.into_iter().filter_map(|(key, pattern)| {
            let error = Glob::check(pattern).err()?;
            Some(SpecProblem {
                key,
                index: None,
                message: format!("'{pattern}': {error}"),
            })
        });
        wrong.collect()
    }
}

#[derive(Default)]
struct Problems {
    found: Vec<SpecProblem>,
}

impl Problems {
    fn add(&mut self, key: &'static str, index: Option<usize>, message: String) {
        self.found.push(SpecProblem {
            key,
            index,
            message,
        });
    }

    fn objects(&mut self, objects: &Objects) {
        if objects.kind.is_empty() {
            let message = "name the kind; \"*\" means any".to_owned();
            self.add("kind", None, message);
        }
        self.found.extend(objects.problems());
    }

    fn globs(&mut self, key: &'static str, patterns: &[String]) {
        for (index, pattern) in patterns.iter().enumerate() {
            if let Err(error) = Glob::check(pattern.trim_start_matches('!')) {
                self.add(key, Some(index), format!("'{pattern}': {error}"));
            }
        }
    }

    fn all<T>(&mut self, key: &'static str, texts: &[String]) -> Vec<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let mut values = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(value) => values.push(value),
                Err(error) => self.add(key, Some(index), format!("'{text}': {error}")),
            }
        }
        values
    }

    fn one<T>(&mut self, key: &'static str, text: Option<&str>) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let text = text?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(key, None, format!("'{text}': {error}"));
                None
            }
        }
    }
}
