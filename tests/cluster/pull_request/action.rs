//! Tests the GitHub Action on a pull request: with the same repository and server, it reports the
//! same.

use serde_json::Value;

use super::review::{cluster, pull_request};
use super::server::Server;
use super::support::TestFolder;
use super::support::action::compare;

#[cfg(unix)]
#[test]
fn the_action_reviews_a_pull_request() {
    let server = Server::start(&cluster(), None);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    if !pull_request(&place) {
        println!("skipped: git is not installed");
        return;
    }
    let inputs = [
        ("path", "deploy"),
        ("base", "main"),
        ("kubeconfig", "kubeconfig"),
        ("sarif", "true"),
    ];
    let Some((said, outputs)) = compare(&place, &inputs) else {
        println!("skipped: bash is not installed");
        return;
    };
    assert_eq!(outputs, "exit-code=1\nsarif=true\n", "{said}");
    assert!(
        said.contains("::error file=deploy/cart.yaml,line=7,"),
        "{said}"
    );
    assert!(said.contains("driftctl: conflict: "), "{said}");
    let read =
        |file: &str| std::fs::read_to_string(place.path().join("runner/driftctl").join(file));
    let comment = read("comment.md").unwrap();
    assert!(
        comment.starts_with("<!-- driftctl -->\n### driftctl: 🛑 CONFLICT"),
        "{comment}"
    );
    assert!(
        said.contains(&comment),
        "the summary is the comment: {said}"
    );
    let sarif: Value = serde_json::from_str(&read("drift.sarif").unwrap()).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .any(|result| result["ruleId"] == "merge-conflict")
    );
}
