//! Accepted drift: hidden until it changes or expires.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::pbkdf2;
use serde_json::Value;

use super::Expiry;
use crate::model::{Change, ChangeKind, ResourceKey};

/// The ID in reports for the rule that hides accepted drift.
pub const ACCEPTED: &str = "accepted";

/// The iterations of the digest: about 1 ms per check, which makes guessing short passwords
/// expensive.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

/// A value in the form in which it may be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordedValue {
    /// No value: only the other side has one.
    Nothing,
    /// The value itself.
    Value(Value),
    /// A digest of a secret or very long value.
    Digest(String),
}

/// An accepted change.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The object.
    pub key: ResourceKey,
    /// The path; the root for a whole object that is missing or extra.
    pub path: String,
    /// The kind of change.
    pub kind: ChangeKind,
    /// The declared value.
    pub declared: RecordedValue,
    /// The live value.
    pub live: RecordedValue,
    /// The reason; empty if none was given.
    pub reason: String,
    /// Link to a ticket or discussion.
    pub ticket: Option<String>,
    /// Who accepted it.
    pub by: Option<String>,
    /// When it was accepted, in RFC 3339.
    pub at: Option<String>,
    /// The deadline.
    pub expires: Option<Expiry>,
    /// Whether the deadline has passed.
    pub overdue: bool,
}

impl Accepted {
    /// Returns when the change was accepted, if recorded.
    pub fn accepted_at(&self) -> Option<jiff::Timestamp> {
        self.at.as_ref()?.parse().ok()
    }
}

/// All accepted drift.
#[derive(Debug, Clone, Default)]
pub struct Debt {
    /// The salt of digests, so that equal values in two files have different digests.
    pub salt: String,
    entries: BTreeMap<DebtKey, Accepted>,
}

type DebtKey = (ResourceKey, String, ChangeKind);

/// The state of a change compared with the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DebtMatch<'d> {
    /// It was accepted.
    Accepted(&'d Accepted),
    /// It was accepted, but the deadline has passed.
    Overdue(&'d Accepted),
    /// Another value was accepted.
    Changed(&'d Accepted),
}

impl Debt {
    /// Returns an empty baseline.
    pub fn new(salt: String) -> Self {
        Self {
            salt,
            entries: BTreeMap::new(),
        }
    }

    /// Records an accepted change; replaces an earlier one with the same object, path and kind.
    pub fn insert(&mut self, accepted: Accepted) {
        let Accepted {
            key, path, kind, ..
        } = &accepted;
        let place = (key.clone(), path.clone(), *kind);
        self.entries.insert(place, accepted);
    }

    /// Keeps entries for which `keep` returns true; returns how many were removed.
    pub fn retain(&mut self, mut keep: impl FnMut(&Accepted) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, accepted| keep(accepted));
        before - self.entries.len()
    }

    /// Returns the accepted change at a path of an object.
    pub fn at(&self, key: &ResourceKey, path: &str, kind: ChangeKind) -> Option<&Accepted> {
        let place = (key.clone(), path.to_owned(), kind);
        self.entries.get(&place)
    }

    /// Returns all accepted changes, sorted by object and path.
    pub fn entries(&self) -> impl Iterator<Item = &Accepted> {
        self.entries.values()
    }

    /// Returns the state of a change of an object.
    pub fn find(&self, key: &ResourceKey, change: &Change) -> Option<DebtMatch<'_>> {
        if self.entries.is_empty() {
            return None;
        }
        let path = change.path.to_string();
        let Some(accepted) = self.at(key, &path, change.kind) else {
            // Accepting a changed field does not accept its removal.
            let kinds = [ChangeKind::Modified, ChangeKind::Removed, ChangeKind::Added];
            let other = kinds.iter().find_map(|kind| self.at(key, &path, *kind));
            return other.map(DebtMatch::Changed);
        };
        let is_same = |recorded: &RecordedValue, side: &str, value: Option<&Value>| match recorded {
            RecordedValue::Nothing => value.is_none(),
            RecordedValue::Value(recorded) => value == Some(recorded),
            RecordedValue::Digest(recorded) => value
                .is_some_and(|value| *recorded == self.digest(key, &accepted.path, side, value)),
        };
        // A missing or extra object has no value to compare.
        let same = change.path.0.is_empty()
            || (is_same(&accepted.declared, "declared", change.declared.as_ref())
                && is_same(&accepted.live, "live", change.live.as_ref()));
        Some(match (same, accepted.overdue) {
            (false, _) => DebtMatch::Changed(accepted),
            (true, true) => DebtMatch::Overdue(accepted),
            (true, false) => DebtMatch::Accepted(accepted),
        })
    }

    /// Returns the digest of a value at a path of an object. The same value at another path, or in
    /// another file, has another digest.
    pub fn digest(&self, key: &ResourceKey, path: &str, side: &str, value: &Value) -> String {
        let place = [
            self.salt.as_str(),
            &key.group_kind().to_string(),
            key.namespace.as_deref().unwrap_or_default(),
            &key.name,
            path,
            side,
        ];
        let salt = place.join("\0");
        let mut digest = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            salt.as_bytes(),
            value.to_string().as_bytes(),
            &mut digest,
        );
        STANDARD_NO_PAD.encode(digest)
    }
}

impl DebtMatch<'_> {
    /// Returns a note about a change that is reported although it was accepted earlier.
    pub fn note(self) -> Option<String> {
        match self {
            Self::Accepted(_) => None,
            Self::Overdue(accepted) => {
                let until = accepted.expires.as_ref().map(ToString::to_string);
                let until = until.unwrap_or_default();
                let reason = match accepted.reason.as_str() {
                    "" => String::new(),
                    reason => format!(": {reason}"),
                };
                Some(format!("expired debt, accepted until {until}{reason}"))
            }
            Self::Changed(accepted) => {
                let at = accepted.at.as_deref().unwrap_or("some time ago");
                Some(format!("changed since it was accepted ({at})"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> ResourceKey {
        ResourceKey::new("", "Secret", Some("shop".to_owned()), name.to_owned())
    }

    fn change(live: Value) -> Change {
        Change::between(".data.a".parse().unwrap(), Some(json!(3)), Some(live))
    }

    fn debt(live: RecordedValue, overdue: bool) -> Debt {
        let mut debt = Debt::new("salt".to_owned());
        debt.insert(Accepted {
            key: key("cart"),
            path: ".data.a".to_owned(),
            kind: ChangeKind::Modified,
            declared: RecordedValue::Value(json!(3)),
            live,
            reason: "incident".to_owned(),
            ticket: None,
            by: None,
            at: None,
            expires: Some("2026-12-31".parse().unwrap()),
            overdue,
        });
        debt
    }

    #[test]
    fn accepted_drift_is_hidden_until_it_changes_or_expires() {
        let five = RecordedValue::Value(json!(5));
        let (holds, over) = (debt(five.clone(), false), debt(five, true));
        let found = |debt: &Debt, name: &str, live| {
            let found = debt.find(&key(name), &change(live));
            found.map(|found| found.note())
        };
        assert_eq!(found(&holds, "cart", json!(5)), Some(None));
        assert_eq!(found(&holds, "other", json!(5)), None);
        let changed = "changed since it was accepted (some time ago)".to_owned();
        assert_eq!(found(&holds, "cart", json!(6)), Some(Some(changed)));
        let overdue = "expired debt, accepted until 2026-12-31: incident".to_owned();
        assert_eq!(found(&over, "cart", json!(5)), Some(Some(overdue)));
        let gone = Change {
            kind: ChangeKind::Removed,
            live: None,
            ..change(json!(5))
        };
        let found = holds.find(&key("cart"), &gone);
        assert!(matches!(found, Some(DebtMatch::Changed(_))), "{found:?}");
    }

    #[test]
    fn digests_differ_by_value_path_and_file() {
        let bare = Debt::new("salt".to_owned());
        let digest = |name: &str, value| bare.digest(&key(name), ".data.a", "live", &value);
        let recorded = digest("cart", json!("hunter2"));
        assert!(!recorded.contains("hunter2"));
        assert_ne!(recorded, digest("cart", json!("hunter3")));
        assert_ne!(recorded, digest("other", json!("hunter2")));
        let elsewhere = Debt::new("pepper".to_owned());
        let there = elsewhere.digest(&key("cart"), ".data.a", "live", &json!("hunter2"));
        assert_ne!(recorded, there);
        let debt = debt(RecordedValue::Digest(recorded), false);
        let found = debt.find(&key("cart"), &change(json!("hunter2")));
        assert!(matches!(found, Some(DebtMatch::Accepted(_))));
        let found = debt.find(&key("cart"), &change(json!("hunter3")));
        assert!(matches!(found, Some(DebtMatch::Changed(_))));
    }
}
