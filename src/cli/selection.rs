//! Words that name objects and moments.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::model::ResourceKey;
use crate::policy::{Expiry, glob};
use crate::schema::builtin_kinds;

/// `KIND[.GROUP]/[NAMESPACE/]NAME`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The kind, as it was written.
    pub kind: String,
    /// The API group, where it was written.
    pub group: Option<String>,
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
        let (kind, group) = match kind.split_once('.') {
            Some((kind, group)) => (kind, Some(group.to_owned())),
            None => (kind, None),
        };
        Ok(Self {
            kind: kind.to_owned(),
            group,
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(group) = &self.group {
            write!(f, ".{group}")?;
        }
        if let Some(namespace) = &self.namespace {
            write!(f, "/{namespace}")?;
        }
        write!(f, "/{}", self.name)
    }
}

impl Selection {
    /// Whether an object is meant.
    pub fn matches(&self, key: &ResourceKey) -> bool {
        self.kind.eq_ignore_ascii_case(&key.kind)
            && self.group.as_ref().is_none_or(|group| *group == key.group)
            && (self.namespace.as_ref()).is_none_or(|n| Some(n) == key.namespace.as_ref())
            && glob(&self.name, &key.name)
    }

    /// The group and kind that are meant, as manifests write them.
    ///
    /// # Errors
    /// When the kind is not built in and its group was not written.
    pub fn group_kind(&self) -> Result<(String, String), String> {
        if let Some(group) = &self.group {
            return Ok((group.clone(), self.kind.clone()));
        }
        let is_meant = |kind: &&str| kind.eq_ignore_ascii_case(&self.kind);
        let mut known: Vec<(&str, &str)> = builtin_kinds()
            .iter()
            .filter(|builtin| is_meant(&builtin.kind))
            .map(|builtin| (crate::model::group_of(builtin.api_version), builtin.kind))
            .collect();
        known.sort_unstable();
        known.dedup();
        match known[..] {
            [(group, kind)] => Ok((group.to_owned(), kind.to_owned())),
            [] => Err(format!(
                "{kind} is no built-in kind; write its API group too: {kind}.GROUP/{}",
                self.name,
                kind = self.kind,
            )),
            _ => {
                let groups: Vec<&str> = known.iter().map(|(group, _)| *group).collect();
                Err(format!(
                    "{kind} is a kind of several API groups ({}); write which: {kind}.GROUP/{}",
                    groups.join(", "),
                    self.name,
                    kind = self.kind,
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

    #[test]
    fn objects_are_named_by_kind_and_name() {
        let key = ResourceKey {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "cart".to_owned(),
        };
        let matches = |text: &str| text.parse::<Selection>().unwrap().matches(&key);
        for text in [
            "Deployment/cart",
            "deployment/shop/cart",
            "Deployment.apps/*",
            "Deployment/c*t",
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
        assert_eq!(
            group_kind("Widget.example.com/x"),
            pair("example.com", "Widget")
        );
        assert!(
            group_kind("Widget/x")
                .unwrap_err()
                .contains("Widget.GROUP/x")
        );
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
