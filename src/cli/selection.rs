//! Parses arguments that name objects and times.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::model::{KindNames, KindPattern, ResourceKey, group_of};
use crate::policy::{Expiry, PathPattern, PatternError, glob};
use crate::schema::{BuiltinKind, builtin_kinds};

/// `KIND[.GROUP]/[NAMESPACE/]NAME`, with the kind as in kubectl: `Deployment`, `deployments`,
/// `deploy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSelection {
    /// The kind, and its group if it was given.
    pub kind: KindPattern,
    /// The namespace; `None` for any.
    pub namespace: Option<String>,
    /// The name, with `*` as a wildcard.
    pub name: String,
}

impl FromStr for ObjectSelection {
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

/// Parses the same, or a kind alone, with the name in the next argument.
///
/// # Errors
/// Fails if it is neither.
pub fn or_kind(text: &str) -> Result<ObjectSelection, String> {
    let alone = !text.contains('/') && !text.is_empty();
    let Ok(kind) = text.parse();
    let kind = ObjectSelection {
        kind,
        namespace: None,
        name: String::new(),
    };
    if alone && kind.names_a_kind() {
        return Ok(kind);
    }
    text.parse()
}

impl fmt::Display for ObjectSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "/{namespace}")?;
        }
        write!(f, "/{}", self.name)
    }
}

impl ObjectSelection {
    /// Returns whether the kind is certainly a kind and not a folder: a built-in kind by any of its
    /// names, one with a group, or one spelled as in manifests.
    pub fn names_a_kind(&self) -> bool {
        let kind = self.kind.name();
        let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
        is_word
            && (self.kind.group().is_some()
                || kind.starts_with(|c: char| c.is_ascii_uppercase())
                || self.builtin_kinds().next().is_some())
    }

    /// Returns the matching built-in kinds, at every version.
    fn builtin_kinds(&self) -> impl Iterator<Item = &'static BuiltinKind> {
        let known = builtin_kinds().iter();
        known.filter(|known| self.kind.matches(&known.names()))
    }

    /// Returns whether an object matches; `kind` are the names of its kind.
    pub fn matches(&self, key: &ResourceKey, kind: &KindNames<'_>) -> bool {
        self.kind.matches(kind)
            && (self.namespace.as_ref()).is_none_or(|n| Some(n) == key.namespace.as_ref())
            && glob(&self.name, &key.name)
    }

    /// Returns the group and kind, as manifests write them.
    ///
    /// # Errors
    /// Fails if the kind is not built in, and its group is missing or it is not spelled as in
    /// manifests.
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
                "{kind} is not a built-in kind; write its API group too: {kind}.GROUP/{name}"
            )),
            // In manifests, a kind begins with a capital letter; its other names do not.
            ([], Some(group)) if kind.name().starts_with(|c: char| c.is_ascii_uppercase()) => {
                Ok((group.to_owned(), kind.name().to_owned()))
            }
            ([], Some(group)) => Err(format!(
                "{kind} is not a built-in kind; write it as manifests do: Kind.{group}/{name}"
            )),
            _ => {
                let groups: Vec<&str> = known.iter().map(|(group, _)| *group).collect();
                Err(format!(
                    "{kind} exists in several API groups ({}); name one: {kind}.GROUP/{name}",
                    groups.join(", "),
                ))
            }
        }
    }
}

/// A time in the past, absolute or relative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTime {
    /// This long ago.
    Ago(SignedDuration),
    /// At that time.
    At(Timestamp),
}

impl FromStr for StartTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        if let Ok(day) = text.parse::<jiff::civil::Date>()
            && let Ok(start) = day.to_zoned(jiff::tz::TimeZone::UTC)
        {
            return Ok(Self::At(start.timestamp()));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let seconds: Option<i64> = match &text[digits.len()..] {
            "s" => Some(1),
            "m" | "min" => Some(60),
            "h" => Some(3_600),
            "d" => Some(24 * 3_600),
            "w" => Some(7 * 24 * 3_600),
            _ => None,
        };
        let count: Option<i64> = digits.parse().ok();
        match (seconds, count.filter(|count| (1..100_000).contains(count))) {
            (Some(seconds), Some(count)) => {
                Ok(Self::Ago(SignedDuration::from_secs(seconds * count)))
            }
            _ => Err("write 30m, 2h, 3d, a date such as 2026-12-31, or a time".to_owned()),
        }
    }
}

impl StartTime {
    /// Returns the time.
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

/// Parses a path as people write it, in the syntax of reports: with a leading dot, and quotes
/// around names of items.
///
/// ```text
/// spec.replicas                → .spec.replicas
/// .spec.containers[name=app]   → .spec.containers[name="app"]
/// metadata.labels['a/b']       → .metadata.labels["a/b"]
/// ```
pub fn in_full(text: &str) -> String {
    let mut full = String::with_capacity(text.len() + 4);
    if !text.starts_with(['.', '[']) {
        full.push('.');
    }
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        full.push_str(before);
        full.push('[');
        let Some(end) = end_of_brackets(after) else {
            full.push_str(after);
            return full;
        };
        full.push_str(&within_brackets(&after[..end]));
        rest = &after[end..];
    }
    full.push_str(rest);
    full
}

/// Parses a pattern of paths, as people write it.
///
/// # Errors
/// Fails if it is not one.
pub fn pattern(text: &str) -> Result<PathPattern, PatternError> {
    in_full(text).parse()
}

/// Returns the closing bracket, ignoring those in quotes.
fn end_of_brackets(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, ']') => return Some(at),
            (None, _) => {}
        }
    }
    None
}

/// Returns the text in brackets, with JSON's quotes.
fn within_brackets(text: &str) -> String {
    if let Some(name) = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        return serde_json::Value::from(name).to_string();
    }
    if text.starts_with(['"', '=']) || !text.contains('=') {
        return text.to_owned();
    }
    let parts = text.split(',').map(|part| match part.split_once('=') {
        Some((key, value)) if serde_json::from_str::<serde_json::Value>(value).is_err() => {
            let value = value.trim_matches('\'');
            format!("{key}={}", serde_json::Value::from(value))
        }
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Returns whether an argument without a leading dot is a path anyway: it begins like a manifest.
pub fn begins_like_a_manifest(word: &str) -> bool {
    const FIRST: [&str; 12] = [
        "spec",
        "metadata",
        "data",
        "stringData",
        "binaryData",
        "status",
        "rules",
        "subjects",
        "roleRef",
        "webhooks",
        "subsets",
        "parameters",
    ];
    let first = word.split(['.', '[']).next().unwrap_or_default();
    FIRST.contains(&first)
}

/// A time in the future, absolute or relative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndTime {
    /// This long from now.
    In(SignedDuration),
    /// At that time.
    At(Expiry),
}

impl FromStr for EndTime {
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

impl EndTime {
    /// Returns the time, to the second.
    ///
    /// # Errors
    /// Fails if it is in the past, or too far in the future.
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
    fn parses_objects_by_kind_and_name() {
        let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
        let kind = builtin_kind("apps/v1", "Deployment").unwrap().names();
        let called = kind.called();
        let kind = called.names("apps/v1", "Deployment");
        let matches = |text: &str| {
            text.parse::<ObjectSelection>()
                .unwrap()
                .matches(&key, &kind)
        };
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
            assert!(text.parse::<ObjectSelection>().is_err(), "{text}");
        }
    }

    #[test]
    fn finds_the_group_of_a_built_in_kind() {
        let group_kind = |text: &str| text.parse::<ObjectSelection>().unwrap().group_kind();
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
    fn accepts_paths_as_people_write_them() {
        for (written, full) in [
            ("spec.replicas", ".spec.replicas"),
            (".spec.replicas", ".spec.replicas"),
            (
                "spec.containers[name=app].image",
                ".spec.containers[name=\"app\"].image",
            ),
            (
                ".ports[containerPort=80,protocol=TCP]",
                ".ports[containerPort=80,protocol=\"TCP\"]",
            ),
            ("metadata.labels['a/b']", ".metadata.labels[\"a/b\"]"),
            (".data[\"a]b=c\"]", ".data[\"a]b=c\"]"),
            (".spec.containers[0].image", ".spec.containers[0].image"),
            (".spec.containers[*].image", ".spec.containers[*].image"),
            (".finalizers[=\"a/b\"]", ".finalizers[=\"a/b\"]"),
            (".a[", ".a["),
        ] {
            assert_eq!(in_full(written), full);
        }
    }

    #[test]
    fn parses_times_in_the_past() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let since = |text: &str| {
            text.parse::<StartTime>()
                .map(|since| since.before(now).to_string())
        };
        assert_eq!(since("2h"), Ok("2026-11-21T10:00:00Z".to_owned()));
        assert_eq!(since("30m"), Ok("2026-11-21T11:30:00Z".to_owned()));
        assert_eq!(since("2026-11-20"), Ok("2026-11-20T00:00:00Z".to_owned()));
        assert_eq!(
            since("2026-11-21T09:00:00Z"),
            Ok("2026-11-21T09:00:00Z".to_owned())
        );
        for text in ["", "h", "0h", "2y", "soon"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parses_times_in_the_future() {
        let now: Timestamp = "2026-11-21T12:00:00.5Z".parse().unwrap();
        let until = |text: &str| text.parse::<EndTime>()?.from(now).map(|e| e.to_string());
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
