//! Runs the checks, and says how to fix each that fails.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{AccessRight, ClientIdentity, rights_in_words};
use crate::engine::{Needs, RightUse};
use crate::model::{Check, CheckState, Examination, ReportTarget};
use crate::output::count;
use crate::schema::KUBERNETES_VERSION;

/// The oldest minor version whose discovery takes two requests. Older servers need one request per
/// group, and do not report the types of removed kinds (tested down to 1.21).
const OLDEST_MINOR: u32 = 26;

impl Examination {
    fn add(&mut self, check: &'static str, state: CheckState, found: String, to_do: Option<&str>) {
        let to_do = to_do.map(str::to_owned);
        self.checks.push(Check {
            check,
            state,
            found,
            to_do,
        });
    }

    /// Reports that no cluster can be reached.
    pub fn no_kubeconfig(&mut self, error: &anyhow::Error) {
        self.add("kubeconfig", CheckState::Failed, format!("{error:#}"), None);
    }

    /// Reports which cluster is checked.
    pub fn kubeconfig(&mut self, target: &ReportTarget) {
        let server = target.server.as_deref().unwrap_or_default();
        let found = match &target.context {
            Some(context) => format!("context {context}, {server}"),
            None => format!("the pod's service account, {server}"),
        };
        if target.insecure {
            let to_do = "add certificate-authority-data to the cluster and remove \
                         insecure-skip-tls-verify";
            let found = format!("{found}; its certificate is not verified");
            self.add("kubeconfig", CheckState::Advice, found, Some(to_do));
        } else {
            self.add("kubeconfig", CheckState::Ok, found, None);
        }
    }

    /// Reports that the server cannot be reached, or rejects the credentials.
    pub fn no_connection(&mut self, target: &ReportTarget, error: &anyhow::Error) {
        let to_do = match &target.context {
            Some(context) => format!(
                "check the address, the network and the credentials; 'kubectl --context {context} \
                 version' says more"
            ),
            None => "check the address, the network policies of this pod, and its mounted service \
                account"
                .to_owned(),
        };
        let found = format!("{error:#}");
        self.add("connection", CheckState::Failed, found, Some(&to_do));
    }

    /// Compares the server's version with that of the built-in types.
    pub fn connection(&mut self, target: &ReportTarget) {
        let Some(version) = &target.version else {
            let found = "the server responds but does not report its version".to_owned();
            self.add("connection", CheckState::Advice, found, None);
            return;
        };
        let found = format!("Kubernetes {version}");
        match (minor(version), minor(KUBERNETES_VERSION)) {
            (Some(server), Some(known)) if server > known => {
                let to_do = format!(
                    "fields newer than Kubernetes {KUBERNETES_VERSION} are compared without a \
                     schema; use a newer driftctl"
                );
                self.add("connection", CheckState::Advice, found, Some(&to_do));
            }
            (Some(server), _) if server < OLDEST_MINOR => {
                let to_do = format!(
                    "older than 1.{OLDEST_MINOR}: reading takes more requests, and kinds removed \
                     since then are compared without a schema"
                );
                self.add("connection", CheckState::Advice, found, Some(&to_do));
            }
            _ => self.add("connection", CheckState::Ok, found, None),
        }
    }

    /// Reports the declared objects.
    pub fn manifests(&mut self, needs: &Needs) {
        for error in &needs.errors {
            let found = format!("{}: {}", error.place, error.message);
            self.add("manifests", CheckState::Failed, found, None);
        }
        let (kinds, places) = (needs.kinds.len(), needs.namespaces.len());
        let mut found = format!(
            "{} of {} in {}",
            count(needs.objects, "object"),
            count(kinds, "kind"),
            count(places, "namespace")
        );
        if needs.filtered > 0 {
            found.push_str(&format!(", {} filtered out", needs.filtered));
        }
        if needs.objects + needs.unresolved.len() == 0 {
            let to_do = "check the path and the filters";
            self.add("manifests", CheckState::Failed, found, Some(to_do));
        } else {
            self.add("manifests", CheckState::Ok, found, None);
        }
    }

    /// Reports whether the server knows the kinds.
    pub fn kinds(&mut self, needs: &Needs, extra: Option<&anyhow::Error>) {
        for object in &needs.unresolved {
            let reason = object.reason.as_deref().unwrap_or("it cannot be compared");
            let found = format!("{}: {reason}", object.key);
            self.add("kinds", CheckState::Failed, found, None);
        }
        if let Some(error) = extra {
            let found = format!("cannot search for some undeclared objects: {error:#}");
            self.add("kinds", CheckState::Failed, found, None);
        }
        if needs.unresolved.is_empty() && extra.is_none() {
            let found = format!("the server knows {}", count(needs.kinds.len(), "kind"));
            self.add("kinds", CheckState::Ok, found, None);
        }
    }

    /// Reports the permissions.
    pub fn rights(
        &mut self,
        needed: &BTreeMap<AccessRight, RightUse>,
        answers: &BTreeMap<AccessRight, Result<bool, String>>,
    ) {
        let mut denied: BTreeMap<RightUse, Vec<&AccessRight>> = BTreeMap::new();
        // If objects cannot be read at all, speed does not matter.
        let is_moot = |right: &AccessRight| {
            let read = AccessRight {
                verb: "get".to_owned(),
                ..right.clone()
            };
            answers.get(&read) == Some(&Ok(false))
        };
        let mut unanswered: BTreeSet<&str> = BTreeSet::new();
        for (right, what_for) in needed {
            match answers.get(right) {
                Some(Ok(true)) => {}
                Some(Ok(false)) if *what_for == RightUse::Faster && is_moot(right) => {}
                Some(Ok(false)) => denied.entry(*what_for).or_default().push(right),
                Some(Err(why)) => drop(unanswered.insert(why)),
                None => drop(unanswered.insert("no response")),
            }
        }
        for why in unanswered {
            let found = format!("the API server does not report permissions: {why}");
            self.add("rights", CheckState::Failed, found, None);
        }
        for (what_for, rights) in denied {
            let (state, to_do) = match what_for {
                RightUse::Needed => (CheckState::Failed, "grant it: apply what -o yaml prints"),
                RightUse::Faster => (
                    CheckState::Advice,
                    "without it, objects are read one by one",
                ),
                RightUse::Autoscalers => (
                    CheckState::Advice,
                    "without it, replicas set by an autoscaler count as drift",
                ),
                RightUse::Admission => (
                    CheckState::Advice,
                    "without it, what admission webhooks and policies add may count as drift",
                ),
                RightUse::Events => (
                    CheckState::Advice,
                    "without it, a revert leaves no Event on the objects (--no-event)",
                ),
                RightUse::Escalation => (
                    CheckState::Advice,
                    "without it, --server-dry-run cannot predict roles that grant more than you \
                     have; no printed Role grants it, because it allows privilege escalation",
                ),
            };
            for rights in rights_in_words(rights) {
                let found = format!("{rights} is not allowed");
                self.add("rights", state, found, Some(to_do));
            }
        }
        if self.checks.iter().all(|check| check.check != "rights") {
            let found = format!("{}, all granted", count(needed.len(), "right"));
            self.add("rights", CheckState::Ok, found, None);
        }
    }

    /// Reports the user.
    pub fn identity(&mut self, identity: anyhow::Result<ClientIdentity>) {
        match identity {
            Ok(ClientIdentity { user, groups }) if groups.is_empty() => {
                self.add("identity", CheckState::Ok, user, None);
            }
            Ok(ClientIdentity { user, groups }) => {
                let found = format!("{user} ({})", groups.join(", "));
                self.add("identity", CheckState::Ok, found, None);
            }
            Err(error) => {
                let to_do = "the printed Roles have no bindings; name the user with --for";
                let found = format!("the API server does not say which user this is: {error:#}");
                self.add("identity", CheckState::Advice, found, Some(to_do));
            }
        }
    }
}

/// Returns `36` for `v1.36.2-gke.1`; a custom build may report `v0.0.0`.
fn minor(version: &str) -> Option<u32> {
    let digits = version.strip_prefix("v1.")?.split('.').next()?;
    digits
        .trim_end_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(version: &str) -> CheckState {
        let mut examination = Examination::default();
        examination.connection(&ReportTarget {
            version: Some(version.to_owned()),
            ..ReportTarget::default()
        });
        examination.checks[0].state
    }

    #[test]
    fn accepts_versions_within_the_supported_skew() {
        assert_eq!(state_of(KUBERNETES_VERSION), CheckState::Ok);
        assert_eq!(state_of("v1.28.3-eks-1"), CheckState::Ok);
        assert_eq!(state_of("v1.99.0"), CheckState::Advice);
        assert_eq!(state_of("v1.22.17+k3s1"), CheckState::Advice);
        assert_eq!(state_of("v0.0.0-master+$Format:%H$"), CheckState::Ok);
        assert_eq!(minor("v1.26+"), Some(26));
    }
}
