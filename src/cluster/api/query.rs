//! Lists declared state that is stored in the cluster itself.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use super::Api;
use super::failure::ApiFailure;
use super::request::{ApiRequest, ResponseForm};
use super::{parsed, plan};
use crate::cluster::{KindLookup, Query, ServedKind, served_names};
use crate::model::group_of;
use crate::signals::InterruptibleRead;

/// The page size: a response must be able to hold that many objects of up to 1.5 MiB.
const PAGE_OF_WHOLE_OBJECTS: usize = 40;

impl Api {
    /// Implements [`Read::list`](crate::cluster::Read::list).
    pub(super) fn answer(&self, query: &Query<'_>) -> Result<Vec<Value>> {
        let _reading = InterruptibleRead::begin();
        let group = group_of(query.api_version);
        self.runtime.block_on(async {
            let groups = [group].into();
            let catalog = self
                .discover(group.is_empty(), !group.is_empty(), Some(&groups))
                .await;
            match catalog.lookup(query.api_version, query.kind) {
                KindLookup::Served(kind) => {
                    let list = ListQuery::of(query);
                    let items = self.items(&kind, query.namespace, &list).await;
                    items.map_err(|failure| anyhow!("{failure}"))
                }
                KindLookup::NotServed(why) | KindLookup::Unknown(why) => bail!(why),
            }
        })
    }

    /// Implements [`Discovery::kinds`](crate::cluster::Discovery::kinds).
    pub(super) fn every_kind(&self) -> (Vec<ServedKind>, Vec<String>) {
        let _reading = InterruptibleRead::begin();
        let catalog = self.runtime.block_on(self.discover(true, true, None));
        let (kinds, gaps) = catalog.kinds();
        (kinds, gaps.iter().map(ToString::to_string).collect())
    }

    /// Implements [`Discovery::api_versions`](crate::cluster::Discovery::api_versions).
    pub(super) fn every_version(&self) -> BTreeSet<String> {
        let _reading = InterruptibleRead::begin();
        let catalog = self.runtime.block_on(self.discover(true, true, None));
        served_names(catalog.versions())
    }

    /// Returns all objects of a kind, page by page.
    pub(super) async fn items(
        &self,
        kind: &ServedKind,
        namespace: Option<&str>,
        list: &ListQuery,
    ) -> Result<Vec<Value>, ApiFailure> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        let mut tokens = HashSet::new();
        loop {
            let request =
                ApiRequest::page(kind, namespace, list.form, list.page, token.as_deref())?;
            let request = request.with_labels(&list.labels);
            let mut page = self.sender.checked(&request, parsed).await?;
            match page.get_mut("items").map(Value::take) {
                Some(Value::Array(found)) => items.extend(found),
                Some(Value::Null) => {}
                _ => return Err(ApiFailure::malformed("list", "it has no items")),
            }
            let next = page.pointer("/metadata/continue").and_then(Value::as_str);
            match next.filter(|next| !next.is_empty()) {
                Some(next) if !tokens.insert(next.to_owned()) => {
                    return Err(ApiFailure::malformed("list", "its pages do not end"));
                }
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        // Items of a list have no kind, or that of PartialObjectMetadata.
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.insert("kind".to_owned(), kind.kind.clone().into());
            item.insert("apiVersion".to_owned(), kind.api_version.clone().into());
        }
        Ok(items)
    }
}

/// The parameters of a list request.
pub(super) struct ListQuery {
    form: ResponseForm,
    page: usize,
    labels: String,
}

impl ListQuery {
    /// Returns the parameters for whole objects, without a selector.
    pub fn everything() -> Self {
        Self {
            form: ResponseForm::Json,
            page: plan::PAGE,
            labels: String::new(),
        }
    }

    fn of(query: &Query<'_>) -> Self {
        let labels = query.labels.iter().map(|label| label.to_string());
        Self {
            form: if query.metadata_only {
                ResponseForm::Metadata
            } else {
                ResponseForm::Json
            },
            page: if query.metadata_only {
                plan::PAGE
            } else {
                PAGE_OF_WHOLE_OBJECTS
            },
            labels: labels.collect::<Vec<_>>().join(","),
        }
    }
}
