//! How a rule is written down, in driftctl's own file and in the users'.

use regex::Regex;
use serde::Deserialize;

use super::rule::WrittenPath;
use super::{Expiry, LabelSelector, Objects, PathPattern, Pointer, Rule, RuleOrigin, Selectors};
use crate::model::{ChangeKind, Explanation};

/// A rule as it is written: an entry of `ignoreDifferences`. The first seven keys are Argo CD's
/// and mean what they mean there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// Which objects: the API group, a glob; left out, the core group only.
    #[serde(default)]
    pub group: String,
    /// The kind, a glob.
    #[serde(default)]
    pub kind: String,
    /// The name; left out, any.
    #[serde(default)]
    pub name: String,
    /// The namespace; left out, any.
    #[serde(default)]
    pub namespace: String,
    /// JSON Pointers to what is ignored.
    #[serde(default)]
    pub json_pointers: Vec<String>,
    /// jq expressions, each put into `del(…)`.
    #[serde(default)]
    pub jq_path_expressions: Vec<String>,
    /// Managers whose values win.
    #[serde(default)]
    pub managed_fields_managers: Vec<String>,

    /// The rule's name.
    #[serde(default)]
    pub id: String,
    /// Paths in the report's syntax, with wildcards.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Only changes of these kinds.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Only values that these managers, and nobody else, hold.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Only objects with these labels.
    #[serde(default)]
    pub label_selector: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Where it is discussed.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Until when it holds.
    #[serde(default)]
    pub expires: Option<String>,

    /// In built-in rules only: the change is no drift at all, and this is why.
    #[serde(default)]
    pub explains: Option<Explains>,
    /// In built-in rules only: only where the manifest declares this path.
    #[serde(default)]
    pub if_declared: Option<String>,
}

/// A [`ChangeKind`], as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Declared and live, with different meaning.
    Changed,
    /// Declared and not live.
    Removed,
    /// Live and not declared.
    Added,
}

impl From<Kind> for ChangeKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Changed => Self::Changed,
            Kind::Removed => Self::Removed,
            Kind::Added => Self::Added,
        }
    }
}

/// The explanations that a rule can give; the others need a look at owners and types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

/// What is wrong with one key of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// The key, as it is written.
    pub key: &'static str,
    /// Which of its values, counted from 0, where it has several.
    pub index: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl RuleSpec {
    /// Reads what the keys hold. jq expressions are taken as they are: only the engine can tell.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(self, origin: RuleOrigin) -> Result<Rule, Vec<SpecProblem>> {
        let mut problems = Problems::default();
        let selectors = Selectors {
            paths: problems.all::<PathPattern>("paths", &self.paths),
            pointers: problems.all::<Pointer>("jsonPointers", &self.json_pointers),
            jq: self.jq_path_expressions,
            owned_by: self.managed_fields_managers,
            written: Vec::new(),
        };
        let labels = problems.one::<LabelSelector>("labelSelector", self.label_selector.as_deref());
        let expires = problems.one::<Expiry>("expires", self.expires.as_deref());
        let if_declared = problems.one("ifDeclared", self.if_declared.as_deref());
        if self.kind.is_empty() {
            let message = "say which kind; \"*\" is any".to_owned();
            problems.add("kind", None, message);
        }
        let says_nothing = problems.found.is_empty()
            && selectors.is_empty()
            && self.kinds.is_empty()
            && self.managers.is_empty();
        if says_nothing {
            let message = "say what is to be ignored, with paths, jsonPointers, \
                           jqPathExpressions, managedFieldsManagers, managers or kinds; for whole \
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
            objects: Objects {
                group: self.group,
                kind: self.kind,
                namespace: self.namespace,
                name: self.name,
            },
            labels,
            if_declared,
            kinds: self.kinds.into_iter().map(Into::into).collect(),
            managers: self.managers,
            selectors,
            object_only: false,
            except: None,
        })
    }
}

/// A regular expression of kluctl's over written paths.
///
/// # Errors
/// When it is none, in the words of the regex engine.
pub fn written_path(expression: &str) -> Result<WrittenPath, String> {
    Regex::new(expression)
        .map(WrittenPath)
        .map_err(|error| error.to_string())
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
