//! Explains the Secrets that controllers list in a ServiceAccount: the token of the token controller
//! (before Kubernetes 1.24), and OpenShift's credentials for its own registry.
//!
//! A field manager's name proves nothing, because clients choose it. So every listed Secret must have
//! a name that the controller gives: the account's, what it is, and five random characters
//! (`pkg/controller/serviceaccount/tokens_controller.go`; `create_dockercfg_secrets.go` of
//! `openshift-controller-manager`). The token controller lists its token when the account is new.

use jiff::Timestamp;
use serde_json::Value;

use super::explain_controller_owned;
use super::owners::{created_at, is_soon_after};
use crate::compare::{ComparisonInput, Difference};
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, PathElement, ResourceKey};
use crate::policy::glob;

/// The field manager of the token controller.
const TOKEN_CONTROLLER: &str = "kube-controller-manager";

/// The field manager of a controller, as a glob, and what it calls its Secrets.
const CONTROLLERS: &[(&str, &str)] = &[
    (TOKEN_CONTROLLER, "token"),
    ("openshift-controller-manager", "dockercfg"),
    ("openshift-controller-manager", "token"),
    ("openshift.io/image-registry-pull-secrets*", "dockercfg"),
];

/// Explains the Secrets that controllers list in ServiceAccounts.
pub struct AccountSecrets;

impl Explainer for AccountSecrets {
    fn id(&self) -> &'static str {
        "service-account-secrets"
    }

    fn about(&self) -> &'static str {
        "Controllers list the tokens and pull secrets that they make for a ServiceAccount."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut accounts = run.declared.iter().filter(|one| is_account(&one.key));
        accounts.next()?;
        Some(Box::new(Self))
    }
}

impl Knowledge for AccountSecrets {
    fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        if is_account(key) {
            let created = created_at(subject.live);
            explain_controller_owned(&mut findings, |finding| is_made(key, finding, created));
        }
        findings
    }
}

fn is_account(key: &ResourceKey) -> bool {
    key.kind == "ServiceAccount" && key.group.is_empty()
}

/// Returns whether an addition lists only Secrets that the owners make for the account.
fn is_made(key: &ResourceKey, finding: &Difference, created: Option<Timestamp>) -> bool {
    let list = finding.change.path.0.first();
    let is_list = ["secrets", "imagePullSecrets"]
        .iter()
        .any(|name| list == Some(&PathElement::Field((*name).to_owned())));
    if finding.change.kind != ChangeKind::Added || !is_list || finding.owners.is_empty() {
        return false;
    }
    let listed: Vec<&Value> = match &finding.change.live {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) => vec![item],
        None => return false,
    };
    let is_by = |manager: &str, name: &str| {
        let mut controllers = CONTROLLERS.iter();
        controllers
            .any(|(controller, what)| glob(controller, manager) && is_named(name, &key.name, what))
    };
    let mut owners = finding.owners.iter();
    owners.all(|owner| {
        let written = owner.time.as_ref().and_then(|time| time.parse().ok());
        if owner.manager == TOKEN_CONTROLLER && !is_soon_after(written, created) {
            return false;
        }
        let mut names = listed.iter().map(|item| item.get("name")?.as_str());
        names.all(|name| name.is_some_and(|name| is_by(&owner.manager, name)))
    })
}

/// Returns whether a name is `ACCOUNT-WHAT-x2x9z`.
fn is_named(name: &str, account: &str, what: &str) -> bool {
    let Some((rest, random)) = name.rsplit_once('-') else {
        return false;
    };
    let is_random = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let made_for = rest
        .strip_suffix(what)
        .and_then(|rest| rest.strip_suffix('-'));
    random.len() == 5
        && random.bytes().all(is_random)
        && made_for.is_some_and(|made_for| made_for == account)
}
