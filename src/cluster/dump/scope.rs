//! Finds out whether a kind is namespaced without a server.

use serde_json::Value;

use super::super::{KindLookup, ServedKind};
use super::index::DumpIndex;
use crate::model::GroupKind;
use crate::schema::did_you_mean;
use crate::schema::{builtin_kind_of_group, replacement, short_names, successor};

/// Looks up a kind in recorded CustomResourceDefinitions, among the built-in kinds, in declared
/// CustomResourceDefinitions, and in recorded objects of the kind, whose namespace (or lack of one)
/// proves the scope.
pub(super) fn lookup(
    api_version: &str,
    kind: &str,
    index: &DumpIndex,
    live_crds: &[Value],
    declared_crds: &[&Value],
) -> KindLookup {
    let group_kind = GroupKind::new(api_version, kind);
    let read_at = recorded_version(api_version, &group_kind, index);
    if read_at.is_none()
        && let Some(current) = successor(api_version, kind)
    {
        return lookup(current, kind, index, live_crds, declared_crds);
    }
    let served = |names: CrdNames| {
        KindLookup::Served(ServedKind {
            api_version: read_at.clone().unwrap_or_else(|| api_version.to_owned()),
            kind: kind.to_owned(),
            plural: names.plural,
            namespaced: names.namespaced,
            short_names: names.short,
        })
    };
    if let Some(known) = builtin_kind_of_group(&group_kind.group, kind).first() {
        if let Some(gone) = removed_version_message(api_version, kind).filter(|_| read_at.is_none())
        {
            return KindLookup::NotServed(gone);
        }
        let short = short_names(&group_kind.group, kind);
        return served(CrdNames {
            plural: known.plural.to_owned(),
            short: short.iter().map(|name| (*name).to_owned()).collect(),
            namespaced: known.namespaced,
        });
    }
    if let Some(gone) = removed_version_message(api_version, kind) {
        return KindLookup::NotServed(gone);
    }
    if let Some(crd) = live_crds.iter().find(|crd| defines(crd, &group_kind)) {
        // Whichever versions the cluster serves, an object of this kind would have been recorded at
        // one of them.
        return served(names(crd));
    }
    if let Some(crd) = declared_crds.iter().find(|crd| defines(crd, &group_kind)) {
        return served(names(crd));
    }
    match index.of_kind(&group_kind).next() {
        Some((key, _)) => served(CrdNames {
            namespaced: key.namespace.is_some(),
            ..CrdNames::default()
        }),
        None => KindLookup::Unknown(format!(
            "the recording contains neither an object of {group_kind} nor its \
             CustomResourceDefinition{}",
            match did_you_mean(&group_kind.group, &group_kind.kind) {
                meant if meant.is_empty() => "; record one of them".to_owned(),
                meant => meant,
            }
        )),
    }
}

/// Returns the versions and kinds that a CustomResourceDefinition serves: `group/version` and
/// `group/version/Kind`.
pub(super) fn served_by(crd: &Value) -> Vec<String> {
    let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str);
    let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) else {
        return Vec::new();
    };
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions.into_iter().flatten().filter(|version| {
        let served = version.get("served");
        served.is_none_or(|served| served == true)
    });
    let names = served.filter_map(|version| version.get("name")?.as_str());
    names
        .flat_map(|name| [format!("{group}/{name}"), format!("{group}/{name}/{kind}")])
        .collect()
}

/// Returns the message about a version that Kubernetes no longer serves.
fn removed_version_message(api_version: &str, kind: &str) -> Option<String> {
    replacement(api_version, kind).map(|found| format!("{kind} at {api_version} {found}"))
}

/// Returns the version at which objects of a kind were recorded; the requested version, if it is
/// among them.
fn recorded_version(api_version: &str, kind: &GroupKind, index: &DumpIndex) -> Option<String> {
    let mut other = None;
    for entry in index.of_kind(kind).flat_map(|(_, entries)| entries) {
        if entry.api_version == api_version {
            return Some(entry.api_version.clone());
        }
        other = Some(&entry.api_version);
    }
    other.cloned()
}

fn defines(crd: &Value, kind: &GroupKind) -> bool {
    let spec = &crd["spec"];
    spec["group"] == *kind.group && spec["names"]["kind"] == *kind.kind
}

/// The names and scope in a CustomResourceDefinition.
#[derive(Default)]
struct CrdNames {
    plural: String,
    short: Vec<String>,
    namespaced: bool,
}

fn names(crd: &Value) -> CrdNames {
    let spec = &crd["spec"];
    let short = spec["names"]["shortNames"].as_array();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    CrdNames {
        plural: text(&spec["names"]["plural"]).unwrap_or_default(),
        short: short.into_iter().flatten().filter_map(text).collect(),
        namespaced: spec["scope"] != "Cluster",
    }
}
