//! Words that name objects and moments.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::model::{KindNames, KindPattern, ResourceKey, group_of};
use crate::policy::{Expiry, glob};
use crate::schema::{BuiltinKind, builtin_kinds};

/// `KIND[.GROUP]/[NAMESPACE/]NAME`, the kind as kubectl takes it: `Deployment`, `deployments`,
/// `deploy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The kind, and its group where it was written.
    pub kind: KindPattern,
    /// The namespace; `None` for any.
    pub namespace: Option<String>,
    /// The name, in which `*` is a wildcard.
    pub name: String,
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, None, name),
            [kind, namespace, name] => (kind, Some(namespace), name),
            _ => return Err("write KIND/NAME or KIND/NAMESPACE/NAME".to_owned()),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err("a part of KIND/NAMESPACE/NAME is empty".to_owned());
        }
        let Ok(kind) = kind.parse();
        Ok(Self {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "/{namespace}")?;
        }
        write!(f, "/{}", self.name)
    }
}

impl Selection {
    /// Whether the kind is surely one, and not a folder: a built-in kind by any of its names, one
    /// with a group, or one in a kind's own spelling.
    pub fn names_a_kind(&self) -> bool {
        let kind = self.kind.name();
        let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
        is_word
            && (self.kind.group().is_some()
                || kind.starts_with(|c: char| c.is_ascii_uppercase())
                || self.builtin_kinds().next().is_some())
    }

    /// The built-in kinds that are meant, at every version.
    fn builtin_kinds(&self) -> impl Iterator<Item = &'static BuiltinKind> {
        let known = builtin_kinds().iter();
        known.filter(|known| self.kind.matches(&known.names()))
    }

    /// Whether an object is meant; `kind` are the names of its kind.
    pub fn matches(&self, key: &ResourceKey, kind: &KindNames<'_>) -> bool {
        self.kind.matches(kind)
            && (self.namespace.as_ref()).is_none_or(|n| Some(n) == key.namespace.as_ref())
            && glob(&self.name, &key.name)
    }

    /// The group and kind that are meant, as manifests write them.
    ///
    /// # Errors
    /// When the kind is not built in, and its group was not written or its own spelling was not.
    pub fn group_kind(&self) -> Result<(String, String), String> {
        let mut known: Vec<(&str, &str)> = self
            .builtin_kinds()
            .map(|builtin| (group_of(builtin.api_version), builtin.kind))
            .collect();
        known.sort_unstable();
        known.dedup();
        let (kind, name) = (&self.kind, &self.name);
        match (&known[..], kind.group()) {
            ([(group, kind)], _) => Ok(((*group).to_owned(), (*kind).to_owned())),
            ([], None) => Err(format!(
                "{kind} is no built-in kind; write its API group too: {kind}.GROUP/{name}"
            )),
            // A kind's own spelling begins with a capital letter; its other names do not.
            ([], Some(group)) if kind.name().starts_with(|c: char| c.is_ascii_uppercase()) => {
                Ok((group.to_owned(), kind.name().to_owned()))
            }
            ([], Some(group)) => Err(format!(
                "{kind} is no built-in kind; write it as manifests do: Kind.{group}/{name}"
            )),
            _ => {
                let groups: Vec<&str> = known.iter().map(|(group, _)| *group).collect();
                Err(format!(
                    "{kind} is a kind of several API groups ({}); write which: {kind}.GROUP/{name}",
                    groups.join(", "),
                ))
            }
        }
    }
}

/// A moment that is to come, by itself or from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// So much later.
    In(SignedDuration),
    /// Then.
    At(Expiry),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(expiry) = text.parse() {
            return Ok(Self::At(expiry));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let hours: Option<i64> = match &text[digits.len()..] {
            "h" => Some(1),
            "d" => Some(24),
            "w" => Some(24 * 7),
            _ => None,
        };
        let count: Option<i64> = digits
            .parse()
            .ok()
            .filter(|count| (1..100_000).contains(count));
        match (hours, count) {
            (Some(hours), Some(count)) => Ok(Self::In(SignedDuration::from_hours(hours * count))),
            _ => Err("write 24h, 7d, 2w, a date such as 2026-12-31, or a time".to_owned()),
        }
    }
}

impl Until {
    /// The moment, to the second.
    ///
    /// # Errors
    /// When it has passed already, or is too far away for a calendar.
    pub fn from(&self, now: Timestamp) -> Result<Expiry, String> {
        let expiry = match self {
            Self::At(expiry) => expiry.clone(),
            Self::In(duration) => {
                let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let then = now
                    .checked_add(*duration)
                    .map_err(|error| error.to_string())?;
                Expiry::at(then)
            }
        };
        if expiry.is_over(now) {
            return Err(format!("{expiry} has passed"));
        }
        Ok(expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin_kind;

    #[test]
    fn objects_are_named_by_kind_and_name() {
        let key = ResourceKey {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "cart".to_owned(),
        };
        let kind = builtin_kind("apps/v1", "Deployment").unwrap().names();
        let called = kind.called();
        let kind = called.names("apps/v1", "Deployment");
        let matches = |text: &str| text.parse::<Selection>().unwrap().matches(&key, &kind);
        for text in [
            "Deployment/cart",
            "deployment/shop/cart",
            "Deployment.apps/*",
            "Deployment/c*t",
            "deploy/cart",
            "deployments.apps/shop/cart",
            "deploy.v1.apps/cart",
        ] {
            assert!(matches(text), "{text}");
        }
        for text in [
            "Deployment/shop",
            "Deployment.x/cart",
            "Service/cart",
            "Deployment/other/cart",
        ] {
            assert!(!matches(text), "{text}");
        }
        for text in ["Deployment", "a/b/c/d", "a//b", "/a"] {
            assert!(text.parse::<Selection>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_group_of_a_built_in_kind_is_known() {
        let group_kind = |text: &str| text.parse::<Selection>().unwrap().group_kind();
        let pair = |group: &str, kind: &str| Ok((group.to_owned(), kind.to_owned()));
        assert_eq!(group_kind("deployment/cart"), pair("apps", "Deployment"));
        assert_eq!(group_kind("Secret/x"), pair("", "Secret"));
        assert_eq!(group_kind("sts/x"), pair("apps", "StatefulSet"));
        assert_eq!(group_kind("deployments.apps/x"), pair("apps", "Deployment"));
        assert_eq!(
            group_kind("hpa.v2.autoscaling/x"),
            pair("autoscaling", "HorizontalPodAutoscaler")
        );
        assert_eq!(
            group_kind("Widget.example.com/x"),
            pair("example.com", "Widget")
        );
        assert!(
            group_kind("Widget/x")
                .unwrap_err()
                .contains("Widget.GROUP/x")
        );
        let plural = group_kind("widgets.example.com/x").unwrap_err();
        assert!(plural.contains("Kind.example.com/x"), "{plural}");
        assert!(group_kind("Event/x").unwrap_err().contains("events.k8s.io"));
    }

    #[test]
    fn moments_are_to_come() {
        let now: Timestamp = "2026-11-21T12:00:00.5Z".parse().unwrap();
        let until = |text: &str| text.parse::<Until>()?.from(now).map(|e| e.to_string());
        assert_eq!(until("24h"), Ok("2026-11-22T12:00:00Z".to_owned()));
        assert_eq!(until("7d"), Ok("2026-11-28T12:00:00Z".to_owned()));
        assert_eq!(until("2w"), Ok("2026-12-05T12:00:00Z".to_owned()));
        assert_eq!(until("2026-11-21"), Ok("2026-11-21".to_owned()));
        assert!(until("2026-11-20").unwrap_err().contains("has passed"));
        for text in [
            "",
            "h",
            "1",
            "-1h",
            "1.5h",
            "1y",
            "0h",
            "999999999999h",
            "é",
        ] {
            assert!(until(text).is_err(), "{text}");
        }
    }
}
