//! Places of declared objects whose values are secret even if they do not look secret, and the
//! values of Secrets.

use std::fmt;

use super::{FieldPath, PathElement, ResourceKey};

/// A place in an object whose declared value comes from a Secret, such as a substituted variable.
/// Reports show neither its declared nor its live value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPlace {
    /// The kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The path to the place: names of fields, and `None` for any list item, because items may have
    /// different indexes on both sides.
    pub path: Vec<Option<String>>,
}

impl SecretPlace {
    /// Returns whether the place is in this object. The object may be reported with another group
    /// or namespace than in its manifest, because kinds move between groups and may be
    /// cluster-scoped. If two objects have the same name, both are masked.
    pub fn is_in(&self, key: &ResourceKey) -> bool {
        self.kind == key.kind && self.name == key.name
    }

    /// Returns whether a path is at or below the place. A list item that is identified by a secret
    /// value is itself such a place.
    pub fn covers(&self, path: &FieldPath) -> bool {
        let mut parts = self.path.iter().peekable();
        for segment in &path.0 {
            match (parts.next(), segment) {
                (None, _) => return true,
                (Some(Some(field)), PathElement::Field(name)) if field == name => {}
                (Some(None), PathElement::Key(keys)) => {
                    let next = parts.peek().and_then(|next| next.as_ref());
                    if next.is_some_and(|next| keys.contains_key(next)) {
                        return true;
                    }
                }
                (Some(None), PathElement::Index(_) | PathElement::Value(_)) => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }
}

/// A value of a Secret in a run. No report shows it, wherever it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretValue {
    /// Its key in the Secret.
    pub name: String,
    /// The value, decoded.
    pub value: String,
    /// Whether it is the whole value, and not a part of text that could not be parsed.
    pub is_whole: bool,
}

/// Does not write the value.
impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("SecretValue");
        fields.field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(way: &[&str], path: &str) -> bool {
        let part = |part: &&str| (*part != "*").then(|| (*part).to_owned());
        let place = SecretPlace {
            kind: "ConfigMap".to_owned(),
            name: "cart".to_owned(),
            path: way.iter().map(part).collect(),
        };
        place.covers(&path.parse().unwrap())
    }

    #[test]
    fn places_cover_paths_at_and_below_them() {
        assert!(covers(&["data", "url"], ".data.url"));
        assert!(covers(&["data"], ".data.url"));
        assert!(!covers(&["data", "url"], ".data"));
        assert!(!covers(&["data", "url"], ".data.other"));
        assert!(covers(&["env", "*", "value"], r#".env[name="A"].value"#));
        assert!(!covers(&["env", "*", "value"], r#".env[name="A"]"#));
        assert!(covers(&["args", "*"], ".args[1]"));
    }

    #[test]
    fn an_item_with_a_secret_key_is_secret() {
        assert!(covers(&["hosts", "*", "name"], r#".hosts[name="A"]"#));
    }

    #[test]
    fn matches_an_object_in_any_group_and_namespace() {
        let key = |group: &str, namespace: Option<&str>, name: &str| {
            ResourceKey::new(
                group.to_owned(),
                "Deployment",
                namespace.map(str::to_owned),
                name.to_owned(),
            )
        };
        let place = SecretPlace {
            kind: "Deployment".to_owned(),
            name: "cart".to_owned(),
            path: Vec::new(),
        };
        assert!(place.is_in(&key("apps", Some("shop"), "cart")));
        assert!(place.is_in(&key("extensions", None, "cart")));
        assert!(!place.is_in(&key("apps", Some("shop"), "other")));
    }
}
