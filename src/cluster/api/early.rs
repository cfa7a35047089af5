//! Sends the requests that every run needs before their responses are needed.
//!
//! Connecting takes several round trips and the discovery documents are large, while no other
//! request can be made until manifests are read. So both happen in parallel.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::discovery::{self, ApiRoot, DiscoveryGap};
use super::failure::ApiFailure;
use super::parsed;
use super::request::{ApiRequest, ResponseForm};
use super::send::Sender;

/// The URL of the core group's document.
pub(super) const CORE: &str = "/api";
/// The URL of the document of all other groups.
pub(super) const NAMED: &str = "/apis";

/// How long to wait for an optional response once everything else has arrived.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests that were sent early, until their responses are taken.
#[derive(Default)]
pub(super) struct EarlyRequests {
    pub core: Option<JoinHandle<ApiRoot>>,
    pub named: Option<JoinHandle<ApiRoot>>,
    /// The server's version, which is optional: other requests may succeed without it.
    pub version: Option<JoinHandle<Option<String>>>,
}

impl EarlyRequests {
    /// Starts the requests.
    pub fn begin(runtime: &Runtime, sender: &Arc<Sender>) -> Self {
        Self {
            core: Some(runtime.spawn(root(Arc::clone(sender), CORE))),
            named: Some(runtime.spawn(root(Arc::clone(sender), NAMED))),
            version: Some(runtime.spawn(version(Arc::clone(sender)))),
        }
    }

    /// Takes the requests whose responses are needed now. Others may never be needed.
    pub fn take(&mut self, core: bool, named: bool) -> Self {
        Self {
            core: self.core.take_if(|_| core),
            named: self.named.take_if(|_| named),
            version: self.version.take(),
        }
    }
}

/// Waits for the response to an early request. If none was sent and the response is needed, sends
/// the request now.
pub(super) async fn or_ask<T, F: Future<Output = T>>(
    early: Option<JoinHandle<T>>,
    is_needed: bool,
    ask: impl FnOnce() -> F,
) -> Option<T> {
    if let Some(early) = early
        && let Ok(answer) = early.await
    {
        return Some(answer);
    }
    if is_needed { Some(ask().await) } else { None }
}

/// Waits a short time for an optional response.
pub(super) async fn soon<T>(early: JoinHandle<Option<T>>) -> Option<T> {
    let answer = tokio::time::timeout(PATIENCE, early).await;
    answer.ok()?.ok()?
}

/// Returns what one root of the API serves.
pub(super) async fn root(sender: Arc<Sender>, path: &'static str) -> ApiRoot {
    let request = ApiRequest::document(path, ResponseForm::Discovery);
    let parse = |body: Vec<u8>| {
        discovery::root(&body).map_err(|what| ApiFailure::malformed("discovery document", what))
    };
    let root = sender.checked(&request, parse).await;
    root.unwrap_or_else(|failure| ApiRoot::Broken(DiscoveryGap::new(path, failure)))
}

/// Returns the server's version.
async fn version(sender: Arc<Sender>) -> Option<String> {
    let request = ApiRequest::document("/version", ResponseForm::Json);
    let info = sender.checked(&request, parsed).await.ok()?;
    Some(info.get("gitVersion")?.as_str()?.to_owned())
}
