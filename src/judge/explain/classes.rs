//! Explains the class that the API server sets on an Ingress without one
//! (`plugin/pkg/admission/network/defaultingressclass`).
//!
//! Fields that admission fills have no owner, but neither has a field whose managedFields entry was
//! deleted. The mark of the default class distinguishes them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::ReadResult;
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::FieldPath;

/// The annotation that marks the default class
/// (`k8s.io/api/networking/v1/well_known_annotations.go`).
const IS_DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

/// The field in which an Ingress names its class.
const CLASS: &str = "/spec/ingressClassName";

/// Explains the default class of Ingresses.
pub struct DefaultClasses;

impl Explainer for DefaultClasses {
    fn id(&self) -> &'static str {
        "default-ingress-class"
    }

    fn about(&self) -> &'static str {
        "The API server gives an Ingress that names no class the default one."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let is_given = run.declared.iter().any(|one| {
            let is_open = || one.manifest.value().pointer(CLASS).is_none();
            let has_class = || match run.fetched.answers.get(&one.key) {
                Some(ReadResult::Found(live)) => {
                    let live = live.value();
                    live.is_ok_and(|live| live.pointer(CLASS).is_some())
                }
                _ => false,
            };
            one.key.kind == "Ingress" && is_open() && has_class()
        });
        if !is_given {
            return None;
        }
        let classes = run
            .live
            .related("networking.k8s.io/v1", "IngressClass", "")?;
        let defaults = classes.iter().filter(|class| is_default(class));
        let names = defaults.filter_map(|class| class.pointer("/metadata/name")?.as_str());
        Some(Box::new(Defaults(names.map(str::to_owned).collect())))
    }
}

/// The names of the default classes. There should be one, but there may be more.
struct Defaults(BTreeSet<String>);

impl Knowledge for Defaults {
    fn software_set_paths(&self, declared: &Value, live: &Value) -> Vec<FieldPath> {
        let class = live.pointer(CLASS).and_then(Value::as_str);
        let is_ingress = declared.get("kind").is_some_and(|kind| kind == "Ingress");
        let is_default = class.is_some_and(|class| self.0.contains(class));
        if !is_ingress || !is_default {
            return Vec::new();
        }
        vec![FieldPath::of_fields(&["spec", "ingressClassName"])]
    }
}

fn is_default(class: &Value) -> bool {
    let annotations = class.pointer("/metadata/annotations");
    annotations.is_some_and(|all| all.get(IS_DEFAULT).is_some_and(|value| value == "true"))
}
