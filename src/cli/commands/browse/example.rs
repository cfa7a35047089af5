//! Example drift for tests.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{BrowseRequest, BrowseRow, Browser};
use crate::model::Severity;

fn row(severity: Severity, object: &str, path: &str, what: &str) -> BrowseRow {
    BrowseRow {
        severity,
        object: object.to_owned(),
        path: path.to_owned(),
        what: what.to_owned(),
        who: "bob with kubectl-edit 2h ago".to_owned(),
        digest: "0123456789".to_owned(),
        location: Some(("deploy/cart.yaml".to_owned(), 12)),
    }
}

/// Returns three changes of two objects.
pub fn browser() -> Browser {
    let cart = "Deployment.apps/shop/cart";
    let rows = vec![
        row(
            Severity::Critical,
            cart,
            ".spec.template.spec.containers[name=\"debug\"]",
            "+ {\"image\":\"busybox\"}",
        ),
        row(Severity::Medium, cart, ".spec.replicas", "~ 2 to 7"),
        row(
            Severity::Low,
            "ConfigMap/shop/cart",
            ".data.LOG_LEVEL",
            "~ info to debug",
        ),
    ];
    Browser::new("prod".to_owned(), rows)
}

/// Presses keys one after the other, and returns the request of the last one.
pub fn press(browser: &mut Browser, keys: &str) -> Option<BrowseRequest> {
    let mut request = None;
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        request = browser.key(KeyEvent::new(code, KeyModifiers::NONE));
    }
    request
}
