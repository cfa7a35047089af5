//! Explains certificate authorities that operators write into their own webhooks, CRD conversions and
//! API services.
//!
//! The field managers of such operators are often only `manager` or `controller`, and clients choose
//! these names anyway. So the certificates must stand in a Secret of the namespace whose Service
//! presents them, where an operator keeps what it serves with.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::explain_controller_owned;
use crate::compare::{ComparisonInput, Difference};
use crate::judge::{Case, Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, FieldPath, Finder, PathElement, ResourceKey, text_at};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Explains certificate authorities that stand in a Secret beside the Service.
pub struct Certificates;

impl Explainer for Certificates {
    fn id(&self) -> &'static str {
        "certificates"
    }

    fn about(&self) -> &'static str {
        "The certificate authority stands in a Secret of the namespace that serves the webhook."
    }

    fn learn_later(&self, run: &ExplainerInput<'_>, cases: &[&Case]) -> Option<Box<dyn Knowledge>> {
        let namespaces: BTreeSet<String> =
            cases.iter().flat_map(|case| namespaces_of(case)).collect();
        let read = |namespace: String| {
            let secrets = run.live.related("v1", "Secret", &namespace)?;
            let found = secrets.iter().flat_map(certificates_of_secret).collect();
            Some((namespace, found))
        };
        let known: BTreeMap<_, _> = namespaces.into_iter().filter_map(read).collect();
        (!known.is_empty()).then(|| Box::new(KnownCertificates(known)) as _)
    }
}

/// The certificates in the Secrets of each namespace.
struct KnownCertificates(BTreeMap<String, BTreeSet<String>>);

impl Knowledge for KnownCertificates {
    fn compares_again(&self) -> bool {
        true
    }

    fn review(
        &self,
        _: &ResourceKey,
        subject: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        explain_controller_owned(&mut findings, |finding| {
            let namespace = namespace_of(finding, subject.declared);
            let known = namespace.and_then(|namespace| self.0.get(&namespace));
            known.is_some_and(|known| is_listed_in(finding, known))
        });
        findings
    }
}

/// Returns the namespaces whose Secrets may explain an open finding of an object.
fn namespaces_of(case: &Case) -> Vec<String> {
    let open = case.candidates.iter().filter(|one| one.is_open());
    let mut open = open.filter(|one| is_bundle(&one.finding)).peekable();
    let declared = case.declared.as_ref().filter(|_| open.peek().is_some());
    let declared = declared.map(|declared| declared.value());
    let namespace =
        |finding: &Difference| declared.as_ref().and_then(|it| namespace_of(finding, it));
    open.filter_map(|one| namespace(&one.finding)).collect()
}

/// Returns the declared namespace of the Service that presents the certificate.
fn namespace_of(finding: &Difference, declared: &Value) -> Option<String> {
    if !is_bundle(finding) {
        return None;
    }
    let (_, config) = finding.change.path.0.split_last()?;
    let config = Finder::lenient(declared).find(&FieldPath(config.to_vec()))?;
    text_at(config, "/service/namespace").map(str::to_owned)
}

/// Returns whether a finding is a certificate authority that the manifest leaves open, or for which it
/// has only a placeholder, and that no command of kubectl wrote.
fn is_bundle(finding: &Difference) -> bool {
    let last = finding.change.path.0.last();
    let by_hand = |manager: &str| manager.starts_with("kubectl");
    finding.change.kind != ChangeKind::Removed
        && matches!(last, Some(PathElement::Field(name)) if name == "caBundle")
        && listed(finding.change.declared.as_ref()).is_empty()
        && !(finding.owners.iter()).any(|owner| by_hand(&owner.manager))
}

/// Returns whether all certificates of a bundle, of which there is at least one, are known.
fn is_listed_in(finding: &Difference, known: &BTreeSet<String>) -> bool {
    let listed = listed(finding.change.live.as_ref());
    !listed.is_empty() && listed.iter().all(|one| known.contains(one))
}

/// Returns the certificates of a bundle.
fn listed(bundle: Option<&Value>) -> Vec<String> {
    let text = bundle.and_then(Value::as_str).and_then(decoded);
    text.map(|text| certificates(&text)).unwrap_or_default()
}

fn certificates_of_secret(secret: &Value) -> Vec<String> {
    let data = secret.get("data").and_then(Value::as_object);
    let values = data.into_iter().flatten().filter_map(|(_, value)| {
        let text = decoded(value.as_str()?)?;
        Some(certificates(&text))
    });
    values.flatten().collect()
}

fn decoded(base64: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}

/// Returns the certificates of a text in PEM, without their line breaks.
fn certificates(text: &str) -> Vec<String> {
    let blocks = text.split(BEGIN).skip(1);
    let contents = blocks.filter_map(|block| Some(block.split_once(END)?.0));
    let compact = |content: &str| content.split_whitespace().collect::<String>();
    contents
        .map(compact)
        .filter(|content| !content.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_certificates_among_keys() {
        let pem = format!("# ca\n{BEGIN}\nQUJD\nREVG\n{END}\n");
        let key = "-----BEGIN PRIVATE KEY-----\nQQ==\n-----END PRIVATE KEY-----\n";
        let secret = json!({"data": {
            "ca.crt": STANDARD.encode(format!("{pem}{}", pem.replace("QUJD", "WFla"))),
            "tls.key": STANDARD.encode(key),
            "broken": "%",
        }});
        assert_eq!(certificates_of_secret(&secret), ["QUJDREVG", "WFlaREVG"]);
        assert!(certificates(BEGIN).is_empty());
    }
}
