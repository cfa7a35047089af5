//! The names of kinds, as users and API servers write them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::group_of;

/// The names of a kind.
#[derive(Debug, Clone, Copy)]
pub struct KindNames<'n, S = String> {
    /// The version at which it is served or declared.
    pub api_version: &'n str,
    /// The kind; its lower-case form is the singular.
    pub kind: &'n str,
    /// The resource; empty if unknown.
    pub plural: &'n str,
    /// The short names, such as `deploy`.
    pub short_names: &'n [S],
}

impl<S: AsRef<str>> KindNames<'_, S> {
    /// Returns the other names of the kind.
    pub fn called(&self) -> KindAliases {
        let short_names = self.short_names.iter();
        KindAliases {
            plural: self.plural.to_owned(),
            short_names: short_names.map(|name| name.as_ref().to_owned()).collect(),
        }
    }
}

/// Other names of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindAliases {
    /// The resource; empty if unknown.
    pub plural: String,
    /// The short names, such as `deploy`.
    pub short_names: Vec<String>,
}

impl KindAliases {
    /// Returns all names of the kind.
    pub fn names<'n>(&'n self, api_version: &'n str, kind: &'n str) -> KindNames<'n> {
        KindNames {
            api_version,
            kind,
            plural: &self.plural,
            short_names: &self.short_names,
        }
    }
}

/// A kind as written on the command line: `deploy`, `deployments.apps`, `deployments.v1.apps`, in
/// any case (kubectl's `ParseResourceArg`).
///
/// ```
/// use driftctl::model::{KindNames, KindPattern};
/// let pattern: KindPattern = "Deployments.apps".parse().unwrap();
/// assert!(pattern.matches(&KindNames {
///     api_version: "apps/v1",
///     kind: "Deployment",
///     plural: "deployments",
///     short_names: &["deploy"],
/// }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindPattern {
    text: String,
    name: String,
    /// The part after the first dot: a group, or a version and a group.
    group: Option<String>,
}

impl KindPattern {
    /// Returns the part before the first dot.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the group, or the version and the group, if given.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Returns whether the pattern matches a kind.
    pub fn matches<S: AsRef<str>>(&self, kind: &KindNames<'_, S>) -> bool {
        let is_called = |name: &str| !name.is_empty() && name.eq_ignore_ascii_case(&self.name);
        let named = is_called(kind.kind)
            || is_called(kind.plural)
            || kind.short_names.iter().any(|name| is_called(name.as_ref()));
        named
            && self
                .group
                .as_deref()
                .is_none_or(|group| is_group(group, kind.api_version))
    }
}

/// Returns whether `apps` or `v1.apps` is the group (and version) of `apps/v1`.
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
    fn matches_each_name_of_a_kind() {
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
    fn an_empty_plural_matches_nothing() {
        let names = KindAliases::default();
        let names = names.names("v1", "Pod");
        assert!(!"".parse::<KindPattern>().unwrap().matches(&names));
    }
}
