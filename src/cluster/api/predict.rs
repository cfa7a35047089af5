//! Predicts what applying manifests would do, by server-side apply as a dry run.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::failure::ApiFailure;
use super::read::is_object;
use super::request::ApiRequest;
use super::send::Sender;
use crate::cluster::{Apply, LiveObject, Unpredicted};
use crate::model::ResourceKey;

/// Returns the prediction for each object, or why it failed.
pub(super) async fn all(
    sender: Arc<Sender>,
    applies: Vec<Apply>,
) -> BTreeMap<ResourceKey, Result<LiveObject, Unpredicted>> {
    let mut tasks = JoinSet::new();
    for apply in applies {
        let sender = Arc::clone(&sender);
        tasks.spawn(async move {
            let predicted = one(&sender, &apply).await;
            let predicted = predicted.map_err(|failure| match failure {
                ApiFailure::Denied(denials) => Unpredicted::Denied(denials),
                failure => Unpredicted::Failed(failure.to_string()),
            });
            (apply.wanted.key, predicted)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

async fn one(sender: &Sender, apply: &Apply) -> Result<LiveObject, ApiFailure> {
    let (kind, key) = (&apply.wanted.kind, &apply.wanted.key);
    let request = ApiRequest::predict(
        kind,
        key.namespace.as_deref(),
        &key.name,
        &apply.manager,
        &apply.manifest,
    )?;
    let check = |body: Vec<u8>| -> Result<LiveObject, ApiFailure> {
        let malformed = |what| ApiFailure::malformed(&kind.kind, what);
        let text = String::from_utf8(body).map_err(|_| malformed("it is not valid UTF-8"))?;
        is_object(&text, kind, key).map_err(malformed)?;
        Ok(LiveObject::new(key.clone(), &kind.api_version, text))
    };
    sender.checked(&request, check).await
}
