//! Finds the objects that Flux manages: the inventory of a Kustomization.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{FluxKustomization, VERSIONS};
use crate::model::ResourceKey;
use crate::source::config_values::Values;
use crate::source::gitops::in_cluster;

impl FluxKustomization<'_> {
    /// Returns the objects in `status.inventory` of the live Kustomization.
    pub(super) fn inventory(&self, values: &Values<'_>) -> BTreeSet<(ResourceKey, String)> {
        let (namespace, name) = (
            self.found.metadata("namespace"),
            self.found.metadata("name"),
        );
        // An untrusted author could make driftctl look up any object.
        let Some(live) = values.live else {
            return BTreeSet::new();
        };
        let live = match self.found.value.pointer("/status/inventory") {
            Some(_) => None,
            None => in_cluster(live, &VERSIONS, "Kustomization", namespace, name).ok(),
        };
        let object = live.map_or_else(|| self.found.value.clone(), |live| live.value);
        let entries = object.pointer("/status/inventory/entries");
        let entries = entries.and_then(Value::as_array).into_iter().flatten();
        let text = |entry: &Value, field: &str| entry.get(field)?.as_str().map(str::to_owned);
        entries
            .filter_map(|entry| {
                let key = inventory_key(&text(entry, "id")?)?;
                let version = text(entry, "v")?;
                let api_version = if key.group.is_empty() {
                    version
                } else {
                    format!("{}/{version}", key.group)
                };
                Some((key, api_version))
            })
            .collect()
    }
}

/// Parses `namespace_name_group_Kind` (`cli-utils/pkg/object`, `ParseObjMetadata`), in which `__`
/// stands for a colon in a name.
pub fn inventory_key(id: &str) -> Option<ResourceKey> {
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (name, group) = rest.rsplit_once('_')?;
    Some(ResourceKey::new(
        group.to_owned(),
        kind.to_owned(),
        (!namespace.is_empty()).then(|| namespace.to_owned()),
        name.replace("__", ":"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_entries_of_inventories() {
        let key = |id: &str| inventory_key(id).map(|key| (key.group.clone(), key.to_string()));
        let expected = ("apps".to_owned(), "Deployment shop/cart".to_owned());
        assert_eq!(key("shop_cart_apps_Deployment"), Some(expected));
        let expected = (String::new(), "Namespace shop".to_owned());
        assert_eq!(key("_shop__Namespace"), Some(expected));
        let expected = "ClusterRole system:x".to_owned();
        let found = key("_system__x_rbac.authorization.k8s.io_ClusterRole");
        assert_eq!(found.map(|(_, said)| said), Some(expected));
        assert_eq!(key("shop"), None);
    }
}
