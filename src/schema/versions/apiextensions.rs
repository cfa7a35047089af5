//! Converts CustomResourceDefinitions: fields that `v1beta1` has once for all versions are in each
//! version in `v1`
//! (`staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1/conversion.go`).

use serde_json::{Map, Value, json};

use super::{object_at, objects_in, rename, set_default, take};

pub(super) fn definition(fields: &mut Map<String, Value>) -> Option<()> {
    let spec = object_at(fields, &["spec"])?;
    let version = take(spec, "version");
    if spec.get("versions").is_none_or(super::super::is_empty) {
        let only = json!({"name": version?, "served": true, "storage": true});
        spec.insert("versions".to_owned(), json!([only]));
    }
    let common = [
        ("schema", take(spec, "validation")),
        ("subresources", take(spec, "subresources")),
        (
            "additionalPrinterColumns",
            take(spec, "additionalPrinterColumns"),
        ),
    ];
    for version in objects_in(spec, "versions") {
        for (field, value) in &common {
            if let Some(value) = value {
                set_default(version, field, value.clone());
            }
        }
        for column in objects_in(version, "additionalPrinterColumns") {
            rename(column, "JSONPath", "jsonPath");
        }
    }
    if let Some(conversion) = object_at(spec, &["conversion"]) {
        let client = take(conversion, "webhookClientConfig");
        let reviews = take(conversion, "conversionReviewVersions");
        if let Some(client) = client {
            let reviews = reviews.unwrap_or_else(|| json!(["v1beta1"]));
            let webhook = json!({"clientConfig": client, "conversionReviewVersions": reviews});
            conversion.insert("webhook".to_owned(), webhook);
        }
    }
    // `v1beta1` definitions keep unknown fields by default.
    set_default(spec, "preserveUnknownFields", json!(true));
    Some(())
}
