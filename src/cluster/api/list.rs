//! Reads a list page by page, and keeps the wanted items.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::failure::ApiFailure;
use super::receive::Receive;
use super::splitter::{NoList, Splitter};
use crate::cluster::text;
use crate::cluster::{LiveObject, Namespaces, ServedKind};
use crate::model::{ResourceKey, group_of};

/// The list to read, and the wanted items.
#[derive(Debug)]
pub(super) struct ListSelection {
    pub kind: ServedKind,
    /// The namespace that is listed; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// The declared objects: names by namespace (empty if cluster-scoped).
    pub wanted: HashMap<String, HashSet<String>>,
    /// The namespaces whose undeclared objects are wanted too.
    pub extra_in: Namespaces,
}

/// A received page.
#[derive(Debug, Default)]
pub(super) struct ListPage {
    /// The wanted objects in it.
    pub found: Vec<LiveObject>,
    /// The wanted objects in a page of metadata: they exist, but still have to be read.
    pub present: Vec<ResourceKey>,
    /// Undeclared objects, metadata only.
    pub extra: Vec<LiveObject>,
    /// The number of objects in the page.
    pub items: usize,
    /// The token of the next page.
    pub next: Option<String>,
    /// The number of objects after this page, if the server returns it.
    pub remaining: Option<u64>,
    /// The resource version of the list.
    pub resource_version: String,
}

/// Processes a page as it arrives. Unwanted items are not built, and are parsed only up to their
/// names.
pub(super) struct PageReceiver {
    selection: Arc<ListSelection>,
    splitter: Splitter,
    page: ListPage,
    /// Whether metadata was requested. A server may send whole objects nevertheless.
    metadata: bool,
    /// The items so far. If an item occurs twice, it is unknown which one is live.
    seen: HashSet<(String, String)>,
}

impl PageReceiver {
    pub fn new(selection: Arc<ListSelection>, metadata: bool) -> Self {
        Self {
            selection,
            splitter: Splitter::new(),
            page: ListPage::default(),
            metadata,
            seen: HashSet::new(),
        }
    }
}

impl Receive for PageReceiver {
    type Out = ListPage;

    fn chunk(&mut self, chunk: &[u8]) -> Result<(), ApiFailure> {
        let Self {
            selection,
            splitter,
            page,
            metadata,
            seen,
        } = self;
        splitter.feed(chunk, &mut |item| {
            take(selection, page, seen, item, *metadata)
                .map_err(|what| ApiFailure::malformed(&list_kind(selection), what))
        })
    }

    fn finish(self) -> Result<ListPage, ApiFailure> {
        let expected = list_kind(&self.selection);
        let envelope = self.splitter.finish()?;
        let malformed = |what: &str| ApiFailure::malformed(&expected, what);
        let envelope: ListEnvelope =
            serde_json::from_slice(&envelope).map_err(|_| malformed("it is not valid JSON"))?;
        let as_asked = envelope.kind == expected
            && group_of(&envelope.api_version) == group_of(&self.selection.kind.api_version);
        let metadata_only = self.metadata && envelope.kind == "PartialObjectMetadataList";
        if !as_asked && !metadata_only {
            return Err(malformed("it is not a list"));
        }
        if envelope.items.is_none() {
            return Err(malformed("it has no items"));
        }
        let ListMetadata {
            next,
            remaining_item_count,
            resource_version,
        } = envelope.metadata;
        let next = next.filter(|token| !token.is_empty());
        if next.is_none() && remaining_item_count.is_some_and(|left| left > 0) {
            return Err(malformed("it has more pages, but no continue token"));
        }
        Ok(ListPage {
            next,
            remaining: remaining_item_count,
            resource_version,
            ..self.page
        })
    }
}

impl From<NoList> for ApiFailure {
    fn from(error: NoList) -> Self {
        match error {
            NoList::TooLarge => Self::TooLarge(error.to_string()),
            _ => Self::malformed("list", error),
        }
    }
}

fn list_kind(selection: &ListSelection) -> String {
    format!("{}List", selection.kind.kind)
}

/// Keeps an item or the wanted part of it, if it is wanted.
fn take(
    selection: &ListSelection,
    page: &mut ListPage,
    seen: &mut HashSet<(String, String)>,
    item: &[u8],
    metadata: bool,
) -> Result<(), String> {
    let text = std::str::from_utf8(item).map_err(|_| "it is not valid UTF-8")?;
    let identity = text::identity(text);
    let name = identity.name.as_deref().ok_or("an item has no name")?;
    let namespace = identity.namespace.as_deref();
    let right_place = match (selection.kind.namespaced, &selection.namespace) {
        (false, _) => namespace.is_none(),
        (true, None) => namespace.is_some(),
        (true, Some(listed)) => namespace == Some(listed),
    };
    if !right_place {
        return Err("an item belongs to another namespace".to_owned());
    }
    let whole = match identity.kind.as_deref() {
        None => true,
        Some("PartialObjectMetadata") if metadata => false,
        Some(kind) if kind == selection.kind.kind => true,
        Some(_) => return Err("an item is of another kind".to_owned()),
    };
    page.items += 1;
    let place = namespace.unwrap_or_default();
    let wanted = selection
        .wanted
        .get(place)
        .is_some_and(|names| names.contains(name));
    let extra = !wanted && selection.extra_in.contains(place);
    if !wanted && !extra {
        return Ok(());
    }
    if !seen.insert((place.to_owned(), name.to_owned())) {
        return Err("it contains an object twice".to_owned());
    }
    let key = ResourceKey::new(
        group_of(&selection.kind.api_version).to_owned(),
        selection.kind.kind.clone(),
        namespace.map(str::to_owned),
        name.to_owned(),
    );
    if wanted && !whole {
        page.present.push(key);
        return Ok(());
    }
    let version = &selection.kind.api_version;
    if wanted {
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| "an item is not valid JSON")?;
        page.found.push(LiveObject::new(key, version, text));
    } else if whole && is_evidence(&selection.kind) {
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| "an item is not valid JSON")?;
        page.extra.push(LiveObject::new(key, version, text));
    } else {
        let metadata = metadata_of(text).ok_or("an item is not valid JSON")?;
        page.extra
            .push(LiveObject::metadata_only(key, version, metadata));
    }
    Ok(())
}

/// Returns whether undeclared objects of a kind are kept whole, because their content explains
/// other objects. The selector of a Service shows whether the control plane created the Endpoints
/// of that name.
pub(super) fn is_evidence(kind: &ServedKind) -> bool {
    kind.api_version == "v1" && kind.kind == "Service"
}

/// Returns the metadata of an item as `{"metadata":{…}}`.
fn metadata_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct ListItem<'t> {
        #[serde(borrow)]
        metadata: &'t RawValue,
    }
    let item: ListItem = serde_json::from_str(text).ok()?;
    Some(format!("{{\"metadata\":{}}}", item.metadata.get()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListEnvelope {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    metadata: ListMetadata,
    /// Empty, because the splitter takes the items out; Go writes `null` for a nil slice.
    #[serde(default, deserialize_with = "present")]
    items: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
    remaining_item_count: Option<u64>,
    resource_version: String,
}

/// Accepts `null` or a list; anything else is an error.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<IgnoredAny>, D::Error> {
    Option::<Vec<IgnoredAny>>::deserialize(deserializer).map(|_| Some(IgnoredAny))
}

#[cfg(test)]
mod tests;
