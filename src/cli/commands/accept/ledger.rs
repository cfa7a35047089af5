//! Adds drift to the baseline.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use super::of_whole;
use crate::cli::settings::Settings;
use crate::config;
use crate::model::{ChangeKind, JudgedChange, ObjectReport};
use crate::policy::{Accepted, Debt, Expiry, RecordedValue};
use crate::state::new_salt;

/// Longer values are stored as digests, so that the file stays readable.
const LONGEST: usize = 1000;

/// Why drift is accepted, and until when.
#[derive(Debug, Clone, Default)]
pub struct AcceptTerms {
    /// The reason; if left out, the earlier reason is kept.
    pub reason: Option<String>,
    /// Link to a ticket or discussion; if left out, the earlier one is kept.
    pub ticket: Option<String>,
    /// Until when.
    pub expires: Option<Expiry>,
}

/// The accepted drift, to which more can be added.
pub struct AcceptedDrift {
    /// The whole baseline.
    pub debt: Debt,
    by: Option<String>,
    at: String,
}

impl AcceptedDrift {
    /// Opens the baseline.
    ///
    /// # Errors
    /// Fails if no salt can be made for a new file.
    pub fn open(mut debt: Debt, settings: &Settings) -> Result<Self> {
        if debt.salt.is_empty() {
            debt.salt = new_salt()?;
        }
        let second = Timestamp::from_second(settings.now.as_second());
        Ok(Self {
            debt,
            by: settings.user.clone(),
            at: second.unwrap_or(settings.now).to_string(),
        })
    }

    /// Accepts that an object is missing or extra, if so.
    pub fn accept_whole(&mut self, object: &ObjectReport, terms: &AcceptTerms) {
        if let Some(kind) = of_whole(object) {
            let nothing = [RecordedValue::Nothing, RecordedValue::Nothing];
            self.record(object, ".", kind, nothing, terms);
        }
    }

    /// Accepts a change; `shown` is the same change without secrets. Returns `false` for a path
    /// that contains a secret, which is not written.
    pub fn accept(
        &mut self,
        object: &ObjectReport,
        drift: &JudgedChange,
        shown: &JudgedChange,
        terms: &AcceptTerms,
    ) -> bool {
        if drift.change.path != shown.change.path {
            return false;
        }
        let path = drift.change.path.to_string();
        let recorded = |side: &str, value: &Option<Value>, shown: &Option<Value>| match value {
            None => RecordedValue::Nothing,
            Some(value) if Some(value) == shown.as_ref() && can_be_shown(value) => {
                RecordedValue::Value(value.clone())
            }
            Some(value) => RecordedValue::Digest(self.debt.digest(&object.key, &path, side, value)),
        };
        let (change, shown) = (&drift.change, &shown.change);
        let values = [
            recorded("declared", &change.declared, &shown.declared),
            recorded("live", &change.live, &shown.live),
        ];
        self.record(object, &path, change.kind, values, terms);
        true
    }

    fn record(
        &mut self,
        object: &ObjectReport,
        path: &str,
        kind: ChangeKind,
        values: [RecordedValue; 2],
        terms: &AcceptTerms,
    ) {
        let [declared, live] = values;
        let before = self.debt.at(&object.key, path, kind);
        let reason = terms.reason.clone();
        let reason = reason.or_else(|| before.map(|before| before.reason.clone()));
        let ticket = terms.ticket.clone();
        let ticket = ticket.or_else(|| before.and_then(|before| before.ticket.clone()));
        self.debt.insert(Accepted {
            key: object.key.clone(),
            path: path.to_owned(),
            kind,
            declared,
            live,
            reason: reason.unwrap_or_default(),
            ticket,
            by: self.by.clone(),
            at: Some(self.at.clone()),
            expires: terms.expires.clone(),
            overdue: false,
        });
    }
}

/// Returns whether a value that is not secret may be stored in the file.
fn can_be_shown(value: &Value) -> bool {
    value.to_string().len() <= LONGEST && config::can_be_written(value)
}
