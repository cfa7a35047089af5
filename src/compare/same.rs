//! Values that mean the same for reasons that their type does not show: rewrites by the API server
//! of a few fields, and by controllers that write custom resources back.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::walk::Walker;
use crate::facts;
use crate::model::{FieldPath, ManagerEntry, Operation, Owner, PathElement};
use crate::schema::{self, Field, ScalarType, Type, TypeId};

/// The annotation in which a HorizontalPodAutoscaler at `autoscaling/v1` keeps metrics for which v1
/// has no field (`pkg/apis/autoscaling/v1/conversion.go`).
const V1_METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";

/// Annotations of pods from before init containers were a field. The API server drops them
/// (`pkg/apis/core/v1/conversion.go`, `dropInitContainerAnnotations`).
const DROPPED_ANNOTATIONS: [&str; 4] = [
    "pod.alpha.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.beta.kubernetes.io/init-containers",
];

/// The `clusterIP` of a headless Service.
const HEADLESS: &str = "None";

/// Line breaks in YAML 1.1 that are not line breaks in JSON.
const NEXT_LINE: char = '\u{85}';

impl Walker<'_> {
    /// Returns whether a declared and a live scalar mean the same for reasons that their type does
    /// not show.
    pub(super) fn is_respelled(&self, declared: &Value, live: &Value) -> bool {
        if self.is_amount()
            && schema::equal(ScalarType::Quantity, declared, live)
            && self.is_custom()
        {
            return true;
        }
        let (Value::String(declared), Value::String(live)) = (declared, live) else {
            return false;
        };
        (declared.contains(NEXT_LINE) && self.may_be_folded() && folded(declared) == *live)
            || (self.is_custom() && schema::is_canonical_duration(declared, live))
            || (self.is_custom() && schema::is_canonical_time(declared, live))
            || (self.is_v1_metrics() && same_metrics(declared, live))
    }

    /// Returns whether the current path is a resource quantity: `cpu` and the like, and everything
    /// below `requests` and `limits`.
    fn is_amount(&self) -> bool {
        match self.path.0.as_slice() {
            [.., PathElement::Field(above), PathElement::Field(name)] => {
                schema::AMOUNTS.contains(&name.as_str())
                    || matches!(above.as_str(), "requests" | "limits")
            }
            _ => false,
        }
    }

    /// Returns whether a CustomResourceDefinition or an aggregated API defines the object's kind.
    pub(super) fn is_custom(&self) -> bool {
        let text = |field: &str| self.subject.live.get(field).and_then(Value::as_str);
        let (version, kind) = (text("apiVersion"), text("kind"));
        version
            .zip(kind)
            .is_none_or(|(version, kind)| schema::builtin_kind(version, kind).is_none())
    }

    /// Returns whether the manifest may have been applied server-side. The API server parses
    /// applied objects as YAML, even if they were sent as JSON.
    fn may_be_folded(&self) -> bool {
        let entries = &self.subject.ownership.entries;
        let is_apply = |operation| operation == Operation::Apply;
        entries.is_empty() || entries.iter().any(|e| is_apply(e.owner.operation))
    }

    fn is_v1_metrics(&self) -> bool {
        self.path == FieldPath::of_fields(&["metadata", "annotations", V1_METRICS])
            && self
                .subject
                .live
                .get("kind")
                .is_some_and(|kind| kind == "HorizontalPodAutoscaler")
    }

    /// Returns whether the API server drops a declared annotation.
    pub(super) fn is_dropped_annotation(&self) -> bool {
        let [.., PathElement::Field(parent), PathElement::Field(name)] = self.path.0.as_slice()
        else {
            return false;
        };
        parent == "annotations" && DROPPED_ANNOTATIONS.contains(&name.as_str()) && !self.is_custom()
    }

    /// Returns the value that `serviceAccount` is stored as: `serviceAccountName`, its successor,
    /// takes precedence (`pkg/apis/core/v1/conversion.go`, `Convert_v1_PodSpec_To_core_PodSpec`).
    pub(super) fn overruled_alias<'v>(
        &self,
        parent: Option<TypeId>,
        siblings: &'v Map<String, Value>,
    ) -> Option<&'v Value> {
        let name = parent.map(|ty| self.subject.schema.name(ty))?;
        let is_pod = name.split('@').next() == Some("core.v1.PodSpec");
        if !is_pod || self.last_name() != "serviceAccount" {
            return None;
        }
        let successor = siblings.get("serviceAccountName")?;
        successor.as_str().filter(|name| !name.is_empty())?;
        Some(successor)
    }

    /// Returns whether a controller that writes a custom resource back omits this declared value
    /// because of Go's `omitempty`. Not an empty object, which may select a variant, and not zero
    /// replicas, because zero is not their default.
    pub(super) fn is_left_out(&self, ty: Option<TypeId>, field: &Field, declared: &Value) -> bool {
        if field.default.is_some() || field.nullable || !self.is_custom() {
            return false;
        }
        match declared {
            Value::Object(fields) => fields.is_empty() && self.is_map(ty),
            Value::Number(_) => schema::is_zero(declared) && !self.counts_replicas(),
            Value::Array(items) => items.is_empty(),
            _ => schema::is_zero(declared),
        }
    }

    /// Returns the same for a custom resource without a schema. That its controller writes the
    /// specification back is shown by a manager that owns a part of it and also writes the status.
    pub(super) fn is_left_out_by_controller(&self, declared: &Value) -> bool {
        let is_zero = match declared {
            Value::Array(items) => items.is_empty(),
            Value::Number(_) if self.counts_replicas() => false,
            Value::Object(_) | Value::Null => false,
            _ => schema::is_zero(declared),
        };
        is_zero && self.may_be_defaulted() && self.is_custom() && self.is_written_by_controller()
    }

    fn counts_replicas(&self) -> bool {
        self.last_name().to_lowercase().contains("replicas")
    }

    fn is_written_by_controller(&self) -> bool {
        let entries = &self.subject.ownership.entries;
        let writes = |entry: &ManagerEntry, field| entry.fields.fields.contains_key(field);
        let is_person = |owner: &Owner| owner.manager.starts_with(facts::KUBECTL);
        let rewrites = |entry: &&ManagerEntry| {
            entry.owner.operation == Operation::Update
                && writes(entry, "spec")
                && !is_person(&entry.owner)
                && !self.subject.appliers.declares(entry)
        };
        let mut rewriters = entries.iter().filter(rewrites);
        rewriters.any(|rewriter| {
            let is_it = |entry: &ManagerEntry| entry.owner.manager == rewriter.owner.manager;
            entries
                .iter()
                .any(|entry| is_it(entry) && writes(entry, "status"))
        })
    }

    /// Returns whether a declared certificate is a placeholder that is replaced by injection: it is
    /// not a valid certificate.
    pub(super) fn is_placeholder(&self, declared: &Value) -> bool {
        let decoded = |text: &str| STANDARD.decode(text.trim()).unwrap_or_default();
        self.last_name() == "caBundle"
            && declared.as_str().is_some_and(|text| {
                let decoded = decoded(text);
                let text = String::from_utf8_lossy(&decoded);
                !text.contains("-----BEGIN CERTIFICATE-----")
            })
    }

    /// Returns whether the current field is a port of a Service that was changed to a type with
    /// such ports: the server may have allocated it or someone may have chosen it, which nothing
    /// shows.
    pub(super) fn is_allocated_by_change(&self) -> bool {
        if self.last_name() != "nodePort" || !self.subject.ownership.is_empty() {
            return false;
        }
        let spec = self.subject.declared.get("spec");
        let ty = spec.and_then(|spec| spec.get("type")?.as_str());
        let is_service = (self.subject.live.get("kind")).is_some_and(|kind| kind == "Service");
        is_service && !matches!(ty, Some("NodePort" | "LoadBalancer"))
    }

    /// Returns whether the server allocated the current value of a Service, and someone applied it
    /// again from an export: an address or its family, if the server could have allocated it, or a
    /// port whose owner also owns the address.
    pub(super) fn is_written_back(&self) -> bool {
        const ALLOCATED: [&str; 2] = ["nodePort", "healthCheckNodePort"];
        let live = self.subject.live;
        if live.get("kind").is_none_or(|kind| kind != "Service") {
            return false;
        }
        if self.is_address() {
            return live.get("spec").is_some_and(is_one_allocation);
        }
        if !ALLOCATED.contains(&self.last_name()) {
            return false;
        }
        let ownership = self.subject.ownership;
        let of = |field: &str| ownership.owners_of(&FieldPath::of_fields(&["spec", field]), 2);
        let owners = self.owners();
        let wrote_back = |owner: &&Owner| {
            ["clusterIP", "ipFamilies"]
                .iter()
                .any(|field| of(field).contains(owner))
        };
        self.subject.sent.value().is_some() && !owners.is_empty() && owners.iter().all(wrote_back)
    }

    /// Returns whether the current field is the address of a Service that is headless live but not
    /// in the manifest. The server gives every other Service an address, so someone set `None`.
    pub(super) fn is_headless_by_hand(&self) -> bool {
        let is_none = |side: &Value, path: &str| {
            let address = side.pointer(path).and_then(Value::as_str);
            address == Some(HEADLESS)
        };
        let (declared, live) = (self.subject.declared, self.subject.live);
        self.stands_at(&["spec", "clusterIP"])
            && live.get("kind").is_some_and(|kind| kind == "Service")
            && is_none(live, "/spec/clusterIP")
            && !is_none(declared, "/spec/clusterIP")
            && !is_none(declared, "/spec/clusterIPs/0")
    }

    /// Returns whether the current field is, or is in, the addresses of a Service or their
    /// families.
    fn is_address(&self) -> bool {
        const ADDRESSES: [&str; 3] = ["clusterIP", "clusterIPs", "ipFamilies"];
        match self.path.0.as_slice() {
            [PathElement::Field(spec), PathElement::Field(name), ..] => {
                spec == "spec" && ADDRESSES.contains(&name.as_str())
            }
            _ => false,
        }
    }

    /// Returns whether the manifest declares a field that its type does not have.
    pub(super) fn is_unknown_field(&self, parent: Option<TypeId>, field: Option<&Field>) -> bool {
        let known = parent.map(|ty| self.subject.schema.get(ty));
        field.is_none() && matches!(known, Some(Type::Struct { open: false, .. }))
    }

    /// Returns the keys that identify the items of an atomic list nevertheless: a node has one
    /// taint per key and effect (`pkg/apis/core/validation`, `validateNodeTaints`).
    pub(super) fn keys_of_atomic(&self, item: TypeId) -> Option<[Box<str>; 2]> {
        let is_taint = self.subject.schema.name(item) == "core.v1.Taint";
        is_taint.then(|| ["effect".into(), "key".into()])
    }
}

/// Returns whether the addresses and families of a Service are consistent, as the server allocates
/// and validates them: one or two addresses, the first of which is `clusterIP`, each of its own
/// family (`pkg/registry/core/service/storage/alloc.go`, `ValidateServiceClusterIPsRelatedFields`).
fn is_one_allocation(spec: &Value) -> bool {
    let texts = |name: &str| -> Option<Vec<&str>> {
        let items = spec.get(name)?.as_array()?;
        items.iter().map(Value::as_str).collect()
    };
    let first = spec.get("clusterIP").and_then(Value::as_str);
    let families = texts("ipFamilies");
    let are_families = families.as_ref().is_none_or(|families| {
        let known = families.iter().all(|it| matches!(*it, "IPv4" | "IPv6"));
        let twice = families.len() == 2 && families[0] == families[1];
        known && !twice && matches!(families.len(), 1 | 2)
    });
    // Servers before 1.20 have only a single address.
    let addresses = texts("clusterIPs").or_else(|| first.map(|first| vec![first]));
    let (Some(addresses), true) = (addresses, are_families) else {
        return false;
    };
    if first.is_some_and(|first| addresses.first() != Some(&first)) {
        return false;
    }
    if addresses == [HEADLESS] {
        return true;
    }
    let family_of = |address: &&str| match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => Some("IPv4"),
        Ok(IpAddr::V6(_)) => Some("IPv6"),
        Err(_) => None,
    };
    let of_addresses: Option<Vec<&str>> = addresses.iter().map(family_of).collect();
    of_addresses.is_some_and(|found| families.is_none_or(|families| families == found))
}

/// Returns a text as YAML 1.1 reads it within quotes: line breaks are folded, with the blanks
/// around them.
fn folded(text: &str) -> String {
    let is_blank = |c: char| c == ' ' || c == '\t';
    let mut lines = text.split(NEXT_LINE);
    let mut folded = lines.next().unwrap_or_default().to_owned();
    let mut empty = 0;
    for line in lines {
        let line = line.trim_start_matches(is_blank);
        let kept = folded.trim_end_matches(is_blank).len();
        folded.truncate(kept);
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if empty == 0 {
            folded.push(' ');
        }
        folded.extend(std::iter::repeat_n('\n', empty));
        folded.push_str(line);
        empty = 0;
    }
    if empty > 0 {
        // The last break is folded with the end of the text.
        folded.push_str(&if empty == 1 {
            " ".to_owned()
        } else {
            "\n".repeat(empty - 1)
        });
    }
    folded
}

/// Returns whether two lists of metrics in JSON are the same. The API server rewrites them with
/// canonical quantities and without empty values.
fn same_metrics(declared: &str, live: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (read(declared), read(live)) {
        (Some(declared), Some(live)) => same_json(&declared, &live),
        _ => false,
    }
}

fn same_json(declared: &Value, live: &Value) -> bool {
    match (declared, live) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let says = |value: &&Value| !(schema::is_zero(value) || schema::is_empty(value));
            let of = |fields: &Map<String, Value>| fields.values().filter(says).count();
            of(ours) == of(theirs)
                && ours
                    .iter()
                    .filter(|(_, value)| says(value))
                    .all(|(name, a)| theirs.get(name).is_some_and(|b| same_json(a, b)))
        }
        (declared, live) => schema::equal(ScalarType::Quantity, declared, live),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folds_line_breaks_as_yaml_does() {
        for (text, expected) in [
            ("a\u{85}b", "a b"),
            ("a \u{85} b", "a b"),
            ("a\u{85}\u{85}b", "a\nb"),
            ("a\u{85}\u{85}\u{85}b", "a\n\nb"),
            ("\u{85}b", " b"),
            ("a\u{85}", "a "),
            ("plain", "plain"),
        ] {
            assert_eq!(folded(text), expected, "{text:?}");
        }
    }

    #[test]
    fn addresses_and_families_must_be_consistent() {
        let cases: [(&str, &[&str], &[&str], bool); 12] = [
            ("10.0.0.7", &["10.0.0.7"], &["IPv4"], true),
            ("fd00::7", &["fd00::7"], &["IPv6"], true),
            (
                "10.0.0.7",
                &["10.0.0.7", "fd00::7"],
                &["IPv4", "IPv6"],
                true,
            ),
            ("None", &["None"], &["IPv4"], true),
            ("None", &["None"], &["IPv4", "IPv6"], true),
            ("10.0.0.7", &["10.0.0.7-by-hand"], &["IPv4"], false),
            ("10.0.0.7", &["10.0.0.8"], &["IPv4"], false),
            ("10.0.0.7", &["10.0.0.7"], &["IPv6"], false),
            ("10.0.0.7", &["10.0.0.7"], &["IPv4-by-hand"], false),
            ("10.0.0.7", &["10.0.0.7"], &["IPv4", "IPv4"], false),
            ("10.0.0.7", &["10.0.0.7"], &["IPv4", "IPv6"], false),
            ("10.0.0.7", &["None"], &["IPv4"], false),
        ];
        for (first, all, families, is_one) in cases {
            let spec = json!({"clusterIP": first, "clusterIPs": all, "ipFamilies": families});
            assert_eq!(is_one_allocation(&spec), is_one, "{spec}");
        }
    }

    #[test]
    fn metrics_in_another_spelling_are_equal() {
        let declared =
            r#"[{"type":"Pods","pods":{"metricName":"rate","targetAverageValue":"1000m"}}]"#;
        let live = r#"[{"pods":{"targetAverageValue":"1","metricName":"rate","selector":null},"type":"Pods"}]"#;
        let other = r#"[{"type":"Pods","pods":{"metricName":"rate","targetAverageValue":"2"}}]"#;
        assert!(same_metrics(declared, live));
        assert!(!same_metrics(declared, other));
        assert!(!same_metrics(declared, "["));
    }
}
