//! Asks the API server for the user's identity and permissions.
//!
//! These reviews are sent by POST, but change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::failure::ApiFailure;
use super::request::{ApiRequest, Review};
use super::send::Sender;
use super::{Api, parsed};
use crate::cluster::{AccessRight, ServedKind};
use crate::signals::InterruptibleRead;

/// The identity that the API server sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The user, such as `system:serviceaccount:ci:driftctl`.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
}

impl Api {
    /// Returns the user's identity (`SelfSubjectReview`, in Kubernetes 1.28 and later).
    ///
    /// # Errors
    /// Fails if the server does not return it.
    pub fn identity(&self) -> Result<ClientIdentity> {
        let _reading = InterruptibleRead::begin();
        let request = ApiRequest::review(Review::Identity, &json!({}));
        let answer = self.runtime.block_on(self.sender.checked(&request, parsed));
        let answer = answer.map_err(|failure| match failure {
            // A server without this API checks authorization first, which denies it to everyone.
            ApiFailure::NotFound | ApiFailure::UnknownResource | ApiFailure::Forbidden(_) => {
                anyhow!("before Kubernetes 1.28, not every user may ask")
            }
            failure => anyhow!("{failure}"),
        })?;
        let info = &answer["status"]["userInfo"];
        let user = info["username"].as_str().unwrap_or_default();
        if user.is_empty() {
            return Err(anyhow!("the response names no user"));
        }
        let groups = info["groups"].as_array().into_iter().flatten();
        Ok(ClientIdentity {
            user: user.to_owned(),
            groups: groups
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Returns which of these permissions the user has (`SelfSubjectAccessReview`), or why a
    /// permission could not be checked. Permissions in all namespaces are checked before those in
    /// single namespaces.
    pub fn may(
        &self,
        rights: &BTreeSet<AccessRight>,
    ) -> BTreeMap<AccessRight, Result<bool, String>> {
        let _reading = InterruptibleRead::begin();
        self.runtime.block_on(async {
            let everywhere: BTreeSet<AccessRight> =
                rights.iter().map(AccessRight::everywhere).collect();
            let mut answers = self.review(everywhere).await;
            let has = |right: &&AccessRight| answers.get(&right.everywhere()) == Some(&Ok(true));
            let (had, others): (Vec<_>, Vec<_>) = rights.iter().partition(has);
            let asked = |right: &&AccessRight| answers.contains_key(*right);
            let left = others.into_iter().filter(|right| !asked(right)).cloned();
            let in_places = self.review(left.collect()).await;
            answers.extend(had.into_iter().map(|right| (right.clone(), Ok(true))));
            answers.extend(in_places);
            answers.retain(|right, _| rights.contains(right));
            answers
        })
    }

    async fn review(
        &self,
        rights: BTreeSet<AccessRight>,
    ) -> BTreeMap<AccessRight, Result<bool, String>> {
        let mut reviews = JoinSet::new();
        for right in rights {
            reviews.spawn(allowed(Arc::clone(&self.sender), right));
        }
        reviews.join_all().await.into_iter().collect()
    }

    /// Returns every namespaced kind whose objects users may create. A search for undeclared
    /// objects needs permissions on these.
    ///
    /// # Errors
    /// Fails if not all kinds are known.
    pub fn namespaced_kinds(&self) -> Result<Vec<ServedKind>> {
        let _reading = InterruptibleRead::begin();
        let catalog = self.runtime.block_on(self.discover(true, true, None));
        let (kinds, gaps) = catalog.namespaced_kinds();
        match gaps.into_iter().next() {
            Some(gap) => Err(anyhow!("{gap}")),
            None => Ok(kinds),
        }
    }
}

async fn allowed(sender: Arc<Sender>, right: AccessRight) -> (AccessRight, Result<bool, String>) {
    let mut attributes = json!({
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
    });
    if let Some(namespace) = &right.namespace {
        attributes["namespace"] = namespace.as_str().into();
    }
    let request = ApiRequest::review(Review::Access, &json!({"resourceAttributes": attributes}));
    let answer = match sender.checked(&request, parsed).await {
        Ok(answer) => answer["status"]["allowed"]
            .as_bool()
            .ok_or_else(|| "the response does not say".to_owned()),
        Err(failure) => Err(failure.to_string()),
    };
    (right, answer)
}
