//! What a run is limited to: kinds and labels, in kubectl's words.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::LabelSelector;
use crate::model::group_of;

/// The names that people call a kind by.
#[derive(Debug, Clone, Copy)]
pub struct KindNames<'n> {
    /// The version that it is served or declared at.
    pub api_version: &'n str,
    /// The kind; in lower case it is the singular, too.
    pub kind: &'n str,
    /// The resource; empty when it is not known.
    pub plural: &'n str,
    /// Such as `deploy`.
    pub short_names: &'n [String],
}

/// A kind as people write it on a command line: `deploy`, `deployments.apps`,
/// `deployments.v1.apps`, whatever the case (kubectl's `ParseResourceArg`).
///
/// ```
/// use driftctl::policy::{KindNames, KindPattern};
/// let pattern: KindPattern = "Deployments.apps".parse().unwrap();
/// assert!(pattern.matches(&KindNames {
///     api_version: "apps/v1",
///     kind: "Deployment",
///     plural: "deployments",
///     short_names: &[],
/// }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindPattern {
    text: String,
    name: String,
    /// What follows the first dot: a group, or a version and a group.
    group: Option<String>,
}

impl KindPattern {
    /// Whether a kind is meant.
    pub fn matches(&self, kind: &KindNames<'_>) -> bool {
        let is_called = |name: &str| !name.is_empty() && name.eq_ignore_ascii_case(&self.name);
        let named = is_called(kind.kind)
            || is_called(kind.plural)
            || kind.short_names.iter().any(|name| is_called(name));
        named
            && self
                .group
                .as_deref()
                .is_none_or(|group| is_group(group, kind.api_version))
    }
}

/// Whether `apps` or `v1.apps` is the group (and version) of `apps/v1`.
fn is_group(written: &str, api_version: &str) -> bool {
    let group = group_of(api_version);
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let with_version = written.split_once('.');
    written == group || with_version.is_some_and(|(v, g)| v == version && g == group)
}

impl FromStr for KindPattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (name, group) = match text.split_once('.') {
            Some((name, group)) => (name, Some(group.to_ascii_lowercase())),
            None => (text, None),
        };
        Ok(Self {
            text: text.to_owned(),
            name: name.to_owned(),
            group,
        })
    }
}

impl fmt::Display for KindPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a run is limited to. An empty one leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `--kind`: only these kinds; empty for all.
    pub kinds: Vec<KindPattern>,
    /// `--selector`: only objects with such labels.
    pub labels: Option<LabelSelector>,
}

impl Filter {
    /// Whether objects of a kind stay in.
    pub fn keeps_kind(&self, kind: &KindNames<'_>) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|pattern| pattern.matches(kind))
    }

    /// Whether an object stays in by its labels.
    pub fn keeps_labels(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.labels
            .as_ref()
            .is_none_or(|selector| selector.matches(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, api_version: &str) -> bool {
        let short = ["promo".to_owned()];
        let names = KindNames {
            api_version,
            kind: "Promotion",
            plural: "shop-promotions",
            short_names: &short,
        };
        pattern.parse::<KindPattern>().unwrap().matches(&names)
    }

    #[test]
    fn a_kind_is_meant_by_each_of_its_names() {
        let version = "store.example/v1beta1";
        for pattern in [
            "Promotion",
            "promotion",
            "shop-promotions",
            "promo",
            "promotion.store.example",
            "PROMO.v1beta1.store.example",
        ] {
            assert!(matches(pattern, version), "{pattern}");
        }
        for pattern in [
            "",
            "promotions",
            "promotion.example",
            "promotion.v1.store.example",
            "store.example",
        ] {
            assert!(!matches(pattern, version), "{pattern}");
        }
        assert!(matches("promo.v1.", "v1"));
        assert!(!matches("promo.apps", "v1"));
    }

    #[test]
    fn an_empty_plural_is_no_name() {
        let names = KindNames {
            api_version: "v1",
            kind: "Pod",
            plural: "",
            short_names: &[],
        };
        assert!(!"".parse::<KindPattern>().unwrap().matches(&names));
    }
}
