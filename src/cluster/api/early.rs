//! Sends the requests that every run needs before anything needs the responses.
//!
//! Connecting takes round trips and the discovery documents are large, while there is nothing else
//! to request until manifests are read. So both happen in parallel.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::discovery::{self, Gap, Root};
use super::failure::Failure;
use super::parsed;
use super::request::{Form, Request};
use super::send::Sender;

/// The URL of the core group's document.
pub(super) const CORE: &str = "/api";
/// The URL of the document of all other groups.
pub(super) const NAMED: &str = "/apis";

/// How long a caller that has everything else waits for optional responses.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests under way, each until its response is taken.
#[derive(Default)]
pub(super) struct Early {
    pub core: Option<JoinHandle<Root>>,
    pub named: Option<JoinHandle<Root>>,
    /// The server's version is optional; failing to get it says nothing about the rest.
    pub version: Option<JoinHandle<Option<String>>>,
}

impl Early {
    /// Starts the requests.
    pub fn begin(runtime: &Runtime, sender: &Arc<Sender>) -> Self {
        Self {
            core: Some(runtime.spawn(root(Arc::clone(sender), CORE))),
            named: Some(runtime.spawn(root(Arc::clone(sender), NAMED))),
            version: Some(runtime.spawn(version(Arc::clone(sender)))),
        }
    }

    /// Takes the responses that are needed now; the others may never be.
    pub fn take(&mut self, core: bool, named: bool) -> Self {
        Self {
            core: self.core.take_if(|_| core),
            named: self.named.take_if(|_| named),
            version: self.version.take(),
        }
    }
}

/// Waits for an early response; sends the request now if there is none and it is needed.
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

/// Returns an optional response: nobody waits if it hangs.
pub(super) async fn soon<T>(early: JoinHandle<Option<T>>) -> Option<T> {
    let answer = tokio::time::timeout(PATIENCE, early).await;
    answer.ok()?.ok()?
}

/// Returns what one root of the API serves.
pub(super) async fn root(sender: Arc<Sender>, path: &'static str) -> Root {
    let request = Request::document(path, Form::Discovery);
    let parse = |body: Vec<u8>| {
        discovery::root(&body).map_err(|what| Failure::malformed("discovery document", what))
    };
    let root = sender.checked(&request, parse).await;
    root.unwrap_or_else(|failure| Root::Broken(Gap::new(path, failure)))
}

/// Returns the server's version.
async fn version(sender: Arc<Sender>) -> Option<String> {
    let request = Request::document("/version", Form::Json);
    let info = sender.checked(&request, parsed).await.ok()?;
    Some(info.get("gitVersion")?.as_str()?.to_owned())
}
